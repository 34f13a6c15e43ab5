"""What every reader of files gives: records, each with the key by which it arrives once, or word of a broken file."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from hub.errors import Problem, WithProblems

LARGEST = 5 * 1024 * 1024
"""Bytes of one record, as at the other doors."""
CHUNK = 64 * 1024
BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Record:
    """One record: its ``number`` and the ``line`` where it begins, both from 1; ``body`` as the hub takes it, ``raw`` as it
    stands in the file (nothing of one that is too large). With a ``problem`` it cannot be handed over."""

    number: int
    line: int
    key: str
    body: bytes
    raw: bytes | str
    problem: Problem | None = None


class Malformed(WithProblems):
    """The file as a whole cannot be read further. ``line``: how far it could be read."""

    def __init__(self, line: int, *problems: Problem) -> None:
        self.line = line
        super().__init__(problems)


class Prefix:
    """Gives a record its key: a digest of everything in the file up to its end, and its number.

    So the same file gives the same keys, however it is called, and so does one that has grown since, or whose end was mended.
    """

    def __init__(self) -> None:
        self._digest = hashlib.sha256()

    def add(self, data: bytes) -> None:
        """What stands between records."""
        self._digest.update(data)

    def key(self, data: bytes, number: int) -> str:
        """The key of the record that ends with ``data``."""
        self._digest.update(data)
        return f"file:{self._digest.hexdigest()[:32]}:{number}"


def too_large() -> Problem:
    text = f"the record is larger than {LARGEST} bytes"
    return Problem("", "too_large", text, "it is left in the file in the folder done; send it in parts")
