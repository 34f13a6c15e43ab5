"""What a simulator remembers, on disk at once: JSON lines, so that a SIGKILL loses nothing that was answered.

A line that a kill cut off was never answered; it is dropped at the next start.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson

from hub.errors import BadConfig, Problem


class Journal:
    """One process at a time may hold the file. Each line there is goes to ``take`` first, which raises TypeError for one that
    it does not know. Raises BadConfig if the file is held or damaged; ``start_anew`` says what removing it means."""

    def __init__(self, path: Path, take: Callable[[Any], None], start_anew: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self.close()
            raise BadConfig([Problem("state", "in_use", f"{path} is used by another simulator process")]) from error
        content = path.read_bytes()
        whole = content[: content.rfind(b"\n") + 1]
        try:
            for line in whole.splitlines():
                take(orjson.loads(line))
        except (orjson.JSONDecodeError, TypeError) as error:
            self.close()
            hint = f"remove the file to start with {start_anew}"
            raise BadConfig([Problem("state", "damaged", f"{path} is not a state file", hint)]) from error
        os.ftruncate(self._file, len(whole))
        self._size = len(whole)

    def append(self, value: Any) -> None:
        """One more line, whole or not at all. OSError: nothing happened."""
        line = memoryview(orjson.dumps(value) + b"\n")
        try:
            written = 0
            while written < len(line):
                written += os.write(self._file, line[written:])
        except OSError:
            os.ftruncate(self._file, self._size)
            raise
        self._size += len(line)

    def close(self) -> None:
        """Let the file go."""
        os.close(self._file)
