"""Reads a question to the simulated registry and says what is wrong with it: contract 4.2 as rules.

The order of elements counts. A question that breaks a rule is still read as far as it goes, so that the log and the
fault rules know who asked and for what.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from connectors.population.simulator_config import PopulationSimulatorConfig
from connectors.population.simulator_xml import Node, read_xml
from hub.wire.xml import XmlRefused

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
SOAP_12 = "http://www.w3.org/2003/05/soap-envelope"
QUESTIONS = "http://dancuquocgia.bca"
LOOK_UP, VERIFY = "TraCuuThongTinCongDan", "XacThucThongTinCongDan"

_NUMBERS = {"SoDinhDanh": 12, "SoCMND": 9}
_BIRTHS = {"Nam": r"[0-9]{4}", "NgayThangNam": r"[0-9]{8}"}
_LATER = ("MaDonVi", "TaiKhoan", "SoDienThoai")
_SEQUENCE: tuple[tuple[str, ...], ...] = (
    ("MaYeuCau",), ("MaDVC",), ("MaTichHop",), ("MaCanBo",), *((name,) for name in _LATER),
    tuple(_NUMBERS), ("HoVaTen",), ("NgayThangNamSinh",),
)  # fmt: skip
_PLACE = {name: place for place, names in enumerate(_SEQUENCE) for name in names}


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a question is not answered: a stable word, the registry's words, where, and whose fault it is.

    ``kind`` is ``value`` for what is in its place but cannot be true of anybody, ``right`` for what this caller may not
    ask, ``form`` for the rest. ``value`` is what was there.
    """

    code: str
    words: str
    at: str = ""
    value: str = ""
    kind: Literal["form", "value", "right"] = "form"
    fault: str = "Client"


@dataclass(frozen=True, slots=True)
class Question:
    """One question: its operation (``?`` when it names none), its texts by element name, and what is wrong with it."""

    operation: str
    fields: Mapping[str, str]
    refusal: Refusal | None

    @property
    def number(self) -> str:
        return self.fields.get("SoDinhDanh") or self.fields.get("SoCMND", "")

    @property
    def birth(self) -> str:
        return self.fields.get("NgayThangNam") or self.fields.get("Nam", "")


def read_question(data: bytes, config: PopulationSimulatorConfig) -> Question:
    """The question that this envelope carries."""
    try:
        root = read_xml(data)
    except XmlRefused as error:
        return Question("?", {}, Refusal(error.problems[0].code, "Không phải XML hợp lệ"))
    refusal = _envelope_refusal(root)
    body = next((child for child in root.children if child.name == "Body"), None)
    asked = body.children[0] if body is not None and body.children else None
    if asked is None:
        return Question("?", {}, refusal or Refusal("no_operation", "Thân bản tin không có yêu cầu", "Body"))
    fields = {node.name: node.text for node in asked.walk() if not node.children and node.name in (*_PLACE, *_BIRTHS)}
    operation = asked.name if asked.name in (LOOK_UP, VERIFY) else "?"
    if refusal is None:
        refusal = next(_refusals(asked, config), None)
    return Question(operation, fields, refusal)


def _envelope_refusal(root: Node) -> Refusal | None:
    """What SOAP 1.1 itself asks of an envelope."""
    if root.name != "Envelope" or root.namespace != SOAP:
        fault = "VersionMismatch" if root.namespace == SOAP_12 else "Client"
        return Refusal("not_soap_11", "Không phải SOAP 1.1", root.name, fault=fault)
    names = [child.name for child in root.children if child.namespace == SOAP]
    if len(names) != len(root.children) or names not in (["Body"], ["Header", "Body"]):
        return Refusal("envelope", "Envelope gồm Header (tùy chọn) rồi Body", "Envelope")
    for block in root.children[0].children if names[0] == "Header" else ():
        if block.attributes.get(f"{{{SOAP}}}mustUnderstand") in ("1", "true"):
            return Refusal("must_understand", "Header không được hỗ trợ", f"Header/{block.name}", fault="MustUnderstand")
    if len(root.children[-1].children) > 1:
        return Refusal("envelope", "Body chỉ có một yêu cầu", "Body")
    return None


