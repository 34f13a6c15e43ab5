"""What an editor needs to complete and check mapping and table files as they are typed: JSON Schemas made from the grammar.

They say what one file can say about itself; whether its paths, tables and schemas are there, only ``hub check`` knows. All
stays within what JSON Schema drafts 7 and 2020-12 share, because editors lag behind.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from hub.translation.datetimes import NAMED_PATTERNS
from hub.translation.parse import STATUS, TABLES, TOP
from hub.translation.parse_conditions import CONDITIONS
from hub.translation.parse_rules import AFTER, SOURCES
from hub.translation.parse_tests import FIELDS as TEST
from hub.translation.tables import FIELDS as TABLE
from hub.translation.text_verbs import KEY_NAME
from hub.translation.verbs import VERBS

Node = dict[str, Any]
DRAFT = "https://json-schema.org/draft/2020-12/schema"


def _ref(name: str) -> Node:
    return {"$ref": f"#/$defs/{name}"}


def _list(items: Node, least: int = 1, most: int | None = None) -> Node:
    return {"type": "array", "items": items, "minItems": least, **({} if most is None else {"maxItems": most})}


def _named(values: Node, least: int = 1) -> Node:
    return {"type": "object", "additionalProperties": values, "minProperties": least}


def _closed(properties: Mapping[str, Node], *required: str, **more: Any) -> Node:
    return {
        "type": "object", "properties": dict(properties), "required": list(required), "additionalProperties": False, **more,
    }  # fmt: skip


def _or(*kinds: Node) -> Node:
    return {"anyOf": list(kinds)}


def _described(shapes: Mapping[str, Node], meanings: Mapping[str, str]) -> dict[str, Node]:
    """Every key of the grammar with its shape; one whose shape is not known here takes anything."""
    return {name: {**shapes.get(name, {}), "description": meaning} for name, meaning in meanings.items()}


def _if_any(names: Iterable[str]) -> Node:
    return {"anyOf": [{"required": [name]} for name in names]}


_TEXT: Node = {"type": "string"}
_SOME: Node = {"type": "string", "minLength": 1}
_CODE: Node = {"type": ["string", "integer", "boolean"]}
_SCALAR: Node = {"type": ["string", "number", "boolean"]}
_CELLS = _list(_list(_SCALAR), 0)
_ANY: Node = {"not": {"type": "null"}}
_EXPRESSION: Node = {"type": "string", "format": "regex"}
_VERSION: Node = {"type": "string", "pattern": r"^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)$"}
_PIECE = r"[^.\s]([^.]*[^.\s])?"
_DEFS: dict[str, Node] = {
    "path": {"type": "string", "pattern": rf"^(\$|\.|(\$\.)?{_PIECE}(\.{_PIECE})*)$"},
    "reference": {"type": "string", "pattern": r"^\s*[a-z0-9][a-z0-9-]*@\d+(\.\d+(\.\d+)?)?\s*$"},
    "date-pattern": {"anyOf": [{"enum": list(NAMED_PATTERNS)}, _SOME]},
}
_PATHS = _list(_ref("path"))
_DATES = _or(_ref("date-pattern"), _list(_ref("date-pattern")))
_ZONED = _closed({"format": _DATES, "zone": _TEXT}, "format")
_RULES = _named(_ref("rule"))
_APART = {"value": ("default", "optional"), "when": ("apply", "table")}
"""What does not go with a source: a constant is never missing, and what comes of ``when`` is changed inside."""
_ONE_OR_MORE = _or(_ref("condition"), _list(_ref("condition")))

ARGUMENTS: dict[str, Node] = {
    "parse_datetime": _or(_DATES, _ZONED),
    "format_datetime": _or(_ref("date-pattern"), _list(_ref("date-pattern"), 1, 1), _ZONED),
    "parse_partial_date": _DATES,
    "format_partial_date": _closed(dict.fromkeys(("year", "month", "day"), _ref("date-pattern")), minProperties=1),
    "cut": {"type": "integer", "minimum": 4},
    "max_length": {"type": "integer", "minimum": 1},
    "replace": _list(_TEXT, 2, 2),
    "add_prefix": _SOME,
    "strip_prefix": _SOME,
    "strip_suffix": _SOME,
    "pad_left": _list({"type": ["integer", "string"]}, 2, 2),
    "pattern": _EXPRESSION,
    "reformat": _list(_SOME, 2, 2),
    "keyed_hash": {"type": "string", "pattern": f"^{KEY_NAME.pattern}$"},
}
"""What each verb that takes an argument takes; a test holds it to what the verb itself takes."""


def mapping_schema() -> Node:
    """The JSON Schema of a mapping file."""
    shapes: dict[str, Node] = {
        "mapping": _SOME, "version": _VERSION, "status": {"enum": list(STATUS)}, "from": _ref("reference"),
        "to": _ref("reference"), "summary": _TEXT, "when": _ONE_OR_MORE, "empty_is_missing": {"type": "boolean"},
        "tables": _named(_ref("table"), 0), "set": _RULES, "ignore": _list(_ref("path"), 0), "tests": _list(_ref("test"), 0),
    }  # fmt: skip
    required = ("mapping", "version", "status", "from", "to", "summary", "set")
    defs = _DEFS | {"rule": _rule(), "condition": _condition(), "verb": _verb(), "table": _table_entry(), "test": _test()}
    return {"$schema": DRAFT, "title": "Mapping file", **_closed(_described(shapes, TOP), *required), "$defs": defs}


def table_schema() -> Node:
    """The JSON Schema of a code table file."""
    shapes: dict[str, Node] = {
        "table": _SOME, "version": _VERSION, "summary": _TEXT, "extends": _ref("reference"),
        "without": _list(_list(_SCALAR), 0), "offered": {"type": "boolean"}, "key": _list(_TEXT), "columns": _list(_TEXT),
        "rows": _CELLS,
    }  # fmt: skip
    required = ("table", "version", "key", "columns", "rows")
    whole = _closed(_described(shapes, TABLE), *required, allOf=[_needs("without", "extends")])
    return {"$schema": DRAFT, "title": "Code table file", **whole, "$defs": {"reference": _DEFS["reference"]}}


def _rule() -> Node:
    shapes: dict[str, Node] = {
        "get": _ref("path"), "value": _ANY, "join": _PATHS, "with": _TEXT, "first_of": _PATHS, "each": _ref("path"),
        "set": _RULES, "where": _ONE_OR_MORE, "when": _ONE_OR_MORE, "then": _ref("rule"), "else": _ref("rule"),
        "apply": _list(_ref("verb"), 0), "table": _or(_TEXT, _list(_TEXT, 0)), "default": _ANY,
        "optional": {"type": "boolean"},
    }  # fmt: skip
    further = {key: f"beside {name}: {form.meaning}" for name, form in SOURCES.items() for key in form.keys}
    meanings = {name: f"{form.meaning}: {form.example}" for name, form in SOURCES.items()} | further
    meanings |= {name: f"{meaning}: {example}" for name, (meaning, example) in AFTER.items()}
    kinds = [
        _with(name, (name, *form.keys, *(one for one in AFTER if one not in _APART.get(name, ()))))
        for name, form in SOURCES.items()
    ]
    by_table: Node = {"if": {"not": _if_any(SOURCES)}, "then": {"required": ["table"], "propertyNames": {"enum": list(AFTER)}}}
    changed = {"if": {"required": ["each", "set"]}, "then": {"not": _if_any(("apply", "table"))}}
    two_outcomes = {"not": {"type": "object", "required": ["default", "optional"], "properties": {"optional": {"const": True}}}}
    return _closed(_described(shapes, meanings), allOf=[*kinds, by_table, changed, two_outcomes, _needs("when", "then")])


def _with(source: str, names: Iterable[str]) -> Node:
    return {"if": {"required": [source]}, "then": {"propertyNames": {"enum": list(names)}}}


def _needs(name: str, other: str) -> Node:
    return {"if": {"required": [name]}, "then": {"required": [other]}}


def _condition() -> Node:
    asked = _or(_TEXT, {**_named(_SCALAR), "maxProperties": 1})
    shapes = {
        "present": _ref("path"), "absent": _ref("path"), "equals": _by_path(_SCALAR), "differs": _by_path(_SCALAR),
        "matches": _by_path(_EXPRESSION), "in_table": _by_path(asked), "not_in_table": _by_path(asked),
    }  # fmt: skip
    meanings = {name: f"{meaning}: {example}" for name, (meaning, example) in CONDITIONS.items()}
    return _closed(_described(shapes, meanings), minProperties=1)


def _by_path(values: Node) -> Node:
    return {**_named(values), "propertyNames": _ref("path")}


def _verb() -> Node:
    plain: list[Node] = [{"const": name, "description": one.meaning} for name, one in VERBS.items() if not one.argument]
    about = {name: f"{one.meaning}; takes {one.argument}" for name, one in VERBS.items() if one.argument}
    taking = _closed(_described(ARGUMENTS, about), minProperties=1, maxProperties=1)
    return _or(*plain, taking)


def _table_entry() -> Node:
    day = _or(_ref("path"), _closed({"path": _ref("path"), "format": _DATES, "zone": _TEXT}, "path"))
    inside = {"use": _ref("reference"), "column": _TEXT, "by": _PATHS, "on": day}
    looked_up = _or(_closed(inside, "use"), _closed({"by": _PATHS, "rows": _CELLS}, "by", "rows"))
    return {
        "description": "; ".join(f"{form}: {meaning}" for form, meaning in TABLES.items()),
        "type": "object", "if": _if_any(("use", "by")), "then": looked_up, "else": _named(_CODE),
    }  # fmt: skip


def _test() -> Node:
    error = _closed({"at": _TEXT, "code": _TEXT}, "at", "code")
    shapes = {
        "name": _SOME, "error": _or(error, _list(error)), "nothing": {"type": "boolean"}, "warnings": _list(_TEXT, 0),
        "tables": _named(_closed({"key": _list(_TEXT), "columns": _list(_TEXT), "rows": _CELLS}, "key", "columns", "rows"), 0),
    }  # fmt: skip
    nothing = {"required": ["nothing"], "properties": {"nothing": {"const": True}}}
    ends = [{"required": ["expect"]}, {"required": ["error"]}, nothing]
    return _closed(_described(shapes, TEST), "name", "given", oneOf=ends)
