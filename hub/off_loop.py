"""Work in a thread that ends before its caller does, so that what it opened can be closed and what it uses is free again."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


async def to_its_end(running: asyncio.Future[T], give_up: Callable[[], None] = lambda: None) -> T:
    """What the work returns. Whoever is cancelled meanwhile, however often, is so once it is over; ``give_up`` is called first,
    so that it may be over sooner. Raises what the work raises."""
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        give_up()
        while not running.done():
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait([running])
        if not running.cancelled():
            running.exception()  # nobody hears it, and nobody need be told that
        raise
