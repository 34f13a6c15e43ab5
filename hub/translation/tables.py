"""Code tables: which code of one system means which code of another. Without a row it is an error."""

from __future__ import annotations

import difflib
from bisect import bisect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import Any

from hub.errors import BadConfig, Problem, shown
from hub.message import SchemaRef
from hub.strictyaml import Document
from hub.translation.conversions import to_string
from hub.translation.refusal import Refusal, kind_of
from hub.translation.table_rows import VALIDITY, Key, Period, Rows, holds, is_dated, period_of, period_words, read_rows

MOST_COMPARED = 200
"""With how many codes, those next to it in order, an unknown one is compared: a long table makes no bad message slow."""
MOST_DAYS = 6
"""Of more rows of one key only the first and the last day are told."""


@dataclass(frozen=True, slots=True)
class Extends:
    """The table whose rows a table takes over: all but those it has itself and those ``without`` (key → its line) names."""

    ref: SchemaRef
    where: str
    without: Mapping[Key, str]


@dataclass(frozen=True)
class CodeTable:
    """One version of one table. ``rows`` is None for a table that a connector can fetch and has not fetched yet.

    ``offered`` is a table for whoever wants it: that no mapping uses it is no finding.
    """

    ref: SchemaRef
    key: tuple[str, ...]
    columns: tuple[str, ...]
    rows: Rows | None = field(repr=False)
    source: str = ""
    sha256: str = ""
    fetched: bool = False
    offered: bool = False
    extends: Extends | None = None

    @property
    def dated(self) -> bool:
        """Do its rows hold for some days only?"""
        return is_dated(self.columns)

    def column(self, name: str | None) -> int:
        """The position of a value column (no name: the only one). Raises ValueError saying what to write."""
        if name is None:
            values = [column for column in self.columns if column not in VALIDITY]
            if len(values) == 1:
                return self.columns.index(values[0])
            raise ValueError(f"the table {self.ref} has several columns; write column: one of {', '.join(self.columns)}")
        if name not in self.columns:
            raise ValueError(f"the table {self.ref} has no column {name[:40]!r}; one of: {', '.join(self.columns)}")
        return self.columns.index(name)

    def all_keys(self) -> set[Key]:
        """The keys of all rows, of whatever day."""
        return {key[: len(self.key)] for key in self.rows or ()}


FIELDS: dict[str, str] = {
    "table": "the name of the table, which is that of its folder",
    "version": "major.minor.patch, which is the name of the file; a released file never changes",
    "summary": "one sentence: which code means which, and where the rows are from",
    "extends": "a table whose rows it takes over: id@version; its own rows replace those with the same key",
    "without": "keys of rows that it does not take over: [[key], …]",
    "offered": "true: a table for whoever wants it; that no mapping uses it is no finding",
    "key": "names of the key columns, which come first in a row",
    "columns": "names of the further columns; valid_from and valid_until are the first and the last day of a row",
    "rows": "[[key, value], …]; every code is text as it is written",
    "fetched": "from where and when a connector fetched it; written by `hub catalog refresh`",
}
"""What stands in a table file."""


def parse_table(ref: SchemaRef, document: Document, sha256: str) -> CodeTable:
    """Reads a table file. Raises BadConfig with every problem of the file."""
    body = document.data
    if not isinstance(body, dict):
        raise BadConfig([document.problem((), "mistyped", "a table file is a mapping", "write table:, version:, key: …")])
    problems: list[Problem] = []

    def wrong(name: str, code: str, message: str, hint: str = "") -> None:
        problems.append(document.problem((name,), code, message, hint))

    for name in body.keys() - FIELDS:
        wrong(name, "unknown_key", f"a table has no {name!r}", f"one of: {', '.join(sorted(FIELDS))}")
    for name, expected in (("table", ref.id), ("version", ref.version)):
        if document.text(name) != expected:
            wrong(name, "bad_id", "does not agree with the file's place", f"write {name}: {expected}")
    names: dict[str, tuple[str, ...]] = {"key": (), "columns": ()}
    for name in names:
        listed = body.get(name)
        if isinstance(listed, list) and listed and all(isinstance(column, str) for column in listed):
            names[name] = tuple(listed)
        else:
            wrong(name, "mistyped", "must be a list of at least one column name", f"write {name}: [code]")
    key, columns = names.values()
    if len({*key, *columns}) != len(key) + len(columns):
        wrong("columns", "duplicate", "a column is named twice", "give each a name of its own")
    if not isinstance(body.get("offered", False), bool):
        wrong("offered", "mistyped", "offered is true or false", "write offered: true")
    if not isinstance(body.get("rows"), list):
        wrong("rows", "missing", "the table has no rows", "write rows: [[key, value], …]")
    extends = _extends(document, len(key), problems)
    if problems:
        raise BadConfig(problems)
    rows = read_rows(document, ("rows",), len(key), columns, problems)
    if problems:
        raise BadConfig(problems)
    offered = body.get("offered", False)
    return CodeTable(ref, key, columns, rows, document.source, sha256, "fetched" in body, offered, extends)


