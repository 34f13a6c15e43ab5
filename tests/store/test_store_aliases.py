"""One dossier has many names; a name is learned late, belongs to one dossier and is never moved."""

from __future__ import annotations

from typing import Any

import pytest
from store_making import NATIONAL, Desk, match, plan, state

from hub.errors import IdConflict, Refused
from hub.store.port import Store

BOTH = ((NATIONAL, "D1"), ("one-stop", "ref-1"))
OWN = (("one-stop", "ref-1"),)


async def codes(store: Store, code: str) -> set[tuple[str, str]]:
    """The names of the dossier."""
    shown = await store.dossier(code)
    assert shown is not None
    return {(one["system"], one["code"]) for one in shown["aliases"]}


async def test_a_dossier_is_found_by_any_of_its_names(desk: Desk) -> None:
    """Both names lead to one dossier, one lane, one order."""
    receipts = [await desk.accept("a", names=BOTH), await desk.accept("b", names=OWN), await desk.accept("c")]
    assert len({one["dossier"] for one in receipts}) == 1
    assert [one["messages"][0]["seq"] for one in receipts] == [1, 2, 3]
    assert await desk.store.dossier("D1") == await desk.store.dossier("ref-1")


async def test_a_name_learned_later_is_the_same_dossier(desk: Desk) -> None:
    """First only the sender's id, then with the national code: one dossier, found by both from then on."""
    first = await desk.accept("a", names=OWN)
    assert await desk.store.dossier("D1") is None
    second = await desk.accept("b", names=BOTH)
    third = await desk.accept("c")
    assert first["dossier"] == second["dossier"] == third["dossier"]
    assert await codes(desk.store, "D1") == set(BOTH)


async def test_a_code_issued_by_the_partner_shows_in_what_still_waits(desk: Desk) -> None:
    """The code that settling the first message brought is among the aliases of the next one in the lane."""
    await desk.accept("a", names=OWN)
    await desk.accept("b", names=OWN)
    assert (await desk.head()).aliases == {"one-stop": "ref-1"}
    await desk.end("delivered", ids={NATIONAL: "D1", "portal": "P-9"})
    assert (await desk.head()).aliases == {"one-stop": "ref-1", NATIONAL: "D1", "portal": "P-9"}
    assert (await desk.accept("c"))["messages"][0]["seq"] == 3


async def test_names_of_two_dossiers_keep_the_arrival(desk: Desk) -> None:
    """Contradicting names: kept with the reason, no name moves, no message comes of it."""
    await desk.accept("a")
    await desk.accept("b", names=OWN)
    clash = await desk.accept("c", names=BOTH)
    assert (clash["state"], clash["messages"]) == ("kept", [])
    assert [reason["code"] for reason in clash["reasons"]] == ["alias_conflict"]
    assert await codes(desk.store, "D1") == {(NATIONAL, "D1")}
    assert await codes(desk.store, "ref-1") == set(OWN)
    assert sorted(await desk.drain()) == ["a", "b"]


async def test_a_clash_of_names_is_not_settled_by_replaying_it(desk: Desk) -> None:
    """Released while the names still contradict, it stays kept: a message never lands in one of two dossiers by chance."""
    await desk.accept("a")
    await desk.accept("b", names=OWN)
    made = plan(desk.store, desk.clock, "c", names=BOTH)
    await desk.store.accept(made)
    receipt = await desk.store.release(made, actor="lan", why="try")
    assert (receipt["state"], receipt["reasons"][0]["code"]) == ("kept", "alias_conflict")
    assert sorted(await desk.drain()) == ["a", "b"]


async def test_a_partners_code_that_is_another_dossiers_is_not_moved(desk: Desk, database: Any) -> None:
    """The settlement holds, the name stays where it was, and the audit trail says so without the code."""
    await desk.accept("a")
    await desk.accept("b", state("b", match("to-tax", "tax")), code="D2")
    await desk.end("delivered", ids={NATIONAL: "D2"})
    assert await codes(desk.store, "D1") == {(NATIONAL, "D1")}
    ((act, why),) = database.sql("select act, why from audit")
    assert act == "alias_conflict" and "D2" not in why


async def test_a_name_given_twice_is_one_name(desk: Desk) -> None:
    """Two pointers of a schema may lead to the same code."""
    await desk.accept("a", names=((NATIONAL, "D1"), (NATIONAL, "D1"), *OWN, *OWN))
    assert await codes(desk.store, "D1") == set(BOTH)


@pytest.mark.parametrize("code", ["", "x" * 256, "a\0b", "a\ud800b"], ids=["empty", "long", "nul", "surrogate"])
async def test_a_code_that_cannot_be_kept_is_refused(desk: Desk, database: Any, code: str) -> None:
    """The same on both databases, by a typed error that does not show the code; nothing is stored."""
    with pytest.raises(Refused) as refused:
        await desk.accept("a", code=code)
    assert refused.value.problems[0].code == "bad_code"
    assert not code or code not in str(refused.value)
    assert database.one("select count(*) from arrivals") == database.one("select count(*) from dossiers") == 0


async def test_a_code_of_the_greatest_length_is_kept(desk: Desk) -> None:
    """255 characters, whatever their size in bytes."""
    code = "ệ" * 255
    await desk.accept("a", code=code)
    assert await desk.store.dossier(code) is not None


@pytest.mark.parametrize("key", ["", "x" * 256, "a\0b", "a\udcff"], ids=["empty", "long", "nul", "surrogate"])
async def test_an_id_of_the_sender_that_cannot_be_kept_is_refused(desk: Desk, key: str) -> None:
    """When it is looked up and when it is accepted; IdConflict or a database error would be wrong."""
    with pytest.raises(Refused) as refused:
        await desk.store.first_receipt("one-stop", key)
    assert refused.value.problems[0].at == "Idempotency-Key"
    with pytest.raises(Refused):
        await desk.accept("a", key=key)
    assert await desk.store.dossier("D1") is None


@pytest.mark.parametrize(
    "field",
    [
        {"sender": "s" * 101},
        {"sender": "a\0"},
        {"correlation_id": "c" * 65},
        {"traceparent": "t" * 65},
        {"origin": "o" * 101},
        {"position": "line\0"},
    ],
    ids=lambda field: next(iter(field)),
)
async def test_any_other_text_that_cannot_be_kept_is_refused(desk: Desk, field: dict[str, str]) -> None:
    """A typed refusal that names the field; a neighbour in the same group is stored."""
    neighbour = desk.accept("b", code="D2")
    with pytest.raises(Refused) as refused:
        await desk.accept("a", **field)
    assert refused.value.problems[0].at == next(iter(field)) and not isinstance(refused.value, IdConflict)
    assert (await neighbour)["state"] == "accepted"


async def test_a_version_beyond_any_number_is_refused(desk: Desk) -> None:
    """2^63 does not fit a column; 2^63 - 1 does."""
    with pytest.raises(Refused):
        await desk.accept("a", state("a", version=2**63))
    assert (await desk.accept("b", state("b", version=2**63 - 1)))["state"] == "accepted"
