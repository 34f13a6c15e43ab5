"""Says what the national portal must hold for one OpenCPS record: the second opinion by which the demo is judged.

Written from the contracts alone (contracts.md 1.4 to 1.6 and 13), without sight of the mappings or of the connector, and
sharing no code with them. Plain data in, plain data out. Every value on the wire is a string, every date is local time as
``yyyyMMddHHmmss``; a field that the source does not know must be absent, ``""`` or ``[]``: anything else is invented.

Fixed by the contract: code, procedure, state, channel, kind of applicant, way of return, and which files are listed where
(see ``expected_dossier``); MaTTHC and TrangThaiHoSo come from the unit's tables, names of procedures and fields from the
portal's own catalogue. An abstract beyond 1000 characters is its first 997 and "...". DinhDanhCHS holds a citizen's number
only: type "1" with 12 digits, "2" with 9, otherwise no entry.

Choices: where the contract leaves room, ``DEFAULT_CHOICES`` names the source fields of a wire field; the first that is not
empty wins, an empty tuple means that the field must be absent. A caller passes other sources for single fields. A field in
neither list (Fax, SoBienNhan, NoiNopHoSo, the download addresses ...) is one that the source does not know. DSKetNoiCSDL is
no field of a source at all: the caller knows which databases were consulted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml

Choices = Mapping[str, tuple[str, ...]]

DEFAULT_CHOICES: Choices = MappingProxyType(
    {
        "ChuHoSo": ("contactName",),  # contracts.md 13; the person of SoGiayToChuHoSo would be applicantName
        "SoGiayToChuHoSo": ("applicantIdNo",),
        "DinhDanhCHS": ("applicantIdNo",),
        "Email": ("contactEmail",),
        "SoDienThoai": ("contactTelNo",),
        "TrichYeuHoSo": ("briefNote", "dossierNote"),  # the short text before the long one
        "GhiChu": (),  # not among what contracts.md 13 says is sent
        "ThongTinKhac": (),
        "ThongTinTra": (),
        "DonViXuLy": ("govAgencyName",),
        "NgayNopHoSo": ("submitDate",),
        "NgayTiepNhan": ("receiveDate",),
        "NgayHenTra": ("dueDate",),
        "NgayKetThucXuLy": ("releaseDate",),
        "NgayTra": ("finishDate",),
        "NgayTuChoi": (),  # OpenCPS has no date of refusal; a source named here counts in state 3 only
        "HoSoCoThanhPhanSoHoa": (),  # ("files",): "1" with a component file, "0" with a list of files without one
        "TaiLieuNop.TepDinhKemId": ("dossierFileId",),
        "TaiLieuNop.TenTepDinhKem": ("displayName",),
        "TaiLieuNop.MaThanhPhanHoSo": ("dossierPartNo",),  # contracts.md 13: always empty is an oddity, not to repeat
        "TaiLieuNop.DuocSoHoa": (),
        "DanhSachGiayToKetQua.GiayToId": ("dossierFileId",),
        "DanhSachGiayToKetQua.TenGiayTo": ("displayName",),
        "DanhSachGiayToKetQua.MaThanhPhanHoSo": ("dossierPartNo",),
        "DanhSachGiayToKetQua.MaGiayToKetQua": (),
        "progress.NguoiXuLy": ("lastActionUser",),
        "progress.ChucDanh": (),
        "progress.ThoiDiemXuLy": ("lastActionDate",),
        "progress.PhongBanXuLy": (),
        "progress.NoiDungXuLy": ("lastActionNote", "lastActionName"),  # required at the portal, and the note may be empty
        "progress.NgayBatDau": (),
        "progress.NgayKetThucTheoQuyDinh": ("stepDuedate",),
    }
)

_NUMBERS = {
    "new": "1", "received": "2", "refused": "3", "processing": "4", "supplement_requested": "5", "payment_requested": "6",
    "withdrawn": "7", "stopped": "8", "done": "9", "returned": "10",
}  # fmt: skip
_FORMATS = ((re.compile(r"\d{2}/\d{2}/\d{4} \d{2}:\d{2}:\d{2}"), "%d/%m/%Y %H:%M:%S"), (re.compile(r"\d{14}"), "%Y%m%d%H%M%S"))
_ABSTRACT_LIMIT = 1000
_NOTHING: tuple[Any, ...] = ("", [], {})
_LOOKS_DONE = "9"
_NOT_DONE = ("5", "6", "8")


class NotAgreed(Exception):
    """Nobody agreed what this record means at the portal: ``field`` has no row, or no readable value."""

    def __init__(self, field: str) -> None:
        super().__init__(f"{field} has no agreed meaning")
        self.field = field


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The facts of configuration: the unit's tables and the portal's procedures.

    ``services``: serviceCode → mã TTHC; ``states``: (dossierStatus, dossierSubStatus) → TrangThaiHoSo "1" to "10";
    ``procedures``: mã TTHC → TenTTHC, MaLinhVuc, TenLinhVuc.
    """

    services: Mapping[str, str]
    states: Mapping[tuple[str, str], str]
    procedures: Mapping[str, tuple[str, str, str]]

    @classmethod
    def load(cls, tables: Sequence[Path], procedures: Iterable[Mapping[str, Any]]) -> Catalogue:
        """``tables``: folders holding ``opencps-states/`` and ``opencps-services/``, of which the newest version counts;
        ``procedures``: the portal's own LayThuTuc objects (contracts.md 1.3). Raises ValueError for an unusable table."""
        states = {(status, sub): name for status, sub, name in _rows(tables, "opencps-states", 3)}
        if unknown := sorted(set(states.values()) - _NUMBERS.keys()):
            raise ValueError(f"opencps-states has states that contracts.md 1.6 does not number: {unknown}")
        return cls(
            {code: national for code, national in _rows(tables, "opencps-services", 2)},
            {pair: _NUMBERS[name] for pair, name in states.items()},
            {
                one["MATTHC"]: (one["TENTTHC"], one["LINHVUCTHUCHIEN"][0]["MALINHVUC"], one["LINHVUCTHUCHIEN"][0]["TENLINHVUC"])
                for one in procedures
            },
        )


