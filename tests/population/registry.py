"""What the tests of the simulated population registry share: right questions and headers, a caller, a running registry."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from xml.sax.saxutils import escape

import aiohttp
from simulator_process import simulator

from connectors.population.simulator import PopulationSimulator
from connectors.population.simulator_config import PopulationSimulatorConfig
from hub.testing import serve

ROOT = Path(__file__).parents[2]
NOW = 1_795_300_000.0
SOAP = "{http://schemas.xmlsoap.org/soap/envelope/}"
ASKED = "{http://dancuquocgia.bca}"
TOLD = "{http://www.mic.gov.vn/dancu/1.0}"
LOOK_UP, VERIFY = "TraCuuThongTinCongDan", "XacThucThongTinCongDan"
GONE = (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError)

MAU: dict[str, Any] = {
    "number": "001190990001",
    "old_number": "990000001",
    "name": "Nguyễn Thị Đan Mẫu",
    "birth": "1990-01-31",
    "gender": "2",
    "ethnicity": "01",
    "religion": "00",
    "marital_status": "2",
    "blood_group": "03",
    "permanent": {"province": "01", "ward": "99001", "detail": "Số 1 <mô phỏng> & thử"},
    "home": {"province": "01", "district": "990", "ward": "99002", "detail": "Thôn Ví Dụ"},
    "father": {"name": "Nguyễn Văn Thử"},
    "spouse": {"name": "Trần Văn Ví Dụ", "number": "001088990002", "old_number": "990000002"},
    "head": {"relation": "CH01", "number": "001088990002", "name": "Trần Văn Ví Dụ"},
    "household_number": "MP0000001",
}
THU: dict[str, Any] = {"number": "079050990003", "name": "Lê Văn Thử", "birth": "1950", "gender": "1"}
PHONG: dict[str, Any] = {"number": "079060990004", "name": "Phạm Văn Mô Phỏng", "birth": "1960-07", "gender": "1"}
DU: dict[str, Any] = {"old_number": "990000005", "name": "Võ Thị Ví Dụ", "birth": "1945-09-02", "gender": "2"}
PEOPLE = [MAU, THU, PHONG, DU]


def fields(**changes: Any) -> dict[str, Any]:
    """The elements of a question for the first person, in order; ``...`` takes one out. Nested: its children."""
    given: dict[str, Any] = {
        "MaYeuCau": "yc-1",
        "MaDVC": "1.001193",
        "MaTichHop": "037",
        "MaCanBo": "001080990099",
        "MaDonVi": "000.00.00.H22",
        "TaiKhoan": "motcua",
        "SoDienThoai": "0",
        "SoDinhDanh": "001190990001",
        "SoCMND": ...,
        "HoVaTen": "NGUYỄN THỊ ĐAN MẪU",
        "NgayThangNamSinh": {"NgayThangNam": "19900131"},
    }
    return {name: value for name, value in (given | changes).items() if value is not ...}


QUESTION = list(fields())
ANY_QUESTION = (*QUESTION[:8], "SoCMND", *QUESTION[8:])
"""The order of a question's elements."""

ORDER = [
    *("SoDinhDanh", "SoCMND", "SoCCCD", "HoVaTen", "GioiTinh", "DanToc", "TonGiao", "TinhTrangHonNhan", "NhomMau"),
    *("NgayThangNamSinh", "QuocTich", "NoiDangKyKhaiSinh", "QueQuan", "ThuongTru", "NoiOHienTai"),
    *("Cha", "Me", "VoChong", "NguoiDaiDien", "ChuHo", "SoSoHoKhau"),
]
"""The order of an answer's elements."""


def old_number(number: str, **changes: Any) -> dict[str, Any]:
    return fields(SoDinhDanh=..., SoCMND=number, **changes)


def elements(given: Mapping[str, Any]) -> str:
    return "".join(
        f"<dan:{name}>{elements(value) if isinstance(value, dict) else escape(value)}</dan:{name}>"
        for name, value in given.items()
    )


def envelope(given: Mapping[str, Any] | str, operation: str = LOOK_UP, header: str = "<soapenv:Header/>") -> str:
    inside = given if isinstance(given, str) else elements(given)
    return (
        '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:dan="http://dancuquocgia.bca">'
        f"{header}<soapenv:Body><dan:{operation}>{inside}</dan:{operation}></soapenv:Body></soapenv:Envelope>"
    )


def basic(name: str, secret: str) -> str:
    return "Basic " + base64.b64encode(f"{name}:{secret}".encode()).decode()


def headers(timestamp: str = str(int(NOW * 1000)), **changes: str | None) -> dict[str, str]:
    """The headers of contract 4.1; None takes one out."""
    hashed = hashlib.sha256(f"http://ndxp.invalid/authsimulated{timestamp}simulated".encode()).hexdigest()
    given: dict[str, str | None] = {
        "Content-Type": "application/xml",
        "SOAPAction": '""',
        "Timestamp": timestamp,
        "Authorization": basic("simulated", hashed),
        "X-Road-Client": "VN/GOV/000.00.00.H22/simulated",
        "ApiKey": "simulated",
    }
    return {name: value for name, value in (given | changes).items() if value is not None}


