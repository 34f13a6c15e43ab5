"""What a connector's door gets of the hub: callers, the gate, receipts, and what became of what they brought."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from flow.parts import MADE, until
from inlet_hub import SENDER, DeskHub, make_home, note, running

from hub.connector import Receipt
from hub.delivery import outcomes
from hub.errors import InDoubt, NotConnected, Rejected, StoreUnavailable
from hub.intake import endings
from hub.intake.keys import new_key
from hub.observe import logging

WORDS = "Hồ sơ của bà Trần Thị Bưởi đã tồn tại"
"""What a partner says, with a person in it: for the caller's eyes only."""
REFUSED = Rejected("-3", "the dossier is there", said=WORDS)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[DeskHub]:
    async with running(make_home(tmp_path / "home")) as desk:
        yield desk


def says(*outcomes: Any) -> Any:
    """A partner that does these, one after the other, then the last for ever."""
    left = list(outcomes)
    return lambda message, attempt: left.pop(0) if len(left) > 1 else left[0]


class Gate:
    """A partner that answers when it is let."""

    def __init__(self, outcome: Any) -> None:
        self.open = asyncio.Event()
        self.outcome = outcome

    async def __call__(self, message: Any, attempt: Any) -> Any:
        await self.open.wait()
        return self.outcome


# ── the partner's own word


async def test_the_caller_gets_the_partner_s_own_words(desk: DeskHub) -> None:
    desk.partner.script = lambda message, attempt: Receipt(reference="done", said=WORDS)
    assert await desk.outcome(note()) == {"state": "delivered", "code": "", "said": WORDS, "told": False, "why": []}
    desk.partner.script = says(REFUSED)
    found = await desk.outcome(note("B"))
    assert (found["state"], found["code"], found["said"]) == ("refused", "-3", WORDS)


async def test_the_words_are_kept_nowhere(tmp_path: Path) -> None:
    """Neither in the store, nor in the log, nor in what an error shows of itself."""
    logged = io.BytesIO()
    logging.configure(logged, "debug", process=False)
    try:
        async with running(make_home(tmp_path / "home")) as desk:
            desk.partner.script = says(Receipt(said=WORDS), REFUSED)
            assert [(await desk.outcome(note(one)))["said"] for one in "AB"] == [WORDS, WORDS]
    finally:
        logging.configure(None, process=False)
    files = b"".join(one.read_bytes() for one in (tmp_path / "home" / "var").iterdir())
    for secret in ("Bưởi", "Tr\\u1ea7n", WORDS):
        assert secret.encode() not in files and secret.encode() not in logged.getvalue()
    assert b'"event":"refused"' in logged.getvalue()
    for shown in (str(REFUSED), repr(REFUSED), repr(REFUSED.args), repr(Receipt(said=WORDS))):
        assert "Bưởi" not in shown


async def test_settled_before_anybody_waited(desk: DeskHub) -> None:
    """What is done already is told at once, with the words if it was a moment ago."""
    desk.partner.script = says(Receipt(said=WORDS))
    first = await desk.post(note())
    await until(lambda: desk.deliveries() == [("delivered", None)])
    again = await desk.post(note(), seconds=0)
    assert again["repeated"] == [True] and again["receipts"] == first["receipts"]
    assert (again["outcomes"][0]["state"], again["outcomes"][0]["said"]) == ("delivered", WORDS)


async def test_afterwards_only_what_is_on_record_is_left(desk: DeskHub, monkeypatch: pytest.MonkeyPatch) -> None:
    """The words are held for some seconds."""
    monkeypatch.setattr(outcomes, "RECENT_SECONDS", 0.05)
    desk.partner.script = says(Receipt(reference="on record", said=WORDS))
    assert (await desk.outcome(note()))["said"] == WORDS

    async def forgotten() -> bool:
        return bool((await desk.outcome(note()))["said"] == "on record")

    await until(forgotten)
    assert WORDS not in repr(vars(desk.hub._outcomes))


