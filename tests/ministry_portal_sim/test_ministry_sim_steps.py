"""Steps and states at the simulated ministry portal: arrays taken whole or not at all, ids spelled in two ways, two lists."""

from __future__ import annotations

from typing import Any

import pytest

from ministry_portal_sim.caller import portal, state, step

PROGRESS, STATUS = "/CapNhatTienTrinh", "/CapNhatTrangThai"


async def test_steps_and_states_are_kept_in_order() -> None:
    """As they were sent, of several dossiers in one array; data is null."""
    async with portal() as caller:
        (a, a_id), (b, b_id) = await caller.created(), await caller.created()
        steps = [step(a, a_id), step(b, b_id, TrangThai=2), step(a, a_id, TrangThai=9, NgayBatDau="20260610000000")]
        assert await caller.post(PROGRESS, steps) == (200, {"code": 0, "message": "", "data": None})
        call = await caller.last_call()
        assert call["codes"] == [a, b] and call["effect"] is True
        assert await caller.post(STATUS, [state(a, a_id), state(b, b_id, TrangThai=10)]) == (
            200,
            {"code": 0, "message": "", "data": None},
        )
        kept = (await caller.memory())["dossiers"]
        assert kept[a]["progress"] == [steps[0], steps[2]] and kept[b]["progress"] == [steps[1]]
        assert kept[a]["status"] == [state(a, a_id)] and kept[b]["status"][0]["TrangThai"] == 10


WRONG_STEPS: list[tuple[str, dict[str, Any]]] = [
    ("ThoiDiemXuLy", {"ThoiDiemXuLy": "2026-06-10 08:15:30"}),
    ("ThoiDiemXuLy", {"ThoiDiemXuLy": "2026-06-10T08:15:30"}),
    ("ThoiDiemXuLy", {"ThoiDiemXuLy": "20260610081530"}),
    ("ThoiDiemXuLy", {"ThoiDiemXuLy": "2026-06-10T08:15:30.250+07:00"}),
    ("ThoiDiemXuLy", {"ThoiDiemXuLy": ...}),
    ("NgayBatDau", {"NgayBatDau": "10/06/2026"}),
    ("TrangThai", {"TrangThai": "4"}),
    ("TrangThai", {"TrangThai": 0}),
    ("TrangThai", {"TrangThai": 11}),
    ("NguoiXuLy", {"NguoiXuLy": ""}),
    ("NoiDungXuLy", {"NoiDungXuLy": None}),
    ("IdHoSo", {"IDHoSo": ..., "IdHoSo": "x"}),
    ("IDHoSo", {"IDHoSo": "another"}),
]


@pytest.mark.parametrize(("field", "changes"), WRONG_STEPS)
async def test_a_wrong_step_is_refused_with_its_array(field: str, changes: dict[str, Any]) -> None:
    """400 with the field's name; the good step before it is not kept either."""
    async with portal() as caller:
        code, dossier_id = await caller.created()
        status, told = await caller.post(PROGRESS, [step(code, dossier_id), step(code, dossier_id, **changes)])
        assert status == 400 and told["message"].startswith(f"{field} ")
        assert (await caller.memory())["dossiers"][code]["progress"] == []
        assert (await caller.last_call())["effect"] is False


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("IDHoSo", {"IdHoSo": ..., "IDHoSo": "x"}),
        ("IdHoSo", {"IdHoSo": "another"}),
        ("TrangThai", {"TrangThai": "4"}),
        ("TrangThai", {"TrangThai": ...}),
        ("NguoiXuLy", {"NguoiXuLy": "x"}),
        ("DanhSachLePhi", {"TrangThai": 6, "DanhSachLePhi": {"Gia": 1}}),
    ],
)
async def test_a_wrong_state_is_refused(field: str, changes: dict[str, Any]) -> None:
    """IDHoSo is a step's word, IdHoSo a state's."""
    async with portal() as caller:
        code, dossier_id = await caller.created()
        status, told = await caller.post(STATUS, [state(code, dossier_id, **changes)])
        assert status == 400 and told["message"].startswith(f"{field} ")
        assert (await caller.memory())["dossiers"][code]["status"] == []


@pytest.mark.parametrize("number", range(1, 11))
async def test_the_two_lists_come_only_with_some_states(number: int) -> None:
    """5, 6 and 9 [read]; an empty list counts as sent."""
    async with portal() as caller:
        code, dossier_id = await caller.created()
        lists = {"DanhSachLePhi": [{"Gia": "1"}], "DanhSachGiayToKetQua": [{"TenGiayTo": "Giấy"}]}
        for given in (lists, {"DanhSachLePhi": []}, {"DanhSachGiayToKetQua": []}):
            status, _ = await caller.post(STATUS, [state(code, dossier_id, TrangThai=number, **given)])
            assert status == (200 if number in (5, 6, 9) else 400)
        assert await caller.post(STATUS, [state(code, dossier_id, TrangThai=number)]) == (
            200,
            {"code": 0, "message": "", "data": None},
        )


async def test_the_id_may_be_left_out_unless_required() -> None:
    """An id that is there must fit; a number may come as text."""
    async with portal(dossier_id="number") as caller:
        code, dossier_id = await caller.created()
        for given in (..., "", None, dossier_id, str(dossier_id)):
            assert (await caller.post(PROGRESS, [step(code, given)]))[0] == 200
            assert (await caller.post(STATUS, [state(code, given)]))[0] == 200
    async with portal(required_progress=("IDHoSo",), required_status=("IdHoSo", "NoiDungYKien")) as caller:
        code, dossier_id = await caller.created()
        assert (await caller.post(PROGRESS, [step(code, "")]))[1]["message"].startswith("IDHoSo ")
        assert (await caller.post(STATUS, [state(code, dossier_id)]))[1]["message"].startswith("NoiDungYKien ")


@pytest.mark.parametrize("path", [PROGRESS, STATUS])
async def test_only_arrays_of_known_dossiers_are_taken(path: str) -> None:
    """400 for anything else, 404 (or as configured) for a dossier that is not there."""
    async with portal() as caller:
        for body in ([], {}, None, ["x"], "x"):
            assert (await caller.post(path, body))[0] == 400
        thing = (step if path == PROGRESS else state)("G09-20261122-0000001", "1")
        status, told = await caller.post(path, [thing])
        assert (status, told["code"]) == (404, 404) and (await caller.last_call())["outcome"] == "unknown_dossier"
    async with portal(unknown_dossier_status=400) as caller:
        assert (await caller.post(path, [thing]))[0] == 400


async def test_a_repeated_step_is_kept_twice_or_once() -> None:
    """append shows a doubling; dedupe does not, within an array neither. A repeated state is a state."""
    for repeated, kept in (("append", 3), ("dedupe", 1)):
        async with portal(repeated_progress=repeated) as caller:
            code, dossier_id = await caller.created()
            await caller.post(PROGRESS, [step(code, dossier_id)] * 2)
            await caller.post(PROGRESS, [step(code, dossier_id)])
            assert (await caller.last_call())["effect"] is (repeated == "append")
            for _ in range(2):
                await caller.post(STATUS, [state(code, dossier_id)])
            there = (await caller.memory())["dossiers"][code]
            assert len(there["progress"]) == kept and len(there["status"]) == 2
