"""The lane rules, in one place: one lane per (dossier, endpoint), first in first out, only its head claimable.

A dead delivery holds its lane. A newer full-state message replaces, in its place, an older one of the same stream that is
dead and was never in doubt (or, where the route coalesces, one that still waits); the replaced one is superseded.
Every function runs inside the caller's transaction, which holds the dossier's row.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, bindparam, literal_column, select, update

from hub.store import cells
from hub.store.port import OPEN_STATES
from hub.store.prepared import Prepared
from hub.store.rows import AnyRow
from hub.store.tables import deliveries as d

_OPEN = select(
    d.c.id, d.c.route, d.c.position, d.c.seq, d.c.state, d.c.stream, d.c.full_state, d.c.doubted, d.c.head, d.c.number
).where(
    d.c.dossier_id == bindparam("dossier"),
    d.c.endpoint == bindparam("endpoint"),
    d.c.state.in_([literal_column(f"'{state}'") for state in OPEN_STATES]),
)
_OPEN_IN_ORDER = Prepared(_OPEN.order_by(d.c.position, d.c.seq, d.c.id))
_NEWEST_SENT = Prepared(select(d.c.id).where(
    d.c.dossier_id == bindparam("dossier"), d.c.endpoint == bindparam("endpoint"), d.c.route == bindparam("route"),
    d.c.stream == bindparam("stream"), d.c.state == "delivered", d.c.full_state, d.c.seq > bindparam("seq"),
).order_by(d.c.seq.desc()).limit(1))  # fmt: skip
_SUPERSEDE = Prepared(
    update(d)
    .where(d.c.id == bindparam("old"))
    .values(state="superseded", head=False, settled_at=bindparam("now"), settled_by="lane", why=bindparam("because"))
)
_SET_HEAD = Prepared(update(d).where(d.c.id == bindparam("one")).values(head=bindparam("is_head")))
_MOVE = Prepared(update(d).where(d.c.id == bindparam("one")).values(position=bindparam("to")))


def open_in_order(connection: Connection, dossier_id: str, endpoint: str) -> Sequence[AnyRow]:
    """The lane: its open deliveries, the head first."""
    return _OPEN_IN_ORDER.rows(connection, {"dossier": dossier_id, "endpoint": endpoint})


def replaceable(lane: Sequence[AnyRow], route: str, stream: str, seq: int, *, coalesce: bool) -> list[AnyRow]:
    """Those of the lane that a full-state message with this seq replaces on its route, in order."""
    return [
        row
        for row in lane
        if (row.route, row.stream) == (route, stream)
        and row.full_state
        and row.seq < seq
        and not row.doubted
        and (row.state == "dead" or (coalesce and row.state == "pending"))
    ]


def supersede(connection: Connection, dossier_id: str, endpoint: str, old: AnyRow, by: str, now: int) -> None:
    """Mark ``old`` superseded by the delivery ``by``."""
    _SUPERSEDE.run(connection, {"old": old.id, "now": now, "because": f"replaced by {by}"})
    cells.closed(connection, dossier_id, endpoint, str(old.stream), was_dead=old.state == "dead")


def heal_dead(connection: Connection, dossier_id: str, endpoint: str, dead_id: str, now: int) -> str | None:
    """When a newer state of the same stream already waits behind a delivery that just died, it takes its place.

    Returns the id of the delivery that replaced it, None when nothing did.
    """
    lane = open_in_order(connection, dossier_id, endpoint)
    dead = next((row for row in lane if row.id == dead_id), None)
    if dead is None or not dead.full_state or dead.doubted:
        return None
    for row in lane:
        if (row.route, row.stream) == (dead.route, dead.stream) and row.seq > dead.seq and row.state == "pending":
            supersede(connection, dossier_id, endpoint, dead, str(row.id), now)
            _MOVE.run(connection, {"one": row.id, "to": dead.position})
            return str(row.id)
    return None


def newer_sent(connection: Connection, dossier_id: str, endpoint: str, route: str, stream: str, seq: int) -> str | None:
    """The delivery of a newer state that the partner already took on this route; None when there is none."""
    values = {"dossier": dossier_id, "endpoint": endpoint, "route": route, "stream": stream, "seq": seq}
    found: str | None = _NEWEST_SENT.scalar(connection, values)
    return found


def went_past(connection: Connection, sent: AnyRow, now: int) -> None:
    """A delivery was taken by the partner: an older state that was back-filled behind it is superseded, the next promoted."""
    lane = open_in_order(connection, sent.dossier_id, sent.endpoint)
    older = replaceable(lane, sent.route, sent.stream, sent.seq, coalesce=True) if sent.full_state else []
    for row in older:
        supersede(connection, sent.dossier_id, sent.endpoint, row, str(sent.id), now)
    promote(connection, sent.dossier_id, sent.endpoint, [row for row in lane if row not in older])


def promote(connection: Connection, dossier_id: str, endpoint: str, lane: Sequence[AnyRow] | None = None) -> None:
    """Make one delivery of the lane, and it alone, the head: the one under way or in doubt, else the oldest open one."""
    if lane is None:
        lane = open_in_order(connection, dossier_id, endpoint)
    under_way = [row for row in lane if row.state in ("claimed", "in_doubt")]
    for row in lane:
        is_head = row is (under_way or lane)[0]
        if bool(row.head) is not is_head:
            _SET_HEAD.run(connection, {"one": row.id, "is_head": is_head})
