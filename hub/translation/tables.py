"""Code tables: which code of one system means which code of another. Without a row it is an error."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from hub.errors import BadConfig, Problem, shown
from hub.message import SchemaRef
from hub.strictyaml import Document, NodePath
from hub.translation.verbs import Refusal, kind_of, to_string

Rows = dict[tuple[str | None, ...], tuple[Any, ...]]
"""Each row's key cells to its value cells."""


@dataclass(frozen=True)
class CodeTable:
    """One version of one table. ``rows`` is None for a table that a connector can fetch and has not fetched yet."""

    ref: SchemaRef
    key: tuple[str, ...]
    columns: tuple[str, ...]
    rows: Rows | None = field(repr=False)
    source: str = ""
    sha256: str = ""
    fetched: bool = False

    def column(self, name: str | None) -> int:
        """The position of a value column (no name: the only one). Raises ValueError saying what to write."""
        if name is None:
            if len(self.columns) == 1:
                return 0
            raise ValueError(f"the table {self.ref} has several columns; write column: one of {', '.join(self.columns)}")
        if name not in self.columns:
            raise ValueError(f"the table {self.ref} has no column {name[:40]!r}; one of: {', '.join(self.columns)}")
        return self.columns.index(name)


_FIELDS = {"table", "version", "summary", "key", "columns", "rows", "fetched"}


def parse_table(ref: SchemaRef, document: Document, sha256: str) -> CodeTable:
    """Reads a table file. Raises BadConfig with every problem of the file."""
    body = document.data
    if not isinstance(body, dict):
        raise BadConfig([document.problem((), "mistyped", "a table file is a mapping", "write table:, version:, key: …")])
    problems: list[Problem] = []

    def wrong(name: str, code: str, message: str, hint: str = "") -> None:
        problems.append(document.problem((name,), code, message, hint))

    for name in body.keys() - _FIELDS:
        wrong(name, "unknown_key", f"a table has no {name!r}", f"one of: {', '.join(sorted(_FIELDS))}")
    for name, expected in (("table", ref.id), ("version", ref.version)):
        if document.text(name) != expected:
            wrong(name, "bad_id", "does not agree with the file's place", f"write {name}: {expected}")
    names: dict[str, tuple[str, ...]] = {"key": (), "columns": ()}
    for name in names:
        listed = body.get(name)
        if isinstance(listed, list) and listed and all(isinstance(column, str) for column in listed):
            names[name] = tuple(listed)
        else:
            wrong(name, "mistyped", "must be a list of at least one column name")
    key, columns = names.values()
    if len({*key, *columns}) != len(key) + len(columns):
        wrong("columns", "duplicate", "a column is named twice")
    if not isinstance(body.get("rows"), list):
        wrong("rows", "missing", "the table has no rows", "write rows: [[key, value], …]")
    if problems:
        raise BadConfig(problems)
    rows = read_rows(document, ("rows",), len(key), len(columns), problems)
    if problems:
        raise BadConfig(problems)
    return CodeTable(ref, key, columns, rows, document.source, sha256, "fetched" in body)


def read_rows(document: Document, place: NodePath, keys: int, columns: int, problems: list[Problem]) -> Rows:
    """Reads ``[[key …, value …], …]`` at a place of a document. Keys are taken as written, values with their type."""
    rows: Rows = {}
    found: Any = document.data
    for part in place:
        found = found[part]
    at = ".".join(map(str, place))
    for index, row in enumerate(found):
        if not isinstance(row, list) or len(row) != keys + columns:
            wrong = ("bad_row", f"must have {keys + columns} cells: {keys} of the key, then {columns}", "")
        else:
            key = tuple(document.text(*place, index, position) for position in range(keys))
            if None in key or None in row:
                wrong = ("bad_row", "has a cell that is no code", 'write "" for empty')
            elif any(isinstance(cell, float | list | dict) for cell in row[keys:]):
                wrong = ("bad_row", "has a value that is no code", "put it in quotes")
            elif key in rows:
                wrong = ("duplicate_key", "has the key of an earlier row", "keep one")
            else:
                rows[key] = tuple(row[keys:])
                continue
        code, message, hint = wrong
        problems.append(Problem(at, code, f"row {index + 1} {message}", hint, document.at(*place, index)))
    return rows


def code_text(value: Any) -> str:
    """A source value as a key of a table. Raises Refusal for what cannot be a code."""
    if isinstance(value, str | int):
        return to_string(value)
    raise Refusal("bad_value", f"a code must be text, not {kind_of(value)}")


def make_lookup(table: CodeTable, column: int, name: str, add_to: str, by: bool) -> Callable[..., Any]:
    """A look-up by one code, or (``by``) by several, where a missing one reads as "" and nothing comes of all missing.

    ``name`` is the table's name in the mapping, ``add_to`` says where a missing row belongs.
    """
    if table.rows is None:
        return _not_fetched(table)
    rows = {key if by else key[0]: row[column] for key, row in table.rows.items()}

    def look_up(value: Any) -> Any:
        found = rows.get(value) if type(value) is str else rows.get(code_text(value))
        if found is None:
            raise Refusal("not_in_table", f"the code {shown(value)} has no row in the table {name}", add_to)
        return found

    def look_up_by(*values: Any) -> Any:
        key = tuple("" if value is None else code_text(value) for value in values)
        found = rows.get(key)
        if found is None and any(key):
            codes = ", ".join(shown(code) if code else '""' for code in key)
            raise Refusal("not_in_table", f"the codes ({codes}) have no row in the table {name}", add_to)
        return found

    return look_up_by if by else look_up


def _not_fetched(table: CodeTable) -> Callable[..., Any]:
    def refuse(*_values: Any) -> Any:
        raise Refusal("table_not_fetched", f"the table {table.ref} has not been fetched yet", "run `hub catalog refresh`")

    return refuse
