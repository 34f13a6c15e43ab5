"""The rules by which the simulated portal refuses a dossier or a step: contract 1.4, 1.5, 1.6 and 3.2 as data."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from connectors.national_portal.simulator_config import JsonKind, PortalSimulatorConfig


@dataclass(frozen=True, slots=True)
class Rule:
    """What the contract says of one field. ``need``: Y required, y required since the additions of 2022, N optional."""

    need: Literal["Y", "y", "N"] = "N"
    form: Literal["text", "date", "url", "number"] = "text"
    codes: tuple[str, ...] = ()
    longest: int | None = None
    json: JsonKind = "string"
    items: Mapping[str, Rule] | None = None


@dataclass(frozen=True, slots=True)
class Breach:
    """A field that breaks a rule, in the portal's words; ``value`` is what was there."""

    field: str
    what: str
    value: Any = None


_TEXT, _DATE = Rule(), Rule(form="date")
_YES_NO = ("0", "1")
_STATES = tuple(str(number) for number in range(1, 11))

_FEES: Mapping[str, Rule] = {
    "TenPhiLePhi": _TEXT,
    "MaPhiLePhi": _TEXT,
    "HinhThucThu": Rule(codes=("1", "2", "4")),
    "Gia": Rule(form="number"),
    "LoaiPhiLePhi": Rule(codes=("1", "2", "3")),
}
_PAPERS: Mapping[str, Rule] = {
    "TepDinhKemId": _TEXT,
    "TenTepDinhKem": Rule(longest=4000),
    "IsDeleted": Rule(codes=("True", "False")),
    "MaThanhPhanHoSo": _TEXT,
    "DuongDanTaiTepTin": Rule(form="url"),
    "DuocSoHoa": Rule(codes=_YES_NO),
    "DuocTaiSuDung": Rule(codes=("0", "1", "2")),
    "DuocLayTuKhoDMQG": Rule(codes=_YES_NO),
    "MaKetQuaThayThe": _TEXT,
}
_OTHER_FILES: Mapping[str, Rule] = {
    "TenGiayTo": _TEXT,
    "SoLuong": Rule(form="number", json="int_or_string"),
    "LoaiGiayTo": Rule(form="number", json="int_or_string"),
}
_SUPPLEMENTS: Mapping[str, Rule] = {
    "HoSoBoSungId": Rule(form="number", json="int_or_string"),
    "NguoiYeuCauBoSung": _TEXT,
    "NoiDungBoSung": _TEXT,
    "NgayBoSung": _DATE,
    "NguoiTiepNhanBoSung": _TEXT,
    "ThongTinTiepNhan": _TEXT,
    "NgayTiepNhanBoSung": _DATE,
    "TrangThaiBoSung": Rule(codes=("True", "False"), json="bool_or_string"),
    "DanhSachGiayToBoSung": Rule(items=_PAPERS),
    "DanhSachLePhiBoSung": Rule(items=_FEES),
    "NgayHenTraTruoc": _DATE,
    "NgayHenTraMoi": _DATE,
}
_RESULTS: Mapping[str, Rule] = {
    "TenGiayTo": Rule(longest=2000),
    "MaThanhPhanHoSo": _TEXT,
    "GiayToId": _TEXT,
    "DuongDanTepTinKetQua": Rule(form="url"),
    "MaGiayToKetQua": _TEXT,
}
_IDENTITIES: Mapping[str, Rule] = {"LoaiDinhDanh": Rule("Y", codes=("1", "2")), "SoDinhDanh": Rule("Y")}

DOSSIER: Mapping[str, Rule] = {
    **{name: Rule("Y") for name in ("MaHoSo", "MaTTHC", "TenTTHC", "MaLinhVuc", "TenLinhVuc", "DonViXuLy")},
    **{name: _TEXT for name in ("SoBienNhan", "ChuHoSo", "MaDoiTuong", "ThongTinKhac", "Email", "Fax", "SoDienThoai")},
    **{name: _TEXT for name in ("ThongTinTra", "GhiChu")},
    **{name: _DATE for name in ("NgayTra", "NgayKetThucXuLy", "NgayTuChoi")},
    **{name: Rule("Y", form="date") for name in ("NgayTiepNhan", "NgayHenTra")},
    "NgayNopHoSo": Rule("y", form="date"),
    "KenhThucHien": Rule("y", codes=("1", "2", "3")),
    "LoaiDoiTuong": Rule("Y", codes=("1", "2", "3", "4")),
    "TrichYeuHoSo": Rule("Y", longest=1000),
    "TrangThaiHoSo": Rule("Y", codes=_STATES),
    "HinhThuc": Rule("Y", codes=_YES_NO),
    "NoiNopHoSo": Rule("y", codes=("1", "2")),
    "HoSoCoThanhPhanSoHoa": Rule("y", codes=_YES_NO),
    "TaiKhoanDuocXacThucVoiVNeID": Rule("y", codes=_YES_NO),
    "DuocThanhToanTrucTuyen": Rule("y", codes=("0", "1", "2", "3")),
    "SoGiayToChuHoSo": Rule("y"),
    "DinhDanhCHS": Rule("y", items=_IDENTITIES),
    "DSKetNoiCSDL": Rule("y", items={"MaCSDL": Rule("Y")}),
    "TaiLieuNop": Rule(items=_PAPERS),
    "DanhSachLePhi": Rule(items=_FEES),
    "DanhSachTepDinhKemKhac": Rule(items=_OTHER_FILES),
    "DanhSachHoSoBoSung": Rule(items=_SUPPLEMENTS),
    "DanhSachGiayToKetQua": Rule(items=_RESULTS),
}

