"""A dispatcher reads no more deliveries than it may begin, unless a route asks a registry before it sends."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from flow.parts import MovableClock, make_home, running, send, settled, told
from hub.delivery.verifying import Verifying
from hub.store.values import Due

CONCURRENCY = 4
"""Of the endpoint in the home of these tests."""


async def _most_asked_for(tmp_path: Path) -> int:
    """The most deliveries that the store was asked for at once, while several dossiers are sent."""
    clock, asked = MovableClock(), [0]
    async with running(make_home(tmp_path / "home"), clock) as (hub, _):
        read = hub.store.due

        async def due(endpoint: str, now: int, limit: int) -> Sequence[Due]:
            asked.append(limit)
            return await read(endpoint, now, limit)

        hub.store.due = due  # type: ignore[method-assign,assignment]
        await asyncio.gather(*(send(hub, story.records[0], clock) for story in told(6)))
        assert set(await settled(hub)) == {"delivered"}
    return max(asked)


async def test_no_more_is_read_than_may_begin(tmp_path: Path) -> None:
    """Four at once, so four are read."""
    assert 0 < await _most_asked_for(tmp_path) <= CONCURRENCY


async def test_reading_ahead_would_be_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The proof above can fail."""
    monkeypatch.setattr(Verifying, "ahead", property(lambda self: self.most))
    assert await _most_asked_for(tmp_path) > CONCURRENCY
