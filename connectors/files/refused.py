"""What was refused of a file, in a file of the same form, and beside it why, record by record; and why others were kept."""

from __future__ import annotations

import codecs
import contextlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from connectors.files.config import ReadConfig
from connectors.files.folder import ERRORS, Seen, free_name
from connectors.files.place import Place
from connectors.files.record import Malformed, Record
from hub.errors import DeliveryError, Problem

REJECTED = ".rejected"


def place_errors(place: Place, config: ReadConfig, one: Seen, endpoint: str, malformed: Malformed) -> str:
    """The errors of a file that fails as a whole; returns the name that the file itself is to get beside them."""
    folder = config.failed_folder
    draft = _draft(folder, endpoint, one, "errors")
    with place.create(draft, int(config.mode, 8)) as file:
        file.write(b"[\n" + _entry(None, malformed.line, malformed.problems) + b"\n]\n")
        place.sync(file)
    name = free_name(place, folder, one.name, (("", None), (ERRORS, draft)))
    place.rename(draft, folder / f"{name}{ERRORS}")
    place.lasting(folder)
    return name


class RefusedRecords:
    """Gathers, under names that nobody reads, until ``place`` gives them theirs: records that were refused, and why; and why
    others were kept."""

    def __init__(self, config: ReadConfig, place: Place, one: Seen, endpoint: str) -> None:
        self.refused = self.kept = 0
        self._config, self._place, self._one = config, place, one
        self._folder = config.failed_folder
        self._drafts = [_draft(self._folder, endpoint, one, kind) for kind in ("records", "errors")]
        self._files: list[BinaryIO] = []
        self._written = 0
        self._behind: str | bytes = b""
        self._encoder: Any = codecs.getincrementalencoder(config.encoding if config.format == "csv" else "utf-8")()

    def __bool__(self) -> bool:
        """Whether there is anything to place."""
        return bool(self.refused or self.kept)

    def add_kept(self, record: Record, arrival: str, problems: Iterable[Problem]) -> None:
        """The hub has the record; only why it is kept has to be told. Raises OSError."""
        self._add_entry(_entry(record.number, record.line, problems, arrival))
        self.kept += 1

    def add(self, record: Record, problems: Iterable[Problem], around: tuple[str | bytes, str | bytes]) -> None:
        """``around``: what stands before and behind all records of such a file. Raises OSError."""
        self._add_entry(_entry(record.number, record.line, problems))
        self.refused += 1
        if not record.raw:
            return
        before, self._behind = around
        is_json = self._config.format == "json"
        self._write(before if not self._written else b",\n" if is_json else b"")
        self._write(record.raw)
        ended = isinstance(record.raw, str) and record.raw.endswith(("\n", "\r"))
        self._write(b"" if is_json or ended else "\n")
        self._written += 1

    def place(self) -> None:
        """Make them last. Raises OSError."""
        self._files[1].write(b"\n]\n")
        if self._written:
            self._write(self._behind)
        for file in self._files:
            self._place.sync(file)
            file.close()
        self._files = []
        suffix = f"{REJECTED}.{self._config.format}"
        name = free_name(self._place, self._folder, self._one.name, ((suffix, self._drafts[0]), (ERRORS, self._drafts[1])))
        if self._written:
            self._place.rename(self._drafts[0], self._folder / f"{name}{suffix}")
        self._place.rename(self._drafts[1], self._folder / f"{name}{ERRORS}")
        self._place.lasting(self._folder)
        self.discard()

    def _add_entry(self, entry: bytes) -> None:
        if not self._files:
            for draft in self._drafts:  # one by one: what is open when the next one fails is closed too
                self._files.append(self._place.create(draft, int(self._config.mode, 8)))
        self._files[1].write((b",\n" if self else b"[\n") + entry)

    def _write(self, text: str | bytes) -> None:
        self._files[0].write(self._encoder.encode(text) if isinstance(text, str) else text)

    def discard(self) -> None:
        """Leave no drafts behind, if they can be reached: what is behind us counts more, and the next reading replaces them."""
        for file in self._files:
            with contextlib.suppress(OSError, DeliveryError):
                file.close()
        self._files = []
        for draft in self._drafts:
            with contextlib.suppress(OSError, DeliveryError):
                self._place.remove(draft)


def _draft(folder: Path, endpoint: str, one: Seen, kind: str) -> Path:
    """Its own for each endpoint: two may have one folder for what failed."""
    return folder / f".{endpoint}.{one.digest}.{kind}"


def _entry(number: int | None, line: int, problems: Iterable[Problem], kept: str | None = None) -> bytes:
    told: list[dict[str, str]] = []
    for one in problems:
        shown = {"at": one.at, "code": one.code, "message": one.message, "hint": one.hint}
        if shown not in told:  # each mapping may say it
            told.append(shown)
    return orjson.dumps({"record": number, "line": line, **({"kept": kept} if kept else {}), "problems": told})
