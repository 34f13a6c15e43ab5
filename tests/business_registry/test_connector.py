"""The business registry's connector against a scripted partner: what goes over the wire, and what each answer becomes."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import pytest_asyncio
from pydantic import ValidationError

from business_registry.partner import (
    BRANCH,
    NAME,
    NUMBER,
    OTHER,
    PATH,
    PERSON,
    PERSON_NUMBER,
    SECRET,
    TRACE,
    Partner,
    asking,
    question,
    wso2,
)
from business_registry.partner import partner as a_partner
from connectors.business_registry import connector as module
from connectors.business_registry.config import BusinessRegistryConfig
from connectors.business_registry.connector import BusinessRegistry
from hub.connector import Confirmer, is_responder, load_connector
from hub.errors import AccountRefused, DeliveryError, NotAsked, NotConnected, Rejected, Transient

ROOT = Path(__file__).parents[2]
ANSWERS = jsonschema_rs.validator_for(
    json.loads((ROOT / "schemas/business-registry-enterprise/1.0.0.json").read_text(encoding="utf-8"))
)
MAIN = {"NAME": NAME, "ENTERPRISE_GDT_CODE": NUMBER, "ENTERPRISE_TYPE_NAME": "TNHH", "ENTERPRISE_STATUS_NAME": "hoạt động"}
CERT = {"MaSoDoanhNghiep": NUMBER, "TenTiengViet": NAME}
ROW = {"Id": 1, "Name": NAME, "Enterprise_Code": NUMBER, "Enterprise_Gdt_Code": NUMBER, "Status": 1, "City_Id": 10}
PEOPLE = {"HoVaTen": PERSON, "SoGiayChungThuc": PERSON_NUMBER}


@pytest_asyncio.fixture
async def partner() -> AsyncIterator[Partner]:
    async with a_partner() as it:
        yield it


async def answered(partner: Partner, shape: str, said: Any, number: str = NUMBER) -> Any:
    partner.says(said)
    async with asking(partner.url, shape=shape) as it:
        found = await it.request(question(number))
    if found is not None:
        ANSWERS.validate(found)
    return found


def test_it_is_an_installed_responder_that_does_not_say_yes_or_no() -> None:
    kind = load_connector("business-registry")
    assert kind is BusinessRegistry and is_responder(kind) and not isinstance(kind, Confirmer)


@pytest.mark.parametrize(
    "wrong",
    [
        {"shape": "other"}, {"number_in": "form"}, {"verb": "PUT"}, {"url": "ftp://x/y"}, {"url": "https://u:p@x/y"},
        {"number_field": ""}, {"unknown": 1}, {"account": {"kind": "oauth2"}}, {"check_url": "x"},
    ],
)  # fmt: skip
def test_settings_that_cannot_work_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        BusinessRegistryConfig.model_validate({"url": "https://registry.example/x", **wrong})


def test_every_setting_is_described() -> None:
    assert all(one.description for one in BusinessRegistryConfig.model_fields.values())


@pytest.mark.parametrize(
    ("settings", "method", "query", "body", "content_type"),
    [
        ({}, "GET", {"msdn": NUMBER}, b"", None),
        ({"number_field": "maSo"}, "GET", {"maSo": NUMBER}, b"", None),
        ({"verb": "POST"}, "POST", {"msdn": NUMBER}, b"", None),
        ({"verb": "POST", "number_in": "form"}, "POST", {}, f"msdn={NUMBER}".encode(), "application/x-www-form-urlencoded"),
        ({"verb": "POST", "number_in": "json"}, "POST", {}, b'{"msdn":"%s"}' % NUMBER.encode(), "application/json"),
    ],
)  # fmt: skip
async def test_how_the_number_is_sent(
    partner: Partner, settings: dict[str, Any], method: str, query: dict[str, str], body: bytes, content_type: str | None
) -> None:
    partner.says({"GetEntCert": [CERT]})
    async with asking(partner.url, **settings) as it:
        await it.request(question())
    (asked,) = partner.asked
    assert (asked.method, asked.path, asked.query, asked.body) == (method, PATH, query, body)
    assert asked.headers["traceparent"] == TRACE
    if content_type is not None:
        assert asked.headers["Content-Type"] == content_type


async def test_the_query_of_the_address_stays(partner: Partner) -> None:
    partner.says({"GetEntCert": None})
    async with asking(partner.url, url=f"{partner.url}{PATH}?kenh=tinh") as it:
        assert await it.request(question(BRANCH)) is None
    assert partner.asked[0].query == {"kenh": "tinh", "msdn": BRANCH}


async def test_a_token_is_got_once_and_renewed_once(partner: Partner) -> None:
    """WSO2: client credentials by HTTP Basic, then Bearer; a token that is refused is renewed and the question asked again."""
    partner.says({"GetEntCert": [CERT]}, {"GetEntCert": [CERT]}, (401, {}), {"GetEntCert": [CERT]})
    async with asking(partner.url, account=wso2(partner.url)) as it:
        for _ in range(3):
            assert await it.request(question()) == {"province": CERT}
    carried = [one.headers["Authorization"] for one in partner.questions]
    assert carried == ["Bearer token-1", "Bearer token-1", "Bearer token-1", "Bearer token-2"]
    first = partner.asked[0]
    assert (first.path, first.body) == ("/token", b"grant_type=client_credentials")
    assert first.headers["Authorization"].startswith("Basic ")


@pytest.mark.parametrize("key", ["Data", "data"])
@pytest.mark.parametrize("people", [{"FULL_NAME": PERSON}, [{"FULL_NAME": PERSON}]])
async def test_ngsp_object_or_array(partner: Partner, key: str, people: Any) -> None:
    said = {key: {"MainInformation": MAIN, "HOAdress": {"AddressFullText": "Số 1"}, "Representatives": people, "More": 1}}
    assert await answered(partner, "ngsp", said) == {
        "ngsp": {
            "MainInformation": MAIN,
            "HOAdress": {"AddressFullText": "Số 1"},
            "Representatives": [{"FULL_NAME": PERSON}],
            "More": 1,
        }
    }


async def test_ngsp_arrays_of_one(partner: Partner) -> None:
    said = {"Data": [{"MainInformation": [MAIN], "HOAdress": [{"AddressFullText": "Số 1"}], "Representatives": None}]}
    found = await answered(partner, "ngsp", said)
    assert found["ngsp"]["MainInformation"] == MAIN and found["ngsp"]["HOAdress"] == {"AddressFullText": "Số 1"}
    assert found["ngsp"]["Representatives"] is None


async def test_province_object_or_array_numbers_as_they_are(partner: Partner) -> None:
    """One entry of DaiDienPhapLuat has one person; nobody is lost."""
    address = {"MaTinhThanh": 1, "MaQuanHuyen": "7", "MaPhuongXa": 268}
    said = {
        "GetEntCert": {
            **CERT,
            "TinhTrangPhapLy": {"TinhTrangPhapLy": "hoạt động", "MaTinhTrangPhapLy": 1},
            "DaiDienPhapLuat": [
                {"ThongTinCaNhan": [PEOPLE, {"HoVaTen": "Lê Mẫu"}], "ChucDanh": "GĐ"},
                {"ThongTinCaNhan": PEOPLE},
                {},
            ],
            "DiaChiTruSo": {"DiaChi": address},
            "NganhNgheKinhDoanh": [{"MaNganh": "0111", "LaNganhChinh": 1}],
        }
    }
    assert (await answered(partner, "province", said))["province"] == {
        **CERT,
        "TinhTrangPhapLy": [{"TinhTrangPhapLy": "hoạt động", "MaTinhTrangPhapLy": 1}],
        "DaiDienPhapLuat": [
            {"ThongTinCaNhan": [PEOPLE], "ChucDanh": "GĐ"},
            {"ThongTinCaNhan": [{"HoVaTen": "Lê Mẫu"}], "ChucDanh": "GĐ"},
            {"ThongTinCaNhan": [PEOPLE]},
            {"ThongTinCaNhan": None},
        ],
        "DiaChiTruSo": [{"DiaChi": [address]}],
        "NganhNgheKinhDoanh": [{"MaNganh": "0111", "LaNganhChinh": 1}],
    }


async def test_the_row_of_a_search_with_exactly_this_number(partner: Partner) -> None:
    branch = {**ROW, "Name": "Chi nhánh", "Enterprise_Gdt_Code": BRANCH}
    place = {**ROW, "Enterprise_Code": "43", "Enterprise_Gdt_Code": "00001"}
    rows = {"d": [place, branch, ROW]}
    assert await answered(partner, "search", rows) == {"search": ROW}
    assert await answered(partner, "search", rows, BRANCH) == {"search": branch}
    assert await answered(partner, "search", rows, BRANCH.replace("-", "")) == {"search": branch}
    assert await answered(partner, "search", rows, OTHER) is None
    without = {**ROW, "Enterprise_Gdt_Code": None}
    assert await answered(partner, "search", {"d": [branch, without]}) == {"search": without}


@pytest.mark.parametrize(
    ("shape", "said"),
    [
        ("ngsp", {"Data": {"MainInformation": None}}), ("ngsp", {"Data": {"MainInformation": []}}),
        ("ngsp", {"data": {"MainInformation": None, "HOAdress": None}}),
        ("province", {"GetEntCert": None}), ("province", {"GetEntCert": []}), ("search", {"d": []}),
    ],
)  # fmt: skip
async def test_nobody_is_found(partner: Partner, shape: str, said: Any) -> None:
    assert await answered(partner, shape, said) is None


@pytest.mark.parametrize(
    "number",
    ["0100999994", "0109999999", "01009999951", "0100999995-000", "0100000003", "00001", "010099999O", "001090990001"],
)
async def test_a_number_that_none_can_have_is_not_asked(partner: Partner, number: str) -> None:
    async with asking(partner.url) as it:
        with pytest.raises(NotAsked) as caught:
            await it.request(question(number))
    assert caught.value.code == "number" and caught.value.reason.startswith("/msdn: ") and number not in str(caught.value)
    assert partner.asked == []


CERTS = {"GetEntCert": [CERT, CERT]}


def cert(**more: Any) -> Any:
    return {"GetEntCert": [{**CERT, **more}]}


TEXTS = {"Data": {"MainInformation": MAIN, "Representatives": [PERSON]}}
SHAPES: list[tuple[str, str, Any, type[DeliveryError], str]] = [
    ("several for one number", "province", CERTS, Rejected, "ambiguous"),
    ("several rows with it", "search", {"d": [ROW, ROW]}, Rejected, "ambiguous"),
    ("several main parts", "ngsp", {"Data": {"MainInformation": [MAIN, MAIN]}}, Rejected, "ambiguous"),
    ("several in Data", "ngsp", {"Data": [{"MainInformation": MAIN}] * 2}, Rejected, "ambiguous"),
    ("a text for a list", "province", cert(TinhTrangPhapLy=PERSON), Rejected, "unreadable_record"),
    ("a text for people", "ngsp", TEXTS, Rejected, "unreadable_record"),
    ("a text for a person", "province", cert(DaiDienPhapLuat=[{"ThongTinCaNhan": PERSON}]), Rejected, "unreadable_record"),
    ("two head offices", "province", cert(DiaChiTruSo=[{}, {}]), Rejected, "unreadable_record"),
    ("two addresses of it", "province", cert(DiaChiTruSo={"DiaChi": [{}, {}]}), Rejected, "unreadable_record"),
    ("another shape", "province", {"Data": {"MainInformation": MAIN}}, Transient, "unreadable_answer"),
    ("nothing", "ngsp", {}, Transient, "unreadable_answer"),
    ("Data null", "ngsp", {"Data": None}, Transient, "unreadable_answer"),
    ("no MainInformation", "ngsp", {"Data": {"HOAdress": {}}}, Transient, "unreadable_answer"),
    ("a text for an enterprise", "province", {"GetEntCert": [PERSON]}, Transient, "unreadable_answer"),
    ("d null", "search", {"d": None}, Transient, "unreadable_answer"),
    ("a text for a row", "search", {"d": [PERSON]}, Transient, "unreadable_answer"),
    ("an array", "ngsp", [MAIN], Transient, "unreadable_answer"),
    ("HTML", "ngsp", f"<html>{PERSON}</html>".encode(), Transient, "unreadable_answer"),
    ("no body", "ngsp", b"", Transient, "unreadable_answer"),
    ("the platform's refusal", "ngsp", {"error_code": "E-17", "message": PERSON}, Rejected, "E-17"),
    ("… as a number", "province", {"error_code": 17, "message": PERSON}, Rejected, "17"),
    ("… that is no code", "ngsp", {"error_code": PERSON}, Rejected, "‹masked›"),
    ("… that means: not now", "ngsp", {"error_code": 503001}, Transient, "503001"),
    ("… that is none", "ngsp", {"error_code": 0}, Transient, "unreadable_answer"),
    ("… of no kind", "ngsp", {"error_code": {"x": PERSON}}, Transient, "unreadable_answer"),
    ("HTTP 400", "ngsp", (400, PERSON.encode()), Rejected, "http_400"),
    ("HTTP 413", "ngsp", (413, PERSON.encode()), Rejected, "http_413"),
    ("HTTP 422", "ngsp", (422, PERSON.encode()), Rejected, "http_422"),
    ("HTTP 401", "ngsp", (401, PERSON.encode()), AccountRefused, "account"),
    ("HTTP 403", "ngsp", (403, PERSON.encode()), AccountRefused, "http_403"),
    ("HTTP 404", "ngsp", (404, PERSON.encode()), Transient, "http_404"),
    ("HTTP 409", "ngsp", (409, PERSON.encode()), Transient, "http_409"),
    ("HTTP 302", "ngsp", (302, PERSON.encode()), Transient, "http_302"),
    ("HTTP 429", "ngsp", (429, PERSON.encode()), Transient, "http_429"),
    ("HTTP 500", "ngsp", (500, PERSON.encode()), Transient, "http_500"),
    ("HTTP 502", "ngsp", (502, PERSON.encode()), Transient, "http_502"),
    ("HTTP 503", "ngsp", (503, PERSON.encode()), Transient, "http_503"),
]  # fmt: skip


@pytest.mark.parametrize(("shape", "said", "kind", "code"), [one[1:] for one in SHAPES], ids=[one[0] for one in SHAPES])
async def test_what_each_answer_becomes(
    partner: Partner, shape: str, said: Any, kind: type[DeliveryError], code: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Each row of README.md, exactly so; no word of the registry and nothing that was asked stands in the error or a log."""
    caplog.set_level(logging.DEBUG)
    partner.says(said)
    partner.headers = {"Retry-After": "7"}
    async with asking(partner.url, shape=shape, transient_codes=["503001"]) as it:
        with pytest.raises(DeliveryError) as caught:
            await it.request(question())
    error = caught.value
    assert (type(error), error.code) == (kind, code)
    if code in ("http_429", "http_503"):
        assert isinstance(error, Transient) and error.retry_after == 7
    logged = [one.getMessage() for one in caplog.records if one.name != "aiohttp.access"]  # the partner's own
    shown = f"{error!r} {error} {error.reason} {logged}"
    assert not any(value in shown for value in (PERSON, NAME, NUMBER, "Canary"))


