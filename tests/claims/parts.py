"""A hub that keeps files, a host that gives them out as a test says, and small files of several kinds."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from flow.parts import CONFIG, MADE, MovableClock, Scripted, make_home, until, with_partner

from hub.app import Hub
from hub.assembly import assemble
from hub.intake.keys import new_key
from hub.message import Arrival, SchemaRef, new_id

PDF = b"%PDF-1.7\n" + b"an invented result\n" * 20
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(200))
PAGE = b"<!DOCTYPE html>\n<html><body>please sign in</body></html>"
FILES = """
files:
  public_url: https://hub.example.vn/xchg
  signing_key: a-key-that-only-tests-have
  max_bytes: 1000000
  fetch:
    hosts: ["127.0.0.1", "*.example.vn", localhost]
    private: [127.0.0.0/8]
    http: true
    redirects: 1
    silence_seconds: 2
    seconds: 5
"""
DOSSIER = {
    "source_id": "a",
    "code": "000.00.10.H22-261121-0001",
    "state": "done",
    "procedure": {"code": "2.000815.000.00.00.H22", "name": "Chứng thực", "field_code": "G15-CT02", "field_name": "Chứng thực"},
    "owner": {"kind": "citizen", "name": "Nguyễn Văn Mẫu"},
    "abstract": "Chứng thực 02 bản sao",
    "channel": "online",
    "received_at": "2026-11-21T08:00:00+07:00",
    "resolving_unit": {"code": "000.00.10.H22", "name": "Sở Tư pháp"},
    "result_delivery": "at_counter",
}
CODE = "000.00.10.H22-261121-0001"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def config(route: str = "{ as: url, of: [results, documents] }", files: str = FILES) -> str:
    """The flow tests' configuration with a section for files, taking canonical dossiers, and ``files`` on the route."""
    routes = f"take: dossier@1, files: {route}," if route else "take: dossier@1,"
    sources = "sources:\n  - { schema: dossier@1, becomes: [dossier@1] }\n"
    return CONFIG.replace("take: dossier@1,", routes).replace("sources:\n", sources) + files


@dataclass
class Host:
    """An HTTP server of the test's own: ``answers`` by path; ``asked`` are the paths that were called."""

    answers: dict[str, Handler | bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    port: int = 0

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request.path)
        found = self.answers.get(request.path)
        if found is None:
            return web.Response(status=404)
        if isinstance(found, bytes):
            return web.Response(body=found, content_type="application/octet-stream")
        return await found(request)


@contextlib.asynccontextmanager
async def serving(port: int = 0) -> AsyncIterator[Host]:
    """A host that listens on loopback."""
    host = Host()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", host.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port)
    await site.start()
    host.port = runner.addresses[0][1]
    try:
        yield host
    finally:
        await runner.cleanup()


@dataclass
class Desk:
    """A running hub, its scripted partner ``portal``, and keys by sender."""

    hub: Hub
    partner: Any
    clock: MovableClock
    keys: dict[str, str] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        return self.hub.home.folder / "var" / "files"

    async def add(self, name: str, *schemas: str) -> None:
        key, self.keys[name] = new_key(name, schemas, self.clock())
        await self.hub.store.add_key(key)

    async def call(self, method: str, path: str, *, sender: str | None = "one-stop", **how: Any) -> tuple[int, Any, bytes]:
        """(status, headers, body) of a call to the hub's own door."""
        headers = {**how.pop("headers", {}), **({"X-API-Key": self.keys[sender]} if sender else {})}
        url = f"http://127.0.0.1:{self.hub.port}{path}"
        async with aiohttp.ClientSession() as session, session.request(method, url, headers=headers, **how) as answer:
            return answer.status, answer.headers.copy(), await answer.read()

    async def put(self, content: Any, **headers: str) -> tuple[int, Any]:
        """``POST /v1/files``: status and the answer as JSON."""
        given = {"Content-Type": "application/octet-stream", **{name.replace("_", "-"): text for name, text in headers.items()}}
        status, _, body = await self.call("POST", "/v1/files", data=content, headers=given)
        return status, json.loads(body)

    async def send(self, **fields: Any) -> Any:
        """Hand over one canonical dossier; its receipt."""
        dossier = {**DOSSIER, **fields}
        arrival = Arrival(
            id=new_id(), sender="one-stop", schema=SchemaRef.parse("dossier@1"), body=json.dumps(dossier).encode(),
            received_at=self.clock(), correlation_id=new_id().replace("-", ""), key=None,
        )  # fmt: skip
        return (await self.hub.intake.accept(arrival)).receipt

    async def sent(self, count: int = 1) -> list[Any]:
        """The bodies of what the partner was sent, once there are so many."""
        await until(lambda: len(self.partner.calls) >= count)
        return [one.body for one in self.partner.calls]

    async def waiting(self) -> Any:
        """The one delivery that waits, once it is known for what."""

        async def said() -> Any:
            found: Any = await self.hub.store.dossier(CODE)
            return next((one for one in found["waiting"] if one.get("code")), None)

        return await until(said)

    async def dead(self) -> Any:
        """The one dead letter, once there is one."""
        (one,) = await until(self.hub.store.dead)
        return one

    async def replay(self) -> None:
        """As an operator does, once the cause is mended."""
        dead = await self.dead()
        await self.hub.store.replay(dead["delivery"], actor="test", why="mended", adopt=False, now=self.clock())
        self.hub._wake()


@contextlib.asynccontextmanager
async def running(folder: Path, text: str | None = None) -> AsyncIterator[Desk]:
    """A started hub with the sender ``one-stop``, which may send files."""
    home = folder / "home"
    if not home.exists():
        make_home(home, text or config())
    clock = MovableClock()
    hub = Hub(with_partner(assemble(home), Scripted), clock)
    await hub.start()
    try:
        desk = Desk(hub, MADE["portal"], clock)
        await desk.add("one-stop", "dossier", "files")
        yield desk
    finally:
        await hub.stop()


async def slowly(content: bytes, pieces: int = 4) -> AsyncIterator[bytes]:
    """The content in a few pieces, with the loop's turn in between."""
    step = len(content) // pieces + 1
    for start in range(0, len(content), step):
        yield content[start : start + step]
        await asyncio.sleep(0)


__all__ = ["CODE", "PAGE", "PDF", "PNG", "Desk", "Host", "config", "running", "serving", "slowly", "until"]
