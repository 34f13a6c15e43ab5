"""One enterprise out of an answer of a registry: its three shapes, objects and arrays alike; nothing chosen, nothing completed.

Source of the shapes: contracts.md section 5 [read: OCPS-APPL, OCPS-FE (ngsp); TD-DKKD (province); DKKD (search)].
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from connectors.business_registry.config import Shape
from hub.errors import Rejected, Transient, shown

_LISTS: Mapping[str, Sequence[str]] = {
    "ngsp": ("Representatives",),
    "province": ("TinhTrangPhapLy", "DaiDienPhapLuat", "DiaChiTruSo", "NganhNgheKinhDoanh"),
    "search": (),
}
"""What is an object or an array of objects in an enterprise of the shape."""
_KEYS: Mapping[str, Sequence[str]] = {"ngsp": ("Data", "data"), "province": ("GetEntCert",), "search": ("d",)}
"""Where an answer has what it knows."""


def enterprise(body: bytes, shape: Shape, number: str, transient_codes: Sequence[str] = ()) -> dict[str, Any] | None:
    """``business-registry-enterprise@1`` of the enterprise that the answer tells of; None: the registry knows none.

    Raises Transient ``unreadable_answer`` when the answer is none of the shape; Rejected with the platform's error_code, or
    Transient for one of ``transient_codes``; Rejected ``ambiguous`` for several enterprises, ``unreadable_record`` for one of
    which a part is neither an object nor a list of objects. Only codes and places are named.
    """
    try:
        said = orjson.loads(body.removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError:
        raise Transient("unreadable_answer", "the answer is no JSON") from None
    if not isinstance(said, dict):
        raise Transient("unreadable_answer", "the answer is no JSON object")
    if "error_code" in said and not said.keys() & _KEYS[shape]:
        raise _told(said["error_code"], transient_codes)
    found = _FOUND[shape](said, number)
    return None if found is None else {shape: _with_lists(found, shape)}


def _told(code: Any, transient_codes: Sequence[str]) -> Transient | Rejected:
    """What an answer means that has the platform's error_code and nothing of an enterprise."""
    text = str(code).strip() if isinstance(code, str | int) and not isinstance(code, bool) else ""
    if text in ("", "0"):
        return Transient("unreadable_answer", "/error_code: says neither a refusal nor anything of an enterprise")
    kind = Transient if text in transient_codes else Rejected
    return kind(shown(text), "the platform refused the question; its words are not kept")


def _of_ngsp(said: Mapping[str, Any], number: str) -> dict[str, Any] | None:
    """``Data`` or ``data``; nobody is found where its MainInformation is null or empty."""
    name = "Data" if "Data" in said else "data"
    data = _one(said.get(name), f"/{name}")
    if "MainInformation" not in data:
        raise Transient("unreadable_answer", f"/{name}/MainInformation: is not there")
    if data["MainInformation"] in (None, []):
        return None
    parts = {
        part: _one(data[part], f"/{name}/{part}") for part in ("MainInformation", "HOAdress") if data.get(part) is not None
    }
    return data | parts


def _of_province(said: Mapping[str, Any], number: str) -> dict[str, Any] | None:
    """The one of GetEntCert, which is null or empty where nobody is found."""
    if "GetEntCert" not in said:
        raise Transient("unreadable_answer", "/GetEntCert: is not there")
    found = said["GetEntCert"]
    return None if found in (None, []) else _one(found, "/GetEntCert")


def _of_search(said: Mapping[str, Any], number: str) -> dict[str, Any] | None:
    """The row of ``d`` with exactly this tax code (Enterprise_Code only where a row has none): a search brings branches too,
    which may have the Enterprise_Code of their enterprise."""
    rows = said.get("d")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise Transient("unreadable_answer", "/d: is no list of objects")
    mine = [row for row in rows if plain(number) == plain(row.get("Enterprise_Gdt_Code") or row.get("Enterprise_Code"))]
    return _one(mine, "/d") if mine else None


_FOUND = {"ngsp": _of_ngsp, "province": _of_province, "search": _of_search}


def plain(number: Any) -> str:
    """A number without the dash before the digits of a branch and blanks around it; "" where it is no text."""
    return number.strip().replace("-", "") if isinstance(number, str) else ""


def _one(value: Any, place: str) -> dict[str, Any]:
    """The object, or the one object of an array."""
    if isinstance(value, list) and len(value) > 1:
        raise Rejected("ambiguous", f"{place}: several for one number")
    one = value[0] if isinstance(value, list) and value else value
    if not isinstance(one, dict):
        raise Transient("unreadable_answer", f"{place}: is no object")
    return one


def _with_lists(found: Mapping[str, Any], shape: Shape) -> dict[str, Any]:
    """The same, with an array wherever the registry writes an object or an array."""
    made = dict(found)
    for name in _LISTS[shape]:
        if name in made:
            made[name] = _list(made[name], f"/{name}")
    if made.get("DaiDienPhapLuat"):
        made["DaiDienPhapLuat"] = [
            {**one, "ThongTinCaNhan": [person] if person is not None else None}
            for one in made["DaiDienPhapLuat"]
            for person in _list(one.get("ThongTinCaNhan"), "/DaiDienPhapLuat/ThongTinCaNhan") or [None]
        ]
    if made.get("DiaChiTruSo"):
        places = [one | {"DiaChi": _list(one.get("DiaChi"), "/DiaChiTruSo/DiaChi")} for one in made["DiaChiTruSo"]]
        if len(places) > 1 or any(len(one["DiaChi"] or ()) > 1 for one in places):
            raise Rejected("unreadable_record", "/DiaChiTruSo: several addresses of one head office")
        made["DiaChiTruSo"] = places
    return made


def _list(value: Any, place: str) -> list[Any] | None:
    """The array of objects that is written as an array or as its only object; null stays."""
    if value is None:
        return None
    many = value if isinstance(value, list) else [value]
    if not all(isinstance(one, dict) for one in many):
        raise Rejected("unreadable_record", f"{place}: neither an object nor a list of objects")
    return many
