"""Arrivals that nobody waits for with an answer: one at which the hub itself breaks is told as refused, and stops no other."""

from __future__ import annotations

import asyncio
from typing import Any

from hub.connector import Accept
from hub.errors import Broke, HubBreaks, Problem, Refused, StoreUnavailable
from hub.listener import Accepted
from hub.message import Arrival
from hub.observe import metrics
from hub.observe.logging import get_logger

TRIES = 3
PAUSE_SECONDS = 0.2
IN_A_ROW = 3
"""A hub that breaks at more arrivals, one after the other, is broken itself: then it is none of theirs to be put aside."""

log = get_logger("intake")


def contained(accept: Accept, where: str, *, tries: int = TRIES, most: float = IN_A_ROW) -> Accept:
    """``accept`` that raises nothing but Refused and StoreUnavailable: whatever else goes wrong with an arrival is logged,
    tried again, and then Broke; after ``most`` of those in a row, HubBreaks for every other until one is taken.
    ``where`` it comes in, for operators: the endpoint's name."""
    in_a_row: set[int] = set()

    async def taken(arrival: Arrival, checkpoint: str | None = None, **more: Any) -> Accepted:
        this = hash((arrival.sender, arrival.key, arrival.else_key, arrival.body))
        for number in range(1, tries + 1):
            try:
                accepted = await accept(arrival, checkpoint, **more)
            except (Refused, StoreUnavailable):
                raise
            except Exception as error:
                metrics.broke(where)
                if len(in_a_row) >= most and this not in in_a_row:
                    raise HubBreaks from None
                log.error(
                    "arrival_broke", endpoint=where, arrival_id=arrival.id, sender=arrival.sender,
                    schema=str(arrival.schema), correlation_id=arrival.correlation_id, exc_info=error,
                )  # fmt: skip
                broke = type(error).__name__
            else:
                in_a_row.clear()
                return accepted
            if number < tries:
                await asyncio.sleep(PAUSE_SECONDS)
        in_a_row.add(this)
        hint = "the hub's log says where (arrival_broke); send it again once that is mended"
        raise Broke([Problem("", "broke", f"the hub broke on it ({broke})", hint)])

    return taken
