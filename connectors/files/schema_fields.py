"""Which fields a schema has, as columns name them."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from connectors.files.config import steps_of
from hub.errors import Problem

_INSIDE = ("allOf", "anyOf", "oneOf", "then", "else")
Document = Mapping[str, Any]


def kinds_of(document: Document, field: str) -> Collection[str] | None:
    """The JSON types that the field may have, all of them if the schema does not say; None: there is no such field."""
    found: list[Mapping[str, Any]] = [document]
    for step in steps_of(field):
        found = [below for one in found for below in _below(document, one, step)]
    if not found:
        return None
    kinds: set[str] = set()
    for one in found:
        said = [part["type"] for part in _all(document, one) if "type" in part]
        if not said:
            return {"string", "number", "integer", "boolean", "object", "array", "null"}
        for kind in said:
            kinds |= {kind} if isinstance(kind, str) else set(kind)
    return kinds


def no_such_field(document: Document, field: str, schema: str) -> Problem:
    """The problem of a column for a field that the schema does not have."""
    names = sorted({name for one in _all(document, document) for name in one.get("properties", {})})
    near = difflib.get_close_matches(field, names, 1)
    hint = f"did you mean {near[0]}?" if near else "see hub schema show"
    return Problem(f"columns.{field}", "unknown_path", f"{schema} has no field {field}", hint)


def _below(document: Document, schema: Mapping[str, Any], step: str) -> Iterator[Mapping[str, Any]]:
    for one in _all(document, schema):
        found = one.get("properties", {}).get(step)
        if isinstance(found, Mapping):
            yield found


def _all(document: Document, schema: Any, depth: int = 0) -> Iterator[Mapping[str, Any]]:
    """The schema itself, and those it is made of."""
    if not isinstance(schema, Mapping) or depth > 20:
        return
    yield schema
    pointer = schema.get("$ref", "")
    if pointer.startswith("#/"):
        target: Any = document
        for step in steps_of(pointer[1:]):
            target = target.get(step, {}) if isinstance(target, Mapping) else {}
        yield from _all(document, target, depth + 1)
    for name in _INSIDE:
        given = schema.get(name, [])
        for one in given if isinstance(given, list) else [given]:
            yield from _all(document, one, depth + 1)
