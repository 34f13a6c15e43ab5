"""The population registry's connector against a scripted partner: what goes over the wire, byte by byte, and what each answer
becomes."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import logging
import re
import threading
import traceback
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from aiohttp import web
from pydantic import ValidationError

from connectors.population import connector, messages
from connectors.population.config import PopulationConfig
from connectors.population.connector import Population
from connectors.population.messages import registered
from hub.connector import Confirmer, ConnectorContext, is_responder, load_connector
from hub.errors import AccountRefused, DeliveryError, NotAsked, NotConnected, Rejected, Transient
from hub.message import Message, SchemaRef

ROOT = Path(__file__).parents[2]
NOW = 1_795_219_200_123_456  # microseconds
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
SECRET, API_KEY, STATIC = "khoa-bi-mat", "api-khoa-chim", "token-bi-mat"
NAME, NUMBER, OFFICER, BIRTH = "Trần Thị Canary", "001099123456", "001085990002", "19901231"
OTHER = "Lê Văn Vàng Anh"
"""A name that nobody sent, and that the registry quotes."""
WORDS = f"{NAME} / {OTHER} / {NUMBER} / {BIRTH}"
QUERY: dict[str, Any] = {
    "MaYeuCau": "hoi-1",
    "MaDVC": "1.001193",
    "MaCanBo": OFFICER,
    "SoDinhDanh": NUMBER,
    "HoVaTen": NAME,
    "NgayThangNamSinh": {"NgayThangNam": BIRTH},
}
DIRECT = {"username": "tinh", "secret_key": SECRET, "auth_url": "http://ndxp/auth"}
MIC, DAN = "http://www.mic.gov.vn/dancu/1.0", "http://dancuquocgia.bca"
XSI = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
SOAP = "http://schemas.xmlsoap.org/soap/envelope/"


def enveloped(inner: str) -> str:
    return f'<s:Envelope xmlns:s="{SOAP}"><s:Body>{inner}</s:Body></s:Envelope>'


def collection(inner: str, attributes: str = "", namespace: str = MIC) -> str:
    return enveloped(f'<CongdanCollection xmlns="{namespace}" {XSI} {attributes}>{inner}</CongdanCollection>')


def verified(inner: str, namespace: str = DAN) -> str:
    return enveloped(f'<KetQuaXacThuc xmlns="{namespace}">{inner}</KetQuaXacThuc>')


def fault(code: str, detail: str = "") -> str:
    more = f"<detail>{detail}</detail>" if detail else ""
    return enveloped(f"<s:Fault><faultcode>{code}</faultcode><faultstring>{WORDS}</faultstring>{more}</s:Fault>")


def facade(error_code: Any, message: Any) -> str:
    return json.dumps({"error_code": error_code, "message": message})


PERSON = f"<CongDan><SoDinhDanh>{NUMBER}</SoDinhDanh><HoVaTen><Ho/><ChuDem/><Ten>{NAME}</Ten></HoVaTen></CongDan>"
FOUND = collection(PERSON)
NOBODY = collection("")
EXISTS = verified("<TonTai>true</TonTai>")


@dataclass
class Call:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Partner:
    """Answers what was queued (the last answer stays): text, (status, text), (status, text, headers), "reset",
    or what makes one of these of the call."""

    url: str = ""
    calls: list[Call] = field(default_factory=list)
    script: list[Any] = field(default_factory=list)
    token_answer: Any = None

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        headers = {name.decode(): value.decode() for name, value in request.raw_headers}
        assert len(headers) == len(request.raw_headers), "a header came twice"
        self.calls.append(Call(request.method, request.path_qs, headers, await request.read()))
        if request.path == "/token":
            said = self.token_answer or {"access_token": f"tok-{len(self.tokens)}", "token_type": "Bearer"}
            status, said = said if isinstance(said, tuple) else (200, said)
            return web.Response(status=status, text=said if isinstance(said, str) else json.dumps(said))
        said = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if callable(said):
            said = said(self.calls[-1])
        if said == "reset":
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        status, text, more = (200, said, {}) if isinstance(said, str) else (*said, {})[:3]
        return web.Response(status=status, body=text if isinstance(text, bytes) else text.encode(), headers=more)

    @property
    def tokens(self) -> list[Call]:
        return [call for call in self.calls if call.path == "/token"]

    @property
    def questions(self) -> list[Call]:
        return [call for call in self.calls if call.path != "/token"]


@pytest.fixture
async def partner() -> AsyncIterator[Partner]:
    it = Partner()
    runner = web.ServerRunner(web.Server(it.answer))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    it.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    it.script = [FOUND]
    yield it
    await runner.cleanup()


class Now:
    """A clock that stands still until it is told."""

    def __init__(self) -> None:
        self.at = NOW

    def __call__(self) -> int:
        return self.at


@asynccontextmanager
async def population(url: str, clock: Now | None = None, **settings: Any) -> AsyncIterator[Population]:
    given = {"url": f"{url}/dancu", "connect_timeout": 2, "read_timeout": 2}
    if "lgsp" in settings:
        given |= {"through": "lgsp"}
    else:
        settings["direct"] = DIRECT | settings.get("direct", {})
    it = Population(PopulationConfig.model_validate(given | settings), ConnectorContext("registry", clock or Now()))
    await it.open()
    try:
        yield it
    finally:
        await it.close()


def asked(**changes: Any) -> Message:
    """A question; a change to None takes the field away."""
    body = {name: value for name, value in (QUERY | changes).items() if value is not None}
    return Message("id-1", "id-1", "", 0, SchemaRef.parse("c06-citizen-query@1.0.0"), body, "corr", traceparent=TRACE)


def lgsp(partner: Partner, **changes: Any) -> dict[str, Any]:
    given = {"token_url": f"{partner.url}/token", "consumer_key": "tinh", "consumer_secret": SECRET} | changes
    return {name: value for name, value in given.items() if value is not None}


def basic(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def says_nothing(error: BaseException, *more: str) -> None:
    """No part of the question, of an answer or of a secret is in an error, or in what a log would show of it."""
    shown = "".join(traceback.format_exception(error)) + repr(error)
    for word in (NAME, "CANARY", "Canary", OTHER, "Vàng", NUMBER, OFFICER, BIRTH, SECRET, API_KEY, STATIC, "tok-", *more):
        assert word not in shown, word


# ── what is asked


async def test_a_look_up_is_written_byte_by_byte(partner: Partner) -> None:
    """Order and names of the elements are the contract's; the hash is of address, account, time and key, without separators."""
    account = {"x_road_client": "VN/GOV/000.00.00.H22/dvc", "api_key": API_KEY}
    async with population(partner.url, direct=account, unit_code="H22.1", account_name="tk", phone="0") as it:
        await it.request(asked())
    [call] = partner.calls
    assert (call.method, call.path) == ("POST", "/dancu")
    assert call.body.decode() == (
        "<?xml version='1.0' encoding='UTF-8'?>\n"
        f'<soap:Envelope xmlns:soap="{SOAP}"><soap:Body><ns0:TraCuuThongTinCongDan xmlns:ns0="{DAN}">'
        "<ns0:MaYeuCau>hoi-1</ns0:MaYeuCau><ns0:MaDVC>1.001193</ns0:MaDVC><ns0:MaTichHop>037</ns0:MaTichHop>"
        f"<ns0:MaCanBo>{OFFICER}</ns0:MaCanBo><ns0:MaDonVi>H22.1</ns0:MaDonVi><ns0:TaiKhoan>tk</ns0:TaiKhoan>"
        f"<ns0:SoDienThoai>0</ns0:SoDienThoai><ns0:SoDinhDanh>{NUMBER}</ns0:SoDinhDanh>"
        "<ns0:HoVaTen>TRẦN THỊ CANARY</ns0:HoVaTen>"
        f"<ns0:NgayThangNamSinh><ns0:NgayThangNam>{BIRTH}</ns0:NgayThangNam></ns0:NgayThangNamSinh>"
        "</ns0:TraCuuThongTinCongDan></soap:Body></soap:Envelope>"
    )
    digest = hashlib.sha256(b"http://ndxp/authtinh1795219200123khoa-bi-mat").hexdigest()
    wanted = {
        "Content-Type": "application/xml", "SOAPAction": '""', "Timestamp": "1795219200123",
        "Authorization": f"Basic {basic(f'tinh:{digest}')}", "X-Road-Client": "VN/GOV/000.00.00.H22/dvc", "ApiKey": API_KEY,
        "traceparent": TRACE,
    }  # fmt: skip
    assert {name: call.headers.get(name) for name in wanted} == wanted


