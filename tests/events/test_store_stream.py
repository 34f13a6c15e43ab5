"""The stream of the store alone: whatever happened, who hears only the events knows the ledger and every state."""

from __future__ import annotations

import asyncio
import contextlib
import json
import tracemalloc
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import NullPool, create_engine, text
from store_history import staged
from store_making import Desk, FakeClock, delivery_of, match, plan, state, step
from test_store_kept import release
from test_store_ledger import acts, live_through

from events.listener import Listener
from events.store_stream import TO, drain, of_listener, of_store, publish, same_ledger, shown
from hub.api.event_models import TELLS
from hub.errors import NotAllowed
from hub.store.backup import back_up, restore
from hub.store.engine import parse_url
from hub.store.sql import SqlStore

pages = st.lists(st.tuples(st.integers(1, 12), st.booleans()), max_size=6)


CONNECTS = False


@pytest.fixture(autouse=True)
def _off(database: Any) -> None:
    """As a new store is: what wipes tables between tests leaves the switch."""
    database.sql("update meta set value = case name when 'events_since' then '0' else '' end where name like 'events%'")


async def told_beside(desk: Desk, listener: Listener, history: list[Any], taken: Any, again: int) -> None:
    """Live through the history while its events are published; ``hub events again`` after so many pages."""
    living = asyncio.create_task(live_through(desk, history))
    for turn, (most, forget) in enumerate(taken, 1):
        await publish(desk.store, listener, most, forget=forget)
        if turn == again:
            await desk.store.tell_again(actor="lan", why="a new listener", now=desk.clock())
        await asyncio.sleep(0.001)
    await living


