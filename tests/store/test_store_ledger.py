"""The ledger is a projection: what is kept up to date with each step equals what is computed from all deliveries, and from all
messages that partners told."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from store_history import staged
from store_making import Desk, delivery_of, match, state, step

from hub.store.values import JsonObject, RouteMatch

ENDPOINTS = ("portal", "tax")
ROUTES = {"portal": ("to-portal", "second-view"), "tax": ("to-tax",)}
dossiers = st.sampled_from(["D1", "D2"])
endpoints = st.sampled_from(ENDPOINTS)


@st.composite
def routes(draw: st.DrawFn) -> tuple[RouteMatch, ...]:
    """What routing says of each route: taken or not, coalescing or not."""
    return tuple(
        match(route, endpoint, matched=draw(st.booleans()), coalesce=draw(st.booleans()))
        for endpoint in ENDPOINTS
        for route in ROUTES[endpoint]
    )


acts = st.one_of(
    st.tuples(st.just("accept"), dossiers, st.booleans(), st.sampled_from([None, 1, 2, 3]), routes()),
    st.tuples(st.just("told"), dossiers, endpoints, st.booleans(), st.sampled_from([None, 1, 2, 3]), routes()),
    st.tuples(st.just("kept"), dossiers),
    st.tuples(st.just("start"), endpoints, st.integers(0, 3)),
    st.tuples(st.just("settle"), st.integers(0, 9), st.sampled_from(["delivered", "again", "in_doubt", "dead"])),
    st.tuples(st.just("settle"), st.integers(0, 9), st.sampled_from(["delivered", "dead"])),
    st.tuples(st.just("untranslatable"), endpoints),
    st.tuples(st.just("replay"), st.integers(0, 9)),
    st.tuples(st.just("discard"), st.integers(0, 9)),
    st.tuples(st.just("backfill"), endpoints, st.booleans(), st.booleans()),
)


async def live_through(desk: Desk, history: list[Any]) -> None:
    """Do these acts, each on whatever there is for it at that moment."""
    under_way: list[tuple[Any, str]] = []
    for number, (act, *given_) in enumerate(history):
        if act == "accept":
            code, full, version, taken = given_
            part = state(f"{number}", *taken, version=version) if full else step(f"{number % 4}", *taken)
            await desk.accept(f"{number}", part, code=code)
        elif act == "told":
            code, origin, full, version, taken = given_
            part = state(f"{number}", *taken, version=version) if full else step(f"{number % 4}", *taken)
            await desk.accept(f"{number}", part, code=code, sender=origin, origin=origin)
        elif act == "kept":
            kept = await desk.accept(f"{number}", kept="not_in_table", code=given_[0])
            await desk.discard(kept["arrival"])
        elif act == "start":
            heads = [due for due in await desk.heads(given_[0]) if due.state == "pending"]
            if heads:
                due = heads[given_[1] % len(heads)]
                under_way.append((due, await desk.begin(due)))
        elif act == "settle" and under_way:
            due, attempt = under_way[given_[0] % len(under_way)]
            if given_[1] != "in_doubt":
                under_way.remove((due, attempt))
            assert await desk.settle(due, attempt, given_[1], next_at=desk.clock(), counted=True)
        elif act == "untranslatable":
            for due in (await desk.heads(given_[0]))[:1]:
                await desk.settle(due, None, "dead")
        elif act in ("replay", "discard"):
            dead = [one for one in await desk.store.dead() if one["kind"] == "delivery"]
            if dead:
                one = dead[given_[0] % len(dead)]["delivery"]
                await (desk.replay(one) if act == "replay" else desk.discard(one))
        elif act == "backfill":
            endpoint, steps, coalesce = given_
            stream = "dossier-progress" if steps else "dossier"
            for route in ROUTES[endpoint]:
                lacking = await desk.store.messages_without(route, stream, None, 10)
                filled = [(one["id"], match(route, endpoint, coalesce=coalesce)) for one in lacking]
                await desk.store.backfill(filled, desk.clock())


async def ledger(desk: Desk) -> list[JsonObject]:
    """Every cell, as the faces see it."""
    found = [await desk.store.dossier(code) for code in ("D1", "D2")]
    return [cell for one in found if one is not None for cell in one["ledger"]]


def test_the_live_ledger_equals_the_computed_one_after_any_history(database: Any) -> None:
    """``rebuild_ledger`` finds nothing to change, whatever happened before, and changes nothing."""
    with staged(database) as stage:

        @settings(max_examples=25, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
        @given(st.lists(acts, min_size=5, max_size=30))
        def holds(history: list[Any]) -> None:
            desk = stage.wipe()
            stage.run(live_through(desk, history))
            before = stage.run(ledger(desk))
            assert stage.run(desk.store.rebuild_ledger()) == 0
            assert stage.run(ledger(desk)) == before

        holds()


@pytest.mark.parametrize(
    "damage",
    [
        "update ledger set open = open + 1 where stream = 'dossier'",
        "update ledger set sent_seq = null, sent_at = null, sent_message = null where stream = 'dossier'",
        "update ledger set doubted = not doubted where stream = 'dossier'",
        "update ledger set routed_at = routed_at + 1 where stream = 'dossier'",
        "delete from ledger where stream = 'dossier'",
        "update ledger set endpoint = 'elsewhere' where stream = 'dossier'",
        "update ledger set heard_seq = null, heard_at = null, heard_message = null where stream = 'dossier'",
        "update ledger set heard_at = heard_at + 1 where stream = 'dossier'",
    ],
)
async def test_a_damaged_cell_is_found_and_mended(desk: Desk, database: Any, damage: str) -> None:
    """The number of wrong cells is returned, the cells are as they were, and a second rebuild finds nothing."""
    await desk.accept("a", state("a"), step("s"))
    await desk.end()
    await desk.accept("b")
    await desk.accept("c", sender="ministry", origin="portal")
    whole = await ledger(desk)
    database.sql(damage)
    moved = "elsewhere" in damage
    assert await desk.store.rebuild_ledger() == (2 if moved else 1)
    assert await ledger(desk) == whole
    assert await desk.store.rebuild_ledger() == 0


async def test_a_lost_cell_holds_nothing_back(desk: Desk, database: Any) -> None:
    """Deliveries go on although the projection lost the dossier's cell."""
    await desk.accept("a")
    database.sql("delete from ledger")
    assert await desk.drain() == ["a"]
    await desk.store.rebuild_ledger()
    assert (await ledger(desk))[0]["sent_seq"] == 1


