"""The values of simple types: text of XML to JSON values and back, and what JSON Schema says of them.

Booleans and integers are JSON's own; everything else stays the text it is, so that nothing is reinterpreted.
"""

from __future__ import annotations

import re
from calendar import isleap
from collections.abc import Callable
from typing import Any

from lxml import etree

from hub.wire.xsd_files import tag
from hub.wire.xsd_parts import INTEGERS, Simple

_BLANK = " \t\r\n"
_RUN = re.compile(r"[ \t\r\n]+")
_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}
_INTEGER = re.compile(r"[+-]?[0-9]{1,4000}")
_ZONE = r"(?:Z|[+-](?:0[0-9]|1[0-3]):[0-5][0-9]|[+-]14:00)?"
_YEAR = r"-?(?!0000)(?:[1-9][0-9]{3,17}|0[0-9]{3})"
_MONTH_DAY = r"(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-9])|(?:0[13-9]|1[0-2])-30|(?:0[13578]|1[02])-31)"
_DAY = f"{_YEAR}-{_MONTH_DAY}"
_TIME = r"(?:(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]+)?|24:00:00(?:\.0+)?)"
_DECIMAL = r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)"
_FLOAT = rf"(?:{_DECIMAL}(?:[Ee][+-]?[0-9]+)?|-?INF|NaN)"
_TIME_PART = r"(?:T(?=[0-9])(?:[0-9]+H)?(?:[0-9]+M)?(?:[0-9]+(?:\.[0-9]+)?S)?)"
_FORMS = {
    "decimal": _DECIMAL,
    "float": _FLOAT,
    "double": _FLOAT,
    "date": _DAY + _ZONE,
    "dateTime": f"{_DAY}T{_TIME}{_ZONE}",
    "time": _TIME + _ZONE,
    "gYear": _YEAR + _ZONE,
    "gYearMonth": f"{_YEAR}-(?:0[1-9]|1[0-2]){_ZONE}",
    "gMonth": f"--(?:0[1-9]|1[0-2]){_ZONE}",
    "gMonthDay": f"--{_MONTH_DAY}{_ZONE}",
    "gDay": f"---(?:0[1-9]|[12][0-9]|3[01]){_ZONE}",
    "duration": rf"-?P(?=.)(?:[0-9]+Y)?(?:[0-9]+M)?(?:[0-9]+D)?{_TIME_PART}?",
    "hexBinary": "[0-9A-Fa-f]*",
    "base64Binary": "[A-Za-z0-9+/ ]*[= ]{0,4}",
}
_RANGES = (
    ("minimum", "minInclusive"),
    ("maximum", "maxInclusive"),
    ("exclusiveMinimum", "minExclusive"),
    ("exclusiveMaximum", "maxExclusive"),
)
_LENGTHS = (("min", "minLength"), ("max", "maxLength"), ("min", "length"), ("max", "length"))
_LEAP = re.compile(r"-?([0-9]+)-02-29")
_FORMS |= {name: "[+-]?[0-9]+" for name in INTEGERS}
_LEGAL = {name: re.compile(form) for name, form in _FORMS.items()}


_PLAIN = frozenset(re.split(r"\s+", """string normalizedString token language Name NCName NMTOKEN ID IDREF ENTITY anyURI"""))
"""Types of which no two texts mean the same value."""


class Illegal(ValueError):
    """A text or value that a type does not take; the text says what it takes."""


def normal(text: str, space: str) -> str:
    """A text with its white space as a type's whiteSpace facet says."""
    if space == "preserve":
        return text
    if space == "replace":
        return text.translate({9: " ", 10: " ", 13: " "})
    return _RUN.sub(" ", text.strip(_BLANK))


def is_legal(name: str, text: str) -> bool:
    """Whether a text, its white space collapsed, is a value of a built-in type; types of plain text take any."""
    form = _LEGAL.get(name)
    if form is None:
        return True
    if not form.fullmatch(text):
        return False
    if name in ("hexBinary", "base64Binary"):
        return len(text.replace(" ", "")) % (2 if name == "hexBinary" else 4) == 0
    leap = _LEAP.match(text) if name in ("date", "dateTime") else None
    return leap is None or isleap(int(leap[1]))


def is_integer(simple: Simple) -> bool:
    """Whether its values are JSON's integers: not when a pattern, or leading zeros among its values, may matter."""
    if simple.name not in INTEGERS or "pattern" in simple.bounds:
        return False
    return all(one.strip(_BLANK) == str(int(one)) for one in simple.enumeration)


