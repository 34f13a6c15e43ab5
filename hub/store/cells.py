"""The ledger's cells (dossier × endpoint × stream): kept up to date with each delivery and with what partners tell, and
recomputed from both.

A cell says what was routed last, what was delivered last, what the partner itself told last, how much is open or dead, and
whether a send was ever in doubt. A partner that only told has a cell of which nothing was ever routed. ``computed`` is the
definition: the live cells must always equal it (``hub ledger rebuild``).
"""

from __future__ import annotations

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    bindparam,
    case,
    delete,
    func,
    insert,
    literal,
    null,
    or_,
    select,
    text,
    union_all,
    update,
)

from hub.store import events
from hub.store.prepared import Prepared, PreparedInsert
from hub.store.said_before import NOT_LATE
from hub.store.tables import cells as c
from hub.store.tables import deliveries as d
from hub.store.tables import messages as m
from hub.store.values import OPEN_STATES

_HERE = (
    c.c.dossier_id == bindparam("dossier"),
    c.c.endpoint == bindparam("for_endpoint"),
    c.c.stream == bindparam("for_stream"),
)
_later = or_(c.c.routed_seq.is_(None), c.c.routed_seq < bindparam("seq"))
_ROUTE = Prepared(
    update(c)
    .where(*_HERE)
    .values(
        open=c.c.open + 1,
        routed_seq=case((_later, bindparam("seq")), else_=c.c.routed_seq),
        routed_at=case((_later, bindparam("at")), else_=c.c.routed_at),
    )
)
_CLOSE = Prepared(update(c).where(*_HERE).values(open=c.c.open - 1, dead=c.c.dead - bindparam("was_dead")))
_newer = (c.c.sent_seq.is_(None)) | (c.c.sent_seq < bindparam("seq"))
_SEND = Prepared(
    update(c)
    .where(*_HERE)
    .values(
        open=c.c.open - 1,
        sent_seq=case((_newer, bindparam("seq")), else_=c.c.sent_seq),
        sent_at=case((_newer, bindparam("at")), else_=c.c.sent_at),
        sent_message=case((_newer, bindparam("message")), else_=c.c.sent_message),
    )
)
_DEAD = Prepared(update(c).where(*_HERE).values(dead=c.c.dead + bindparam("by")))
_DOUBT = Prepared(update(c).where(*_HERE).values(doubted=True))
_HEAR = Prepared(
    update(c).where(*_HERE).values(heard_seq=bindparam("seq"), heard_at=bindparam("at"), heard_message=bindparam("message"))
)
_ADD = PreparedInsert(c)


def _key(dossier_id: str, endpoint: str, stream: str) -> dict[str, object]:
    return {"dossier": dossier_id, "for_endpoint": endpoint, "for_stream": stream}


def routed(
    connection: Connection, dossier_id: str, endpoint: str, stream: str, seq: int, accepted_at: int, *, first: bool = False
) -> None:
    """A delivery was added; ``first`` says that the dossier never had one to this endpoint."""
    there = {**_key(dossier_id, endpoint, stream), "seq": seq, "at": accepted_at}
    if first or _ROUTE.run(connection, there) == 0:
        _ADD.run(
            connection,
            {
                "dossier_id": dossier_id, "endpoint": endpoint, "stream": stream, "routed_seq": seq, "routed_at": accepted_at,
                "open": 1, "dead": 0, "doubted": False,
            },
        )  # fmt: skip
    events.changed(connection, dossier_id, endpoint, stream)


def heard(connection: Connection, dossier_id: str, endpoint: str, stream: str, seq: int, at: int, message_id: str) -> None:
    """The partner behind the endpoint told this message, the newest of its dossier."""
    values = {**_key(dossier_id, endpoint, stream), "seq": seq, "at": at, "message": message_id}
    if _HEAR.run(connection, values) == 0:
        _ADD.run(
            connection,
            {
                "dossier_id": dossier_id, "endpoint": endpoint, "stream": stream, "heard_seq": seq, "heard_at": at,
                "heard_message": message_id, "open": 0, "dead": 0, "doubted": False,
            },
        )  # fmt: skip
    events.changed(connection, dossier_id, endpoint, stream)


def delivered(connection: Connection, dossier_id: str, endpoint: str, stream: str, seq: int, at: int, message_id: str) -> None:
    """A delivery was taken by the partner, and so left the open states."""
    values = {**_key(dossier_id, endpoint, stream), "seq": seq, "at": at, "message": message_id}
    _SEND.run(connection, values)
    events.changed(connection, dossier_id, endpoint, stream)


def closed(connection: Connection, dossier_id: str, endpoint: str, stream: str, *, was_dead: bool) -> None:
    """A delivery left the open states."""
    _CLOSE.run(connection, {**_key(dossier_id, endpoint, stream), "was_dead": int(was_dead)})
    events.changed(connection, dossier_id, endpoint, stream)


def dead(connection: Connection, dossier_id: str, endpoint: str, stream: str, by: int) -> None:
    """A delivery became dead (+1) or was revived (-1)."""
    _DEAD.run(connection, {**_key(dossier_id, endpoint, stream), "by": by})
    events.changed(connection, dossier_id, endpoint, stream)


