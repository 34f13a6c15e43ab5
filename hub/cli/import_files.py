"""What `hub import` reads: a file, the files of a folder, or what an address gives; each as a stream of records."""

from __future__ import annotations

import gzip
import hashlib
import io
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO, cast

import aiohttp

from hub.durable import sync_folder
from hub.errors import HubError, Problem, WithProblems
from hub.record_files import FileRecord, RecordReader

_BATCH = 128
_ENOUGH = 1024 * 1024
_PIECE = 256 * 1024
MOST_BYTES = 64 * 1024 * 1024 * 1024
"""What an address may give at most."""
GZIP = ".gz"


@dataclass(frozen=True, slots=True)
class Given:
    """A file to take in: its ``path``, its ``name`` as it is shown, and the ``identity`` by which its journal is found."""

    path: Path
    name: str
    identity: str

    @property
    def signature(self) -> str:
        """What changes when the file is written or replaced. Raises OSError."""
        found = self.path.stat()
        return f"{found.st_size}:{found.st_mtime_ns}"


class BadFile(WithProblems):
    """A file cannot be taken in, or not further."""


def is_address(source: str) -> bool:
    return source.startswith(("http://", "https://"))


def given_files(source: str) -> list[Given]:
    """The file, or those of the folder in the order of their names; what begins with a dot is left out. Raises BadFile."""
    path = Path(source)
    if path.is_dir():
        found = [one for one in sorted(path.iterdir()) if one.is_file() and not one.name.startswith(".")]
        if not found:
            raise BadFile([Problem("", "no_files", "there is no file in the folder", "name the folder that holds the files")])
    elif path.is_file():
        found = [path]
    else:
        raise BadFile(
            [Problem("", "no_file", "there is no such file or folder", "name a file, a folder or an http(s) address")]
        )
    return [Given(one, one.name, str(one.resolve())) for one in found]


def plain_name(name: str) -> str:
    """The name without what says that it is packed."""
    return name.removesuffix(GZIP)


class OpenRecords:
    """One file being read. ``batch`` again and again until it gives nothing; all of it in a thread, one call at a time."""

    def __init__(self, given: Given, reader: RecordReader) -> None:
        """Raises OSError."""
        self._given = given
        self.signature = given.signature
        self._raw = given.path.open("rb")
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
                self._check()
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
        if self._broken is not None and not found:
            raise self._broken
        return found

    def _check(self) -> None:
        with suppress(FileNotFoundError):  # it can still be read
            if self._given.signature == self.signature:
                return
            text = "the file was written to while it was read"
            raise BadFile([Problem("", "file_changed", text, "let it be whole first, then run the same command again")])

    def close(self) -> None:
        self._stream.close()
        self._raw.close()


async def fetched(address: str, folder: Path) -> Given:
    """The file at the address, in the folder whole or not at all; one that is there from before is taken as it is. Who types
    the address names the host; no other one is asked, whatever it answers. Raises BadFile."""
    name = address.partition("?")[0].rstrip("/").rpartition("/")[2] or "download"
    path = folder / f"{hashlib.sha256(address.encode()).hexdigest()[:16]}-{_safe(name)}"
    draft = path.with_name(f".{path.name}.part")
    given = Given(path, name, address)
    if path.is_file():
        return given
    try:
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=15, sock_read=60)
        asked = {"Accept-Encoding": "identity", "User-Agent": "dossier-hub"}
        async with (
            aiohttp.ClientSession(timeout=timeout, auto_decompress=False, headers=asked) as session,
            session.get(address, allow_redirects=False) as answer,
        ):
            if answer.status != 200:
                raise _not_given(f"it answers {answer.status}")
            size = 0
            with draft.open("wb") as file:
                async for piece in answer.content.iter_chunked(_PIECE):
                    size += len(piece)
                    if size > MOST_BYTES:
                        raise _not_given(f"it gives more than {MOST_BYTES} bytes")
                    file.write(piece)
            draft.replace(path)
            sync_folder(folder)
    except aiohttp.InvalidURL:
        raise _not_given("it is no address") from None
    except (aiohttp.ClientError, TimeoutError) as error:
        raise _not_given(f"it did not give the file whole ({type(error).__name__})") from None
    finally:
        draft.unlink(missing_ok=True)
    return given


def _not_given(why: str) -> HubError:
    return BadFile([Problem("", "not_given", f"the address gives no file: {why}", "try it with curl, then run it again")])


def _safe(name: str) -> str:
    return "".join(sign if sign.isascii() and (sign.isalnum() or sign in "._-") else "_" for sign in name)[-80:]