def test_a_listener_knows_the_ledger_after_any_history(database: Any) -> None:
    """Any acts, taken in pages of any size of which any come again, told from the beginning at any moment: the same cells,
    names and states as in the store, and each event once."""
    with staged(database) as stage:

        @settings(max_examples=20, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
        @given(st.lists(acts, min_size=5, max_size=30), pages, st.integers(0, 4))
        def holds(history: list[Any], taken: Any, again: int) -> None:
            desk, listener = stage.wipe(), Listener()
            stage.run(desk.store.follow(None, desk.clock()))
            stage.run(desk.store.follow(TO, desk.clock()))
            stage.run(told_beside(desk, listener, history, taken, again))
            stage.run(drain(desk.store, listener, taken))
            want = stage.run(shown(desk.store, "D1", "D2"))
            assert {one: listener.ledger(one) for one in want} == want
            assert of_listener(listener) == of_store(database)
            assert database.one("select count(*) from events") == 0

        holds()


async def some_of_everything(desk: Desk) -> dict[str, str]:
    """Something of every kind that can happen to dossiers; what came of it, by a name."""
    first = await desk.accept("a", state("a"), step("s"), code="D1")
    due = await desk.head()
    await desk.settle(due, await desk.begin(due), "delivered", ids={"portal": "P-1"})
    await desk.end("in_doubt", code="no_answer")
    doubted = await desk.head()
    await desk.settle(doubted, doubted.attempt_id, "again", next_at=desk.clock())
    await desk.end("dead", code="E1")
    letter = delivery_of(first, 1)
    await desk.replay(letter)
    await desk.end("dead", code="E1")
    await desk.discard(letter)
    kept = await desk.accept("b", kept="not_in_table", code="D2")
    await desk.discard(kept["arrival"])
    mended = await desk.accept("c", kept="not_in_table", code="D1")
    assert (await release(desk, mended["arrival"]))["state"] == "accepted"
    await desk.accept("new", state("new", match(coalesce=True), version=7), code="D3")
    await desk.accept("newer", state("newer", match(coalesce=True), version=8), code="D3")
    old = await desk.accept("old", state("old", version=3), code="D3")
    assert old["state"] == "superseded"
    await desk.accept("told", code="D3", sender="ministry", origin="portal")
    return {"replayed": mended["arrival"], "superseded": old["arrival"]}


CODES = ("D1", "D2", "D3")


async def test_every_kind_is_told(desk: Desk, database: Any) -> None:
    """Each type of event at least once, and the listener's states are the store's."""
    await desk.store.follow(TO, desk.clock())
    done = await some_of_everything(desk)
    gone = (await desk.accept("gone", code="D4"))["arrival"]
    await desk.drain()
    assert await desk.store.erase_dossier("D4", actor="lan", why="asked", now=desk.clock()) == 1
    listener = await drain(desk.store, Listener())
    await same_ledger(desk.store, listener, *CODES)
    assert of_listener(listener) == of_store(database)
    assert listener.erased == {gone}
    assert listener.arrivals[done["replayed"]] == "accepted" and listener.arrivals[done["superseded"]] == "superseded"
    assert set(listener.heard) == set(TELLS)


async def test_only_what_was_told_is_erased(desk: Desk) -> None:
    """A repeat in another place is on record without body and without event: its erasure is none."""
    await desk.store.follow(TO, desk.clock())
    first, _ = await desk.store.accept(plan(desk.store, desk.clock, "A", key="a:1", else_key="a:1"))
    _, repeated = await desk.store.accept(plan(desk.store, desk.clock, "A", key="b:1", else_key="b:1"))
    await desk.drain()
    assert repeated and await desk.store.erase_dossier("D1", actor="lan", why="asked", now=desk.clock()) == 2
    assert (await drain(desk.store, Listener())).erased == {first["arrival"]}


async def test_what_was_there_before_is_told(desk: Desk, database: Any) -> None:
    """Switched on later: names and cells of every dossier, beside what happens meanwhile; nothing was written before."""
    done = await some_of_everything(desk)
    assert done and database.one("select count(*) from events") == 0
    await desk.store.follow(TO, desk.clock())
    listener = Listener()
    while await desk.store.copy_events(1):
        await desk.accept(f"live {len(listener.heard)} {listener.heard.total()}", code="D2")
        await publish(desk.store, listener, 3)
    await drain(desk.store, listener)
    await same_ledger(desk.store, listener, *CODES)
    assert of_listener(listener)["codes"] == of_store(database)["codes"]


async def test_a_doubt_is_told_once(desk: Desk) -> None:
    """However often the partner that is asked about it does not answer."""
    await desk.store.follow(TO, desk.clock())
    await desk.accept("a")
    await desk.end("in_doubt", code="no_answer")
    for _ in range(3):
        doubted = await desk.head()
        assert await desk.settle(doubted, doubted.attempt_id, "in_doubt", code="unreachable", next_at=desk.clock())
    doubted = await desk.head()
    await desk.settle(doubted, doubted.attempt_id, "delivered")
    listener = await drain(desk.store, Listener())
    assert listener.heard["delivery.in_doubt"] == 1 and listener.heard["delivery.delivered"] == 1


async def test_what_is_too_large_is_not_read(desk: Desk) -> None:
    """A page of events about large messages takes no more memory than one about small ones."""
    await desk.store.follow(TO, desk.clock())
    large = '{"x":"' + "x" * 4_000_000 + '"}'
    for number in range(5):
        await desk.accept(large, code=f"D{number}")
    await desk.accept('{"x":"small"}', code="small")
    tracemalloc.start()
    try:
        found = await desk.store.events(500, with_bodies=True)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    told = [json.loads(one.data) for _, one in found if one.type == "message.accepted"]
    assert [one.get("body_left_out") for one in told] == ["too_large"] * 5 + [None] and told[-1]["body"] == {"x": "small"}
    assert peak < 4_000_000


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)  # SQLite's write lock lets nobody in
async def test_a_kept_arrival_is_discarded_under_the_lock_of_its_dossier(desk: Desk, database: Any) -> None:
    """Whoever translates it again holds the dossier first too: neither undoes the other, and neither waits for the other's
    second lock."""
    await desk.store.follow(TO, desk.clock())
    kept = await desk.accept("a", kept="not_in_table", code="D1")
    engine = create_engine(parse_url(database.url), poolclass=NullPool)
    with engine.begin() as other:
        other.execute(text("select id from dossiers where id = :one for update"), {"one": kept["dossier"]})
        going = asyncio.create_task(desk.discard(kept["arrival"]))
        waiting = text("select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()")
        for _ in range(200):
            if other.execute(waiting).scalar():
                break
            await asyncio.sleep(0.01)
        else:
            pytest.fail("it does not wait for the dossier")
        other.execute(text("select id from arrivals where id = :one for update nowait"), {"one": kept["arrival"]})
    await going
    listener = await drain(desk.store, Listener())
    assert listener.arrivals == {kept["arrival"]: "discarded"}


