"""Says what a local one-stop system must hold of a dossier that came down: from a ministry's feed, or filed at the portal.

Written from the contracts alone (contracts.md 1.4 to 1.7 and 2), without sight of mappings or connectors. The local system's
words are those of its own published form, ``one-stop-filing``: canonical states and kinds, times as RFC 3339 with an offset.
Fixed by the contract: the code, the state (1.6), the kind of owner in its two numberings (1.6), the time zone.

Choices, as in ``expected``: the first source field that is not empty wins, an empty tuple means that the field must be absent,
``=true`` is that value always; ``X.from`` names the list that X is made of, ``X.y`` a field of its entries. A field in no
table must be absent. Neither form is a public contract, so a caller may give any field a source (``{"received_at":
("NgayTiepNhan",)}``).
A file is told as ``LINK``: any address that is not the sender's own.

    expected_fed("000.00.10.H22-261122-0001", {…feed item…}, FED_CHOICES)
    expected_filed({…body posted by the portal…}, FILED_CHOICES)
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from types import MappingProxyType
from typing import Any

from connectors.demo.expected import Choices, NotAgreed

FED_CHOICES: Choices = MappingProxyType(
    {
        "procedure_code": ("MaTTHC",),
        "procedure_name": ("TenTTHC",),
        "filed_at": ("NgayNop",),
        "owner_name": ("ChuHoSo",),
        "filed_at_portal": (),  # the feed does not say where it was filed
        "results.from": ("DanhSachGiayToKetQua",),
        "results.name": ("TenGiayTo",),
        "results.code": ("MaGiayToKetQua",),
        "results.url": ("DuongDanTepTinKetQua",),
    }
)
FILED_CHOICES: Choices = MappingProxyType(
    {
        "procedure_code": ("MaTTHC",),
        "procedure_name": ("TenTTHC",),
        "filed_at": ("NgayNopHoSo",),
        "owner_name": ("ChuHoSo",),
        "owner_number": ("SoGiayToChuHoSo",),
        "contact_name": ("NguoiNop",),
        "phone": ("SoDienThoai",),
        "email": ("Email",),
        "abstract": ("TrichYeuHoSo",),
        "unit_code": ("MaDonViTiepNhan",),
        "unit_name": ("DonViTiepNhan",),
        "result_delivery": ("HinhThuc",),
        "online_payment": ("DuocThanhToanTrucTuyen",),
        "filed_at_portal": ("=true",),
        "documents.from": ("TaiLieuNop",),
        "documents.name": ("TenTepDinhKem",),
        "documents.component_code": ("MaThanhPhanHoSo",),
        "documents.url": ("Base64", "DuongDanTaiTepTin"),
    }
)
LINK = "a link"

_STATES = (
    "new", "received", "refused", "processing", "supplement_requested", "payment_requested", "withdrawn", "stopped", "done",
    "returned",
)  # fmt: skip
_KINDS_OF_PORTAL = {"1": "citizen", "2": "enterprise", "3": "state_body", "4": "other_organisation"}
_KINDS_OF_MINISTRY = {"0": "citizen", "1": "enterprise"}
_WORDS = {
    "result_delivery": {"0": "at_counter", "1": "by_post"},
    "online_payment": {
        "0": "none", "1": "paid_at_national_portal", "2": "paid_at_local_gateway", "3": "requested_not_paid_online"
    },
}  # fmt: skip
_VIETNAM = timezone(timedelta(hours=7))
_FORMS = (("%Y-%m-%d %H:%M:%S", 19), ("%Y%m%d%H%M%S", 14), ("%Y-%m-%dT%H:%M:%S", 19), ("%Y-%m-%dT%H:%M:%S.%f", 23))


def expected_fed(code: str, item: Mapping[str, Any], choices: Choices) -> dict[str, Any]:
    """What one item of a ministry's feed leaves at the local system. Raises NotAgreed."""
    told = pascal(item)
    number = str(told.get("TrangThai", ""))
    if not number.isdecimal() or not 1 <= int(number) <= len(_STATES):
        raise NotAgreed("TrangThai")
    return _filing(told, choices) | {
        "code": code,
        "state": _STATES[int(number) - 1],
        "owner_kind": _word(_KINDS_OF_MINISTRY, told, "LoaiDoiTuong"),
    }


