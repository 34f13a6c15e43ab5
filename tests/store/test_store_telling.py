"""What a sender is told of what it sent, and what telling it does: a refusal that it heard is no dead letter any more."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from store_making import Desk, FakeClock, match, plan, state, step

from hub.listener import Standing
from hub.message import NATIONAL
from hub.store.values import Became, Due, JsonObject

REFUSAL = {"code": "-3", "reason": "a field is missing", "refused": True}


async def became(desk: Desk, receipt: JsonObject, endpoint: str = "portal") -> Became:
    found = await desk.store.became(str(receipt["arrival"]), endpoint)
    assert found is not None
    return found


async def reached(desk: Desk, receipt: JsonObject, endpoint: str = "portal") -> list[tuple[str, str, str, bool]]:
    """State, code, what was said and whether it is over, of each delivery there."""
    found = (await became(desk, receipt, endpoint)).reached
    return [(one.state, one.code, one.said, one.is_over) for one in found]


async def tell(desk: Desk, receipt: JsonObject, *, sender: str = "one-stop", endpoint: str = "portal") -> int:
    return await desk.store.told(str(receipt["arrival"]), endpoint, sender=sender, now=desk.clock())


async def refuse(desk: Desk, **more: Any) -> Due:
    """The partner refuses the head."""
    return await desk.end("dead", **{**REFUSAL, **more})


async def ledger_is_right(desk: Desk) -> bool:
    return await desk.store.rebuild_ledger() == 0


async def test_what_became_of_an_arrival(desk: Desk) -> None:
    """Each of its messages' deliveries at the endpoint and no other, in order, with what is on record of what was said."""
    receipt = await desk.accept("a", state("a1", match(), match("to-tax", "tax")), step("s1"))
    assert await reached(desk, receipt) == [("open", "", "", False), ("open", "", "", False)]
    await desk.end("delivered", reference="done at the portal")
    await refuse(desk)
    assert await reached(desk, receipt) == [
        ("delivered", "", "done at the portal", False),
        ("refused", "-3", "a field is missing", False),
    ]
    assert await reached(desk, receipt, "tax") == [("open", "", "", False)]
    assert await reached(desk, receipt, "nowhere") == []
    assert [*(await became(desk, receipt)).messages.values()] == ["routed", "routed"]
    assert await desk.store.became("0192f0c1-7e3b-7c41-9d2e-8f1a2b3c4d5e", "portal") is None


async def test_a_known_message_is_followed_too(desk: Desk) -> None:
    """An arrival whose step came before is answered by what became of that step."""
    await desk.accept("a", step("s1"))
    again = await desk.accept("b", step("s1"))
    assert again["messages"][0]["state"] == "known"
    await desk.end("delivered", reference="taken")
    assert await reached(desk, again) == [("delivered", "", "taken", False)]


async def test_kept_and_observed_ones(desk: Desk) -> None:
    """Why one is kept stands with it; another sender's dossier is only observed."""
    await desk.accept("a")
    kept = await became(desk, await desk.accept("b", kept="no_row"))
    assert (kept.state, [one["code"] for one in kept.reasons], kept.reached) == ("kept", ["no_row"], ())
    observed = await became(desk, await desk.accept("c", sender="land"))
    assert ([*observed.messages.values()], observed.reached) == (["conflict"], ())


async def test_a_told_refusal_is_no_dead_letter(desk: Desk) -> None:
    """It is discarded in its sender's name, on the record, and what waits behind it goes on; the ledger says the same."""
    receipt = await desk.accept("a", step("s1"))
    await desk.accept("b", step("s2"))
    due = await refuse(desk)
    assert await desk.texts() == []
    assert await tell(desk, receipt) == 1
    assert await reached(desk, receipt) == [("refused", "-3", "a field is missing", True)]
    assert (await desk.store.dead(), await desk.texts()) == ([], ["s2"])
    shown = await desk.store.dead_one(due.delivery_id)
    assert shown is not None
    assert (shown["state"], shown["settled_by"]) == ("discarded", "sender:one-stop")
    assert shown["why"] == "refused by the partner; the sender was told so in the answer to its call"
    assert [one["outcome"] for one in shown["attempts"]] == ["dead"]
    (line,) = await desk.store.audit()
    assert (line["actor"], line["act"], line["target"]) == ("sender:one-stop", "discard", due.delivery_id)
    assert await tell(desk, receipt) == 0 and len(await desk.store.audit()) == 1
    assert await ledger_is_right(desk)


