"""The registry's messages: a question written as it wants it, and a citizen, or yes or no, read from its answer."""

from __future__ import annotations

import unicodedata
from typing import Any, Literal

from connectors.population.config import PopulationConfig
from hub.errors import NotAsked, Problem, Rejected, Transient, shown
from hub.message import Clock, Message
from hub.wire.soap import write_envelope
from hub.wire.wsdl import Operation
from hub.wire.xml import local_name
from hub.wire.xml_form import XmlForm, XmlMisfit

_SPACES = ("http://www.mic.gov.vn/dancu/1.0", "http://dancuquocgia.bca", "")
"""Namespaces that an element of an answer may be in: which stands where is not public."""
_XSI_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"
_PARTS = ("Ho", "ChuDem", "Ten")
_RELATIVES = ("Cha", "Me", "VoChong", "NguoiDaiDien", "ChuHo")


def question(query: Message, operation: Operation, code: str, config: PopulationConfig, clock: Clock) -> bytes:
    """The envelope of a ``c06-citizen-query@1``; ``code`` is the operation's MaTichHop. Raises NotAsked, naming the places."""
    if not isinstance(query.body, dict):
        raise NotAsked("question", "/: the question is not an object")
    account = {"MaDonVi": config.unit_code, "TaiKhoan": config.account_name, "SoDienThoai": config.phone}
    body = {"MaYeuCau": query.id, "MaTichHop": code} | {name: value for name, value in account.items() if value} | query.body
    if config.service_code is not None:
        body["MaDVC"] = config.service_code
    if isinstance(body.get("HoVaTen"), str):
        body["HoVaTen"] = registered(body["HoVaTen"], config.name_form)
    try:
        return write_envelope(operation, body, clock=clock)
    except XmlMisfit as misfit:
        raise NotAsked("question", _places(misfit.problems)) from None


def registered(name: str, form: Literal["upper", "plain"]) -> str:
    """A name as the registry compares it: NGUYỄN THỊ MẪU, or ``plain``: NGUYENTHIMAU."""
    name = " ".join(unicodedata.normalize("NFC", name).upper().split())
    if form == "upper":
        return name
    letters = unicodedata.normalize("NFD", name.translate({ord("Đ"): "D", ord("Ð"): "D", ord(" "): None}))
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


def citizen(answer: Any, form: XmlForm) -> dict[str, Any] | None:
    """The one citizen of a CongdanCollection as ``c06-citizen@1``, None when the collection is empty.

    Raises Rejected ``ambiguous`` when there are several, ``unreadable_record`` for a value that cannot be told, and
    Transient ``unreadable_answer`` when there is something else: only an empty collection says that nobody is known.
    """
    collection = _read(answer, form) or {}
    found = [one for one in collection.get("CongDan", ()) if one is not None]
    alike = sum(local_name(one.tag).casefold() == "congdan" for one in answer)
    if found and alike > 1:
        raise Rejected("ambiguous", f"the question fits {alike} citizens, as far as they can be read")
    if not found:
        _check_empty(answer)
        return None
    person: dict[str, Any] = _said(found[0])
    name = person["HoVaTen"] = _name(person.get("HoVaTen", {}), "/CongDan/HoVaTen")
    if not any(name.values()):
        raise Rejected("unreadable_record", "/CongDan/HoVaTen: a citizen without a name")
    for relative in _RELATIVES:
        if "HoVaTen" in (held := person.get(relative, {})):
            parts = _name(held["HoVaTen"], f"/CongDan/{relative}/HoVaTen")
            held["HoVaTen"] = " ".join(parts[part] for part in _PARTS if parts.get(part))
    as_of = collection.get("@ThoiDiemDuLieu")
    return person if as_of is None else {"@ThoiDiemDuLieu": as_of, **person}


def _check_empty(collection: Any) -> None:
    """Raises Transient: a count, an element or a text says that the answer is another than nobody."""
    at = f"/{local_name(collection.tag)}"
    for one in collection:
        raise _untold(f"{at}/{shown(local_name(one.tag))}: it is no citizen that can be read")
    if (collection.text or "").strip():
        raise _untold(f"{at}: a text, and no citizen")
    if collection.get("SoCongDan", "0").strip() != "0":
        raise _untold(f"{at}/@SoCongDan: not 0, and no citizen")


def _untold(reason: str) -> Transient:
    return Transient("unreadable_answer", reason)


def _said(value: Any) -> Any:
    """Without what is nil: it says nothing."""
    return {name: _said(one) for name, one in value.items() if one is not None} if isinstance(value, dict) else value


def exists(answer: Any, form: XmlForm) -> bool:
    """TonTai of a KetQuaXacThuc."""
    said = _read(answer, form).get("TonTai")
    if said is None:
        raise _untold("/KetQuaXacThuc/TonTai: it is missing")
    return bool(said)


def _read(answer: Any, form: XmlForm) -> Any:
    """The element in the Body by its form, laxly, in whichever of the known namespaces its parts are."""
    for one in answer.iter():
        name = local_name(one.tag)
        if one.tag.removesuffix(name).strip("{}") in _SPACES:
            one.tag = form.tag.removesuffix(form.name) + name
        one.attrib.pop(_XSI_TYPE, None)  # in our schema no type stands for another
    if answer.tag != form.tag:
        raise _untold(f"/Body: it holds no {form.name}")
    try:
        return form.read(answer, lax=True)
    except XmlMisfit as misfit:
        raise Rejected("unreadable_record", _places(misfit.problems)) from None


def _name(held: dict[str, Any], at: str) -> dict[str, str]:
    """Ho, ChuDem and Ten, as far as they are there; a name that is one text stands in Ten, as in the registry's own data."""
    parts = {part: held[part] for part in _PARTS if part in held}
    texts = [" ".join(text.split()) for text in held.get("#text", ()) if text.strip()]
    if len(texts) > 1 or (texts and any(parts.values())):
        raise Rejected("unreadable_record", f"{at}: a text in pieces, or beside parts")
    return {"Ten": texts[0]} if texts else parts


def _places(problems: tuple[Problem, ...]) -> str:
    return "; ".join(f"{problem.at or '/'}: {problem.message}" for problem in problems)
