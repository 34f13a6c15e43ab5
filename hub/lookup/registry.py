"""One endpoint that answers questions: the record before the question, the call, what came of it on record, the answer.

Nothing of an answer goes to the store, a log, a metric or an error. A question is asked once and never again by itself.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

import orjson

from hub.connector import Confirmer, Connector, Responder
from hub.delivery.breaker import SECOND, Breaker, Rate
from hub.errors import AccountRefused, DeliveryError, InDoubt, NotAsked, Problem, Rejected, Transient, WithProblems
from hub.lookup import translated
from hub.lookup.answer import Answer
from hub.message import Clock, Message, new_id
from hub.observe import metrics
from hub.observe.logging import get_logger
from hub.store.port import Store
from hub.store.values import Lookup, LookupKind
from hub.translation import Catalog

log = get_logger("lookup")

WHO_ASKS = ("officer", "procedure", "purpose", "request_id")
"""What the hub puts into a question beside whom it is about."""


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks and on what ground: ``key`` is the key's name, or ``route:`` and a route's."""

    key: str
    officer: str
    purpose: str
    procedure: str
    correlation_id: str
    traceparent: str | None = None
    dossier_id: str | None = None


@dataclass(frozen=True, slots=True)
class RegistryPolicy:
    """What an endpoint is asked and answers (canonical schemas, id@major), and how it may be used."""

    take: str
    give: str
    per_officer_per_minute: int = 30
    deadline_seconds: float = 120.0
    concurrency: int = 4
    rate: float | None = None
    per_client_per_minute: int = 600


