"""Files that are open on an SFTP server, as streams of bytes for the threads that read and write them."""

from __future__ import annotations

import errno
import io
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from connectors.files import sftp
from connectors.files.place import Signature

if TYPE_CHECKING:
    from connectors.files.sftp_place import SftpPlace

T = TypeVar("T")


class _Opened(io.RawIOBase):
    """A file that is open on the server, by the connection on which it was opened."""

    def __init__(self, place: SftpPlace, path: Path, flags: str, mode: int | None = None) -> None:
        super().__init__()
        self._place, self._path, self._flags, self._mode = place, path, flags, mode
        self._offset = 0
        self._open()

    def _open(self) -> None:
        async def begin(client: sftp.Client) -> tuple[sftp.Client, sftp.File]:
            attrs = () if self._mode is None else (sftp.rights(self._mode),)
            return client, await client.open(os.fsencode(self._path), self._flags, *attrs)

        self._client, self._file = self._place.ask(begin)

    def _ask(self, what: Callable[[sftp.File], Awaitable[T]]) -> T:
        return self._place.ask(lambda _: what(self._file), self._client)


class SftpReader(_Opened):
    """When the connection breaks, it is opened again once and read on from where it was; that it is the same file still is
    for whoever reads to see (``Place.signature``)."""

    def __init__(self, place: SftpPlace, path: Path) -> None:
        found = place.entry(path)
        if found is None or not found.is_file:
            raise FileNotFoundError(errno.ENOENT, "no plain file")
        super().__init__(place, path, "rb")
        self._size = found.signature[1]

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        """Waits for nothing: the server may be gone."""
        if not self.closed:
            self._place.tell(lambda _: self._file.close(), self._client)
        super().close()

    def readinto(self, buffer: Any) -> int:
        wanted = min(len(buffer), self._size - self._offset)
        data = self._again(lambda file: file.read(wanted, self._offset)) if wanted > 0 else b""
        buffer[: len(data)] = data
        self._offset += len(data)
        return len(data)

    def signature(self) -> Signature:
        return sftp.signature_of(self._again(lambda file: file.stat()))

    def _again(self, what: Callable[[sftp.File], Awaitable[T]]) -> T:
        try:
            return self._ask(what)
        except ConnectionAbortedError:
            raise
        except ConnectionError:
            self._open()
            return self._ask(what)


class SftpWriter(_Opened):
    """A new file; when the connection breaks, whoever writes begins anew."""

    def __init__(self, place: SftpPlace, path: Path, mode: int) -> None:
        super().__init__(place, path, "xb", mode)

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        piece = bytes(data)
        self._ask(lambda file: file.write(piece, self._offset))
        self._offset += len(piece)
        return len(piece)

    def sync(self) -> None:
        try:
            self._ask(lambda file: file.fsync())
        except OSError as error:
            if error.errno != errno.EOPNOTSUPP:
                raise

    def close(self) -> None:
        """What could not be written is known to the server only now, it may be."""
        try:
            if not self.closed:
                self._ask(lambda file: file.close())
        finally:
            super().close()
