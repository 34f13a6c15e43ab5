"""Files beside messages: a message carries the name of a file's content (a claim), the bytes go their own way.

A claim is a name of RFC 6920 (``ni:///sha-256;<base64url>``) and stands in the ``url`` of a document or result. Who holds one
knows what the content must be, so that nothing else can be taken for it.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import AsyncIterable, AsyncIterator
from dataclasses import dataclass
from typing import Protocol

_CLAIM = re.compile(r"ni:///sha-256;([A-Za-z0-9_-]{43})")
PIECE = 64 * 1024
"""The most bytes of a file that are handed over at once."""


def claim_of(sha256: str) -> str:
    """The claim of the content with this SHA-256 (64 hex digits)."""
    return "ni:///sha-256;" + base64.urlsafe_b64encode(bytes.fromhex(sha256)).rstrip(b"=").decode()


def claimed(link: str) -> str | None:
    """The SHA-256 (64 hex digits) that a link names; None when the link is no claim but, say, an address."""
    found = _CLAIM.fullmatch(link)
    if found is None:
        return None
    try:
        digest = base64.urlsafe_b64decode(found[1] + "=")
    except binascii.Error:
        return None
    return digest.hex() if claim_of(digest.hex()) == link else None


@dataclass(frozen=True, slots=True)
class Stored:
    """A file that the hub holds: SHA-256 of its content (64 hex digits), size in bytes, media type. It has no
    name of its own: the same file is many people's, and what they call it stands in their messages."""

    sha256: str
    size: int
    media_type: str

    @property
    def claim(self) -> str:
        """Its claim."""
        return claim_of(self.sha256)


@dataclass(frozen=True, slots=True)
class Stated:
    """What a sender states of a file beside its link: SHA-256 (64 hex digits), size in bytes, media type. None: it does not
    say."""

    sha256: str | None = None
    size: int | None = None
    media_type: str | None = None


NOTHING = Stated()
"""Nothing is stated: whatever the link gives is the file."""


class Files(Protocol):
    """The files that the hub holds, as a connector uses them: always in pieces, never a whole one in memory."""

    async def about(self, claim: str) -> Stored:
        """What is known of the file. Raises Transient (``file_not_there``) when the hub does not hold it."""

    def read(self, claim: str) -> AsyncIterator[bytes]:
        """Its bytes, at most ``PIECE`` at once. Raises as ``about`` does, before the first."""

    async def put(
        self,
        pieces: AsyncIterable[bytes],
        *,
        media_type: str | None = None,
        sha256: str | None = None,
    ) -> Stored:
        """Keep a file; on disk once this returns. The same content again is the same file.

        ``media_type`` and ``sha256`` are what somebody says of it, and are compared with what came. Raises Refused: too large,
        of a type that is not taken or not the one said, or another content than the hash says; StoreUnavailable: the disk.
        """
