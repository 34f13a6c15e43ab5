"""What a value of the database is in a message: exactly it, or word of why it cannot be. Nothing is rounded, cut or guessed."""

from __future__ import annotations

import base64
import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson

from hub import strictjson
from hub.errors import NotParsable


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Stands in the place of a value that cannot be read; ``code`` says why. In the message it is ``{"unreadable": code}``:
    no schema takes that for a value, so the row is kept in the order of its dossier."""

    code: str

    @property
    def shown(self) -> dict[str, str]:
        return {"unreadable": self.code}


class JsonText(str):
    """JSON as the database wrote it, of a column of a JSON type."""


Cell = Callable[[Any], Any]
"""A value of the driver → what orjson writes, None for NULL, or Unreadable."""


def cell(
    kind: Literal["plain", "json", "boolean"], decimals: Literal["text", "number"] = "text", zone: str | None = None
) -> Cell:
    """How values of one column are read."""
    own = ZoneInfo(zone) if zone else None

    def read(value: Any) -> Any:
        if value is None or isinstance(value, Unreadable):
            return value
        if kind == "boolean":
            return bool(value) if value in (0, 1) else Unreadable("not_boolean")
        if kind == "json":
            return _json(value)
        return _plain(value, decimals, own)

    return read


def _plain(value: Any, decimals: str, zone: ZoneInfo | None) -> Any:
    match value:
        case bool():
            return value
        case int():
            return value if strictjson.MIN_INT <= value <= strictjson.MAX_INT else Unreadable("number_too_large")
        case float():
            return value if math.isfinite(value) else Unreadable("not_a_number")
        case JsonText():
            return _json(value)
        case str():
            return _text(value)
        case Decimal():
            return _decimal(value, decimals)
        case datetime():
            return _instant(value, zone)
        case date() | time():
            return value.isoformat()
        case timedelta():
            return _span(value)
        case bytes() | bytearray() | memoryview():
            return base64.b64encode(value).decode()
        case UUID():
            return str(value)
        case list() | tuple():
            items = [None if one is None else _plain(one, decimals, zone) for one in value]
            return next((one for one in items if isinstance(one, Unreadable)), items)
    return Unreadable("unknown_type")


def _text(value: str) -> Any:
    if "\x00" in value:
        return Unreadable("nul")
    try:
        value.encode()
    except UnicodeEncodeError:
        return Unreadable("lone_surrogate")
    return str(value)


def _decimal(value: Decimal, decimals: str) -> Any:
    if not value.is_finite():
        return Unreadable("not_a_number")
    if decimals == "text":
        return format(value, "f")
    if value == value.to_integral_value() and strictjson.MIN_INT <= value <= strictjson.MAX_INT:
        return int(value)
    number = float(value)
    return number if Decimal(repr(number)) == value else Unreadable("too_exact")


def _instant(value: datetime, zone: ZoneInfo | None) -> Any:
    if value.tzinfo is not None:
        return value.astimezone(zone or UTC).isoformat()  # a session's own zone says nothing of the value
    if zone is None:
        return value.isoformat()
    placed = value.replace(tzinfo=zone)
    if placed.utcoffset() != placed.replace(fold=1).utcoffset():  # the clocks were changed: it is no time there, or it is two
        return Unreadable("ambiguous_time")
    return placed.isoformat()


def _span(value: timedelta) -> str:
    """A time of day, or a span, as MariaDB writes it."""
    sign, value = ("-", -value) if value < timedelta() else ("", value)
    seconds = value.days * 86_400 + value.seconds
    text = f"{sign}{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return f"{text}.{value.microseconds:06}" if value.microseconds else text


def _json(value: Any) -> Any:
    """The JSON as it stands there, to the last digit."""
    try:
        data = value.encode() if isinstance(value, str) else bytes(value)
        strictjson.parse(data)
    except (NotParsable, UnicodeEncodeError, TypeError):
        return Unreadable("not_json")
    return orjson.Fragment(data)
