"""The checker of a ministry's portal: an honest exchange passes, and every way in which one can be false is seen."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import pytest

from connectors.demo.check_ministry import ministry
from connectors.demo.evidence import Found, Verdict
from connectors.ministry_portal.simulator_state import Effect, MinistryMemory
from connectors.opencps.stories import Story
from demo.test_check import CATALOGUE, STATES, tell

State = dict[str, Any]
DAY = "G09.20-20261122-"


def moment(text: str, form: str) -> str:
    known = "%Y%m%d%H%M%S" if len(text) == 14 else "%d/%m/%Y" if len(text) == 10 else "%d/%m/%Y %H:%M:%S"
    return datetime.strptime(text, known).strftime(form)


def created(record: dict[str, Any], code: str) -> State:
    """The NoiHoSo object that an honest hub sends, written once more and differently from the checker's way."""
    kind = 1 if record["applicantIdType"] == "business" else 0
    detail = {
        "TenNguoiNop": record["contactName"],
        "SoDienThoai": record["contactTelNo"],
        "Email": record["contactEmail"],
        "Fax": None,
        "TenChuHs": record["applicantName"],
        "SoDinhDanhChuHs": record["applicantIdNo"],
        "MaTinhChuHs": record["cityCode"],
        "MaXaChuHs": record["wardCode"],
        "DiaChiChiTietChuHs": record["address"],
    }
    return {
        "MaHoSo": code,
        "MaTTHC": "3.000181" if record["serviceCode"].startswith("TS_") else record["serviceCode"][:8],
        "ChuHoSo": record["contactName"],
        "LoaiDoiTuong": kind,
        "MaDonViTiepNhan": "G09.20",
        "NgayNop": moment(record["submitDate"], "%Y-%m-%d %H:%M:%S"),
        "NgayTiepNhan": moment(record["receiveDate"], "%Y-%m-%d %H:%M:%S"),
        "ThanhPhanHoSo": [
            {"MaThanhPhanHoSo": file["dossierPartNo"], "TenThanhPhanHoSo": file["dossierPartName"]}
            for file in record.get("files", [])
            if file["dossierPartType"] == 1
        ],
        "ThongTinNguoiNop": {"LoaiDoiTuong": kind, "ThongTinChiTiet": detail},
    }


def stepped(record: dict[str, Any], code: str) -> State:
    due = record["stepDuedate"]
    return {
        "IDHoSo": f"id of {code}",
        "MaHoSo": code,
        "NguoiXuLy": record["lastActionUser"],
        "ThoiDiemXuLy": moment(record["lastActionDate"], "%Y-%m-%dT%H:%M:%S.000"),
        "NoiDungXuLy": record["lastActionNote"] or record["lastActionName"],
        "TrangThai": int(STATES[record["dossierStatus"]]),
        "NgayKetThucTheoQuyDinh": moment(due, "%Y-%m-%dT%H:%M:%S.000") if due else "",
    }


def changed(record: dict[str, Any], code: str) -> State:
    told: State = {"IdHoSo": f"id of {code}", "MaHoSo": code, "TrangThai": int(STATES[record["dossierStatus"]])}
    results = [{"TenGiayTo": file["displayName"]} for file in record.get("files", []) if file["dossierPartType"] == 2]
    return told | ({"DanhSachGiayToKetQua": results} if results and told["TrangThai"] == 9 else {})


def take(memory: MinistryMemory, number: int, records: Sequence[dict[str, Any]]) -> str:
    """A dossier as it arrives there: a code, the create, then states and steps."""
    code = f"{DAY}{number:07}"
    memory.commit([Effect("issued", code, {"for": "G09.20", "agency": "G09.20", "day": "20261122", "serial": number})])
    memory.commit([Effect("created", code, {"id": f"id of {code}", "object": created(records[0], code)})])
    for place, record in enumerate(records):
        if place:
            memory.commit([Effect("status", code, changed(record, code))])
        memory.commit([Effect("progress", code, stepped(record, code))])
    return code


def cases(told: Sequence[Story]) -> list[dict[str, Any]]:
    return [{"code": story.code, "record": record} for story in told for record in story.records]