async def test_telling_goes_on_after_a_restart(desk: Desk, opened: Any, database: Any) -> None:
    """The store is closed in the middle of telling what was there: another goes on with the same, and leaves nothing out."""
    for number in range(5):
        await desk.accept("a", code=f"D{number}")
    listener = Listener()
    await desk.store.follow(TO, desk.clock())
    await desk.store.copy_events(2)
    await publish(desk.store, listener, 3)
    await desk.store.close()
    async with opened(exclusive=True) as again:
        assert await again.follow(TO, desk.clock()) == 0
        await drain(again, listener)
        await same_ledger(again, listener, *(f"D{number}" for number in range(5)))
    assert listener.heard["dossier.named"] == 5, "each dossier once"


async def test_off_drops_what_waits_and_writes_nothing(desk: Desk, database: Any) -> None:
    """Switched off, elsewhere, and on again: a listener at the new place knows all, the old one heard what it heard."""
    await desk.store.follow(TO, desk.clock())
    await desk.accept("a", code="D1")
    waiting = database.one("select count(*) from events")
    assert waiting and await desk.store.follow(None, desk.clock()) == waiting
    await desk.accept("b", code="D1")
    assert database.one("select count(*) from events") == 0 and await desk.store.unpublished() is None
    with pytest.raises(NotAllowed):
        await desk.store.tell_again(actor="lan", why="x", now=desk.clock())
    await desk.store.follow(TO, desk.clock())
    first = await drain(desk.store, Listener())
    await desk.accept("c", code="D1")
    assert await desk.store.follow("elsewhere", desk.clock()) > 0
    second = await drain(desk.store, Listener())
    await same_ledger(desk.store, second, "D1")
    await desk.store.follow(TO, desk.clock())
    await drain(desk.store, first)
    await same_ledger(desk.store, first, "D1")


async def test_told_again_after_a_failure_and_after_a_restore(
    desk: Desk, clock: FakeClock, tmp_path: Any, postgres: Any, database: Any
) -> None:
    """What was published and not forgotten, before a new count began, comes again under its own number: heard once."""
    await desk.store.follow(TO, clock())
    await desk.store.copy_events(1)
    await desk.accept("a", code="D1")
    listener = Listener()
    assert await publish(desk.store, listener, forget=False) > 3
    back_up(database.url, tmp_path / "backup", clock)
    await desk.store.tell_again(actor="lan", why="a new listener", now=clock())
    await desk.accept("b", code="D1")
    await drain(desk.store, listener)
    assert listener.heard["message.accepted"] == 2 and listener.heard["arrival.accepted"] == 2
    async with restored(database, clock, tmp_path / "backup", postgres, "told_again") as other:
        await drain(other, listener)
        await same_ledger(other, listener, "D1")
    assert listener.heard["message.accepted"] == 2, "none of them is new"


