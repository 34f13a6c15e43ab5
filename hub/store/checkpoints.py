"""Moves SQLite's write-ahead log into the database file beside the writer, so that no commit has to wait for it.

Left to itself SQLite does that within the commit that makes the log too long: tens of thousands of pages are copied and
synced while every sender waits. Done often, in a thread of its own, there is nearly nothing left to do when that commit
comes. It is passive: it waits for nobody, and what it cannot move yet it leaves to the next time.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from sqlalchemy import Engine

from hub.observe.logging import get_logger
from hub.store.engine import unavailable

EVERY = 128
"""Commits between two checkpoints; each adds some thirty pages to the log, whether it carries one operation or twenty."""
_log = get_logger(__name__)


class Checkpoints:
    """The writer says ``wrote`` after each commit; ``close`` before the engine is disposed of."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="store-checkpoint")
        self._commits = 0
        self._under_way: asyncio.Future[None] | None = None

    def wrote(self) -> None:
        """One more commit."""
        self._commits += 1
        if self._commits >= EVERY and (self._under_way is None or self._under_way.done()):
            self._commits = 0
            self._under_way = asyncio.get_running_loop().run_in_executor(self._thread, self._move)

    async def close(self) -> None:
        """Wait for the one under way."""
        if self._under_way is not None:
            await self._under_way
        self._thread.shutdown(wait=True)

    def _move(self) -> None:
        try:
            with self._engine.connect() as connection:
                driver: Any = connection.connection.driver_connection
                driver.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
        except Exception as error:  # the commits go on; the one that finds the log too long tries again, and says what is wrong
            gone = unavailable(error)
            _log.warning("checkpoint_failed", reason=gone.reason if gone else "unknown", exc_info=error)
