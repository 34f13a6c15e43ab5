"""A register that takes entries, and a connector to it that is as it must be, from which those of ``bad_family`` differ."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar

import orjson
from aiohttp import web
from pydantic import Field

from hub.connector import Accept, Attempt, Connector, ConnectorConfig, ConnectorContext, Found, Receipt
from hub.errors import DeliveryError, NotAsked, Rejected, StoreUnavailable, Transient
from hub.message import Arrival, Message, SchemaRef, new_id
from hub.testing import Simulator, SimulatorConfig
from hub.testing.fault_play import Answer
from hub.testing.faults import Call, Decision
from hub.testing.specimen import Sample, Specimen
from hub.wire import HttpEndpoint, HttpSettings, unclear

NAME = "Trần Thị Mẫu Thử"
ENTRY = {"id": "e-1", "owner": NAME}


class Register(Simulator[SimulatorConfig]):
    """Takes every entry as a new one, even the same again: a doubling is seen."""

    name: ClassVar[str] = "register"
    Config = SimulatorConfig

    def __init__(self, config: SimulatorConfig | None = None, state_file: Path | None = None) -> None:
        super().__init__(config or SimulatorConfig(), state_file)
        self.entries: list[Any] = []

    def state(self) -> Mapping[str, Any]:
        return {"entries": self.entries}

    def routes(self) -> Iterable[web.RouteDef]:
        return [web.post("/entries", self._take), web.get("/entries", self._show), web.get("/people/{number}", self._person)]

    async def _take(self, request: web.Request) -> web.StreamResponse:
        entry = orjson.loads(await request.read())

        def take(decision: Decision) -> Answer:
            if refused := decision.refusal_of(Call("take"), {}):
                return _told("refused", ok=False, message=refused.message)
            self.entries.append(entry)
            return _told("taken", effect=True, ok=True)

        return await self.faults.play(request, Call("take"), self.calls.begin("take"), take, lambda: _told("over"))

    async def _show(self, request: web.Request) -> web.StreamResponse:
        answer = _told("shown", ok=True, entries=self.entries)
        return await self.faults.play(request, Call("show"), self.calls.begin("show"), lambda _: answer, lambda: answer)

    async def _person(self, request: web.Request) -> web.StreamResponse:
        name = NAME if request.match_info["number"] == "1" else None

        def tell(decision: Decision) -> Answer:
            refused = decision.refusal_of(Call("person"), {})
            return _told("refused", ok=False, message=refused.message) if refused else _told("told", ok=True, name=name)

        return await self.faults.play(request, Call("person"), self.calls.begin("person"), tell, lambda: _told("over"))


def _told(outcome: str, *, effect: bool = False, **words: Any) -> Answer:
    return Answer(orjson.dumps(words), outcome, effect=effect)


class GoodConfig(HttpSettings, ConnectorConfig):
    """The register's address."""

    url: str = Field(description="Where it is.")


class Good(Connector[GoodConfig]):
    """Sends entries, asks for them, answers who somebody is, and fetches what is new: all as it must be."""

    Config: ClassVar[type[ConnectorConfig]] = GoodConfig

    def __init__(self, config: Any, context: ConnectorContext) -> None:
        super().__init__(config, context)
        self.http = HttpEndpoint(config, context.clock)

    async def open(self) -> None:
        await self.http.open()

    async def close(self) -> None:
        await self.http.close()

    async def check(self) -> None:
        await self.ask("GET", "/entries")

    async def send(self, message: Message, attempt: Attempt) -> Receipt:
        if message.schema.id != "entry":
            raise NotAsked("schema", "mend the route")
        await self.ask("POST", "/entries", message.body)
        return Receipt()

    async def find(self, message: Message, attempt: Attempt) -> Found | None:
        entries = (await self.ask("GET", "/entries"))["entries"]
        return Found(holds=True) if message.body in entries else None

    async def ask(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        effect = method == "POST"
        answer = await self.http.call(
            method, self.config.url + path, effect=effect, body=None if body is None else orjson.dumps(body)
        )
        if answer.status == 200:
            try:
                words: dict[str, Any] = orjson.loads(answer.body)
            except orjson.JSONDecodeError:
                raise unclear(effect, "unreadable", "no JSON") from None
            if not words["ok"]:
                raise Rejected("REFUSED", "the register refused it")
            return words
        if answer.status < 500:
            raise Transient(f"http_{answer.status}")
        raise unclear(effect, f"http_{answer.status}", "it failed")


class GoodRegistry(Good):
    """Answers who somebody is."""

    queries: ClassVar[str] = "person-query@1"
    answers: ClassVar[str] = "person@1"
    send = find = None  # type: ignore[assignment]

    async def request(self, query: Message) -> Any | None:
        name = (await self.ask("GET", f"/people/{query.body['number']}"))["name"]
        return None if name is None else {"name": name}


class GoodReceiver(Good):
    """Fetches every entry, over and over, each under its own id."""

    send = find = None  # type: ignore[assignment]

    async def receive(self, accept: Accept) -> None:
        while True:
            try:
                await self.ask("GET", "/entries")
                await accept(an_arrival(self.context.clock()))
            except (StoreUnavailable, DeliveryError):
                await asyncio.sleep(0.01)
                continue
            await asyncio.sleep(0.05)


def an_arrival(now: int) -> Arrival:
    return Arrival(new_id(), "register", SchemaRef("entry", "1"), orjson.dumps(ENTRY), now, new_id(), key=ENTRY["id"])


def specimen(**more: Any) -> Specimen:
    """Of a connector that sends."""
    given: dict[str, Any] = {"samples": (Sample("entry@1.0.0", ENTRY, {"register": "e-1"}),)} | more
    return Specimen(lambda folder: Register(), lambda url, folder: {"url": url}, personal=(NAME,), **given)


def registry_specimen() -> Specimen:
    """Of one that answers questions."""
    return specimen(samples=(), queries=({"number": "1"},), unknown_queries=({"number": "2"},))
