"""Arrays of the SOAP encoding: lists of items, and how the validator is told what type each item is of.

The schema does not say what the elements in an array are called; so the validator is given a copy in which each item says its
type (xsi:type). What such an array may be beside a plain list (sparse, of several dimensions) is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any

from lxml import etree

from hub.wire.xml import XSI_TYPE
from hub.wire.xml_complex import HREF, ComplexForm, is_nil, set_qname
from hub.wire.xml_form_parts import NIL_KEY, Reading, Steps, TypeForm, Writing
from hub.wire.xml_writers import write_nil
from hub.wire.xsd_files import SOAP_ENCODING, refused
from hub.wire.xsd_parts import ANY_TYPE, ARRAY_TYPE, Complex, Element, Type

_OFFSET, _POSITION = f"{{{SOAP_ENCODING}}}offset", f"{{{SOAP_ENCODING}}}position"
_SIZES = re.compile(r"[^\[\]]+((?:\[[0-9, ]*\])*)\[([0-9, ]*)\]")
_ITEM = "{urn:dossier-hub:array}item"
_CONTENT = ("null", "is null (xsi:nil) but has content")
_SPARSE = ("sparse", "is a part of an array (offset, position): only whole arrays are supported")
_DIMENSIONS = ("dimensions", "is an array of more than one dimension, which is not supported")


class ArrayForm(TypeForm):
    """A SOAP array: a list of its items, whatever their elements are called."""

    def __init__(self, form_of: Callable[[Type], TypeForm], kind: Complex) -> None:
        self._form_of, self._kind = form_of, kind
        leaf = next(kind.content.leaves(), None) if kind.content else None
        self._tag = leaf.tag if isinstance(leaf, Element) else "item"

    @cached_property
    def _item(self) -> Type:
        found = self._kind.item() if self._kind.item else ANY_TYPE
        if not found.global_name:
            text = "a SOAP array of items whose type has no name is not supported"
            raise refused(self._kind.place, "unsupported", text, "give the type of its items a name")
        return found

    @cached_property
    def item(self) -> TypeForm:
        """The form of its items."""
        return self._form_of(self._item)

    # ---- reading
    def read(self, element: etree._Element, r: Reading) -> Any:
        wrong = self._wrong(element)
        if wrong is not None:
            r.add(element, *wrong)
            return None
        if is_nil(element):
            return None
        return [self._read_item(child, r) for child in element]

    def _read_item(self, child: etree._Element, r: Reading) -> Any:
        if child.get(_POSITION) is not None:
            r.add(child, *_SPARSE)
        elif is_nil(child) and (len(child) or child.text):
            r.add(child, *_CONTENT)
        else:
            return self.item.read(child, r)
        return None

    def _wrong(self, element: etree._Element) -> tuple[str, str] | None:
        """Why it is no plain list, as a code and a text."""
        if element.get("href") is not None:
            return HREF
        if (element.get(_OFFSET) or "[0]").strip() != "[0]":
            return _SPARSE
        said = element.get(ARRAY_TYPE)
        sizes = _SIZES.fullmatch(said.strip()) if said is not None else None
        if sizes is None:
            return None if said is None else ("bad_value", "says with arrayType what is no type of an array")
        if "," in sizes[2] or (sizes[1] and not isinstance(self.item, ArrayForm)):
            return _DIMENSIONS
        size = sizes[2].strip()
        if not size or is_nil(element) or (len(size) < 10 and size.isdigit() and int(size) == len(element)):
            return None
        return "bad_length", "does not hold as many items as it says (arrayType)"

    # ---- writing
    def write(self, element: etree._Element, value: Any, at: Steps, w: Writing) -> None:
        if not isinstance(value, list):
            w.add(at, "mistyped", "must be a list")
            return
        inner = self._item
        nested = "[]" if isinstance(self.item, ArrayForm) else ""
        if nested and isinstance(self.item, ArrayForm):
            inner = self.item._item
        set_qname(element, ARRAY_TYPE, inner.global_name)
        element.set(ARRAY_TYPE, f"{element.get(ARRAY_TYPE)}{nested}[{len(value)}]")
        for index, part in enumerate(value):
            child = etree.SubElement(element, self._tag)
            if part is None or (isinstance(part, dict) and NIL_KEY in part):
                write_nil(child, part, True, (*at, index), w)
            if part is not None:
                self.item.write(child, part, (*at, index), w)

    # ---- what stands in it
    def describe(self, child: etree._Element) -> None:
        """Lets an item say its type, under a name that no schema knows."""
        child.tag = _ITEM
        if is_nil(child) or child.get("href") is not None:
            child.attrib.pop(XSI_TYPE, "")  # null, or elsewhere: there is nothing to hold against a type
        elif self._item is not ANY_TYPE and not (isinstance(self.item, ComplexForm) and child.get(XSI_TYPE) is not None):
            set_qname(child, XSI_TYPE, self._item.global_name)

    def place(self, element: etree._Element, child: etree._Element) -> Steps:
        return (element.index(child),)

    def form_below(self, element: etree._Element, child: etree._Element) -> TypeForm | None:
        return self.item

    def below(self) -> Iterator[TypeForm]:
        yield self.item

    def names(self) -> Iterator[str]:
        yield from (self._tag, ARRAY_TYPE)


def described(element: etree._Element, form: TypeForm) -> etree._Element:
    """A copy of an element in which the items of all arrays say their type, for the validator; lines are the original's."""
    made: etree._Element = etree.fromstring(etree.tostring(element, with_tail=False))
    for one, origin in zip(made.iter(), element.iter(), strict=True):
        one.sourceline = origin.sourceline or 0
    waiting = [(made, form)]
    while waiting:
        one, known = waiting.pop()
        known = known.said(one)
        for child in one:
            below = known.form_below(one, child)
            if isinstance(known, ArrayForm):
                known.describe(child)
            if below is not None:
                waiting.append((child, below))
    return made
