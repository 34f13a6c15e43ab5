"""API keys: made once, kept only as a hash, checked on every request.

A key is 32 random bytes behind a fixed prefix (so that secret scanners find it). With that much entropy a plain SHA-256
is as good as a salted, slow hash: there is nothing to guess, and the store can look the hash up by index.

What a key may do: send the schema ids it was made for (``*``: all), read its sender's arrivals, and read dossiers of
which its sender sent at least one arrival. Anything else of another sender answers 404, as if it were not there.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable, Mapping

from hub.errors import Forbidden, Problem, Unauthenticated
from hub.message import Clock, new_id
from hub.observe import metrics
from hub.store.port import Key, Reader

PREFIX = "hub_"
_TEXT = re.compile(r"hub_[A-Za-z0-9_-]{43}")
_NAME = re.compile(r"[a-z][a-z0-9-]{0,39}")
_SCHEMA_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,59}")
_HINT = "send 'Authorization: Bearer <key>' or 'X-API-Key: <key>'; make a key with `hub key new`"
CACHED_SECONDS = 5.0
CACHED_KEYS = 1024


def hashed(text: str) -> str:
    """What is kept of a key: SHA-256, 64 hex digits."""
    return hashlib.sha256(text.encode()).hexdigest()


def new_key(name: str, schemas: Iterable[str], now: int) -> tuple[Key, str]:
    """A key for the sender ``name`` as it is kept, and its text, which exists nowhere else and is shown once.

    ``schemas`` are schema ids without version, or ``*``. Raises ValueError for a malformed name or schema id.
    """
    rights = tuple(dict.fromkeys(schemas))
    if not _NAME.fullmatch(name):
        raise ValueError("a sender's name is 1 to 40 lower-case letters, digits and dashes, beginning with a letter")
    if not rights or not all(right == "*" or _SCHEMA_ID.fullmatch(right) for right in rights):
        raise ValueError("the schemas of a key are schema ids without version, such as opencps-dossier, or *")
    text = PREFIX + secrets.token_urlsafe(32)
    return Key(new_id(), name, hashed(text), rights, now), text


def may_send(key: Key, schema_id: str) -> bool:
    """Whether the key carries the right to send this schema."""
    return "*" in key.schemas or schema_id in key.schemas


def require_right(key: Key, schema_id: str) -> None:
    """Raises Forbidden unless the key may send the schema."""
    if not may_send(key, schema_id):
        rights = ", ".join(sorted(key.schemas))
        hint = f"this key may send: {rights}; make another with `hub key new`"
        raise Forbidden([Problem("Hub-Schema", "no_right", "the key may not send this schema", hint)])


class Keys:
    """Recognises callers. A key found is remembered for at most 5 s, so a revoked one works no longer than that; an
    unknown key is never remembered, so a new one works at once."""

    def __init__(self, store: Reader, clock: Clock, cached_seconds: float = CACHED_SECONDS) -> None:
        self._store = store
        self._clock = clock
        self._cached_for = int(min(cached_seconds, CACHED_SECONDS) * 1_000_000)
        self._known: dict[str, tuple[Key, int]] = {}

    async def authenticate(self, headers: Mapping[str, str]) -> Key:
        """The key that the request's headers present. Raises Unauthenticated, StoreUnavailable."""
        digest = hashed(_presented(headers))
        now = self._clock()
        key, until = self._known.get(digest, (None, 0))
        if key is None or not now < until <= now + self._cached_for:
            self._known.pop(digest, None)
            key = await self._store.key_by_hash(digest)
            if key is not None and key.revoked_at is None:
                self._remember(digest, key, now)
        if key is None or not hmac.compare_digest(key.hash, digest):
            raise _unauthenticated("unknown_key", "the key is not known")
        if key.revoked_at is not None:
            raise _unauthenticated("revoked", "the key was revoked")
        return key

    def _remember(self, digest: str, key: Key, now: int) -> None:
        if len(self._known) >= CACHED_KEYS:
            self._known.clear()
        self._known[digest] = (key, now + self._cached_for)
        metrics.know(senders=[key.name])


def _presented(headers: Mapping[str, str]) -> str:
    """The key's text from Authorization (Bearer) or X-API-Key."""
    given = headers.get("Authorization")
    alone = headers.get("X-API-Key")
    if given is None and alone is None:
        raise _unauthenticated("missing", "no key was sent")
    if given is not None:
        scheme, _, text = given.strip().partition(" ")
        if scheme.lower() != "bearer":
            raise _unauthenticated("wrong_scheme", "the Authorization header is not of the scheme Bearer")
        given = text.strip()
    if given is not None and alone is not None and given != alone.strip():
        raise _unauthenticated("two_keys", "Authorization and X-API-Key hold different keys")
    text = given if given is not None else (alone or "").strip()
    if not _TEXT.fullmatch(text):
        raise _unauthenticated("malformed", f"this is not a key: a key is {PREFIX} and 43 characters")
    return text


def _unauthenticated(code: str, message: str) -> Unauthenticated:
    return Unauthenticated([Problem("Authorization", code, message, _HINT)])
