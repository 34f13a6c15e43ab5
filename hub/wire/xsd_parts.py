"""What a schema says of an element: its type, children, attributes and values, and how often each may stand there."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from lxml import etree

from hub.wire.xml import local_name
from hub.wire.xsd_files import SOAP_ENCODING, XS

WSDL_ARRAY_TYPE = "{http://schemas.xmlsoap.org/wsdl/}arrayType"
ARRAY, ARRAY_TYPE = f"{{{SOAP_ENCODING}}}Array", f"{{{SOAP_ENCODING}}}arrayType"
INTEGERS: dict[str, tuple[int | None, int | None]] = {
    "integer": (None, None),
    "nonPositiveInteger": (None, 0),
    "negativeInteger": (None, -1),
    "nonNegativeInteger": (0, None),
    "positiveInteger": (1, None),
    **{name: (-(2**bits), 2**bits - 1) for name, bits in (("byte", 7), ("short", 15), ("int", 31), ("long", 63))},
    **{f"unsigned{n}": (0, 2**bits - 1) for n, bits in (("Byte", 8), ("Short", 16), ("Int", 32), ("Long", 64))},
}
"""The integer types and their bounds."""
_NAMES = """anyType anySimpleType string normalizedString token language Name NCName ID IDREF IDREFS ENTITY ENTITIES NMTOKEN
NMTOKENS NOTATION QName anyURI boolean decimal float double hexBinary base64Binary duration dateTime time date gYearMonth gYear
gMonthDay gDay gMonth"""
_BUILT_IN = frozenset(re.split(r"\s+", _NAMES)) | INTEGERS.keys()
_SPACE = {"string": "preserve", "normalizedString": "replace", "anySimpleType": "preserve"}
_LISTS = {"NMTOKENS": "NMTOKEN", "IDREFS": "IDREF", "ENTITIES": "ENTITY"}


@dataclass(frozen=True, eq=False)
class Simple:
    """A simple type. ``name`` is the built-in type that it comes from, ``list`` or ``union``; ``space`` its whiteSpace."""

    name: str
    space: str = "collapse"
    item: Simple | None = None
    enumeration: tuple[str, ...] = ()
    bounds: dict[str, str] = field(default_factory=dict)
    global_name: str = ""


@dataclass(frozen=True, eq=False)
class Attribute:
    """An attribute of a type."""

    tag: str
    type: Simple
    required: bool
    default: str | None
    fixed: str | None
    doc: str = ""


@dataclass(eq=False)
class Complex:
    """A complex type; ``simple`` is the type of its text when it has no child elements; ``item``: it is a SOAP array."""

    global_name: str
    place: str = ""
    abstract: bool = False
    mixed: bool = False
    simple: Simple | None = None
    content: Group | None = None
    attributes: dict[str, Attribute] = field(default_factory=dict)
    any_attribute: bool = False
    base: Complex | None = None
    item: Callable[[], Type] | None = None


Type = Simple | Complex


@dataclass(eq=False)
class Element:
    """A declaration with how often it may stand there; ``most`` is None for unbounded."""

    tag: str
    least: int
    most: int | None
    nillable: bool
    default: str | None
    fixed: str | None
    find_type: Callable[[], Type]
    place: str
    doc: str = ""

    @cached_property
    def type(self) -> Type:
        return self.find_type()


@dataclass(eq=False)
class Wildcard:
    """Any element (xs:any)."""

    least: int
    most: int | None
    place: str


@dataclass(eq=False)
class Group:
    """Several of them: in order, one of them, or all in any order."""

    kind: Literal["sequence", "choice", "all"]
    items: list[Element | Wildcard | Group]
    least: int = 1
    most: int | None = 1

    def leaves(self) -> Iterator[Element | Wildcard]:
        """Every element and wildcard in it, in order."""
        for item in self.items:
            if isinstance(item, Group):
                yield from item.leaves()
            else:
                yield item


ANY_TYPE = Complex(XS + "anyType")
ANY_SIMPLE = Simple("anySimpleType", "preserve", global_name=XS + "anySimpleType")


def built_in(name: str) -> Type | None:
    """The built-in type of this name, if there is one."""
    local = name.removeprefix(XS)
    if not name.startswith(XS) or local not in _BUILT_IN:
        return None
    if local == "anyType":
        return ANY_TYPE
    if local in _LISTS:
        return Simple("list", item=Simple(_LISTS[local]), global_name=name)
    return Simple(local, _SPACE.get(local, "collapse"), global_name=name)


def is_true(text: str | None) -> bool:
    """What a boolean attribute of a schema says."""
    return (text or "").strip() in ("true", "1")


def occurs(node: etree._Element) -> tuple[int, int | None]:
    """How often a part of a type may stand there: minOccurs and maxOccurs."""
    most = node.get("maxOccurs", "1").strip()
    return int(node.get("minOccurs", "1")), None if most == "unbounded" else int(most)


def restricted(base: Simple, node: etree._Element, name: str) -> Simple:
    """A simple type with the facets that stand in ``node``."""
    facets = [(local_name(child.tag), child.get("value", "")) for child in node]
    patterns = " or ".join(value for facet, value in facets if facet == "pattern")
    facets += [("pattern", patterns)] if patterns else []
    choices = tuple(value for facet, value in facets if facet == "enumeration") or base.enumeration
    space = next((value for facet, value in facets if facet == "whiteSpace"), base.space)
    return Simple(base.name, space, base.item, choices, {**base.bounds, **dict(facets)}, name)
