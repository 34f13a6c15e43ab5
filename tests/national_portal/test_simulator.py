"""The simulated national portal, seen through HTTP: its services, choices, memory and every way it fails."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from simulator_process import simulator

from connectors.national_portal.simulator import PortalSimulator
from connectors.national_portal.simulator_config import PortalSimulatorConfig
from hub.errors import BadConfig
from hub.testing import load_simulator, serve

ROOT = Path(__file__).parents[2]
DSTCODE = "VN:GOV:000.00.00.G22:vpcpdvcprovider"
CODE = "000.00.10.H22-261121-0001"
FORWARD = "/XrdAdapter/RestService/forward"
OK, EXISTS, REFUSED = 0, 3, -3
GONE = (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError)


def dossier(code: str = CODE, **changes: Any) -> dict[str, Any]:
    """A dossier object with every field that the contract requires."""
    given = {
        "MaHoSo": code,
        "MaTTHC": "1.001193",
        "TenTTHC": "Đăng ký khai sinh",
        "MaLinhVuc": "G15-HT01",
        "TenLinhVuc": "Hộ tịch",
        "KenhThucHien": "1",
        "ChuHoSo": "Nguyễn Thị Mẫu",
        "LoaiDoiTuong": "1",
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
        "SoGiayToChuHoSo": "001099000001",
        "DinhDanhCHS": [{"LoaiDinhDanh": "1", "SoDinhDanh": "001099000001"}],
        "DSKetNoiCSDL": [],
    }
    return {key: value for key, value in (given | changes).items() if value is not ...}


def step(code: str = CODE, **changes: Any) -> dict[str, Any]:
    """A progress object with every field that the contract requires."""
    given = {"MaHoSo": code, "NguoiXuLy": "Cán bộ", "ThoiDiemXuLy": "20261121090000", "NoiDungXuLy": "Tiếp nhận"}
    return given | {"TrangThai": "2"} | changes


class Caller:
    """A province's side of the contract, as plain as can be."""

    def __init__(self, url: str, http: aiohttp.ClientSession) -> None:
        self.url, self.http, self.session = url, http, ""
        self.path = f"{FORWARD}/mapi/g"

    async def post(self, path: str, body: Any, **more: Any) -> tuple[int, Any]:
        more.setdefault("params", {"dstcode": DSTCODE})
        async with self.http.post(self.url + path, json=body, **more) as answer:
            return answer.status, await answer.json()

    async def login(self) -> None:
        body = {"username": "simulated", "password": "simulated"}
        self.session = (await self.post(f"{FORWARD}/mapi/login", body))[1]["session"]

    async def call(self, service: str, **keys: Any) -> dict[str, Any]:
        envelope = {"session": self.session, "madonvi": "000.00.00.H22", "service": service}
        answer: dict[str, Any] = (await self.post(self.path, envelope | keys))[1]
        return answer

    async def insert(self, *objects: dict[str, Any]) -> dict[str, Any]:
        return await self.call("DongBoHoSoMC", isUpdating="False", data=list(objects))

    async def update(self, *objects: dict[str, Any]) -> dict[str, Any]:
        return await self.call("DongBoHoSoMC", isUpdating="True", data=list(objects))

    async def progress(self, *objects: dict[str, Any]) -> dict[str, Any]:
        return await self.call("CapNhatTienDoHoSoMC", data=list(objects))

    async def control(self, method: str, path: str, body: Any = None) -> Any:
        async with self.http.request(method, f"{self.url}/_control/{path}", json=body) as answer:
            return await answer.json()

    async def fault(self, name: str, **rule: Any) -> None:
        assert "ids" in await self.control("POST", "faults", {"fault": name} | rule)

    async def held_dossiers(self) -> dict[str, Any]:
        state: dict[str, Any] = (await self.control("GET", "state"))["dossiers"]
        return state

    async def last_call(self) -> dict[str, Any]:
        call: dict[str, Any] = (await self.control("GET", "calls"))["calls"][-1]
        return call


@asynccontextmanager
async def portal(state: Path | None = None, signed_in: bool = True, **config: Any) -> AsyncIterator[Caller]:
    """A simulator in this process on a loopback port, and a caller of it."""
    running = await serve(PortalSimulator(PortalSimulatorConfig(**config), state))
    async with aiohttp.ClientSession() as http:
        caller = Caller(running.url, http)
        try:
            if signed_in:
                await caller.login()
            yield caller
        finally:
            await running.close()


process = partial(simulator, "connectors.national_portal.simulator")


# --- transport and session -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("adapter", ["XrdAdapter", "VXPAdapter"])
async def test_both_adapter_paths_sign_in(adapter: str) -> None:
    """A login under either adapter's path answers a session and error_code 0."""
    async with portal(signed_in=False) as caller:
        body = {"username": "simulated", "password": "simulated"}
        status, answer = await caller.post(f"/{adapter}/RestService/forward/mapi/login", body)
        assert status == 200 and answer["error_code"] == 0 and answer["session"]


