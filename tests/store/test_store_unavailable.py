"""When the database cannot write: a typed reason, never a false receipt, and work goes on when it can again."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, NullPool, create_engine, event, text
from store_making import NATIONAL, Desk, FakeClock, plan

from hub.errors import BadConfig, StoreUnavailable
from hub.store import engine as engine_module
from hub.store import writer as writer_module
from hub.store.engine import parse_url
from hub.store.sql import SqlStore

HERE = Path(__file__).parent


async def accepted(store: SqlStore, clock: FakeClock, codes: list[str], size: int = 10) -> tuple[int, set[str]]:
    """Accept one arrival for each code, all at once: how many got a receipt, and why the others did not."""
    sent = [store.accept(plan(store, clock, code + "x" * size, key=code, names=((NATIONAL, code),))) for code in codes]
    answers = await asyncio.gather(*sent, return_exceptions=True)
    reasons = {one.reason if isinstance(one, StoreUnavailable) else repr(one) for one in answers if isinstance(one, Exception)}
    return sum(not isinstance(one, BaseException) for one in answers), reasons


@contextlib.contextmanager
def small_disk(pages: int) -> Iterator[None]:
    """Every SQLite file opened meanwhile is full at so many pages."""

    def limit(dbapi: Any, _record: object) -> None:
        dbapi.execute(f"PRAGMA max_page_count={pages}")

    event.listen(Engine, "connect", limit)
    try:
        yield
    finally:
        event.remove(Engine, "connect", limit)


async def test_a_full_disk_gives_no_receipt(sqlite: Any, clock: FakeClock) -> None:
    """disk_full for what does not fit; every receipt that was given is there after reopening with room, and no more."""
    store = sqlite.store(clock)
    with small_disk(80):
        await store.open(exclusive=True)
        done, reasons = 0, set[str]()
        for group in range(40):
            more, why = await accepted(store, clock, [f"{group}-{n}" for n in range(5)], size=3000)
            done, reasons = done + more, reasons | why
    await store.close()
    assert reasons == {"disk_full"} and 0 < done < 200
    again = sqlite.store(clock)
    await again.open(exclusive=True)
    assert sqlite.one("select count(*) from arrivals") == done == sqlite.one("select count(*) from messages")
    assert await again.rebuild_ledger() == 0
    assert await accepted(again, clock, [f"{group}-{n}" for group in range(40) for n in range(5)]) != (0, set())
    await again.close()


LIMITED = """
    import asyncio, resource, sys
    from hub.errors import StoreUnavailable
    from hub.store.sql import SqlStore
    from store_making import NATIONAL, FakeClock, plan

    async def main(url):
        clock = FakeClock()
        store = SqlStore(url, clock)
        await store.open(exclusive=True)
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, resource.RLIM_INFINITY))
        done = []
        for n in range(60):
            try:
                code = f"D{n}"
                await store.accept(plan(store, clock, code + "x" * 5000, key=code, names=((NATIONAL, code),)))
                done.append(code)
            except StoreUnavailable as error:
                print("refused", error.reason)
                break
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
        try:
            await store.ping()
            print("ping well")
        except StoreUnavailable as error:
            print("ping", error.reason)
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        await store.accept(plan(store, clock, "later", key="later", names=((NATIONAL, "later"),)))
        print("done", len(done))
        await store.close()

    asyncio.run(main(sys.argv[1]))
"""


async def test_writes_that_the_system_refuses_give_no_receipt(sqlite: Any, tmp_path: Path) -> None:
    """The system refuses to let the file grow: io_error, ping says so too; when it may grow again, the store goes on."""
    script = tmp_path / "limited.py"
    script.write_text(textwrap.dedent(LIMITED))
    paths = os.pathsep.join([str(HERE), *sys.path])
    ran = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, str(script), sqlite.url],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": paths},
        timeout=60,
    )
    said = ran.stdout.split("\n")
    assert ran.returncode == 0, ran.stderr
    assert said[0] in ("refused io_error", "refused disk_full") and said[1] in ("ping io_error", "ping disk_full")
    assert said[2] == f"done {sqlite.one('select count(*) from arrivals') - 1}"
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY


async def test_a_full_disk_of_the_server_gives_no_receipt(shared_postgres: Any, clock: FakeClock) -> None:
    """PostgreSQL's own disk_full (raised here by a trigger on the last table written): refused, nothing of it stays."""
    shared_postgres.wipe()
    store = shared_postgres.store(clock)
    await store.open(exclusive=True)
    shared_postgres.sql(
        "create function full_disk() returns trigger language plpgsql as "
        "$$ begin raise exception 'no space' using errcode = 'disk_full'; end $$"
    )
    try:
        shared_postgres.sql("create trigger full_disk before insert on bodies execute function full_disk()")
        assert await accepted(store, clock, ["D1", "D2"]) == (0, {"disk_full"})
    finally:
        shared_postgres.sql("drop function full_disk cascade")
    assert shared_postgres.one("select count(*) from arrivals") == 0
    assert await accepted(store, clock, ["D1", "D2"]) == (2, set())
    await store.close()


