"""Arrivals that cannot be translated are kept, in order, and hold what follows of the same dossier and sender."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from store_making import NATIONAL, Desk, plan, state

from hub.errors import NotAllowed, NotFound
from hub.message import Arrival
from hub.store.values import JsonObject, Plan


async def replan(desk: Desk, arrival_id: str, *, kept: str | None = None, code: str = "D1") -> Plan:
    """The kept arrival, translated again from what the store has of it."""
    arrival: Arrival = (await desk.store.kept_arrivals(arrival_id))[0]
    made = plan(desk.store, desk.clock, arrival.body.decode(), kept=kept, names=((NATIONAL, code),))
    return replace(made, arrival=arrival)


async def release(desk: Desk, arrival_id: str, *, kept: str | None = None) -> JsonObject:
    """Replay one kept arrival."""
    return await desk.store.release(await replan(desk, arrival_id, kept=kept), actor="lan", why="row added")


async def test_a_kept_arrival_makes_no_message_and_shows_among_the_dead(desk: Desk) -> None:
    """Its receipt gives the reasons; nothing is delivered; it is listed, without its body."""
    receipt = await desk.accept("private", kept="not_in_table")
    assert (receipt["state"], receipt["messages"], receipt["reasons"][0]["code"]) == ("kept", [], "not_in_table")
    assert await desk.heads() == []
    (listed,) = await desk.store.dead()
    assert (listed["kind"], listed["arrival"], listed["codes"]) == ("arrival", receipt["arrival"], {NATIONAL: "D1"})
    one = await desk.store.dead_one(receipt["arrival"])
    assert one is not None and "private" not in str(one) + str(listed)
    assert await desk.store.dead(endpoint="portal") == []


async def test_what_follows_a_kept_arrival_is_kept_behind_it(desk: Desk) -> None:
    """Later arrivals of the dossier wait in order; other dossiers and other senders go on."""
    first = await desk.accept("a", kept="not_in_table")
    second, third = await desk.accept("b"), await desk.accept("c")
    for one in (second, third):
        assert (one["state"], one["reasons"][0]["code"]) == ("kept", "behind_kept")
        assert first["arrival"] in one["reasons"][0]["message"]
    assert (await desk.accept("d", code="D2"))["state"] == "accepted"
    assert (await desk.accept("e", sender="land-office"))["state"] == "accepted"
    waiting = await desk.store.kept_arrivals(first["arrival"])
    assert [one.body for one in waiting] == [b"a", b"b", b"c"]
    assert [one.body for one in await desk.store.kept_arrivals(third["arrival"])] == [b"c"]
    assert await desk.store.kept_arrivals("no-such") == []


async def test_released_in_order_they_are_delivered_in_order(desk: Desk) -> None:
    """Each release is accepted and gets the next seq."""
    receipts = [await desk.accept("a", kept="not_in_table"), await desk.accept("b"), await desk.accept("c")]
    for seq, one in enumerate(receipts, 1):
        released = await release(desk, one["arrival"])
        assert (released["state"], released["messages"][0]["seq"]) == ("accepted", seq)
        shown = await desk.store.arrival(one["arrival"])
        assert shown is not None and (shown["state"], shown["receipt"]) == ("accepted", released)
    assert await desk.drain() == ["a", "b", "c"]
    assert await desk.store.dead() == []


async def test_a_follower_is_not_released_first(desk: Desk) -> None:
    """NotAllowed names the one to replay first; so it is for one that would become nothing at all."""
    first = await desk.accept("a", kept="not_in_table")
    second = await desk.accept("b")
    with pytest.raises(NotAllowed, match=first["arrival"]):
        await release(desk, second["arrival"])
    nothing = replace(await replan(desk, second["arrival"]), parts=())
    with pytest.raises(NotAllowed):
        await desk.store.release(nothing, actor="lan", why="")
    assert await desk.heads() == []


async def test_still_untranslatable_its_reasons_are_renewed(desk: Desk) -> None:
    """It stays kept, with the new reasons in arrival and receipt, and can be released later."""
    first = await desk.accept("a", kept="not_in_table")
    again = await release(desk, first["arrival"], kept="bad_date")
    assert (again["state"], again["reasons"][0]["code"]) == ("kept", "bad_date")
    shown = await desk.store.arrival(first["arrival"])
    assert shown is not None and shown["reasons"][0]["code"] == "bad_date"
    assert (await release(desk, first["arrival"]))["state"] == "accepted"


@pytest.mark.parametrize("is_known", [False, True])
async def test_one_that_names_another_dossier_makes_them_one_by_no_release(desk: Desk, is_known: bool) -> None:
    """It was kept with the dossier that it answers, unread; once it can be read it stays kept, and the other is another."""
    first = await desk.accept("a", kept="unknown_schema")
    if is_known:
        await desk.accept("other", code="D2")
    released = await desk.store.release(await replan(desk, first["arrival"], code="D2"), actor="lan", why="")
    code = "alias_conflict" if is_known else "other_dossier"
    assert (released["state"], [one["code"] for one in released["reasons"]]) == ("kept", [code])
    assert (await desk.accept("b", code="D2"))["dossier"] != first["dossier"]
    still = await replan(desk, first["arrival"], kept="bad_date", code="D3")
    assert (await desk.store.release(still, actor="lan", why=""))["state"] == "kept"
    assert await desk.store.dossier("D3") is None


async def test_only_a_kept_arrival_can_be_released(desk: Desk) -> None:
    """An unknown one: NotFound. An accepted one: NotAllowed, and nothing is sent twice."""
    receipt = await desk.accept("a", kept="not_in_table")
    made = await replan(desk, receipt["arrival"])
    with pytest.raises(NotFound):
        await desk.store.release(plan(desk.store, desk.clock, "x"), actor="lan", why="")
    await desk.store.release(made, actor="lan", why="")
    with pytest.raises(NotAllowed):
        await desk.store.release(made, actor="lan", why="")
    assert await desk.drain() == ["a"]


async def test_released_from_two_places_at_once_it_is_sent_once(desk: Desk, opened: Any) -> None:
    """Two processes replay the same arrival: one does it, the other is told it is no longer kept."""
    async with opened() as other:
        for n in range(10):
            receipt = await desk.accept(f"{n}", kept="not_in_table", code=f"D{n}")
            made = await replan(desk, receipt["arrival"], code=f"D{n}")
            both = [store.release(made, actor="lan", why="") for store in (desk.store, other)]
            answers = await asyncio.gather(*both, return_exceptions=True)
            assert [type(one) for one in answers if isinstance(one, BaseException)] == [NotAllowed]
    assert len(await desk.drain()) == 10


async def test_a_discarded_arrival_lets_its_followers_be_released(desk: Desk) -> None:
    """Discarding is on the record; the next one is then the first."""
    first, second = await desk.accept("a", kept="not_in_table"), await desk.accept("b")
    await desk.discard(first["arrival"])
    shown = await desk.store.dead_one(first["arrival"])
    assert shown is not None and (shown["state"], shown["settled_by"]) == ("discarded", "lan")
    with pytest.raises(NotAllowed):
        await desk.discard(first["arrival"])
    assert (await release(desk, second["arrival"]))["state"] == "accepted"
    assert await desk.drain() == ["b"]


async def test_a_follower_may_be_discarded_first(desk: Desk) -> None:
    """Giving up a follower does not disturb the one before it."""
    first, second = await desk.accept("a", kept="not_in_table"), await desk.accept("b")
    await desk.discard(second["arrival"])
    assert (await release(desk, first["arrival"]))["state"] == "accepted"
    assert (await desk.accept("c"))["state"] == "accepted"
    assert await desk.drain() == ["a", "c"]


async def test_a_kept_arrival_sent_again_gets_its_receipt(desk: Desk) -> None:
    """Same id and body while kept, and after its release: the receipt as it is now."""
    first = await desk.accept("a", key="k1", kept="not_in_table")
    again, repeated = await desk.store.accept(plan(desk.store, desk.clock, "a", key="k1"))
    assert (again, repeated) == (first, True)
    released = await release(desk, first["arrival"])
    again, repeated = await desk.store.accept(plan(desk.store, desk.clock, "a", key="k1"))
    assert (again, repeated) == (released, True)


async def test_what_was_kept_counts_for_versions_and_owner_when_released(desk: Desk) -> None:
    """A kept older version that is released after a newer one is superseded."""
    await desk.accept("new", state("new", version=9))
    receipt = await desk.accept("old", kept="not_in_table")
    made = replace(await replan(desk, receipt["arrival"]), parts=(state("old", version=3),))
    assert (await desk.store.release(made, actor="lan", why=""))["state"] == "superseded"
    assert await desk.drain() == ["new"]


async def test_discarding_what_is_not_there_is_said(desk: Desk) -> None:
    """NotFound for an unknown id, NotAllowed for an arrival that was accepted."""
    with pytest.raises(NotFound):
        await desk.discard("no-such")
    receipt = await desk.accept("a")
    with pytest.raises(NotAllowed):
        await desk.discard(receipt["arrival"])
