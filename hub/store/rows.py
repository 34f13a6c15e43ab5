"""How values are written in and read from rows: JSON text, times, digests."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, TypeAlias

import orjson
from sqlalchemy import Row

AnyRow: TypeAlias = Row[*tuple[Any, ...]]
"""A row whose columns are named by its query."""


def pack(value: Any) -> str:
    """JSON text of a value."""
    return orjson.dumps(value).decode()


def unpack(text: str | None) -> Any:
    """The value of JSON text; None stays None."""
    return None if text is None else orjson.loads(text)


def instant(micros: int | None) -> str | None:
    """A stored time as RFC 3339 UTC with milliseconds, as every face shows it."""
    if micros is None:
        return None
    return datetime.fromtimestamp(micros / 1_000_000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
