"""Rules that can never work by what the two schemas say are found before any message shows it."""

from __future__ import annotations

from typing import Any

import pytest

from hub.translation.lint import lint_catalog

TEXT = {"type": "string"}
OBJECT = {"type": "object", "properties": {"t": TEXT}}
LIST = {"type": "array", "items": OBJECT}
CLOSED = {
    "type": "object",
    "properties": {"p": TEXT, "below": {**OBJECT, "additionalProperties": False}},
    "additionalProperties": False,
}
GROUP = {
    "type": "object",
    "properties": {"p": TEXT, "q": TEXT, "below": {"type": "object", "properties": {"t": TEXT, "u": TEXT}}},
}
SOURCE = {
    "x": TEXT,
    "maybe": {"type": ["string", "null"]},
    "n": {"type": "integer"},
    "l": LIST,
    "o": OBJECT,
    "g": GROUP,
    "any": {},
}
TARGET = {
    "x": TEXT, "l": LIST, "o": OBJECT, "n": {"type": "integer"}, "f": {"type": "number"}, "b": {"type": "boolean"}, "any": {},
    "g": CLOSED, "open": {"type": "object", "properties": {"p": TEXT}}, "lists": {"type": "array", "items": CLOSED},
    "either": {"anyOf": [TEXT, LIST, {"type": "null"}]}, "fields": {"type": "object", "additionalProperties": TEXT},
}  # fmt: skip


def found(home: Any, rule: str) -> list[tuple[str, str, str]]:
    home.schema("in@1.0.0", SOURCE)
    home.schema("out@1.0.0", TARGET)
    home.mapping(f"set:\n  {rule}\n")
    quiet = ("no_tests", "silent_loss")
    return [(one.at, one.code, one.source.rpartition(":")[2]) for one in lint_catalog(home.catalog()) if one.code not in quiet]


@pytest.mark.parametrize(
    ("rule", "at"),
    [
        ("l.t: { get: x }", "l.t"),
        ("o.0.t: { get: x }", "o.0.t"),
        ("l: { get: x }", "l"),
        ("n: { get: maybe }", "n"),
        ("b: { first_of: [any, x] }", "b"),
        ("n: { join: [any, n], with: '' }", "n"),
        ("x: { get: n }", "x"),
        ("x: { get: l.0 }", ""),
        ("l: { each: x, set: { t: { value: a } } }", "l"),
        ("x: { get: l }", "x"),
        ("o: { each: l, set: { t: { get: t } } }", "o"),
        ("l: { each: l, set: { t: { get: $.n } } }", "l.t"),
        ("x: { when: { present: x }, then: { get: x }, else: { get: n } }", "x"),
    ],
)
def test_what_can_never_fit_has_its_place(home: Any, rule: str, at: str) -> None:
    """Paths into lists and positions of objects, values of another type, lists where none may stand; also inside each, when."""
    assert found(home, rule) == ([(at, "never_fits", "8")] if at else [])


@pytest.mark.parametrize(
    "rule",
    [
        "l.0.t: { get: x }", "f: { get: n }", "n: { get: x, apply: [to_integer] }", "any: { get: l }", "either: { get: x }",
        "either: { each: l, set: { t: { get: t } } }", "n: { get: any }", "l: { get: l }", "o: { get: l.0 }",
        "open: { get: g }",
        "g.p: { get: g.p }", "fields.z: { get: x }", "g: { get: any }", "x: { get: l.0.t }",
        "either.0.t: { get: x }", "o: { get: o }",
    ],
)  # fmt: skip
def test_what_may_fit_is_left_alone(home: Any, rule: str) -> None:
    """Integers are numbers; alternatives, verbs, items, open groups and what has no type may fit."""
    assert [one for one in found(home, rule) if one[1] in ("never_fits", "field_refused")] == []


@pytest.mark.parametrize("rule", ["g: { get: g }", "lists: { each: l, set: { below: { get: $.g.below } } }"])
def test_a_group_with_a_field_that_the_target_refuses(home: Any, rule: str) -> None:
    """A whole group goes into a closed one: each field that it lacks is named."""
    ((at, code, line),) = found(home, rule)
    assert (at, code, line) == ("g" if rule.startswith("g") else "lists.below", "field_refused", "8")
    home.mapping("set:\n  g: { get: g }\n")
    (problem,) = (one for one in lint_catalog(home.catalog()) if one.code == "field_refused")
    assert "g.q and g.below.u" in problem.message
