"""The simulated population registry, seen through HTTP: who may ask, in which form, its WSDL, its memory, how it fails."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import os
import re
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import aiohttp
import pytest
import requests
import yaml
import zeep

from connectors.population.simulator import PopulationSimulator
from connectors.population.simulator_config import PopulationSimulatorConfig
from hub.errors import BadConfig
from hub.testing import load_simulator
from population.registry import (
    GONE,
    LOOK_UP,
    MAU,
    NOW,
    ORDER,
    PEOPLE,
    QUESTION,
    ROOT,
    THU,
    TOLD,
    VERIFY,
    Caller,
    Told,
    basic,
    elements,
    envelope,
    fields,
    headers,
    old_number,
    process,
    registry,
    shape,
)

# --- who may call ----------------------------------------------------------------------------------------------------

MILLIS = str(int(NOW * 1000))
WRONG_HEADERS: list[tuple[str, int, dict[str, str | None]]] = [
    ("no_client", 403, {"X-Road-Client": None}),
    ("wrong_client", 403, {"X-Road-Client": "VN/GOV/000.00.00.H22/SIMULATED"}),
    ("no_timestamp", 401, {"Timestamp": None}),
    ("timestamp_form", 401, {"Timestamp": "2026-11-22T00:00:00"}),
    ("timestamp_form", 401, {"Timestamp": MILLIS[:10]}),
    ("timestamp_skew", 401, {"Timestamp": str(int((NOW - 301) * 1000))}),
    ("timestamp_skew", 401, {"Timestamp": str(int((NOW + 301) * 1000))}),
    ("no_authorization", 401, {"Authorization": None}),
    ("authorization_form", 401, {"Authorization": "Basic not/base64!"}),
    ("authorization_form", 401, {"Authorization": "Basic " + base64.b64encode(b"no colon").decode()}),
    ("authorization_form", 401, {"Authorization": headers()["Authorization"].replace("Basic", "Bearer")}),
    ("wrong_account", 401, {"Authorization": basic("somebody", "x")}),
    ("wrong_hash", 401, {"Authorization": basic("simulated", "simulated")}),
    ("wrong_hash", 401, {"Timestamp": str(int(NOW * 1000) + 1)}),
    ("no_api_key", 401, {"ApiKey": None}),
    ("wrong_api_key", 401, {"ApiKey": "Simulated"}),
    ("soap_action", 400, {"SOAPAction": None}),
    ("soap_action", 400, {"SOAPAction": f'"{LOOK_UP}"'}),
    ("content_type", 415, {"Content-Type": "application/json"}),
    ("content_type", 415, {"Content-Type": "text/xml; charset=utf-16"}),
    ("content_type", 415, {"Content-Type": None}),
]


def _changed(changes: Mapping[str, str | None]) -> dict[str, str]:
    """Right headers (hashed over the right time) with some put in their place."""
    return {name: value for name, value in ({**headers()} | dict(changes)).items() if value is not None}


@pytest.mark.parametrize(("word", "status", "changes"), WRONG_HEADERS)
async def test_each_header_is_checked(word: str, status: int, changes: dict[str, str | None]) -> None:
    """A header that is missing or wrong is refused with its own word, and nothing is asked of the registry."""
    async with registry() as caller:
        answered = await caller.post(envelope(fields()), _changed(changes))
        assert answered[0] == status and answered[1].endswith(f": {word}")
        assert (await caller.last_call())["outcome"] == word
        assert await caller.questions() == []


SWITCHES = {
    "X-Road-Client": "check_x_road_client",
    "Timestamp": "check_timestamp",
    "Authorization": "check_authorization",
    "ApiKey": "check_api_key",
}
SWITCHED = [
    (SWITCHES[name], changes)
    for word, _, changes in WRONG_HEADERS
    if (name := next(iter(changes))) in SWITCHES and (name, word) != ("Timestamp", "wrong_hash")
]


@pytest.mark.parametrize(("switch", "changes"), SWITCHED)
async def test_each_header_check_can_be_switched_off(switch: str, changes: dict[str, str | None]) -> None:
    """With its check off a header may be anything or nothing, while the others stay checked."""
    timestamp = changes.get("Timestamp", MILLIS) or ""
    given = {name: value for name, value in (headers(timestamp) | changes).items() if value is not None}
    async with registry(**{switch: False}) as caller:
        assert len((await caller.soap(envelope(fields()), given)).people) == 1
        other = "ApiKey" if switch != "check_api_key" else "X-Road-Client"
        assert (await caller.post(envelope(fields()), given | {other: "x"}))[0] in (401, 403)


async def test_a_header_sent_twice_is_no_header() -> None:
    """Two ApiKey headers are refused, even when one is right."""
    async with registry() as caller:
        twice = [*headers().items(), ("ApiKey", "simulated")]
        async with caller.http.post(f"{caller.url}/dancu", data=envelope(fields()).encode(), headers=twice) as answer:
            assert answer.status == 401
        assert (await caller.last_call())["outcome"] == "no_api_key"


async def test_the_hash_binds_all_four_pieces() -> None:
    """auth_url, username, timestamp and secretKey are hashed without separators, as lower case hex."""
    account = {"auth_url": "https://a", "username": "b", "secret_key": "c"}
    async with registry(**account) as caller:
        right = hashlib.sha256(f"https://ab{MILLIS}c".encode()).hexdigest()
        for hashed, fits in [(right, True), (right.upper(), False), (hashlib.sha256(b"c").hexdigest(), False)]:
            status, *_ = await caller.post(envelope(fields()), headers(Authorization=basic("b", hashed)))
            assert status == (200 if fits else 401)


@pytest.mark.parametrize(("unit", "right", "wrong"), [("milliseconds", 1000, 1), ("seconds", 1, 1000)])
async def test_the_timestamp_counts_the_configured_unit(unit: str, right: int, wrong: int) -> None:
    """Milliseconds or seconds, never both."""
    async with registry(timestamp_unit=unit) as caller:
        assert (await caller.post(envelope(fields()), headers(str(int(NOW * right)))))[0] == 200
        assert (await caller.post(envelope(fields()), headers(str(int(NOW * wrong)))))[0] == 401
        assert (await caller.last_call())["outcome"] == "timestamp_form"


async def test_the_allowed_skew_is_configured() -> None:
    """A timestamp may be as old as the skew says; without one, any age."""
    old = headers(str(int((NOW - 900) * 1000)))
    for skew, status in [(900.0, 200), (899.0, 401), (None, 200)]:
        async with registry(timestamp_skew=skew) as caller:
            assert (await caller.post(envelope(fields()), old))[0] == status


async def test_a_refused_header_may_be_told_as_a_fault() -> None:
    """With header_refusal: fault the answer is an envelope with HTTP 500."""
    async with registry(header_refusal="fault") as caller:
        told = await caller.soap(envelope(fields()), headers(ApiKey=None))
        assert (told.status, told.fault) == (500, "no_api_key") and "ApiKey" in told.words


@pytest.mark.parametrize("content_type", ["application/xml", "text/xml", "text/xml; charset=UTF-8"])
async def test_both_content_types_are_taken(content_type: str) -> None:
    """application/xml and text/xml, with no charset or UTF-8."""
    async with registry() as caller:
        assert (await caller.soap(envelope(fields()), headers() | {"Content-Type": content_type})).people


async def test_soap_action_may_be_ignored() -> None:
    """With soap_action: any the header is not looked at."""
    async with registry(soap_action="any") as caller:
        assert (await caller.soap(envelope(fields()), _changed({"SOAPAction": None}))).people


# --- what may be asked -----------------------------------------------------------------------------------------------


async def test_a_look_up_answers_the_citizen() -> None:
    """Number, upper case name and birth date of one person give the whole record, in the contract's order and namespace."""
    async with registry() as caller:
        told = await caller.look_up()
        assert told.status == 200 and told.content_type == "text/xml"
        (person,) = told.people
        assert shape(person) == {
            "SoDinhDanh": "001190990001",
            "SoCMND": "990000001",
            "HoVaTen": {"Ho": "", "ChuDem": "", "Ten": "Nguyễn Thị Đan Mẫu"},
            "GioiTinh": "2",
            "DanToc": "01",
            "TonGiao": "00",
            "TinhTrangHonNhan": "2",
            "NhomMau": "03",
            "NgayThangNamSinh": {"NgayThangNam": "19900131"},
            "QuocTich": "VN",
            "QueQuan": {
                "MaTinhThanh": "01",
                "MaQuanHuyen": "990",
                "MaPhuongXa": "99002",
                "ChiTiet": "Thôn Ví Dụ",
                "QuocGia": "VN",
            },
            "ThuongTru": {
                "MaTinhThanh": "01",
                "MaPhuongXa": "99001",
                "ChiTiet": "Số 1 <mô phỏng> & thử",
                "QuocGia": "VN",
            },
            "Cha": {"HoVaTen": "Nguyễn Văn Thử", "QuocTich": "VN"},
            "VoChong": {"HoVaTen": "Trần Văn Ví Dụ", "QuocTich": "VN", "SoDinhDanh": "001088990002", "SoCMND": "990000002"},
            "ChuHo": {"QuanHe": "CH01", "SoDinhDanh": "001088990002", "HoVaTen": "Trần Văn Ví Dụ"},
            "SoSoHoKhau": "MP0000001",
        }
        names = list(shape(person))
        assert names == sorted(names, key=ORDER.index)
        assert all(element.tag.startswith(TOLD) for element in person.iter())


