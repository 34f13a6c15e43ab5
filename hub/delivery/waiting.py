"""The deliveries of one dispatcher that wait for a registry about which nobody can be asked: paused, resting, its rate used up.

That is a state of the registry, looked at here and not tried with each delivery. A delivery that waits stays due in its place;
the store is told once, so that a trace says what it waits for, and what is known of it is not found out in each round again.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from hub.delivery.verify import Shut, Verification
from hub.errors import StoreUnavailable
from hub.message import Clock
from hub.observe import metrics
from hub.observe.logging import get_logger
from hub.routing.routes import Verify
from hub.store.port import Store
from hub.store.values import Due, Settlement

LOOK_SECONDS = 0.5
KEPT = 50_000
"""So many are known at most; those beyond wait as well, without a word in the store."""
KEPT_SECONDS = 600.0
"""What was not seen for so long is forgotten: superseded, or given up."""
AT_ONCE = 50
SAME_LINE_SECONDS = 60.0

log = get_logger("delivery")


@dataclass(slots=True)
class _Known:
    """Which registries must be asked for these steps; what the store was told that the delivery waits for."""

    steps: tuple[Verify, ...]
    registries: tuple[str, ...]
    told: str = ""


class Waiting:
    """``shut`` and ``look_again`` keep the state of the registries, ``add`` and ``is_known`` the deliveries that wait."""

    def __init__(
        self,
        endpoint: str,
        verification: Verification,
        store: Store,
        clock: Clock,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._endpoint = endpoint
        self._verification = verification
        self._store = store
        self._clock = clock
        self._seconds = seconds
        self._shut: dict[str, Shut] = {}
        self._looked_at = 0.0
        self._logged: dict[tuple[str, str], float] = {}
        self._known: dict[str, _Known] = {}
        """By delivery."""
        self._older: dict[str, _Known] = {}
        """Those not seen since ``_turned_at``."""
        self._turned_at = seconds()
        self._to_say: dict[str, tuple[int, Shut]] = {}
        self._saying: asyncio.Task[None] | None = None

    def is_shut(self, registries: Iterable[str]) -> bool:
        """Whether any of these cannot be asked."""
        return any(registry in self._shut for registry in registries)

    def shut(self, registry: str, state: Shut) -> None:
        """It was found that this registry cannot be asked."""
        before, self._shut[registry] = self._shut.get(registry), state
        if before is None or before.code != state.code:
            self._log(registry, state.code)

    def next_change(self) -> int | None:
        """When one of the registries may be there again."""
        return min((state.until for state in self._shut.values()), default=None)

    async def look_again(self, now: int) -> None:
        """Whether the registries that could not be asked can be. Raises StoreUnavailable."""
        seconds = self._seconds()
        if seconds - self._turned_at >= KEPT_SECONDS:
            self._known, self._older, self._turned_at = {}, self._known, seconds
        often = seconds - self._looked_at < LOOK_SECONDS
        for registry, before in [*self._shut.items()]:
            if often and now < before.until:
                continue
            self._looked_at = seconds
            state = await self._verification.shut(registry)
            if state is not None:
                self.shut(registry, state)
            else:
                self._shut.pop(registry, None)
                self._log(registry, "")

    def needed(self, due: Due, steps: tuple[Verify, ...]) -> Sequence[str] | None:
        """The registries that must be asked about it for these steps of its route; None where that is not known."""
        known = self._known.get(due.delivery_id) or self._older.pop(due.delivery_id, None)
        if known is None or known.steps != steps:
            return None
        self._known[due.delivery_id] = known
        self._tell(due, known)
        return known.registries

    def add(self, due: Due, steps: tuple[Verify, ...], registries: tuple[str, ...]) -> None:
        """These registries must be asked about it for these steps, and one of them cannot be now."""
        if self.needed(due, steps) != registries and (due.delivery_id in self._known or len(self._known) < KEPT):
            known = self._known[due.delivery_id] = _Known(steps, registries)
            self._tell(due, known)

    def forget(self, due: Due) -> None:
        """Somebody was asked about it."""
        for known in (self._known, self._older, self._to_say):
            known.pop(due.delivery_id, None)

    async def stop(self) -> None:
        if self._saying is not None:
            self._saying.cancel()
            await asyncio.gather(self._saying, return_exceptions=True)

    def _tell(self, due: Due, known: _Known) -> None:
        """Have the store told what it waits for, once."""
        state = next((self._shut[one] for one in known.registries if one in self._shut), None)
        if state is None or known.told == state.code:
            return
        known.told = state.code
        self._to_say[due.delivery_id] = (due.next_at, state)
        if self._saying is None or self._saying.done():
            self._saying = asyncio.create_task(self._say(), name=f"verify:{self._endpoint}:waiting")

    async def _say(self) -> None:
        while self._to_say:
            some = [*self._to_say.items()][:AT_ONCE]
            for delivery_id, _ in some:
                del self._to_say[delivery_id]
            # it stays due, in its place: nothing but the word changes
            settlements = [
                Settlement(delivery_id, None, "again", state.code, state.reason, next_at=next_at)
                for delivery_id, (next_at, state) in some
            ]
            try:
                await asyncio.gather(*(self._store.settle(one, self._clock()) for one in settlements))
            except StoreUnavailable as error:  # another time; the dispatcher finds out itself, and waits
                for delivery_id, _ in some:
                    self._known.pop(delivery_id, None)
                metrics.store_error(error.reason)
                log.warning("store_unavailable", endpoint=self._endpoint, reason=error.reason)
                await asyncio.sleep(LOOK_SECONDS)

    def _log(self, registry: str, code: str) -> None:
        """A change, once; where a state comes and goes all the time, once a minute."""
        seconds, line = self._seconds(), (registry, code)
        if seconds - self._logged.get(line, -SAME_LINE_SECONDS) < SAME_LINE_SECONDS:
            return
        self._logged[line] = seconds
        if code:
            log.warning("verification_waits", endpoint=registry, code=code)
        else:
            log.info("verification_goes_on", endpoint=registry)