async def test_an_answer_that_is_large_is_read_in_a_thread(partner: Partner, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same comes out."""
    monkeypatch.setattr(module, "READ_AT_ONCE", 0)
    assert await answered(partner, "province", {"GetEntCert": [CERT]}) == {"province": CERT}


async def test_an_answer_that_is_too_large_is_not_read(partner: Partner) -> None:
    partner.says({"GetEntCert": [{**CERT, "More": "x" * 5000}]})
    async with asking(partner.url, max_answer_bytes=1024) as it:
        with pytest.raises(Transient) as caught:
            await it.request(question())
    assert caught.value.code == "answer_too_large"


async def test_a_registry_that_is_not_there() -> None:
    async with asking("http://127.0.0.1:9") as it:
        with pytest.raises(NotConnected) as caught:
            await it.request(question())
    assert caught.value.code == "refused"


@pytest.mark.parametrize(
    ("status", "error"), [(200, None), (400, None), (405, None), (404, "http_404"), (403, "http_403"), (500, "http_500")]
)
async def test_a_check_asks_about_nobody(partner: Partner, status: int, error: str | None) -> None:
    """GET of the address without a number; that it is asked for one is an answer."""
    partner.says((status, {}))
    async with asking(partner.url) as it:
        if error is None:
            await it.check()
        else:
            with pytest.raises(DeliveryError) as caught:
                await it.check()
            assert caught.value.code == error
    assert [(one.method, one.path, one.query) for one in partner.asked] == [("GET", PATH, {})]


async def test_a_check_of_another_address(partner: Partner) -> None:
    """It must answer 2xx."""
    async with asking(partner.url, check_url=f"{partner.url}/alive") as it:
        partner.says({})
        await it.check()
        partner.says((400, {}))
        with pytest.raises(Rejected):
            await it.check()
    assert {one.path for one in partner.asked} == {"/alive"}


async def test_a_check_where_one_signs_in_gets_a_new_token(partner: Partner) -> None:
    partner.says({"GetEntCert": [CERT]})
    async with asking(partner.url, account=wso2(partner.url)) as it:
        await it.request(question())
        await it.check()
        await it.check()
    assert [one.path for one in partner.asked].count("/token") == 3 and len(partner.questions) == 1


def test_no_secret_is_shown() -> None:
    config = BusinessRegistryConfig.model_validate({"url": "https://registry.example/x", "account": wso2("https://x.example")})
    assert SECRET not in f"{config!r} {config}"