async def test_a_person_is_found_by_either_number() -> None:
    """12 digits in SoDinhDanh or 9 in SoCMND lead to the same person; some have only the old one."""
    async with registry() as caller:
        assert shape((await caller.look_up(old_number("990000001"))).people[0])["SoDinhDanh"] == "001190990001"
        only_old = old_number("990000005", HoVaTen="VÕ THỊ VÍ DỤ", NgayThangNamSinh={"NgayThangNam": "19450902"})
        assert "SoDinhDanh" not in shape((await caller.look_up(only_old)).people[0])


@pytest.mark.parametrize(
    "changes",
    [
        {"SoDinhDanh": "001190990009"},
        {"HoVaTen": "NGUYỄN THỊ MẪU"},
        {"NgayThangNamSinh": {"NgayThangNam": "19900130"}},
    ],
)
async def test_who_does_not_fit_is_not_found(changes: dict[str, Any]) -> None:
    """Another number, name or date: HTTP 200 and a collection without a CongDan node; no error body."""
    async with registry() as caller:
        told = await caller.look_up(fields(**changes))
        assert told.status == 200 and told.people == [] and told.body.get("SoCongDan") == "0"
        assert (await caller.last_call())["outcome"] == "not_found"


async def test_verification_tells_only_whether_there_is_such_a_person() -> None:
    """KetQuaXacThuc with TonTai, true or false, and nothing else."""
    async with registry() as caller:
        told = await caller.verify()
        assert told.exists == "true" and shape(told.body) == {"TonTai": "true"}
        assert (await caller.verify(HoVaTen="AI ĐÓ")).exists == "false"