async def test_a_server_that_only_reads_is_said(shared_postgres: Any, clock: FakeClock) -> None:
    """A standby or a read-only database: read_only from accept and ping; reads still work."""
    shared_postgres.wipe()
    store = shared_postgres.store(clock)
    await store.open(exclusive=False)
    shared_postgres.sql("alter database shared set default_transaction_read_only = on")
    try:
        _drop_sessions(shared_postgres)
        assert await accepted(store, clock, ["D1"]) == (0, {"read_only"})
        with pytest.raises(StoreUnavailable):
            await store.ping()
        assert await store.arrival("x") is None
    finally:
        _as_admin(shared_postgres, "alter database shared reset default_transaction_read_only")
        _drop_sessions(shared_postgres)
    assert await accepted(store, clock, ["D1"]) == (1, set())
    await store.close()


def _as_admin(database: Any, statement: str) -> None:
    engine = create_engine(parse_url(database.url.replace("/shared?", "/postgres?")), poolclass=NullPool)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(statement))


def _drop_sessions(database: Any) -> None:
    _as_admin(database, "select pg_terminate_backend(pid) from pg_stat_activity where datname = 'shared'")


async def test_a_lost_session_is_made_anew_and_the_hubs_lock_with_it(shared_postgres: Any, clock: FakeClock) -> None:
    """The server ends every session (restart, failover): the next write works, and no second hub can slip in after it."""
    shared_postgres.wipe()
    store, second = shared_postgres.store(clock), shared_postgres.store(clock)
    await store.open(exclusive=True)
    await accepted(store, clock, ["D1"])
    _drop_sessions(shared_postgres)
    done, reasons = await accepted(store, clock, ["D2"])
    assert (done, reasons) in ((1, set()), (0, {"gone"}))
    await accepted(store, clock, ["D2", "D3"])
    assert shared_postgres.one("select count(*) from arrivals") == 3
    with pytest.raises(StoreUnavailable, match="in_use"):
        await second.open(exclusive=True)
    await second.close()
    await store.close()


async def test_a_hub_that_lost_its_lock_to_another_writes_no_more(shared_postgres: Any, clock: FakeClock) -> None:
    """Its session ended and another hub took over meanwhile: in_use, until that one is gone."""
    shared_postgres.wipe()
    first, second = shared_postgres.store(clock), shared_postgres.store(clock)
    await first.open(exclusive=True)
    _drop_sessions(shared_postgres)
    await second.open(exclusive=True)
    assert await accepted(first, clock, ["D1"]) == (0, {"in_use"})
    await second.close()
    assert await accepted(first, clock, ["D1"]) == (1, set())
    await first.close()


