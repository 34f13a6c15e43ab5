"""The REST door: ``POST /v1/messages`` turns one request into one arrival and answers with its receipt.

The order is the idempotent receiver's: authenticate, the right to send, then the body within its limits; parsing,
dedupe and validation happen in ``accept``. 202 is written after ``accept`` returned, that is after the store's sync.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable
from dataclasses import dataclass

import orjson
from aiohttp import web

from hub.connector import Accept
from hub.errors import NotParsable, Problem, Refused, TimedOut, TooLarge, UnknownSchema, UnsupportedMediaType
from hub.intake.keys import Keys, require_right
from hub.message import Arrival, Clock, SchemaRef, new_id
from hub.observe import metrics
from hub.observe.logging import context, get_logger
from hub.observe.trace import Trace, begin

TRACE = web.RequestKey("hub.trace", Trace)
_VISIBLE = re.compile(r"[\x21-\x7e]{1,200}")
_SCHEMA_HINT = "send 'Hub-Schema: <id>@<major>' or 'Content-Type: application/json; schema=<id>@<major>'"
_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """How much of a body is read (bytes, after transfer decoding), and how long it may take (seconds, in all)."""

    bytes: int = 5 * 1024 * 1024
    seconds: float = 30.0


class MessageDoor:
    """Takes messages over HTTP from callers who hold a key."""

    def __init__(self, accept: Accept, keys: Keys, clock: Clock, limits: BodyLimits | None = None) -> None:
        self._accept = accept
        self._keys = keys
        self._clock = clock
        self._limits = limits or BodyLimits()

    def routes(self) -> Iterable[web.RouteDef]:
        """``POST /v1/messages``; a caller that expects 100 Continue gets it once key and schema were found good."""
        return [web.post("/v1/messages", self._post, expect_handler=_wait_with_continue)]

    async def _post(self, request: web.Request) -> web.Response:
        sender: str | None = None
        schema: SchemaRef | None = None
        trace = request.get(TRACE) or begin(request.headers.get("traceparent"))
        try:
            key = await self._keys.authenticate(request.headers)
            sender = key.name
            schema = named_schema(request)
            require_right(key, schema.id)
            idempotency_key = _idempotency_key(request)
            body = await read_body(request, self._limits)
            arrival = Arrival(
                id=new_id(), sender=sender, schema=schema, body=body, received_at=self._clock(), key=idempotency_key,
                correlation_id=trace.trace_id, traceparent=trace.traceparent,
            )  # fmt: skip
            with context(correlation_id=trace.trace_id):
                accepted = await self._accept(arrival)
        except Refused as error:
            metrics.arrival(sender, str(schema) if schema else None, "refused")
            _log.info(
                "message refused", correlation_id=trace.trace_id, sender=sender, kind=error.kind,
                code=[problem.code for problem in error.problems[:20]],
            )  # fmt: skip
            raise
        headers = {"Location": f"/v1/arrivals/{accepted.receipt['arrival']}"}
        if accepted.repeated:
            headers["Idempotency-Replayed"] = "true"
        answer = orjson.dumps(accepted.receipt)
        return web.Response(status=202, body=answer, headers=headers, content_type="application/json")


def named_schema(request: web.Request) -> SchemaRef:
    """The schema that header or media type name, the media type being JSON. Raises UnknownSchema, UnsupportedMediaType."""
    media, parameters = _media_type(request.headers.get("Content-Type", "application/json"))
    if media != "application/json" and not media.endswith("+json"):
        raise _unsupported("media_type", "the body must be JSON", "send 'Content-Type: application/json'")
    if parameters.get("charset", "utf-8").lower() not in ("utf-8", "utf8"):
        raise _unsupported("charset", "the body must be UTF-8", "send UTF-8 and leave charset out")
    named = {text.strip() for text in request.headers.getall("Hub-Schema", [])}
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
        return SchemaRef.parse(text)
    except ValueError:
        wrong = "a schema is written id@version, such as dossier@1 or dossier@1.0.0"
        raise _unknown("Hub-Schema", "malformed", wrong, _SCHEMA_HINT) from None


def _media_type(header: str) -> tuple[str, dict[str, str]]:
    """``application/json; schema=x@1`` as its lower-case type and parameters."""
    media, *rest = header.split(";")
    pairs = (part.partition("=") for part in rest)
    return media.strip().lower(), {name.strip().lower(): value.strip().strip('"') for name, _, value in pairs}


def _idempotency_key(request: web.Request) -> str | None:
    given = request.headers.getall("Idempotency-Key", [])
    if not given:
        return None
    if len(given) > 1 or not _VISIBLE.fullmatch(given[0]):
        wrong = "an Idempotency-Key is 1 to 200 visible ASCII characters, sent once"
        raise Refused([Problem("Idempotency-Key", "malformed", wrong, "send a UUID, or your own id of the message")])
    return given[0]


async def read_body(request: web.Request, limits: BodyLimits) -> bytes:
    """The whole body, never more of it in memory than the limit. Raises TooLarge, TimedOut, NotParsable."""
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise NotParsable([Problem("Content-Encoding", "encoded", "the body is compressed", "send it uncompressed")])
    if request.content_length is not None and request.content_length > limits.bytes:
        raise _too_large(limits)
    if request.headers.get("Expect", "").lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0
    body = bytearray()
    try:
        async with asyncio.timeout(limits.seconds):
            while chunk := await request.content.readany():
                if len(body) + len(chunk) > limits.bytes:
                    raise _too_large(limits)
                body += chunk
    except TimeoutError:
        slow = f"the body did not arrive within {limits.seconds:g} s"
        raise TimedOut([Problem("", "slow_body", slow, "send it again over a better connection")]) from None
    except (web.RequestPayloadError, ConnectionError, asyncio.IncompleteReadError):
        cut = "the body ended before it was complete"
        raise NotParsable([Problem("", "incomplete", cut, "send it again")]) from None
    return bytes(body)


async def _wait_with_continue(request: web.Request) -> None:
    """100 Continue is ours to send, once we know that we want the body (``read_body``)."""


def _too_large(limits: BodyLimits) -> TooLarge:
    wrong = f"the body is larger than {limits.bytes} bytes"
    return TooLarge([Problem("", "too_large", wrong, "send files by reference, and one dossier in one message")])


def _unknown(at: str, code: str, message: str, hint: str) -> UnknownSchema:
    return UnknownSchema([Problem(at, code, message, hint)])


def _unsupported(code: str, message: str, hint: str) -> UnsupportedMediaType:
    return UnsupportedMediaType([Problem("Content-Type", code, message, hint)])