async def test_seconds_another_content_type_and_no_header_that_is_not_set(partner: Partner) -> None:
    """Both forms of the time are hashed as they are sent."""
    async with population(partner.url, direct={"timestamp_unit": "seconds", "content_type": "text/xml"}) as it:
        await it.request(asked())
    headers = partner.calls[0].headers
    digest = hashlib.sha256(b"http://ndxp/authtinh1795219200khoa-bi-mat").hexdigest()
    assert (headers["Timestamp"], headers["Content-Type"]) == ("1795219200", "text/xml")
    assert headers["Authorization"] == f"Basic {basic(f'tinh:{digest}')}"
    assert not {"X-Road-Client", "ApiKey"} & headers.keys()


async def test_a_verification_has_its_own_element_and_code(partner: Partner) -> None:
    partner.script = [EXISTS]
    async with population(partner.url, confirm_code="003") as it:
        assert await it.confirm(asked()) is True
    body = partner.calls[0].body.decode()
    assert "<ns0:XacThucThongTinCongDan " in body and "<ns0:MaTichHop>003</ns0:MaTichHop>" in body


ASKED = {
    "an old number": ({"SoDinhDanh": None, "SoCMND": "990000001"}, {}, ["<ns0:SoCMND>990000001</ns0:SoCMND>"], ["SoDinhDanh"]),
    "a year alone": ({"NgayThangNamSinh": {"Nam": "1990"}}, {}, ["<ns0:Nam>1990</ns0:Nam>"], ["NgayThangNam>"]),
    "a day that is not known": (
        {"NgayThangNamSinh": {"NgayThangNam": "19900100"}}, {}, ["<ns0:NgayThangNam>19900100</ns0:NgayThangNam>"], [],
    ),
    "no id of its own": ({"MaYeuCau": None}, {}, ["<ns0:MaYeuCau>id-1</ns0:MaYeuCau>"], []),
    "a service code": ({}, {"service_code": "VPCP"}, ["<ns0:MaDVC>VPCP</ns0:MaDVC>"], ["1.001193"]),
    "another integration code": ({}, {"lookup_code": "033"}, ["<ns0:MaTichHop>033</ns0:MaTichHop>"], []),
    "an integration code in the question": ({"MaTichHop": "9"}, {}, ["<ns0:MaTichHop>9</ns0:MaTichHop>"], ["037"]),
    "a unit in the question": (
        {"MaDonVi": "B"}, {"unit_code": "A"}, ["<ns0:MaDonVi>B</ns0:MaDonVi>"], ["TaiKhoan", "SoDienThoai"],
    ),
    "a plain name": ({}, {"name_form": "plain"}, ["<ns0:HoVaTen>TRANTHICANARY</ns0:HoVaTen>"], []),
    "markup in a name": ({"HoVaTen": "a<b>&c"}, {}, ["<ns0:HoVaTen>A&lt;B&gt;&amp;C</ns0:HoVaTen>"], []),
}  # fmt: skip


