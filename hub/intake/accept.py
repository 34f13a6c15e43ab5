"""Intake: one arrival in, one durable receipt out. Dedupe, then validate, translate to canonical, route, store.

An arrival that fits its schema but cannot be translated is kept, in the order of its dossier, and replayed from its
original bytes when the mapping or table is mended. So is one that does not fit its schema, where nobody waits for the answer.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from hub.connector import Accepted
from hub.errors import Forbidden, IdConflict, NotAllowed, NotFound, Problem, Refused
from hub.intake.planning import Planner, Source
from hub.intake.reading import Read, beforehand, identity, is_long_work, keyed
from hub.message import NATIONAL, Alias, Arrival
from hub.observe import metrics
from hub.observe.logging import context, get_logger
from hub.observe.metrics import ArrivalOutcome
from hub.routing import Router
from hub.store.fitting import refuse_unfit
from hub.store.port import Store
from hub.store.values import JsonObject, Plan
from hub.translation import Catalog, Outbox, Schema

HOP_LIMIT = 8
log = get_logger("intake")


class Intake:
    """``accept`` for doors and connectors, ``replay`` for operators. Holds no state of its own but configuration."""

    def __init__(
        self, store: Store, catalog: Catalog, router: Router, sources: Sequence[Source], owners: Mapping[str, str],
        on_accepted: Callable[[], None], outbox: Outbox | None = None, *, max_depth: int = 64,
    ) -> None:  # fmt: skip
        self._store = store
        self._outbox = outbox or Outbox()
        self._on_accepted = on_accepted
        self._max_depth = max_depth
        self.configure(catalog, router, sources, owners)

    def configure(self, catalog: Catalog, router: Router, sources: Sequence[Source], owners: Mapping[str, str]) -> None:
        """Take a newly loaded catalog and routes; arrivals accepted from now on use them. Raises BadConfig."""
        self._planner = Planner(catalog, router, sources, owners, self._store.digest, self._outbox, self._max_depth)

    async def accept(
        self, arrival: Arrival, checkpoint: str | None = None, *, read: Read | None = None, keep: bool = False,
        cursor: str | None = None, about: Sequence[Alias] = (),
    ) -> Accepted:  # fmt: skip
        """Durable on return. Raises Refused (nothing stored) or StoreUnavailable.

        ``checkpoint`` is where the arrival stood in what it was read from (a line, an offset); it is kept with it. ``read``
        gives what the schema's ``parse`` would: for a door that had to look into the body already. ``keep``: a message that
        names its dossier but does not fit its schema is kept, not refused. ``cursor``: where the arrival's ``origin`` goes on
        reading after a restart; it is committed with the arrival, also with one that came before. ``about``: names of the
        dossier under which it is kept, whatever it would be refused for, but that its id came before with another body.
        """
        if checkpoint is not None:
            arrival = replace(arrival, position=checkpoint)
        with context(correlation_id=arrival.correlation_id):
            try:
                return await self._taken(arrival, read, keep, cursor)
            except Refused as refusal:
                if not about or isinstance(refusal, IdConflict):
                    raise
                return await self._stored(self._planner.set_aside(arrival, about, refusal), cursor)

    async def _taken(self, arrival: Arrival, read: Read | None, keep: bool, cursor: str | None) -> Accepted:
        id_at, decided = await self._decided(arrival, read, keep)
        if not isinstance(decided, Plan):
            return self._answer(arrival, decided, repeated=True)
        try:
            return await self._stored(decided, cursor)
        except IdConflict:
            raise IdConflict.of_another_body(id_at) from None

    async def _stored(self, plan: Plan, cursor: str | None) -> Accepted:
        with context(dossier=_national_code(plan)):
            receipt, repeated = await self._store.accept(replace(plan, cursor=cursor))
            return self._answer(plan.arrival, receipt, repeated=repeated)

    async def examine(self, arrival: Arrival) -> None:
        """Raises Refused where ``accept`` would for what stands in the message, StoreUnavailable; stores nothing."""
        id_at, decided = await self._decided(arrival, None, keep=False)
        if isinstance(decided, Plan):
            refuse_unfit(decided)
            await self._first(decided.arrival, decided.digest, id_at)

    async def replay(
        self, arrival_id: str, *, actor: str, why: str, turn: Callable[[], Awaitable[bool]] | None = None
    ) -> list[JsonObject]:
        """Validate and translate a kept arrival again from its original bytes, and then those kept behind it, each when it is
        its ``turn``.

        Returns the receipts, oldest first; stops at the first that is still kept, or has no turn. Raises NotFound, NotAllowed.
        """
        if await self._store.arrival(arrival_id) is None:
            raise NotFound(f"no arrival {arrival_id}")
        receipts: list[JsonObject] = []
        waiting = await self._store.kept_arrivals(arrival_id)
        if not waiting:
            raise NotAllowed(f"arrival {arrival_id} is not kept, and none is kept behind it")
        for arrival in waiting:
            if receipts and turn is not None and not await turn():
                break
            receipt = await self._store.release(self._again(arrival), actor=actor, why=why)
            receipts.append(receipt)
            log.info("replayed", arrival_id=arrival.id, outcome=receipt["state"])
            if receipt["state"] == "kept":
                break
        self._on_accepted()
        return receipts

    def _again(self, arrival: Arrival) -> Plan:
        """What it would be refused for it stays kept for."""
        try:
            _refuse_round(arrival)
            plan = self._planner.again(arrival)
            refuse_unfit(plan)
            return plan
        except Refused as refusal:
            return self._planner.set_aside(arrival, (), refusal)

    async def known(self, sender: str, message_id: str) -> JsonObject | None:
        """The receipt of the sender's own message of this id, whether the id stood in it or came beside it."""
        for key in (f"id:{message_id}", message_id):
            if (found := await self._store.first_receipt(sender, key)) is not None:
                return found[1]
        return None

    async def _decided(self, arrival: Arrival, read: Read | None, keep: bool) -> tuple[str, Plan | JsonObject]:
        """Where the message's id stands, and what is to be stored, or the first receipt of what is refused now but was
        accepted under the same id. Raises Refused, StoreUnavailable."""
        _refuse_round(arrival)
        id_at = "Idempotency-Key"
        schema: Schema | None = None
        parsed: Any = None
        try:
            schema = self._planner.source(arrival)
            if read is None and is_long_work(schema, len(arrival.body)):
                read = await beforehand(partial(self._planner.parsed, arrival), schema)
                schema = self._planner.source(arrival)  # a reload may have come meanwhile
            parsed = self._planner.parsed(arrival, schema) if read is None else read(schema)
            arrival, id_at = keyed(arrival, schema, parsed)
            return id_at, self._planner.plan(arrival, schema, parsed, keep=keep)
        except Refused:
            # dedupe comes before validation: what was once accepted under this id is answered as it was then
            same = identity(arrival, schema, parsed)
            first = None if same is None else await self._first(arrival, self._store.digest(same), id_at)
            if first is None:
                raise
            return id_at, first

    async def _first(self, arrival: Arrival, digest: str, id_at: str) -> JsonObject | None:
        """The first receipt of this sender's id, when the message is the same. Raises IdConflict when it is not."""
        if arrival.key is None:
            return None
        found = await self._store.first_receipt(arrival.sender, arrival.key)
        if found is None:
            return None
        of_first, receipt = found
        if of_first != digest:
            raise IdConflict.of_another_body(id_at)
        return receipt

    def _answer(self, arrival: Arrival, receipt: JsonObject, *, repeated: bool) -> Accepted:
        outcome: ArrivalOutcome = "duplicate" if repeated else receipt["state"]
        metrics.arrival(arrival.sender, str(arrival.schema), outcome)
        log.info(
            outcome, arrival_id=receipt["arrival"], sender=arrival.sender, schema=str(arrival.schema),
            correlation_id=receipt["correlation_id"],
        )  # fmt: skip
        if not repeated:
            self._on_accepted()
        return Accepted(receipt, repeated)


def _refuse_round(arrival: Arrival) -> None:
    if arrival.hops > HOP_LIMIT:
        text = f"it went round {HOP_LIMIT} times between the hub and its partners"
        raise Forbidden([Problem("", "too_many_hops", text, "look for two routes that feed each other")])


def _national_code(plan: Plan) -> str | None:
    return next((alias.code for alias in plan.aliases if alias.system == NATIONAL), None)
