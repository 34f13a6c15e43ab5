"""A client's rate over any course of requests and pauses."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.config import ClientConfig
from hub.errors import StoreUnavailable, TooMany
from hub.intake.allowance import Allowances


class Clock:
    """Moved by the test."""

    now = 1_764_000_000_000_000

    def __call__(self) -> int:
        return self.now


@given(rate=st.floats(0.1, 500), burst=st.integers(1, 20), pauses=st.lists(st.integers(0, 3_000_000), min_size=1, max_size=60))
async def test_never_more_than_the_burst_and_the_rate(rate: float, burst: int, pauses: list[int]) -> None:
    """In any span at most burst + rate × time pass; who waits as long as Retry-After says is let in."""
    clock, store = Clock(), None
    allowances = Allowances(store, clock, {"default": ClientConfig(rate=rate, burst=burst)})  # type: ignore[arg-type]
    passed: list[int] = []
    for pause in pauses:
        clock.now += pause
        try:
            headers = await allowances.take("one")
        except TooMany as error:
            assert error.retry_after is not None
            clock.now += error.retry_after * 1_000_000
            headers = await allowances.take("one")
        left = int(headers["RateLimit"].partition(";r=")[2].partition(";")[0])
        assert 0 <= left < burst
        passed.append(clock.now)
    for first in range(len(passed)):
        for last in range(first, len(passed)):
            span = (passed[last] - passed[first]) / 1e6
            assert last - first + 1 <= burst + rate * span + 1e-3


async def test_clients_do_not_share() -> None:
    """default is a limit for each client, not one for all; a named client has its own, or none."""
    store: Any = None
    limits = {"default": ClientConfig(rate=1), "free": ClientConfig()}
    allowances = Allowances(store, Clock(), limits)
    for client in ("one", "two"):
        await allowances.take(client)
        with pytest.raises(TooMany):
            await allowances.take(client)
    assert [await allowances.take("free") for _ in range(100)] == [{}] * 100


async def test_a_day_is_counted_once_for_all_who_ask_at_once() -> None:
    """After a restart a crowd of one client's requests costs one look at its day; a failed one is tried again."""
    looked: list[str] = []

    class Store:
        async def sent_since(self, sender: str, since: int) -> tuple[int, int]:
            looked.append(sender)
            await asyncio.sleep(0)
            if len(looked) == 1:
                raise StoreUnavailable("locked")
            return 7, 70

    store: Any = Store()
    allowances = Allowances(store, Clock(), {"default": ClientConfig(per_day=1000)})
    assert all(isinstance(one, StoreUnavailable) for one in await _all(allowances, "one"))
    assert all(
        one["RateLimit"].startswith('"per_day";r=992;')
        for one in [*await _all(allowances, "one"), *await _all(allowances, "two")]
    )
    assert looked == ["one", "one", "two"]


async def _all(allowances: Allowances, client: str) -> list[Any]:
    return await asyncio.gather(*(allowances.take(client) for _ in range(50)), return_exceptions=True)
