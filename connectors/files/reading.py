"""One file being read: batches of its records, as long as it is the file that was seen; and any other stream of such a form."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from itertools import islice
from typing import BinaryIO

from connectors.files import json_files
from connectors.files.config import ReadConfig
from connectors.files.csv_files import CsvRows
from connectors.files.folder import Changed, DropFolder, Seen
from connectors.files.record import Malformed, Record
from connectors.files.xml_files import XmlElements

_BATCH = 64
_ENOUGH = 1024 * 1024


class OpenFile:
    """``open``, and ``batch`` again and again until it gives nothing; ``close`` in the end, also when ``open`` was given up.
    All of it in a thread."""

    def __init__(self, config: ReadConfig, folder: DropFolder, one: Seen) -> None:
        self._folder, self._one = folder, one
        self._config = config
        self._closing = ExitStack()
        self._rows: CsvRows | None = None
        self._elements: XmlElements | None = None
        self._malformed: Malformed | None = None

    def open(self) -> None:
        """Raises OSError."""
        self._stream = self._closing.enter_context(self._folder.open(self._one))
        if self._config.format == "csv":
            self._rows = CsvRows(self._stream, self._config)
        elif self._config.format == "xml" and self._config.record:
            self._elements = XmlElements(self._stream, self._config.record)
        self._records = self._begin(self._config)

    @property
    def around(self) -> tuple[str | bytes, str | bytes]:
        """What stands before all records of such a file, and behind them."""
        if self._rows:
            return self._rows.header, ""
        if self._elements:
            opened, closed = self._elements.around
            return (opened + b"\n", closed + b"\n") if opened else (b"", b"")
        return (b"[\n", b"\n]\n") if self._config.format == "json" else (b"", b"")

    def batch(self) -> list[Record]:
        """The next records; none at the end. Raises Malformed, Changed, OSError."""
        found: list[Record] = []
        size = 0
        if self._malformed is not None:
            self.check()
            raise self._malformed
        try:
            for record in islice(self._records, _BATCH):
                found.append(record)
                size += len(record.body)
                if size > _ENOUGH:
                    break
        except Malformed as error:  # what came before it comes first
            self._malformed = error
        self.check()
        if self._malformed is not None and not found:
            raise self._malformed
        return found

    def check(self) -> None:
        """Raises Changed."""
        if not self._folder.is_same(self._one, self._stream):
            raise Changed

    def close(self) -> None:
        self._closing.close()

    def _begin(self, config: ReadConfig) -> Iterator[Record]:
        if self._rows:
            return self._rows.records()
        if self._elements:
            return self._elements.records()
        return _json(self._stream, config)


class RecordReader:
    """Implements ``hub.record_files.RecordReader``: any stream, read as files of the folder are."""

    def __init__(self, config: ReadConfig) -> None:
        self.schema = config.schema_
        self._config = config

    def records(self, stream: BinaryIO) -> Iterator[Record]:
        """Raises Malformed when it cannot be read further, OSError."""
        if self._config.format == "csv":
            return CsvRows(stream, self._config).records()
        if self._config.format == "xml" and self._config.record:
            return XmlElements(stream, self._config.record).records()
        return _json(stream, self._config)


def _json(stream: BinaryIO, config: ReadConfig) -> Iterator[Record]:
    if not config.each:
        return json_files.whole(stream)
    return json_files.lines(stream) if config.format == "jsonl" else json_files.elements(stream)
