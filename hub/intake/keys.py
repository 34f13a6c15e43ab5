"""API keys: made once, kept only as a hash, checked on every request.

A key is 32 random bytes behind a fixed prefix (so that secret scanners find it). With that much entropy a plain SHA-256
is as good as a salted, slow hash: there is nothing to guess, and the hash can be looked up.

What a sender's key may do: send the schema ids it was made for (``*``: all), read its sender's arrivals, and read dossiers
of which its sender sent at least one arrival. Anything else of another sender answers 404, as if it were not there. An
operator's key sends nothing and reads no dossier: it opens the overview. Either may put questions to a registry if it was made
for the question's schema by name: ``*`` does not carry that right. Files are sent with the right ``files``, or ``*``.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable, Mapping

from hub.errors import Forbidden, Problem, Unauthenticated
from hub.message import Clock, new_id
from hub.observe import metrics
from hub.store.port import Reader
from hub.store.values import Key, KeyRole

PREFIX = "hub_"
FILES = "files"
"""The right to send files, named among the schemas of a key."""
_TEXT = re.compile(r"hub_[A-Za-z0-9_-]{43}")
_NAME = re.compile(r"[a-z][a-z0-9-]{0,39}")
_SCHEMA_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,59}")
_HINT = "send 'Authorization: Bearer <key>' or 'X-API-Key: <key>'; make a key with `hub key new`"
_WRONG_ROLE: Mapping[KeyRole, Problem] = {
    "operator": Problem(
        "Authorization", "operator_key", "an operator's key sends nothing and reads no dossier",
        "use a sender's key; make one with `hub key new NAME --schema ID`",
    ),
    "sender": Problem(
        "Authorization", "sender_key", "a sender's key does not open the overview",
        "use an operator's key; make one with `hub key new NAME --operator`",
    ),
}  # fmt: skip
CACHED_SECONDS = 5.0


def hashed(text: str) -> str:
    """What is kept of a key: SHA-256, 64 hex digits."""
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()


def new_key(name: str, schemas: Iterable[str], now: int, role: KeyRole = "sender") -> tuple[Key, str]:
    """A key for the sender or operator ``name`` as it is kept, and its text, which exists nowhere else and is shown once.

    ``schemas`` are schema ids without version, or ``*``; for an operator those of questions, if any. Raises ValueError for a
    malformed name or schema id.
    """
    rights = tuple(dict.fromkeys(schemas))
    if not _NAME.fullmatch(name):
        raise ValueError("the name of a key is 1 to 40 lower-case letters, digits and dashes, beginning with a letter")
    if role == "operator" and "*" in rights:
        raise ValueError("an operator's key sends nothing: give it no schema but those of questions that it may ask")
    if not all(right == "*" or _SCHEMA_ID.fullmatch(right) for right in rights) or (role == "sender" and not rights):
        raise ValueError("the schemas of a key are schema ids without version, such as opencps-dossier, or *")
    text = PREFIX + secrets.token_urlsafe(32)
    return Key(new_id(), name, hashed(text), rights, now, role=role), text


def may_send(key: Key, schema_id: str) -> bool:
    """Whether the key carries the right to send this schema."""
    return "*" in key.schemas or schema_id in key.schemas


def require_right(key: Key, schema_id: str) -> None:
    """Raises Forbidden unless the key may send the schema."""
    if not may_send(key, schema_id):
        rights = ", ".join(sorted(key.schemas))
        hint = f"this key may send: {rights}; make another with `hub key new`"
        raise Forbidden([Problem("Hub-Schema", "no_right", "the key may not send this schema", hint)])


def require_files(key: Key) -> None:
    """Raises Forbidden unless the key may send files: it was made for all that is sent, or for ``files`` by name."""
    if not may_send(key, FILES):
        hint = f"make a key for it: `hub key new NAME --schema {FILES}`"
        raise Forbidden([Problem("Authorization", "no_right", "the key may not send files", hint)])


def require_lookup(key: Key, schema_id: str) -> None:
    """Raises Forbidden unless the key was made for questions of the schema, by name."""
    if schema_id not in key.schemas:
        hint = f"make a key for it: `hub key new NAME --schema {schema_id}`"
        raise Forbidden([Problem("Authorization", "no_right", "the key may not ask this registry", hint)])


class Keys:
    """Recognises callers. The keys are read together and remembered for at most 5 s, so a revoked one works no longer than
    that. A key that is not among them makes the hub read again, so a new one works at once; all who ask meanwhile share the
    next reading, so that a flood of unknown keys costs one reading at a time."""

    def __init__(self, store: Reader, clock: Clock, cached_seconds: float = CACHED_SECONDS) -> None:
        self._store = store
        self._clock = clock
        self._cached_for = int(min(cached_seconds, CACHED_SECONDS) * 1_000_000)
        self._known: Mapping[str, Key] = {}
        self._hashes: Mapping[str, str] = {}
        """Of the known keys, by their id."""
        self._known_until = 0
        self._reading = asyncio.Lock()
        self._next: asyncio.Task[Mapping[str, Key]] | None = None

    async def authenticate(self, headers: Mapping[str, str], role: KeyRole | None = "sender") -> Key:
        """The key that the request's headers present. Raises Unauthenticated, Forbidden (a key of the other role; none: of
        either), StoreUnavailable."""
        return await self.recognise(hashed(_presented(headers)), role)

    async def authenticate_as(self, name: str, text: str, at: str) -> Key:
        """The sender's key ``text``, presented together with its name ``at`` some place. Raises as ``authenticate``."""
        _require_form(text, at)
        key = await self.recognise(hashed(text), "sender", at)
        if key.name != name:
            raise _unauthenticated("unknown_key", "the key is not known, or not by this name", at)
        return key

    async def in_force(self, key_id: str, at: str) -> Key:
        """The sender's key that signed in before, if it may still be used. Raises as ``authenticate`` does."""
        if key_id not in self._hashes:
            await self._reread()
        return await self.recognise(self._hashes.get(key_id, ""), "sender", at)

    async def recognise(self, digest: str, role: KeyRole | None, at: str = "Authorization") -> Key:
        """The key of which this is the hash. Raises as ``authenticate`` does."""
        now = self._clock()
        fresh = now < self._known_until <= now + self._cached_for
        key = self._known.get(digest) if fresh else None
        if key is None:
            key = (await self._reread()).get(digest)
        if key is None or not hmac.compare_digest(key.hash, digest):
            raise _unauthenticated("unknown_key", "the key is not known", at)
        if key.revoked_at is not None:
            raise _unauthenticated("revoked", "the key was revoked", at)
        if role is not None and key.role != role:
            raise Forbidden([_WRONG_ROLE[key.role]])
        return key

    async def _reread(self) -> Mapping[str, Key]:
        if self._next is None:
            self._next = asyncio.create_task(self._read())
        return await asyncio.shield(self._next)

    async def _read(self) -> Mapping[str, Key]:
        async with self._reading:
            self._next = None  # who comes from now on may know of a newer key
            until = self._clock() + self._cached_for
            self._known = {key.hash: key for key in await self._store.keys()}
            self._hashes = {key.id: key.hash for key in self._known.values()}
            self._known_until = until
            metrics.know(senders=[key.name for key in self._known.values() if key.role == "sender"])
            return self._known


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
    _require_form(text)
    return text


def _require_form(text: str, at: str = "Authorization") -> None:
    if not _TEXT.fullmatch(text):
        raise _unauthenticated("malformed", f"this is not a key: a key is {PREFIX} and 43 characters", at)


def _unauthenticated(code: str, message: str, at: str = "Authorization") -> Unauthenticated:
    return Unauthenticated([Problem(at, code, message, _HINT)])
