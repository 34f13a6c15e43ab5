"""Opens the database: SQLite tuned for a durable group commit, or PostgreSQL; and says why it is unavailable.

SQLite: WAL with synchronous=FULL, so a commit returns only after its sync; pages of 4 KiB and rare checkpoints keep the
99th percentile low (measured, design section 5). Transactions are explicit (BEGIN IMMEDIATE for the writer), so that
migrations are transactional too.
"""

from __future__ import annotations

import sqlite3
import sys
import time
from typing import TYPE_CHECKING, Any

import sqlalchemy.exc
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.pool import QueuePool

from hub.errors import BadConfig, Problem, StoreUnavailable

if TYPE_CHECKING:
    import psycopg

BUSY_SECONDS = 5
_RUNNING_HUB = 0x68756221  # "hub!"


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
        return url.set(drivername="postgresql+psycopg")
    if not url.database or url.database == ":memory:":
        text, hint = "a store in memory would forget what it acknowledged", "name a file: sqlite:///var/hub.db"
        raise BadConfig([Problem("store", "bad_url", text, hint)])
    return url


def open_engine(url: URL, *, writer: bool) -> Engine:
    """The writer's engine has one connection and takes SQLite's write lock when a transaction begins; the readers' never
    does. Values are hidden in the errors of both: they may be personal."""
    size = {"pool_size": 1 if writer else 4, "max_overflow": 0 if writer else 4}
    if url.get_backend_name() == "postgresql":
        engine = create_engine(url, pool_pre_ping=True, hide_parameters=True, **size)
        event.listen(engine, "connect", _tune_postgresql)
        return engine
    engine = create_engine(
        url,
        poolclass=QueuePool,
        hide_parameters=True,
        connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False},
        **size,
    )

    @event.listens_for(engine, "connect")
    def _tune(dbapi: sqlite3.Connection, _record: object) -> None:
        dbapi.isolation_level = None
        dbapi.execute("PRAGMA page_size=4096")
        _write_ahead(dbapi)
        for pragma in (
            "synchronous=FULL",
            "wal_autocheckpoint=20000",
            "journal_size_limit=67108864",
            f"cache_size=-{20480 if writer else 4096}",
            "temp_store=MEMORY",
        ):
            dbapi.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        driver: Any = connection.connection.driver_connection
        if not driver.in_transaction:  # the writer may have begun it already
            driver.execute("BEGIN IMMEDIATE" if writer else "BEGIN")

    return engine


def never_wait(connection: Connection) -> None:
    """A SQLite connection used on the event loop says "locked" at once, instead of holding everything up."""
    driver: Any = connection.connection.driver_connection
    driver.execute("PRAGMA busy_timeout=0")


def _write_ahead(dbapi: sqlite3.Connection) -> None:
    """Switch to the write-ahead log. SQLite does not wait for a lock here, as it does elsewhere, so this does: several
    processes may open a new file at once."""
    until = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            dbapi.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > until:
                raise
            time.sleep(0.01)


def _tune_postgresql(dbapi: psycopg.Connection[Any], _record: object) -> None:
    """Wait for a lock no longer than SQLite would; acknowledge nothing before the server's log is on disk."""
    dbapi.execute("select set_config('lock_timeout', %s, false)", (f"{int(BUSY_SECONDS * 1000)}ms",))
    if_off = "where current_setting('synchronous_commit') = 'off'"
    dbapi.execute(f"select set_config('synchronous_commit', 'on', false) {if_off}".encode())
    dbapi.commit()


def hold_running_lock(dbapi: psycopg.Connection[Any], _record: object) -> None:
    """Take, with a new session of the writer, the lock that only one running hub holds. Raises StoreUnavailable('in_use').

    A hub that was just killed may hold it a moment longer, until the server has noticed.
    """
    try:
        dbapi.execute("select set_config('lock_timeout', '1s', true)")
        dbapi.execute("select pg_advisory_lock(%s)", (_RUNNING_HUB,))
        dbapi.commit()
    except Exception as error:
        if getattr(error, "sqlstate", None) != _LOCK_NOT_AVAILABLE:
            raise
        dbapi.close()
        raise in_use() from error


def in_use() -> StoreUnavailable:
    """The answer to a second hub on one store."""
    return StoreUnavailable("in_use", "another hub runs on this store")


_SQLITE_WORDS = (
    ("database or disk is full", "disk_full"),
    ("disk i/o error", "io_error"),
    ("locked", "locked"),
    ("malformed", "corrupt"),
    ("could not decode to utf-8", "corrupt"),
    ("not a database", "corrupt"),
    ("readonly", "read_only"),
    ("unable to open", "gone"),
)


_LOCK_NOT_AVAILABLE = "55P03"
_POSTGRESQL_STATES = {
    "53100": "disk_full",
    _LOCK_NOT_AVAILABLE: "locked",
    "58030": "io_error",
    "XX001": "corrupt",
    "XX002": "corrupt",
    "25006": "read_only",
}
_RACES = ("23505", "40P01", "40001")
"""SQLSTATE of a unique violation, a deadlock and a serialization failure (PostgreSQL's manual, appendix A)."""


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
    state = getattr(cause, "sqlstate", None)
    if state in _POSTGRESQL_STATES:
        return StoreUnavailable(_POSTGRESQL_STATES[state])
    if raced(error):
        return None
    loaded: Any = sys.modules.get("psycopg")  # a hub on SQLite never loads it, which is a tenth of its start
    if loaded is not None and isinstance(cause, (loaded.OperationalError, loaded.InterfaceError)):
        return StoreUnavailable("gone")
    if isinstance(error, sqlalchemy.exc.TimeoutError):
        return StoreUnavailable("locked")
    if isinstance(error, OSError):
        return StoreUnavailable("gone", error.strerror or "")
    return None


def raced(error: BaseException) -> bool:
    """Whether the operation may succeed when run again: another process wrote the same row first, or held what it needed."""
    return getattr(getattr(error, "orig", None) or error, "sqlstate", None) in _RACES
