"""Turns the canonical models into their schema files; ``python -m hub.dossier.export dossier/1.2.0`` prints one."""

from __future__ import annotations

import json
import sys
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from hub.dossier.model import Dossier, DossierProgress

_SUBJECT = [{"system": "{sender}", "pointer": "/source_id"}, {"system": "national", "pointer": "/code"}]

RELEASED: dict[str, tuple[type[BaseModel], dict[str, Any]]] = {
    "dossier/1.2.0": (
        Dossier,
        {"role": "canonical", "full_state": True, "subject": _SUBJECT, "version": "/modified_at", "code": "/code"},
    ),
    "dossier-progress/1.0.0": (
        DossierProgress,
        {
            "role": "canonical",
            "full_state": False,
            "subject": _SUBJECT,
            "code": "/code",
            "at": "/handled_at",
            "step": "/step_id",
        },
    ),
}
"""The newest released version of each canonical schema: model and ``x-hub`` block."""


class _Plain(GenerateJsonSchema):
    """Schemas for readers: no nulls (absent is the only unknown), no generated titles."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def _tidy(node: Any, definitions: dict[str, Any]) -> Any:
    """Put each definition where it is used (none is recursive) and drop generated titles."""
    if isinstance(node, list):
        return [_tidy(item, definitions) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        target = definitions[node["$ref"].rsplit("/", 1)[1]]
        return _tidy({**target, **{k: v for k, v in node.items() if k != "$ref"}}, definitions)
    kept = {k: v for k, v in node.items() if not (k == "title" and isinstance(v, str))}
    return {
        k: {name: _tidy(value, definitions) for name, value in v.items()} if k == "properties" else _tidy(v, definitions)
        for k, v in kept.items()
    }


def schema_text(name: str) -> str:
    """The file ``schemas/<name>.json`` as it is released, such as ``dossier/1.2.0``; ends with a newline."""
    model, x_hub = RELEASED[name]
    raw = model.model_json_schema(schema_generator=_Plain)
    body = _tidy({k: v for k, v in raw.items() if k != "$defs"}, raw.get("$defs", {}))
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:dossier-hub:" + name.replace("/", ":"),
        "title": name.replace("/", "@"),
        "x-hub": x_hub,
        **body,
    }
    return json.dumps(schema, ensure_ascii=False, indent=2) + "\n"


if __name__ == "__main__":
    sys.stdout.write(schema_text(sys.argv[1]))
