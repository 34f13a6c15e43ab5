"""The simulated business register, seen through HTTP: three answers, what it refuses, tokens, memory, faults."""

from __future__ import annotations

import asyncio
import os
import re
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml
from pydantic import ValidationError
from simulator_process import simulator

from business_registry_sim.register import (
    BRANCH,
    FIVE,
    GONE,
    KNOWN,
    MANY,
    NONE,
    OFFICE,
    ONE,
    PATH,
    Caller,
    basic,
    lgsp_access_token,
    register,
)
from connectors.business_registry.simulator import BusinessRegisterSimulator
from connectors.business_registry.simulator_config import BusinessRegisterConfig
from connectors.business_registry.simulator_enterprises import Enterprise, check_digit, well_formed
from connectors.business_registry.simulator_invented import invent
from hub.errors import BadConfig
from hub.testing import load_simulator, serve

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "connectors" / "business_registry" / "SIMULATOR.md").read_text(encoding="utf-8")
ADDRESS = "Số 1 đường Ví Dụ, Phường Mẫu, Quận Mẫu, Thành phố Hà Nội, Việt Nam"


# --- the three answers -----------------------------------------------------------------------------------------------


async def test_ngsp_answers_main_information() -> None:
    """Shape A: MainInformation, HOAdress (so spelled) and Representatives below Data."""
    async with register(more_fields=False) as caller:
        assert await caller.ask(ONE["code"]) == (
            200,
            {
                "Data": {
                    "MainInformation": {
                        "NAME": "CÔNG TY CỔ PHẦN MẪU",
                        "ENTERPRISE_GDT_CODE": "0100000010",
                        "ENTERPRISE_TYPE_NAME": "Công ty trách nhiệm hữu hạn một thành viên",
                        "ENTERPRISE_STATUS_NAME": "Tạm ngừng kinh doanh",
                    },
                    "HOAdress": {"AddressFullText": ADDRESS},
                    "Representatives": {"FULL_NAME": "Nguyễn Thị Mẫu"},
                }
            },
        )
    async with register(data_key="data") as caller:
        told = (await caller.ask(ONE["code"]))[1]
        assert list(told) == ["data"] and told["data"]["MainInformation"]["SHORT_NAME"] == "MAU JSC"


@pytest.mark.parametrize(
    ("form", "one", "odd", "none"), [("by_count", dict, dict, list), ("array", list, list, list), ("mixed", dict, list, list)]
)
async def test_representatives_are_an_object_or_an_array(form: str, one: type, odd: type, none: type) -> None:
    """One person is an object or an array of one; several are an array; nobody an empty one."""
    ends_odd = {**ONE, "code": "0100000067"}
    async with register(representatives=form, known_enterprises=[*KNOWN, ends_odd]) as caller:
        codes = (ONE["code"], ends_odd["code"], NONE["code"], MANY["code"])
        told = [(await caller.ask(code))[1]["Data"]["Representatives"] for code in codes]
        assert [type(value) for value in told] == [one, odd, none, list] and len(told[3]) == 2


async def test_the_provincial_proxy_answers_getentcert() -> None:
    """Shape B: arrays all the way down, and codes of areas as numbers without their zeros."""
    async with register(shape="provincial") as caller:
        (told,) = (await caller.ask(ONE["code"]))[1]["GetEntCert"]
        assert told["MaSoDoanhNghiep"] == "0100000010" and told["TenTiengViet"] == "CÔNG TY CỔ PHẦN MẪU"
        assert (told["NgayDangKyLanDau"], told["NgayDangKyThayDoi"], told["SoLanDangKyThayDoi"]) == (
            "2015-03-02",
            "2025-08-15",
            3,
        )
        assert told["TenNuocNgoai"] is None and told["TinhTrangPhapLy"][0]["NgayBatDauTamNgung"] == "2026-01-01"
        assert told["DaiDienPhapLuat"][0]["ThongTinCaNhan"][0]["HoVaTen"] == "Nguyễn Thị Mẫu"
        (address,) = told["DiaChiTruSo"][0]["DiaChi"]
        assert (address["MaTinhThanh"], address["MaQuanHuyen"], address["MaPhuongXa"]) == (1, 5, 990)
        assert [(trade["MaNganh"], trade["LaNganhChinh"]) for trade in told["NganhNgheKinhDoanh"]] == [("4620", 1), ("4100", 0)]
    async with register(shape="provincial", integer_codes=False, dates="date_time", absent="omitted") as caller:
        (told,) = (await caller.ask(ONE["code"]))[1]["GetEntCert"]
        assert told["DiaChiTruSo"][0]["DiaChi"][0]["MaPhuongXa"] == "00990"
        assert told["NgayDangKyLanDau"] == "2015-03-02T00:00:00" and "TenNuocNgoai" not in told
    async with register(shape="provincial", absent="empty") as caller:
        assert (await caller.ask(ONE["code"]))[1]["GetEntCert"][0]["TenNuocNgoai"] == ""


