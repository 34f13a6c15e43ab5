"""Signed links to files of the hub: whoever holds one may fetch that file until it expires, and no other.

``<public url>/v1/files/<sha256>?expires=<unix seconds>&signature=<hex>``; the signature is HMAC-SHA256 over both.
"""

from __future__ import annotations

import hmac
import re
from typing import Literal

from hub.message import Clock

DAY = 86_400
SECOND = 1_000_000
_NUMBER = re.compile(r"[0-9]{1,12}")


class Links:
    """``link`` makes them, ``verdict`` judges those that come back. ``public_url`` is where partners reach the hub."""

    def __init__(self, public_url: str, key: bytes, days: int, clock: Clock) -> None:
        self._public_url = public_url.rstrip("/")
        self._key = key
        self._days = days
        self._clock = clock

    def link(self, sha256: str) -> str:
        """A link that is good from now for the days that the configuration gives."""
        expires = str(self._clock() // SECOND + self._days * DAY)
        return f"{self._public_url}/v1/files/{sha256}?expires={expires}&signature={self._signed(sha256, expires)}"

    def verdict(self, sha256: str, expires: str, signature: str) -> Literal["good", "forged", "expired"]:
        """What is to be thought of a link; an expired one is told only to who had a good one."""
        fits = hmac.compare_digest(self._signed(sha256, expires).encode(), signature.encode(errors="replace"))
        if not fits or not _NUMBER.fullmatch(expires):
            return "forged"
        return "good" if self._clock() // SECOND < int(expires) else "expired"

    def _signed(self, sha256: str, expires: str) -> str:
        return hmac.digest(self._key, f"{sha256}.{expires}".encode(errors="replace"), "sha256").hex()
