"""The simulated registry's memory: which questions it was asked, by whom, and how each ended. Never a name or a birth date.

The file is JSON lines, one per question, appended in one write before the answer leaves: a SIGKILL loses nothing that was
answered, and a line cut off by one was never answered and is dropped at the next start.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from hub.testing.journal import Journal


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
        self._journal: Journal | None = None
        if state_file is not None:
            self._journal = Journal(state_file, lambda line: self._keep(Asked(**line)), "an empty log")

    def close(self) -> None:
        """Lets the state file go; the log can still be read."""
        if self._journal is not None:
            self._journal.close()
            self._journal = None

    def was_answered(self, request: str) -> bool:
        """Whether a question of this MaYeuCau was answered before."""
        return request in self._answered

    def add(self, asked: Asked) -> None:
        """Keeps one question: in the file, then in memory. OSError: nothing happened."""
        if self._journal is not None:
            self._journal.append(asked)
        self._keep(asked)

    def _keep(self, asked: Asked) -> None:
        self.questions.append(asked)
        if asked.outcome in ("found", "not_found"):
            self._answered.add(asked.request)

    def as_list(self) -> list[Mapping[str, Any]]:
        """All questions as JSON values, oldest first."""
        return [{"seq": seq, **asdict(asked)} for seq, asked in enumerate(self.questions, 1)]
