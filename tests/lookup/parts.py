"""A registry of invented people as an installed connector, and a hub that asks it over its own door and before it delivers."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import os
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from flow.parts import CONFIG, MADE, MovableClock, NoConfig, Scripted, make_home

from hub.app import Hub
from hub.assembly import Endpoint, assemble
from hub.connector import Connector
from hub.intake.keys import new_key
from hub.message import Message
from hub.store.values import KeyRole

NUMBER, OLD_NUMBER = "001090990001", "990000001"
NAME = "Nguyễn Văn Mẫu"
BIRTH = "1990-01-31"
CANARIES = ("Thôn Ví Dụ Canary", "Cha Canary", "001060990777")
"""Values that only the registry's answer has."""
PERSON: Mapping[str, Any] = {
    "SoDinhDanh": NUMBER,
    "SoCMND": OLD_NUMBER,
    "HoVaTen": {"Ho": "", "ChuDem": "", "Ten": "NGUYỄN VĂN  MẪU"},
    "GioiTinh": "1",
    "NgayThangNamSinh": {"NgayThangNam": "19900131"},
    "ThuongTru": {"MaTinhThanh": "22", "ChiTiet": CANARIES[0]},
    "Cha": {"HoVaTen": CANARIES[1], "SoDinhDanh": CANARIES[2]},
}
QUESTION = {"number": NUMBER, "name": NAME, "birth": BIRTH}
ENTRY_POINTS = """\
[hub.connectors]
people = lookup.parts:People
people-as-asked = lookup.parts:AsAsked
people-who-say-no-more = lookup.parts:Silent
companies = lookup.companies:Companies
"""


class People(Connector[NoConfig]):
    """Answers questions of the population registry's shape about the people it was given."""

    Config = NoConfig
    queries = "c06-citizen-query@1"
    answers = "c06-citizen@1"

    def __init__(self, config: NoConfig, context: Any) -> None:
        super().__init__(config, context)
        self.people: dict[str, Any] = {NUMBER: PERSON}
        self.asked: list[Message] = []
        self.script: Callable[[Message], Any] | None = None
        MADE[context.name] = self

    async def open(self) -> None: ...

    async def check(self) -> None: ...

    async def close(self) -> None: ...

    async def request(self, query: Message) -> Any | None:
        self.asked.append(query)
        if query.body.get("SoDinhDanh") == os.environ.get("PEOPLE_HANG_ON"):
            await asyncio.Event().wait()
        if self.script is None:
            return self.people.get(query.body.get("SoDinhDanh") or query.body["SoCMND"])
        said = self.script(query)
        if asyncio.iscoroutine(said):
            said = await said
        if isinstance(said, Exception):
            raise said
        return said

    async def confirm(self, query: Message) -> bool:
        return await self.request(query) is not None


class AsAsked(People):
    """Takes questions and gives answers in the canonical schemas themselves; every second number is somebody's."""

    queries = "citizen-query@1"
    answers = "citizen@1"

    async def request(self, query: Message) -> Any | None:
        number = query.body["number"]
        known = {"number" if len(number) == 12 else "old_number": number, "name": query.body["name"]}
        return known if int(number[-1]) % 2 else None


class Silent(Connector[NoConfig]):
    """Answers nothing, and delivers nothing."""

    Config = NoConfig

    async def open(self) -> None: ...

    async def check(self) -> None: ...

    async def close(self) -> None: ...


LOOKUP = "lookup: { take: citizen-query@1, give: citizen@1 }"
POPULATION = f"""\
  population:
    connector: people
    {LOOKUP}
    deadline_seconds: 10
    retry: {{ first_seconds: 0.02, longest_seconds: 0.05 }}
    breaker: {{ failures: 4, open_seconds: 0.05, longest_seconds: 0.1 }}
"""
VERIFY = """verify: { with: population, query: citizen-query@1, on_mismatch: hold, database_code: "7",
              purpose: the owner is checked before the portal gets it, officer: hub-0001 }"""


def config(*, verify: str = VERIFY, population: str = POPULATION) -> str:
    """The flow tests' configuration, with the registry, and with the verify step on the route of dossiers."""
    route = "to: portal, as: npsp-dossier@1 }"
    assert CONFIG.count(route) == 1
    text = CONFIG.replace(route, f"to: portal, as: npsp-dossier@1, {verify} }}" if verify else route)
    return text.replace("routes:\n", f"{population}routes:\n")


def install(folder: Path) -> Path:
    """A folder that, on the path, makes the connectors of this module installed ones."""
    info = folder / "site" / "lookup_parts-1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: lookup-parts\nVersion: 1\n", encoding="utf-8")
    (info / "entry_points.txt").write_text(ENTRY_POINTS, encoding="utf-8")
    return info.parent


@dataclass(frozen=True)
class Answer:
    """One answer of the door."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def kind(self) -> str:
        """The kind of problem that it is."""
        return str(self.json["type"]).rpartition(":")[2]

    @property
    def errors(self) -> set[tuple[str, str]]:
        return {(one["pointer"], one["code"]) for one in self.json["errors"]}


@dataclass
class Desk:
    """A running hub, the registry and the portal behind it, and an officer's system in front of it."""

    hub: Hub
    population: People
    portal: Scripted
    clock: MovableClock
    keys: dict[str, str] = field(default_factory=dict)

    async def add_key(self, name: str, *schemas: str, role: KeyRole = "sender") -> None:
        key, self.keys[name] = new_key(name, schemas, self.clock(), role)
        await self.hub.store.add_key(key)

    async def ask(
        self, about: Any = QUESTION, *, key: str | None = "desk", endpoint: str = "population", **changed: Any
    ) -> Answer:
        """One look-up as an officer's system makes it; a field that is None is left out."""
        whole = {"officer": "cb-0001", "purpose": "checked at reception", "procedure": "1.001193", "query": about, **changed}
        body = {name: value for name, value in whole.items() if value is not None}
        return await self.post(json.dumps(body), key=key, endpoint=endpoint)

    async def post(
        self, body: str | bytes, *, key: str | None = "desk", endpoint: str = "population", **headers: str
    ) -> Answer:
        sent = {"Content-Type": "application/json", **headers, **({"X-API-Key": self.keys[key]} if key else {})}
        url = f"http://127.0.0.1:{self.hub.port}/v1/lookups/{endpoint}"
        async with aiohttp.ClientSession() as session, session.post(url, data=body, headers=sent) as answer:
            return Answer(answer.status, answer.headers.copy(), await answer.text())

    async def record(self) -> list[Any]:
        """What is on record, oldest first."""
        return list(reversed(await self.hub.store.lookups(limit=1000)))


@contextlib.asynccontextmanager
async def running(folder: Path, text: str | None = None, clock: MovableClock | None = None) -> AsyncIterator[Desk]:
    """A started hub on a home in the folder, with the key ``desk`` that may ask."""
    clock = clock or MovableClock()
    home = make_home(folder / "home", text or config())
    parts = assemble(home)
    endpoints = {**parts.endpoints, "portal": Endpoint("portal", Scripted, NoConfig())}
    hub = Hub(dataclasses.replace(parts, endpoints=endpoints), clock)
    await hub.start()
    try:
        desk = Desk(hub, MADE["population"], MADE["portal"], clock)
        if not any(one.name == "desk" for one in await hub.store.keys()):
            await desk.add_key("desk", "citizen-query")
        yield desk
    finally:
        await hub.stop()
