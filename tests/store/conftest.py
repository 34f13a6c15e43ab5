"""Every test of the store runs on a SQLite file and on a real PostgreSQL that comes out of a wheel."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from postgres_server import Postgres, postgresql
from sqlalchemy import NullPool, create_engine, make_url, text
from store_making import Desk, FakeClock

from hub.store.engine import open_engine, parse_url
from hub.store.migrate import migrate
from hub.store.sql import SqlStore
from hub.store.tables import metadata


@dataclass(frozen=True)
class Database:
    """One database of a test: its address, and a way round the store to look into it or damage it."""

    url: str

    @property
    def kind(self) -> str:
        return make_url(self.url).get_backend_name()

    @property
    def file(self) -> Path:
        """The SQLite file."""
        return Path(make_url(self.url).database or "")

    def sql(self, statement: str, **values: Any) -> list[tuple[Any, ...]]:
        """Run one statement beside the store; returns its rows."""
        engine = create_engine(parse_url(self.url), poolclass=NullPool)
        with engine.begin() as connection:
            done = connection.execute(text(statement), values)
            return [tuple(row) for row in done] if done.returns_rows else []

    def one(self, statement: str, **values: Any) -> Any:
        """The only value that a query gives."""
        ((value,),) = self.sql(statement, **values)
        return value

    def wipe(self) -> None:
        """Empty every table but the salt's."""
        engine = create_engine(parse_url(self.url), poolclass=NullPool)
        with engine.begin() as connection:
            for table in metadata.sorted_tables:
                if table.name != "meta":
                    connection.execute(table.delete())

    def store(self, clock: FakeClock) -> SqlStore:
        """A store on this database, not yet open."""
        return SqlStore(self.url, clock)


def _migrated(url: str) -> None:
    engine = open_engine(parse_url(url), writer=True)
    migrate(engine)
    engine.dispose()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """The server."""
    with postgresql() as running:
        yield running


@pytest.fixture(scope="session")
def shared_postgres(postgres: Postgres) -> Database:
    """One migrated database for all tests, wiped before each."""
    database = Database(postgres.create("shared"))
    _migrated(database.url)
    return database


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated, empty SQLite file."""
    file = tmp_path_factory.mktemp("store") / "template.db"
    _migrated(f"sqlite:///{file}")
    return file


@pytest.fixture
def sqlite(sqlite_template: Path, tmp_path: Path) -> Database:
    """A migrated SQLite database of the test's own."""
    shutil.copy(sqlite_template, tmp_path / "hub.db")
    return Database(f"sqlite:///{tmp_path / 'hub.db'}")


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> Database:
    """A migrated database without any row."""
    found: Database
    if request.param == "sqlite":
        found = request.getfixturevalue("sqlite")
    else:
        found = request.getfixturevalue("shared_postgres")
        found.wipe()
    return found


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Database:
    """A database that no hub has opened yet."""
    if request.param == "sqlite":
        return Database(f"sqlite:///{tmp_path / 'new' / 'hub.db'}")
    made: Postgres = request.getfixturevalue("postgres")
    return Database(made.create("empty"))


@pytest.fixture(autouse=True)
def _as_always(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other tests of this process may begin with a copy (``known_database``)."""
    monkeypatch.setattr("hub.store.sql.migrate", migrate)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


Opener = Callable[..., contextlib.AbstractAsyncContextManager[SqlStore]]


@pytest.fixture
def opened(database: Database, clock: FakeClock) -> Opener:
    """``async with opened() as store``: another store on the test's database, open until the end of the block."""

    @contextlib.asynccontextmanager
    async def use(*, exclusive: bool = False) -> AsyncIterator[SqlStore]:
        store = database.store(clock)
        try:
            await store.open(exclusive=exclusive)
            yield store
        finally:
            await store.close()

    return use


@pytest.fixture
async def store(opened: Opener) -> AsyncIterator[SqlStore]:
    """The running hub's store."""
    async with opened(exclusive=True) as store:
        yield store


@pytest.fixture
def desk(store: SqlStore, clock: FakeClock) -> Desk:
    """The everyday acts on ``store``."""
    return Desk(store, clock)
