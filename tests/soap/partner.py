"""A SOAP partner for tests: says exactly what a test puts into its mouth, byte for byte, and keeps what it was asked."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from aiohttp import web

from connectors.soap.config import SoapConfig
from connectors.soap.connector import Soap
from hub.connector import ConnectorContext
from hub.message import Message, SchemaRef, new_id

WSDL = Path(__file__).parent / "wsdl"
SPACES = {"1.1": "http://schemas.xmlsoap.org/soap/envelope/", "1.2": "http://www.w3.org/2003/05/soap-envelope"}
MEDIA = {"1.1": "text/xml; charset=utf-8", "1.2": "application/soap+xml; charset=utf-8"}
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
NAME, NUMBER, SECRET = "Trần Thị Canary", "001099123456", "mat-khau-chim"
MESSAGE = {"RequestId": "r-1", "Code": "H22-1", "State": "done", "OwnerName": NAME, "OwnerNumber": NUMBER}
Clock = Callable[[], int]
NOON = 1_795_262_400_000_000
"""2026-11-21T12:00:00Z in microseconds."""


@dataclass
class Say:
    """One answer: HTTP status, bytes, media type; or a way to fail."""

    status: int = 200
    body: bytes = b""
    media: str | None = MEDIA["1.1"]
    headers: Mapping[str, str] = field(default_factory=dict)
    fails: str = ""


def body(content: str, status: int = 200, version: str = "1.1", header: str = "") -> Say:
    """An envelope around some XML of the namespaces ``l`` (urn:land) and ``t`` (urn:land:types)."""
    head = f"<s:Header>{header}</s:Header>" if header else ""
    whole = (
        f'<s:Envelope xmlns:s="{SPACES[version]}" xmlns:l="urn:land" xmlns:t="urn:land:types">'
        f"{head}<s:Body>{content}</s:Body></s:Envelope>"
    )
    return Say(status, whole.encode(), MEDIA[version])


def submitted(content: str, **more: Any) -> Say:
    """A SubmitDossierResponse."""
    return body(f"<l:SubmitDossierResponse>{content}</l:SubmitDossierResponse>", **more)


def result(code: str, message: str = "") -> str:
    """A Result of the answer."""
    told = f"<t:Message>{message}</t:Message>" if message else ""
    return f"<l:Result><t:Code>{code}</t:Code>{told}</l:Result>"


def fault(code: str, reason: str = "no", detail: str = "", status: int = 500, version: str = "1.1", subcode: str = "") -> Say:
    """A fault in the form of its version; ``code`` is written as it is, behind the envelope's prefix."""
    if version == "1.1":
        more = f"<detail>{detail}</detail>" if detail else ""
        return body(f"<s:Fault><faultcode>s:{code}</faultcode><faultstring>{reason}</faultstring>{more}</s:Fault>", status)
    below = f"<s:Subcode><s:Value>l:{subcode}</s:Value></s:Subcode>" if subcode else ""
    more = f"<s:Detail>{detail}</s:Detail>" if detail else ""
    told = f'<s:Reason><s:Text xml:lang="vi">{reason}</s:Text></s:Reason>'
    return body(f"<s:Fault><s:Code><s:Value>s:{code}</s:Value>{below}</s:Code>{told}{more}</s:Fault>", status, version)


@dataclass
class Asked:
    """One request as it came."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    names: list[str]
    """The names of its headers in lower case, as often as they came."""

    @property
    def element(self) -> ElementTree.Element:
        """What stands in the SOAP body, read by a parser that is not the hub's."""
        envelope = ElementTree.fromstring(self.body)
        (found,) = (one for one in envelope if one.tag.endswith("}Body"))
        return found[0]

    @property
    def header(self) -> list[ElementTree.Element]:
        """The SOAP header blocks."""
        return [block for one in ElementTree.fromstring(self.body) if one.tag.endswith("}Header") for block in one]


