"""Word of what ends in this process, for callers who wait for it; and which of them were told.

A partner's own words are held here only, in memory: for those who watch the message now, and for some seconds for who comes
a little late. What is on record of an outcome is read from the store (``store.became``).
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from uuid import UUID

from hub.store.values import Due

RECENT_SECONDS = 10.0
LET_GO_SECONDS = 5.0
"""How long somebody waits for the store to let go of what another caller was just told."""
RECENT = 500
"""So many deliveries at most, of which the words are held for those seconds."""
LONGEST = 10_000
"""Characters of a partner's words."""
TOLD = 50_000
"""So many told outcomes are remembered at each endpoint, the newest."""


@dataclass(eq=False, slots=True)
class Watch:
    """What one caller hears while it waits: ``changed`` whenever something of the dossier ended there, ``said`` the partner's
    words on its own ``messages``, by delivery."""

    messages: frozenset[str]
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    said: dict[str, str] = field(default_factory=dict, repr=False)


class Outcomes:
    """Whoever settles says ``heard`` before and ``ended`` after, or ``unheard``; callers ``watch``. For one event loop."""

    def __init__(self) -> None:
        self._watches: dict[tuple[str, str], set[Watch]] = {}
        self._recent: OrderedDict[str, tuple[float, str]] = OrderedDict()
        self._forgets: asyncio.TimerHandle | None = None
        self._told: dict[str, dict[bytes, None]] = {}
        self._letting_go: dict[tuple[str, str], set[asyncio.Future[None]]] = {}
        self.closed = False

    def close(self) -> None:
        """The hub stops: nobody waits any longer."""
        self.closed = True
        for watch in {one for watching in self._watches.values() for one in watching}:
            watch.changed.set()
        if self._forgets is not None:
            self._forgets.cancel()
        self._recent.clear()

    # ── those who wait
    @contextmanager
    def watch(self, endpoint: str, dossier_id: str, messages: Iterable[str]) -> Iterator[Watch]:
        """Watch what becomes of the dossier's messages at the endpoint."""
        watch, key = Watch(frozenset(messages)), (endpoint, dossier_id)
        self._watches.setdefault(key, set()).add(watch)
        try:
            yield watch
        finally:
            self._watches[key].discard(watch)
            if not self._watches[key]:
                del self._watches[key]

    def said(self, watch: Watch, delivery_id: str) -> str:
        """The partner's words on the delivery, if they were heard; else nothing."""
        return watch.said.get(delivery_id) or self._recent.get(delivery_id, (0.0, ""))[1]

    # ── those who settle
    def heard(self, due: Due, said: str) -> None:
        """The partner's words, about to be settled: whoever then sees that it ended has them."""
        if not said or self.closed:
            return
        said = said[:LONGEST]
        for watch in self._awaiting(due):
            watch.said[due.delivery_id] = said
        loop = asyncio.get_running_loop()
        self._recent[due.delivery_id] = (loop.time() + RECENT_SECONDS, said)
        self._recent.move_to_end(due.delivery_id)
        if len(self._recent) > RECENT:
            self._recent.popitem(last=False)
        if self._forgets is None:
            self._forgets = loop.call_later(RECENT_SECONDS, self._forget)

    def unheard(self, due: Due) -> None:
        """It was no longer theirs to settle: the words are of nothing."""
        self._recent.pop(due.delivery_id, None)
        for watch in self._awaiting(due):
            watch.said.pop(due.delivery_id, None)

    def ended(self, due: Due) -> None:
        """It is settled, and at its end for now."""
        self._wake((due.endpoint, due.dossier_id))

    def is_awaited(self, due: Due) -> bool:
        """Whether a caller waits for what becomes of it."""
        return bool(self._awaiting(due))

    def _awaiting(self, due: Due) -> list[Watch]:
        watching = self._watches.get((due.endpoint, due.dossier_id), ())
        return [watch for watch in watching if due.message_id in watch.messages]

    def _wake(self, key: tuple[str, str]) -> None:
        for watch in self._watches.get(key, ()):
            watch.changed.set()

    def _forget(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        while self._recent and (until := next(iter(self._recent.values()))[0]) <= now:
            self._recent.popitem(last=False)
        self._forgets = loop.call_later(until - now, self._forget) if self._recent else None

    # ── those who were told
    def letting_go(self, endpoint: str, dossier_id: str) -> Callable[[], None]:
        """A caller was told what the store must now let go of; to be called once it did, or cannot."""
        key, done = (endpoint, dossier_id), asyncio.get_running_loop().create_future()
        self._letting_go.setdefault(key, set()).add(done)

        def end() -> None:
            if not done.done():
                done.set_result(None)
            going = self._letting_go.get(key, set())
            going.discard(done)
            if not going:
                self._letting_go.pop(key, None)
            self._wake(key)

        return end

    async def let_go(self, endpoint: str, dossier_id: str) -> None:
        """Wait for the store to let go of what callers were just told, so that it is seen as it is."""
        if going := self._letting_go.get((endpoint, dossier_id)):
            await asyncio.wait([*going], timeout=LET_GO_SECONDS)

    def tell(self, arrival_id: str, endpoint: str) -> None:
        """A caller was told that the endpoint has the arrival."""
        told = self._told.setdefault(endpoint, {})
        told[UUID(arrival_id).bytes] = None
        if len(told) > TOLD:
            del told[next(iter(told))]

    def was_told(self, arrival_id: str, endpoint: str) -> bool:
        """Whether one was, since the hub started and as far as it remembers."""
        return UUID(arrival_id).bytes in self._told.get(endpoint, {})
