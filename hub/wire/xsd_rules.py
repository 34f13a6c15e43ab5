"""Holds XML against all the rules of its schemas (libxml2's validator), and says what is broken in our own words.

Its messages quote values; so only the kind of an error is taken from them, and the names that the schema gives.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from typing import Any

from lxml import etree

from hub.errors import BadConfig
from hub.wire.xml import local_name, shown_name
from hub.wire.xml_form_parts import MOST
from hub.wire.xsd_compiled import compiled
from hub.wire.xsd_files import Schemas

_ATTRIBUTE = re.compile(r"attribute '([^']*)'")
_ELEMENT = re.compile(r"Element '([^']*)'")
_NAMED = re.compile(r"The attribute '([^']*)'")
_EXPECTED = re.compile(r"Expected is (?:one of )?\( ([^)]*) \)")
_STEP = re.compile(r"(?:([^:\[]+):)?([^\[]+)(?:\[([0-9]+)\])?")
_PLACED = 50
"""So many findings in a large document are placed one by one."""
_WORDS = {
    "CVC_ENUMERATION_VALID": ("enum", "is none of the allowed values"),
    "CVC_PATTERN_VALID": ("pattern", "does not match the pattern of its type"),
    "CVC_LENGTH_VALID": ("bad_length", "has not the length its type asks for"),
    "CVC_MINLENGTH_VALID": ("too_short", "is shorter than its type allows"),
    "CVC_MAXLENGTH_VALID": ("too_long", "is longer than its type allows"),
    "CVC_MININCLUSIVE_VALID": ("out_of_range", "is less than its type allows"),
    "CVC_MINEXCLUSIVE_VALID": ("out_of_range", "is less than its type allows"),
    "CVC_MAXINCLUSIVE_VALID": ("out_of_range", "is more than its type allows"),
    "CVC_MAXEXCLUSIVE_VALID": ("out_of_range", "is more than its type allows"),
    "CVC_TOTALDIGITS_VALID": ("out_of_range", "has more digits than its type allows"),
    "CVC_FRACTIONDIGITS_VALID": ("out_of_range", "has more decimal places than its type allows"),
    "CVC_COMPLEX_TYPE_3_2_1": ("unknown_attribute", "is not an attribute of the schema"),
    "CVC_COMPLEX_TYPE_3_2_2": ("unknown_attribute", "is not an attribute of the schema"),
    "CVC_COMPLEX_TYPE_4": ("missing", "is required but absent"),
    "CVC_COMPLEX_TYPE_2_1": ("not_empty", "must be empty"),
    "CVC_COMPLEX_TYPE_2_2": ("not_plain", "must be text without elements"),
    "CVC_COMPLEX_TYPE_2_3": ("text", "has text between its elements, which its type does not allow"),
    "CVC_TYPE_3_1_1": ("unknown_attribute", "is not an attribute of the schema"),
    "CVC_TYPE_3_1_2": ("not_plain", "must be text without elements"),
    "CVC_TYPE_2": ("abstract", "has an abstract type: it must say which type it is (xsi:type)"),
    "CVC_ELT_1": ("unknown_element", "is not an element of the schema"),
    "CVC_ELT_2": ("abstract", "is abstract: one that stands for it must be there"),
    "CVC_ELT_3_1": ("null", "may not be null (xsi:nil)"),
    "CVC_ELT_3_2_1": ("null", "is null (xsi:nil) but has content"),
    "CVC_ELT_4_1": ("bad_type", "says with xsi:type that it is of a type the schema does not have"),
    "CVC_ELT_4_2": ("bad_type", "says with xsi:type that it is of a type the schema does not have"),
    "CVC_ELT_4_3": ("bad_type", "says with xsi:type that it is of a type that may not stand here"),
    "CVC_ELT_5_2_2_2_1": ("fixed", "is not the one value the schema allows"),
    "CVC_ELT_5_2_2_2_2": ("fixed", "is not the one value the schema allows"),
    "CVC_AU": ("fixed", "is not the one value the schema allows"),
    "CVC_IDC": ("not_unique", "breaks a rule of uniqueness or reference"),
}


@dataclass(frozen=True, slots=True)
class Broken:
    """One rule that an element breaks.

    ``attribute``: the one it is about. ``below``: the steps from the element's object to what is meant; ``child``: the tag of
    the child meant. ``content``: the validator did not expect this child, or another one, and looked no further there.
    """

    element: etree._Element
    code: str
    message: str
    attribute: str = ""
    hint: str = ""
    below: tuple[str | int, ...] = ()
    child: str = ""
    content: bool = False


class Rules:
    """The rules of all schemas together. Raises BadConfig."""

    def __init__(self, schemas: Schemas) -> None:
        self._lock = threading.Lock()
        self._schemas = schemas
        self._schema = compiled(schemas)

    def broken(self, element: etree._Element) -> list[Broken]:
        """What the element and all below break; empty when it is valid."""
        return self._broken(element, self._schema)

    def broken_beside(self, element: etree._Element) -> list[Broken]:
        """The same, but nothing is said of elements that are missing, and what stands behind them is looked at."""
        return self._broken(element, self._lenient)

    @cached_property
    def _lenient(self) -> etree.XMLSchema:
        try:
            return compiled(self._schemas, lenient=True)
        except BadConfig:  # without its required elements a type cannot be told from another
            return self._schema

    def _broken(self, element: etree._Element, schema: etree.XMLSchema) -> list[Broken]:
        with self._lock:  # the validator keeps its findings in itself
            if is_large(element):
                summary = _summary(element, schema)
                if summary is not None:
                    return summary
            if schema.validate(element):
                return []
            log: Any = schema.error_log
            found = [(one.type_name, one.path or "", one.message) for one in islice(log, 2 * MOST)]
        told: dict[tuple[str, str], Broken] = {}
        for kind, path, message in found:
            one = _told(kind, _at(element, path), message)
            key = (path, one.attribute or (one.code if one.content else ""))
            told.setdefault(key, one)
        return list(told.values())[:MOST]


def is_large(element: etree._Element, many: int = 2000) -> bool:
    """Whether there are more than so many elements."""
    return next(islice(element.iter(), many, None), None) is not None


def _summary(element: etree._Element, schema: etree.XMLSchema) -> list[Broken] | None:
    """For much XML: whether it is valid, and if very many rules are broken, which; to place each would take too long."""
    parser = etree.XMLParser(schema=schema, resolve_entities=False, no_network=True)
    try:
        etree.fromstring(etree.tostring(element, with_tail=False), parser)
        return []
    except etree.XMLSyntaxError:
        log: Any = parser.error_log
        if len(log) < _PLACED:
            return None
        found = {(one.type_name, _element_name(one.message)): one.message for one in log}
        told = [(_told(kind, element, message), name) for (kind, name), message in islice(found.items(), MOST)]
        return [replace(one, below=(), hint=f"in many places: elements {name}") for one, name in told]


def _element_name(message: str) -> str:
    match = _ELEMENT.match(message)
    return shown_name(local_name(match[1])) if match else ""


def _at(root: etree._Element, path: str) -> etree._Element:
    """The element at a path as libxml2 writes it: ``/p:a/*[2]``, where ``*`` stands for a name in a default namespace."""
    node = root
    for step in path.split("/")[2:]:
        match = _STEP.fullmatch(step)
        children = _matching(node, match[1], match[2]) if match else iter(())
        wanted = int(match[3] or 1) if match else 1
        found = next((child for index, child in enumerate(children, 1) if index == wanted), None)
        if found is None:
            return node
        node = found
    return node


def _matching(node: etree._Element, prefix: str | None, name: str) -> Iterator[etree._Element]:
    return (one for one in node if name == "*" or (one.prefix == prefix and local_name(one.tag) == name))


def _told(kind: str, element: etree._Element, message: str) -> Broken:
    kind = kind.removeprefix("SCHEMAV_")
    if kind == "ELEMENT_CONTENT":
        found = _EXPECTED.search(message)
        expected = tuple(local_name(name.strip()) for name in (found[1] if found else "").split(",") if name.strip())
        if message.startswith("Element") and "Missing child" in message:
            hint = f"one of: {', '.join(expected)}" if len(expected) > 1 else ""
            return Broken(element, "missing", "is required but absent", hint=hint, below=expected[:1], content=True)
        hint = f"expected here: {', '.join(expected[:20])}" if expected else ""
        return Broken(element, "unknown_element", "is not expected here", hint=hint, content=True)
    code, text = _WORDS.get(kind, ("bad_value", f"breaks the rule {kind.lower()}"))
    if kind.startswith("CVC_DATATYPE_VALID"):
        code, text = "bad_value", "is not a legal value of its type"
    attribute = _ATTRIBUTE.search(message) or (_NAMED.search(message) if kind == "CVC_COMPLEX_TYPE_4" else None)
    return Broken(element, code, text, attribute=attribute[1] if attribute else "")
