"""Brings the database to the newest revision at start, under a lock, in one transaction per revision."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, inspect, text

from hub.errors import StoreUnavailable

_LOCK = 0x646F7373  # "doss"
_ONE_AT_A_TIME = threading.Lock()
"""Alembic keeps its context in a module, so two databases cannot be migrated at once in one process."""


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    return config


def newest() -> str:
    """The revision this hub is written for."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    assert head is not None
    return head


def known() -> frozenset[str]:
    """Every revision this hub can bring up to its own."""
    return frozenset(one.revision for one in ScriptDirectory.from_config(_config()).walk_revisions())


def migrate(engine: Engine, first: Callable[[Connection], None] | None = None) -> None:
    """Upgrade to the newest revision. Concurrent starts wait for each other: SQLite by its write lock, PostgreSQL by an
    advisory lock. ``first`` runs under the same lock, once the tables are there. Raises StoreUnavailable('newer')
    for a database written by a newer hub."""
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("set local lock_timeout = 0"))
            connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        now = current(connection)
        if now != newest():
            _upgrade(connection, now)
        if first is not None:
            first(connection)


def _upgrade(connection: Connection, now: str | None) -> None:
    with _ONE_AT_A_TIME:
        config = _config()
        if now is not None and now not in known():
            raise StoreUnavailable("newer", "the database was written by a newer version of the hub")
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def current(connection: Connection) -> str | None:
    """The revision the database is at; None when it is empty."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.execute(text("select version_num from alembic_version")).scalar()
    return found
