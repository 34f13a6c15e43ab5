"""How much is published at once: what is too much for the brokers, or for the time there is, goes in parts."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from store_making import Desk

from events.listener import Listener
from events.store_stream import TO, same_ledger, tell
from hub.delivery.retry import RetryPolicy
from hub.errors import InDoubt
from hub.event import Event
from hub.events.publishing import Publishing


class Narrow:
    """Takes three events at once, of more only the first three."""

    def __init__(self) -> None:
        self.listener, self.sizes = Listener(), list[int]()

    async def publish(self, events: Sequence[Event]) -> None:
        self.sizes.append(len(events))
        tell(self.listener, events[:3])
        if len(events) > 3:
            raise InDoubt("no_answer", "not in time")


@pytest.fixture
def database(sqlite: Any) -> Any:
    """What is published at once is so with any database."""
    return sqlite


async def test_a_narrow_way_is_passed_in_parts(desk: Desk) -> None:
    """It does not stand for ever at a page that is never taken whole."""
    await desk.store.follow(TO, desk.clock())
    for number in range(20):
        await desk.accept("a", code=f"D{number}")
    narrow = Narrow()
    publishing = Publishing(TO, narrow, desk.store, RetryPolicy(0.001, 0.002), 5.0, with_bodies=False)
    running = asyncio.create_task(publishing.run())
    try:
        async with asyncio.timeout(20):
            while (waiting := await desk.store.unpublished()) is None or waiting.count or waiting.copying:
                await asyncio.sleep(0.01)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    await same_ledger(desk.store, narrow.listener, *(f"D{number}" for number in range(20)))
    assert narrow.sizes[0] > 50


class Busy:
    """While it publishes, more than a call's worth happens."""

    def __init__(self, desk: Desk) -> None:
        self.listener, self._desk, self._number = Listener(), desk, 0

    async def publish(self, events: Sequence[Event]) -> None:
        tell(self.listener, events)
        for _ in range(15):
            self._number += 1
            await self._desk.accept("{}", code=f"L{self._number}")


async def test_what_was_there_is_told_beside_a_busy_hub(desk: Desk) -> None:
    """Also where what waits is never less than one call."""
    for number in range(20):
        await desk.accept("{}", code=f"D{number}")
    await desk.store.follow(TO, desk.clock())
    for number in range(20):
        await desk.accept("{}", code=f"N{number}")
    busy = Busy(desk)
    publishing = Publishing(TO, busy, desk.store, RetryPolicy(0.001, 0.002), 5.0, with_bodies=True)
    running = asyncio.create_task(publishing.run())
    try:
        async with asyncio.timeout(20):
            while (waiting := await desk.store.unpublished()) is None or waiting.copying:
                await asyncio.sleep(0.01)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    tell(busy.listener, [event for _, event in await desk.store.events(10_000, with_bodies=False)])
    await same_ledger(desk.store, busy.listener, *(f"D{number}" for number in range(20)))
