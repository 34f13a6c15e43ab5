"""Describes the settings of a configuration model for people: name, type, default, meaning; from its JSON Schema."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from pydantic import BaseModel

_FORMATS = {"password": "secret", "path": "path"}
_BOUNDS = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting. ``name`` is dotted: ``server.tls.key``, ``sources[].schema``, ``routes.NAME.to``. ``default`` is as
    written in YAML, empty for none."""

    name: str
    type: str
    required: bool
    default: str
    description: str


def settings_of(model: type[BaseModel]) -> list[Setting]:
    """Every setting of the model and of the sections in it, in their order."""
    schema = model.model_json_schema(by_alias=True)
    return list(_settings(schema, schema.get("$defs", {}), ""))


def _settings(schema: Mapping[str, Any], defs: Mapping[str, Any], under: str) -> Iterator[Setting]:
    for name, field in schema.get("properties", {}).items():
        required = name in schema.get("required", ())
        default = field.get("default")
        shown = "" if default is None else orjson.dumps(default).decode()
        yield Setting(under + name, _type(field, defs), required, shown, field.get("description", ""))
        if kinds := _kinds(field, defs):
            yield from _of_kinds(kinds, defs, f"{under}{name}.")
        inner, steps = _section(field, defs)
        if inner is not None:
            yield from _settings(inner, defs, f"{under}{name}{steps}.")


def _kinds(field: Mapping[str, Any], defs: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The sections that a field may be, by the words that tell them apart; none if it is no such field."""
    for one in (field, *field.get("anyOf", ())):
        if "discriminator" in one:
            words: dict[str, list[str]] = {}
            for word, ref in one["discriminator"]["mapping"].items():
                words.setdefault(ref, []).append(word)
            return {", ".join(named): defs[ref.rpartition("/")[2]] for ref, named in words.items()}
    return {}


def _of_kinds(kinds: Mapping[str, Mapping[str, Any]], defs: Mapping[str, Any], under: str) -> Iterator[Setting]:
    """The settings of all kinds, each once, with the kinds that have it."""
    found: dict[str, dict[str, Setting]] = {}
    for word, section in kinds.items():
        for one in _settings(section, defs, under):
            found.setdefault(one.name, {})[word] = one
    for name, by_kind in found.items():
        first = next(iter(by_kind.values()))
        kind = " | ".join(dict.fromkeys(one.type for one in by_kind.values()))
        told: dict[str, list[str]] = {}
        for word, one in by_kind.items():
            told.setdefault(one.description, []).append(word)
        everywhere = len(by_kind) == len(kinds)
        texts = [text if everywhere and len(told) == 1 else f"{', '.join(words)}: {text}" for text, words in told.items()]
        required = everywhere and all(one.required for one in by_kind.values())
        defaults = {one.default for one in by_kind.values()}
        yield Setting(name, kind, required, first.default if len(defaults) == 1 else "", " ".join(texts))


def _section(field: Mapping[str, Any], defs: Mapping[str, Any]) -> tuple[Mapping[str, Any] | None, str]:
    """(the section that a field is, lists, or maps names to; how to step into it)."""
    if "$ref" in field:
        found = defs[field["$ref"].rpartition("/")[2]]
        return (found, "") if "properties" in found else (None, "")
    for one in field.get("anyOf", ()):
        if "$ref" in one:
            return _section(one, defs)
    if isinstance(field.get("items"), dict) and "$ref" in field["items"]:
        return _section(field["items"], defs)[0], "[]"
    for inner in (field.get("additionalProperties"), *field.get("patternProperties", {}).values()):
        if isinstance(inner, dict) and "$ref" in inner:
            return _section(inner, defs)[0], ".NAME"
    return None, ""


def _type(field: Mapping[str, Any], defs: Mapping[str, Any]) -> str:
    if "$ref" in field:
        found = defs[field["$ref"].rpartition("/")[2]]
        return "section" if "properties" in found else _type(found, defs)
    if "discriminator" in field:
        return "section"
    if "anyOf" in field:
        return " | ".join(dict.fromkeys(_type(one, defs) for one in field["anyOf"] if one.get("type") != "null"))
    if "enum" in field or "const" in field:
        values = field.get("enum") or [field["const"]]
        return " | ".join(one if isinstance(one, str) else orjson.dumps(one).decode() for one in values)
    kind = field.get("type", "any")
    if kind == "array":
        items = field.get("items")
        return f"list of {_type(items, defs)}" if items else "list"
    if kind == "object":
        inner = field.get("additionalProperties") or next(iter(field.get("patternProperties", {}).values()), None)
        return f"map of {_type(inner, defs)}" if isinstance(inner, dict) else "map"
    word = _FORMATS.get(field.get("format", ""), "text" if kind == "string" else kind)
    bounds = [f"{sign} {field[name]:g}" for name, sign in _BOUNDS.items() if name in field]
    return f"{word} {', '.join(bounds)}".strip()
