"""What waits at each endpoint, for who wants to leave others their turn; the same on both databases."""

from __future__ import annotations

from store_making import Desk, match, state, step

from hub.store.sql import SqlStore


async def test_what_waits_or_is_under_way(store: SqlStore, desk: Desk) -> None:
    """By endpoint; what is delivered, dead, or behind a dead letter does not count."""
    assert await store.waiting() == {}
    await desk.accept("one", state("one", match(), match("to-archive", "archive")), code="D1")
    first = await desk.head()
    attempt = await desk.begin(first)
    await desk.accept("two", step("two", match()), code="D1")
    assert await store.waiting() == {"portal": 2, "archive": 1}
    assert await desk.settle(first, attempt, "dead")
    assert await store.waiting() == {"archive": 1}
    await desk.accept("other", state("other", match()), code="D2")
    assert await store.waiting() == {"portal": 1, "archive": 1}
    await desk.end("delivered", endpoint="archive")
    assert await store.waiting() == {"portal": 1}
