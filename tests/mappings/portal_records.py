"""Records as units send them to the national portal, made from what the released schemas themselves know of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml
from hypothesis import strategies as st

from connectors.national_portal.config import DEFAULT_JSON_TYPES
from connectors.national_portal.values import typed, word_and_object
from hub.translation import Catalog

HOME = Path(__file__).parents[2]
DOSSIER, PROGRESS = (json.loads((HOME / f"schemas/portal-{name}/1.0.0.json").read_text()) for name in ("dossier", "progress"))
MAPPING = HOME / "mappings/portal-dossier-to-dossier/1.0.0.yaml"
Json = dict[str, Any]
NOT_BLANK, NUMBER = "^$|\\S", "^[0-9]{0,15}$"
_LETTERS = st.sampled_from("aắ0 \n\U0001f600")
_TIMES = st.datetimes(datetime(1976, 1, 1), datetime(2199, 12, 31, 23, 59, 59)).map("{:%Y%m%d%H%M%S}".format)
_SAMPLES = {
    "MaHoSo": ["000.00.10.H22-261121-0001", "H56.14-240229-12345", "G09.20-20260609-0092637"],
    "MaTTHC": ["1.000894", "3.000181.000.00.00.H22", "2.002621.H56"],
}
_TABLES = yaml.safe_load(MAPPING.read_text(encoding="utf-8"))["tables"]
_CODES = {"LoaiDinhDanh": [*_TABLES["paper_kind"]], "HinhThucThu": [*_TABLES["collected"], ""]}
"""Of the lists that are not public as a whole, and that the schema leaves open, the codes that the mapping knows."""


def fitting(node: Json, root: Json, name: str = "") -> st.SearchStrategy[Any]:
    """Any value that fits ``node`` and whose codes are known; ``name`` is that of its field."""
    node = resolved(node, root)
    if "anyOf" in node:
        return st.one_of([fitting(one, root, name) for one in node["anyOf"]])
    if "enum" in node:
        return st.sampled_from(node["enum"])
    match node["type"]:
        case "object":
            return _object(node, root)
        case "array":
            return st.lists(fitting(node["items"], root), min_size=node.get("minItems", 0), max_size=3)
        case "boolean":
            return st.booleans()
        case ["integer", "string"]:
            return st.one_of(st.integers(node["minimum"], node["maximum"]), st.from_regex(NUMBER, fullmatch=True))
    return st.sampled_from((_CODES | _SAMPLES)[name]) if name in _CODES | _SAMPLES else _text(node)


def _object(node: Json, root: Json) -> st.SearchStrategy[Json]:
    fields = {name: fitting(part, root, name) for name, part in node["properties"].items()}
    must = {name: one for name, one in fields.items() if name in node.get("required", ())}
    may = {name: one for name, one in fields.items() if name not in must}
    if node.get("additionalProperties") is not False:
        may |= {"TruongRieng": st.just("passed over"), "Khac": st.just([{"x": 1}])}
    whole: st.SearchStrategy[Json] = st.fixed_dictionaries(must, optional=may)
    return st.one_of([_as_said(whole, case) for case in node["allOf"]]) if "allOf" in node else whole


def _as_said(whole: st.SearchStrategy[Json], case: Json) -> st.SearchStrategy[Json]:
    """Objects for which an ``if`` holds, with what its ``then`` says."""
    said = {name: part["const"] for name, part in case["if"]["properties"].items()}
    parts = case["then"]["properties"].items()
    then = {name: st.from_regex(part["pattern"], fullmatch=True).filter(bool) for name, part in parts}
    return st.tuples(whole, st.fixed_dictionaries(then)).map(lambda both: both[0] | said | both[1])


def _text(node: Json) -> st.SearchStrategy[str]:
    least, longest, pattern = node.get("minLength", 0), node.get("maxLength", 10**6), node.get("pattern", "")
    if "yyyyMMddHHmmss" in node.get("description", ""):
        return st.one_of(_TIMES, *[st.just("")] * (1 - least))
    if pattern == NUMBER:
        return st.from_regex(NUMBER, fullmatch=True)
    assert pattern in ("", NOT_BLANK), pattern
    short = st.text(min_size=least, max_size=min(longest, 12)).filter(lambda text: bool(text.strip()) or not pattern)
    return st.one_of(short, short, _LETTERS.map(lambda one: "x" + one * (longest - 1)))


def resolved(node: Json, root: Json) -> Json:
    """The node itself, when it only refers to a definition."""
    found: Json = root["$defs"][node["$ref"].rsplit("/", 1)[1]] if "$ref" in node else node
    return found


def seen(record: Mapping[str, Any], node: Json, root: Json) -> Json:
    """What the portal sees in a record: a field that is absent is ``""``, a list that is absent is none; whether a number or a
    truth value is JSON's own or text is the endpoint's setting. Fields outside the contract are not seen."""
    found: Json = {}
    for name, part in node["properties"].items():
        whole = resolved(part, root)
        if whole.get("type") != "array":
            found[name] = _plain(record.get(name, ""), whole)
        elif name in record:
            item = resolved(whole["items"], root)
            found[name] = [seen(one, item, root) for one in record[name]]
    return found


def _plain(value: Any, node: Json) -> str:
    is_number = "integer" in node.get("type", ()) or node.get("pattern") == NUMBER
    return str(int(value)) if is_number and value != "" else str(value)


def sent_by_the_hub(catalog: Catalog, source: str, target: str, body: Json) -> tuple[bool | None, Any]:
    """What the connector puts on the wire of a message in ``source``: the word beside the data, and the data. Raises
    SchemaInvalid, TranslationFailed."""
    schema = catalog.schema(source)
    schema.validate(body)
    first = catalog.chain(schema.ref, {"npsp-dossier@1": "dossier@1", "npsp-progress@1": "dossier-progress@1"}[target])
    canonical = first.translate(body)
    assert canonical is not None
    assert [(one.system, one.code) for one in first.target.aliases(canonical.body, "unit")] == [
        (one.system, one.code) for one in schema.aliases(body, "unit")
    ]
    partner = catalog.chain(first.target.ref, target).translate(canonical.body)
    assert partner is not None and not canonical.warnings and not partner.warnings
    known, item = word_and_object(partner.body)
    return known, typed(item, DEFAULT_JSON_TYPES)


LEAST: Json = {
    "MaHoSo": "000.00.10.H22-261121-0001",
    "MaTTHC": "1.000894",
    "TenTTHC": "Đăng ký kết hôn",
    "MaLinhVuc": "G15-HT01",
    "TenLinhVuc": "Hộ tịch",
    "KenhThucHien": "1",
    "LoaiDoiTuong": "1",
    "TrichYeuHoSo": "Đăng ký kết hôn",
    "NgayTiepNhan": "20261121080000",
    "NgayHenTra": "",
    "TrangThaiHoSo": "2",
    "HinhThuc": "0",
    "DonViXuLy": "Ủy ban nhân dân xã",
    "NoiNopHoSo": "2",
    "HoSoCoThanhPhanSoHoa": "0",
    "TaiKhoanDuocXacThucVoiVNeID": "1",
    "DuocThanhToanTrucTuyen": "3",
    "NgayNopHoSo": "20261121075500",
    "SoGiayToChuHoSo": "001299000001",
    "DinhDanhCHS": [{"LoaiDinhDanh": "1", "SoDinhDanh": "001299000001"}],
    "DSKetNoiCSDL": [],
}
_PAPER: Json = {
    "TepDinhKemId": "1", "TenTepDinhKem": "to-khai.pdf", "IsDeleted": "False", "MaThanhPhanHoSo": "TP01",
    "DuongDanTaiTepTin": "https://mot-cua.invalid/1", "DuocSoHoa": "1", "DuocTaiSuDung": "2", "DuocLayTuKhoDMQG": "0",
    "MaKetQuaThayThe": "KQ.G07.000122",
}  # fmt: skip
_FEE: Json = {"TenPhiLePhi": "Lệ phí", "MaPhiLePhi": "LP01", "HinhThucThu": "4", "Gia": "50000", "LoaiPhiLePhi": "1"}
FULL: Json = LEAST | {
    "SoBienNhan": "BN-1",
    "ChuHoSo": "Nguyễn Văn Thử",
    "MaDoiTuong": "TECH-1",
    "ThongTinKhac": "Khác",
    "Email": "thu@vi-du.invalid",
    "Fax": "02190000002",
    "SoDienThoai": "0900000001",
    "NgayHenTra": "20261123170000",
    "NgayTra": "20261122091011",
    "ThongTinTra": "Tại quầy",
    "NgayKetThucXuLy": "20261122090000",
    "GhiChu": "Ghi chú",
    "NgayTuChoi": "20261123170001",
    "DSKetNoiCSDL": [{"MaCSDL": "7"}],
    "TaiLieuNop": [_PAPER],
    "DanhSachLePhi": [_FEE],
    "DanhSachTepDinhKemKhac": [{"TenGiayTo": "Ảnh", "SoLuong": 2, "LoaiGiayTo": "1"}],
    "DanhSachHoSoBoSung": [
        {
            "HoSoBoSungId": 5,
            "NguoiYeuCauBoSung": "Trần Thị Giả",
            "NoiDungBoSung": "Bổ sung tờ khai",
            "NgayBoSung": "20261121100000",
            "NguoiTiepNhanBoSung": "Lý Thị Thử",
            "ThongTinTiepNhan": "Đủ",
            "NgayTiepNhanBoSung": "20261122080000",
            "TrangThaiBoSung": True,
            "DanhSachGiayToBoSung": [_PAPER | {"TepDinhKemId": "2"}],
            "DanhSachLePhiBoSung": [_FEE | {"Gia": "70000"}],
            "NgayHenTraTruoc": "20261123170000",
            "NgayHenTraMoi": "20261124170000",
        }
    ],
    "DanhSachGiayToKetQua": [
        {
            "TenGiayTo": "Giấy chứng nhận", "MaThanhPhanHoSo": "KQ1", "GiayToId": "9",
            "DuongDanTepTinKetQua": "https://mot-cua.invalid/9", "MaGiayToKetQua": "KQ.G15.000001",
        }
    ],
}  # fmt: skip
"""Every field of the contract, no two alike."""
STEP: Json = {
    "MaHoSo": "000.00.10.H22-261121-0001",
    "NguoiXuLy": "Trần Thị Giả",
    "ChucDanh": "Chuyên viên",
    "ThoiDiemXuLy": "20261121093000",
    "PhongBanXuLy": "Bộ phận một cửa",
    "NoiDungXuLy": "Bước 1",
    "TrangThai": "4",
    "NgayBatDau": "20261121080000",
    "NgayKetThucTheoQuyDinh": "20261123170000",
}
