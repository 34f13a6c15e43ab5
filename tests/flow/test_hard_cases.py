"""Cases that once broke a guarantee: routes that exclude each other, reloads at a bad moment, doubts, silly times."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from flow.parts import CONFIG, Asked, MovableClock, make_home, running, send, settled, states, told, until
from hub.connector import Found, Receipt
from hub.delivery.retry import LONGEST_HOLD_SECONDS, RetryPolicy, decide
from hub.errors import InDoubt, Rejected, Transient

STEPS = """\
  first-steps: { take: dossier-progress@1, when: { equals: { state: received } }, to: portal, as: npsp-progress@1 }
  later-steps: { take: dossier-progress@1, when: { equals: { state: processing } }, to: portal, as: npsp-progress@1 }
"""
EXCLUSIVE = CONFIG.partition("  progress-to-portal")[0] + STEPS
OTHER_NAME = CONFIG.replace("dossiers-to-portal", "dossiers-elsewhere")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return make_home(tmp_path / "home")


def steps(portal: Any) -> list[int]:
    return [call.seq for call in portal.calls if call.schema.id == "npsp-progress"]


async def test_two_routes_that_exclude_each_other_send_a_step_once(tmp_path: Path) -> None:
    """A dossier stays with its endpoint by one route, not by every route that leads there."""
    assert "first-steps" in EXCLUSIVE
    home = make_home(tmp_path / "home", EXCLUSIVE)
    clock = MovableClock()
    record = {**told(1)[0].records[0], "dossierStatus": "new", "dossierSubStatus": ""}
    async with running(home, clock) as (hub, portal):
        for number, status in enumerate(("new", "processing", "waiting", "processing")):
            dated = {"modifiedDate": f"20/11/2026 2{number}:00:00", "lastActionDate": f"20/11/2026 2{number}:00:00"}
            await send(hub, {**record, **dated, "dossierStatus": status, "dossierActionId": number + 1}, clock)
        await settled(hub)
        assert steps(portal) == [2, 4, 6, 8]


async def test_the_owner_by_configuration_is_found_when_the_code_comes(tmp_path: Path) -> None:
    """A dossier that began without a number passes to the configured owner when it is numbered."""
    home = make_home(tmp_path / "home", CONFIG + 'owners: { "000.00.10.H22-": one-stop }\n')
    clock = MovableClock()
    story = told(1)[0]
    early, late = story.records[:2]
    async with running(home, clock) as (hub, _):
        await send(hub, {**early, "referenceUid": "land-1", "dossierNo": ""}, clock, sender="land-office")
        numbered = await send(hub, {**late, "referenceUid": "land-1"}, clock, sender="land-office")
        assert "routed" not in {message["state"] for message in numbered["messages"]}
        owners = await send(hub, late, clock)
        assert owners["messages"][0]["state"] == "routed"


async def test_a_step_is_the_same_step_when_what_surrounds_it_changes(home: Path) -> None:
    """The sender's own id of the step decides: a moved due date does not show it twice at the portal."""
    clock = MovableClock()
    record = {**told(1)[0].records[1], "stepDuedate": "20261123170000"}
    async with running(home, clock) as (hub, portal):
        await send(hub, record, clock)
        again = await send(hub, {**record, "stepDuedate": "20261124170000", "dueDate": "20261124170000"}, clock)
        assert [message["state"] for message in again["messages"]] == ["routed", "known"]
        await settled(hub)
        assert len(steps(portal)) == 1


async def test_a_version_far_in_the_future_is_kept_not_believed(home: Path) -> None:
    """Believed, it would make every later state look old; kept, the operator sees it, discards it, and the rest flows."""
    clock = MovableClock()
    story = told(1)[0]
    async with running(home, clock) as (hub, portal):
        kept = await send(hub, {**story.records[0], "modifiedDate": "20/11/2199 08:00:00"}, clock)
        assert [reason["code"] for reason in kept["reasons"]] == ["version_in_future"]
        behind = [await send(hub, record, clock) for record in story.records[1:]]
        await hub.store.discard(kept["arrival"], actor="test", why="wrong time", now=clock())
        await hub.intake.replay(behind[0]["arrival"], actor="test", why="after the wrong one")
        await settled(hub)
        assert len(portal.sent(story.code)) == 2 * len(behind)


