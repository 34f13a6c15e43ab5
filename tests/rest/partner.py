"""A JSON partner for tests: says exactly what a test puts into its mouth, byte for byte, and keeps what it was asked."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from soap.partner import Try

from connectors.rest.config import RestConfig
from connectors.rest.connector import Rest
from hub.connector import ConnectorContext
from hub.message import Message, SchemaRef, new_id

__all__ = ["Partner", "Say", "Try", "connected", "message", "partner", "settings"]
NAME, NUMBER, SECRET = "Trần Thị Canary", "001099123456", "khoa-chim"
BODY = {"id": "r-1", "code": "H22/1", "state": "done", "owner_name": NAME, "owner_number": NUMBER}
NOON = 1_795_262_400_000_000
"""2026-11-21T12:00:00Z in microseconds."""


@dataclass
class Say:
    """One answer: HTTP status, a JSON value or bytes; or a way to fail."""

    status: int = 200
    body: Any = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    fails: bool = False


@dataclass
class Partner:
    """``says``: the next answers, the last one ever after; ``asked``: (method, path with query, headers, body)."""

    url: str = ""
    says: list[Say] = field(default_factory=list)
    asked: list[tuple[str, str, Mapping[str, str], bytes]] = field(default_factory=list)

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        self.asked.append((request.method, request.raw_path, dict(request.headers), await request.read()))
        say = self.says.pop(0) if len(self.says) > 1 else self.says[0]
        if say.fails:
            assert request.transport is not None
            request.transport.abort()
        body = say.body if isinstance(say.body, bytes) else json.dumps(say.body).encode()
        return web.Response(status=say.status, body=body, headers={"Content-Type": "application/json", **say.headers})


@contextlib.asynccontextmanager
async def partner(*says: Say) -> AsyncIterator[Partner]:
    """One that listens."""
    it = Partner(says=list(says))
    runner = web.ServerRunner(web.Server(it.answer))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    it.url = f"http://127.0.0.1:{runner.addresses[0][1]}/api"
    try:
        yield it
    finally:
        await runner.cleanup()


def settings(url: str, **operation: Any) -> dict[str, Any]:
    """A partner that says how it went in /result."""
    return {
        "url": url,
        "account": {"kind": "bearer", "token": SECRET},
        "check": "/status",
        "operations": {"filing@1": {"path": "/filings", **operation}},
        "outcomes": [
            {"at": "/result", "equals": "ok", "then": "accepted"},
            {"at": "/result", "equals": "known", "then": "duplicate"},
            {"at": "/result", "in": ["no", "bad"], "then": "rejected", "code_at": "/code", "reason_at": "/message"},
            {"at": "/result", "equals": "busy", "then": "transient", "retry_after": 7},
            {"status": 409, "at": "/result", "present": True, "then": "rejected", "code": "conflict"},
        ],
    }


@contextlib.asynccontextmanager
async def connected(given: Mapping[str, Any]) -> AsyncIterator[Rest]:
    """An open connector."""
    it = Rest(RestConfig.model_validate(given), ConnectorContext("local", lambda: NOON))
    await it.open()
    try:
        yield it
    finally:
        await it.close()


def message(body: Any = None, schema: str = "filing@1.0.0", codes: Mapping[str, str] | None = None) -> Message:
    """A message of the partner."""
    given = BODY if body is None else body
    return Message(new_id(), new_id(), "d1", 1, SchemaRef.parse(schema), given, "corr", codes=codes or {})