@pytest.mark.parametrize("first", range(len(QUESTION) - 1))
async def test_the_order_of_elements_counts(first: int) -> None:
    """Any two neighbours in each other's place are a fault, for both operations."""
    names = list(QUESTION)
    names[first], names[first + 1] = names[first + 1], names[first]
    async with registry() as caller:
        for operation in (LOOK_UP, VERIFY):
            code = "037" if operation == LOOK_UP else "003"
            given = fields(MaTichHop=code)
            told = await caller.soap(envelope({name: given[name] for name in names}, operation))
            assert (told.status, told.fault) == (500, "order")


@pytest.mark.parametrize("name", QUESTION)
async def test_every_element_is_needed(name: str) -> None:
    """A question without one of the elements is a fault; an empty one as well."""
    async with registry() as caller:
        told = await caller.look_up(fields(**{name: ...}))
        assert told.fault == "missing" and name in told.words
        assert (await caller.look_up(fields(**{name: ""}))).fault == ("birth" if name == "NgayThangNamSinh" else "empty")


async def test_the_later_elements_may_be_optional() -> None:
    """An older client's question has no MaDonVi, TaiKhoan, SoDienThoai, or has them empty; the order still counts."""
    older = fields(MaDonVi=..., TaiKhoan=..., SoDienThoai=...)
    async with registry(later_fields="optional") as caller:
        assert (await caller.look_up(older)).people
        assert await caller.finds(MaDonVi="", SoDienThoai="")
        late = {**fields(MaDonVi=...), "MaDonVi": "x"}
        assert (await caller.look_up(late)).fault == "order"


