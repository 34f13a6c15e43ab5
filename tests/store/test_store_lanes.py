"""Lanes: per (endpoint, dossier) first in, first out; a dead one holds its lane until it is healed, replayed or discarded."""

from __future__ import annotations

from typing import Any

import pytest
from store_making import FAR, SECOND, Desk, delivery_of, match, state, step

from hub.errors import NotAllowed, NotFound
from hub.message import new_id
from hub.store.values import Start


async def test_only_the_head_can_be_attempted(desk: Desk) -> None:
    """State and progress are one lane, in the order they came; a claimed head lets nobody pass."""
    await desk.accept("a", state("a1"), step("s1"))
    await desk.accept("b", state("b1"), step("s2"))
    order = []
    for _ in range(4):
        due = await desk.head()
        attempt = await desk.begin(due)
        assert await desk.heads() == []
        assert await desk.settle(due, attempt, "delivered")
        order.append(due.body.decode())
    assert order == ["a1", "s1", "b1", "s2"]
    assert await desk.heads() == [] and await desk.store.next_due("portal") is None


async def test_lanes_do_not_wait_for_each_other(desk: Desk) -> None:
    """Another dossier, and the same dossier at another endpoint, are lanes of their own."""
    routes = (match(), match("to-tax", "tax"))
    for code in ("D1", "D2"):
        for body in ("a", "b"):
            await desk.accept(body, state(f"{code}-{body}", *routes), code=code)
    assert await desk.texts() == ["D1-a", "D2-a"]
    await desk.settle(due := (await desk.heads())[0], await desk.begin(due), "dead", code="refused")
    assert await desk.texts("tax") == ["D1-a", "D2-a"]
    assert await desk.drain("tax") == ["D1-a", "D2-a", "D1-b", "D2-b"]


async def test_one_that_waits_to_be_tried_again_holds_its_lane(desk: Desk) -> None:
    """Until its stored time nothing of the lane is due; next_due names that time."""
    await desk.accept("a")
    await desk.accept("b")
    later = desk.clock.now + 60 * SECOND
    await desk.end("again", next_at=later, code="busy", counted=True)
    assert await desk.heads(now=later - 1) == []
    assert await desk.store.next_due("portal") == later
    (due,) = await desk.heads(now=later)
    assert (due.body, due.number, due.counted, due.state) == (b"a", 1, 1, "pending")


async def test_a_retry_without_a_time_is_due_at_once(desk: Desk) -> None:
    """It must never become a delivery that no time brings back."""
    await desk.accept("a")
    await desk.end("again")
    assert await desk.texts() == ["a"]
    await desk.end("in_doubt")
    assert (await desk.head()).state == "in_doubt"


async def test_a_dead_one_holds_its_lane(desk: Desk) -> None:
    """Nothing passes a dead step; it is listed with code, reason and problems."""
    await desk.accept("s1", step("s1"))
    await desk.accept("s2", step("s2"))
    dead = await desk.end("dead", code="422", reason="unknown unit", problems=({"at": "/unit"},))
    assert await desk.heads() == []
    (listed,) = await desk.store.dead(endpoint="portal")
    assert (listed["delivery"], listed["code"], listed["reason"]) == (dead.delivery_id, "422", "unknown unit")
    assert listed["problems"] == [{"at": "/unit"}]
    assert await desk.store.dead(endpoint="tax") == []


async def test_a_newer_state_takes_the_place_of_a_dead_one(desk: Desk) -> None:
    """The everyday repair: the resend from the source goes first, what waited behind the dead one stays behind it."""
    first = await desk.accept("bad")
    await desk.accept("s1", step("s1"))
    await desk.end("dead", code="422")
    await desk.accept("good")
    assert await desk.drain() == ["good", "s1"]
    states = await desk.states()
    assert states[delivery_of(first)] == "superseded"
    shown = await desk.store.dead_one(delivery_of(first))
    assert shown is not None and shown["settled_by"] == "lane" and "replaced by" in shown["why"]


async def test_a_newer_state_that_already_waits_heals_the_lane(desk: Desk) -> None:
    """When the older one dies while a newer state waits behind a step, the newer one takes its place."""
    first = await desk.accept("bad")
    await desk.accept("s1", step("s1"))
    await desk.accept("good")
    await desk.end("dead", code="422")
    assert await desk.drain() == ["good", "s1"]
    assert (await desk.states())[delivery_of(first)] == "superseded"


async def test_one_that_cannot_be_translated_is_healed_as_well(desk: Desk) -> None:
    """Dead without any attempt (settled with no attempt id): the newer state replaces it too."""
    first = await desk.accept("bad")
    assert await desk.settle(await desk.head(), None, "dead", code="translation")
    await desk.accept("good")
    assert await desk.drain() == ["good"]
    assert (await desk.states())[delivery_of(first)] == "superseded"


