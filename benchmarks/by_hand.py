"""The twin of mappings/bench-record-to-dossier by hand, as plain Python. FROZEN: a yardstick that moves measures nothing.

It takes a record that fits its schema, raises KeyError for a code without a row and ValueError for what is missing or
cannot be read, and gives exactly what the mapping gives (tests/bench compares them). It collects no problems and names
no file and line: that is what the mapping's extra time buys.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

_STATES = {
    ("MOI", ""): "submitted",
    ("MOI", "CHO_BO_SUNG"): "supplement_requested",
    ("DANG_XU_LY", ""): "processing",
    ("DANG_XU_LY", "CHO_THANH_TOAN"): "payment_requested",
    ("CO_KET_QUA", ""): "decided",
    ("DA_TRA", ""): "returned",
    ("TU_CHOI", ""): "refused",
}
_HANDED_IN = {"TRUC_TIEP": "in_person", "BUU_DIEN": "post"}
_DELIVERY = {"0": "at_counter", "1": "by_post"}
_PROCEDURES = {"KS01": "1.001193", "KH01": "1.000894", "KT01": "1.000656", "CT02": "2.000815", "DD07": "1.004227"}
_LEVELS = {"TINH": "province", "XA": "commune"}
_OWNER_KINDS = {"CN": "citizen", "DN": "enterprise"}
_SEXES = {"NAM": "male", "NU": "female"}
_PAPER_KINDS = {"CCCD": "citizen_card", "CMND": "old_identity_card", "HC": "passport"}
_BOOLEANS = {"true": True, "false": False, "1": True, "0": False}
_NOTHING: dict[str, Any] = {}


def by_hand(record: dict[str, Any]) -> dict[str, Any]:
    """One bench-record as a bench-dossier. Raises KeyError, ValueError."""
    dossier = record["HoSo"]
    procedure = record.get("ThuTuc", _NOTHING)
    field = procedure.get("LinhVuc", _NOTHING)
    unit = record.get("CoQuan", _NOTHING)
    work = record.get("XuLy", _NOTHING)
    officer, step = work.get("CanBo", _NOTHING), work.get("Buoc", _NOTHING)
    papers = record.get("TaiLieu")
    if papers is None:
        raise ValueError("TaiLieu is missing")
    out: dict[str, Any] = {
        "code": _must(dossier, "SoHoSo").strip().upper(),
        "state": _STATES[dossier.get("TrangThai", ""), dossier.get("TrangThaiCon", "")],
        "channel": "online" if dossier.get("TrucTuyen") == "true" else _HANDED_IN[_must(dossier, "CachNop")],
        "modified_at": _moment(_must(dossier, "NgaySua")),
        "submitted_at": _moment(_must(dossier, "NgayNop")),
        "abstract": " ".join((dossier.get("TrichYeu") or _must(dossier, "GhiChu")).split()),
        "copies": _integer(dossier.get("SoBan") or 1),
        "urgent": _boolean(dossier.get("Khan") or False),
        "result_delivery": _DELIVERY[_must(dossier, "HinhThucTra")],
        "procedure": {
            "code": _PROCEDURES[_must(procedure, "Ma")],
            "name": " ".join(_must(procedure, "Ten").split()),
            "field_code": _must(field, "Ma").upper(),
        },
        "unit": {"code": _must(unit, "Ma").strip(), "name": _must(unit, "Ten"), "level": _LEVELS[_must(unit, "Cap")]},
        "owner": _owner(record.get("NguoiNop", _NOTHING), record.get("ToChuc", _NOTHING)),
        "officer": {"code": str(_must(officer, "Ma")), "name": _must(officer, "Ten")},
        "step": {"code": _must(step, "Ma"), "name": _must(step, "Ten")},
        "documents": [_document(one) for one in papers if one.get("Loai") != "KET_QUA"],
        "results": [_result(one) for one in papers if one.get("Loai") == "KET_QUA"],
    }
    if number := dossier.get("SoBienNhan"):
        out["receipt_number"] = number.strip()
    if received := dossier.get("NgayTiepNhan"):
        out["received_at"] = _moment(received)
    if due := dossier.get("NgayHenTra"):
        out["due_at"] = _compact_moment(due) if len(due) == 14 else _moment(due)
    if finished := dossier.get("NgayKetThuc"):
        out["finished_at"] = _moment(finished)
    if returned := dossier.get("NgayTra"):
        out["returned_at"] = _moment(returned)
    if note := dossier.get("GhiChu"):
        out["note"] = note
    if name := field.get("Ten"):
        out["procedure"]["field_name"] = name
    if due := step.get("HanXuLy"):
        out["step"]["due_at"] = _moment(due)
    if agent := _agent(record.get("UyQuyen", _NOTHING)):
        out["agent"] = agent
    if fees := record.get("PhiLePhi"):
        out["fees"] = [_fee(one) for one in fees]
    elif fees is not None:
        out["fees"] = []
    return out


def _owner(person: dict[str, Any], organisation: dict[str, Any]) -> dict[str, Any]:
    home = person.get("DiaChi", _NOTHING)
    kind = _must(person, "Loai")
    owner = {
        "kind": _OWNER_KINDS[kind],
        "name": _joined(" ", (person.get("Ho"), person.get("TenDem"), person.get("Ten"))),
        "id_number": _must(person, "SoGiayTo").strip(),
        "address": _joined(", ", (home.get("So"), home.get("Duong"), home.get("Xa"), home.get("Tinh"))),
        "ward_code": _must(home, "MaXa").rjust(5, "0"),
        "province_code": _must(home, "MaTinh").rjust(2, "0"),
    }
    if born := person.get("NgaySinh"):
        owner["birth_date"] = _day(born)
    if sex := person.get("GioiTinh"):
        owner["sex"] = _SEXES[sex]
    if paper := person.get("LoaiGiayTo"):
        owner["id_kind"] = _PAPER_KINDS[paper]
    if issued := person.get("NgayCap"):
        owner["id_issued_on"] = _day(issued)
    if phone := person.get("DienThoai"):
        owner["phone"] = phone.strip().replace(" ", "")
    if email := person.get("Email"):
        owner["email"] = email.strip().lower()
    if kind == "DN":
        owner["tax_number"] = _must(organisation, "MaSoThue").strip()
    if name := organisation.get("Ten"):
        owner["organisation"] = " ".join(name.split())
    return owner


def _agent(person: dict[str, Any]) -> dict[str, Any]:
    agent = {}
    if name := person.get("HoTen"):
        agent["name"] = " ".join(name.split())
    if number := person.get("SoGiayTo"):
        agent["id_number"] = number.strip()
    if phone := person.get("DienThoai"):
        agent["phone"] = phone.strip()
    if email := person.get("Email"):
        agent["email"] = email.strip().lower()
    return agent


def _document(paper: dict[str, Any]) -> dict[str, Any]:
    document = {
        "id": str(_must(paper, "Id")),
        "name": paper.get("TenHienThi") or _must(paper, "TenTep"),
        "size": _integer(_must(paper, "KichThuoc")),
        "created_at": _moment(_must(paper, "NgayTao")),
        "deleted": _boolean(paper.get("DaXoa") or False),
    }
    if component := paper.get("MaThanhPhan"):
        document["component_code"] = component.upper()
    if url := paper.get("DuongDan"):
        document["url"] = url
    return document


def _result(paper: dict[str, Any]) -> dict[str, Any]:
    result = {"id": str(_must(paper, "Id")), "name": paper.get("TenHienThi") or _must(paper, "TenTep")}
    if url := paper.get("DuongDan"):
        result["url"] = url
    return result


def _fee(fee: dict[str, Any]) -> dict[str, Any]:
    return {
        "code": _must(fee, "Ma").strip(),
        "name": " ".join(_must(fee, "Ten").split()),
        "amount": _integer(_must(fee, "SoTien")),
        "paid": _boolean(fee.get("DaThu") or False),
    }


def _must(source: dict[str, Any], name: str) -> Any:
    value = source.get(name)
    if value is None or value == "":
        raise ValueError(f"{name} is missing")
    return value


def _joined(between: str, parts: tuple[str | None, ...]) -> str:
    joined = between.join([part for part in parts if part])
    if not joined:
        raise ValueError("every part is missing")
    return joined


def _moment(text: str) -> str:
    """``dd/MM/yyyy HH:mm:ss`` in Vietnam, where the offset has been the same since 1975."""
    if len(text) != 19 or text[2] != "/" or text[5] != "/" or text[10] != " ":
        raise ValueError("not a date of the form dd/MM/yyyy HH:mm:ss")
    moment = f"{text[6:10]}-{text[3:5]}-{text[:2]}T{text[11:]}+07:00"
    datetime.fromisoformat(moment)
    return moment


def _compact_moment(text: str) -> str:
    """``yyyyMMddHHmmss``."""
    moment = f"{text[:4]}-{text[4:6]}-{text[6:8]}T{text[8:10]}:{text[10:12]}:{text[12:]}+07:00"
    datetime.fromisoformat(moment)
    return moment


def _day(text: str) -> str:
    """``dd/MM/yyyy``, as the moment at which that day begins."""
    if len(text) != 10 or text[2] != "/" or text[5] != "/":
        raise ValueError("not a date of the form dd/MM/yyyy")
    moment = f"{text[6:]}-{text[3:5]}-{text[:2]}T00:00:00+07:00"
    datetime.fromisoformat(moment)
    return moment


def _integer(value: Any) -> int:
    return value if type(value) is int else int(value)


def _boolean(value: Any) -> bool:
    return value if type(value) is bool else _BOOLEANS[str(value).lower()]
