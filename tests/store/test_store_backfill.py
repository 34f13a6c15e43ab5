"""Backfill: a route added later gets the deliveries it would have had, in order, without a second head in any lane."""

from __future__ import annotations

from collections.abc import Sequence

from store_making import Desk, delivery_of, match, state, step

from hub.store.values import JsonObject, RouteMatch

NOWHERE = match(matched=False)


async def before(desk: Desk, *bodies: str, code: str = "D1") -> list[JsonObject]:
    """Messages accepted when there was no route: names beginning with s are steps."""
    made = []
    for body in bodies:
        part = step(body, NOWHERE) if body.startswith("s") else state(body, NOWHERE)
        made.append((await desk.accept(body, part, code=code))["messages"][0])
    return made


async def fill(desk: Desk, messages: Sequence[JsonObject], with_match: RouteMatch | None = None) -> int:
    """Backfill these messages."""
    return await desk.store.backfill([(one["id"], with_match or match()) for one in messages], desk.clock())


async def test_what_a_route_lacks_is_listed_page_by_page(desk: Desk) -> None:
    """In the order of dossier and seq, of one stream, without those that have a delivery, are superseded or in conflict."""
    for code in ("D1", "D2", "D3"):
        await before(desk, f"{code}-a", f"s-{code}", f"{code}-b", code=code)
    await desk.accept("theirs", sender="land-office", code="D1")
    await desk.accept("sent", code="D4")
    pages, after = [], None
    while page := await desk.store.messages_without("to-portal", "dossier", after, 2):
        pages.append([one["content"].decode() for one in page])
        after = f"{page[-1]['dossier_id']}:{page[-1]['seq']}"
    assert [one for page in pages for one in page] == ["D1-a", "D1-b", "D2-a", "D2-b", "D3-a", "D3-b"]
    assert [len(page) for page in pages] == [2, 2, 2]
    steps = await desk.store.messages_without("to-portal", "dossier-progress", None, 10)
    assert [one["content"] for one in steps] == [b"s-D1", b"s-D2", b"s-D3"]


async def test_it_is_delivered_in_order_and_only_once(desk: Desk) -> None:
    """Steps and states by seq, whatever order they are added in; a second backfill adds nothing."""
    messages = await before(desk, "a", "s1", "b", "s2")
    assert await fill(desk, list(reversed(messages))) == 4
    assert await fill(desk, messages) == 0
    assert len(await desk.heads()) == 1
    assert await desk.drain() == ["a", "s1", "b", "s2"]
    assert await desk.store.messages_without("to-portal", "dossier", None, 10) == []
    assert await desk.store.rebuild_ledger() == 0


async def test_it_goes_before_what_already_waits(desk: Desk) -> None:
    """The newer message that waits lets the older ones pass first; there is one head."""
    messages = await before(desk, "a", "s1")
    await desk.accept("new")
    assert await fill(desk, messages) == 2
    assert await desk.drain() == ["a", "s1", "new"]


async def test_one_under_way_keeps_the_lane(desk: Desk) -> None:
    """While a newer one is claimed nothing else can be; when it has to be tried again, the older ones go first."""
    messages = await before(desk, "a", "s1")
    await desk.accept("new")
    due = await desk.head()
    attempt = await desk.begin(due)
    await fill(desk, messages)
    assert await desk.heads() == []
    await desk.settle(due, attempt, "again")
    assert await desk.drain() == ["a", "s1", "new"]
    assert await desk.store.rebuild_ledger() == 0


async def test_an_older_state_never_follows_a_newer_one(desk: Desk) -> None:
    """Added while the newer state was under way: superseded when that one is taken; steps still go."""
    messages = await before(desk, "a", "s1", "b")
    await desk.accept("new")
    due = await desk.head()
    attempt = await desk.begin(due)
    await fill(desk, messages)
    await desk.settle(due, attempt, "delivered")
    assert await desk.drain() == ["s1"]
    assert sorted((await desk.states()).values()) == ["delivered", "delivered", "superseded", "superseded"]
    assert await desk.store.rebuild_ledger() == 0


