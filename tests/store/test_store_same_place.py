"""Records of files that have no id of their own: the same again in another file is one in effect, and its place is known."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from store_making import FAR, Desk, FakeClock, plan, state, step

from hub.store.sql import SqlStore
from hub.store.values import JsonObject


async def read(desk: Desk, place: str, body: str, *parts: Any, **more: Any) -> tuple[JsonObject, bool]:
    """Hand over the record that stands in this place."""
    return await desk.store.accept(plan(desk.store, desk.clock, body, *parts, key=place, else_key=place, **more))


async def shown(desk: Desk, code: str = "D1") -> list[tuple[str, str]]:
    """Place and state of the dossier's arrivals."""
    found = await desk.store.dossier(code)
    assert found is not None
    return [(one["key"], one["state"]) for one in found["timeline"] if one["event"] == "arrival"]


async def test_the_same_in_another_file_is_one_in_effect(desk: Desk, database: Any) -> None:
    """It is on record with its place and no second copy of its body; nothing is sent again."""
    first, _ = await read(desk, "a:1", "A", state("A"), step("s1"))
    assert await desk.drain() == ["A", "s1"]
    again, repeated = await read(desk, "b:1", "A", state("A"), step("s1"))
    assert repeated and again["arrival"] != first["arrival"] and again["state"] == "accepted"
    assert [(one["id"], one["state"], one["routes"]) for one in again["messages"]] == [
        (one["id"], "known", []) for one in first["messages"]
    ]
    assert await desk.texts() == [] and await shown(desk) == [("a:1", "accepted"), ("b:1", "accepted")]
    for table, expected in (("messages", 2), ("deliveries", 2), ("arrivals", 2)):
        assert database.one(f"select count(*) from {table}") == expected, table
    assert database.one("select count(*) from bodies where id = :one", one=again["arrival"]) == 0
    assert await read(desk, "b:1", "A", state("A"), step("s1")) == (again, True)
    became = await desk.store.became(str(again["arrival"]), "portal")
    assert became is not None and [one.state for one in became.reached] == ["delivered", "delivered"]
    assert await desk.store.rebuild_ledger() == 0


async def test_only_the_latest_counts(desk: Desk) -> None:
    """What went back to an earlier state did change; another sender's, schema's or dossier's record says nothing."""
    for place, body in (("a:1", "A"), ("b:1", "A"), ("c:1", "B"), ("d:1", "A"), ("e:1", "A"), ("f:1", "B")):
        await read(desk, place, body)
    assert await desk.drain() == ["A", "B", "A", "B"]
    assert not (await read(desk, "g:1", "B", sender="land"))[1]
    assert not (await read(desk, "h:1", "B", names=(("national", "D2"),)))[1]


async def test_an_id_of_its_own_is_another_record(desk: Desk) -> None:
    """Who gives a record an id says by it that it is another one."""
    await desk.accept("A", key="1")
    _, repeated = await desk.store.accept(plan(desk.store, desk.clock, "A", key="2", else_key="b:1"))
    assert not repeated and await desk.drain() == ["A", "A"]


async def test_a_file_that_is_read_again_after_a_kill(desk: Desk) -> None:
    """[A, B] where A is the same as before: read again from its beginning, A does not come behind B."""
    await read(desk, "old:1", "A")
    for _ in range(2):
        for place, body in (("new:1", "A"), ("new:2", "B")):
            await read(desk, place, body)
    assert await desk.drain() == ["A", "B"]


async def test_the_same_as_one_that_is_kept(desk: Desk) -> None:
    """It makes no second dead letter, stays known by its place, and comes to nothing with the first or goes on with it."""
    kept, _ = await read(desk, "a:1", "A", kept="no_row")
    for _ in range(2):
        assert await read(desk, "b:1", "A", kept="no_row") == (kept, True)
    assert [one["arrival"] for one in await desk.store.dead()] == [kept["arrival"]]
    assert await shown(desk) == [("a:1", "kept"), ("b:1", "discarded")]
    await desk.discard(str(kept["arrival"]))
    third, repeated = await read(desk, "c:1", "A")
    assert not repeated and third["state"] == "accepted" and await desk.drain() == ["A"]


async def test_what_is_on_record_without_a_body(desk: Desk) -> None:
    """Retention, the sender's day, a page of arrivals and a dossier's erasure all pass over the body that is not there."""
    await read(desk, "a:1", "A")
    again, _ = await read(desk, "b:1", "A")
    await desk.drain()
    assert await desk.store.sent_since("one-stop", 0) == (2, 1)
    found = await desk.store.arrival(str(again["arrival"]))
    assert found is not None and found["receipt"] == again and found["messages"] == []
    assert len(await desk.store.kept_arrivals(str(again["arrival"]))) == 0
    old = await desk.store.erasable(FAR, None, 10)
    assert len(old) == 1 and await desk.store.erase(old, FAR, desk.clock()) == 1
    _, repeated = await read(desk, "c:1", "A")
    assert repeated
    assert await desk.store.erase_dossier("D1", actor="lan", why="asked", now=desk.clock()) == 2


@pytest.fixture(scope="module")
def folder() -> Any:
    with tempfile.TemporaryDirectory() as made:
        yield Path(made)


_FILES = st.lists(st.lists(st.tuples(st.sampled_from("12"), st.sampled_from("AB")), max_size=4), max_size=5)


@settings(max_examples=40, deadline=None)
@given(files=_FILES, kills=st.lists(st.integers(0, 6), max_size=4))
def test_what_is_sent_is_what_changed(
    sqlite_template: Path, folder: Path, files: list[list[tuple[str, str]]], kills: list[int]
) -> None:
    """Of any files, however often the reader is killed in the midst of one: each dossier's states as they changed."""
    import asyncio
    import uuid

    async def play() -> None:
        clock = FakeClock()
        file = shutil.copy(sqlite_template, folder / f"{uuid.uuid4().hex}.db")
        store = SqlStore(f"sqlite:///{file}", clock)
        await store.open(exclusive=True)
        try:
            desk = Desk(store, clock)
            for number, records in enumerate(files):
                stops = [kills[number], len(records)] if number < len(kills) else [len(records)]
                for stop in stops:
                    for line, (code, body) in enumerate(records[:stop]):
                        await read(desk, f"{number}:{line}", body, names=(("national", code),))
            for code in "12":
                told = [body for records in files for one, body in records if one == code]
                changed = [body for at, body in enumerate(told) if at == 0 or told[at - 1] != body]
                heads = [due for due in await desk.heads() if due.aliases["national"] == code]
                sent = []
                while heads:
                    (due,) = heads
                    assert await desk.settle(due, await desk.begin(due), "delivered")
                    sent.append(due.body.decode())
                    heads = [one for one in await desk.heads() if one.aliases["national"] == code]
                assert sent == changed
        finally:
            await store.close()

    asyncio.run(play())
