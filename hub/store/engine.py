"""Opens the database: SQLite tuned for a durable group commit, or PostgreSQL; and says why it is unavailable.

SQLite: WAL with synchronous=FULL, so a commit returns only after its sync; pages of 8 KiB and rare checkpoints keep the
99th percentile low (measured, design section 5). Transactions are explicit (BEGIN IMMEDIATE for the writer), so that
migrations are transactional too.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import psycopg
import sqlalchemy.exc
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.pool import QueuePool

from hub.errors import BadConfig, Problem, StoreUnavailable

BUSY_SECONDS = 5


def parse_url(text: str) -> URL:
    """``sqlite:///path/hub.db`` or ``postgresql://user@host/db``. Raises BadConfig; the text is never shown (it may hold
    a password)."""
    try:
        url = make_url(text)
    except sqlalchemy.exc.ArgumentError:
        url = None
    if url is None or url.get_backend_name() not in ("sqlite", "postgresql"):
        hint = "sqlite:///var/hub.db or postgresql://user@host/database"
        raise BadConfig([Problem("store", "bad_url", "the store is not a database address the hub knows", hint)])
    if url.get_backend_name() == "postgresql":
        url = url.set(drivername="postgresql+psycopg")
    return url


def open_engine(url: URL, *, writer: bool) -> Engine:
    """The writer's engine takes the write lock when a transaction begins; the readers' never does."""
    if url.get_backend_name() == "postgresql":
        return create_engine(url, pool_size=4, pool_pre_ping=True)
    if url.database and url.database != ":memory:":
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(
        url,
        poolclass=QueuePool,
        pool_size=1 if writer else 4,
        max_overflow=0 if writer else 4,
        connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False},
    )

    @event.listens_for(engine, "connect")
    def _tune(dbapi: sqlite3.Connection, _record: object) -> None:
        dbapi.isolation_level = None
        for pragma in (
            "page_size=8192",
            "journal_mode=WAL",
            "synchronous=FULL",
            "wal_autocheckpoint=10000",
            "journal_size_limit=67108864",
            "cache_size=-65536",
            "temp_store=MEMORY",
        ):
            dbapi.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writer else "BEGIN")

    return engine


_SQLITE_WORDS = (
    ("database or disk is full", "disk_full"),
    ("disk i/o error", "io_error"),
    ("locked", "locked"),
    ("malformed", "corrupt"),
    ("not a database", "corrupt"),
    ("readonly", "read_only"),
    ("unable to open", "gone"),
)


def unavailable(error: BaseException) -> StoreUnavailable | None:
    """The StoreUnavailable that a database error means, or None when the error is the operation's own."""
    if isinstance(error, StoreUnavailable):
        return error
    cause = getattr(error, "orig", None) or error
    if isinstance(cause, sqlite3.DatabaseError) and not isinstance(cause, sqlite3.IntegrityError | sqlite3.ProgrammingError):
        text = str(cause).lower()
        for words, reason in _SQLITE_WORDS:
            if words in text:
                return StoreUnavailable(reason)
        return None
    if isinstance(cause, psycopg.errors.DiskFull):
        return StoreUnavailable("disk_full")
    if isinstance(cause, psycopg.errors.DeadlockDetected | psycopg.errors.SerializationFailure):
        return None
    if isinstance(cause, psycopg.OperationalError | psycopg.InterfaceError):
        return StoreUnavailable("gone")
    if isinstance(error, sqlalchemy.exc.TimeoutError):
        return StoreUnavailable("locked")
    return None
