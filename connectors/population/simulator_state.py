"""The simulated registry's memory: which questions it was asked, by whom, and how each ended. Never a name or a birth date.

The file is JSON lines, one per question, appended in one write before the answer leaves: a SIGKILL loses nothing that was
answered, and a line cut off by one was never answered and is dropped at the next start.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import orjson

from hub.errors import BadConfig, Problem


@dataclass(frozen=True, slots=True)
class Asked:
    """One question: ``officer`` is MaCanBo, ``request`` MaYeuCau, ``procedure`` MaDVC, ``code`` MaTichHop; ``via`` is
    ``direct`` or ``lgsp``; ``outcome`` is found, not_found, or the word of the refusal."""

    at: str
    via: str
    operation: str
    officer: str
    request: str
    procedure: str
    code: str
    outcome: str


class QuestionLog:
    """Every question in order. One process at a time may hold a state file; raises BadConfig if it is held or damaged."""

    def __init__(self, state_file: Path | None = None) -> None:
        self.questions: list[Asked] = []
        self._answered: set[str] = set()
        self._file: int | None = None
        self._size = 0
        if state_file is not None:
            self._open(state_file)

    def _open(self, path: Path) -> None:
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
                self._keep(Asked(**orjson.loads(line)))
        except (orjson.JSONDecodeError, TypeError) as error:
            self.close()
            hint = "remove the file to start with an empty log"
            raise BadConfig([Problem("state", "damaged", f"{path} is not a state file", hint)]) from error
        os.ftruncate(self._file, len(whole))
        self._size = len(whole)

    def close(self) -> None:
        """Lets the state file go; the log can still be read."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def was_answered(self, request: str) -> bool:
        """Whether a question of this MaYeuCau was answered before."""
        return request in self._answered

    def add(self, asked: Asked) -> None:
        """Keeps one question: in the file, then in memory. OSError: nothing happened."""
        if self._file is not None:
            line = memoryview(orjson.dumps(asked) + b"\n")
            try:
                written = 0
                while written < len(line):
                    written += os.write(self._file, line[written:])
            except OSError:
                os.ftruncate(self._file, self._size)
                raise
            self._size += len(line)
        self._keep(asked)

    def _keep(self, asked: Asked) -> None:
        self.questions.append(asked)
        if asked.outcome in ("found", "not_found"):
            self._answered.add(asked.request)

    def as_list(self) -> list[Mapping[str, Any]]:
        """All questions as JSON values, oldest first."""
        return [{"seq": seq, **asdict(asked)} for seq, asked in enumerate(self.questions, 1)]
