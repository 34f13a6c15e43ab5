"""How a door reads the body of a request: unpacked, within its limits, and only when somebody wants it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from aiohttp import web

from hub.errors import NotParsable, Problem, TimedOut, TooLarge, UnsupportedCoding
from hub.intake.gzip_body import Unpacked, most_unpacked

UNPACKED_AT_ONCE = 4096
"""A larger piece of a packed body is unpacked in a thread, so that nobody waits for it."""


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """How much of a body is read (bytes, after transfer decoding), and how long it may take (seconds, in all)."""

    bytes: int = 5 * 1024 * 1024
    seconds: float = 30.0


def most_bytes(request: web.Request, limits: BodyLimits) -> int:
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


async def wait_with_continue(request: web.Request) -> None:
    """For ``expect_handler``: 100 Continue is ours to send, once we know that we want the body (``read_body``)."""


def _is_packed(request: web.Request) -> bool:
    """Whether the body is packed with gzip. Raises UnsupportedCoding."""
    coding = request.headers.get("Content-Encoding", "identity").strip().lower()
    if coding not in ("identity", "gzip", "x-gzip"):
        wrong, hint = "the content coding is not taken", "send 'Content-Encoding: gzip', or the body as it is"
        raise UnsupportedCoding([Problem("Content-Encoding", "unsupported_coding", wrong, hint)])
    return coding != "identity"


def _too_large(limits: BodyLimits) -> TooLarge:
    wrong = f"the body is larger than {limits.bytes} bytes"
    return TooLarge([Problem("", "too_large", wrong, "send files by reference, and one dossier in one message")])
