"""What a restored store cannot know, and how it is decided: what the hub sent after the backup was taken.

A restore pauses every endpoint and remembers it in ``meta``. Meanwhile messages are taken in and wait, so that senders can
send again what they sent since the backup. Before an endpoint is resumed, its lanes get their fates (``hub.ledger.restored``
finds them out); until then ``refuse_unknown`` keeps it paused. Every function runs inside the writer's transaction, or is a
read where said.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, and_, delete, func, insert, select, update

from hub.errors import NotAllowed
from hub.event import EventType
from hub.store import cells, events, lanes
from hub.store.delivering import record
from hub.store.rows import pack, unpack
from hub.store.tables import aliases as al
from hub.store.tables import attempts as at
from hub.store.tables import bodies, dossiers, endpoints, meta
from hub.store.tables import deliveries as d
from hub.store.tables import messages as m
from hub.store.values import OPEN_STATES, Fate, JsonObject

_RESTORED = select(meta.c.value).where(meta.c.name == "restored")
_UNDECIDED = ("pending", "claimed", "in_doubt")
_BY = "restore"
_WHAT_BECOMES: Mapping[Fate | None, dict[str, Any]] = {
    "there": {"state": "delivered", "head": False, "settled_by": _BY, "why": "the partner holds this state", "code": None},
    "passed": {"state": "superseded", "head": False, "settled_by": _BY, "why": "the partner holds a newer state"},
    "again": {"state": "pending", "code": "restored", "doubted": True},
    "hold": {
        "state": "dead", "code": "in_doubt", "doubted": True,
        "reason": "the hub was restored from a backup; this may have been sent after it was taken",
    },
    None: {"doubted": True},
}  # fmt: skip


_TOLD_AS: Mapping[Fate, EventType] = {
    "there": "delivery.delivered", "passed": "delivery.superseded", "again": "delivery.waiting", "hold": "delivery.dead",
}  # fmt: skip


def mark_restored(connection: Connection, moment: int, now: int, configured: Collection[str], actor: str) -> None:
    """Pause every endpoint, and remember of what moment the store is."""
    used = connection.execute(select(d.c.endpoint).distinct()).scalars().all()
    names = sorted({*configured, *used})
    connection.execute(delete(meta).where(meta.c.name == "restored"))
    said = {"moment": moment, "at": now, "undecided": names}
    connection.execute(insert(meta), {"name": "restored", "value": pack(said)})
    connection.execute(delete(endpoints).where(endpoints.c.name.in_(names)))
    why = "restored from a backup: let every sender send again what it sent since, then resume"
    rows = [{"name": name, "paused_by": _BY, "paused_at": now, "why": why} for name in names]
    if rows:
        connection.execute(insert(endpoints), rows)
    events.begin_again(connection, now)
    record(connection, now, actor, "restore", "store", f"a backup of {moment}")


def restored(connection: Connection) -> JsonObject | None:
    """Read: ``moment`` of the backup, ``at`` of the restore, endpoints still ``undecided``; None if it never was restored."""
    found: JsonObject | None = unpack(connection.execute(_RESTORED).scalar())
    return found


def refuse_unknown(connection: Connection, endpoint: str) -> None:
    """Raises NotAllowed while it is not decided what the endpoint was sent after the backup."""
    found = restored(connection)
    if found is not None and endpoint in found["undecided"]:
        raise NotAllowed(
            f"the store was restored from a backup: `hub endpoint resume {endpoint}` finds out first what was sent"
        )


def lanes_of(connection: Connection, endpoint: str, after: str | None, limit: int) -> list[list[JsonObject]]:
    """Read: a page of the endpoint's lanes that hold something of unknown fate, by dossier, each from its newest delivered
    state (if its body is still there) to its end; with the canonical body and what a connector must know of it."""
    here = and_(d.c.endpoint == endpoint, d.c.dossier_id > (after or ""))
    some = select(d.c.dossier_id).where(here, d.c.state.in_(_UNDECIDED)).distinct().order_by(d.c.dossier_id).limit(limit)
    ids = connection.execute(some).scalars().all()
    there = and_(d.c.endpoint == endpoint, d.c.dossier_id.in_(ids))
    newest = (
        select(d.c.dossier_id, func.max(d.c.seq).label("seq"))
        .where(there, d.c.full_state, d.c.state == "delivered")
        .group_by(d.c.dossier_id)
        .subquery()
    )
    is_newest = and_(newest.c.dossier_id == d.c.dossier_id, newest.c.seq == d.c.seq, d.c.state == "delivered")
    rows = connection.execute(
        select(
            d.c.id, d.c.dossier_id, d.c.message_id, d.c.route, d.c.full_state, d.c.seq, d.c.state, d.c.created_at,
            m.c.schema, m.c.arrival_id, m.c.correlation_id, bodies.c.content,
        )
        .join(m, m.c.id == d.c.message_id)
        .outerjoin(bodies, bodies.c.id == d.c.message_id)
        .outerjoin(newest, is_newest)
        .where(there, d.c.state.in_(OPEN_STATES) | newest.c.seq.is_not(None))
        .order_by(d.c.dossier_id, d.c.state != "delivered", d.c.position, d.c.seq, d.c.id)
    ).mappings()  # fmt: skip
    codes: dict[str, dict[str, str]] = {}
    for alias in connection.execute(select(al).where(al.c.dossier_id.in_(ids)).order_by(al.c.learned_at)):
        codes.setdefault(alias.dossier_id, {})[alias.system] = alias.code
    found: dict[str, list[JsonObject]] = {}
    for row in rows:
        found.setdefault(row["dossier_id"], []).append({**row, "codes": codes.get(row["dossier_id"], {})})
    return [found[one] for one in ids]


def decide(connection: Connection, endpoint: str, fates: Mapping[str, Fate], now: int) -> int:
    """Carry out the fates of deliveries that are still open; those without one stay as they are. Returns how many are held."""
    asked = select(d).where(d.c.id.in_(fates), d.c.endpoint == endpoint, d.c.state.in_(OPEN_STATES))
    ids = sorted(set(connection.execute(asked.with_only_columns(d.c.dossier_id)).scalars()))
    connection.execute(select(dossiers.c.id).where(dossiers.c.id.in_(ids)).order_by(dossiers.c.id).with_for_update())
    held = 0
    for row in connection.execute(asked.order_by(d.c.dossier_id, d.c.position)).all():
        lane = (row.dossier_id, endpoint, row.stream)
        # what is dead stays so; but an operator may have had it sent, and must look before it is sent again
        fate = fates[row.id] if row.state != "dead" else None
        values = _WHAT_BECOMES[fate]
        if fate != "again" and fate is not None:
            values = {**values, "next_at": None, "settled_at": now}
        connection.execute(update(d).where(d.c.id == row.id).values(**values))
        if fate is not None:
            events.settled(connection, _TOLD_AS[fate], row, code=values.get("code"))
        if row.state in ("claimed", "in_doubt"):
            ended = {"ended_at": now, "outcome": "in_doubt", "code": "restored"} if row.state == "claimed" else {}
            resolved = {**ended, "resolved": f"restored: {fate}", "resolved_at": now}
            connection.execute(update(at).where(at.c.id == row.attempt_id).values(**resolved))
        if "doubted" in values:
            cells.doubted(connection, *lane)
        if fate == "hold":
            cells.dead(connection, *lane, 1)
            held += 1
        if fate == "there":
            cells.delivered(connection, *lane, row.seq, now, row.message_id)
        elif fate == "passed":
            cells.closed(connection, *lane, was_dead=False)
    for dossier_id in ids:
        lanes.promote(connection, dossier_id, endpoint)
    return held


def decided(connection: Connection, endpoint: str) -> None:
    """The endpoint's lanes all have their fate: it may be resumed."""
    found = restored(connection)
    if found is not None:
        left: Sequence[str] = [name for name in found["undecided"] if name != endpoint]
        connection.execute(update(meta).where(meta.c.name == "restored").values(value=pack({**found, "undecided": left})))
