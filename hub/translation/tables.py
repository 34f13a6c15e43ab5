"""Code tables: which code of one system means which code of another. Without a row it is an error."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from hub.errors import BadConfig, Problem, shown
from hub.message import SchemaRef
from hub.strictyaml import Document
from hub.translation.verbs import Change, Refusal, kind_of

Key = tuple[str, ...]


@dataclass(frozen=True)
class CodeTable:
    """One version of one table: each row's key columns to its value columns. ``rows`` is None for a table that a
    connector can fetch and has not fetched yet."""

    ref: SchemaRef
    key: tuple[str, ...]
    columns: tuple[str, ...]
    rows: Mapping[Key, tuple[Any, ...]] | None = field(repr=False)
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


def parse_table(ref: SchemaRef, document: Document, data: bytes) -> CodeTable:
    """Reads a table file. Raises BadConfig with every problem of the file."""
    body = document.data
    if not isinstance(body, dict):
        raise BadConfig([Problem("", "mistyped", "a table file is a mapping", "write table:, version:, key: …", document.at())])
    problems = [
        Problem(name, "unknown_key", f"a table has no {name!r}", f"one of: {', '.join(sorted(_FIELDS))}", document.at(name))
        for name in body.keys() - _FIELDS
    ]
    for name, expected in (("table", ref.id), ("version", ref.version)):
        if document.text(name) != expected:
            problems.append(
                Problem(
                    name,
                    "bad_id",
                    "does not agree with the file's place",
                    f"write {name}: {expected}",
                    document.at(name),
                )
            )
    names: dict[str, list[str]] = {"key": [], "columns": []}
    for name in names:
        listed = body.get(name)
        if isinstance(listed, list) and listed and all(isinstance(column, str) for column in listed):
            names[name] = listed
        else:
            message = "must be a list of at least one column name"
            problems.append(Problem(name, "mistyped", message, source=document.at(name)))
    if len({*names["key"], *names["columns"]}) != len(names["key"]) + len(names["columns"]):
        problems.append(Problem("columns", "duplicate", "a column is named twice", source=document.at("columns")))
    if not isinstance(body.get("rows"), list):
        problems.append(
            Problem("rows", "missing", "the table has no rows", "write rows: [[key, value], …]", document.at("rows"))
        )
    if problems:
        raise BadConfig(problems)
    rows, problems = read_rows(document, ("rows",), len(names["key"]), len(names["columns"]))
    if problems:
        raise BadConfig(problems)
    digest = hashlib.sha256(data).hexdigest()
    return CodeTable(ref, tuple(names["key"]), tuple(names["columns"]), rows, document.source, digest, "fetched" in body)


def read_rows(
    document: Document, place: tuple[str | int, ...], keys: int, columns: int
) -> tuple[dict[Key, tuple[Any, ...]], list[Problem]]:
    """Reads ``[[key …, value …], …]`` at a place of a document. Keys are taken as written, values with their type."""
    rows: dict[Key, tuple[Any, ...]] = {}
    problems: list[Problem] = []
    found: Any = document.data
    for part in place:
        found = found[part]
    at = ".".join(map(str, place))
    for index, row in enumerate(found):
        where = document.at(*place, index)
        if not isinstance(row, list) or len(row) != keys + columns:
            message = f"row {index + 1} must have {keys + columns} cells: {keys} of the key, then {columns}"
            problems.append(Problem(at, "bad_row", message, source=where))
            continue
        texts = [document.text(*place, index, position) for position in range(keys)]
        key = tuple(text for text in texts if text is not None)
        if len(key) != keys or any(cell is None for cell in row):
            problems.append(Problem(at, "bad_row", f"row {index + 1} has a cell that is no code", 'write "" for empty', where))
        elif any(isinstance(cell, float | list | dict) for cell in row[keys:]):
            problems.append(Problem(at, "bad_row", f"row {index + 1} has a value that is no code", "put it in quotes", where))
        elif key in rows:
            problems.append(Problem(at, "duplicate_key", f"row {index + 1} has the key of an earlier row", "keep one", where))
        else:
            rows[key] = tuple(row[keys:])
    return rows, problems


def code_text(value: Any) -> str:
    """A source value as a key of a table. Raises Refusal for what cannot be a code."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    raise Refusal("bad_value", f"a code must be text, not {kind_of(value)}")


def make_lookup(table: CodeTable, column: int, name: str, add_to: str) -> Change:
    """A look-up by one code. ``name`` is its name in the mapping, ``add_to`` says where a missing row belongs."""
    if table.rows is None:
        return _not_fetched(table)
    rows = {key[0]: row[column] for key, row in table.rows.items()}

    def look_up(value: Any) -> Any:
        found = rows.get(value) if type(value) is str else rows.get(code_text(value))
        if found is None:
            raise Refusal("not_in_table", f"the code {shown(value)} has no row in the table {name}", add_to)
        return found

    return look_up


def make_lookup_by(table: CodeTable, column: int, name: str, add_to: str) -> Callable[..., Any]:
    """A look-up by several codes, a missing one reads as "". None when all are missing and no row says otherwise."""
    if table.rows is None:
        return _not_fetched(table)
    rows = {key: row[column] for key, row in table.rows.items()}

    def look_up(*values: Any) -> Any:
        key = tuple("" if value is None else code_text(value) for value in values)
        found = rows.get(key)
        if found is None and any(key):
            codes = ", ".join(shown(code) if code else '""' for code in key)
            raise Refusal("not_in_table", f"the codes ({codes}) have no row in the table {name}", add_to)
        return found

    return look_up


def _not_fetched(table: CodeTable) -> Callable[..., Any]:
    def refuse(*_values: Any) -> Any:
        raise Refusal("table_not_fetched", f"the table {table.ref} has not been fetched yet", "run `hub catalog refresh`")

    return refuse
