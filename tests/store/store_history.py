"""Random histories for the property tests: one store kept open over all examples, wiped before each."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from store_making import Desk, FakeClock

from hub.store.sql import SqlStore


class Stage:
    """A store in an event loop of its own, for tests that hypothesis drives from outside any loop."""

    def __init__(self, database: Any) -> None:
        self.database = database
        self.clock = FakeClock()
        self.runner = asyncio.Runner()
        self.desk = Desk(self._opened(), self.clock)

    def run(self, coroutine: Any) -> Any:
        """Run one coroutine to its end."""
        return self.runner.run(coroutine)

    def restart(self) -> None:
        """Close the store as a dying hub would leave it, with claims unsettled, and open it again."""
        self.run(self.desk.store.close())
        self.desk.store = self._opened()

    def wipe(self) -> Desk:
        """An empty database for the next example."""
        self.database.wipe()
        return self.desk

    def close(self) -> None:
        """End store and loop."""
        self.run(self.desk.store.close())
        self.runner.close()

    def _opened(self) -> SqlStore:
        store: SqlStore = self.database.store(self.clock)
        self.run(store.open(exclusive=True))
        return store


@contextmanager
def staged(database: Any) -> Iterator[Stage]:
    """A stage that is closed at the end."""
    stage = Stage(database)
    try:
        yield stage
    finally:
        stage.close()