async def test_the_search_answers_rows() -> None:
    """Shape C: the enterprise, its business locations with five digits, and its branches."""
    async with register(shape="search") as caller:
        rows = (await caller.ask(ONE["code"]))[1]["d"]
        assert [row["Enterprise_Gdt_Code"] for row in rows] == ["0100000010", "00001", "0100000010-001"]
        assert {row["Enterprise_Code"] for row in rows} == {"0100000010"} and rows[0]["City_Id"] == 1
        assert rows[0]["Ho_Address"] == ADDRESS and rows[0]["Short_Name"] == "MAU JSC"
        assert [row["Name"] for row in (await caller.ask(BRANCH["code"]))[1]["d"]] == ["CHI NHÁNH MẪU"]


@pytest.mark.parametrize(
    ("shape", "nobody"),
    [
        ("ngsp", {"Data": {"MainInformation": None, "HOAdress": None, "Representatives": None}}),
        ("provincial", {"GetEntCert": None}),
        ("search", {"d": []}),
    ],
)
async def test_who_is_not_there_is_not_found(shape: str, nobody: Any) -> None:
    """200, and each shape's own way of saying nobody; a planted enterprise is found from then on, a changed one as changed."""
    other = {**ONE, "code": "0100000042"}
    assert well_formed(other["code"])
    async with register(shape=shape) as caller:
        assert await caller.ask(other["code"]) == (200, nobody)
        assert (await caller.last_call())["outcome"] == "not_found"
        assert await caller.control("POST", "enterprises", [other]) == {"codes": [other["code"]]}
        assert "CÔNG TY CỔ PHẦN MẪU" in str(await caller.ask(other["code"]))
        await caller.control("POST", "enterprises", other | {"name": "ĐÃ ĐỔI TÊN"})
        assert "ĐÃ ĐỔI TÊN" in str(await caller.ask(other["code"]))
        assert [one["outcome"] for one in await caller.questions()] == ["not_found", "found", "found"]


# --- what is refused -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", ["", "12", "01000000100", "010000001A", "0100000010-1", "0100000010 ", "٠١٠٠٠٠٠٠١٠"])
async def test_a_bad_code_is_400(code: str) -> None:
    """Anything but 10 digits, with a dash and 3 more for a branch; or simply nobody, by setting."""
    async with register() as caller:
        assert (await caller.ask(code))[0] == 400 and (await caller.last_call())["outcome"] == "bad_code"
    async with register(bad_code="not_found") as caller:
        assert (await caller.ask(code))[1]["Data"]["MainInformation"] is None


async def test_a_code_twice_or_not_at_all_is_bad() -> None:
    """The parameter must stand there once."""
    async with register() as caller:
        headers = {"Authorization": f"Bearer {caller.bearer}"}
        for query in ("", f"?msdn={ONE['code']}&msdn={ONE['code']}", f"?MSDN={ONE['code']}"):
            assert (await caller.send("GET", PATH + query, headers=headers))[0] == 400