def _extends(document: Document, keys: int, problems: list[Problem]) -> Extends | None:
    """``extends: states@1`` and ``without: [[key, …], …]``."""
    body = document.data
    if "extends" not in body:
        if "without" in body:
            message, hint = "without needs a table to take rows over from", "write extends: states@1"
            problems.append(document.problem(("without",), "misplaced", message, hint))
        return None
    listed = body.get("without", [])
    without: dict[Key, str] = {}
    for index, cells in enumerate(listed if isinstance(listed, list) else [None]):
        if not isinstance(cells, list) or len(cells) != keys:
            message, hint = f"without is a list of keys, each of {keys} cells", "write without: [[A], [B]]"
            problems.append(document.problem(("without", index), "mistyped", message, hint))
        else:
            without[tuple(document.text("without", index, i) for i in range(keys))] = document.at("without", index)
    try:
        return Extends(SchemaRef.parse(document.text("extends") or ""), document.at("extends"), without)
    except ValueError as error:
        message = str(error).replace("a schema", "a table")
        problems.append(document.problem(("extends",), "bad_reference", message, "write extends: states@1"))
    return None


def code_text(value: Any) -> str:
    """A source value as a key of a table. Raises Refusal for what cannot be a code."""
    if isinstance(value, str | int):
        return to_string(value)
    raise Refusal("bad_value", f"a code must be text, not {kind_of(value)}")


def make_lookup(
    table: CodeTable, column: int, name: str, add_to: str, by: bool, day: Callable[[Any], str] | None = None
) -> Callable[..., Any]:
    """A look-up by one code, or (``by``) by several, where a missing one reads as "" and nothing comes of all missing.

    In a dated table the last argument says on what day; ``day`` reads it. ``name`` is the table's name in the mapping,
    ``add_to`` says where a missing row belongs.
    """
    if table.rows is None:
        return _not_fetched(table)
    unknown = _unknown(table, name, add_to)
    if day is not None:
        return _make_dated_lookup(table, column, unknown, by, day)
    rows = {key if by else key[0]: row[column] for key, row in table.rows.items()}

    def look_up(value: Any) -> Any:
        found = rows.get(value) if type(value) is str else rows.get(code_text(value))
        if found is None:
            raise unknown((code_text(value),), ())
        return found

    def look_up_by(*values: Any) -> Any:
        key = tuple("" if value is None else code_text(value) for value in values)
        found = rows.get(key)
        if found is None and any(key):
            raise unknown(key, ())
        return found

    return look_up_by if by else look_up


_Unknown = Callable[[tuple[str, ...], Sequence[Period]], Refusal]


def _make_dated_lookup(
    table: CodeTable, column: int, unknown: _Unknown, by: bool, day: Callable[[Any], str]
) -> Callable[..., Any]:
    rows: dict[Key, list[tuple[Period, Any]]] = {}
    for key, cells in (table.rows or {}).items():
        rows.setdefault(key[:-1], []).append((period_of(table.columns, cells), cells[column]))
    for one in rows.values():
        one.sort(key=_first_day)

    def look_up_on(*values: Any) -> Any:
        key = tuple("" if value is None else code_text(value) for value in values[:-1])
        if by and not any(key):
            return None
        held = rows.get(key, [])
        on = day(values[-1]) if held else ""
        began = bisect(held, on, key=_first_day)  # no two hold on one day: if any does, the last that has begun
        if began and holds(held[began - 1][0], on, on):
            return held[began - 1][1]
        raise unknown(key, [period for period, _ in held])

    return look_up_on


def _first_day(held: tuple[Period, Any]) -> str:
    return held[0][0]


def _unknown(table: CodeTable, name: str, add_to: str) -> _Unknown:
    """Makes the refusal of a code without a row; where it has rows of other days, it says which."""

    @cache
    def in_order() -> list[str]:
        return sorted(_written(tuple(map(str, found))) for found in table.all_keys())

    @lru_cache(maxsize=1024)  # messages repeat the same unknown codes
    def advice(code: str) -> str:
        middle = bisect(in_order(), code)
        around = in_order()[max(0, middle - MOST_COMPARED // 2) : middle + MOST_COMPARED // 2]
        meant = ", ".join(difflib.get_close_matches(code, around, 3))
        return f"did you mean {meant}? Else {add_to}" if meant else add_to

    def refuse(key: tuple[str, ...], periods: Sequence[Period]) -> Refusal:
        code = _written(tuple(part and shown(part) for part in key))
        what = f"the code{'s' * (len(key) > 1)} {code}"
        if periods:
            days = ", ".join(map(period_words, periods))
            if len(periods) > MOST_DAYS:
                days = f"{period_words(periods[0])}, …, {period_words(periods[-1])} ({len(periods)} rows)"
            return Refusal("not_in_table", f"{what} had no row in the table {name} on that day, only on {days}", add_to)
        message = f"{what} {'have' if len(key) > 1 else 'has'} no row in the table {name}"
        # A masked value gets no advice: the keys near to it would tell what it is.
        return Refusal("not_in_table", message, add_to, (lambda: advice(code)) if code == _written(key) else None)

    return refuse


def _written(key: tuple[str, ...]) -> str:
    parts = [part or '""' for part in key]
    return parts[0] if len(parts) == 1 else f"({', '.join(parts)})"


def _not_fetched(table: CodeTable) -> Callable[..., Any]:
    def refuse(*_values: Any) -> Any:
        raise Refusal("table_not_fetched", f"the table {table.ref} has not been fetched yet", "run `hub catalog refresh`")

    return refuse
