"""Says what a ministry's portal of the 2026 contract must hold for one OpenCPS record: create, step and status.

Written from contracts.md 2 and 13 alone, without sight of the mappings or of the connector. Fixed by the contract [read]: the
names, which values are numbers, LoaiDoiTuong 0 citizen and 1 enterprise (1.6), MaTTHC without the agency behind it, ``IDHoSo``
in a step and ``IdHoSo`` in a status, lists in a status only with TrangThai 5, 6 and 9, and the three date formats:
``yyyy-MM-dd HH:mm:ss`` (NgayNop, NgayTiepNhan), ``yyyyMMddHHmmss`` (NgaySinh, NgayCapDinhDanh), ``yyyy-MM-ddTHH:mm:ss.fff``
(ThoiDiemXuLy), all local time.

Choices, as in ``expected``: ``MINISTRY_CHOICES`` names the source fields of a wire field, dotted where it lies inside another;
the first that is not empty wins, an empty tuple means that the field must be absent, a source ``=text`` is that text
(something configured). ``issued.agency`` and ``created.id`` are what the ministry itself gave. A field in no table must be
absent; only EformThongTinChiTiet, which is free, may be given any field (``"EformThongTinChiTiet.X": ("source",)``).
A record names papers without their content, so a component has no GiayToDinhKem: an id and a hash would be invented.

    expected_create(record, {"code": "G09.20-20261122-0000001", "agency": "G09.20"}, catalogue, settled_ministry({}))
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any

from connectors.demo.expected import Catalogue, Choices, NotAgreed

_FILER = "ThongTinNguoiNop."
_DETAIL = f"{_FILER}ThongTinChiTiet."
_PARTS = "ThanhPhanHoSo."
_RESULTS = "status.DanhSachGiayToKetQua."
FREE = "EformThongTinChiTiet."

MINISTRY_CHOICES: Choices = MappingProxyType(
    {
        "MaDichVuCong": (),  # a sub-service has a code of its own (3.3), which the source does not know
        "ChuHoSo": ("contactName",),  # as expected.DEFAULT_CHOICES has it
        "MaDonViTiepNhan": ("issued.agency",),  # a unit of the ministry, as in its code; whose, is not said
        "NgayNop": ("submitDate",),
        "NgayTiepNhan": ("receiveDate",),
        f"{_FILER}LoaiDoiTuong": ("applicantIdType",),
        f"{_FILER}IdDoiTuong": (),  # the account's uuid, which the source does not know
        f"{_DETAIL}TenNguoiNop": ("contactName",),  # who came with it; his own number is not known
        f"{_DETAIL}SoDinhDanh": (),
        f"{_DETAIL}NgayCapDinhDanh": (),
        f"{_DETAIL}NgaySinh": (),
        f"{_DETAIL}SoDienThoai": ("contactTelNo",),
        f"{_DETAIL}Email": ("contactEmail",),
        f"{_DETAIL}Fax": (),
        f"{_DETAIL}MaTinh": (),
        f"{_DETAIL}MaHuyen": (),
        f"{_DETAIL}MaXa": (),
        f"{_DETAIL}DiaChiChiTiet": (),
        f"{_DETAIL}TenChuHs": ("applicantName",),
        f"{_DETAIL}SoDinhDanhChuHs": ("applicantIdNo",),
        f"{_DETAIL}MaTinhChuHs": ("cityCode",),
        f"{_DETAIL}MaXaChuHs": ("wardCode",),
        f"{_DETAIL}DiaChiChiTietChuHs": ("address",),
        f"{_PARTS}MaThanhPhanHoSo": ("dossierPartNo",),
        f"{_PARTS}TenThanhPhanHoSo": ("dossierPartName",),
        f"{_PARTS}SoLuong": (),
        f"{_PARTS}LoaiBan": (),
        "progress.IDHoSo": ("created.id",),
        "progress.NguoiXuLy": ("lastActionUser",),
        "progress.ThoiDiemXuLy": ("lastActionDate",),
        "progress.PhongBanXuLy": (),
        "progress.NoiDungXuLy": ("lastActionNote", "lastActionName"),
        "progress.NgayBatDau": (),
        "progress.NgayKetThucTheoQuyDinh": ("stepDuedate",),
        "status.IdHoSo": ("created.id",),
        "status.NoiDungYKien": (),
        "status.PhongBanXuLy": (),
        "status.NoiDungXuLy": (),
        f"{_RESULTS}TenGiayTo": ("displayName",),
        f"{_RESULTS}MaGiayToKetQua": (),
        f"{_RESULTS}MaThanhPhanHoSo": (),
        f"{_RESULTS}GiayToId": (),
        f"{_RESULTS}DuongDanTepTinKetQua": (),
    }
)

_SECONDS, _COMPACT, _ISO = "%Y-%m-%d %H:%M:%S", "%Y%m%d%H%M%S", "%Y-%m-%dT%H:%M:%S.000"
DATE_FORMS: Mapping[str, str] = MappingProxyType(
    {
        "NgayNop": _SECONDS, "NgayTiepNhan": _SECONDS, "NgayCapDinhDanh": _COMPACT, "NgaySinh": _COMPACT,
        "ThoiDiemXuLy": _ISO, "NgayBatDau": _ISO, "NgayKetThucTheoQuyDinh": _ISO,
    }
)  # fmt: skip
"""The last two: the contract does not say; they stand beside ThoiDiemXuLy."""

_NUMBERS = ("LoaiDoiTuong", "TrangThai", "SoLuong", "LoaiBan")
_KINDS = {"citizen": "0", "business": "1"}
_LISTS_WITH = ("5", "6", "9")
_SOURCE_FORMS = (("%d/%m/%Y %H:%M:%S", 19), ("%Y%m%d%H%M%S", 14), ("%d/%m/%Y", 10))


def settled_ministry(choices: Choices) -> dict[str, tuple[str, ...]]:
    """The defaults with ``choices`` over them. Raises ValueError for a field in which nobody has a choice."""
    if unknown := sorted(name for name in choices if name not in MINISTRY_CHOICES and not name.startswith(FREE)):
        raise ValueError(f"no choice to make in {unknown}")
    return {**MINISTRY_CHOICES, **choices}


def expected_create(
    record: Mapping[str, Any], issued: Mapping[str, Any], catalogue: Catalogue, choices: Choices
) -> dict[str, Any]:
    """The NoiHoSo object of a dossier's first record; ``issued``: its ``code`` and ``agency``. Raises NotAgreed."""
    procedure = catalogue.services.get(_text(record, "serviceCode"))
    if procedure is None:
        raise NotAgreed("serviceCode")
    source = {**record, "issued.agency": issued["agency"]}
    apart = ("progress.", "status.", _PARTS)
    own = {name: sources for name, sources in choices.items() if not name.startswith(apart)}
    wanted = _filled(source, own, "") | {"MaHoSo": issued["code"], "MaTTHC": procedure}
    wanted["LoaiDoiTuong"] = int(_KINDS.get(_text(record, "applicantIdType"), "0"))
    wanted["ThanhPhanHoSo"] = _parts(record.get("files") or [], choices)
    return tidy(wanted)


