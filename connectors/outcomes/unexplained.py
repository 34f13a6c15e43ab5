"""What is said of an answer that no row explains, so that the missing row can be written: what stands where the rows look.

Kept are numbers and short codes where a row compares them, elsewhere booleans and integers of at most 4 digits; of all else it
is said that it is there. What may be a person is masked, and what we sent is called by the name of its field.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from connectors.outcomes.pointers import MISSING, values_at
from connectors.outcomes.table import Heard, Row, as_text
from hub.errors import shown
from hub.wire.partner_text import named_values, plain

Mask = Callable[[str], str]
"""A partner's text as it may be kept."""

NO_ROW = "the answer was read, but no row of outcomes says what it means"
WRITE_A_ROW = "write a row under outcomes"
_MOST = 4
_SMALL = 10_000
"""An integer below it is no birthday and no number of a paper."""
_CODE = re.compile(r"[+-]?[0-9]{1,6}|[A-Za-z][A-Za-z0-9_.:-]{0,23}")


def unexplained(heard: Heard, rows: Sequence[Row], sent: Any, mask: Mask) -> str:
    """Why no row decides, what the partner said at the places of the rows, and what to do; its parts by semicolons."""
    return "; ".join((NO_ROW, *said_at(heard, rows, sent, mask), WRITE_A_ROW))


def said_at(heard: Heard, rows: Sequence[Row], sent: Any, mask: Mask) -> list[str]:
    """What the partner said at the places of the rows."""
    if not heard.has_body:
        return []
    places = dict.fromkeys(row.at for row in rows if row.at)
    compared = {row.at for row in rows if row.compares}
    if not places:
        names = [f"/{name}" for name in heard.body] if isinstance(heard.body, dict) else []
        return [f"it has {listed(names)}"] if names else []
    ours = {plain(word) for _, value in named_values(sent) for word in value.split()}
    told: list[str] = []
    for place in [*places][:_MOST]:
        found = [value for value in values_at(heard.body, place) if not _is_nothing(value)]
        texts = [_value(value, ours, mask) if place in compared or _is_small(value) else "there" for value in found]
        told.append(f"{place} is {listed(texts) if texts else 'absent'}")
    return told


def _is_nothing(value: Any) -> bool:
    return value is MISSING or value is None or value in ("", [])


def _is_small(value: Any) -> bool:
    """By its type it is no person."""
    return isinstance(value, int) and abs(value) < _SMALL


def _value(value: Any, ours: set[str], mask: Mask) -> str:
    text = as_text(value)
    if text is None:
        return "there"
    masked = mask(text)
    if masked.startswith("‹") and masked.endswith("›"):
        return masked if masked.count("‹") == 1 else "‹masked›"
    return shown(text) if masked == text and _CODE.fullmatch(text) and plain(text) not in ours else "‹masked›"


def listed(texts: Iterable[str]) -> str:
    """The first few, without repeats."""
    found = list(dict.fromkeys(texts))
    return ", ".join(found[:_MOST]) + (", …" if len(found) > _MOST else "")