@pytest.mark.parametrize("waits", [True, False], ids=["newer waits", "newer comes later"])
async def test_one_that_was_in_doubt_is_never_replaced(desk: Desk, waits: bool) -> None:
    """It may have taken effect: dead after a doubt, it holds the lane until an operator decides."""
    first = await desk.accept("a")
    if waits:
        await desk.accept("b")
    due = await desk.head()
    attempt = await desk.begin(due)
    await desk.settle(due, attempt, "in_doubt", next_at=desk.clock())
    await desk.settle(due, attempt, "dead", code="in_doubt")
    if not waits:
        await desk.accept("b")
    assert (await desk.states())[delivery_of(first)] == "dead"
    assert await desk.heads() == []
    await desk.replay(delivery_of(first))
    assert await desk.drain() == ["a", "b"]


async def test_a_doubt_long_ago_still_protects(desk: Desk) -> None:
    """In doubt, then sent again, then dead by refusal: still not replaced."""
    first = await desk.accept("a")
    due = await desk.head()
    attempt = await desk.begin(due)
    await desk.settle(due, attempt, "in_doubt", next_at=desk.clock())
    await desk.settle(due, attempt, "again", next_at=desk.clock())
    await desk.end("dead", code="422")
    await desk.accept("b")
    assert (await desk.states())[delivery_of(first)] == "dead"


async def test_a_dead_step_is_never_superseded(desk: Desk) -> None:
    """Neither a state nor another step replaces it."""
    first = await desk.accept("s1", step("s1", match(coalesce=True)))
    await desk.end("dead", code="422")
    await desk.accept("s2", step("s2", match(coalesce=True)))
    await desk.accept("a", state("a", match(coalesce=True)))
    assert (await desk.states())[delivery_of(first)] == "dead" and await desk.heads() == []
    await desk.discard(delivery_of(first))
    assert await desk.drain() == ["s2", "a"]


async def test_waiting_states_are_all_sent_unless_the_route_coalesces(desk: Desk) -> None:
    """By default every state reaches the partner; a coalescing route sends only the newest, in the oldest's place."""
    for body in ("a", "b", "c"):
        await desk.accept(body)
    assert await desk.drain() == ["a", "b", "c"]
    await desk.accept("d", state("d", match(coalesce=True)), code="D2")
    await desk.accept("s", step("s", match(coalesce=True)), code="D2")
    await desk.accept("e", state("e", match(coalesce=True)), code="D2")
    assert await desk.drain() == ["e", "s"]


async def test_a_claimed_head_is_not_replaced(desk: Desk) -> None:
    """Coalescing passes over what is under way or in doubt."""
    receipts = [await desk.accept("a", state("a", match(coalesce=True)))]
    due = await desk.head()
    attempt = await desk.begin(due)
    for body in ("b", "c"):
        receipts.append(await desk.accept(body, state(body, match(coalesce=True))))
    states = await desk.states()
    assert [states[delivery_of(one)] for one in receipts] == ["claimed", "superseded", "pending"]
    await desk.settle(due, attempt, "in_doubt", next_at=desk.clock())
    await desk.accept("d", state("d", match(coalesce=True)))
    assert (await desk.head()).delivery_id == due.delivery_id
    await desk.settle(due, attempt, "delivered")
    assert await desk.drain() == ["d"]


async def test_two_routes_to_one_endpoint_do_not_replace_each_other(desk: Desk) -> None:
    """A coalescing route supersedes only its own; the other route's dead one is healed only by its own newer state."""
    plain, merging = match("plain"), match("merging", coalesce=True)
    first = await desk.accept("a", state("a", plain, merging))
    second = await desk.accept("b", state("b", plain, merging))
    states = await desk.states()
    assert states[delivery_of(first, route=0)] == "pending"
    assert states[delivery_of(first, route=1)] == "superseded"
    sent = []
    while found := await desk.heads():
        sent.append((found[0].body.decode(), found[0].route))
        await desk.end("delivered")
    assert sorted(sent) == [("a", "plain"), ("b", "merging"), ("b", "plain")]
    assert (await desk.states())[delivery_of(second, route=1)] == "delivered"


async def test_a_dossier_stays_with_an_endpoint_it_was_sent_to(desk: Desk) -> None:
    """Later messages follow whatever the conditions say; a dossier that was never there does not go."""
    no = match(matched=False)
    await desk.accept("a", code="D1")
    stays = await desk.accept("b", state("b", no), step("s", no), code="D1")
    assert all(one["routes"][0]["taken"] for one in stays["messages"])
    assert "already with portal" in stays["messages"][0]["routes"][0]["why"]
    goes = await desk.accept("c", state("c", no), code="D2")
    assert not goes["messages"][0]["routes"][0]["taken"]
    assert await desk.drain() == ["a", "b", "s"]