async def test_the_check_digit_may_be_checked() -> None:
    """With check_digit a code with a wrong tenth digit is bad; else it is merely nobody's."""
    async with register() as caller:
        assert (await caller.ask("0100000011"))[0] == 200
    async with register(check_digit=True) as caller:
        assert (await caller.ask("0100000011"))[0] == 400 and (await caller.ask(ONE["code"]))[0] == 200


@pytest.mark.parametrize(
    ("branches", "status", "name"), [("found", 200, "CHI NHÁNH MẪU"), ("not_found", 200, None), ("bad_code", 400, None)]
)
async def test_a_branch_is_found_or_not(branches: str, status: int, name: str | None) -> None:
    """All three behaviours of an unknown contract."""
    async with register(branches=branches) as caller:
        told = await caller.ask(BRANCH["code"])
        assert told[0] == status and (name is None or told[1]["Data"]["MainInformation"]["NAME"] == name)


async def test_it_is_asked_by_get_or_post() -> None:
    """The configured method alone, the parameter under its configured name, in JSON, a form or the query."""
    code = ONE["code"]
    ways: Mapping[str, dict[str, Any]] = {
        "json": {"json": {"maSo": code}}, "form": {"data": {"maSo": code}}, "query": {"params": {"maSo": code}},
    }  # fmt: skip
    async with register() as caller:
        assert (await caller.send("POST", PATH, json={"msdn": code}))[0] == 405
    for post_as in (*ways, "any"):
        async with register(method="POST", parameter="maSo", post_as=post_as) as caller:
            headers = {"Authorization": f"Bearer {caller.bearer}"}
            assert (await caller.send("GET", PATH, headers=headers))[0] == 405
            for way, body in ways.items():
                status, *_ = await caller.send("POST", PATH, headers=headers, **body)
                assert status == (200 if post_as in (way, "any") else 400)
    async with register(method="either") as caller:
        headers = {"Authorization": f"Bearer {caller.bearer}"}
        assert (await caller.ask(code))[0] == (await caller.send("POST", PATH, headers=headers, json={"msdn": code}))[0] == 200
        assert (await caller.send("PUT", PATH, headers=headers))[0] == 405


# --- tokens ----------------------------------------------------------------------------------------------------------


async def test_tokens_are_issued_as_wso2_does() -> None:
    """Basic consumerKey:consumerSecret and a form; or the header lgspaccesstoken; a wrong account or grant gets none."""
    async with register(signed_in=False) as caller:
        status, told = await caller.token()
        assert status == 200 and re.fullmatch("[0-9a-f]{32}", told.pop("access_token"))
        assert told == {"scope": "default", "token_type": "Bearer", "expires_in": 3600}
        assert (await caller.token(grant="password"))[0] == 400
        assert (await caller.token({"Authorization": basic("simulated", "x")}))[1]["error"] == "invalid_client"
    hcm, wso2 = {"lgspaccesstoken": lgsp_access_token()}, {"Authorization": basic("simulated", "simulated")}
    form = {"grant_type": "client_credentials", "client_id": "simulated", "client_secret": "simulated"}
    expected = {"basic": (200, 401, 401), "lgspaccesstoken": (401, 200, 401), "form": (401, 401, 200), "either": (200,) * 3}
    for style, given in expected.items():
        async with register(signed_in=False, token_by=style) as caller:
            by_form = (await caller.send("POST", "/token", data=form))[0]
            assert ((await caller.token(wso2))[0], (await caller.token(hcm))[0], by_form) == given
            assert (await caller.send("POST", "/token", data=form | {"client_secret": "x"}))[0] == 401
            assert (await caller.token({}))[0] == (await caller.token({"lgspaccesstoken": "not base64"}))[0] == 401


