"""Items of a ministry's feed as messages of the hub: names in one form, and each step of an item a message of its own.

The body of a feed is the hub's own proposal, unverified: no ministry has published one (schemas ministry-feed-*).
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from connectors.ministry_portal.answers import field, word
from connectors.ministry_portal.config import MinistryConfig
from hub import deep_json
from hub.errors import NotParsable, Problem

_MOST_DEEP = 250
"""Levels in which things stand in each other; what is deeper can be read, and not written down."""
_TOO_DEEP = Problem("", "too_deep", f"the item is nested deeper than {_MOST_DEEP} levels", "the ministry must mend it")
STEPS = "TienTrinh"
_NAMES = (
    "IdBanTin", "IdHoSo", "MaHoSo", "MaTTHC", "TenTTHC", "MaLinhVuc", "TenLinhVuc", "ChuHoSo", "LoaiDoiTuong",
    "SoDinhDanhChuHs", "TrichYeuHoSo", "MaDonViTiepNhan", "TenDonViTiepNhan", "MaDonViXuLy", "DonViXuLy", "MaTinh", "MaXa",
    "NgayNop", "NgayTiepNhan", "NgayHenTra", "NgayTuChoi", "NgayKetThucXuLy", "NgayTra", "NgayCapNhat", "TrangThai",
    "NoiDungYKien", "DanhSachGiayToKetQua", "IdGiayTo", "TenGiayTo", "MaThanhPhanHoSo", "MaKetQua", "MaGiayToKetQua",
    "DuongDanTepTinKetQua", "HashTepTin", "SHA256", "IdTienTrinh", "NguoiXuLy", "ChucDanh", "ThoiDiemXuLy", "PhongBanXuLy",
    "NoiDungXuLy", "NgayBatDau", "NgayKetThucTheoQuyDinh", STEPS,
)  # fmt: skip
_KNOWN = {name.casefold(): name for name in _NAMES}


@dataclass(frozen=True, slots=True)
class Item:
    """One message: its source schema and its bytes."""

    schema: str
    body: bytes


def named(value: Any) -> Any:
    """The value with every known name of a field as the schemas write it (camelCase, IDHoSo …). Nothing is lost: unknown names
    stay, and where two names would become one and differ in value, the second stays as it came. A field that is null is one
    that is absent."""
    if isinstance(value, list):
        return [named(one) for one in value]
    if not isinstance(value, Mapping):
        return value
    made: dict[str, Any] = {}
    for name, one in sorted(value.items(), key=lambda pair: pair[0] not in _NAMES):
        if one is None:
            continue
        inner = named(one)
        known = _KNOWN.get(str(name).casefold(), str(name))
        if known in made and made[known] != inner:
            made[name] = inner
        else:
            made[known] = inner
    return made


def messages(given: Any, config: MinistryConfig) -> Iterator[Item]:
    """The dossier's state, then its steps in their order. What is no object is handed on as it is, to be refused by name.

    Raises NotParsable for an item that is nested too deep.
    """
    if deep_json.is_deeper(given, _MOST_DEEP):
        raise NotParsable([_TOO_DEEP])
    item = named(given)
    if not isinstance(item, dict):
        yield Item(config.dossier_schema, _bytes(item))
        return
    if config.hash == "sha-256":
        _state_hashes(item.get("DanhSachGiayToKetQua"))
    steps = item.get(STEPS)
    if isinstance(steps, list) and all(isinstance(step, dict) for step in steps):
        del item[STEPS]
    else:
        steps = []
    yield Item(config.dossier_schema, _bytes(item))
    about = {name: item[name] for name in ("MaHoSo", "IdHoSo") if name in item}
    for step in steps:
        yield Item(config.progress_schema, _bytes({**about, **step}))


def _state_hashes(results: Any) -> None:
    """``SHA256`` beside each HashTepTin, in hex: with it the file is compared before anybody is told. What is no such hash is
    written as it came, to be refused by name."""
    for one in results if isinstance(results, list) else ():
        told = word(one.get("HashTepTin")) if isinstance(one, dict) else ""
        if told and "SHA256" not in one:
            one["SHA256"] = _hex(told)


def _hex(told: str) -> str:
    try:
        digest = base64.b64decode(told, validate=True)
    except ValueError:
        digest = b""
    return digest.hex() if len(digest) == 32 else told.lower()


def _bytes(item: Any) -> bytes:
    """The same for the same item, in whatever order its fields came, by feed or by push."""
    return orjson.dumps(item, option=orjson.OPT_SORT_KEYS)


def several(given: Any) -> list[Any]:
    """What was posted: an array, ``{"items": […]}``, or one item."""
    if isinstance(given, list):
        return given
    items = field(given, "items")
    return items if isinstance(items, list) else [given]
