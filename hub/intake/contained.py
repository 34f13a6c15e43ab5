"""Arrivals that nobody waits for with an answer: one at which the hub itself breaks is told as refused, and stops no other."""

from __future__ import annotations

import asyncio
from typing import Any

from hub.connector import Accept
from hub.errors import Broke, Problem, Refused, StoreUnavailable
from hub.listener import Accepted
from hub.message import Arrival
from hub.observe.logging import get_logger

TRIES = 3
PAUSE_SECONDS = 1.0

log = get_logger("intake")


def contained(accept: Accept, endpoint: str | None = None, tries: int = TRIES) -> Accept:
    """``accept`` that raises nothing but Refused and StoreUnavailable: whatever else goes wrong with an arrival is logged,
    tried again, and then Broke."""

    async def taken(arrival: Arrival, checkpoint: str | None = None, **more: Any) -> Accepted:
        for number in range(1, tries + 1):
            try:
                return await accept(arrival, checkpoint, **more)
            except (Refused, StoreUnavailable):
                raise
            except Exception as error:
                broke = type(error).__name__
                log.error("arrival_broke", endpoint=endpoint, sender=arrival.sender, schema=str(arrival.schema), exc_info=error)
            if number < tries:
                await asyncio.sleep(PAUSE_SECONDS)
        hint = "the hub's log says where (arrival_broke); send it again once that is mended"
        raise Broke([Problem("", "broke", f"the hub broke on it ({broke})", hint)])

    return taken
