"""How a door takes a file: in pieces as they come, never the whole of it in memory, with what its headers say of it."""

from __future__ import annotations

import asyncio
import base64
import binascii
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass

from aiohttp import web

from hub.claim_check import PIECE
from hub.errors import NotParsable, Problem, Refused, TimedOut, UnsupportedCoding

_DIGEST = re.compile(r"\s*([a-z0-9-]+)=:([A-Za-z0-9+/]*={0,2}):\s*")
_BLANKS = b" \t\r\n"


@dataclass(frozen=True, slots=True)
class Said:
    """What the headers of an upload say: media type, SHA-256 (64 hex digits), and whether the body is base64."""

    media_type: str | None
    sha256: str | None
    in_base64: bool


def said_of(request: web.Request) -> Said:
    """Raises Refused, UnsupportedCoding."""
    headers = request.headers
    if headers.get("Content-Encoding", "identity").strip().lower() != "identity":
        wrong, hint = "a file is taken as it is, without a content coding", "leave Content-Encoding out"
        raise UnsupportedCoding([Problem("Content-Encoding", "unsupported_coding", wrong, hint)])
    transfer = headers.get("Content-Transfer-Encoding", "binary").strip().lower()
    if transfer not in ("binary", "base64"):
        wrong, hint = "the coding is not known", "send 'Content-Transfer-Encoding: base64', or the file as it is"
        raise Refused([Problem("Content-Transfer-Encoding", "unsupported_coding", wrong, hint)])
    sha256 = _digest(headers.getall("Content-Digest", []))
    if sha256 is not None and transfer == "base64":
        wrong, hint = "a digest of text in base64 is not one of the file", "compare the sha256 of the answer"
        raise Refused([Problem("Content-Digest", "not_with_base64", wrong, hint)])
    return Said(headers.get("Content-Type"), sha256, transfer == "base64")


async def pieces_of(request: web.Request, seconds: float, *, in_base64: bool) -> AsyncIterator[bytes]:
    """The body as it comes, at most so long in all. Raises TimedOut, NotParsable."""
    if request.headers.get("Expect", "").lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0
    until = asyncio.get_running_loop().time() + seconds
    text = _Base64() if in_base64 else None
    while True:
        try:
            async with asyncio.timeout_at(until):
                piece = await request.content.read(PIECE)
        except TimeoutError:
            slow = f"the file did not arrive within {seconds:g} s"
            raise TimedOut([Problem("", "slow_body", slow, "send it again over a better connection")]) from None
        except (web.RequestPayloadError, ConnectionError, asyncio.IncompleteReadError) as error:
            error.__traceback__ = None  # the request keeps the error: with its frames, and so itself, it would stay in memory
            raise NotParsable([Problem("", "incomplete", "the file ended before it was complete", "send it again")]) from None
        if not piece:
            break
        yield text.add(piece) if text else piece
    if text:
        text.end()


class _Base64:
    """Text in base64, in pieces that end anywhere; blanks and line ends in between are nothing."""

    def __init__(self) -> None:
        self._rest = b""
        self._ended = False

    def add(self, piece: bytes) -> bytes:
        """The bytes that are complete now. Raises NotParsable."""
        text = self._rest + piece.translate(None, _BLANKS)
        whole = len(text) - len(text) % 4
        self._rest = text[whole:]
        if self._ended and text:
            raise _not_base64()
        self._ended = text[:whole].endswith(b"=")
        try:
            return base64.b64decode(text[:whole], validate=True)
        except binascii.Error:
            raise _not_base64() from None

    def end(self) -> None:
        """Raises NotParsable when something is missing."""
        if self._rest:
            raise _not_base64()


def _not_base64() -> NotParsable:
    return NotParsable(
        [Problem("", "bad_base64", "the body is not base64", "send the whole file in base64 (RFC 4648), padded")]
    )


def _digest(given: list[str]) -> str | None:
    """The SHA-256 of Content-Digest (RFC 9530); other algorithms are passed over. Raises Refused."""
    for one in ",".join(given).split(","):
        found = _DIGEST.fullmatch(one)
        if one.strip() and found is None:
            raise _bad_digest()
        if found is not None and found[1] == "sha-256":
            try:
                digest = base64.b64decode(found[2], validate=True)
            except binascii.Error:
                raise _bad_digest() from None
            if len(digest) != 32:
                raise _bad_digest()
            return digest.hex()
    return None


def _bad_digest() -> Refused:
    wrong, hint = "it is not a digest of RFC 9530", "send 'Content-Digest: sha-256=:<base64 of the 32 bytes>:'"
    return Refused([Problem("Content-Digest", "malformed", wrong, hint)])
