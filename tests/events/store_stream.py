"""A stream read straight from the store, as the hub that publishes reads it, and what the store itself shows."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence
from typing import Any

from events.listener import PLACE, PREFIX, Cell, Listener
from hub.event import Event
from hub.store.port import Store

TO = "stream"
"""The endpoint that the stream goes to."""


def tell(listener: Listener, events: Sequence[Event]) -> None:
    """The records that the events become, as a listener gets them."""
    for one in events:
        named = {"ce_subject": one.dossier, "ce_sequence": one.sequence, "ce_type": f"{PREFIX}{one.type}"}
        listener.hear(named, one.data)


async def publish(store: Store, listener: Listener, most: int = 500, *, forget: bool = True) -> int:
    """One call of the publisher; without ``forget`` it failed when the listener had heard it. How many there were."""
    found = await store.events(most, with_bodies=False)
    tell(listener, [event for _, event in found])
    if found and forget:
        await store.published([number for number, _ in found])
    return len(found)


async def drain(store: Store, listener: Listener, pages: Sequence[tuple[int, bool]] = ((500, True),)) -> Listener:
    """Copy what the stream began with and publish all, in pages of such sizes of which some come again."""
    for most, forget in itertools.cycle([*pages, (500, True)]):
        copying = await store.copy_events(1)
        if not await publish(store, listener, most, forget=forget) and not copying:
            return listener
        await asyncio.sleep(0)
    raise AssertionError


def cells(shown: Sequence[Cell]) -> dict[tuple[str, str], Cell]:
    """The ledger of one dossier, as a face of the hub shows it, the listener's way."""
    return {
        (one["endpoint"], one["stream"]): {name: value for name, value in one.items() if name not in PLACE} for one in shown
    }


def of_store(database: Any) -> dict[str, Any]:
    """States of deliveries and arrivals, and names of dossiers, as they stand in the tables; a claim is one that waits."""
    deliveries = dict(database.sql("select id, state from deliveries"))
    return {
        "deliveries": {one: "pending" if state == "claimed" else state for one, state in deliveries.items()},
        "arrivals": dict(database.sql("select id, state from arrivals")),
        "codes": sorted(database.sql("select dossier_id, system, code from aliases")),
        "messages": sorted(one for (one,) in database.sql("select id from messages")),
    }


def of_listener(listener: Listener) -> dict[str, Any]:
    return {
        "deliveries": listener.deliveries,
        "arrivals": listener.arrivals,
        "codes": sorted((dossier, *one) for dossier, codes in listener.codes.items() for one in codes),
        "messages": sorted(listener.messages),
    }


async def shown(store: Store, *codes: str) -> dict[str, dict[tuple[str, str], Cell]]:
    """Dossier → its ledger, of those dossiers that there are."""
    found = [await store.dossier(code) for code in codes]
    return {one["dossier"]: cells(one["ledger"]) for one in found if one is not None}


def heard(listener: Listener, *dossiers: str) -> dict[str, dict[tuple[str, str], Cell]]:
    return {one: listener.ledger(one) for one in dossiers}


async def same_ledger(store: Store, listener: Listener, *codes: str) -> None:
    """The listener's ledger is the store's, cell for cell."""
    want = await shown(store, *codes)
    assert want and heard(listener, *want) == want
