"""Many hubs of the tests begin with an empty SQLite file: a process migrates one, and the others begin as copies of it.

Any other database is migrated as always. The store's own tests, and hubs that are started as their users start them, never see
this.
"""

from __future__ import annotations

import contextlib
import sqlite3
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

from sqlalchemy import Connection, Engine

import hub.store.sql
from hub.store.engine import open_engine, parse_url
from hub.store.migrate import migrate


@cache
def _migrated() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "hub.db"
        engine = open_engine(parse_url(f"sqlite:///{file}"), writer=True)
        migrate(engine)
        engine.dispose()
        with contextlib.closing(sqlite3.connect(file)) as made:
            made.execute("pragma journal_mode = delete")  # SQLite takes no other out of bytes
            return made.serialize()


def _migrate(engine: Engine, first: Callable[[Connection], None] | None = None) -> None:
    """As ``migrate``."""
    if engine.dialect.name == "sqlite":
        with contextlib.suppress(sqlite3.Error), contextlib.closing(engine.raw_connection()) as opened:  # migrate will say it
            raw = opened.driver_connection
            assert isinstance(raw, sqlite3.Connection)
            if not raw.execute("select 1 from sqlite_master").fetchone():
                with contextlib.closing(sqlite3.connect(":memory:")) as known:
                    known.deserialize(_migrated())
                    known.backup(raw)
    migrate(engine, first)


def prepare() -> None:
    """Migrate the one file, for all that is forked from this process."""
    _migrated()


def install() -> None:
    """From now on, for every store that this process opens."""
    setattr(hub.store.sql, "migrate", _migrate)  # noqa: B010
