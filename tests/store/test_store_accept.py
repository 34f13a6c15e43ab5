"""Accepting: one arrival in, one durable receipt out; the same one again gives the same receipt."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from store_making import NATIONAL, Desk, delivery_of, match, plan, state, step

from hub.errors import IdConflict
from hub.store.sql import SqlStore


async def test_the_receipt_names_what_became_of_the_arrival(desk: Desk) -> None:
    """Arrival, dossier, correlation id, each message with its seq and, for each route, whether it was taken and why."""
    made = plan(desk.store, desk.clock, "v1", state("v1", match(), match("to-tax", "tax", matched=False)), step("s1"), key="k1")
    receipt, repeated = await desk.store.accept(made)

    assert not repeated
    assert (receipt["arrival"], receipt["state"]) == (made.arrival.id, "accepted")
    assert receipt["correlation_id"] == made.arrival.correlation_id
    first, second = receipt["messages"]
    assert (first["schema"], first["seq"], first["state"]) == ("dossier@1.0.0", 1, "routed")
    assert (second["schema"], second["seq"], second["state"]) == ("dossier-progress@1.0.0", 2, "routed")
    taken, passed = first["routes"]
    assert (taken["route"], taken["endpoint"], taken["taken"]) == ("to-portal", "portal", True)
    assert (passed["route"], passed["taken"], passed["why"]) == ("to-tax", False, "not its kind")
    assert "delivery" in taken and "delivery" not in passed


async def test_the_arrival_can_be_looked_up_with_its_receipt_and_deliveries(desk: Desk) -> None:
    """What the receipt said is what ``arrival`` shows; no body is in it."""
    receipt = await desk.accept("secret-body", key="k1")
    shown = await desk.store.arrival(receipt["arrival"])
    assert shown is not None and shown["receipt"] == receipt
    (message,) = shown["messages"]
    assert [one["delivery"] for one in message["deliveries"]] == [delivery_of(receipt)]
    assert "secret-body" not in str(shown)
    assert await desk.store.arrival("no-such") is None


async def test_the_same_id_and_body_gets_the_first_receipt_again(desk: Desk) -> None:
    """Nothing is stored a second time; first_receipt knows the digest and the receipt."""
    first = await desk.accept("v1", key="k1")
    again, repeated = await desk.store.accept(plan(desk.store, desk.clock, "v1", key="k1"))
    assert (again, repeated) == (first, True)
    assert await desk.store.first_receipt("one-stop", "k1") == (desk.store.digest(b"v1"), first)
    assert await desk.store.first_receipt("other", "k1") is None
    assert len(await desk.heads()) == 1


async def test_the_same_id_with_another_body_is_refused(desk: Desk, database: Any) -> None:
    """IdConflict, and no row is left of it; the same id of another sender is another id."""
    await desk.accept("v1", key="k1")
    with pytest.raises(IdConflict):
        await desk.accept("v2", key="k1", code="D2")
    assert database.one("select count(*) from arrivals") == 1
    assert database.one("select count(*) from bodies") == 2
    assert await desk.store.dossier("D2") is None
    assert (await desk.accept("v2", key="k1", code="D3", sender="other"))["state"] == "accepted"


async def test_without_ids_only_the_latest_body_is_a_duplicate(desk: Desk) -> None:
    """A, A is one arrival; A, B, A is three: the dossier went back to what it was."""
    a = await desk.accept("A")
    again, repeated = await desk.store.accept(plan(desk.store, desk.clock, "A"))
    assert (again, repeated) == (a, True)
    b = await desk.accept("B")
    back = await desk.accept("A")
    assert len({a["arrival"], b["arrival"], back["arrival"]}) == 3
    assert [one["messages"][0]["seq"] for one in (a, b, back)] == [1, 2, 3]
    assert await desk.drain() == ["A", "B", "A"]


async def test_without_ids_an_equal_body_of_another_dossier_or_sender_is_no_duplicate(desk: Desk) -> None:
    """Equality is looked at within one dossier, sender and schema only."""
    receipts = [
        await desk.accept("A"),
        await desk.accept("A", code="D2"),
        await desk.accept("A", sender="other"),
    ]
    assert len({one["arrival"] for one in receipts}) == 3


async def test_a_body_that_was_discarded_may_be_sent_again(desk: Desk) -> None:
    """A kept arrival that an operator gave up does not make its resend, after the mend, a duplicate of nothing."""
    kept = await desk.accept("A", kept="not_in_table")
    await desk.discard(kept["arrival"])
    resent = await desk.accept("A")
    assert resent["state"] == "accepted" and resent["arrival"] != kept["arrival"]
    assert await desk.texts() == ["A"]


async def test_many_at_once_for_one_dossier_get_a_gapless_order(desk: Desk) -> None:
    """200 concurrent accepts: each seq from 1 to 200 once, and the lane sends them in that order."""
    receipts = await asyncio.gather(*(desk.accept(f"v{n}", key=f"k{n}") for n in range(200)))
    by_seq = {one["messages"][0]["seq"]: one["arrival"] for one in receipts}
    assert sorted(by_seq) == list(range(1, 201))
    assert len({one["dossier"] for one in receipts}) == 1
    shown = await desk.store.dossier("D1")
    assert shown is not None
    arrived = [one["arrival"] for one in shown["timeline"] if one["event"] == "message"]
    assert arrived == [by_seq[seq] for seq in sorted(by_seq)]


async def test_many_dossiers_at_once_each_have_an_order_of_their_own(desk: Desk) -> None:
    """100 dossiers with three messages each, all at once: one lane each, seq 1 to 3 in each."""
    sent = [desk.accept(f"{d}-{n}", code=f"D{d}", key=f"{d}-{n}") for n in range(3) for d in range(100)]
    receipts = await asyncio.gather(*sent)
    seqs: dict[str, list[int]] = {}
    for one in receipts:
        seqs.setdefault(one["dossier"], []).append(one["messages"][0]["seq"])
    assert len(seqs) == 100 and all(sorted(found) == [1, 2, 3] for found in seqs.values())
    assert len(await desk.heads()) == 100


async def test_the_same_id_at_once_makes_one_arrival(desk: Desk, database: Any) -> None:
    """Twenty concurrent sends of one message: one is stored, nineteen get its receipt."""
    plans = [plan(desk.store, desk.clock, "v1", key="k1") for _ in range(20)]
    answers = await asyncio.gather(*(desk.store.accept(one) for one in plans))
    assert sorted(repeated for _, repeated in answers) == [False] + [True] * 19
    assert len({receipt["arrival"] for receipt, _ in answers}) == 1
    assert database.one("select count(*) from arrivals") == 1


async def test_the_same_id_at_once_through_two_processes_makes_one_arrival(desk: Desk, opened: Any, database: Any) -> None:
    """A second store (another process) accepts the same messages at the same time: no error, each stored once."""
    async with opened() as other:
        for n in range(15):
            both = [
                plan(store, desk.clock, f"v{n}", key=f"k{n}", names=((NATIONAL, f"D{n}"),)) for store in (desk.store, other)
            ]
            mine, theirs = await asyncio.gather(desk.store.accept(both[0]), other.accept(both[1]))
            assert mine[0] == theirs[0] and sorted((mine[1], theirs[1])) == [False, True]
    assert database.one("select count(*) from dossiers") == 15


async def test_two_processes_writing_one_dossier_keep_its_order_gapless(desk: Desk, opened: Any) -> None:
    """Two stores accept for the same dossiers at once: seq stays unique and gapless, nothing fails."""
    async with opened() as other:
        sent = [
            store.accept(plan(store, desk.clock, f"{n}", key=f"{i}-{n}", names=((NATIONAL, f"D{n % 3}"),)))
            for n in range(30)
            for i, store in enumerate((desk.store, other))
        ]
        receipts = [receipt for receipt, _ in await asyncio.gather(*sent)]
    seqs: dict[str, list[int]] = {}
    for one in receipts:
        seqs.setdefault(one["dossier"], []).append(one["messages"][0]["seq"])
    assert [sorted(found) for found in seqs.values()] == [list(range(1, 21))] * 3


async def test_a_failing_write_never_fails_its_neighbours(desk: Desk) -> None:
    """Among concurrent accepts, those with a broken value or a used id fail alone; the others are all stored."""
    await desk.accept("first", key="used", code="X")
    again = plan(desk.store, desk.clock, "v", key="mine", names=((NATIONAL, "Y"),))
    await desk.store.accept(again)
    broken = plan(desk.store, desk.clock, "w", key="other-key", id=again.arrival.id)  # the arrival's id exists
    good = [desk.accept(f"v{n}", key=f"k{n}", code=f"D{n}") for n in range(40)]
    bad = [desk.accept("second", key="used", code="X"), desk.store.accept(broken)]
    answers: list[Any] = await asyncio.gather(*good[:20], *bad, *good[20:], return_exceptions=True)
    assert isinstance(answers[20], IdConflict) and isinstance(answers[21], Exception)
    assert all(one["state"] == "accepted" for one in answers[:20] + answers[22:])
    assert len(await desk.heads()) == 42


async def test_a_caller_that_goes_away_leaves_what_it_sent_stored(store: SqlStore, desk: Desk) -> None:
    """Cancelling the wait neither undoes the write nor breaks the writer for others."""
    waits = asyncio.create_task(desk.accept("v1", key="k1"))
    await asyncio.sleep(0)
    waits.cancel()
    await asyncio.gather(waits, return_exceptions=True)
    await desk.accept("v2", key="k2", code="D2")
    assert await store.first_receipt("one-stop", "k1") is not None


async def test_two_senders_of_one_dossier(desk: Desk) -> None:
    """The first sender owns it; the other's message is stored as a conflict and goes nowhere."""
    await desk.accept("mine")
    other = await desk.accept("theirs", sender="land-office")
    assert other["state"] == "accepted"
    assert (other["messages"][0]["state"], other["messages"][0]["routes"]) == ("conflict", [])
    assert await desk.drain() == ["mine"]
    shown = await desk.store.dossier("D1")
    assert shown is not None
    assert (shown["owner"], shown["senders"]) == ("one-stop", ["land-office", "one-stop"])


