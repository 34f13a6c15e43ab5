"""Retention: bodies of what is final go, nothing else does; ids, digests, receipts, ledger and history stay."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from contextlib import closing
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import rule, run_state_machine_as_test
from store_history import staged
from store_making import FAR, NATIONAL, Desk, FakeClock, match, plan, state, step
from test_store_model import LATER, DeliveryStates

from hub.errors import IdConflict, NotAllowed, NotFound
from hub.ledger.backfill import backfill
from hub.message import SchemaRef
from hub.routing import Route
from hub.store.retention import DAY, keep_to, purge
from hub.store.sql import SqlStore

SECRET = "Nguyễn Thị Bí Mật 012345678901"


async def erase_all(desk: Desk, before: int = FAR, **more: Any) -> int:
    return await purge(desk.store, before, desk.clock, actor="lan", **more)


def bodies(database: Any) -> int:
    count: int = database.one("select count(*) from bodies")
    return count


async def test_what_is_final_loses_its_bodies_and_keeps_all_else(desk: Desk, database: Any) -> None:
    """Arrival, message and sent bytes go; receipt, digest, ledger, attempts and timeline are as they were."""
    receipt = await desk.accept(SECRET, state("body"), step("body"), key="k")
    await desk.end("delivered", reference="taken")
    await desk.end("delivered")
    before: Any = await desk.store.dossier("D1")
    assert bodies(database) == 5
    assert await erase_all(desk) == 1
    assert bodies(database) == 0
    after: Any = await desk.store.dossier("D1")
    (arrival,) = [one for one in after["timeline"] if one["event"] == "arrival"]
    assert arrival.pop("erased_at")
    assert after == before
    shown: Any = await desk.store.arrival(receipt["arrival"])
    assert shown["receipt"] == receipt and shown["erased_at"]
    assert database.sql("select actor, act, why from audit") == [("lan", "purge", "of 1 arrivals")]


async def test_what_is_not_final_keeps_its_bodies(desk: Desk, database: Any) -> None:
    """Pending, claimed, in doubt, dead, kept, and an arrival of which only one of two deliveries is final."""
    for code in ("pending", "claimed", "in_doubt", "dead"):
        await desk.accept(code, code=code, key=code)
        due = next((due for due in await desk.heads() if due.aliases[NATIONAL] == code and code != "pending"), None)
        attempt = await desk.begin(due) if due else None
        if due and code in ("in_doubt", "dead"):
            await desk.settle(due, attempt, code)
    await desk.accept("half", state("half", match(), match("to-other", "other")), code="half")
    due = next(due for due in await desk.heads() if due.aliases[NATIONAL] == "half")
    await desk.settle(due, await desk.begin(due), "delivered")
    await desk.accept("kept", kept="not_in_table", code="kept")
    before = bodies(database)
    assert await erase_all(desk) == 0 and bodies(database) == before
    assert await desk.texts("other") == ["half"]


async def test_age_is_counted_from_the_last_end(desk: Desk) -> None:
    """Received long ago and delivered lately stays; a dry run counts and erases nothing."""
    await desk.accept("a")
    received = desk.clock()
    await desk.end("delivered")
    assert await erase_all(desk, received) == 0
    assert await erase_all(desk, desk.clock(), dry_run=True) == 1
    assert await erase_all(desk, desk.clock()) == 1
    assert await erase_all(desk, desk.clock()) == 0


async def test_duplicates_are_still_recognised(desk: Desk, clock: FakeClock) -> None:
    """By the sender's id, by the dossier's latest body, and by the step: the first receipt, no second delivery, 409 for
    another body."""
    first = await desk.accept("keyed", key="k")
    latest = await desk.accept("latest", step("done"), code="D2")
    await desk.drain()
    assert await erase_all(desk) == 2
    for again, (body, more) in ((first, ("keyed", {"key": "k"})), (latest, ("latest", {"names": ((NATIONAL, "D2"),)}))):
        made = plan(desk.store, clock, body, **more)  # type: ignore[arg-type]
        assert await desk.store.accept(made) == (again, True)
    with pytest.raises(IdConflict):
        await desk.accept("other", key="k")
    repeated = await desk.accept("newer", step("done"), code="D2")
    assert repeated["messages"][0]["state"] == "known"
    assert await desk.heads() == []


async def test_an_erased_arrival_is_not_replayed_or_back_filled(desk: Desk, database: Any) -> None:
    """A replay is refused by name; a back-fill counts what it cannot send, and fills the rest."""
    old = await desk.accept('{"n":"old"}')
    await desk.drain()
    await erase_all(desk)
    await desk.accept('{"n":"new"}', code="D2")
    with pytest.raises(NotAllowed):
        await desk.store.release(plan(desk.store, desk.clock, "old", id=old["arrival"]), actor="lan", why="again")
    route = Route("later", SchemaRef("dossier", "1"), "registry", "registry-dossier@1")
    done = await backfill(desk.store, route, lambda *_: None, desk.clock)
    assert (done.looked_at, done.erased, done.added) == (2, 1, 1)
    assert await desk.texts("registry") == ['{"n":"new"}']
    assert await desk.store.backfill([(old["messages"][0]["id"], match("later", "registry"))], desk.clock()) == 0


async def test_one_dossier_is_erased_on_request(desk: Desk, database: Any) -> None:
    """However new; refused while something of it is not final; on the record; the others keep theirs."""
    await desk.accept("mine", code="D1")
    await desk.accept("other", code="D2")
    with pytest.raises(NotAllowed):
        await desk.store.erase_dossier("D1", actor="lan", why="request 12", now=desk.clock())
    await desk.drain()
    assert await desk.store.erase_dossier("D1", actor="lan", why="request 12", now=desk.clock()) == 1
    assert bodies(database) == 3
    assert database.sql("select actor, act, why from audit") == [("lan", "erase", "request 12")]
    with pytest.raises(NotFound):
        await desk.store.erase_dossier("D9", actor="lan", why="request 13", now=desk.clock())


async def test_erased_content_is_overwritten_in_the_file(sqlite: Any, clock: FakeClock) -> None:
    """On SQLite nothing of the content is left in the database file once its log is folded in; a long body's pages too."""
    store = SqlStore(sqlite.url, clock)
    await store.open(exclusive=True)
    desk = Desk(store, clock)
    for number in range(30):
        await desk.accept(SECRET * (1 + 300 * (number % 2)), key=f"{number}", code=f"D{number}")
    await desk.drain()
    with closing(sqlite3.connect(sqlite.file)) as beside:
        beside.execute("pragma wal_checkpoint(truncate)")
    assert SECRET.encode() in sqlite.file.read_bytes()
    assert await erase_all(desk) == 30
    await store.close()
    assert SECRET.encode() not in sqlite.file.read_bytes()
    assert not sqlite.file.with_name("hub.db-wal").exists()


