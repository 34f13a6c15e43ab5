"""Date patterns as a civil servant writes them (``dd/MM/yyyy HH:mm:ss``), read and written without guessing.

Tokens are yyyy MM dd HH mm ss; everything else stands for itself; the usual patterns have names. Local times are
Vietnamese unless a zone is named.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import lru_cache
from operator import attrgetter
from typing import Any
from zoneinfo import ZoneInfo

HOME_ZONE = "Asia/Ho_Chi_Minh"
NAMED_PATTERNS = {
    "compact": "yyyyMMddHHmmss",
    "compact_date": "yyyyMMdd",
    "vietnamese": "dd/MM/yyyy HH:mm:ss",
    "vietnamese_minutes": "dd/MM/yyyy HH:mm",
    "vietnamese_date": "dd/MM/yyyy",
    "iso_local": "yyyy-MM-ddTHH:mm:ss",
    "iso_date": "yyyy-MM-dd",
}
"""What may be written in place of a pattern."""
_TOKEN = re.compile(r"yyyy|MM|dd|HH|mm|ss")
_FIELDS = {"yyyy": "year", "MM": "month", "dd": "day", "HH": "hour", "mm": "minute", "ss": "second"}
_SIXTY = "[0-5][0-9]"
_DIGITS = {"yyyy": "[0-9]{4}", "MM": "[01][0-9]", "dd": "[0-3][0-9]", "HH": "[01][0-9]|2[0-3]", "mm": _SIXTY, "ss": _SIXTY}
_CHANGES = "changes"
_RFC3339 = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?(?:[Zz]|[+-][0-9]{2}:[0-9]{2})")


def named_pattern(text: str) -> str:
    """The pattern of this name, or else the text itself, which is one."""
    return NAMED_PATTERNS.get(text, text)


def date_pieces(pattern: str) -> list[str]:
    """The pattern cut into tokens and literal text. Raises ValueError for letters that look like an unknown token."""
    pieces: list[str] = []
    rest = 0
    for token in _TOKEN.finditer(pattern):
        pieces += [pattern[rest : token.start()], token.group()]
        rest = token.end()
    pieces.append(pattern[rest:])
    for literal in pieces[::2]:
        if re.search(r"[yMdHhmsSaz]", literal):
            known = f"use yyyy MM dd HH mm ss, or a name: {', '.join(NAMED_PATTERNS)}"
            raise ValueError(f"the date pattern {pattern[:40]!r} has an unknown part {literal!r}; {known}")
    tokens = pieces[1::2]
    if len(set(tokens)) != len(tokens):
        raise ValueError(f"the date pattern {pattern[:40]!r} names a part twice")
    return pieces


def make_reader(patterns: list[str], zone: ZoneInfo) -> Callable[[str], str | None]:
    """A function from local text to RFC 3339 text with offset; None when no pattern fits or the time does not exist.

    Patterns are tried in order; each needs year, month and day; parts of the time that it lacks are zero. A time that
    the zone skips or passes twice is refused, since choosing would be inventing.
    """
    readers: list[tuple[re.Pattern[str], Callable[[re.Match[str]], tuple[str, ...]]]] = []
    for pattern in patterns:
        pieces = date_pieces(pattern)
        if not {"yyyy", "MM", "dd"} <= set(pieces[1::2]):
            raise ValueError(f"the date pattern {pattern[:40]!r} needs yyyy, MM and dd")
        text = "".join(f"(?P<{p}>{_DIGITS[p]})" if i % 2 else re.escape(p) for i, p in enumerate(pieces))
        readers.append((re.compile(text), _parts_of(pieces[1::2])))

    @lru_cache(maxsize=1024)  # a record names the same few days again and again
    def read(text: str) -> str | None:
        for pattern, parts_of in readers:
            found = pattern.fullmatch(text)
            if found is not None:
                year, month, day, hour, minute, second = parts_of(found)
                offset = _offset_of_day(zone, year, month, day)
                if offset == _CHANGES:
                    offset = _offset(datetime(int(year), int(month), int(day), int(hour), int(minute), int(second)), zone)
                if offset:
                    return f"{year}-{month}-{day}T{hour}:{minute}:{second}{offset}"
        return None

    return read


def _parts_of(tokens: list[str]) -> Callable[[re.Match[str]], tuple[str, ...]]:
    """Year, month, day, hour, minute, second of a match, as text; "00" for what the pattern lacks."""
    wanted = tuple(token for token in _FIELDS if token in tokens)
    lacking = ("00",) * (len(_FIELDS) - len(wanted))
    if wanted != tuple(_FIELDS)[: len(wanted)]:
        return lambda found: tuple(found[token] if token in wanted else "00" for token in _FIELDS)
    return lambda found: found.group(*wanted) + lacking


@lru_cache(maxsize=4096)
def _offset_of_day(zone: ZoneInfo, year: str, month: str, day: str) -> str:
    """The offset that holds all day, _CHANGES if it does not, "" when there is no such day."""
    try:
        start = datetime(int(year), int(month), int(day))
    except ValueError:
        return ""
    quarters = {_offset(start + timedelta(minutes=15 * quarter), zone) for quarter in range(96)}
    return quarters.pop() if len(quarters) == 1 else _CHANGES


def _offset(moment: datetime, zone: ZoneInfo) -> str:
    """The offset of a local time as +07:00; "" when the time is skipped or passed twice, or the offset has seconds."""
    here = moment.replace(tzinfo=zone)
    text = here.isoformat()[19:]
    return text if len(text) == 6 and here.utcoffset() == here.replace(fold=1).utcoffset() else ""


def make_writer(pattern: str, zone: ZoneInfo) -> Callable[[str], str | None]:
    """A function from RFC 3339 text to local text in the zone; None when the text is no real RFC 3339 time."""
    pieces = date_pieces(pattern)
    tokens = pieces[1::2]
    if not tokens:
        raise ValueError(f"the date pattern {pattern[:40]!r} has no part such as yyyy")
    layout = "".join(f"%0{len(p)}d" if i % 2 else p.replace("%", "%%") for i, p in enumerate(pieces))
    numbers = attrgetter(*(_FIELDS[token] for token in tokens))

    @lru_cache(maxsize=1024)
    def write(text: str) -> str | None:
        if _RFC3339.fullmatch(text) is None:
            return None
        try:
            return layout % numbers(datetime.fromisoformat(text.upper()).astimezone(zone))
        except (ValueError, OverflowError):
            return None

    return write


def patterns_and_zone(argument: Any) -> tuple[list[str], ZoneInfo]:
    """Reads ``"dd/MM/yyyy"``, a list of such, or ``{format: …, zone: …}``. Raises ValueError saying what to write."""
    zone = HOME_ZONE
    if isinstance(argument, dict):
        if not {"format"} <= set(argument) <= {"format", "zone"} or not isinstance(argument.get("zone", zone), str):
            raise ValueError("write { format: dd/MM/yyyy, zone: Asia/Ho_Chi_Minh }")
        zone, argument = argument.get("zone", zone), argument["format"]
    patterns = [argument] if isinstance(argument, str) else argument
    if not isinstance(patterns, list) or not patterns or not all(isinstance(p, str) and p for p in patterns):
        raise ValueError('a date pattern is text such as "dd/MM/yyyy HH:mm:ss", or a list of such')
    try:
        return [named_pattern(one) for one in patterns], ZoneInfo(zone)
    except (OSError, KeyError, ValueError) as error:
        raise ValueError(f"no time zone is named {zone[:40]!r}; write one such as {HOME_ZONE}") from error
