"""Forks hubs and simulators out of a process that has imported them already, and has read the schemas and mappings of their
homes (``known_catalog``): real processes that start in a moment.

One JSON order a line on stdin, one JSON answer a line on stdout; at the end of stdin every child is ended. A child runs the
same ``main`` as the command of the same name, with its own environment, folder and standard streams.
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

_IMPORTED = (
    "hub.cli.main", "hub.app", "hub.assembly", "hub.translation.lint", "hub.store.migrate", "alembic.command", "uvloop",
    "connectors.national_portal.connector", "connectors.national_portal.simulator", "connectors.population.connector",
    "connectors.population.simulator", "connectors.files.connector", "connectors.database.connector",
)  # fmt: skip
_NEW_MOUNTS, _NEW_USER, _PRIVATE, _RECURSIVE = 0x20000, 0x10000000, 1 << 18, 1 << 14


def _hub() -> Any:
    from hub.cli.main import main

    return main()


def _simulator() -> Any:
    from connectors.national_portal.simulator import PortalSimulator
    from hub.testing.simulator import run_process

    return run_process(PortalSimulator)


def _registry() -> Any:
    from connectors.population.simulator import PopulationSimulator
    from hub.testing.simulator import run_process

    return run_process(PopulationSimulator)


_KINDS: dict[str, Callable[[], Any]] = {"hub": _hub, "simulator": _simulator, "registry": _registry}


def small_disk(folder: str, size: int) -> None:
    """Put a file system of ``size`` bytes, with the folder's files in it, on the folder, seen by this process only.

    OSError where that is not allowed.
    """
    files = {file: file.read_bytes() for file in Path(folder).iterdir() if file.is_file()}
    libc = ctypes.CDLL(None, use_errno=True)
    uid, gid = os.getuid(), os.getgid()
    _must(libc.unshare(_NEW_MOUNTS | (_NEW_USER if uid else 0)))
    if uid:
        for name, text in (("setgroups", "deny"), ("uid_map", f"0 {uid} 1"), ("gid_map", f"0 {gid} 1")):
            Path(f"/proc/self/{name}").write_text(text)
    _must(libc.mount(b"none", b"/", None, _PRIVATE | _RECURSIVE, None))
    _must(libc.mount(b"tmpfs", folder.encode(), b"tmpfs", 0, f"size={size}".encode()))
    for file, content in files.items():
        file.write_bytes(content)


def _must(result: int) -> None:
    if result != 0:
        raise OSError(ctypes.get_errno(), "a small disk is not allowed here")


def _become(order: dict[str, Any]) -> None:
    """In the child: take the order's surroundings, run its main, end."""
    code = 70
    try:
        for number, path, flags in (
            (0, os.devnull, os.O_RDONLY),
            (1, order["out"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC),
            (2, order["err"], os.O_WRONLY | os.O_CREAT | os.O_APPEND),
        ):
            opened = os.open(path, flags, 0o600)
            os.dup2(opened, number)
            os.close(opened)
        sys.stdin = open(0, closefd=False)  # noqa: SIM115
        sys.stdout, sys.stderr = open(1, "w", closefd=False), open(2, "w", closefd=False)  # noqa: SIM115
        if order.get("small_disk"):
            small_disk(*order["small_disk"])
        os.environ.update(order["environment"])
        os.chdir(order["folder"])
        sys.argv = [order["kind"], *order["words"]]
        if order.get("sabotage"):
            importlib.import_module("seams.sabotage").KINDS[order["sabotage"]]()
        code = _KINDS[order["kind"]]() or 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _ended(pid: int, seconds: float) -> int | None:
    """The exit code (negative for a signal), None when it still runs after the time."""
    end = time.monotonic() + seconds
    while True:
        found, status = os.waitpid(pid, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() >= end:
            return None
        time.sleep(0.002)


def serve() -> None:
    """Take orders until stdin ends, then end the children that are left."""
    for name in _IMPORTED:
        importlib.import_module(name)
    known = importlib.import_module("known_catalog")
    known.install()
    importlib.import_module("known_commands").install()
    children: set[int] = set()
    print(json.dumps({"ready": os.getpid()}), flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        if "kind" in order:
            if order["words"][:1] == ["--home"]:
                known.prepare(Path(order["words"][1]))
            gc.freeze()  # what the children share they need not look through
            pid = os.fork()
            if pid == 0:
                _become(order)
            children.add(pid)
            answer: dict[str, Any] = {"pid": pid}
        else:
            code = _ended(order["wait"], order["seconds"])
            if code is not None:
                children.discard(order["wait"])
            answer = {"code": code}
        print(json.dumps(answer), flush=True)
    for pid in children:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


if __name__ == "__main__":
    # the folder of this file must not shadow other modules; tests/ holds the package of the sabotages
    sys.path[0] = str(Path(__file__).resolve().parents[1])
    serve()
