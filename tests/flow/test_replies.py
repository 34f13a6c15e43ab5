"""A partner's answer that is a message itself: it comes back in, and one that cannot is kept where an operator finds it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flow.parts import MovableClock, make_home, running, send, settled, told, until
from hub.cli.repair import Repair
from hub.connector import Receipt
from hub.errors import NotAllowed, StoreUnavailable
from hub.intake import replies
from hub.intake.accept import HOP_LIMIT, Intake
from hub.message import NATIONAL, Arrival, SchemaRef, new_id
from hub.store.sql import SqlStore


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return make_home(tmp_path / "home")


async def test_a_partners_reply_re_enters_and_is_not_sent_back(home: Path) -> None:
    """An answer that is itself a message becomes an arrival of the endpoint, with the same correlation id."""
    clock = MovableClock()
    story = told(1)[0]

    def script(message: Any, attempt: Any) -> Receipt:
        if message.schema.id != "npsp-dossier":
            return Receipt()
        return Receipt(reply=(SchemaRef.parse("opencps-dossier@1"), json.dumps(story.records[1]).encode()))

    async with running(home, clock) as (hub, portal):
        portal.script = script
        first = await send(hub, story.records[0], clock)
        await settled(hub)

        async def arrived() -> Any:
            timeline = (await hub.store.dossier(story.code))["timeline"]
            return [event for event in timeline if event["event"] == "arrival" and event.get("origin") == "portal"]

        (reply,) = await until(arrived)
        assert reply["correlation_id"] == first["correlation_id"]
        assert len(portal.sent(story.code)) == 2
        await until(lambda: _nothing_waits(hub))
        (cell,) = [one for one in (await hub.store.dossier(story.code))["ledger"] if one["stream"] == "dossier"]
        assert (cell["sent_seq"], cell["ahead"]) == (1, True) and cell["heard_seq"] > 1, "it stands there as the partner's word"


async def test_a_reply_at_which_the_hub_breaks_stops_nothing(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It stays stored and others re-enter: the hub starts with it, and one that is mended takes it in."""
    clock = MovableClock()
    story, other = told(2)
    tried: list[str] = []
    honest = Intake.accept

    async def accept(intake: Intake, arrival: Arrival, *words: Any, **more: Any) -> Any:
        if arrival.origin == "portal" and story.code.encode() in arrival.body:
            tried.append(arrival.id)
            raise RuntimeError("a fault of the hub's own")
        return await honest(intake, arrival, *words, **more)

    def script(message: Any, attempt: Any) -> Receipt:
        if message.schema.id != "npsp-dossier":
            return Receipt()
        mine = next(one for one in (story, other) if one.code == message.codes[NATIONAL])
        return Receipt(reply=(SchemaRef.parse("opencps-dossier@1"), json.dumps(mine.records[1]).encode()))

    async def heard(hub: Any, code: str) -> list[str]:
        timeline = (await hub.store.dossier(code))["timeline"]
        return [one["event"] for one in timeline if one.get("origin") == "portal"]

    monkeypatch.setattr(Intake, "accept", accept)
    async with running(home, clock) as (hub, portal):
        portal.script = script
        await send(hub, story.records[0], clock)
        assert set(await settled(hub)) == {"delivered"}
        await until(lambda: tried)
        assert len(await hub.store.pending_replies()) == 1
    async with running(home, clock) as (hub, portal):
        portal.script = script
        await send(hub, other.records[0], clock)
        assert set(await settled(hub)) == {"delivered"}
        await until(lambda: heard(hub, other.code))
        await until(lambda: _one_waits(hub))
        assert len(tried) == 2, "once in each life of the hub"
        assert hub.reload() == []
        await until(lambda: len(tried) == 3)
        with pytest.raises(NotAllowed):
            await hub.store.erase_dossier(story.code, actor="lan", why="asked for", now=clock())
    monkeypatch.setattr(Intake, "accept", honest)
    async with running(home, clock) as (hub, portal):
        await until(lambda: _nothing_waits(hub))
        assert await heard(hub, story.code) == await heard(hub, other.code) == ["arrival"]


def _answers(schema: str, body: Callable[[Any], bytes]) -> Any:
    """A partner that answers each dossier with this."""

    def script(message: Any, attempt: Any) -> Receipt:
        if message.schema.id != "npsp-dossier":
            return Receipt()
        return Receipt(reply=(SchemaRef(*schema.split("@")), body(message)))

    return script


async def _from_portal(hub: Any, code: str) -> list[Any]:
    timeline = (await hub.store.dossier(code))["timeline"]
    return [one for one in timeline if one["event"] in ("arrival", "kept") and one.get("origin") == "portal"]


