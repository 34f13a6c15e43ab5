"""The ministry's portal as the conformance suite tries it: its simulator, settings that reach it, and a message to send."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from connectors.ministry_portal.simulator import MinistryPortalSimulator
from connectors.ministry_portal.simulator_config import MinistryPortalSimulatorConfig
from connectors.ministry_portal.simulator_feed import either
from connectors.ministry_portal.simulator_state import Effect
from hub.testing.simulator import Simulator
from hub.testing.specimen import Push, Sample, Specimen

_NAME, _NUMBER, _PHONE, _EMAIL = "Trần Thị Canary", "001099123456", "0912345678", "ca@nary.vn"
_SECRET = "bi-mat-mo-phong"

DOSSIER: dict[str, Any] = {
    "MaTTHC": "1.005129",
    "ChuHoSo": _NAME,
    "LoaiDoiTuong": 0,
    "MaDonViTiepNhan": "G09.20",
    "NgayNop": "2026-11-21 07:45:00",
    "NgayTiepNhan": "2026-11-21 08:00:00",
    "ThanhPhanHoSo": [
        {"MaThanhPhanHoSo": "TP1", "TenThanhPhanHoSo": "Tờ khai", "SoLuong": 1, "LoaiBan": 0, "GiayToDinhKem": []}
    ],
    "ThongTinNguoiNop": {
        "LoaiDoiTuong": 0,
        "ThongTinChiTiet": {
            "TenNguoiNop": _NAME,
            "SoDinhDanh": _NUMBER,
            "NgaySinh": "19900517000000",
            "SoDienThoai": _PHONE,
            "Email": _EMAIL,
        },
    },
}
"""An object that NoiHoSo takes, with a person in it."""


_OWN, _OTHER = "G09.20-261121-0001", "G09.20-261121-0002"
_FED: tuple[dict[str, Any], ...] = (
    {
        "IdBanTin": "bt-1", "MaHoSo": _OWN, "MaTTHC": "1.005129", "TrangThai": "2", "NgayCapNhat": "2026-11-21 08:00:00",
        "ChuHoSo": _NAME, "SoDinhDanhChuHs": _NUMBER,
        "TienTrinh": [{"NguoiXuLy": _NAME, "ThoiDiemXuLy": "2026-11-21 08:05:00", "NoiDungXuLy": "Duyệt", "TrangThai": "4"}],
    },
    {"maHoSo": _OTHER, "maTTHC": "1.005129", "trangThai": "1", "ngayCapNhat": "2026-11-21T09:10:11.500", "chuHoSo": _NAME},
    {
        "IdBanTin": "bt-3", "MaHoSo": _OWN, "MaTTHC": "1.005129", "TrangThai": "9", "NgayCapNhat": "2026-11-22 10:00:00",
        "ChuHoSo": _NAME,
        "DanhSachGiayToKetQua": [
            {"TenGiayTo": "Giấy phép", "MaGiayToKetQua": "KQ-1", "DuongDanTepTinKetQua": "http://ministry.invalid/files/kq-1"}
        ],
    },
)  # fmt: skip
"""What the feed tells, two items on a page: a dossier with a step, one in the other case of names, the first one's result."""


def specimen() -> Specimen:
    """The simulator as it comes, and the creation of a dossier: steps and states need a code that was issued there. Its feed
    tells of two dossiers, and the same is pushed."""
    return Specimen(
        simulator=_simulator,
        settings=_settings,
        samples=(Sample("ministry-dossier@1.0.0", DOSSIER, full_state=True),),
        personal=(_NAME, _NUMBER, _PHONE, _EMAIL),
        effect=_changed_a_dossier,
        arrivals=len(_FED) + 1,
        pushes=(
            Push("/ministry/feed", "ministry", lambda key: list(_FED[:2])),
            Push("/ministry/feed", "ministry", lambda key: _FED[2]),
        ),
    )


def _changed_a_dossier(call: Mapping[str, Any]) -> bool:
    """A code that was issued and never used, a file that nothing names: neither is an effect on any dossier."""
    return bool(call["effect"]) and call["service"] not in ("GetNextValue", "UploadFile")


def _simulator(folder: Path) -> Simulator[Any]:
    config = MinistryPortalSimulatorConfig(client_secret=_SECRET, next_value_by="post", feed_most=2)
    portal = MinistryPortalSimulator(config, folder / "ministry.jsonl")
    portal.memory.commit([Effect("fed", str(either(item, "MaHoSo")), item) for item in _FED])
    return portal


def _settings(url: str, folder: Path) -> Mapping[str, Any]:
    return {
        "base_url": url,
        "client_id": "simulated",
        "client_secret": _SECRET,
        "agency": "G09.20",
        "next_value_by": "post",
        "feed": {"path": "/feed", "every_seconds": 0.1},
        "push": {"accounts": {"ministry": {"sender": "ministry"}}},
    }
