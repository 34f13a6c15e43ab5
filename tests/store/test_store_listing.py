"""Lists of what one sender sent: filters, windows of time, pages; by an index, and never more than so many rows looked at."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.dialects.sqlite import dialect
from store_making import Desk

from hub.message import SchemaRef
from hub.store import listing
from hub.store.sql import SqlStore
from hub.store.values import Window

DAY = 86_400_000_000
NOON = 1_795_000_000_000_000
NONE: dict[str, None] = dict.fromkeys(("kept", "waiting", "dead", "behind"))


def made_at(micros: int, number: int = 0) -> str:
    """The id of an arrival that was made then."""
    digits = f"{micros // 1000:012x}"
    return f"{digits[:8]}-{digits[8:]}-7000-8000-{number:012x}"


async def arrivals(store: SqlStore, sender: str = "one-stop", limit: int = 100, **asked: Any) -> Any:
    filters = {"state": asked.pop("state", None), "schema": asked.pop("schema", None)}
    return await store.arrivals_of(Window(sender, limit, **asked), **filters)


async def dossiers(store: SqlStore, sender: str = "one-stop", limit: int = 100, **asked: Any) -> Any:
    flags = {name: asked.pop(name, None) for name in NONE}
    return await store.dossiers_of(Window(sender, limit, **asked), **flags)


def ids(page: Any) -> list[str]:
    return [one["arrival"] for one in page["items"]]


def codes(page: Any) -> list[str]:
    return [one["codes"][0]["code"] for one in page["items"]]


async def test_arrivals_newest_first_and_only_ones_own(desk: Desk, store: SqlStore) -> None:
    """Another sender's arrivals are in none of its pages, of the same dossier either."""
    mine = [(await desk.accept(f"m{n}", id=made_at(NOON, n)))["arrival"] for n in range(3)]
    await desk.accept("theirs", sender="other", id=made_at(NOON, 9))
    page = await arrivals(store)
    assert ids(page) == mine[::-1]
    assert page["next"] is None
    assert {one["sender"] for one in page["items"]} == {"one-stop"}
    assert ids(await arrivals(store, "nobody")) == []


async def test_pages_follow_each_other_without_gap_or_repetition(desk: Desk, store: SqlStore) -> None:
    """Also while new ones arrive: those are on the first page, which was read before."""
    mine = [(await desk.accept(f"m{n}", id=made_at(NOON, n)))["arrival"] for n in range(7)]
    seen: list[str] = []
    after: str | None = None
    while True:
        page = await arrivals(store, limit=3, after=after)
        seen += ids(page)
        await desk.accept(f"new {after}", id=made_at(NOON + DAY, len(seen)))
        after = page["next"]
        if after is None:
            break
    assert seen == mine[::-1]


async def test_filters_of_arrivals(desk: Desk, store: SqlStore) -> None:
    """State; schema with its versions, and no other whose name begins so; a window that holds its beginning, not its end."""
    first = await desk.accept("a", code="A", id=made_at(NOON, 1), schema=SchemaRef("one-stop", "1.0.0"))
    kept = await desk.accept("b", code="B", id=made_at(NOON + DAY, 2), kept="no_row", schema=SchemaRef("one-stop", "1.2.0"))
    other = await desk.accept("c", code="C", id=made_at(NOON + 2 * DAY, 3), schema=SchemaRef("one-stop", "10.0.0"))
    first, kept, other = (one["arrival"] for one in (first, kept, other))
    assert ids(await arrivals(store, state="kept")) == [kept]
    assert ids(await arrivals(store, state="discarded")) == []
    assert ids(await arrivals(store, schema=SchemaRef("one-stop", "1"))) == [kept, first]
    assert ids(await arrivals(store, schema=SchemaRef("one-stop", "1.2"))) == [kept]
    assert ids(await arrivals(store, schema=SchemaRef("one-stop", "10.0.0"))) == [other]
    assert ids(await arrivals(store, schema=SchemaRef("one", "1"))) == []
    assert ids(await arrivals(store, since=NOON + DAY)) == [other, kept]
    assert ids(await arrivals(store, until=NOON + DAY)) == [first]
    assert ids(await arrivals(store, since=NOON, until=NOON + 2 * DAY, state="kept")) == [kept]
    assert ids(await arrivals(store, since=-DAY, until=0)) == []