UNUSABLE: dict[str, tuple[str, Callable[[Any], bytes], str]] = {
    "breaks its schema": ("opencps-dossier@1", lambda one: json.dumps({"dossierNo": one.codes[NATIONAL]}).encode(), "missing"),
    "names no dossier": ("opencps-dossier@1", lambda _: b"{}", "missing"),
    "is no object": ("opencps-dossier@1", lambda _: b'"thank you"', "mistyped"),
    "cannot be read": ("opencps-dossier@1", lambda _: b"<html>", "not_json"),
    "has a schema that nobody knows": ("no-such-schema@1", lambda _: b"{}", "unknown_schema"),
    "has a schema that is none": ("No_Schema@one", lambda _: b"{}", "unknown_schema"),
    "breaks its schema and names another": ("opencps-dossier@1", lambda _: json.dumps({"dossierNo": "B"}).encode(), "missing"),
    "has a schema that is not taken": ("npsp-dossier@1", lambda _: b"{}", "not_a_source"),
    "has a code that no store can hold": (
        "opencps-dossier@1", lambda _: json.dumps({**told(1)[0].records[1], "dossierNo": "X" * 999}).encode(), "too_long",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", UNUSABLE)
async def test_an_answer_that_cannot_come_in_is_kept_with_its_dossier(home: Path, what: str) -> None:
    """An operator sees it there with its reasons, tries it again, or puts it aside; the dossier it answers was delivered."""
    schema, body, code = UNUSABLE[what]
    clock = MovableClock()
    story = told(1)[0]
    async with running(home, clock) as (hub, portal):
        portal.script = _answers(schema, body)
        await send(hub, story.records[0], clock)
        assert set(await settled(hub)) == {"delivered"}
        (kept,) = await until(lambda: _from_portal(hub, story.code))
        await until(lambda: _nothing_waits(hub))
        shown = await hub.store.arrival(kept["arrival"])
        assert (shown["state"], shown["sender"]) == ("kept", "portal")
        assert code in {one["code"] for one in shown["reasons"]}
        assert await hub.store.dossier("B") is None, "a broken message makes no dossier"
        (again,) = await hub.intake.replay(kept["arrival"], actor="lan", why="again")
        assert (again["state"], again["dossier"]) == ("kept", shown["receipt"]["dossier"])
        await send(hub, {**story.records[1], "dossierId": 77}, clock)
        await until(lambda: len(portal.sent(story.code)) > 2)
        first, second = await until(lambda: _two(hub, story.code))
        repair = Repair(home, hub.store, "the partner only says thank you")
        (behind,) = await repair.discard(first["arrival"])
        assert (behind["id"], behind["replayed"]) == (second["arrival"], False)
        assert [one["replayed"] for one in await repair.replay([second["arrival"]], given=True)] == [False]
        await repair.discard(second["arrival"])
        assert [(await hub.store.arrival(one["arrival"]))["state"] for one in (first, second)] == ["discarded"] * 2


async def _two(hub: Any, code: str) -> list[Any]:
    found = await _from_portal(hub, code)
    return found if len(found) == 2 else []


async def _one_waits(hub: Any) -> bool:
    return len(await hub.store.pending_replies()) == 1


async def _nothing_waits(hub: Any) -> bool:
    return not await hub.store.pending_replies()


async def test_an_answer_that_goes_round_and_round_is_kept(home: Path) -> None:
    """Two systems that answer each other through the hub: it ends where somebody sees it."""
    clock = MovableClock()
    story = told(1)[0]
    async with running(home, clock) as (hub, portal):
        portal.script = _answers("opencps-dossier@1", lambda _: json.dumps(story.records[1]).encode())
        record = Arrival(
            id=new_id(), sender="one-stop", schema=SchemaRef.parse("opencps-dossier@1"), received_at=clock(),
            correlation_id="c", body=json.dumps(story.records[0]).encode(), hops=HOP_LIMIT,
        )  # fmt: skip
        await hub.intake.accept(record)
        (kept,) = await until(lambda: _from_portal(hub, story.code))
        shown = await hub.store.arrival(kept["arrival"])
        assert [one["code"] for one in shown["reasons"]] == ["too_many_hops"]
        (again,) = await hub.intake.replay(kept["arrival"], actor="lan", why="once more")
        assert (again["state"], [one["code"] for one in again["reasons"]]) == ("kept", ["too_many_hops"])


async def test_an_answer_waits_for_a_store_that_is_away(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The hub starts with it, and it comes in by itself once the store is back, without another answer behind it."""
    clock = MovableClock()
    story = told(1)[0]
    honest, tried, is_away = SqlStore.accept, 0, True

    async def accept(store: SqlStore, plan: Any) -> Any:
        nonlocal tried
        if plan.arrival.origin == "portal":
            tried += 1
            if is_away:
                raise StoreUnavailable("disk_full")
        return await honest(store, plan)

    monkeypatch.setattr(SqlStore, "accept", accept)
    monkeypatch.setattr(replies, "PAUSE_SECONDS", 0.01)
    async with running(home, clock) as (hub, portal):
        portal.script = _answers("opencps-dossier@1", lambda _: json.dumps(story.records[1]).encode())
        await send(hub, story.records[0], clock)
        await until(lambda: tried)
    before = tried
    async with running(home, clock) as (hub, _):
        await until(lambda: tried > before + 1)
        is_away = False
        (back,) = await until(lambda: _from_portal(hub, story.code))
        assert back["event"] == "arrival"
        await until(lambda: _nothing_waits(hub))


async def test_a_reload_counts_for_a_try_that_began_before_it(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the hub broke at with its old mappings is tried again with the new ones."""
    clock = MovableClock()
    story = told(1)[0]
    honest, begun, go_on = Intake.accept, asyncio.Event(), asyncio.Event()

    async def accept(intake: Intake, arrival: Arrival, *words: Any, **more: Any) -> Any:
        if arrival.origin == "portal" and not go_on.is_set():
            begun.set()
            await go_on.wait()
            raise RuntimeError("a fault of the hub's own")
        return await honest(intake, arrival, *words, **more)

    monkeypatch.setattr(Intake, "accept", accept)
    async with running(home, clock) as (hub, portal):
        portal.script = _answers("opencps-dossier@1", lambda _: json.dumps(story.records[1]).encode())
        await send(hub, story.records[0], clock)
        await begun.wait()
        assert hub.reload() == []
        go_on.set()
        await until(lambda: _from_portal(hub, story.code))
