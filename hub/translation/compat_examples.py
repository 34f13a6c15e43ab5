"""Makes small instances of a schema in its canonical form, as candidates for the proof that two versions differ.

They are candidates only: whoever uses one validates it. What no candidate fits stays without an example.
"""

from __future__ import annotations

import contextlib
import itertools
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import jsonschema_rs
from jsonschema_rs import CanonicalSchema
from jsonschema_rs import canonical as c

CANNOT = (
    c.CanonicalizationError, c.IncompatibleOperands, c.InvalidPattern, c.InvalidSchemaType, c.UnsupportedOperand,
    c.UnsupportedResult, jsonschema_rs.ReferencingError, jsonschema_rs.ValidationError, ValueError,
)  # fmt: skip
"""What the library raises where it has no answer."""
_POOL: tuple[Any, ...] = (None, True, False, 0, 1, 0.5, -1, "", "a", "1", "x", {}, [], {"a": 1}, [1], [1, 1], ["a"], 2, 7, "ab")
_BY_TYPE: dict[str, tuple[Any, ...]] = {
    "null": (None,), "boolean": (True, False), "integer": (0, 1, -1, 2, 7), "number": (0, 0.5, 1, -1.5, 7),
    "array": ([], [0], ["x"]),
    "string": ("", "x", "0", "ab", "abcdefghijkl"), "object": ({}, {"a": 0}, {"other": "x"}),
}  # fmt: skip
_FORMATS = {
    "date-time": "2026-11-21T08:00:00+07:00", "date": "2026-11-21", "time": "08:00:00Z", "email": "a@example.vn",
    "ipv4": "192.0.2.1", "ipv6": "2001:db8::1", "uri": "https://example.vn/a", "hostname": "example.vn",
    "uuid": "0192f0c1-7e3b-7c41-9d2e-8f1a2b3c4d5e", "duration": "P1D", "uri-reference": "/a", "regex": "a",
}  # fmt: skip
_DEEPEST = 8
_FEW = 6


def examples(schema: CanonicalSchema, depth: int = 0) -> Iterator[Any]:
    """Candidates, the plainest first."""
    view = schema.view()
    match view:
        case c.ConstView():
            yield view.value
        case c.EnumView():
            yield from view.values
        case c.MultiTypeView():
            yield from _in_turn([iter(_BY_TYPE[one]) for one in view.types])
        case c.TypedGroupView():
            yield from _in_turn([examples(view.body, depth + 1), iter(_BY_TYPE[view.type_name])])
        case c.StringView():
            yield from _strings(view)
        case c.IntegerView() | c.NumberView():
            yield from _numbers(view)
        case c.ArrayView() if depth < _DEEPEST:
            yield from _arrays(view, depth + 1)
        case c.ObjectView() if depth < _DEEPEST:
            yield from _objects(view, depth + 1)
        case c.AnyOfView() | c.OneOfView() | c.AllOfView() if depth < _DEEPEST:
            yield from _in_turn([examples(one, depth + 1) for one in view.branches])
        case c.ReferenceView() if depth < _DEEPEST and (target := schema.definition(view.uri)) is not None:
            yield from examples(target, depth + 1)
        case c.FalseView():
            pass
        case _:
            yield from _POOL


def _some(schema: CanonicalSchema | None, depth: int) -> list[Any]:
    """A few instances, tried."""
    if schema is None:
        return [0, "x", None]
    document: Any = schema.to_json_schema()
    fits = jsonschema_rs.Draft202012Validator(document, validate_formats=True).is_valid
    return list(itertools.islice((one for one in itertools.islice(examples(schema, depth), 60) if fits(one)), _FEW))


def _others(schema: CanonicalSchema, depth: int) -> list[Any]:
    """A few values that the schema refuses."""
    try:
        return _some(schema.negate(), depth)
    except CANNOT:
        return list(_POOL)


def _in_turn(several: list[Iterator[Any]]) -> Iterator[Any]:
    for row in itertools.zip_longest(*several, fillvalue=several):
        yield from (one for one in row if one is not several)


def _strings(view: c.StringView) -> Iterator[str]:
    least, most = view.min_length or 0, view.max_length
    made = [_FORMATS[one] for one in view.formats if one in _FORMATS]
    for pattern, more, pick in itertools.product(view.patterns, range(4), range(3)):
        made.append(_of_pattern(pattern, more, pick))
    top = least + 3 if most is None else most
    lengths = dict.fromkeys(one for one in (least, least + 1, top, 2, 12) if least <= one <= top and one <= 10_000)
    yield from dict.fromkeys([*made, *(letter * one for letter in "x0A" for one in lengths), *_FORMATS.values()])


def _numbers(view: c.IntegerView | c.NumberView) -> Iterator[float | int]:
    steps = [1, 0.5, 0.25, *(float(one) for one in [*view.multiple_of, *view.not_multiple_of])]
    starts = [0, *(float(one) for one in (view.minimum, view.maximum) if one is not None)]
    for start, step, times in itertools.product(starts, steps, (0, 1, -1, 2, 3, -2, 5)):
        one = start + step * times
        yield int(one) if float(one).is_integer() and abs(one) < 2**53 else one