async def test_dossiers_by_their_newest_arrival(desk: Desk, store: SqlStore) -> None:
    """Once each, with their names; of a dossier of two senders each sees its own newest arrival."""
    await desk.accept("a1", code="A", id=made_at(NOON, 1))
    await desk.accept("b1", code="B", id=made_at(NOON, 2), names=(("national", "B"), ("land", "77")))
    last = (await desk.accept("a2", code="A", id=made_at(NOON, 3)))["arrival"]
    theirs = (await desk.accept("a3", code="A", id=made_at(NOON, 4), sender="other"))["arrival"]
    page = await dossiers(store)
    assert codes(page)[0] == "A"
    assert page["items"][0]["last_arrival"]["arrival"] == last
    assert {(one["system"], one["code"]) for one in page["items"][1]["codes"]} == {("national", "B"), ("land", "77")}
    (shared,) = (await dossiers(store, "other"))["items"]
    assert shared["last_arrival"]["arrival"] == theirs
    one = await dossiers(store, limit=1)
    assert codes(one) == ["A"]
    assert [item["codes"] for item in (await dossiers(store, limit=1, after=one["next"]))["items"]] == [
        page["items"][1]["codes"]
    ]
    assert len((await dossiers(store, until=NOON))["items"]) == 0


async def test_flags_of_dossiers(desk: Desk, store: SqlStore) -> None:
    """waiting: not final, dead too; behind: the partner lacks the last; kept: one of this sender's is kept. Each way round."""
    await desk.accept("done", code="DONE", id=made_at(NOON, 1))
    await desk.end("delivered")
    await desk.accept("refused", code="DEAD", id=made_at(NOON, 2))
    await desk.end("dead", code="no")
    await desk.accept("pending", code="NEW", id=made_at(NOON, 3))
    await desk.accept("k", code="KEPT", id=made_at(NOON, 4), kept="no_row")
    told = {one["codes"][0]["code"]: {name for name in NONE if one[name]} for one in (await dossiers(store))["items"]}
    assert told == {
        "DONE": set(), "DEAD": {"waiting", "dead", "behind"}, "NEW": {"waiting", "behind"}, "KEPT": {"kept"},
    }  # fmt: skip
    for name in NONE:
        assert set(codes(await dossiers(store, **{name: True}))) == {code for code, flags in told.items() if name in flags}
        assert set(codes(await dossiers(store, **{name: False}))) == {code for code, flags in told.items() if name not in flags}
    assert codes(await dossiers(store, waiting=True, dead=False)) == ["NEW"]


async def test_a_dead_head_is_waiting(desk: Desk, store: SqlStore) -> None:
    """The dossier's own view lists it with what waits behind it."""
    await desk.accept("one", code="D1")
    await desk.end("dead", code="no")
    shown = await store.dossier("D1")
    assert shown is not None
    assert [(one["state"], one["code"]) for one in shown["waiting"]] == [("dead", "no")]


async def test_a_rare_thing_is_looked_for_in_steps(desk: Desk, store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page never looks at more than so many arrivals; empty pages lead on to the one that fits."""
    monkeypatch.setattr(listing, "LOOKED_AT", 4)
    await desk.accept("rare", code="RARE", id=made_at(NOON, 0), kept="no_row")
    for n in range(1, 10):
        await desk.accept(f"m{n}", code=f"C{n}", id=made_at(NOON, n))
    for read in (
        lambda after: arrivals(store, state="kept", after=after),
        lambda after: dossiers(store, kept=True, after=after),
    ):
        sizes: list[int] = []
        after: str | None = None
        while True:
            page = await read(after)
            sizes.append(len(page["items"]))
            after = page["next"]
            if after is None:
                break
        assert sizes == [0, 0, 1]


async def test_lists_go_by_the_senders_index(sqlite: Any) -> None:
    """What a page looks at is found by the index of sender and id, in its order: no table is read whole, nothing is sorted."""
    query = select(listing._window(Window("one-stop", 9, since=NOON, until=NOON + DAY, after=made_at(NOON))))
    statement = query.compile(dialect=dialect(), compile_kwargs={"literal_binds": True})
    plan = str(sqlite.sql(f"explain query plan {statement}".replace(":", "\\:")))
    assert "SEARCH arrivals USING INDEX ix_arrivals_sender (sender=? AND id>? AND id<?)" in plan
    assert "SCAN arrivals" not in plan and "TEMP B-TREE" not in plan
