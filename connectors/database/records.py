"""What a message is as rows: the values of its own row, and of the rows of its lists. Nothing is made up or converted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from connectors.database.config import TableConfig, WriteChild, WriteConfig, steps_of
from connectors.outcomes.pointers import MISSING
from hub.errors import NotAsked
from hub.message import Message

Values = Mapping[str, Any]
"""Column → value; a column that is to stay as it is is not in it."""


def own_row(config: WriteConfig, message: Message) -> dict[str, Any]:
    """The message's own row. Raises NotAsked: no value for its key, or a list or object where a column has one value."""
    values = _flat(config, message.body, keep=config.absent == "keep")
    if config.message_id is not None:
        values[config.message_id] = message.id
    if config.seq is not None:
        values[config.seq] = message.seq
    for name in config.key:
        if values.get(name) is None:
            raise NotAsked("no_key", f"the message has no value for {name}, a column of the key")
    return values


def list_rows(config: WriteConfig, field: str, child: WriteChild, message: Message, own: Values) -> list[Values] | None:
    """The rows of one list; None: the message lacks the list, and the rows there stay. Raises NotAsked."""
    items = _at(message.body, field)
    if items is MISSING or items is None:
        return None if config.absent == "keep" else []
    if not isinstance(items, list) or not all(isinstance(one, dict) for one in items):
        raise NotAsked("not_a_list", f"{field} is no list of objects")
    for parent in child.match.values() if items else ():
        if own.get(parent) is None:
            raise NotAsked("no_key", f"the message has no value for {parent}, by which the rows of {field} are found again")
    rows: list[Values] = []
    for number, item in enumerate(items, 1):
        row = _flat(child, item, keep=False)
        row |= {name: own.get(parent) for name, parent in child.match.items()}
        if child.order is not None:
            row[child.order] = number
        rows.append(row)
    return rows


def _flat(table: TableConfig, body: Any, *, keep: bool) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for field, column in table.columns.items():
        value = _at(body, field)
        if value is MISSING:
            if not keep:
                values[column] = None
        elif column in table.json_:
            values[column] = orjson.dumps(value).decode()
        elif isinstance(value, dict | list):
            raise NotAsked(
                "not_flat", f"{field} is a list or an object: {column} has one value; name it under json or children"
            )
        else:
            values[column] = value
    return values


def _at(body: Any, field: str) -> Any:
    for step in steps_of(field):
        body = body.get(step, MISSING) if isinstance(body, dict) else MISSING
    return body
