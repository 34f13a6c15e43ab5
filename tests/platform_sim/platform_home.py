"""What the tests of the simulated platform share: a provider that notes what reaches it, a caller, a running platform."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web

from connectors.platform.simulator import PlatformSimulator
from connectors.platform.simulator_config import PlatformConfig
from hub.testing import serve

NOW = 1_795_300_000.0
OWNER = "VN/GOV/000.00.00.G05/registry"
SERVICE = f"{OWNER}/chiTiet"
CLIENT = "VN/GOV/000.00.00.H22/hub"
DSTCODE = "VN:GOV:000.00.00.G22:provider"
FIVE = ("AccessKey", "SecretKey", "AppName", "PartnerCode", "PartnerCodeCus")
GONE = (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError)
SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
X_ROAD, IDENTIFIERS = "http://x-road.eu/xsd/xroad.xsd", "http://x-road.eu/xsd/identifiers"


def lgsp_access_token(**changes: str) -> str:
    """The header of the simulated account, with some values in place of its own."""
    return base64.b64encode(json.dumps(dict.fromkeys(FIVE, "simulated") | changes).encode()).decode()


def identifier(name: str, kind: str, *parts: tuple[str, str]) -> str:
    """``client`` or ``service`` of the header block."""
    inside = "".join(f"<iden:{part}>{text}</iden:{part}>" for part, text in parts)
    return f'<xro:{name} iden:objectType="{kind}">{inside}</xro:{name}>'


def owner(member: str, subsystem: str) -> tuple[tuple[str, str], ...]:
    return ("xRoadInstance", "VN"), ("memberClass", "GOV"), ("memberCode", member), ("subsystemCode", subsystem)


BLOCK: dict[str, str] = {
    "client": identifier("client", "SUBSYSTEM", *owner("000.00.00.H22", "hub")),
    "service": identifier("service", "SERVICE", *owner("000.00.00.G05", "registry"), ("serviceCode", "chiTiet")),
    "id": "<xro:id>id-1</xro:id>",
    "userId": "<xro:userId>VN001</xro:userId>",
    "protocolVersion": "<xro:protocolVersion>4.0</xro:protocolVersion>",
}


def envelope(body: str = "<chiTiet/>", **changes: str) -> str:
    """A SOAP call with the whole header block, some of whose fields are changed."""
    block = "".join((BLOCK | changes).values())
    names = f'xmlns:s="{SOAP}" xmlns:xro="{X_ROAD}" xmlns:iden="{IDENTIFIERS}"'
    return f"<s:Envelope {names}><s:Header>{block}</s:Header><s:Body>{body}</s:Body></s:Envelope>"


@dataclass
class Provider:
    """A partner behind the platform: what it was sent, and what it answers next."""

    url: str = ""
    got: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)
    status: int = 200
    body: bytes = b'{"ok":true}'
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "application/json", "X-Own": "mine"})
    vanish: bool = False

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.got.append((request.method, request.raw_path, dict(request.headers), await request.read()))
        if self.vanish and request.transport is not None:
            request.transport.abort()
        return web.Response(status=self.status, body=self.body, headers=self.headers)


class Caller:
    """Calls through a simulated platform over HTTP; ``clock`` holds its time."""

    def __init__(self, url: str, http: aiohttp.ClientSession, clock: list[float], provider: Provider) -> None:
        self.url, self.http, self.clock, self.provider = url, http, clock, provider

    async def send(self, method: str, path: str, **more: Any) -> tuple[int, Any, dict[str, str]]:
        """Status, body (as JSON if it is) and headers."""
        more.setdefault("allow_redirects", False)
        async with self.http.request(method, self.url + path, **more) as answer:
            text = await answer.text()
            told = json.loads(text) if answer.content_type == "application/json" and text else text
            return answer.status, told, dict(answer.headers)

    async def rest(self, rest: str = "", method: str = "GET", **more: Any) -> tuple[int, Any, dict[str, str]]:
        """An X-Road REST call of the known client and service."""
        headers = {"X-Road-Client": CLIENT} | more.pop("headers", {})
        return await self.send(method, f"/r1/{SERVICE}{rest}", headers=headers, **more)

    async def soap(self, text: str | None = None, **headers: str) -> tuple[int, str, dict[str, str]]:
        headers = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": '""'} | headers
        return await self.send("POST", "/", data=(text or envelope()).encode(), headers=headers)

    async def bearer(self) -> dict[str, str]:
        """A new token of the gateway, as a header."""
        basic = base64.b64encode(b"simulated:simulated").decode()
        form = {"grant_type": "client_credentials"}
        _, told, _ = await self.send("POST", "/token", data=form, headers={"Authorization": f"Basic {basic}"})
        return {"Authorization": f"Bearer {told['access_token']}"}

    async def control(self, method: str, path: str, body: Any = None) -> Any:
        return (await self.send(method, f"/_control/{path}", json=body))[1]

    async def fault(self, name: str, **more: Any) -> None:
        await self.control("POST", "faults", {"fault": name, **more})

    async def last_call(self) -> dict[str, Any]:
        return (await self.control("GET", "calls"))["calls"][-1]


@asynccontextmanager
async def platform(**options: Any) -> AsyncIterator[Caller]:
    """A running platform that knows one provider by every door."""
    provider, clock = Provider(), [NOW]
    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", provider.answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    provider.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    known = {
        "services": {SERVICE: f"{provider.url}/base/"}, "dstcodes": {DSTCODE: provider.url},
        "apis": {"/api/1.0": f"{provider.url}/api"},
    }  # fmt: skip
    config = PlatformConfig.model_validate(known | options)
    running = await serve(PlatformSimulator(config, clock=lambda: clock[0]))
    try:
        async with aiohttp.ClientSession() as http:
            http._retry_connection = False  # else aiohttp itself sends a GET that was reset once more
            yield Caller(running.url, http, clock, provider)
    finally:
        await running.close()
        await runner.cleanup()