async def test_two_callers_wait_for_the_same(desk: DeskHub) -> None:
    """A repeat that comes while the first waits gets the same answer, and the partner is called once."""
    desk.partner.script = gate = Gate(Receipt(said=WORDS))
    callers = [desk.calling(note(), seconds=10) for _ in range(2)]
    await until(lambda: len(desk.partner.calls) == 1)
    await until(lambda: sum(len(one) for one in desk.hub._outcomes._watches.values()) == 2)
    gate.open.set()
    answers = await asyncio.gather(*callers)
    assert [one["outcomes"][0]["said"] for one in answers] == [WORDS, WORDS]
    assert sorted(one["repeated"][0] for one in answers) == [False, True]
    assert len(desk.partner.calls) == 1 and desk.hub._outcomes._watches == {}


async def test_several_records_are_several_outcomes(desk: DeskHub) -> None:
    desk.partner.script = lambda message, attempt: REFUSED if message.codes["national"] == "N2" else Receipt(said="ok")
    answer = await desk.post(note(code="N1"), note(code="N2"), note(code="N3"), seconds=5)
    assert [one["state"] for one in answer["outcomes"]] == ["delivered", "refused", "delivered"]


# ── what else may become of it


async def test_an_outage_is_waiting(desk: DeskHub) -> None:
    """It is stored, and the same call later tells."""
    desk.partner.script = says(NotConnected("refused"))
    assert (await desk.outcome(note(), seconds=0.2))["state"] == "waiting"
    desk.partner.script = says(Receipt(said=WORDS))
    assert (await desk.outcome(note(), seconds=10))["said"] == WORDS
    assert len(desk.rows("select 1 from arrivals")) == 1


async def test_kept_not_owner_and_unrouted(desk: DeskHub) -> None:
    kept = await desk.outcome(note("Z"))
    assert (kept["state"], kept["why"]) == ("kept", ["not_in_table"])
    desk.partner.script = says(Receipt())
    assert (await desk.outcome(note(code="N2")))["state"] == "delivered"
    await desk.add_sender("land")
    assert (await desk.outcome(note("B", "N2"), sender="land"))["state"] == "not_owner"
    assert (await desk.outcome(note("B", "N2"), endpoint="archive"))["state"] == "unrouted"
    assert (await desk.outcome(note("B", "N2"), endpoint="nowhere"))["state"] == "unrouted"


async def test_what_an_operator_must_mend_is_kept(desk: DeskHub) -> None:
    """A doubt that nobody can settle is no refusal: though the caller was told, it stays a dead letter."""
    desk.partner.script = says(InDoubt("timeout"))
    found = await desk.outcome(note())
    assert (found["state"], found["why"]) == ("kept", ["in_doubt"])
    assert desk.deliveries() == [("dead", None)]


async def test_what_an_operator_gave_up_in_doubt_is_there(desk: DeskHub) -> None:
    """Who gives up a doubt saw it at the partner: the same said again must not be sent again. Another process may do so."""
    desk.partner.script = says(InDoubt("timeout"))
    await desk.outcome(note())
    (dead,) = await desk.hub.store.dead()
    await desk.hub.store.discard(str(dead["delivery"]), actor="lan", why="test", now=desk.clock())
    found = await desk.outcome(note())
    assert (found["state"], found["code"], found["told"]) == ("delivered", "", False)


async def test_what_an_operator_gave_up_is_over(desk: DeskHub) -> None:
    """What the hub could not send, for reasons of its own, and will not: refused, and the same said again is a new one."""
    desk.partner.script = says(InDoubt("timeout"))
    await desk.outcome(note())
    with sqlite3.connect(desk.hub.home.store_url.removeprefix("sqlite:///")) as connection:
        connection.execute("update deliveries set code = 'translation' where state = 'dead'")
    connection.close()
    (dead,) = await desk.hub.store.dead()
    await desk.hub.store.discard(str(dead["delivery"]), actor="lan", why="test", now=desk.clock())
    found = await desk.outcome(note())
    assert (found["state"], found["code"], found["told"]) == ("refused", "discarded", True)