async def test_a_result_taken_back_is_no_result(home: Path) -> None:
    """A file that the source marks as removed is not sent among the results."""
    clock = MovableClock()
    files = [
        {"dossierFileId": 1, "dossierPartType": 2, "displayName": "wrong.pdf", "removed": "true"},
        {"dossierFileId": 2, "dossierPartType": 2, "displayName": "right.pdf", "removed": "false"},
    ]
    async with running(home, clock) as (hub, portal):
        await send(hub, {**told(1)[0].records[0], "files": files, "viaPostal": "10"}, clock)
        await settled(hub)
        body = portal.calls[0].body
        assert [one["TenGiayTo"] for one in body["DanhSachGiayToKetQua"]] == ["right.pdf"]
        assert body["HinhThuc"] == "1"


async def test_an_attempt_that_made_no_call_gives_no_right_to_overwrite(home: Path) -> None:
    """When the partner's connector says that nothing was called, the doubt is withdrawn: what exists there is not ours."""
    clock = MovableClock()
    rights: list[bool] = []

    def script(message: Any, attempt: Any) -> Any:
        if message.schema.id == "npsp-progress":
            return Receipt()
        rights.append(attempt.may_update)
        return InDoubt("deadline") if len(rights) == 1 else Rejected("exists", "known there")

    async with running(home, clock, Asked) as (hub, portal):
        portal.script, portal.answer = script, Found(False, called=False)
        await send(hub, told(1)[0].records[0], clock)
        await settled(hub)
        assert rights == [False, False]
        assert await hub.store.rebuild_ledger() == 0


async def test_questions_that_are_answered_are_no_deliveries_that_are_taken(home: Path) -> None:
    """The writing service is down, look-ups work: that is an outage of the endpoint, and makes no dead letters."""
    clock = MovableClock()
    stories = told(3)
    down = True
    async with running(home, clock, Asked) as (hub, portal):
        portal.script = lambda message, attempt: InDoubt("read_timeout") if down else Receipt()
        portal.answer = None
        for story in stories:
            await send(hub, story.records[0], clock)
        await until(lambda: len(portal.calls) > 12)
        assert "dead" not in states(hub)
        down = False
        assert await settled(hub) == {"delivered": 6}


async def test_a_route_taken_away_leaves_its_deliveries_waiting(home: Path) -> None:
    """Also while the breaker is open and the next probe is one of them: put back, everything is delivered."""
    clock = MovableClock()
    story, other = told(2)
    async with running(home, clock, Asked) as (hub, portal):
        portal.script = lambda message, attempt: InDoubt("read_timeout")
        portal.answer = Transient("http_503")
        await send(hub, story.records[0], clock)
        await until(lambda: len(portal.questions) > 4)
        (home / "config.yaml").write_text(OTHER_NAME, encoding="utf-8")
        assert hub.reload() == []
        portal.script, portal.answer = (lambda message, attempt: Receipt()), None
        await send(hub, other.records[0], clock)
        await until(lambda: len(portal.sent(other.code)) == 2)
        assert "dead" not in states(hub)
        waiting = (await hub.store.dossier(story.code))["waiting"]
        assert waiting[0]["code"] == "route_gone"
        (home / "config.yaml").write_text(CONFIG, encoding="utf-8")
        assert hub.reload() == []
        clock.advance(61)
        assert await settled(hub) == {"delivered": 4}


