"""Unpacks a gzip body (RFC 1952, several members too) step by step, never making more than the limit."""

from __future__ import annotations

import zlib

from hub.errors import NotParsable, Problem, TooLarge

MEMBERS = 1000
"""Parts that one body may be put together from; each costs a new window."""
RATIO = 200
"""How many times larger than itself a body may become, beyond the first 64 KiB; JSON packs 5 to 50 times."""
_FREE = 64 * 1024
_GZIP = 16 + zlib.MAX_WBITS


def most_unpacked(packed: int, limit: int) -> int:
    """The most bytes that so many packed ones may become."""
    return min(limit, max(_FREE, RATIO * packed))


class Unpacked:
    """``add`` each piece as it comes, then ``end``. ``limit`` is the most bytes that may come out."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._member = zlib.decompressobj(_GZIP)
        self._members = 1
        self._taken = self._made = 0

    def add(self, piece: bytes) -> bytes:
        """What the piece unpacks to. Raises TooLarge, NotParsable."""
        made: list[bytes] = []
        self._taken += len(piece)
        most = most_unpacked(self._taken, self._limit)
        while piece:
            if self._member.eof:
                self._member = zlib.decompressobj(_GZIP)
                self._members += 1
            try:
                part = self._member.decompress(piece, most - self._made + 1)
            except zlib.error:
                raise _bad("what is sent is not gzip, or it is damaged") from None
            self._made += len(part)
            made.append(part)
            if self._made > most:
                wrong = f"unpacked, the body is larger than {self._limit} bytes or {RATIO} times what was sent"
                raise TooLarge([Problem("", "too_large", wrong, "send one dossier in one message")])
            if self._members > MEMBERS:
                raise _bad(f"it has more than {MEMBERS} members")
            piece = self._member.unused_data
        return b"".join(made)

    def end(self) -> None:
        """Nothing more comes. Raises NotParsable when something is missing."""
        if not self._member.eof:
            raise _bad("the gzip body ends too early")


def _bad(message: str) -> NotParsable:
    hint = "pack the body with gzip once, whole and with nothing behind it, or send it as it is"
    return NotParsable([Problem("Content-Encoding", "bad_gzip", message, hint)])
