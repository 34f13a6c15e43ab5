"""The ministry's portal as the conformance suite tries it: its simulator, settings that reach it, and a message to send."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from connectors.ministry_portal.simulator import MinistryPortalSimulator
from connectors.ministry_portal.simulator_config import MinistryPortalSimulatorConfig
from hub.testing.simulator import Simulator
from hub.testing.specimen import Sample, Specimen

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


def specimen() -> Specimen:
    """The simulator as it comes, and the creation of a dossier: steps and states need a code that was issued there."""
    return Specimen(
        simulator=_simulator,
        settings=_settings,
        samples=(Sample("ministry-dossier@1.0.0", DOSSIER, full_state=True),),
        personal=(_NAME, _NUMBER, _PHONE, _EMAIL),
        effect=_changed_a_dossier,
    )


def _changed_a_dossier(call: Mapping[str, Any]) -> bool:
    """A code that was issued and never used, a file that nothing names: neither is an effect on any dossier."""
    return bool(call["effect"]) and call["service"] not in ("GetNextValue", "UploadFile")


def _simulator(folder: Path) -> Simulator[Any]:
    config = MinistryPortalSimulatorConfig(client_secret=_SECRET, next_value_by="post")
    return MinistryPortalSimulator(config, folder / "ministry.jsonl")


def _settings(url: str, folder: Path) -> Mapping[str, Any]:
    return {
        "base_url": url,
        "client_id": "simulated",
        "client_secret": _SECRET,
        "agency": "G09.20",
        "next_value_by": "post",
        "feed": {"path": "/feed", "every_seconds": 0.1, "folder": folder / "feeds"},
        "push": {"accounts": {"ministry": {"sender": "ministry"}}},
    }
