"""What is in effect is kept and replaced, and a delivery goes again as it ran or anew."""

from __future__ import annotations

import pytest
from store_making import Desk, delivery_of

from hub.errors import NotAllowed
from hub.message import SchemaRef, new_id
from hub.store.values import Start


async def test_the_last_configuration_taken_is_known(desk: Desk) -> None:
    """A newer one takes its place; each has a line of audit with its digest, who and why."""
    for digest in ("a", "b"):
        effect = {"state": {"digest": digest}, "process": {"pid": 1}}
        await desk.store.take_effect("reload", effect, actor="lan", why="ok", now=desk.clock())
    found = await desk.store.in_effect()
    assert found is not None and found["state"] == {"digest": "b"} and found["at"] == desk.clock.now
    assert [(one["act"], one["target"], one["actor"]) for one in await desk.store.audit(limit=2)] == [
        ("reload", "b", "lan"), ("reload", "a", "lan"),
    ]  # fmt: skip


async def test_what_is_pinned_goes_again_as_it_ran_or_is_let_go(desk: Desk) -> None:
    """As it ran keeps chain and bytes; latest lets both go, and then nothing can go as it ran any more."""
    receipt = await desk.accept("one")
    delivery = delivery_of(receipt)
    due = await desk.end("dead", code="x")
    pinned = await desk.store.pinned(delivery)
    assert pinned is not None and pinned.chain == "c" * 64 and pinned.request is not None and pinned.body == due.body
    await desk.store.replay(delivery, actor="lan", why="", adopt=False, now=desk.clock(), as_it_ran=True)
    again = await desk.head()
    assert (again.chain, again.request) == (pinned.chain, pinned.request)
    await desk.settle(again, await desk.begin(again), "dead", code="x")
    await desk.replay(delivery)
    anew = await desk.head()
    assert (anew.chain, anew.request) == (None, None)
    await desk.settle(anew, None, "dead", code="translation")
    with pytest.raises(NotAllowed, match="not kept any more"):
        await desk.store.replay(delivery, actor="lan", why="", adopt=False, now=desk.clock(), as_it_ran=True)
    assert await desk.store.pinned("no-such") is None
    assert [one["act"] for one in reversed(await desk.store.audit(limit=2))] == ["replay --as-it-ran", "replay"]


async def test_the_schema_of_pinned_bytes_is_kept_with_them(desk: Desk) -> None:
    """As what they were sent, by their chain; unknown of what an older hub pinned."""
    portal = SchemaRef("portal-item", "1.0.0")
    for code, schema in (("D1", portal), ("D2", portal), ("D3", None)):
        receipt = await desk.accept("one", code=code)
        due = next(one for one in await desk.heads() if one.delivery_id == delivery_of(receipt))
        chain, attempt = ("a" if schema else "b") * 64, new_id()
        await desk.store.start([Start(due.delivery_id, attempt, chain, b"{}", schema=schema)], desk.clock())
        await desk.settle(due, attempt, "again", next_at=0)
    assert sorted(str(one.sent_as) for one in await desk.heads()) == ["None", "portal-item@1.0.0", "portal-item@1.0.0"]


async def test_questions_and_their_answers_are_found_among_much_else(desk: Desk) -> None:
    """Who asked to reload since when, and the line that answers one of them."""
    began = desk.clock()
    first, second = [await desk.store.ask_reload("d", actor=who, now=desk.clock()) for who in ("lan", "minh")]
    for _ in range(30):
        await desk.store.note("replay", "x", actor="lan", why="", now=desk.clock())
    assert await desk.store.reload_questions(began) == [(first, "lan"), (second, "minh")]
    assert await desk.store.reload_questions(desk.clock()) == []
    assert await desk.store.reload_answer(second) is None
    await desk.store.note("reload", "e", actor="minh", why=f"ok (asked: {second})", now=desk.clock())
    told = await desk.store.reload_answer(second)
    assert told is not None and told["target"] == "e" and await desk.store.reload_answer(first) is None


async def test_kept_arrivals_are_found_behind_many_dead_deliveries(desk: Desk) -> None:
    """The limit counts what was asked for."""
    for number in range(3):
        await desk.accept("one", code=f"D{number}")
        await desk.end("dead", code="x")
    kept = await desk.accept("kept", code="D9", kept="not_in_table")
    assert [one["arrival"] for one in await desk.store.dead(kind="arrival", limit=2)] == [kept["arrival"]]
    assert [one["kind"] for one in await desk.store.dead(kind="delivery", limit=9)] == ["delivery"] * 3
