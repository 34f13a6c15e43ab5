"""How a mistake in XML is mended, in the words of its schema: what may stand there, and what the schema says of it.

Nothing that was sent is ever quoted.
"""

from __future__ import annotations

import re
from itertools import pairwise

from lxml import etree

from hub.wire.xml_form_parts import TypeForm
from hub.wire.xml_types import normal
from hub.wire.xsd_parts import INTEGERS, Attribute, Element, Simple
from hub.wire.xsd_rules import Broken

_SHOWN, _LENGTH = 10, 160
_SENTENCE = re.compile(r".+?[.!?;](?=\s|$)")
_BOUNDS = (
    ("minInclusive", "at least {}"),
    ("minExclusive", "more than {}"),
    ("maxInclusive", "at most {}"),
    ("maxExclusive", "less than {}"),
    ("totalDigits", "at most {} digits"),
    ("fractionDigits", "at most {} decimal places"),
)
_SUCH_AS = {
    "date": "2026-01-31",
    "dateTime": "2026-11-21T08:00:00+07:00",
    "time": "08:00:00",
    "gYear": "2026",
    "gYearMonth": "2026-01",
    "gMonth": "--01",
    "gMonthDay": "--01-31",
    "gDay": "---31",
    "duration": "P1DT2H",
    "decimal": "1234.5",
    "float": "1234.5",
    "double": "1234.5",
    "hexBinary": "0FB7",
    "base64Binary": "aGVsbG8=",
}


def hint(declared: Element, form: TypeForm, root: etree._Element, one: Broken) -> str:
    """What to do about something broken in the document ``root``, whose declaration and form are these; empty if not known."""
    element, there = _found(declared, form, root, one.element)
    if there is None:
        return ""
    said = there.said(one.element)
    if one.child:
        slot = said.content.slots.get(one.child) if said.content is not None else None
        return _sentence(slot.element.doc) if slot is not None else ""
    meant: Element | Attribute | None = said.attribute(one.attribute) if one.attribute else element
    if meant is None:
        return ""
    if one.code == "null":
        return "leave the element out, or give it a value" if element is not None and not element.least else "give it a value"
    simple = meant.type if isinstance(meant, Attribute) else said.simple
    if one.code == "fixed" and meant.fixed is not None:
        text = f"must be: {_short(meant.fixed)}"
    else:
        text = _text(one.code, simple) if simple is not None else ""
    about = _sentence(meant.doc) if text or one.code == "missing" else ""
    return "; ".join(part for part in (text, about) if part)


def _found(
    declared: Element, form: TypeForm, root: etree._Element, element: etree._Element
) -> tuple[Element | None, TypeForm | None]:
    """The declaration and the form of an element in the document."""
    chain = [element]
    while chain[0] is not root:
        parent = chain[0].getparent()
        if parent is None:
            return None, None
        chain.insert(0, parent)
    at: Element | None = declared
    here: TypeForm | None = form
    for parent, child in pairwise(chain):
        if here is None:
            return None, None
        here = here.said(parent)
        slot = here.content.slots.get(child.tag) if here.content is not None else None
        at, here = (slot.element, slot.form) if slot is not None else (None, here.form_below(parent, child))
    return at, here


def _text(code: str, simple: Simple) -> str:
    """What the type takes."""
    bounds = simple.bounds
    if code == "enum" or (code == "bad_value" and simple.enumeration):
        names = [_short(normal(one, simple.space), 40) for one in simple.enumeration[:_SHOWN]]
        return f"one of: {', '.join(names)}{', …' if len(simple.enumeration) > _SHOWN else ''}" if names else ""
    if code == "pattern":
        return f"pattern: {_short(bounds['pattern'])}" if "pattern" in bounds else ""
    if code in ("too_short", "too_long", "bad_length"):
        return _lengths(simple)
    if code == "out_of_range":
        return ", ".join(text.format(_short(bounds[facet], 40)) for facet, text in _BOUNDS if facet in bounds) or _range(simple)
    return _range(simple) if code == "bad_value" else ""


def _lengths(simple: Simple) -> str:
    least, most = (simple.bounds.get(name, simple.bounds.get("length")) for name in ("minLength", "maxLength"))
    unit = {"list": "value", "hexBinary": "byte", "base64Binary": "byte"}.get(simple.name, "character")
    if least == most:
        text, last = f"{least}", least
    elif least not in (None, "0") and most is not None:
        text, last = f"{least} to {most}", most
    else:
        text, last = (f"at most {most}", most) if most is not None else (f"at least {least}", least)
    return f"{text} {unit}{'' if last == '1' else 's'}" if last is not None else ""


def _range(simple: Simple) -> str:
    """The built-in type in words."""
    if simple.name == "boolean":
        return "true or false"
    if simple.name in INTEGERS:
        least, most = INTEGERS[simple.name]
        bounds = [f"at least {least}"] if least is not None else []
        bounds += [f"at most {most}"] if most is not None else []
        return ", ".join(["an integer", *bounds])
    such_as = _SUCH_AS.get(simple.name)
    return f"a {simple.name} such as {such_as}" if such_as else ""


def _sentence(text: str) -> str:
    """The first sentence of what the schema says, when it is short enough."""
    words = " ".join(text.split())
    first = _SENTENCE.match(words)
    return _short(first[0] if first and len(words) > _LENGTH else words)


def _short(text: str, most: int = _LENGTH) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