async def test_never_both_numbers() -> None:
    """SoDinhDanh and SoCMND together are a fault, even when both are right or one is empty."""
    inside = elements(fields())
    async with registry() as caller:
        for second in ("<dan:SoCMND>990000001</dan:SoCMND>", "<dan:SoCMND/>"):
            told = await caller.soap(envelope(inside.replace("<dan:HoVaTen>", f"{second}<dan:HoVaTen>")))
            assert told.fault == "both_numbers"


@pytest.mark.parametrize(
    "given",
    [
        fields(SoDinhDanh="990000001"),
        fields(SoDinhDanh="00119099000"),
        fields(SoDinhDanh="00119099000A"),
        fields(SoDinhDanh="٠٠١١٩٠٩٩٠٠٠١"),
        old_number("001190990001"),
        old_number("99000000"),
    ],
)
async def test_each_number_has_its_digits(given: dict[str, Any]) -> None:
    """12 digits in SoDinhDanh, 9 in SoCMND; else a fault, or nobody with bad_values: not_found."""
    async with registry() as caller:
        assert (await caller.look_up(given)).fault == "digits"
    async with registry(bad_values="not_found") as caller:
        assert (await caller.look_up(given)).people == []


@pytest.mark.parametrize(
    ("birth", "word"),
    [
        ({"NgayThangNam": "19900230"}, "date"),
        ({"NgayThangNam": "1990-01-31"}, "date"),
        ({"NgayThangNam": "1990"}, "date"),
        ({"Nam": "199"}, "date"),
        ({"Nam": "19900131"}, "date"),
        ({"Nam": "1990", "NgayThangNam": "19900131"}, "birth"),
        ({"Thang": "01"}, "birth"),
        ("19900131", "birth"),
    ],
)
async def test_the_birth_date_is_a_year_or_a_date(birth: Any, word: str) -> None:
    """Exactly one of Nam (yyyy) and NgayThangNam (yyyyMMdd, a day that exists)."""
    async with registry() as caller:
        assert (await caller.look_up(fields(NgayThangNamSinh=birth))).fault == word


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ("", "malformed"),
        ("<a>", "malformed"),
        ('<!DOCTYPE a [<!ENTITY x "y">]>' + envelope(fields()), "dtd"),
        (elements({}) or "<a/>", "not_soap_11"),
        (envelope(fields()).replace("schemas.xmlsoap.org/soap/envelope/", "www.w3.org/2003/05/soap-envelope"), "not_soap_11"),
        (envelope(fields(), "XacMinhThongTinNhanThan"), "unknown_operation"),
        (envelope(fields()).replace("http://dancuquocgia.bca", "http://gtel.vn/qldc"), "unknown_operation"),
        (envelope(fields()).replace("dan:MaDVC", "MaDVC"), "unknown_element"),
        (envelope(fields() | {"GhiChu": "x"}), "unknown_element"),
        (envelope(fields(MaDVC={"Ma": "1"})), "unknown_element"),
        (
            envelope(fields())
            .replace("<dan:NgayThangNam>", '<NgayThangNam xmlns="">')
            .replace("</dan:NgayThangNam>", "</NgayThangNam>"),
            "birth",
        ),
        (envelope(fields()).replace("<soapenv:Body>", "<soapenv:Body><a/>"), "envelope"),
        (envelope(elements(fields()).replace("<dan:MaDVC>", "<dan:MaYeuCau>2</dan:MaYeuCau><dan:MaDVC>")), "repeated"),
        (re.sub(r"<dan:Tra.*</dan:Tra[A-Za-z]+>", "", envelope(fields())), "no_operation"),
        (envelope(fields(), header=""), None),
        (
            envelope(fields(), header='<soapenv:Header><x:A xmlns:x="x" soapenv:mustUnderstand="1"/></soapenv:Header>'),
            "must_understand",
        ),
        (envelope(fields(), header='<soapenv:Header><x:A xmlns:x="x"/></soapenv:Header>'), None),
        (envelope(fields()).replace("soapenv:Body", "soapenv:Bodies"), "envelope"),
    ],
)
async def test_the_envelope_is_soap_1_1_with_one_question(body: str, word: str | None) -> None:
    """What is not XML, not SOAP 1.1, or not one of the two operations in their namespace is a fault; prefixes are free."""
    async with registry() as caller:
        told = await caller.soap(body)
        assert told.fault == word and (word or told.people)
        code = told.body.findtext("faultcode")
        special = {"must_understand": "MustUnderstand", "not_soap_11": "VersionMismatch" if "2003" in body else "Client"}
        assert word is None or code == f"soapenv:{special.get(word, 'Client')}"


