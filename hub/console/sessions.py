"""Who is signed in to the page: a random token in a cookie stands for an operator key for some hours, in this process only.

The key itself is in no cookie and no URL; only its hash is remembered, and looked up again on each request, so that a revoked
key closes its sessions within seconds. A restart of the hub signs everybody out.
"""

from __future__ import annotations

import secrets

from hub.errors import Problem, Unauthenticated
from hub.intake.keys import Keys, hashed
from hub.message import Clock

LASTS_SECONDS = 8 * 3600
MOST = 1000


class Sessions:
    """``begin`` with a key, ``check`` a token, ``end`` it."""

    def __init__(self, keys: Keys, clock: Clock) -> None:
        self._keys = keys
        self._clock = clock
        self._open: dict[str, tuple[str, int]] = {}

    async def begin(self, key: str) -> str:
        """A new token for who presents this operator key. Raises Unauthenticated, Forbidden, StoreUnavailable."""
        digest = hashed(key)
        await self._keys.recognise(digest, "operator")
        now = self._clock()
        self._open = {one: held for one, held in self._open.items() if held[1] > now}
        while len(self._open) >= MOST:
            self._open.pop(next(iter(self._open)))
        token = secrets.token_urlsafe(32)
        self._open[hashed(token)] = digest, now + LASTS_SECONDS * 1_000_000
        return token

    async def check(self, token: str | None) -> None:
        """Raises Unauthenticated when the token is none, has expired, or its key is not good any more; StoreUnavailable."""
        digest, until = self._open.get(hashed(token or ""), ("", 0))
        if self._clock() >= until:
            hint = "sign in with an operator key"
            raise Unauthenticated([Problem("Cookie", "no_session", "nobody is signed in, or no longer", hint)])
        await self._keys.recognise(digest, "operator")

    def end(self, token: str | None) -> None:
        """Sign out."""
        self._open.pop(hashed(token or ""), None)
