"""HTTP Basic at the hub's doors: the sender's name, or an account that stands for it, with the sender's key as password."""

from __future__ import annotations

import base64
from collections.abc import Mapping

from hub.errors import Problem, Unauthenticated


def basic_of(headers: Mapping[str, str], hint: str) -> tuple[str, str] | None:
    """Name and key as HTTP Basic presents them, None where it does not. Raises Unauthenticated (with this hint) when they
    cannot be read, or X-API-Key holds another key."""
    scheme, _, encoded = headers.get("Authorization", "").strip().partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        decoded = base64.b64decode(encoded.strip(), validate=True).decode()
    except ValueError:
        decoded = ""
    name, colon, text = decoded.partition(":")
    if not colon:
        wrong = "what follows Basic is not the base64 form of a name, a colon and a key"
        raise Unauthenticated([Problem("Authorization", "malformed", wrong, hint)])
    if headers.get("X-API-Key", text).strip() != text:
        wrong = "Authorization and X-API-Key hold different keys"
        raise Unauthenticated([Problem("Authorization", "two_keys", wrong, hint)])
    return name, text
