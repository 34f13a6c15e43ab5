"""``hub`` commands that need not import the hub: one warm process of the whole test run has done so, and forks for each.

What a command is stays the same: a process of its own with the caller's folder, environment, input and outputs; its exit code
and the signals of the one who started it go through. Only how Python starts is not seen, a home that the warm process knows by
every byte is not compiled again, and an empty SQLite file not migrated (``known_catalog``, ``known_database``); ``COLD`` in
tests/cli, the README's commands and the image show that.
"""

from __future__ import annotations

import atexit
import contextlib
import importlib
import os
import runpy
import selectors
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

COLD = (sys.executable, "-c", "from hub.cli.main import main; main()")
"""``hub`` as its users start it."""
_FOLDER = "WARM_HUB_OF_THE_TESTS"

_CALLER = """\
import os, signal, socket, sys
line = socket.socket(socket.AF_UNIX)
line.connect({address!r})
held = [number for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)]
signal.pthread_sigmask(signal.SIG_BLOCK, held)
said = chr(0).join([os.getcwd(), str(len(sys.argv) - 1), *sys.argv[1:], *(a + "=" + b for a, b in os.environ.items())])
socket.send_fds(line, [len(said := os.fsencode(said)).to_bytes(8, "big")], [0, 1, 2])
line.sendall(said)
worker = int.from_bytes(line.recv(8, socket.MSG_WAITALL), "big")
for number in held:
    if signal.getsignal(number) is not signal.SIG_IGN:
        signal.signal(number, lambda number, _: os.kill(worker, number))
signal.pthread_sigmask(signal.SIG_UNBLOCK, held)
ended = line.recv(8, socket.MSG_WAITALL)
code = int.from_bytes(ended, "big", signed=True) if ended else 70
if code < 0:
    signal.signal(-code, signal.SIG_DFL)
    os.kill(os.getpid(), -code)
os._exit(code)
"""