async def test_a_call_needs_a_token_in_force() -> None:
    """Missing, unknown, with another scheme, over by age, by control or by fault: 401, and nothing was asked."""
    async with register(token_seconds=60) as caller:
        for text in ("", "Bearer unknown", f"Basic {caller.bearer}", caller.bearer):
            status, told = await caller.ask(ONE["code"], {"Authorization": text})
            assert status == 401 and told["fault"]["code"] == 900901
        caller.clock[0] += 59
        assert (await caller.ask(ONE["code"]))[0] == 200
        caller.clock[0] += 1
        assert (await caller.ask(ONE["code"]))[0] == 401
        await caller.sign_in()
        assert (await caller.control("POST", "expire-tokens"))["ended"] == 2
        assert (await caller.ask(ONE["code"]))[0] == 401
        await caller.sign_in()
        await caller.fault("session_expired")
        assert (await caller.ask(ONE["code"]))[0] == (await caller.ask(ONE["code"]))[0] == 401
        await caller.sign_in()
        assert (await caller.ask(ONE["code"]))[0] == 200
        assert [one["outcome"] for one in await caller.questions()] == ["found", "found"]
    async with register(signed_in=False, check_access_token=False, token_seconds=None) as caller:
        assert (await caller.ask(ONE["code"]))[0] == 200 and "expires_in" not in (await caller.token())[1]


async def test_the_refusal_may_be_xml() -> None:
    """WSO2 tells its fault in XML too."""
    async with register(refusal_form="xml", signed_in=False) as caller:
        status, told, kind = await caller.send("GET", PATH)
        assert status == 401 and kind == "application/xml" and "<ams:code>900901</ams:code>" in told


@pytest.mark.parametrize("name", FIVE)
async def test_lgspaccesstoken_may_be_needed_too(name: str) -> None:
    """With the check on, each of its five values counts, beside the bearer token."""
    async with register(check_lgsp_access_token=True) as caller:
        assert (await caller.ask(ONE["code"], {"lgspaccesstoken": lgsp_access_token()}))[0] == 200
        assert (await caller.ask(ONE["code"], {"lgspaccesstoken": lgsp_access_token(**{name: "x"})}))[0] == 401
        assert (await caller.ask(ONE["code"]))[0] == 401 and (await caller.last_call())["outcome"] == "lgsp_access_token"


# --- who is in it ----------------------------------------------------------------------------------------------------


def test_check_digits_are_right() -> None:
    """Weights 31 29 23 19 17 13 7 5 3; 10 minus the sum mod 11; codes of well known companies fit."""
    assert all(well_formed(code) for code in ("0100109106", "0300588569", "0100681592", "0100109106-001"))
    assert not well_formed("0100109107") and not well_formed("0100109106-01") and not well_formed("010010910")
    assert check_digit("000000000") is None
    for nine in (f"{number:09}" for number in range(0, 10**9, 7_654_321)):
        digit = check_digit(nine)
        assert digit is None or well_formed(nine + digit)


def test_the_same_seed_invents_the_same_enterprises() -> None:
    """A larger number only adds; another seed gives others; any ten hold every kind."""
    ten, more = invent(1, 10), invent(1, 200)
    assert more[: len(ten)] == ten and invent(2, 10) != ten
    assert len({one.code for one in more}) == len(more) and all(well_formed(one.code) for one in more)
    assert {len(one.representatives) for one in ten} == {0, 1, 2, 3}
    assert {one.legal_state.state_code for one in ten} == {"1", "2", "3"}
    assert any(one.office.district_code for one in ten) and any(one.locations for one in ten)
    assert [one.code[10:] for one in ten if "-" in one.code] == ["-001", "-002", "-001"]
    assert any(one.code.startswith("0") for one in ten) and all(one.office.ward_code.startswith("0") for one in ten)


@pytest.mark.parametrize(
    "changes",
    [{"code": "0100000011"}, {"code": "12"}, {"locations": ["1"]}, {"office": OFFICE | {"ward_code": 990}}, {"extra": 1}],
)
async def test_an_enterprise_that_cannot_be_is_not_entered(changes: dict[str, Any]) -> None:
    """By configuration and by control; of a list that holds one, none is entered."""
    with pytest.raises(ValidationError):
        Enterprise.model_validate(ONE | changes)
    async with register() as caller:
        good = {**ONE, "code": "0100000042"}
        status, told, _ = await caller.send("POST", "/_control/enterprises", json=[good, ONE | changes])
        assert status == 422 and told["problems"]
        assert (await caller.control("GET", "enterprises"))["total"] == len(KNOWN)


