"""What the tests of the simulated business register share: enterprises, a caller, a running register."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from connectors.business_registry.simulator import BusinessRegisterSimulator
from connectors.business_registry.simulator_config import BusinessRegisterConfig
from hub.testing import serve

NOW = 1_795_300_000.0
PATH = "/apiCSDLDKDN/1.0/chiTietDoanhNghiep"
GONE = (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError)
FIVE = ("AccessKey", "SecretKey", "AppName", "PartnerCode", "PartnerCodeCus")

OFFICE: dict[str, Any] = {
    "province_code": "01", "province": "Thành phố Hà Nội", "district_code": "005", "district": "Quận Mẫu",
    "ward_code": "00990", "ward": "Phường Mẫu", "detail": "đường Ví Dụ", "house": "Số 1",
}  # fmt: skip
ONE: dict[str, Any] = {
    "code": "0100000010",
    "name": "CÔNG TY CỔ PHẦN MẪU",
    "short_name": "MAU JSC",
    "first_registered": "2015-03-02",
    "changed": "2025-08-15",
    "changes": 3,
    "legal_state": {"state": "Tạm ngừng kinh doanh", "state_code": "2", "since": "2026-01-01", "reason": "thử"},
    "office": OFFICE,
    "representatives": [{"name": "Nguyễn Thị Mẫu", "document_number": "001190990001", "issued": "2021-05-10"}],
    "trades": [{"code": "4620", "name": "Bán buôn", "main": True}, {"code": "4100", "name": "Xây dựng"}],
    "locations": ["00001"],
}
MANY: dict[str, Any] = {
    **ONE, "code": "0100000028", "locations": [],
    "representatives": [{"name": "Trần Văn Thử"}, {"name": "Lê Thị Ví Dụ"}],
}  # fmt: skip
NONE: dict[str, Any] = {**ONE, "code": "0100000035", "locations": [], "representatives": []}
BRANCH: dict[str, Any] = {**ONE, "code": "0100000010-001", "name": "CHI NHÁNH MẪU", "locations": []}
KNOWN = [ONE, MANY, NONE, BRANCH]


def basic(name: str, secret: str) -> str:
    """An Authorization header."""
    return f"Basic {base64.b64encode(f'{name}:{secret}'.encode()).decode()}"


def lgsp_access_token(**changes: str) -> str:
    """The header of the simulated account, with some values in place of its own."""
    return base64.b64encode(json.dumps(dict.fromkeys(FIVE, "simulated") | changes).encode()).decode()


class Caller:
    """Asks a simulated register over HTTP; ``clock`` holds the simulator's time."""

    def __init__(self, url: str, http: aiohttp.ClientSession, clock: list[float]) -> None:
        self.url, self.http, self.clock = url, http, clock
        self.bearer = ""

    async def send(self, method: str, path: str, **more: Any) -> tuple[int, Any, str]:
        """Status, body (as JSON if it is) and content type."""
        async with self.http.request(method, self.url + path, **more) as answer:
            text = await answer.text()
            return answer.status, json.loads(text) if answer.content_type == "application/json" else text, answer.content_type

    async def token(self, headers: dict[str, str] | None = None, grant: str = "client_credentials") -> tuple[int, Any]:
        headers = {"Authorization": basic("simulated", "simulated")} if headers is None else headers
        status, told, _ = await self.send("POST", "/token", data={"grant_type": grant}, headers=headers)
        return status, told

    async def sign_in(self) -> None:
        """A new token for the calls that follow."""
        self.bearer = (await self.token())[1]["access_token"]

    async def ask(self, code: str, headers: dict[str, str] | None = None) -> tuple[int, Any]:
        """A GET with the code, with the token of the last sign_in."""
        headers = {"Authorization": f"Bearer {self.bearer}"} | (headers or {})
        status, told, _ = await self.send("GET", PATH, params={"msdn": code}, headers=headers)
        return status, told

    async def control(self, method: str, path: str, body: Any = None) -> Any:
        return (await self.send(method, f"/_control/{path}", json=body))[1]

    async def fault(self, name: str, **more: Any) -> None:
        await self.control("POST", "faults", {"fault": name, "service": "chiTietDoanhNghiep", **more})

    async def last_call(self) -> dict[str, Any]:
        return (await self.control("GET", "calls"))["calls"][-1]

    async def questions(self) -> list[dict[str, Any]]:
        return (await self.control("GET", "state"))["questions"]


@asynccontextmanager
async def register(signed_in: bool = True, **options: Any) -> AsyncIterator[Caller]:
    """A running register of the known enterprises alone, and who asks it."""
    clock = [NOW]
    config = BusinessRegisterConfig.model_validate({"known_enterprises": KNOWN, "enterprises": 0} | options)
    running = await serve(BusinessRegisterSimulator(config, clock=lambda: clock[0]))
    try:
        async with aiohttp.ClientSession() as http:
            http._retry_connection = False  # else aiohttp itself sends a GET that was reset once more
            caller = Caller(running.url, http, clock)
            if signed_in:
                await caller.sign_in()
            yield caller
    finally:
        await running.close()
