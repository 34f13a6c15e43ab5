"""Attempts: written before the call, settled only by their own, remembered over a crash."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from store_making import FAR, NATIONAL, Desk, FakeClock, delivery_of, match, plan, state, step

from hub.errors import StoreUnavailable
from hub.message import SchemaRef, new_id
from hub.store.values import Settlement, Start


async def test_a_delivery_is_started_once(desk: Desk) -> None:
    """The second start of the same delivery returns nothing and changes nothing, also when both come at once."""
    await desk.accept("a")
    due = await desk.head()
    tries = [Start(due.delivery_id, new_id(), "chain", b"bytes") for _ in range(5)]
    started = await asyncio.gather(*(desk.store.start([one], desk.clock()) for one in tries))
    assert sorted(map(len, started)) == [0, 0, 0, 0, 1]
    (winner,) = (one.attempt_id for one, won in zip(tries, started, strict=True) if won)
    assert not await desk.settle(due, next(one.attempt_id for one in tries if one.attempt_id != winner), "delivered")
    assert await desk.settle(due, winner, "delivered")
    shown = await desk.store.dead_one(due.delivery_id)
    assert shown is not None and len(shown["attempts"]) == 1


async def test_a_batch_starts_what_is_still_claimable(desk: Desk) -> None:
    """Of several, only those that are heads and pending are claimed; an empty batch is nothing."""
    for n in range(3):
        await desk.accept(f"v{n}", code=f"D{n}")
    await desk.accept("behind", code="D0")
    behind = (await desk.store.dossier("D0") or {})["waiting"][1]["delivery"]
    due = await desk.heads()
    await desk.begin(due[1])
    ids = [due[0].delivery_id, due[1].delivery_id, due[2].delivery_id, behind, "no-such"]
    started = await desk.store.start([Start(one, new_id(), "chain", b"") for one in ids], desk.clock())
    assert started == {due[0].delivery_id, due[2].delivery_id}
    assert await desk.store.start([], desk.clock()) == frozenset()


async def test_a_late_settlement_changes_nothing(desk: Desk) -> None:
    """An attempt that no longer owns the delivery cannot end it, whatever it says."""
    await desk.accept("a")
    due = await desk.head()
    first = await desk.begin(due)
    assert await desk.settle(due, first, "again")
    second = await desk.begin(await desk.head())
    for outcome in ("delivered", "again", "in_doubt", "dead"):
        late = {"ids": {"portal": "P-1"}, "reply": ("reply@1.0.0", b"x"), "code": "late"}
        assert not await desk.settle(due, first, outcome, **late)
    shown = await desk.store.dead_one(due.delivery_id)
    assert shown is not None and shown["state"] == "claimed" and "code" not in shown
    assert await desk.store.pending_replies() == [] and await desk.store.dossier("P-1") is None
    assert await desk.settle(due, second, "delivered")
    assert not await desk.settle(due, second, "delivered") and not await desk.settle(due, None, "dead")
    assert not await desk.store.settle(Settlement("no-such", None, "dead"), desk.clock())
    assert await desk.store.rebuild_ledger() == 0


async def test_settling_without_an_attempt_only_ends_what_was_never_started(desk: Desk) -> None:
    """A claimed delivery cannot be ended by a translation failure."""
    await desk.accept("a")
    due = await desk.head()
    await desk.begin(due)
    assert not await desk.settle(due, None, "dead")
    assert (await desk.states())[due.delivery_id] == "claimed"


async def test_what_due_shows(desk: Desk) -> None:
    """Message, dossier and history, as the dispatcher needs them."""
    made = plan(desk.store, desk.clock, "a", state("canonical"), key="k", traceparent="00-ab", hops=2)
    receipt, _ = await desk.store.accept(made)
    due = await desk.head()
    assert (due.delivery_id, due.message_id) == (delivery_of(receipt), receipt["messages"][0]["id"])
    assert (due.arrival_id, due.dossier_id) == (made.arrival.id, receipt["dossier"])
    assert (due.schema, due.body, due.full_state, due.seq) == (SchemaRef("dossier", "1.0.0"), b"canonical", True, 1)
    assert (due.correlation_id, due.traceparent, due.hops) == (made.arrival.correlation_id, "00-ab", 2)
    assert (due.number, due.counted, due.attempt_id, due.chain, due.request) == (0, 0, None, None, None)
    assert (due.doubted, due.sent_before, due.own_earlier_doubt, due.adopt) == (False, False, False, False)
    assert due.aliases == {NATIONAL: "D1"} and due.remembered == {} and due.accepted_at == made.arrival.received_at


async def test_the_bytes_and_the_chain_are_pinned_by_the_first_attempt(desk: Desk) -> None:
    """Later attempts see them, and bytes given again do not replace them (nor break the start)."""
    await desk.accept("a")
    due = await desk.head()
    await desk.store.start([Start(due.delivery_id, one := new_id(), "c1", b"first")], desk.clock())
    await desk.settle(due, one, "again")
    due = await desk.head()
    assert (due.chain, due.request, due.number, due.attempt_id) == ("c1", b"first", 1, one)
    await desk.store.start([Start(due.delivery_id, two := new_id(), "c1", b"second")], desk.clock())
    await desk.settle(due, two, "again")
    assert (await desk.head()).request == b"first"


async def test_warnings_of_translation_and_answer_are_kept(desk: Desk) -> None:
    """Those of the start stay when a later start has none, and those of the settlement are added."""
    await desk.accept("a")
    due = await desk.head()
    await desk.store.start([Start(due.delivery_id, one := new_id(), "c", b"x", ({"at": "cut"},))], desk.clock())
    await desk.settle(due, one, "again")
    await desk.store.start([Start(due.delivery_id, two := new_id(), "c", None)], desk.clock())
    await desk.settle(due, two, "delivered", warnings=({"at": "answer"},), reference="R-1")
    shown = await desk.store.dead_one(due.delivery_id)
    assert shown is not None
    assert (shown["warnings"], shown["reference"]) == ([{"at": "cut"}, {"at": "answer"}], "R-1")
    assert [(one["number"], one["outcome"]) for one in shown["attempts"]] == [(1, "again"), (2, "delivered")]


async def test_what_an_attempt_remembers_is_there_for_the_next(desk: Desk) -> None:
    """Several notes, over attempts; an attempt that no longer owns the delivery adds none."""
    await desk.accept("a")
    due = await desk.head()
    first = await desk.begin(due)
    await desk.store.remember(due.delivery_id, first, "chunk", 1)
    await desk.store.remember(due.delivery_id, first, "chunk", 2)
    await desk.store.remember(due.delivery_id, first, "session", {"id": "x"})
    await desk.settle(due, first, "again")
    due = await desk.head()
    assert due.remembered == {"chunk": 2, "session": {"id": "x"}}
    await desk.begin(due)
    await desk.store.remember(due.delivery_id, first, "chunk", 99)
    await desk.settle(due, (await desk.store.dead_one(due.delivery_id) or {})["attempts"][-1]["attempt"], "again")
    assert (await desk.head()).remembered["chunk"] == 2


async def test_a_code_that_was_issued_is_an_alias_before_the_attempt_ends(desk: Desk) -> None:
    """With the note, in one write; not by an attempt that lost the delivery; and one that cannot be a name writes nothing."""
    await desk.accept("a")
    await desk.accept("b", code="D2")
    due = next(one for one in await desk.heads() if one.body == b"a")
    attempt = await desk.begin(due)
    remember = desk.store.remember
    assert await remember(due.delivery_id, attempt, "code", "C1", {"partner": "C1"}) is None
    assert await remember(due.delivery_id, attempt, "code", "C1", {"partner": "C1"}) is None
    assert await remember(due.delivery_id, new_id(), "code", "C9", {"partner": "C9"}) is None
    other = next(one for one in await desk.heads() if one.body == b"b")
    second = await desk.begin(other)
    assert await remember(other.delivery_id, second, "code", "C1", {"partner": "C1"}) == "partner code is another dossier's"
    for bad in ("", "x" * 10_000, "a\0b"):
        assert await remember(other.delivery_id, second, "code", bad, {"partner": bad})
    await desk.settle(due, attempt, "again")
    await desk.settle(other, second, "again")
    first, later = sorted(await desk.heads(), key=lambda one: one.body)
    assert first.aliases["partner"] == first.remembered["code"] == "C1"
    assert "partner" not in later.aliases and dict(later.remembered) == {}


async def test_claims_of_a_dead_process_are_in_doubt(database: Any, clock: FakeClock) -> None:
    """Closed without settling and opened again: in doubt, due now, with attempt, notes and bytes; the rest is untouched."""
    first = Desk(database.store(clock), clock)
    await first.store.open(exclusive=True)
    await first.accept("a")
    await first.accept("b")
    await first.accept("c", code="D2")
    due = next(one for one in await first.heads() if one.body == b"a")
    attempt = await first.begin(due, b"exact bytes")
    await first.store.remember(due.delivery_id, attempt, "done", ["one"])
    await first.store.close()

    desk = Desk(database.store(clock), clock)
    await desk.store.open(exclusive=True)
    try:
        doubt = next(one for one in await desk.heads(now=clock.now) if one.state == "in_doubt")
        assert (doubt.delivery_id, doubt.attempt_id, doubt.request) == (due.delivery_id, attempt, b"exact bytes")
        assert doubt.remembered == {"done": ["one"]} and doubt.doubted and doubt.own_earlier_doubt
        assert sorted(await desk.texts()) == ["a", "c"]
        assert await desk.store.rebuild_ledger() == 0
        shown = await desk.store.dead_one(due.delivery_id)
        assert shown is not None and shown["attempts"][0]["code"] == "hub_stopped"
        assert await desk.store.start([Start(due.delivery_id, new_id(), "c", None)], clock()) == frozenset()
        assert await desk.settle(doubt, attempt, "delivered")
        assert sorted(await desk.drain()) == ["b", "c"]
    finally:
        await desk.store.close()


async def test_a_store_beside_the_hub_leaves_its_claims_alone(desk: Desk, opened: Any) -> None:
    """Opening without the lock (the shell) turns no claim into a doubt."""
    await desk.accept("a")
    due = await desk.head()
    attempt = await desk.begin(due)
    async with opened() as other:
        assert await other.due("portal", FAR, 10) == []
    assert await desk.settle(due, attempt, "delivered")


async def test_only_one_running_hub(desk: Desk, opened: Any, database: Any, clock: FakeClock) -> None:
    """A second exclusive open is refused and disturbs nothing; after closing it works."""
    await desk.accept("a")
    due = await desk.head()
    attempt = await desk.begin(due)
    with pytest.raises(StoreUnavailable) as refused:
        async with opened(exclusive=True):
            pass
    assert refused.value.reason == "in_use"
    assert await desk.settle(due, attempt, "delivered")
    await desk.store.close()
    async with opened(exclusive=True) as next_one:
        assert (await next_one.dossier("D1") or {})["waiting"] == []


async def test_a_shell_works_beside_the_hub(desk: Desk, opened: Any) -> None:
    """It replays, discards, pauses and reads while the hub runs."""
    receipt = await desk.accept("s1", step("s1"))
    await desk.accept("s2", step("s2"))
    await desk.end("dead", code="422")
    async with opened() as shell:
        await shell.replay(delivery_of(receipt), actor="lan", why="", adopt=False, now=desk.clock())
    await desk.end("dead", code="422")
    async with opened() as shell:
        assert len(await shell.dead()) == 1
        await shell.discard(delivery_of(receipt), actor="lan", why="", now=desk.clock())
    assert await desk.drain() == ["s2"]


async def test_hub_and_shell_move_one_lane_at_once(desk: Desk, opened: Any) -> None:
    """Starts of the hub and backfills of the shell interleave: never two heads, and the ledger stays right."""
    async with opened() as shell:
        for n in range(8):
            code = f"D{n}"
            from_before = [(await desk.accept(f"s{i}", step(f"{n}-{i}"), code=code))["messages"][0] for i in range(3)]
            due = next(one for one in await desk.heads() if one.body == f"{n}-0".encode())
            start = Start(due.delivery_id, new_id(), "c", b"")
            fills = [shell.backfill([(one["id"], match("second-view"))], desk.clock()) for one in from_before]
            await asyncio.gather(desk.store.start([start], desk.clock()), *fills)
            assert not [one for one in await desk.heads() if one.dossier_id == due.dossier_id]
            assert await desk.settle(due, start.attempt_id, "delivered")
            assert len([one for one in await desk.heads() if one.dossier_id == due.dossier_id]) == 1
            await desk.drain()
    assert await desk.store.rebuild_ledger() == 0


async def test_partners_text_never_breaks_a_settlement(desk: Desk) -> None:
    """Codes, reasons, references and ids of any length, with NUL or half characters: settled, cut to fit."""
    nasty = "x" * 300 + "\0\ud800ệ"
    for n, outcome in enumerate(("again", "in_doubt", "dead", "delivered")):
        await desk.accept("a", code=f"D{n}")
        due = next(one for one in await desk.heads() if one.aliases[NATIONAL] == f"D{n}")
        ids = {"portal": nasty, "good": f"G{n}", "empty": ""}
        more = {"problems": ({"at": nasty},), "warnings": ({"at": nasty},), "reference": nasty, "ids": ids}
        settled = desk.settle(due, await desk.begin(due), outcome, code=nasty, reason=nasty, next_at=FAR + 1, **more)
        assert await settled
        shown = await desk.store.dossier(f"D{n}")
        assert shown is not None
        assert {one["code"] for one in shown["aliases"]} == {f"D{n}", f"G{n}"}
        (one,) = shown["waiting"] or [one for one in shown["timeline"] if one["event"] in ("dead", "delivered")]
        assert one["state"] == {"again": "pending"}.get(outcome, outcome)
        assert len(one.get("code", "")) <= 60 and "\0" not in str(one)


async def test_an_answer_waits_to_come_back_in(desk: Desk, opened: Any) -> None:
    """Stored with the settlement, still there after reopening, with origin and hops; forgotten when it has re-entered."""
    made = plan(desk.store, desk.clock, "a", traceparent="00-ab", hops=1)
    await desk.store.accept(made)
    await desk.end("delivered", reply=("portal-reply@1.0.0", b"answer"))
    async with opened() as other:
        (waiting,) = await other.pending_replies()
    reply = waiting.arrival
    assert waiting.names == made.aliases
    assert (reply.sender, reply.origin, reply.key, reply.hops) == ("portal", "portal", reply.id, 2)
    assert (str(reply.schema), reply.body) == ("portal-reply@1.0.0", b"answer")
    assert (reply.correlation_id, reply.traceparent) == (made.arrival.correlation_id, "00-ab")
    assert list(await desk.store.pending_replies()) == [waiting]
    await desk.store.forget_reply(reply.id)
    assert await desk.store.pending_replies() == []


async def test_an_answer_re_enters_as_an_arrival_of_its_own(desk: Desk) -> None:
    """Its id is neither the delivery's nor its body the delivery's bytes: it can be accepted, looked up and discarded."""
    await desk.accept("a")
    due = await desk.end("delivered", reply=("portal-reply@1.0.0", b"answer"))
    (reply,) = [one.arrival for one in await desk.store.pending_replies()]
    made = plan(desk.store, desk.clock, "answer", kept="not_in_table", sender="portal", key=reply.key, id=reply.id)
    receipt, _ = await desk.store.accept(made)
    assert receipt["arrival"] == reply.id != due.delivery_id
    again, repeated = await desk.store.accept(made)
    assert repeated and again == receipt
    await desk.discard(reply.id)


async def test_each_settlement_may_bring_an_answer(desk: Desk) -> None:
    """A refusal with an answer, replayed, then delivered with an answer: both wait."""
    receipt = await desk.accept("a")
    await desk.end("dead", code="422", reply=("portal-reply@1.0.0", b"no"))
    await desk.replay(delivery_of(receipt))
    await desk.end("delivered", reply=("portal-reply@1.0.0", b"yes"))
    assert [one.arrival.body for one in await desk.store.pending_replies()] == [b"no", b"yes"]


async def test_an_answer_in_an_older_database_finds_its_dossier(desk: Desk, opened: Any, database: Any) -> None:
    """By its correlation id, which only messages of that dossier have; else it has none."""
    for code, correlation in (("D1", "one"), ("D2", "shared"), ("D3", "shared")):
        await desk.store.accept(plan(desk.store, desk.clock, "a", names=[(NATIONAL, code)], correlation_id=correlation))
        await desk.end("delivered", reply=("portal-reply@1.0.0", b"answer"))
    database.sql("alter table replies drop column dossier_id")
    database.sql("update alembic_version set version_num = '0008'")
    async with opened() as other:
        named = [[one.code for one in reply.names] for reply in await other.pending_replies()]
    assert named == [["D1"], [], []]


async def test_what_was_sent_before_shows(desk: Desk) -> None:
    """sent_before after a delivery of the stream; own_earlier_doubt after any doubt of it."""
    await desk.accept("a")
    await desk.accept("b")
    await desk.accept("s", step("s"))
    due = await desk.head()
    attempt = await desk.begin(due)
    await desk.settle(due, attempt, "in_doubt", next_at=desk.clock())
    await desk.settle(due, attempt, "delivered")
    following = await desk.head()
    assert (following.sent_before, following.own_earlier_doubt, following.doubted) == (True, True, False)
    await desk.end()
    assert ((await desk.head()).sent_before, (await desk.head()).own_earlier_doubt) == (False, False)
