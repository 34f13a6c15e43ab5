"""Places in objects and in their schemas, and schemas compared with each other, where a whole WSDL would say less."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.outcomes.pointers import MISSING, put_at, schemas_at, values_at
from connectors.soap.fitting import misfits

TREE: dict[str, Any] = {
    "$ref": "#/$defs/node",
    "$defs": {
        "node": {
            "type": "object",
            "properties": {"name": {"type": "string"}, "children": {"type": "array", "items": {"$ref": "#/$defs/node"}}},
            "required": ["name"],
        },
    },
}


@pytest.mark.parametrize(
    ("pointer", "values"),
    [
        ("", [{"a": [{"b": 1}, {"c": None}], "x/y": "z"}]),
        ("/a/*/b", [1, MISSING]),
        ("/a/1/c", [None]),
        ("/a/2/c", [MISSING]),
        ("/a/b", [MISSING]),
        ("/none/*/b", []),
        ("/none/b", [MISSING]),
        ("/x~1y", ["z"]),
        ("/x~1y/b", [MISSING]),
    ],
)
def test_values(pointer: str, values: list[Any]) -> None:
    """One value for each place; a list that is not there has no items."""
    assert values_at({"a": [{"b": 1}, {"c": None}], "x/y": "z"}, pointer) == values


def test_values_are_put_in_their_places() -> None:
    """Objects and lists are made on the way."""
    whole: dict[str, Any] = {}
    for pointer, value in (("/a/b", 1), ("/a/c", 2), ("/list/0/d", 3), ("/list/0/e", 4), ("/texts/0", "x")):
        put_at(whole, pointer, value)
    assert whole == {"a": {"b": 1, "c": 2}, "list": [{"d": 3, "e": 4}], "texts": ["x"]}


@pytest.mark.parametrize(
    ("pointer", "there"),
    [("/children/*/children/0/name", True), ("/children/name", False), ("/name/x", False), ("/children/*/title", False)],
)
def test_places_in_a_schema_that_contains_itself(pointer: str, there: bool) -> None:
    """However deep; a list is stepped into by * or a number only."""
    assert bool(schemas_at(TREE, pointer)) is there


def test_a_schema_that_says_only_itself_ends() -> None:
    """It defines nothing."""
    assert schemas_at({"$ref": "#/$defs/a", "$defs": {"a": {"anyOf": [{"$ref": "#/$defs/a"}]}}}, "/x") == []


def test_trees_are_compared_once() -> None:
    """Equal ones fit; a difference far below is found, once."""
    assert list(misfits(TREE, TREE)) == []
    other = {"$defs": {"node": TREE["$defs"]["node"] | {"required": []}}} | {"$ref": "#/$defs/node"}
    assert [one.at for one in misfits(other, TREE)] == ["/name"]


@pytest.mark.parametrize(
    ("ours", "theirs", "codes"),
    [
        ({"type": ["string", "null"]}, {"type": "string"}, []),
        ({"type": ["string", "integer"]}, {"type": "string"}, ["mistyped"]),
        ({"enum": ["a", "b"]}, {"type": "string"}, []),
        ({"const": True}, {"type": "boolean"}, []),
        ({"type": "integer"}, {"anyOf": [{"type": "string"}, {"type": "integer"}]}, []),
        ({"type": "object", "properties": {"x": {}}}, {}, []),
        ({"type": "array", "items": {"type": "integer"}}, {"type": "array", "items": {"type": "string"}}, ["mistyped"]),
        ({"type": "object", "properties": {"@a": {}}}, {"type": "object", "patternProperties": {"^@": {}}}, []),
        ({"type": "object", "properties": {"b": {}}}, {"type": "object", "properties": {}}, ["unknown_path"]),
        ({"oneOf": [{"type": "string"}, {"type": "boolean"}]}, {"type": "string"}, ["mistyped"]),
    ],
    ids=str,
)
def test_what_fits(ours: dict[str, Any], theirs: dict[str, Any], codes: list[str]) -> None:
    """Every value that the first allows must be one that the second takes."""
    whole = [{"type": "object", "properties": {"f": one}} for one in (ours, theirs)]
    assert [one.code for one in misfits(*whole)] == codes
