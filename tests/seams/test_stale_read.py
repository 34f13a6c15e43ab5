"""A question that ends while the store is being read for what is due next: what was read then is old, and is not acted on.

Found by the kills at seams: one of 20 restarted hubs asked the portal twice about one delivery in doubt.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flow.parts import Asked, MovableClock, NoConfig, make_home, running, send, settled, told, until

from hub.connector import Attempt, Found, Receipt
from hub.errors import InDoubt
from hub.message import Message
from hub.observe import metrics
from hub.store.values import Due


class AskedSlowly(Asked):
    """Answers a question only once it may."""

    def __init__(self, config: NoConfig, context: Any) -> None:
        super().__init__(config, context)
        self.may_answer = asyncio.Event()

    async def find(self, message: Message, attempt: Attempt) -> Found | None:
        self.questions.append(message)
        await self.may_answer.wait()
        return self.answer if isinstance(self.answer, Found) else None


@dataclass
class Seen:
    """What came of one dossier: questions, deliveries by state, and the dead letters that were counted."""

    questions: int
    states: dict[str, int]
    dead_counted: float


async def _with_a_late_read(tmp_path: Path, doubtful: str, answer: Found) -> Seen:
    """One delivery goes into doubt; the next read of the store sees it so, and comes back only when it is settled."""
    clock = MovableClock()
    async with running(make_home(tmp_path / "home"), clock, AskedSlowly) as (hub, partner):
        partner.answer = answer
        partner.script = lambda message, attempt: InDoubt("reset") if message.schema.id == doubtful else Receipt()
        read = hub.store.due

        async def is_settled() -> bool:
            return all(one["state"] != "in_doubt" for one in (await hub.store.traffic())["deliveries"])

        async def late(endpoint: str, now: int, limit: int) -> Sequence[Due]:
            found: Sequence[Due] = await read(endpoint, now, limit)
            if any(due.state == "in_doubt" for due in found) and partner.questions and not partner.may_answer.is_set():
                partner.may_answer.set()
                await until(is_settled)
            return found

        hub.store.due = late  # type: ignore[method-assign]
        before = _dead_counted()
        await send(hub, told()[0].records[0], clock)
        await until(lambda: partner.may_answer.is_set())
        states = await settled(hub)
        return Seen(len(partner.questions), states, _dead_counted() - before)


def _dead_counted() -> float:
    lines = metrics.render().decode().splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith("hub_deliveries_total") and '"dead"' in line)


async def test_a_delivery_in_doubt_is_asked_about_once(tmp_path: Path) -> None:
    """The partner holds it: one question, delivered."""
    seen = await _with_a_late_read(tmp_path, "npsp-dossier", Found(holds=True))
    assert (seen.questions, seen.states) == (1, {"delivered": 2})


async def test_a_dead_letter_in_doubt_is_counted_once(tmp_path: Path) -> None:
    """The partner cannot tell and the route says hold: one dead letter, counted as one."""
    seen = await _with_a_late_read(tmp_path, "npsp-progress", Found(holds=None))
    assert (seen.questions, seen.states) == (1, {"delivered": 1, "dead": 1})
    assert seen.dead_counted == 1