async def test_configuration_names_the_owner(desk: Desk) -> None:
    """The owner by configuration is the owner even when another sends first."""
    early = await desk.accept("theirs", sender="land-office", owner="one-stop")
    assert early["messages"][0]["state"] == "conflict"
    mine = await desk.accept("mine", owner="one-stop")
    assert mine["messages"][0]["state"] == "routed"
    assert await desk.drain() == ["mine"]


async def test_an_older_version_is_stored_and_goes_nowhere(desk: Desk) -> None:
    """Older than the newest of the same sender: superseded. Equal or newer: routed."""
    outcomes = []
    for body, version in (("v5", 5), ("v4", 4), ("v5b", 5), ("v6", 6), ("none", None)):
        receipt = await desk.accept(body, state(body, version=version))
        outcomes.append((receipt["state"], receipt["messages"][0]["state"]))
    assert outcomes == [
        ("accepted", "routed"),
        ("superseded", "superseded"),
        ("accepted", "routed"),
        ("accepted", "routed"),
        ("accepted", "routed"),
    ]
    assert await desk.drain() == ["v5", "v5b", "v6", "none"]


async def test_versions_are_compared_only_within_sender_and_dossier(desk: Desk) -> None:
    """Another dossier's or another sender's version says nothing about this one."""
    await desk.accept("a", state("a", version=9), sender="land-office", owner="one-stop")
    await desk.accept("b", state("b", version=9), code="D2")
    assert (await desk.accept("c", state("c", version=3)))["messages"][0]["state"] == "routed"