async def test_a_step_that_was_given_up_may_be_said_again(desk: Desk, clock: FakeClock) -> None:
    """If its sender gave it up; while it is dead, once it was delivered, or if an operator discarded it, it is known."""

    async def said(body: str) -> tuple[JsonObject, str]:
        receipt = await desk.accept(body, step("s1"))
        return receipt, receipt["messages"][0]["state"]

    first, _ = await said("a")
    await refuse(desk)
    assert (await said("b"))[1] == "known"
    assert await tell(desk, first) == 1
    assert (await said("c"))[1] == "routed"
    await refuse(desk)
    await desk.discard(str((await desk.store.dead())[0]["delivery"]))
    for body in "def":
        assert (await said(body))[1] == "known", body  # a source that repeats its last step makes no dead letters
    asked = plan(desk.store, clock, "g", step("s1"), names=((NATIONAL, "D1"),))
    receipt, _ = await desk.store.accept(replace(asked, arrival=asked.arrival.anew("portal")))
    assert receipt["messages"][0]["state"] == "routed"
    await desk.end("delivered")
    for body in "hij":
        assert (await said(body))[1] == "known", body
    assert await desk.texts() == [] and await ledger_is_right(desk)


async def test_what_was_given_up_in_doubt_is_there(desk: Desk) -> None:
    """Who gave it up saw it at the partner: it is delivered, and the same step is known."""
    receipt = await desk.accept("a", step("s1"))
    due = await desk.head()
    attempt = await desk.begin(due)
    await desk.settle(due, attempt, "in_doubt")
    await desk.settle(due, attempt, "dead", code="in_doubt", reason="hold")
    await desk.discard(due.delivery_id)
    assert [(one[0], one[3]) for one in await reached(desk, receipt)] == [("delivered", True)]
    assert (await desk.accept("b", step("s1")))["messages"][0]["state"] == "known"


TWO = (match(), match("to-tax", "tax"))
"""Routes to two endpoints."""


def taken(receipt: JsonObject) -> list[tuple[str, bool]]:
    """Where the message goes, by its receipt."""
    return [(one["endpoint"], one["taken"]) for one in receipt["messages"][0]["routes"]]


async def test_a_step_is_said_again_only_where_it_was_given_up(desk: Desk) -> None:
    """The other endpoint has it, or will have it, or keeps it as a dead letter of its own."""
    first = await desk.accept("a", step("s1", *TWO))
    await refuse(desk)
    await desk.end("delivered", endpoint="tax")
    await tell(desk, first)
    again = await desk.accept("b", step("s1", *TWO))
    assert taken(again) == [("portal", True), ("tax", False)]
    assert "said there before" in again["messages"][0]["routes"][1]["why"]
    assert (await desk.texts(), await desk.texts("tax")) == (["s1"], [])
    await desk.end("delivered")
    assert (await desk.accept("c", step("s1", *TWO)))["messages"][0]["state"] == "known"

    first = await desk.accept("d", step("s2", *TWO))
    await refuse(desk)
    await refuse(desk, endpoint="tax")
    await tell(desk, first)
    assert taken(await desk.accept("e", step("s2", *TWO))) == [("portal", True), ("tax", False)]
    await desk.discard(str((await desk.store.dead(endpoint="tax"))[0]["delivery"]))
    await desk.end("delivered")
    known = await desk.accept("f", step("s2", *TWO))  # what an operator discarded at the other stays known there
    assert known["messages"][0]["state"] == "known"
    assert await desk.texts("tax") == [] and await ledger_is_right(desk)


async def test_another_s_step_is_not_said_again(desk: Desk) -> None:
    """It is the owner's to mend."""
    first = await desk.accept("a", step("s1"))
    await refuse(desk)
    await tell(desk, first)
    assert (await desk.accept("b", step("s1"), sender="land"))["messages"][0]["state"] == "known"


