"""What is due behind those that wait for a registry: looked through page by page, so that what needs none flows on."""

from __future__ import annotations

from collections.abc import Sequence

from hub.delivery.breaker import SECOND
from hub.message import Clock
from hub.store.port import Due, Place, Store

PAGE = 100
LEAST_SECONDS = 5.0
SHARE = 10
"""Looking through all again, for heads that came forward meanwhile, takes no more than this part of the time."""


class Behind:
    """``await page(…)`` goes on where what was looked at (``passed``) ends. What is new is due last, so it is seen at once; a
    head that came forward in an older place is found when all is looked through again."""

    def __init__(self, endpoint: str, store: Store, clock: Clock) -> None:
        self._endpoint = endpoint
        self._store = store
        self._clock = clock
        self._at: Place = (0, "")
        self._began = 0
        self._again_at: int | None = None

    async def page(self, last: Place, now: int) -> tuple[Sequence[Due], bool]:
        """The next that are due, none of them before ``last``; and whether there may be more behind them."""
        if self._at < last or (self._again_at is not None and now >= self._again_at):
            self._at, self._began, self._again_at = last, now, None
        found = await self._store.due(self._endpoint, now, PAGE, self._at)
        more = len(found) == PAGE
        if not more and self._again_at is None:
            took = self._clock() - self._began
            self._again_at = now + max(int(LEAST_SECONDS * SECOND), SHARE * took)
        return found, more

    def passed(self, place: Place) -> None:
        """All up to here were looked at, and none was left that could begin."""
        self._at = max(self._at, place)
