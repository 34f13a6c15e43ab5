"""The client of a hub's own HTTP door: messages from files, posted one after the other, safe to repeat.

Every message carries an Idempotency-Key, by default the SHA-256 of its schema and bytes: sending a file again, or after an
interruption, gives the first receipts again and stores nothing twice. The price: two messages with the very same bytes are
one message. Where a dossier may return to an earlier state unchanged, let records carry an id of their own (``pointer``).
"""

from __future__ import annotations

import hashlib
import re
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import orjson
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, stop_after_delay
from tenacity.wait import wait_exponential_jitter

from hub.translation.schema import at_pointer

_NOT_NOW = (429, 502, 503, 504)
_MOST_SAID = 200
WRONG_CALLER = (401, 403, 404, 405, 415)
"""Refusals of the caller, the address or the schema: every further message would meet the same."""
_VISIBLE = re.compile(r"[\x21-\x7e]{1,200}")
_backoff = wait_exponential_jitter(multiplier=0.2, max=5.0, jitter=0.2)


@dataclass(frozen=True, slots=True)
class Door:
    """Where and how to send: address, key, schema, JSON pointer to the message's own id, seconds of patience."""

    url: str
    key: str
    schema: str
    pointer: str | None
    patience: float


class NotNow(Exception):
    """The hub cannot take it at the moment; ``retry_after`` seconds if it said when."""

    def __init__(self, reason: str, retry_after: float = 0.0) -> None:
        self.retry_after = retry_after
        super().__init__(reason)


class NoAddress(ValueError):
    """What was given as the address of the hub is none."""


@dataclass(slots=True)
class Tally:
    """What became of the messages, by outcome, and each of them."""

    counts: Counter[str] = field(default_factory=Counter)
    results: list[dict[str, Any]] = field(default_factory=list)
    stopped: str | None = None
    """Why the rest was not sent."""
    unavailable: bool = False


async def send_all(door: Door, files: Sequence[str], tell: Callable[[dict[str, Any]], None]) -> Tally:
    """Send every message of the files in order; see ``send_each``."""
    return await send_each(door, _messages(files), tell)


async def send_each(door: Door, messages: AsyncIterator[tuple[str, bytes]], tell: Callable[[dict[str, Any]], None]) -> Tally:
    """Send messages, each with its place, in order; ``tell`` gets each result as soon as it is there. Raises
    NoAddress.

    A result has ``at`` (file and line), ``outcome`` (the receipt's state, ``known`` for a first receipt given again, or
    ``refused``), ``status``, and ``receipt`` or ``problem``.
    """
    tally = Tally()
    timeout = aiohttp.ClientTimeout(total=60, connect=10)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        async for place, body in messages:
            result = {"at": place, **_local_refusal(door, body)}
            if len(result) == 1:
                try:
                    result |= await _patiently(session, door, body)
                except NotNow as error:
                    tally.stopped = f"the hub at {door.url} is not available ({error}), from {place} on"
                    tally.unavailable = True
                    break
            tally.results.append(result)
            tally.counts[result["outcome"]] += 1
            tell(result)
            if result.get("status") in WRONG_CALLER:
                tally.stopped = f"status {result['status']} would meet every further message"
                break
    return tally


async def _messages(files: Sequence[str]) -> AsyncIterator[tuple[str, bytes]]:
    """(``file:line``, bytes) of each message; empty lines are none."""
    for name in files:
        if name == "-" or name.endswith((".jsonl", ".ndjson")):
            for number, line in enumerate(_lines_of(name), 1):
                if line.strip():
                    yield f"{'stdin' if name == '-' else name}:{number}", line.strip()
        else:
            yield name, Path(name).read_bytes()


def _lines_of(name: str) -> Iterator[bytes]:
    with nullcontext(sys.stdin.buffer) if name == "-" else open(name, "rb") as file:
        yield from file


def _local_refusal(door: Door, body: bytes) -> dict[str, Any]:
    """A refusal made here, when the record has no id where ``--idempotency-key-from`` points; else nothing."""
    if door.pointer is None or _own_id(door.pointer, body) is not None:
        return {}
    wrong = "there is no id of 1 to 200 visible ASCII characters here"
    problem = {"pointer": door.pointer, "code": "missing", "detail": wrong, "hint": "correct --idempotency-key-from"}
    return {"outcome": "refused", "status": None, "problem": {"title": "No id in the message", "errors": [problem]}}


def _own_id(pointer: str, body: bytes) -> str | None:
    try:
        found = at_pointer(orjson.loads(body), pointer)
    except orjson.JSONDecodeError:
        return None
    text = str(found) if isinstance(found, str | int) and not isinstance(found, bool) else ""
    return text if _VISIBLE.fullmatch(text) else None


