"""The door for rows in the API's description."""

from __future__ import annotations

from hub.api.responses import STORE, Json, answer, problems
from hub.api.rows import MOST_ROWS
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
    UnknownSchema,
    UnsupportedCoding,
    UnsupportedMediaType,
)

_REFUSED: tuple[type[Refused], ...] = (
    Refused, NotParsable, Unauthenticated, Forbidden, TimedOut, TooLarge, UnknownSchema, UnsupportedMediaType,
    UnsupportedCoding, SchemaInvalid, TooMany, Busy,
)  # fmt: skip


def row_paths(names: list[str], security: list[Json], traceparent: Json) -> Json:
    """The one path; ``names``: the schemas that a sender may name."""
    row = {
        "type": "object",
        "required": ["place", "body"],
        "properties": {
            "place": {
                "type": "string", "pattern": "^[!-~]{1,200}$",
                "description": "what names the file, and where in it the row stands: by it a row without an id is known again",
            },
            "body": {"type": "string", "description": "the message, JSON or XML, as text"},
        },
        "additionalProperties": False,
    }  # fmt: skip
    rows = {"type": "array", "minItems": 1, "maxItems": MOST_ROWS, "items": row}
    body = {"type": "object", "required": ["rows"], "properties": {"rows": rows}, "additionalProperties": False}
    operation = {
        "operationId": "sendRows",
        "tags": ["messages"],
        "summary": "Send rows of a file",
        "description": "Several messages of one schema, each with its place in the file it was read from, taken in one after "
        "the other. Each is accepted, kept or refused by itself, as by `POST /v1/messages`; one with status 500 is a fault of "
        "the hub, and may be sent again. With `later` the hub took no more: send the rows from there on again, after "
        "`retry_after` seconds.",
        "security": security,
        "parameters": [
            {
                "name": "Hub-Schema", "in": "header", "required": True, "schema": {"enum": names} if names else False,
                "description": "schema of every row: id@major takes the newest version of it, id@version exactly that one",
            },
            traceparent,
        ],
        "requestBody": {"required": True, "content": {"application/json": {"schema": body, "examples": {}}}},
        "responses": {
            "200": answer("what became of the rows", "RowsTaken"),
            **problems([*((one.status, one.kind) for one in _REFUSED), STORE]),
        },
    }  # fmt: skip
    return {"/v1/rows": {"post": operation}}