async def test_who_waits_behind_a_dead_letter_hears_what_another_process_did(
    desk: DeskHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store is looked at now and then, for what no settlement of this process tells."""
    monkeypatch.setattr(endings, "LOOK_SECONDS", 0.05)
    desk.partner.script = says(InDoubt("timeout"))
    await desk.outcome({**note(), "text": "x"}, schema="remark@1")
    loop, began = asyncio.get_running_loop(), asyncio.get_running_loop().time()
    waits = desk.calling(note("B"), schema="remark@1", seconds=40)
    await desk.stage("accepted")
    (second,) = desk.rows("select id from deliveries where state = 'pending' and endpoint = 'portal'")
    (first,) = [one["delivery"] for one in await desk.hub.store.dead()]
    await desk.hub.store.pause("portal", actor="lan", why="test", now=desk.clock())
    await desk.hub.store.discard(str(first), actor="lan", why="test", now=desk.clock())
    with sqlite3.connect(desk.hub.home.store_url.removeprefix("sqlite:///")) as connection:
        connection.execute("update deliveries set state = 'delivered', head = 0, reference = 'by hand' where id = ?", second)
    connection.close()
    assert (await waits)["outcomes"][0] == {"state": "delivered", "code": "", "said": "by hand", "told": False, "why": []}
    assert loop.time() - began < 20


async def test_what_this_process_settles_is_heard(desk: DeskHub, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody has to look for it: delivered, refused, or dead for the hub's own reasons."""
    monkeypatch.setattr(endings, "LOOK_SECONDS", 1000)
    loop, began = asyncio.get_running_loop(), asyncio.get_running_loop().time()
    for code, outcome, state in (
        ("N1", Receipt(), "delivered"),
        ("N2", REFUSED, "refused"),
        ("N3", InDoubt("timeout"), "kept"),
    ):
        desk.partner.script = gate = Gate(outcome)
        waits = desk.calling(note(code=code), seconds=40)
        await until(lambda: desk.hub._outcomes._watches and desk.partner.calls)
        desk.partner.calls.clear()
        gate.open.set()
        assert (await waits)["outcomes"][0]["state"] == state
    assert loop.time() - began < 20


async def test_nobody_looks_where_there_is_nothing_to_see(desk: DeskHub, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who waits looks at the store when it comes, when something of its dossier ended here, and once the wait is over."""
    looks, became = 0, desk.hub.store.became

    async def counted(*given: Any) -> Any:
        nonlocal looks
        looks += 1
        return await became(*given)

    monkeypatch.setattr(desk.hub.store, "became", counted)
    monkeypatch.setattr(endings, "GONE_SECONDS", 0.01)
    desk.partner.script = gate = Gate(REFUSED)
    assert (await desk.outcome(note(), seconds=0.5))["state"] == "waiting"
    assert looks == 2
    gate.open.set()  # else the hub would wait for it when it stops


async def test_a_refusal_that_somebody_waits_for_is_no_alarm(tmp_path: Path) -> None:
    """It is counted and logged as the refusal that it is; one that nobody hears is a dead letter."""
    logged = io.BytesIO()
    logging.configure(logged, "debug", process=False)
    try:
        async with running(make_home(tmp_path / "home")) as desk:
            desk.partner.script = says(REFUSED)
            before = await ended(desk)
            await desk.outcome(note())
            assert await ended(desk) == {**before, "refused": before["refused"] + 1}
            await desk.post(note(code="N2"))
            await until(
                lambda: ("dead", None) in desk.deliveries() and b'"event":"dead"' in logged.getvalue()
            )  # said once counted
            assert await ended(desk) == {"dead": before["dead"] + 1, "refused": before["refused"] + 1}
    finally:
        logging.configure(None, process=False)
    said = [json.loads(line) for line in logged.getvalue().splitlines() if b'"code":"-3"' in line]
    assert [(one["event"], one["level"]) for one in said] == [("refused", "info"), ("dead", "error")]


async def ended(desk: DeskHub) -> dict[str, float]:
    """What the metrics counted of deliveries that the partner refused."""
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{desk.hub.port}/metrics") as answer:
        lines = [one for one in (await answer.text()).splitlines() if one.startswith("hub_deliveries_total{")]
    outcomes = ("dead", "refused")
    return {name: sum(float(one.split()[-1]) for one in lines if f'outcome="{name}"' in one) for name in outcomes}


# ── told


async def test_a_told_refusal_is_the_caller_s_to_mend(desk: DeskHub) -> None:
    """No dead letter is left, what waited behind it goes on, and the same step said again is a new message."""
    desk.partner.script = gate = Gate(REFUSED)
    waits = desk.calling(note(text="first"), schema="remark@1", seconds=10)
    await until(lambda: desk.partner.calls)
    await desk.post(note("B"), schema="remark@1")
    gate.open.set()
    assert (await waits)["outcomes"][0]["state"] == "refused"
    desk.partner.script = says(Receipt())
    await until(lambda: desk.deliveries() == [("discarded", f"sender:{SENDER}"), ("delivered", None)])
    (line,) = [one for one in await desk.hub.store.audit() if one["act"] == "discard"]
    assert line["actor"] == f"sender:{SENDER}"
    assert await desk.hub.store.dead() == []
    again = await desk.post(note(text="first"), schema="remark@1", seconds=5)
    assert (again["repeated"], again["outcomes"][0]["state"]) == ([False], "delivered")
    assert [one.body.get("text") for one in desk.partner.calls] == ["first", None, "first"]


async def test_a_refusal_that_nobody_was_told_stays_a_dead_letter(desk: DeskHub) -> None:
    """Until the same call comes again and is told; then the next is to be accepted anew."""
    desk.partner.script = says(REFUSED)
    await desk.outcome(note(), tell=False)
    assert desk.deliveries() == [("dead", None)]
    untold = await desk.outcome(note())
    assert (untold["state"], untold["told"]) == ("refused", False)
    await until(lambda: desk.deliveries() == [("discarded", f"sender:{SENDER}")])
    told = await desk.post(note(), seconds=5)
    assert (told["repeated"], told["outcomes"][0]["told"]) == ([True], True)
    desk.partner.script = says(Receipt(said=WORDS))
    anew = await desk.post(note(), seconds=5, anew="portal")
    assert (anew["repeated"], anew["outcomes"][0]["said"], anew["outcomes"][0]["told"]) == ([False], WORDS, False)


async def test_what_was_delivered_and_told_is_known(desk: DeskHub) -> None:
    """So that a door can tell a repeat of an answered call from one whose answer was lost."""
    assert not (await desk.outcome(note(), tell=False))["told"]
    assert not (await desk.outcome(note()))["told"]
    assert (await desk.outcome(note()))["told"]
    assert not (await desk.outcome(note(), anew="portal"))["told"]
    assert len(desk.partner.calls) == 2


async def test_a_refusal_is_known_as_told_as_soon_as_it_is_told(desk: DeskHub, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who hears the refusal may say the same again at once, on another connection: it waits until the store let go of it."""
    told, goes_on, began = desk.hub.store.told, asyncio.Event(), asyncio.Event()

    async def later(*given: Any, **named: Any) -> int:
        began.set()
        await goes_on.wait()
        return await told(*given, **named)

    monkeypatch.setattr(desk.hub.store, "told", later)
    desk.partner.script = says(REFUSED)
    assert not (await desk.outcome(note()))["told"]
    await began.wait()
    desk.partner.held.pop("accepted", None)
    again = asyncio.create_task(desk.outcome(note(), tell=False))
    await until(lambda: "accepted" in desk.partner.held)
    assert desk.deliveries() == [("dead", None)]
    goes_on.set()
    assert (await again)["told"]
    assert desk.deliveries() == [("discarded", f"sender:{SENDER}")]


async def test_a_refusal_that_the_store_could_not_let_go_of_was_not_told(
    desk: DeskHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is a dead letter still, which holds its lane: were it said anew, it would wait behind it for ever."""
    told, away = desk.hub.store.told, True

    async def may_be_away(*given: Any, **named: Any) -> int:
        if away:
            raise StoreUnavailable("disk_full")
        return await told(*given, **named)

    monkeypatch.setattr(desk.hub.store, "told", may_be_away)
    desk.partner.script = says(REFUSED)
    await desk.outcome(note())
    again = await desk.outcome(note(), tell=False)
    assert (again["state"], again["said"], again["told"]) == ("refused", WORDS, False)
    assert desk.deliveries() == [("dead", None)]
    away = False
    await desk.outcome(note())
    assert (await desk.outcome(note(), tell=False))["told"]
    assert desk.deliveries() == [("discarded", f"sender:{SENDER}")]


async def test_what_is_said_again_to_one_partner_is_not_said_again_to_another(desk: DeskHub) -> None:
    """The portal refused what the archive took."""
    desk.partner.script = says(REFUSED, Receipt())
    MADE["archive"].script = says(Receipt())
    for given in (note(text="x"), note(text="x")):
        told = (await desk.outcome(given))["told"]
    assert told
    await desk.outcome(note(text="x"), anew="portal")
    assert [len(one.calls) for one in (desk.partner, MADE["archive"])] == [2, 1]


async def test_what_is_held_in_memory_has_an_end(desk: DeskHub, monkeypatch: pytest.MonkeyPatch) -> None:
    """The words of the last few, each cut; who was told, the last of them."""
    for name, most in (("RECENT", 3), ("LONGEST", 10), ("TOLD", 2)):
        monkeypatch.setattr(outcomes, name, most)
    desk.partner.script = says(Receipt(reference="on record", said=WORDS))
    codes = [f"N{n}" for n in range(6)]
    await desk.post(*(note(code=one) for one in codes))
    await until(lambda: desk.deliveries() == [("delivered", None)] * 6)
    answer = await desk.post(*(note(code=one) for one in codes), seconds=0)
    said = [one["said"] for one in answer["outcomes"]]
    assert sorted(said) == ["Hồ sơ của "] * 3 + ["on record"] * 3
    answer = await desk.post(*(note(code=one) for one in codes), seconds=0)
    assert [one["told"] for one in answer["outcomes"]] == [False] * 4 + [True] * 2


async def gone(desk: DeskHub, *records: Any, at: str, **how: Any) -> None:
    """A caller that goes away at this stage of its visit, and the hub has seen that it did."""
    reached, goes_on = asyncio.Event(), asyncio.Event()

    async def pause(stage: str) -> None:
        if stage == at:
            reached.set()
            await goes_on.wait()

    desk.partner.pause = pause
    _, writer = await asyncio.open_connection("127.0.0.1", desk.hub.port)
    body = json.dumps(desk.asked(*records, **how)).encode()
    writer.write(b"POST /desk HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    await reached.wait()
    writer.close()
    await writer.wait_closed()
    await until(lambda: desk.partner.request.transport is None)
    goes_on.set()
    await until(lambda: "left" in desk.partner.held)
    desk.partner.pause = None


@pytest.mark.parametrize("at", ["accepted", "outcome"])
async def test_a_caller_that_goes_away_is_told_nothing(desk: DeskHub, at: str) -> None:
    """While it waits, or before its answer is written: what it holds is given back, and the refusal is a dead letter, whole."""
    desk.partner.script = says(REFUSED) if at == "outcome" else (gate := Gate(REFUSED))
    await gone(desk, note(), at=at, seconds=10)
    assert desk.partner.held["left"] == (0, 0)
    if at == "accepted":
        gate.open.set()
    await until(lambda: desk.deliveries() == [("dead", None)])
    untold = await desk.outcome(note(), tell=False)
    assert (untold["state"], untold["told"]) == ("refused", False)
    assert desk.deliveries() == [("dead", None)]


async def test_who_waits_for_nobody_stops_waiting(desk: DeskHub, monkeypatch: pytest.MonkeyPatch) -> None:
    """A caller that is gone holds the bytes of its body no longer than until somebody looks whether it is there."""
    monkeypatch.setattr(endings, "GONE_SECONDS", 0.05)
    desk.partner.script = gate = Gate(REFUSED)
    loop, began = asyncio.get_running_loop(), asyncio.get_running_loop().time()
    await gone(desk, note(), at="accepted", seconds=60)
    assert loop.time() - began < 20
    gate.open.set()


async def test_a_door_that_fails_has_told_nothing(desk: DeskHub) -> None:
    """The caller got an error as its answer."""
    desk.partner.script, desk.partner.fails_at_last = says(REFUSED), True
    status, said, _ = await desk.call("POST", desk.url, json=desk.asked(note(), seconds=5))
    assert (status, said["title"]) == (500, "The hub failed")
    assert desk.deliveries() == [("dead", None)]
    desk.partner.fails_at_last = False
    assert not (await desk.outcome(note(), tell=False))["told"]


async def test_only_an_end_can_be_told(desk: DeskHub) -> None:
    """Who was told to wait was told nothing yet."""
    desk.partner.script = gate = Gate(REFUSED)
    assert (await desk.outcome(note(), seconds=0))["state"] == "waiting"
    gate.open.set()
    await until(lambda: desk.deliveries() == [("dead", None)])
    assert not (await desk.outcome(note(), tell=False))["told"]


# ── the gate, the keys, the rights


async def test_a_stranger_s_place_then_the_caller_s_then_none(desk: DeskHub) -> None:
    """While it waits for an outcome only the bytes of its body are counted; whatever happens, all is given back."""
    size = len(json.dumps(desk.asked(note(), seconds=0.1)))
    desk.partner.script = says(NotConnected("down"))
    answer = await desk.post(note(), seconds=0.1)
    held = desk.partner.held
    assert answer["status"] == 200
    assert (held["body"], held["entered"], held["accepted"]) == ((1, size),) * 3
    assert (held["outcome"], held["left"]) == ((0, size), (0, 0))
    await desk.post({"state": ""}, seconds=0.1)
    assert desk.partner.held["left"] == (0, 0)


async def test_callers_that_wait_keep_nobody_out(tmp_path: Path) -> None:
    """With room for two at once, ten wait for a partner that does not answer, and another is served."""
    async with running(make_home(tmp_path / "home", max_in_work=2)) as desk:
        desk.partner.script = gate = Gate(Receipt(said=WORDS))
        waiting = []
        for n in range(10):
            waiting.append(desk.calling(note(code=f"N{n}"), seconds=20))
            await until(lambda n=n: len(desk.rows("select 1 from arrivals")) == n + 1)
        assert (await desk.post(note(code="X")))["status"] == 200
        gate.open.set()
        assert {one["outcomes"][0]["said"] for one in await asyncio.gather(*waiting)} == {WORDS}


async def test_the_strangers_of_an_address_share_one_part_of_the_gate(desk: DeskHub) -> None:
    """Until it is known who calls, and given back before the caller's own place is taken."""
    seen: list[Any] = []

    async def look(stage: str) -> None:
        seen.append((stage, dict(desk.partner.inlet.doorway.gate._held)))

    desk.partner.pause = look
    await desk.post(note())
    held = [(stage, [*who]) for stage, who in seen]
    assert held[:3] == [("body", ["?127.0.0.1"]), ("entered", [SENDER]), ("accepted", [SENDER])]


@pytest.mark.parametrize(("many", "length"), [(70, 1000), (8, 5_000_000)])
async def test_who_sends_no_body_keeps_no_other_out(desk: DeskHub, many: int, length: int) -> None:
    """Whoever holds connections open without an account holds the places, and the bytes, of its own address."""
    began = asyncio.get_running_loop().time()
    head = b"POST /desk HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n{" % length
    idle = [(await asyncio.open_connection("127.0.0.1", desk.hub.port))[1] for _ in range(many)]
    for writer in idle:
        writer.write(head)
    gate = desk.partner.inlet.doorway.gate
    await until(lambda: gate.requests + gate.waiting == many and gate.waiting)
    connector = aiohttp.TCPConnector(local_addr=("127.0.0.2", 0))
    asked = desk.asked(note())
    async with aiohttp.ClientSession(connector=connector) as session, session.post(desk.url, json=asked) as answer:
        assert answer.status == 200
    assert asyncio.get_running_loop().time() - began < 5
    for writer in idle:
        writer.close()


async def test_who_is_unknown_is_refused(desk: DeskHub) -> None:
    """By the account and its key together; nothing is stored, and all is given back."""
    for account, key in ((SENDER, "hub_" + "x" * 43), ("land", desk.keys[SENDER]), (SENDER, "short"), ("", "")):
        status, said, _ = await desk.call("POST", desk.url, json={"account": account, "key": key, "records": [note()]})
        assert (status, said["refused"]) == (401, "unauthenticated"), account
    assert desk.partner.held["left"] == (0, 0) and desk.rows("select 1 from arrivals") == []


async def test_a_session_ends_with_its_key(desk: DeskHub) -> None:
    """A key that is revoked while a session lives opens nothing any more."""
    session = (await desk.post(note()))["session"]
    assert (await desk.post(note("B"), session=session))["status"] == 200
    await desk.hub.store.revoke_key(desk.ids[SENDER], desk.clock())
    desk.clock.advance(6)
    refused = await desk.post(note(), session=session)
    assert (refused["status"], refused["codes"]) == (401, [["session", "revoked"]])
    assert desk.partner.held["left"] == (0, 0)


async def test_a_key_must_carry_the_schema(desk: DeskHub) -> None:
    """At what is examined already."""
    await desk.add_sender("land", "remark")
    for only in (True, False):
        refused = await desk.post(note(), sender="land", only_examine=only)
        assert (refused["status"], refused["codes"]) == (403, [["Hub-Schema", "no_right"]])
    assert (await desk.post(note(), sender="land", schema="remark@1", only_examine=True))["status"] == 200
    assert desk.rows("select 1 from arrivals") == []


async def test_an_operator_s_key_is_none(desk: DeskHub) -> None:
    key, desk.keys["lan"] = new_key("lan", (), desk.clock(), "operator")
    await desk.hub.store.add_key(key)
    assert (await desk.post(note(), sender="lan"))["status"] == 403


async def test_a_client_s_rate_holds_here_too(tmp_path: Path) -> None:
    """What is left is told with each answer; the refusal says when there is more, and is counted once."""
    async with running(make_home(tmp_path / "home", clients={SENDER: {"rate": 1, "burst": 2}})) as desk:
        desk.clock.stand_still()
        first = await desk.post(note())
        assert first["headers"]["RateLimit"] == '"rate";r=1;t=1'
        await desk.post(note("B"))
        before = await refusals(desk)
        third = await desk.post(note())
        assert (third["status"], third["refused"]) == (429, "too-many")
        assert third["answer_headers"]["RateLimit"].startswith('"rate";r=0')
        assert await refusals(desk) == before + 1
        assert desk.partner.held["left"] == (0, 0)


async def refusals(desk: DeskHub, reason: str = "too-many") -> float:
    """What the metrics counted as refused for this."""
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{desk.hub.port}/metrics") as answer:
        lines = (await answer.text()).splitlines()
    return sum(float(one.split()[-1]) for one in lines if one.startswith(f'hub_refused_total{{reason="{reason}"}}'))


async def test_what_is_accepted_counts_for_the_day(tmp_path: Path) -> None:
    """Each record, not each call; a repeat does not."""
    async with running(make_home(tmp_path / "home", clients={SENDER: {"per_day": 3}})) as desk:
        assert (await desk.post(note(code="1"), note(code="2")))["status"] == 200
        assert (await desk.post(note(code="2")))["status"] == 200
        assert (await desk.post(note(code="3")))["status"] == 200
        assert (await desk.post(note(code="4")))["status"] == 429


@pytest.mark.parametrize(
    ("record", "code"),
    [({"state": 5}, "mistyped"), ({"state": "A"}, "missing"), ({"code": "x" * 300, "state": "A"}, "bad_code")],
)
async def test_one_bad_record_and_nothing_is_stored(desk: DeskHub, record: Any, code: str) -> None:
    """What ``accept`` would refuse, ``examine`` refuses before anything is accepted."""
    refused = await desk.post(note(), record)
    assert (refused["status"], [one[1] for one in refused["codes"]]) == (422, [code])
    assert desk.rows("select 1 from arrivals") == []


async def test_a_schema_that_is_no_source(desk: DeskHub) -> None:
    await desk.add_sender("land", "item", "note")
    refused = await desk.post(note(), schema="item@1", sender="land")
    assert (refused["status"], refused["refused"]) == (415, "unknown-schema")


async def test_a_body_that_is_too_large_or_comes_too_slowly(tmp_path: Path) -> None:
    async with running(make_home(tmp_path / "home", max_body_bytes=2048, body_seconds=0.3)) as desk:
        assert (await desk.post({**note(), "text": "x" * 3000}))["refused"] == "too-large"
        _, writer = await asyncio.open_connection("127.0.0.1", desk.hub.port)
        writer.write(b"POST /desk HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        await desk.stage("left")
        assert desk.partner.held["left"] == (0, 0)
        writer.close()


# ── who signs in by the headers


def basic(account: str, key: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{account}:{key}".encode()).decode()}


async def test_sign_in_by_headers(desk: DeskHub) -> None:
    """The account of Basic stands for its sender; a bearer needs no account."""
    await desk.outcome(note())
    key = desk.keys[SENDER]
    for headers in (basic("unit-7", key), {"Authorization": f"Bearer {key}"}, {"X-API-Key": key}):
        assert await stands(desk, headers) == (200, {"sent": True, "waiting": 0, "refused": None}), headers
    other, before = "hub_" + "x" * 43, await refusals(desk, "unauthenticated")
    wrong = [basic(SENDER, key), basic("unit-7", other), basic("", key), {"Authorization": "Basic !"}, {}]
    for headers in (*wrong, {**basic("unit-7", key), "X-API-Key": other}, {"Authorization": f"Digest {key}"}):
        assert (await stands(desk, headers))[0] == 401, headers
    assert await refusals(desk, "unauthenticated") == before + 7  # once each, though the hub words these answers


async def stands(desk: DeskHub, headers: dict[str, str], code: str = "N1") -> tuple[int, Any]:
    status, said, _ = await desk.call("GET", f"{desk.url}/{code}", headers=headers)
    return status, said


async def test_where_a_dossier_stands(desk: DeskHub) -> None:
    """Only one of which the caller sent something."""
    headers = basic("unit-7", desk.keys[SENDER])
    assert await stands(desk, headers) == (200, None)
    desk.partner.script = says(REFUSED)
    await desk.outcome(note())
    assert await stands(desk, headers) == (200, {"sent": False, "waiting": 0, "refused": ["-3", "the dossier is there"]})
    await desk.add_sender("land")
    assert await stands(desk, {"X-API-Key": desk.keys["land"]}) == (200, None)


@pytest.mark.parametrize("code", ["N%00", "%ED%A0%80", "x" * 300])
async def test_a_code_that_no_dossier_can_have(desk: DeskHub, code: str) -> None:
    await desk.outcome(note())
    assert await stands(desk, basic("unit-7", desk.keys[SENDER]), code) == (200, None)


async def test_the_body_may_come_after_the_caller_is_known(desk: DeskHub) -> None:
    """Then it is read in the caller's own place, and who waits for 100 Continue gets it once it is wanted."""
    body = json.dumps(note()).encode()
    headers = basic("unit-7", desk.keys[SENDER])
    assert (await desk.call("PUT", desk.url, data=body, headers=headers, expect100=True))[0] == 200
    assert (desk.partner.held["entered"], desk.partner.held["body"]) == ((1, len(body)), (1, len(body)))
    reader, writer = await asyncio.open_connection("127.0.0.1", desk.hub.port)
    writer.write(b"PUT /desk HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n")
    assert b" 401 " in await reader.readline()  # and no 100 before it
    writer.close()


# ── the end


async def test_a_hub_that_stops_lets_go_of_who_waits(tmp_path: Path) -> None:
    """At once: they are told that it waits, and the stop does not wait for them."""
    loop = asyncio.get_running_loop()
    async with running(make_home(tmp_path / "home")) as desk:
        desk.partner.script = says(NotConnected("down"))
        waiting = [desk.calling(note(code=f"N{n}"), seconds=60) for n in range(5)]
        await until(lambda: sum(map(len, desk.hub._outcomes._watches.values())) == 5)
        began = loop.time()
    assert loop.time() - began < 5
    answers = await asyncio.gather(*waiting)
    assert [one["outcomes"][0]["state"] for one in answers] == ["waiting"] * 5


async def test_a_hub_that_starts_again_answers_from_the_record(tmp_path: Path) -> None:
    """Of what was told only the refusals are known: they were discarded."""
    home = make_home(tmp_path / "home")
    async with running(home) as desk:
        desk.partner.script = says(Receipt(reference="on record", said=WORDS), REFUSED)
        await desk.outcome(note())
        await desk.outcome(note(code="N2"))
        await until(lambda: desk.deliveries()[1][0] == "discarded")
    async with running(home) as desk:
        delivered, refused = [await desk.outcome(note(code=one)) for one in ("N1", "N2")]
        assert (delivered["state"], delivered["said"], delivered["told"]) == ("delivered", "on record", False)
        assert (refused["state"], refused["said"], refused["told"]) == ("refused", "the dossier is there", True)


async def test_the_store_goes_away_while_somebody_waits(desk: DeskHub, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was accepted is on disk: the caller is told that it waits, not that it failed."""

    async def away(*_: Any) -> Any:
        raise StoreUnavailable("disk_full")

    monkeypatch.setattr(desk.hub.store, "became", away)
    assert (await desk.outcome(note(), seconds=0.1))["state"] == "waiting"