def idempotency_key(schema: str, body: bytes, pointer: str | None = None) -> str:
    """The message's own id where ``pointer`` says, else ``sha256-`` and the digest of schema and bytes."""
    own = _own_id(pointer, body) if pointer else None
    return own or f"sha256-{hashlib.sha256(schema.encode() + b'/' + body).hexdigest()}"


async def _patiently(session: aiohttp.ClientSession, door: Door, body: bytes) -> dict[str, Any]:
    """Post until the hub takes or refuses it. Raises NotNow when patience is at its end."""

    def wait(state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        asked = error.retry_after if isinstance(error, NotNow) else 0.0
        return max(_backoff(state), min(asked, 10.0))

    retrying = AsyncRetrying(
        stop=stop_after_delay(door.patience), wait=wait, retry=retry_if_exception_type(NotNow), reraise=True
    )
    async for attempt in retrying:
        with attempt:
            return await _post(session, door, body)
    raise AssertionError("tenacity ends with a result or an exception")


async def _post(session: aiohttp.ClientSession, door: Door, body: bytes) -> dict[str, Any]:
    headers = {
        "Authorization": f"Bearer {door.key}", "Content-Type": _media_type(body), "Hub-Schema": door.schema,
        "Idempotency-Key": idempotency_key(door.schema, body, door.pointer),
    }  # fmt: skip
    async with _asked(session, "POST", f"{door.url}/v1/messages", data=body, headers=headers) as answer:
        told = _json_object(await answer.read())
        if answer.status == 202:
            known = answer.headers.get("Idempotency-Replayed") == "true"
            state = "known" if known else str(told.get("state"))
            return {"outcome": state, "status": answer.status, "receipt": told}
        return {"outcome": "refused", "status": answer.status, "problem": told}


async def post_rows(session: aiohttp.ClientSession, door: Door, body: bytes) -> tuple[int, dict[str, Any]]:
    """Status and document of what the door for rows says. Raises NotNow, NoAddress."""
    headers = {"Authorization": f"Bearer {door.key}", "Content-Type": "application/json", "Hub-Schema": door.schema}
    async with _asked(session, "POST", f"{door.url}/v1/rows", data=body, headers=headers) as answer:
        return answer.status, _json_object(await answer.read())


async def get(session: aiohttp.ClientSession, address: str, key: str) -> tuple[int, dict[str, Any]]:
    """Status and document of what the hub shows to the holder of the key. Raises NotNow, NoAddress."""
    async with _asked(session, "GET", address, headers={"Authorization": f"Bearer {key}"}) as answer:
        return answer.status, _json_object(await answer.read())


@asynccontextmanager
async def _asked(
    session: aiohttp.ClientSession, method: str, address: str, **more: Any
) -> AsyncIterator[aiohttp.ClientResponse]:
    """The answer, unless it is that the hub cannot do it now. Raises NotNow, NoAddress."""
    try:
        async with session.request(method, address, allow_redirects=False, **more) as answer:
            if answer.status in _NOT_NOW:
                wait = _seconds(answer.headers.get("Retry-After"))
                raise not_now(answer.status, _json_object(await answer.read()), wait)
            yield answer
    except aiohttp.ClientSSLError as error:
        raise NotNow("its certificate is not trusted here, or it speaks no TLS") from error
    except aiohttp.ClientConnectorError as error:
        raise NotNow("nothing answers there; is `hub run` running?") from error
    except (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError, TimeoutError) as error:
        raise NotNow("the connection broke" if not isinstance(error, TimeoutError) else "no answer in time") from error
    except aiohttp.InvalidURL:
        raise NoAddress("that is not an address such as http://127.0.0.1:8080") from None


def not_now(status: int, told: Mapping[str, Any], retry_after: float) -> NotNow:
    """In the words of whoever answers, as far as a line takes them."""
    detail = told.get("detail")
    said = f": {detail[:_MOST_SAID]}" if isinstance(detail, str) and detail.isprintable() and detail else ""
    return NotNow(f"status {status}{said}", retry_after)


def _media_type(body: bytes) -> str:
    """XML begins with < (after a mark of its byte order), which JSON never does."""
    return "application/xml" if body[:64].lstrip(b"\xef\xbb\xbf\xff\xfe\x00 \t\r\n").startswith(b"<") else "application/json"


def _json_object(body: bytes) -> dict[str, Any]:
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _seconds(text: str | None) -> float:
    return float(text) if text is not None and text.isdecimal() else 0.0
