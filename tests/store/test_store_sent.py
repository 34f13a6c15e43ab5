"""What a sender sent since a time, in messages and bytes: found by the ids, which begin with their time."""

from __future__ import annotations

import uuid

from store_making import NATIONAL, Desk


def id_at(microseconds: int) -> str:
    """A UUIDv7 of that time."""
    return str(uuid.UUID(int=(microseconds // 1000 << 80) | (7 << 76) | (2 << 62) | uuid.uuid4().int & (1 << 62) - 1))


async def test_only_this_sender_s_and_only_since_then(desk: Desk) -> None:
    """Accepted and kept ones count, a repeat does not; the first microsecond belongs to the day, the one before does not."""
    midnight = 1_795_280_400_000_000
    times = (("old", midnight - 1000), ("first", midnight), ("kept", midnight + 1), ("later", midnight + 80_000_000_000))
    for number, (body, at) in enumerate(times):
        more = {"kept": "no_row"} if body == "kept" else {}
        names = ((NATIONAL, f"D{number}"),)
        await desk.accept(body, names=names, id=id_at(at), key=f"k{number}", **more)
    await desk.accept("first", names=((NATIONAL, "D1"),), id=id_at(midnight + 5), key="k1")
    await desk.accept("another's", names=((NATIONAL, "D9"),), id=id_at(midnight + 5), sender="land")
    assert await desk.store.sent_since("one-stop", midnight) == (3, len("first" + "kept" + "later"))
    assert await desk.store.sent_since("land", midnight) == (1, len("another's"))
    assert await desk.store.sent_since("nobody", midnight) == (0, 0)
