"""What the tests of the simulated ministry portal share: right bodies, a running portal, and a caller with a token."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from connectors.ministry_portal.simulator import MinistryPortalSimulator
from connectors.ministry_portal.simulator_config import MinistryPortalSimulatorConfig
from hub.testing import serve

ROOT = Path(__file__).parents[2]
NOW = 1_795_300_000.0
"""Saturday 21 November 2026, 22:26:40 UTC; in Vietnam it is Sunday the 22nd already."""
GONE = (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError)
ACCOUNT = {"client_id": "simulated", "client_secret": "simulated"}


class Clock:
    """Epoch seconds, set by the test."""

    def __init__(self, now: float = NOW) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def dossier(code: str = "", **changes: Any) -> dict[str, Any]:
    """A whole dossier object of section 2; ``...`` takes a field out."""
    given: dict[str, Any] = {
        "MaHoSo": code,
        "MaTTHC": "1.005129",
        "MaDichVuCong": "1.005129.01",
        "ChuHoSo": "Nguyễn Thị Mẫu",
        "LoaiDoiTuong": 0,
        "MaDonViTiepNhan": "G09.20",
        "NgayNop": "2026-06-09 08:00:00",
        "NgayTiepNhan": "2026-06-09 09:30:00",
        "EformThongTinChiTiet": {"bất kỳ": [1, {"sâu": True}]},
        "ThanhPhanHoSo": [
            {"MaThanhPhanHoSo": "TP1", "TenThanhPhanHoSo": "Đơn", "SoLuong": 1, "LoaiBan": 2, "GiayToDinhKem": []}
        ],
        "ThongTinNguoiNop": {
            "LoaiDoiTuong": 0,
            "IdDoiTuong": "3f1c9a52-6a0e-4b62-9a57-3f0f5d1c2b11",
            "ThongTinChiTiet": {
                "TenNguoiNop": "Nguyễn Thị Mẫu",
                "SoDinhDanh": "001190990001",
                "NgayCapDinhDanh": "20210501000000",
                "NgaySinh": "19900131000000",
                "MaTinh": "01",
                "MaHuyen": "",
                "MaXa": "99001",
                "DiaChiChiTiet": "Số 1 mô phỏng",
            },
        },
    }
    return {name: value for name, value in (given | changes).items() if value is not ...}


def step(code: str, dossier_id: Any, **changes: Any) -> dict[str, Any]:
    """A step of CapNhatTienTrinh."""
    given: dict[str, Any] = {
        "IDHoSo": dossier_id,
        "MaHoSo": code,
        "NguoiXuLy": "Cán bộ Thử",
        "ThoiDiemXuLy": "2026-06-10T08:15:30.250",
        "PhongBanXuLy": "Phòng Mẫu",
        "NoiDungXuLy": "Thẩm định",
        "TrangThai": 4,
    }
    return {name: value for name, value in (given | changes).items() if value is not ...}


def state(code: str, dossier_id: Any, **changes: Any) -> dict[str, Any]:
    """A state of CapNhatTrangThai."""
    given: dict[str, Any] = {"IdHoSo": dossier_id, "MaHoSo": code, "TrangThai": 4, "NoiDungXuLy": "Đang xử lý"}
    return {name: value for name, value in (given | changes).items() if value is not ...}


class Caller:
    """Calls a portal with a token of its own, and its control paths."""

    def __init__(self, url: str, http: aiohttp.ClientSession, base: str = "") -> None:
        self.url, self.http, self.base = url, http, base
        self.headers: dict[str, str] = {}

    async def sign_in(self) -> None:
        """A new token for the calls that follow."""
        status, told = await self.post("/token", ACCOUNT)
        assert status == 200, told
        self.headers["Authorization"] = f"Bearer {told['data']['access_token']}"

    async def get(self, path: str, **query: str) -> tuple[int, Any]:
        async with self.http.get(self.url + self.base + path, params=query, headers=self.headers) as answer:
            return answer.status, await answer.json() if answer.content_type == "application/json" else await answer.read()

    async def post(self, path: str, body: Any, **headers: str) -> tuple[int, Any]:
        async with self.http.post(self.url + self.base + path, json=body, headers=self.headers | headers) as answer:
            return answer.status, await answer.json() if answer.content_type == "application/json" else await answer.read()

    async def code(self, of: str = "G09.20") -> str:
        """A new code."""
        status, told = await self.get("/GetNextValue", code=of)
        assert status == 200, told
        return str(told["value"])

    async def created(self) -> tuple[str, Any]:
        """Code and id of a new dossier."""
        code = await self.code()
        status, told = await self.post("/NoiHoSo", dossier(code))
        assert status == 200 and told["code"] == 0, told
        return code, told["data"]["idHoSo"]

    async def upload(self, *contents: bytes, field: str = "files") -> tuple[int, Any]:
        form = aiohttp.FormData()
        for number, content in enumerate(contents):
            form.add_field(field, content, filename=f"{number}.pdf", content_type="application/pdf")
        async with self.http.post(f"{self.url}{self.base}/UploadFile", data=form, headers=self.headers) as answer:
            return answer.status, await answer.json()

    async def control(self, method: str, path: str, body: Any = None) -> Any:
        async with self.http.request(method, f"{self.url}/_control/{path}", json=body) as answer:
            text = await answer.text()
            assert answer.status < 300, text
            return await answer.json()

    async def fault(self, fault: str, **more: Any) -> None:
        await self.control("POST", "faults", {"fault": fault, **more})

    async def memory(self) -> dict[str, Any]:
        return dict(await self.control("GET", "state"))

    async def last_call(self) -> dict[str, Any]:
        return dict((await self.control("GET", "calls"))["calls"][-1])


@asynccontextmanager
async def portal(*, clock: Clock | None = None, state_file: Path | None = None, **config: Any) -> AsyncIterator[Caller]:
    """A portal with these settings, and somebody who calls it, signed in if the sign-in is the usual one."""
    made = MinistryPortalSimulatorConfig(**config)
    running = await serve(MinistryPortalSimulator(made, state_file, clock or Clock()))
    try:
        async with aiohttp.ClientSession() as http:
            caller = Caller(running.url, http, made.base)
            usual = MinistryPortalSimulatorConfig()
            if (made.client_as, made.token_answer, made.lgsp_access_token) == (usual.client_as, usual.token_answer, None):
                await caller.sign_in()
            yield caller
    finally:
        await running.close()
