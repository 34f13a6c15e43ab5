"""The lane rules, in one place: one lane per (dossier, endpoint), first in first out, only its head claimable.

A dead delivery holds its lane. A newer full-state message replaces, in its place, an older one of the same stream that is
dead and was never in doubt (or, where the route coalesces, one that still waits), if it is of the same voice: one sender's, or
the owner's, whoever that was when it spoke. The replaced one is superseded. No state passes one of another voice that was said
before it: then it stays in its own place.
Every function runs inside the caller's transaction, which holds the dossier's row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, literal_column, or_, select, update

from hub.store import cells, events
from hub.store.prepared import Prepared
from hub.store.rows import AnyRow
from hub.store.tables import deliveries as d
from hub.store.tables import messages as m
from hub.store.values import OPEN_STATES

_IN_LANE = (
    d.c.dossier_id == bindparam("dossier"),
    d.c.endpoint == bindparam("endpoint"),
    d.c.state.in_([literal_column(f"'{state}'") for state in OPEN_STATES]),
)
_OPEN = select(
    d.c.id, d.c.message_id, d.c.dossier_id, d.c.endpoint, d.c.route, d.c.position, d.c.seq, d.c.state, d.c.stream,
    d.c.full_state, d.c.doubted, d.c.head, d.c.number,
    m.c.sender, m.c.state.label("said_as"),
).join(m, m.c.id == d.c.message_id).where(*_IN_LANE)  # fmt: skip
_OPEN_IN_ORDER = Prepared(_OPEN.order_by(d.c.position, d.c.seq, d.c.id))
_ANY_OPEN = Prepared(select(d.c.id).where(*_IN_LANE).limit(literal_column("1")))
_VOICE = Prepared(select(m.c.sender, m.c.state.label("said_as")).where(m.c.id == bindparam("message")))
_NEWEST_SENT = Prepared(select(d.c.id).join(m, m.c.id == d.c.message_id).where(
    d.c.dossier_id == bindparam("dossier"), d.c.endpoint == bindparam("endpoint"), d.c.route == bindparam("route"),
    d.c.stream == bindparam("stream"), d.c.state == "delivered", d.c.full_state, d.c.seq > bindparam("seq"),
    or_(m.c.sender == bindparam("sender"), m.c.state == bindparam("said_as")),
).order_by(d.c.seq.desc()).limit(1))  # fmt: skip
_SUPERSEDE = Prepared(
    update(d)
    .where(d.c.id == bindparam("old"))
    .values(state="superseded", head=False, settled_at=bindparam("now"), settled_by="lane", why=bindparam("because"))
)
_SET_HEAD = Prepared(update(d).where(d.c.id == bindparam("one")).values(head=bindparam("is_head")))
_MOVE = Prepared(update(d).where(d.c.id == bindparam("one")).values(position=bindparam("to")))


@dataclass(frozen=True, slots=True)
class Voice:
    """Whose word a message is; ``owned``: its sender owned the dossier when it spoke."""

    sender: str
    owned: bool

    def is_same_as(self, other: Voice) -> bool:
        """Whether the newer state of one says what became of the older one of the other."""
        return self.sender == other.sender or (self.owned and other.owned)


def voice_of(row: AnyRow) -> Voice:
    """Of a message as it was said: sender, and ``said_as`` its state."""
    return Voice(row.sender, row.said_as == "routed")


def open_in_order(connection: Connection, dossier_id: str, endpoint: str) -> Sequence[AnyRow]:
    """The lane: its open deliveries, the head first."""
    return _OPEN_IN_ORDER.rows(connection, {"dossier": dossier_id, "endpoint": endpoint})


def replaceable(lane: Sequence[AnyRow], route: str, stream: str, seq: int, voice: Voice, *, coalesce: bool) -> list[AnyRow]:
    """Those of the lane that a full-state message of the voice with this seq replaces on its route, in order."""
    return [
        row
        for row in lane
        if (row.route, row.stream) == (route, stream)
        and voice_of(row).is_same_as(voice)
        and row.full_state
        and row.seq < seq
        and not row.doubted
        and (row.state == "dead" or (coalesce and row.state == "pending"))
    ]


def place_of(lane: Sequence[AnyRow], old: AnyRow, stream: str, seq: int, voice: Voice) -> int:
    """Where a state stands that replaces ``old``: there, unless that would pass another voice's."""
    passed = any(
        row.full_state and row.stream == stream and row.position > old.position and row.seq < seq
        and not voice_of(row).is_same_as(voice)
        for row in lane
    )  # fmt: skip
    return seq if passed else int(old.position)


def supersede(connection: Connection, dossier_id: str, endpoint: str, old: AnyRow, by: str, now: int) -> None:
    """Mark ``old`` superseded by the delivery ``by``."""
    _SUPERSEDE.run(connection, {"old": old.id, "now": now, "because": f"replaced by {by}"})
    cells.closed(connection, dossier_id, endpoint, str(old.stream), was_dead=old.state == "dead")
    events.settled(connection, "delivery.superseded", old, by=by)


def heal_dead(connection: Connection, dossier_id: str, endpoint: str, dead_id: str, now: int) -> str | None:
    """When a newer state of the same stream already waits behind a delivery that just died, it takes its place.

    Returns the id of the delivery that replaced it, None when nothing did.
    """
    lane = open_in_order(connection, dossier_id, endpoint)
    dead = next((row for row in lane if row.id == dead_id), None)
    if dead is None or not dead.full_state or dead.doubted:
        return None
    for row in lane:
        same = (row.route, row.stream) == (dead.route, dead.stream) and voice_of(row).is_same_as(voice_of(dead))
        if same and row.seq > dead.seq and row.state == "pending":
            supersede(connection, dossier_id, endpoint, dead, str(row.id), now)
            _MOVE.run(connection, {"one": row.id, "to": place_of(lane, dead, row.stream, row.seq, voice_of(row))})
            return str(row.id)
    return None


def newer_sent(
    connection: Connection, dossier_id: str, endpoint: str, route: str, stream: str, seq: int, voice: Voice
) -> str | None:
    """The delivery of a newer state of the voice that the partner already took on this route; None when there is none."""
    values = {"dossier": dossier_id, "endpoint": endpoint, "route": route, "stream": stream, "seq": seq}
    said = {"sender": voice.sender, "said_as": "routed" if voice.owned else ""}
    found: str | None = _NEWEST_SENT.scalar(connection, values | said)
    return found


def went_past(connection: Connection, sent: AnyRow, now: int) -> None:
    """A delivery was taken by the partner: an older state that was back-filled behind it is superseded, the next promoted."""
    if _ANY_OPEN.scalar(connection, {"dossier": sent.dossier_id, "endpoint": sent.endpoint}) is None:
        return
    lane = open_in_order(connection, sent.dossier_id, sent.endpoint)
    older: list[AnyRow] = []
    if sent.full_state and lane:
        voice = voice_of(_VOICE.row(connection, {"message": sent.message_id}))
        older = replaceable(lane, sent.route, sent.stream, sent.seq, voice, coalesce=True)
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
