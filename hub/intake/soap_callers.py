"""Who calls a SOAP door: a sender's key as bearer or X-API-Key, as HTTP Basic, or as UsernameToken in the envelope.

Basic and UsernameToken carry the sender's name and, as password, its key. A password digest cannot be checked: of a key only
its hash is kept.
"""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Mapping
from dataclasses import replace

from hub.errors import Forbidden, NotParsable, Problem, Unauthenticated
from hub.intake.basic_sign_in import basic_of
from hub.intake.keys import Keys, hashed, require_right
from hub.store.values import Key
from hub.wire.soap import Envelope, UsernameToken, username_token
from hub.wire.xml import XmlRefused

CHALLENGES = ('Basic realm="dossier-hub", charset="UTF-8"', 'Bearer realm="dossier-hub"')
"""What a 401 asks for; Basic first, because old stacks look at the first alone."""
_TOKEN = "/Envelope/Header/Security/UsernameToken"
_ASK = "ask the hub's operator for a key"
_HINT = (
    "send HTTP Basic or a UsernameToken (PasswordText) with the sender's name and its key, or 'Authorization: Bearer <key>'; "
    f"{_ASK}"
)


async def caller_of_headers(keys: Keys, headers: Mapping[str, str]) -> Key | None:
    """The key that the HTTP headers present, None when they present none. Raises Unauthenticated, Forbidden,
    StoreUnavailable."""
    given = headers.get("Authorization")
    if given is None and headers.get("X-API-Key") is None:
        return None
    scheme = "bearer" if given is None else given.strip().partition(" ")[0].lower()
    if given is None or scheme == "bearer":
        return await _as_told_here(keys.authenticate(headers))
    if (found := basic_of(headers, _HINT)) is None:
        raise _refused("Authorization", "wrong_scheme", "the Authorization header is of neither scheme, Basic nor Bearer")
    return await _as_told_here(keys.authenticate_as(*found, "Authorization"))


async def caller_of_envelope(keys: Keys, envelope: Envelope) -> Key:
    """The key in the envelope's UsernameToken. Raises Unauthenticated, Forbidden, NotParsable, StoreUnavailable."""
    token = _token_of(envelope)
    if token is None:
        raise _refused("Authorization", "missing", "no key was sent")
    return await _as_told_here(keys.authenticate_as(token.username, token.password.strip(), _TOKEN))


def require_same_caller(key: Key, envelope: Envelope) -> None:
    """Raises Unauthenticated when a UsernameToken tells of another caller than this one; NotParsable."""
    token = _token_of(envelope)
    if token is None:
        return
    same_key = hmac.compare_digest(hashed(token.password.strip()), key.hash)
    if token.username != key.name or not same_key:
        hint = f"send one account, once: leave the Security block out, or sign in by it alone; {_ASK}"
        raise _refused(_TOKEN, "two_keys", "the HTTP header and the UsernameToken are not of the same account", hint)


def require_right_here(key: Key, schema_id: str) -> None:
    """Raises Forbidden unless the key may send the schema."""
    try:
        require_right(key, schema_id)
    except Forbidden as error:
        raise _in_own_words(error) from None


def _token_of(envelope: Envelope) -> UsernameToken | None:
    """Raises NotParsable when there are two, Unauthenticated for one that cannot be checked."""
    try:
        token = username_token(envelope)
    except XmlRefused as error:
        raise NotParsable(error.problems) from None
    if token is not None and token.kind == "digest":
        wrong = "a digest of the key cannot be checked, because the hub keeps only the key's hash"
        raise _refused(f"{_TOKEN}/Password", "password_digest", wrong, "send PasswordText over HTTPS, or HTTP Basic")
    return token


async def _as_told_here(found: Awaitable[Key]) -> Key:
    """What is refused says how to sign in here, not at the REST door nor what its operator types."""
    try:
        return await found
    except Unauthenticated as error:
        raise Unauthenticated(replace(one, hint=_HINT) for one in error.problems) from None
    except Forbidden as error:
        raise _in_own_words(error) from None


def _in_own_words(error: Forbidden) -> Forbidden:
    return Forbidden(replace(one, hint=f"{_ASK} that may send messages of this service") for one in error.problems)


def _refused(at: str, code: str, message: str, hint: str = _HINT) -> Unauthenticated:
    return Unauthenticated([Problem(at, code, message, hint)])
