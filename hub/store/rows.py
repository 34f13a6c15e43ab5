"""How values are written in and read from rows: JSON text, times, digests."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TypeAlias

import orjson
from sqlalchemy import Row

AnyRow: TypeAlias = Row[*tuple[Any, ...]]
"""A row whose columns are named by its query."""


def pack(value: Any) -> str:
    """JSON text of a value; half a character (a lone surrogate), which no text column holds, becomes a question mark."""
    try:
        return orjson.dumps(value).decode()
    except TypeError:
        return orjson.dumps(_whole(value)).decode()


def _whole(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode(errors="replace").decode()
    if isinstance(value, Mapping):
        return {_whole(key): _whole(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_whole(one) for one in value]
    return value


def unpack(text: str | None) -> Any:
    """The value of JSON text; None stays None."""
    return None if text is None else orjson.loads(text)


def present(values: Mapping[str, Any]) -> dict[str, Any]:
    """Without what is None: an absent fact is left out."""
    return {name: value for name, value in values.items() if value is not None}


def instant(micros: int | None) -> str | None:
    """A stored time as RFC 3339 UTC with milliseconds, as every face shows it."""
    if micros is None:
        return None
    return datetime.fromtimestamp(micros / 1_000_000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
