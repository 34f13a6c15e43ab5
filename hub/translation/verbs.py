"""The closed list of verbs that a mapping may apply to a value; each is a function that gives a value or refuses.

A refusal says what kind of thing was wrong and never quotes the value.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from hub.translation.datetimes import make_reader, make_writer, patterns_and_zone

Change = Callable[[Any], Any]


@dataclass
class Refusal(Exception):
    """A value that a rule cannot take: ``code`` and ``message`` as in ``hub.errors.Problem``."""

    code: str
    message: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Verb:
    """A verb with its argument, ready to run. ``warning`` is the code under which a change of the value is recorded."""

    change: Change
    warning: str = ""


_KINDS: dict[type, str] = {
    bool: "true or false",
    int: "an integer",
    float: "a number",
    str: "text",
    list: "a list",
    type(None): "nothing",
}


def kind_of(value: Any) -> str:
    """The JSON type of a value in words, for messages."""
    return _KINDS.get(type(value), "an object")


def text(value: Any) -> str:
    """The value if it is text. Raises Refusal otherwise."""
    if isinstance(value, str):
        return value
    raise Refusal("bad_value", f"must be text here, not {kind_of(value)}", "apply to_string first")


def to_string(value: Any) -> str:
    """Numbers and booleans as JSON would write them (no exponent)."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return format(Decimal(repr(value)), "f")
    raise Refusal("bad_value", f"{kind_of(value)} cannot become text")


def to_integer(value: Any) -> int:
    """Text of ASCII digits, at most 18, with an optional minus; nothing is rounded."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, float) and value.is_integer() and abs(value) < 10**15:
        return int(value)
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,18}", value):
        return int(value)
    raise Refusal("bad_value", "is not an integer")


def to_decimal(value: Any) -> int | float:
    """A JSON number; refused when it has more digits than a JSON number carries safely (15)."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,15}(\.[0-9]{1,14})?", value):
        if "." not in value:
            return int(value)
        if len(value.strip("-").replace(".", "").lstrip("0")) <= 15:
            return float(value)
    raise Refusal("bad_value", "is not a decimal number (digits, one point, at most 15 digits)")


_BOOLEANS = {"true": True, "false": False, "1": True, "0": False}


def to_boolean(value: Any) -> bool:
    """true, false, 1 or 0, also as text in any case."""
    found = _BOOLEANS.get(str(value).lower()) if isinstance(value, int | str) else None
    if found is None:
        raise Refusal("bad_value", "is none of true, false, 1, 0")
    return found


def _or_refuse(convert: Callable[[str], str | None], code: str, message: str, hint: str = "") -> Change:
    """A change of text that is refused when ``convert`` gives None."""

    def change(value: Any) -> str:
        found = convert(text(value))
        if found is None:
            raise Refusal(code, message, hint)
        return found

    return change


def _parse_datetime(argument: Any) -> Change:
    patterns, zone = patterns_and_zone(argument)
    return _or_refuse(make_reader(patterns, zone), "bad_date", f"is not a real date of the form {' or '.join(patterns)}")


def _format_datetime(argument: Any) -> Change:
    patterns, zone = patterns_and_zone(argument)
    if len(patterns) != 1:
        raise ValueError("format_datetime takes one pattern")
    message = "is not a real time with an offset (RFC 3339)"
    return _or_refuse(make_writer(patterns[0], zone), "bad_date", message, "apply parse_datetime first")


def _count(argument: Any, least: int) -> int:
    if not isinstance(argument, int) or isinstance(argument, bool) or argument < least:
        raise ValueError(f"takes an integer of at least {least}")
    return argument


def _some_text(argument: Any) -> str:
    if not isinstance(argument, str) or not argument:
        raise ValueError("takes some text; put it in quotes")
    return argument


def _cut(argument: Any) -> Change:
    longest = _count(argument, 4)
    return lambda value: value if len(text(value)) <= longest else value[: longest - 3] + "..."


def _max_length(argument: Any) -> Change:
    longest = _count(argument, 1)
    message = f"is longer than {longest} characters"
    return _or_refuse(lambda whole: whole if len(whole) <= longest else None, "too_long", message)


def _replace(argument: Any) -> Change:
    match argument:
        case [str(old), str(new)] if old:
            return lambda value: text(value).replace(old, new)
    raise ValueError('takes two texts: ["from", "to"]')


def _strip_suffix(argument: Any) -> Change:
    suffix = _some_text(argument)
    return lambda value: text(value).removesuffix(suffix)


def _pad_left(argument: Any) -> Change:
    match argument:
        case [width, str(fill)] if len(fill) == 1:
            columns = _count(width, 1)
            return lambda value: text(value).rjust(columns, fill)
    raise ValueError('takes a width and one character: [4, "0"]')


def _pattern(argument: Any) -> Change:
    try:
        expression = re.compile(_some_text(argument))
    except re.error as error:
        raise ValueError(f"is not a regular expression: {error.msg}") from error
    message = f"does not match the pattern {expression.pattern}"
    return _or_refuse(lambda whole: whole if expression.fullmatch(whole) else None, "pattern", message)


_PLAIN: dict[str, Change] = {
    "trim": lambda value: text(value).strip(),
    "upper": lambda value: text(value).upper(),
    "lower": lambda value: text(value).lower(),
    "collapse_spaces": lambda value: " ".join(text(value).split()),
    "to_string": to_string,
    "to_integer": to_integer,
    "to_decimal": to_decimal,
    "to_boolean": to_boolean,
}
_WITH_ARGUMENT: dict[str, Callable[[Any], Change]] = {
    "parse_datetime": _parse_datetime,
    "format_datetime": _format_datetime,
    "cut": _cut,
    "replace": _replace,
    "strip_suffix": _strip_suffix,
    "pad_left": _pad_left,
    "pattern": _pattern,
    "max_length": _max_length,
}


def make_verb(spec: Any) -> Verb:
    """Reads ``trim`` or ``{ cut: 1000 }``. Raises ValueError saying what to write instead."""
    given = isinstance(spec, dict) and len(spec) == 1
    name, argument = next(iter(spec.items())) if given else (spec, None)
    if not isinstance(name, str):
        raise ValueError("a verb is written trim or { cut: 1000 }")
    if name in _PLAIN:
        if given:
            raise ValueError(f"{name} takes no argument; write just {name}")
        return Verb(_PLAIN[name])
    if name in _WITH_ARGUMENT:
        if not given:
            raise ValueError(f"{name} needs an argument; write {{ {name}: … }}")
        try:
            return Verb(_WITH_ARGUMENT[name](argument), "cut" if name == "cut" else "")
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from error
    known = [*_PLAIN, *_WITH_ARGUMENT]
    near = difflib.get_close_matches(name, known, 1)
    hint = f"did you mean {near[0]}?" if near else f"one of: {', '.join(known)}"
    raise ValueError(f"no verb is named {name[:40]!r}; {hint}")
