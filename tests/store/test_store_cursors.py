"""How far an endpoint has read: committed with the arrival that says it, or not at all."""

from __future__ import annotations

from dataclasses import replace

import pytest
from store_making import Desk, plan

from hub.errors import IdConflict


async def test_the_cursor_comes_with_its_arrival(desk: Desk) -> None:
    """The last one counts, each endpoint has its own, and an arrival without one moves none."""
    assert await desk.store.cursor("office") is None
    for body, origin, cursor in (("a", "office", "1"), ("b", "other", "7"), ("c", "office", "2"), ("d", "office", None)):
        made = plan(desk.store, desk.clock, body, key=body, origin=origin)
        await desk.store.accept(replace(made, cursor=cursor))
    assert (await desk.store.cursor("office"), await desk.store.cursor("other")) == ("2", "7")


async def test_an_arrival_that_came_before_brings_its_cursor(desk: Desk) -> None:
    """Read again, it is known; what was read is read."""
    for cursor in ("1", "2"):
        made = plan(desk.store, desk.clock, "a", key="a", origin="office")
        _, repeated = await desk.store.accept(replace(made, cursor=cursor))
    assert repeated and await desk.store.cursor("office") == "2"


async def test_what_is_refused_moves_nothing(desk: Desk) -> None:
    """The same id with another body: neither the arrival nor its cursor is there."""
    await desk.store.accept(replace(plan(desk.store, desk.clock, "a", key="a", origin="office"), cursor="1"))
    with pytest.raises(IdConflict):
        await desk.store.accept(replace(plan(desk.store, desk.clock, "b", key="a", origin="office"), cursor="2"))
    assert await desk.store.cursor("office") == "1"
