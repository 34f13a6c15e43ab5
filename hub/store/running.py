"""Whether a hub runs on a store, by the lock that only one running hub holds; nothing is changed by looking."""

from __future__ import annotations

import fcntl
from pathlib import Path

from sqlalchemy import Connection, text

from hub.store.engine import _RUNNING_HUB

_HELD = text(
    "select exists (select 1 from pg_locks join pg_database on pg_database.oid = pg_locks.database"
    " where datname = current_database() and locktype = 'advisory' and classid = 0 and objid = :key and granted)"
)


def running(connection: Connection) -> bool:
    """SQLite: the lock file is locked for as long as its hub lives; it is tried and given back at once."""
    if connection.dialect.name == "postgresql":
        return bool(connection.execute(_HELD, {"key": _RUNNING_HUB}).scalar_one())
    try:
        with Path(f"{connection.engine.url.database}.lock").open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False
    return False
