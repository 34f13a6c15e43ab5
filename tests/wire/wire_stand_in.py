"""A partner, platform or security server on loopback that answers as a test says, and keeps what it was asked."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

from hub.wire import HttpSettings

NOW = 1_795_244_400_000_000


@dataclass
class Asked:
    """One request as it came; ``raw`` is its headers in the order and the letters they came in, ``peer`` whose certificate the
    connection showed."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    raw: list[tuple[str, str]]
    peer: str = ""


Reply = Callable[[Asked], Awaitable[web.Response]]


@dataclass
class StandIn:
    """``reply`` may be changed at any time."""

    reply: Reply
    url: str = ""
    asked: list[Asked] = field(default_factory=list)

    async def answer(self, request: web.BaseRequest) -> web.Response:
        body = await request.read()
        raw = [(name.decode(), value.decode()) for name, value in request.raw_headers]
        shown = request.transport.get_extra_info("peercert") if request.transport is not None else None
        peer = dict(part[0] for part in shown["subject"])["commonName"] if shown else ""
        one = Asked(request.method, request.raw_path, request.headers, body, raw, peer)
        self.asked.append(one)
        return await self.reply(one)

    def of(self, path: str) -> list[Asked]:
        return [one for one in self.asked if one.path.partition("?")[0] == path]


@asynccontextmanager
async def stand_in(reply: Reply, tls: ssl.SSLContext | None = None) -> AsyncIterator[StandIn]:
    it = StandIn(reply)
    runner = web.ServerRunner(web.Server(it.answer))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await site.start()
    host, port = runner.addresses[0][:2]
    it.url = f"{'https' if tls else 'http'}://{'localhost' if tls else host}:{port}"
    try:
        yield it
    finally:
        await runner.cleanup()


async def ok(_: Asked) -> web.Response:
    return web.json_response({})


def settings(**more: object) -> HttpSettings:
    return HttpSettings.model_validate({"connect_timeout": 2.0, "read_timeout": 2.0, **more})


class MovableClock:
    """Microseconds, as the hub's; moved by hand."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> int:
        return self.now

    def pass_seconds(self, seconds: float) -> None:
        self.now += int(seconds * 1_000_000)
