"""Partners' answers that are messages themselves: stored with the settlement, they come in by and by as arrivals."""

from __future__ import annotations

import asyncio
import contextlib

from hub.connector import Accept
from hub.errors import IdConflict, Refused, StoreUnavailable
from hub.intake.contained import contained
from hub.observe.logging import get_logger
from hub.store.port import Store

PAUSE_SECONDS = 5.0

log = get_logger("intake")


class Replies:
    """``run`` beside all else, ``wake`` when one was stored. One that would be refused is kept with the dossier whose delivery
    it answers; one at which the hub breaks stays stored until a start, or ``try_again``."""

    def __init__(self, store: Store, accept: Accept) -> None:
        self._store = store
        self._accept = accept
        self._stuck: set[str] = set()
        self._there = asyncio.Event()

    def wake(self) -> None:
        """One was stored."""
        self._there.set()

    def try_again(self) -> None:
        """The hub reads its mappings and tables anew: what broke it may do so no more."""
        self._stuck = set()  # another one: a try that began before this says nothing of what comes after it
        self._there.set()

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            await self._there.wait()
            self._there.clear()
            try:
                await self.take()
                continue
            except StoreUnavailable as error:
                log.warning("replies_wait", reason=error.reason)
            except Exception as error:
                log.error("replies_wait", exc_info=error)
            await asyncio.sleep(PAUSE_SECONDS)
            self._there.set()

    async def take(self) -> None:
        """Take in all that wait, oldest first. Raises StoreUnavailable: the others wait on."""
        stuck = self._stuck
        for reply in await self._store.pending_replies(stuck):
            arrival = reply.arrival
            try:
                # each its own: what breaks the hub at one endpoint holds up no other
                accept = contained(self._accept, arrival.sender, tries=1)
                with contextlib.suppress(IdConflict):  # its id is this answer's own: it came in before
                    await accept(arrival, about=reply.names)
            except Refused as error:
                log.error("reply_refused", endpoint=arrival.sender, code=error.kind)
                stuck.add(arrival.id)
                continue
            await self._store.forget_reply(arrival.id)
