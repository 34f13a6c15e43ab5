"""Writes an OpenCPS-like record as a unit's system says it to the national portal: DongBoHoSoMC and CapNhatTienDoHoSoMC.

It shares nothing with the hub or with the checker: contracts.md 1.2 to 1.6 was read by a person. A field that the unit does not
know is "" or []; the names of the procedure come from the portal's own catalogue, so they are put in when that was asked.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

Packet = dict[str, Any]

_STATES = {
    "receiving": "1", "new": "2", "denied": "3", "processing": "4", "procesing": "4", "waiting": "5", "paying": "6",
    "cancelled": "7", "unresolved": "8", "releasing": "9", "done": "10",
}  # fmt: skip
_NATIONAL = re.compile(r"[0-9]\.[0-9]{6}(?=\.|$)")
_LONGEST = 1000


def can_tell(record: Mapping[str, Any]) -> bool:
    """Whether the unit knows all that the portal requires: a dossier code, a national code of the procedure, and an owner whose
    paper the portal has a code for."""
    citizen = record["applicantIdType"] == "citizen" and re.fullmatch("[0-9]{12}", record["applicantIdNo"])
    return bool(record["dossierNo"] and citizen and _NATIONAL.match(record["serviceCode"]))


def dossier_packet(record: Mapping[str, Any]) -> Packet:
    """One item of ``data`` of DongBoHoSoMC, but for TenTTHC, MaLinhVuc and TenLinhVuc."""
    files = record.get("files", ())
    note = record["briefNote"] or record["dossierNote"]
    denied = record["dossierStatus"] == "denied"
    procedure = _NATIONAL.match(record["serviceCode"])
    assert procedure is not None
    return {
        "MaHoSo": record["dossierNo"],
        "MaTTHC": procedure[0],
        "KenhThucHien": "2" if record["online"] == "true" else "3" if record["fromViaPostal"] else "1",
        "SoBienNhan": "",
        "ChuHoSo": record["applicantName"],
        "LoaiDoiTuong": "1",
        "MaDoiTuong": "",
        "ThongTinKhac": "",
        "Email": record["contactEmail"],
        "Fax": "",
        "SoDienThoai": record["contactTelNo"],
        "TrichYeuHoSo": note if len(note) <= _LONGEST else note[: _LONGEST - 5] + "...",
        "NgayTiepNhan": _stamp(record["receiveDate"]),
        "NgayHenTra": _stamp(record["dueDate"]),
        "TrangThaiHoSo": _STATES[record["dossierStatus"]],
        "NgayTra": _stamp(record.get("finishDate")),
        "ThongTinTra": "",
        "HinhThuc": "0" if record["viaPostal"] in ("0", "1") else "1",
        "NgayKetThucXuLy": _stamp(record.get("releaseDate")),
        "DonViXuLy": record["govAgencyName"],
        "GhiChu": record["applicantNote"],
        "NoiNopHoSo": "2",
        "HoSoCoThanhPhanSoHoa": "1" if files else "0",
        "TaiKhoanDuocXacThucVoiVNeID": "0",
        "DuocThanhToanTrucTuyen": "0",
        "NgayTuChoi": _stamp(record["lastActionDate"]) if denied else "",
        "NgayNopHoSo": _stamp(record["submitDate"]),
        "SoGiayToChuHoSo": record["applicantIdNo"],
        "DinhDanhCHS": [{"LoaiDinhDanh": "1", "SoDinhDanh": record["applicantIdNo"]}],
        "DSKetNoiCSDL": [],
        "TaiLieuNop": [_paper(file) for file in files if file["dossierPartType"] == 1],
        "DanhSachLePhi": [],
        "DanhSachTepDinhKemKhac": [],
        "DanhSachHoSoBoSung": [],
        "DanhSachGiayToKetQua": [_result(file) for file in files if file["dossierPartType"] == 2],
    }


def step_packet(record: Mapping[str, Any]) -> Packet:
    """One item of ``data`` of CapNhatTienDoHoSoMC."""
    return {
        "MaHoSo": record["dossierNo"],
        "NguoiXuLy": record["lastActionUser"],
        "ChucDanh": "",
        "ThoiDiemXuLy": _stamp(record["lastActionDate"]),
        "PhongBanXuLy": record["govAgencyName"],
        "NoiDungXuLy": record["lastActionNote"] or record["lastActionName"],
        "TrangThai": _STATES[record["dossierStatus"]],
        "NgayBatDau": "",
        "NgayKetThucTheoQuyDinh": _stamp(record["stepDuedate"]),
    }


def dossier_call(packet: Packet, *, updating: bool) -> bytes:
    """DongBoHoSoMC, but for what signs it."""
    return _call({"service": "DongBoHoSoMC", "isUpdating": "True" if updating else "False", "data": [packet]})


def steps_call(*packets: Packet) -> bytes:
    """CapNhatTienDoHoSoMC, but for what signs it."""
    return _call({"service": "CapNhatTienDoHoSoMC", "data": packets})


def _call(said: Mapping[str, Any]) -> bytes:
    return json.dumps(said, ensure_ascii=False).encode()


def _paper(file: Mapping[str, Any]) -> dict[str, str]:
    return {
        "TepDinhKemId": str(file["dossierFileId"]),
        "TenTepDinhKem": file["displayName"],
        "IsDeleted": "False",
        "MaThanhPhanHoSo": file["dossierPartNo"],
        "DuongDanTaiTepTin": f"https://hoso.example.vn/tep/{file['dossierFileId']}",
        "DuocSoHoa": "1",
    }


def _result(file: Mapping[str, Any]) -> dict[str, str]:
    return {
        "TenGiayTo": file["displayName"],
        "MaThanhPhanHoSo": file["dossierPartNo"],
        "GiayToId": str(file["dossierFileId"]),
        "DuongDanTepTinKetQua": f"https://hoso.example.vn/tep/{file['dossierFileId']}",
    }


def _stamp(text: str | None) -> str:
    """dd/MM/yyyy HH:mm:ss as yyyyMMddHHmmss, which it may be already."""
    found = re.fullmatch(r"(\d\d)/(\d\d)/(\d{4}) (\d\d):(\d\d):(\d\d)", text or "")
    return "".join(found.group(3, 2, 1, 4, 5, 6)) if found else text or ""
