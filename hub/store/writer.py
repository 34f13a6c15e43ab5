"""The one writing connection, whose transactions carry groups of operations, so that concurrent writes share one sync.

An operation is a function of the connection. Those that wait together are run in one transaction; when one of them
breaks it (a unique row, say), the group is rolled back and each is run again alone, so one bad write never fails another.
An operation may refuse with a HubError only before its first write: then the others go on in the same transaction.

SQLite's statements take microseconds and run on the event loop; only the commit, which waits for the disk, has a thread,
and meanwhile the next group gathers. (With the statements in a thread too, loop and thread took the interpreter from each
other at every statement.) PostgreSQL's statements wait for the server: there the whole transaction has the thread.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine

from hub.errors import HubError, StoreUnavailable
from hub.off_loop import to_its_end
from hub.store.engine import BUSY_SECONDS, never_wait, raced, unavailable

T = TypeVar("T")
Operation = Callable[[Connection], Any]

GROUP_LIMIT = 256
GATHERING = 8
"""Rounds of the event loop, at most, in which a group gathers while it grows."""
BREATH = 16
"""After so many operations the loop may do something else; the transaction stays open."""
LOCKED_SECONDS = 0.01
"""How soon a write lock that another process holds is asked for again."""
RACES = 5
"""How often one operation is run when another process gets in between (PostgreSQL; SQLite's write lock lets nobody in)."""


@dataclass(slots=True)
class _Waiting:
    operation: Operation
    future: asyncio.Future[Any]
    result: Any = None
    error: BaseException | None = None

    def run(self, connection: Connection) -> None:
        self.error = None
        try:
            self.result = self.operation(connection)
        except StoreUnavailable:
            raise
        except HubError as refusal:
            self.error = refusal

    def resolve(self) -> None:
        if self.future.done():  # the waiter was cancelled; what was committed stays committed
            return
        if self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self.result)


class Writer:
    """Start with ``start()``; ``await run(operation)`` returns its result once its transaction is on disk.

    All callers are of one event loop. ``begun`` is called at the beginning of each transaction, ``committed`` after each group,
    whether it could be committed or not.
    """

    def __init__(
        self, engine: Engine, begun: Callable[[Connection], None], committed: Callable[[], None] = lambda: None
    ) -> None:
        self._engine = engine
        self._begun = begun
        self._committed = committed
        self._on_loop = engine.dialect.name == "sqlite"
        self._queue: deque[_Waiting] = deque()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="store-writer")
        self._turns: asyncio.Task[None] | None = None
        self._connection: Connection | None = None
        self._closed = True

    def start(self) -> None:
        self._closed = False

    async def close(self) -> None:
        """Finish what is queued, then close the connection."""
        self._closed = True
        if self._turns is not None:
            await asyncio.shield(self._turns)
        self._forget()
        self._thread.shutdown(wait=True)

    async def run(self, operation: Callable[[Connection], T]) -> T:
        """Raises what the operation raises, or StoreUnavailable when the database cannot commit it."""
        if self._closed:
            raise StoreUnavailable("closed")
        loop = asyncio.get_running_loop()
        waiting = _Waiting(operation, loop.create_future())
        self._queue.append(waiting)
        if self._turns is None or self._turns.done():
            self._turns = loop.create_task(self._take_turns(), name="store-writer")
        result: T = await waiting.future
        return result

    async def _take_turns(self) -> None:
        group: list[_Waiting] = []
        try:
            while self._queue:
                await self._gather()
                group = [self._queue.popleft() for _ in range(min(GROUP_LIMIT, len(self._queue)))]
                await self._commit(group)
                for waiting in group:
                    waiting.resolve()
                self._committed()
        except BaseException:  # the loop ends: nobody may wait for ever, nor take for stored what may not be
            for waiting in (*group, *self._queue):
                waiting.error = StoreUnavailable("closed")
                waiting.resolve()
            self._queue.clear()
            raise

    async def _gather(self) -> None:
        """Whoever is ready to write now joins the group; nobody waits for those who are not."""
        waiting = 0
        for _ in range(GATHERING):
            if len(self._queue) <= waiting or waiting >= GROUP_LIMIT:
                return
            waiting = len(self._queue)
            await asyncio.sleep(0)

    async def _commit(self, group: Sequence[_Waiting], tries: int = RACES) -> None:
        try:
            if self._on_loop:
                await self._transact_here(group)
            else:
                await self._off_loop(self._transact_there, group)
        except Exception as error:
            gone = unavailable(error)
            if gone is None and len(group) > 1:
                for waiting in group:
                    await self._commit([waiting])
                return
            if gone is None and tries > 1 and raced(error):
                await self._commit(group, tries - 1)
                return
            for waiting in group:
                waiting.result, waiting.error = None, gone or error

    def _transact_there(self, group: Sequence[_Waiting]) -> None:
        with self._engine.begin() as connection:
            self._begun(connection)
            for waiting in group:
                waiting.run(connection)

    async def _transact_here(self, group: Sequence[_Waiting]) -> None:
        try:
            connection = self._connected()
            driver: Any = connection.connection.driver_connection
            await _begin(driver)
            self._begun(connection)
            for count, waiting in enumerate(group, 1):
                waiting.run(connection)
                if count % BREATH == 0:
                    await asyncio.sleep(0)
            await self._off_loop(driver.execute, "COMMIT")
            if connection.in_transaction():  # an operation used SQLAlchemy's own execute
                connection.commit()
        except BaseException:
            self._forget()  # and so roll back
            raise

    async def _off_loop(self, work: Callable[..., Any], *given: Any) -> None:
        """Run it in the thread. Whoever cancels this waits too: the connection is in use until it is done."""
        await to_its_end(asyncio.get_running_loop().run_in_executor(self._thread, work, *given))

    def _connected(self) -> Connection:
        """The connection that stays open from group to group; it never waits for a lock by blocking the loop."""
        if self._connection is None:
            connection = self._engine.connect()
            never_wait(connection)
            self._connection = connection
        return self._connection

    def _forget(self) -> None:
        if self._connection is not None:
            self._connection.invalidate()
            self._connection.close()
            self._connection = None


async def _begin(driver: Any) -> None:
    """Take SQLite's write lock, waiting for another process as long as ``BUSY_SECONDS``."""
    until = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            driver.execute("BEGIN IMMEDIATE")
            return
        except Exception as error:
            gone = unavailable(error)
            if gone is None or gone.reason != "locked" or time.monotonic() > until:
                raise
        await asyncio.sleep(LOCKED_SECONDS)