async def test_a_running_hub_erases_by_itself(sqlite: Any) -> None:
    """At its start what is older than the configured days, and not what is younger."""
    clock = FakeClock(time.time_ns() // 1000)
    store = SqlStore(sqlite.url, clock)
    await store.open(exclusive=True)
    desk = Desk(store, clock)
    for days, left in ((0, 3), (2, 0)):
        if not days:
            await desk.accept("a")
            await desk.drain()
        clock.now += days * DAY
        erasing = asyncio.create_task(keep_to(store, 1, clock))
        for _ in range(200):
            if bodies(sqlite) == 0:
                break
            await asyncio.sleep(0.01 if days else 0.001)
        erasing.cancel()
        await asyncio.gather(erasing, return_exceptions=True)
        assert bodies(sqlite) == left
    await store.close()


class Purged(DeliveryStates):
    """The delivery states with an erasure between any two events."""

    @rule()
    def purge(self) -> None:
        """Everything final loses its bodies; what is open is still where the model has it, and can still be sent."""
        self.run(erase_all(self.desk))
        self._forget()

    @rule(code=DeliveryStates.codes, coalesce=st.booleans(), backwards=st.booleans(), most=st.integers(1, 2))
    def backfill(self, code: str, coalesce: bool, backwards: bool, most: int) -> None:
        """What was erased cannot be back-filled; the rest is as ever."""
        self._forget()
        erased = {row[0] for row in self.stage.database.sql("select id from messages where id not in (select id from bodies)")}
        lacking = [one for one in self.messages[code] if one[0] in erased]
        assert self.run(self.desk.store.backfill([(one[0], match(LATER)) for one in lacking], self.stage.clock())) == 0
        whole, self.messages[code] = self.messages[code], [one for one in self.messages[code] if one[0] not in erased]
        try:
            super_backfill(self, code=code, coalesce=coalesce, backwards=backwards, most=most)
        finally:
            self.messages[code] = whole

    def _forget(self) -> None:
        """The bytes sent are gone with the rest, for those that are final."""
        for lane in self.lanes.values():
            for one in lane.all:
                if one.state in ("delivered", "superseded", "discarded"):
                    one.request = None


super_backfill = DeliveryStates.backfill


@pytest.mark.timeout(110)
def test_erasing_changes_nothing_that_is_open(database: Any) -> None:
    """Random histories with erasures: states, heads, order and ledger are always the model's."""
    with staged(database) as stage:
        machine = type("Machine", (Purged,), {"stage": stage})
        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=6 if database.kind == "sqlite" else 2, stateful_step_count=30, phases=(Phase.generate,),
                deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck),
            ),
        )  # fmt: skip
