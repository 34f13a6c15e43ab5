"""Streams that break the promise on purpose, each seen red by the listener; the honest one is green."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from store_making import Desk

from events.listener import Listener
from events.store_stream import TO, drain, of_listener, of_store, shown
from hub.store import cells, events

CONNECTS = False


async def routed(desk: Desk) -> None:
    await desk.accept("a")


async def delivered(desk: Desk) -> None:
    await desk.accept("a")
    await desk.end()


async def dead(desk: Desk) -> None:
    await desk.accept("a")
    await desk.end("dead")


async def closed(desk: Desk) -> None:
    await dead(desk)
    ((one,),) = [[letter["delivery"] for letter in await desk.store.dead()]]
    await desk.discard(one)


async def heard(desk: Desk) -> None:
    await desk.accept("a", sender="ministry", origin="portal")


CHANGES: dict[str, Callable[[Desk], Awaitable[None]]] = {one.__name__: one for one in (routed, delivered, dead, closed, heard)}
"""By the kind of change that comes last in each."""


@pytest.fixture
def database(sqlite: Any) -> Any:
    """What is found wrong here is so in any database."""
    return sqlite


async def holds(desk: Desk, database: Any) -> bool:
    """Whether the listener, having heard all, knows what the store shows."""
    listener = await drain(desk.store, Listener())
    want = await shown(desk.store, "D1")
    same = {one: listener.ledger(one) for one in want} == want
    return same and of_listener(listener) == of_store(database)


async def begun(desk: Desk) -> None:
    """The stream is on, and nothing that comes now is told once more by its beginning."""
    await desk.store.follow(TO, desk.clock())
    while await desk.store.copy_events(1):
        pass


async def everything(desk: Desk) -> None:
    await begun(desk)
    await delivered(desk)
    await desk.accept("b")
    await desk.end("dead")
    await desk.accept("c")
    await desk.drain()


@pytest.mark.parametrize("kind", CHANGES)
async def test_a_change_of_the_ledger_that_is_not_told(
    desk: Desk, database: Any, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """Of each kind of change: honest it is green, silent it is red."""
    await desk.store.follow(TO, desk.clock())
    await CHANGES[kind](desk)
    assert await holds(desk, database)
    honest = getattr(cells, kind)

    def silent(connection: Any, *given: Any, **named: Any) -> None:
        now, vars(connection)[events._NOW] = vars(connection)[events._NOW], None
        honest(connection, *given, **named)
        vars(connection)[events._NOW] = now

    monkeypatch.setattr(cells, kind, silent)
    await desk.store.follow(None, desk.clock())
    database.wipe()
    await begun(desk)
    await CHANGES[kind](desk)
    assert not await holds(desk, database)


async def test_an_event_that_is_forgotten_before_it_is_published(
    desk: Desk, database: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last of a page."""
    await everything(desk)
    honest = events.page

    def page(connection: Any, most: int, *, with_bodies: bool) -> Any:
        found = honest(connection, most, with_bodies=with_bodies)
        if found:
            connection.exec_driver_sql(f"delete from events where id = {found[-1][0]}")
            connection.commit()
        return found[:-1]

    monkeypatch.setattr(events, "page", page)
    assert not await holds(desk, database)


async def test_two_events_of_a_dossier_that_change_places(desk: Desk, database: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The listener takes the earlier for one that it heard."""
    await everything(desk)
    honest = events.page

    def page(*given: Any, **named: Any) -> Any:
        found = list(honest(*given, **named))
        found[-2:] = found[:-3:-1]
        return found

    monkeypatch.setattr(events, "page", page)
    assert not await holds(desk, database)


async def test_a_shell_that_does_not_read_the_switch(
    desk: Desk, opened: Any, database: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What an operator does by it is not in the stream."""
    await begun(desk)
    await dead(desk)
    (letter,) = await desk.store.dead()
    with monkeypatch.context() as patched:
        patched.setattr(events, "begin", lambda connection, clock: vars(connection).update({events._NOW: None}))
        async with opened() as shell:
            await shell.discard(letter["delivery"], actor="lan", why="x", now=desk.clock())
    assert not await holds(desk, database)
