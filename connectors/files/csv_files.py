"""Records of CSV: each row, by the described columns, becomes a JSON object of texts."""

from __future__ import annotations

import codecs
import csv
import unicodedata
from collections.abc import Iterator
from typing import Any, BinaryIO

import orjson

from connectors.files.config import ReadConfig, steps_of
from connectors.files.csv_lines import Lines, RowTooLarge
from connectors.files.record import LARGEST, Malformed, Prefix, Record, too_large
from hub.errors import Problem

csv.field_size_limit(max(csv.field_size_limit(), LARGEST))
_LAYOUT_HINT = "mend the file, or columns, delimiter, encoding and header"


class CsvRows:
    """``records()`` reads the file; ``header`` is its first row as it stands, once there was one."""

    def __init__(self, stream: BinaryIO, config: ReadConfig) -> None:
        self._lines = Lines(stream, config.encoding, config.delimiter)
        self._config = config
        self._prefix = Prefix()
        self._composed = codecs.lookup(config.encoding).name == "cp1258"  # it writes a letter and its accent as two characters
        self._least, self._width = 0, 0
        self._fields: list[tuple[tuple[str, ...], int]] = []
        self.header = ""

    def records(self) -> Iterator[Record]:
        """Raises Malformed when the file does not have the columns or the encoding."""
        self._prefix.add(self._lines.pass_separator().encode())
        if self._config.header:
            self._read_header()
        else:
            self._fields = [(steps_of(field), int(column) - 1) for field, column in self._config.columns.items()]
            self._least = max(place for _, place in self._fields) + 1
        number, line = 0, self._lines.line
        while (row := self._row()) is not None:
            text = self._lines.row(only_first=isinstance(row, Problem))
            data = text.rstrip("\r\n").encode()
            end = text[len(text.rstrip("\r\n")) :].encode()
            made = self._object(row) if isinstance(row, list) else row
            if made:
                number += 1
                key = self._prefix.key(data, number)
                data = b""
                if len(text) > LARGEST // 4 and len(text.encode()) > LARGEST:
                    made, text = too_large(), ""
                body, problem = (b"", made) if isinstance(made, Problem) else (orjson.dumps(made), None)
                yield Record(number, line, key, body, text, problem)
            self._prefix.add(data + end)
            line = self._lines.line

    def _row(self) -> list[str] | Problem | None:
        """The cells of the next row (none: a blank line), what is wrong with it, or None at the end. Raises Malformed."""
        try:
            return next(csv.reader(self._lines, delimiter=self._config.delimiter, strict=True), None)
        except RowTooLarge:
            self._lines.pass_over(self._prefix.add)
            return too_large()
        except csv.Error:
            text = "the row cannot be read: a quotation mark has no end, or text stands behind it"
            return Problem("", "bad_row", text, 'write a cell with ", delimiter or line end in it as "…", and " in it as ""')

    def _read_header(self) -> None:
        line, row = self._lines.line, self._row()
        if not row or isinstance(row, Problem):
            raise Malformed(line, Problem("", "no_header", "the first row has no names of columns", _LAYOUT_HINT))
        names = [unicodedata.normalize("NFC", cell.strip()) for cell in row]
        self._width = self._least = len(names)
        while self._least and not names[self._least - 1]:
            self._least -= 1  # delimiters behind the last name, as Excel writes them: rows may be without
        self.header = self._lines.row()
        self._prefix.add(self.header.encode())
        problems = []
        for field, column in self._config.columns.items():
            place, text = _place(names, column)
            if text:
                problems.append(Problem(field, "missing_column", text, _LAYOUT_HINT))
            self._least = max(self._least, place + 1)
            self._fields.append((steps_of(field), place))
        if problems:
            raise Malformed(line, *problems)

    def _object(self, row: list[str]) -> dict[str, Any] | Problem | None:
        """The message, or what is wrong with the row; None when nothing stands in it."""
        if not any(cell.strip() for cell in row):
            return None
        if len(row) < self._least or (self._width and any(row[self._width :])):
            text = f"the row has {len(row)} cells, {self._width or self._least} are described"
            return Problem("", "bad_row", text, "a cell with the delimiter in it must stand in quotation marks")
        if not any(row[place].strip() for _, place in self._fields):
            return None
        made: dict[str, Any] = {}
        for steps, place in self._fields:
            if cell := row[place]:
                below = made
                for step in steps[:-1]:
                    below = below.setdefault(step, {})
                below[steps[-1]] = unicodedata.normalize("NFC", cell) if self._composed else cell
        return made


def _place(names: list[str], column: str | int) -> tuple[int, str]:
    """Where the column is, from 0, or why that cannot be told."""
    if isinstance(column, int):
        return column - 1, "" if column <= len(names) else f"the header has {len(names)} columns, and no column {column}"
    wanted = unicodedata.normalize("NFC", column)
    if (times := names.count(wanted)) == 1:
        return names.index(wanted), ""
    return 0, f"the header has the column {column!r} {times} times" if times else f"the header has no column {column!r}"
