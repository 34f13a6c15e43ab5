"""A dossier created at the simulated ministry portal: what is taken, what is refused and how that is told, and the look-up."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from ministry_portal_sim.caller import dossier, portal


def _with(path: str, value: Any) -> dict[str, Any]:
    """A dossier with one field changed, or taken out (``...``); dotted, 0 for the first of a list."""
    made = dossier("?")
    place: Any = made
    *way, last = path.split(".")
    for name in way:
        place = place[0][name] if isinstance(place, list) else place[name]
    place = place[0] if isinstance(place, list) else place
    if value is ...:
        del place[last]
    else:
        place[last] = value
    return made


FILER = "ThongTinNguoiNop.ThongTinChiTiet"
WRONG: list[tuple[str, Any]] = [
    ("LoaiDoiTuong", "0"),
    ("LoaiDoiTuong", 3),
    ("LoaiDoiTuong", True),
    ("LoaiDoiTuong", 0.0),
    ("MaTTHC", "1.005129.H56"),
    ("MaTTHC", "1.005129.000.00.00.G09"),
    ("MaTTHC", "TS_lop1"),
    ("MaDonViTiepNhan", "000.00.20.G09"),
    ("ChuHoSo", 7),
    ("NgayNop", "20260609080000"),
    ("NgayNop", "2026-06-09T08:00:00.000"),
    ("NgayNop", "2026-02-30 08:00:00"),
    ("NgayNop", "2026-6-9 8:00:00"),
    ("NgayTiepNhan", "09/06/2026 08:00:00"),
    ("EformThongTinChiTiet", "text"),
    ("ThanhPhanHoSo", {"MaThanhPhanHoSo": "x"}),
    ("ThanhPhanHoSo", ["x"]),
    ("ThanhPhanHoSo.SoLuong", "1"),
    ("ThanhPhanHoSo.SoLuong", ""),
    ("ThanhPhanHoSo.LoaiBan", 3),
    ("ThongTinNguoiNop", "x"),
    ("ThongTinNguoiNop.LoaiDoiTuong", 3),
    ("ThongTinNguoiNop.IdDoiTuong", "1"),
    (f"{FILER}.NgaySinh", "1990-01-31 00:00:00"),
    (f"{FILER}.NgaySinh", "19900131"),
    (f"{FILER}.NgayCapDinhDanh", "2021-05-01T00:00:00.000"),
    (f"{FILER}.DiaChi", "x"),
    ("TrangThaiHoSo", "1"),
]
MISSING = [
    *("MaHoSo", "MaTTHC", "ChuHoSo", "LoaiDoiTuong", "MaDonViTiepNhan", "NgayNop", "ThongTinNguoiNop"),
    *("ThongTinNguoiNop.LoaiDoiTuong", FILER, f"{FILER}.TenNguoiNop", "ThanhPhanHoSo.MaThanhPhanHoSo"),
]


async def test_a_dossier_is_created() -> None:
    """Under the code that was issued; its own id goes back; everything sent is kept."""
    async with portal() as caller:
        code = await caller.code()
        status, told = await caller.post("/NoiHoSo", dossier(code))
        assert status == 200 and told["code"] == 0 and told["data"]["maHoSo"] == code
        assert UUID(told["data"]["idHoSo"])
        kept = (await caller.memory())["dossiers"][code]
        assert kept == {"id": told["data"]["idHoSo"], "object": dossier(code), "progress": [], "status": []}
        call = await caller.last_call()
        assert call["service"] == "NoiHoSo" and call["codes"] == [code] and call["effect"] is True


@pytest.mark.parametrize(("field", "value"), WRONG)
async def test_a_wrong_field_is_named(field: str, value: Any) -> None:
    """400 with the field's name, never its value; nothing is created."""
    async with portal() as caller:
        status, told = await caller.post("/NoiHoSo", _with(field, value) | {"MaHoSo": await caller.code()})
        assert status == 400 and told["message"].startswith(f"{field} ") and told["code"] == 400
        assert (await caller.last_call())["outcome"] == "wrong_field"
        assert (await caller.memory())["dossiers"] == {}


@pytest.mark.parametrize("gone", [..., None, ""])
@pytest.mark.parametrize("field", MISSING)
async def test_a_missing_field_is_named(field: str, gone: Any) -> None:
    """Absent, null and empty are the same."""
    async with portal() as caller:
        body = _with(field, gone)
        status, told = await caller.post("/NoiHoSo", body if field == "MaHoSo" else body | {"MaHoSo": await caller.code()})
        assert status == 400 and told["message"] == f"{field} thiếu trường bắt buộc"
        assert (await caller.last_call())["outcome"] == "missing_field"


async def test_the_rules_can_be_chosen() -> None:
    """Types, date forms, what is required, unknown fields, and the agency behind a procedure."""
    chosen: dict[str, Any] = {
        "field_types": {"LoaiDoiTuong": "string"},
        "date_forms": {"NgayNop": "any", "NgayTiepNhan": "yyyyMMddHHmmss"},
        "required_create": ("MaHoSo", "MaDichVuCong"),
        "unknown_fields": "ignore",
        "procedure_suffix": "accept",
    }
    async with portal(**chosen) as caller:
        dates = {"NgayNop": "2026-06-09T08:00:00.000", "NgayTiepNhan": "20260609080000"}
        body = {"MaHoSo": await caller.code(), "LoaiDoiTuong": "2", "MaTTHC": "1.005129.H56", "Khac": 1, **dates}
        assert (await caller.post("/NoiHoSo", body))[1]["message"].startswith("MaDichVuCong ")
        body["MaDichVuCong"] = "1.005129.01"
        for wrong in ({"LoaiDoiTuong": 2}, {"NgayTiepNhan": "2026-06-09 08:00:00"}):
            assert (await caller.post("/NoiHoSo", body | wrong))[0] == 400
        assert (await caller.post("/NoiHoSo", body))[1]["code"] == 0