async def test_a_wrong_password_gets_no_session() -> None:
    """A refused login has an error code that is not 0 and no session."""
    async with portal(signed_in=False) as caller:
        _, answer = await caller.post(f"{FORWARD}/mapi/login", {"username": "simulated", "password": "x"})
        assert answer["error_code"] == -1 and "session" not in answer


@pytest.mark.parametrize(
    ("place", "query", "header", "status"),
    [
        ("query", True, False, 200), ("query", False, True, 400), ("header", False, True, 200),
        ("header", True, False, 400), ("either", False, True, 200), ("either", True, False, 200),
        ("either", False, False, 400),
    ],
)  # fmt: skip
async def test_dstcode_is_looked_for_where_configured(place: str, query: bool, header: bool, status: int) -> None:
    """A call without dstcode in the configured place is not forwarded."""
    async with portal(signed_in=False, dstcode_in=place) as caller:
        params, headers = {"dstcode": DSTCODE} if query else {}, {"dstcode": DSTCODE} if header else {}
        body = {"username": "simulated", "password": "simulated"}
        url = f"{caller.url}{FORWARD}/mapi/login"
        async with caller.http.post(url, json=body, params=params, headers=headers) as answer:
            assert answer.status == status


@pytest.mark.parametrize(("content_type", "status"), [("text/plain", 415), ("application/json", 400)])
async def test_an_unreadable_call_is_an_http_error(content_type: str, status: int) -> None:
    """A body that is not declared as JSON, or is no JSON object, never reaches the portal."""
    async with portal() as caller:
        url, headers = f"{caller.url}{caller.path}", {"Content-Type": content_type, "dstcode": DSTCODE}
        async with caller.http.post(url, data=b"[1", headers=headers) as answer:
            assert answer.status == status


async def test_an_unknown_session_is_told_in_the_envelope() -> None:
    """By default an invalid session is a business answer with status 200."""
    async with portal() as caller:
        caller.session = "nonsense"
        answer = await caller.call("LayDanhSachTTHC")
        assert answer["error_code"] == -1 and "hết hạn" in answer["message"]


async def test_an_invalid_session_can_be_a_401_with_another_code_and_words() -> None:
    """The variant with HTTP 401, and the configured code and message."""
    async with portal(session_failure="http_401", session_code="99", session_message="no session") as caller:
        caller.session = "nonsense"
        status, answer = await caller.post(caller.path, {"session": "x", "service": "TraCuuHoSo"})
        assert status == 401 and answer["error_code"] == "99" and answer["message"] == "no session"


async def test_a_session_ends_after_its_calls_by_age_and_by_control() -> None:
    """Three ways in which a session ends; a new login mends each."""
    async with portal(session_calls=2) as caller:
        codes = [(await caller.call("LayDanhSachTTHC"))["error_code"] for _ in range(3)]
        assert codes == [0, 0, -1]
        await caller.login()
        assert (await caller.call("LayDanhSachTTHC"))["error_code"] == 0
        assert await caller.control("POST", "expire-sessions") == {"ended": 1}
        assert (await caller.call("LayDanhSachTTHC"))["error_code"] == -1
    now = [0.0]
    running = await serve(PortalSimulator(PortalSimulatorConfig(session_seconds=60), None, lambda: now[0]))
    async with aiohttp.ClientSession() as http:
        caller = Caller(running.url, http)
        await caller.login()
        assert (await caller.call("LayDanhSachTTHC"))["error_code"] == 0
        now[0] = 60.0
        assert (await caller.call("LayDanhSachTTHC"))["error_code"] == -1
    await running.close()


@pytest.mark.parametrize(("ends", "code"), [(True, -1), (False, 0)])
async def test_a_new_login_may_end_the_old_session(ends: bool, code: int) -> None:
    """Both behaviours of a second login."""
    async with portal(new_login_ends_old=ends) as caller:
        first = caller.session
        await caller.login()
        caller.session = first
        assert (await caller.call("LayDanhSachTTHC"))["error_code"] == code


async def test_share_and_integration_paths_can_be_apart() -> None:
    """With separate paths a service is refused on the other's path."""
    async with portal(share_path="/mapi/share", integration_path="/mapi/integration") as caller:
        caller.path = f"{FORWARD}/mapi/share"
        assert (await caller.call("LayDanhSachTTHC"))["error_code"] == OK
        assert (await caller.call("TraCuuHoSo", mahoso=CODE))["error_code"] == REFUSED
        caller.path = f"{FORWARD}/mapi/integration"
        assert (await caller.call("TraCuuHoSo", mahoso=CODE))["error_code"] == OK


async def test_an_unknown_service_and_a_foreign_madonvi_are_refused() -> None:
    """The envelope is checked before the service is carried out."""
    async with portal() as caller:
        assert (await caller.call("LayGiDo"))["error_code"] == REFUSED
        assert (await caller.call("LayDanhSachTTHC", madonvi="000.00.00.H29"))["error_code"] == REFUSED


@pytest.mark.parametrize(("form", "success", "exists"), [("number", 0, 3), ("string", "0", "3"), ("padded", "00", "3")])
async def test_error_codes_take_the_configured_form(form: str, success: Any, exists: Any) -> None:
    """Numbers, numeric strings, and "00" for success."""
    async with portal(error_code_form=form) as caller:
        assert (await caller.insert(dossier()))["error_code"] == success
        assert (await caller.insert(dossier()))["error_code"] == exists


