"""The verify steps of one dispatcher that are under way, each in a task of its own, beside the deliveries that are sent.

What a registry said is remembered until the delivery begins, in memory only: a hub that dies in between asks again. Once the
bytes to be sent are pinned, nothing is asked any more. Only so many are asked about as the endpoint can soon be given.

Where a route names several registries, they are asked one after the other, and only while all that are still needed can be.
What one said is kept while another does not answer; who did not answer is asked first the next time.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence, Set
from dataclasses import dataclass, field
from functools import partial
from typing import Literal

from hub.delivery.breaker import SECOND
from hub.delivery.policy import EndpointPolicy, RoutePolicy
from hub.delivery.verify import Asks, Go, Held, Question, Shut, Verdict, Verification, Waits
from hub.delivery.waiting import Waiting
from hub.errors import StoreUnavailable, WithProblems
from hub.message import NATIONAL, Clock
from hub.observe import metrics
from hub.observe.logging import context, get_logger
from hub.routing.routes import Verify
from hub.store.port import Store
from hub.store.values import Due, Place, Settlement

FRESH_SECONDS = 300.0
"""An answer is used for a delivery that begins within this time; later it is asked again."""
REMEMBERED = 20_000
CROWD_TRIES = 8
"""So many tries are taken for granted where too many fail for each to be remembered: their waits must not begin anew."""
BROKEN_SECONDS = 60.0
STORE_RETRY_SECONDS = 0.5

Admission = Literal["goes", "settled", "stuck"]
log = get_logger("delivery")


@dataclass(slots=True)
class _Said:
    """What registries said of a delivery that others must still be asked about: by step, with when."""

    steps: tuple[Verify, ...]
    answers: dict[str, tuple[Go, int]] = field(default_factory=dict)
    unanswered: str = ""
    """The registry that did not answer."""


class Verifying:
    """``admit`` for each that is due; ``changed`` is called when one of those asked about has its verdict."""

    def __init__(
        self,
        endpoint: str,
        policy: EndpointPolicy,
        routes: Callable[[str], RoutePolicy | None],
        verification: Verification,
        store: Store,
        clock: Clock,
        changed: Callable[[], None],
        say_dead: Callable[[Due, str], None],
    ) -> None:
        self._endpoint = endpoint
        self._routes = routes
        self._verification = verification
        self._waiting = Waiting(endpoint, verification, store, clock)
        self._store = store
        self._clock = clock
        self._changed = changed
        self._say_dead = say_dead
        self._asks = False
        """Whether a route asked for anything yet."""
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._verdicts: dict[str, tuple[Go, int, Place, tuple[Verify, ...]]] = {}
        self._said: OrderedDict[str, _Said] = OrderedDict()
        self._tries: OrderedDict[str, int] = OrderedDict()
        """How often a registry could not be asked about a delivery, in a row."""
        self.most = 2 * policy.concurrency
        """So many are asked about, or wait for their turn with the answer: what is delivered soon, while it is fresh."""
        if policy.rate is not None:
            self.most = max(1, min(self.most, int(policy.rate * FRESH_SECONDS / 2)))

    @property
    def ahead(self) -> int:
        """How many must be looked at beyond those that there is room for: none while no route asks a registry."""
        return max(self.most, len(self._tasks)) if self._asks else 0

    @property
    def under_way(self) -> Set[str]:
        """Deliveries that are being asked about."""
        return self._tasks.keys()

    def admit(self, due: Due, route: RoutePolicy, *, may_begin: bool) -> Admission:
        """``goes``: it may begin, as far as is known without room to begin. ``settled``: it waits for its verdict, or has one.
        ``stuck``: somebody must be asked about it, and too many are asked about already, or nobody can be asked now."""
        steps = route.verify
        room = self.most - len(self._verdicts) - len(self._tasks)
        self._asks = self._asks or bool(steps)
        if not steps or due.request is not None or (room <= 0 and not may_begin):
            return "goes"
        known = self._verdicts.get(due.delivery_id)
        if known is not None and known[-1] != steps:  # the configuration was reloaded
            known = None
            del self._verdicts[due.delivery_id]
        known_to_need = self._waiting.needed(due, steps) if known is None else None
        if known_to_need is not None and (room <= 0 or self._waiting.is_shut(known_to_need)):
            return "stuck"
        try:
            found: Asks | Go | Held | Waits = known[0] if known is not None else self._verification.question(due, steps)
        except Exception as error:
            found = self._misfortune(due, error)
        match found:
            case Go(_, warnings):
                if may_begin:
                    self._verdicts.pop(due.delivery_id, None)
                    due.body, due.warnings = found.marked(due.body), warnings
                    for warning in warnings:
                        metrics.unmarked(self._endpoint, due.route, warning["code"])
                return "goes"
            case Asks():
                needed = self._still_needed(due, steps, found)
                if room <= 0 or self._waiting.is_shut(needed):
                    self._waiting.add(due, steps, needed)
                    return "stuck"
                self._begin(due, partial(self._ask, due, steps, found))
            case _:
                self._begin(due, partial(self._settle, due, steps, found, 0))
        return "settled"

    def _still_needed(self, due: Due, steps: tuple[Verify, ...], asks: Asks) -> tuple[str, ...]:
        """The registries that must be asked yet; first the one that did not answer the last time, so that no other one is
        asked anew as often as that one is tried."""
        said = self._said.get(due.delivery_id)
        if said is None or said.steps != steps:
            return tuple(step.endpoint for step, _ in asks.questions)
        now = self._clock()
        for registry, (_, at) in [*said.answers.items()]:
            if not _is_fresh(now, at):
                del said.answers[registry]
        needed = [step.endpoint for step, _ in asks.questions if step.endpoint not in said.answers]
        return tuple(sorted(needed, key=lambda one: one != said.unanswered))

    def next_change(self) -> int | None:
        """When a registry that cannot be asked is looked at again."""
        return self._waiting.next_change()

    async def look_again(self, found: Sequence[Due], now: int) -> None:
        """At registries that could not be asked. Forgotten are answers that are old, and those about deliveries that are not
        due any more: ``found`` are the first that are. Raises StoreUnavailable."""
        there = {due.delivery_id for due in found}
        last = found[-1].place if found else (0, "")
        for delivery_id, (_, at, place, _) in [*self._verdicts.items()]:
            if not _is_fresh(now, at) or (place <= last and delivery_id not in there):
                del self._verdicts[delivery_id]
        await self._waiting.look_again(now)

    async def stop(self) -> None:
        """Leave all questions: nothing depends on their answers."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, self._waiting.stop(), return_exceptions=True)

    def _begin(self, due: Due, work: Callable[[], Awaitable[None]]) -> None:
        task = asyncio.create_task(self._watched(due, work), name=f"verify:{due.delivery_id}")
        self._tasks[due.delivery_id] = task

        def ended(done: asyncio.Task[None]) -> None:
            self._tasks.pop(due.delivery_id, None)
            self._changed()
            if not done.cancelled() and done.exception() is not None:
                log.error("verifying_broke", endpoint=self._endpoint, delivery_id=due.delivery_id, exc_info=done.exception())

        task.add_done_callback(ended)

    async def _watched(self, due: Due, work: Callable[[], Awaitable[None]]) -> None:
        with context(correlation_id=due.correlation_id, dossier=due.aliases.get(NATIONAL)):
            try:
                await work()
            except StoreUnavailable as error:
                metrics.store_error(error.reason)
                log.warning("store_unavailable", endpoint=self._endpoint, reason=error.reason)
                await asyncio.sleep(STORE_RETRY_SECONDS)

    async def _ask(self, due: Due, steps: tuple[Verify, ...], asks: Asks) -> None:
        """Those that must be asked, one after the other, as long as nothing speaks against it."""
        tries = self._tries.get(due.delivery_id, CROWD_TRIES if len(self._tries) >= REMEMBERED else 0)
        questions = {step.endpoint: (step, question) for step, question in asks.questions}
        said = self._said.get(due.delivery_id)
        if said is None or said.steps != steps:
            said = _Said(steps)
        self._keep(due, said)
        needed = self._still_needed(due, steps, asks)
        for count, registry in enumerate(needed):
            verdict = await self._verdict(due, *questions[registry], tries)
            if isinstance(verdict, Go):
                said.answers[registry], said.unanswered = (verdict, self._clock()), ""
                self._keep(due, said)
                continue
            said.unanswered = registry
            if isinstance(verdict, Shut):
                self._waiting.shut(registry, verdict)
                self._waiting.add(due, steps, needed[count:])
            else:
                await self._settle(due, steps, verdict, tries)
            return
        whole = sum((said.answers[registry][0] for registry in questions), Go(warnings=asks.warnings))
        await self._settle(due, steps, whole, tries)

    async def _verdict(self, due: Due, verify: Verify, question: Question, tries: int) -> Verdict:
        try:
            return await self._verification.verdict(due, verify, question, tries)
        except StoreUnavailable:
            raise
        except Exception as error:
            return self._misfortune(due, error)

    def _keep(self, due: Due, said: _Said) -> None:
        """What some said, until the others answer; nothing where there are no others."""
        if len(said.steps) > 1:
            self._said[due.delivery_id] = said
            self._said.move_to_end(due.delivery_id)
        while len(self._said) > REMEMBERED:
            self._said.popitem(last=False)

    def _misfortune(self, due: Due, error: Exception) -> Held | Waits:
        """A mapping that is wrong; or whatever else it is: it must not be asked again without end."""
        if isinstance(error, WithProblems):
            reason = "; ".join(f"{problem.at}: {problem.message}" for problem in error.problems)
            return Held("translation", reason, tuple(problem.as_dict() for problem in error.problems))
        log.error("verification_broke", endpoint=self._endpoint, delivery_id=due.delivery_id, exc_info=error)
        return Waits("verification_broke", type(error).__name__, self._clock() + int(BROKEN_SECONDS * SECOND))

    def _steps_now(self, due: Due) -> tuple[Verify, ...]:
        route = self._routes(due.route)
        return () if route is None else route.verify

    async def _settle(self, due: Due, steps: tuple[Verify, ...], verdict: Go | Held | Waits, tries: int) -> None:
        """Remember that it may go, or settle that it may not, or not yet."""
        if self._steps_now(due) != steps:
            return  # the configuration was reloaded: what was asked is no answer any more
        self._waiting.forget(due)
        self._tries.pop(due.delivery_id, None)
        if not isinstance(verdict, Waits):
            self._said.pop(due.delivery_id, None)
        match verdict:
            case Go():
                self._verdicts[due.delivery_id] = (verdict, self._clock(), due.place, steps)
            case Held(code, reason, problems):
                dead = Settlement(due.delivery_id, None, "dead", code, reason, problems=problems)
                if await self._store.settle(dead, self._clock()):
                    self._say_dead(due, code)
            case Waits(code, reason, next_at):
                self._tries[due.delivery_id] = tries + 1
                while len(self._tries) > REMEMBERED:  # those superseded meanwhile fall out at the other end
                    self._tries.popitem(last=False)
                again = Settlement(due.delivery_id, None, "again", code, reason, next_at=next_at)
                await self._store.settle(again, self._clock())
                log.warning(
                    "verification_waits", endpoint=self._endpoint, route=due.route, delivery_id=due.delivery_id, code=code
                )


def _is_fresh(now: int, at: int) -> bool:
    return abs(now - at) < FRESH_SECONDS * SECOND
