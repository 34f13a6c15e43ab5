"""Judges the event stream: whether who heard nothing else knows all that the hub did, and its ledger, cell by cell.

Only what was heard in the topic and what the hub holds at the end come in, as plain data; nothing of the hub is shared. The
judge listens as anybody must: it goes by the records of each dossier in the order in which they lie there, and skips what is
not later (``ce_sequence``) than what it heard of that dossier before.

* **published** counts events, **repeated** records that told one of them again (at least once: a hub that is killed may not
  know what it published last).
* **differing** counts cells of the ledger that are not the same here and there.
* **lost** counts names of dossiers, arrivals, messages and deliveries of which no event told, or not what became of them.
* **out_of_order** counts events that came after a later one of their dossier, without having come before it too.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

Cell = tuple[str, str, str]
"""Dossier, endpoint, stream."""
_TYPE = "dossier-hub."
_TIMES, _MESSAGES, _NUMBERS = ("routed_at", "sent_at", "heard_at"), ("sent_message", "heard_message"), ("open", "dead")
_SEQUENCES = ("routed_seq", "sent_seq", "heard_seq")
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Heard:
    """One record: where it lay, its key, its headers and its value."""

    partition: int
    offset: int
    key: str
    headers: Mapping[str, str]
    data: Mapping[str, Any]

    @property
    def sequence(self) -> str:
        return self.headers["ce_sequence"]

    @property
    def type(self) -> str:
        return self.headers["ce_type"].removeprefix(_TYPE)

    def line(self) -> str:
        """It as a line of a file."""
        return json.dumps(asdict(self), ensure_ascii=False) + "\n"


@dataclass(frozen=True, slots=True)
class Held:
    """What the hub holds at the end: the rows of its ledger, times in microseconds; and of each (what, id) what became of it:
    a name of a dossier (``dossier``, "ID SYSTEM CODE": named), an arrival, a message (accepted), a delivery."""

    ledger: Mapping[Cell, Mapping[str, Any]]
    became: Mapping[tuple[str, str], str]


@dataclass
class Stream:
    """The counts of the line and what is wrong, where: ids and names of fields, never a value."""

    published: int = 0
    repeated: int = 0
    dossiers: int = 0
    ledger_cells: int = 0
    differing: int = 0
    lost: int = 0
    out_of_order: int = 0
    findings: list[str] = field(default_factory=list)

    def line(self) -> str:
        counts = {name: value for name, value in vars(self).items() if name != "findings"}
        return "events: " + " ".join(f"{name}={value}" for name, value in counts.items())


def events(heard: Sequence[Heard], held: Held) -> Stream:
    """The verdict on the stream."""
    found = Stream()
    ledger: dict[Cell, Mapping[str, Any]] = {}
    became: dict[tuple[str, str], str] = {}
    for one in _later(heard, found):
        if one.type == "ledger.changed":
            _keep(ledger, one.data)
        else:
            became |= _became(one)
    found.dossiers, found.ledger_cells = len({dossier for dossier, _, _ in held.ledger}), len(held.ledger)
    for cell in sorted({*ledger, *held.ledger}):
        _compare(found, cell, ledger.get(cell), held.ledger.get(cell))
    for (what, name), state in sorted(held.became.items()):
        if became.get((what, name)) != state:
            found.lost += 1
            told = became.get((what, name), "never told of")
            found.findings.append(f"events: {what} {name} is {state}, and in the stream {told}")
    return found


def _later(heard: Sequence[Heard], found: Stream) -> list[Heard]:
    """What a listener takes: of each dossier what is later than what came before."""
    taken: list[Heard] = []
    newest: dict[str, str] = {}
    known: set[tuple[str, str]] = set()
    at: dict[str, int] = {}
    for one in sorted(heard, key=lambda record: (record.partition, record.offset)):
        dossier, name = one.key, (one.key, one.sequence)
        if dossier != one.data.get("dossier") or dossier != one.headers["ce_subject"]:
            found.findings.append(f"events: {one.sequence} is of another dossier than its key says")
        if at.setdefault(dossier, one.partition) != one.partition:
            found.findings.append(f"events: dossier {dossier} is in two partitions")
        if name in known:
            found.repeated += 1
            continue
        known.add(name)
        if one.sequence <= newest.get(dossier, ""):
            found.out_of_order += 1
            found.findings.append(f"events: {one.sequence} of dossier {dossier} came after a later one")
            continue
        newest[dossier] = one.sequence
        taken.append(one)
    found.published = len(known)
    return taken


def _keep(ledger: dict[Cell, Mapping[str, Any]], told: Mapping[str, Any]) -> None:
    cell = (told["dossier"], told["endpoint"], told["stream"])
    ledger.pop(cell, None)
    if not told.get("gone"):
        ledger[cell] = {name: value for name, value in told.items() if name not in ("dossier", "endpoint", "stream")}


def _became(one: Heard) -> dict[tuple[str, str], str]:
    """What the event says of which thing."""
    what, _, state = one.type.partition(".")
    if what == "dossier":
        return {(what, f"{one.key} {name['system']} {name['code']}"): state for name in one.data["codes"]}
    return {(what, one.data[what]): state}


def _compare(found: Stream, cell: Cell, told: Mapping[str, Any] | None, row: Mapping[str, Any] | None) -> None:
    where = f"events: ledger of dossier {cell[0]}, {cell[1]}, {cell[2]}"
    if told is None or row is None:
        found.differing += 1
        found.findings.append(f"{where}: {'not in the stream' if told is None else 'not at the hub'}")
        return
    held = _as_told(row)
    if wrong := sorted(name for name in {*held, *told} if held.get(name) != told.get(name)):
        found.differing += 1
        found.findings.append(f"{where}: {', '.join(wrong)}")


def _as_told(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of the ledger as an event must tell it: what is not known is left out, and so is what is not so."""
    sent = row["sent_seq"] or 0
    said: dict[str, Any] = {name: row[name] for name in (*_SEQUENCES, *_MESSAGES, *_NUMBERS)}
    said |= {name: None if row[name] is None else _instant(row[name]) for name in _TIMES}
    said |= {"behind": sent < (row["routed_seq"] or 0) or None, "ahead": sent < (row["heard_seq"] or 0) or None}
    return {name: value for name, value in said.items() if value is not None}


def _instant(micros: int) -> str:
    """In UTC, to the millisecond below."""
    at = _BEGINNING + timedelta(milliseconds=micros // 1000)
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"