PROGRESS: Mapping[str, Rule] = {
    "MaHoSo": Rule("Y"),
    "NguoiXuLy": Rule("Y", longest=50),
    "ChucDanh": _TEXT,
    "ThoiDiemXuLy": Rule("Y", form="date"),
    "PhongBanXuLy": _TEXT,
    "NoiDungXuLy": Rule("Y"),
    "TrangThai": Rule("Y", codes=_STATES),
    "NgayBatDau": _DATE,
    "NgayKetThucTheoQuyDinh": _DATE,
}

_KINDS: Mapping[JsonKind, tuple[type, ...]] = {
    "string": (str,), "int": (int,), "bool": (bool,), "int_or_string": (int, str), "bool_or_string": (bool, str),
    "any": (str, int, float, bool),
}  # fmt: skip
_CODE = re.compile(r"(?P<agency>[0-9A-Z.]+)-(?P<date>\d{6}|\d{8})-(?P<serial>\d{4,})", re.ASCII)
_DIGITS_OF_IDENTITY = {"1": 12, "2": 9}


class FieldRules:
    """The contract's rules with the configured strictness."""

    def __init__(self, config: PortalSimulatorConfig) -> None:
        self._config = config
        self._province = province_of(config.madonvi)

    def breaches(self, thing: Mapping[str, Any], rules: Mapping[str, Rule], under: str = "") -> Iterator[Breach]:
        """Every breach of an object, in order of the contract's fields; unknown fields last."""
        for name, rule in rules.items():
            value = thing.get(name)
            path = under + name
            if value is None and name not in thing:
                if self._needed(rule):
                    yield Breach(path, "thiếu trường bắt buộc")
            elif rule.items is not None:
                yield from self._list(path, value, rule)
            else:
                yield from self._value(path, value, rule)
        if self._config.unknown_fields == "refuse":
            for name in thing.keys() - rules.keys():
                yield Breach(under + name, "trường không có trong đặc tả")

    def _needed(self, rule: Rule) -> bool:
        return rule.need == "Y" or (rule.need == "y" and self._config.later_fields == "required")

    def _empty_is_wrong(self, path: str, rule: Rule) -> bool:
        return self._needed(rule) and path not in self._config.may_be_empty

    def _list(self, path: str, value: Any, rule: Rule) -> Iterator[Breach]:
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            yield Breach(path, "phải là mảng đối tượng", value)
            return
        if not value and self._empty_is_wrong(path, rule):
            yield Breach(path, "danh sách rỗng")
        for item in value:
            yield from self.breaches(item, rule.items or {}, f"{path}.")
            digits = _DIGITS_OF_IDENTITY.get(str(item.get("LoaiDinhDanh")))
            number = item.get("SoDinhDanh")
            right = not digits or not number or re.fullmatch(rf"[0-9]{{{digits}}}", str(number))
            if path == "DinhDanhCHS" and not right:
                yield Breach(f"{path}.SoDinhDanh", f"phải gồm {digits} chữ số", number)

    def _value(self, path: str, value: Any, rule: Rule) -> Iterator[Breach]:
        kind = self._config.field_types.get(path, rule.json)
        if not isinstance(value, _KINDS[kind]) or (isinstance(value, bool) and "bool" not in kind and kind != "any"):
            yield Breach(path, f"sai kiểu dữ liệu, cần {kind}", value)
            return
        text = str(value)
        if not text.strip():
            if self._empty_is_wrong(path, rule):
                yield Breach(path, "không được để trống")
            return
        if rule.codes and text not in (*rule.codes, *self._config.more_codes.get(path, ())):
            yield Breach(path, "giá trị không có trong danh mục", value)
        if rule.longest is not None and len(text) > rule.longest:
            yield Breach(path, f"vượt quá {rule.longest} ký tự", value)
        if rule.form == "date" and not _is_date(text):
            yield Breach(path, "không phải thời gian yyyyMMddHHmmss", value)
        if rule.form == "url" and not re.match(r"https?://[^\s/]", text):
            yield Breach(path, "không phải đường dẫn http", value)
        if rule.form == "number" and not re.fullmatch(r"[0-9]+([.,][0-9]+)?", text, re.ASCII):
            yield Breach(path, "không phải số", value)

    def code_breach(self, code: str) -> Breach | None:
        """What is wrong with a dossier code: its form, its date, or its province (contract 3.2)."""
        found = _CODE.fullmatch(code)
        if found is None:
            return Breach("MaHoSo", "mã hồ sơ sai định dạng", code)
        if not _is_date(found["date"] + "000000" if len(found["date"]) == 8 else f"20{found['date']}000000"):
            return Breach("MaHoSo", "mã hồ sơ có ngày không tồn tại", code)
        if self._config.foreign_codes == "reject" and province_of(found["agency"]) != self._province:
            return Breach("MaHoSo", "mã hồ sơ không thuộc đơn vị", code)
        return None


def province_of(agency: str) -> str:
    """The level-1 code of an agency id in either scheme: H22 of 000.00.10.H22 and of H22.10 (contract 3.1)."""
    parts = agency.split(".")
    return parts[0] if parts[0][:1].isalpha() else parts[-1]


def _is_date(text: str) -> bool:
    if not re.fullmatch(r"[0-9]{14}", text):
        return False
    try:
        datetime.strptime(text, "%Y%m%d%H%M%S")
    except ValueError:
        return False
    return True
