"""Makes a code table's file out of a CSV file: its header names the columns, every problem has the line of the CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hub.errors import BadConfig, Problem
from hub.message import SchemaRef
from hub.strictyaml import Document, NodePath
from hub.translation.fetched import quoted
from hub.translation.tables import CodeTable, parse_table


@dataclass(frozen=True, slots=True)
class Imported:
    """The table, its file's text, and how many cells had blanks around them, which were left out."""

    table: CodeTable
    text: str
    trimmed: int


def import_table(
    ref: SchemaRef, data: bytes, key: Sequence[str], columns: Sequence[str], *, source: str, delimiter: str, encoding: str
) -> Imported:
    """Reads CSV. Without ``columns`` all but the key's are taken. Raises BadConfig with every problem, and LookupError for
    an encoding that is not known."""
    header, *lines = list(_lines(data, source, delimiter, encoding)) or [(1, [])]
    names = [name.strip() for name in header[1]]
    taken = [*key, *(columns or [name for name in names if name not in key])]
    problems = [_no_column(name, names, source) for name in taken if names.count(name) != 1]
    if len(taken) == len(key) and not problems:
        problems = [Problem("columns", "missing", "the file has no column beside the key", "", f"{source}:1")]
    if problems:
        raise BadConfig(problems)
    places = [names.index(name) for name in taken]
    rows: list[list[str]] = []
    at: dict[NodePath, int] = {(): 1}
    raw: dict[NodePath, str] = {("table",): ref.id, ("version",): ref.version}
    trimmed = 0
    for line, cells in lines:
        if len(cells) != len(names):
            message = f"the line has {len(cells)} cells, the header {len(names)}"
            problems.append(Problem("rows", "bad_row", message, "put text with the delimiter in quotes", f"{source}:{line}"))
            continue
        row = [cells[place].strip() for place in places]
        trimmed += sum(cells[place] != cell for place, cell in zip(places, row, strict=True))
        at["rows", len(rows)] = line
        raw |= {("rows", len(rows), position): cell for position, cell in enumerate(row)}
        rows.append(row)
    body = {"table": ref.id, "version": ref.version, "key": [*key], "columns": taken[len(key) :], "rows": rows}
    try:
        table = parse_table(ref, Document(body, source, at, raw), "")
    except BadConfig as error:
        raise BadConfig([*problems, *error.problems]) from None
    if problems:
        raise BadConfig(problems)
    return Imported(table, _text(table, rows, source), trimmed)


def _lines(data: bytes, source: str, delimiter: str, encoding: str) -> Iterator[tuple[int, list[str]]]:
    """Each record that is not empty, with the line on which it begins."""
    try:
        text = data.decode(encoding)
    except UnicodeError as error:
        line = data[: getattr(error, "start", 0)].count(b"\n") + 1
        hint = "save it as UTF-8, or name its encoding, such as windows-1258"
        raise BadConfig([Problem("", "bad_encoding", f"the file is not {encoding}", hint, f"{source}:{line}")]) from error
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    begins = 1
    try:
        for cells in reader:
            if any(map(str.strip, cells)):
                yield begins, cells
            begins = reader.line_num + 1
    except csv.Error as error:
        raise BadConfig([Problem("", "not_csv", f"the line is not CSV: {error}", "", f"{source}:{begins}")]) from error


def _no_column(name: str, names: Sequence[str], source: str) -> Problem:
    if names.count(name) > 1:
        return Problem(name, "duplicate", "the header names this column twice", "rename one", f"{source}:1")
    hint = f"one of: {', '.join(names)}; if this is one text, name the --delimiter"
    return Problem(name, "unknown_column", "the header has no such column", hint, f"{source}:1")


def _text(table: CodeTable, rows: Sequence[Sequence[str]], source: str) -> str:
    lines = [
        f"table: {table.ref.id}",
        f"version: {table.ref.version}",
        f"summary: {quoted(f'Imported from {source}.')}",
        f"key: [{', '.join(map(quoted, table.key))}]",
        f"columns: [{', '.join(map(quoted, table.columns))}]",
        "rows:" if rows else "rows: []",
        *(f"  - [{', '.join(map(quoted, row))}]" for row in rows),
    ]
    return "\n".join(lines) + "\n"
