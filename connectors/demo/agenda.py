"""What is still to be sent in the demo, and when: each dossier's requests in their order, all dossiers side by side.

The senders of the demo, each of its own way, take from one agenda, so that what happens to portal and hub happens in the
middle of all of them. Who goes by REST and SOAP sets the clock; what comes in files and by the portal's calls follows it.
"""

from __future__ import annotations

import asyncio
import heapq
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from connectors.demo.evidence import Way
from connectors.demo.script import Item

LEADERS: tuple[Way, ...] = ("rest", "soap")


class Turn(NamedTuple):
    """One request: its time of day, the number of its life, and its place there."""

    due: datetime
    life: int
    place: int


class Agenda:
    """``next`` and ``come`` give what is to be sent, ``answered`` tells that it is done; ``happened`` opens what waits."""

    def __init__(self, lives: Sequence[Sequence[Item]]) -> None:
        self._lives = lives
        self._total = sum(map(len, lives))
        self._ready: dict[Way, list[Turn]] = {}
        self._waiting: dict[str, list[Turn]] = {}
        self._under_way: Counter[Way] = Counter()
        self._happened: set[str] = set()
        self._changed = asyncio.Condition()
        self._begun = self.done = 0
        self._allowed = self._total
        self._clock = datetime.min
        for number in range(len(lives)):
            self._queue(number, 0)

    def item(self, turn: Turn) -> Item:
        """What is to be sent."""
        return self._lives[turn.life][turn.place]

    @property
    def share(self) -> float:
        """How much of the script is answered, 0 to 1."""
        return self.done / self._total

    @property
    def over(self) -> bool:
        """Whether nothing is left to be sent, and everything is answered."""
        return self._idle(self._ready) and not self._waiting

    async def may_send(self, share: float) -> None:
        """Send no more than this share of the script for now, so that what happens at the portal and to the hub happens
        in the middle of it, however slow the machine is."""
        async with self._changed:
            self._allowed = round(share * self._total)
            self._changed.notify_all()

    async def happened(self, what: str) -> None:
        """What some requests waited for is so now."""
        async with self._changed:
            self._happened.add(what)
            for turn in self._waiting.pop(what, []):
                self._push(turn)
            self._changed.notify_all()

    async def reached(self, share: float) -> None:
        """Return when that share of the script is answered."""
        async with self._changed:
            await self._changed.wait_for(lambda: self.share >= share)

    async def all_but(self, what: str) -> None:
        """Return when everything is answered but what waits for ``what``."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._idle(self._ready) and not self._waiting.keys() - {what})

    async def next(self) -> Turn | None:
        """What is due next of all that sets the clock, once it may be sent; None when all is over."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._begun < self._allowed if self._first() else self.over)
            way = self._first()
            if way is None:
                self._changed.notify_all()
                return None
            turn = self._take(way)
            self._clock = max(self._clock, turn.due)
            return turn

    async def come(self, way: Way, *, ahead: bool = False) -> list[Turn]:
        """Everything of this way whose time of day has come, or, once nothing sets the clock, all of it. With ``ahead``, for
        who does not wait for answers, also what follows it in its life."""
        async with self._changed:
            taken: list[Turn] = []
            alone = self._idle(LEADERS)
            while (ready := self._ready.get(way)) and (alone or ready[0].due <= self._clock):
                turn = self._take(way)
                taken.append(turn)
                if ahead:
                    self._queue(turn.life, turn.place + 1)
            return taken

    async def answered(self, turn: Turn, *, ahead: bool = False) -> None:
        """It has its final answer. The one after it in its life follows, if it was not taken ``ahead``."""
        async with self._changed:
            self._under_way[self.item(turn).way] -= 1
            self.done += 1
            if not ahead:
                self._queue(turn.life, turn.place + 1)
            self._changed.notify_all()

    def _idle(self, ways: Iterable[Way]) -> bool:
        return not any(self._ready.get(way) or self._under_way[way] for way in ways)

    def _first(self) -> Way | None:
        """Of what sets the clock the way whose next request is due first."""
        return min((way for way in LEADERS if self._ready.get(way)), key=lambda way: self._ready[way][0], default=None)

    def _take(self, way: Way) -> Turn:
        self._begun += 1
        self._under_way[way] += 1
        return heapq.heappop(self._ready[way])

    def _queue(self, life: int, place: int) -> None:
        if place >= len(self._lives[life]):
            return
        item = self._lives[life][place]
        turn = Turn(item.due, life, place)
        if item.waits_for and item.waits_for not in self._happened:
            self._waiting.setdefault(item.waits_for, []).append(turn)
        else:
            self._push(turn)

    def _push(self, turn: Turn) -> None:
        heapq.heappush(self._ready.setdefault(self.item(turn).way, []), turn)
