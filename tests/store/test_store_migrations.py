"""Migrations: they make exactly the tables the code speaks of, once, whoever opens first."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import NullPool, create_engine, inspect
from store_making import Desk, FakeClock

from hub.errors import StoreUnavailable
from hub.store.engine import open_engine, parse_url
from hub.store.migrate import migrate, newest
from hub.store.tables import metadata

ROOT = Path(__file__).parents[2]


def test_migrations_make_the_tables_of_the_code(database: Any) -> None:
    """Tables, columns, types, nullability, indexes and constraints: alembic finds nothing to add, change or remove."""
    engine = create_engine(parse_url(database.url), poolclass=NullPool)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, metadata) == []


def test_the_partial_indexes_are_partial(database: Any) -> None:
    """What alembic does not compare: the conditions of the indexes that keep a claim cheap."""
    column, table = ("sql", "sqlite_master") if database.kind == "sqlite" else ("indexdef", "pg_indexes")
    name = "name" if database.kind == "sqlite" else "indexname"
    for index in ("ix_deliveries_due", "ix_deliveries_open", "ix_deliveries_dead", "ix_arrivals_kept"):
        assert "WHERE" in database.one(f"select {column} from {table} where {name} = :index", index=index)


async def test_an_empty_database_is_migrated_at_open(empty: Any, clock: FakeClock) -> None:
    """It gets its folder, tables and revision; opening again changes nothing."""
    for _ in range(2):
        desk = Desk(empty.store(clock), clock)
        await desk.store.open(exclusive=True)
        await desk.accept("a", key="k")
        await desk.store.close()
    assert empty.sql("select version_num from alembic_version") == [(newest(),)]
    assert empty.one("select count(*) from arrivals") == 1


async def test_a_database_of_a_newer_hub_is_refused(database: Any, clock: FakeClock) -> None:
    """A revision this hub does not know: newer, and nothing is touched."""
    database.sql("update alembic_version set version_num = '9999'")
    try:
        store = database.store(clock)
        with pytest.raises(StoreUnavailable) as refused:
            await store.open(exclusive=True)
        await store.close()
        assert refused.value.reason == "newer"
        assert database.one("select version_num from alembic_version") == "9999"
    finally:
        database.sql("update alembic_version set version_num = :it", it=newest())


async def test_a_migration_that_breaks_leaves_the_database_empty(
    empty: Any, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All or nothing, on both databases: the next start begins from the start."""
    from alembic.operations import Operations

    made = Operations.create_table

    def broken(self: Any, name: str, *rest: Any, **more: Any) -> Any:
        if name == "messages":
            raise RuntimeError("broken on purpose")
        return made(self, name, *rest, **more)

    monkeypatch.setattr(Operations, "create_table", broken)
    store = empty.store(clock)
    with pytest.raises(RuntimeError, match="on purpose"):
        await store.open(exclusive=True)
    await store.close()
    assert inspect(create_engine(parse_url(empty.url), poolclass=NullPool)).get_table_names() == []
    monkeypatch.undo()
    again = empty.store(clock)
    await again.open(exclusive=True)
    await again.close()


async def test_keys_of_an_older_hub_stay_senders_keys(empty: Any, clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database of the first revision with a key in it: opened by this hub, the key may send what it could."""
    from alembic import command

    upgrade = command.upgrade
    monkeypatch.setattr(command, "upgrade", lambda config, _: upgrade(config, "0001"))
    if empty.kind == "sqlite":
        empty.file.parent.mkdir()
    engine = open_engine(parse_url(empty.url), writer=True)
    migrate(engine)
    engine.dispose()
    monkeypatch.undo()
    assert empty.one("select version_num from alembic_version") == "0001"
    empty.sql("insert into keys (id, name, hash, schemas, created_at) values ('k', 'one-stop', 'h', '[\"*\"]', 1)")
    store = empty.store(clock)
    await store.open(exclusive=True)
    (key,) = await store.keys()
    await store.close()
    assert (key.role, key.schemas) == ("sender", ("*",))
    assert empty.one("select version_num from alembic_version") == newest()


OPENER = """
import asyncio, sys
from hub.store.sql import SqlStore
async def main():
    store = SqlStore(sys.argv[1], lambda: 1)
    print("ready", flush=True)
    sys.stdin.readline()
    await store.open(exclusive=False)
    print(store.digest(b"x"), flush=True)
    await store.close()
asyncio.run(main())
"""


def test_many_processes_may_open_an_empty_database_at_once(empty: Any) -> None:
    """Three processes at the same moment: each opens, one migrates, and all agree on the salt."""
    openers = [
        subprocess.Popen(
            [sys.executable, "-c", OPENER, empty.url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])},
        )
        for _ in range(3)
    ]
    for one in openers:
        assert one.stdout is not None and one.stdout.readline() == "ready\n"
    for one in openers:
        assert one.stdin is not None
        one.stdin.write("go\n")
        one.stdin.flush()
    said = [one.communicate(timeout=60) for one in openers]
    assert [one.returncode for one in openers] == [0] * 3, said
    assert len({out for out, _ in said}) == 1


async def test_two_stores_of_one_process_may_open_at_once(tmp_path: Path, clock: FakeClock) -> None:
    """Different databases migrated in one process at the same moment do not mix."""
    from hub.store.sql import SqlStore

    stores = [SqlStore(f"sqlite:///{tmp_path}/{n}.db", clock) for n in range(4)]
    await asyncio.gather(*(store.open(exclusive=True) for store in stores))
    for store in stores:
        await store.ping()
        await store.close()
