"""Intake: one arrival in, one durable receipt out. Dedupe, then validate, translate to canonical, route, store.

An arrival that fits its schema but cannot be translated is kept, in the order of its dossier, and replayed from its
original bytes when the mapping or table is mended.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import orjson

from hub import strictjson
from hub.connector import Accepted
from hub.errors import (
    Forbidden,
    IdConflict,
    NotAllowed,
    NotFound,
    Problem,
    Refused,
    SchemaInvalid,
    TranslationFailed,
    UnknownSchema,
)
from hub.intake.reading import Read, beforehand, identity, is_long_work, place_of_id
from hub.message import NATIONAL, Alias, Arrival, SchemaRef
from hub.observe import metrics
from hub.observe.logging import context, get_logger
from hub.observe.metrics import ArrivalOutcome
from hub.routing import Router
from hub.store.port import JsonObject, Part, Plan, Store
from hub.translation import Catalog, Outbox, Schema

HOP_LIMIT = 8
FUTURE_MICROSECONDS = 31 * 24 * 3600 * 1_000_000
"""How far ahead a sender's clock may be."""
_NO_NAME_HINT = "give the dossier's code or your own id of it"
log = get_logger("intake")


@dataclass(frozen=True, slots=True)
class Source:
    """A schema the hub takes from senders and the canonical schemas one arrival of it becomes, in this order."""

    schema: str
    becomes: tuple[str, ...]


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
        becomes: dict[str, tuple[Schema, tuple[str, ...]]] = {}
        for source in sources:
            schema = catalog.schema(source.schema)
            becomes[schema.ref.id] = (schema, source.becomes)
            for target in source.becomes:
                catalog.chain(str(schema.ref), target)
        self._catalog, self._router, self._owners, self._becomes = catalog, router, dict(owners), becomes

    async def accept(self, arrival: Arrival, checkpoint: str | None = None, *, read: Read | None = None) -> Accepted:
        """Durable on return. Raises Refused (nothing stored) or StoreUnavailable.

        ``checkpoint`` is where the arrival stood in what it was read from (a line, an offset); it is kept with it. ``read``
        gives what the schema's ``parse`` would: for a door that had to look into the body already.
        """
        if checkpoint is not None:
            arrival = replace(arrival, position=checkpoint)
        if arrival.hops > HOP_LIMIT:
            text = f"it went round {HOP_LIMIT} times between the hub and its partners"
            raise Forbidden([Problem("", "too_many_hops", text, "look for two routes that feed each other")])
        with context(correlation_id=arrival.correlation_id):
            id_at = "Idempotency-Key"
            schema: Schema | None = None
            parsed: Any = None
            try:
                schema, becomes = self._source(arrival)
                if read is None and is_long_work(schema, len(arrival.body)):
                    read = await beforehand(partial(self._parsed, arrival), schema)
                    schema, becomes = self._source(arrival)  # a reload may have come meanwhile
                parsed = self._parsed(arrival, schema) if read is None else read(schema)
                if arrival.key is None and (message_id := schema.message_id(parsed)) is not None:
                    arrival, id_at = replace(arrival, key=f"id:{message_id}"), place_of_id(schema, parsed)
                schema.validate(parsed)
                plan = self._plan(replace(arrival, schema=schema.ref), schema, becomes, parsed)
            except Refused:
                # dedupe comes before validation: what was once accepted under this id is answered as it was then
                first = await self._first(arrival, identity(arrival, schema, parsed), id_at)
                if first is None:
                    raise
                return self._answer(arrival, first, repeated=True)
            with context(dossier=_national_code(plan)):
                try:
                    receipt, repeated = await self._store.accept(plan)
                except IdConflict:
                    raise IdConflict.of_another_body(id_at) from None
                return self._answer(arrival, receipt, repeated=repeated)

    async def replay(self, arrival_id: str, *, actor: str, why: str) -> list[JsonObject]:
        """Translate a kept arrival again from its original bytes, and then those kept behind it.

        Returns the receipts, oldest first; stops at the first that is still kept. Raises NotFound, NotAllowed.
        """
        if await self._store.arrival(arrival_id) is None:
            raise NotFound(f"no arrival {arrival_id}")
        receipts: list[JsonObject] = []
        waiting = await self._store.kept_arrivals(arrival_id)
        if not waiting:
            raise NotAllowed(f"arrival {arrival_id} is not kept, and none is kept behind it")
        for arrival in waiting:
            schema, becomes = self._source(arrival)
            plan = self._plan(arrival, schema, becomes, self._parsed(arrival, schema))
            receipt = await self._store.release(plan, actor=actor, why=why)
            receipts.append(receipt)
            log.info("replayed", arrival_id=arrival.id, outcome=receipt["state"])
            if receipt["state"] == "kept":
                break
        self._on_accepted()
        return receipts

    async def known(self, sender: str, message_id: str) -> JsonObject | None:
        """The receipt of the sender's own message of this id, whether the id stood in it or came beside it."""
        for key in (f"id:{message_id}", message_id):
            if (found := await self._store.first_receipt(sender, key)) is not None:
                return found[1]
        return None

    def _parsed(self, arrival: Arrival, schema: Schema) -> Any:
        return schema.parse(arrival.body, self._max_depth)

    async def _first(self, arrival: Arrival, same: bytes | None, id_at: str) -> JsonObject | None:
        """The first receipt of this sender's id, when the message is the same. Raises IdConflict when it is not."""
        if arrival.key is None or same is None:
            return None
        found = await self._store.first_receipt(arrival.sender, arrival.key)
        if found is None:
            return None
        digest, receipt = found
        if digest != self._store.digest(same):
            raise IdConflict.of_another_body(id_at)
        return receipt

    def _source(self, arrival: Arrival) -> tuple[Schema, tuple[str, ...]]:
        hint = f"send one of: {', '.join(sorted(str(one.ref) for one, _ in self._becomes.values()))}"
        try:
            schema = self._catalog.schema(arrival.schema)
        except UnknownSchema as error:
            strictjson.parse(arrival.body, max_depth=self._max_depth)  # a body that is not even JSON is called that first
            text = f"no schema {arrival.schema} is known"
            raise UnknownSchema([Problem("Hub-Schema", "unknown_schema", text, hint)]) from error
        found = self._becomes.get(schema.ref.id)
        if found is None:
            schema.parse(arrival.body, self._max_depth)
            raise UnknownSchema([Problem("Hub-Schema", "not_a_source", f"{arrival.schema} is not taken from senders", hint)])
        return schema, found[1]

    def _plan(self, arrival: Arrival, schema: Schema, becomes: Sequence[str], parsed: Any) -> Plan:
        aliases = schema.aliases(parsed, arrival.sender)
        if not aliases:
            text = "the message names no dossier"
            raise SchemaInvalid([Problem(schema.subject[0][1] if schema.subject else "", "missing", text, _NO_NAME_HINT)])
        parts: list[Part] = []
        problems: list[Problem] = []
        for target in becomes:
            try:
                part = self._part(schema, target, parsed)
            except TranslationFailed as error:
                problems.extend(problem for problem in error.problems if problem not in problems)
            else:
                if part is not None:
                    parts.append(part)
                    problems.extend(_too_new(part, arrival.received_at))
        return Plan(
            arrival=arrival,
            digest=self._store.digest(identity(arrival, schema, parsed) or arrival.body),
            aliases=aliases,
            parts=() if problems else tuple(parts),
            kept=tuple(problem.as_dict() for problem in problems),
            owner=self._owner(aliases),
        )

    def _part(self, schema: Schema, target: str, parsed: Any) -> Part | None:
        translation = self._catalog.chain(schema.ref, target).translate(parsed)
        if translation is None:
            return None
        canonical = self._catalog.schema(target)
        body = translation.body
        encoded = orjson.dumps(body)

        def trial(schema: SchemaRef, body: Any, partner_schema: str) -> None:
            self._outbox.try_out(self._catalog.chain(schema, partner_schema), body, encoded)

        return Part(
            schema=canonical.ref,
            body=encoded,
            full_state=canonical.full_state,
            version=canonical.version(body),
            matches=self._router.match(canonical.ref, body, trial),
            warnings=tuple(problem.as_dict() for problem in translation.warnings),
            step=canonical.step(body),
        )

    def _owner(self, aliases: Sequence[Alias]) -> str | None:
        """The sender that configuration names as owner of codes that begin so; the longest beginning wins."""
        fits = [
            (len(prefix), owner)
            for alias in aliases
            if alias.system == NATIONAL
            for prefix, owner in self._owners.items()
            if alias.code.startswith(prefix)
        ]
        return max(fits)[1] if fits else None

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


def _too_new(part: Part, now: int) -> list[Problem]:
    """A version far in the future would make every later state of the dossier look old: it must be mended first."""
    if part.version is None or part.version <= now + FUTURE_MICROSECONDS:
        return []
    hint = "correct the time at the source and send again, then discard this"
    return [Problem("modified_at", "version_in_future", "the sender's own time lies more than a month ahead", hint)]


def _national_code(plan: Plan) -> str | None:
    return next((alias.code for alias in plan.aliases if alias.system == NATIONAL), None)
