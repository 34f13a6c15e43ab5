"""Carries out one intake plan in one transaction: dedupe, dossier and aliases, seq, messages, deliveries, receipt.

Every function here is an operation of the writer: it runs inside a transaction and may refuse only before it writes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, and_, bindparam, func, insert, or_, select, update

from hub.errors import IdConflict, NotAllowed, NotFound, Problem
from hub.message import NATIONAL, Alias, new_id
from hub.store.fanning import fan_out
from hub.store.fitting import refuse_unfit
from hub.store.port import JsonObject, Part, Plan
from hub.store.rows import pack, unpack
from hub.store.tables import aliases as al
from hub.store.tables import arrivals as a
from hub.store.tables import bodies, dossiers
from hub.store.tables import messages as m

_BY_KEY = select(a.c.digest, a.c.receipt).where(a.c.sender == bindparam("sender"), a.c.sender_key == bindparam("key"))
_LATEST = (
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
_FIRST_KEPT = (
    select(a.c.id)
    .where(a.c.dossier_id == bindparam("dossier"), a.c.sender == bindparam("sender"), a.c.state == "kept")
    .order_by(a.c.ordinal)
    .limit(1)
)
_DOSSIER = select(dossiers).where(dossiers.c.id == bindparam("dossier")).with_for_update()
_ADVANCE = (
    update(dossiers)
    .where(dossiers.c.id == bindparam("dossier"))
    .values(last_seq=bindparam("seq"), last_arrival=bindparam("ordinal"), owner=bindparam("owned_by"))
)
_NEWEST_VERSION = select(func.max(m.c.version)).where(
    m.c.dossier_id == bindparam("dossier"), m.c.sender == bindparam("sender"), m.c.stream == bindparam("stream")
)
_SAME_STEP = (
    select(m.c.id)
    .where(
        m.c.dossier_id == bindparam("dossier"),
        m.c.stream == bindparam("stream"),
        m.c.digest == bindparam("digest"),
        or_(m.c.state == "routed", m.c.sender == bindparam("sender")),
    )
    .limit(1)
)
_SETTLE_ARRIVAL = (
    update(a)
    .where(a.c.id == bindparam("one"))
    .values(state=bindparam("new"), reasons=bindparam("now_reasons"), receipt=bindparam("now_receipt"))
)

_ALIAS_CONFLICT = Problem(
    "",
    "alias_conflict",
    "its names belong to two different dossiers",
    "if a name is wrong, mend it at the source, send again and discard this; if both are one dossier, this waits for a merge",
)


@dataclass(slots=True)
class _Dossier:
    id: str
    owner: str
    last_seq: int
    last_arrival: int


def accept(connection: Connection, plan: Plan, digests: tuple[str, ...]) -> tuple[JsonObject, bool]:
    """The receipt, and whether it is the first receipt given again.

    ``digests`` are the salted digests of the plan's parts, in order. Raises IdConflict, and Refused for what cannot be kept.
    """
    refuse_unfit(plan)
    arrival = plan.arrival
    if arrival.key is not None:
        first = connection.execute(_BY_KEY, {"sender": arrival.sender, "key": arrival.key}).first()
        if first is not None:
            if first.digest != plan.digest:
                raise IdConflict.of_another_body()
            return unpack(first.receipt), True
    holders = _holders(connection, plan.aliases)
    known = sorted(set(holders.values()))
    locked = _locked(connection, known[0]) if known else None
    if arrival.key is None and known:
        same = {"dossier": known[0], "sender": arrival.sender, "schema": str(arrival.schema)}
        latest = connection.execute(_LATEST, same).first()
        if latest is not None and latest.digest == plan.digest:
            return unpack(latest.receipt), True
    dossier = _dossier(connection, plan, locked)
    if len(known) < 2:
        _name(connection, dossier.id, [alias for alias in plan.aliases if alias not in holders], arrival.received_at)
    named_now = [alias for alias in plan.aliases if alias not in holders]
    if plan.owner not in (None, dossier.owner) and any(alias.system == NATIONAL for alias in named_now):
        dossier.owner = plan.owner or dossier.owner  # configuration could not know it before it had this name
    reasons = _keep_reasons(connection, plan, dossier, known)
    receipt = _carry_out(connection, plan, dossier, digests, reasons)
    connection.execute(
        insert(a),
        {
            "id": arrival.id, "sender": arrival.sender, "sender_key": arrival.key, "schema": str(arrival.schema),
            "position": arrival.position, "dossier_id": dossier.id, "ordinal": dossier.last_arrival, "digest": plan.digest,
            "state": receipt["state"], "reasons": pack(reasons), "receipt": pack(receipt), "received_at": arrival.received_at,
            "correlation_id": arrival.correlation_id, "traceparent": arrival.traceparent, "origin": arrival.origin,
            "hops": arrival.hops,
        },
    )  # fmt: skip
    connection.execute(insert(bodies), {"id": arrival.id, "content": arrival.body})
    return receipt, False


def release(connection: Connection, plan: Plan, digests: tuple[str, ...]) -> JsonObject:
    """Translate a kept arrival again: with parts it becomes accepted, with reasons it stays kept and they are renewed."""
    refuse_unfit(plan)
    asked = select(a).where(a.c.id == plan.arrival.id)
    row = connection.execute(asked).first()
    if row is None:
        raise NotFound(f"no arrival {plan.arrival.id}")
    dossier = _locked(connection, row.dossier_id)
    row = connection.execute(asked).one()
    if row.state != "kept":
        raise NotAllowed(f"arrival {row.id} is {row.state}; only a kept arrival can be replayed")
    first = connection.execute(_FIRST_KEPT, {"dossier": row.dossier_id, "sender": row.sender}).scalar()
    if not plan.kept and first != row.id:
        raise NotAllowed(f"arrival {row.id} waits behind arrival {first} of the same dossier: replay that one first")
    foreign = [one for one in _holders(connection, plan.aliases).values() if one != dossier.id]
    reasons = list(plan.kept) or ([_ALIAS_CONFLICT.as_dict()] if foreign else [])
    if not foreign:
        learn(connection, dossier.id, plan.aliases, plan.arrival.received_at)
    receipt = _carry_out(connection, plan, dossier, digests, reasons)
    values = {
        "one": row.id,
        "new": receipt["state"],
        "now_reasons": pack(reasons),
        "now_receipt": pack(receipt),
    }
    connection.execute(_SETTLE_ARRIVAL, values)
    return receipt


def _holders(connection: Connection, aliases: Sequence[Alias]) -> dict[Alias, str]:
    """Which dossier each of the names belongs to; names that are new are left out."""
    if not aliases:
        return {}
    same = or_(*(and_(al.c.system == one.system, al.c.code == one.code) for one in aliases))
    return {Alias(row.system, row.code): row.dossier_id for row in connection.execute(select(al).where(same))}


def _locked(connection: Connection, dossier_id: str) -> _Dossier:
    """The dossier's row, which nobody else changes until the transaction ends."""
    found = connection.execute(_DOSSIER, {"dossier": dossier_id}).one()
    return _Dossier(found.id, found.owner, found.last_seq, found.last_arrival)


