"""One database as its endpoint reaches it: one thread, one connection, and what the driver says in the hub's own words."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import sqlite3
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import URL, Connection, Engine, QueuePool, create_engine, event, text
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from connectors.database.config import DatabaseConfig
from connectors.database.faults import fault
from hub.errors import DeliveryError, InDoubt, NotConnected, Transient

T = TypeVar("T")
_STEP, _GRACE = 1.0, 5.0
"""Seconds between two looks at a statement, and how much longer than its own limit it may take before nobody waits for it."""


class Database:
    """``work`` runs a function in the endpoint's own thread, so that no statement holds up the hub."""

    def __init__(self, config: DatabaseConfig, name: str) -> None:
        self._url = config.address
        self._timeout = config.timeout
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"database-{name}")
        self._engine: Engine | None = None
        self._driver: Any = None
        self._heard_at: float | None = None
        self._is_closed = False

    async def work(self, do: Callable[..., T], *given: Any) -> T:
        """What the function returns, run in the thread. Raises what it raises.

        A server that keeps its connection and says nothing would hold the thread for ever, with all that waits behind it: the
        connection is then broken off, and the driver says so.
        """
        asked = asyncio.get_running_loop().run_in_executor(self._thread, self._watched, do, *given)
        try:
            while not (await asyncio.wait([asked], timeout=_STEP))[0]:
                if self._heard_at is not None and time.monotonic() - self._heard_at > self._timeout + _GRACE:
                    self._break_off()
        except asyncio.CancelledError:
            asked.cancel()
            raise
        return asked.result()

    async def close(self) -> None:
        """Give back the connection, and end the thread."""
        if not self._is_closed:
            self._is_closed = True
            await self.work(self._dispose)
            self._thread.shutdown(wait=False)

    def _break_off(self) -> None:
        """Of PostgreSQL; the other drivers have a limit of their own."""
        if self._url.get_backend_name() == "postgresql" and self._driver is not None:
            with contextlib.suppress(Exception), socket.socket(fileno=os.dup(self._driver.fileno())) as line:
                line.shutdown(socket.SHUT_RDWR)  # unless it has just been closed

    # ── in the thread
    def _watched(self, do: Callable[..., T], *given: Any) -> T:
        self._hear()
        try:
            return do(*given)
        finally:
            self._heard_at = None

    def _hear(self, *_: Any) -> None:
        self._heard_at = time.monotonic()

    def _hold(self, driver: Any, _: Any) -> None:
        self._driver = driver

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that sees one state of the database, and changes nothing. Raises DeliveryError, and what the driver
        says of a single value (``faults.is_of_a_value``)."""
        options: dict[str, Any] = {}
        if self._url.get_backend_name() != "sqlite":  # where a transaction sees one state anyway
            options["isolation_level"] = "REPEATABLE READ"
        if self._url.get_backend_name() == "postgresql":
            options["postgresql_readonly"] = True
        with self._connected(options) as connection:
            yield connection
            connection.rollback()

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that is committed at the end of the block. Raises DeliveryError; InDoubt when nobody knows whether it
        was committed."""
        with self._connected({"hub_begin": "BEGIN IMMEDIATE"}) as connection:
            yield connection
            try:
                connection.commit()
            except Exception as error:
                found = fault(error)
                if isinstance(found, NotConnected):
                    raise InDoubt("commit_unanswered", "the connection broke while the database was to commit") from None
                raise

    @contextmanager
    def _connected(self, options: dict[str, Any]) -> Iterator[Connection]:
        try:
            with self._opened().connect() as plain:
                yield plain.execution_options(**options)
        except DeliveryError:
            raise
        except (SQLAlchemyError, sqlite3.Error) as error:
            found = fault(error)
            if found is None:
                raise
            raise found from None

    def _opened(self) -> Engine:
        if self._engine is None:
            try:
                self._engine = _engine(self._url, self._timeout)
                event.listen(self._engine, "connect", self._hold)
                for moment in ("before_cursor_execute", "after_cursor_execute"):
                    event.listen(self._engine, moment, self._hear)
            except (ImportError, ArgumentError):
                raise Transient("no_driver", "the driver for this kind of database is not installed: see hub check") from None
        return self._engine

    def _dispose(self) -> None:
        if self._engine is not None:
            self._engine.dispose()
            self._engine = None


def _engine(url: URL, timeout: float) -> Engine:
    backend = url.get_backend_name()
    seconds = int(timeout)
    given: dict[str, Any] = {}
    if backend == "sqlite":
        file = Path(url.database or "").absolute()

        def connect() -> sqlite3.Connection:
            if not file.is_file():  # SQLite would make an empty one
                raise sqlite3.OperationalError("unable to open database file")
            return sqlite3.connect(file, timeout=timeout, isolation_level=None, check_same_thread=False)

        given["creator"] = connect
    elif backend == "postgresql":
        from connectors.database import postgresql  # with psycopg, which every hub would load

        given["connect_args"] = {
            "connect_timeout": seconds, "tcp_user_timeout": seconds * 1000,
            "keepalives_idle": seconds, "keepalives_interval": max(1, seconds // 3), "keepalives_count": 3,
        }  # fmt: skip
        given["json_deserializer"] = postgresql.json_text
    elif url.get_driver_name() == "pymysql":
        given["connect_args"] = {"connect_timeout": seconds, "read_timeout": seconds, "write_timeout": seconds}
    engine = create_engine(
        url, poolclass=QueuePool, pool_size=1, max_overflow=0, pool_pre_ping=True, hide_parameters=True, **given
    )
    if backend == "sqlite":
        event.listen(engine, "begin", _begin)
    elif backend == "postgresql":
        event.listen(engine, "connect", lambda driver, _: postgresql.prepare(driver, seconds))
    elif backend in ("mysql", "mariadb"):
        event.listen(engine, "connect", _strict)
    return engine


def _begin(connection: Connection) -> None:
    """The driver begins by itself only when it writes, and two reads could then see two states."""
    connection.exec_driver_sql(connection.get_execution_options().get("hub_begin", "BEGIN"))


def _strict(driver: Any, _: Any) -> None:
    """Otherwise MariaDB may cut a value to fit, and say so to nobody."""
    with driver.cursor() as cursor:
        cursor.execute("SET SESSION sql_mode = CONCAT(@@sql_mode, ',STRICT_ALL_TABLES')")


def asked(connection: Connection) -> None:
    """One question about nothing."""
    connection.execute(text("SELECT 1"))
