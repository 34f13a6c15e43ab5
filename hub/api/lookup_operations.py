"""The look-ups of the API's description: one operation for each registry, with its own question and answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hub.api.lookup_models import LookupRequest
from hub.api.responses import LIMITS, STORE, Json, Kinds, named, of_media, problems
from hub.errors import (
    Busy,
    Forbidden,
    NotParsable,
    Refused,
    SchemaInvalid,
    TimedOut,
    TooLarge,
    TooMany,
    Unauthenticated,
    UnsupportedCoding,
    UnsupportedMediaType,
)
from hub.lookup.registry import WHO_ASKS

_REFUSED: tuple[type[Refused], ...] = (
    NotParsable, Unauthenticated, Forbidden, TimedOut, TooLarge, UnsupportedMediaType, UnsupportedCoding, SchemaInvalid,
    TooMany, Busy,
)  # fmt: skip
_OTHER: Kinds = (
    (422, "not-askable"), (422, "refused-by-registry"), (502, "unreachable"), (502, "unreadable-answer"), (503, "paused"),
    (503, "unreachable"), STORE,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Asked:
    """A registry: its question and its answer as component schemas of the catalog, an example of a question if any."""

    name: str
    question: Json
    answer: Json
    example: Any
    confirms: bool


def lookup_paths(registries: Sequence[Asked], security: list[Json], traceparent: Json) -> Json:
    """A path for each registry."""
    return {f"/v1/lookups/{one.name}": {"post": _operation(one, security, traceparent)} for one in registries}


def lookup_components(registries: Sequence[Asked]) -> Json:
    """What is sent and answered, for each registry."""
    made: Json = {}
    for one in registries:
        made[f"lookup-{one.name}-query"] = _about(one.question)
        made[f"lookup-{one.name}-answer"] = one.answer
        made[f"lookup-{one.name}"] = _request(one)
        made[f"lookup-{one.name}-result"] = _result(one)
    return made


def _operation(one: Asked, security: list[Json], traceparent: Json) -> Json:
    example = {"officer": "cb-0001", "purpose": "checked at reception", "procedure": "1.001193", "query": one.example}
    examples = {} if one.example is None else {"question": {"value": example}}
    answered = of_media("application/json", _ref(f"lookup-{one.name}-result"), "the registry answered")
    answered["headers"] |= named(LIMITS)
    return {
        "operationId": f"ask-{one.name}",
        "tags": ["look-ups"],
        "summary": f"Ask the registry {one.name}",
        "description": "Who asked, why and on what ground is kept; the answer is not. It is asked once: after 502 and 503 "
        "nothing is known, ask again. A question for which the registry needs more is refused with `not-askable`.",
        "security": security,
        "parameters": [traceparent],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": _ref(f"lookup-{one.name}"), "examples": examples}},
        },
        "responses": {"200": answered, **problems([*((of.status, of.kind) for of in _REFUSED), *_OTHER])},
    }


def _about(question: Json) -> Json:
    """The question without what stands beside it in the request."""
    fields: Mapping[str, Any] = question.get("properties", {})
    kept = {name: one for name, one in fields.items() if name not in WHO_ASKS}
    required = [name for name in question.get("required", []) if name not in WHO_ASKS]
    return {**question, "properties": kept, "required": required}


def _request(one: Asked) -> Json:
    made = LookupRequest.model_json_schema()
    fields = {
        name: {key: value for key, value in field.items() if key != "title"} for name, field in made["properties"].items()
    }
    fields["query"] = _ref(f"lookup-{one.name}-query")
    if not one.confirms:
        fields["confirm"] = {"const": False, "description": "this registry cannot be asked so"}
    return {
        "type": "object", "description": made["description"], "additionalProperties": False, "properties": fields,
        "required": made["required"],
    }  # fmt: skip


def _result(one: Asked) -> Json:
    """``answer`` is there exactly when the outcome is found."""
    outcomes = ["found", "not_found", *(["confirmed", "mismatch"] if one.confirms else [])]
    fields: Json = {
        "lookup": {"type": "string", "format": "uuid", "description": "the record of this question; `hub lookups` lists it"},
        "outcome": {"enum": outcomes, "type": "string", "description": "mismatch: it is not so, or nobody is known by it"},
        "answer": _ref(f"lookup-{one.name}-answer"),
    }
    found = {"properties": {"outcome": {"const": "found"}}}
    return {
        "type": "object", "description": "What came of a question.", "additionalProperties": False, "properties": fields,
        "required": ["lookup", "outcome"],
        "if": found, "then": {"required": ["answer"]}, "else": {"not": {"required": ["answer"]}},
    }  # fmt: skip


def _ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}
