"""One round of a connector that receives: into a hub of its own, until all is there that its partner has."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from hub.connector import Accept, Receiver
from hub.testing.bench import Bench, Subject, bench
from hub.testing.conformance_contract import DoesNotApply
from hub.testing.held_up import HeldUp
from hub.testing.hub_side import HubSide, hub_side
from hub.testing.watched_calls import Told, running_on, watched

ARRIVES_WITHIN = 30.0
ASKS_AGAIN = 20
"""What did not come when the partner was asked so many times more never comes; a slow machine asks slowly. Only of a
connector that does not ask any more, or asks nobody, is the time above waited for."""
ENDS_WITHIN = 5.0
QUIET = 0.15
_MORE_CALLS_WITHIN = 2.0


@dataclass(slots=True)
class Round:
    """A connector that receives into a hub of its own."""

    it: Bench
    hub: HubSide
    task: asyncio.Task[None] | None = None

    @property
    def bodies(self) -> list[bytes]:
        """What came in, in order."""
        return [one.body for one in self.hub.store.taken]

    def begin(self, accept: Accept | None = None) -> None:
        self.task = asyncio.ensure_future(running_on(self.it.connector.receive(accept or self.hub.accept)))

    async def until(self, there: Callable[[], bool], seconds: float = ARRIVES_WITHIN) -> bool:
        """Whether it is so before ``receive`` ends, asks for it in vain, or the time is over."""
        assert self.task is not None
        loop = asyncio.get_running_loop()
        end, calls = loop.time() + seconds, self._calls()
        asked, came = len(calls), len(self.bodies)
        while not there():
            if len(self.bodies) > came:
                asked, came = len(calls), len(self.bodies)
            if self.task.done() or len(calls) > asked + ASKS_AGAIN or loop.time() > end:
                return there()
            await asyncio.sleep(0.01)
        return True

    def _calls(self) -> Sequence[Any]:
        return self.it.proxy.calls if self.it.proxy is not None else ()

    async def another_round(self) -> None:
        """Time in which what comes twice would come: two more calls to the partner; of one that calls nobody, a while."""
        calls = self._calls()
        seen = len(calls)
        await self.until(lambda: len(calls) > seen + 1, QUIET if self.it.proxy is None else _MORE_CALLS_WITHIN)

    async def end(self) -> None:
        """Stop receiving, as a hub that stops does."""
        if self.task is not None:
            self.task.cancel()
            await asyncio.wait({self.task}, timeout=ENDS_WITHIN)

    def ended(self) -> str | None:
        """How ``receive`` ended by itself; None: it goes on."""
        if self.task is None or not self.task.done() or self.task.cancelled():
            return None
        error = self.task.exception()
        return self.held_up() or f"receive ended with {type(error).__name__ if error else 'a return'}"

    def held_up(self) -> str | None:
        """Where it held the loop, when it was ended for that."""
        over = self.task is not None and self.task.done() and not self.task.cancelled()
        held = _held_up(self.task.exception()) if self.task is not None and over else None
        return None if held is None else Told("untyped", error=held).word

    def wrong(self, clean: list[bytes]) -> str | None:
        """What is not as it was without a fault."""
        came = self.bodies
        if len(set(came)) < len(came):
            return "something is there twice"
        if missing := [number for number, body in enumerate(clean, 1) if body not in came]:
            return self.ended() or f"number {', '.join(map(str, missing))} of {len(clean)} never came in"
        return None if came == clean else "it did not come in in its order"


def _held_up(error: BaseException | None) -> HeldUp | None:
    """What ended it, if it held the loop; also out of a group of tasks."""
    if isinstance(error, BaseExceptionGroup):
        return next((found for one in error.exceptions if (found := _held_up(one)) is not None), None)
    return error if isinstance(error, HeldUp) else None


@contextlib.asynccontextmanager
async def a_round(subject: Subject, *, said: str = "", **limits: Any) -> AsyncIterator[Round]:
    """The connector and the hub it receives into; what the hub has of its cursor it is given at each start."""
    with tempfile.TemporaryDirectory(dir=subject.folder, ignore_cleanup_errors=True) as apart:
        async with hub_side(Path(apart)) as hub:
            cursor = partial(hub.store.cursor, subject.name)
            async with bench(subject, said=said, cursor=cursor, **limits) as it:
                one = Round(it, hub)
                try:
                    yield one
                finally:
                    await one.end()


@dataclass(frozen=True, slots=True)
class CleanRound:
    """How a whole round goes when nothing goes wrong: what comes in, the calls until the partner has nothing more, and how
    long one call takes."""

    bodies: list[bytes]
    calls: int
    seconds: float


async def clean_round(subject: Subject) -> CleanRound:
    """Raises DoesNotApply where nothing comes in."""
    if not issubclass(subject.kind, Receiver):
        raise DoesNotApply("it receives nothing")
    many = subject.specimen.arrivals
    if not many:
        raise DoesNotApply("nothing comes in: the specimen says of no arrivals")
    async with a_round(subject) as one:
        one.begin()
        if not await one.until(lambda: len(one.bodies) >= many):
            raise DoesNotApply(one.ended() or f"{len(one.bodies)} of {many} came in, which another check says")
        calls = len(one.it.proxy.calls) + 1 if one.it.proxy is not None else 0
        await one.another_round()
        return CleanRound(one.bodies, calls, (await watched(one.it.connector.check())).seconds)
