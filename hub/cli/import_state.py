"""The folder where an import keeps what must outlive it: a file in it is one import's alone; what cannot be written says so."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from hub.cli.import_files import BadFile
from hub.errors import Problem, WithProblems


class StateNotWritten(WithProblems):
    """Journal, report or copy cannot be written: nothing may go on, or a kill would cost more than rows sent again."""


@contextmanager
def written() -> Iterator[None]:
    """An OSError within becomes StateNotWritten."""
    try:
        yield
    except OSError as error:
        text = f"the folder for journal and report cannot be written ({error.strerror or type(error).__name__})"
        hint = "make room, then run it again, without --again: it goes on where it was; or name another folder with --state"
        raise StateNotWritten([Problem("", "state_not_written", text, hint)]) from None


def held(path: Path) -> BinaryIO:
    """The file, made if need be, open for reading and writing, and nobody else's until it is closed. Raises BadFile when
    another import has it, OSError."""
    while True:
        file = cast(BinaryIO, os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), "r+b"))
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_at(path, file):
                return file
        except BlockingIOError:
            file.close()
            text = "another import of this file is under way"
            raise BadFile([Problem("", "under_way", text, "let it end, or end it; this one would go on from there")]) from None
        except BaseException:
            file.close()
            raise
        file.close()  # who had it removed it between our two calls


def _is_at(path: Path, file: BinaryIO) -> bool:
    try:
        found = path.stat()
    except FileNotFoundError:
        return False
    return os.path.samestat(found, os.fstat(file.fileno()))
