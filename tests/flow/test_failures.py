"""What failures of a partner do to messages and to the endpoint: outages, doubts, refusals, poison."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from flow.parts import CONFIG, Asked, MovableClock, make_home, running, send, settled, told, until
from hub.connector import Found, Receipt
from hub.errors import InDoubt, NotConnected, Rejected, StoreUnavailable, Transient


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return make_home(tmp_path / "home")


async def only_dead(hub: Any) -> Any:
    (dead,) = await hub.store.dead()
    return dead


async def test_an_outage_makes_no_dead_letters(home: Path) -> None:
    """However often an unreachable partner is tried, every message is delivered when it is back, each once."""
    clock = MovableClock()
    stories = told(4)
    down = True
    tries = 0

    def script(message: Any, attempt: Any) -> Any:
        nonlocal tries
        tries += 1
        return NotConnected("refused") if down else Receipt()

    async with running(home, clock) as (hub, portal):
        portal.script = script
        for story in stories:
            for record in story.records:
                await send(hub, record, clock)
        await until(lambda: tries > 8)
        assert await hub.store.dead() == []
        down = False
        total = sum(2 * len(story.records) for story in stories)
        assert await settled(hub) == {"delivered": total}
        for story in stories:
            accepted = portal.sent(story.code)[-2 * len(story.records) :]
            assert [seq for _, seq in accepted] == list(range(1, 2 * len(story.records) + 1))


async def test_a_partner_that_says_not_now_makes_no_dead_letters(home: Path) -> None:
    """A 503 to everybody counts against the endpoint only."""
    clock = MovableClock()
    story = told(1)[0]
    busy = True
    tries = 0

    def script(message: Any, attempt: Any) -> Any:
        nonlocal tries
        tries += 1
        return Transient("http_503") if busy else Receipt()

    async with running(home, clock) as (hub, portal):
        portal.script = script
        await send(hub, story.records[0], clock)
        await until(lambda: tries > 6)
        busy = False
        assert await settled(hub) == {"delivered": 2}


async def test_a_message_that_alone_always_fails_ends_dead(home: Path) -> None:
    """When the endpoint takes others meanwhile, a message's own failures count, and it goes to the dead letters."""
    clock = MovableClock()
    poison, *others = told(12)

    def script(message: Any, attempt: Any) -> Any:
        return Transient("http_500") if poison.code in message.codes.values() else Receipt()

    async with running(home, clock) as (hub, portal):
        portal.script = script
        await send(hub, poison.records[0], clock)
        for story in others:
            await send(hub, story.records[0], clock)
            await until(lambda story=story: len(portal.sent(story.code)) == 2)

        async def gave_up() -> Any:
            return await hub.store.dead()

        for story in others:
            await send(hub, story.records[1], clock)
            await until(lambda story=story: len(portal.sent(story.code)) == 4)
            if await gave_up():
                break
        (dead,) = await until(gave_up)
        assert dead["code"] == "http_500" and "counted tries" in dead["reason"]


async def test_a_refusal_is_never_retried(home: Path) -> None:
    """The partner's business refusal is asked for once."""
    clock = MovableClock()
    story = told(1)[0]
    async with running(home, clock) as (hub, portal):
        portal.script = lambda message, attempt: Rejected("-3", "no such procedure")
        await send(hub, story.records[0], clock)
        await settled(hub)
        dead = await only_dead(hub)
        assert (dead["code"], dead["reason"], len(portal.calls)) == ("-3", "no such procedure", 1)


@pytest.mark.parametrize(
    ("answer", "sends", "outcome"),
    [
        (Found(True, reference="seen"), 1, {"delivered": 2}),
        (Found(False), 2, {"delivered": 2}),
        (None, 2, {"delivered": 2}),
        (Found(None), 2, {"delivered": 2}),
    ],
)
async def test_a_dossier_in_doubt_is_asked_about(home: Path, answer: Found | None, sends: int, outcome: Any) -> None:
    """Held there: delivered without a second send. Not there, or not to be told (route: resend): sent once more."""
    clock = MovableClock()
    story = told(1)[0]

    def script(message: Any, attempt: Any) -> Any:
        first = attempt.number == 1 and message.schema.id == "npsp-dossier"
        return InDoubt("timeout") if first else Receipt()

    async with running(home, clock, Asked) as (hub, portal):
        portal.script, portal.answer = script, answer
        await send(hub, story.records[0], clock)
        assert await settled(hub) == outcome
        assert [schema for schema, _ in portal.sent(story.code)].count("npsp-dossier") == sends
        assert len(portal.questions) == 1
        if sends == 2:
            again = portal.attempts[1]
            assert again.number == 2 and again.may_update and not again.sent_before