def lgsp_access_token(**changes: str) -> str:
    names = ("AccessKey", "SecretKey", "AppName", "PartnerCode", "PartnerCodeCus")
    return base64.b64encode(json.dumps(dict.fromkeys(names, "simulated") | changes).encode()).decode()


AUTH_HASH = base64.b64encode(b"simulated:simulated").decode()


class Told:
    """One answer of the registry, as an untrusting reader sees it."""

    def __init__(self, status: int, text: str, content_type: str = "") -> None:
        self.status, self.text, self.content_type = status, text, content_type
        self.root = ElementTree.fromstring(text.encode())
        body = self.root.find(f"{SOAP}Body")
        assert body is not None and len(body) == 1
        self.body = body[0]

    @property
    def people(self) -> list[ElementTree.Element]:
        assert self.body.tag == f"{TOLD}CongdanCollection"
        return list(self.body)

    @property
    def exists(self) -> str | None:
        assert self.body.tag == f"{TOLD}KetQuaXacThuc"
        return self.body.findtext(f"{TOLD}TonTai")

    @property
    def fault(self) -> str | None:
        """The fault's word, None when this is no fault."""
        return self.body.findtext(f"detail/{ASKED}Loi/{ASKED}MaLoi") if self.body.tag == f"{SOAP}Fault" else None

    @property
    def words(self) -> str:
        return self.body.findtext("faultstring") or ""


def shape(element: ElementTree.Element) -> Any:
    """An element as nested values, local names only."""
    return {child.tag.split("}")[1]: shape(child) for child in element} if len(element) else (element.text or "")


class Caller:
    """A province's side of the contract, as plain as can be."""

    def __init__(self, url: str, http: aiohttp.ClientSession, clock: list[float]) -> None:
        self.url, self.http, self.clock = url, http, clock

    async def post(
        self, body: str | bytes, given: Mapping[str, str] | None = None, path: str = "/dancu"
    ) -> tuple[int, str, str]:
        data = body.encode() if isinstance(body, str) else body
        sent = headers() if given is None else given
        skipped = {"Content-Type"} - set(sent)
        async with self.http.post(self.url + path, data=data, headers=sent, skip_auto_headers=skipped) as answer:
            return answer.status, await answer.text(), answer.content_type

    async def soap(self, body: str | bytes, given: Mapping[str, str] | None = None) -> Told:
        return Told(*await self.post(body, given))

    async def look_up(self, given: Mapping[str, Any] | None = None) -> Told:
        return await self.soap(envelope(fields() if given is None else given))

    async def verify(self, **changes: Any) -> Told:
        return await self.soap(envelope(fields(MaTichHop="003", **changes), VERIFY))

    async def finds(self, **changes: Any) -> bool:
        """Whether a question with these changes finds anybody; it must not be a fault."""
        return bool((await self.look_up(fields(**changes))).people)

    async def token(self, given: Mapping[str, str] | None = None, grant: str = "client_credentials") -> tuple[int, Any]:
        sent = {"Authorization": basic("simulated", "simulated")} if given is None else given
        async with self.http.post(f"{self.url}/token", data={"grant_type": grant}, headers=sent) as answer:
            return answer.status, await answer.json()

    async def bearer(self) -> str:
        return f"Bearer {(await self.token())[1]['access_token']}"

    async def facade(self, given: Mapping[str, str] | None = None, **changes: Any) -> tuple[int, Any]:
        body = {"lgspAccessToken": lgsp_access_token(), "AuthHash": AUTH_HASH, "data": envelope(fields())} | changes
        body = {name: value for name, value in body.items() if value is not ...}
        async with self.http.post(f"{self.url}/lgsp/dancu", json=body, headers=given) as answer:
            return answer.status, await answer.json()

    async def control(self, method: str, path: str, body: Any = None) -> Any:
        async with self.http.request(method, f"{self.url}/_control/{path}", json=body) as answer:
            return await answer.json()

    async def fault(self, name: str, **rule: Any) -> None:
        assert "ids" in await self.control("POST", "faults", {"fault": name} | rule)

    async def questions(self) -> list[dict[str, Any]]:
        asked: list[dict[str, Any]] = (await self.control("GET", "state"))["questions"]
        return asked

    async def last_call(self) -> dict[str, Any]:
        call: dict[str, Any] = (await self.control("GET", "calls"))["calls"][-1]
        return call


@asynccontextmanager
async def registry(state: Path | None = None, **config: Any) -> AsyncIterator[Caller]:
    """A simulator in this process on a loopback port, its clock standing still, and a caller of it."""
    clock = [NOW]
    settings = PopulationSimulatorConfig.model_validate({"known_people": PEOPLE, "people": 0} | config)
    running = await serve(PopulationSimulator(settings, state, lambda: clock[0]))
    async with aiohttp.ClientSession() as http:
        try:
            yield Caller(running.url, http, clock)
        finally:
            await running.close()


process = partial(simulator, "connectors.population.simulator")
