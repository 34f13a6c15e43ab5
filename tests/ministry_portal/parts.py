"""Messages for a ministry, attempts as the engine hands them over, a scripted portal, the simulated one, files in memory."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterable, AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from aiohttp import web

from connectors.ministry_portal.config import MinistryConfig
from connectors.ministry_portal.connector import MinistryPortal
from connectors.ministry_portal.simulator import MinistryPortalSimulator
from connectors.ministry_portal.specimen import DOSSIER
from hub.connector import ConnectorContext, Files, Stored
from hub.errors import Transient
from hub.message import Message, SchemaRef, new_id, system_clock
from hub.testing.simulator import RunningSimulator, serve

NAME, NUMBER, SECRET = "Trần Thị Canary", "001099123456", "mat-khau-chim"
CODE = "G09.20-20260609-0092637"
CREATE, STEPS, STATUS, UPLOAD, NEXT = "NoiHoSo", "CapNhatTienTrinh", "CapNhatTrangThai", "UploadFile", "GetNextValue"


def message(schema: str, body: Any, full_state: bool = False) -> Message:
    return Message(new_id(), new_id(), "d1", 1, SchemaRef.parse(f"{schema}@1.0.0"), body, "corr", full_state)


def dossier(*claims: str, **changes: Any) -> Message:
    """An object of NoiHoSo, with these files attached."""
    papers = [{"TepTin": claim, "TenGiayTo": "Tờ khai"} for claim in claims]
    part = {"MaThanhPhanHoSo": "TP1", "TenThanhPhanHoSo": "Tờ khai", "SoLuong": 1, "LoaiBan": 2, "GiayToDinhKem": papers}
    return message("ministry-dossier", {**DOSSIER, "ThanhPhanHoSo": [part], **changes}, True)


def steps(count: int = 1) -> Message:
    data = [
        {
            "NguoiXuLy": NAME,
            "ThoiDiemXuLy": f"2026-11-21T09:{n:02}:00.000",
            "NoiDungXuLy": f"Bước {n}",
            "TrangThai": 4,
            "NgayBatDau": "2026-11-21T08:00:00.000",
        }
        for n in range(count)
    ]
    return message("ministry-progress", {"data": data})


def state(number: int = 4, **more: Any) -> Message:
    return message("ministry-status", {"data": [{"TrangThai": number, "PhongBanXuLy": "Phòng Mẫu", **more}]}, True)


class Crashed(Exception):
    """The process ended here."""


class Try:
    """An attempt as the engine hands it over; ``next`` is the following one of the same delivery. With ``crash_at`` the
    process ends when this key is to be remembered, just after it is (``crash_after``) or before."""

    def __init__(
        self, number: int = 1, may_update: bool = False, known: Mapping[str, str] | None = None, sent_before: bool = False
    ) -> None:
        self.number, self.may_update, self.sent_before = number, may_update or sent_before, sent_before
        self.known_ids: Mapping[str, str] = dict(known or {})
        self.remembered: dict[str, Any] = {}
        self.crash_after: str | None = None
        self.order: list[str] = []

    async def remember(self, key: str, value: Any, *, issued: Mapping[str, str] | None = None) -> None:
        self.remembered[key] = json.loads(json.dumps(value))
        self.known_ids = {**self.known_ids, **(issued or {})}
        self.order.append(key)
        if key == self.crash_after:
            raise Crashed

    def next(self) -> Try:
        later = Try(self.number + 1, self.may_update, self.known_ids)
        later.remembered = dict(self.remembered)
        return later


class InMemory:
    """Files of a hub, in memory; ``spread`` gives one of any size without holding it."""

    def __init__(self) -> None:
        self.held: dict[str, tuple[Stored, Callable[[], AsyncIterator[bytes]]]] = {}

    def add(self, content: bytes) -> str:
        async def pieces() -> AsyncIterator[bytes]:
            for start in range(0, len(content), 65536):
                yield content[start : start + 65536]

        stored = Stored(hashlib.sha256(content).hexdigest(), len(content), "application/pdf")
        self.held[stored.claim] = stored, pieces
        return stored.claim

    def spread(self, size: int) -> str:
        block, digest = bytes(range(256)) * 256, hashlib.sha256()
        for _ in range(size // len(block)):
            digest.update(block)

        async def pieces() -> AsyncIterator[bytes]:
            for _ in range(size // len(block)):
                yield block

        stored = Stored(digest.hexdigest(), size // len(block) * len(block), "application/octet-stream")
        self.held[stored.claim] = stored, pieces
        return stored.claim

    async def about(self, claim: str) -> Stored:
        if claim not in self.held:
            raise Transient("file_not_there")
        return self.held[claim][0]

    async def read(self, claim: str) -> AsyncIterator[bytes]:
        await self.about(claim)
        async for piece in self.held[claim][1]():
            yield piece

    async def put(self, pieces: AsyncIterable[bytes], **_: Any) -> Stored:
        raise AssertionError("this connector only reads files: it has none to put")


def settings(url: str, **more: Any) -> dict[str, Any]:
    return {"base_url": url, "client_id": "simulated", "client_secret": "simulated", "agency": "G09.20", **more}


@asynccontextmanager
async def connected(url: str, files: Files | None = None, **more: Any) -> AsyncIterator[MinistryPortal]:
    """The connector, as the endpoint ``ministry``."""
    config = MinistryConfig.model_validate(settings(url, **more))
    it = MinistryPortal(config, ConnectorContext("ministry", system_clock, files))
    await it.open()
    try:
        yield it
    finally:
        await it.close()


class Portal:
    """The simulated portal, from outside."""

    def __init__(self, running: RunningSimulator) -> None:
        self.url = running.url

    async def control(self, method: str, path: str, body: Any = None) -> Any:
        url = f"{self.url}/_control/{path}"
        async with aiohttp.ClientSession() as session, session.request(method, url, json=body) as answer:
            assert answer.status in (200, 201), await answer.text()
            return await answer.json()

    async def plant(self, service: str, fault: str, **more: Any) -> None:
        await self.control("POST", "faults", {"service": service, "fault": fault, **more})

    async def calls(self, service: str) -> list[dict[str, Any]]:
        found = await self.control("GET", f"calls?service={service}")
        return list(found["calls"])

    async def state(self) -> dict[str, Any]:
        found: dict[str, Any] = await self.control("GET", "state")
        return found

    async def feed(self, *items: Mapping[str, Any]) -> None:
        await self.control("POST", "feed", list(items))


@asynccontextmanager
async def simulated(**options: Any) -> AsyncIterator[Portal]:
    """The simulator in this process."""
    config = MinistryPortalSimulator.Config.model_validate(options)
    running = await serve(MinistryPortalSimulator(config, None))
    try:
        yield Portal(running)
    finally:
        await running.close()


class Scripted:
    """A portal that answers as told: ``answers`` by the last part of the path; (status, text or JSON), a JSON object, "reset",
    or a function that gives one of them. Else success."""

    def __init__(self) -> None:
        self.answers: dict[str, Any] = {}
        self.calls: list[tuple[str, Any]] = []
        self.url = ""
        self.query = ""
        """That of the last call."""

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        service, self.query = request.path.rpartition("/")[2], request.query_string
        content = await request.read()
        self.calls.append((service, content))
        said = self.answers.get(service)
        said = said() if callable(said) else said
        if service == "token" and said is None:
            said = {"code": 0, "data": {"access_token": f"the-{SECRET}", "expires_in": 3600}}
        if service == NEXT and said is None:
            said = {"value": CODE}
        if said is None:
            said = {"code": 0, "message": "", "data": {"idHoSo": "5f0c", "maHoSo": CODE}}
        if said == "reset":
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        status, body = said if isinstance(said, tuple) else (200, said)
        if isinstance(body, str):
            return web.Response(status=status, text=body, content_type="text/html")
        return web.json_response(body, status=status)

    def called(self, service: str) -> list[Any]:
        return [content for name, content in self.calls if name == service]


@asynccontextmanager
async def scripted() -> AsyncIterator[Scripted]:
    it = Scripted()
    runner = web.ServerRunner(web.Server(it.answer))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    it.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield it
    finally:
        await runner.cleanup()