# --- catalogue -------------------------------------------------------------------------------------------------------


async def test_the_catalogue_lists_the_twelve_procedures_and_added_ones() -> None:
    """LayDanhSachTTHC, LayDanhMucLinhVuc and LayDanhMucCoQuan answer arrays with upper-case keys."""
    added = {"code": "1.999999", "name": "Thêm", "field_code": "G99-XX01", "field_name": "Khác"}
    async with portal(procedures=[added]) as caller:
        listed = {row["MATTHC"]: row["TENTTHC"] for row in (await caller.call("LayDanhSachTTHC"))["result"]}
        assert len(listed) == 13 and listed["1.001193"] == "Đăng ký khai sinh" and listed["1.999999"] == "Thêm"
        fields = {row["MALINHVUC"]: row for row in (await caller.call("LayDanhMucLinhVuc"))["result"]}
        assert fields["G15-HT01"] == {"MALINHVUC": "G15-HT01", "TENLINHVUC": "Hộ tịch", "MANGANH": "000.00.00.G15"}
        agencies = (await caller.call("LayDanhMucCoQuan"))["result"]
        assert {"MADONVI", "TENDONVI", "CAPDONVI"} == set(agencies[0])


@pytest.mark.parametrize(("not_found", "code"), [("empty", OK), ("error", REFUSED)])
async def test_procedure_detail_and_search_of_unknown_codes(not_found: str, code: int) -> None:
    """LayThuTuc answers one object with its field; unknown codes give an empty result or an error."""
    async with portal(not_found=not_found) as caller:
        (detail,) = (await caller.call("LayThuTuc", maTTHC="2.000815"))["result"]
        assert detail["TENTTHC"] == "Chứng thực bản sao từ bản chính"
        assert detail["LINHVUCTHUCHIEN"] == [{"MALINHVUC": "G15-CT02", "TENLINHVUC": "Chứng thực"}]
        for answer in (await caller.call("LayThuTuc", maTTHC="9.9"), await caller.call("TraCuuHoSo", mahoso=CODE)):
            assert answer["error_code"] == code and answer["result"] == []


# --- dossiers --------------------------------------------------------------------------------------------------------


async def test_insert_then_update_keep_the_history_in_order_of_effect() -> None:
    """The current object is the newest; the history has each accepted object with a growing global number."""
    async with portal() as caller:
        other = CODE[:-1] + "2"
        assert (await caller.insert(dossier()))["error_code"] == OK
        assert (await caller.progress(step()))["error_code"] == OK
        assert (await caller.insert(dossier(other)))["error_code"] == OK
        assert (await caller.update(dossier(TrangThaiHoSo="4")))["error_code"] == OK
        held = await caller.held_dossiers()
        assert [(h["seq"], h["kind"]) for h in held[CODE]["history"]] == [(1, "insert"), (4, "update")]
        assert held[CODE]["current"] == dossier(TrangThaiHoSo="4")
        assert held[CODE]["history"][0]["object"] == dossier()
        assert held[CODE]["progress"] == [{"seq": 2, "object": step()}] and held[other]["history"][0]["seq"] == 3


@pytest.mark.parametrize("code", ["3", "-3", 3, -3])
async def test_a_second_insert_already_exists(code: Any) -> None:
    """An insert of a known dossier changes nothing and says so in the message, under the configured code."""
    async with portal(already_exists_code=code) as caller:
        await caller.insert(dossier())
        answer = await caller.insert(dossier(TrangThaiHoSo="4"))
        assert answer["error_code"] == code and "đã tồn tại" in answer["message"]
        assert (await caller.held_dossiers())[CODE]["current"] == dossier()


async def test_an_update_of_an_unknown_dossier_is_refused_or_creates_it() -> None:
    """Both behaviours of unknown_update."""
    async with portal() as caller:
        answer = await caller.update(dossier())
        assert answer["error_code"] == REFUSED and "đã tồn tại" not in answer["message"]
        assert await caller.held_dossiers() == {}
    async with portal(unknown_update="upsert") as caller:
        assert (await caller.update(dossier()))["error_code"] == OK
        assert (await caller.held_dossiers())[CODE]["history"][0]["kind"] == "insert"


async def test_search_answers_the_code_or_the_whole_object_also_of_planted_dossiers() -> None:
    """Both forms of TraCuuHoSo; a planted dossier is known like any other and its insert already exists."""
    async with portal() as caller:
        await caller.control("POST", "dossiers", [{"MaHoSo": CODE, "TrangThaiHoSo": "1"}])
        assert (await caller.call("TraCuuHoSo", mahoso=CODE))["result"] == [{"MaHoSo": CODE}]
        assert (await caller.insert(dossier()))["error_code"] == EXISTS
        assert (await caller.held_dossiers())[CODE]["history"][0]["kind"] == "planted"
    async with portal(search_result="full") as caller:
        await caller.insert(dossier())
        assert (await caller.call("TraCuuHoSo", mahoso=CODE))["result"] == [dossier()]


