"""Carries out one intake plan in one transaction: dedupe, dossier and aliases, seq, messages, deliveries, receipt.

Every function here is an operation of the writer: it runs inside a transaction and may refuse only before it writes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, func, insert, select, update

from hub.errors import IdConflict, NotAllowed, NotFound, Problem
from hub.event import EventType
from hub.message import NATIONAL, Alias, new_id
from hub.store import cells, events
from hub.store.fanning import fan_out
from hub.store.fitting import refuse_unfit
from hub.store.prepared import Prepared, PreparedInsert
from hub.store.rows import pack, unpack
from hub.store.said_before import step_before
from hub.store.tables import aliases as al
from hub.store.tables import arrivals as a
from hub.store.tables import bodies, cursors, dossiers
from hub.store.tables import messages as m
from hub.store.values import JsonObject, Part, Plan

_BY_KEY = Prepared(select(a.c.digest, a.c.receipt).where(a.c.sender == bindparam("sender"), a.c.sender_key == bindparam("key")))
_LATEST = Prepared(
    select(a.c.digest, a.c.receipt)
    .where(
        a.c.dossier_id == bindparam("dossier"),
        a.c.sender == bindparam("sender"),
        a.c.schema == bindparam("schema"),
        a.c.state != "discarded",
    )
    .order_by(a.c.ordinal.desc())
    .limit(1)
)
_FIRST_KEPT = Prepared(
    select(a.c.id)
    .where(a.c.dossier_id == bindparam("dossier"), a.c.sender == bindparam("sender"), a.c.state == "kept")
    .order_by(a.c.ordinal)
    .limit(1)
)
_DOSSIER = Prepared(select(dossiers).where(dossiers.c.id == bindparam("dossier")).with_for_update())
_ADVANCE = Prepared(
    update(dossiers)
    .where(dossiers.c.id == bindparam("dossier"))
    .values(last_seq=bindparam("seq"), last_arrival=bindparam("ordinal"), owner=bindparam("owned_by"))
)
_NEWEST_VERSION = Prepared(
    select(func.max(m.c.version)).where(
        m.c.dossier_id == bindparam("dossier"), m.c.sender == bindparam("sender"), m.c.stream == bindparam("stream")
    )
)
_SETTLE_ARRIVAL = Prepared(
    update(a)
    .where(a.c.id == bindparam("one"))
    .values(state=bindparam("new"), reasons=bindparam("now_reasons"), receipt=bindparam("now_receipt"))
)

_ARRIVAL = Prepared(select(a).where(a.c.id == bindparam("one")))
_HOLDER = Prepared(select(al.c.dossier_id).where(al.c.system == bindparam("system"), al.c.code == bindparam("code")))
_ADD_ALIAS = PreparedInsert(al)
_ADD_ARRIVAL = PreparedInsert(a)
_ADD_BODY = PreparedInsert(bodies)
_ADD_DOSSIER = PreparedInsert(dossiers)
_ADD_MESSAGE = PreparedInsert(m)

_ALIAS_CONFLICT = Problem(
    "",
    "alias_conflict",
    "its names belong to two different dossiers",
    "if a name is wrong, mend it at the source, send again and discard this; if both are one dossier, this waits for a merge",
)


_OTHER_DOSSIER = Problem(
    "",
    "other_dossier",
    "it names another dossier than the one it is kept with",
    "have it sent again as a message of its own, and discard this",
)


@dataclass(slots=True)
class _Dossier:
    id: str
    owner: str
    last_seq: int
    last_arrival: int
    created_at: int | None = None
    """When it is made, for one whose row is not written yet."""


def accept(connection: Connection, plan: Plan, digests: tuple[str, ...]) -> tuple[JsonObject, bool]:
    """The receipt, and whether it is the first receipt given again.

    ``digests`` are the salted digests of the plan's parts, in order. Raises IdConflict, and Refused for what cannot be kept.
    """
    outcome = _accept(connection, plan, digests)
    if plan.cursor is not None and plan.arrival.origin is not None:
        _go_on_from(connection, plan.arrival.origin, plan.cursor)
    return outcome


def _go_on_from(connection: Connection, endpoint: str, cursor: str) -> None:
    values = {"value": cursor}
    if connection.execute(update(cursors).where(cursors.c.endpoint == endpoint).values(values)).rowcount == 0:
        connection.execute(insert(cursors), {"endpoint": endpoint, **values})


def _accept(connection: Connection, plan: Plan, digests: tuple[str, ...]) -> tuple[JsonObject, bool]:
    refuse_unfit(plan)
    arrival = plan.arrival
    if arrival.key is not None:
        first = _BY_KEY.row(connection, {"sender": arrival.sender, "key": arrival.key})
        if first is not None:
            if first.digest != plan.digest:
                raise IdConflict.of_another_body()
            return unpack(first.receipt), True
    holders = _holders(connection, plan.aliases)
    known = sorted(set(holders.values()))
    locked = _locked(connection, known[0]) if known else None
    if locked is not None and (arrival.key is None or arrival.is_by_place):
        same = {"dossier": locked.id, "sender": arrival.sender, "schema": str(arrival.schema)}
        latest = _LATEST.row(connection, same)
        if latest is not None and latest.digest == plan.digest:
            first_receipt = unpack(latest.receipt)
            return first_receipt if arrival.key is None else _another_place(connection, plan, locked, first_receipt), True
    dossier = _dossier(plan, locked)
    if len(known) < 2:
        _name(connection, dossier.id, [alias for alias in plan.aliases if alias not in holders], arrival.received_at)
    named_now = [alias for alias in plan.aliases if alias not in holders]
    if plan.owner not in (None, dossier.owner) and any(alias.system == NATIONAL for alias in named_now):
        dossier.owner = plan.owner or dossier.owner  # configuration could not know it before it had this name
    reasons = _keep_reasons(connection, plan, dossier, known)
    receipt = _carry_out(connection, plan, dossier, digests, reasons)
    _add_arrival(connection, plan, dossier, receipt, state=receipt["state"], reasons=pack(reasons))
    _ADD_BODY.run(connection, {"id": arrival.id, "content": arrival.body})
    _tell(connection, plan, receipt)
    return receipt, False


def _tell(connection: Connection, plan: Plan, receipt: JsonObject) -> None:
    """The event of what became of the arrival."""
    arrival = plan.arrival
    kind: EventType = "arrival.kept" if receipt["state"] == "kept" else "arrival.accepted"
    if receipt["state"] == "superseded":
        kind = "arrival.superseded"
    events.happened(
        connection, kind, receipt["dossier"], arrival=arrival.id, sender=arrival.sender, schema=str(arrival.schema),
        correlation_id=arrival.correlation_id, messages=[one["id"] for one in receipt["messages"]] or None,
        codes=sorted({one["code"] for one in receipt["reasons"]}) if "reasons" in receipt else None,
    )  # fmt: skip


def _add_arrival(connection: Connection, plan: Plan, dossier: _Dossier, receipt: JsonObject, **ended: Any) -> None:
    arrival = plan.arrival
    _ADD_ARRIVAL.run(
        connection,
        {
            "id": arrival.id, "sender": arrival.sender, "sender_key": arrival.key, "schema": str(arrival.schema),
            "position": arrival.position, "dossier_id": dossier.id, "ordinal": dossier.last_arrival, "digest": plan.digest,
            "receipt": pack(receipt), "received_at": arrival.received_at, "correlation_id": arrival.correlation_id,
            "traceparent": arrival.traceparent, "origin": arrival.origin, "hops": arrival.hops, **ended,
        },
    )  # fmt: skip


def _another_place(connection: Connection, plan: Plan, dossier: _Dossier, first: JsonObject) -> JsonObject:
    """The dossier's latest arrival came again and stands in another place: put on record, so that the place is known when it
    is read again, behind whatever; without messages or a body. The same as one that is kept comes to nothing itself, and has
    the receipt of that one."""
    arrival = plan.arrival
    dossier.last_arrival += 1
    _write(connection, dossier)
    if first["state"] == "kept":
        why = f"the same as arrival {first['arrival']}, which is kept"
        gone = {"state": "discarded", "settled_by": "intake", "why": why}
        _add_arrival(connection, plan, dossier, first, reasons=pack([]), **gone)
        return first
    known = [{"id": one["id"], "schema": one["schema"], "state": "known", "routes": []} for one in first["messages"]]
    receipt = {
        "arrival": arrival.id, "state": first["state"], "dossier": dossier.id, "correlation_id": arrival.correlation_id,
        "messages": known,
    }  # fmt: skip
    _add_arrival(connection, plan, dossier, receipt, state=first["state"], reasons=pack([]))
    return receipt


def release(connection: Connection, plan: Plan, digests: tuple[str, ...]) -> JsonObject:
    """Translate a kept arrival again: with parts it becomes accepted, with reasons it stays kept and they are renewed."""
    refuse_unfit(plan)
    asked = {"one": plan.arrival.id}
    row = _ARRIVAL.row(connection, asked)
    if row is None:
        raise NotFound(f"no arrival {plan.arrival.id}")
    dossier = _locked(connection, row.dossier_id)
    row = _ARRIVAL.row(connection, asked)
    if row.state != "kept":
        raise NotAllowed(f"arrival {row.id} is {row.state}; only a kept arrival can be replayed")
    first = _FIRST_KEPT.scalar(connection, {"dossier": row.dossier_id, "sender": row.sender})
    if not plan.kept and first != row.id:
        raise NotAllowed(f"arrival {row.id} waits behind arrival {first} of the same dossier: replay that one first")
    holders = set(_holders(connection, plan.aliases).values())
    foreign = holders - {dossier.id}
    reasons = list(plan.kept) or ([_ALIAS_CONFLICT.as_dict()] if foreign else [])
    if not reasons and dossier.id not in holders:
        reasons = [_OTHER_DOSSIER.as_dict()]
    if holders == {dossier.id}:
        learn(connection, dossier.id, plan.aliases, plan.arrival.received_at)
    receipt = _carry_out(connection, plan, dossier, digests, reasons)
    values = {
        "one": row.id,
        "new": receipt["state"],
        "now_reasons": pack(reasons),
        "now_receipt": pack(receipt),
    }
    _SETTLE_ARRIVAL.run(connection, values)
    events.happened(connection, "arrival.replayed", row.dossier_id, arrival=row.id)
    _tell(connection, plan, receipt)
    return receipt


def _holders(connection: Connection, aliases: Sequence[Alias]) -> dict[Alias, str]:
    """Which dossier each of the names belongs to; names that are new are left out."""
    found = ((one, _HOLDER.scalar(connection, {"system": one.system, "code": one.code})) for one in aliases)
    return {one: holder for one, holder in found if holder is not None}


def _locked(connection: Connection, dossier_id: str) -> _Dossier:
    """The dossier's row, which nobody else changes until the transaction ends."""
    found = _DOSSIER.row(connection, {"dossier": dossier_id})
    return _Dossier(found.id, found.owner, found.last_seq, found.last_arrival)


