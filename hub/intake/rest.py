"""The REST door: ``POST /v1/messages`` turns one request into one arrival and answers with its receipt.

The order is the idempotent receiver's: authenticate, what the client may still send, the right to send, a place at the gate,
then the body within its limits; parsing, dedupe and validation happen in ``accept``. 202 is written after ``accept`` returned,
that is after the store's sync. A body is JSON; it is XML where the messages of the schema are.

Answers: 202; 400 body that is cut, damaged, not JSON or nested too deep; 401 key; 403 right; 408 slow body; 409 id used with
another body; 413 body too large, packed or not; 415 schema, media type or content coding (with Accept-Encoding); 422 schema;
429 rate or quota (Retry-After, RateLimit, RateLimit-Policy); 503 busy or the store unavailable (Retry-After). With a limit
for the client, a 202 carries RateLimit and RateLimit-Policy too. No answer but 202 means that anything was stored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache

import orjson
from aiohttp import web

from hub.connector import Accept
from hub.errors import Problem, Refused, UnknownSchema, UnsupportedMediaType
from hub.intake.body import most_bytes, read_body, wait_with_continue
from hub.intake.doorway import Doorway, idempotency_key, trace_of
from hub.intake.keys import require_right
from hub.message import SchemaRef

_SCHEMA_HINT = "send 'Hub-Schema: <id>@<major>' or 'Content-Type: application/json; schema=<id>@<major>'"
_XML = ("application/xml", "text/xml", "application/soap+xml")


class MessageDoor:
    """Takes messages over HTTP from callers who hold a key, as many at once as the gate lets in. ``is_xml`` says of a schema
    whether its messages are XML."""

    def __init__(self, accept: Accept, doorway: Doorway, is_xml: Callable[[SchemaRef], bool]) -> None:
        self._accept = accept
        self._doorway = doorway
        self._is_xml = is_xml

    def routes(self) -> Iterable[web.RouteDef]:
        """``POST /v1/messages``; a caller that expects 100 Continue gets it once key and schema were found good."""
        return [web.post("/v1/messages", self._post, expect_handler=wait_with_continue)]

    async def _post(self, request: web.Request) -> web.Response:
        sender: str | None = None
        schema: SchemaRef | None = None
        doorway, trace = self._doorway, trace_of(request)
        try:
            key = await doorway.keys.authenticate(request.headers)
            sender = key.name
            left = await doorway.allowances.take(sender)
            schema, in_xml = named_schema(request)
            if in_xml is not self._is_xml(schema):
                raise _unsupported(*(_NOT_JSON if in_xml else _NOT_XML))
            require_right(key, schema.id)
            own_id = idempotency_key(request)
            place = await doorway.gate.enter(sender, most_bytes(request, doorway.limits))
            try:
                body = await read_body(request, doorway.limits)
                place.shrink(len(body))
                accepted = await self._accept(doorway.arrival(sender, schema, body, own_id, trace))
            finally:
                place.leave()
        except Refused as error:
            await doorway.refuse(error, sender, schema, trace)
            raise
        headers = {**left, **doorway.taken(accepted, sender, len(body))}
        answer = orjson.dumps(accepted.receipt)
        return web.Response(status=202, body=answer, headers=headers, content_type="application/json")


def named_schema(request: web.Request) -> tuple[SchemaRef, bool]:
    """The schema that header or media type name, and whether the media type is XML's, not JSON's.

    Raises UnknownSchema, UnsupportedMediaType.
    """
    headers = request.headers
    return _named(headers.get("Content-Type", "application/json"), tuple(headers.getall("Hub-Schema", ())))


@lru_cache(maxsize=256)
def _named(content_type: str, hub_schema: tuple[str, ...]) -> tuple[SchemaRef, bool]:
    media, parameters = _media_type(content_type)
    if media != "application/json" and not media.endswith("+json") and media not in _XML:
        raise _unsupported(*_NOT_JSON)
    if parameters.get("charset", "utf-8").lower() not in ("utf-8", "utf8"):
        raise _unsupported("charset", "the body must be UTF-8", "send UTF-8 and leave charset out")
    named = {text.strip() for text in hub_schema}
    if "schema" in parameters:
        named.add(parameters["schema"].strip())
    if not named:
        raise _unknown("Hub-Schema", "missing", "no schema is named", _SCHEMA_HINT)
    if len(named) > 1:
        raise _unknown("Hub-Schema", "contradiction", "two different schemas are named", "name one schema, once")
    (text,) = named
    try:
        if len(text) > 100 or not text.isascii():
            raise ValueError
        return SchemaRef.parse(text), media in _XML
    except ValueError:
        wrong = "a schema is written id@version, such as dossier@1 or dossier@1.0.0"
        raise _unknown("Hub-Schema", "malformed", wrong, _SCHEMA_HINT) from None


def _media_type(header: str) -> tuple[str, dict[str, str]]:
    """``application/json; schema=x@1`` as its lower-case type and parameters."""
    media, *rest = header.split(";")
    pairs = (part.partition("=") for part in rest)
    return media.strip().lower(), {name.strip().lower(): value.strip().strip('"') for name, _, value in pairs}


_NOT_JSON = ("media_type", "the body must be JSON", "send 'Content-Type: application/json'")
_NOT_XML = ("media_type", "messages of this schema are XML", "send 'Content-Type: application/xml', or use its SOAP door")


def _unknown(at: str, code: str, message: str, hint: str) -> UnknownSchema:
    return UnknownSchema([Problem(at, code, message, hint)])


def _unsupported(code: str, message: str, hint: str) -> UnsupportedMediaType:
    return UnsupportedMediaType([Problem("Content-Type", code, message, hint)])