def doubted(connection: Connection, dossier_id: str, endpoint: str, stream: str) -> None:
    """A send was in doubt: from now on "already exists" may be our own."""
    _DOUBT.run(connection, _key(dossier_id, endpoint, stream))


def reconsider_doubt(connection: Connection, dossier_id: str, endpoint: str, stream: str) -> None:
    """A doubt was withdrawn: the cell keeps one only if another delivery has one."""
    doubts = select(d.c.id).where(
        d.c.dossier_id == dossier_id, d.c.endpoint == endpoint, d.c.stream == stream, d.c.doubted.is_(True)
    )
    still = connection.execute(doubts.limit(1)).first() is not None
    connection.execute(update(c).where(*_HERE).values(doubted=still), _key(dossier_id, endpoint, stream))


def computed() -> Select[tuple[object, ...]]:
    """Every cell as deliveries and messages say it is, in the ledger's column order."""
    parts = union_all(_of_deliveries(), _of_messages()).subquery()
    keys = (parts.c.dossier_id, parts.c.endpoint, parts.c.stream)
    facts = [func.max(one).label(one.name) for one in parts.c[len(keys) : -1]]
    return select(*keys, *facts, (func.max(parts.c.doubts) > 0).label("doubted")).group_by(*keys)


def _of_deliveries() -> Select[tuple[object, ...]]:
    routed_last = func.max(d.c.seq).label("routed_seq")
    sent_last = func.max(case((d.c.state == "delivered", d.c.seq))).label("sent_seq")

    def count(condition: ColumnElement[bool]) -> ColumnElement[int]:
        return func.sum(case((condition, 1), else_=0))

    grouped = (
        select(
            d.c.dossier_id,
            d.c.endpoint,
            d.c.stream,
            routed_last,
            sent_last,
            count(d.c.state.in_(OPEN_STATES)).label("open"),
            count(d.c.state == "dead").label("dead"),
            count(d.c.doubted).label("doubts"),
        )
        .group_by(d.c.dossier_id, d.c.endpoint, d.c.stream)
        .subquery()
    )
    sent = d.alias("sent")
    newest = m.alias("newest")
    sent_of = and_(
        sent.c.dossier_id == grouped.c.dossier_id,
        sent.c.endpoint == grouped.c.endpoint,
        sent.c.stream == grouped.c.stream,
        sent.c.seq == grouped.c.sent_seq,
        sent.c.state == "delivered",
    )
    return (
        select(
            grouped.c.dossier_id,
            grouped.c.endpoint,
            grouped.c.stream,
            grouped.c.routed_seq,
            newest.c.accepted_at.label("routed_at"),
            grouped.c.sent_seq,
            func.min(sent.c.settled_at).label("sent_at"),
            func.min(sent.c.message_id).label("sent_message"),
            null().label("heard_seq"),
            null().label("heard_at"),
            null().label("heard_message"),
            grouped.c.open,
            grouped.c.dead,
            grouped.c.doubts,
        )
        .join(newest, and_(newest.c.dossier_id == grouped.c.dossier_id, newest.c.seq == grouped.c.routed_seq))
        .outerjoin(sent, sent_of)
        .group_by(
            grouped.c.dossier_id, grouped.c.endpoint, grouped.c.stream, grouped.c.routed_seq, newest.c.accepted_at,
            grouped.c.sent_seq, grouped.c.open, grouped.c.dead, grouped.c.doubts,
        )
    )  # fmt: skip


def _of_messages() -> Select[tuple[object, ...]]:
    """What partners told last; a state that is older than one its sender told before is none of it."""
    last = (
        select(m.c.dossier_id, m.c.origin, m.c.stream, func.max(m.c.seq).label("seq"))
        .where(m.c.origin.is_not(None), m.c.state != "superseded", NOT_LATE)
        .group_by(m.c.dossier_id, m.c.origin, m.c.stream)
        .subquery()
    )
    told = m.alias("told")
    return select(
        last.c.dossier_id, last.c.origin, last.c.stream,
        null(), null(), null(), null(), null(),
        last.c.seq, told.c.accepted_at, told.c.id,
        literal(0), literal(0), literal(0),
    ).join_from(last, told, and_(told.c.dossier_id == last.c.dossier_id, told.c.seq == last.c.seq))  # fmt: skip


def rebuild(connection: Connection) -> int:
    """Replace the live cells by the computed ones; returns how many differed."""

    def as_set(rows: object) -> set[tuple[object, ...]]:
        return {(*row[:-1], bool(row[-1])) for row in rows}  # type: ignore[attr-defined]

    if connection.dialect.name == "postgresql":  # a running hub may be changing cells
        if events.are_written(connection):  # each event holds its dossier: in the order in which the hub takes the two
            connection.execute(text("lock table dossiers in exclusive mode"))
        connection.execute(text("lock table ledger in exclusive mode"))
    live = as_set(connection.execute(select(*[c.c[name] for name in c.columns.keys()])))  # noqa: SIM118
    fresh = as_set(connection.execute(computed()))
    differ = {row[:3] for row in live ^ fresh}
    connection.execute(delete(c))
    if fresh:
        names = list(c.columns.keys())
        connection.execute(insert(c), [dict(zip(names, row, strict=True)) for row in fresh])
    for dossier_id, endpoint, stream in differ:
        events.changed(connection, str(dossier_id), str(endpoint), str(stream))
    return len(differ)
