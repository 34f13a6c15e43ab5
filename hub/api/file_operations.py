"""The doors for files in the API's description."""

from __future__ import annotations

from typing import Any

from hub.api.responses import LIMITS, STORE, Json, Kinds, named, of_media, problems
from hub.errors import (
    Busy,
    Forbidden,
    NotParsable,
    Refused,
    TimedOut,
    TooLarge,
    TooMany,
    Unauthenticated,
    UnsupportedCoding,
    UnsupportedMediaType,
)

_REFUSED: tuple[type[Refused], ...] = (
    Refused, NotParsable, Unauthenticated, Forbidden, TimedOut, TooLarge, UnsupportedMediaType, UnsupportedCoding, TooMany,
    Busy,
)  # fmt: skip
_GONE: Kinds = ((403, "link-not-signed"), (404, "not-found"), (410, "link-expired"))
_HASH = {"type": "string", "pattern": "^[0-9a-f]{64}$"}


def file_paths() -> Json:
    """Both paths."""
    return {"/v1/files": {"post": _put()}, "/v1/files/{sha256}": {"get": _get()}}


def file_components() -> Json:
    """What is answered."""
    claim = {"type": "string", "pattern": "^ni:///sha-256;[A-Za-z0-9_-]{43}$"}
    properties: dict[str, Json] = {
        "claim": {**claim, "description": "its name (RFC 6920): put it into the url of a document or result"},
        "sha256": {**_HASH, "description": "SHA-256 of the content"},
        "size": {"type": "integer", "minimum": 1, "description": "bytes"},
        "media_type": {"type": "string", "description": "what its first bytes say it is"},
    }
    return {
        "File": {"type": "object", "required": list(properties), "properties": properties, "additionalProperties": False},
    }


def _put() -> Json:
    kept = of_media("application/json", {"$ref": "#/components/schemas/File"}, "the file is on disk")
    kept["headers"] |= named(LIMITS)
    return {
        "operationId": "sendFile",
        "tags": ["files"],
        "summary": "Send one file",
        "description": "The body is the file itself. Its media type is told by its first bytes; a `Content-Type` that says "
        "another is refused. The same file again gets the same claim. The key needs the right `files`.",
        "security": [{"bearer": []}, {"key": []}],
        "parameters": [
            _header("Content-Digest", "RFC 9530, `sha-256=:…:`; a body with another digest is refused"),
            _header("Content-Transfer-Encoding", "`base64`: the body is the file in base64"),
        ],
        "requestBody": {
            "required": True,
            "content": {"*/*": {"schema": {"type": "string", "format": "binary"}, "examples": {}}},
        },
        "responses": {"201": kept, **problems([*((one.status, one.kind) for one in _REFUSED), STORE])},
    }


def _get() -> Json:
    whole, part = (of_media("*/*", {"type": "string", "format": "binary"}, text) for text in ("the file", "a part of it"))
    parameters: list[dict[str, Any]] = [
        {"name": "sha256", "in": "path", "required": True, "schema": _HASH, "description": "SHA-256 of the content"},
        _query("expires", "^[0-9]{1,12}$", "until when the link is good, in seconds since 1970"),
        _query("signature", "^[0-9a-f]{64}$", "the hub's own"),
        _header("Range", "bytes of it, as in RFC 9110"),
    ]
    return {
        "operationId": "getFile",
        "tags": ["files"],
        "summary": "One file, by a signed link",
        "description": "The link comes from the hub, whole. It needs no key; it ends with its day.",
        "security": [],
        "parameters": parameters,
        "responses": {
            "200": whole, "206": part, **problems([*_GONE, STORE]),
            "416": {"description": "no such part", "headers": named({}), "content": {}},
        },
    }  # fmt: skip


def _header(name: str, description: str) -> Json:
    return {"name": name, "in": "header", "schema": {"type": "string"}, "description": description}


def _query(name: str, pattern: str, description: str) -> Json:
    schema = {"type": "string", "pattern": pattern}
    return {"name": name, "in": "query", "required": True, "schema": schema, "description": description}
