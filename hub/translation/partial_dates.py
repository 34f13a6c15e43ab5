"""Dates of which only the year, or year and month, may be known: read from many forms, kept as ISO 8601 writes them."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from hub.translation.datetimes import date_pieces, named_pattern
from hub.translation.refusal import Change, or_refuse

_NEEDS = {"year": ("yyyy",), "month": ("yyyy", "MM"), "day": ("yyyy", "MM", "dd")}
_WIDTHS = {"yyyy": 4, "MM": 2, "dd": 2}
_REDUCED = re.compile(r"(?P<yyyy>[0-9]{4})(?:-(?P<MM>[0-9]{2})(?:-(?P<dd>[0-9]{2}))?)?")


def parse_partial_date(argument: Any) -> Change:
    """Text in one of the patterns as ``1990``, ``1990-05`` or ``1990-05-17``. Zeros are what nobody knows."""
    patterns = [argument] if isinstance(argument, str) else argument
    if not isinstance(patterns, list) or not patterns or not all(isinstance(one, str) and one for one in patterns):
        raise ValueError("takes a list of date patterns; write [yyyy, MM/yyyy, dd/MM/yyyy]")
    expressions = [re.compile(_expression(named_pattern(one))) for one in patterns]

    def read(whole: str) -> str | None:
        for expression in expressions:
            if (found := expression.fullmatch(whole)) and (known := _reduced(found.groupdict())):
                return known
        return None

    return or_refuse(read, "bad_date", f"is not a real date of the form {' or '.join(map(named_pattern, patterns))}")


def _expression(pattern: str) -> str:
    pieces = date_pieces(pattern)
    if set(pieces[1::2]) not in map(set, _NEEDS.values()):
        raise ValueError(f"the date pattern {pattern[:40]!r} is no year, month or day; use yyyy, then MM, then dd")
    return "".join(f"(?P<{p}>[0-9]{{{_WIDTHS[p]}}})" if i % 2 else re.escape(p) for i, p in enumerate(pieces))


def _reduced(parts: dict[str, str | None]) -> str | None:
    """The parts as far as they are known; None when that is no date, or a day of an unknown month."""
    year, month, day = (parts.get(token) or "00" for token in _WIDTHS)
    if month == "00" and day != "00":
        return None
    try:
        date(int(year), int(month) or 1, int(day) or 1)
    except ValueError:
        return None
    return "-".join(part for part in (year, month, day) if part != "00")


def format_partial_date(argument: Any) -> Change:
    """``1990``, ``1990-05`` or ``1990-05-17`` in the pattern for what is known; refused where none is written for it."""
    hint = "write { year: yyyy, month: MM/yyyy, day: dd/MM/yyyy }"
    if not isinstance(argument, dict) or not argument or not argument.keys() <= _NEEDS.keys():
        raise ValueError(f"takes a pattern for each of year, month, day that may be known; {hint}")
    forms: dict[str, list[str]] = {}
    for known, pattern in argument.items():
        forms[known] = date_pieces(named_pattern(pattern)) if isinstance(pattern, str) else []
        if not forms[known] or not set(forms[known][1::2]) <= set(_NEEDS[known]):
            raise ValueError(f"the pattern of {known} has other parts than {', '.join(_NEEDS[known])}; {hint}")
        if _NEEDS[known][-1] not in forms[known][1::2]:
            raise ValueError(f"the pattern of {known} needs {_NEEDS[known][-1]}; {hint}")
        if any(re.search(r"[^\D0]", literal) for literal in forms[known][::2]):
            raise ValueError(f"the pattern of {known} has digits that no date gave; write only zeros for what nobody knows")

    def write(whole: str) -> str | None:
        found = _REDUCED.fullmatch(whole)
        if found is None or _reduced(found.groupdict()) != whole:
            return None
        pieces = forms.get("day" if found["dd"] else "month" if found["MM"] else "year")
        return None if pieces is None else "".join(str(found[p]) if i % 2 else p for i, p in enumerate(pieces))

    return or_refuse(write, "bad_date", f"is not a real date of which {' or '.join(argument)} is known, such as 1990-05-17")