def _dossier(connection: Connection, plan: Plan, dossier: _Dossier | None) -> _Dossier:
    """The dossier advanced by one arrival; made when no system's code is known yet."""
    arrival = plan.arrival
    if dossier is not None:
        dossier.last_arrival += 1
    else:
        dossier = _Dossier(new_id(), plan.owner or arrival.sender, 0, 1)
        connection.execute(
            insert(dossiers),
            {
                "id": dossier.id,
                "owner": dossier.owner,
                "last_seq": 0,
                "last_arrival": 1,
                "created_at": arrival.received_at,
            },
        )
    return dossier


def learn(connection: Connection, dossier_id: str, aliases: Sequence[Alias], now: int) -> list[Alias]:
    """Add names of a dossier; returns those that already belong to another dossier (never moved)."""
    holders = _holders(connection, aliases)
    _name(connection, dossier_id, [alias for alias in aliases if alias not in holders], now)
    return [alias for alias, holder in holders.items() if holder != dossier_id]


def _name(connection: Connection, dossier_id: str, aliases: Sequence[Alias], now: int) -> None:
    """Write names down that nobody holds."""
    if aliases:
        rows = [
            {"system": one.system, "code": one.code, "dossier_id": dossier_id, "learned_at": now}
            for one in dict.fromkeys(aliases)
        ]
        connection.execute(insert(al), rows)


def _keep_reasons(connection: Connection, plan: Plan, dossier: _Dossier, known: list[str]) -> list[JsonObject]:
    """Why the arrival must be kept: it cannot be translated, its names contradict, or one before it is kept."""
    if plan.kept:
        return list(plan.kept)
    if len(known) > 1:
        return [_ALIAS_CONFLICT.as_dict()]
    mine = {"dossier": dossier.id, "sender": plan.arrival.sender}
    before = connection.execute(_FIRST_KEPT, mine).scalar() if known else None
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
    values = {"dossier": dossier.id, "seq": dossier.last_seq, "ordinal": dossier.last_arrival, "owned_by": dossier.owner}
    connection.execute(_ADVANCE, values)
    return receipt


def _message(connection: Connection, plan: Plan, dossier: _Dossier, part: Part, digest: str) -> dict[str, Any]:
    arrival = plan.arrival
    if not part.full_state and dossier.last_seq:
        same = {"dossier": dossier.id, "stream": part.stream, "digest": digest, "sender": arrival.sender}
        known = connection.execute(_SAME_STEP, same).scalar()
        if known is not None:
            return {"id": known, "schema": str(part.schema), "state": "known", "routes": []}
    state = "routed"
    if dossier.owner != arrival.sender:
        state = "conflict"
    elif part.full_state and part.version is not None and dossier.last_seq:
        newest = {"dossier": dossier.id, "sender": arrival.sender, "stream": part.stream}
        latest = connection.execute(_NEWEST_VERSION, newest).scalar()
        if latest is not None and part.version < latest:
            state = "superseded"
    dossier.last_seq += 1
    message_id = new_id()
    connection.execute(
        insert(m),
        {
            "id": message_id, "arrival_id": arrival.id, "dossier_id": dossier.id, "seq": dossier.last_seq,
            "sender": arrival.sender, "stream": part.stream, "schema": str(part.schema), "full_state": part.full_state,
            "version": part.version, "digest": digest, "state": state, "correlation_id": arrival.correlation_id,
            "traceparent": arrival.traceparent, "origin": arrival.origin, "hops": arrival.hops,
            "warnings": pack(part.warnings) if part.warnings else None, "accepted_at": arrival.received_at,
        },
    )  # fmt: skip
    connection.execute(insert(bodies), {"id": message_id, "content": part.body})
    routes = fan_out(connection, arrival, dossier.id, dossier.last_seq, message_id, part) if state == "routed" else []
    entry: dict[str, Any] = {
        "id": message_id, "schema": str(part.schema), "seq": dossier.last_seq, "state": state, "routes": routes,
    }  # fmt: skip
    if part.warnings:
        entry["warnings"] = list(part.warnings)
    return entry
