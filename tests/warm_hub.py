"""``hub`` commands that need not import the hub: one warm process has done so, and forks for each command.

What a command is stays the same: a process of its own with the caller's folder, environment, input and outputs; its exit code
and the signals of the one who started it go through. Only how Python starts is not seen; tests/cli and the README's commands
show that.
"""

from __future__ import annotations

import os
import selectors
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

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


@contextmanager
def warm_hub(folder: Path) -> Iterator[str]:
    """The text of a script that runs ``hub`` as the console script does, while the warm process is there."""
    address = folder / "hub.socket"
    caller = folder / "caller.py"
    caller.write_text(_CALLER.format(address=str(address)), encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("HUB_", "PORTAL_"))}
    warm = subprocess.Popen(
        [sys.executable, __file__, str(address)], cwd=folder, env={**environment, "PYTHONPATH": str(Path(__file__).parents[1])},
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert warm.stdout is not None
    try:
        assert warm.stdout.readline() == "warm\n", warm.communicate()
        yield f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -I -S {shlex.quote(str(caller))} "$@"\n'
    finally:
        warm.terminate()
        warm.communicate(timeout=20)


def _serve(address: str) -> None:
    """For ever; returns in each fork, where folder, environment, arguments and files are those of its caller."""
    warm = os.getpid()
    door = socket.socket(socket.AF_UNIX)
    door.bind(address)
    door.listen(64)
    print("warm", flush=True)
    watched = selectors.DefaultSelector()
    watched.register(door, selectors.EVENT_READ)
    callers: dict[int, socket.socket] = {}  # of each fork: whom its exit code is told
    forks: dict[int, int] = {}  # its pid → the file descriptor that says when it has ended
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    try:
        while True:
            for key, _ in sorted(watched.select(), key=lambda one: one[0].fileobj is door):  # ends first, then what begins
                if key.fileobj is door:
                    line, _ = door.accept()
                    pid = _begin(line)
                    if pid == 0:
                        watched.close()
                        for other in (door, *callers.values()):
                            other.close()
                        for number in forks.values():
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
    pid = os.fork()
    if pid:
        line.sendall(pid.to_bytes(8, "big"))
    else:
        line.close()
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        for number, one in enumerate(files):
            os.dup2(one, number)
        count = int(said[1])
        os.chdir(said[0])
        sys.argv[1:] = said[2 : 2 + count]
        os.environ.clear()
        os.environ.update(pair.split("=", 1) for pair in said[2 + count :])
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

    import uvloop  # noqa: F401

    import hub.app
    import hub.assembly
    import hub.cli.explain
    import hub.cli.main
    import hub.cli.posting
    import hub.store.sql
    import hub.testing.simulator
    import hub.translation  # noqa: F401

    for group in ("hub.connectors", "hub.simulators"):
        for one in entry_points(group=group):
            one.load()
    gc.collect()
    gc.freeze()


if __name__ == "__main__":
    _import_all()
    _serve(sys.argv.pop(1))
    from hub.cli.main import main

    main()
