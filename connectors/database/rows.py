"""What a row becomes: the body of an arrival, the key by which it arrives once, and its place as an operator may see it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from connectors.database.cells import Cell, Unreadable, cell
from connectors.database.config import ReadConfig, ReadTable, steps_of
from connectors.database.reading import Found, Place, Raw
from hub.errors import Problem, shown

LARGEST = 5 * 1024 * 1024
"""Bytes of one row with its children, as at the other doors."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row to be handed over. ``key`` is the same whenever this state of the row is read, and no other. With a ``problem``
    it cannot be."""

    place: Place
    key: str
    position: str
    body: bytes
    problem: Problem | None = None


class RowForm:
    """``row`` makes one of what was read."""

    def __init__(self, config: ReadConfig) -> None:
        self._config = config
        self._own = _Object(config, config)
        self._children = {name: _Object(child, config) for name, child in config.children.items()}

    def row(self, found: Found) -> Row:
        """The same row in the same state gives the same bytes and the same key."""
        body = self._own.read(found.own)
        for name, objects in self._children.items():
            given = found.children[name]
            body[name] = given.shown if isinstance(given, Unreadable) else [objects.read(one) for one in given]
        data = orjson.dumps(body)
        digest = hashlib.blake2b(digest_size=20)
        for one in (self._config.namespace, self._config.table, *map(_stable, found.place)):
            digest.update(orjson.dumps(one) + b"\n")
        digest.update(data)
        keys = "/".join(shown(one) for one in found.place[1:])
        problem = None
        if len(data) > LARGEST:
            text = f"the row is larger than {LARGEST} bytes"
            problem = Problem("", "too_large", text, "read fewer columns, or a view that leaves out the largest")
        return Row(found.place, f"row:{digest.hexdigest()}", f"{self._config.table}:{keys}", data, problem)


def _stable(value: Any) -> str:
    """The same for the same value, in whatever zone the session shows it."""
    aware = isinstance(value, datetime) and value.tzinfo is not None
    return value.astimezone(UTC).isoformat() if aware else repr(value)


class _Object:
    """How the columns of one table stand in an object."""

    def __init__(self, table: ReadTable, config: ReadConfig) -> None:
        self._keep_null = config.nulls == "null"
        self._fields: list[tuple[Sequence[str], str, Cell]] = []
        for field, column in table.columns.items():
            if column in table.json_:
                made = cell("json")
            elif column in table.booleans:
                made = cell("boolean")
            else:
                made = cell("plain", config.decimals, config.zone)
            self._fields.append((steps_of(field), column, made))

    def read(self, raw: Raw) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for steps, column, read in self._fields:
            value = read(raw[column])
            if value is None and not self._keep_null:
                continue
            node = made
            for step in steps[:-1]:
                node = node.setdefault(step, {})
            node[steps[-1]] = value.shown if isinstance(value, Unreadable) else value
        return made