async def test_who_is_there_can_be_listed() -> None:
    """In pages, as kept: what is listed can be entered again."""
    async with register(enterprises=30) as caller:
        told = await caller.control("GET", "enterprises?limit=2&offset=3")
        assert len(told["enterprises"]) == 2 and told["total"] > 34
        assert await caller.control("POST", "enterprises", told["enterprises"])
        assert (await caller.control("GET", "enterprises"))["total"] == told["total"]
        assert (await caller.send("GET", "/_control/enterprises?limit=x"))[0] == 400


# --- how it fails and what it remembers ------------------------------------------------------------------------------


@pytest.mark.parametrize(("fault", "status"), [("http_503", 503), ("http_429", 429), ("html_500", 500), ("html_200", 200)])
async def test_the_gateways_error_page(fault: str, status: int) -> None:
    """HTML in front of the register: nothing was asked; the next call is answered."""
    async with register() as caller:
        await caller.fault(fault)
        headers = {"Authorization": f"Bearer {caller.bearer}"}
        told = await caller.send("GET", PATH, params={"msdn": ONE["code"]}, headers=headers)
        assert told[0] == status and told[2] == "text/html" and await caller.questions() == []
        assert (await caller.ask(ONE["code"]))[0] == 200


@pytest.mark.parametrize(("fault", "asked"), [("reset_before", 0), ("reset_after", 1), ("half_answer", 1)])
async def test_the_connection_breaks(fault: str, asked: int) -> None:
    """Before or after the question was answered; a call without a token does not use the rule up."""
    async with register() as caller:
        await caller.fault(fault)
        if asked:
            assert (await caller.ask(ONE["code"], {"Authorization": ""}))[0] == 401
        with pytest.raises(GONE):
            await caller.ask(ONE["code"])
        assert len(await caller.questions()) == asked


async def test_an_answer_can_be_held_and_a_refusal_planted() -> None:
    """By code; the refusal has its own code and words."""
    async with register() as caller:
        await caller.fault("hold", match={"msdn": ONE["code"]})
        waiting = asyncio.ensure_future(caller.ask(ONE["code"]))
        held = (await caller.control("GET", "held?count=1&wait=20"))["held"]
        assert held[0]["codes"] == [ONE["code"]] and (await caller.ask(MANY["code"]))[0] == 200
        await caller.control("POST", "release")
        assert (await waiting)[0] == 200
        await caller.fault("refuse", code=-7, message="Từ chối", match={"msdn": ONE["code"]})
        assert await caller.ask(ONE["code"]) == (200, {"error_code": -7, "message": "Từ chối"})
        await caller.control("POST", "faults", {"fault": "refuse", "service": "token", "code": "invalid_scope"})
        assert await caller.token() == (401, {"error": "invalid_scope", "error_description": "invalid_scope"})


async def test_it_remembers_over_a_kill(tmp_path: Path) -> None:
    """As a process of its own: questions and entered enterprises outlive a SIGKILL; a damaged file is refused."""
    state, config = tmp_path / "state.jsonl", tmp_path / "config.yaml"
    config.write_text(yaml.safe_dump({"known_enterprises": [ONE], "enterprises": 0}), encoding="utf-8")
    arguments = ("connectors.business_registry.simulator", "--state", str(state), "--config", str(config))
    async with aiohttp.ClientSession() as http:
        with simulator(*arguments) as (child, url):
            caller = Caller(url, http, [])
            await caller.sign_in()
            await caller.ask("0100000042")
            await caller.control("POST", "enterprises", {**ONE, "code": "0100000042"})
            os.kill(child.pid, signal.SIGKILL)
            child.wait(10)
        with state.open("a") as file:
            file.write('{"asked": {"at": "cut o')
        with simulator(*arguments) as (child, url):
            caller = Caller(url, http, [])
            await caller.sign_in()
            assert (await caller.ask("0100000042"))[1]["Data"]["MainInformation"] is not None
            assert [one["outcome"] for one in await caller.questions()] == ["not_found", "found"]
            child.send_signal(signal.SIGTERM)
            assert child.wait(10) == 0
    for text in ("not a log\n", '{"asked": {"x": 1}}\n', '{"entered": {}}\n', "[]\n"):
        state.write_text(text)
        with pytest.raises(BadConfig, match="damaged"):
            BusinessRegisterSimulator(BusinessRegisterConfig(), state)