async def test_a_locked_database_gives_no_receipt(database: Any, clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody holds the write lock longer than the hub waits: locked; afterwards it works, and nothing is there twice."""
    monkeypatch.setattr(engine_module, "BUSY_SECONDS", 0.1)
    monkeypatch.setattr(writer_module, "BUSY_SECONDS", 0.1)
    store = database.store(clock)
    await store.open(exclusive=True)
    holder = create_engine(parse_url(database.url), poolclass=NullPool).connect()
    if database.kind == "sqlite":
        holder.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        holder.execute(text("lock table arrivals in access exclusive mode"))
    codes = [f"D{n}" for n in range(5)]
    try:
        assert await accepted(store, clock, codes) == (0, {"locked"})
        if database.kind == "sqlite":
            with pytest.raises(StoreUnavailable, match="locked"):
                await store.ping()
            assert await store.dossier("D1") is None  # readers go on
    finally:
        holder.rollback()
        holder.close()
    assert await accepted(store, clock, codes) == (5, set())
    await store.ping()
    await store.close()


async def test_a_file_that_is_no_database_is_refused(sqlite: Any, clock: FakeClock) -> None:
    """Its header overwritten: corrupt at open, and the file is left as it is."""
    damaged = b"not a database at all" + sqlite.file.read_bytes()[21:]
    sqlite.file.write_bytes(damaged)
    store = sqlite.store(clock)
    with pytest.raises(StoreUnavailable, match="corrupt"):
        await store.open(exclusive=True)
    await store.close()
    assert sqlite.file.read_bytes() == damaged


async def test_damaged_pages_give_no_receipt(sqlite: Any, clock: FakeClock) -> None:
    """Pages overwritten: corrupt from whatever touches them, in writing and reading, and no receipt."""
    store = sqlite.store(clock)
    await store.open(exclusive=True)
    await accepted(store, clock, [f"D{n}" for n in range(50)], size=3000)
    await store.close()
    content = bytearray(sqlite.file.read_bytes())
    sqlite.sql("select 1")
    pages = [sqlite.one("select rootpage from sqlite_master where name = :name", name=name) for name in ("arrivals", "bodies")]
    size = sqlite.one("pragma page_size")
    for page in pages:
        content[(page - 1) * size : page * size] = b"\xa5" * size
    sqlite.file.write_bytes(content)

    again = sqlite.store(clock)
    await again.open(exclusive=True)
    assert await accepted(again, clock, ["new-1", "new-2"]) == (0, {"corrupt"})
    with pytest.raises(StoreUnavailable, match="corrupt"):
        await again.first_receipt("one-stop", "D1")
    await again.close()


async def test_a_place_where_nothing_can_be_written_is_said(tmp_path: Path, clock: FakeClock) -> None:
    """A folder that is a file, a database that is a folder: gone, at open, not a crash."""
    (tmp_path / "file").write_text("")
    (tmp_path / "folder.db").mkdir()
    for path in (tmp_path / "file" / "hub.db", tmp_path / "folder.db"):
        store = SqlStore(f"sqlite:///{path}", clock)
        with pytest.raises(StoreUnavailable, match="gone"):
            await store.open(exclusive=True)
        await store.close()


async def test_a_server_that_is_not_there_is_said(tmp_path: Path, clock: FakeClock) -> None:
    """No PostgreSQL at the address: gone, and the address (it may hold a password) is not in the text."""
    store = SqlStore(f"postgresql://hub:secret@/hub?host={tmp_path}", clock)
    with pytest.raises(StoreUnavailable, match="gone") as refused:
        await store.open(exclusive=True)
    assert "secret" not in str(refused.value)
    await store.close()


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "mysql://x/y", "no address", ""])
def test_an_address_that_is_no_durable_store_is_refused(url: str) -> None:
    """In memory, another product, or nonsense: BadConfig that says what to write."""
    with pytest.raises(BadConfig, match="sqlite:///var/hub"):
        parse_url(url)


async def test_before_open_and_after_close_it_is_closed(database: Any, clock: FakeClock) -> None:
    """Asked too early or too late it says closed, and never waits for ever."""
    store = database.store(clock)

    async def is_closed() -> None:
        assert await asyncio.wait_for(accepted(store, clock, ["D1"]), 5) == (0, {"closed"})
        with pytest.raises(StoreUnavailable, match="closed"):
            await store.dossier("D1")

    await is_closed()
    await store.open(exclusive=True)
    await store.close()
    await is_closed()
    assert database.one("select count(*) from arrivals") == 0


async def test_what_is_queued_at_close_is_written(database: Any, clock: FakeClock) -> None:
    """Accepts already under way get their receipt; close waits for them."""
    store = database.store(clock)
    await store.open(exclusive=True)
    waiting = [asyncio.create_task(accepted(store, clock, [f"D{n}"])) for n in range(20)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    await store.close()
    got = sum([(await one)[0] for one in waiting])
    assert database.one("select count(*) from arrivals") == got


async def test_an_error_shows_no_value(desk: Desk) -> None:
    """What the database refuses by itself names no value of the row (it could be a person's)."""
    made = plan(desk.store, desk.clock, "canary-body", key="canary-1", names=((NATIONAL, "canary-code"),))
    await desk.store.accept(made)
    names = ((NATIONAL, "canary-next"),)
    again = plan(desk.store, desk.clock, "canary-other", key="canary-2", names=names, id=made.arrival.id)
    with pytest.raises(Exception) as broke:
        await desk.store.accept(again)
    assert "canary" not in str(broke.value)


async def test_the_database_is_its_owners_alone(tmp_path: Path, clock: FakeClock) -> None:
    """Bodies hold personal data: no other user of the machine may read the file, its log or its folder."""
    store = SqlStore(f"sqlite:///{tmp_path}/var/hub.db", clock)
    await store.open(exclusive=True)
    modes = {path.name: path.stat().st_mode & 0o077 for path in (tmp_path / "var", *(tmp_path / "var").glob("hub.db*"))}
    await store.close()
    assert {"var", "hub.db", "hub.db-wal"} <= modes.keys()
    assert not any(mode for name, mode in modes.items() if not name.endswith(".lock"))
