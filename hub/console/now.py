"""The overview as the running hub knows it, read once for all who look at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Literal

from hub.delivery.breaker import Breaker
from hub.observe import metrics
from hub.store.glance import Overview
from hub.store.port import Reader

FRESH_SECONDS = 0.5
"""Whoever asks within this time gets the same answer, so that many viewers cost one read."""


class Now:
    """``await read()``. ``breakers`` gives the configured endpoints, in order, and what their dispatchers know."""

    def __init__(self, store: Reader, breakers: Callable[[], Mapping[str, Breaker]]) -> None:
        self._store = store
        self._breakers = breakers
        self._reading = asyncio.Lock()
        self._found: Overview | None = None
        self._found_at = 0.0

    async def read(self) -> Overview:
        """The overview, at most half a second old. Raises StoreUnavailable."""
        time = asyncio.get_running_loop().time
        async with self._reading:
            if self._found is None or time() - self._found_at > FRESH_SECONDS:
                began, breakers = time(), self._breakers()
                found = await self._store.overview(tuple(breakers))
                endpoints = tuple(
                    replace(one, breaker=_state(breakers[one.endpoint]) if one.endpoint in breakers else None)
                    for one in found.endpoints
                )
                self._found = replace(found, endpoints=endpoints, refused=metrics.arrivals_so_far("refused"))
                self._found_at = began
            return self._found


def _state(breaker: Breaker) -> Literal["closed", "open", "half_open"]:
    if not breaker.is_open:
        return "closed"
    return "half_open" if breaker.probing else "open"
