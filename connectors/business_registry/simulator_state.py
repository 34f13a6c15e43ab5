"""The simulated business register's memory: what it was asked, how each question ended, and who was entered while it ran.

The file is JSON lines, one per question or entry, appended before the answer leaves: a SIGKILL loses nothing that was answered.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from connectors.business_registry.simulator_enterprises import Enterprise
from hub.testing.journal import Journal


@dataclass(frozen=True, slots=True)
class Asked:
    """One question: when, for which code, and its outcome (found, not_found, or the word of the refusal)."""

    at: str
    code: str
    outcome: str


class Memory:
    """Questions and entries in order. One process at a time may hold a state file; raises BadConfig if it is held or damaged.
    ``enter`` is told of every enterprise that was entered, at the start and later."""

    def __init__(self, enter: Callable[[Enterprise], None], state_file: Path | None = None) -> None:
        self.questions: list[Asked] = []
        self._enter = enter
        self._journal: Journal | None = None
        if state_file is not None:
            self._journal = Journal(state_file, self._take, "an empty log and the configured enterprises")

    def close(self) -> None:
        """Lets the state file go; the memory can still be read."""
        if self._journal is not None:
            self._journal.close()
            self._journal = None

    def ask(self, asked: Asked) -> None:
        """Keeps one question: in the file, then in memory. OSError: nothing happened."""
        self._append({"asked": asdict(asked)})
        self.questions.append(asked)

    def add(self, enterprise: Enterprise) -> None:
        """Enters an enterprise or replaces the one with its code. OSError: nothing happened."""
        self._append({"entered": enterprise.model_dump(mode="json")})
        self._enter(enterprise)

    def _append(self, line: Mapping[str, Any]) -> None:
        if self._journal is not None:
            self._journal.append(line)

    def _take(self, line: Any) -> None:
        match line:
            case {"asked": dict() as asked}:
                self.questions.append(Asked(**asked))
            case {"entered": entered}:
                try:
                    self._enter(Enterprise.model_validate(entered))
                except ValidationError as error:
                    raise TypeError("not an enterprise") from error
            case _:
                raise TypeError("not a line of this memory")
