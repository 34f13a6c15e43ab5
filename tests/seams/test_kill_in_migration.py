"""SIGKILL while the hub makes its tables on a fresh database: the next start finds it whole and at the newest revision."""

from __future__ import annotations

import random
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress

import pytest

from hub.store.migrate import newest
from hub.store.tables import metadata
from seams.processes import until
from seams.sender import lives
from seams.world import World, rounds

_LIVES = lives(44, 1)


@pytest.fixture(scope="module")
def spare(new_world: Callable[..., World]) -> World:
    return new_world()


@pytest.fixture
def fresh(spare: World) -> Iterator[World]:
    """The world without a database."""
    spare.forget()
    yield spare
    if spare.hub is not None:
        spare.hub.kill()


def _whole(world: World) -> None:
    """Start the hub; the database is whole, and a message goes through."""
    assert world.sender
    world.start_hub()
    assert world.look("pragma integrity_check") == [("ok",)]
    assert world.look("select version_num from alembic_version") == [(newest(),)]
    tables = {name for (name,) in world.look("select name from sqlite_master where type = 'table'")}
    assert tables >= set(metadata.tables)
    indexes = {name for (name,) in world.look("select name from sqlite_master where type = 'index'")}
    assert indexes >= {str(index.name) for table in metadata.tables.values() for index in table.indexes}
    assert world.look("select count(*) from meta where name = 'salt'") == [(1,)]
    code, (record,) = next(_LIVES)
    world.sender.send(record)
    world.delivered(code)


@pytest.mark.parametrize("once", rounds(1, 20))
def test_killed_while_it_makes_its_tables(fresh: World, once: int) -> None:
    """Three kills in a row at random moments from the first byte of the database on, then a start that is let live."""
    rng = random.Random(once)
    for _ in range(3):
        hub = fresh.begin_hub()
        until("the database file", lambda hub=hub: fresh.database.exists() or hub.ended() is not None, pause=0)
        time.sleep(rng.uniform(0, 0.12))
        fresh.kill_hub()
    _whole(fresh)


@pytest.mark.parametrize("once", rounds(3, 20))
def test_killed_at_each_file_of_the_migration(fresh: World, once: int) -> None:
    """Killed as soon as a file of the first transaction is there: the database, its log, its log with content."""
    path = fresh.database.with_name("hub.db-wal" if once % 3 else "hub.db")
    size = 1 if once % 3 == 2 else 0
    hub = fresh.begin_hub()

    def there() -> bool:
        with suppress(FileNotFoundError):
            return path.stat().st_size >= size
        return hub.ended() is not None

    until("the file", there, pause=0)
    fresh.kill_hub()
    _whole(fresh)


@pytest.mark.parametrize("once", rounds(2, 20))
def test_killed_while_another_process_holds_the_lock(fresh: World, once: int) -> None:
    """The hub waits for a new database that another process holds, be it a moment before that process switched it to
    write-ahead logging (every other round) or after, and is killed in its wait."""
    fresh.database.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(fresh.database, isolation_level=None)) as holder:
        if once % 2:
            holder.execute("pragma journal_mode=wal")
        holder.execute("begin immediate")
        hub = fresh.begin_hub()
        until("the hub's own lock is taken", lambda: fresh.database.with_name("hub.db.lock").exists())
        time.sleep(random.Random(once).uniform(0, 0.2))
        assert hub.ended() is None and not hub.out.read_bytes()
        fresh.kill_hub()
        holder.execute("rollback")
    _whole(fresh)


@pytest.mark.parametrize("once", rounds(1, 20))
def test_killed_while_a_command_makes_the_same_tables(fresh: World, once: int) -> None:
    """A ``hub key new`` starts on the fresh database together with the hub, which is killed: the command ends well, and its
    key is there after the restart."""
    rng = random.Random(100 + once)
    command = fresh.begin_shell("key", "new", "one-stop", "--schema", "*")
    hub = fresh.begin_hub()
    until("the database file", lambda: fresh.database.exists() or hub.ended() is not None, pause=0)
    time.sleep(rng.uniform(0, 0.1))
    fresh.kill_hub()
    code, said = fresh.said(command)
    assert code == 0, said
    _whole(fresh)
    code, listed = fresh.shell("key", "list")
    assert code == 0 and said["id"] in [one["id"] for one in listed["keys"]]