def start() -> None:
    """Start the warm process of this test run; who calls it before it is ready waits."""
    global _warm
    folder = Path(tempfile.mkdtemp(prefix="warm-hub-"))
    (folder / "caller.py").write_text(_CALLER.format(address=str(folder / "socket")), encoding="utf-8")
    python = shlex.join([sys.executable, "-I", "-S", str(folder / "caller.py")])
    for name, words in (("python", ""), ("hub", shlex.join(COLD[1:]))):
        (folder / name).write_text(f'#!/bin/sh\nexec {python} {words} "$@"\n', encoding="utf-8")
        (folder / name).chmod(0o755)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("HUB_", "PORTAL_"))}
    _warm = subprocess.Popen(
        [sys.executable, __file__, str(folder)], cwd=folder, env={**environment, "PYTHONPATH": str(Path(__file__).parents[1])},
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert _warm.stdout is not None
    assert _warm.stdout.readline() == "listening\n"
    os.environ[_FOLDER] = str(folder)


_warm: subprocess.Popen[str] | None = None


def stop() -> None:
    """End the warm process that this process started, if it did."""
    global _warm
    if _warm is not None:
        _warm.terminate()
        _warm.communicate(timeout=20)
        _warm = None
        shutil.rmtree(os.environ.pop(_FOLDER), ignore_errors=True)


def warm() -> Path:
    """The folder of the warm process: ``hub`` and ``python``, for modules and code of the hub."""
    if _FOLDER not in os.environ:
        start()
    return Path(os.environ[_FOLDER])


class Words:
    """The words of a command, as a tuple has them: ``[*HUB, "check"]``."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __iter__(self) -> Iterator[str]:
        return iter([str(warm() / self._name)])


def _serve(door: socket.socket) -> None:
    """While the test run lasts; returns in each fork, which has its caller's folder, environment, arguments and files."""
    warm = os.getpid()
    watched = selectors.DefaultSelector()
    watched.register(door, selectors.EVENT_READ)
    run = os.pidfd_open(os.getppid())
    watched.register(run, selectors.EVENT_READ)
    callers: dict[int, socket.socket] = {}  # of each fork: whom its exit code is told
    forks: dict[int, int] = {}  # its pid → the file descriptor that says when it has ended
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    try:
        while True:
            for key, _ in sorted(watched.select(), key=lambda one: one[0].fileobj is door):  # ends first, then what begins
                if key.fileobj == run:
                    shutil.rmtree(Path.cwd(), ignore_errors=True)
                    sys.exit()
                elif key.fileobj is door:
                    line, _ = door.accept()
                    pid = _begin(line)
                    if pid == 0:
                        watched.close()
                        for other in (door, *callers.values()):
                            other.close()
                        for number in (run, *forks.values()):
                            os.close(number)
                        return
                    callers[pid], forks[pid] = line, os.pidfd_open(pid)
                    watched.register(line, selectors.EVENT_READ, pid)
                    watched.register(forks[pid], selectors.EVENT_READ, pid)
                elif key.data in forks:
                    line, end = callers.pop(key.data), forks.pop(key.data)
                    _end(key.data, line, end, watched, killed=key.fileobj is line)
    finally:
        if os.getpid() == warm:
            for pid in forks:
                os.kill(pid, signal.SIGKILL)


def _begin(line: socket.socket) -> int:
    """Fork for a caller; in the fork take his place and return 0."""
    size, files, _, _ = socket.recv_fds(line, 8, 3)
    said = os.fsdecode(line.recv(int.from_bytes(size, "big"), socket.MSG_WAITALL)).split("\0")
    count = int(said[1])
    words, environment = said[2 : 2 + count], dict(pair.split("=", 1) for pair in said[2 + count :])
    _know(words, Path(said[0], environment.get("HUB_HOME", "")))
    pid = os.fork()
    if pid:
        line.sendall(pid.to_bytes(8, "big"))
    else:
        line.close()
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        for number, one in enumerate(files):
            os.dup2(one, number)
        os.chdir(said[0])
        sys.argv[1:] = words
        os.environ.clear()
        os.environ.update(environment)
        sys.path[:0] = [one for one in os.environ.get("PYTHONPATH", "").split(os.pathsep) if one and one not in sys.path]
    for one in files:
        os.close(one)
    return pid


def _end(pid: int, line: socket.socket, end: int, watched: selectors.BaseSelector, *, killed: bool) -> None:
    """A fork has ended, or its caller was killed, and it with him."""
    if killed:
        os.kill(pid, signal.SIGKILL)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    watched.unregister(end)
    watched.unregister(line)
    os.close(end)
    if not killed:
        line.sendall(code.to_bytes(8, "big", signed=True))
    line.close()


def _import_all() -> None:
    """What the commands of the hub import when they need it. Nothing of it starts a thread or makes an id."""
    import gc
    from importlib.metadata import entry_points

    import known_catalog
    import known_database
    import uvloop  # noqa: F401

    import hub.app
    import hub.assembly
    import hub.cli.explain
    import hub.cli.main
    import hub.cli.posting
    import hub.store.sql
    import hub.testing.conformance
    import hub.testing.simulator
    import hub.translation  # noqa: F401

    for group in ("hub.connectors", "hub.simulators"):
        for one in entry_points(group=group):
            one.load()
    known_catalog.install()
    known_database.install()
    gc.collect()
    gc.freeze()


def _know(words: list[str], home: Path) -> None:
    """What a command is about to read and lint."""
    import known_catalog

    if "--home" in words[:-1]:
        home = home / words[words.index("--home") + 1]
    if {"run", "check", "explain"} & set(words) and (home / "config.yaml").is_file():
        with contextlib.suppress(Exception):  # the command itself will say it
            known_catalog.prepare(home)


def _become() -> NoReturn:
    """In a fork: be the Python that its caller started."""
    sys.stdin, sys.stdout = open(0, closefd=False), open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", closefd=False, errors="backslashreplace")  # noqa: SIM115
    sys.executable = str(Path(sys.argv[0]).with_name("python"))
    places = [place for place in os.environ.get("PYTHONPATH", "").split(os.pathsep) if place]
    sys.path[:0] = places
    if any((Path(place) / "sitecustomize.py").is_file() for place in places):
        sys.modules.pop("sitecustomize", None)
        importlib.import_module("sitecustomize")
    kind, what, *_ = sys.argv[1:]
    del sys.argv[1:3]
    code: object = None
    try:
        if kind == "-c":
            sys.argv[0] = kind
            exec(compile(what, "<string>", "exec"), {"__name__": "__main__"})
        else:
            assert kind == "-m", kind
            sys.modules.pop(what, None)  # else runpy warns
            runpy.run_module(what, run_name="__main__", alter_sys=True)
    except SystemExit as end:
        code = end.code
    if not (code is None or isinstance(code, int)):
        raise SystemExit(code)
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit((code or 0) & 0xFF)  # taking apart all that was imported for it takes longer than many a command


if __name__ == "__main__":
    folder = sys.argv.pop(1)
    _door = socket.socket(socket.AF_UNIX)
    _door.bind(f"{folder}/socket")
    _door.listen(64)
    print("listening", flush=True)
    _import_all()
    _serve(_door)
    sys.argv[0] = f"{folder}/warm"
    _become()