def _dossier(plan: Plan, dossier: _Dossier | None) -> _Dossier:
    """The dossier advanced by one arrival; a new one when no system's code is known yet (``_write`` it)."""
    arrival = plan.arrival
    if dossier is not None:
        dossier.last_arrival += 1
    else:
        dossier = _Dossier(new_id(), plan.owner or arrival.sender, 0, 1, arrival.received_at)
    return dossier


def held_by_another(connection: Connection, dossier_id: str, aliases: Sequence[Alias]) -> Alias | None:
    """The first of the names that belongs to another dossier."""
    return next((one for one, holder in _holders(connection, aliases).items() if holder != dossier_id), None)


def learn(connection: Connection, dossier_id: str, aliases: Sequence[Alias], now: int) -> list[Alias]:
    """Add names of a dossier; returns those that already belong to another dossier (never moved)."""
    holders = _holders(connection, aliases)
    _name(connection, dossier_id, [alias for alias in aliases if alias not in holders], now)
    return [alias for alias, holder in holders.items() if holder != dossier_id]


def _name(connection: Connection, dossier_id: str, aliases: Sequence[Alias], now: int) -> None:
    """Write names down that nobody holds."""
    for one in dict.fromkeys(aliases):
        _ADD_ALIAS.run(connection, {"system": one.system, "code": one.code, "dossier_id": dossier_id, "learned_at": now})
    events.named(connection, dossier_id, tuple(dict.fromkeys(aliases)))


