"""A scripted registry of enterprises on loopback, and the connector that is set up for it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from connectors.business_registry.config import BusinessRegistryConfig
from connectors.business_registry.connector import BusinessRegistry
from hub.connector import ConnectorContext
from hub.message import Message, SchemaRef

NOW = 1_795_219_200_123_456
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
NUMBER, BRANCH, OTHER = "0100999995", "0100999995-001", "0312345673"
NAME, PERSON, PERSON_NUMBER = "CÔNG TY TNHH CANARY", "Trần Thị Canary", "001190990001"
PATH = "/apiCSDLDKDN/1.0/chiTietDoanhNghiep"
SECRET = "bi-mat-canary"


@dataclass(frozen=True)
class Asked:
    """One call as it came in."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes


@dataclass
class Partner:
    """What it was asked, and what it answers: status and body (an object is JSON), one after the other, the last for ever."""

    url: str = ""
    asked: list[Asked] = field(default_factory=list)
    script: list[tuple[int, Any]] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)

    def says(self, *answers: Any) -> None:
        self.script = [one if isinstance(one, tuple) else (200, one) for one in answers]

    @property
    def questions(self) -> list[Asked]:
        return [one for one in self.asked if one.path != "/token"]

    async def answer(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.asked.append(Asked(request.method, request.path, dict(request.query), dict(request.headers), body))
        if request.path == "/token":
            count = sum(one.path == "/token" for one in self.asked)
            return web.json_response({"access_token": f"token-{count}", "token_type": "Bearer", "expires_in": 3600})
        status, said = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        raw = said if isinstance(said, bytes) else json.dumps(said, ensure_ascii=False).encode()
        return web.Response(status=status, body=raw, headers=self.headers, content_type="application/json")


@asynccontextmanager
async def partner() -> AsyncIterator[Partner]:
    it = Partner()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", it.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    it.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield it
    finally:
        await runner.cleanup()


def wso2(url: str) -> dict[str, Any]:
    return {"kind": "oauth2", "token_url": f"{url}/token", "client_id": "province", "client_secret": SECRET}


@asynccontextmanager
async def asking(base: str, /, **settings: Any) -> AsyncIterator[BusinessRegistry]:
    config = BusinessRegistryConfig.model_validate({"url": f"{base}{PATH}", "shape": "province", **settings})
    it = BusinessRegistry(config, ConnectorContext("business", lambda: NOW))
    await it.open()
    try:
        yield it
    finally:
        await it.close()


def question(number: str = NUMBER) -> Message:
    schema = SchemaRef.parse("business-registry-query@1.0.0")
    return Message("id-1", "id-1", "", 0, schema, {"msdn": number}, "corr", traceparent=TRACE)