async def test_a_clock_that_was_set_back(desk: Desk, clock: FakeClock) -> None:
    """Switched off and on again while the clock is an hour behind: who listened before hears what is new."""
    await desk.accept("a", code="D1")
    await desk.store.follow(TO, clock())
    listener = await drain(desk.store, Listener())
    await desk.store.follow(None, clock())
    clock.now -= 3_600_000_000
    await desk.accept("b", code="D1")
    await desk.store.follow(TO, clock())
    await drain(desk.store, listener)
    await same_ledger(desk.store, listener, "D1")


async def test_a_shell_writes_into_the_stream_too(desk: Desk, opened: Any, database: Any) -> None:
    """Another process' store goes by the same switch."""
    letter = delivery_of(await desk.accept("a", code="D1"))
    await desk.end("dead")
    await desk.store.follow(TO, desk.clock())
    listener = await drain(desk.store, Listener())
    async with opened() as shell:
        await shell.discard(letter, actor="lan", why="was a test", now=desk.clock())
    database.sql("update ledger set open = 9")
    async with opened() as shell:
        assert await shell.rebuild_ledger() == 1
    await drain(desk.store, listener)
    await same_ledger(desk.store, listener, "D1")
    assert listener.deliveries[letter] == "discarded"


async def test_rebuilding_beside_a_busy_hub(desk: Desk, opened: Any, database: Any) -> None:
    """A shell mends damaged cells again and again, and a lost one, while the hub works: all of it is told, in order."""
    await desk.store.follow(TO, desk.clock())
    listener = Listener()

    async def busy() -> None:
        for n in range(10):
            await asyncio.gather(*(desk.accept(f"{n}", code=f"D{one}") for one in range(4)))
            for due in await desk.heads():
                await desk.settle(due, await desk.begin(due), "delivered")

    def deadlocks() -> Any:
        return database.one("select deadlocks from pg_stat_database where datname = current_database()")

    before = deadlocks() if database.kind == "postgresql" else None
    async with opened() as shell:
        work = asyncio.create_task(busy())
        while not work.done():
            await asyncio.to_thread(database.sql, "delete from ledger where dossier_id = (select max(id) from dossiers)")
            await shell.rebuild_ledger()
            await publish(desk.store, listener, 7)
        await work
        if database.kind == "postgresql":
            assert deadlocks() == before, "each stops the hub's writer for a second"
        database.sql("delete from ledger where dossier_id in (select dossier_id from aliases where code = 'D1')")
        await shell.rebuild_ledger()
    await drain(desk.store, listener)
    await same_ledger(desk.store, listener, *(f"D{one}" for one in range(4)))


async def test_after_a_restore(desk: Desk, clock: FakeClock, tmp_path: Any, database: Any, postgres: Any) -> None:
    """The hub went on after its backup, and was lost: the listener's ledger becomes that of the restored one, where a cell
    that came after the backup is no more."""
    await desk.store.follow(TO, clock())
    await some_of_everything(desk)
    listener = await drain(desk.store, Listener())
    await desk.accept("before", code="D1")
    back_up(database.url, tmp_path / "backup", clock)
    await desk.accept("after", state("after", match(), match("to-tax", "tax")), code="D1")
    for due in await desk.heads():
        await desk.settle(due, await desk.begin(due), "delivered")
    await drain(desk.store, listener)
    await same_ledger(desk.store, listener, *CODES)
    async with restored(database, clock, tmp_path / "backup", postgres, "restored_stream") as other:
        assert await other.follow(TO, clock()) == 0
        await Desk(other, clock).accept("new", code="D2")
        await drain(other, listener)
        await same_ledger(other, listener, *CODES)


@contextlib.asynccontextmanager
async def restored(database: Any, clock: FakeClock, backup: Path, postgres: Any, name: str) -> AsyncIterator[SqlStore]:
    """The backup in a new database of the same kind."""
    url = f"sqlite:///{backup.parent / name}.db" if database.kind == "sqlite" else postgres.create(name)
    restore(backup, url, ["portal", TO], clock, actor="lan")
    made = SqlStore(url, clock)
    await made.open(exclusive=True)
    try:
        yield made
    finally:
        await made.close()
