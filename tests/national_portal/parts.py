"""A dossier, its steps, attempts as the engine hands them over, a scripted adapter, and the simulated portal from outside."""

from __future__ import annotations

import asyncio
import json
import urllib.request
import zlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from connectors.national_portal.config import PortalConfig
from connectors.national_portal.connector import NationalPortal
from hub.connector import ConnectorContext
from hub.message import Message, SchemaRef, new_id

ROOT = Path(__file__).parents[2]
FORWARD = "/XrdAdapter/RestService/forward"
DSTCODE = "VN:GOV:000.00.00.G22:vpcpdvcprovider"
CODE = "000.00.10.H22-261121-0001"
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
PASSWORD, NAME, ID_NUMBER, PHONE, EMAIL = "mat-khau-chim", "Trần Thị Canary", "001099123456", "0912345678", "ca@nary.vn"
SYNC, PROGRESS, LOOK_UP = "DongBoHoSoMC", "CapNhatTienDoHoSoMC", "TraCuuHoSo"
EXISTS = {"error_code": 3, "message": f"Hồ sơ của {NAME} ({ID_NUMBER}, {PHONE}, {EMAIL}) đã tồn tại"}
ENDED = {"error_code": -1, "message": "Phiên làm việc đã hết hạn"}


def dossier(code: str = CODE, **changes: Any) -> dict[str, Any]:
    """A data object of DongBoHoSoMC as the mapping makes it: text, and lists of objects of text."""
    return {
        "MaHoSo": code,
        "MaTTHC": "1.001193",
        "TenTTHC": "Đăng ký khai sinh",
        "MaLinhVuc": "G15-HT01",
        "TenLinhVuc": "Hộ tịch",
        "KenhThucHien": "1",
        "ChuHoSo": NAME,
        "LoaiDoiTuong": "1",
        "Email": EMAIL,
        "SoDienThoai": PHONE,
        "TrichYeuHoSo": "Đăng ký khai sinh",
        "NgayTiepNhan": "20261121080000",
        "NgayHenTra": "",
        "TrangThaiHoSo": "2",
        "HinhThuc": "0",
        "DonViXuLy": "Ủy ban nhân dân xã",
        "NoiNopHoSo": "2",
        "HoSoCoThanhPhanSoHoa": "0",
        "TaiKhoanDuocXacThucVoiVNeID": "0",
        "DuocThanhToanTrucTuyen": "0",
        "NgayNopHoSo": "20261121075500",
        "SoGiayToChuHoSo": ID_NUMBER,
        "DinhDanhCHS": [{"LoaiDinhDanh": "1", "SoDinhDanh": ID_NUMBER}],
        "DSKetNoiCSDL": [],
    } | changes


def step(number: int, code: str = CODE) -> dict[str, Any]:
    """A progress object; ``number`` makes each one different."""
    return {
        "MaHoSo": code, "NguoiXuLy": NAME, "ThoiDiemXuLy": f"20261121{number // 60:02}{number % 60:02}00",
        "NoiDungXuLy": f"Bước {number}", "TrangThai": "4",
    }  # fmt: skip


def message(schema: str, body: Any) -> Message:
    return Message(new_id(), new_id(), "d1", 1, SchemaRef.parse(schema), body, "corr", traceparent=TRACE)


def of(item: Mapping[str, Any]) -> Message:
    return message("npsp-dossier@1.0.0", item)


def steps(count: int, code: str = CODE) -> Message:
    return message("npsp-progress@1.0.0", {"data": [step(n, code) for n in range(count)]})


class Crashed(Exception):
    """The process ended here."""


class Try:
    """An attempt as the engine hands it over, to ``send`` and then to the ``find`` that asks about it; ``next`` is the
    following try of the same delivery. One that ``crashes`` ends before anything with an effect is called."""

    def __init__(self, number: int = 1, may_update: bool = False, sent_before: bool = False) -> None:
        self.number, self.may_update, self.sent_before = number, may_update or sent_before, sent_before
        self.known_ids: Mapping[str, str] = {}
        self.remembered: dict[str, Any] = {}
        self.crashes = False

    async def remember(self, key: str, value: Any) -> None:
        if self.crashes:
            raise Crashed
        self.remembered[key] = json.loads(json.dumps(value))

    def next(self, may_update: bool = False) -> Try:
        later = Try(self.number + 1, may_update or self.may_update, self.sent_before)
        later.remembered = dict(self.remembered)
        return later


def called(way: str = "insert", number: int = 2) -> Try:
    """An attempt that got as far as DongBoHoSoMC."""
    attempt = Try(number)
    attempt.remembered["dossier"] = {"way": way, "attempt": number}
    return attempt