async def test_a_value_is_quoted_only_if_asked_for() -> None:
    """quote_values shows what a careless portal does with personal data."""
    for quoted in (False, True):
        async with portal(quote_values=quoted) as caller:
            _, told = await caller.post("/NoiHoSo", _with(f"{FILER}.NgaySinh", "31.1.1990"))
            assert ("31.1.1990" in told["message"]) is quoted


@pytest.mark.parametrize("body", [None, "x", [], [dossier("?")]])
async def test_a_create_is_one_object(body: Any) -> None:
    """Anything else is 400."""
    async with portal() as caller:
        assert (await caller.post("/NoiHoSo", body))[0] == 400
        async with caller.http.post(f"{caller.url}/NoiHoSo", data=b"{", headers=caller.headers) as answer:
            assert answer.status == 400


async def test_a_code_is_used_once() -> None:
    """A second create is told to exist, changes nothing, and is told as configured."""
    async with portal() as caller:
        code, _ = await caller.created()
        status, told = await caller.post("/NoiHoSo", dossier(code, ChuHoSo="Khác"))
        assert (status, told) == (200, {"code": 3, "message": "Hồ sơ đã tồn tại", "data": None})
        call = await caller.last_call()
        assert call["outcome"] == "exists" and call["effect"] is False
        assert (await caller.memory())["dossiers"][code]["object"]["ChuHoSo"] == "Nguyễn Thị Mẫu"
    chosen: dict[str, Any] = {"exists_status": 409, "exists_code": "DA_CO", "exists_message": "Trùng", "exists_data": True}
    async with portal(**chosen) as caller:
        code, dossier_id = await caller.created()
        status, told = await caller.post("/NoiHoSo", dossier(code))
        assert status == 409
        assert told == {"code": "DA_CO", "message": "Trùng", "data": {"idHoSo": dossier_id, "maHoSo": code}}


async def test_a_code_that_was_not_issued_is_refused() -> None:
    """Unless the portal takes foreign ones."""
    async with portal() as caller:
        status, _ = await caller.post("/NoiHoSo", dossier("G09.20-20261122-0000009"))
        assert status == 400 and (await caller.last_call())["outcome"] == "not_issued"
    async with portal(foreign_codes="accept") as caller:
        assert (await caller.post("/NoiHoSo", dossier("H56.14-250225-0001")))[1]["code"] == 0


@pytest.mark.parametrize(
    ("config", "names", "ok"),
    [
        ({}, ("idHoSo", "maHoSo"), 0),
        ({"answer_case": "pascal", "ok_code": 200, "code_form": "string"}, ("IdHoSo", "MaHoSo"), "200"),
    ],
)
async def test_the_answer_is_spelled_as_configured(config: dict[str, Any], names: tuple[str, str], ok: int | str) -> None:
    """camelCase or PascalCase, a code as number or text, an id as uuid or number."""
    async with portal(dossier_id="number", **config) as caller:
        code = await caller.code()
        _, told = await caller.post("/NoiHoSo", dossier(code))
        assert told["code"] == ok and told["data"] == dict(zip(names, (1_000_000, code), strict=True))


async def test_refusals_may_be_told_in_the_body_alone() -> None:
    """failure: body is HTTP 200 and the code, for every refusal, a missing token too."""
    async with portal(failure="body") as caller:
        status, told = await caller.post("/NoiHoSo", {})
        assert (status, told["code"]) == (200, 400)
        caller.headers = {}
        status, told = await caller.get("/GetNextValue", code="G09")
        assert (status, told["code"]) == (200, 401)


async def test_a_look_up_is_there_only_if_configured() -> None:
    """By GET and POST; ids and state, or the whole object; of an unknown code 404 or nothing."""
    async with portal() as caller:
        assert (await caller.get("/TraCuuHoSo", MaHoSo="x"))[0] == 404
        assert (await caller.control("GET", "calls"))["calls"][-1]["service"] == "token"
    async with portal(look_up="minimal") as caller:
        code, dossier_id = await caller.created()
        found = {"idHoSo": dossier_id, "maHoSo": code, "trangThai": None}
        assert (await caller.get("/TraCuuHoSo", MaHoSo=code))[1]["data"] == found
        assert (await caller.post("/TraCuuHoSo", {"MaHoSo": code}))[1]["data"] == found
        assert (await caller.last_call())["codes"] == [code]
        assert (await caller.get("/TraCuuHoSo", MaHoSo="G09-20261122-0000001"))[0] == 404
        assert (await caller.get("/TraCuuHoSo"))[0] == 400
    async with portal(look_up="full", not_found="empty", answer_case="pascal", dossier_id="number") as caller:
        code = await caller.code()
        await caller.post("/NoiHoSo", dossier(code))
        await caller.post("/CapNhatTrangThai", [{"MaHoSo": code, "TrangThai": 2}])
        _, told = await caller.get("/TraCuuHoSo", MaHoSo=code)
        assert told["data"] == {**dossier(code), "IdHoSo": 1_000_000, "TrangThai": 2}
        status, told = await caller.get("/TraCuuHoSo", MaHoSo="G09-20261122-0000001")
        assert (status, told) == (200, {"code": 0, "message": "", "data": None})
