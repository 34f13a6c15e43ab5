"""The rules by which the simulated ministry portal refuses what it is sent: contract 2 as data, with its three date formats."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from connectors.ministry_portal.simulator_config import DateForm, JsonKind, MinistryPortalSimulatorConfig

AGENCY = re.compile(r"(?=.{1,35}\Z)[A-Z]\d{2}(\.[0-9A-Z]{1,5})*", re.ASCII)
"""An agency id of Decision 20/2020: G09.20 (contract 3.1)."""
PROCEDURE = re.compile(r"\d\.\d{6}(?P<agency>\.(\d{3}\.\d{2}\.\d{2}\.)?[A-Z]\d{2})?", re.ASCII)
"""A procedure code, alone or with the issuing agency behind it (contract 3.3)."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What the contract says of one field. ``inside``: the fields of an object, or of each object of a list (``many``);
    None there: any object will do."""

    json: JsonKind = "string"
    form: Literal["text", "agency", "procedure", "uuid"] = "text"
    date: DateForm | None = None
    codes: tuple[int, ...] = ()
    shape: Literal["value", "one", "many"] = "value"
    inside: Mapping[str, Rule] | None = None


@dataclass(frozen=True, slots=True)
class Breach:
    """A field that breaks a rule, in the portal's words; ``value`` is what was there."""

    field: str
    what: str
    value: Any = None
    missing: bool = False


_TEXT = Rule()
_STATE = Rule("int", codes=tuple(range(1, 11)))
_OWNER_KINDS = (0, 1, 2)

_PAPER: Mapping[str, Rule] = {name: _TEXT for name in ("IdGiayTo", "MaKetQua", "TenGiayTo", "HashTepTin")}
_COMPONENT: Mapping[str, Rule] = {
    "MaThanhPhanHoSo": _TEXT,
    "TenThanhPhanHoSo": _TEXT,
    "SoLuong": Rule("int"),
    "LoaiBan": Rule("int", codes=(0, 1, 2)),
    "GiayToDinhKem": Rule(shape="many", inside=_PAPER),
}
_FILER: Mapping[str, Rule] = {
    **{name: _TEXT for name in ("TenNguoiNop", "SoDinhDanh", "SoDienThoai", "Email", "Fax", "MaTinh", "MaHuyen", "MaXa")},
    **{name: Rule(date="yyyyMMddHHmmss") for name in ("NgayCapDinhDanh", "NgaySinh")},
    **{name: _TEXT for name in ("DiaChiChiTiet", "TenChuHs", "SoDinhDanhChuHs", "MaTinhChuHs", "MaXaChuHs")},
    "DiaChiChiTietChuHs": _TEXT,
}

CREATE: Mapping[str, Rule] = {
    "MaHoSo": _TEXT,
    "MaTTHC": Rule(form="procedure"),
    "MaDichVuCong": _TEXT,
    "ChuHoSo": _TEXT,
    "LoaiDoiTuong": Rule("int", codes=_OWNER_KINDS),
    "MaDonViTiepNhan": Rule(form="agency"),
    "NgayNop": Rule(date="yyyy-MM-dd HH:mm:ss"),
    "NgayTiepNhan": Rule(date="yyyy-MM-dd HH:mm:ss"),
    "EformThongTinChiTiet": Rule(shape="one"),
    "ThanhPhanHoSo": Rule(shape="many", inside=_COMPONENT),
    "ThongTinNguoiNop": Rule(
        shape="one",
        inside={
            "LoaiDoiTuong": Rule("int_or_string", codes=_OWNER_KINDS),
            "IdDoiTuong": Rule(form="uuid"),
            "ThongTinChiTiet": Rule(shape="one", inside=_FILER),
        },
    ),
}
PROGRESS: Mapping[str, Rule] = {
    "IDHoSo": Rule("int_or_string"),
    "MaHoSo": _TEXT,
    "NguoiXuLy": _TEXT,
    "ThoiDiemXuLy": Rule(date="yyyy-MM-ddTHH:mm:ss.fff"),
    "PhongBanXuLy": _TEXT,
    "NoiDungXuLy": _TEXT,
    "TrangThai": _STATE,
    "NgayBatDau": Rule(date="any"),
    "NgayKetThucTheoQuyDinh": Rule(date="any"),
}
STATUS: Mapping[str, Rule] = {
    "IdHoSo": Rule("int_or_string"),
    "MaHoSo": _TEXT,
    "TrangThai": _STATE,
    "NoiDungYKien": _TEXT,
    "PhongBanXuLy": _TEXT,
    "NoiDungXuLy": _TEXT,
    "DanhSachLePhi": Rule(shape="many"),
    "DanhSachGiayToKetQua": Rule(shape="many"),
}

