"""Takes a JSON Schema apart into sentences to be asked one by one, and finds what another schema says at the same place.

A sentence about a place of a message becomes one about the whole message by standing under the keywords that led there. A
schema is all its sentences together, so each can be proved or refuted by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import jsonschema_rs

Lift = Callable[[Any], Any]
"""Makes of a sentence about a place one about what holds the place."""
Below = tuple[str, str, Any, Any, Lift]
NOTHING = object()
_MAPS = ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas")
_LISTS = ("allOf", "anyOf", "oneOf", "prefixItems")
_SINGLE = (
    "items", "contains", "not", "if", "then", "else", "additionalProperties", "propertyNames", "unevaluatedProperties",
    "unevaluatedItems",
)  # fmt: skip
_ANNOTATIONS = (
    "$id", "$schema", "$comment", "title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly",
    "contentMediaType", "contentEncoding", "contentSchema", "x-hub",
)  # fmt: skip
_UNREADABLE = ("$anchor", "$dynamicAnchor", "$dynamicRef", "$recursiveAnchor", "$recursiveRef", "dependencies")
_NOT_OWN = (
    *_MAPS, "$ref", "allOf", "anyOf", "prefixItems", "items", "if", "then", "else", "additionalProperties", "minContains",
    "maxContains", "unevaluatedProperties", "unevaluatedItems", "required", "dependentRequired",
)  # fmt: skip
_MOST_REFERENCES = 20


def prepared(schema: Any, start: str) -> Any:
    """A copy without what only describes, whose references begin at ``start``."""
    if not isinstance(schema, dict):
        return schema
    made: dict[str, Any] = {}
    for keyword, value in schema.items():
        if keyword in _MAPS and isinstance(value, dict):
            made[keyword] = {name: prepared(one, start) for name, one in value.items()}
        elif keyword in _LISTS and isinstance(value, list):
            made[keyword] = [prepared(one, start) for one in value]
        elif keyword in _SINGLE:
            made[keyword] = prepared(value, start)
        elif keyword == "$ref" and isinstance(value, str):
            made[keyword] = start + value.removeprefix("#")
        elif keyword not in _ANNOTATIONS:
            made[keyword] = value
    return made


def can_be_taken_apart(schema: Any) -> bool:
    """False where parts are named by anchors, by documents of their own, by escapes, or stand where no schema is known to."""
    parts = dict(_parts(schema, "#"))
    for place, part in parts.items():
        if any(one in part for one in _UNREADABLE) or ("$id" in part and place != "#"):
            return False
    return all(part.get("$ref", "#") in parts for part in parts.values())


def _parts(schema: Any, place: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each schema that stands in this one, with the reference that names it."""
    if isinstance(schema, bool):
        yield place, {}
    if isinstance(schema, dict):
        yield place, schema
        below = [(f"/{keyword}", schema.get(keyword)) for keyword in _SINGLE]
        for keyword in _MAPS:
            below += [(f"/{keyword}{step(name)}", one) for name, one in schema.get(keyword, {}).items()]
        for keyword in _LISTS:
            below += [(f"/{keyword}/{index}", one) for index, one in enumerate(schema.get(keyword, ()))]
        for further, one in below:
            yield from _parts(one, place + further)


def under(keyword: str, name: str | None = None, beside: dict[str, Any] | None = None) -> Lift:
    """Stands a sentence under a keyword, or under a name below one."""

    def wrap(one: Any) -> Any:
        return {**(beside or {}), keyword: one if name is None else {name: one}}

    return wrap


def among(others: list[Any]) -> Lift:
    """A sentence about one branch: it holds, or another branch does."""
    return lambda one: {"anyOf": [one, *others]}


def own(said: dict[str, Any], written: Any) -> Iterator[tuple[str, str, dict[str, Any], Any]]:
    """(keyword, step, sentence, what the other schema says) of each keyword that holds no schema to go into."""
    for name in said.get("required", ()):
        yield "required", step(name), {"required": [name]}, name in get(written, "required", ())
    for name, needed in said.get("dependentRequired", {}).items():
        was = get(get(written, "dependentRequired"), name)
        yield "dependentRequired", step(name), {"dependentRequired": {name: needed}}, was
    for keyword in said:
        if keyword not in _NOT_OWN:
            part = {keyword: said[keyword]}
            if keyword == "contains":
                part |= {one: said[one] for one in ("minContains", "maxContains") if one in said}
            yield keyword, "", part, get(written, keyword)


