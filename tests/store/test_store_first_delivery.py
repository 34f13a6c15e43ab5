"""The first delivery of a dossier to an endpoint is added without a look at its lane: only the first, and only there."""

from __future__ import annotations

import pytest
from store_making import Desk, match, state, step

from hub.store import lanes

TWICE = (match(), match("to-portal-too"))


async def test_two_routes_of_a_first_message_make_one_head(desk: Desk) -> None:
    """The second waits behind the first."""
    await desk.accept("a", state("a", *TWICE))
    assert len(await desk.heads()) == 1
    assert await desk.drain() == ["a", "a"]


async def test_two_messages_of_a_first_arrival_make_one_head(desk: Desk) -> None:
    """So does the second message of one arrival."""
    await desk.accept("a", state("a"), step("s"))
    assert len(await desk.heads()) == 1
    assert await desk.drain() == ["a", "s"]


@pytest.mark.parametrize("parts", [(state("a", *TWICE),), (state("a"), step("s"))], ids=["routes", "messages"])
async def test_a_lane_nobody_looks_at_has_two_heads(desk: Desk, parts: tuple, monkeypatch: pytest.MonkeyPatch) -> None:
    """The proofs above can fail."""
    monkeypatch.setattr(lanes, "open_in_order", lambda *_: [])
    await desk.accept("a", *parts)
    assert len(await desk.heads()) == 2
