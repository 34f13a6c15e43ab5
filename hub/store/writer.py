"""One thread that owns the writing connection and commits groups, so that concurrent writes share one sync to disk.

An operation is a function of the connection. Those that wait together are run in one transaction; when one of them
breaks it (a unique row, say), the group is rolled back and each is run again alone, so one bad write never fails another.
An operation may refuse with a HubError only before its first write: then the others go on in the same transaction.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine

from hub.errors import HubError, StoreUnavailable
from hub.store.engine import raced, unavailable

T = TypeVar("T")
Operation = Callable[[Connection], Any]

GROUP_LIMIT = 256
RACES = 5
"""How often one operation is run when another process gets in between (PostgreSQL; SQLite's write lock lets nobody in)."""


@dataclass(slots=True)
class _Waiting:
    operation: Operation
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]
    result: Any = None
    error: BaseException | None = None

    def resolve(self) -> None:
        if self.future.done():  # the waiter was cancelled; what was committed stays committed
            return
        if self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self.result)


class Writer:
    """Start with ``start()``; ``await run(operation)`` returns its result once its transaction is on disk."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._queue: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="store-writer", daemon=True)
        self._closed = True

    def start(self) -> None:
        self._closed = False
        self._thread.start()

    async def close(self) -> None:
        """Finish what is queued, then end the thread."""
        if not self._closed:
            self._closed = True
            self._queue.put(None)
            await asyncio.get_running_loop().run_in_executor(None, self._thread.join)

    async def run(self, operation: Callable[[Connection], T]) -> T:
        """Raises what the operation raises, or StoreUnavailable when the database cannot commit it."""
        if self._closed:
            raise StoreUnavailable("closed")
        loop = asyncio.get_running_loop()
        waiting = _Waiting(operation, loop, loop.create_future())
        self._queue.put(waiting)
        result: T = await asyncio.shield(waiting.future)
        return result

    def _work(self) -> None:
        stop = False
        while not stop:
            first = self._queue.get()
            if first is None:
                return
            group = [first]
            while len(group) < GROUP_LIMIT:
                try:
                    more = self._queue.get_nowait()
                except queue.Empty:
                    break
                if more is None:
                    stop = True
                    break
                group.append(more)
            self._commit(group)
            by_loop: dict[asyncio.AbstractEventLoop, list[_Waiting]] = {}
            for waiting in group:
                by_loop.setdefault(waiting.loop, []).append(waiting)
            for loop, done in by_loop.items():
                with contextlib.suppress(RuntimeError):  # the loop ended, and its waiters with it
                    loop.call_soon_threadsafe(_resolve, done)

    def _commit(self, group: list[_Waiting], tries: int = RACES) -> None:
        try:
            self._run(group)
        except BaseException as error:
            gone = unavailable(error)
            if gone is None and len(group) > 1:
                for waiting in group:
                    self._commit([waiting])
                return
            if gone is None and tries > 1 and raced(error):
                self._commit(group, tries - 1)
                return
            for waiting in group:
                waiting.result, waiting.error = None, gone or error

    def _run(self, group: list[_Waiting]) -> None:
        with self._engine.begin() as connection:
            for waiting in group:
                waiting.error = None
                try:
                    waiting.result = waiting.operation(connection)
                except StoreUnavailable:
                    raise
                except HubError as refusal:
                    waiting.error = refusal


def _resolve(done: list[_Waiting]) -> None:
    for waiting in done:
        waiting.resolve()
