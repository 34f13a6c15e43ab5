"""A one-stop system whose dossiers stand in a table, and a hub in process that looks into it when the test says so."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import orjson
from flow.parts import MovableClock, make_home
from sqlalchemy import URL, NullPool, create_engine, make_url, text

from connectors.database.config import DatabaseConfig
from connectors.database.connector import DatabaseTables
from connectors.database.place import Database
from connectors.database.receiving import Polling
from hub.app import Hub
from hub.assembly import assemble
from hub.connector import ConnectorContext

TABLE = """
create table ho_so (
  ma varchar(40) not null primary key, so varchar(60), thu_tuc varchar(40) not null, trang_thai varchar(20) not null,
  chu varchar(100), ghi_chu varchar(200), luc bigint not null, bien_nhan varchar(40), ket_qua varchar(20), gio varchar(20)
)"""
FILES = """
create table giay_to (ma varchar(40) not null, thu_tu integer not null, ten varchar(100), primary key (ma, thu_tu))"""
COLUMNS = {
    "referenceUid": "ma", "dossierNo": "so", "serviceCode": "thu_tuc", "dossierStatus": "trang_thai", "applicantName": "chu",
    "dossierNote": "ghi_chu",
}  # fmt: skip
READ: Mapping[str, Any] = {
    "table": "ho_so", "key": ["ma"], "by": "luc", "look_back": 10, "columns": COLUMNS, "sender": "one-stop",
    "schema": "opencps-dossier@1", "poll": 0.02,
}  # fmt: skip
CONFIG = """
store: { url: sqlite:///var/hub.db }
server: { port: 0 }
sources:
  - { schema: opencps-dossier@1, becomes: [dossier@1] }
endpoints: {}
routes: {}
"""


@dataclass(frozen=True)
class Source:
    """The database of the one-stop system, as its own programs use it."""

    url: str

    @property
    def kind(self) -> str:
        return make_url(self.url).get_backend_name()

    @contextlib.contextmanager
    def session(self) -> Any:
        """A connection in a transaction that the block commits or leaves open."""
        engine = create_engine(self.driver_url, poolclass=NullPool)
        with engine.connect() as connection:
            yield connection

    @property
    def driver_url(self) -> str:
        """With the driver named."""
        named = {"postgresql": "postgresql+psycopg", "mariadb": "mariadb+pymysql", "sqlite": "sqlite"}
        return make_url(self.url).set(drivername=named[self.kind]).render_as_string(hide_password=False)

    def run(self, *statements: str, **values: Any) -> list[tuple[Any, ...]]:
        """Statements in one transaction; the rows of the last."""
        engine = create_engine(self.driver_url, poolclass=NullPool)
        rows: list[tuple[Any, ...]] = []
        with engine.begin() as connection:
            for one in statements:
                done = connection.execute(text(one), values) if values else connection.exec_driver_sql(one)
                rows = [tuple(row) for row in done] if done.returns_rows else []
        return rows

    def put(self, ma: str, luc: int, ghi_chu: str = "", trang_thai: str = "new", **more: Any) -> None:
        """A dossier as it stands from now on."""
        values = {
            "ma": ma, "so": f"000.00.10.H22-261121-{ma[-4:]}", "thu_tuc": "2.002493.000.00.00.H22", "trang_thai": trang_thai,
            "chu": "Trần Thị Mẫu Thử", "ghi_chu": ghi_chu, "luc": luc, **more,
        }  # fmt: skip
        names = ", ".join(values)
        marks = ", ".join(f":{name}" for name in values)
        self.run("delete from ho_so where ma = :ma", f"insert into ho_so ({names}) values ({marks})", **values)


class Office:
    """A hub in process without endpoints, and what looks into the table for it."""

    def __init__(self, hub: Hub, clock: MovableClock, source: Source) -> None:
        self.hub, self.clock, self.source = hub, clock, source
        self._database: Database | None = None
        self._polling: Polling | None = None

    async def look(self, **settings: Any) -> None:
        """One look into the table, by the same poller as before."""
        if self._polling is None:
            self._polling = self.poller(**settings)
        await self._polling.look(self.hub.intake.accept)

    def poller(self, **settings: Any) -> Polling:
        """As the hub makes it at its start."""
        config = DatabaseConfig.model_validate({**endpoint(self.source.url), "read": {**READ, **settings}})
        self._database = Database(config, "office")
        assert config.read is not None
        context = ConnectorContext("office", self.clock, None, partial(self.hub.store.cursor, "office"))
        return Polling(config.read, self._database, context)

    async def restart(self) -> None:
        """What the poller knew is gone; the next look begins with what the hub's store has."""
        if self._database is not None:
            await self._database.close()
        self._database = self._polling = None

    def arrivals(self) -> list[tuple[str, str, dict[str, Any]]]:
        """(position, state, body) of what came in, in the order in which it did; what was known is not among it."""
        return stored(self.hub.home.folder)

    def notes(self) -> list[str]:
        """What the arrivals say under dossierNote."""
        return [body.get("dossierNote", "") for _, _, body in self.arrivals()]


def stored(home: Path) -> list[tuple[str, str, dict[str, Any]]]:
    """What a hub's store holds of arrivals: (position, state, body), in order."""
    with contextlib.closing(sqlite3.connect(f"file:{home / 'var' / 'hub.db'}?mode=ro", uri=True, timeout=10)) as reader:
        query = "select position, state, content from arrivals join bodies using (id) order by arrivals.rowid"
        return [(position, state, orjson.loads(body)) for position, state, body in reader.execute(query)]


@contextlib.asynccontextmanager
async def office(folder: Path, source: Source) -> AsyncIterator[Office]:
    """A hub on a home of its own."""
    clock = MovableClock()
    hub = Hub(assemble(make_home(folder, CONFIG)), clock)
    await hub.start()
    made = Office(hub, clock, source)
    try:
        yield made
    finally:
        await made.restart()
        await hub.stop()


def endpoint(url: str) -> dict[str, Any]:
    """The settings that say where it is."""
    made = make_url(url)
    plain = URL.create(made.drivername, made.username, None, made.host, made.port, made.database, made.query)
    where: dict[str, Any] = {"url": plain.render_as_string()}
    return {**where, "password": made.password} if made.password else where


def tables(url: str, **settings: Any) -> DatabaseTables:
    """The connector, outside a hub."""
    config = DatabaseConfig.model_validate({**endpoint(url), **settings})
    return DatabaseTables(config, ConnectorContext("office", MovableClock()))


async def soon(condition: Any, seconds: float = 20.0) -> None:
    """Wait until it is so."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)
