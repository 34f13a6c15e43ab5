"""How much one client may send: requests a second, messages and bytes a day (Vietnam's), as config.yaml says under clients.

The rate counts every request with a good key, the day what was accepted; what is under way when the day's last message comes
may still pass. Rates begin anew when the hub starts, a day's counts are then read from the store. The headers are RateLimit
and RateLimit-Policy of draft-ietf-httpapi-ratelimit-headers.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from hub.config import ClientConfig
from hub.errors import Problem, TooMany
from hub.message import Clock
from hub.store.port import Reader

_SECOND = 1_000_000
_DAY = 24 * 3600 * _SECOND
_EAST = 7 * 3600 * _SECOND
"""Asia/Ho_Chi_Minh is UTC+7 and has no summer time."""


@dataclass(frozen=True, slots=True)
class _Limit:
    """One limit for one request: ``left`` after it (negative: too many), ``seconds`` until there is more."""

    name: str
    policy: str
    left: int
    seconds: int
    wrong: str


@dataclass(slots=True)
class _Account:
    """What a client used. ``full_at`` is when it may send a whole burst again (generic cell rate algorithm)."""

    full_at: float = 0
    day: int = -1
    messages: int = 0
    bytes: int = 0

    def by_rate(self, rate: float, burst: int, now: int) -> _Limit:
        """Count one request if there is one left."""
        step = _SECOND / rate
        behind = min(max(0.0, self.full_at - now), burst * step)  # never more, though the clock was set back
        left = math.floor(burst - behind / step + 1e-6) - 1
        behind += step if left >= 0 else 0
        self.full_at = now + behind
        wait = behind - (burst - max(left, 0) - 1) * step
        policy = f"q={burst};w={math.ceil(burst / rate)}"
        return _Limit("rate", policy, left, _seconds(wait), f"more than {rate:g} requests a second")

    def by_day(self, limits: ClientConfig, now: int) -> Iterator[_Limit]:
        """The limits of the day."""
        wait = _seconds(_midnight(self.day) - now)
        if limits.per_day is not None:
            left = limits.per_day - self.messages - 1
            yield _Limit("per_day", f"q={limits.per_day};w=86400", left, wait, f"more than {limits.per_day} messages today")
        if limits.bytes_per_day is not None:
            left = limits.bytes_per_day - self.bytes
            policy = f'q={limits.bytes_per_day};qu="content-bytes";w=86400'
            yield _Limit("bytes_per_day", policy, left or -1, wait, f"more than {limits.bytes_per_day} bytes today")


class Allowances:
    """The limits of all clients and what they used; ``take`` for each request, ``used`` for each message accepted."""

    def __init__(self, store: Reader, clock: Clock, clients: Mapping[str, ClientConfig] | None = None) -> None:
        self._store = store
        self._clock = clock
        self._accounts: dict[str, _Account] = {}
        self._counting: dict[tuple[str, int], asyncio.Task[tuple[int, int]]] = {}
        """Days being counted, by client and day: who asks meanwhile waits for the same count."""
        self.configure(clients or {})

    def configure(self, clients: Mapping[str, ClientConfig]) -> None:
        """Limits by client; ``default`` is for those not named. What was used stays used."""
        self._clients = clients

    async def take(self, client: str) -> Mapping[str, str]:
        """Count one request; the headers that tell what is left. Raises TooMany, StoreUnavailable."""
        limits = self._clients.get(client) or self._clients.get("default")
        if limits is None:
            return {}
        now = self._clock()
        account = self._accounts.setdefault(client, _Account())
        today = (now + _EAST) // _DAY
        if limits.counts_days and account.day != today:
            sent = await self._sent(client, today)
            if account.day != today:
                account.day, (account.messages, account.bytes) = today, sent
        found = list(account.by_day(limits, now))
        if limits.rate is not None and all(one.left >= 0 for one in found):
            found.append(account.by_rate(limits.rate, limits.burst or math.ceil(limits.rate), now))
        headers = {
            "RateLimit-Policy": ", ".join(f'"{one.name}";{one.policy}' for one in found),
            "RateLimit": ", ".join(f'"{one.name}";r={max(0, one.left)};t={one.seconds}' for one in found),
        }
        full = [one for one in found if one.left < 0]
        if full:
            wait = max(one.seconds for one in full)
            hint = f"send again after {wait} s; the operator sets the limit in config.yaml under clients"
            raise TooMany([Problem("", one.name, one.wrong, hint) for one in full], wait, headers)
        return headers if found else {}

    async def _sent(self, client: str, day: int) -> tuple[int, int]:
        """Messages and bytes that the store has of that day, counted once for all who ask at the same time."""
        counting = self._counting.get((client, day))
        if counting is None:
            counting = asyncio.ensure_future(self._store.sent_since(client, _midnight(day - 1)))
            self._counting[client, day] = counting
            counting.add_done_callback(lambda _: self._counting.pop((client, day)))
        return await asyncio.shield(counting)

    def used(self, client: str, size: int) -> None:
        """One message of ``size`` bytes was accepted."""
        account = self._accounts.get(client)
        if account is not None:
            account.messages += 1
            account.bytes += size


def _midnight(day: int) -> int:
    """When the day ends."""
    return (day + 1) * _DAY - _EAST


def _seconds(wait: float) -> int:
    return max(1, math.ceil(wait / _SECOND))