@pytest.mark.parametrize("flag", [True, False, "true", "1", None])
async def test_is_updating_must_be_the_text_true_or_false(flag: Any) -> None:
    """A JSON boolean or another spelling is refused."""
    async with portal() as caller:
        answer = await caller.call("DongBoHoSoMC", isUpdating=flag, data=[dossier()])
        assert answer["error_code"] == REFUSED and "isUpdating" in answer["message"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("MaHoSo", ...), ("MaTTHC", "1.999998"), ("MaTTHC", ""), ("TrangThaiHoSo", "11"), ("TrangThaiHoSo", 2),
        ("NgayTiepNhan", "20260230080000"), ("NgayTiepNhan", "21/11/2026"), ("NgayTra", "2026112108000"),
        ("TrichYeuHoSo", "x" * 1001), ("KenhThucHien", "4"), ("LoaiDoiTuong", "0"), ("HinhThuc", "2"),
        ("NoiNopHoSo", "3"), ("DuocThanhToanTrucTuyen", "4"), ("TaiKhoanDuocXacThucVoiVNeID", True),
        ("HoSoCoThanhPhanSoHoa", None), ("SoGiayToChuHoSo", ...), ("DinhDanhCHS", []), ("DinhDanhCHS", "x"),
        ("DinhDanhCHS", [{"LoaiDinhDanh": "1", "SoDinhDanh": "123"}]), ("NgayNopHoSo", ""), ("KhongCo", "x"),
        ("TaiLieuNop", [{"TenTepDinhKem": "x" * 4001}]), ("TaiLieuNop", [{"DuongDanTaiTepTin": "C:/a.pdf"}]),
        ("TaiLieuNop", [{"IsDeleted": "no"}]), ("DanhSachGiayToKetQua", [{"TenGiayTo": "x" * 2001}]),
        ("DanhSachLePhi", [{"HinhThucThu": "3"}]), ("DanhSachHoSoBoSung", [{"NgayBoSung": "20261301000000"}]),
        ("DanhSachHoSoBoSung", [{"DanhSachGiayToBoSung": [{"DuocSoHoa": "2"}]}]),
    ],
)  # fmt: skip
async def test_a_dossier_that_breaks_a_rule_is_refused_by_name_of_the_field(field: str, value: Any) -> None:
    """Required fields, dates, lengths, code lists and JSON types of contract 1.4, nested ones too; nothing is kept."""
    async with portal() as caller:
        answer = await caller.insert(dossier(**{field: value}))
        assert answer["error_code"] == REFUSED and field in answer["message"]
        assert await caller.held_dossiers() == {}


@pytest.mark.parametrize(
    "code", ["000.00.10.H29-261121-0001", "H29.10-261121-0001", "000.00.10.H22-260230-0001", "000.00.10.H22/261121/1"]
)
async def test_foreign_and_malformed_dossier_codes_are_refused(code: str) -> None:
    """Codes of another province (both agency schemes), with an impossible date, or of another form."""
    async with portal() as caller:
        assert "MaHoSo" in (await caller.insert(dossier(code)))["message"]
    async with portal(foreign_codes="accept") as caller:
        assert (await caller.insert(dossier(code)))["error_code"] == (OK if "H29" in code else REFUSED)


async def test_later_fields_empty_fields_unknown_fields_and_code_lists_follow_the_configuration() -> None:
    """What the default refuses is taken when configured so."""
    old = dossier(SoGiayToChuHoSo=..., DinhDanhCHS=..., KenhThucHien=..., NgayNopHoSo=..., ChuHoSo="", Moi="x")
    odd = dossier(CODE[:-1] + "2", DonViXuLy="", DinhDanhCHS=[{"LoaiDinhDanh": "3", "SoDinhDanh": "0101"}])
    more = {"DinhDanhCHS.LoaiDinhDanh": ["3"]}
    async with portal(
        later_fields="optional", unknown_fields="ignore", may_be_empty=["NgayHenTra", "DSKetNoiCSDL", "DonViXuLy"],
        more_codes=more,
    ) as caller:  # fmt: skip
        assert (await caller.insert(old, odd))["error_code"] == OK
    async with portal(may_be_empty=[]) as caller:
        assert "NgayHenTra" in (await caller.insert(dossier()))["message"]


async def test_json_types_of_single_fields_follow_the_configuration() -> None:
    """A field expected as int or bool refuses the string; fields seen in both forms take both by default."""
    typed = dossier(
        TrangThaiHoSo=2,
        TaiKhoanDuocXacThucVoiVNeID="0",
        DanhSachTepDinhKemKhac=[{"SoLuong": 1}, {"SoLuong": "1"}],
        DanhSachHoSoBoSung=[{"TrangThaiBoSung": True}, {"TrangThaiBoSung": "True"}],
    )
    async with portal(field_types={"TrangThaiHoSo": "int"}) as caller:
        assert (await caller.insert(typed))["error_code"] == OK
        assert "TrangThaiHoSo" in (await caller.update(dossier()))["message"]
    async with portal(field_types={"GhiChu": "int"}) as caller:
        assert "GhiChu" in (await caller.insert(dossier(GhiChu=True)))["message"]
        assert (await caller.insert(dossier(GhiChu=7)))["error_code"] == OK
    async with portal(field_types={"DanhSachTepDinhKemKhac.SoLuong": "int"}) as caller:
        assert "SoLuong" in (await caller.insert(typed | {"TrangThaiHoSo": "2"}))["message"]
    async with portal(field_types={"DanhSachHoSoBoSung.TrangThaiBoSung": "bool", "TrangThaiHoSo": "any"}) as caller:
        assert "TrangThaiBoSung" in (await caller.insert(typed))["message"]