async def test_a_delivery_whose_route_is_gone_may_be_discarded(home: Path) -> None:
    """When the route is not to come back, the operator gives the delivery up, on the record, and the lane goes on."""
    clock = MovableClock()
    story = told(1)[0]
    async with running(home, clock) as (hub, _):
        await hub.store.pause("portal", actor="test", why="until the route is gone", now=clock())
        await send(hub, story.records[0], clock)
        (home / "config.yaml").write_text(OTHER_NAME, encoding="utf-8")
        assert hub.reload() == []
        await hub.store.resume("portal", actor="test", now=clock())

        async def gone() -> Any:
            waiting = (await hub.store.dossier(story.code))["waiting"]
            return [one["delivery"] for one in waiting if one.get("code") == "route_gone"]

        (delivery,) = await until(gone)
        await hub.store.discard(delivery, actor="test", why="the route was a mistake", now=clock())
        assert await settled(hub) == {"discarded": 1, "delivered": 1}
        assert await hub.store.rebuild_ledger() == 0


async def test_a_reload_between_claim_and_call_breaks_nothing(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The attempt goes on under the route it began with."""
    clock = MovableClock()
    async with running(home, clock) as (hub, portal):
        start = hub.store.start

        async def reloading(starts: Any, now: int) -> Any:
            begun = await start(starts, now)
            (home / "config.yaml").write_text(OTHER_NAME, encoding="utf-8")
            assert hub.reload() == []
            return begun

        monkeypatch.setattr(hub.store, "start", reloading)
        await send(hub, told(1)[0].records[0], clock)
        await until(lambda: len(portal.calls) == 2)
        assert await settled(hub) == {"delivered": 2}


@pytest.mark.parametrize("step", ["_translate", "_admit"])
async def test_one_message_that_breaks_the_dispatcher_stops_no_other(
    home: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """Whatever goes wrong in translating one message, or in looking for its files, it alone is dead."""
    clock = MovableClock()
    bad, good = told(2)
    async with running(home, clock) as (hub, portal):
        dispatcher = hub._running["portal"].dispatcher
        whole = getattr(dispatcher, step)

        def breaking(first: Any, second: Any, route: Any = None, **more: Any) -> Any:
            body, schema = (second, route.partner_schema) if route else (first.body, second.partner_schema)
            if bad.code.encode() in body and schema == "npsp-dossier@1":
                raise RuntimeError("not foreseen")
            return whole(first, second, route) if route else whole(first, second, **more)

        monkeypatch.setattr(dispatcher, step, breaking)
        await send(hub, bad.records[0], clock)
        await send(hub, good.records[0], clock)
        await until(lambda: len(portal.sent(good.code)) == 2)
        (dead,) = await hub.store.dead()
        assert (dead["code"], dead["reason"]) == ("translation_broke", "RuntimeError")


def outcome(retry_after: float | None) -> Any:
    return decide(
        Transient("http_429", retry_after=retry_after), policy=RetryPolicy(), wait=lambda number: 1.0, number=1, counted=9,
        previous_attempt_at=1, endpoint_success_at=2, now=10,
    )  # fmt: skip


def test_retry_after_is_bounded_on_both_sides_and_never_counted() -> None:
    """0 (or a past date) is no licence to hammer, and 31 years no sentence; without it, the tenth failure is the last."""
    assert outcome(0.0).next_at >= 1_000_000 and not outcome(0.0).counted
    assert outcome(999_999_999.0).next_at <= 10 + LONGEST_HOLD_SECONDS * 1_000_000
    assert outcome(999_999_999.0).hold_seconds == LONGEST_HOLD_SECONDS
    assert outcome(None).outcome == "dead"


async def test_the_claim_is_served_by_its_index(home: Path) -> None:
    """A claim looks at what is due, never at what was delivered (design: O(1))."""
    from sqlalchemy import create_engine

    from hub.store import delivering

    clock = MovableClock()
    async with running(home, clock):
        await asyncio.sleep(0)
    engine = create_engine(f"sqlite:///{home}/var/hub.db", paramstyle="named")
    values = {"endpoint": "portal", "now": 1, "most": 1}
    with engine.connect() as connection:
        for query in (delivering._DUE, delivering._NEXT_DUE):
            asked = query.statement.compile(engine)
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {asked}", {**asked.params, **values}).all()
            looked = " ".join(str(row[-1]) for row in plan)
            assert "ix_deliveries_due" in looked and "SCAN deliveries" not in looked, looked
    engine.dispose()
