"""The three databases: a SQLite file, PostgreSQL out of its wheel, MariaDB where the machine has it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from itertools import count
from pathlib import Path

import pytest
from mariadb_server import MariaDb, mariadb
from postgres_server import Postgres, postgresql

from database.parts import FILES, TABLE, Office, Source, office

_numbers = count(1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One worker has the servers."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("database"))


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    with postgresql() as running:
        yield running


@pytest.fixture(scope="session")
def maria() -> Iterator[MariaDb]:
    with mariadb() as running:
        yield running


def empty(kind: str, request: pytest.FixtureRequest, folder: Path) -> Source:
    """A new database of this kind."""
    name = f"office_{next(_numbers)}"
    if kind == "sqlite":
        file = folder / f"{name}.db"
        file.touch()
        return Source(f"sqlite:///{file}")
    if kind == "postgresql":
        made: Postgres = request.getfixturevalue("postgres")
        return Source(made.create(name))
    server: MariaDb = request.getfixturevalue("maria")
    server.run(f"create database {name}")
    return Source(server.url(name))


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def source(request: pytest.FixtureRequest, tmp_path: Path) -> Source:
    """A database of each kind, with the tables of a one-stop system."""
    made = empty(request.param, request, tmp_path)
    made.run(TABLE, FILES)
    return made


@pytest.fixture
def sqlite_source(tmp_path: Path, request: pytest.FixtureRequest) -> Source:
    made = empty("sqlite", request, tmp_path)
    made.run(TABLE, FILES)
    return made


@pytest.fixture
def postgres_source(tmp_path: Path, request: pytest.FixtureRequest) -> Source:
    made = empty("postgresql", request, tmp_path)
    made.run(TABLE, FILES)
    return made


@pytest.fixture
def maria_source(tmp_path: Path, request: pytest.FixtureRequest) -> Source:
    made = empty("mariadb", request, tmp_path)
    made.run(TABLE, FILES)
    return made


@pytest.fixture(params=["postgresql", "mariadb"])
def server_source(request: pytest.FixtureRequest, tmp_path: Path) -> Source:
    """One whose transactions run beside each other."""
    made = empty(request.param, request, tmp_path)
    made.run(TABLE, FILES)
    return made


@pytest.fixture
async def desk(source: Source, tmp_path: Path) -> AsyncIterator[Office]:
    async with office(tmp_path / "home", source) as made:
        yield made


@pytest.fixture
async def sqlite_desk(sqlite_source: Source, tmp_path: Path) -> AsyncIterator[Office]:
    async with office(tmp_path / "home", sqlite_source) as made:
        yield made


@pytest.fixture
async def server_desk(server_source: Source, tmp_path: Path) -> AsyncIterator[Office]:
    async with office(tmp_path / "home", server_source) as made:
        yield made
