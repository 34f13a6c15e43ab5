"""Writes the whole store into one file beside a running hub, proves the file, and puts it into an empty store again.

The file is an SQLite database with the store's tables, whatever the store is: of SQLite what ``VACUUM INTO`` copies in one
read transaction (writers go on, and it ends however much is written meanwhile), of PostgreSQL every row of one REPEATABLE
READ snapshot.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from sqlalchemy import Connection, Engine, delete, insert, inspect, select, text
from sqlalchemy.engine import URL

from hub.errors import NotAllowed, NotFound, StoreUnavailable
from hub.message import Clock
from hub.store.backup_file import Held, examine, new_beside, publish, refuse_existing, seal
from hub.store.engine import open_engine, parse_url, unavailable
from hub.store.migrate import current, known, migrate, newest
from hub.store.restoring import mark_restored
from hub.store.tables import meta, metadata

Tell = Callable[[int], None]
"""Called with how many more bytes (SQLite) or rows (PostgreSQL) are done."""
_AT_ONCE = 1000
_COUNT_ON = text("select setval(pg_get_serial_sequence('events', 'id'), coalesce(max(id), 0) + 1, false) from events")
"""PostgreSQL counts on behind the rows that were copied with their ids."""
_POLL_SECONDS = 0.2


def expected(url: str) -> int | None:
    """How many bytes a backup of an SQLite store will have at most; None where that is not known."""
    place = parse_url(url)
    return Path(str(place.database)).stat().st_size if place.get_backend_name() == "sqlite" and _there(place) else None


def back_up(url: str, file: Path, clock: Clock, tell: Tell = lambda more: None) -> Held:
    """Write the store at ``url`` to the new ``file`` (mode 0600), beside a hub that may be running.

    The file appears under its name only when it is synced and proved. Raises NotFound (no store), NotAllowed (the file is
    there already, the store is of another revision than this hub), StoreUnavailable.
    """
    refuse_existing(file)
    source = parse_url(url)
    with new_beside(file) as part, _telling():
        if not _there(source):
            raise NotFound("there is no store yet: no hub has run on this home")
        moment = clock()
        engine = open_engine(source, writer=False)
        try:
            copy = _vacuum if source.get_backend_name() == "sqlite" else _copy_snapshot
            copy(engine, part, tell)
        finally:
            engine.dispose()
        seal(part, moment)
        held = examine(part)
        publish(part, file)
    return held


def restore(
    file: Path, url: str, endpoints: Collection[str], clock: Clock, *, actor: str, tell: Tell = lambda more: None
) -> Held:
    """Put a backup into the empty store at ``url``: an SQLite file that is not there yet, or a PostgreSQL database
    without tables. All or nothing. An older revision is brought to this hub's; ``endpoints`` and those of the backup are
    paused until it is found out what they were sent since (see ``restoring``).

    Raises NotFound, NotAllowed (damaged, or the store is not empty), StoreUnavailable('newer').
    """
    held = examine(file)
    target = parse_url(url)
    if held.revision not in known():
        raise StoreUnavailable("newer", "the backup was written by a newer version of the hub")
    place = Path(str(target.database)) if target.get_backend_name() == "sqlite" else None
    with _telling():
        if place is not None:
            refuse_existing(place, "a backup goes into a new store: use another home, or move this one away with its log")
            place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with new_beside(place) as part:
            shutil.copyfile(file, part)
            engine = open_engine(URL.create("sqlite", database=str(part)), writer=True)
            try:
                migrate(engine)
                with engine.begin() as connection:
                    connection.execute(delete(meta).where(meta.c.name == "backup"))
                    mark_restored(connection, held.moment, clock(), endpoints, actor)
                if place is None:
                    _fill(target, engine, tell)
                else:
                    _as_one_file(engine)
            finally:
                engine.dispose()
            if place is not None:
                publish(part, place)
    return held


# ── copying
def _vacuum(engine: Engine, part: Path, tell: Tell) -> None:
    """SQLite's own copy, in a thread, while the growth of the file is told."""

    def copy() -> None:
        connection = engine.raw_connection()
        try:
            connection.cursor().execute("VACUUM INTO ?", (str(part),))
        finally:
            connection.close()

    with ThreadPoolExecutor(1, thread_name_prefix="backup") as pool:
        copying, told = pool.submit(copy), 0
        while not copying.done():
            with contextlib.suppress(TimeoutError):
                copying.result(_POLL_SECONDS)
            size = part.stat().st_size
            tell(size - told)
            told = size
        copying.result()


def _copy_snapshot(engine: Engine, part: Path, tell: Tell) -> None:
    """Every table of one snapshot of PostgreSQL into a new SQLite file."""
    into = open_engine(URL.create("sqlite", database=str(part)), writer=True)
    try:
        migrate(into)
        with engine.connect().execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True) as source:
            if current(source) != newest():
                raise NotAllowed("the store is of another version than this hub: start this hub on it once, then back it up")
            with into.begin() as connection:
                _copy_rows(source, connection, tell)
        _as_one_file(into)
    finally:
        into.dispose()


def _fill(target: URL, prepared: Engine, tell: Tell) -> None:
    """Copy the prepared file into a PostgreSQL database without tables, in the transaction that makes them."""
    engine = open_engine(target, writer=True)
    try:
        with engine.connect() as connection:
            if inspect(connection).get_table_names():
                raise NotAllowed("the database is not empty: a backup is restored into a database without tables")

        def copy(connection: Connection) -> None:
            if connection.execute(select(meta.c.name).where(meta.c.name == "salt")).first() is not None:
                raise NotAllowed("another hub has begun to use this database")
            with prepared.connect() as source:
                _copy_rows(source, connection, tell)
            connection.execute(_COUNT_ON)

        migrate(engine, first=copy)
    finally:
        engine.dispose()


def _copy_rows(source: Connection, target: Connection, tell: Tell) -> None:
    target.execute(delete(meta))  # what the migrations put there
    for table in metadata.sorted_tables:
        found = source.execution_options(yield_per=_AT_ONCE).execute(select(table))
        for rows in found.mappings().partitions():
            target.execute(insert(table), [dict(row) for row in rows])
            tell(len(rows))


def _as_one_file(engine: Engine) -> None:
    """Fold the write-ahead log into the database, so that its one file is all of it."""
    connection = engine.raw_connection()
    try:
        connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.cursor().execute("PRAGMA journal_mode=DELETE")
    finally:
        connection.close()


def _there(place: URL) -> bool:
    return place.get_backend_name() != "sqlite" or Path(str(place.database)).is_file()


@contextlib.contextmanager
def _telling() -> Iterator[None]:
    """Errors of the databases and the disk as StoreUnavailable."""
    try:
        yield
    except Exception as error:
        gone = unavailable(error)
        if gone is None or gone is error:
            raise
        raise gone from error