async def test_what_is_said_again_to_one_is_filled_in_nowhere_else(desk: Desk) -> None:
    """A backfill of a route gives its endpoint each step once."""
    first = await desk.accept("a", step("s1", *TWO))
    await refuse(desk)
    await desk.end("delivered", endpoint="tax")
    await tell(desk, first)
    await desk.accept("b", step("s1", *TWO))
    for route, endpoint, expected in (("to-tax", "tax", []), ("to-land", "land", ["s1"])):
        found = await desk.store.messages_without(route, "dossier-progress", None, 10)
        await desk.store.backfill([(str(one["id"]), match(route, endpoint)) for one in found], desk.clock())
        assert await desk.drain(endpoint) == expected, endpoint
    assert await ledger_is_right(desk)


async def test_what_is_sent_anew_is_known_by_nothing(desk: Desk, clock: FakeClock) -> None:
    """Neither as an arrival, nor by its step."""
    first = plan(desk.store, clock, "a", step("s1"))
    receipt, _ = await desk.store.accept(first)
    _, repeated = await desk.store.accept(plan(desk.store, clock, "a", step("s1")))
    assert repeated
    again = plan(desk.store, clock, "a", step("s1"))
    anew, repeated = await desk.store.accept(replace(again, arrival=again.arrival.anew("portal")))
    assert not repeated and anew["arrival"] != receipt["arrival"]
    assert anew["messages"][0]["state"] == "routed"
    assert await desk.drain() == ["s1", "s1"]


@pytest.mark.parametrize("part", [state, step])
async def test_what_is_sent_anew_goes_to_that_endpoint_alone(desk: Desk, clock: FakeClock, part: Any) -> None:
    await desk.accept("a", part("s1", *TWO))
    again = plan(desk.store, clock, "a", part("s1", *TWO))
    anew, _ = await desk.store.accept(replace(again, arrival=again.arrival.anew("portal")))
    assert taken(anew) == [("portal", True), ("tax", False)]
    assert (await desk.drain(), await desk.drain("tax")) == (["s1", "s1"], ["s1"])


@pytest.mark.parametrize("own_key", ["anew:", "anew:portal:", "anew:portal:0192f0c1-7e3b-7c41-9d2e-8f1a2b3c4d5e"])
async def test_nobody_says_anew_by_a_key(desk: Desk, own_key: str) -> None:
    """What a caller writes into its own key gets no step past what is known."""
    await desk.accept("a", step("s1"))
    assert (await desk.accept("b", step("s1"), key=own_key))["messages"][0]["state"] == "known"


async def test_only_refusals_are_let_go(desk: Desk) -> None:
    """A doubt that nobody could settle, a translation that failed, and tries that ran out stay for an operator."""
    in_doubt = await desk.accept("a", step("s1"))
    due = await desk.head()
    attempt = await desk.begin(due)
    await desk.settle(due, attempt, "in_doubt")
    await desk.settle(due, attempt, "dead", code="in_doubt", reason="hold")
    worn_out = await desk.accept("b", code="D2")
    await desk.end("dead", code="busy", reason="(after 10 counted tries)")
    untranslatable = await desk.accept("c", code="D3")
    due = await desk.head()
    await desk.settle(due, None, "dead", code="translation", problems=({"at": "x", "code": "missing", "message": "absent"},))
    for receipt, code in ((in_doubt, "in_doubt"), (worn_out, "busy"), (untranslatable, "translation")):
        assert [one[:2] for one in await reached(desk, receipt)] == [("dead", code)]
        assert await tell(desk, receipt) == 0
    assert len(await desk.store.dead()) == 3
    (one,) = (await became(desk, untranslatable)).reached
    assert one.problems[0]["at"] == "x"


async def test_one_refused_before_that_now_cannot_be_translated(desk: Desk) -> None:
    """Replayed, it died for the hub's own reasons: that is not what the sender was told."""
    receipt = await desk.accept("a", step("s1"))
    due = await refuse(desk)
    await desk.replay(due.delivery_id)
    assert [one[0] for one in await reached(desk, receipt)] == ["open"]
    await desk.settle(await desk.head(), None, "dead", code="translation")
    assert [one[0] for one in await reached(desk, receipt)] == ["dead"]
    assert await tell(desk, receipt) == 0