def exchanged(told: Sequence[Story]) -> tuple[State, dict[str, str]]:
    """What the ministry then holds, and its codes by ours."""
    memory = MinistryMemory()
    codes = {story.code: take(memory, number, story.records) for number, story in enumerate(told, 1)}
    return json.loads(json.dumps(memory.as_dict())), codes


TOLD = tell(60)
LONG = max(
    (one for one in TOLD if one.records[-1]["dossierStatus"] == "done" and one.records[-1].get("files")),
    key=lambda one: len(one.records),
)
FOUR = [LONG, *[one for one in TOLD if one is not LONG and len(one.records) > 2][:3]]
THERE = f"{DAY}0000001"
"""The ministry's code of ``LONG``."""


def judged(state: State, **more: Any) -> Found:
    return ministry(cases(FOUR), state, CATALOGUE, **more)


def test_an_honest_exchange_passes() -> None:
    """Dossiers of every kind, citizens and businesses, papers and results; the order among dossiers is free."""
    state, codes = exchanged(TOLD)
    found = ministry(cases(TOLD), state, CATALOGUE, codes=codes)
    assert (found.findings, found.falsities) == ([], (0, 0, 0))
    assert found.delivered == 2 * len(cases(TOLD))
    assert {one["object"]["LoaiDoiTuong"] for one in state["dossiers"].values()} == {0, 1}
    assert any("DanhSachGiayToKetQua" in one for there in state["dossiers"].values() for one in there["status"])
    state, _ = exchanged(TOLD[::-1])
    assert ministry(cases(TOLD), state, CATALOGUE).findings == []


def entry(state: State) -> State:
    there: State = state["dossiers"][THERE]
    return there


def swap(lane: str) -> Callable[[State], None]:
    def mistake(state: State) -> None:
        items = entry(state)[lane]
        items[0], items[1] = items[1], items[0]

    return mistake


def double(lane: str, place: int, to: int) -> Callable[[State], None]:
    return lambda state: entry(state)[lane].insert(to, copy.deepcopy(entry(state)[lane][place]))


def put(lane: str, field: str, value: Any) -> Callable[[State], None]:
    def mistake(state: State) -> None:
        *outer, last = field.split(".")
        item = entry(state)["object"] if lane == "object" else entry(state)[lane][1]
        for name in outer:
            item = item[name]
        item[last] = value

    return mistake


def create_again(state: State) -> None:
    code = f"{DAY}0000099"
    state["issued"][code] = state["issued"][THERE] | {"serial": 99}
    state["dossiers"][code] = copy.deepcopy(entry(state)) | {"status": [], "progress": []}
    state["dossiers"][code]["object"]["MaHoSo"] = code


def nobodys(state: State) -> None:
    state["dossiers"][f"{DAY}0000098"] = {
        "id": "x",
        "object": {"MaHoSo": f"{DAY}0000098", "ChuHoSo": "Người Lạ", "MaTTHC": "1.000894"},
        "progress": [],
        "status": [],
    }
    state["issued"][f"{DAY}0000098"] = state["issued"][THERE] | {"serial": 98}