async def test_a_step_that_is_known_is_not_delivered_again(desk: Desk) -> None:
    """Progress identical to an earlier one of the dossier is known; another dossier's is not."""
    first = await desk.accept("a1", state("a1"), step("received"))
    again = await desk.accept("a2", state("a2"), step("received"))
    known = again["messages"][1]
    assert (known["state"], known["id"], known["routes"]) == ("known", first["messages"][1]["id"], [])
    other = await desk.accept("b1", state("b1"), step("received"), code="D2")
    assert other["messages"][1]["state"] == "routed"
    assert (await desk.accept("a3", step("received"), step("decided")))["messages"][1]["seq"] == 4
    assert sorted(await desk.drain()) == sorted(["a1", "received", "a2", "decided", "b1", "received"])


async def test_a_state_equal_to_an_earlier_one_is_delivered_again(desk: Desk) -> None:
    """Only progress is compared with all earlier ones; a state may come back."""
    for body in ("A", "B", "A"):
        assert (await desk.accept(body))["messages"][0]["state"] == "routed"


async def test_the_owners_step_is_delivered_though_another_sender_told_it_first(desk: Desk) -> None:
    """An observation in conflict was never sent, so it cannot make the owner's own step known."""
    await desk.accept("theirs", step("received"), sender="land-office", owner="one-stop")
    mine = await desk.accept("mine", step("received"), owner="one-stop")
    assert mine["messages"][0]["state"] == "routed"
    assert await desk.drain() == ["received"]


async def test_equal_bodies_have_equal_digests_and_the_digest_is_salted(desk: Desk, opened: Any, database: Any) -> None:
    """The digest is the same after reopening and is not the plain SHA-256."""
    import hashlib

    async with opened() as other:
        assert other.digest(b"x") == desk.store.digest(b"x") != desk.store.digest(b"y")
    assert desk.store.digest(b"x") != hashlib.sha256(b"x").hexdigest()