async def test_procedure_suffix_and_catalogue_names_follow_the_configuration() -> None:
    """MaTTHC with an agency behind it, and names that differ from the catalogue: both behaviours each."""
    suffixed = dossier(MaTTHC="1.001193.000.00.00.H22", TenTTHC="Khai sinh")
    async with portal() as caller:
        assert (await caller.insert(suffixed))["error_code"] == OK
    async with portal(procedure_suffix="refuse") as caller:
        assert "MaTTHC" in (await caller.insert(suffixed))["message"]
    async with portal(catalogue_names="compare") as caller:
        assert "TenTTHC" in (await caller.insert(suffixed))["message"]


@pytest.mark.parametrize(("quote", "seen"), [(False, False), (True, True)])
async def test_refusals_quote_values_only_when_configured(quote: bool, seen: bool) -> None:
    """A portal that repeats personal data in its message can be had."""
    async with portal(quote_values=quote) as caller:
        bad = dossier(DinhDanhCHS=[{"LoaiDinhDanh": "1", "SoDinhDanh": "CANARY77"}])
        assert ("CANARY77" in (await caller.insert(bad))["message"]) is seen


@pytest.mark.parametrize("batch", ["all_or_nothing", "partial"])
async def test_one_bad_dossier_among_several(batch: str) -> None:
    """Nothing takes effect, or the good ones do; either way the message names the bad code."""
    good, bad, again = dossier(), dossier(CODE[:-1] + "2", HinhThuc="7"), dossier(CODE[:-1] + "3")
    async with portal(batch=batch, sync_result="codes") as caller:
        answer = await caller.insert(good, bad, again, again)
        assert answer["error_code"] == REFUSED and bad["MaHoSo"] in answer["message"] and "đã tồn tại" in answer["message"]
        taken = [good["MaHoSo"], again["MaHoSo"]] if batch == "partial" else []
        assert list(await caller.held_dossiers()) == taken
        assert [row["MaHoSo"] for row in answer["result"]] == taken
        assert (await caller.last_call())["outcome"] == ("partial" if taken else "refused")


@pytest.mark.parametrize(("form", "result"), [("empty", []), ("codes", [{"MaHoSo": CODE}]), ("absent", None)])
async def test_result_of_a_synchronisation_follows_the_configuration(form: str, result: Any) -> None:
    """What the result of an accepted call holds is not public: three forms."""
    async with portal(sync_result=form, success_message="OK") as caller:
        answer = await caller.insert(dossier())
        assert answer.get("result") == result and answer["message"] == "OK" and ("result" in answer) is (form != "absent")


# --- progress --------------------------------------------------------------------------------------------------------


async def test_progress_takes_ten_steps_and_not_eleven() -> None:
    """The chunk limit of the contract."""
    async with portal() as caller:
        await caller.insert(dossier())
        steps = [step(NoiDungXuLy=f"Bước {number}") for number in range(11)]
        assert "data" in (await caller.progress(*steps))["message"]
        assert (await caller.progress(*steps[:10]))["error_code"] == OK
        assert [p["object"] for p in (await caller.held_dossiers())[CODE]["progress"]] == steps[:10]


@pytest.mark.parametrize(
    ("field", "value"),
    [("NguoiXuLy", "x" * 51), ("ThoiDiemXuLy", ""), ("NoiDungXuLy", None), ("TrangThai", "0"), ("TrangThai", 2)],
)
async def test_a_step_that_breaks_a_rule_is_refused(field: str, value: Any) -> None:
    """Lengths, dates, states and types of contract 1.5."""
    async with portal() as caller:
        await caller.insert(dossier())
        assert field in (await caller.progress(step(**{field: value})))["message"]


async def test_progress_of_an_unknown_dossier_is_refused_or_kept() -> None:
    """Both behaviours of unknown_progress; kept progress does not make the dossier known."""
    async with portal() as caller:
        assert (await caller.progress(step()))["error_code"] == REFUSED
    async with portal(unknown_progress="accept") as caller:
        assert (await caller.progress(step()))["error_code"] == OK
        assert (await caller.call("TraCuuHoSo", mahoso=CODE))["result"] == []
        assert (await caller.held_dossiers())[CODE]["current"] is None


