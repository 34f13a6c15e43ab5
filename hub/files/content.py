"""The files that the hub holds, each once, under the hash of its content: a folder, written so that a name never lies.

``<folder>/<ab>/<cd>/<sha256>`` is the content, ``….about`` beside it what is known of it. Both are on disk, whole, before the
content gets its name; what is being written lies in ``incoming`` and is forgotten by a restart. What lies there may still be
damaged later, by a disk or by a hand: it is read against its name, and putting the file again mends it.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import shutil
import threading
from collections import OrderedDict
from collections.abc import AsyncIterable, AsyncIterator, Callable, Collection
from functools import partial
from pathlib import Path
from typing import BinaryIO, ParamSpec, TypeVar
from uuid import uuid4

import orjson

from hub.claim_check import PIECE, Stated, Stored, claimed
from hub.durable import sync_folder, write_whole
from hub.errors import StoreUnavailable, Transient
from hub.files import refusals
from hub.files.kinds import HEAD, TAKEN, UNKNOWN, agreed, is_taken, seen
from hub.files.stated import misfits
from hub.off_loop import to_its_end

P = ParamSpec("P")
T = TypeVar("T")
MAX_BYTES = 100 * 1024 * 1024
REMEMBERED = 50_000


class ContentStore:
    """``put``, ``about`` and ``read`` are those of ``hub.claim_check.Files``; ``open`` comes first."""

    def __init__(self, folder: Path, max_bytes: int = MAX_BYTES, types: Collection[str] = TAKEN) -> None:
        self.max_bytes = max_bytes
        self._folder = folder
        self._incoming = folder / "incoming"
        self._types = frozenset(types)
        self._whole: OrderedDict[str, tuple[int, ...]] = OrderedDict()
        """Files whose content was compared with their hash, and what the disk said of them then."""
        self._remembering = threading.RLock()

    def open(self) -> None:
        """Make the folder; what a hub before did not finish writing goes. Raises StoreUnavailable."""
        try:
            shutil.rmtree(self._incoming, ignore_errors=True)
            self._incoming.mkdir(parents=True)
        except OSError as error:
            raise _unavailable(error) from error

    async def put(
        self,
        pieces: AsyncIterable[bytes],
        *,
        media_type: str | None = None,
        sha256: str | None = None,
        size: int | None = None,
        served_as: str | None = None,
    ) -> Stored:
        """See ``Files.put``; ``size`` is said of it like the other two, ``served_as`` is what its host calls it. Raises
        StoreUnavailable, too, when it cannot be written."""
        writing = _Writing(self._incoming / uuid4().hex)
        try:
            await _on_disk(writing.begin)
            async for piece in pieces:
                if writing.size + len(piece) > self.max_bytes:
                    raise refusals.too_large(self.max_bytes)
                if size is not None and writing.size + len(piece) > size:
                    raise refusals.FileRefused([refusals.size_misfit(size, None)])
                await _on_disk(writing.add, piece)
            return await _on_disk(self._keep, writing, Stated(sha256, size, media_type), served_as)
        finally:
            await _in_thread(writing.end)

    async def about(self, claim: str) -> Stored:
        """See ``Files.about``."""
        sha256 = claimed(claim)
        try:
            found = None if sha256 is None else await asyncio.to_thread(self.known, sha256)
        except OSError as error:
            raise _unreadable(error) from error
        if found is None:
            raise _not_there()
        return found

    async def read(self, claim: str) -> AsyncIterator[bytes]:
        """See ``Files.read``. The last piece comes only when all of them have the hash of the claim."""
        found = await self.about(claim)
        digest, path = hashlib.sha256(), self.path(found.sha256)
        try:
            closing = contextlib.ExitStack()
            try:
                file = await _in_thread(lambda: closing.enter_context(path.open("rb")))
                state, last = _state(os.fstat(file.fileno())), b""
                while piece := await _in_thread(file.read, PIECE):
                    if last:
                        yield last
                    await _in_thread(digest.update, piece)
                    last = piece
            finally:
                await _in_thread(closing.close)
        except FileNotFoundError:
            raise _not_there() from None
        except OSError as error:
            raise _unreadable(error) from error
        if digest.hexdigest() != found.sha256:
            raise Transient("file_damaged", "what the hub holds has not the hash of its claim: send it to POST /v1/files again")
        self._remember(found.sha256, state)
        yield last

    async def used(self, claim: str) -> Stored:
        """As ``about``, and the file counts as new from now on: who removes old ones goes by the time of the file. Raises
        StoreUnavailable, too."""
        found = await self.about(claim)
        await _on_disk(self._touch, found.sha256)
        return found

    async def is_whole(self, claim: str) -> bool:
        """Whether what lies on the disk has still the hash of the claim; False too when nothing does. Raises
        StoreUnavailable."""
        try:
            async for _ in self.read(claim):
                pass
        except Transient as error:
            if error.code == "file_unreadable":
                raise StoreUnavailable("files_folder", error.reason) from error
            return False
        return True

    def is_unchanged(self, sha256: str) -> bool:
        """Whether the disk says of this file what it said when its content was compared with its hash. Reads the disk."""
        try:
            return self._whole.get(sha256) == _state(self.path(sha256).stat())
        except OSError:
            return False

    def known(self, sha256: str) -> Stored | None:
        """What is known of the content with this hash (64 hex digits); None when it is not there. Raises OSError when that
        cannot be said: a disk that does not answer, a folder that is not mounted."""
        path = self.path(sha256)
        try:
            size = path.stat().st_size
        except FileNotFoundError:
            self._incoming.stat()
            return None
        try:
            known = orjson.loads(_about(path).read_bytes())
            return Stored(sha256, size, str(known["media_type"]))
        except (OSError, ValueError, KeyError, TypeError, AttributeError):  # what is known of it is lost, the file is not
            with path.open("rb") as file:
                return Stored(sha256, size, seen(file.read(HEAD)))

    def path(self, sha256: str) -> Path:
        """Where the content with this hash lies, if it is there."""
        return self._folder / sha256[:2] / sha256[2:4] / sha256

    def _keep(self, writing: _Writing, stated: Stated, served_as: str | None) -> Stored:
        """Give what was written its name. Raises Refused, OSError."""
        if writing.size == 0:
            raise refusals.empty()
        found = writing.digest.hexdigest()
        problems = misfits(Stated(stated.sha256, stated.size), Stored(found, writing.size, UNKNOWN))
        try:
            kind = self._kind(writing.head, served_as, stated.media_type)
        except refusals.FileTypeRefused as error:  # such as a page in its place: said too, it explains the rest
            if not problems:
                raise
            problems += error.problems
        if problems:
            raise refusals.FileRefused(problems)
        path = self.path(found)
        before = self.known(found)
        made = [one for one in (path.parent, path.parent.parent, self._folder) if not one.exists()]
        path.parent.mkdir(parents=True, exist_ok=True)
        for folder in made:
            sync_folder(folder.parent)
        writing.sync()
        if before is not None:  # what is known of it stays; what lies there may be damaged, and is replaced
            kind = before.media_type
        write_whole(_about(path), orjson.dumps({"media_type": kind}))
        with self._remembering:
            state = _state(writing.path.stat())
            writing.path.replace(path)
            self._remember(found, state)
        sync_folder(path.parent)
        return Stored(found, writing.size, kind)

    def _touch(self, sha256: str) -> None:
        path = self.path(sha256)
        with self._remembering:
            unchanged = self.is_unchanged(sha256)
            for one in (path, _about(path)):
                with contextlib.suppress(FileNotFoundError):
                    os.utime(one)
            if unchanged:
                self._remember(sha256, _state(path.stat()))

    def _remember(self, sha256: str, state: tuple[int, ...]) -> None:
        with self._remembering:
            self._whole[sha256] = state
            while len(self._whole) > REMEMBERED:
                self._whole.popitem(last=False)

    def _kind(self, head: bytes, served_as: str | None, stated: str | None) -> str:
        """What it is called, as exactly as its bytes allow. Raises FileTypeRefused."""
        kind = seen(head)
        for at, said in (("", served_as), ("media_type", stated)):
            found = agreed(head, said)
            if found is None:
                raise refusals.other_type(said or "", seen(head), at)
            kind = found if found != seen(head) else kind
        if not is_taken(kind, self._types):
            raise refusals.not_taken(kind if kind != UNKNOWN else "no type that the hub knows")
        return kind


class _Writing:
    """A file that is being written; hashed on the way. Its methods are called in threads, one after the other."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = 0
        self.head = b""
        self.digest = hashlib.sha256()
        self._file: BinaryIO | None = None

    def begin(self) -> None:
        """Open it."""
        self._file = self.path.open("xb")

    def add(self, piece: bytes) -> None:
        assert self._file is not None
        self.size += len(piece)
        if len(self.head) < HEAD:
            self.head += piece[: HEAD - len(self.head)]
        self.digest.update(piece)
        self._file.write(piece)

    def sync(self) -> None:
        """What was written is on disk."""
        assert self._file is not None
        self._file.flush()
        os.fsync(self._file.fileno())

    def end(self) -> None:
        """Close it; nothing of it stays under the name that it was written under. What the disk refuses now matters to nobody:
        what was kept is synced, and nothing else is wanted."""
        with contextlib.suppress(OSError):
            self.path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            if self._file is not None:
                self._file.close()


def _about(path: Path) -> Path:
    return path.with_name(f"{path.name}.about")


def _state(found: os.stat_result) -> tuple[int, ...]:
    """What changes when a file is written to or replaced."""
    return found.st_ino, found.st_size, found.st_mtime_ns


def _unreadable(error: OSError) -> Transient:
    return Transient("file_unreadable", f"the disk gave errno {error.errno}")


def _not_there() -> Transient:
    return Transient("file_not_there", "the hub does not hold a file of this claim")


async def _on_disk(act: Callable[P, T], *given: P.args, **named: P.kwargs) -> T:
    """In a thread. Raises StoreUnavailable for what the disk does not do."""
    try:
        return await _in_thread(act, *given, **named)
    except OSError as error:
        raise _unavailable(error) from error


async def _in_thread(act: Callable[P, T], *given: P.args, **named: P.kwargs) -> T:
    return await to_its_end(asyncio.get_running_loop().run_in_executor(None, partial(act, *given, **named)))


def _unavailable(error: OSError) -> StoreUnavailable:
    return StoreUnavailable("disk_full" if error.errno in (28, 122) else "files_folder", f"errno {error.errno}")