_KINDS: Mapping[JsonKind, tuple[type, ...]] = {
    "string": (str,), "int": (int,), "int_or_string": (int, str), "any": (str, int, float, bool)
}  # fmt: skip
_DATES: Mapping[DateForm, tuple[str, str]] = {
    "yyyy-MM-dd HH:mm:ss": (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "%Y-%m-%d %H:%M:%S"),
    "yyyyMMddHHmmss": (r"\d{14}", "%Y%m%d%H%M%S"),
    "yyyy-MM-ddTHH:mm:ss.fff": (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}", "%Y-%m-%dT%H:%M:%S.%f"),
}


class FieldRules:
    """The contract's rules with the configured strictness."""

    def __init__(self, config: MinistryPortalSimulatorConfig) -> None:
        self._config = config

    def first_breach(self, thing: Any, rules: Mapping[str, Rule], required: tuple[str, ...]) -> Breach | None:
        """The first breach of an object; the contract's fields in order, then unknown ones. ``required``: dotted names."""
        if not isinstance(thing, dict):
            return Breach("", "phải là đối tượng")
        return next(self._breaches(thing, rules, frozenset(required), ""), None)

    def _breaches(
        self, thing: Mapping[str, Any], rules: Mapping[str, Rule], required: frozenset[str], under: str
    ) -> Iterator[Breach]:
        for name, rule in rules.items():
            path, value = under + name, thing.get(name)
            if value is None or value == "" or (rule.shape != "value" and not value):
                if path in required:
                    yield Breach(path, "thiếu trường bắt buộc", missing=True)
                elif value == "" and (rule.shape != "value" or rule.json == "int"):
                    yield Breach(path, "sai kiểu dữ liệu", value)
            elif rule.shape == "value":
                yield from self._value(path, value, rule)
            else:
                yield from self._inside(path, value, rule, required)
        if self._config.unknown_fields == "refuse":
            for name in thing.keys() - rules.keys():
                yield Breach(under + name, "trường không có trong đặc tả")

    def _inside(self, path: str, value: Any, rule: Rule, required: frozenset[str]) -> Iterator[Breach]:
        objects = [value] if rule.shape == "one" else value
        if not isinstance(objects, list) or not all(isinstance(one, dict) for one in objects):
            yield Breach(path, "phải là đối tượng" if rule.shape == "one" else "phải là mảng đối tượng", value)
            return
        for one in objects if rule.inside is not None else ():
            yield from self._breaches(one, rule.inside or {}, required, f"{path}.")

    def _value(self, path: str, value: Any, rule: Rule) -> Iterator[Breach]:
        kind = self._config.field_types.get(path, rule.json)
        if not isinstance(value, _KINDS[kind]) or (isinstance(value, bool) and kind != "any"):
            yield Breach(path, f"sai kiểu dữ liệu, cần {kind}", value)
            return
        text = str(value)
        date = self._config.date_forms.get(path, rule.date) if rule.date else None
        if rule.codes and text not in map(str, rule.codes):
            yield Breach(path, "giá trị không có trong danh mục", value)
        if date and not _is_date(text, date):
            yield Breach(path, f"không phải thời gian {date}", value)
        if rule.form == "agency" and not AGENCY.fullmatch(text):
            yield Breach(path, "mã đơn vị sai định dạng", value)
        if rule.form == "procedure" and not self._is_procedure(text):
            yield Breach(path, "mã thủ tục hành chính sai định dạng", value)
        if rule.form == "uuid" and not _is_uuid(text):
            yield Breach(path, "không phải uuid", value)

    def _is_procedure(self, text: str) -> bool:
        found = PROCEDURE.fullmatch(text)
        return found is not None and (found["agency"] is None or self._config.procedure_suffix == "accept")


def _is_date(text: str, form: DateForm) -> bool:
    if form == "any":
        return any(_is_date(text, one) for one in _DATES)
    pattern, parse = _DATES[form]
    if not re.fullmatch(pattern, text, re.ASCII):
        return False
    try:
        datetime.strptime(text, parse)
    except ValueError:
        return False
    return True


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