@pytest.mark.parametrize(("choice", "kept"), [("append", 4), ("dedupe", 1)])
async def test_an_identical_step_is_kept_again_or_once(choice: str, kept: int) -> None:
    """Both behaviours of repeated_progress, between calls and within one."""
    async with portal(repeated_progress=choice) as caller:
        await caller.insert(dossier())
        for _ in range(2):
            assert (await caller.progress(step(), step()))["error_code"] == OK
        assert len((await caller.held_dossiers())[CODE]["progress"]) == kept


# --- faults ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "seconds", "status", "retry_after"),
    [("http_503", None, 503, None), ("http_503", 7, 503, "7"), ("http_429", 3, 429, "3"), ("http_429", None, 429, "1"),
     ("html_500", None, 500, None), ("html_200", None, 200, None)],
)  # fmt: skip
async def test_html_in_place_of_the_portal(fault: str, seconds: Any, status: int, retry_after: str | None) -> None:
    """Answers of something in front of the portal: HTML, no effect, Retry-After where given."""
    async with portal() as caller:
        await caller.fault(fault, seconds=seconds)
        url, params = f"{caller.url}{caller.path}", {"dstcode": DSTCODE}
        body = {"session": caller.session, "madonvi": "000.00.00.H22", "service": "DongBoHoSoMC"}
        body |= {"isUpdating": "False", "data": [dossier()]}  # type: ignore[dict-item]
        async with caller.http.post(url, params=params, json=body) as answer:
            assert answer.status == status and answer.headers.get("Retry-After") == retry_after
            assert answer.content_type == "text/html" and "<html>" in await answer.text()
        assert await caller.held_dossiers() == {}
        assert (await caller.insert(dossier()))["error_code"] == OK


async def test_a_planted_session_expiry_really_ends_the_session() -> None:
    """The call has no effect and the token is worth nothing until the next login."""
    async with portal() as caller:
        await caller.fault("session_expired", service="DongBoHoSoMC")
        assert (await caller.insert(dossier()))["error_code"] == -1
        assert (await caller.insert(dossier()))["error_code"] == -1
        await caller.login()
        assert (await caller.insert(dossier()))["error_code"] == OK


@pytest.mark.parametrize(
    ("fault", "effect"), [("reset_before", False), ("reset_after", True), ("half_answer", True)]
)  # fmt: skip
async def test_a_broken_connection_before_or_after_the_effect(fault: str, effect: bool) -> None:
    """The caller sees a broken connection; only the portal knows whether the effect took place."""
    async with portal() as caller:
        await caller.fault(fault, service="DongBoHoSoMC")
        with pytest.raises(GONE):
            await caller.insert(dossier())
        assert (CODE in await caller.held_dossiers()) is effect
        last = await caller.last_call()
        assert (last["outcome"], last["effect"]) == (fault, effect)


async def test_a_reset_is_a_tcp_reset() -> None:
    """The socket ends with RST, not with an orderly close."""
    async with portal() as caller:
        await caller.fault("reset_before")
        host, port = caller.url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        head = f"POST {FORWARD}/mapi/login?dstcode={DSTCODE} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        writer.write(f"{head}Content-Length: 2\r\n\r\n{{}}".encode())
        with pytest.raises(ConnectionResetError):
            await reader.read()
        writer.close()


@pytest.mark.parametrize(("fault", "effect"), [("timeout_before", False), ("timeout_after", True)])
async def test_a_call_that_is_never_answered(fault: str, effect: bool) -> None:
    """No answer comes; the effect is there or not as the fault's name says, and the portal still stops cleanly."""
    async with portal() as caller:
        await caller.fault(fault, service="DongBoHoSoMC")
        waiting = asyncio.create_task(caller.insert(dossier()))
        while (await caller.last_call())["outcome"] != fault:
            assert not waiting.done()
        assert (CODE in await caller.held_dossiers()) is effect
        waiting.cancel()


@pytest.mark.parametrize("effect", ["before", "after"])
async def test_a_slow_answer_comes_after_its_seconds(effect: str) -> None:
    """The usual answer, not before the delay is over; the effect at the side of the delay that was asked for."""
    async with portal() as caller:
        await caller.fault("slow", seconds=0.2, service="DongBoHoSoMC", effect=effect)
        begun = asyncio.get_running_loop().time()
        assert (await caller.insert(dossier()))["error_code"] == OK
        assert asyncio.get_running_loop().time() - begun >= 0.2
        await caller.fault("slow", seconds=60, service="DongBoHoSoMC", effect=effect)
        waiting = asyncio.create_task(caller.update(dossier(TrangThaiHoSo="4")))
        while (await caller.last_call())["fault"] != "slow" or (await caller.last_call())["isUpdating"] != "True":
            assert not waiting.done()
        state = (await caller.held_dossiers())[CODE]["current"]["TrangThaiHoSo"]
        assert state == ("4" if effect == "before" else "2")
        waiting.cancel()