async def test_a_question_may_come_as_utf_16_and_with_other_prefixes() -> None:
    """The XML decides, not its spelling."""
    async with registry() as caller:
        assert (await caller.soap(envelope(fields()).replace("soapenv:", "S:").replace("xmlns:soapenv", "xmlns:S"))).people
        assert (await caller.soap(('<?xml version="1.0" encoding="UTF-16"?>' + envelope(fields())).encode("utf-16"))).people


async def test_who_may_ask_for_what_is_configured() -> None:
    """The integration code fits the operation; procedures and officers may be limited; an officer may have to be a number."""
    async with registry(procedures=["VPCP"], officers=["001080990099"], officer_form="citizen_number") as caller:
        assert (await caller.look_up()).words.endswith("MaDVC")
        assert (await caller.look_up(fields(MaDVC="VPCP", MaCanBo="001080990098"))).words.endswith("MaCanBo")
        assert (await caller.look_up(fields(MaDVC="VPCP", MaTichHop="003"))).fault == "not_allowed"
        assert (await caller.look_up(fields(MaDVC="VPCP"))).people
    async with registry(officer_form="citizen_number") as caller:
        assert (await caller.look_up(fields(MaCanBo="canbo"))).fault == "officer"
    async with registry(lookup_codes=[]) as caller:
        assert await caller.finds(MaTichHop="999")
        assert (await caller.verify()).exists == "true"


async def test_a_request_id_may_be_used_once() -> None:
    """With repeated_request: refuse an answered MaYeuCau is not answered again; a refused one may be repeated."""
    async with registry() as caller:
        assert await caller.finds() and await caller.finds()
    async with registry(repeated_request="refuse") as caller:
        assert (await caller.look_up(fields(SoDinhDanh="1"))).fault == "digits"
        assert await caller.finds()
        assert (await caller.look_up()).fault == "repeated_request"
        assert (await caller.verify()).fault == "repeated_request"
        assert await caller.finds(MaYeuCau="yc-2")


# --- WSDL ------------------------------------------------------------------------------------------------------------


def zeep_client(url: str, account: Mapping[str, str] | None = None) -> zeep.Client:
    session = requests.Session()
    given = headers() if account is None else dict(account)
    session.headers.update({name: given[name] for name in ("Timestamp", "Authorization", "X-Road-Client", "ApiKey")})
    return zeep.Client(f"{url}/dancu?wsdl", transport=zeep.Transport(session=session))


@contextmanager
def closing(client: zeep.Client) -> Iterator[zeep.Client]:
    try:
        yield client
    finally:
        client.transport.session.close()


async def test_a_plain_zeep_client_can_ask_by_the_wsdl() -> None:
    """Both operations, the choice of numbers and births, and a fault, with nothing but the served WSDL."""
    async with registry() as caller:

        def ask() -> None:
            with closing(zeep_client(caller.url)) as client:
                (port,) = client.wsdl.services["DanCuQuocGia"].ports.values()
                assert port.binding_options["address"] == f"{caller.url}/dancu"
                found = client.service.TraCuuThongTinCongDan(**fields())
                assert found.SoCongDan == 1 and found.CongDan[0].HoVaTen.Ten == "Nguyễn Thị Đan Mẫu"
                assert found.CongDan[0].VoChong.HoVaTen == "Trần Văn Ví Dụ"
                assert found.CongDan[0].ThuongTru.MaPhuongXa == "99001"
                nobody = client.service.TraCuuThongTinCongDan(**old_number("990000009"))
                assert nobody.CongDan == [] and nobody.SoCongDan == 0
                by_year = fields(SoDinhDanh=THU["number"], HoVaTen="LÊ VĂN THỬ", NgayThangNamSinh={"Nam": "1950"})
                assert client.service.XacThucThongTinCongDan(**(by_year | {"MaTichHop": "003"})) is True
                assert client.service.XacThucThongTinCongDan(**(fields(HoVaTen="AI", MaTichHop="003"))) is False
                with pytest.raises(zeep.exceptions.Fault) as raised:
                    client.service.TraCuuThongTinCongDan(**fields(SoDinhDanh="1"))
                assert raised.value.code == "soapenv:Client" and "SoDinhDanh" in raised.value.message

        await asyncio.to_thread(ask)