def _rows(folders: Sequence[Path], table: str, width: int) -> list[list[str]]:
    found = {path.stem: path for folder in reversed(folders) for path in (folder / table).glob("*.yaml")}
    if not found:
        raise ValueError(f"no version of table {table} in {', '.join(map(str, folders))}")
    newest = found[max(found, key=lambda version: [int(part) for part in version.split(".")])]
    rows = yaml.load(newest.read_text("utf-8"), Loader=yaml.BaseLoader)["rows"]  # every scalar stays text
    if not all(len(row) == width for row in rows):
        raise ValueError(f"{newest}: every row needs {width} columns")
    return [list(row) for row in rows]


def settled(choices: Choices) -> dict[str, tuple[str, ...]]:
    """The defaults with ``choices`` over them. Raises ValueError for a field in which nobody has a choice."""
    if unknown := sorted(choices.keys() - DEFAULT_CHOICES.keys()):
        raise ValueError(f"no choice to make in {unknown}")
    return {**DEFAULT_CHOICES, **choices}


def expected_dossier(
    record: Mapping[str, Any], code: str, catalogue: Catalogue, choices: Choices, consulted: Sequence[Mapping[str, str]] = ()
) -> dict[str, Any]:
    """The DongBoHoSoMC object of one record, without the fields that must be absent. Raises NotAgreed."""
    state = _state(record, catalogue)
    procedure = catalogue.services.get(_text(record, "serviceCode"), "")
    if procedure not in catalogue.procedures:
        raise NotAgreed("serviceCode")
    name, field_code, field_name = catalogue.procedures[procedure]
    files = record.get("files") or []
    wanted: dict[str, Any] = {
        "MaHoSo": code,
        "MaTTHC": procedure,
        "TenTTHC": name,
        "MaLinhVuc": field_code,
        "TenLinhVuc": field_name,
        "KenhThucHien": _channel(record),
        "LoaiDoiTuong": "2" if _text(record, "applicantIdType") == "business" else "1",
        "TrangThaiHoSo": state,
        "HinhThuc": {"": "", "0": "0", "1": "0"}.get(_text(record, "viaPostal"), "1"),
    }
    for field, sources in choices.items():
        if "." not in field and field not in ("DinhDanhCHS", "HoSoCoThanhPhanSoHoa"):
            wanted[field] = _chosen(record, field, sources)
    if len(wanted["TrichYeuHoSo"]) > _ABSTRACT_LIMIT:
        wanted["TrichYeuHoSo"] = wanted["TrichYeuHoSo"][: _ABSTRACT_LIMIT - 3] + "..."
    if state != "3":
        wanted["NgayTuChoi"] = ""
    if choices["HoSoCoThanhPhanSoHoa"] and "files" in record:
        wanted["HoSoCoThanhPhanSoHoa"] = "1" if any(_text(file, "dossierPartType") == "1" for file in files) else "0"
    wanted["DinhDanhCHS"] = _identity(record, choices["DinhDanhCHS"])
    results = [file for file in files if _text(file, "dossierPartType") == "2"]
    papers = [file for file in files if _text(file, "dossierPartType") != "2"]
    wanted["TaiLieuNop"] = [
        _item(file, "TaiLieuNop.", choices) | {"IsDeleted": {"true": "True", "": ""}.get(_text(file, "removed"), "False")}
        for file in papers
    ]
    wanted["DanhSachGiayToKetQua"] = [_item(file, "DanhSachGiayToKetQua.", choices) for file in results]
    wanted["DSKetNoiCSDL"] = [dict(one) for one in consulted]
    return _known(wanted)


