"""How the connector of the national portal is put to the test: a new dossier, a later state of it, steps of
its progress; calls at its door, and a dossier that a citizen files."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from connectors.national_portal.simulator import PortalSimulator
from connectors.national_portal.simulator_config import PortalSimulatorConfig
from hub.testing.specimen import Push, Sample, SignIn, Specimen

_CODE = "000.00.10.H22-261121-0001"
_NAME, _NUMBER, _PHONE, _MAIL = "Trần Thị Mẫu Thử", "001099123456", "0912345678", "mau.thu@example.vn"
_PASSWORD = "mat-khau-mau-thu"
_DOOR = "/door"
_SIGN_IN = SignIn(f"{_DOOR}/mapi/login", lambda key: {"username": "unit", "password": key}, "session")
_FILED = {
    "MaHoSo": _CODE, "MaTTHC": "1.001193", "LoaiDoiTuong": "1", "ChuHoSo": _NAME, "NgayNopHoSo": "20261121075500",
    "SoDienThoai": _PHONE, "Email": _MAIL,
}  # fmt: skip


def specimen() -> Specimen:
    """A portal that quotes what it refuses, and shows whole dossiers when asked."""
    return Specimen(
        simulator=_portal,
        settings=_settings,
        samples=(
            Sample("npsp-dossier@1.0.0", _dossier("2"), {"national": _CODE}, full_state=True),
            Sample("npsp-dossier@1.0.0", _dossier("4"), {"national": _CODE}, full_state=True),
            Sample("npsp-progress@1.0.0", {"data": [_step(number) for number in range(3)]}, {"national": _CODE}),
        ),
        personal=(_NAME, _NUMBER, _PHONE, _MAIL),
        pushes=(
            Push("/in/nhanhsdvcqg", "portal", lambda key: _FILED),
            Push(f"{_DOOR}/mapi/g", "one-stop", _sent_on, sign_in=_SIGN_IN, headers=lambda _: {}, taken=_is_done),
            Push(
                "/array/CapNhatTienDoHoSoMC?MaDinhDanhDV=000.00.00.H22", "one-stop", lambda key: [_step(0)],
                headers=_basic, taken=_is_done,
            ),
        ),
    )  # fmt: skip


def _portal(folder: Path) -> PortalSimulator:
    config = PortalSimulatorConfig(password=_PASSWORD, quote_values=True, search_result="full")
    return PortalSimulator(config, folder / "portal.jsonl")


def _settings(url: str, folder: Path) -> Mapping[str, Any]:
    account = {"username": "simulated", "password": _PASSWORD, "madonvi": "000.00.00.H22"}
    door = {
        "paths": [_DOOR], "array_path": "/array", "accounts": {"unit": {"sender": "one-stop", "madonvi": ["000.00.00.H22"]}},
        "catalogues": {"folder": folder / "catalogues"},
    }  # fmt: skip
    inbound = {"paths": ["/in/nhanhsdvcqg"], "accounts": {"portal": {"sender": "portal"}}}
    return {
        "adapter_url": f"{url}/XrdAdapter/RestService/forward", **account, "chunk": 2, "door": door, "inbound": inbound,
    }  # fmt: skip


def _sent_on(session: str) -> dict[str, Any]:
    call = {"session": session, "service": "DongBoHoSoMC", "madonvi": "000.00.00.H22", "isUpdating": "True"}
    return {**call, "data": [_dossier("2")]}


def _basic(key: str) -> Mapping[str, str]:
    return {"Authorization": f"Basic {b64encode(f'unit:{key}'.encode()).decode()}"} if key else {}


def _is_done(status: int, answer: bytes) -> bool:
    return status == 200 and orjson.loads(answer)["error_code"] == 0


def _dossier(state: str) -> dict[str, Any]:
    return {
        "MaHoSo": _CODE,
        "MaTTHC": "1.001193",
        "TenTTHC": "Đăng ký khai sinh",
        "MaLinhVuc": "G15-HT01",
        "TenLinhVuc": "Hộ tịch",
        "KenhThucHien": "1",
        "ChuHoSo": _NAME,
        "LoaiDoiTuong": "1",
        "Email": _MAIL,
        "SoDienThoai": _PHONE,
        "TrichYeuHoSo": "Đăng ký khai sinh",
        "NgayTiepNhan": "20261121080000",
        "NgayHenTra": "",
        "TrangThaiHoSo": state,
        "HinhThuc": "0",
        "DonViXuLy": "Ủy ban nhân dân xã",
        "NoiNopHoSo": "2",
        "HoSoCoThanhPhanSoHoa": "0",
        "TaiKhoanDuocXacThucVoiVNeID": "0",
        "DuocThanhToanTrucTuyen": "0",
        "NgayNopHoSo": "20261121075500",
        "SoGiayToChuHoSo": _NUMBER,
        "DinhDanhCHS": [{"LoaiDinhDanh": "1", "SoDinhDanh": _NUMBER}],
        "DSKetNoiCSDL": [],
    }


def _step(number: int) -> dict[str, Any]:
    return {
        "MaHoSo": _CODE, "NguoiXuLy": _NAME, "ThoiDiemXuLy": f"20261121{number:02}0000",
        "NoiDungXuLy": f"Bước {number}", "TrangThai": "4",
    }  # fmt: skip
