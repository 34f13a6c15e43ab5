"""Says in our own words what a JSON Schema validator found: the place and the rule, never the value."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

import jsonschema_rs

from hub.errors import Problem

_NAME = re.compile(r"[A-Za-z_$@][A-Za-z0-9_$@.:-]{0,63}")
_LIMITS = {
    "maxLength": ("too_long", "is longer than {} characters"),
    "minLength": ("too_short", "is shorter than {} characters"),
    "maxItems": ("too_many", "has more than {} items"),
    "minItems": ("too_few", "has fewer than {} items"),
    "maxProperties": ("too_many", "has more than {} fields"),
    "minProperties": ("too_few", "has fewer than {} fields"),
    "maximum": ("out_of_range", "is more than {}"),
    "minimum": ("out_of_range", "is less than {}"),
    "exclusiveMaximum": ("out_of_range", "must be less than {}"),
    "exclusiveMinimum": ("out_of_range", "must be more than {}"),
    "multipleOf": ("out_of_range", "is not a multiple of {}"),
    "pattern": ("pattern", "does not match the pattern {}"),
}
_PLAIN = {
    "uniqueItems": ("not_unique", "has the same item twice"),
    "not": ("not_allowed", "has a form that is not allowed"),
    "false schema": ("not_allowed", "is not allowed here"),
    "propertyNames": ("unknown_property", "has a field whose name is not allowed"),
    "contains": ("too_few", "lacks an item it must contain"),
}
_DATES = {
    "date-time": "a real time with an offset (RFC 3339), such as 2026-11-21T08:00:00+07:00",
    "date": "a real date, such as 2026-11-21",
    "time": "a time (RFC 3339)",
}
_TYPES = {"object": "an object", "array": "a list", "string": "text", "integer": "an integer", "number": "a number"}
_TYPES |= {"boolean": "true or false", "null": "null"}


def field_name(name: str) -> str:
    """A field's name as it may be shown: names a program would use as they are, anything else masked."""
    return name if _NAME.fullmatch(name) and not re.search(r"[0-9]{6}", name) else "‹masked›"


def pointer(path: Sequence[str | int], *more: str) -> str:
    """The JSON pointer of a path, with odd names masked."""
    parts = [str(p) if isinstance(p, int) else field_name(p) for p in (*path, *more)]
    return "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in parts)


def problems_of(errors: Iterable[jsonschema_rs.ValidationError], schema: Any = None) -> list[Problem]:
    """One problem per bad field and rule, in the order of the schema, without repetitions.

    ``schema`` is its document: where it describes a field, a text that does not fit is told in those words.
    """
    return list(dict.fromkeys(problem for error in errors for problem in _problems(error, schema)))


def _described(error: jsonschema_rs.ValidationError, schema: Any) -> str | None:
    """How the schema describes what the rule that failed is about; None where it does not."""
    node = schema
    for part in error.schema_path[:-1]:
        if isinstance(node, dict) and isinstance(part, str):
            node = node.get(part)
        elif isinstance(node, list) and isinstance(part, int) and part < len(node):
            node = node[part]
        else:
            return None
    return node.get("description") if isinstance(node, dict) else None


def _problems(error: jsonschema_rs.ValidationError, schema: Any = None) -> list[Problem]:
    kind, path = error.kind, error.instance_path
    kinds = jsonschema_rs.ValidationErrorKind
    here = pointer(path)
    if isinstance(kind, kinds.Required):
        return [Problem(pointer(path, kind.property), "missing", "is required but absent")]
    if isinstance(kind, kinds.Type):
        return [Problem(here, "mistyped", f"must be {_types(kind.types)}")]
    if isinstance(kind, kinds.AdditionalProperties | kinds.UnevaluatedProperties):
        message = "is not a field of the schema"
        return [Problem(pointer(path, name), "unknown_property", message) for name in kind.unexpected]
    if isinstance(kind, kinds.Format):
        code = "bad_date" if kind.format in _DATES else "bad_format"
        return [Problem(here, code, f"must be {_DATES.get(kind.format, f'of format {kind.format}')}")]
    if isinstance(kind, kinds.Enum | kinds.Constant):
        options = kind.options if isinstance(kind, kinds.Enum) else [kind.expected_value]
        listed = ", ".join(str(option) for option in options[:20]) + (", …" if len(options) > 20 else "")
        return [Problem(here, "enum", "is none of the allowed values", f"one of: {listed}")]
    if isinstance(kind, kinds.AnyOf | kinds.OneOfNotValid):
        return _nearest(kind.context) or [Problem(here, "no_form", "fits none of the forms the schema allows")]
    described = _described(error, schema) if kind.name == "pattern" else None
    if described is not None:
        return [Problem(here, "pattern", f"is not of the form that is asked for: {described}")]
    if kind.name in _LIMITS:
        code, text = _LIMITS[kind.name]
        return [Problem(here, code, text.format(kind.value))]
    code, text = _PLAIN.get(kind.name.replace("falseSchema", "false schema"), ("invalid", f"breaks the rule {kind.name}"))
    return [Problem(here, code, text)]


def _nearest(branches: Sequence[Sequence[jsonschema_rs.ValidationError]]) -> list[Problem]:
    """The problems of the one branch that was meant: the only one of the right type, or all their types."""
    types: list[str] = []
    meant = []
    shallowest = min((len(e.instance_path) for branch in branches for e in branch), default=0)
    for branch in branches:
        kinds = [e.kind for e in branch if len(e.instance_path) == shallowest]
        mistyped = [kind for kind in kinds if isinstance(kind, jsonschema_rs.ValidationErrorKind.Type)]
        types += [name for kind in mistyped for name in kind.types if name not in types]
        if not mistyped:
            meant.append(branch)
    if len(meant) == 1:
        return problems_of(meant[0])
    if not meant and types and branches[0]:
        return [Problem(pointer(branches[0][0].instance_path), "mistyped", f"must be {_types(types)}")]
    return []


def _types(types: Sequence[str]) -> str:
    return " or ".join(_TYPES.get(t, t) for t in sorted(types, key=lambda t: t == "null"))
