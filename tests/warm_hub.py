"""``hub`` commands that need not import the hub: one warm process of the whole test run has done so, and forks for each.

What a command is stays the same: a process of its own with the caller's folder, environment, input and outputs; its exit code
and the signals of the one who started it go through. Only how Python starts is not seen, a home that the warm process knows by
every byte is not compiled again, an empty SQLite file not migrated and the commands' options not made anew (``known_catalog``,
``known_database``, ``known_commands``); ``COLD`` in tests/cli, the README's commands and the image show that.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
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
FOLDER = "WARM_HUB_OF_THE_TESTS"
"""The variable with the folder of the test run, which all its workers know."""

_CALLER = """\
import _signal, _socket, posix, sys  # what os, signal and socket are made of: those take longer to import than Python to start
line = _socket.socket(_socket.AF_UNIX)
line.connect({address!r})
held = [_signal.SIGTERM, _signal.SIGINT, _signal.SIGHUP]
_signal.pthread_sigmask(_signal.SIG_BLOCK, held)
words = [word.encode(sys.getfilesystemencoding(), "surrogateescape") for word in sys.argv[1:]]
said = b"\\0".join([posix.getcwdb(), b"%d" % len(words), *words, *(a + b"=" + b for a, b in posix.environ.items())])
files = b"".join(number.to_bytes(4, sys.byteorder) for number in (0, 1, 2))
line.sendmsg([len(said).to_bytes(8, "big")], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, files)])
line.sendall(said)
worker = int.from_bytes(line.recv(8, _socket.MSG_WAITALL), "big")
for number in held:
    if _signal.getsignal(number) != _signal.SIG_IGN:
        _signal.signal(number, lambda number, _: posix.kill(worker, number))
_signal.pthread_sigmask(_signal.SIG_UNBLOCK, held)
ended = line.recv(8, _socket.MSG_WAITALL)
code = int.from_bytes(ended, "big", signed=True) if ended else 70
if code < 0:
    _signal.signal(-code, _signal.SIG_DFL)
    posix.kill(posix.getpid(), -code)
posix._exit(code)
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
        [sys.executable, __file__, str(folder)], cwd=folder,
        env={**environment, "PYTHONPATH": str(Path(__file__).parents[1]), FOLDER: str(folder)},
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert _warm.stdout is not None
    assert _warm.stdout.readline() == "listening\n"
    os.environ[FOLDER] = str(folder)


_warm: subprocess.Popen[str] | None = None


def stop() -> None:
    """End the warm process that this process started, if it did."""
    global _warm
    if _warm is not None:
        _warm.terminate()
        _warm.communicate(timeout=20)
        _warm = None
        shutil.rmtree(os.environ.pop(FOLDER), ignore_errors=True)


def warm() -> Path:
    """The folder of the warm process: ``hub`` and ``python``, for modules and code of the hub."""
    if FOLDER not in os.environ:
        start()
    return Path(os.environ[FOLDER])


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
                    if pid is None:
                        line.close()
                        continue
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


def _begin(line: socket.socket) -> int | None:
    """Fork for a caller; in the fork take his place and return 0. None: he was killed before he had said what he wants."""
    try:
        size, files, _, _ = socket.recv_fds(line, 8, 3)
        wanted = int.from_bytes(size, "big")
        heard = line.recv(wanted, socket.MSG_WAITALL)
    except OSError:
        return None
    if len(size) < 8 or len(heard) < wanted:
        for one in files:
            os.close(one)
        return None
    said = os.fsdecode(heard).split("\0")
    count = int(said[1])
    words, environment = said[2 : 2 + count], dict(pair.split("=", 1) for pair in said[2 + count :])
    _know(words, Path(said[0], environment.get("HUB_HOME", "")))
    gc.freeze()  # what a fork shares it need not look through
    pid = os.fork()
    if pid:
        with contextlib.suppress(OSError):  # killed meanwhile: his line says so, and his fork goes with him
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
        with contextlib.suppress(OSError):  # killed meanwhile
            line.sendall(code.to_bytes(8, "big", signed=True))
    line.close()


def _import_all() -> None:
    """What the commands of the hub import when they need it. Nothing of it starts a thread or makes an id."""
    from importlib.metadata import entry_points

    import known_catalog
    import known_commands
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
    for known in (known_catalog, known_commands, known_database):
        known.install()
    known_database.prepare()
    gc.collect()


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
    tempfile.tempdir = None  # where the caller's environment says, not the warm process's
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
