"""One bash session in which the commands of a page are typed, and what each of them printed."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import subprocess
import threading
import time
from pathlib import Path

_END = "@@ended"


class ShellSession:
    """``run`` types one command and gives (exit code, output); ``see`` waits for lines of commands in the background."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            ["bash", "--norc", "--noprofile"], cwd=folder, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, bufsize=1, start_new_session=True,
        )  # fmt: skip
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line.rstrip("\n"))
        self._lines.put(None)

    def run(self, command: str, seconds: float = 60.0) -> tuple[int, list[str]]:
        """The exit code of one command, and the lines printed until it ended."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{command}\nprintf '\\n{_END} %s\\n' $?\n")
        self._process.stdin.flush()
        printed: list[str] = []
        until = time.monotonic() + seconds
        while True:
            line = self._next(until)
            if line.startswith(f"{_END} "):
                return int(line.split()[1]), printed
            printed.append(line)

    def see(self, seconds: float = 30.0) -> str:
        """The next line that anything prints."""
        return self._next(time.monotonic() + seconds)

    def _next(self, until: float) -> str:
        line = self._lines.get(timeout=max(0.0, until - time.monotonic()))
        if line is None:
            raise EOFError("the shell ended")
        return line

    def close(self) -> None:
        """End the shell and everything that it started."""
        assert self._process.stdin is not None and self._process.stdout is not None
        with contextlib.suppress(ProcessLookupError, subprocess.TimeoutExpired):
            os.killpg(self._process.pid, signal.SIGTERM)
            self._process.wait(timeout=1)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._reader.join(timeout=5)
        self._process.stdin.close()
        self._process.stdout.close()
