"""The simulated portal's memory: every accepted dossier object and progress step in order of effect, on disk at once.

The file is JSON lines, one line per accepted call, appended in one write: a SIGKILL loses nothing that was answered,
and a line cut off by one was never answered and is dropped at the next start.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import orjson

from hub.errors import BadConfig, Problem


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
                self._apply([Effect(**effect) for effect in orjson.loads(line)])
        except (orjson.JSONDecodeError, TypeError) as error:
            self.close()
            hint = "remove the file to start with an empty portal"
            raise BadConfig([Problem("state", "damaged", f"{path} is not a state file", hint)]) from error
        os.ftruncate(self._file, len(whole))
        self._size = len(whole)

    def close(self) -> None:
        """Lets the state file go; the memory can still be read."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

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
        if self._file is not None:
            line = memoryview(orjson.dumps(effects) + b"\n")
            try:
                written = 0
                while written < len(line):
                    written += os.write(self._file, line[written:])
            except OSError:
                os.ftruncate(self._file, self._size)
                raise
            self._size += len(line)
        self._apply(effects)

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
