"""The stage of a rehearsal: a home's own configuration, its partners simulated on loopback, and a store that is thrown away.

Nothing of the home is written, and no partner of it is called: an endpoint's settings are those of config.yaml but for its
addresses and secrets, which its simulator replaces (``Simulator.rehearse``). For an endpoint without one nothing is sent.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from hub.app import Hub
from hub.assembly import Endpoint, fetched_tables, fit
from hub.config import EndpointConfig, Home, LogConfig, RetentionConfig, StoreConfig, validation_problems
from hub.connector import Connector, ConnectorConfig, ConnectorContext, Receiver, TableSource, load_connector, registered
from hub.errors import BadConfig, DeliveryError, Problem
from hub.message import SchemaRef, system_clock
from hub.testing.references import References
from hub.testing.samples import SampleFolder, Settings, sample_of
from hub.testing.simulator import GROUP, RunningSimulator, load_simulator, serve
from hub.testing.understudies import Journal, silent, watched
from hub.translation import Catalog, write_fetched_table

_LOOK_SECONDS = 0.05
_HERE = "127.0.0.1"
_ZONE = ZoneInfo("Asia/Ho_Chi_Minh")


class Stage:
    """``async with Stage(home, scratch, journal) as stage``: the hub of the home runs, and each simulator.

    ``scratch``: an empty folder, all that is written goes there. ``extra``: settings of simulators by endpoint. ``reads``: the
    endpoint whose connector reads the sample. Raises BadConfig with every problem that stands in the way.
    """

    def __init__(
        self, folder: Path, scratch: Path, journal: Journal, extra: Mapping[str, Settings], reads: str | None = None
    ) -> None:
        self._folder, self._scratch, self._journal, self._extra, self._reads = folder, scratch, journal, extra, reads
        self.simulators: dict[str, str | None] = {}
        """Endpoint → name of the simulator that stands in for its partner."""
        self.notes: list[str] = []
        """What of the home was replaced by something else, in sentences."""
        self.sample: SampleFolder | None = None
        self.reader: Connector[Any] | None = None
        """The connector that reads the sample, not yet told to."""
        self._running: list[RunningSimulator] = []
        self._references = References()
        self._hub: Hub | None = None
        self._catalog: Catalog | None = None

    @property
    def catalog(self) -> Catalog:
        """Schemas, mappings and tables as the hub has them."""
        assert self._catalog is not None
        return self._catalog

    @property
    def hub(self) -> Hub:
        assert self._hub is not None
        return self._hub

    @property
    def url(self) -> str:
        """The hub's own door."""
        return f"http://{_HERE}:{self.hub.port}"

    async def __aenter__(self) -> Stage:
        try:
            await self._set()
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._hub is not None:
            await self._hub.stop()
        for one in self._running:
            await one.close()

    async def settled(self, patience: float) -> bool:
        """Wait until no delivery can be attempted now; False when nothing moved for so many seconds."""
        loop, store = asyncio.get_running_loop(), self.hub.store
        before, still_since = await self._open_deliveries(), loop.time()
        while True:
            due = [await store.due(name, system_clock(), 1) for name in self.simulators]
            now = await self._open_deliveries()
            if not any(due) and now == before and not any(state == "claimed" for _, _, state in now):
                return True
            if now != before:
                before, still_since = now, loop.time()
            elif loop.time() - still_since > patience:
                return False
            await asyncio.sleep(_LOOK_SECONDS)

    async def _open_deliveries(self) -> dict[tuple[str, str, str], int]:
        told = (await self.hub.store.traffic())["deliveries"]
        return {(one["endpoint"], one["route"], one["state"]): one["count"] for one in told}

    # ── setting it
    async def _set(self) -> None:
        self._scratch.mkdir(parents=True, exist_ok=True)
        home = self._references.load(self._folder)
        problems = self._references.needed()
        connectors: dict[str, type[Connector[Any]]] = {}
        for name, config in home.config.endpoints.items():
            try:
                connectors[name] = load_connector(config.connector)
            except BadConfig as error:
                at = f"endpoints.{name}.connector"
                where = home.where("endpoints", name, "connector")
                problems += [replace(one, at=at, source=where) for one in error.problems]
        catalog, _ = Catalog.read(home.layers, fetched_tables(connectors.values()))
        endpoints: dict[str, Endpoint] = {}
        for name, connector in connectors.items():
            try:
                endpoints[name] = await self._endpoint(name, connector, home.config.endpoints[name], home, catalog)
            except BadConfig as error:
                problems += error.problems
        if problems:
            raise BadConfig(problems)
        home = self._moved(home)
        await self._fetch_missing(endpoints, catalog)
        parts, problems, _ = fit(home, endpoints)
        if parts is None:
            raise BadConfig(problems)
        if self.sample is not None and self._reads is not None:
            own = endpoints[self._reads]
            self.reader = own.connector(own.settings, ConnectorContext(self._reads, system_clock))
            assert isinstance(self.reader, Receiver)
        played = {name: replace(one, connector=self._understudy(one)) for name, one in endpoints.items()}
        self._catalog = parts.catalog
        self._hub = Hub(replace(parts, endpoints=played))
        await self._hub.start()

    def _understudy(self, one: Endpoint) -> type[Connector[Any]]:
        play = silent if self.simulators[one.name] is None else watched
        return play(one.connector, one.name, self._journal)

    async def _endpoint(
        self, name: str, connector: type[Connector[Any]], config: EndpointConfig, home: Home, catalog: Catalog
    ) -> Endpoint:
        """The endpoint with its simulator, if there is one, already listening. Raises BadConfig."""
        written = self._references.written(config.settings, f"endpoints.{name}.settings")
        extra = self._extra.get(name, {})
        self.simulators[name] = None
        if name == self._reads and not extra:
            self.sample = sample_of(connector, written, self._scratch / "sample")
            if self.sample is not None:
                self._judge(name, connector, written, home)
                self.sample.inbox.mkdir(parents=True)
                return Endpoint(name, connector, self._settings(name, connector, self.sample.settings, home))
        if config.connector in registered(GROUP):
            kind = load_simulator(config.connector)
            found = kind.rehearse(written, lambda table: _rows(catalog, table))
            if found is not None:
                try:
                    play = kind.Config.model_validate({**found.simulator, **extra})
                except ValidationError as error:
                    raise BadConfig(validation_problems(error, lambda *_: "--set", (name,))) from None
                running = await serve(kind(play, None))
                self._running.append(running)
                self.simulators[name] = config.connector
                given = found.endpoint(running.url)
                self._judge(name, connector, written, home, {key for key in written if key not in given})
                return Endpoint(name, connector, self._settings(name, connector, given, home))
        if extra:
            raise BadConfig([Problem(name, "no_simulator", "no simulator stands in for this endpoint", source="--set")])
        self._judge(name, connector, written, home)
        under = f"endpoints.{name}.settings"
        if blank := self._references.blank_in(under):
            places = ", ".join(sorted(place.removeprefix(f"{under}.") for place in blank))
            self.notes.append(f"{name}: its settings were judged without {places}, of which the value is not here")
        unsent = silent(connector, name, self._journal)
        return Endpoint(name, unsent, unsent.Config())

    def _settings(self, name: str, connector: type[Connector[Any]], given: Settings, home: Home) -> ConnectorConfig:
        """Raises BadConfig, also for a reference without a value that was not replaced."""
        if needed := self._references.needed_in(given, f"endpoints.{name}.settings"):
            raise BadConfig(needed)
        try:
            return connector.Config.model_validate(given, context={"home": home.folder})
        except ValidationError as error:
            raise BadConfig(validation_problems(error, home.where, ("endpoints", name, "settings"))) from None

    def _judge(
        self, name: str, connector: type[Connector[Any]], written: Settings, home: Home, only: Collection[str] | None = None
    ) -> None:
        """Settings as they are written, though nothing works by them here; ``only`` those of these names. Raises BadConfig."""
        under = f"endpoints.{name}.settings"
        blank = self._references.blank_in(under)
        try:
            connector.Config.model_validate(written, context={"home": home.folder})
        except ValidationError as error:
            found = validation_problems(error, home.where, ("endpoints", name, "settings"))
            said = [one for one in found if not any(_on_one_path(one.at, place) for place in blank)]
            if only is not None:
                said = [one for one in said if any(f"{one.at}.".startswith(f"{under}.{key}.") for key in only)]
            if said:
                raise BadConfig(said) from None

    def _moved(self, home: Home) -> Home:
        """The home with store, door and log elsewhere, and without what holds senders and deliveries back."""
        config = home.config
        server = config.server.model_copy(update={"host": _HERE, "port": 0, "tls": None, "prefix": ""})
        unhurried = {name: one.model_copy(update={"rate": None}) for name, one in config.endpoints.items()}
        changed = {
            "store": StoreConfig(url=f"sqlite:///{(self._scratch / 'hub.db').absolute()}"), "server": server, "clients": {},
            "log": LogConfig(), "retention": RetentionConfig(), "events": None, "endpoints": unhurried, "drain_seconds": 2.0,
            "catalog": (*config.catalog, self._scratch / "fetched"),
        }  # fmt: skip
        return Home(home.folder, config.model_copy(update=changed), home.where)

    async def _fetch_missing(self, endpoints: Mapping[str, Endpoint], catalog: Catalog) -> None:
        """Tables that were never fetched: the simulator's, so that what needs one is not stopped by that alone."""
        for name, one in endpoints.items():
            missing = [table for table in one.connector.tables if _rows(catalog, table) is None]
            if self.simulators[name] is None or not missing:
                continue
            source = one.connector(one.settings, ConnectorContext(name, system_clock))
            assert isinstance(source, TableSource)
            await source.open()
            try:
                for table in missing:
                    await self._fetch(source, name, table, tuple(one.connector.tables[table]))
            finally:
                await source.close()

    async def _fetch(self, source: TableSource, name: str, table: str, columns: tuple[str, ...]) -> None:
        try:
            rows = await source.fetch_table(table)
        except DeliveryError as error:
            self.notes.append(f"{table} was never fetched from {name}, and its simulator does not give it: {error}")
            return
        write_fetched_table(self._scratch / "fetched", table, columns, rows, name, datetime.now(_ZONE))
        self.notes.append(f"{table} was never fetched from {name}: the {len(rows)} examples of the simulator stand in for it")


def _on_one_path(one: str, other: str) -> bool:
    """Whether one place is the other, or holds it."""
    return f"{one}.".startswith(f"{other}.") or f"{other}.".startswith(f"{one}.")


def _rows(catalog: Catalog, table: str) -> Mapping[str, Mapping[str, str]] | None:
    """The newest rows of a table with one key, None while it was never fetched."""
    ref = SchemaRef.parse(table)
    fitting = [one for one in catalog.tables() if one.ref.id == ref.id and f"{one.ref.version}.".startswith(f"{ref.version}.")]
    if not fitting or fitting[-1].rows is None:
        return None
    newest, rows = fitting[-1], fitting[-1].rows
    return {str(key[0]): dict(zip(newest.columns, map(str, cells), strict=True)) for key, cells in rows.items()}