@pytest.mark.parametrize(("changes", "settings", "there", "absent"), ASKED.values(), ids=ASKED)
async def test_what_is_asked(
    partner: Partner, changes: dict[str, Any], settings: dict[str, Any], there: list[str], absent: list[str]
) -> None:
    async with population(partner.url, **settings) as it:
        await it.request(asked(**changes))
    body = partner.calls[0].body.decode()
    assert all(text in body for text in there) and not any(text in body for text in absent)


@pytest.mark.parametrize(
    ("name", "upper", "plain"),
    [
        ("  Nguyễn Thị  Mẫu ", "NGUYỄN THỊ MẪU", "NGUYENTHIMAU"),
        ("Nguye\u0302\u0303n\u00a0Thi\u0323 Mâ\u0303u", "NGUYỄN THỊ MẪU", "NGUYENTHIMAU"),
        ("đỗ đình Đạt", "ĐỖ ĐÌNH ĐẠT", "DODINHDAT"),
        ("Ðỗ Ðạt", "ÐỖ ÐẠT", "DODAT"),
        ("Ưng Hoàng Ý", "ƯNG HOÀNG Ý", "UNGHOANGY"),
        ("H'Mẫu Êban", "H'MẪU ÊBAN", "H'MAUEBAN"),
    ],
)
def test_a_name_is_written_as_the_registry_compares_it(name: str, upper: str, plain: str) -> None:
    """The third one has the letter Eth, which looks like Đ and is typed for it: replaced only where diacritics go."""
    assert (registered(name, "upper"), registered(name, "plain")) == (upper, plain)


NOT_ASKED = {
    "both numbers": {"SoCMND": "990000001"},
    "no number": {"SoDinhDanh": None},
    "11 digits": {"SoDinhDanh": "00109912345"},
    "13 digits": {"SoDinhDanh": "0010991234567"},
    "9 digits as a personal number": {"SoDinhDanh": "990000001"},
    "12 digits as an old number": {"SoDinhDanh": None, "SoCMND": NUMBER},
    "letters": {"SoDinhDanh": "00109912345A"},
    "digits of another script": {"SoDinhDanh": "٠٠١٠٩٩١٢٣٤٥٦"},
    "a newline behind the number": {"SoDinhDanh": NUMBER + "\n"},
    "a number that is no text": {"SoDinhDanh": 1099123456},
    "no name": {"HoVaTen": None},
    "a blank name": {"HoVaTen": " \u00a0 "},
    "a name that is no text": {"HoVaTen": ["A"]},
    "a character that XML does not know": {"HoVaTen": f"{NAME}\x00"},
    "no birth": {"NgayThangNamSinh": None},
    "an empty birth": {"NgayThangNamSinh": {}},
    "both births": {"NgayThangNamSinh": {"Nam": "1990", "NgayThangNam": BIRTH}},
    "a date with dashes": {"NgayThangNamSinh": {"NgayThangNam": "1990-12-31"}},
    "a month that is none": {"NgayThangNamSinh": {"NgayThangNam": "19901331"}},
    "a year of two digits": {"NgayThangNamSinh": {"Nam": "90"}},
    "no officer": {"MaCanBo": None},
    "no procedure": {"MaDVC": None},
    "a field that is not known": {"GioiTinh": "1"},
}


@pytest.mark.parametrize("changes", NOT_ASKED.values(), ids=NOT_ASKED)
@pytest.mark.parametrize("act", ["request", "confirm"])
async def test_a_question_that_cannot_be_asked_is_rejected_before_any_call(
    partner: Partner, changes: dict[str, Any], act: str
) -> None:
    async with population(partner.url) as it:
        with pytest.raises(NotAsked) as refusal:
            await getattr(it, act)(asked(**changes))
    assert (refusal.value.code, partner.calls) == ("question", [])
    assert re.match(r"/\S*: ", refusal.value.reason)
    says_nothing(refusal.value, "990000001", "1990", "٠٠١")


# ── what is answered

WHOLE = f"""
  <dc:CongDan xmlns:dc="{MIC}">
    <dc:SoSoHoKhau>MP1</dc:SoSoHoKhau><dc:MoiCo><dc:SoDinhDanh>1</dc:SoDinhDanh></dc:MoiCo>
    <dc:HoVaTen><dc:Ten>Mẫu</dc:Ten><dc:Ho>Nguyễn</dc:Ho><dc:ChuDem>Văn</dc:ChuDem></dc:HoVaTen>
    <dc:GioiTinh la="1"> 1 </dc:GioiTinh>
    <dc:NgayThangNamSinh><dc:NgayThangNam>19900131</dc:NgayThangNam></dc:NgayThangNamSinh>
    <dc:SoDinhDanh>001090990001</dc:SoDinhDanh><dc:SoCMND/>
    <x:SoDinhDanh xmlns:x="urn:another">2</x:SoDinhDanh>
    <dc:ThuongTru><dc:MaTinhThanh>01</dc:MaTinhThanh><dc:ChiTiet>Số 2,
       đường Ví Dụ</dc:ChiTiet></dc:ThuongTru>
    <dc:Cha><dc:HoVaTen>Nguyễn  Văn Thử</dc:HoVaTen><dc:SoDinhDanh>001060990002</dc:SoDinhDanh></dc:Cha>
    <dc:Me><dc:HoVaTen> <dc:Ho>Trần</dc:Ho><dc:ChuDem/><dc:Ten>Thị Thử</dc:Ten> </dc:HoVaTen></dc:Me>
    <dc:VoChong><dc:HoVaTen/></dc:VoChong><dc:NguoiDaiDien xsi:nil="true"/>
    <dc:ChuHo><dc:QuanHe>CH01</dc:QuanHe><dc:HoVaTen><dc:Ho/><dc:Ten>Nguyễn Văn Thử</dc:Ten></dc:HoVaTen></dc:ChuHo>
  </dc:CongDan>"""