# --- how it is found, set and rehearsed ------------------------------------------------------------------------------


def test_it_is_installed_and_every_setting_is_described() -> None:
    """``hub simulate business-registry`` finds it; each field says what it is for; the page names each setting."""
    assert load_simulator("business-registry") is BusinessRegisterSimulator
    schema = BusinessRegisterConfig.model_json_schema()
    for model in (schema, *schema["$defs"].values()):
        assert all(field.get("description") for field in model.get("properties", {}).values())
    assert [name for name in schema["properties"] if f"`{name}`" not in PAGE] == []


def test_the_enterprise_on_the_page_is_a_configuration() -> None:
    """The example of known_enterprises can be used as it stands."""
    (block,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    assert len(BusinessRegisterConfig.model_validate(yaml.safe_load(block)).known_enterprises) == 1


@pytest.mark.parametrize("paths", [{"path": "/token"}, {"path": "x"}, {"token_path": "/_control/x"}, {"unknown": 1}])
def test_a_configuration_that_cannot_work_is_refused(paths: dict[str, Any]) -> None:
    """Paths that clash or are none, and unknown keys."""
    with pytest.raises(ValidationError):
        BusinessRegisterConfig.model_validate(paths)


async def test_a_rehearsal_takes_over_all_but_secrets_and_addresses() -> None:
    """The endpoint's path, shape, parameter and account are put to the test; what leads elsewhere is not taken."""
    settings: dict[str, Any] = {
        "url": "https://api.example.invalid/dkkd/1.0/chiTiet", "shape": "province", "verb": "GET", "number_field": "maSo",
        "ca_file": "/etc/ca.pem", "timeout": 5,
        "account": {
            "kind": "oauth2",
            "token_url": "https://api.example.invalid/oauth/token", "client_id": "ours", "client_secret": None,
            "lgsp_access_token": "secret",
        },
    }  # fmt: skip
    stand_in = BusinessRegisterSimulator.rehearse(settings, lambda _: None)
    assert stand_in is not None
    running = await serve(BusinessRegisterSimulator(BusinessRegisterConfig.model_validate(stand_in.simulator)))
    try:
        endpoint = stand_in.endpoint(running.url)
        assert "secret" not in str(endpoint).replace("client_secret", "") and "example" not in str(endpoint)
        assert (endpoint["timeout"], "ca_file" in endpoint) == (5, False)
        account = endpoint["account"]
        async with aiohttp.ClientSession() as http:
            more = {"lgspaccesstoken": account["lgsp_access_token"]}
            headers = {"Authorization": basic(account["client_id"], account["client_secret"])} | more
            form = {"grant_type": "client_credentials"}
            async with http.post(account["token_url"], data=form, headers=headers) as told:
                token = (await told.json())["access_token"]
            headers = {"Authorization": f"Bearer {token}"} | more
            async with http.get(endpoint["url"], params={"maSo": "0100000042"}, headers=headers) as told:
                assert await told.json() == {"GetEntCert": None}
            async with http.get(endpoint["url"], params={"maSo": "0100000042"}, headers=more) as told:
                assert told.status == 401
    finally:
        await running.close()
    assert BusinessRegisterSimulator.rehearse(settings | {"account": {"kind": "session"}}, lambda _: None) is None
    bare = BusinessRegisterSimulator.rehearse({"url": None}, lambda _: None)
    assert bare is not None and BusinessRegisterConfig.model_validate(bare.simulator).check_access_token is False
