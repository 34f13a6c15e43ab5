"""A running hub with a scripted partner behind its real door, for the tests of the API."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from flow.parts import CONFIG, MovableClock, Scripted, make_home, running
from multidict import CIMultiDict

from hub.app import Hub
from hub.intake.keys import new_key

SCHEMA = {"Hub-Schema": "opencps-dossier@1", "Content-Type": "application/json"}


@dataclass(frozen=True)
class Answer:
    """One answer of the door."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Api:
    """The door of a running hub as senders see it; ``partner`` is the scripted one behind it."""

    hub: Hub
    partner: Any
    clock: MovableClock
    keys: dict[str, str] = field(default_factory=dict)

    async def add_sender(self, name: str) -> None:
        key, self.keys[name] = new_key(name, ["*"], self.clock())
        await self.hub.store.add_key(key)

    async def call(self, method: str, path: str, *, sender: str | None = "one-stop", **how: Any) -> Answer:
        headers = CIMultiDict(how.pop("headers", {}))
        if sender:
            headers["X-API-Key"] = self.keys[sender]
        url = f"http://127.0.0.1:{self.hub.port}{path}"
        async with aiohttp.ClientSession() as session, session.request(method, url, headers=headers, **how) as answer:
            return Answer(answer.status, answer.headers.copy(), await answer.read())

    async def get(self, path: str, *, sender: str | None = "one-stop", **how: Any) -> Answer:
        return await self.call("GET", path, sender=sender, **how)

    async def send(self, record: Any, *, sender: str = "one-stop", headers: Mapping[str, str] | None = None) -> Answer:
        given = {**SCHEMA, **(headers or {})}
        return await self.call("POST", "/v1/messages", sender=sender, data=json.dumps(record), headers=given)


@contextlib.asynccontextmanager
async def started(folder: Path, server: str = "port: 0", kind: type[Scripted] = Scripted) -> AsyncIterator[Api]:
    """A hub with these ``server`` settings, and the sender ``one-stop``."""
    config = CONFIG.replace("server: { port: 0 }", f"server: {{ {server} }}")
    clock = MovableClock()
    async with running(make_home(folder / "home", config), clock, kind) as (hub, partner):
        api = Api(hub, partner, clock)
        await api.add_sender("one-stop")
        yield api