async def test_what_was_never_tried_is_withdrawn(desk: Desk) -> None:
    """Of a call refused for what stands before it: nothing that a partner may have seen, nothing of another call or sender."""
    first = await desk.accept("a", step("s1"))
    behind = await desk.accept("b", step("s2", match(), match("to-tax", "tax")))
    after = await desk.accept("c", step("s3"))
    await refuse(desk)
    assert await desk.store.told(str(behind["arrival"]), "portal", sender="land", untried=True, now=desk.clock()) == 0
    assert await desk.store.told(str(first["arrival"]), "portal", sender="one-stop", untried=True, now=desk.clock()) == 0
    assert await desk.store.told(str(behind["arrival"]), "portal", sender="one-stop", untried=True, now=desk.clock()) == 1
    assert [(one[0], one[3]) for one in await reached(desk, behind)] == [("discarded", True)]
    assert [one[0] for one in await reached(desk, behind, "tax")] == ["open"]
    assert await tell(desk, first) == 1
    assert await desk.texts() == ["s3"] and await ledger_is_right(desk)
    assert await desk.store.told(str(after["arrival"]), "portal", sender="one-stop", untried=True, now=desk.clock()) == 0
    assert (await desk.accept("d", step("s2")))["messages"][0]["state"] == "routed"
    due = await desk.head()
    await desk.settle(due, await desk.begin(due), "again", next_at=desk.clock())
    assert await desk.store.told(str(after["arrival"]), "portal", sender="one-stop", untried=True, now=desk.clock()) == 0
    audited = [(one["actor"], one.get("why")) for one in await desk.store.audit()]
    assert (
        "sender:one-stop",
        "the call it came in was refused for what stood before it, and the sender was told so",
    ) in audited


async def test_only_a_sender_s_own_is_let_go(desk: Desk) -> None:
    """The owner's step stays a dead letter, though another sender that said the same was told."""
    mine = await desk.accept("a", step("s1"))
    theirs = await desk.accept("b", step("s1"), sender="land")
    await refuse(desk)
    assert [one[0] for one in await reached(desk, theirs)] == ["refused"]
    assert await tell(desk, theirs, sender="land") == 0
    assert await tell(desk, mine, sender="land") == 0
    assert await tell(desk, mine, endpoint="tax") == 0
    assert await tell(desk, mine) == 1


async def test_a_state_that_was_replaced(desk: Desk) -> None:
    """What became of the newer state counts; one that the partner had refused before stays refused."""
    routes = (match(coalesce=True),)
    old = await desk.accept("a", state("a", *routes))
    await desk.accept("b", state("b", *routes))
    await desk.accept("c", state("c", *routes))
    assert [one[0] for one in await reached(desk, old)] == ["open"]
    await desk.end("delivered")
    assert [(one[0], one[3]) for one in await reached(desk, old)] == [("delivered", True)]
    refused = await desk.accept("d")
    await refuse(desk)
    await desk.accept("e")
    assert await reached(desk, refused) == [("refused", "-3", "a field is missing", True)]
    assert await tell(desk, refused) == 0 and await desk.texts() == ["e"]


async def test_a_state_whose_newer_one_was_refused_is_not_refused(desk: Desk) -> None:
    """Nobody asked the partner about it; once the newer one is given up, nothing more comes of it."""
    routes = (match(coalesce=True),)
    old = await desk.accept("a", state("a", *routes))
    newer = await desk.accept("b", state("b", *routes))
    await refuse(desk)
    assert [one[0] for one in await reached(desk, old)] == ["open"]
    assert await tell(desk, newer) == 1
    assert [one[0] for one in await reached(desk, old)] == ["discarded"]


async def test_what_an_operator_gave_up(desk: Desk) -> None:
    """Never refused it is discarded, and refused before it is refused; both are over."""
    receipt = await desk.accept("a", step("s1"))
    await desk.settle(due := await desk.head(), None, "dead", code="translation")
    await desk.discard(due.delivery_id)
    refused = await desk.accept("b", step("s2"))
    await desk.discard((await refuse(desk)).delivery_id)
    assert [(one[0], one[3]) for one in await reached(desk, receipt)] == [("discarded", True)]
    assert [(one[0], one[3]) for one in await reached(desk, refused)] == [("refused", True)]