async def crashes(it: NationalPortal, sent: Message, attempt: Try) -> Try:
    attempt.crashes = True
    with pytest.raises(Crashed):
        await it.send(sent, attempt)
    return attempt


class Adapter:
    """A scripted adapter: each service answers what was queued for it (the last answer stays), else success.

    An answer is a dict (the JSON envelope), (HTTP status, text or dict), or "reset".
    """

    def __init__(self) -> None:
        self.script: dict[str, list[Any]] = {}
        self.calls: list[tuple[str, dict[str, Any], web.BaseRequest]] = []
        self.sessions = 0
        self.url = ""
        self.keep_open = True
        self.runner = web.ServerRunner(web.Server(self.answer))
        self.port = 0
        self.site: web.TCPSite | None = None

    async def listen(self) -> None:
        """Start, or start again at the same address."""
        self.site = web.TCPSite(self.runner, "127.0.0.1", self.port)
        await self.site.start()
        self.port = self.runner.addresses[0][1]
        self.url = f"http://127.0.0.1:{self.port}"

    async def refuse(self) -> None:
        """From now on nothing listens at the address."""
        assert self.site is not None
        await self.site.stop()

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        body = await request.json()
        service = body.get("service", "login")
        self.calls.append((service, body, request))
        if service == "login" and service not in self.script:
            await asyncio.sleep(0.02)
            self.sessions += 1
            return web.json_response({"error_code": "0", "session": f"phien-bi-mat-{self.sessions}"})
        queue = self.script.get(service, [])
        said = (queue.pop(0) if len(queue) > 1 else queue[0]) if queue else {"error_code": 0, "message": "", "result": []}
        if callable(said):
            said = said(body)
        if said == "reset":
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        status, content = said if isinstance(said, tuple) else (200, said)
        text = content if isinstance(content, str) else json.dumps(content)
        kind = "text/html" if text.startswith("<") else "application/json"
        response = web.Response(status=status, text=text, content_type=kind)
        if not self.keep_open:
            response.force_close()
        return response

    def of(self, service: str) -> list[dict[str, Any]]:
        return [body for name, body, _ in self.calls if name == service]

    @property
    def services(self) -> list[str]:
        return [name for name, _, _ in self.calls if name != "login"]


@asynccontextmanager
async def portal(url: str, **config: Any) -> AsyncIterator[NationalPortal]:
    given: dict[str, Any] = {
        "adapter_url": url + FORWARD, "username": "simulated", "password": PASSWORD, "madonvi": "000.00.00.H22",
        "connect_timeout": 1.0, "read_timeout": 2.0,
    }  # fmt: skip
    it = NationalPortal(PortalConfig.model_validate(given | config), ConnectorContext("national", lambda: 0))
    await it.open()
    try:
        yield it
    finally:
        await it.close()


def no_canary(error: BaseException) -> None:
    """No password, session or personal value in what an operator or a log will see."""
    seen = f"{error!s} {error!r}"
    for value in (PASSWORD, "phien-bi-mat", NAME, ID_NUMBER, PHONE, EMAIL):
        assert value.casefold() not in seen.casefold()
    assert error.__cause__ is None


class Simulator:
    """The simulated portal in a process of its own, seen through its control API."""

    def __init__(self, url: str) -> None:
        self.url = url

    async def control(self, path: str, body: Any = None) -> Any:
        def call() -> Any:
            data = None if body is None else json.dumps(body).encode()
            request = urllib.request.Request(f"{self.url}/_control/{path}", data, {"Content-Type": "application/json"})
            with urllib.request.urlopen(request) as answer:
                return json.loads(answer.read())

        return await asyncio.to_thread(call)

    async def fault(self, service: str, fault: str, **more: Any) -> None:
        await self.control("faults", {"service": service, "fault": fault, "times": 1} | more)

    async def outcomes(self, service: str, code: str) -> list[tuple[bool, Any]]:
        """(had effect, isUpdating) of each call of the service that names the dossier."""
        calls = (await self.control("calls"))["calls"]
        return [(c["effect"], c.get("isUpdating")) for c in calls if c["service"] == service and code in c["codes"]]


def code_of(request: pytest.FixtureRequest) -> str:
    """A dossier code of this test's own: the simulator lives through the module."""
    return f"000.00.10.H22-261121-{zlib.crc32(request.node.name.encode()):010}"


def live(it: Simulator, **config: Any) -> Any:
    return portal(it.url, password="simulated", **config)
