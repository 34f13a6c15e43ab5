"""The table of dialects as data: what a partner answers, byte for byte, and what it must mean."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

_HERE = Path(__file__).parent
_TABLES = ("portal", "ministry", "registries", "platforms")
MEANINGS = ("accepted", "nothing", "duplicate", "refused", "transient", "account", "in_doubt")
"""``nothing``: it answered, and has nothing of what was asked. ``account`` is AccountRefused, a transient of its own."""
_QUESTIONS = ("portal.find", "portal.procedures", "ministry.feed", "population.", "business.")


@dataclass(frozen=True, slots=True)
class Said:
    """One answer on the wire."""

    body: str
    status: int = 200
    type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def raw(self) -> bytes:
        """All bytes of it."""
        body = self.body.encode()
        head = {"Content-Type": self.type, "Content-Length": str(len(body)), "Connection": "close", **self.headers}
        lines = [f"HTTP/1.1 {self.status} Told", *(f"{name}: {value}" for name, value in head.items())]
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


@dataclass(frozen=True, slots=True)
class Row:
    """One answer to one call; ``read`` or ``known`` says where its meaning is from, ``settings`` decide what is open."""

    id: str
    section: str
    call: str
    said: Said
    means: str
    settings: Mapping[str, Any]
    is_read: bool

    @property
    def name(self) -> str:
        return f"{self.section}-{self.id}-{self.call}"


def is_question(call: str) -> bool:
    """Whether the call changes nothing there."""
    return call.endswith(".ask") or call.startswith(_QUESTIONS)


def rows() -> list[Row]:
    """Every row of every table, one for each call that is answered so."""
    return [row for table in _TABLES for given in _read(table) for row in _of(given)]


def quirks() -> list[dict[str, Any]]:
    """Answers that differ in form alone, and what is told by each of them."""
    return _read("quirks")


def _read(table: str) -> list[dict[str, Any]]:
    given: list[dict[str, Any]] = yaml.load((_HERE / f"{table}.yaml").read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    return given


def said(given: Mapping[str, Any]) -> Said:
    """The answer of an entry; the envelope under ``xml`` stands in a JSON text of its body."""
    body = str(given["body"])
    if "xml" in given:
        body = body.replace('"@xml"', json.dumps(given["xml"], ensure_ascii=False))
    return Said(body, given.get("status", 200), given.get("type", "application/json"), given.get("headers", {}))


def _of(given: Mapping[str, Any]) -> Iterator[Row]:
    assert ("read" in given) != ("known" in given), f"{given['id']}: read in a source, or known"
    for call in given["calls"]:
        means = given["question" if is_question(call) else "effect"]
        assert means in MEANINGS, f"{given['id']}: {means}"
        yield Row(given["id"], str(given["section"]), call, said(given), means, given.get("settings", {}), "read" in given)
