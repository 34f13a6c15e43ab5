"""The senders' record: each request of the demo, every try and what was answered, written down as it happens."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from connectors.demo.evidence import Sent
from connectors.demo.script import Item


@dataclass(slots=True)
class Line:
    """One request and all that came of it, as the senders' record keeps it."""

    n: int
    item: Item
    answers: list[tuple[int, str]] = field(default_factory=list)
    arrival: str | None = None
    messages: list[str] = field(default_factory=list)
    errors: list[dict[str, str]] = field(default_factory=list)

    @property
    def status(self) -> int:
        return self.answers[-1][0] if self.answers else 0

    def sent(self) -> Sent:
        """The line as the checker takes it."""
        one = self.item
        key, answers = one.key or "", self.answers
        return Sent(self.n, one.code, one.reference_uid, one.record, key, one.planted, answers, one.part, one.way)

    def answered_as_planned(self) -> bool:
        """Whether a wrong request got the answer it must get, and was told which field is wrong."""
        places = [one.get("pointer", one.get("header", "")) for one in self.errors]
        return self.status == self.item.status and (self.item.names is None or self.item.names in places)


class Lines:
    """All of them, in the order in which they left; ``file`` gets a JSON object for each request and for each try."""

    def __init__(self, file: Path) -> None:
        self._file = file.open("a", encoding="utf-8")
        self.all: list[Line] = []

    def begin(self, item: Item) -> Line:
        """A request is about to leave."""
        line = Line(len(self.all) + 1, item)
        self.all.append(line)
        body = item.body.decode(errors="backslashreplace")
        self._write({"n": line.n, "way": item.way, "code": item.code, "planted": item.planted, "key": item.key, "body": body})
        return line

    def answered(self, line: Line, status: int, kind: str, told: Mapping[str, Any]) -> None:
        """What one try was told; status 0 without an answer."""
        line.answers.append((status, kind))
        self._write({"n": line.n, "try": len(line.answers), "status": status, "answer": kind, "told": told})

    @property
    def tries_without_answer(self) -> int:
        """How many tries had no answer that was final."""
        return sum(max(0, len(line.answers) - 1) for line in self.all)

    def close(self) -> None:
        self._file.close()

    def _write(self, entry: Mapping[str, Any]) -> None:
        self._file.write(json.dumps(entry, ensure_ascii=False) + "\n")
        self._file.flush()


def by_message(lines: Iterable[Line]) -> dict[str, Line]:
    """Which request each of the hub's messages came from, as far as receipts told."""
    return {message: line for line in lines for message in line.messages}


def steps_of(lines: Sequence[Line], code: str) -> list[Line]:
    """The requests that told the steps of a dossier, those before it had its code too, in their order."""
    names = {line.item.reference_uid for line in lines if line.item.code == code}
    own = [line for line in lines if line.item.reference_uid in names and line.item.part != "state"]
    return [line for line in own if line.item.planted not in ("duplicate", "wrong", "mistaken")]
