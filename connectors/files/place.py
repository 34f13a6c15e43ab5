"""Where files lie: the few things that reading and writing ask of a folder, whether it is here or on a server.

Everything but ``work`` and ``close`` blocks: call it in a thread, through ``await place.work(function, …)``. Paths are ``Path``
everywhere, on a server too, where a relative one begins at the account's own folder. What each of them may raise:

- ``OSError``: it cannot be done there (``FileNotFoundError``, ``PermissionError`` …).
- ``ConnectionError``, ``TimeoutError`` (both are ``OSError``): the connection broke under it; it may have been done or not.
- ``NotConnected``, ``AccountRefused``: no connection could be had; nothing was asked of the server.
"""

from __future__ import annotations

import abc
import asyncio
import contextvars
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, ParamSpec, TypeVar

from hub.off_loop import to_its_end

P = ParamSpec("P")
T = TypeVar("T")
Signature = tuple[int, int, int]
"""What changes when a file is written or replaced: inode (0 where it cannot be told), size, time in nanoseconds."""

_threads = ThreadPoolExecutor(32, "files")  # of their own: one that waits for a server holds up nothing else of the hub


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that has a name in a folder. A link is no file, whatever it points to."""

    name: str
    is_file: bool
    signature: Signature


class Place(abc.ABC):
    """A file system, here or on a server."""

    @abc.abstractmethod
    def check(self, folder: Path, others: tuple[Path, ...] = ()) -> None:
        """Can files be read and written in the folder, and moved between it and the others, which are there already? Raises
        NotConnected, AccountRefused."""

    @abc.abstractmethod
    def entries(self, folder: Path) -> Iterator[Entry]:
        """Whatever lies in the folder, in no order."""

    @abc.abstractmethod
    def entry(self, path: Path) -> Entry | None:
        """What has this name; None: nothing."""

    @abc.abstractmethod
    def open(self, path: Path) -> BinaryIO:
        """A plain file, to be read; OSError when it is something else."""

    @abc.abstractmethod
    def signature(self, opened: BinaryIO) -> Signature:
        """Of a file that ``open`` gave, as it is now; FileNotFoundError when it is no longer there."""

    @abc.abstractmethod
    def create(self, path: Path, mode: int = 0o600) -> BinaryIO:
        """A new and empty file, to be written; one of this name is replaced. By itself the hub's account alone can read it."""

    @abc.abstractmethod
    def sync(self, opened: BinaryIO) -> None:
        """Make last what was written to a file that ``create`` gave, as far as the place can."""

    @abc.abstractmethod
    def rename(self, old: Path, new: Path) -> None:
        """Give it another name, at once and whole; a file of that name is replaced. ``lasting`` makes it last."""

    @abc.abstractmethod
    def lasting(self, *folders: Path) -> None:
        """Make last which names are in the folders, as far as the place can."""

    @abc.abstractmethod
    def remove(self, path: Path) -> None:
        """The file is not there afterwards; it need not have been."""

    @abc.abstractmethod
    def make(self, folder: Path) -> None:
        """The folder is there afterwards, and can be written as far as can be told. What it lies in must be there."""

    async def close(self) -> None:  # noqa: B027 - most hold nothing
        """Release what it holds."""

    async def work(self, function: Callable[P, T], *given: P.args, **named: P.kwargs) -> T:
        """Call it in a thread beside the event loop. When cancelled, the call ends before the cancellation goes on: its files
        can be closed then, and it waits for no server any more."""
        context, call = contextvars.copy_context(), Call()
        context.run(CALL.set, call)
        running = asyncio.get_running_loop().run_in_executor(_threads, lambda: context.run(function, *given, **named))
        return await to_its_end(running, call.give_up)


class Call:
    """One call of ``Place.work``, in its thread."""

    def __init__(self) -> None:
        self._given_up = False
        self._awaited: Future[Any] | None = None

    def wait(self, answer: Future[T]) -> T:
        """The answer of a server, as soon as it is there; ConnectionAbortedError once nobody wants it any more."""
        self._awaited = answer
        if self._given_up:
            answer.cancel()
        try:
            return answer.result()
        except CancelledError:
            raise ConnectionAbortedError("the hub gave up") from None
        finally:
            self._awaited = None

    def give_up(self) -> None:
        """Let its thread come to an end."""
        self._given_up = True
        if (answer := self._awaited) is not None:
            answer.cancel()


CALL: contextvars.ContextVar[Call] = contextvars.ContextVar("files.call")