def expected_step(record: Mapping[str, Any], code: str, catalogue: Catalogue, choices: Choices) -> dict[str, Any]:
    """The CapNhatTienDoHoSoMC object of one record's last action. Raises NotAgreed."""
    return _item(record, "progress.", choices) | {"MaHoSo": code, "TrangThai": _state(record, catalogue)}


def differences(wanted: Mapping[str, Any], shown: Mapping[str, Any], under: str = "") -> list[str]:
    """What is wrong with an object at the portal, one ``field: what`` each, never a value; [] when it is as wanted."""
    wrong: list[str] = []
    for field in dict.fromkeys((*wanted, *shown)):
        want, have, path = wanted.get(field, ""), shown.get(field, ""), under + field
        if want in _NOTHING:
            if have not in _NOTHING:
                wrong.append(f"{path}: invented, the source does not know it")
        elif have in _NOTHING:
            wrong.append(f"{path}: missing")
        elif type(have) is not type(want):
            wrong.append(f"{path}: wrong JSON type")
        elif isinstance(want, dict):
            wrong += differences(want, have, f"{path}.")
        elif isinstance(want, list):
            if len(have) != len(want):
                wrong.append(f"{path}: {len(want)} entries expected, {len(have)} there")
                continue
            for place, (one, other) in enumerate(zip(want, have, strict=True)):
                entry = f"{path}[{place}]"
                wrong += differences(one, other, f"{entry}.") if isinstance(other, dict) else [f"{entry}: wrong JSON type"]
        elif field in ("TrangThaiHoSo", "TrangThai") and str(want) in _NOT_DONE and str(have) == _LOOKS_DONE:
            wrong.append(f"{path}: falsified, {want} is shown as {_LOOKS_DONE}")
        elif have != want:
            wrong.append(f"{path}: differs")
    return wrong


def _state(record: Mapping[str, Any], catalogue: Catalogue) -> str:
    number = catalogue.states.get((_text(record, "dossierStatus"), _text(record, "dossierSubStatus")))
    if number is None:
        raise NotAgreed("dossierStatus")
    return number


def _text(record: Mapping[str, Any], field: str) -> str:
    value = record.get(field)
    return "" if value is None else str(value)


def _chosen(record: Mapping[str, Any], field: str, sources: tuple[str, ...]) -> str:
    for source in sources:
        if text := _text(record, source):
            return _wire_date(text, source) if re.search(r"(^|\.)(Ngay|ThoiDiem)", field) else text
    return ""


def _wire_date(text: str, source: str) -> str:
    for shape, form in _FORMATS:
        if shape.fullmatch(text):
            try:
                return datetime.strptime(text, form).strftime("%Y%m%d%H%M%S")
            except ValueError:
                break
    raise NotAgreed(source)


def _channel(record: Mapping[str, Any]) -> str:
    online, by_post = _text(record, "online"), _text(record, "fromViaPostal")
    if online == "true":
        return "2"
    if by_post not in ("", "0"):
        return "3"
    return "1" if online or by_post else ""


def _identity(record: Mapping[str, Any], sources: tuple[str, ...]) -> list[dict[str, str]]:
    number = _chosen(record, "DinhDanhCHS", sources)
    if _text(record, "applicantIdType") == "business" or not re.fullmatch(r"[0-9]+", number):
        return []
    kind = {12: "1", 9: "2"}.get(len(number))
    return [{"LoaiDinhDanh": kind, "SoDinhDanh": number}] if kind else []


def _item(record: Mapping[str, Any], prefix: str, choices: Choices) -> dict[str, Any]:
    own = {field: sources for field, sources in choices.items() if field.startswith(prefix)}
    return _known({field.removeprefix(prefix): _chosen(record, field, sources) for field, sources in own.items()})


def _known(wanted: Mapping[str, Any]) -> dict[str, Any]:
    return {field: value for field, value in wanted.items() if value not in _NOTHING}