READ = {
    "SoDinhDanh": "001090990001", "SoCMND": "", "HoVaTen": {"Ho": "Nguyễn", "ChuDem": "Văn", "Ten": "Mẫu"}, "GioiTinh": "1",
    "NgayThangNamSinh": {"NgayThangNam": "19900131"}, "SoSoHoKhau": "MP1",
    "ThuongTru": {"MaTinhThanh": "01", "ChiTiet": "Số 2, đường Ví Dụ"},
    "Cha": {"HoVaTen": "Nguyễn Văn Thử", "SoDinhDanh": "001060990002"}, "Me": {"HoVaTen": "Trần Thị Thử"},
    "VoChong": {"HoVaTen": ""}, "ChuHo": {"QuanHe": "CH01", "HoVaTen": "Nguyễn Văn Thử"},
}  # fmt: skip
POOR = {"SoDinhDanh": NUMBER, "HoVaTen": {"Ho": "", "ChuDem": "", "Ten": NAME}}
SAID = {
    "the whole name in Ten": (FOUND, POOR),
    "everything, in any order, with elements that are not known": (collection(WHOLE), READ),
    "attributes of the collection": (
        collection(PERSON, 'SoCongDan="1" GhiChu="x" ThoiDiemDuLieu="2026-11-21T08:00:00+07:00" id="z"'),
        {"@ThoiDiemDuLieu": "2026-11-21T08:00:00+07:00", **POOR},
    ),
    "the namespace of the question": (collection(PERSON, namespace=DAN), POOR),
    "no namespace": (collection(PERSON, namespace=""), POOR),
    "elements without the collection's namespace": (
        enveloped(f'<d:CongdanCollection xmlns:d="{MIC}">{PERSON}</d:CongdanCollection>'), POOR,
    ),
    "types of its own": (
        collection(PERSON.replace("<CongDan>", '<CongDan xmlns:q="urn:q" xsi:type="q:CongDanType">')), POOR,
    ),
    "a name in one text": (
        collection(f"<CongDan><HoVaTen>{NAME}</HoVaTen></CongDan>"), {"HoVaTen": {"Ten": NAME}},
    ),
    "UTF-16": (f'<?xml version="1.0" encoding="UTF-16"?>{FOUND}'.encode("utf-16"), POOR),
    "a byte order mark": (b"\xef\xbb\xbf" + FOUND.encode(), POOR),
    "a header, and comments": (
        FOUND.replace("<s:Body>", "<s:Header><a>1</a></s:Header><s:Body><!-- x -->"), POOR,
    ),
    "SOAP 1.2": (FOUND.replace(SOAP, "http://www.w3.org/2003/05/soap-envelope"), POOR),
    "nobody": (NOBODY, None),
    "nobody, with attributes": (collection("", 'SoCongDan="0" ThoiDiemDuLieu="2026-11-21T08:00:00"'), None),
    "a collection that is nil": (collection("", 'xsi:nil="true"'), None),
    "a facade, error_code a number": (facade(0, FOUND), POOR),
    "a facade, error_code a text": (facade("0", FOUND), POOR),
    "a facade without error_code": (json.dumps({"message": FOUND}), POOR),
    "a facade around a text that was UTF-16": (facade(0, f' <?xml version="1.0" encoding="utf-16"?>\r\n{FOUND}'), POOR),
    "a facade with a byte order mark": (b"\xef\xbb\xbf" + facade(0, FOUND).encode(), POOR),
    "a facade, nobody": (facade(0, NOBODY), None),
}  # fmt: skip


@pytest.mark.parametrize(("said", "wanted"), SAID.values(), ids=SAID)
async def test_what_a_look_up_finds(partner: Partner, said: str | bytes, wanted: dict[str, Any] | None) -> None:
    """Found is an object of the schema that the connector names, not found is None; content types are not looked at."""
    partner.script = [(200, said, {"Content-Type": "application/octet-stream"})]
    async with population(partner.url) as it:
        found = await it.request(asked())
    assert found == wanted
    if found is not None:
        jsonschema_rs.validate(json.loads((ROOT / "schemas/c06-citizen/1.0.0.json").read_text()), found)


@pytest.mark.parametrize("namespace", [DAN, MIC, ""])
@pytest.mark.parametrize(("said", "wanted"), [("true", True), ("1", True), (" false ", False), ("0", False)])
async def test_what_a_verification_says(partner: Partner, said: str, wanted: bool, namespace: str) -> None:
    partner.script = [verified(f"<GhiChu/><TonTai>{said}</TonTai>", namespace)]
    async with population(partner.url) as it:
        assert await it.confirm(asked()) is wanted


