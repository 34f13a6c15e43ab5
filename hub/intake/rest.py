"""The REST door: ``POST /v1/messages`` turns one request into one arrival and answers with its receipt.

The order is the idempotent receiver's: authenticate, what the client may still send, the right to send, a place at the gate,
then the body within its limits; parsing, dedupe and validation happen in ``accept``. 202 is written after ``accept`` returned,
that is after the store's sync.

Answers: 202; 400 body that is cut, damaged, not JSON or nested too deep; 401 key; 403 right; 408 slow body; 409 id used with
another body; 413 body too large, packed or not; 415 schema, media type or content coding (with Accept-Encoding); 422 schema;
429 rate or quota (Retry-After, RateLimit, RateLimit-Policy); 503 busy or the store unavailable (Retry-After). With a limit
for the client, a 202 carries RateLimit and RateLimit-Policy too. No answer but 202 means that anything was stored.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import orjson
from aiohttp import web

from hub.connector import Accept
from hub.errors import (
    Busy,
    NotParsable,
    Problem,
    Refused,
    TimedOut,
    TooLarge,
    TooMany,
    UnknownSchema,
    UnsupportedCoding,
    UnsupportedMediaType,
)
from hub.intake.allowance import Allowances
from hub.intake.gate import Gate
from hub.intake.gzip_body import Unpacked, most_unpacked
from hub.intake.keys import Keys, require_right
from hub.message import Arrival, Clock, SchemaRef, new_id
from hub.observe import metrics
from hub.observe.logging import get_logger
from hub.observe.trace import Trace, begin

TRACE = web.RequestKey("hub.trace", Trace)
UNPACKED_AT_ONCE = 4096
"""A larger piece of a packed body is unpacked in a thread, so that nobody waits for it."""
REFUSALS_A_SECOND = 600
"""Of one client; the more of its requests are being refused, the longer each waits for it, up to half a second."""
_VISIBLE = re.compile(r"[\x21-\x7e]{1,200}")
_SCHEMA_HINT = "send 'Hub-Schema: <id>@<major>' or 'Content-Type: application/json; schema=<id>@<major>'"
_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """How much of a body is read (bytes, after transfer decoding), and how long it may take (seconds, in all)."""

    bytes: int = 5 * 1024 * 1024
    seconds: float = 30.0


class Refusals:
    """Lets no client, nor all unknown ones together, be refused more than so often a second: refusing costs time too."""

    def __init__(self) -> None:
        self._now: Counter[str | None] = Counter()

    async def slow_down(self, client: str | None) -> None:
        """Wait before one of the client's requests is refused."""
        self._now[client] += 1
        try:
            await asyncio.sleep(min(0.5, (self._now[client] - 1) / REFUSALS_A_SECOND))
        finally:
            self._now[client] -= 1


class MessageDoor:
    """Takes messages over HTTP from callers who hold a key, as many at once as the gate lets in."""

    def __init__(
        self, accept: Accept, keys: Keys, clock: Clock, allowances: Allowances, gate: Gate, limits: BodyLimits | None = None,
        prefix: str = "",
    ) -> None:  # fmt: skip
        self._accept = accept
        self._keys = keys
        self._clock = clock
        self._allowances = allowances
        self._gate = gate
        self._limits = limits or BodyLimits()
        self._prefix = prefix
        self._refusals = Refusals()
        metrics.watch_door(lambda: (gate.requests, gate.waiting, gate.bytes))

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
            left = await self._allowances.take(sender)
            schema = named_schema(request)
            require_right(key, schema.id)
            idempotency_key = _idempotency_key(request)
            place = await self._gate.enter(sender, _most_bytes(request, self._limits))
            try:
                body = await read_body(request, self._limits)
                place.shrink(len(body))
                arrival = Arrival(
                    id=new_id(), sender=sender, schema=schema, body=body, received_at=self._clock(), key=idempotency_key,
                    correlation_id=trace.trace_id, traceparent=trace.traceparent,
                )  # fmt: skip
                accepted = await self._accept(arrival)
            finally:
                place.leave()
        except Refused as error:
            metrics.arrival(sender, str(schema) if schema else None, "refused")
            if not isinstance(error, TooMany | Busy):  # these are counted: a flood must not flood the log too
                _log.info(
                    "message refused", correlation_id=trace.trace_id, sender=sender, kind=error.kind,
                    code=[problem.code for problem in error.problems[:20]],
                )  # fmt: skip
            await self._refusals.slow_down(sender)
            raise
        headers = {**left, "Location": f"{self._prefix}/v1/arrivals/{accepted.receipt['arrival']}"}
        if accepted.repeated:
            headers["Idempotency-Replayed"] = "true"
        else:
            self._allowances.used(sender, len(body))
        answer = orjson.dumps(accepted.receipt)
        return web.Response(status=202, body=answer, headers=headers, content_type="application/json")


