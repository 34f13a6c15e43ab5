"""Brings the database to the newest revision at start, under a lock, in one transaction per revision."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, inspect, text

from hub.errors import StoreUnavailable

_LOCK = 0x646F7373  # "doss"


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


def migrate(engine: Engine) -> None:
    """Upgrade to the newest revision. Concurrent starts wait for each other: SQLite by its write lock, PostgreSQL by an
    advisory lock. Raises StoreUnavailable('newer') for a database written by a newer hub."""
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        now = current(connection)
        if now == newest():
            return
        config = _config()
        if now is not None and now not in {one.revision for one in ScriptDirectory.from_config(config).walk_revisions()}:
            raise StoreUnavailable("newer", "the database was written by a newer version of the hub")
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def current(connection: Connection) -> str | None:
    """The revision the database is at; None when it is empty."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.execute(text("select version_num from alembic_version")).scalar()
    return found
