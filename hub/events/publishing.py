"""Takes the hub's own events from the store to the endpoint that makes them known: at least once, each dossier's in order.

What could not be published comes again from its first event on, so a listener may hear some twice; it knows them by their
sequence. Nothing is skipped: a stream that stands is seen by its age (``hub_events_oldest_seconds``), not by a gap.
"""

from __future__ import annotations

import asyncio

from hub.delivery.retry import RetryPolicy
from hub.errors import DeliveryError, Rejected, StoreUnavailable
from hub.event import Event, Publisher
from hub.observe import metrics
from hub.observe.logging import get_logger
from hub.store.port import Store

log = get_logger("events")
AT_ONCE, AT_ONCE_WITH_BODIES = 500, 50
"""Events in one call of the publisher, at most."""
TOLD_AT_ONCE = 100
"""Dossiers whose state is written down at a time when a stream begins: the next when what waits is less than one call, and
behind every so many calls that went well, so that a busy hub comes to its end too."""
_CALLS_BETWEEN = 10
_IDLE_SECONDS = 0.5


class Publishing:
    """``run`` until cancelled."""

    def __init__(
        self,
        endpoint: str,
        publisher: Publisher,
        store: Store,
        retry: RetryPolicy,
        deadline_seconds: float,
        *,
        with_bodies: bool,
    ) -> None:
        self._endpoint, self._publisher, self._store = endpoint, publisher, store
        self._retry, self._deadline = retry, deadline_seconds
        self._with_bodies = with_bodies
        self._most = AT_ONCE_WITH_BODIES if with_bodies else AT_ONCE
        self._at_once = self._most  # fewer after each failure: what is too much for the time there is goes in parts
        self._failed = 0
        self._calls = 0
        self._alone: Event | None = None  # what went in a call of its own
        self._held_up_by = ""

    async def run(self) -> None:
        """Publish what is there, wait for more; after a failure wait longer, as a delivery would."""
        while True:
            seconds = 0.0
            try:
                if not await self._turn():
                    seconds = _IDLE_SECONDS
                if self._failed:
                    log.info("events_published_again", endpoint=self._endpoint)
                self._failed, self._held_up_by = 0, ""
            except StoreUnavailable as error:
                seconds = self._after(error.reason, error)
            except DeliveryError as error:
                self._say_what_holds_up(error)
                seconds = max(self._after(error.code, error), getattr(error, "retry_after", None) or 0.0)
            except TimeoutError as error:
                seconds = self._after("deadline", error)
            except Exception as error:  # nobody would begin it again
                seconds = self._after("broke", error)
            await asyncio.sleep(seconds)

    async def _turn(self) -> bool:
        """Publish one call's worth; False when nothing was there to be published."""
        self._alone = None
        waiting = await self._store.unpublished()
        if waiting is None or self._endpoint in await self._store.endpoint_states():
            return False
        if waiting.copying and waiting.count < self._most:
            await self._store.copy_events(TOLD_AT_ONCE)
        events = await self._store.events(self._at_once, with_bodies=self._with_bodies)
        if events:
            self._alone = events[0][1] if len(events) == 1 else None
            async with asyncio.timeout(self._deadline):
                await self._publisher.publish([event for _, event in events])
            self._alone = None
            await self._store.published([number for number, _ in events])
            metrics.events_published(len(events))
            self._at_once = min(self._most, 2 * self._at_once)
            self._calls += 1
            if waiting.copying and self._calls % _CALLS_BETWEEN == 0:
                await self._store.copy_events(TOLD_AT_ONCE)
        return bool(events) or waiting.copying

    def _after(self, code: str, error: Exception) -> float:
        """Seconds to wait; said once for each time that it goes wrong."""
        self._failed += 1
        self._at_once = max(1, self._at_once // 2)
        if self._failed == 1:
            log.warning("events_not_published", endpoint=self._endpoint, code=code, exc_info=error)
        return self._retry.wait(self._failed)

    def _say_what_holds_up(self, error: DeliveryError) -> None:
        """The event that is refused even alone is the reason that nothing goes on: it is named, once."""
        one = self._alone
        if one is None or not isinstance(error, Rejected) or one.sequence == self._held_up_by:
            return
        self._held_up_by = one.sequence
        log.warning(
            "event_holds_stream_up", endpoint=self._endpoint, code=error.code, sequence=one.sequence, type=one.type,
            dossier=one.dossier, bytes=len(one.data),
        )  # fmt: skip