def _arrays(view: c.ArrayView, depth: int) -> Iterator[list[Any]]:
    def at(index: int) -> list[Any]:
        return _some(view.prefix_items[index] if index < len(view.prefix_items) else view.items, depth)

    needed: list[Any] = []
    for one in view.contains:
        found = _some(one.schema, depth)
        with contextlib.suppress(*CANNOT):
            found = (_some(one.schema.intersect(view.items), depth) if view.items is not None else []) or found
        needed += list(itertools.islice(itertools.cycle(found), one.min_contains or 1)) if found else []
    least = view.min_items or 0
    for size in range(least, min(least + 4, 1 + (least + 4 if view.max_items is None else view.max_items))):
        places = [at(index) for index in range(size)]
        if all(places):
            yield [one[0] for one in places]
            yield [one[index % len(one)] for index, one in enumerate(places)]
            yield [*needed, *(one[0] for one in places[len(needed) :])][: max(size, len(needed))]
            yield [*(one[0] for one in places[: size - len(needed)]), *needed] if size >= len(needed) else needed
    yield needed


def _objects(view: c.ObjectView, depth: int) -> Iterator[dict[str, Any]]:
    @cache
    def values(name: str) -> list[Any]:
        if name in view.properties:
            return _some(view.properties[name], depth)
        for pattern, schema in view.pattern_properties.items():
            if jsonschema_rs.Draft202012Validator({"pattern": pattern}).is_valid(name):
                return _some(schema, depth)
        return _some(view.additional_properties, depth)

    plain = {name: found[0] for name in view.required if (found := values(name))}
    named = [] if view.property_names is None else [str(one) for one in _some(view.property_names, depth)]
    others = [_of_pattern(one, more, pick) for one in view.pattern_properties for more, pick in ((0, 0), (1, 1))]
    names = list(dict.fromkeys([*view.properties, *named, *others, "a", "other", "c", "zz"]))
    filler = {name: found[0] for name in names if name not in plain and (found := values(name))}
    lacking = max(0, (view.min_properties or 0) - len(plain))
    yield (base := {**plain, **dict(itertools.islice(filler.items(), lacking))})
    for name in view.required:
        yield from ({**base, name: one} for one in values(name)[1:])
    for name in filler:
        yield from ({**base, name: one} for one in values(name))
    for broken in view.violations:
        match broken:
            case c.NameFailsView():
                yield from ({**base, name: one} for name in (*names, "x", "", "0") for one in values(name)[:1])
            case c.UndeclaredValueFailsView():
                yield from ({**base, name: one} for name in names for one in _others(broken.additional, depth))
            case c.PatternValueFailsView():
                found = _others(broken.schema, depth)
                keys = [_of_pattern(broken.pattern, more, pick) for more, pick in ((0, 0), (1, 1), (2, 0))]
                yield from ({**base, key: one} for key in keys for one in found)
    yield {**filler, **plain}


# ── text of a pattern
_CLASS = {"d": "0123456789", "w": "abc019_", "s": " ", "D": "ab", "W": "- ", "S": "ab1"}
_TOKEN = re.compile(
    r"\[(?P<not>\^?)(?P<set>(?:\\.|[^\]\\])+)\]|\\(?P<escape>.)|(?P<open>\((?:\?:)?)|(?P<close>\))|(?P<or>\|)|(?P<anchor>[\^$])|(?P<any>\.)"
    r"|(?P<plain>[^\\\[\](){}*+?|^$.])"
)
_TIMES = re.compile(r"\*|\+|\?|\{(\d+)(,?)(\d*)\}")


def _of_pattern(pattern: str, more: int, pick: int) -> str:
    """A text that a plain regular expression takes, most often; repeated ``more`` times than it must where it may."""
    text, position = _alternatives(pattern, 0, more, pick)
    return text if position == len(pattern) else ""


def _alternatives(pattern: str, position: int, more: int, pick: int) -> tuple[str, int]:
    branches = [""]
    while position < len(pattern) and (found := _TOKEN.match(pattern, position)) and not found["close"]:
        position = found.end()
        if found["or"]:
            branches.append("")
            continue
        if found["open"]:
            piece, position = _alternatives(pattern, position, more, pick)
            position += 1
        else:
            letters = _letters(found)
            piece = letters[pick % len(letters)] if letters else ""
        times = 1
        if repeated := _TIMES.match(pattern, position):
            position = repeated.end()
            least = {"*": 0, "?": 0, "+": 1}.get(repeated[0][0], 0) if repeated[1] is None else int(repeated[1])
            most = (
                {"?": 1}.get(repeated[0], least + 9)
                if repeated[1] is None
                else int(repeated[3] or (least + 9 if repeated[2] else least))
            )
            times = min(least + more, most)
        branches[-1] += piece * times
    return branches[pick % len(branches)], position


def _letters(found: re.Match[str]) -> str:
    if found["set"]:
        spans = re.findall(r"\\(.)|(.)-([^\\\]])|(.)", found["set"])
        inside = "".join(_CLASS.get(a, a) or b + chr((ord(b) + ord(d)) // 2) + d if a or b else e for a, b, d, e in spans)
        return inside if not found["not"] else "".join(one for one in "aA1 -_é" if one not in inside)
    if found["escape"]:
        return _CLASS.get(found["escape"], found["escape"])
    return "" if found["anchor"] else "aA1" if found["any"] else str(found["plain"])