async def test_a_zeep_client_reads_every_form_of_the_answer() -> None:
    """The WSDL describes the answers with empty elements, split names, the other namespace and fewer fields in the question."""
    config = {"absent": "empty", "full_name": "split", "verify_namespace": "question", "later_fields": "optional"}
    async with registry(birth_answer="both", **config) as caller:

        def ask() -> None:
            with closing(zeep_client(caller.url)) as client:
                older = fields(MaDonVi=..., TaiKhoan=..., SoDienThoai=...)
                person = client.service.TraCuuThongTinCongDan(**older).CongDan[0]
                assert person.HoVaTen.Ho == "Nguyễn" and person.NoiOHienTai is None and person.NgayThangNamSinh.Nam == "1990"
                assert client.service.XacThucThongTinCongDan(**(older | {"MaTichHop": "003"})) is True

        await asyncio.to_thread(ask)


async def test_the_wsdl_has_the_address_it_is_told_to() -> None:
    """The host it was asked at, or the configured address, escaped; a GET without ?wsdl is refused."""
    async with (
        registry(address="http://lgsp.invalid/c06?a=1&b=2") as caller,
        caller.http.get(f"{caller.url}/dancu?WSDL") as got,
    ):
        root = ElementTree.fromstring(await got.text())
        (address,) = root.iter("{http://schemas.xmlsoap.org/wsdl/soap/}address")
        assert address.get("location") == "http://lgsp.invalid/c06?a=1&b=2" and got.content_type == "text/xml"
    async with registry(path="/a/b") as caller:
        async with caller.http.get(f"{caller.url}/a/b?wsdl", headers={"Host": "registry.invalid:81"}) as got:
            assert 'location="http://registry.invalid:81/a/b"' in await got.text()
        async with caller.http.get(f"{caller.url}/a/b") as got:
            assert got.status == 405


# --- memory and faults -----------------------------------------------------------------------------------------------


async def test_the_log_says_who_asked_and_how_it_ended_and_no_name() -> None:
    """Each question: MaCanBo, MaYeuCau, MaDVC, MaTichHop, outcome; refused ones too; nothing of the citizen."""
    async with registry() as caller:
        await caller.look_up()
        await caller.verify(HoVaTen="AI ĐÓ")
        await caller.look_up(fields(SoDinhDanh="1"))
        state = await caller.control("GET", "state")
        assert state["people"] == 4
        assert state["questions"][0] == {
            "seq": 1,
            "at": "2026-11-21T22:26:40.000+00:00",
            "via": "direct",
            "operation": LOOK_UP,
            "officer": "001080990099",
            "request": "yc-1",
            "procedure": "1.001193",
            "code": "037",
            "outcome": "found",
        }
        told = [(asked["operation"], asked["code"], asked["outcome"]) for asked in state["questions"][1:]]
        assert told == [(VERIFY, "003", "not_found"), (LOOK_UP, "037", "digits")]
        shown = json.dumps([state, await caller.control("GET", "calls")], ensure_ascii=False)
        assert "MẪU" not in shown and "AI ĐÓ" not in shown and "001190990001" not in shown and "19900131" not in shown


async def test_the_log_survives_a_kill(tmp_path: Path) -> None:
    """A SIGKILL loses no question that was answered; a line cut off is dropped; one process holds the file."""
    state, config = tmp_path / "population.jsonl", tmp_path / "config.yaml"
    config.write_text(json.dumps({"known_people": PEOPLE, "people": 0, "check_timestamp": False, "repeated_request": "refuse"}))
    arguments = ("--state", str(state), "--config", str(config))
    async with aiohttp.ClientSession() as http:
        with process(*arguments) as (child, url):
            assert (await Caller(url, http, []).look_up()).people
            with pytest.raises(BadConfig, match="in_use"):
                PopulationSimulator(PopulationSimulatorConfig(), state)
            os.kill(child.pid, signal.SIGKILL)
            child.wait()
        with state.open("a") as file:
            file.write('{"at": "cut o')
        with process(*arguments) as (child, url):
            caller = Caller(url, http, [])
            assert [asked["outcome"] for asked in await caller.questions()] == ["found"]
            assert (await caller.look_up()).fault == "repeated_request"
            child.send_signal(signal.SIGTERM)
            assert child.wait(10) == 0
        with process(*arguments) as (child, url):
            outcomes = [asked["outcome"] for asked in await Caller(url, http, []).questions()]
            assert outcomes == ["found", "repeated_request"]
    state.write_text("not a log\n")
    with pytest.raises(BadConfig, match="damaged"):
        PopulationSimulator(PopulationSimulatorConfig(), state)


