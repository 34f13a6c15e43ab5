"""A simulator as a user starts it: a process of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[1]


@contextmanager
def simulator(module: str, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The process and its URL; it is killed at the end."""
    command = [sys.executable, "-m", module, "--port", "0", *arguments]
    child = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    try:
        yield child, child.stdout.readline().strip().removeprefix("listening on ")
    finally:
        child.kill()
        child.wait()
        child.stdout.close()
