"""Is it alive, can it take messages, what is it doing: ``/health/live``, ``/health/ready``, ``/metrics``.

All three are open to anyone who reaches the port and show no dossier, no code and no person.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import orjson
from aiohttp import web

from hub.api.problems import problem, store_unavailable
from hub.errors import StoreUnavailable
from hub.message import Clock
from hub.observe import metrics
from hub.store.port import Reader

_SECOND = 1_000_000


class Probes:
    """``running`` says whether the dispatchers deliver, ``receiving`` whether no receiver died."""

    def __init__(
        self, store: Reader, clock: Clock, running: Callable[[], bool], receiving: Callable[[], bool] = lambda: True
    ) -> None:
        self._store = store
        self._clock = clock
        self._running = running
        self._receiving = receiving
        self._counted_at: int | None = None

    def routes(self) -> Iterable[web.RouteDef]:
        """The three paths."""
        return [
            web.get("/health/live", self._live),
            web.get("/health/ready", self._ready),
            web.get("/metrics", self._metrics),
        ]

    async def _live(self, request: web.Request) -> web.Response:
        return _json({"status": "alive"})

    async def _ready(self, request: web.Request) -> web.Response:
        if not self._running():
            return _not_ready("dispatcher_stopped", "the dispatcher is not running: messages are not delivered")
        if not self._receiving():
            return _not_ready("receiver_stopped", "a receiver ended in an error: what its endpoint brings is not taken in")
        try:
            await self._store.ping()
        except StoreUnavailable as error:
            metrics.store_error(error.reason)
            return store_unavailable(error)
        return _json({"status": "ready"})

    async def _metrics(self, request: web.Request) -> web.Response:
        now = self._clock()
        if self._counted_at is None or not 0 <= now - self._counted_at < _SECOND:
            self._counted_at = now  # before the await: requests that come meanwhile do not count again
            try:
                metrics.set_traffic(await self._store.traffic())
                metrics.ready(self._running() and self._receiving())
            except StoreUnavailable as error:
                metrics.store_error(error.reason)
                metrics.ready(False)
        return web.Response(body=metrics.render(), headers={"Content-Type": metrics.CONTENT_TYPE})


def _not_ready(reason: str, detail: str) -> web.Response:
    headers = {"Retry-After": str(StoreUnavailable.retry_after)}
    return problem(503, "not-ready", "Not ready", detail=detail, headers=headers, reason=reason)


def _json(value: dict[str, str]) -> web.Response:
    return web.Response(body=orjson.dumps(value), content_type="application/json")
