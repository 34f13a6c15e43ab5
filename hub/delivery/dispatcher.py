"""The dispatcher of one endpoint: claims heads of lanes that are due, and has them sent, or asked about when in doubt.

Lanes run concurrently up to the endpoint's concurrency; within a lane the store makes only one delivery claimable. The
loop never sleeps on a message: it waits for something to change (a new message, an attempt that ended, a stored time).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, Literal, Protocol

from hub.connector import Connector
from hub.delivery.behind import Behind
from hub.delivery.breaker import SECOND, Breaker, Rate
from hub.delivery.calls import STORE_RETRY_SECONDS, Calls
from hub.delivery.enclosing import Enclosing
from hub.delivery.outcomes import Outcomes
from hub.delivery.policy import EndpointPolicy, Prepared, RoutePolicy, pinned_schema
from hub.delivery.verify import Verification
from hub.delivery.verifying import Admission, Verifying
from hub.errors import StoreUnavailable, WithProblems
from hub.files.configured import KeptFiles
from hub.message import Clock, SchemaRef, new_id
from hub.observe import metrics
from hub.observe.logging import get_logger
from hub.store.port import Store
from hub.store.values import Due, Place, Settlement, Start
from hub.values import value

POLL_SECONDS = 0.5
"""How soon what another process wrote (an operator's replay, a resume) is seen at the latest."""
ROUTE_GONE_SECONDS = 60.0

log = get_logger("delivery")


@value(frozen=True, slots=True)
class _Begun:
    """What came of some that are due: how many began, whether anything ``moved``, how many are ``stuck`` behind others that a
    registry is asked about, and the first that could have begun had there been room (``left``)."""

    begun: int
    moved: bool
    stuck: int
    left: Place | None


class Translate(Protocol):
    """Translation for a route as the catalog of the moment does it."""

    def __call__(self, canonical: SchemaRef, body: bytes, route: RoutePolicy) -> Prepared:
        """Raises TranslationFailed."""


class Dispatcher:
    """``await run()`` until ``stop()``; ``wake()`` says that something new may be due."""

    def __init__(
        self,
        endpoint: str,
        connector: Connector[Any],
        policy: EndpointPolicy,
        routes: Callable[[str], RoutePolicy | None],
        translate: Translate,
        store: Store,
        clock: Clock,
        on_reply: Callable[[], None],
        verification: Verification,
        outcomes: Outcomes,
        files: KeptFiles | None = None,
    ) -> None:
        self.endpoint = endpoint
        self.breaker = Breaker(policy.breaker)
        self._calls = Calls(endpoint, connector, policy, self.breaker, store, clock, on_reply, outcomes)
        self._verifying = Verifying(endpoint, policy, routes, verification, store, clock, self.wake, self._calls.say_dead)
        self._enclosing = Enclosing(endpoint, policy, files, store, clock, self.wake, self._calls.say_dead)
        self._behind = Behind(endpoint, store)
        self._policy = policy
        self._routes = routes
        self._translate = translate
        self._store = store
        self._clock = clock
        self._rate = Rate(policy.rate)
        self._under_way: dict[str, asyncio.Task[None]] = {}
        self._unsure = False
        self._asked: set[str] = set()
        """Those under way that are only asked about."""
        self._changed = asyncio.Event()
        self._stopping = False

    def wake(self) -> None:
        self._changed.set()

    def stop(self) -> None:
        """Begin nothing new; what is under way goes on (see ``drain``)."""
        self._stopping = True
        self._changed.set()

    async def run(self) -> None:
        """The loop. A store that cannot serve pauses it, nothing ends it but ``stop``."""
        while not self._stopping:
            self._changed.clear()
            try:
                begun = await self._begin_what_is_due()
                wait = 0.0 if begun else await self._until_next()
            except StoreUnavailable as error:
                metrics.store_error(error.reason)
                log.warning("store_unavailable", endpoint=self.endpoint, reason=error.reason)
                self._unsure = True
                wait = STORE_RETRY_SECONDS
            except Exception as error:  # whatever it is, the other messages of the endpoint must go on
                log.error("dispatch_broke", endpoint=self.endpoint, exc_info=error)
                wait = STORE_RETRY_SECONDS
            metrics.breaker(self.endpoint, self.breaker.is_open)
            if wait > 0:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._changed.wait(), wait)

    async def drain(self, seconds: float) -> int:
        """Wait for what is under way; returns how many attempts had to be left (they will be in doubt at restart)."""
        await asyncio.gather(self._verifying.stop(), self._enclosing.stop())
        if self._under_way:
            await asyncio.wait(list(self._under_way.values()), timeout=seconds)
        left = list(self._under_way.values())
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        return len(left)

    def _busy(self) -> set[str]:
        """Deliveries that something is being done about."""
        return {*self._under_way, *self._verifying.under_way, *self._enclosing.under_way}

    def _room(self, now: int) -> int:
        """How many may begin now."""
        free = self._policy.concurrency - len(self._under_way)
        return self._rate.available(now, self.breaker.allowance(now, free))

    async def _until_next(self) -> float:
        """Seconds to wait if nothing changes: to the next stored time, at most the poll interval."""
        now = self._clock()
        times = [self.breaker.next_change(now), self._rate.next_change(now), self._verifying.next_change()]
        if self._room(now) > 0:
            times.append(await self._store.next_due(self.endpoint))
        soonest = min((t for t in times if t is not None and t > now), default=now + int(POLL_SECONDS * SECOND))
        return min(POLL_SECONDS, max(0.001, (soonest - now) / SECOND))

    async def _begin_what_is_due(self) -> bool:
        now = self._clock()
        if self._unsure:  # a claim may have been committed though the store said that it was away
            await self._store.recover(self.endpoint, frozenset(self._under_way), now)
            self._unsure = False
        room = self._room(now)
        if room <= 0:
            return False
        # one that ends while the store is read may be shown as it was before: next round
        busy = self._busy()
        # those asked about, by the partner or a registry, stay due meanwhile, and those whose files are fetched
        most = room + len(self._asked) + self._verifying.ahead + len(self._enclosing.under_way)
        found = await self._store.due(self.endpoint, now, most)
        await self._verifying.look_again(found, now)
        first = await self._begin([due for due in found if due.delivery_id not in busy], room)
        if not first.stuck or len(found) < most or first.begun == room:
            return first.moved
        busy = self._busy()
        found, more = await self._behind.page(found[-1].place, now)
        others = await self._begin([due for due in found if due.delivery_id not in busy], room - first.begun)
        self._behind.passed(found, others.left)
        return first.moved or others.moved or more

    async def _begin(self, fresh: Sequence[Due], room: int) -> _Begun:
        """Begin as many of these as there is room for, in their order, and have those that need it verified."""
        asked: list[tuple[Due, RoutePolicy]] = []
        ready: list[tuple[Due, RoutePolicy]] = []
        stuck, left, elsewhere = 0, None, 0
        for due in fresh:
            route, free = self._routes(due.route), room - len(asked) - len(ready)
            if route is None:
                await self._wait_for_route(due)
                elsewhere += 1
                continue
            doubtful = due.state == "in_doubt"
            try:
                admission: Admission = "goes" if doubtful else self._admit(due, route, may_begin=free > 0)
            except Exception as error:  # a body of a form that nobody foresaw stops no other
                await self._broke(due, error)
                admission = "settled"
            if admission == "goes" and free > 0:
                (asked if doubtful else ready).append((due, route))
            elif admission == "goes":
                left = left or due.place
            else:
                stuck += admission == "stuck"
                elsewhere += admission == "settled"
        begun = await self._start(ready)
        for due, route in asked:
            self._asked.add(due.delivery_id)
            self._spawn(due, self._calls.ask(due, route))
        for due, route, prepared, attempt_id in begun:
            self._spawn(due, self._calls.send(due, route, prepared, attempt_id))
        self._rate.take(len(asked) + len(begun))
        count = len(asked) + len(ready)
        return _Begun(count, count + elsewhere > 0, stuck, left)

    def _admit(self, due: Due, route: RoutePolicy, *, may_begin: bool) -> Admission:
        """What must be so before the first attempt: its files are there, then the registries were asked."""
        admission = self._enclosing.admit(due, route)
        return admission if admission != "goes" else self._verifying.admit(due, route, may_begin=may_begin)

    async def _wait_for_route(self, due: Due) -> None:
        """A route taken out of the configuration leaves its deliveries waiting, visibly, until it is put back."""
        reason = f"route {due.route} is not configured any more: put it back, or discard the delivery"
        outcome: Literal["again", "in_doubt"] = "in_doubt" if due.state == "in_doubt" else "again"
        attempt_id = due.attempt_id if due.state == "in_doubt" else None
        later = self._clock() + int(ROUTE_GONE_SECONDS * SECOND)
        waits = Settlement(due.delivery_id, attempt_id, outcome, "route_gone", reason, next_at=later)
        if await self._store.settle(waits, self._clock()):
            log.warning("route_gone", endpoint=self.endpoint, route=due.route, delivery_id=due.delivery_id)

    async def _start(self, waiting: Sequence[tuple[Due, RoutePolicy]]) -> list[tuple[Due, RoutePolicy, Prepared, str]]:
        """Translate, then write the attempts and the bytes to be sent; what cannot be translated is dead at once."""
        ready: list[tuple[Due, RoutePolicy, Prepared, str]] = []
        for due, route in waiting:
            try:
                ready.append((due, route, self._prepare(due, route), new_id()))
            except WithProblems as error:
                problems = tuple(problem.as_dict() for problem in error.problems)
                reason = "; ".join(f"{problem.at}: {problem.message}" for problem in error.problems)
                await self._cannot_translate(due, "translation", reason, problems)
            except Exception as error:
                await self._broke(due, error)
        starts = [
            Start(
                due.delivery_id,
                attempt_id,
                made.chain,
                made.request if due.request is None else None,
                made.warnings,
                made.schema,
            )
            for due, _, made, attempt_id in ready
        ]
        claimed = await self._store.start(starts, self._clock()) if starts else frozenset()
        return [one for one in ready if one[0].delivery_id in claimed]

    async def _broke(self, due: Due, error: Exception) -> None:
        log.error("translation_broke", endpoint=self.endpoint, delivery_id=due.delivery_id, exc_info=error)
        await self._cannot_translate(due, "translation_broke", type(error).__name__)

    async def _cannot_translate(self, due: Due, code: str, reason: str, problems: tuple[dict[str, str], ...] = ()) -> None:
        dead = Settlement(due.delivery_id, None, "dead", code, reason, problems=problems)
        if await self._store.settle(dead, self._clock()):
            self._calls.say_dead(due, code)

    def _prepare(self, due: Due, route: RoutePolicy) -> Prepared:
        if due.request is not None and due.chain is not None:
            return Prepared(due.chain, pinned_schema(due, route), due.request)
        made = self._translate(due.schema, due.body, route)
        return replace(made, warnings=(*due.warnings, *made.warnings)) if due.warnings else made

    def _spawn(self, due: Due, work: Any) -> None:
        probe = self.breaker.began()
        task = asyncio.create_task(work, name=f"{self.endpoint}:{due.delivery_id}")
        self._under_way[due.delivery_id] = task

        def ended(done: asyncio.Task[None]) -> None:
            self._under_way.pop(due.delivery_id, None)
            self._asked.discard(due.delivery_id)
            self._behind.ended()
            if probe and self.breaker.probing:  # it ended without a verdict on the endpoint
                self.breaker.answered()
            self._changed.set()
            if not done.cancelled() and done.exception() is not None:
                log.error("attempt_broke", endpoint=self.endpoint, delivery_id=due.delivery_id, exc_info=done.exception())

        task.add_done_callback(ended)