async def test_a_step_in_doubt_is_held_for_the_operator(home: Path) -> None:
    """Nobody can tell whether a step arrived; the route says hold, so it is a dead letter and is never sent twice."""
    clock = MovableClock()
    story = told(1)[0]

    def script(message: Any, attempt: Any) -> Any:
        return InDoubt("timeout") if message.seq == 2 and attempt.number == 1 else Receipt()

    async with running(home, clock, Asked) as (hub, portal):
        portal.script, portal.answer = script, Found(None)
        await send(hub, story.records[0], clock)
        await settled(hub)
        dead = await only_dead(hub)
        assert (dead["code"], dead["in_doubt_once"]) == ("in_doubt", True)
        assert portal.sent(story.code) == [("npsp-dossier", 1), ("npsp-progress", 2)]
        newer = await send(hub, story.records[1], clock)
        assert newer["state"] == "accepted"
        await settled(hub)
        assert len(portal.calls) == 2
        await hub.store.replay(dead["delivery"], actor="test", why="not there", adopt=False, now=clock())
        assert await settled(hub) == {"delivered": 4}


async def test_a_dead_letter_that_was_in_doubt_is_not_replaced(home: Path) -> None:
    """A newer state never hides a send whose effect nobody knows."""
    clock = MovableClock()
    story = told(1)[0]

    def script(message: Any, attempt: Any) -> Any:
        return InDoubt("timeout") if attempt.number == 1 else Rejected("-3", "refused")

    async with running(home, clock, Asked) as (hub, portal):
        portal.script, portal.answer = script, Found(False)
        await send(hub, story.records[0], clock)
        await settled(hub)
        await send(hub, story.records[1], clock)
        states = await settled(hub)
        assert states == {"dead": 1, "pending": 3}


async def test_a_partner_that_already_has_it_may_be_adopted_by_an_operator(home: Path) -> None:
    """Without our own earlier send, "already exists" is held; ``replay --adopt`` allows the update."""
    clock = MovableClock()
    story = told(1)[0]

    def script(message: Any, attempt: Any) -> Any:
        return Receipt() if attempt.may_update or message.schema.id != "npsp-dossier" else Rejected("exists", "known there")

    async with running(home, clock) as (hub, portal):
        portal.script = script
        await send(hub, story.records[0], clock)
        await settled(hub)
        dead = await only_dead(hub)
        await hub.store.replay(dead["delivery"], actor="test", why="ours, from before", adopt=True, now=clock())
        assert await settled(hub) == {"delivered": 2}


async def test_the_route_may_adopt_by_itself(tmp_path: Path) -> None:
    """``on_exists: adopt`` says so in the configuration."""
    home = make_home(tmp_path / "home", CONFIG.replace("as: npsp-dossier@1", "as: npsp-dossier@1, on_exists: adopt"))
    clock = MovableClock()
    async with running(home, clock) as (hub, portal):
        await send(hub, told(1)[0].records[0], clock)
        await settled(hub)
        assert portal.attempts[0].may_update


async def test_a_connector_that_breaks_leaves_a_doubt_not_a_verdict(home: Path) -> None:
    """An exception that is no DeliveryError says nothing about the effect: it is in doubt, and its text is not kept."""
    clock = MovableClock()
    story = told(1)[0]

    def script(message: Any, attempt: Any) -> Any:
        return KeyError("Nguyễn Văn Bí Mật") if attempt.number == 1 else Receipt()

    async with running(home, clock, Asked) as (hub, portal):
        portal.script = script
        await send(hub, story.records[0], clock)
        await settled(hub)
        timeline = str(await hub.store.dossier(story.code))
        assert "connector_error" in timeline and "Bí Mật" not in timeline