COUNT = len(LONG.records)
FILER = "ThongTinNguoiNop.ThongTinChiTiet"
MISTAKES: dict[str, tuple[Callable[[State], Any], tuple[int, int, int], str]] = {
    "a dossier is missing": (lambda state: state["dossiers"].pop(THERE), (2 * COUNT, 1, 0), "not at the ministry at all"),
    "a state is missing": (lambda state: entry(state)["status"].pop(1), (1, 0, 0), "state 3 is missing"),
    "the last state is missing": (lambda state: entry(state)["status"].pop(), (1, 0, 0), f"state {COUNT} is missing"),
    "a step is missing": (lambda state: entry(state)["progress"].pop(0), (1, 0, 0), "step 1 is missing"),
    "a state is doubled": (double("status", 1, 1), (0, 1, 0), "a state is there twice"),
    "an old state comes again": (double("status", -2, 99), (0, 1, 1), "an old state came again"),
    "a step is doubled": (double("progress", 1, 1), (0, 1, 0), "a step is there twice"),
    "the first state is told once more": (
        lambda state: entry(state)["status"].insert(0, changed(LONG.records[0], THERE)), (0, 0, 0), "a state that nobody sent"
    ),
    "two states are swapped": (swap("status"), (0, 0, 1), "at another place"),
    "two steps are swapped": (swap("progress"), (0, 0, 1), "at another place"),
    "created twice": (create_again, (0, 1, 0), "created a second time"),
    "a second code was minted": (
        lambda state: state["issued"].update({f"{DAY}0000099": state["issued"][THERE]}), (0, 1, 0), "issued by the ministry and"
    ),
    "a code of its own": (lambda state: state["issued"].pop(THERE), (1, 0, 0), "never issued"),
    "its code was asked for another procedure": (
        lambda state: state["issued"][THERE].update({"for": "9.999999"}), (0, 0, 0), "asked for another procedure"
    ),
    "a dossier that nobody sent": (nobodys, (0, 0, 0), "nobody sent it there"),
    "a file that nobody has": (lambda state: state["uploads"].update(x={"sha256": "0"}), (0, 0, 0), "files were uploaded"),
    "an altered name": (put("object", f"{FILER}.TenChuHs", "Người Khác"), (1, 0, 0), f"{FILER}.TenChuHs: differs"),
    "a missing number": (put("object", f"{FILER}.SoDinhDanhChuHs", None), (1, 0, 0), f"{FILER}.SoDinhDanhChuHs: missing"),
    "an invented birthday": (put("object", f"{FILER}.NgaySinh", "20000101000000"), (1, 0, 0), f"{FILER}.NgaySinh: invented"),
    "an invented sub-service": (put("object", "MaDichVuCong", "1.000894.01"), (1, 0, 0), "MaDichVuCong: invented"),
    "an invented field": (put("object", "TrangThai", 1), (1, 0, 0), "TrangThai: invented"),
    "the first portal's numbering": (put("object", "LoaiDoiTuong", 2), (1, 0, 0), "LoaiDoiTuong: differs"),
    "a number as a text": (put("object", "LoaiDoiTuong", "0"), (1, 0, 0), "LoaiDoiTuong: wrong JSON type"),
    "a procedure with its agency": (put("object", "MaTTHC", LONG.records[0]["serviceCode"]), (1, 0, 0), "MaTTHC: differs"),
    "the step's form of date in a create": (
        put("object", "NgayNop", moment(LONG.records[0]["submitDate"], "%Y-%m-%dT%H:%M:%S.000")), (1, 0, 0), "NgayNop: differs"
    ),
    "the portal's form of date in a step": (
        put("progress", "ThoiDiemXuLy", moment(LONG.records[1]["lastActionDate"], "%Y%m%d%H%M%S")), (1, 0, 0), "ThoiDiemXuLy:"
    ),
    "seven hours off": (
        put("progress", "ThoiDiemXuLy", "2026-01-01T00:00:00.000"), (1, 0, 0), "ThoiDiemXuLy: differs"
    ),
    "IdHoSo in a step": (put("progress", "IdHoSo", f"id of {THERE}"), (1, 0, 0), "IdHoSo: invented"),
    "another dossier's id": (put("status", "IdHoSo", "id of another"), (1, 0, 0), "IdHoSo: differs"),
    "a state as a text": (put("status", "TrangThai", "9"), (1, 0, 0), "TrangThai: wrong JSON type"),
    "an opinion nobody gave": (put("status", "NoiDungYKien", "Đồng ý"), (1, 0, 0), "NoiDungYKien: invented"),
    "a fee nobody asked": (put("status", "DanhSachLePhi", [{"Gia": 1}]), (1, 0, 0), "DanhSachLePhi: invented"),
}  # fmt: skip


@pytest.mark.parametrize("what", MISTAKES)
def test_every_mistake_is_found(what: str) -> None:
    mistake, falsities, word = MISTAKES[what]
    state, _ = exchanged(FOUR)
    assert judged(state).findings == []
    mistake(state)
    found = judged(state)
    assert found.falsities == falsities, found.findings
    assert any(word in one for one in found.findings), found.findings
    verdict = Verdict()
    verdict.include(found)
    assert not verdict.holds