def _keep_reasons(connection: Connection, plan: Plan, dossier: _Dossier, known: list[str]) -> list[JsonObject]:
    """Why the arrival must be kept: it cannot be translated, its names contradict, or one before it is kept."""
    if plan.kept:
        return list(plan.kept)
    if len(known) > 1:
        return [_ALIAS_CONFLICT.as_dict()]
    mine = {"dossier": dossier.id, "sender": plan.arrival.sender}
    before = _FIRST_KEPT.scalar(connection, mine) if known else None
    if before is not None:
        text = f"an earlier arrival of this dossier is kept: {before}"
        return [Problem("", "behind_kept", text, "replay or discard that one; this one follows by itself").as_dict()]
    return []


def _carry_out(
    connection: Connection, plan: Plan, dossier: _Dossier, digests: tuple[str, ...], reasons: list[JsonObject]
) -> dict[str, Any]:
    """Messages and deliveries of the parts, unless there are reasons to keep the arrival; returns the receipt."""
    arrival = plan.arrival
    receipt: dict[str, Any] = {
        "arrival": arrival.id, "state": "kept" if reasons else "accepted", "dossier": dossier.id,
        "correlation_id": arrival.correlation_id, "messages": [],
    }  # fmt: skip
    if reasons:
        receipt["reasons"] = reasons
    else:
        receipt["messages"] = [
            _message(connection, plan, dossier, part, digest) for part, digest in zip(plan.parts, digests, strict=True)
        ]
        states = {entry["state"] for entry in receipt["messages"]}
        if states and states <= {"superseded", "known"} and "superseded" in states:
            receipt["state"] = "superseded"
    _write(connection, dossier)
    return receipt