TWO = "<HoVaTen><Ten>A</Ten></HoVaTen>"
UNFIT = {
    "two citizens": (collection(PERSON * 2), "ambiguous"),
    "an empty citizen": (collection("<CongDan/>"), "unreadable_record"),
    "no name": (collection(f"<CongDan><SoDinhDanh>{NUMBER}</SoDinhDanh></CongDan>"), "unreadable_record"),
    "an empty name": (collection("<CongDan><HoVaTen><Ho/><Ten/></HoVaTen></CongDan>"), "unreadable_record"),
    "two numbers": (
        collection(f"<CongDan>{TWO}<SoDinhDanh>{NUMBER}</SoDinhDanh><SoDinhDanh>1</SoDinhDanh></CongDan>"), "unreadable_record",
    ),
    "elements in a value": (collection(f"<CongDan>{TWO}<GioiTinh><a>{NUMBER}</a></GioiTinh></CongDan>"), "unreadable_record"),
    "a name in two ways": (collection(f"<CongDan><HoVaTen>{NAME}<Ten>{OTHER}</Ten></HoVaTen></CongDan>"), "unreadable_record"),
    "a relative's name in pieces": (
        collection(f"<CongDan>{TWO}<Cha><HoVaTen>{NAME}<b/>{OTHER}</HoVaTen></Cha></CongDan>"), "unreadable_record",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("said", "code"), UNFIT.values(), ids=UNFIT)
async def test_nothing_is_chosen_and_nothing_is_completed(partner: Partner, said: str, code: str) -> None:
    """A record that cannot be told is refused, and is no failure of the registry: the next question may be asked."""
    partner.script = [said]
    async with population(partner.url) as it:
        with pytest.raises(Rejected) as refusal:
            await it.request(asked())
    assert refusal.value.code == code
    says_nothing(refusal.value)


UNTOLD = {
    "a count without a citizen": (collection("", 'SoCongDan="1"'), "/CongdanCollection/@SoCongDan"),
    "a count that is none": (collection("", f'SoCongDan="{NAME}"'), "/CongdanCollection/@SoCongDan"),
    "a citizen of another namespace": (
        collection(PERSON.replace("<CongDan>", '<CongDan xmlns="urn:another">')), "/CongdanCollection/CongDan",
    ),
    "another spelling": (collection(PERSON.replace("CongDan", "Congdan")), "/CongdanCollection/Congdan"),
    "a list around the citizen": (collection(f"<DanhSach>{PERSON}</DanhSach>"), "/CongdanCollection/DanhSach"),
    "an error of its own": (collection(f"<MaLoi>05</MaLoi><MoTa>{WORDS}</MoTa>"), "/CongdanCollection/MaLoi"),
    "an error as text": (collection(f"Loi he thong: timeout {WORDS}"), "/CongdanCollection"),
    "text behind a comment": (collection(f"<!-- x --> {WORDS}"), "/CongdanCollection"),
    "a citizen that is nil": (collection('<CongDan xsi:nil="true"/>'), "/CongdanCollection/CongDan"),
    "a citizen that is nil, and is not": (
        collection(PERSON.replace("<CongDan>", '<CongDan xsi:nil="true">')), "/CongdanCollection/CongDan",
    ),
    "a collection that is nil, and is not": (collection(PERSON, 'xsi:nil="true"'), "/CongdanCollection/CongDan"),
    "a name for an element": (collection(f"<{NAME.replace(' ', '')}/>"), "/CongdanCollection/‹masked›"),
    "in a facade": (facade(0, collection("<MaLoi>05</MaLoi>")), "/CongdanCollection/MaLoi"),
}  # fmt: skip


@pytest.mark.parametrize(("said", "place"), UNTOLD.values(), ids=UNTOLD)
async def test_only_an_empty_collection_says_that_nobody_is_known(partner: Partner, said: str, place: str) -> None:
    """Anything else in it is an answer that was not understood; that is never told as nobody."""
    partner.script = [said]
    async with population(partner.url) as it:
        with pytest.raises(Transient) as failure:
            await it.request(asked())
    assert failure.value.code == "unreadable_answer"
    assert failure.value.reason.startswith(f"{place}: ")
    says_nothing(failure.value)


async def test_a_citizen_beside_one_that_cannot_be_read_is_not_chosen(partner: Partner) -> None:
    partner.script = [collection(PERSON + PERSON.replace("<CongDan>", '<CongDan xmlns="urn:another">'))]
    async with population(partner.url) as it:
        with pytest.raises(Rejected, match="ambiguous"):
            await it.request(asked())


async def test_a_large_answer_holds_nobody_up(partner: Partner, monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes long to read is read beside the loop, and nothing else is."""
    read_by: list[bool] = []
    honest = messages.citizen

    def citizen(*given: Any) -> Any:
        read_by.append(threading.current_thread() is threading.main_thread())
        return honest(*given)

    monkeypatch.setattr(connector, "citizen", citizen)
    large = collection(PERSON.replace("<CongDan>", f"<CongDan><GhiChu>{'x' * 300_000}</GhiChu>"))
    partner.script = [FOUND, large, facade(0, large)]
    async with population(partner.url) as it:
        assert [await it.request(asked()) for _ in range(3)] == [POOR] * 3
    assert read_by == [True, False, False]


OWN = f"<Loi><MaLoi>CD-17</MaLoi><MoTaLoi>{WORDS}</MoTaLoi></Loi>"
FAILURES: dict[str, tuple[Any, dict[str, Any], type[DeliveryError], str]] = {
    "a fault of the caller's": ((500, fault("s:Client")), {}, Rejected, "Sender"),
    "… with 200": (fault("s:Client"), {}, Rejected, "Sender"),
    "… with 403": ((403, fault("s:Client")), {}, Rejected, "Sender"),
    "… with a subcode": ((500, fault("s:Client.KhongCoQuyen")), {}, Rejected, "KhongCoQuyen"),
    "… with its own code": ((500, fault("s:Client", OWN)), {"fault_code": "MaLoi"}, Rejected, "CD-17"),
    "… whose own code is looked for in vain": ((500, fault("s:Client", "<a/>")), {"fault_code": "MaLoi"}, Rejected, "Sender"),
    "… that means not now": ((500, fault("s:Client", OWN)),
                             {"fault_code": "MaLoi", "transient_codes": ["CD-17"]}, Transient, "CD-17"),
    "a fault of the server's": ((500, fault("s:Server")), {}, Transient, "Receiver"),
    "… with its own code too": ((500, fault("s:Server", OWN)), {"fault_code": "MaLoi"}, Rejected, "CD-17"),
    "a fault with a name for a code": ((500, fault(f"{NAME} {NUMBER}")), {}, Rejected, "‹masked›"),
    "a fault in a facade": (facade(0, fault("s:Client")), {}, Rejected, "Sender"),
    "a fault in a facade that tells an error": (facade(-3, fault("s:Server")), {}, Transient, "Receiver"),
    "an error_code": (facade(-3, WORDS), {}, Rejected, "-3"),
    "… as text, with 400": ((400, facade("-3", WORDS)), {}, Rejected, "-3"),
    "… that means: not now": (facade("QUA_TAI", WORDS), {"transient_codes": ["QUA_TAI"]}, Transient, "QUA_TAI"),
    "… that quotes": (facade(f"{NAME} {NUMBER}", ""), {}, Rejected, "‹masked›"),
    "… with 500": ((500, facade(-3, WORDS)), {}, Transient, "http_500"),
    "400": ((400, WORDS), {}, Rejected, "http_400"),
    "413": ((413, WORDS), {}, Rejected, "http_413"),
    "422": ((422, WORDS), {}, Rejected, "http_422"),
    "401, wrong credentials": ((401, WORDS), {}, AccountRefused, "http_401"),
    "401 with a fault": ((401, fault("s:Client")), {}, AccountRefused, "http_401"),
    "403": ((403, WORDS), {}, AccountRefused, "http_403"),
    "404": ((404, WORDS), {}, Transient, "http_404"),
    "405": ((405, WORDS), {}, Transient, "http_405"),
    "415": ((415, WORDS), {}, Transient, "http_415"),
    "a redirect": ((302, "", {"Location": "/elsewhere"}), {}, Transient, "http_302"),
    "429": ((429, WORDS), {}, Transient, "http_429"),
    "503": ((503, fault("s:Server")), {}, Transient, "http_503"),
    "500": ((500, f"<html>{WORDS}"), {}, Transient, "http_500"),
    "502 with an answer": ((502, FOUND), {}, Transient, "http_502"),
    "HTML": (f"<html><p>{WORDS}</p></html>", {}, Transient, "unreadable_answer"),
    "half an envelope": (FOUND[:150], {}, Transient, "unreadable_answer"),
    "nothing": ("", {}, Transient, "unreadable_answer"),
    "an empty Body": (enveloped(""), {}, Transient, "unreadable_answer"),
    "another element": (enveloped(f"<a>{WORDS}</a>"), {}, Transient, "unreadable_answer"),
    "an element of another namespace": (collection(PERSON, namespace="urn:another"), {}, Transient, "unreadable_answer"),
    "a document type": (f"<!DOCTYPE a [<!ENTITY e '{NAME}'>]>{FOUND}", {}, Transient, "unreadable_answer"),
    "a facade without an envelope": (facade(0, WORDS), {}, Transient, "unreadable_answer"),
    "a facade with an object": (facade(0, {"a": WORDS}), {}, Transient, "unreadable_answer"),
    "a list": (json.dumps([WORDS]), {}, Transient, "unreadable_answer"),
    "an error_code that is a truth": (facade(True, NOBODY), {}, Transient, "unreadable_answer"),
    "… a list": (facade([5], NOBODY), {}, Transient, "unreadable_answer"),
    "… a fraction": (facade(-3.0, NOBODY), {}, Transient, "unreadable_answer"),
    "… a list, with 403": ((403, facade([5], NOBODY)), {}, AccountRefused, "http_403"),
    "a connection that breaks": ("reset", {}, Transient, "reset"),
    "an answer too large": ("<a>" + "x" * 2000, {"max_answer_bytes": 1024}, Transient, "answer_too_large"),
}  # fmt: skip


@pytest.mark.parametrize("act", ["request", "confirm"])
@pytest.mark.parametrize(("said", "settings", "kind", "code"), FAILURES.values(), ids=FAILURES)
async def test_what_each_failure_becomes(
    partner: Partner, caplog: pytest.LogCaptureFixture, said: Any, settings: dict[str, Any],
    kind: type[DeliveryError], code: str, act: str,
) -> None:  # fmt: skip
    """The table of README.md; never in doubt, and none of the partner's words in an error or a log."""
    caplog.set_level(logging.DEBUG)
    partner.script = [said]
    async with population(partner.url, **settings) as it:
        with pytest.raises(DeliveryError) as failure:
            await getattr(it, act)(asked())
    assert (type(failure.value), failure.value.code) == (kind, code)
    says_nothing(failure.value)
    assert NAME not in caplog.text and NUMBER not in caplog.text
    assert len(partner.calls) == 1


@pytest.mark.parametrize("said", ["yes", "", "<a/>", "True"])
async def test_a_verification_that_says_neither_yes_nor_no(partner: Partner, said: str) -> None:
    partner.script = [verified(f"<TonTai>{said}</TonTai>")]
    async with population(partner.url) as it:
        with pytest.raises(Rejected, match="unreadable_record: /TonTai"):
            await it.confirm(asked())


async def test_a_verification_without_its_result(partner: Partner) -> None:
    partner.script = [verified("<GhiChu>true</GhiChu>")]
    async with population(partner.url) as it:
        with pytest.raises(Transient, match="unreadable_answer"):
            await it.confirm(asked())


async def test_when_to_come_back_is_passed_on(partner: Partner) -> None:
    partner.script = [(503, "", {"Retry-After": "7"})]
    async with population(partner.url) as it:
        with pytest.raises(Transient) as failure:
            await it.request(asked())
    assert failure.value.retry_after == 7


async def test_nobody_listens(partner: Partner) -> None:
    async with population("http://127.0.0.1:1") as it:
        with pytest.raises(NotConnected):
            await it.request(asked())
        with pytest.raises(NotConnected):
            await it.check()


# ── through the LGSP


async def test_the_question_in_json(partner: Partner) -> None:
    """The envelope is a text without declaration; NDXP's headers are the LGSP's business."""
    partner.script = [facade(0, FOUND)]
    keys = {"lgsp_access_token": "eyJB", "auth_key": "ten:khoa"}
    async with population(partner.url, lgsp=lgsp(partner, **keys)) as it:
        assert await it.request(asked()) == POOR
    token, question = partner.calls
    assert (token.method, token.body) == ("POST", b"grant_type=client_credentials")
    assert token.headers["Authorization"] == f"Basic {basic(f'tinh:{SECRET}')}"
    assert token.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert "lgspaccesstoken" not in token.headers
    said = question.json
    assert said.pop("data").startswith(f'<soap:Envelope xmlns:soap="{SOAP}"><soap:Body><ns0:TraCuuThongTinCongDan ')
    assert said == {"accessToken": "Bearer tok-1", "lgspAccessToken": "eyJB", "AuthHash": basic("ten:khoa")}
    assert question.headers["Content-Type"] == "application/json" and question.headers["traceparent"] == TRACE
    assert not {"Timestamp", "Authorization", "ApiKey", "SOAPAction"} & question.headers.keys()


async def test_a_token_for_the_header_of_the_platform(partner: Partner) -> None:
    given = lgsp(partner, consumer_key=None, consumer_secret=None, lgsp_access_token="eyJB")
    async with population(partner.url, lgsp=given) as it:
        await it.request(asked())
    assert partner.tokens[0].headers["lgspaccesstoken"] == "eyJB" and "Authorization" not in partner.tokens[0].headers
    assert "AuthHash" not in partner.questions[0].json


async def test_a_lasting_token_is_never_renewed(partner: Partner) -> None:
    """Nothing asks twice with the same refused token."""
    partner.script = [FOUND, (401, WORDS)]
    async with population(partner.url, lgsp={"access_token": STATIC}) as it:
        await it.request(asked())
        with pytest.raises(AccountRefused, match="session") as failure:
            await it.request(asked())
    assert [call.json["accessToken"] for call in partner.calls] == [f"Bearer {STATIC}"] * 2
    says_nothing(failure.value)


ENDED = {
    "401": ((401, WORDS), {}),
    "401 with an error_code": ((401, facade(-1, WORDS)), {}),
    "a code of its own": (facade(-1, WORDS), {"token_error_codes": ["-1"]}),
}


@pytest.mark.parametrize(("said", "changes"), ENDED.values(), ids=ENDED)
async def test_an_ended_token_is_renewed_once(partner: Partner, said: Any, changes: dict[str, Any]) -> None:
    """The same question again, with the new token; a second refusal is said, not tried again."""
    partner.script = [said, FOUND, said]
    async with population(partner.url, lgsp=lgsp(partner, **changes)) as it:
        assert await it.request(asked()) == POOR
        with pytest.raises(Transient) as failure:
            await it.request(asked())
    assert failure.value.code == "session"
    says_nothing(failure.value)
    tokens = [call.json["accessToken"] for call in partner.questions]
    assert tokens == ["Bearer tok-1", "Bearer tok-2", "Bearer tok-2", "Bearer tok-3"]
    assert len({call.json["data"] for call in partner.questions[:2]}) == 1


async def test_one_new_token_for_all_who_notice(partner: Partner) -> None:
    """Questions at the same time whose token has ended are all answered, after one sign-in."""
    partner.script = [lambda call: (401, WORDS) if call.json["accessToken"] == "Bearer tok-1" else FOUND]
    async with population(partner.url, lgsp=lgsp(partner)) as it:
        found = await asyncio.gather(*(it.request(asked()) for _ in range(5)))
    assert found == [POOR] * 5 and len(partner.tokens) == 2


async def test_a_token_is_left_when_its_time_is_over(partner: Partner) -> None:
    """Also a platform that tells an ended token by an error_code nobody knows is asked with one that lasts."""
    clock = Now()
    partner.token_answer = {"access_token": "dai", "expires_in": 60}
    async with population(partner.url, clock, lgsp=lgsp(partner)) as it:
        for seconds in (0, 59, 60, 119, 120):
            clock.at = NOW + seconds * 1_000_000
            await it.request(asked())
    assert len(partner.tokens) == 3


async def test_officers_have_keys_of_their_own(partner: Partner) -> None:
    keys, other = {"officer_keys": {OFFICER: "mot:1"}}, "001085990009"
    async with population(partner.url, lgsp=lgsp(partner, **keys, auth_key="moi:0")) as it:
        await it.request(asked())
        await it.request(asked(MaCanBo=other))
    assert [call.json["AuthHash"] for call in partner.questions] == [basic("mot:1"), basic("moi:0")]
    partner.calls.clear()
    async with population(partner.url, lgsp=lgsp(partner, **keys)) as it:
        with pytest.raises(NotAsked, match="officer: /MaCanBo: officer_keys has no key") as refusal:
            await it.request(asked(MaCanBo=other))
    assert partner.calls == []
    says_nothing(refusal.value, other)


SIGN_IN = {
    "refused": (401, {"error": "invalid_client"}),
    "no token": (200, {"error_code": 0}),
    "an empty token": (200, {"access_token": ""}),
    "a number": (200, {"access_token": 5}),
    "HTML": (200, "<html>"),
    "a server's error": (500, {"access_token": "tok-9"}),
}


@pytest.mark.parametrize("said", SIGN_IN.values(), ids=SIGN_IN)
async def test_a_sign_in_that_gives_no_token(partner: Partner, said: Any) -> None:
    """Wrong credentials count against the endpoint, never against a question."""
    partner.token_answer = said
    async with population(partner.url, lgsp=lgsp(partner)) as it:
        for act in (it.request(asked()), it.check()):
            with pytest.raises(Transient) as failure:
                await act
            assert failure.value.code == "sign_in"
            assert isinstance(failure.value, AccountRefused) == (partner.token_answer[0] == 401)
            says_nothing(failure.value)
    assert partner.questions == []


# ── check, settings


async def test_check_reads_the_wsdl_and_asks_about_nobody(partner: Partner) -> None:
    partner.script = ["<definitions/>", (404, WORDS), (403, WORDS), (500, WORDS)]
    async with population(partner.url, direct={"api_key": API_KEY}) as it:
        await it.check()
        for code in ("http_404", "http_403", "http_500"):
            with pytest.raises(Transient) as failure:
                await it.check()
            assert failure.value.code == code
            says_nothing(failure.value)
    assert {(call.method, call.path, call.body) for call in partner.calls} == {("GET", "/dancu?wsdl", b"")}
    assert partner.calls[0].headers["ApiKey"] == API_KEY and partner.calls[0].headers["Timestamp"] == "1795219200123"


async def test_check_of_an_address_with_a_query_and_of_another_one(partner: Partner) -> None:
    async with population(partner.url) as it:
        given = it.config.model_dump() | {"url": f"{partner.url}/forward?dstcode=VN:GOV"}
    for more, wanted in (({}, "/forward?dstcode=VN:GOV&wsdl"), ({"check_url": f"{partner.url}/alive"}, "/alive")):
        it = Population(PopulationConfig.model_validate(given | more), ConnectorContext("registry", Now()))
        await it.open()
        await it.check()
        await it.close()
        assert partner.calls[-1].path == wanted


async def test_check_gets_a_new_token_every_time(partner: Partner) -> None:
    async with population(partner.url, lgsp=lgsp(partner)) as it:
        await it.check()
        await it.check()
    assert len(partner.tokens) == 2 and partner.questions == []


GOOD_LGSP = {"token_url": "http://lgsp/token", "consumer_key": "a", "consumer_secret": "b"}
BAD: dict[str, tuple[Mapping[str, Any], str]] = {
    "no account": ({}, "through: direct needs the section direct"),
    "the account of the other way": ({"lgsp": GOOD_LGSP}, "through: direct needs the section direct"),
    "no account at the LGSP": ({"through": "lgsp", "direct": DIRECT}, "through: lgsp needs the section lgsp"),
    "no token": ({"lgsp": {}}, "either token_url or access_token"),
    "two tokens": ({"lgsp": GOOD_LGSP | {"access_token": "x"}}, "either token_url or access_token"),
    "a key without a secret": ({"lgsp": {"token_url": "http://l/t", "consumer_key": "a"}}, "go together"),
    "nothing to sign in with": ({"lgsp": {"token_url": "http://l/t"}}, "token_url needs"),
    "an account with a colon": ({"direct": DIRECT | {"username": "a:b"}}, "should match pattern"),
    "an empty key": ({"direct": DIRECT | {"secret_key": ""}}, "at least 1"),
    "a name that is not known": ({"direct": DIRECT | {"secret": "a"}}, "not permitted"),
    "no address": ({"direct": DIRECT, "url": "registry"}, "an address like"),
    "a user in the address": ({"direct": DIRECT, "url": "http://a:b@registry"}, "an address like"),
}


@pytest.mark.parametrize(("settings", "text"), BAD.values(), ids=BAD)
def test_settings_that_cannot_work(settings: Mapping[str, Any], text: str) -> None:
    with pytest.raises(ValidationError, match=text):
        PopulationConfig.model_validate({"url": "http://registry/dancu"} | dict(settings))


def test_no_secret_and_no_officer_is_shown() -> None:
    keys = {"access_token": STATIC, "lgsp_access_token": API_KEY, "auth_key": SECRET, "officer_keys": {OFFICER: SECRET}}
    config = PopulationConfig.model_validate(
        {"url": "http://r/d", "direct": DIRECT | {"api_key": API_KEY}, "lgsp": keys, "phone": "0912345678"}
    )
    shown = repr(config) + repr(Population(config, ConnectorContext("registry", Now())))
    assert not any(word in shown for word in (SECRET, API_KEY, STATIC, OFFICER, "0912345678"))


def test_it_is_installed_and_answers_questions() -> None:
    kind = load_connector("population")
    assert kind is Population and is_responder(kind) and issubclass(kind, Confirmer)
    for ref in (Population.queries, Population.answers):
        assert list((ROOT / "schemas" / SchemaRef.parse(ref).id).glob("1.*.json"))