async def test_an_attempt_that_never_ends_is_in_doubt_at_its_deadline(tmp_path: Path) -> None:
    """The endpoint's deadline bounds one attempt."""
    home = make_home(tmp_path / "home", CONFIG.replace("concurrency: 4", "concurrency: 4\n    deadline_seconds: 0.2"))
    clock = MovableClock()

    async def forever() -> Receipt:
        await asyncio.Event().wait()
        return Receipt()

    async with running(home, clock, Asked) as (hub, portal):
        portal.script = lambda message, attempt: forever() if attempt.number == 1 else Receipt()
        await send(hub, told(1)[0].records[0], clock)
        assert await settled(hub) == {"delivered": 2}


async def test_a_paused_endpoint_is_not_called_and_stays_paused_over_a_restart(home: Path) -> None:
    """Pause and resume are remembered by the store."""
    clock = MovableClock()
    story = told(1)[0]
    async with running(home, clock) as (hub, portal):
        await hub.store.pause("portal", actor="test", why="maintenance", now=clock())
        await send(hub, story.records[0], clock)
        assert (await hub.store.endpoint_states())["portal"].why == "maintenance"
    assert portal.calls == []
    async with running(home, clock) as (hub, portal):
        assert await settled(hub) == {"pending": 2}
        assert portal.calls == []
        await hub.store.resume("portal", actor="test", now=clock())
        await until(lambda: len(portal.calls) == 2)


async def test_what_was_remembered_reaches_the_next_attempt(home: Path) -> None:
    """A step of a delivery that is done is known to the next attempt, also after a restart."""
    clock = MovableClock()
    story = told(1)[0]

    async def half(message: Any, attempt: Any) -> Any:
        if message.schema.id == "npsp-dossier" and "first_call" not in attempt.remembered:
            await attempt.remember("first_call", {"done": 1})
            raise NotConnected("second call")
        return Receipt()

    async with running(home, clock) as (hub, portal):
        await hub.store.pause("portal", actor="test", why="until the script is set", now=clock())
        portal.script = half
        await send(hub, story.records[0], clock)
        await hub.store.resume("portal", actor="test", now=clock())
        assert await settled(hub) == {"delivered": 2}
        assert portal.attempts[1].remembered == {"first_call": {"done": 1}}


async def test_retry_after_is_honoured(home: Path) -> None:
    """A partner that says when to come back is not called before."""
    clock = MovableClock()
    story = told(1)[0]

    def script(message: Any, attempt: Any) -> Any:
        return Transient("http_429", retry_after=3600) if len(portal.calls) == 1 else Receipt()

    async with running(home, clock) as (hub, portal):
        portal.script = script
        await send(hub, story.records[0], clock)

        async def waits() -> bool:
            due = await hub.store.next_due("portal")
            return due is not None and due > clock() + 3500 * 1_000_000

        await until(waits)
        assert len(portal.calls) == 1
        clock.advance(3601)
        assert await settled(hub) == {"delivered": 2}


async def test_what_cannot_be_translated_is_dead_with_its_place(home: Path) -> None:
    """The receipt names the failure at once; the delivery is dead with target and place; the next state heals it."""
    clock = MovableClock()
    story = told(1)[0]
    nameless = {
        key: value
        for key, value in story.records[0].items()
        if key not in ("briefNote", "dossierNote", "dossierName", "serviceName", "applicantName", "contactName")
    }
    nameless["govAgencyName"] = ""
    async with running(home, clock) as (hub, portal):
        receipt = await send(hub, nameless, clock)
        failures = [route.get("failure") for message in receipt["messages"] for route in message["routes"]]
        assert failures[0]
        await settled(hub)
        dead = await only_dead(hub)
        assert dead["code"] == "translation" and dead["problems"][0]["source"]
        await send(hub, story.records[1], clock)
        await until(lambda: len(portal.sent(story.code)) == 3)


async def test_a_claim_whose_commit_went_unanswered_is_not_stuck(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The store says that it is away after it has claimed: nothing was sent, and it is asked about and sent all the same."""
    clock = MovableClock()
    async with running(home, clock) as (hub, portal):
        honest, broken = hub.store.start, []

        async def start(starts: Any, now: int) -> frozenset[str]:
            begun = await honest(starts, now)
            if not broken:
                broken.append(len(begun))
                raise StoreUnavailable("gone")
            return begun

        monkeypatch.setattr(hub.store, "start", start)
        await send(hub, told(1)[0].records[0], clock)
        found = await settled(hub)
        assert broken and set(found) == {"delivered"}, found
        assert len(portal.calls) == sum(found.values())