@pytest.mark.parametrize(("effect", "how"), [("before", "go"), ("after", "go"), ("before", "drop"), ("after", "drop")])
async def test_a_held_call_waits_for_its_release(effect: str, how: str) -> None:
    """The effect is before or after the wait; a drop resets the connection and does nothing more."""
    async with portal() as caller:
        await caller.fault("hold", service="DongBoHoSoMC", effect=effect, match={"MaHoSo": CODE})
        waiting = asyncio.create_task(caller.insert(dossier()))
        (held,) = (await caller.control("GET", "held?wait=10"))["held"]
        assert held["codes"] == [CODE] and held["effect_done"] is (effect == "before") and not held["caller_gone"]
        assert (CODE in await caller.held_dossiers()) is (effect == "before")
        assert await caller.control("POST", "release", {"how": how, "id": held["id"]}) == {"released": [held["id"]]}
        if how == "go":
            assert (await waiting)["error_code"] == OK
        else:
            with pytest.raises(GONE):
                await waiting
        assert (CODE in await caller.held_dossiers()) is (how == "go" or effect == "before")
        assert (await caller.control("GET", "held"))["held"] == []


async def test_a_held_call_takes_effect_on_release_though_its_caller_is_gone() -> None:
    """A request that arrived may take effect long after the sender died."""
    async with portal() as caller:
        await caller.fault("hold", service="DongBoHoSoMC", effect="after")
        waiting = asyncio.create_task(caller.insert(dossier()))
        await caller.control("GET", "held?wait=10")
        waiting.cancel()
        while not (await caller.control("GET", "held"))["held"][0]["caller_gone"]:
            pass
        await caller.control("POST", "release")
        while CODE not in await caller.held_dossiers():
            pass
        assert (await caller.last_call())["effect"] is True


@pytest.mark.parametrize("batch", ["all_or_nothing", "partial"])
async def test_a_planted_refusal_strikes_only_its_code(batch: str) -> None:
    """The refused code is refused as often as asked, with the given code and words; others pass."""
    other = CODE[:-1] + "2"
    async with portal(batch=batch) as caller:
        await caller.fault("refuse", match={"MaHoSo": CODE}, times=2, code="-3", message="Hồ sơ bị từ chối")
        assert (await caller.insert(dossier(other)))["error_code"] == OK
        answer = await caller.insert(dossier(CODE[:-1] + "3"), dossier())
        assert answer["error_code"] == "-3" and answer["message"] == "Hồ sơ bị từ chối"
        assert (CODE[:-1] + "3" in await caller.held_dossiers()) is (batch == "partial")
        assert (await caller.call("TraCuuHoSo", mahoso=CODE))["error_code"] == "-3"
        assert (await caller.insert(dossier()))["error_code"] == OK


async def test_rules_count_skip_match_and_can_be_withdrawn() -> None:
    """after skips matching calls, times limits them, another service is not struck, DELETE ends a rule for ever."""
    async with portal() as caller:
        await caller.fault("session_expired", service="TraCuuHoSo", after=1, times=1)
        await caller.call("LayDanhSachTTHC")
        assert [(await caller.call("TraCuuHoSo", mahoso=CODE))["error_code"] for _ in range(2)] == [0, -1]
        await caller.login()
        assert (await caller.call("TraCuuHoSo", mahoso=CODE))["error_code"] == 0
        await caller.fault("refuse", times=None)
        assert [(await caller.call("TraCuuHoSo", mahoso=CODE))["error_code"] for _ in range(2)] == [-3, -3]
        rules = (await caller.control("GET", "faults"))["faults"]
        assert [(rule["seen"], rule["struck"]) for rule in rules] == [(5, 1), (2, 2)]
        assert await caller.control("DELETE", "faults?id=2") == {"withdrawn": 1}
        assert (await caller.call("TraCuuHoSo", mahoso=CODE))["error_code"] == 0
        assert await caller.control("DELETE", "faults") == {"withdrawn": 1}


async def test_faults_of_the_effect_wait_for_a_call_that_would_be_carried_out() -> None:
    """A call with a dead session does not use up a planted reset_after."""
    async with portal(faults=[{"fault": "reset_after", "service": "DongBoHoSoMC"}]) as caller:
        await caller.control("POST", "expire-sessions")
        assert (await caller.insert(dossier()))["error_code"] == -1
        await caller.login()
        with pytest.raises(GONE):
            await caller.insert(dossier())
        assert CODE in await caller.held_dossiers()


@pytest.mark.parametrize(
    "rule", [{"fault": "explode"}, {"fault": "slow"}, {"fault": "hold", "colour": "red"}, {"fault": "hold", "times": 0}]
)
async def test_a_rule_that_makes_no_sense_is_refused(rule: dict[str, Any]) -> None:
    """The control path says what is wrong and plants nothing."""
    async with portal() as caller:
        assert (await caller.control("POST", "faults", rule))["problems"]
        assert (await caller.control("GET", "faults"))["faults"] == []


async def test_the_log_of_calls_has_codes_and_outcomes_and_no_bodies() -> None:
    """Every call in order, without anything of a person."""
    async with portal() as caller:
        await caller.insert(dossier())
        await caller.insert(dossier())
        calls = (await caller.control("GET", "calls"))["calls"]
        assert [(c["seq"], c["service"], c["outcome"], c["effect"], c["codes"]) for c in calls] == [
            (1, "login", "ok", False, []),
            (2, "DongBoHoSoMC", "ok", True, [CODE]),
            (3, "DongBoHoSoMC", "refused", False, [CODE]),
        ]
        assert calls[2]["error_code"] == EXISTS and calls[2]["isUpdating"] == "False"
        assert "Nguyễn" not in json.dumps(calls, ensure_ascii=False)
        assert [c["seq"] for c in (await caller.control("GET", "calls?since=2&service=DongBoHoSoMC"))["calls"]] == [3]