async def test_the_cell_says_what_the_partner_knows(desk: Desk) -> None:
    """Routed, sent, open, dead and lag, per endpoint and stream; lag is gone when the newest was taken."""
    await desk.accept("a", state("a"), step("s"))
    receipt = await desk.accept("b")
    await desk.end()
    steps, states = sorted(await ledger(desk), key=lambda one: one["stream"], reverse=True)
    assert (steps["stream"], steps["routed_seq"], steps["open"], steps["behind"]) == ("dossier-progress", 2, 1, True)
    assert (states["routed_seq"], states["sent_seq"], states["open"], states["dead"]) == (3, 1, 1, 0)
    await desk.end()
    await desk.end("dead")
    assert [one["dead"] for one in await ledger(desk) if one["stream"] == "dossier"] == [1]
    await desk.replay(delivery_of(receipt))
    await desk.drain()
    for cell in await ledger(desk):
        assert cell["open"] == cell["dead"] == 0 and "behind" not in cell


async def test_rebuilding_beside_a_busy_hub_loses_nothing(desk: Desk, opened: Any) -> None:
    """A shell rebuilds again and again while the hub accepts and settles: afterwards the ledger is right."""

    async def busy() -> None:
        for n in range(10):
            await desk.accept(f"{n}", code=f"D{n % 4}")
            await desk.accept(f"told {n}", code=f"D{n % 4}", sender="ministry", origin="portal")
            for due in await desk.heads():
                await desk.settle(due, await desk.begin(due), "delivered")

    async with opened() as shell:
        work = asyncio.create_task(busy())
        while not work.done():
            await shell.rebuild_ledger()
            await asyncio.sleep(0)
        await work
    assert await desk.store.rebuild_ledger() == 0