async def test_where_a_dossier_stands(desk: Desk) -> None:
    """By its national code or the sender's own: whether it is there, what waits, and the newest refusal behind which."""
    store = desk.store
    names = (("national", "D1"), ("one-stop", "7"))

    async def stands(code: str = "D1", sender: str = "one-stop", endpoint: str = "portal") -> Standing | None:
        return await store.standing(sender, code, endpoint)

    assert await stands() is None
    await desk.accept("a", names=names)
    assert await stands() == await stands("7") == Standing(False, 1, None)
    assert await stands(sender="land") is None and await stands("7", sender="land") is None
    assert await stands(endpoint="tax") == Standing(False, 0, None)
    await desk.end("delivered")
    step_1 = await desk.accept("b", step("s1"))
    await refuse(desk)
    await desk.accept("c", step("s2"))
    assert await stands() == Standing(True, 1, ("-3", "a field is missing"))
    await tell(desk, step_1)
    assert await stands() == Standing(True, 1, ("-3", "a field is missing"))
    await desk.end("delivered")
    assert await stands() == Standing(True, 0, None)
    await desk.accept("d", state("d"), names=names, sender="land")
    assert await stands(sender="land") == Standing(True, 0, None)  # an observation, and it may ask


async def test_what_becomes_of_another_s_is_not_told(desk: Desk) -> None:
    """Who only observes a dossier learns that it is there, and nothing of what its owner sent."""
    await desk.accept("a", step("s1"))
    await refuse(desk)
    await desk.accept("b", step("s2"))
    await desk.accept("c", kept="no_row")
    await desk.accept("d", sender="land")
    mine, theirs = [await desk.store.standing(one, "D1", "portal") for one in ("one-stop", "land")]
    assert mine is not None and (mine.waiting, mine.refused, mine.stuck) == (1, ("-3", "a field is missing"), True)
    assert theirs == Standing(False, 0, None)


async def test_what_is_stuck_was_not_refused(desk: Desk) -> None:
    """Of tries that ran out, and of an arrival that is kept, the partner said nothing; an operator has to act."""
    await desk.accept("a", step("s1"))
    await desk.end("dead", code="busy", reason="(after 10 counted tries)")
    assert await desk.store.standing("one-stop", "D1", "portal") == Standing(False, 0, None, stuck=True)
    await desk.discard(str((await desk.store.dead())[0]["delivery"]))
    assert await desk.store.standing("one-stop", "D1", "portal") == Standing(False, 0, None)
    await desk.accept("b", step("s2"))
    await refuse(desk)
    found = await desk.store.standing("one-stop", "D1", "portal")
    assert found == Standing(False, 0, ("-3", "a field is missing"))
    kept = await desk.accept("c", kept="no_row")
    assert await desk.store.standing("one-stop", "D1", "portal") == replace(found, stuck=True)
    await desk.discard(str(kept["arrival"]))
    assert await desk.store.standing("one-stop", "D1", "portal") == found


@pytest.mark.parametrize("code", ["", "N\0", "N\ud800", "x" * 300])
async def test_a_code_that_no_dossier_can_have(desk: Desk, code: str) -> None:
    """Neither database is asked for it."""
    await desk.accept("a")
    assert await desk.store.standing("one-stop", code, "portal") is None


async def test_a_code_that_two_systems_use(desk: Desk) -> None:
    """Another sender's own code opens nothing; the national one comes first."""
    await desk.accept("a", names=(("national", "N1"), ("land", "X")), sender="land")
    await desk.accept("b", names=(("national", "X"),))
    await desk.drain()
    await desk.accept("c", names=(("one-stop", "N1"), ("national", "N2")))
    assert await desk.store.standing("one-stop", "N1", "portal") == Standing(False, 1, None)  # its own, not land's
    assert await desk.store.standing("land", "X", "portal") == Standing(True, 0, None)