def _is_late(connection: Connection, dossier: _Dossier, part: Part, sender: str) -> bool:
    """Whether it is an older full state than one that the sender sent of the dossier before."""
    if not part.full_state or part.version is None or not dossier.last_seq:
        return False
    latest = _NEWEST_VERSION.scalar(connection, {"dossier": dossier.id, "sender": sender, "stream": part.stream})
    return latest is not None and part.version < latest


def _write(connection: Connection, dossier: _Dossier) -> None:
    if dossier.created_at is None:
        values = {"dossier": dossier.id, "seq": dossier.last_seq, "ordinal": dossier.last_arrival, "owned_by": dossier.owner}
        _ADVANCE.run(connection, values)
        return
    row = {
        "id": dossier.id, "owner": dossier.owner, "last_seq": dossier.last_seq, "last_arrival": dossier.last_arrival,
        "created_at": dossier.created_at,
    }  # fmt: skip
    _ADD_DOSSIER.run(connection, row)


def _message(connection: Connection, plan: Plan, dossier: _Dossier, part: Part, digest: str) -> dict[str, Any]:
    arrival = plan.arrival
    only = None if arrival.anew_at is None else frozenset({arrival.anew_at})
    there: frozenset[str] = frozenset()
    observed = dossier.owner != arrival.sender
    heard = observed and any(match.observations for match in part.matches)
    if not part.full_state and dossier.last_seq and only is None:
        before = step_before(connection, dossier.id, part.stream, digest, arrival.sender, alone=heard)
        there = before.there
        if before.known is not None:
            only = before.again
            if not only or (observed and not heard):
                return {"id": before.known, "schema": str(part.schema), "state": "known", "routes": []}
    state = "conflict" if observed else "routed"
    late = _is_late(connection, dossier, part, arrival.sender)
    if late and not observed:
        state = "superseded"
    dossier.last_seq += 1
    message_id = new_id()
    _ADD_MESSAGE.run(
        connection,
        {
            "id": message_id, "arrival_id": arrival.id, "dossier_id": dossier.id, "seq": dossier.last_seq,
            "sender": arrival.sender, "stream": part.stream, "schema": str(part.schema), "full_state": part.full_state,
            "version": part.version, "digest": digest, "state": state, "correlation_id": arrival.correlation_id,
            "traceparent": arrival.traceparent, "origin": arrival.origin, "hops": arrival.hops,
            "warnings": pack(part.warnings) if part.warnings else None, "accepted_at": arrival.received_at,
        },
    )  # fmt: skip
    _ADD_BODY.run(connection, {"id": message_id, "content": part.body})
    events.happened(
        connection, "message.accepted", dossier.id, message=message_id, arrival=arrival.id, sender=arrival.sender,
        stream=part.stream, schema=str(part.schema), seq=dossier.last_seq, state=state, origin=arrival.origin,
        correlation_id=arrival.correlation_id,
    )  # fmt: skip
    routes = []
    if arrival.origin is not None and not late:
        told = (dossier.id, arrival.origin, part.stream, dossier.last_seq)
        cells.heard(connection, *told, arrival.received_at, message_id)
    if not late:
        routes = fan_out(
            connection, arrival, dossier.id, dossier.last_seq, message_id, part, only, there=there, observed=observed
        )
    entry: dict[str, Any] = {
        "id": message_id, "schema": str(part.schema), "seq": dossier.last_seq, "state": state, "routes": routes,
    }  # fmt: skip
    if part.warnings:
        entry["warnings"] = list(part.warnings)
    return entry