@pytest.mark.parametrize(
    ("fault", "status", "asked"),
    [("http_503", 503, 0), ("http_429", 429, 0), ("html_500", 500, 0), ("html_200", 200, 0), ("session_expired", 401, 0)],
)
async def test_faults_at_the_door(fault: str, status: int, asked: int) -> None:
    """An answer that is not the registry's: nothing was asked; the next call is answered."""
    async with registry() as caller:
        await caller.fault(fault)
        assert (await caller.post(envelope(fields())))[0] == status
        assert len(await caller.questions()) == asked and (await caller.last_call())["fault"] == fault
        assert await caller.finds()


@pytest.mark.parametrize(("fault", "asked"), [("reset_before", 0), ("reset_after", 1), ("half_answer", 1)])
async def test_faults_of_the_connection(fault: str, asked: int) -> None:
    """A reset before or after the question was answered, or half the answer."""
    async with registry() as caller:
        await caller.fault(fault)
        with pytest.raises(GONE):
            await caller.post(envelope(fields()))
        assert len(await caller.questions()) == asked


async def test_an_answer_can_be_held_and_let_go() -> None:
    """A held question is answered when it is released."""
    async with registry() as caller:
        await caller.fault("hold", match={"SoDinhDanh": MAU["number"]})
        waiting = asyncio.ensure_future(caller.look_up())
        held = (await caller.control("GET", "held?count=1&wait=20"))["held"]
        assert held[0]["codes"] == ["yc-1"] and held[0]["effect_done"] is True
        assert await caller.finds(SoDinhDanh="079050990003") is False
        await caller.control("POST", "release")
        assert (await waiting).people


async def test_a_refusal_can_be_planted() -> None:
    """refuse strikes the questions that match, with its own code and words, on both ways; and the token."""
    async with registry() as caller:
        await caller.fault("refuse", service=LOOK_UP, match={"MaDVC": "1.001193"}, code=12, message="Bị & từ chối", times=2)
        told = await caller.look_up()
        assert (told.status, told.fault, told.words) == (500, "12", "Bị & từ chối")
        _, answer = await caller.facade(accessToken=await caller.bearer())
        assert Told(200, answer["message"]).fault == "12"
        await caller.fault("refuse", service="token", code="invalid_scope")
        assert (await caller.token())[0] == 401
        await caller.fault("refuse")
        assert (await caller.verify()).fault == "refused"
        assert await caller.finds()


async def test_a_planted_fault_waits_for_a_call_that_may_be_carried_out() -> None:
    """A call with a wrong header does not use up a fault that strikes after the effect."""
    async with registry() as caller:
        await caller.fault("reset_after")
        assert (await caller.post(envelope(fields()), headers(ApiKey=None)))[0] == 401
        assert (await caller.facade())[1]["error_code"] == -1
        with pytest.raises(GONE):
            await caller.look_up()


def test_it_is_installed_under_its_name() -> None:
    """``hub simulate population`` finds it."""
    assert load_simulator("population") is PopulationSimulator


def test_every_setting_is_described() -> None:
    """Each field of the configuration and of a person says what it is for; the page names each setting."""
    schema = PopulationSimulatorConfig.model_json_schema()
    for model in (schema, *schema["$defs"].values()):
        assert all(field.get("description") for field in model.get("properties", {}).values())
    page = (ROOT / "connectors" / "population" / "SIMULATOR.md").read_text(encoding="utf-8")
    assert [name for name in schema["properties"] if f"`{name}`" not in page] == []


def test_the_people_on_the_page_are_a_configuration() -> None:
    """The example of known_people can be used as it stands."""
    page = (ROOT / "connectors" / "population" / "SIMULATOR.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    assert len(PopulationSimulatorConfig.model_validate(yaml.safe_load(block)).known_people) == 2