@pytest.mark.parametrize(("status", "number"), [("waiting", 5), ("paying", 6), ("unresolved", 8)])
def test_a_waiting_state_shown_as_done_is_a_falsification(status: str, number: int) -> None:
    story = next(one for one in tell(200) if status in [record["dossierStatus"] for record in one.records[1:]])
    state, _ = exchanged([story])
    for one in entry(state)["status"]:
        if one["TrangThai"] == number:
            one["TrangThai"] = 9
            break
    found = ministry(cases([story]), state, CATALOGUE)
    assert found.lost == 1 and f"TrangThai: falsified, {number} is shown as 9" in found.findings[0]


def test_results_are_named_with_the_state_that_may_name_them() -> None:
    """9 has the list, 10 must not."""
    state, _ = exchanged(FOUR)
    (done,) = [one for one in entry(state)["status"] if "DanhSachGiayToKetQua" in one]
    entry(state)["status"][-1]["DanhSachGiayToKetQua"] = done.pop("DanhSachGiayToKetQua")
    assert judged(state).lost == 2


def test_the_code_that_the_hub_tells_must_be_the_ministry_s() -> None:
    state, codes = exchanged(FOUR)
    first, second = list(codes)[:2]
    found = judged(state, codes=codes | {first: codes[second], second: codes[first]})
    assert len(found.findings) == 2 and "does not call it" in found.findings[0]


def test_a_code_that_nobody_was_told_of_is_excused() -> None:
    state, _ = exchanged(FOUR)
    state["issued"][f"{DAY}0000099"] = state["issued"][THERE]
    assert judged(state, unanswered=1).findings == []
    assert judged(state).duplicated == 1


def test_a_step_in_doubt_is_excused_once() -> None:
    state, _ = exchanged(FOUR)
    entry(state)["progress"].append(entry(state)["progress"][-1])
    assert judged(state, doubtful_progress=1).findings == []
    assert judged(state).falsities == (0, 1, 0)
    entry(state)["progress"].append(entry(state)["progress"][0])
    assert judged(state, doubtful_progress=1).falsities == (0, 1, 1)


def test_a_step_told_by_two_records_is_one() -> None:
    """A corrected record of the same action may show by either of its forms, once."""
    state, _ = exchanged(FOUR)
    again = {"code": LONG.code, "record": LONG.records[-1] | {"modifiedDate": "31/12/2026 23:59:59"}}
    told = cases(FOUR)
    told.insert(COUNT, again)
    entry(state)["status"].append(copy.deepcopy(entry(state)["status"][-1]))
    assert ministry(told, state, CATALOGUE).findings == []


def test_choices_settle_what_the_contract_leaves_open() -> None:
    """Another source of a field, something configured, a free field, and a list that is not sent."""
    state, _ = exchanged(FOUR)
    for code, there in state["dossiers"].items():
        record = FOUR[int(code[-7:]) - 1].records[0]
        there["object"] |= {"ChuHoSo": record["applicantName"], "MaDonViTiepNhan": "G09"}
        there["object"] |= {"EformThongTinChiTiet": {"MaHoSoCu": record["dossierNo"]}}
        there["object"].pop("ThanhPhanHoSo")
    chosen: dict[str, tuple[str, ...]] = {
        "ChuHoSo": ("applicantName",), "MaDonViTiepNhan": ("=G09",), "EformThongTinChiTiet.MaHoSoCu": ("dossierNo",),
        "ThanhPhanHoSo.MaThanhPhanHoSo": (), "ThanhPhanHoSo.TenThanhPhanHoSo": (),
    }  # fmt: skip
    assert judged(state, choices=chosen).findings == []
    assert judged(state).lost == len(FOUR)
    with pytest.raises(ValueError, match="MaTTHC"):
        judged(state, choices={"MaTTHC": ("serviceCode",)})


def test_no_personal_value_stands_in_a_finding() -> None:
    state, _ = exchanged(FOUR)
    for there in state["dossiers"].values():
        there["object"][FILER.partition(".")[0]]["ThongTinChiTiet"] = {"TenChuHs": "Người Khác", "SoDinhDanhChuHs": "000"}
    told = repr(judged(state))
    for story in FOUR:
        assert story.records[0]["applicantName"] not in told and story.records[0]["applicantIdNo"] not in told
    assert "Người Khác" not in told
