"""Date patterns as a civil servant writes them (``dd/MM/yyyy HH:mm:ss``), read and written without guessing.

Tokens are yyyy MM dd HH mm ss; everything else stands for itself; the usual patterns have names. Local times are
Vietnamese unless a zone is named.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import lru_cache
from operator import itemgetter
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
_SIXTY = "[0-5][0-9]"
_DIGITS = {"yyyy": "[0-9]{4}", "MM": "[01][0-9]", "dd": "[0-3][0-9]", "HH": "[01][0-9]|2[0-3]", "mm": _SIXTY, "ss": _SIXTY}
_CHANGES = "changes"
_ISO = "yyyy-MM-ddTHH:mm:ss"
_USUAL = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9][+-][0-9]{2}:[0-9]{2}")
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
    readers = [_reader(pattern, zone) for pattern in patterns]
    if len(readers) == 1:
        return readers[0]

    def read(text: str) -> str | None:
        return next((found for one in readers if (found := one(text)) is not None), None)

    return read


def _reader(pattern: str, zone: ZoneInfo) -> Callable[[str], str | None]:
    """Of one pattern. Each token is as long as what it stands for, so that everything is at its own place in the text."""
    pieces = date_pieces(pattern)
    if not {"yyyy", "MM", "dd"} <= set(pieces[1::2]):
        raise ValueError(f"the date pattern {pattern[:40]!r} needs yyyy, MM and dd")
    fits = re.compile("".join(f"(?:{_DIGITS[p]})" if i % 2 else re.escape(p) for i, p in enumerate(pieces))).fullmatch
    year, month, day = (_place(pattern, token) for token in ("yyyy", "MM", "dd"))
    dated = slice(min(year.start, month.start, day.start), max(year.stop, month.stop, day.stop))
    time_of = _time_of(pattern)
    times = _place(pattern, "HH:mm:ss") if "HH:mm:ss" in pattern else None

    @lru_cache(maxsize=4096)  # records name the same days again and again, and hardly ever the same second
    def day_of(text: str) -> tuple[str, str]:
        whole = "?" * dated.start + text
        date = f"{whole[year]}-{whole[month]}-{whole[day]}"
        return f"{date}T", _offset_of_day(zone, date)

    def read(text: str) -> str | None:
        if fits(text) is None:
            return None
        date, offset = day_of(text[dated])
        time = time_of(text) if times is None else text[times]
        if offset == _CHANGES:
            offset = _offset(datetime.fromisoformat(date + time), zone)
        return f"{date}{time}{offset}" if offset else None

    return read


def _place(pattern: str, token: str) -> slice:
    start = pattern.index(token)
    return slice(start, start + len(token))


def _time_of(pattern: str) -> Callable[[str], str]:
    """Hours, minutes and seconds of a text of this pattern; "00" for what it lacks."""
    places = [_place(pattern, token) if token in pattern else None for token in ("HH", "mm", "ss")]
    return lambda text: ":".join("00" if place is None else text[place] for place in places)


@lru_cache(maxsize=4096)
def _offset_of_day(zone: ZoneInfo, day: str) -> str:
    """The offset that holds all of this ISO day, _CHANGES if it does not, "" when there is no such day."""
    try:
        start = datetime.fromisoformat(day)
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
    layout = "".join("%s" if i % 2 else p.replace("%", "%%") for i, p in enumerate(pieces))
    parts = itemgetter(*(_place(_ISO, token) for token in tokens))

    def write(text: str) -> str | None:
        local = text if _is_local(text, zone) else _localised(text, zone)
        return None if local is None else layout % parts(local)

    return write


def _is_local(text: str, zone: ZoneInfo) -> bool:
    """Whether it is a time with the offset that the zone has all that day, as most are: then nothing is to be computed."""
    return _USUAL.fullmatch(text) is not None and text[19:] == _offset_of_day(zone, text[:10])


def _localised(text: str, zone: ZoneInfo) -> str | None:
    """An RFC 3339 time as ISO text of the zone."""
    if _RFC3339.fullmatch(text) is None:
        return None
    try:
        return datetime.fromisoformat(text.upper()).astimezone(zone).isoformat()
    except (ValueError, OverflowError):
        return None


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
