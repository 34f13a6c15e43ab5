"""The overview: what is open, dead, kept and lately delivered, right on both databases, and never by reading a whole table."""

from __future__ import annotations

import time
from typing import Any

import pytest
from sqlalchemy import event
from store_making import SECOND, Desk, FakeClock, delivery_of, match, state, step

from hub.store.sql import SqlStore


@pytest.fixture
def clock() -> FakeClock:
    """The machine's time: what happened lately is found by ids, which begin with it."""
    return FakeClock(time.time_ns() // 1000)


async def test_an_empty_hub_shows_its_endpoints(store: SqlStore) -> None:
    """Configured endpoints are listed with nothing, in their order; there is no error and no cause."""
    seen = await store.overview(["portal", "archive"])
    assert [(one.endpoint, one.waiting, one.dead, one.recent.delivered) for one in seen.endpoints] == [
        ("portal", 0, 0, 0), ("archive", 0, 0, 0),
    ]  # fmt: skip
    assert (seen.traffic.arrivals, seen.backlog, seen.causes, seen.errors) == ({}, (), (), ())
    assert seen.endpoints[0].recent.lag_p50_seconds is None


async def test_traffic_backlog_and_lag(store: SqlStore, desk: Desk, clock: FakeClock) -> None:
    """Arrivals by state and minute; the lag of what was delivered; what waits, on which route and since when."""
    for number in range(4):
        await desk.accept(f"state {number}", code=f"D{number}")
    clock.now += 2 * SECOND
    for due in (await desk.heads())[:3]:
        assert await desk.settle(due, await desk.begin(due), "delivered")
    await desk.accept("kept", code="K", kept="not_in_table")
    clock.now += 8 * SECOND
    seen = await store.overview()
    assert seen.traffic.arrivals == {"accepted": 4, "kept": 1}
    assert sum(sum(one.arrivals.values()) for one in seen.traffic.minutes) == 5
    assert len(seen.traffic.minutes) == 5 and seen.traffic.minutes[-1].arrivals == {"accepted": 4, "kept": 1}
    (portal,) = seen.endpoints
    assert not portal.configured and portal.waiting == 1
    assert portal.recent.delivered == 3 and portal.last_delivered_at is not None
    assert portal.recent.lag_p50_seconds == pytest.approx(2, abs=0.1)
    assert portal.recent.lag_p95_seconds == pytest.approx(2, abs=0.1)
    assert portal.oldest_waiting_seconds == pytest.approx(10, abs=0.1)
    assert [(one.route, one.state, one.count) for one in seen.backlog] == [("to-portal", "pending", 1)]


async def test_dead_letters_and_kept_arrivals_by_cause(store: SqlStore, desk: Desk) -> None:
    """Counted by code, with the oldest as example; the last errors name whom, the national code, and mask what is personal."""
    routes = match(), match("to-archive", "archive")
    for number in range(3):
        await desk.accept(f"s{number}", state(f"s{number}", *routes), code=f"000.00.10.H22-261121-000{number}")
    heads = await desk.heads()
    for due in heads:
        reason = "số 001090012345 không hợp lệ"
        assert await desk.settle(due, await desk.begin(due), "dead", code="-3", reason=reason)
    kept = await desk.accept("k1", code="K1", kept="not_in_table")
    await desk.accept("k2", code="K2", kept="not_in_table")
    doubtful = (await desk.heads("archive"))[0]
    assert await desk.settle(doubtful, await desk.begin(doubtful), "in_doubt", code="reset", next_at=desk.clock())
    seen = await store.overview()
    causes = {(one.kind, one.endpoint, one.code): one for one in seen.causes}
    assert {key: one.count for key, one in causes.items()} == {
        ("delivery", "portal", "-3"): 3,
        ("arrival", None, "not_in_table"): 2,
    }
    assert causes["delivery", "portal", "-3"].example == min(due.delivery_id for due in heads)
    assert causes["arrival", None, "not_in_table"].example == kept["arrival"]
    assert [one.kind for one in seen.errors] == ["in_doubt", "kept", "kept", "dead", "dead", "dead"]
    assert seen.errors[0].at_whom == "archive" and seen.errors[0].code == "reset"
    assert {one.dossier for one in seen.errors if one.kind == "dead"} == {f"000.00.10.H22-261121-000{n}" for n in range(3)}
    assert not any("001090012345" in one.reason for one in seen.errors)
    portal, archive = sorted(seen.endpoints, key=lambda one: one.endpoint != "portal")
    assert (portal.dead, portal.waiting, archive.waiting, archive.in_doubt) == (3, 0, 3, 1)
    assert portal.last_failure is not None and portal.last_failure.code == "-3"


async def test_what_was_mended_is_gone(store: SqlStore, desk: Desk) -> None:
    """A replayed dead letter waits again; a discarded one is nowhere; a doubt found to be delivered counts as delivered."""
    first = await desk.accept("a", code="A")
    await desk.accept("b", code="B")
    for due in await desk.heads():
        assert await desk.settle(due, await desk.begin(due), "dead", code="refused")
    await desk.replay(delivery_of(first))
    seen = await store.overview()
    assert [(one.code, one.count) for one in seen.causes] == [("refused", 1)]
    assert seen.endpoints[0].waiting == 1
    await desk.discard(seen.causes[0].example)
    due = await desk.head()
    attempt = await desk.begin(due)
    assert await desk.settle(due, attempt, "in_doubt", code="reset", next_at=desk.clock())
    assert await desk.settle(due, attempt, "delivered")
    seen = await store.overview()
    assert (seen.causes, seen.errors, seen.backlog) == ((), (), ())
    assert seen.endpoints[0].recent.delivered == 1


async def test_a_paused_endpoint_says_by_whom_and_why(store: SqlStore, clock: FakeClock) -> None:
    """Also one that has left the configuration."""
    await store.pause("portal", actor="lan", why="maintenance, ask 0912 345 678", now=clock())
    (portal,) = (await store.overview(["portal"])).endpoints
    assert portal.paused is not None and portal.paused.by == "lan"
    assert portal.paused.why.startswith("maintenance") and "345" not in portal.paused.why
    assert [one.endpoint for one in (await store.overview()).endpoints] == ["portal"]


async def test_a_flood_shortens_the_time_looked_back_upon(
    store: SqlStore, desk: Desk, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At most so many rows are read; the seconds they cover are said, so that a rate made of them is right."""
    monkeypatch.setattr("hub.store.overview.MOST", 5)
    for number in range(8):
        await desk.accept(f"state {number}", code=f"D{number}")
    await desk.drain()
    clock.now += 3 * SECOND
    seen = await store.overview()
    assert sum(seen.traffic.arrivals.values()) == 5
    assert seen.traffic.seconds < 60 and len(seen.traffic.minutes) == 1
    assert seen.endpoints[0].recent.delivered == 5 and seen.endpoints[0].recent.seconds < 60


async def test_traffic_for_metrics_counts_only_what_waits(store: SqlStore, desk: Desk) -> None:
    """/metrics shows open deliveries and kept arrivals; what is final is counted in process as it happens."""
    await desk.accept("a", state("a"), step("s"), code="A")
    await desk.end("delivered")
    await desk.accept("k", code="K", kept="not_in_table")
    told = await store.traffic()
    assert told["arrivals"] == [{"state": "kept", "count": 1}]
    assert told["deliveries"] == [{"endpoint": "portal", "route": "to-portal", "state": "pending", "count": 1}]
    assert set(told["oldest_waiting_seconds"]) == {"portal"}


async def test_what_waits_behind_a_dead_letter_could_not_be_sent(store: SqlStore, desk: Desk, clock: FakeClock) -> None:
    """It waits, and its age is shown; but only what waits behind no other is told as what could be sent. Also who is paused."""
    await desk.accept("a", step("a1"), code="A")
    await desk.end("dead", code="refused")
    await desk.accept("a2", step("a2"), code="A")
    clock.now += 10 * SECOND
    told = await store.traffic()
    assert {(one["state"], one["count"]) for one in told["deliveries"]} == {("dead", 1), ("pending", 1)}
    assert told["oldest_waiting_seconds"] == {"portal": pytest.approx(10, abs=0.1)}
    assert told["oldest_sendable_seconds"] == {} and told["paused"] == []
    await desk.accept("b", step("b1"), code="B")
    await store.pause("portal", actor="lan", why="maintenance", now=clock())
    clock.now += 2 * SECOND
    told = await store.traffic()
    assert told["oldest_sendable_seconds"] == {"portal": pytest.approx(2, abs=0.1)} and told["paused"] == ["portal"]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)  # the plan of a nearly empty PostgreSQL says nothing
async def test_no_whole_table_is_read(store: SqlStore, desk: Desk, database: Any) -> None:
    """SQLite's own plan of every statement: by an index, never a scan of a table that grows."""
    await desk.accept("a", code="A", kept="x")
    asked: list[tuple[str, Any]] = []
    event.listen(store._read_engine, "before_cursor_execute", lambda *said: asked.append((said[2], said[3])))
    await store.overview(["portal"])
    await store.traffic()
    await store.dead()
    growing = ("arrivals", "deliveries", "attempts", "messages", "aliases")
    assert len(asked) >= 10
    for statement, values in asked:
        if statement.startswith("SELECT"):
            for *_, step_of_plan in database_plan(database, statement, values):
                scanned = step_of_plan.startswith("SCAN ") and step_of_plan.split()[1] in growing
                assert not scanned or "INDEX ix_" in step_of_plan, f"{step_of_plan}\n{statement}"


def database_plan(database: Any, statement: str, values: Any) -> list[tuple[Any, ...]]:
    """SQLite's steps for the statement."""
    import sqlite3

    connection = sqlite3.connect(database.file)
    try:
        return connection.execute(f"explain query plan {statement}", values).fetchall()
    finally:
        connection.close()
