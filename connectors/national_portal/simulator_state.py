"""The simulated portal's memory: every accepted dossier object and progress step in order of effect, on disk at once.

The file is JSON lines, one line per accepted call, appended in one write: a SIGKILL loses nothing that was answered,
and a line cut off by one was never answered and is dropped at the next start.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from hub.testing.journal import Journal


@dataclass(frozen=True, slots=True)
class Effect:
    """One thing that an accepted call does: a dossier object (inserted, updated, or planted by a test) or a step."""

    kind: Literal["insert", "update", "planted", "progress"]
    code: str
    object: dict[str, Any]


@dataclass
class Record:
    """What the portal holds of one dossier code; ``current`` is None when only progress of it is known."""

    current: dict[str, Any] | None = None
    history: list[dict[str, Any]] = field(default_factory=list)
    progress: list[dict[str, Any]] = field(default_factory=list)


class PortalMemory:
    """All dossiers by code. One process at a time may hold a state file; raises BadConfig if it is held or damaged."""

    def __init__(self, state_file: Path | None = None) -> None:
        self.seq = 0
        self.records: dict[str, Record] = {}
        self._journal: Journal | None = None
        if state_file is not None:
            self._journal = Journal(state_file, self._replay, "an empty portal")

    def close(self) -> None:
        """Lets the state file go; the memory can still be read."""
        if self._journal is not None:
            self._journal.close()
            self._journal = None

    def current(self, code: str) -> dict[str, Any] | None:
        """The newest object of a dossier, None when the portal does not know it."""
        record = self.records.get(code)
        return record.current if record else None

    def steps(self, code: str) -> list[dict[str, Any]]:
        """The progress objects of a dossier in order of effect."""
        record = self.records.get(code)
        return [step["object"] for step in record.progress] if record else []

    def commit(self, effects: Sequence[Effect]) -> None:
        """Takes effects over, all or none: to the file, then to the memory. OSError: nothing happened."""
        if not effects:
            return
        if self._journal is not None:
            self._journal.append(effects)
        self._apply(effects)

    def _replay(self, line: Sequence[Mapping[str, Any]]) -> None:
        self._apply([Effect(**effect) for effect in line])

    def _apply(self, effects: Sequence[Effect]) -> None:
        for effect in effects:
            self.seq += 1
            record = self.records.setdefault(effect.code, Record())
            if effect.kind == "progress":
                record.progress.append({"seq": self.seq, "object": effect.object})
                continue
            record.history.append({"seq": self.seq, "kind": effect.kind, "object": effect.object})
            record.current = effect.object

    def as_dict(self) -> Mapping[str, Any]:
        """All: seq, dossiers by code with current, history [{seq, kind, object}], progress [{seq, object}]."""
        return {"seq": self.seq, "dossiers": {code: vars(record) for code, record in self.records.items()}}
