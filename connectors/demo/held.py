"""What the hub holds at the end of a demo: an operator's queries on its store, read only."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from connectors.demo.check_events import Held

_BECAME = {
    "dossier": "select dossier_id || ' ' || system || ' ' || code, 'named' from aliases",
    "arrival": "select id, state from arrivals",
    "message": "select id, 'accepted' from messages",
    "delivery": "select id, state from deliveries",
}


def held(home: Path) -> Held:
    """The ledger of the hub of this home, and what became of everything that came in and went out."""
    with closing(store_of(home)) as store:
        became = {(what, name): state for what, query in _BECAME.items() for name, state in store.execute(query)}
        store.row_factory = sqlite3.Row
        rows = [dict(row) for row in store.execute("select * from ledger")]
    return Held({(row["dossier_id"], row["endpoint"], row["stream"]): row for row in rows}, became)


def store_of(home: Path) -> sqlite3.Connection:
    """The hub's store, which cannot be written by this connection."""
    return sqlite3.connect(f"file:{home / 'var' / 'hub.db'}?mode=ro", uri=True)
