"""How fast an import may go, so that today's traffic keeps its lag: few rows at once, and few of their deliveries open.

Receipts: a request is one like any other, the hub gives every client its turn and takes the rows of a request one after the
other; fewer are sent at once while receipts take long. Deliveries of an endpoint are made in the order in which their messages
came: what comes today waits behind those that are open. So rows are sent only while few wait there, whoever they are of; what
the hub left free is used up, then it is asked again.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping

AT_ONCE = 6
MOST_ROWS = 32
SLOW_SECONDS, QUICK_SECONDS = 0.25, 0.1
"""Of one row."""
ASK_SECONDS, ASK_LONGEST = 0.02, 1.0


class Pace:
    """``enter`` before rows are sent, ``leave`` afterwards. ``waiting`` asks the hub how many deliveries wait, by endpoint; at
    most ``open_most`` are to. ``rate``: rows a second at most."""

    def __init__(
        self, waiting: Callable[[], Awaitable[Mapping[str, int]]], open_most: int, rate: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self._waiting, self._open_most, self._rate, self._clock = waiting, open_most, rate, clock
        self._left = asyncio.Event()
        self._requests = self._rows = 0
        """Under way."""
        self._at_once = AT_ONCE / 2
        self._next = self._not_before = 0.0
        self._endpoints: set[str] = set()
        self._each = 1
        """The most deliveries that a row had at one endpoint; 0 while rows go nowhere."""
        self._free = 0
        self._answered = self._over = False
        self.waits_for = ""
        """Why nothing goes on, for people; empty while it does."""

    async def enter(self) -> int:
        """Returns, when it is time for a request, how many rows it may have; ``begin`` it then."""
        while self._requests >= int(self._at_once) and not self._over:
            self._left.clear()
            await self._left.wait()
        while (pause := max(self._not_before, self._next) - self._clock()) > 0 and not self._over:
            await asyncio.sleep(min(pause, 0.5))
        most = MOST_ROWS if self._rate is None else max(1, min(MOST_ROWS, int(self._rate / 4)))
        if self._free < self._each:
            await self._until_free()
        return min(most, max(1, self._free // self._each)) if self._each else most

    def begin(self, rows: int) -> None:
        """So many rows are sent."""
        self._requests += 1
        self._rows += rows
        self._free -= rows * self._each
        if self._rate is not None:
            self._next = max(self._next, self._clock()) + rows / self._rate

    def stop(self) -> None:
        """Nothing is sent any more: let everybody through, at once."""
        self._over = True
        self._left.set()

    def leave(self, rows: int, seconds: float, deliveries: Mapping[str, int] | None = None) -> None:
        """They were answered after so long. ``deliveries``: the most that one of them has at each endpoint, None where nothing
        is known of it."""
        self._requests -= 1
        self._rows -= rows
        each = seconds / rows
        self._at_once += 0.1 if each < QUICK_SECONDS else -0.5 if each > SLOW_SECONDS else 0
        self._at_once = min(AT_ONCE, max(1.0, self._at_once))
        if deliveries is not None:
            self._endpoints.update(deliveries)
            most = max(deliveries.values(), default=0)
            self._each = max(self._each, most) if self._answered else most
            self._answered = True
        self._left.set()

    def hold(self, seconds: float, why: str) -> None:
        """The hub asks for so long a pause."""
        self._not_before = max(self._not_before, self._clock() + seconds)
        self.waits_for = why

    def went_on(self) -> None:
        """The hub takes rows."""
        self.waits_for = ""

    async def _until_free(self) -> None:
        pause = ASK_SECONDS
        while not self._over:
            found = await self._waiting()
            most, where = max(((found.get(one, 0), one) for one in self._endpoints), default=(0, ""))
            self._free = self._open_most - most - self._rows * self._each
            if self._free >= max(self._each, self._open_most // 2) or (not most and not self._rows):
                self.waits_for = ""
                return
            if pause >= ASK_LONGEST / 2:
                self.waits_for = f"{most} deliveries wait at {where}"
            await asyncio.sleep(pause)
            pause = min(ASK_LONGEST, pause * 1.5)