def expected_ministry_step(
    record: Mapping[str, Any], created: Mapping[str, Any], catalogue: Catalogue, choices: Choices
) -> dict[str, Any]:
    """The CapNhatTienTrinh item of a record; ``created``: ``code`` and ``id`` at the ministry. Raises NotAgreed."""
    own = {name: sources for name, sources in choices.items() if name.startswith("progress.")}
    wanted = _filled({**record, "created.id": created["id"]}, own, "progress.")
    return tidy(wanted | {"MaHoSo": created["code"], "TrangThai": int(_state(record, catalogue))})


def expected_status(
    record: Mapping[str, Any], created: Mapping[str, Any], catalogue: Catalogue, choices: Choices
) -> dict[str, Any]:
    """The CapNhatTrangThai item of a later record; ``created`` as in ``expected_ministry_step``. Raises NotAgreed."""
    state = _state(record, catalogue)
    own = {name: sources for name, sources in choices.items() if name.startswith("status.") and not name.startswith(_RESULTS)}
    wanted = _filled({**record, "created.id": created["id"]}, own, "status.")
    wanted |= {"MaHoSo": created["code"], "TrangThai": int(state)}
    if state in _LISTS_WITH:
        results = [file for file in record.get("files") or [] if _text(file, "dossierPartType") == "2"]
        own = {name: sources for name, sources in choices.items() if name.startswith(_RESULTS)}
        wanted["DanhSachGiayToKetQua"] = [_filled(file, own, _RESULTS) for file in results]
    return tidy(wanted)


def tidy(told: Mapping[str, Any]) -> dict[str, Any]:
    """Without what is absent: null, ``""`` and what has nothing in it."""
    kept = ((name, _tidied(value)) for name, value in told.items())
    return {name: value for name, value in kept if value is not None and value not in ("", [], {})}


def _tidied(value: Any) -> Any:
    if isinstance(value, dict):
        return tidy(value)
    if isinstance(value, list):
        return [one for one in map(_tidied, value) if one not in ("", {})]
    return value


def _parts(files: Sequence[Mapping[str, Any]], choices: Choices) -> list[dict[str, Any]]:
    """Components by their number, in order of their first paper."""
    own = {name: sources for name, sources in choices.items() if name.startswith(_PARTS)}
    parts: dict[str, dict[str, Any]] = {}
    for file in files:
        if _text(file, "dossierPartType") != "2":
            parts.setdefault(_text(file, "dossierPartNo"), _filled(file, own, _PARTS))
    return list(parts.values())


def _filled(source: Mapping[str, Any], choices: Choices, prefix: str) -> dict[str, Any]:
    wanted: dict[str, Any] = {}
    for name, sources in choices.items():
        *outer, field = name.removeprefix(prefix).split(".")
        inner = wanted
        for step in outer:
            inner = inner.setdefault(step, {})
        inner[field] = _chosen(source, field, sources)
    return wanted


def _chosen(source: Mapping[str, Any], field: str, sources: tuple[str, ...]) -> Any:
    for name in sources:
        if name == "created.id":
            return source[name]  # a number or a text, as the ministry gave it
        if text := name[1:] if name.startswith("=") else _text(source, name):
            if field in DATE_FORMS:
                return _date(text, name, DATE_FORMS[field])
            return int(_KINDS.get(text, text)) if field in _NUMBERS else text
    return ""


def _date(text: str, source: str, form: str) -> str:
    for known, length in _SOURCE_FORMS:
        if len(text) == length and re.fullmatch(r"[0-9/: ]+", text):
            try:
                return datetime.strptime(text, known).strftime(form)
            except ValueError:
                break
    raise NotAgreed(source)


def _state(record: Mapping[str, Any], catalogue: Catalogue) -> str:
    number = catalogue.states.get((_text(record, "dossierStatus"), _text(record, "dossierSubStatus")))
    if number is None:
        raise NotAgreed("dossierStatus")
    return number


def _text(record: Mapping[str, Any], field: str) -> str:
    value = record.get(field)
    return "" if value is None else str(value)
