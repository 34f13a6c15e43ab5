"""The dispatcher of one endpoint: claims heads of lanes, sends them, asks about those in doubt, settles what was said.

Lanes run concurrently up to the endpoint's concurrency; within a lane the store makes only one delivery claimable. The
loop never sleeps on a message: it waits for something to change (a new message, an attempt that ended, a stored time).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import orjson

from hub.connector import Connector, Finder, Receipt, Sender
from hub.delivery.attempt import LiveAttempt
from hub.delivery.breaker import SECOND, Breaker, BreakerPolicy, Rate
from hub.delivery.retry import Decision, RetryPolicy, decide
from hub.errors import DeliveryError, InDoubt, StoreUnavailable, WithProblems
from hub.message import NATIONAL, Clock, Message, SchemaRef, new_id
from hub.observe import metrics
from hub.observe.logging import context, get_logger
from hub.store.port import Due, Settlement, Start, Store

POLL_SECONDS = 0.5
"""How soon what another process wrote (an operator's replay, a resume) is seen at the latest."""
STORE_RETRY_SECONDS = 0.5
ROUTE_GONE_SECONDS = 60.0

log = get_logger("delivery")


@dataclass(frozen=True, slots=True)
class EndpointPolicy:
    """How an endpoint may be used. ``rate`` is new deliveries a second; ``deadline_seconds`` bounds one attempt."""

    concurrency: int = 4
    rate: float | None = None
    deadline_seconds: float = 120.0
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    breaker: BreakerPolicy = field(default_factory=BreakerPolicy)


@dataclass(frozen=True, slots=True)
class RoutePolicy:
    """What a route says about its deliveries; ``partner_schema`` is what the endpoint is sent."""

    partner_schema: str
    in_doubt: Literal["resend", "hold"] = "resend"
    on_exists: Literal["hold", "adopt"] = "hold"


@dataclass(frozen=True, slots=True)
class Prepared:
    """The bytes a delivery will send: the pinned ones of its first attempt, or translated now."""

    chain: str
    schema: SchemaRef
    request: bytes
    warnings: tuple[dict[str, str], ...] = ()


class Translate(Protocol):
    """Translation to a partner's schema as the catalog of the moment does it."""

    def __call__(self, canonical: SchemaRef, body: bytes, partner_schema: str) -> Prepared:
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
        on_reply: Callable[[], Awaitable[None]],
    ) -> None:
        self.endpoint = endpoint
        self.breaker = Breaker(policy.breaker)
        self._connector = connector
        self._policy = policy
        self._routes = routes
        self._translate = translate
        self._store = store
        self._clock = clock
        self._on_reply = on_reply
        self._rate = Rate(policy.rate)
        self._under_way: dict[str, asyncio.Task[None]] = {}
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
        if self._under_way:
            await asyncio.wait(list(self._under_way.values()), timeout=seconds)
        left = list(self._under_way.values())
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        return len(left)

    async def _until_next(self) -> float:
        """Seconds to wait if nothing changes: to the next stored time, at most the poll interval."""
        now = self._clock()
        times = [self.breaker.next_change(now), self._rate.next_change(now), await self._store.next_due(self.endpoint)]
        soonest = min((t for t in times if t is not None and t > now), default=now + int(POLL_SECONDS * SECOND))
        return min(POLL_SECONDS, max(0.001, (soonest - now) / SECOND))

    async def _begin_what_is_due(self) -> bool:
        now = self._clock()
        free = self._policy.concurrency - len(self._under_way)
        room = self._rate.available(now, self.breaker.allowance(now, free))
        if room <= 0:
            return False
        busy = set(self._under_way)  # one that ends while the store is read may be shown as it was before: next round
        found = await self._store.due(self.endpoint, now, room + len(busy))
        fresh = [due for due in found if due.delivery_id not in busy][:room]
        ways = [(due, self._routes(due.route)) for due in fresh]
        for due in (due for due, route in ways if route is None):
            await self._wait_for_route(due)
        asked = [(due, route) for due, route in ways if route is not None and due.state == "in_doubt"]
        begun = await self._start([(due, route) for due, route in ways if route is not None and due.state == "pending"])
        for due, route in asked:
            self._spawn(due, self._ask(due, route))
        for due, route, prepared, attempt_id in begun:
            self._spawn(due, self._send(due, route, prepared, attempt_id))
        self._rate.take(len(asked) + len(begun))
        return bool(fresh)

    async def _wait_for_route(self, due: Due) -> None:
        """A route taken out of the configuration leaves its deliveries waiting, visibly, until it is put back."""
        reason = f"route {due.route} is not configured any more: put it back, or pause the endpoint and discard"
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
                log.error("translation_broke", endpoint=self.endpoint, delivery_id=due.delivery_id, exc_info=error)
                await self._cannot_translate(due, "translation_broke", type(error).__name__)
        starts = [
            Start(due.delivery_id, attempt_id, made.chain, made.request if due.request is None else None, made.warnings)
            for due, _, made, attempt_id in ready
        ]
        claimed = await self._store.start(starts, self._clock()) if starts else frozenset()
        return [one for one in ready if one[0].delivery_id in claimed]

    async def _cannot_translate(self, due: Due, code: str, reason: str, problems: tuple[dict[str, str], ...] = ()) -> None:
        dead = Settlement(due.delivery_id, None, "dead", code, reason, problems=problems)
        if await self._store.settle(dead, self._clock()):
            self._say_dead(due, code)

    def _prepare(self, due: Due, route: RoutePolicy) -> Prepared:
        if due.request is not None and due.chain is not None:
            return Prepared(due.chain, SchemaRef.parse(route.partner_schema), due.request)
        return self._translate(due.schema, due.body, route.partner_schema)

    def _spawn(self, due: Due, work: Any) -> None:
        probe = self.breaker.began()
        task = asyncio.create_task(work, name=f"{self.endpoint}:{due.delivery_id}")
        self._under_way[due.delivery_id] = task

        def ended(done: asyncio.Task[None]) -> None:
            self._under_way.pop(due.delivery_id, None)
            if probe and self.breaker.probing:  # it ended without a verdict on the endpoint
                self.breaker.answered()
            self._changed.set()
            if not done.cancelled() and done.exception() is not None:
                log.error("attempt_broke", endpoint=self.endpoint, delivery_id=due.delivery_id, exc_info=done.exception())

        task.add_done_callback(ended)

    def _view(self, due: Due, schema: SchemaRef, request: bytes) -> Message:
        return Message(
            id=due.message_id, arrival_id=due.arrival_id, dossier_id=due.dossier_id, seq=due.seq, schema=schema,
            body=orjson.loads(request), correlation_id=due.correlation_id, full_state=due.full_state,
            traceparent=due.traceparent, origin=due.origin, hops=due.hops, codes=due.aliases,
        )  # fmt: skip

    async def _send(self, due: Due, route: RoutePolicy, prepared: Prepared, attempt_id: str) -> None:
        """One attempt, from call to settlement."""
        attempt = LiveAttempt(due, attempt_id, due.number + 1, route.on_exists, self._store)
        message = self._view(due, prepared.schema, prepared.request)
        with context(correlation_id=due.correlation_id, dossier=due.aliases.get(NATIONAL)):
            assert isinstance(self._connector, Sender)
            sender = self._connector
            try:
                receipt = await self._timed(lambda: sender.send(message, attempt))
            except DeliveryError as error:
                await self._failed(due, attempt_id, error)
            else:
                await self._delivered(due, attempt_id, receipt)

    async def _ask(self, due: Due, route: RoutePolicy) -> None:
        """A delivery in doubt: what does the partner hold? Else the route decides."""
        attempt_id = due.attempt_id or ""
        with context(correlation_id=due.correlation_id, dossier=due.aliases.get(NATIONAL)):
            found = None
            holds: bool | None = None
            if isinstance(self._connector, Finder) and due.request is not None:
                attempt = LiveAttempt(due, attempt_id, due.number, route.on_exists, self._store)
                message = self._view(due, SchemaRef.parse(route.partner_schema), due.request)
                finder = self._connector
                try:
                    found = await self._timed(lambda: finder.find(message, attempt))
                except DeliveryError as error:
                    self.breaker.failure(self._clock())
                    later = self._clock() + int(self._policy.retry.wait(due.number) * SECOND)
                    await self._settle(
                        due,
                        Settlement(due.delivery_id, attempt_id, "in_doubt", error.code, error.reason, next_at=later),
                    )
                    return
                self.breaker.answered()
                holds = False if found is None else found.holds
            if holds:
                assert found is not None
                await self._delivered(due, attempt_id, Receipt(reference=found.reference, ids=found.ids))
            elif found is not None and not found.called:
                withdrawn = Settlement(
                    due.delivery_id, attempt_id, "again", "nothing_sent", next_at=self._clock(), withdraw_doubt=True
                )
                await self._settle(due, withdrawn)
            elif holds is False or route.in_doubt == "resend":
                await self._again_after_doubt(due, "not_found_there" if holds is False else "resend")
            else:
                reason = "the partner cannot be asked whether it took effect; the route says hold"
                if await self._settle(due, Settlement(due.delivery_id, attempt_id, "dead", "in_doubt", reason)):
                    self._say_dead(due, "in_doubt")

    async def _again_after_doubt(self, due: Due, code: str) -> None:
        """Send once more; a message that stays in doubt again and again while the endpoint takes others ends as dead."""
        succeeded = self.breaker.last_success_at
        own = succeeded is not None and due.last_attempt_at is not None and succeeded > due.last_attempt_at
        attempt_id = due.attempt_id or ""
        if own and due.counted + 1 >= self._policy.retry.attempts:
            reason = f"still in doubt after {due.counted + 1} counted tries"
            if await self._settle(due, Settlement(due.delivery_id, attempt_id, "dead", "in_doubt", reason)):
                self._say_dead(due, "in_doubt")
            return
        again = Settlement(due.delivery_id, attempt_id, "again", code, next_at=self._clock(), counted=own)
        await self._settle(due, again)

    async def _timed(self, call: Callable[[], Awaitable[Any]]) -> Any:
        """One call to the connector within the deadline; anything but a DeliveryError out of it is a doubt, not a verdict."""
        began = self._clock()
        try:
            async with asyncio.timeout(self._policy.deadline_seconds):
                return await call()
        except TimeoutError as error:
            raise InDoubt("deadline", f"no answer within {self._policy.deadline_seconds:g} s") from error
        except DeliveryError:
            raise
        except StoreUnavailable as error:
            raise InDoubt("store_unavailable", error.reason) from error
        except Exception as error:
            log.error("connector_broke", endpoint=self.endpoint, exc_info=error)
            raise InDoubt("connector_error", type(error).__name__) from error
        finally:
            metrics.partner(self.endpoint, (self._clock() - began) / SECOND)

    async def _delivered(self, due: Due, attempt_id: str, receipt: Receipt) -> None:
        now = self._clock()
        self.breaker.succeeded(now)
        reply = None if receipt.reply is None else (str(receipt.reply[0]), receipt.reply[1])
        warnings = tuple({"at": "", "code": "sent_other_than_given", "message": text} for text in receipt.warnings)
        done = Settlement(
            due.delivery_id,
            attempt_id,
            "delivered",
            reference=receipt.reference,
            ids=receipt.ids,
            warnings=warnings,
            reply=reply,
        )
        if await self._settle(due, done):
            metrics.delivery(self.endpoint, due.route, "delivered")
            metrics.lag(self.endpoint, due.route, (now - due.accepted_at) / SECOND)
            log.info(
                "delivered",
                endpoint=self.endpoint,
                route=due.route,
                delivery_id=due.delivery_id,
                attempt_id=attempt_id,
                seq=due.seq,
            )
            if reply is not None:
                await self._on_reply()

    async def _failed(self, due: Due, attempt_id: str, error: DeliveryError) -> None:
        now = self._clock()
        decision = decide(
            error,
            policy=self._policy.retry,
            wait=self._policy.retry.wait,
            number=due.number + 1,
            counted=due.counted,
            previous_attempt_at=due.last_attempt_at,
            endpoint_success_at=self.breaker.last_success_at,
            now=now,
        )
        self._feed_breaker(decision, now)
        settled = await self._settle(
            due,
            Settlement(
                due.delivery_id, attempt_id, decision.outcome, decision.code, decision.reason,
                next_at=decision.next_at, counted=decision.counted,
            ),
        )  # fmt: skip
        if not settled:
            return
        if decision.outcome == "dead":
            self._say_dead(due, decision.code)
            return
        metrics.delivery(self.endpoint, due.route, "retried" if decision.outcome == "again" else "in_doubt")
        log.warning(
            decision.outcome, endpoint=self.endpoint, route=due.route, delivery_id=due.delivery_id, attempt_id=attempt_id,
            seq=due.seq, code=decision.code, number=due.number + 1,
        )  # fmt: skip

    def _feed_breaker(self, decision: Decision, now: int) -> None:
        if decision.endpoint_failed:
            self.breaker.failure(now)
        else:
            self.breaker.succeeded(now)
        if decision.hold_seconds is not None:
            self.breaker.hold(now, decision.hold_seconds)

    def _say_dead(self, due: Due, code: str) -> None:
        metrics.delivery(self.endpoint, due.route, "dead")
        log.error("dead", endpoint=self.endpoint, route=due.route, delivery_id=due.delivery_id, seq=due.seq, code=code)

    async def _settle(self, due: Due, settlement: Settlement) -> bool:
        """Settle, however long the store is away: what the partner said must not be forgotten while this process lives."""
        while True:
            try:
                return await self._store.settle(settlement, self._clock())
            except StoreUnavailable as error:
                metrics.store_error(error.reason)
                log.error("settle_waits", endpoint=self.endpoint, delivery_id=due.delivery_id, reason=error.reason)
                await asyncio.sleep(STORE_RETRY_SECONDS)
