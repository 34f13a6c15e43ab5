"""One token (session, bearer …) shared by all sends to an endpoint, renewed once however many notice that it ended."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable


class SignIn:
    """Caches what ``renew`` returns and makes sure that only one renewal runs at a time.

    ``renew`` signs in at the partner and returns the token; a DeliveryError it raises reaches everyone who waited for
    that renewal, and the next caller tries afresh. The token never appears in ``repr``.
    """

    def __init__(self, renew: Callable[[], Awaitable[str]]) -> None:
        self._renew = renew
        self._token: str | None = None
        self._renewal: asyncio.Task[str] | None = None

    async def token(self) -> str:
        """The cached token, or that of the renewal under way, or of a new one.

        A caller that is cancelled while it waits does not cancel the renewal for the others.
        """
        if self._token is not None:
            return self._token
        if self._renewal is None or self._renewal.done():
            self._renewal = asyncio.create_task(self._renewed())
            self._renewal.add_done_callback(_observed)
        return await asyncio.shield(self._renewal)

    def invalidate(self, token: str) -> None:
        """The partner refused exactly this ``token``. A newer one, renewed meanwhile by somebody else, is kept."""
        if self._token == token:
            self._token = None

    async def close(self) -> None:
        """Forget the token; stop a renewal under way."""
        self._token = None
        if self._renewal is not None:
            self._renewal.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await self._renewal

    async def _renewed(self) -> str:
        self._token = await self._renew()
        return self._token


def _observed(renewal: asyncio.Task[str]) -> None:
    """Take note of a failure that nobody waits for any more, so that asyncio does not report it as lost."""
    if not renewal.cancelled():
        renewal.exception()