def expected_filed(body: Mapping[str, Any], choices: Choices) -> dict[str, Any]:
    """What a dossier filed at the portal leaves at the local system: newly filed, nothing else. Raises NotAgreed."""
    known = {"code": body["MaHoSo"], "state": "new", "owner_kind": _word(_KINDS_OF_PORTAL, body, "LoaiDoiTuong")}
    return _filing(body, choices) | known


def as_held(filing: Mapping[str, Any], own_addresses: Collection[str]) -> dict[str, Any]:
    """What the local system holds, times in one zone, and ``LINK`` for an address that is not one of ``own_addresses``."""
    held: dict[str, Any] = {}
    for name, value in filing.items():
        if isinstance(value, list):
            held[name] = [as_held(one, own_addresses) if isinstance(one, dict) else one for one in value]
        elif name.endswith("_at") and isinstance(value, str):
            held[name] = _instant(value)
        elif isinstance(value, str) and value.startswith(("http://", "https://")) and value not in own_addresses:
            held[name] = LINK
        else:
            held[name] = value
    return held


def contents(body: Mapping[str, Any]) -> list[tuple[str, int]]:
    """SHA-256 and size of each paper that came as base64, in order."""
    papers = [base64.b64decode(one["Base64"]) for one in body.get("TaiLieuNop", ()) if one.get("Base64")]
    return [(hashlib.sha256(paper).hexdigest(), len(paper)) for paper in papers]


def pascal(item: Any) -> Any:
    """An item in camelCase or PascalCase, in PascalCase."""
    if isinstance(item, list):
        return [pascal(one) for one in item]
    if not isinstance(item, Mapping):
        return item
    return {name[:1].upper() + name[1:]: pascal(value) for name, value in item.items()}


def _filing(told: Mapping[str, Any], choices: Choices) -> dict[str, Any]:
    flat = {name: _chosen(told, name, sources) for name, sources in choices.items() if "." not in name}
    for name in {one.partition(".")[0] for one in choices if "." in one}:
        own = {one.removeprefix(f"{name}."): sources for one, sources in choices.items() if one.startswith(f"{name}.")}
        source = own.pop("from", ())
        flat[name] = _entries(told.get(source[0]) or [], own) if source else []
    return {name: value for name, value in flat.items() if value not in ("", [])}


def _entries(entries: Sequence[Mapping[str, Any]], own: Choices) -> list[dict[str, Any]]:
    told = []
    for entry in entries:
        fields = {name: _chosen(entry, name, sources) for name, sources in own.items()}
        if fields.get("url"):
            fields["url"] = LINK
        told.append({name: value for name, value in fields.items() if value != ""})
    return told


def _chosen(told: Mapping[str, Any], field: str, sources: tuple[str, ...]) -> Any:
    for source in sources:
        if source == "=true":
            return True
        text = "" if told.get(source) is None else str(told[source])
        if text and field in _WORDS:
            return _word(_WORDS[field], told, source)
        if text:
            return _time(text, source) if field.endswith("_at") else text
    return ""


def _word(words: Mapping[str, str], told: Mapping[str, Any], source: str) -> str:
    word = words.get(str(told.get(source, "")))
    if word is None:
        raise NotAgreed(source)
    return word


def _time(text: str, source: str) -> str:
    for form, length in _FORMS:
        if len(text) == length:
            try:
                return datetime.strptime(text, form).replace(tzinfo=_VIETNAM).isoformat()
            except ValueError:
                continue
    raise NotAgreed(source)


def _instant(text: str) -> str:
    """The time in Vietnam's zone; as it is when it has no offset or is none."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return text
    return text if at.tzinfo is None else at.astimezone(_VIETNAM).isoformat()