def is_told_by_its_text(simple: Simple) -> bool:
    """Whether two of its values are the same when their JSON values are."""
    return simple.name in _PLAIN or simple.name == "boolean" or is_integer(simple)


def reader(simple: Simple) -> Callable[[str, etree._Element, bool], Any]:
    """What makes a JSON value of a text, given the element for its prefixes and whether the text is to be checked."""
    if simple.name == "boolean":
        return _read_boolean
    if is_integer(simple):
        return _read_integer
    if simple.name == "QName":
        return _read_qname
    if simple.name == "list":
        assert simple.item is not None
        one = reader(simple.item)
        return lambda text, element, check: [one(part, element, check) for part in _RUN.split(text.strip(_BLANK)) if part]
    name, space = simple.name, simple.space
    if space == "preserve" and name not in _LEGAL:
        return lambda text, element, check: text

    def read(text: str, element: etree._Element, check: bool) -> str:
        text = normal(text, space)
        if check and not is_legal(name, text):
            raise Illegal(f"is no {name}")
        return text

    return read


def _read_boolean(text: str, _element: etree._Element, _check: bool) -> bool:
    found = _BOOLEANS.get(text.strip(_BLANK))
    if found is None:
        raise Illegal("is no boolean")
    return found


def _read_integer(text: str, _element: etree._Element, _check: bool) -> int:
    text = text.strip(_BLANK)
    if not _INTEGER.fullmatch(text):
        raise Illegal("is no integer")
    value = int(text)
    if not -(2**63) <= value < 2**64:
        raise Illegal("is an integer of more than 64 bits")
    return value


def _read_qname(text: str, element: etree._Element, _check: bool) -> str:
    prefix, _, name = text.strip(_BLANK).rpartition(":")
    namespace = element.nsmap.get(prefix or None)
    if prefix and namespace is None:
        raise Illegal("has a prefix that is not declared")
    return tag(namespace or "", name)


def writer(simple: Simple) -> Callable[[Any], Any]:
    """What makes the text (or QName) of a JSON value; whether the text is legal is left to the schema."""
    if simple.name == "boolean":
        return _write_boolean
    if is_integer(simple):
        return _write_integer
    if simple.name == "QName":
        return lambda value: etree.QName(_write_text(value))
    if simple.name == "list":
        assert simple.item is not None
        return _list_writer(writer(simple.item))
    return _write_text


def _write_boolean(value: Any) -> str:
    if value is True or value is False:
        return "true" if value else "false"
    raise Illegal("must be true or false")


def _write_integer(value: Any) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise Illegal("must be an integer")


def _write_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    raise Illegal("must be text")


def _list_writer(one: Callable[[Any], Any]) -> Callable[[Any], str]:
    def write(value: Any) -> str:
        if not isinstance(value, list):
            raise Illegal("must be a list")
        parts = [str(one(item)) for item in value]
        if any(not part or _RUN.search(part) for part in parts):
            raise Illegal("must be a list of values without blanks")
        return " ".join(parts)

    return write


def value_schema(simple: Simple) -> dict[str, Any]:
    """JSON Schema of the values: type, enumeration, lengths and ranges. Patterns are left to the schema
    itself, and enumerations of types in which one value has several texts."""
    if simple.name == "boolean":
        return {"type": "boolean"}
    bounds = simple.bounds
    if simple.name == "list":
        assert simple.item is not None
        made: dict[str, Any] = {"type": "array", "items": value_schema(simple.item)}
        return made | {f"{key}Items": int(bounds[facet]) for key, facet in _LENGTHS if facet in bounds}
    if is_integer(simple):
        made = {"type": "integer"}
        least, most = INTEGERS[simple.name]
        made |= {key: value for key, value in (("minimum", least), ("maximum", most)) if value is not None}
        made |= {key: int(bounds[facet]) for key, facet in _RANGES if facet in bounds}
        return made | ({"enum": [int(one) for one in simple.enumeration]} if simple.enumeration else {})
    made = {"type": "string"}
    if simple.enumeration and simple.name in _PLAIN:
        return made | {"enum": [normal(one, simple.space) for one in simple.enumeration]}
    if simple.name in ("hexBinary", "base64Binary", "QName", "union"):
        return made
    return made | {f"{key}Length": int(bounds[facet]) for key, facet in _LENGTHS if facet in bounds}