# --- memory, process, entry point ------------------------------------------------------------------------------------


async def test_a_killed_portal_remembers_everything_it_answered(tmp_path: Path) -> None:
    """SIGKILL of the process; the next one goes on with the same memory and numbers, though a line was cut off."""
    state = tmp_path / "portal.jsonl"
    async with aiohttp.ClientSession() as http:
        with process("--state", str(state)) as (child, url):
            caller = Caller(url, http)
            await caller.login()
            for number in range(20):
                assert (await caller.insert(dossier(f"{CODE[:-4]}{number + 1:04}")))["error_code"] == OK
            assert (await caller.progress(step()))["error_code"] == OK
            await caller.fault("reset_after", service="DongBoHoSoMC")
            with pytest.raises(GONE):
                await caller.update(dossier(TrangThaiHoSo="4"))
            before = await caller.control("GET", "state")
            os.kill(child.pid, signal.SIGKILL)
            child.wait()
        with state.open("ab") as file:
            file.write(b'[{"kind":"insert","code":"cut o')
        with process("--state", str(state)) as (child, url):
            caller = Caller(url, http)
            assert await caller.control("GET", "state") == before and before["seq"] == 22
            assert (await caller.call("LayDanhSachTTHC"))["error_code"] == -1
            await caller.login()
            assert (await caller.insert(dossier()))["error_code"] == EXISTS
            assert (await caller.update(dossier(TrangThaiHoSo="9")))["error_code"] == OK
            assert (await caller.held_dossiers())[CODE]["history"][-1]["seq"] == 23
            child.send_signal(signal.SIGTERM)
            assert child.wait(timeout=20) == 0
        with process("--state", str(state)) as (_, url):
            after = await Caller(url, http).control("GET", "state")
            assert after["seq"] == 23 and after["dossiers"][CODE]["current"]["TrangThaiHoSo"] == "9"


async def test_sigterm_ends_the_process_although_calls_wait(tmp_path: Path) -> None:
    """A held call does not keep the process alive; it ends with code 0 and no effect of the held call."""
    config = tmp_path / "portal.yaml"
    config.write_text("unknown_update: upsert\nfaults: [{fault: hold, service: DongBoHoSoMC, effect: after}]\n")
    state = tmp_path / "portal.jsonl"
    async with aiohttp.ClientSession() as http:
        with process("--config", str(config), "--state", str(state)) as (child, url):
            caller = Caller(url, http)
            await caller.login()
            waiting = asyncio.create_task(caller.update(dossier()))
            assert len((await caller.control("GET", "held?wait=20"))["held"]) == 1
            child.send_signal(signal.SIGTERM)
            with pytest.raises(GONE):
                await waiting
            assert child.wait(timeout=20) == 0
    assert state.read_bytes() == b""


def test_a_state_file_serves_one_process_and_must_be_one(tmp_path: Path) -> None:
    """A second holder and a file of something else are refused with the file's name."""
    state = tmp_path / "portal.jsonl"
    first = PortalSimulator(PortalSimulatorConfig(), state)
    with pytest.raises(BadConfig, match="in_use"):
        PortalSimulator(PortalSimulatorConfig(), state)
    first.close()
    state.write_text("not a line of ours\n")
    with pytest.raises(BadConfig, match="damaged"):
        PortalSimulator(PortalSimulatorConfig(), state)


@pytest.mark.parametrize("arguments", [["--host", "0.0.0.0"], ["--config", "/dev/null/none"], ["--config", "BAD"]])
def test_the_process_refuses_what_it_cannot_run_with(arguments: list[str], tmp_path: Path) -> None:
    """Another address than loopback, an unreadable file, an unknown key: exit code 2 and the reason on stderr."""
    bad = tmp_path / "bad.yaml"
    bad.write_text("colour: red\n")
    command = [sys.executable, "-m", "connectors.national_portal.simulator"]
    command += [str(bad) if argument == "BAD" else argument for argument in arguments]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 2 and ended.stderr.startswith("national-portal: ") and "Traceback" not in ended.stderr


def test_a_simulator_is_loaded_by_its_entry_point(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """load_simulator finds what an installed distribution registers, and names the known ones otherwise."""
    info = tmp_path / "extra-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: extra\nVersion: 1.0\n")
    target = "connectors.national_portal.simulator:PortalSimulator"
    (info / "entry_points.txt").write_text(f"[hub.simulators]\nportal-under-test = {target}\nno-simulator = json:loads\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert load_simulator("portal-under-test") is PortalSimulator
    with pytest.raises(BadConfig, match="portal-under-test"):
        load_simulator("nobody")
    with pytest.raises(BadConfig, match="not_a_simulator"):
        load_simulator("no-simulator")
