"""A register that takes entries, and a connector to it that is as it must be, from which those of ``bad_family`` differ."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar

import orjson
from aiohttp import web
from pydantic import Field

from hub.connector import (
    Accept,
    Accepted,
    Attempt,
    Connector,
    ConnectorConfig,
    ConnectorContext,
    Found,
    Inlet,
    Receipt,
    Visit,
)
from hub.errors import DeliveryError, NotAsked, Refused, Rejected, StoreUnavailable, Transient, UnknownSchema
from hub.message import Arrival, Message, SchemaRef, new_id
from hub.observe.logging import get_logger
from hub.testing import Simulator, SimulatorConfig
from hub.testing.fault_play import Answer
from hub.testing.faults import Call, Decision
from hub.testing.specimen import Push, Sample, Specimen
from hub.wire import HttpEndpoint, HttpSettings, unclear

NAME = "Trần Thị Mẫu Thử"
ENTRY = {"id": "e-1", "owner": NAME}
CHANGE = "opencps-dossier@1"
_CHANGE = {"serviceCode": "2.000815", "dossierStatus": "new", "applicantName": NAME}
CHANGES = tuple({**_CHANGE, "referenceUid": f"e-{number}", "counter": number} for number in (1, 2, 3))
_PAGE = 2
log = get_logger("register")


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
        return [
            web.post("/entries", self._take),
            web.get("/entries", self._show),
            web.get("/people/{number}", self._person),
            web.get("/changes", self._changes),
        ]

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

    async def _changes(self, request: web.Request) -> web.StreamResponse:
        after = int(request.query["after"])
        page = CHANGES[after : after + _PAGE]
        answer = _told("changes", ok=True, changes=page, next=after + len(page))
        return await self.faults.play(request, Call("changes"), self.calls.begin("changes"), lambda _: answer, lambda: answer)

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
    folder: Path | None = Field(None, description="A folder of its own.")


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
        if answer.status >= 400 and answer.status < 500:
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
    """Fetches every change, page after page, each under its own id; the cursor behind a page goes with the last of it."""

    send = find = None  # type: ignore[assignment]
    after: int | None = None

    async def receive(self, accept: Accept) -> None:
        while True:
            with contextlib.suppress(StoreUnavailable, UnknownSchema, DeliveryError):
                await self.page(accept)
            await asyncio.sleep(0.05)

    async def page(self, accept: Accept) -> None:
        if self.after is None:
            self.after = await self.begin()
        page = await self.ask("GET", f"/changes?after={self.after}")
        behind = [*[None] * (len(page["changes"]) - 1), page["next"]]
        for change, cursor in zip(page["changes"], behind, strict=False):
            await self.take(change, accept, cursor)
        self.after = page["next"]

    async def begin(self) -> int:
        assert self.context.cursor is not None
        return int(await self.context.cursor() or 0)

    async def take(self, change: Any, accept: Accept, cursor: int | None) -> None:
        try:
            await accept(self.arrival(change), keep=True, cursor=None if cursor is None else str(cursor))
        except UnknownSchema:
            raise
        except Refused:
            log.error("change_refused", endpoint=self.context.name)

    def arrival(self, change: Any) -> Arrival:
        return an_arrival(change, self.context.clock())


class GoodListener(Good):
    """Takes what the register posts, and says so when it is stored."""

    send = find = None  # type: ignore[assignment]

    @classmethod
    def paths(cls, config: Any) -> Iterable[str]:
        return ("/register",)

    def routes(self, inlet: Inlet) -> Iterable[web.RouteDef]:
        self.inlet = inlet
        return [web.post("/register", self.answer)]

    async def answer(self, request: web.Request) -> web.StreamResponse:
        try:
            async with self.inlet.visit(request) as visit:
                await visit.enter(await visit.sign_in_by_headers({}))
                accepted = await self.take(visit, request)
        except Refused as refused:
            return await self.refused(refused)
        except StoreUnavailable:
            return web.json_response({"code": "BUSY"}, status=503)
        return web.json_response({"receipt": accepted.receipt["arrival"]})

    async def take(self, visit: Visit, request: web.Request) -> Accepted:
        return await visit.accept(CHANGE, await visit.body())

    async def refused(self, refused: Refused) -> web.StreamResponse:
        return web.json_response({"code": refused.kind}, status=refused.status)


def an_arrival(change: Any, now: int) -> Arrival:
    key = f"change:{change['counter']}"
    body = orjson.dumps(change)
    return Arrival(new_id(), "register", SchemaRef.parse(CHANGE), body, now, new_id(), key=key, origin="register")


def specimen(**more: Any) -> Specimen:
    """Of a connector that sends."""
    given: dict[str, Any] = {
        "simulator": lambda folder: Register(),
        "settings": lambda url, folder: {"url": url},
        "samples": (Sample("entry@1.0.0", ENTRY, {"register": "e-1"}),),
    }
    return Specimen(personal=(NAME,), **{**given, **more})


def registry_specimen() -> Specimen:
    """Of one that answers questions."""
    return specimen(samples=(), queries=({"number": "1"},), unknown_queries=({"number": "2"},))


def receiver_specimen() -> Specimen:
    """Of one that fetches changes."""
    return specimen(samples=(), arrivals=len(CHANGES), settings=lambda url, folder: {"url": url, "folder": str(folder)})


def listener_specimen(brought: Any = CHANGES[0]) -> Specimen:
    """Of one that is called."""
    return specimen(samples=(), pushes=(Push("/register", "register", lambda key: brought),))