def _refusals(asked: Node, config: PopulationSimulatorConfig) -> Iterator[Refusal]:
    """Everything wrong with the request element; the first is told."""
    if asked.name not in (LOOK_UP, VERIFY) or asked.namespace != QUESTIONS:
        yield Refusal("unknown_operation", "Dịch vụ không được hỗ trợ", asked.name)
        return
    yield from _order(asked.children)
    for node in asked.children:
        if node.children and node.name != "NgayThangNamSinh":
            yield Refusal("unknown_element", "Phần tử không có trong đặc tả", node.children[0].name)
    texts = {node.name: node.text for node in asked.children}
    for names in _SEQUENCE:
        there = [name for name in names if name in texts]
        if names[0] in _LATER and config.later_fields == "optional":
            continue
        if not there:
            yield Refusal("missing", "Thiếu phần tử bắt buộc", " | ".join(names))
        elif names != ("NgayThangNamSinh",) and not texts[there[0]].strip():
            yield Refusal("empty", "Phần tử không được để trống", there[0])
    yield from _rights(asked.name, texts, config)
    yield from _birth(next((node for node in asked.children if node.name == "NgayThangNamSinh"), None))
    for name, digits in _NUMBERS.items():
        if name in texts and not re.fullmatch(rf"[0-9]{{{digits}}}", texts[name]):
            yield Refusal("digits", f"Phải gồm {digits} chữ số", name, texts[name], "value")


def _order(children: Sequence[Node]) -> Iterator[Refusal]:
    last, before = -1, ""
    for node in children:
        place = _PLACE.get(node.name)
        if place is None or node.namespace != QUESTIONS:
            yield Refusal("unknown_element", "Phần tử không có trong đặc tả", node.name)
        elif place == last and node.name != before:
            yield Refusal("both_numbers", "Chỉ được có một trong hai: SoDinhDanh, SoCMND", node.name)
        elif place == last:
            yield Refusal("repeated", "Phần tử lặp lại", node.name)
        elif place < last:
            yield Refusal("order", "Sai thứ tự phần tử", node.name)
        else:
            last, before = place, node.name


def _birth(node: Node | None) -> Iterator[Refusal]:
    where = "NgayThangNamSinh"
    children = node.children if node is not None else ()
    if [child.name for child in children] not in (["Nam"], ["NgayThangNam"]) or children[0].namespace != QUESTIONS:
        yield Refusal("birth", "Phải có đúng một trong hai: Nam, NgayThangNam", where)
        return
    name, text = children[0].name, children[0].text
    if not re.fullmatch(_BIRTHS[name], text) or not _exists(text):
        yield Refusal("date", "Không phải ngày tháng năm", f"{where}/{name}", text, "value")


def _rights(operation: str, texts: Mapping[str, str], config: PopulationSimulatorConfig) -> Iterator[Refusal]:
    codes = config.lookup_codes if operation == LOOK_UP else config.verify_codes
    for name, allowed in {"MaTichHop": codes, "MaDVC": config.procedures, "MaCanBo": config.officers}.items():
        if allowed and texts.get(name, "") not in allowed:
            yield Refusal("not_allowed", "Không được phép khai thác", name, texts.get(name, ""), "right")
    officer = texts.get("MaCanBo", "")
    if config.officer_form == "citizen_number" and not re.fullmatch(r"[0-9]{12}", officer):
        yield Refusal("officer", "Phải là số định danh của cán bộ", "MaCanBo", officer, "right")


def _exists(text: str) -> bool:
    try:
        datetime.strptime(text if len(text) == 8 else f"{text}0101", "%Y%m%d")
    except ValueError:
        return False
    return True