async def test_what_came_from_an_endpoint_never_goes_back(desk: Desk) -> None:
    """Neither by a match nor because the dossier is with it; other endpoints get it."""
    routes = (match(), match("to-tax", "tax"))
    await desk.accept("a", state("a", *routes))
    back = await desk.accept("b", state("b", *routes), origin="portal", hops=1)
    assert [one["taken"] for one in back["messages"][0]["routes"]] == [False, True]
    assert await desk.drain() == ["a"]
    assert await desk.drain("tax") == ["a", "b"]


async def test_replay_sends_a_dead_one_anew(desk: Desk) -> None:
    """Pins and the count of tries are cleared, the number of attempts goes on; only a dead one can be replayed."""
    receipt = await desk.accept("s1", step("s1"))
    await desk.end("again", counted=True, next_at=desk.clock())
    await desk.end("dead", code="422")
    await desk.replay(delivery_of(receipt))
    due = await desk.head()
    assert (due.chain, due.request, due.counted, due.number) == (None, None, 0, 2)
    assert await desk.store.dead() == []
    await desk.settle(due, await desk.begin(due, b"made anew"), "again")
    assert (await desk.head()).request == b"made anew"
    with pytest.raises(NotAllowed):
        await desk.replay(delivery_of(receipt))
    with pytest.raises(NotFound):
        await desk.replay("no-such")
    with pytest.raises(NotAllowed):
        await desk.discard(delivery_of(receipt))


async def test_replay_can_adopt_what_the_partner_already_has(desk: Desk) -> None:
    """``adopt`` shows in what is due, and stays with a later plain replay."""
    receipt = await desk.accept("a")
    await desk.end("dead", code="exists")
    await desk.store.replay(delivery_of(receipt), actor="lan", why="ours", adopt=True, now=desk.clock())
    assert (await desk.head()).adopt
    await desk.end("dead", code="422")
    await desk.replay(delivery_of(receipt))
    assert (await desk.head()).adopt


async def test_discard_is_on_the_record_and_frees_the_lane(desk: Desk, database: Any) -> None:
    """Who and why show in delivery and audit trail; the next goes on."""
    receipt = await desk.accept("s1", step("s1"))
    await desk.accept("s2", step("s2"))
    await desk.end("dead", code="422")
    await desk.discard(delivery_of(receipt))
    shown = await desk.store.dead_one(delivery_of(receipt))
    assert shown is not None
    assert (shown["state"], shown["settled_by"], shown["why"]) == ("discarded", "lan", "was a test")
    assert database.sql("select actor, act, target from audit") == [("lan", "discard", delivery_of(receipt))]
    assert await desk.drain() == ["s2"]


async def test_a_paused_endpoint_has_nothing_due(desk: Desk, opened: Any) -> None:
    """Paused is remembered over restarts and shown with who and why; other endpoints go on; resume undoes it."""
    await desk.accept("a", state("a", match(), match("to-tax", "tax")))
    await desk.store.pause("portal", actor="lan", why="night", now=desk.clock())
    await desk.store.pause("portal", actor="hoa", why="longer", now=desk.clock())
    assert await desk.heads() == [] and await desk.store.next_due("portal") is None
    assert await desk.texts("tax") == ["a"]
    async with opened() as other:
        seen = (await other.endpoint_states())["portal"]
        assert (seen.paused_by, seen.why) == ("hoa", "longer")
    await desk.store.resume("portal", actor="lan", now=desk.clock())
    assert await desk.texts() == ["a"] and await desk.store.endpoint_states() == {}


async def test_due_gives_no_more_than_asked_oldest_first(desk: Desk) -> None:
    """``limit`` heads at most, in the order they became due."""
    for n in range(5):
        await desk.accept(f"v{n}", code=f"D{n}")
    assert [due.body for due in await desk.store.due("portal", FAR, 3)] == [b"v0", b"v1", b"v2"]
    assert await desk.store.due("portal", 0, 3) == []


async def test_a_head_that_was_replaced_meanwhile_cannot_be_started(desk: Desk) -> None:
    """Between looking and starting a newer state came on a coalescing route: the old one is gone."""
    await desk.accept("a", state("a", match(coalesce=True)))
    seen = await desk.head()
    await desk.accept("b", state("b", match(coalesce=True)))
    assert await desk.store.start([Start(seen.delivery_id, new_id(), "c", b"")], desk.clock()) == frozenset()
    assert await desk.drain() == ["b"]