def named_schema(request: web.Request) -> SchemaRef:
    """The schema that header or media type name, the media type being JSON. Raises UnknownSchema, UnsupportedMediaType."""
    headers = request.headers
    return _named(headers.get("Content-Type", "application/json"), tuple(headers.getall("Hub-Schema", ())))


@lru_cache(maxsize=256)
def _named(content_type: str, hub_schema: tuple[str, ...]) -> SchemaRef:
    media, parameters = _media_type(content_type)
    if media != "application/json" and not media.endswith("+json"):
        raise _unsupported("media_type", "the body must be JSON", "send 'Content-Type: application/json'")
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


def _is_packed(request: web.Request) -> bool:
    """Whether the body is packed with gzip. Raises UnsupportedCoding."""
    coding = request.headers.get("Content-Encoding", "identity").strip().lower()
    if coding not in ("identity", "gzip", "x-gzip"):
        wrong, hint = "the content coding is not taken", "send 'Content-Encoding: gzip', or the body as it is"
        raise UnsupportedCoding([Problem("Content-Encoding", "unsupported_coding", wrong, hint)])
    return coding != "identity"


def _most_bytes(request: web.Request, limits: BodyLimits) -> int:
    """How large the body may turn out. Raises TooLarge, UnsupportedCoding."""
    length = request.content_length
    if length is not None and length > limits.bytes:
        raise _too_large(limits)
    packed = _is_packed(request)
    if length is None:
        return limits.bytes
    return most_unpacked(length, limits.bytes) if packed else length


async def read_body(request: web.Request, limits: BodyLimits) -> bytes:
    """The whole body, unpacked, never more of it in memory than the limit.

    Raises TooLarge, TimedOut, NotParsable, UnsupportedCoding.
    """
    unpacked = Unpacked(limits.bytes) if _is_packed(request) else None
    if request.headers.get("Expect", "").lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0
    if unpacked is None and request.content.is_eof():  # all of it is here already
        whole = request.content.read_nowait(-1)
        if len(whole) > limits.bytes:
            raise _too_large(limits)
        return whole
    pieces: list[bytes] = []
    taken = 0
    try:
        async with asyncio.timeout(limits.seconds):
            while piece := await request.content.readany():
                taken += len(piece)
                if taken > limits.bytes:
                    raise _too_large(limits)
                if unpacked and len(piece) > UNPACKED_AT_ONCE:
                    pieces.append(await asyncio.to_thread(unpacked.add, piece))
                else:
                    pieces.append(unpacked.add(piece) if unpacked else piece)
    except TimeoutError:
        slow = f"the body did not arrive within {limits.seconds:g} s"
        raise TimedOut([Problem("", "slow_body", slow, "send it again over a better connection")]) from None
    except (web.RequestPayloadError, ConnectionError, asyncio.IncompleteReadError) as error:
        error.__traceback__ = None  # the request keeps the error: with its frames, and so itself, it would stay in memory
        cut = "the body ended before it was complete"
        raise NotParsable([Problem("", "incomplete", cut, "send it again")]) from None
    if unpacked:
        unpacked.end()
    return b"".join(pieces)


async def _wait_with_continue(request: web.Request) -> None:
    """100 Continue is ours to send, once we know that we want the body (``read_body``)."""


def _too_large(limits: BodyLimits) -> TooLarge:
    wrong = f"the body is larger than {limits.bytes} bytes"
    return TooLarge([Problem("", "too_large", wrong, "send files by reference, and one dossier in one message")])


def _unknown(at: str, code: str, message: str, hint: str) -> UnknownSchema:
    return UnknownSchema([Problem(at, code, message, hint)])


def _unsupported(code: str, message: str, hint: str) -> UnsupportedMediaType:
    return UnsupportedMediaType([Problem("Content-Type", code, message, hint)])
