"""How far an import has come, on disk: a SIGKILL costs nothing but that the last rows are sent, and known, again.

The journal says up to which row everything before it has its receipt or its refusal. It never runs ahead: a row counts when
the hub has answered, and only when all rows before it count. What was refused or kept is a line of the report, written in the
order of the rows; the journal says how long the report was, so that a line is there once.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import orjson
from pydantic import Field, TypeAdapter, ValidationError

from hub.cli.import_files import BadFile, Given
from hub.cli.import_state import held, written
from hub.durable import sync_folder, write_whole
from hub.errors import Problem
from hub.record_files import FileRecord

MOST_CAUSES = 200
"""Causes told apart in the summary; the report has them all."""


_Count = Annotated[int, Field(ge=0)]


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

    number: _Count
    line: _Count
    key: str
    signature: str
    ended: bool
    report_bytes: _Count
    counts: Counter[str]
    causes: Counter[str]


_STATE = TypeAdapter(State)


def _nothing_yet() -> State:
    return State(0, 0, "", "", ended=False, report_bytes=0, counts=Counter(), causes=Counter())


class Journal:
    """``settle`` each row that was answered, in any order; ``save`` now and then; ``close`` in the end. What cannot be
    written raises StateNotWritten, and then nothing is written any more."""

    def __init__(self, folder: Path, given: Given, schema: str, url: str, sender: str, *, anew: bool = False) -> None:
        """Raises BadFile when another import of the same file is under way or the journal cannot be read, StateNotWritten."""
        digest = hashlib.sha256(f"{url} {sender} {schema} {given.identity}".encode()).hexdigest()[:16]
        self.path = folder / f"{digest}.json"
        self.report = folder / f"{digest}.report.jsonl"
        self._given, self._of = given, {"of": given.identity, "schema": schema, "sender": sender}
        with written():
            self._file = held(self.report)
        try:
            self.state = _nothing_yet() if anew else self._read()
            with written():
                if anew:  # before its report is: a journal speaks of a report that is there
                    self.path.unlink(missing_ok=True)
                    sync_folder(folder)
                size = os.fstat(self._file.fileno()).st_size
                self.state.report_bytes = min(size, self.state.report_bytes)  # somebody may have taken it away
                self._file.truncate(self.state.report_bytes)
                self._file.seek(self.state.report_bytes)
        except BaseException:
            self._file.close()
            raise
        self._lines: list[bytes] = []
        """Of the report, and not written yet."""
        self._waiting: dict[int, tuple[int, str, Outcome]] = {}
        """Line, key and outcome of rows that were answered before one that stands before them was."""
        self._saved = self.state.number
        self._failed = False

    def _read(self) -> State:
        try:
            return _STATE.validate_json(self.path.read_bytes())
        except FileNotFoundError:
            return _nothing_yet()
        except (ValidationError, OSError):
            text = f"the journal of this import cannot be read: {self.path.name}, in the folder for journals"
            hint = "say --again, or put it away: all rows are sent once more, and what the hub has is known again"
            raise BadFile([Problem("", "journal_damaged", text, hint)]) from None

    def settle(self, record: FileRecord, outcome: Outcome) -> None:
        """The hub has answered this row, or it cannot be sent at all."""
        self._waiting[record.number] = (record.line, record.key, outcome)
        while (found := self._waiting.pop(self.state.number + 1, None)) is not None:
            self._advance(*found)

    def _advance(self, line: int, key: str, outcome: Outcome) -> None:
        state = self.state
        state.number, state.line, state.key = state.number + 1, line, key
        state.counts[outcome.word] += 1
        state.counts["observed"] += outcome.observed
        if outcome.is_told:
            for cause in dict.fromkeys(f"{outcome.word}: {_place(one)}{one.get('code', '')}" for one in outcome.problems):
                state.causes[cause if cause in state.causes or len(state.causes) < MOST_CAUSES else "others"] += 1
            self._lines.append(self._line(outcome))
            state.report_bytes += len(self._lines[-1])

    def _line(self, outcome: Outcome) -> bytes:
        """Of the last row before which nothing is missing."""
        said = {
            "file": self._given.name, "record": self.state.number, "line": self.state.line, "outcome": outcome.word,
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

    def snapshot(self) -> tuple[bytes, bytes] | None:
        """Lines of the report and the journal, as ``write`` is to write them; None when nothing came since."""
        if self._failed or (self.state.number == self._saved and not self.state.ended):
            return None
        self._saved = self.state.number
        lines, self._lines = b"".join(self._lines), []
        state = {name: getattr(self.state, name) for name in State.__slots__}
        return lines, orjson.dumps({**self._of, **state})

    def write(self, snapshot: tuple[bytes, bytes]) -> None:
        """On disk on return, the report first. In a thread, one after the other. Raises StateNotWritten."""
        lines, state = snapshot
        self._failed = True
        with written():
            self._file.write(lines)
            self._file.flush()
            os.fsync(self._file.fileno())
            write_whole(self.path, state)
        self._failed = False

    def save(self) -> None:
        """All of it, now. Raises StateNotWritten."""
        if (snapshot := self.snapshot()) is not None:
            self.write(snapshot)

    @property
    def behind(self) -> int:
        """The number of the last row before which nothing is missing."""
        return self.state.number

    def close(self) -> None:
        """Raises StateNotWritten."""
        with written():
            try:
                if not self.state.report_bytes:
                    self.report.unlink(missing_ok=True)
            finally:
                self._file.close()


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
