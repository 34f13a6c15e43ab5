"""Questions to registries on record: written before they are asked, completed once, found by officer, endpoint and time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from store_making import FAR, Desk, FakeClock

from hub.message import new_id
from hub.store.retention import purge
from hub.store.sql import SqlStore
from hub.store.values import Lookup


def lookup(clock: FakeClock, **changed: Any) -> Lookup:
    whole: dict[str, Any] = {
        "id": new_id(), "at": clock(), "key": "desk", "officer": "cb-0001", "purpose": "checked at reception",
        "procedure": "1.001193", "endpoint": "population", "kind": "look-up", "digest": "d" * 64, "correlation_id": "c" * 32,
    }  # fmt: skip
    return Lookup(**{**whole, **changed})


async def test_it_is_there_before_its_outcome(store: SqlStore, clock: FakeClock) -> None:
    """``asked`` until something is known; then what came of it, why, and how long it took."""
    one = lookup(clock, dossier_id=new_id())
    await store.asked(one)
    (row,) = await store.lookups()
    assert (row["outcome"], row["officer"], row["dossier"]) == ("asked", "cb-0001", one.dossier_id)
    assert "seconds" not in row and "code" not in row
    await store.answered(one.id, "unreachable", "http_503", 1_500_000)
    (row,) = await store.lookups()
    assert (row["outcome"], row["code"], row["seconds"]) == ("unreachable", "http_503", 1.5)


async def test_the_newest_first_by_officer_endpoint_and_time(store: SqlStore, clock: FakeClock) -> None:
    """Each filter alone and all together; no more than asked for."""
    for officer in ("a", "b"):
        for endpoint in ("population", "business"):
            await store.asked(lookup(clock, officer=officer, endpoint=endpoint))
    middle = clock()
    await store.asked(lookup(clock, officer="a", kind="confirm"))

    async def found(**asked: Any) -> list[tuple[str, str]]:
        return [(row["officer"], row["endpoint"]) for row in await store.lookups(**asked)]

    assert (await found())[0] == ("a", "population") and len(await found()) == 5
    assert await found(officer="b") == [("b", "business"), ("b", "population")]
    assert await found(endpoint="business", officer="a") == [("a", "business")]
    assert await found(since=middle) == [("a", "population")]
    assert await found(officer="c") == []
    assert len(await found(limit=2)) == 2


@pytest.mark.parametrize("name", ["officer", "purpose", "procedure", "key", "correlation_id"])
async def test_what_does_not_fit_is_cut_and_never_lost(store: SqlStore, clock: FakeClock, name: str) -> None:
    """Too long, a NUL, half a character: who asked is on record on both databases alike."""
    await store.asked(lookup(clock, **{name: "x" * 90 + "\0\udc80" + "y" * 300}))
    (row,) = await store.lookups()
    assert str(row[name]).startswith("x" * 64 if name == "correlation_id" else "x" * 90)


async def test_retention_decides_nothing_about_it(store: SqlStore, clock: FakeClock, desk: Desk) -> None:
    """Bodies go, the record stays: it holds ids and a digest."""
    await desk.accept("a")
    await desk.end("delivered")
    await store.asked(lookup(clock))
    assert await purge(store, FAR, clock, actor="lan") == 1
    assert len(await store.lookups()) == 1


async def test_a_registry_that_fails_shows_in_the_overview(store: SqlStore, clock: FakeClock) -> None:
    """The newest question without an answer is the endpoint's last failure, until one is answered."""
    first, second = lookup(clock), lookup(clock)
    await store.asked(first)
    await store.answered(first.id, "unreachable", "refused", 10)
    (seen,) = (await store.overview(("population",))).endpoints
    assert seen.last_failure is not None and seen.last_failure.code == "refused"
    await store.asked(second)
    await store.answered(second.id, "not_found", "", 10)
    (seen,) = (await store.overview(("population",))).endpoints
    assert seen.last_failure is None


async def test_a_route_verifies_on_this_database_too(database: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A whole hub on it: waits while the registry is away, then asks, flags and delivers; a replayed dead letter asks again."""
    from flow.parts import send, until
    from lookup import parts
    from lookup.test_verify import record

    from hub.errors import NotConnected

    monkeypatch.syspath_prepend(str(parts.install(tmp_path)))
    text = parts.config().replace("sqlite:///var/hub.db", database.url)
    async with parts.running(tmp_path, text) as desk:

        async def sent(count: int) -> Any:
            delivered = database.one("select count(*) from deliveries where state = 'delivered'")
            return delivered == count

        desk.population.script = lambda query: NotConnected("refused")
        await send(desk.hub, record(), desk.clock)
        await until(lambda: len(desk.population.asked) > 2)
        assert await desk.hub.store.dead() == []
        desk.population.script = lambda query: None
        (letter,) = await until(desk.hub.store.dead)
        assert letter["code"] == "applicant_not_found"
        desk.population.script = None
        await desk.hub.store.replay(letter["delivery"], actor="lan", why="mended", adopt=False, now=desk.clock())
        await until(lambda: sent(2))
        assert desk.portal.calls[0].body["DSKetNoiCSDL"] == [{"MaCSDL": "7"}]
        outcomes = [row["outcome"] for row in await desk.record()]
        assert outcomes[-2:] == ["not_found", "confirmed"] and set(outcomes[:-2]) == {"unreachable"}
