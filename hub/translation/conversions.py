"""Verbs that change the kind of a value: text, integer, decimal, boolean. Nothing is rounded, nothing is guessed."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from hub.translation.refusal import Refusal, kind_of, unfit

_BOOLEANS = {"true": True, "false": False, "1": True, "0": False}


def to_string(value: Any) -> str:
    """Numbers and booleans as JSON would write them (no exponent)."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return format(Decimal(repr(value)), "f")
    raise Refusal("bad_value", f"{kind_of(value)} cannot become text")


def to_integer(value: Any) -> int:
    """Text of ASCII digits, at most 18, with an optional minus; nothing is rounded."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, float) and value.is_integer() and abs(value) < 10**15:
        return int(value)
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,18}", value):
        return int(value)
    raise unfit("bad_value", "is not an integer", value)


def to_decimal(value: Any) -> int | float:
    """A JSON number; refused when it has more digits than a JSON number carries safely (15)."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,15}(\.[0-9]{1,14})?", value):
        if "." not in value:
            return int(value)
        if len(value.strip("-").replace(".", "").lstrip("0")) <= 15:
            return float(value)
    raise unfit("bad_value", "is not a decimal number (digits, one point, at most 15 digits)", value)


def to_boolean(value: Any) -> bool:
    """true, false, 1 or 0, also as text in any case."""
    found = _BOOLEANS.get(str(value).lower()) if isinstance(value, int | str) else None
    if found is None:
        raise unfit("bad_value", "is none of true, false, 1, 0", value)
    return found
