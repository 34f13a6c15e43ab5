"""Finds out, after a restore, what a partner was sent between the backup and the end of the old hub, lane by lane.

A lane is sent in order, and a partner shows one state of a dossier. So the state it holds tells how far the lane had come:
older states are passed, it itself is there, a newer one never took effect and goes as usual, with what waits behind it.
Steps cannot be read back: those up to the next state that never went may have been sent, and the route's ``in_doubt`` decides.
It decides on everything where the partner cannot tell.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from hub.connector import Found
from hub.message import Clock
from hub.store.port import Store
from hub.store.values import Fate, JsonObject

PAGE = 50
AT_ONCE = 8

Ask = Callable[[JsonObject], Awaitable[Found | None]]
"""Whether the partner holds exactly this full state now; None: it holds nothing of the dossier. Raises DeliveryError when it
cannot be asked now."""
Rule = Callable[[str], Literal["resend", "hold"]]
"""What the route with this name does with a delivery in doubt."""


@dataclass(slots=True)
class Outcome:
    """How many lanes were looked at, and how many deliveries had which fate."""

    lanes: int = 0
    fates: Counter[str] = field(default_factory=Counter)

    def as_dict(self) -> dict[str, int]:
        return {"lanes": self.lanes, **{name: self.fates[name] for name in ("there", "passed", "again", "hold")}}


async def find_out(
    store: Store,
    endpoint: str,
    ask: Ask,
    rule: Rule,
    clock: Clock,
    *,
    actor: str,
    tell: Callable[[int], None] = lambda more: None,
) -> Outcome:
    """Decide every lane of the endpoint, then resume it. Raises DeliveryError (it stays paused; do it again later),
    StoreUnavailable."""
    outcome, after = Outcome(), None
    turn = asyncio.Semaphore(AT_ONCE)

    async def one(lane: Sequence[JsonObject]) -> dict[str, Fate]:
        async with turn:
            return fates(lane, [await ask(row) if row["full_state"] else None for row in lane], rule)

    while page := await store.lanes_restored(endpoint, after, PAGE):
        after = page[-1][0]["dossier_id"]
        decided: dict[str, Fate] = {}
        for found in await asyncio.gather(*map(one, page)):
            decided |= found
        await store.decide(endpoint, decided, clock())
        outcome.lanes += len(page)
        outcome.fates.update(decided.values())
        tell(len(page))
    await store.resume(endpoint, actor=actor, now=clock(), decided=True)
    return outcome


def fates(lane: Sequence[JsonObject], answers: Sequence[Found | None], rule: Rule) -> dict[str, Fate]:
    """The fate of each delivery of a lane, oldest first; those without one were never sent and go as usual.

    ``answers`` stand beside the full states. A delivered first row is where the lane stood at the backup.
    """
    states = [place for place, row in enumerate(lane) if row["full_state"]]
    held = [place for place in states if (answer := answers[place]) is not None and answer.holds]
    if states and lane[0]["state"] != "delivered" and all(answers[place] is None for place in states):
        return {}  # the partner holds nothing of the dossier
    first, last = (held[0], held[-1]) if held else (-1, len(lane))
    unsent = next((place for place in states if place > last), len(lane))
    found: dict[str, Fate] = {}
    for place, row in enumerate(lane[:unsent]):
        if row["state"] == "delivered":
            continue
        if row["state"] == "dead":
            if not row["full_state"]:
                found[row["id"]] = "hold"
        elif row["full_state"] and place <= first:
            found[row["id"]] = "there" if place == first else "passed"
        else:
            found[row["id"]] = "again" if rule(row["route"]) == "resend" else "hold"
    return found
