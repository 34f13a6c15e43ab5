"""What a whole HTTP answer is, and what to raise when a call went out and none that can be used came back."""

from __future__ import annotations

from collections.abc import Mapping

from hub.errors import DeliveryError, InDoubt, Transient
from hub.values import value


@value(frozen=True, slots=True)
class Answer:
    """A whole answer: HTTP status, headers (names in lower case) and body as bytes, decompressed."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def unclear(effect: bool, code: str, reason: str) -> DeliveryError:
    """What to raise when a call went out and no usable answer came: in doubt if it may have had effect."""
    return InDoubt(code, reason) if effect else Transient(code, reason)
