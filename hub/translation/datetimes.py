"""Date patterns as a civil servant writes them (``dd/MM/yyyy HH:mm:ss``), read and written without guessing.

Tokens are yyyy MM dd HH mm ss; everything else stands for itself. Local times are Vietnamese unless a zone is named.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

HOME_ZONE = "Asia/Ho_Chi_Minh"
_TOKEN = re.compile(r"yyyy|MM|dd|HH|mm|ss")
_FIELDS = {"yyyy": "year", "MM": "month", "dd": "day", "HH": "hour", "mm": "minute", "ss": "second"}
_RFC3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?(?:[Zz]|[+-][0-9]{2}:[0-9]{2})"
)


def read_zone(name: str) -> ZoneInfo:
    """Raises ValueError when no such zone is known."""
    try:
        return ZoneInfo(name)
    except (OSError, KeyError, ValueError) as error:
        raise ValueError(f"no time zone is named {name[:40]!r}; write one such as {HOME_ZONE}") from error


def _pieces(pattern: str) -> list[str]:
    """The pattern cut into tokens and literal text. Raises ValueError for letters that look like an unknown token."""
    pieces: list[str] = []
    rest = 0
    for token in _TOKEN.finditer(pattern):
        pieces += [pattern[rest : token.start()], token.group()]
        rest = token.end()
    pieces.append(pattern[rest:])
    for literal in pieces[::2]:
        if re.search(r"[yMdHhmsSaz]", literal):
            raise ValueError(
                f"the date pattern {pattern[:40]!r} has an unknown part {literal!r}; use yyyy MM dd HH mm ss"
            )
    tokens = pieces[1::2]
    if len(set(tokens)) != len(tokens):
        raise ValueError(f"the date pattern {pattern[:40]!r} names a part twice")
    return pieces


def make_reader(patterns: list[str], zone: ZoneInfo) -> Callable[[str], str | None]:
    """A function from local text to RFC 3339 text with offset; None when no pattern fits or the time does not exist.

    Patterns are tried in order; each needs year, month and day; parts of the time that it lacks are zero. A time that
    the zone skips or passes twice is refused, since choosing would be inventing.
    """
    readers: list[tuple[re.Pattern[str], list[str]]] = []
    for pattern in patterns:
        pieces = _pieces(pattern)
        if not {"yyyy", "MM", "dd"} <= set(pieces[1::2]):
            raise ValueError(f"the date pattern {pattern[:40]!r} needs yyyy, MM and dd")
        text = "".join(f"([0-9]{{{len(p)}}})" if i % 2 else re.escape(p) for i, p in enumerate(pieces))
        readers.append((re.compile(text), [_FIELDS[p] for p in pieces[1::2]]))

    def read(text: str) -> str | None:
        for pattern, names in readers:
            found = pattern.fullmatch(text)
            if found is None:
                continue
            try:
                moment = datetime(tzinfo=zone, **dict(zip(names, map(int, found.groups()), strict=True)))
            except ValueError:
                continue
            offset = moment.utcoffset()
            if offset == moment.replace(fold=1).utcoffset() and offset is not None and offset.seconds % 60 == 0:
                return moment.isoformat()
        return None

    return read


def make_writer(pattern: str, zone: ZoneInfo) -> Callable[[str], str | None]:
    """A function from RFC 3339 text to local text in the zone; None when the text is no real RFC 3339 time."""
    pieces = _pieces(pattern)
    if len(pieces) == 1:
        raise ValueError(f"the date pattern {pattern[:40]!r} has no part such as yyyy")
    layout = "".join(
        f"{{0.{_FIELDS[p]}:0{len(p)}d}}" if i % 2 else p.replace("{", "{{").replace("}", "}}")
        for i, p in enumerate(pieces)
    )

    def write(text: str) -> str | None:
        if _RFC3339.fullmatch(text) is None:
            return None
        try:
            return layout.format(datetime.fromisoformat(text.upper()).astimezone(zone))
        except (ValueError, OverflowError):
            return None

    return write


def patterns_and_zone(argument: Any) -> tuple[list[str], ZoneInfo]:
    """Reads ``"dd/MM/yyyy"``, a list of patterns, or ``{format: …, zone: …}``. Raises ValueError saying what to write."""
    zone = HOME_ZONE
    if isinstance(argument, dict):
        if not {"format"} <= set(argument) <= {"format", "zone"} or not isinstance(argument.get("zone", zone), str):
            raise ValueError("write { format: dd/MM/yyyy, zone: Asia/Ho_Chi_Minh }")
        zone, argument = argument.get("zone", zone), argument["format"]
    patterns = [argument] if isinstance(argument, str) else argument
    if not isinstance(patterns, list) or not patterns or not all(isinstance(p, str) and p for p in patterns):
        raise ValueError('a date pattern is text such as "dd/MM/yyyy HH:mm:ss", or a list of such')
    return patterns, read_zone(zone)
