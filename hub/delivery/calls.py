"""The calls of one endpoint: one attempt, or one question about an attempt in doubt, from the call to its settlement.

What the connector says becomes a decision (``retry``), the decision is settled in the store and fed to the breaker.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Literal, cast

import orjson

from hub.connector import Connector, Finder, Receipt, Sender
from hub.delivery.attempt import LiveAttempt
from hub.delivery.breaker import SECOND, Breaker
from hub.delivery.outcomes import Outcomes
from hub.delivery.policy import EndpointPolicy, Prepared, RoutePolicy, pinned_schema
from hub.delivery.retry import Decision, decide
from hub.errors import DeliveryError, InDoubt, Rejected, StoreUnavailable
from hub.message import NATIONAL, Clock, Message, SchemaRef
from hub.observe import metrics
from hub.observe.logging import context, get_logger
from hub.store.port import Store
from hub.store.values import Due, Settlement

STORE_RETRY_SECONDS = 0.5

log = get_logger("delivery")


class Calls:
    """``send`` and ``ask`` end only when what the partner said is settled; ``say_dead`` counts and logs a dead letter, and
    tells those who wait for it."""

    def __init__(
        self,
        endpoint: str,
        connector: Connector[Any],
        policy: EndpointPolicy,
        breaker: Breaker,
        store: Store,
        clock: Clock,
        on_reply: Callable[[], None],
        outcomes: Outcomes,
    ) -> None:
        self.endpoint = endpoint
        self.breaker = breaker
        self._sender = cast(Sender, connector)
        self._finder = connector if isinstance(connector, Finder) else None
        self._policy = policy
        self._store = store
        self._clock = clock
        self._on_reply = on_reply
        self._outcomes = outcomes

    def _view(self, due: Due, schema: SchemaRef, request: bytes) -> Message:
        """An object of its own for each call: what a connector does to it touches no other delivery."""
        return Message(
            id=due.message_id, arrival_id=due.arrival_id, dossier_id=due.dossier_id, seq=due.seq, schema=schema,
            body=orjson.loads(request), correlation_id=due.correlation_id, full_state=due.full_state,
            traceparent=due.traceparent, origin=due.origin, hops=due.hops, codes=due.aliases,
        )  # fmt: skip

    async def send(self, due: Due, route: RoutePolicy, prepared: Prepared, attempt_id: str) -> None:
        """One attempt, from call to settlement."""
        attempt = LiveAttempt(due, attempt_id, due.number + 1, route.on_exists, self._store)
        message = self._view(due, prepared.schema, prepared.request)
        with context(correlation_id=due.correlation_id, dossier=due.aliases.get(NATIONAL)):
            try:
                receipt = await self._timed(self._sender.send(message, attempt))
            except DeliveryError as error:
                await self._failed(due, attempt_id, error)
            else:
                await self._delivered(due, attempt_id, receipt)

    async def ask(self, due: Due, route: RoutePolicy) -> None:
        """A delivery in doubt: what does the partner hold? Else the route decides."""
        attempt_id = due.attempt_id or ""
        with context(correlation_id=due.correlation_id, dossier=due.aliases.get(NATIONAL)):
            found = None
            holds: bool | None = None
            if self._finder is not None and due.request is not None:
                attempt = LiveAttempt(due, attempt_id, due.number, route.on_exists, self._store)
                message = self._view(due, pinned_schema(due, route), due.request)
                try:
                    found = await self._timed(self._finder.find(message, attempt))
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
                    self.say_dead(due, "in_doubt")

    async def _again_after_doubt(self, due: Due, code: str) -> None:
        """Send once more; a message that stays in doubt again and again while the endpoint takes others ends as dead."""
        succeeded = self.breaker.last_success_at
        own = succeeded is not None and due.last_attempt_at is not None and succeeded > due.last_attempt_at
        attempt_id = due.attempt_id or ""
        if own and due.counted + 1 >= self._policy.retry.attempts:
            reason = f"still in doubt after {due.counted + 1} counted tries"
            if await self._settle(due, Settlement(due.delivery_id, attempt_id, "dead", "in_doubt", reason)):
                self.say_dead(due, "in_doubt")
            return
        again = Settlement(due.delivery_id, attempt_id, "again", code, next_at=self._clock(), counted=own)
        await self._settle(due, again)

    async def _timed(self, call: Awaitable[Any]) -> Any:
        """One call to the connector within the deadline; anything but a DeliveryError out of it is a doubt, not a verdict."""
        began = self._clock()
        try:
            async with asyncio.timeout(self._policy.deadline_seconds):
                return await call
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
        if await self._settle(due, done, receipt.said):
            self._outcomes.ended(due)
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
        if reply is not None:  # stored with this settlement, or with one whose answer was lost
            self._on_reply()

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
                next_at=decision.next_at, counted=decision.counted, refused=decision.refused,
            ),
            error.said if isinstance(error, Rejected) else "",
        )  # fmt: skip
        if not settled:
            return
        if decision.outcome == "dead":
            self.say_dead(due, decision.code, refused=decision.refused)
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

    def say_dead(self, due: Due, code: str, refused: bool = False) -> None:
        """A refusal whose sender waits for it is told to it, and is nothing for an operator."""
        self._outcomes.ended(due)
        outcome: Literal["dead", "refused"] = "refused" if refused and self._outcomes.is_awaited(due) else "dead"
        metrics.delivery(self.endpoint, due.route, outcome)
        say = log.error if outcome == "dead" else log.info
        say(outcome, endpoint=self.endpoint, route=due.route, delivery_id=due.delivery_id, seq=due.seq, code=code)

    async def _settle(self, due: Due, settlement: Settlement, said: str = "") -> bool:
        """Settle, however long the store is away: what the partner said must not be forgotten while this process lives. Its
        very words (``said``) are for those who wait for them now."""
        self._outcomes.heard(due, said)
        while True:
            try:
                settled = await self._store.settle(settlement, self._clock())
                if said and not settled:
                    self._outcomes.unheard(due)
                return settled
            except StoreUnavailable as error:
                metrics.store_error(error.reason)
                log.error("settle_waits", endpoint=self.endpoint, delivery_id=due.delivery_id, reason=error.reason)
                await asyncio.sleep(STORE_RETRY_SECONDS)