class Document:
    """What is written in a schema at the places that another one speaks of."""

    def __init__(self, documents: dict[str, Any]) -> None:
        self._root = {"$defs": documents}

    def below(self, said: dict[str, Any], written: Any) -> Iterator[Below]:
        """(keyword, step, schema, what is written there, lift) of each schema that stands in this one."""
        if "$ref" in said:
            yield "$ref", "", self.resolved(said, 1), written, _as_it_is
        for branch in said.get("allOf", ()):
            yield "allOf", "", branch, written, _as_it_is
        for keyword in ("then", "else"):
            if keyword in said and "if" in said:
                yield keyword, "", said[keyword], written, under(keyword, beside={"if": said["if"]})
        for name, child in said.get("dependentSchemas", {}).items():
            yield "dependentSchemas", "", child, written, under("dependentSchemas", name)
        yield from self._fields(said, written)
        prefix, items = said.get("prefixItems", []), get(written, "items")
        for index, child in enumerate(prefix):
            there = [*get(written, "prefixItems", ())][index : index + 1] or [items]
            yield "prefixItems", f"/{index}", child, there[0], _item(index)
        if "items" in said:
            left = {"prefixItems": [True] * len(prefix)} if prefix else {}
            yield "items", "/*", said["items"], items, under("items", beside=left)

    def _fields(self, said: dict[str, Any], written: Any) -> Iterator[Below]:
        named, patterns = said.get("properties", {}), said.get("patternProperties", {})
        for name, child in named.items():
            yield "properties", step(name), child, self._child(written, name), under("properties", name)
        for pattern, child in patterns.items():
            there = get(get(written, "patternProperties"), pattern)
            yield "patternProperties", "/*", child, there, under("patternProperties", pattern)
        rest = said.get("additionalProperties", True)
        if rest is not True:
            known = [one for one in self._names(written) if one not in named and not _matches(patterns, one)]
            for name in known:
                yield "additionalProperties", step(name), rest, self._child(written, name), under("properties", name)
            left = {"properties": dict.fromkeys([*named, *known], True), "patternProperties": dict.fromkeys(patterns, True)}
            there = get(written, "additionalProperties")
            yield "additionalProperties", "/*", rest, there, under("additionalProperties", beside=left)

    def resolved(self, schema: Any, most: int = _MOST_REFERENCES) -> Any:
        """The schema, or what it refers to, at the end of so many references."""
        for _ in range(most):
            if not (isinstance(schema, dict) and isinstance(schema.get("$ref"), str)):
                break
            target: Any = self._root
            for part in schema["$ref"].split("/")[1:]:
                key = part.replace("~1", "/").replace("~0", "~")
                target = target[int(key)] if isinstance(target, list) else get(target, key)
            schema = target
        return schema

    def _child(self, written: Any, name: str) -> Any:
        for one in self._branches(written):
            if name in get(one, "properties", ()):
                return one["properties"][name]
        return get(written, "additionalProperties")

    def _names(self, written: Any) -> list[str]:
        return list(dict.fromkeys(name for one in self._branches(written) for name in get(one, "properties", ())))

    def _branches(self, written: Any, depth: int = 0) -> Iterator[Any]:
        written = self.resolved(written)
        yield written
        for keyword in ("allOf", "anyOf", "oneOf") if depth < 4 else ():
            for branch in get(written, keyword, ()):
                yield from self._branches(branch, depth + 1)


def get(schema: Any, keyword: str, otherwise: Any = NOTHING) -> Any:
    """What a schema says under a keyword; it may be no object, or nothing at all."""
    return schema.get(keyword, otherwise) if isinstance(schema, dict) else otherwise


def step(name: str) -> str:
    """A name as a part of a JSON pointer."""
    return "/" + name.replace("~", "~0").replace("/", "~1")


def _as_it_is(one: Any) -> Any:
    return one


def _item(index: int) -> Lift:
    return lambda one: {"prefixItems": [True] * index + [one]}


def _matches(patterns: Iterable[str], name: str) -> bool:
    return any(jsonschema_rs.Draft202012Validator({"pattern": one}).is_valid(name) for one in patterns)
