"""Writes an OpenCPS-like record as an older one-stop system says it over SOAP 1.1: strings put together by hand.

It shares nothing with the hub or with the checker: the WSDL that the hub hands out was read by a person. A record is two
envelopes, its state (SubmitDossier) and its last step (ReportProgress). What the record does not know has no element.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from xml.sax.saxutils import escape, quoteattr

SPACE = "urn:one-stop:dossiers:1"
SENDER = "older-one-stop"
OWN_KEY = "{key}"
"""Stands for the system's key, the password in each envelope."""
_WSS = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-"
_HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/">'
    f'<soapenv:Header><wsse:Security soapenv:mustUnderstand="1" xmlns:wsse="{_WSS}wssecurity-secext-1.0.xsd">'
    f"<wsse:UsernameToken><wsse:Username>{SENDER}</wsse:Username>"
    f'<wsse:Password Type="{_WSS}username-token-profile-1.0#PasswordText">{OWN_KEY}</wsse:Password>'
    "</wsse:UsernameToken></wsse:Security></soapenv:Header><soapenv:Body>"
)
_TAIL = "</soapenv:Body></soapenv:Envelope>"
_STATES = {
    "receiving": "MoiNop", "new": "DaTiepNhan", "denied": "KhongTiepNhan", "processing": "DangXuLy", "procesing": "DangXuLy",
    "waiting": "ChoBoSung", "paying": "ChoNopPhi", "cancelled": "CongDanRut", "unresolved": "DungXuLy", "releasing": "DaXong",
    "done": "DaTraKetQua",
}  # fmt: skip
_NATIONAL = re.compile(r"[0-9]\.[0-9]{6}(?=\.|$)")


def procedure(record: Mapping[str, Any]) -> str:
    """The national code of the record's service; "" when the local one does not begin with it: this system cannot tell it."""
    found = _NATIONAL.match(record["serviceCode"])
    return found[0] if found else ""


def state_envelope(record: Mapping[str, Any], request_id: str) -> bytes:
    """SubmitDossier: the record's whole state."""
    citizen = record["applicantIdType"] == "citizen"
    owner = _leaf("HoTen", record["applicantName"])
    owner += _leaf("SoGiayTo", record["applicantIdNo"], loai="CCCD" if citizen else "MST")
    owner += _leaf("DienThoai", record["contactTelNo"]) + _leaf("Email", record["contactEmail"])
    channel = "TrucTuyen" if record["online"] == "true" else "BuuChinh" if record["fromViaPostal"] else "TrucTiep"
    by_post = record["viaPostal"] not in ("0", "1")
    parts = (
        _leaf("SoHoSo", record["dossierNo"]),
        _leaf("MaThuTuc", procedure(record)),
        _leaf("TenThuTuc", record["serviceName"]),
        _node("ChuHoSo", owner, loai="CaNhan" if citizen else "DoanhNghiep"),
        _leaf("KenhTiepNhan", channel),
        _leaf("NgayNop", _stamp(record["submitDate"])),
        _leaf("NgayTiepNhan", _stamp(record.get("receiveDate"))),
        _leaf("NgayHenTra", _stamp(record["dueDate"])),
        _leaf("NgayTra", _stamp(record.get("finishDate"))),
        _leaf("TrangThai", _STATES[record["dossierStatus"]]),
        _leaf("TrichYeu", record["briefNote"] or record["dossierNote"]),
        _leaf("HinhThucTra", "BuuChinh" if by_post else "TaiQuay"),
        _leaf("DonViXuLy", record["govAgencyName"], ma=record["govAgencyCode"]),
        _leaf("GhiChu", record["dossierNote"]),
        _leaf("CapNhatLuc", _moment(record["modifiedDate"])),
        *(_paper(file) for file in record.get("files", ())),
    )
    return _envelope("SubmitDossier", request_id, _node("HoSo", "".join(parts), id=record["referenceUid"]))


def step_envelope(record: Mapping[str, Any], request_id: str) -> bytes:
    """ReportProgress: the record's last action."""
    parts = (
        _leaf("SoHoSo", record["dossierNo"]) or _node("SoHoSo", ""),  # empty says that there is none yet
        _leaf("NguoiXuLy", record["lastActionUser"]),
        _leaf("NoiDung", record["lastActionNote"] or record["lastActionName"]),
        _leaf("TrangThai", _STATES[record["dossierStatus"]]),
        _leaf("ThoiDiem", _moment(record["lastActionDate"])),
        _leaf("HanXuLy", _stamp(record["stepDuedate"])),
    )
    step = _node("TienDo", "".join(parts), hoSo=record["referenceUid"], id=record["dossierActionId"])
    return _envelope("ReportProgress", request_id, step)


def _paper(file: Mapping[str, Any]) -> str:
    names = _leaf("TenTep", file["displayName"]) + _leaf("MaThanhPhan", file["dossierPartNo"])
    return _node("TepDinhKem", names, id=file["dossierFileId"], loai="KetQua" if file["dossierPartType"] == 2 else "GiayToNop")


def _envelope(operation: str, request_id: str, content: str) -> bytes:
    message = f'<{operation} xmlns="{SPACE}"><RequestId>{request_id}</RequestId>{content}</{operation}>'
    return f"{_HEAD}{message}{_TAIL}".encode()


def _leaf(name: str, text: str, **attributes: Any) -> str:
    return _node(name, escape(text), **attributes) if text else ""


def _node(name: str, content: str, **attributes: Any) -> str:
    marks = "".join(f" {key}={quoteattr(str(value))}" for key, value in attributes.items())
    return f"<{name}{marks}>{content}</{name}>"


def _stamp(text: str | None) -> str:
    """dd/MM/yyyy HH:mm:ss as yyyyMMddHHmmss, which it may be already."""
    found = re.fullmatch(r"(\d\d)/(\d\d)/(\d{4}) (\d\d):(\d\d):(\d\d)", text or "")
    return "".join(found.group(3, 2, 1, 4, 5, 6)) if found else text or ""


def _moment(text: str) -> str:
    """The same with Vietnam's offset."""
    return re.sub(r"(\d\d)/(\d\d)/(\d{4}) (.*)", r"\3-\2-\1T\4+07:00", text)
