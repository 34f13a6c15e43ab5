"""Files on an SFTP server, as the threads that read and write them see it."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import io
import itertools
import os
import secrets
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import Future, InvalidStateError
from pathlib import Path
from typing import Any, BinaryIO, TypeVar, cast

from connectors.files import sftp
from connectors.files.config import SftpConfig
from connectors.files.place import CALL, Entry, P, Place, Signature
from connectors.files.sftp_streams import SftpReader, SftpWriter
from hub.errors import NotConnected

T = TypeVar("T")
_PIECE = 256 * 1024


class SftpPlace(Place):
    """The file system of an SFTP server. What is written is synced and renamed at once where the server offers that, as OpenSSH
    does; whether a new name outlasts a crash of the server is the server's own matter."""

    def __init__(self, config: SftpConfig) -> None:
        self._connection = sftp.SftpConnection(config)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._asking: set[asyncio.Task[None]] = set()

    async def work(self, function: Callable[P, T], *given: P.args, **named: P.kwargs) -> T:
        self._loop = asyncio.get_running_loop()
        return await super().work(function, *given, **named)

    async def close(self) -> None:
        await self._connection.close()
        if self._asking:
            await asyncio.wait(self._asking, timeout=1)

    def ask(self, what: Callable[[sftp.Client], Awaitable[T]], of: sftp.Client | None = None) -> T:
        """In a thread: what the server answers, see ``SftpConnection.ask``."""
        call, answer = CALL.get(), Future[T]()
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._begin, what, of, answer)
        return call.wait(answer)

    def tell(self, what: Callable[[sftp.Client], Awaitable[None]], of: sftp.Client) -> None:
        """Anywhere: without waiting for the answer."""
        assert self._loop is not None
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._begin, what, of, Future[None]())

    def _begin(self, what: Callable[[sftp.Client], Awaitable[T]], of: sftp.Client | None, answer: Future[T]) -> None:
        """On the loop. What nobody waits for any more ends all the same: the server does it, or not."""
        task = asyncio.ensure_future(self._answer(what, of, answer))
        self._asking.add(task)
        task.add_done_callback(self._asking.discard)

    async def _answer(self, what: Callable[[sftp.Client], Awaitable[T]], of: sftp.Client | None, answer: Future[T]) -> None:
        if answer.cancelled():
            return
        with contextlib.suppress(InvalidStateError):  # nobody wants it any more
            try:
                answer.set_result(await self._connection.ask(what, of))
            except Exception as error:
                answer.set_exception(error)
            except asyncio.CancelledError:
                answer.set_exception(ConnectionAbortedError())
                raise

    def check(self, folder: Path, others: tuple[Path, ...] = ()) -> None:
        self._connection.forget_refusal()
        try:
            if not self._is_folder(folder):
                raise NotConnected("no_folder", "the folder is not there on the server, or the account may not see it")
            for _ in self.entries(folder):
                break
            self._try_out(folder, others)
        except ConnectionError:
            raise NotConnected("unreachable", "the connection broke") from None
        except OSError:
            raise NotConnected("folder_rights", "the account may not read and write the folder") from None

    def _is_folder(self, path: Path) -> bool:
        try:
            return sftp.is_folder(self.ask(lambda client: client.stat(_bytes(path))))
        except (FileNotFoundError, PermissionError):
            return False

    def _try_out(self, folder: Path, others: tuple[Path, ...]) -> None:
        """Moves an empty file about, for rights can only be tried out from here; leaves nothing behind."""
        name = f".hub-check-{secrets.token_hex(4)}.tmp"
        places = [folder / name, *(other / name for other in others)]
        try:
            self.create(places[0]).close()
            for old, new in itertools.pairwise(places):
                try:
                    self.rename(old, new)
                except PermissionError:
                    raise NotConnected("folder_rights", "the account may not write the folders done and failed") from None
                except ConnectionError:
                    raise
                except OSError:
                    text = "files cannot be moved between the folder, done and failed: are they on one file system?"
                    raise NotConnected("folder_elsewhere", text) from None
        finally:
            for place in places:
                with contextlib.suppress(OSError, NotConnected):
                    self.remove(place)

    def entries(self, folder: Path) -> Iterator[Entry]:
        async def begin(client: sftp.Client) -> tuple[sftp.Client, Any]:
            return client, client.scandir(_bytes(folder))

        client, listing = self.ask(begin)
        try:
            while found := self.ask(lambda _: sftp.page(listing), client):
                for one in found:
                    name = os.fsdecode(one.filename)
                    if name not in (".", "..") and "/" not in name:
                        yield sftp.entry_of(name, one.attrs)
        finally:
            self.tell(lambda _: listing.aclose(), client)

    def entry(self, path: Path) -> Entry | None:
        try:
            return sftp.entry_of(path.name, self.ask(lambda client: client.lstat(_bytes(path))))
        except FileNotFoundError:
            return None

    def open(self, path: Path) -> BinaryIO:
        return io.BufferedReader(SftpReader(self, path), _PIECE)

    def signature(self, opened: BinaryIO) -> Signature:
        return cast(SftpReader, cast(io.BufferedReader, opened).raw).signature()

    def create(self, path: Path, mode: int = 0o600) -> BinaryIO:
        self.remove(path)
        return cast(BinaryIO, io.BufferedWriter(SftpWriter(self, path, mode), _PIECE))

    def sync(self, opened: BinaryIO) -> None:
        opened.flush()
        cast(SftpWriter, cast(io.BufferedWriter, opened).raw).sync()

    def rename(self, old: Path, new: Path) -> None:
        try:
            self.ask(lambda client: client.posix_rename(_bytes(old), _bytes(new)))
        except OSError as error:
            if error.errno != errno.EOPNOTSUPP:
                raise
            if self.entry(old) is None:
                raise FileNotFoundError(errno.ENOENT, "not there") from None
            self.remove(new)  # SFTP's own rename replaces nothing
            self.ask(lambda client: client.rename(_bytes(old), _bytes(new)))

    def lasting(self, *folders: Path) -> None:
        """SFTP has no word for it."""

    def remove(self, path: Path) -> None:
        with contextlib.suppress(FileNotFoundError):
            self.ask(lambda client: client.remove(_bytes(path)))

    def make(self, folder: Path) -> None:
        try:
            found = self.ask(lambda client: client.stat(_bytes(folder)))
        except FileNotFoundError:
            self.ask(lambda client: client.mkdir(_bytes(folder)))
        else:
            if not sftp.is_folder(found):
                raise NotADirectoryError


def _bytes(path: Path) -> bytes:
    """As the server keeps it: names may be no text."""
    return os.fsencode(path)
