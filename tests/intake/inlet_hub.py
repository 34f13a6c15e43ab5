"""A running hub with a connector of the tests' own that sends to a scripted partner and opens a door in its own protocol."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import yaml
from aiohttp import web
from flow.parts import MADE, MovableClock, NoConfig, Scripted, until, with_partner

from hub.app import Hub
from hub.assembly import assemble
from hub.connector import Caller, ConnectorContext, Inlet, Visit
from hub.errors import Refused
from hub.intake.inlet import DoorInlet
from hub.intake.keys import new_key

SENDER = "one-stop"


class Desk(Scripted):
    """``POST /desk``: who calls stands in the body, its records are examined, accepted, and waited for. ``GET /desk/CODE``:
    where a dossier stands, for who signs in by the headers. The endpoint portal alone has the door."""

    def __init__(self, config: NoConfig, context: ConnectorContext) -> None:
        super().__init__(config, context)
        self.sessions: list[Caller] = []
        self.held: dict[str, tuple[int, int]] = {}
        """What the gate held, requests and bytes, at each stage of the visit before."""
        self.pause: Callable[[str], Any] | None = None
        """Awaited at each stage, if it is there."""
        self.fails_at_last = False

    def routes(self, inlet: Inlet) -> Iterable[web.RouteDef]:
        self.inlet = inlet
        if self.context.name != "portal":
            return []
        return [web.post("/desk", self._post), web.get("/desk/{code}", self._standing), web.put("/desk", self._body_later)]

    async def _stage(self, name: str) -> None:
        assert isinstance(self.inlet, DoorInlet)
        gate = self.inlet.doorway.gate
        self.held[name] = (gate.requests, gate.bytes)
        if self.pause is not None:
            await self.pause(name)

    async def _post(self, request: web.Request) -> web.Response:
        answer: web.Response | None = None
        self.request = request
        async with self.inlet.visit(request) as visit:
            try:
                answer = web.json_response(await self._served(visit))
            except Refused as error:
                told = {"refused": error.kind, "codes": [(one.at, one.code) for one in error.problems]}
                answer = web.json_response(told, status=error.status, headers=visit.headers)
        await self._stage("left")
        return answer

    async def _served(self, visit: Visit) -> dict[str, Any]:
        asked = json.loads(await visit.body())
        await self._stage("body")
        if "session" in asked:
            caller = self.sessions[asked["session"]]
        else:
            caller = await visit.sign_in(asked["account"], asked["key"])
            self.sessions.append(caller)
        await visit.enter(caller)
        await self._stage("entered")
        schema, endpoint = asked.get("schema", "note@1"), asked.get("endpoint", "portal")
        records = [json.dumps(one).encode() for one in asked.get("records", ())]
        for one in records:
            await visit.examine(schema, one)
        if asked.get("only_examine"):
            return {}
        accepted = [await visit.accept(schema, one, anew=asked.get("anew")) for one in records]
        await self._stage("accepted")
        outcomes = (
            [await visit.outcome(one, endpoint, asked.get("seconds", 5)) for one in accepted] if "seconds" in asked else []
        )
        await self._stage("outcome")
        if asked.get("tell", True):
            for one in accepted:
                await visit.told(one, endpoint)
        if self.fails_at_last:
            raise RuntimeError("the door broke")
        return {
            "session": len(self.sessions) - 1,
            "headers": dict(visit.headers),
            "receipts": [dict(one.receipt) for one in accepted],
            "repeated": [one.repeated for one in accepted],
            "outcomes": [
                {
                    "state": one.state,
                    "code": one.code,
                    "said": one.said,
                    "told": one.told,
                    "why": [p.code for p in one.problems],
                }
                for one in outcomes
            ],
        }

    async def _standing(self, request: web.Request) -> web.Response:
        async with self.inlet.visit(request) as visit:
            await visit.enter(await visit.sign_in_by_headers({"unit-7": SENDER}))
            found = await visit.standing(request.match_info["code"], request.query.get("endpoint", "portal"))
            shown = None if found is None else {"sent": found.sent, "waiting": found.waiting, "refused": found.refused}
            return web.json_response(shown, headers=visit.headers)

    async def _body_later(self, request: web.Request) -> web.Response:
        """Who calls stands in the headers, and is known before the body is read."""
        async with self.inlet.visit(request) as visit:
            await visit.enter(await visit.sign_in_by_headers({"unit-7": SENDER}))
            await self._stage("entered")
            body = await visit.body()
            await self._stage("body")
            accepted = await visit.accept("note@1", body)
            return web.json_response(dict(accepted.receipt))


def _schema(name: str, role: str, *, full_state: bool) -> str:
    text = {"type": "string", "minLength": 1}
    x_hub: dict[str, Any] = {"role": role, "full_state": full_state}
    x_hub["subject"] = [{"system": "national", "pointer": "/code"}, {"system": "{sender}", "pointer": "/own"}]
    document = {
        "$schema": "https://json-schema.org/draft/2020-12/schema", "$id": f"urn:dossier-hub:{name}:1.0.0", "x-hub": x_hub,
        "type": "object", "properties": {"code": text, "own": text, "state": text, "text": text}, "required": ["state"],
        "additionalProperties": False,
    }  # fmt: skip
    return json.dumps(document)


def _mapping(source: str, target: str) -> str:
    optional = {name: {"get": name, "optional": True} for name in ("code", "own", "text")}
    document = {
        "mapping": f"{source}-to-{target}", "version": "1.0.0", "status": "stable", "from": f"{source}@1.0.0",
        "to": f"{target}@1.0.0", "summary": "As it is.", "tables": {"state": {"A": "open", "B": "done"}},
        "set": {**optional, "state": {"get": "state", "table": "state"}},
        "tests": [{"name": "one", "given": {"code": "c", "state": "A"}, "expect": {"code": "c", "state": "open"}}],
    }  # fmt: skip
    return yaml.safe_dump(document, sort_keys=False)


def make_home(folder: Path, **server: Any) -> Path:
    """Notes become items, remarks become steps; both go to the endpoint portal, items with a text to archive too."""
    clients = server.pop("clients", {})
    route = {"to": "portal", "in_doubt": "hold"}
    settings = {"adapter_url": "http://127.0.0.1:9/x", "username": "u", "password": "p", "madonvi": "000.00.00.H22"}
    endpoint = {
        "connector": "national-portal", "settings": settings, "concurrency": 4,
        "retry": {"first_seconds": 0.02, "longest_seconds": 0.1, "attempts": 3},
        "breaker": {"failures": 3, "open_seconds": 0.1, "longest_seconds": 0.2},
    }  # fmt: skip
    config = {
        "store": {"url": "sqlite:///var/hub.db"}, "server": {"port": 0, **server}, "clients": clients,
        "sources": [{"schema": "note@1", "becomes": ["item@1"]}, {"schema": "remark@1", "becomes": ["step@1"]}],
        "endpoints": {"portal": endpoint, "archive": endpoint},
        "routes": {
            "items": {"take": "item@1", "as": "item@1", **route},
            "steps": {"take": "step@1", "as": "step@1", **route},
            "texts": {"take": "item@1", "as": "item@1", "to": "archive", "when": {"present": "text"}},
        },
    }  # fmt: skip
    made = {"config.yaml": yaml.safe_dump(config, sort_keys=False)}
    for source, target, full_state in (("note", "item", True), ("remark", "step", False)):
        made[f"schemas/{source}/1.0.0.json"] = _schema(source, "source", full_state=full_state)
        made[f"schemas/{target}/1.0.0.json"] = _schema(target, "canonical", full_state=full_state)
        made[f"mappings/{source}-to-{target}/1.0.0.yaml"] = _mapping(source, target)
    for name, text in made.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


@dataclass
class DeskHub:
    """The hub, its partner ``portal`` with the door, and callers."""

    hub: Hub
    partner: Any
    clock: MovableClock
    keys: dict[str, str] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)

    async def add_sender(self, name: str, *schemas: str) -> None:
        key, self.keys[name] = new_key(name, schemas or ("note", "remark"), self.clock())
        self.ids[name] = key.id
        await self.hub.store.add_key(key)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.hub.port}/desk"

    async def call(self, method: str, url: str, **how: Any) -> tuple[int, Any, dict[str, str]]:
        async with aiohttp.ClientSession() as session, session.request(method, url, **how) as answer:
            return answer.status, await answer.json(content_type=None), dict(answer.headers)

    async def post(self, *records: Any, sender: str = SENDER, **how: Any) -> Any:
        """What the door answers; its status stands in it. With ``seconds`` it waits."""
        status, said, headers = await self.call("POST", self.url, json=self.asked(*records, sender=sender, **how))
        return {"status": status, **said, "answer_headers": headers}

    def asked(self, *records: Any, sender: str = SENDER, **how: Any) -> dict[str, Any]:
        return {"account": sender, "key": self.keys.get(sender, "none"), "records": records, **how}

    def calling(self, *records: Any, **how: Any) -> asyncio.Task[Any]:
        """The same, under way."""
        return asyncio.create_task(self.post(*records, **how))

    async def outcome(self, *records: Any, **how: Any) -> Any:
        """The outcome of the only record, waited for."""
        answer = await self.post(*records, **{"seconds": 5, **how})
        assert answer["status"] == 200, answer
        (only,) = answer["outcomes"]
        return only

    async def stage(self, name: str) -> None:
        """Wait until a visit is that far."""
        self.partner.held.pop(name, None)
        await until(lambda: name in self.partner.held)

    def rows(self, query: str) -> list[Any]:
        """What the store has, read beside the hub."""
        with contextlib.closing(sqlite3.connect(self.hub.home.store_url.removeprefix("sqlite:///"))) as connection:
            return connection.execute(query).fetchall()

    def deliveries(self) -> list[tuple[str, str | None]]:
        """State and who settled it, in order."""
        return self.rows("select state, settled_by from deliveries where endpoint = 'portal' order by seq")


@contextlib.asynccontextmanager
async def running(home: Path) -> AsyncIterator[DeskHub]:
    """A started hub whose sender may send all it takes."""
    clock = MovableClock()
    hub = Hub(with_partner(assemble(home), Desk), clock)
    await hub.start()
    try:
        desk = DeskHub(hub, MADE["portal"], clock)
        await desk.add_sender(SENDER)
        yield desk
    finally:
        await hub.stop()


def note(state: str = "A", code: str | None = "N1", **more: str) -> dict[str, str]:
    return {**({"code": code} if code else {}), "state": state, **more}
