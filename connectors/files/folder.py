"""The folder that is read: which files stand still and whose turn it is, names that are free, and moves that last."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import BinaryIO

from connectors.files.config import ReadConfig
from connectors.files.place import Place, Signature

ERRORS = ".errors.json"
"""Ends the name of a file that tells what was wrong with another."""
_LONGEST_NAME = 200
_PIECE = 256 * 1024


class Changed(Exception):
    """The file is no longer what was seen: written to again, replaced or gone."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A file as it stood in the folder: its name, and by what it is known to be still the same."""

    name: str
    signature: Signature

    @property
    def digest(self) -> str:
        """What may be logged of the name, which could hold anything."""
        return hashlib.sha256(os.fsencode(self.name)).hexdigest()[:16]

    @property
    def shown(self) -> str:
        """The name as text that can be stored."""
        return os.fsencode(self.name).decode(errors="replace")


class DropFolder:
    """Looks into the folder; knows since when each file has stood still. All of it in a thread (``Place.work``)."""

    def __init__(self, config: ReadConfig, place: Place) -> None:
        self._config, self._place = config, place
        self._still: dict[str, tuple[Signature, float]] = {}
        self.waiting = 0
        """How many files were there at the last look, whether they stand still or not."""

    def look(self) -> tuple[list[Seen], list[Seen]]:
        """(files to read now, in order of time and name; what has a name to be read and is no file). Raises OSError.

        No file is read before an older one that is still being written.
        """
        files: list[Seen] = []
        others: list[Seen] = []
        for entry in self._place.entries(self._config.folder):
            if may_be_read(entry.name, self._config.pattern):
                (files if entry.is_file else others).append(Seen(entry.name, entry.signature))
        now, before = time.monotonic(), self._still
        self._still = {}
        for one in files:
            last, since = before.get(one.name, (None, now))
            self._still[one.name] = (one.signature, since if last == one.signature else now)
        self.waiting = len(files)
        files.sort(key=lambda one: (one.signature[2], one.name))
        ready: list[Seen] = []
        for one in files:
            if now - self._still[one.name][1] < self._config.settle:
                break
            ready.append(one)
        return ready, [one for one in others if self._config.folder / one.name not in self._own()]

    def moved_on(self, one: Seen) -> None:
        """It was not still, after all: it begins to stand still now."""
        self._still.pop(one.name, None)

    def make(self) -> None:
        """The folders done and failed. Raises OSError when they cannot be made or written."""
        for folder in self._own():
            self._place.make(folder)

    def open(self, one: Seen) -> BinaryIO:
        """Raises OSError, also when it is no longer a plain file."""
        return self._place.open(self._config.folder / one.name)

    def is_same(self, one: Seen, opened: BinaryIO) -> bool:
        """Whether the opened file is as it was seen, and still has its name."""
        named = self._place.entry(self._config.folder / one.name)
        return named is not None and self._place.signature(opened) == one.signature == named.signature

    def move(self, one: Seen, into: Path, name: str) -> None:
        """Rename, and make sure that it lasts. Raises OSError, and Changed when somebody wrote to it since: then it is where it
        was."""
        old, new = self._config.folder / one.name, into / name
        if not self._is_still(one, old):
            raise Changed
        self._place.rename(old, new)
        if not self._is_still(one, new):
            self._place.rename(new, self._config.folder / free_name(self._place, self._config.folder, one.name))
            raise Changed
        self._place.lasting(into, self._config.folder)

    def _is_still(self, one: Seen, path: Path) -> bool:
        found = self._place.entry(path)
        return found is not None and found.signature == one.signature

    def _own(self) -> tuple[Path, Path]:
        return self._config.done_folder, self._config.failed_folder


def may_be_read(name: str, pattern: str) -> bool:
    """Whether a file of this name is one that is read: no draft, and no errors of another."""
    if name.startswith(".") or name.lower().endswith((".tmp", ".part", ERRORS)):
        return False
    return fnmatchcase(name, pattern)


def free_name(place: Place, folder: Path, name: str, beside: Sequence[tuple[str, Path | None]] = (("", None),)) -> str:
    """A name, numbered if need be, that is free in the folder with every suffix of ``beside``; a file there with the same
    content as the one that is to get the name does not count (the hub was killed in between, and does the same again)."""
    stem, dot, ending = _short(name).rpartition(".")
    stem, ending = (stem, f".{ending}") if dot and stem else (f"{stem}{dot}{ending}", "")

    def numbered(number: int) -> str:
        return f"{stem}.{number}{ending}" if number else f"{stem}{ending}"

    def is_free(number: int) -> bool:
        return all(_is_free(place, folder / f"{numbered(number)}{suffix}", content) for suffix, content in beside)

    taken, free = -1, 0
    while not is_free(free):
        taken, free = free, 2 * free + 1
    while free - taken > 1:  # by halves: a name that comes every five minutes is there ten thousand times
        middle = (taken + free) // 2
        taken, free = (taken, middle) if is_free(middle) else (middle, free)
    return numbered(free)


def _is_free(place: Place, path: Path, content: Path | None) -> bool:
    there = place.entry(path)
    if there is None:
        return True
    if content is None or not there.is_file:
        return False
    with place.open(path) as one, place.open(content) as other:
        while (piece := one.read(_PIECE)) == other.read(_PIECE):
            if not piece:
                return True
    return False


def _short(name: str) -> str:
    """So that a number and a suffix still fit behind it."""
    if len(os.fsencode(name)) <= _LONGEST_NAME:
        return name
    suffix = name[name.rfind(".") :] if "." in name else ""
    return hashlib.sha256(os.fsencode(name)).hexdigest()[:32] + (suffix if len(os.fsencode(suffix)) < 20 else "")
