"""The hub as a connector's door sees it: keys, allowance, gate, limits, receipts and outcomes, as at the hub's own doors.

Who calls may stand in the body (a session, an account): then the body is read as a stranger's. The strangers of one address
share one client's part of the gate, and the caller's own place is taken once it is known. A caller that waits for an outcome
holds no place, only what its body takes; how many may wait is bounded by the connections.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial

from aiohttp import web

from hub.connector import Accepted, Caller, Outcome, Standing, Visit
from hub.delivery.outcomes import Outcomes
from hub.errors import Refused, StoreUnavailable, TooMany
from hub.intake.accept import Intake
from hub.intake.basic_sign_in import basic_of
from hub.intake.body import most_bytes, read_body
from hub.intake.doorway import AFTERWARDS, Doorway, stranger, trace_of
from hub.intake.endings import outcome_of
from hub.intake.gate import Place
from hub.intake.keys import require_right
from hub.message import Arrival, SchemaRef
from hub.observe import metrics
from hub.observe.logging import get_logger
from hub.store.port import Store
from hub.store.values import Key

_HINT = "send the account and its key by HTTP Basic, or 'Authorization: Bearer <key>'"
_FINAL = ("delivered", "refused")
log = get_logger("intake")


class DoorInlet:
    """Implements ``hub.connector.Inlet``. ``on_freed`` is called when a lane can go on, since a refusal in it was told."""

    def __init__(
        self, doorway: Doorway, intake: Intake, store: Store, outcomes: Outcomes, on_freed: Callable[[], None]
    ) -> None:
        self.doorway = doorway
        self.intake = intake
        self.store = store
        self.outcomes = outcomes
        self._on_freed = on_freed

    @asynccontextmanager
    async def visit(self, request: web.Request) -> AsyncIterator[Visit]:
        visit = DoorVisit(self, request)
        try:
            yield visit
        except BaseException:
            request.get(AFTERWARDS, []).clear()  # the answer will be another one
            raise
        finally:
            visit.leave()

    async def free(self, sender: str, arrival_id: str, endpoint: str, *, untried: bool) -> None:
        """Let go of what was refused, or of what was never tried."""
        try:
            freed = await self.store.told(arrival_id, endpoint, sender=sender, untried=untried, now=self.doorway.clock())
        except StoreUnavailable as error:  # it stays a dead letter
            metrics.store_error(error.reason)
            log.warning("store_unavailable", endpoint=endpoint, arrival_id=arrival_id, reason=error.reason)
            return
        if freed:
            log.info("refusal_told", sender=sender, endpoint=endpoint, arrival_id=arrival_id, count=freed)
            self._on_freed()


class DoorVisit:
    """Implements ``hub.connector.Visit``."""

    def __init__(self, inlet: DoorInlet, request: web.Request) -> None:
        self._inlet = inlet
        self._doorway = inlet.doorway
        self._request = request
        self._trace = trace_of(request)
        self._place: Place | None = None
        self._body: bytes | None = None
        self._key: Key | None = None
        self._headers: Mapping[str, str] = {}
        self._outcomes: dict[tuple[str, str], Outcome] = {}
        self._remembers = 0
        """So many of what is done afterwards only remember; they come first."""

    @property
    def headers(self) -> Mapping[str, str]:
        return self._headers

    async def body(self) -> bytes:
        if self._body is None:
            limits = self._doorway.limits
            async with self._refusing():
                if self._place is None:
                    self._place = await self._doorway.gate.enter(stranger(self._request), most_bytes(self._request, limits))
                self._body = await read_body(self._request, limits)
                self._place.shrink(len(self._body))
        return self._body

    async def sign_in(self, name: str, secret: str) -> Caller:
        async with self._refusing():
            return _caller(await self._doorway.keys.authenticate_as(name, secret.strip(), "password"))

    async def sign_in_by_headers(self, names: Mapping[str, str]) -> Caller:
        keys, headers = self._doorway.keys, self._request.headers
        async with self._refusing():
            if (found := basic_of(headers, _HINT)) is None:
                return _caller(await keys.authenticate(headers))
            account, text = found
            return _caller(await keys.authenticate_as(names.get(account, ""), text, "Authorization"))

    async def enter(self, caller: Caller) -> None:
        doorway = self._doorway
        async with self._refusing():
            self._key = await doorway.keys.in_force(caller.key_id, "session")
            try:
                self._headers = await doorway.allowances.take(self._key.name)
            except TooMany as error:
                self._headers = error.headers
                raise
            size = most_bytes(self._request, doorway.limits) if self._body is None else len(self._body)
            self.leave()  # the place of the strangers
            self._place = await doorway.gate.enter(self._key.name, size)

    async def examine(self, schema: str, body: bytes) -> None:
        arrival = self._arrival(schema, body)
        async with self._refusing(arrival.schema):
            require_right(self._entered, arrival.schema.id)
            await self._inlet.intake.examine(arrival)

    async def accept(self, schema: str, body: bytes, *, anew: str | None = None, origin: str | None = None) -> Accepted:
        arrival = replace(self._arrival(schema, body), origin=origin)
        async with self._refusing(arrival.schema):
            require_right(self._entered, arrival.schema.id)
            accepted = await self._inlet.intake.accept(arrival if anew is None else arrival.anew(anew))
        self._doorway.taken(accepted, arrival.sender, len(body))
        return accepted

    async def outcome(self, accepted: Accepted, endpoint: str, seconds: float) -> Outcome:
        if self._place is not None:
            self._place.rest()
        inlet = self._inlet
        found = await outcome_of(inlet.store, inlet.outcomes, accepted, endpoint, seconds, self._is_gone)
        self._outcomes[str(accepted.receipt["arrival"]), endpoint] = found
        return found

    async def told(self, accepted: Accepted, endpoint: str) -> None:
        arrival_id = str(accepted.receipt["arrival"])
        outcome = self._outcomes.get((arrival_id, endpoint))
        if outcome is None or outcome.state not in _FINAL:
            return
        if outcome.state == "refused":
            self._free(accepted, endpoint, untried=False)
        else:
            self._remember(partial(self._inlet.outcomes.tell, arrival_id, endpoint))

    async def withdrawn(self, accepted: Accepted, endpoint: str) -> None:
        self._free(accepted, endpoint, untried=True)

    async def standing(self, code: str, endpoint: str) -> Standing | None:
        return await self._inlet.store.standing(self._entered.name, code, endpoint)

    def leave(self) -> None:
        """Give back what is held."""
        place, self._place = self._place, None
        if place is not None:
            place.leave()

    @property
    def _entered(self) -> Key:
        if self._key is None:
            raise RuntimeError("a visit must enter as a caller first")
        return self._key

    def _free(self, accepted: Accepted, endpoint: str, *, untried: bool) -> None:
        """Once the answer is written. Who says the same again meanwhile waits until it is done."""
        arrival_id, dossier_id = str(accepted.receipt["arrival"]), str(accepted.receipt["dossier"])
        sender, ends = self._entered.name, []

        def begin() -> None:
            ends.append(self._inlet.outcomes.letting_go(endpoint, dossier_id))

        async def free() -> None:
            try:
                await self._inlet.free(sender, arrival_id, endpoint, untried=untried)
            finally:
                ends.pop()()

        self._remember(begin)
        self._request[AFTERWARDS].append(free)

    def _remember(self, act: Callable[[], None]) -> None:
        """Once the answer is written, at once and before the store is waited for."""

        async def remember() -> None:
            act()

        self._request.setdefault(AFTERWARDS, []).insert(self._remembers, remember)
        self._remembers += 1

    def _arrival(self, schema: str, body: bytes) -> Arrival:
        return self._doorway.arrival(self._entered.name, SchemaRef.parse(schema), body, None, self._trace)

    def _is_gone(self) -> bool:
        transport = self._request.transport
        return transport is None or transport.is_closing()

    @asynccontextmanager
    async def _refusing(self, schema: SchemaRef | None = None) -> AsyncIterator[None]:
        """A refusal is counted, logged and paced before the door hears of it."""
        try:
            yield
        except Refused as error:
            metrics.refused(error.kind)
            error.is_counted = True
            await self._doorway.refuse(error, self._key.name if self._key else None, schema, self._trace)
            raise


def _caller(key: Key) -> Caller:
    return Caller(key.name, key.id)