class Partner:
    """Answers each call with the next of ``says``; the last stays."""

    def __init__(self) -> None:
        self.says: list[Say] = [submitted(result("0"))]
        self.asked: list[Asked] = []
        self._runner = web.ServerRunner(web.Server(self._answer))
        self._site: web.TCPSite | None = None
        self._port = 0
        self._over = asyncio.Event()

    async def listen(self) -> None:
        """Start, or start again at the same address."""
        if not self._port:
            await self._runner.setup()
        self._site = web.TCPSite(self._runner, "127.0.0.1", self._port)
        await self._site.start()
        self._port = self._runner.addresses[0][1]

    async def refuse(self) -> None:
        """From now on nothing listens at the address."""
        assert self._site is not None
        await self._site.stop()

    async def end(self) -> None:
        self._over.set()
        await self._runner.cleanup()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}/land"

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        said = self.says.pop(0) if len(self.says) > 1 else self.says[0]
        assert request.transport is not None
        if said.fails == "reset_unread":
            request.transport.abort()
            return web.Response()
        names = [name.decode().lower() for name, _ in request.raw_headers]
        self.asked.append(Asked(request.method, request.path_qs, dict(request.headers), await request.read(), names))
        if said.fails == "reset":
            request.transport.abort()
            return web.Response()
        if said.fails == "silent":
            await self._over.wait()
        response = web.StreamResponse(status=said.status, headers=dict(said.headers))
        if said.media is not None:
            response.headers["Content-Type"] = said.media
        if said.fails == "half":
            response.content_length = len(said.body)
            await response.prepare(request)
            await response.write(said.body[: len(said.body) // 2])
            request.transport.abort()
            return response
        response.force_close()
        await response.prepare(request)
        await response.write(said.body)
        return response


@contextlib.asynccontextmanager
async def partner() -> AsyncIterator[Partner]:
    """A partner that listens."""
    it = Partner()
    await it.listen()
    try:
        yield it
    finally:
        await it.end()


ACCEPTED = {"at": "/Result/Code", "equals": 0, "then": "accepted"}


def settings(url: str, *outcomes: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """Settings for the land registry of the tests; ``one`` are settings of its operation."""
    one = {"operation": "SubmitDossier", **more.pop("one", {})}
    return {
        "wsdl": str(WSDL / "land.wsdl"),
        "imports": {"http://land.example/types.xsd": str(WSDL / "types.xsd")},
        "port": "Land11",
        "address": url,
        "connect_timeout": 30.0,
        "read_timeout": 60.0,
        "operations": {"land-dossier@1": one},
        "outcomes": list(outcomes),
    } | more


@contextlib.asynccontextmanager
async def connected(given: Mapping[str, Any], clock: Clock = lambda: NOON) -> AsyncIterator[Soap]:
    """An open connector."""
    it = Soap(SoapConfig.model_validate(given), ConnectorContext("land", clock))
    await it.open()
    try:
        yield it
    finally:
        await it.close()


def message(content: Any = None, schema: str = "land-dossier@1.0.0") -> Message:
    """A message of the land registry."""
    given = MESSAGE if content is None else content
    return Message(new_id(), new_id(), "d1", 1, SchemaRef.parse(schema), given, "corr", traceparent=TRACE)


class Try:
    """An attempt as the engine hands it over, to ``send`` and then to the ``find`` that asks about it."""

    def __init__(self, number: int = 1, may_update: bool = False, sent_before: bool = False) -> None:
        self.number, self.may_update, self.sent_before = number, may_update or sent_before, sent_before
        self.known_ids: Mapping[str, str] = {}
        self.remembered: dict[str, Any] = {}

    async def remember(self, key: str, value: Any) -> None:
        self.remembered[key] = json.loads(json.dumps(value))

    def next(self) -> Try:
        """The following try of the same delivery."""
        later = Try(self.number + 1, self.may_update, self.sent_before)
        later.remembered = dict(self.remembered)
        return later
