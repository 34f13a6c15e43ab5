"""What `hub import` reads: a file, or the files of a folder; each as a stream of records."""

from __future__ import annotations

import gzip
import io
import os
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO, cast

from hub.errors import Problem, WithProblems
from hub.record_files import FileRecord, RecordReader

_BATCH = 128
_ENOUGH = 1024 * 1024
GZIP = ".gz"


@dataclass(frozen=True, slots=True)
class Given:
    """A file to take in: its ``path``, its ``name`` as it is shown, and the ``identity`` by which its journal is found; both
    are text, whatever the path is, and hold no secret."""

    path: Path
    name: str
    identity: str

    @property
    def size(self) -> int:
        """In bytes; nothing when it is not there (any more)."""
        try:
            return self.path.stat().st_size
        except OSError:
            return 0

    @property
    def signature(self) -> str:
        """What changes when the file is written or replaced. Raises OSError."""
        found = self.path.stat()
        return f"{found.st_size}:{found.st_mtime_ns}"


class BadFile(WithProblems):
    """A file cannot be taken in, or not further."""


def given_files(source: str) -> tuple[list[Given], list[str]]:
    """The file, or those of the folder in the order of their names, each once; and the names of what else is in the folder and
    is left out: folders, links that lead nowhere. What begins with a dot is not looked at. Raises BadFile."""
    path, left_out = Path(source), list[str]()
    if path.is_dir():
        try:
            seen = [one for one in sorted(path.iterdir()) if not one.name.startswith(".")]
        except OSError as error:
            text = f"the folder cannot be read ({error.strerror})"
            raise BadFile([Problem("", "unreadable", text, "may you read it?")]) from None
        found = [one for one in seen if one.is_file()]
        left_out = [_text(one.name) for one in seen if not one.is_file()]
        if not found:
            raise BadFile([Problem("", "no_files", "there is no file in the folder", "name the folder that holds the files")])
    elif path.is_file():
        found = [path]
    else:
        raise BadFile(
            [Problem("", "no_file", "there is no such file or folder", "name a file, a folder or an http(s) address")]
        )
    given: dict[Path, Given] = {}
    for one in found:
        given.setdefault(one.resolve(), Given(one, _text(one.name), _text(one.resolve())))
    return [*given.values()], left_out


def _text(name: str | Path) -> str:
    """A name that is no UTF-8 has its odd bytes as \\xe5."""
    return os.fsencode(name).decode(errors="backslashreplace")


def plain_name(name: str) -> str:
    """The name without what says that it is packed."""
    return name.removesuffix(GZIP)


class OpenRecords:
    """One file being read. ``batch`` again and again until it gives nothing; all of it in a thread, one call at a time."""

    def __init__(self, given: Given, reader: RecordReader) -> None:
        """Raises BadFile."""
        self._given, self.schema = given, reader.schema
        try:
            self.signature = given.signature
            self._raw = given.path.open("rb")
        except OSError as error:
            text = f"the file cannot be read ({error.strerror})"
            raise BadFile([Problem("", "unreadable", text, "is it still there, and may you read it?")]) from None
        packed = given.path.name.endswith(GZIP) or self._raw.peek(2)[:2] == b"\x1f\x8b"
        unpacked = io.BufferedReader(cast("io.RawIOBase", gzip.GzipFile(fileobj=self._raw))) if packed else self._raw
        self._records: Iterator[FileRecord] = reader.records(cast(BinaryIO, unpacked))
        self._stream = unpacked
        self._broken: BadFile | None = None
        self.bytes = 0
        """So many bytes of the file were read."""

    def batch(self) -> list[FileRecord]:
        """The next records; none at the end. Raises BadFile once it cannot be read further, or was written to meanwhile."""
        found: list[FileRecord] = []
        size = 0
        if self._broken is None:
            try:
                for record in islice(self._records, _BATCH):
                    found.append(record)
                    size += len(record.body)
                    if size > _ENOUGH:
                        break
            except WithProblems as error:  # what came before it comes first
                line = getattr(error, "line", None)
                self._broken = BadFile(
                    Problem(one.at or (f"line {line}" if line else ""), one.code, one.message, one.hint)
                    for one in error.problems
                )
            except (OSError, EOFError, zlib.error) as error:
                text = f"the file cannot be read further ({type(error).__name__})"
                self._broken = BadFile(
                    [Problem("", "unreadable", text, "is it whole? It goes on from there once it is mended")]
                )
            self.bytes = self._raw.tell()
            if self._was_written():  # then nobody knows whether these are of the old content or the new
                found.clear()
                text = "the file was written to while it was read"
                hint = "let it be whole first, then run the same command again"
                self._broken = BadFile([Problem("", "file_changed", text, hint)])
        if self._broken is not None and not found:
            raise self._broken
        return found

    def _was_written(self) -> bool:
        try:
            return self._given.signature != self.signature
        except FileNotFoundError:  # it can still be read
            return False

    def close(self) -> None:
        self._stream.close()
        self._raw.close()
