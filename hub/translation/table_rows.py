"""The rows of a code table as they are written, and the days on which each of them holds.

A table that lists ``valid_from`` or ``valid_until`` among its columns is dated: the first and the last day of a row, both
included, "" for open. Its rows may then have one key several times, as long as no day has two of them.
"""

from __future__ import annotations

import re
from bisect import bisect
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from hub.errors import Problem
from hub.strictyaml import Document, NodePath
from hub.translation.datetimes import HOME_ZONE, make_reader, make_writer, patterns_and_zone
from hub.translation.refusal import Refusal

Key = tuple[str | None, ...]
Rows = dict[Key, tuple[Any, ...]]
"""Each row's key cells (in a dated table its first day comes after them) to the cells of all its columns."""
Period = tuple[str, str]
"""First and last day, "" for open."""

VALIDITY = ("valid_from", "valid_until")
_ISO_DAY = "yyyy-MM-dd"
_OPEN_END = "9999-99-99"
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def is_dated(columns: Sequence[str]) -> bool:
    """Do rows with these columns hold for some days only?"""
    return any(name in columns for name in VALIDITY)


def period_of(columns: Sequence[str], cells: Sequence[Any]) -> Period:
    """The first and the last day of a row."""
    first, last = (cells[columns.index(name)] if name in columns else "" for name in VALIDITY)
    return first, last


def holds(period: Period, first: str, last: str) -> bool:
    """Does the period have a day between these two, both included?"""
    return period[0] <= (last or _OPEN_END) and first <= (period[1] or _OPEN_END)


def period_words(period: Period) -> str:
    """``2020-01-01 → 2025-06-30``, with … for an open end."""
    return " → ".join(day or "…" for day in period)


def read_rows(document: Document, place: NodePath, keys: int, columns: Sequence[str], problems: list[Problem]) -> Rows:
    """Reads ``[[key …, value …], …]`` at a place of a document. Keys are taken as written, values with their type."""
    rows: Rows = {}
    earlier: dict[Key, list[tuple[Period, str]]] = {}  # of each key in the order of their days; no two hold on one day
    dated = is_dated(columns)
    found: Any = document.data
    for part in place:
        found = found[part]
    at = ".".join(map(str, place))
    for index, row in enumerate(found):
        where = document.at(*place, index)
        wrong = _wrong_cells(row, keys, columns)
        if wrong is None:
            key = tuple(document.text(*place, index, position) for position in range(keys))
            cells = tuple(row[keys:])
            period = period_of(columns, cells)
            held = earlier.setdefault(key, [])
            after = bisect(held, (period, ""))
            beside = held[max(0, after - 1) : after + 1]
            other = next((line for days, line in beside if holds(days, *period)), None)
            if None in key:
                wrong = ("bad_row", "has a cell that is no code", 'write "" for empty')
            elif other and dated:
                hint = "let one end the day before the other begins"
                wrong = ("overlapping_validity", f"holds on days on which the row at {other} holds too", hint)
            elif other:
                wrong = ("duplicate_key", "has the key of an earlier row", "keep one")
            else:
                rows[(*key, period[0]) if dated else key] = cells
                held.insert(after, (period, where))
        if wrong is not None:
            code, message, hint = wrong
            problems.append(Problem(at, code, f"row {index + 1} {message}", hint, where))
    return rows


def _wrong_cells(row: Any, keys: int, columns: Sequence[str]) -> tuple[str, str, str] | None:
    """Code, message and hint for what no row may have."""
    width = keys + len(columns)
    if not isinstance(row, list) or len(row) != width:
        return "bad_row", f"must have {width} cells: {keys} of the key, then {len(columns)}", 'write "" for an empty one'
    if None in row:
        return "bad_row", "has a cell that is no code", 'write "" for empty'
    if any(isinstance(cell, float | list | dict) for cell in row[keys:]):
        return "bad_row", "has a value that is no code", "put it in quotes"
    days = [cell for name, cell in zip(columns, row[keys:], strict=True) if name in VALIDITY and cell != ""]
    if not all(map(_is_day, days)):
        return "bad_validity", "has a day that is none", 'write it as 2025-07-01, or "" for open'
    first, last = period_of(columns, row[keys:])
    if first and last and first > last:
        return "bad_validity", f"ends ({last}) before it begins ({first})", "valid_until is the last day on which it holds"
    return None


def _is_day(value: Any) -> bool:
    try:
        return isinstance(value, str) and bool(_DAY.fullmatch(value)) and bool(date.fromisoformat(value))
    except ValueError:
        return False


def _day_by(pattern: str, zone: ZoneInfo) -> Callable[[str], str | None]:
    has_hours = "HH" in pattern
    read = make_reader([pattern], zone if has_hours else ZoneInfo("UTC"))
    to_day = make_writer(_ISO_DAY, ZoneInfo(HOME_ZONE if has_hours else "UTC"))

    def day(text: str) -> str | None:
        moment = read(text)
        return to_day(moment) if moment else None

    return day


def make_day_reader(path: str, spec: Mapping[str, Any] | None = None) -> Callable[[Any], str]:
    """A function from the value at the source path ``path`` to the day there, as 2025-07-01; Refusal where there is none.

    Without ``spec`` the value is a day or a time as ISO 8601 writes it; with ``{format: …, zone: …}`` it is read by that.
    A time of another zone is the Vietnamese day; a pattern without hours is that day in every zone. Raises ValueError for a
    ``spec`` that cannot be read.
    """
    ways = [make_writer(_ISO_DAY, ZoneInfo(HOME_ZONE))]
    if spec:
        patterns, zone = patterns_and_zone(dict(spec))
        ways = [_day_by(pattern, zone) for pattern in patterns]

    def day(value: Any) -> str:
        if value is None or value == "":
            raise Refusal("missing", f"the table is asked for a day, and {path} has none", f"send {path}")
        if isinstance(value, str):
            if not spec and _is_day(value):
                return value
            for way in ways:
                if found := way(value):
                    return found
        hint = f"correct {path}, or say how it is written: on: {{ path: {path}, format: dd/MM/yyyy }}"
        raise Refusal("bad_date", f"the table is asked for a day, and {path} is none", hint)

    return day