async def test_a_state_older_than_what_the_partner_has_is_not_sent(desk: Desk) -> None:
    """The route already carried a newer state: the older is on record as superseded and is not counted as waiting."""
    messages = await before(desk, "a", "s1", "b")
    await desk.accept("new")
    await desk.end("delivered")
    assert await fill(desk, messages) == 1
    assert await desk.drain() == ["s1"]
    assert sorted((await desk.states()).values()) == ["delivered", "delivered", "superseded", "superseded"]
    assert await desk.store.messages_without("to-portal", "dossier", None, 10) == []
    assert await desk.store.rebuild_ledger() == 0


async def test_another_routes_newer_state_does_not_hide_an_older_one(desk: Desk) -> None:
    """What another route of the same endpoint sent says nothing of this one."""
    old = await desk.accept("a")
    await desk.end("delivered")
    await desk.accept("b")
    await desk.end("delivered")
    assert await fill(desk, [old["messages"][0]], match("second-view")) == 1
    assert await desk.texts() == ["a"]


async def test_a_dead_newer_one_lets_the_older_ones_through(desk: Desk) -> None:
    """It holds what is behind it, not what belongs before it; then it is the head again, dead."""
    messages = await before(desk, "s1", "s2")
    newest = await desk.accept("s3", step("s3"))
    await desk.end("dead", code="422")
    await fill(desk, messages)
    assert await desk.drain() == ["s1", "s2"]
    assert (await desk.states())[delivery_of(newest)] == "dead"
    await desk.replay(delivery_of(newest))
    assert await desk.drain() == ["s3"]


async def test_one_that_died_under_way_lets_the_older_ones_through(desk: Desk) -> None:
    """Added while it was claimed, then it dies: the older ones are delivered, not stuck behind it."""
    messages = await before(desk, "s1")
    await desk.accept("s2", step("s2"))
    due = await desk.head()
    attempt = await desk.begin(due)
    await fill(desk, messages)
    await desk.settle(due, attempt, "dead", code="422")
    assert await desk.drain() == ["s1"]


async def test_what_must_not_be_sent_is_not_filled_in(desk: Desk) -> None:
    """Another sender's observation, an outdated version, an unknown message, and what came from that endpoint."""
    await desk.accept("a", state("a", NOWHERE, version=9))
    theirs = await desk.accept("theirs", state("theirs", NOWHERE), sender="land-office")
    outdated = await desk.accept("old", state("old", NOWHERE, version=3))
    echo = await desk.accept("echo", state("echo", NOWHERE), origin="portal")
    listed = await desk.store.messages_without("to-portal", "dossier", None, 10)
    assert [(one["content"], one["origin"]) for one in listed] == [(b"a", None), (b"echo", "portal")]
    wrong = [one["messages"][0] for one in (theirs, outdated, echo)]
    assert await fill(desk, [*wrong, {"id": "no-such"}]) == 0
    assert await desk.heads() == []


async def test_a_route_that_does_not_match_is_filled_only_where_the_dossier_is(desk: Desk) -> None:
    """As at accept: unmatched goes nowhere, unless the dossier is already with the endpoint."""
    (other,) = await before(desk, "x", code="D2")
    assert await fill(desk, [other], NOWHERE) == 0
    messages = await before(desk, "s1", "s2")
    assert await desk.store.backfill([(messages[0]["id"], match()), (messages[1]["id"], NOWHERE)], desk.clock()) == 2
    assert await desk.drain() == ["s1", "s2"]


async def test_a_coalescing_route_is_filled_with_the_newest_state_only(desk: Desk) -> None:
    """As if they had waited all along."""
    messages = await before(desk, "a", "b", "s1", "c")
    await fill(desk, messages, match(coalesce=True))
    assert await desk.drain() == ["c", "s1"]
    assert await desk.store.rebuild_ledger() == 0
