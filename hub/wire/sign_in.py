"""One token (session, bearer …) shared by all sends to an endpoint, renewed once however many notice that it ended."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from hub.message import Clock


@dataclass(frozen=True, slots=True)
class Lasting:
    """A token and when it is no longer to be used, in microseconds of the hub's clock; None: until it is refused."""

    token: str = field(repr=False)
    until: float | None = None


class SignIn:
    """Caches what ``renew`` returns and makes sure that only one renewal runs at a time.

    ``renew`` signs in at the partner and returns the token; a DeliveryError it raises reaches everyone who waited for
    that renewal, and the next caller tries afresh. With a ``clock`` a token that came with an end is renewed when that has
    come, by whoever asks first. The token never appears in ``repr``.
    """

    def __init__(self, renew: Callable[[], Awaitable[str | Lasting]], clock: Clock | None = None) -> None:
        self._renew = renew
        self._clock = clock
        self._lasting: Lasting | None = None
        self._renewal: asyncio.Task[str] | None = None

    async def token(self) -> str:
        """The cached token, or that of the renewal under way, or of a new one.

        A caller that is cancelled while it waits does not cancel the renewal for the others.
        """
        if (cached := self.cached()) is not None:
            return cached
        if self._renewal is None or self._renewal.done():
            self._renewal = asyncio.create_task(self._renewed())
            self._renewal.add_done_callback(_observed)
        return await asyncio.shield(self._renewal)

    def cached(self) -> str | None:
        """The token that would be used now without asking for one."""
        one = self._lasting
        if one is None or (one.until is not None and self._clock is not None and self._clock() >= one.until):
            return None
        return one.token

    def invalidate(self, token: str) -> None:
        """The partner refused exactly this ``token``. A newer one, renewed meanwhile by somebody else, is kept."""
        if self._lasting is not None and self._lasting.token == token:
            self._lasting = None

    async def close(self) -> None:
        """Forget the token; stop a renewal under way."""
        self._lasting = None
        if self._renewal is not None:
            self._renewal.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await self._renewal

    async def _renewed(self) -> str:
        new = await self._renew()
        self._lasting = new if isinstance(new, Lasting) else Lasting(new)
        return self._lasting.token


def _observed(renewal: asyncio.Task[str]) -> None:
    """Take note of a failure that nobody waits for any more, so that asyncio does not report it as lost."""
    if not renewal.cancelled():
        renewal.exception()
