"""What the operations of the API's description are made of: answers with their headers, errors with their kinds."""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

from hub.api.problems import CORRELATION, MEDIA_TYPE, TYPE

Json = dict[str, Any]
Kinds = Iterable[tuple[int, str]]
ANYWHERE = ((400, "malformed-http"), (417, "expectation-failed"), (500, "internal"))
STORE = (503, "store-unavailable")
_SECONDS = {"type": "integer", "minimum": 0}
HEADERS: Json = {
    "Correlation": {
        "description": "the request's correlation id; quote it when you ask the operator",
        "required": True,
        "schema": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
    },
    "RetryAfter": {"description": "seconds to wait", "required": True, "schema": _SECONDS},
    "Challenge": {"description": "the scheme to use", "required": True, "schema": {"type": "string"}},
    "Codings": {"description": "content codings that are taken, where that was wrong", "schema": {"type": "string"}},
    "RateLimit": {"description": "what is left of each limit of this client", "schema": {"type": "string"}},
    "RateLimitPolicy": {"description": "the limits of this client", "schema": {"type": "string"}},
}
LIMITS = {"RateLimit": "RateLimit", "RateLimit-Policy": "RateLimitPolicy"}
_OF_STATUS: dict[int, dict[str, str]] = {
    401: {"WWW-Authenticate": "Challenge"},
    415: {"Accept-Encoding": "Codings"},
    429: {"Retry-After": "RetryAfter", **LIMITS},
    502: {"Retry-After": "RetryAfter"},
    503: {"Retry-After": "RetryAfter"},
}


def named(headers: dict[str, str]) -> Json:
    """Headers by their name in ``HEADERS``, and the one that every answer has."""
    return {name: {"$ref": f"#/components/headers/{of}"} for name, of in {CORRELATION: "Correlation", **headers}.items()}


def of_media(media: str, schema: Json, description: str = "as asked for") -> Json:
    """An answer of this media type and schema."""
    return {"description": description, "headers": named({}), "content": {media: {"schema": schema}}}


def answer(description: str, model: str, headers: Json | None = None) -> Json:
    """A good answer: JSON of the model."""
    made = of_media("application/json", {"$ref": f"#/components/schemas/{model}"}, description)
    made["headers"] |= headers or {}
    return made


def problems(kinds: Kinds) -> Json:
    """The error responses, one for each status, each with the kinds it may be of."""
    by_status: dict[int, list[str]] = {}
    for status, kind in sorted({*kinds, *ANYWHERE}):
        by_status.setdefault(status, []).append(kind)
    return {str(status): _problem(status, kinds_of) for status, kinds_of in by_status.items()}


def _problem(status: int, kinds: list[str]) -> Json:
    of_these = {"type": {"enum": [TYPE + kind for kind in kinds]}, "status": {"const": status}}
    schema = {"allOf": [{"$ref": "#/components/schemas/Problem"}, {"type": "object", "properties": of_these}]}
    made = of_media(MEDIA_TYPE, schema, f"{HTTPStatus(status).phrase}: {', '.join(kinds)}")
    made["headers"] = named(_OF_STATUS.get(status, {}))
    return made
