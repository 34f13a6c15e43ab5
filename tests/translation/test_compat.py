"""The compatibility gate: each row of docs/compatibility.md is proved, and what is called compatible never breaks."""

from __future__ import annotations

import itertools
import json
import re
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import jsonschema_rs
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.message import SchemaRef
from hub.translation.compat import find_breaks
from hub.translation.schema import build_schema

ROOT = Path(__file__).parents[2]
MESSAGE = {"id": "7", "no": "8", "at": 9}
FIELDS = {"id": {"type": "string"}, "no": {"type": "string"}, "at": {"type": "integer"}, "other": {"type": "integer"}}
KEYWORDS = {
    "type", "enum", "const", "required", "properties", "additionalProperties", "patternProperties", "propertyNames",
    "minLength", "maxLength", "pattern", "format", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf",
    "items", "prefixItems", "contains", "minContains", "maxContains", "minItems", "maxItems", "uniqueItems", "minProperties",
    "maxProperties", "dependentRequired", "dependentSchemas", "allOf", "anyOf", "oneOf", "not", "if", "then", "else", "$ref",
    "$defs", "unevaluatedProperties", "unevaluatedItems",
}  # fmt: skip


@dataclass(frozen=True)
class Row:
    change: str
    old: dict[str, Any]
    new: dict[str, Any]
    cells: dict[str, str]

    def sides(self, mode: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """(what is written with, what is read with)."""
        return (self.old, self.new) if mode == "backward" else (self.new, self.old)


def _rows(part: int) -> list[Row]:
    text = (ROOT / "docs" / "compatibility.md").read_text(encoding="utf-8").split("| change |")[part].split("\n\n")[0]
    found = []
    for line in text.splitlines()[2:]:
        change, old, new, backward, forward = (cell.strip() for cell in line.strip().strip("|").split(" | "))
        cells = {"backward": backward, "forward": forward}
        found.append(Row(change, json.loads(old.strip("`")), json.loads(new.strip("`")), cells))
    return found


TABLE, READINGS = _rows(1), _rows(2)
BOTH = list(itertools.product(TABLE, ("backward", "forward")))
TITLES = [f"{row.change}: {mode}" for row, mode in BOTH]


def _fits(schema: Any, instance: Any) -> bool:
    return jsonschema_rs.Draft202012Validator(schema, validate_formats=True).is_valid(instance)


def _small() -> list[Any]:
    """Small instances of every kind, with the names and values that the table speaks of."""
    plain = [None, True, False, 0, 1, 2, 4, 5, 9, 10, -1, 0.5, 9.5, "", "A", "B", "x", "xx", "xxx", "12", "123", "2026-11-21"]
    lists = [list(one) for size in range(3) for one in itertools.product([None, 0, 1, 0.5, "x"], repeat=size)]
    fields = itertools.product([..., None, 1, "x"], repeat=3)
    objects = [{name: one for name, one in zip(("a", "b", "x"), values, strict=True) if one is not ...} for values in fields]
    return [*plain, *lists, *objects, {"other": 0}, {"child": {"a": 1}}, {"child": {"child": {}}}]


SMALL = _small()


@pytest.mark.parametrize(("row", "mode"), BOTH, ids=TITLES)
def test_the_table_is_proved(row: Row, mode: Any) -> None:
    """The verdict is as the table says, and shown: by its instance, or by trying; the keyword is one of the row."""
    written, read = row.sides(mode)
    breaks = find_breaks(row.old, row.new, mode)
    verdict, _, shown = row.cells[mode].partition(" ")
    assert {one.verdict for one in breaks} == ({verdict} if verdict != "ok" else set())
    if verdict == "breaks":
        instances = [json.loads(shown.strip("`")), *(one.proof[0] for one in breaks if one.proof)]
        assert len(instances) > 1
        assert all(_fits(written, one) and not _fits(read, one) for one in instances)
        assert all(f'"{one.keyword}":' in json.dumps([row.old, row.new]) for one in breaks)
        assert {one.direction for one in breaks} == {mode}
    elif verdict == "ok":
        assert not [one for one in SMALL if _fits(written, one) and not _fits(read, one)]
    else:
        assert all(one.proof == () for one in breaks)


def test_the_table_speaks_of_every_keyword() -> None:
    """Each keyword of JSON Schema that says something of a message, and so each in use in the shipped schemas, has a row."""
    said = {word for row in TABLE for word in re.findall(r"`(\$?\w+)`", row.change)}
    assert KEYWORDS - said == set()
    used: set[str] = set()

    def walk(node: Any) -> None:
        for name, value in node.items() if isinstance(node, dict) else ():
            used.add(name)
            below = value.values() if name in ("properties", "$defs") else value if isinstance(value, list) else [value]
            for one in () if name in ("x-hub", "examples") else below:
                walk(one)

    for file in ROOT.glob("schemas/*/*.json"):
        walk(json.loads(file.read_bytes()))
    assert used - {*KEYWORDS, "$id", "$schema", "title", "description", "examples", "x-hub"} == set()


@pytest.mark.parametrize("row", READINGS, ids=lambda row: row.change)
def test_how_a_message_is_read_may_not_change(row: Row) -> None:
    """What x-hub says is changed where the table says that it breaks, and reads a message as before where it does not."""

    def reading(x_hub: dict[str, Any]) -> tuple[Any, ...]:
        schema = build_schema(SchemaRef("s", "1.0.0"), _document(x_hub), "", "")
        names = [(one.system, one.code) for one in schema.aliases(MESSAGE, "office")]
        told = [read(MESSAGE) for read in (schema.message_id, schema.code, schema.version, schema.step, schema.at)]
        return schema.role, schema.full_state, names, told

    for mode, verdict in row.cells.items():
        breaks = find_breaks(_document(row.old), _document(row.new), mode)  # type: ignore[arg-type]
        assert [one.verdict for one in breaks] == ([] if verdict == "ok" else [verdict])
        assert all(one.keyword.startswith("x-hub.") and one.proof is None for one in breaks)
        assert (reading(row.old) == reading(row.new)) == (verdict == "ok")


def _document(x_hub: dict[str, Any]) -> dict[str, Any]:
    return {"$id": "urn:dossier-hub:s:1.0.0", "x-hub": x_hub, "type": "object", "properties": FIELDS}


@pytest.mark.parametrize(
    ("old", "new", "at", "keyword"),
    [
        ({"maxLength": 9}, {"maxLength": 8}, "/people/*/name", "maxLength"),
        ({"type": "string"}, {"anyOf": [{"type": "string", "minLength": 1}, {"type": "null"}]}, "/people/*/name", "minLength"),
        ({"$ref": "#/$defs/a"}, {"$ref": "#/$defs/b"}, "/people/*/name/street~1no", "additionalProperties"),
        (
            {"anyOf": [{"$ref": "#/$defs/a"}, {"type": "null"}]},
            {"anyOf": [{"$ref": "#/$defs/c"}, {"type": "null"}]},
            "/people/*/name/city",
            "required",
        ),
    ],
)
def test_a_break_is_found_where_it_is(old: Any, new: Any, at: str, keyword: str) -> None:
    """Deep in lists, references and alternatives the one place that breaks is named, with a whole message that proves it."""
    address = {"type": "object", "properties": {"street/no": {"type": "string"}, "city": {}}, "additionalProperties": False}
    parts = {"a": address, "b": {**address, "properties": {"city": {}}}, "c": {**address, "required": ["city"]}}

    def whole(name: Any) -> dict[str, Any]:
        person: dict[str, Any] = {"type": "object", "properties": {"name": name}, "required": ["name", "id"]}
        person["properties"] |= {"id": {"type": "string", "pattern": "^[0-9]{9}(?:[0-9]{3})?$"}}
        people = {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/person"}}
        return {"$defs": {**parts, "person": person}, "properties": {"people": people}, "required": ["people"]}

    (found,) = find_breaks(whole(old), whole(new), "backward")
    assert (found.at, found.keyword, found.verdict) == (at, keyword, "breaks")
    assert found.proof and _fits(whole(old), found.proof[0]) and not _fits(whole(new), found.proof[0])
    assert find_breaks(whole(old), whole(old), "full") == []


@pytest.mark.parametrize(
    ("said", "at"),
    [
        (lambda part: {"$ref": "#/$defs/p", "$defs": {"p": part, "q": {"type": "string"}}}, ""),
        (lambda part: {"properties": {"a": {"$ref": "#/$defs/p"}}, "$defs": {"p": part, "q": True}}, "/a"),
        (lambda part: {"items": {"$ref": "#/$defs/p"}, "$defs": {"p": part, "q": {"$ref": "#/$defs/r"}, "r": {}}}, "/*"),
    ],
)
def test_what_stands_beside_a_reference_counts(said: Any, at: str) -> None:
    """A part that refers to another says all that it says itself too, in the middle of a chain of references."""
    old, new = (said({"$ref": "#/$defs/q", "maxLength": longest}) for longest in (5, 4))
    assert [(one.at, one.keyword, one.verdict) for one in find_breaks(old, new, "backward")] == [(at, "maxLength", "breaks")]
    assert find_breaks(new, old, "backward") == []


def test_true_is_not_one() -> None:
    """Two schemas are the same where their JSON is: 1.0 is 1, and true is not."""
    for old, new in (({"const": True}, {"const": 1}), ({"enum": [0]}, {"enum": [False]})):
        assert [one.verdict for one in find_breaks(old, new, "full")] == ["breaks", "breaks"]
    assert find_breaks({"enum": [1, 2]}, {"enum": [1.0, 2]}, "full") == []


@pytest.mark.parametrize(
    ("place", "refers"),
    [
        ("default", "#/default"),
        ("examples", "#/examples/0"),
        ("x-hub", "#/x-hub"),
        ("x-types", "#/x-types/long"),
        ("$defs", "#/$defs/no%20blank"),
        ("x-types", "#/x-types/chain"),
    ],
)
def test_a_reference_may_lead_anywhere(place: str, refers: str) -> None:
    """To what only describes, to a keyword that nobody knows, or by escapes: the verdict is right, without places."""

    def said(longest: int) -> dict[str, Any]:
        part: Any = {"type": "string", "maxLength": longest}
        parts = {"long": part, "chain": {"$ref": "#/x-types/long"}, "no blank": part}
        return {"$ref": refers, place: {"default": part, "examples": [part], "x-hub": part}.get(place, parts)}

    found, *_ = find_breaks(said(5), said(4), "backward")
    assert (found.at, found.verdict) == ("", "breaks")
    assert all(_fits(said(5), one) and not _fits(said(4), one) for one in found.proof or ())
    assert find_breaks(said(5), said(5), "full") == []


def test_what_is_too_deep_is_undecided() -> None:
    def nested(levels: int, longest: int) -> dict[str, Any]:
        return {"properties": {"a": nested(levels - 1, longest)}} if levels else {"maxLength": longest}

    for levels in (100, 120, 126):
        found = find_breaks(nested(levels, 5), nested(levels, 4), "backward")
        assert [one.verdict for one in found] == ["undecided"]
        assert find_breaks(nested(levels, 5), nested(levels, 5), "full") == []


def test_a_comparison_ends_in_time() -> None:
    """What is found until then is said with its proof; the rest is undecided and said so. A clock that stands finds all."""

    def fields(longest: int) -> dict[str, Any]:
        return {"properties": {f"f{number}": {"maxLength": longest} for number in range(20)}}

    seconds = map(float, itertools.count())
    *places, rest = find_breaks(fields(5), fields(4), "backward", lambda: next(seconds))
    assert 0 < len(places) < 20 and places[0].verdict == "breaks"
    assert rest.verdict == "undecided" and "seconds" in rest.change
    found = find_breaks(fields(5), fields(4), "backward", lambda: 0.0)
    assert [one.verdict for one in found] == ["breaks"] * 20


def test_every_value_is_shown() -> None:
    """Numbers of any size, and x-hub of any shape in a schema that is no version of a home."""
    found = find_breaks({"const": 2**70, "x-hub": []}, {"const": 1, "x-hub": {"role": "source", "step": 7}}, "backward")
    assert [one.change for one in found if one.keyword == "const"] == [f"{2**70} → 1"]
    assert [one.keyword for one in found if one.keyword.startswith("x-hub")] == ["x-hub"]
    assert all(orjson.dumps(one.as_dict()) for one in found)
    (found_too,) = find_breaks({"x-hub": {"step": 7}}, {"x-hub": {"step": {}}}, "backward")
    assert found_too.keyword == "x-hub.step"


# ── what is called compatible is compatible
_SINGLE = (
    "items",
    "additionalProperties",
    "contains",
    "not",
    "unevaluatedProperties",
    "unevaluatedItems",
    "if",
    "then",
    "else",
)
_COUNTS = ("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties", "minContains", "maxContains")
_FIXED: dict[str, list[Any]] = {
    "type": ["string", "integer", "number", "object", "array", ["string", "null"]], "format": ["date", "email"],
    "const": SMALL[:22], "enum": [["A", "B"], [1, 2, None], ["A", 0.5], [[], {}], [0]], "multipleOf": [1, 2, 4, 0.5],
    "$ref": ["#/$defs/p", "#/$defs/q"],
    "pattern": ["^x", "x$", "^[0-9]*$"], "required": [["a"], ["b"], ["a", "x"]], "uniqueItems": [True],
    "propertyNames": [{"enum": ["a", "b"]}, {"pattern": "^x"}, {"maxLength": 0}],
    "dependentRequired": [{"a": ["b"]}, {"b": ["x"]}],
    **{keyword: [0, 1, 2, 3] for keyword in _COUNTS},
    **{keyword: [0, 1, 2, 0.5, 10] for keyword in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")},
}  # fmt: skip
_SEVERAL, _NAMED = ("allOf", "anyOf", "oneOf", "prefixItems"), ("properties", "dependentSchemas", "patternProperties")


def _schema(chance: Random, depth: int = 2) -> dict[str, Any]:
    """Some schema: a few keywords, each with some value."""
    made: dict[str, Any] = {}
    for keyword in chance.sample([*_FIXED, *(_SINGLE + _SEVERAL + _NAMED if depth else ())], chance.randint(1, 4)):
        if keyword in _FIXED:
            made[keyword] = chance.choice(_FIXED[keyword])
            continue
        below = [chance.choice([True, False, _schema(chance, depth - 1), _schema(chance, depth - 1)]) for _ in range(2)]
        names = chance.sample(["^a", "x$"] if keyword == "patternProperties" else ["a", "b", "x"], 2)
        made[keyword] = (
            below if keyword in _SEVERAL else dict(zip(names, below, strict=True)) if keyword in _NAMED else below[0]
        )
    return made


def _parts(chance: Random) -> dict[str, Any]:
    """What is referred to: ``p`` says something beside its own reference, ``q`` may not lead on to where it came from."""
    beside, end = _schema(chance, 1), chance.choice([True, _schema(chance, 1)])
    return {"p": {**beside, "$ref": "#/$defs/q"}, "q": end}


def _twin(said: Any) -> Any:
    """The schema with true for 1, false for 0 in its fixed values."""
    if not isinstance(said, dict):
        return [_twin(one) for one in said] if isinstance(said, list) else said
    turned = {0: False, 1: True}
    fixed = {"const": lambda one: turned.get(one, one) if isinstance(one, int) else one}
    fixed["enum"] = lambda several: [fixed["const"](one) for one in several]
    return {name: fixed.get(name, _twin)(one) for name, one in said.items()}


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 2**64 - 1))
def test_what_is_called_compatible_never_breaks(seed: int) -> None:
    """Whatever two schemas say: where no break is found no instance is one, and an instance that is given as proof is one."""
    chance = Random(seed)
    old, other, parts = _schema(chance), _schema(chance), _parts(chance)
    new = chance.choice(
        [{**old, **other}, {**other, **old}, {"anyOf": [old, other]}, {"allOf": [old, other]}, other, _twin(old)]
    )
    old, new = {**old, "$defs": parts}, {**new, "$defs": parts}
    if chance.random() < 0.3:  # nothing but what is referred to changes
        changed = chance.choice([_schema(chance, 1), _twin(parts["p"])])
        old, new = ({"$ref": "#/$defs/p", "$defs": one} for one in (parts, {**parts, "p": {**parts["p"], **changed}}))
    mode = chance.choice(["backward", "forward"])
    written, read = (old, new) if mode == "backward" else (new, old)
    breaks = find_breaks(old, new, mode)  # type: ignore[arg-type]
    takes, reads = (jsonschema_rs.Draft202012Validator(one, validate_formats=True).is_valid for one in (written, read))
    assert breaks or not [one for one in SMALL if takes(one) and not reads(one)]
    assert all(takes(one.proof[0]) and not reads(one.proof[0]) for one in breaks if one.proof)
