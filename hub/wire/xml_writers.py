"""Writers for the items of a content model, in the order of the schema: elements, sequences, choices, groups, wildcards."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from lxml import etree

from hub.wire.xml import NIL, XmlRefused, parse
from hub.wire.xml_form_parts import ANY_KEY, NIL_KEY, Steps, Writing
from hub.wire.xsd_parts import Element

if TYPE_CHECKING:
    from hub.wire.xml_content import Repeated, Slot

WriteItem = Callable[[etree._Element, dict[str, Any], Steps, Writing], int]
"""Writes what the object holds for one item of a content model; returns how many of its fields that were."""


def element_writer(item: Element, slot: Slot) -> WriteItem:
    """Writes one element, or a list of them."""
    tag, key, nillable, form_write, make = item.tag, slot.key, item.nillable, slot.form.write, etree.SubElement

    def one(parent: etree._Element, value: Any, at: Steps, w: Writing) -> None:
        element = make(parent, tag)
        if value is None or (value.__class__ is dict and NIL_KEY in value):
            write_nil(element, value, nillable, at, w)
        if value is not None:
            form_write(element, value, at, w)

    def write(parent: etree._Element, obj: dict[str, Any], at: Steps, w: Writing) -> int:
        if key not in obj:
            return 0
        value = obj[key]
        if not slot.many:
            one(parent, value, (*at, key), w)
        elif isinstance(value, list):
            for index, part in enumerate(value):
                one(parent, part, (*at, key, index), w)
        else:
            w.add((*at, key), "mistyped", "must be a list")
        return 1

    return write


def write_nil(element: etree._Element, value: Any, nillable: bool, at: Steps, w: Writing) -> None:
    """Marks an element as null (xsi:nil)."""
    if not nillable or (value is not None and value[NIL_KEY] is not True):
        w.add(at, "null", "may not be null")
    element.set(NIL, "true")


def sequence_writer(parts: list[WriteItem]) -> WriteItem:
    """Writes one after the other."""

    def write(parent: etree._Element, obj: dict[str, Any], at: Steps, w: Writing) -> int:
        taken = 0
        for part in parts:
            taken += part(parent, obj, at, w)
        return taken

    return write


def choice_writer(branches: list[tuple[frozenset[str], WriteItem]]) -> WriteItem:
    """Writes the branch of which the object holds most fields."""

    def write(parent: etree._Element, obj: dict[str, Any], at: Steps, w: Writing) -> int:
        best = max(branches, key=lambda branch: len(branch[0] & obj.keys()), default=None)
        return best[1](parent, obj, at, w) if best and best[0] & obj.keys() else 0

    return write


def group_writer(group: Repeated) -> WriteItem:
    """Writes each turn of a repeated group."""

    def write(parent: etree._Element, obj: dict[str, Any], at: Steps, w: Writing) -> int:
        if group.key not in obj:
            return 0
        turns = obj[group.key]
        if not isinstance(turns, list):
            w.add((*at, group.key), "mistyped", "must be a list")
            return 1
        for index, turn in enumerate(turns):
            group.content.write(parent, turn, (*at, group.key, index), w, 0, frozenset())
        return 1

    return write


def write_any(parent: etree._Element, obj: dict[str, Any], at: Steps, w: Writing) -> int:
    """Writes the elements that a wildcard allows, given as texts of XML."""
    if ANY_KEY not in obj:
        return 0
    texts = obj[ANY_KEY]
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        w.add((*at, ANY_KEY), "mistyped", "must be a list of texts that are XML")
        return 1
    for index, text in enumerate(texts):
        try:
            parent.append(parse(text.encode(errors="surrogatepass")))
        except XmlRefused as error:
            w.add((*at, ANY_KEY, index), "not_xml", error.problems[0].message)
    return 1
