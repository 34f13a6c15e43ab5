"""Checks one element and all below it against its schema, so that every mistake is found, not the first of each element.

The validator (``xsd_rules``) is asked first: what it finds valid is valid. Only when it does not, the forms of the types help:
they know where padding means nothing, and what is wrong with the children of an element. Those that are in its way are taken
out and the others put in order, so that it can look at the values beside and below them; then all is put back.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from lxml import etree

from hub.wire.xml import XSI_TYPE, resolved
from hub.wire.xml_complex import attributes, is_nil
from hub.wire.xml_form_parts import MOST, TypeForm
from hub.wire.xml_hints import hint
from hub.wire.xml_order import arranged
from hub.wire.xml_types import is_legal
from hub.wire.xsd_parts import ARRAY, Element
from hub.wire.xsd_rules import Broken, Rules, is_large

_BLANK = " \t\r\n"
_BLANKS = tuple(_BLANK)
_TIMES = ("date", "dateTime", "time", "gYear", "gYearMonth", "gMonth", "gMonthDay", "gDay", "duration")
_LOOKED_AT = 20_000
"""In a larger document than this many elements not every mistake is looked for: that would take too long."""


def check(declared: Element, form: TypeForm, rules: Rules, root: etree._Element) -> list[Broken]:
    """What the element and all below break. White space that means nothing is taken out of it."""
    found = rules.broken(root)
    if any(one.code in ("bad_value", "bad_type", "enum", "pattern") for one in found) and _without_padding(form, root):
        found = rules.broken(root)
    if any(one.content for one in found):
        found = _all_of(form, rules, root, found)
    return [one if one.hint else replace(one, hint=hint(declared, form, root, one)) for one in found[:MOST]]


def _all_of(form: TypeForm, rules: Rules, root: etree._Element, found: list[Broken]) -> list[Broken]:
    """The mistakes of structure, and what the validator finds when it is not stopped by them."""
    structure = _Structure()
    try:
        structure.look(form, root)
        if not structure.wrong:
            return found
        if len(structure.wrong) < MOST and not is_large(root, _LOOKED_AT):
            found = rules.broken_beside(root)
    finally:
        structure.put_back()
    parents = {one.element.getparent() if one.code != "missing" else one.element for one in structure.wrong}
    others = [one for one in found if one.code != "not_unique" and not (one.content and _holder(one) in parents)]
    order = {element: index for index, element in enumerate(_some(root))}
    both = [*structure.wrong, *others]
    return sorted(both, key=lambda one: order.get(one.element, len(order)))[:MOST] if len(both) <= MOST else both


def _holder(one: Broken) -> etree._Element | None:
    return one.element if one.code == "missing" else one.element.getparent()


def _some(root: etree._Element) -> Iterator[etree._Element]:
    return root.iter() if not is_large(root, _LOOKED_AT) else iter(())


@dataclass(slots=True)
class _Structure:
    """What is wrong with the children of which elements, and the children that these had."""

    wrong: list[Broken] = field(default_factory=list)
    had: list[tuple[etree._Element, list[etree._Element]]] = field(default_factory=list)

    def look(self, form: TypeForm, root: etree._Element) -> None:
        waiting, seen = [(form, root)], 0
        while waiting and len(self.wrong) < MOST and seen < _LOOKED_AT:
            form, element = waiting.pop()
            form = form.said(element)
            content = form.content
            if content is None:
                seen += 1
                if (below := form.form_below(element, element)) is not None:
                    waiting += [(below, child) for child in element]
                continue
            seen += len(element)
            if is_nil(element) or form.simple is not None or len(element) > _LOOKED_AT:
                continue
            one = arranged(element, content, element)
            if one.wrong:
                self.wrong += one.wrong[: MOST - len(self.wrong)]
                if len(self.wrong) < MOST:
                    self.had.append((element, list(element)))
                    element[:] = one.kept
            for child in reversed(one.kept):
                slot = content.slots.get(child.tag)
                if slot is not None and (len(child) or slot.form.content is not None):
                    waiting.append((slot.form, child))

    def put_back(self) -> None:
        for element, children in reversed(self.had):
            element[:] = children


def _without_padding(form: TypeForm, root: etree._Element) -> bool:
    """Mends what the validator is wrong about: white space around a date, and an array that says it is one."""
    if not any(map(_is_suspect, root.iter())):
        return False
    mended = False
    waiting: list[tuple[TypeForm | None, etree._Element]] = [(form, root)]
    while waiting:
        here, element = waiting.pop()
        said = element.get(XSI_TYPE) if element.attrib else None
        if said is not None and resolved(said, element) == ARRAY:
            del element.attrib[XSI_TYPE]
            mended = True
        here = here.said(element) if here is not None else None
        if len(element):
            waiting += [(here.form_below(element, child) if here is not None else None, child) for child in element]
        elif element.text and _is_padded(element.text) and _may_be_padded(here, element.text.strip(_BLANK)):
            element.text = element.text.strip(_BLANK)
            mended = True
        for name, value in attributes(element) if here is not None and element.attrib else ():
            declared = here.attribute(name) if here is not None else None
            if declared is not None and declared.type.space == "collapse" and _is_padded(value):
                element.set(name, value.strip(_BLANK))
                mended = True
    return mended


def _may_be_padded(form: TypeForm | None, value: str) -> bool:
    """Whether white space around a value means nothing; where its type is not known, around what looks like a time."""
    if form is None:
        return any(is_legal(name, value) for name in _TIMES)
    return form.simple is not None and form.simple.space == "collapse"


def _is_padded(text: str) -> bool:
    return text[:1] in _BLANKS or text[-1:] in _BLANKS


def _is_suspect(element: etree._Element) -> bool:
    text = element.text
    if text and not len(element) and _is_padded(text):
        return True
    return bool(element.attrib) and any(_is_padded(value) or value.endswith("Array") for _, value in attributes(element))
