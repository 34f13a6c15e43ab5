"""What a JSON Schema defines: its fields as a tree, for checking that no field is forgotten and no path mistyped.

Items of a list stand for the list itself: the title of each document is ``documents.title``. Alternatives are joined.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

Parts = tuple[str, ...]


@dataclass(slots=True)
class Shape:
    """One node. ``closed``: other fields are refused; ``free``: other fields are expressly allowed (a map); ``listed``: it may
    be a list, by its type or by what is said of its items; ``keyed``: likewise an object."""

    fields: dict[str, Shape] = field(default_factory=dict)
    required: frozenset[str] = frozenset()
    closed: bool = False
    free: bool = False
    types: frozenset[str] = frozenset()
    listed: bool = False
    keyed: bool = False

    def find(self, parts: tuple[str | int, ...]) -> Shape | None:
        """The node at a path (list positions are passed over), None where the schema defines nothing."""
        node: Shape | None = self
        for part in parts:
            if isinstance(part, int) or node is None:
                continue
            node = node.fields.get(part)
        return node

    def defines(self, parts: tuple[str | int, ...], strict: bool) -> bool:
        """Could a message hold something at this path? ``strict``: undefined fields of open objects do not count."""
        node = self
        for part in parts:
            if isinstance(part, int) or (part.isdecimal() and part not in node.fields and "array" in node.types):
                continue
            child = node.fields.get(part)
            if child is None:
                if node.free:
                    return True
                scalar_only = node.types and not node.types & {"object", "array"}
                return not strict and not node.closed and not scalar_only
            node = child
        return True


def shape_of(document: dict[str, Any]) -> Shape:
    """The tree of a whole schema; local ``$ref`` are followed, a schema that contains itself ends where it recurs."""
    return _shape(document, document, ())


def _shape(schema: Any, root: dict[str, Any], seen: tuple[str, ...]) -> Shape:
    if not isinstance(schema, dict):
        return Shape(free=schema is True)
    whole = Shape()
    reference = schema.get("$ref")
    if isinstance(reference, str) and reference.startswith("#") and reference not in seen:
        _all_of(whole, _shape(resolve(root, reference), root, (*seen, reference)))
    types = schema.get("type", [])
    own = Shape(types=_names(*([types] if isinstance(types, str) else types)))
    own.listed = "array" in own.types or (not own.types and not {"items", "prefixItems", "contains"}.isdisjoint(schema))
    own.keyed = "object" in own.types or (not own.types and "properties" in schema)
    own.required = frozenset(schema.get("required", []))
    extra = schema.get("additionalProperties", schema.get("unevaluatedProperties"))
    own.closed = extra is False
    own.free = extra is True or isinstance(extra, dict) or "patternProperties" in schema
    for name, child in schema.get("properties", {}).items():
        own.fields[name] = _shape(child, root, seen)
    _all_of(whole, own)
    for part in schema.get("allOf", []):
        _all_of(whole, _shape(part, root, seen))
    for keyword in ("anyOf", "oneOf"):
        if schema.get(keyword):
            _all_of(whole, _any_of([_shape(part, root, seen) for part in schema[keyword]]))
    for keyword in ("items", "contains", "prefixItems", "if", "then", "else"):
        parts = schema.get(keyword, [])
        for part in parts if isinstance(parts, list) else [parts]:
            below = _shape(part, root, seen)
            below.types, below.listed, below.keyed = frozenset(), False, False
            if keyword not in ("items", "contains"):
                below.required = frozenset()
            if keyword in ("if", "then", "else"):
                below.closed = False
            _all_of(whole, below)
    return whole


@lru_cache(maxsize=100)
def _names(*types: str) -> frozenset[str]:
    """One set for all nodes that have the same types: there are few such sets and very many nodes."""
    return frozenset(types)


def resolve(root: dict[str, Any], reference: str) -> Any:
    """What a local ``$ref`` (a pointer or an anchor) names, None when there is nothing."""
    if not f"{reference}/".startswith("#/"):
        return next(_anchored(root, reference[1:]), None)
    node: Any = root
    for part in reference.split("/")[1:]:
        node = node.get(part.replace("~1", "/").replace("~0", "~")) if isinstance(node, dict) else None
    return node


def _anchored(node: Any, name: str) -> Iterator[Any]:
    if isinstance(node, dict) and node.get("$anchor") == name:
        yield node
    for below in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from _anchored(below, name)


def _all_of(whole: Shape, part: Shape) -> None:
    for name, child in part.fields.items():
        if name in whole.fields:
            _all_of(whole.fields[name], child)
        else:
            whole.fields[name] = child
    whole.required = _both(whole.required, part.required)
    whole.closed |= part.closed
    whole.free |= part.free
    whole.types = _both(whole.types, part.types)
    whole.listed |= part.listed
    whole.keyed |= part.keyed


def _both(one: frozenset[str], other: frozenset[str]) -> frozenset[str]:
    """Both together; no new set where one of them has it all."""
    return one if other <= one else other if one <= other else one | other


def _any_of(parts: list[Shape]) -> Shape:
    whole = Shape()
    objects = [part for part in parts if part.fields or part.required or not part.types or "object" in part.types]
    for part in parts:
        _all_of(whole, part)
    whole.required = frozenset.intersection(*(part.required for part in objects)) if objects else frozenset()
    whole.closed = bool(objects) and all(part.closed for part in objects)
    return whole
