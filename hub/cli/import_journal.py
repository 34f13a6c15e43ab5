"""How far an import has come, on disk: a SIGKILL costs nothing but that the last rows are sent, and known, again.

The journal says up to which row everything before it has its receipt or its refusal. It never runs ahead: a row counts when
the hub has answered, and only when all rows before it count. What was refused or kept is a line of the report, written in the
order of the rows; the journal says how long the report was, so that a line is there once.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from hub.cli.import_files import BadFile, Given
from hub.durable import write_whole
from hub.errors import Problem
from hub.record_files import FileRecord

MOST_CAUSES = 200
"""Causes told apart in the summary; the report has them all."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a row: ``accepted``, ``kept``, ``superseded``, ``known`` or ``refused``."""

    word: str
    status: int | None = None
    arrival: str | None = None
    problems: tuple[Mapping[str, Any], ...] = ()
    observed: bool = False
    """The dossier belongs to another sender."""

    @property
    def is_told(self) -> bool:
        """Whether it has a line in the report."""
        return self.word in ("refused", "kept")


@dataclass(slots=True)
class State:
    """What the journal holds. ``number``, ``line`` and ``key`` are those of the last row before which nothing is missing."""

    number: int = 0
    line: int = 0
    key: str = ""
    signature: str = ""
    ended: bool = False
    report_bytes: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    causes: Counter[str] = field(default_factory=Counter)


class Journal:
    """``settle`` each row that was answered, in any order; ``save`` now and then; ``close`` in the end."""

    def __init__(self, folder: Path, given: Given, schema: str, url: str, *, anew: bool = False) -> None:
        """Raises BadFile when another import of the same file is under way, OSError."""
        digest = hashlib.sha256(f"{url} {schema} {given.identity}".encode()).hexdigest()[:16]
        self.path = folder / f"{digest}.json"
        self.report = folder / f"{digest}.report.jsonl"
        self._given, self._told = given, (given.identity, schema)
        self._file = os.fdopen(os.open(self.report, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), "r+b")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._file.close()
            text = "another import of this file is under way"
            raise BadFile([Problem("", "under_way", text, "let it end, or end it; this one would go on from there")]) from None
        self.state = State() if anew else self._read()
        self._file.truncate(self.state.report_bytes)
        self._file.seek(self.state.report_bytes)
        self._waiting: dict[int, tuple[FileRecord, Outcome]] = {}
        """Rows that were answered before one that stands before them was."""
        self._saved = self.state.number

    def _read(self) -> State:
        try:
            found = orjson.loads(self.path.read_bytes())
        except FileNotFoundError:
            return State()
        counts, causes = Counter(found.pop("counts")), Counter(found.pop("causes"))
        return State(**{name: found[name] for name in State.__slots__ if name in found}, counts=counts, causes=causes)

    def settle(self, record: FileRecord, outcome: Outcome) -> None:
        """The hub has answered this row, or it cannot be sent at all."""
        self._waiting[record.number] = (record, outcome)
        while (found := self._waiting.pop(self.state.number + 1, None)) is not None:
            self._advance(*found)

    def _advance(self, record: FileRecord, outcome: Outcome) -> None:
        state = self.state
        state.number, state.line, state.key = record.number, record.line, record.key
        state.counts[outcome.word] += 1
        state.counts["observed"] += outcome.observed
        if outcome.is_told:
            for cause in dict.fromkeys(f"{outcome.word}: {_place(one)}{one.get('code', '')}" for one in outcome.problems):
                state.causes[cause if cause in state.causes or len(state.causes) < MOST_CAUSES else "others"] += 1
            state.report_bytes += self._file.write(self._line(record, outcome))

    def _line(self, record: FileRecord, outcome: Outcome) -> bytes:
        said = {
            "file": self._given.name, "record": record.number, "line": record.line, "outcome": outcome.word,
            "status": outcome.status, "arrival": outcome.arrival, "problems": _told_once(outcome.problems),
        }  # fmt: skip
        return orjson.dumps({name: value for name, value in said.items() if value is not None}) + b"\n"

    def passes(self, record: FileRecord) -> bool:
        """Whether this row was settled before. Raises BadFile when the file is not the one that the journal is of."""
        if record.number == self.state.number and record.key != self.state.key:
            raise self._other_file()
        return record.number <= self.state.number

    def reached_the_end(self, number: int) -> None:
        """The file has so many rows. Raises BadFile when they are fewer than were settled."""
        if number < self.state.number:
            raise self._other_file()

    def _other_file(self) -> BadFile:
        text = f"the file is another one than before: it was changed in the first {self.state.number} rows, which were taken in"
        hint = "give it another name to take it in as a new one, or say --again: what the hub knows is known again"
        return BadFile([Problem("", "file_changed", text, hint)])

    def snapshot(self) -> bytes | None:
        """What ``write`` is to write; None when nothing came since."""
        if self.state.number == self._saved and not self.state.ended:
            return None
        self._saved = self.state.number
        self._file.flush()
        state = {name: getattr(self.state, name) for name in State.__slots__}
        return orjson.dumps({"of": self._told[0], "schema": self._told[1], **state})

    def write(self, snapshot: bytes) -> None:
        """On disk on return, the report first. In a thread."""
        os.fsync(self._file.fileno())
        write_whole(self.path, snapshot)

    def save(self) -> None:
        """All of it, now."""
        if (snapshot := self.snapshot()) is not None:
            self.write(snapshot)

    @property
    def behind(self) -> int:
        """The number of the last row before which nothing is missing."""
        return self.state.number

    def close(self) -> None:
        self._file.close()
        if not self.state.report_bytes:
            self.report.unlink(missing_ok=True)


def _place(problem: Mapping[str, Any]) -> str:
    at = problem.get("at") or problem.get("pointer") or problem.get("header") or ""
    return f"{at} " if at else ""


def _told_once(problems: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Each mapping may say the same."""
    told: list[Mapping[str, Any]] = []
    for one in problems:
        if one not in told:
            told.append(one)
    return told
