"""How much is published at once: what is too much for the brokers, or for the time there is, goes in parts."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
import structlog
from store_making import Desk

from events.listener import Listener
from events.store_stream import TO, same_ledger, tell
from hub.delivery.retry import RetryPolicy
from hub.errors import InDoubt, NotConnected, Rejected
from hub.event import Event
from hub.events.publishing import Publishing
from hub.store.port import Store

CONNECTS = False


@contextlib.asynccontextmanager
async def published_to(partner: Any, store: Store, *, with_bodies: bool = False) -> AsyncIterator[None]:
    """The stream is published while it lasts."""
    running = asyncio.create_task(Publishing(TO, partner, store, RetryPolicy(0.001, 0.002), 5.0, with_bodies=with_bodies).run())
    try:
        async with asyncio.timeout(20):
            yield
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def all_is_published(store: Store) -> None:
    while (waiting := await store.unpublished()) is None or waiting.count or waiting.copying:
        await asyncio.sleep(0.01)


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
    async with published_to(narrow, desk.store):
        await all_is_published(desk.store)
    await same_ledger(desk.store, narrow.listener, *(f"D{number}" for number in range(20)))
    assert narrow.sizes[0] > 50


class Refuses:
    """Takes all but one event, until it is mended."""

    def __init__(self, sequence: str) -> None:
        self.listener, self.refused, self.mended, self._sequence = Listener(), 0, False, sequence

    async def publish(self, events: Sequence[Event]) -> None:
        for one in events:
            if one.sequence == self._sequence and not self.mended:
                self.refused += 1
                raise Rejected("too_large", "larger than the brokers take")
            tell(self.listener, [one])


async def test_the_event_that_holds_the_stream_up_is_named(desk: Desk) -> None:
    """Once, by what leads to it; nothing is skipped, and all is there once the brokers take it."""
    await desk.store.follow(TO, desk.clock())
    for number in range(5):
        await desk.accept("a", code=f"D{number}")
    while (waiting := await desk.store.unpublished()) is None or waiting.copying:
        await desk.store.copy_events(100)
    large = (await desk.store.events(500, with_bodies=False))[7][1]
    partner = Refuses(large.sequence)
    with structlog.testing.capture_logs() as said:
        async with published_to(partner, desk.store):
            while partner.refused < 30:
                await asyncio.sleep(0.01)
            assert (await desk.store.events(1, with_bodies=False))[0][1] == large
            partner.mended = True
            await all_is_published(desk.store)
    [named] = [one for one in said if one["event"] == "event_holds_stream_up"]
    assert {name: named[name] for name in ("sequence", "type", "dossier", "bytes", "code")} == {
        "sequence": large.sequence,
        "type": large.type,
        "dossier": large.dossier,
        "bytes": len(large.data),
        "code": "too_large",
    }
    await same_ledger(desk.store, partner.listener, *(f"D{number}" for number in range(5)))


class Away:
    """Cannot be reached for a while."""

    def __init__(self) -> None:
        self.listener, self.tries = Listener(), 0

    async def publish(self, events: Sequence[Event]) -> None:
        self.tries += 1
        if self.tries < 20:
            raise NotConnected("connection_lost", "not there")
        tell(self.listener, events)


async def test_an_outage_is_no_events_fault(desk: Desk) -> None:
    """However few go in one call by then."""
    await desk.store.follow(TO, desk.clock())
    await desk.accept("a", code="D1")
    away = Away()
    with structlog.testing.capture_logs() as said:
        async with published_to(away, desk.store):
            await all_is_published(desk.store)
    assert [one["event"] for one in said] == ["events_not_published", "events_published_again"]
    await same_ledger(desk.store, away.listener, "D1")


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
    async with published_to(busy, desk.store, with_bodies=True):
        while (waiting := await desk.store.unpublished()) is None or waiting.copying:
            await asyncio.sleep(0.01)
    tell(busy.listener, [event for _, event in await desk.store.events(10_000, with_bodies=False)])
    await same_ledger(desk.store, busy.listener, *(f"D{number}" for number in range(20)))
