"""What is due behind those that wait for a registry: looked through page by page, so that what needs none flows on."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from hub.store.port import Store
from hub.store.values import Due, Place

PAGE = 100
LEAST_SECONDS = 5.0
LONGEST_SECONDS = 30.0
SHARE = 10
"""Looking through all again, for heads that came forward meanwhile, takes about this part of the time, the rest permitting."""
SOON_SECONDS = 2.0
"""So soon after a delivery ended, which may have brought a head forward; and never more than half of the time."""


class Behind:
    """``await page(…)`` goes on where what was looked at (``passed``) ends. What is new is due last, so it is seen at once; a
    head that came forward in an older place is found when all is looked through again."""

    def __init__(self, endpoint: str, store: Store, seconds: Callable[[], float] = time.monotonic) -> None:
        self._endpoint = endpoint
        self._store = store
        self._seconds = seconds
        self._at: Place = (0, "")
        self._again_at: float | None = None
        """When all is looked through again; None while it is."""
        self._began = 0.0
        self._spent = 0.0
        """Seconds of work on the pages of this time through: standing still between them is none."""
        self._more = True

    async def page(self, last: Place, now: int) -> tuple[Sequence[Due], bool]:
        """The next that are due, none of them before ``last``; and whether there may be more behind them."""
        self._began = self._seconds()
        if self._at < last or (self._again_at is not None and self._began >= self._again_at):
            self._at, self._spent, self._again_at = last, 0.0, None
        found = await self._store.due(self._endpoint, now, PAGE, self._at)
        self._more = len(found) == PAGE
        return found, self._more

    def passed(self, found: Sequence[Due], left: Place | None) -> None:
        """This page was worked through; ``left`` is the first that could have begun had there been room."""
        before = [due.place for due in found if left is None or due.place < left]
        if before:
            self._at = max(self._at, before[-1])
        if self._again_at is None:
            now = self._seconds()
            self._spent += now - self._began
            if not self._more:
                self._again_at = now + min(LONGEST_SECONDS, max(LEAST_SECONDS, SHARE * self._spent))

    def ended(self) -> None:
        """A delivery of the endpoint ended: what comes after it may have come forward in a place that was looked at."""
        if self._again_at is not None:
            self._again_at = min(self._again_at, self._seconds() + max(SOON_SECONDS, self._spent))
