"""How far a table was read: the greatest value of its growing column, kept as text, and what lies a look-back before it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from connectors.database.config import ReadConfig

_FURTHEST = timedelta(hours=14)
"""No clock on Earth is further ahead of UTC."""


class NoOrder(Exception):
    """The value is neither a number nor a time: nobody knows what is behind it."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """A value of the column, as the driver gave it."""

    value: Any

    def is_behind(self, other: Cursor) -> bool:
        """Whether the other is further. Raises NoOrder."""
        one, two = _rank(self.value), _rank(other.value)
        try:
            return bool(one < two)
        except TypeError:  # a time with a zone and one without, a number and a time
            raise NoOrder from None

    def earlier(self, look_back: float) -> Any:
        """The value that lies so far before it; of a text, in the text's own form. Raises NoOrder."""
        value = self.value
        if isinstance(value, str):
            return _earlier_text(value, look_back)
        _rank(value)
        try:
            if isinstance(value, datetime):
                return value - timedelta(seconds=look_back)
            if isinstance(value, date):
                return value - timedelta(days=math.ceil(look_back / 86_400))
        except OverflowError:
            raise NoOrder from None
        return value - (Decimal(str(look_back)) if isinstance(value, Decimal) else math.ceil(look_back))

    def is_to_come(self, now: datetime, zone: str | None) -> bool:
        """Whether it is a time that lies behind ``now``; of one without a zone (``zone`` tells which it is of) only what is so
        everywhere. A number never is. Raises NoOrder."""
        at = _rank(self.value)
        if not isinstance(at, datetime):
            return False
        if at.tzinfo is None and zone is None:
            return at.replace(tzinfo=UTC) > now + _FURTHEST
        return (at if at.tzinfo is not None else at.replace(tzinfo=ZoneInfo(str(zone)))) > now

    def written(self, config: ReadConfig) -> str:
        """As the hub keeps it; it says of which column it is."""
        value = self.value
        kind, text = ("time", value.isoformat()) if isinstance(value, date) else (type(value).__name__.lower(), str(value))
        return orjson.dumps({**_place(config), "kind": kind, "value": text}).decode()


def read_cursor(text: str, config: ReadConfig) -> Cursor | None:
    """What was ``written``; None when it is of another table or column."""
    kept = orjson.loads(text)
    kind, value = kept.pop("kind"), kept.pop("value")
    if kept != _place(config):
        return None
    made: Any = {"int": int, "float": float, "decimal": Decimal, "str": str}.get(kind)
    if made is not None:
        return Cursor(made(value))
    return Cursor(date.fromisoformat(value) if len(value) == 10 else datetime.fromisoformat(value))


def _place(config: ReadConfig) -> dict[str, str | None]:
    return {"namespace": config.namespace, "table": config.table, "by": config.by}


def _rank(value: Any) -> Any:
    """What the value is compared by."""
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day)
    if isinstance(value, str):
        try:
            return datetime.fromisoformat(value)
        except ValueError:
            raise NoOrder from None
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool) and math.isfinite(value):
        return value
    raise NoOrder


def _earlier_text(value: str, look_back: float) -> str:
    try:
        made: datetime = _rank(value) - timedelta(seconds=math.ceil(look_back))
    except OverflowError:
        raise NoOrder from None
    if "W" in value:  # weeks
        raise NoOrder
    dash, colon = "-" if "-" in value[:8] else "", ":" if ":" in value else ""
    day = made.date().isoformat().replace("-", dash)
    if len(value) == len(day):
        return day
    # to the second, and without what follows: of all texts of that second this is the smallest
    return f"{day}{value[len(day)]}{made.time().isoformat('seconds').replace(':', colon)}"