class Registry:
    """``await ask(…)``; one for each endpoint with a ``lookup``, for all who ask it."""

    def __init__(
        self,
        name: str,
        connector: Connector[Any],
        policy: RegistryPolicy,
        breaker: Breaker,
        catalog: Callable[[], Catalog],
        store: Store,
        clock: Clock,
    ) -> None:
        self.name = name
        self.policy = policy
        self.confirms = isinstance(connector, Confirmer)
        self._connector = connector
        self._breaker = breaker
        self._catalog = catalog
        self._store = store
        self._clock = clock
        self._rate = Rate(policy.rate)
        self._places = asyncio.Semaphore(policy.concurrency)
        # people wait for their answer: verifications, of which there may be many, leave them a place where there are two
        self._places_to_verify = asyncio.Semaphore(max(1, policy.concurrency - 1))

    async def paused(self) -> bool:
        """Whether an operator stopped the endpoint."""
        state = (await self._store.endpoint_states()).get(self.name)
        return state is not None and state.paused_at is not None

    def used_up_until(self) -> int | None:
        """Until when the endpoint's ``rate`` allows no further question."""
        now = self._clock()
        return None if self._rate.available(now, 1) else self._rate.next_change(now)

    def resting_until(self) -> int | None:
        """Until when nothing is asked: the breaker is open, or the registry said when to come back."""
        now = self._clock()
        return None if self._breaker.allowance(now, 1) else self._breaker.next_change(now) or now + SECOND

    async def ask(
        self,
        kind: LookupKind,
        asker: Asker,
        about: Mapping[str, Any],
        *,
        query: str | None = None,
        judge: Callable[[Any], bool] | None = None,
    ) -> Answer:
        """Ask once. ``about`` is a question without who asks, in the canonical schema ``query`` (``policy.take``). With a
        ``judge`` an answer that it takes is ``confirmed``, another a ``mismatch``.

        Raises SchemaInvalid, TranslationFailed (then nothing was asked, nothing recorded), StoreUnavailable.
        """
        lookup_id = new_id()
        message = self._message(lookup_id, asker, about, query or self.policy.take)
        digest = self._store.digest(orjson.dumps(dict(about), option=orjson.OPT_SORT_KEYS))
        if self.resting_until() is not None:
            return self._resting()
        self._rate.take(1)
        async with contextlib.AsyncExitStack() as places:
            if kind == "verify":
                await places.enter_async_context(self._places_to_verify)
            await places.enter_async_context(self._places)
            asked_at = self._clock()
            if self.resting_until() is not None:
                return self._resting()
            self._breaker.began()
            try:
                await self._store.asked(
                    Lookup(
                        lookup_id, asked_at, asker.key, asker.officer, asker.purpose, asker.procedure, self.name, kind, digest,
                        asker.correlation_id, asker.dossier_id,
                    )
                )  # fmt: skip
            except BaseException:
                self._breaker.answered()
                raise
            answer = await self._answer(kind, message, judge)
        took = self._clock() - asked_at
        answer = replace(answer, reason=translated.masked(answer.reason, about))
        if answer.outcome == "not_askable":
            chain = translated.chain_to(self._catalog(), self._connector, query or self.policy.take)
            answer = replace(answer, problems=tuple(translated.places_in_question(chain, answer.reason)))
        await self._store.answered(lookup_id, answer.outcome, answer.code, took, answer.reason)
        metrics.lookup(self.name, kind, answer.outcome)
        say = log.warning if answer.code else log.info
        say(
            "looked up", endpoint=self.name, kind=kind, outcome=answer.outcome, code=answer.code or None,
            why=answer.reason or None, seconds=round(took / SECOND, 6), correlation_id=asker.correlation_id,
        )  # fmt: skip
        return answer

    def in_question(self, problems: Iterable[Problem]) -> list[Problem]:
        """What the registry's schema lacks, told of the fields of a question of ``policy.take``."""
        return translated.in_question(translated.chain_to(self._catalog(), self._connector, self.policy.take), problems)

    def _resting(self) -> Answer:
        """Nobody is asked, and nothing is on record."""
        now = self._clock()
        return Answer("", "unreachable", code="breaker_open", retry_after=((self.resting_until() or now) - now) / SECOND)

    def _message(self, lookup_id: str, asker: Asker, about: Mapping[str, Any], query: str) -> Message:
        """The question in the registry's own schema."""
        whole = {
            **about, "officer": asker.officer, "procedure": asker.procedure, "purpose": asker.purpose, "request_id": lookup_id,
        }  # fmt: skip
        schema, body = translated.asked(self._catalog(), self._connector, query, whole)
        return Message(
            id=lookup_id, arrival_id=lookup_id, dossier_id=asker.dossier_id or "", seq=0, schema=schema, body=body,
            correlation_id=asker.correlation_id, traceparent=asker.traceparent,
        )  # fmt: skip

    async def _answer(self, kind: LookupKind, message: Message, judge: Callable[[Any], bool] | None) -> Answer:
        """The call, which the breaker knows of, and what its end means."""
        try:
            said = await self._call(kind, message)
        except NotAsked as error:
            self._breaker.answered()
            return Answer(message.id, "not_askable", code=error.code, reason=error.reason)
        except Rejected as error:
            self._breaker.succeeded(self._clock())
            return Answer(message.id, "refused", code=error.code, reason=error.reason)
        except DeliveryError as error:
            return self._unreachable(message.id, error)
        except BaseException:
            self._breaker.answered()  # cut off, without a verdict on the endpoint
            raise
        self._breaker.succeeded(self._clock())
        if kind == "confirm":
            return Answer(message.id, "confirmed" if said else "mismatch")
        if said is None:
            return Answer(message.id, "not_found")
        try:
            body = translated.answered(self._catalog(), self._connector, self.policy.give, said)
        except WithProblems as error:
            told, problems = translated.told_places(error.problems), tuple(error.problems)
            return Answer(message.id, "unreadable", code="unreadable", problems=problems, lost=True, reason=told)
        if judge is None:
            return Answer(message.id, "found", body)
        return Answer(message.id, "confirmed" if judge(body) else "mismatch")

    async def _call(self, kind: LookupKind, message: Message) -> Any:
        """One call within the endpoint's deadline; whatever but a DeliveryError comes out of it is no answer."""
        began = self._clock()
        try:
            async with asyncio.timeout(self.policy.deadline_seconds):
                if kind == "confirm":
                    return await cast(Confirmer, self._connector).confirm(message)
                return await cast(Responder, self._connector).request(message)
        except TimeoutError:
            raise InDoubt("deadline", f"no answer within {self.policy.deadline_seconds:g} s") from None
        except DeliveryError:
            raise
        except Exception as error:
            log.error("connector_broke", endpoint=self.name, exc_info=error)
            raise InDoubt("connector_error", type(error).__name__) from None
        finally:
            metrics.partner(self.name, (self._clock() - began) / SECOND)

    def _unreachable(self, lookup_id: str, error: DeliveryError) -> Answer:
        now = self._clock()
        self._breaker.failure(now)
        wait = error.retry_after if isinstance(error, Transient) else None
        if wait is not None:
            self._breaker.hold(now, wait)
        until = self._breaker.next_change(now)
        again = None if until is None else (until - now) / SECOND
        lost, account = isinstance(error, InDoubt), isinstance(error, AccountRefused)
        return Answer(
            lookup_id, "unreachable", code=error.code, lost=lost, retry_after=again, reason=error.reason, account=account
        )
