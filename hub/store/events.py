"""The hub's own events: written down in the very transaction in which a thing happens, until they are published.

A transactional outbox. Nothing is written while no stream is configured: that is a row of ``meta``, read once in each
transaction, so that a shell beside the hub goes by it too. The ids of one dossier's rows follow the order in which their
transactions were committed, since whoever writes one holds the dossier's row. Every function runs inside the writer's
transaction, or is a read where said.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import Connection, and_, bindparam, case, delete, func, select, update

from hub.event import Event, EventType
from hub.message import Alias, Clock
from hub.store.glance import Unpublished
from hub.store.prepared import Prepared, PreparedInsert
from hub.store.rows import AnyRow, instant, pack, present, unpack
from hub.store.tables import aliases as al
from hub.store.tables import bodies, dossiers, meta
from hub.store.tables import cells as c
from hub.store.tables import events as ev

LARGEST_BODY = 256 * 1024
"""Bytes of a body that goes out with its event; a larger one is left out, and the event says so."""
_SWITCH, _SINCE, _COPIED, _ALL = "events", "events_since", "events_copied", "all"
_OFF = ""
_NOW, _COUNT, _HELD = "hub_events_at", "hub_events_since", "hub_events_held"
_IS_ON = Prepared(select(meta.c.value).where(meta.c.name == _SWITCH).with_for_update(read=True))
_HOLD = Prepared(select(dossiers.c.id).where(dossiers.c.id == bindparam("dossier")).with_for_update())
_CELL = Prepared(
    select(c).where(
        c.c.dossier_id == bindparam("dossier"), c.c.endpoint == bindparam("for_endpoint"), c.c.stream == bindparam("for_stream")
    )
)
_ADD = PreparedInsert(ev)


def begin(connection: Connection, clock: Clock) -> None:
    """A transaction of the writer begins: whether its events are written down, and their time."""
    vars(connection).update({_NOW: clock() if _IS_ON.scalar(connection, {}) else None, _COUNT: None, _HELD: set()})


def are_written(connection: Connection) -> bool:
    """Whether this transaction's events are written down."""
    return vars(connection).get(_NOW) is not None


def happened(connection: Connection, kind: EventType, dossier_id: str, **facts: Any) -> None:
    """Write an event down, if a stream is configured. Facts that are None are left out; nothing of a person may be among
    them."""
    now = vars(connection).get(_NOW)
    if now is None:
        return
    if connection.dialect.name == "postgresql":  # the order of ids is that of commits only for who holds the dossier
        _hold(connection, dossier_id)
    since = vars(connection)[_COUNT]
    if since is None:  # the same until this transaction ends: a new count begins only when nobody writes
        since = vars(connection)[_COUNT] = _since(connection)
    row = {"dossier_id": dossier_id, "since": since, "at": now, "type": kind, "data": pack(present(facts))}
    _ADD.run(connection, row)


def _hold(connection: Connection, dossier_id: str) -> None:
    """Hold the dossier until the transaction ends, asking for it once; one that is made in it nobody else can see."""
    held: set[str] = vars(connection)[_HELD]
    if dossier_id not in held:
        _HOLD.row(connection, {"dossier": dossier_id})
        held.add(dossier_id)


def named(connection: Connection, dossier_id: str, aliases: Sequence[Alias]) -> None:
    """The dossier got these names."""
    if aliases and are_written(connection):
        codes = [{"system": one.system, "code": one.code} for one in aliases]
        happened(connection, "dossier.named", dossier_id, codes=codes)


def changed(connection: Connection, dossier_id: str, endpoint: str, stream: str) -> None:
    """A cell of the ledger is another now: the event tells the whole of it, as the hub shows it."""
    if not are_written(connection):
        return
    row = _CELL.row(connection, {"dossier": dossier_id, "for_endpoint": endpoint, "for_stream": stream})
    told = {"endpoint": endpoint, "stream": stream, "gone": True} if row is None else shown_cell(row)
    happened(connection, "ledger.changed", dossier_id, **told)


def shown_cell(row: AnyRow) -> dict[str, Any]:
    """A cell of the ledger as every face shows it."""
    sent = row.sent_seq or 0
    lag, lead = sent < (row.routed_seq or 0), sent < (row.heard_seq or 0)
    return present(
        {
            "endpoint": row.endpoint, "stream": row.stream, "routed_seq": row.routed_seq, "routed_at": instant(row.routed_at),
            "sent_seq": row.sent_seq, "sent_at": instant(row.sent_at), "sent_message": row.sent_message,
            "heard_seq": row.heard_seq, "heard_at": instant(row.heard_at), "heard_message": row.heard_message,
            "open": row.open, "dead": row.dead, "behind": lag or None, "ahead": lead or None,
        }
    )  # fmt: skip


def settled(connection: Connection, kind: EventType, row: AnyRow, **more: Any) -> None:
    """Something became of a delivery; ``row`` has its id, dossier_id, message_id, endpoint, route, stream and seq."""
    if are_written(connection):
        happened(
            connection, kind, row.dossier_id, delivery=row.id, message=row.message_id, endpoint=row.endpoint, route=row.route,
            stream=row.stream, seq=row.seq, **more,
        )  # fmt: skip


# ── the stream as a whole
def follow(connection: Connection, to: str | None, now: int) -> int:
    """From now on events are written down for the endpoint ``to``, or none are. A stream that begins, or goes to another
    endpoint than before, first tells what there is. Returns how many events were dropped that nobody will publish."""
    if _to(connection) == to:
        return 0
    dropped = connection.execute(delete(ev)).rowcount
    _set(connection, _SWITCH, _OFF if to is None else to)
    _count_anew(connection, now)
    return dropped


def begin_again(connection: Connection, now: int) -> bool:
    """All that there is will be told once more, in a new count that is later than the one before; False: no stream is
    configured. What waits to be published stays."""
    if _to(connection) is None:
        return False
    _count_anew(connection, now)
    return True


def _count_anew(connection: Connection, now: int) -> None:
    """A clock that was set back makes no count that is earlier than one before: who listened then would skip all of it. What
    waits keeps its number: some of it may have been heard."""
    connection.execute(select(meta.c.value).where(meta.c.name == _SWITCH).with_for_update())
    vars(connection)[_COUNT] = None
    _set(connection, _SINCE, str(max(now, _since(connection) + 1)))
    newest = connection.execute(select(func.max(dossiers.c.id))).scalar()  # of later ones all is told as it happens
    _set(connection, _COPIED, _ALL if newest is None else pack({"after": "", "until": newest}))


def copy(connection: Connection, most: int) -> bool:
    """Write down, as if it happened now, what is so of the next dossiers: their names and their cells. False when it is done
    of all that were there when the stream began."""
    place = _get(connection, _COPIED)
    if place == _ALL or _to(connection) is None:
        return False
    span = unpack(place)
    within = (dossiers.c.id > span["after"], dossiers.c.id <= span["until"])
    asked = select(dossiers.c.id).where(*within).order_by(dossiers.c.id).limit(most).with_for_update()
    ids = list(connection.execute(asked).scalars())
    vars(connection)[_HELD].update(ids)
    names: dict[str, list[Alias]] = {}
    for one in connection.execute(select(al).where(al.c.dossier_id.in_(ids)).order_by(al.c.learned_at, al.c.system)):
        names.setdefault(one.dossier_id, []).append(Alias(one.system, one.code))
    of: dict[str, list[dict[str, Any]]] = {}
    for cell in connection.execute(select(c).where(c.c.dossier_id.in_(ids)).order_by(c.c.endpoint, c.c.stream)):
        of.setdefault(cell.dossier_id, []).append(shown_cell(cell))
    for dossier_id in ids:
        named(connection, dossier_id, names.get(dossier_id, []))
        for told in of.get(dossier_id, []):
            happened(connection, "ledger.changed", dossier_id, **told)
    _set(connection, _COPIED, pack({**span, "after": ids[-1]}) if ids else _ALL)
    return bool(ids)


def unpublished(connection: Connection) -> Unpublished | None:
    """Read: what waits to be published; None where no stream is configured."""
    to = _to(connection)
    if to is None:
        return None
    first, last = connection.execute(select(func.min(ev.c.id), func.max(ev.c.id))).one()
    copying = _get(connection, _COPIED) != _ALL
    if first is None:
        return Unpublished(to, 0, None, copying)
    since = connection.execute(select(ev.c.at).where(ev.c.id == first)).scalar()
    return Unpublished(to, last - first + 1, since, copying)


def page(connection: Connection, most: int, *, with_bodies: bool) -> list[tuple[int, Event]]:
    """Read: the oldest events with their row's id; ``with_bodies``, a message's event has its canonical body, unless that is
    too large or was erased."""
    if _to(connection) is None:
        return []
    columns = [ev.c.id, ev.c.since, ev.c.type, ev.c.dossier_id, ev.c.at, ev.c.data]
    query = select(*columns).order_by(ev.c.id).limit(most)
    rows = connection.execute(query).all()
    content = _bodies(connection, rows) if with_bodies else {}
    return [(row.id, _event(row, content.get(row.id, {}))) for row in rows]


def _event(row: AnyRow, body: Mapping[str, Any]) -> Event:
    data = {"dossier": row.dossier_id, **unpack(row.data), **body}
    return Event(f"{row.since:016d}-{row.id:016d}", row.type, row.dossier_id, row.at, orjson.dumps(data))


def _bodies(connection: Connection, rows: Sequence[AnyRow]) -> dict[int, dict[str, Any]]:
    """Of each row that is about a new message: its body, where it is still there, or why it is left out. One that is too large
    is not even read: a page of them would fill the memory."""
    of = {unpack(row.data)["message"]: row.id for row in rows if row.type == "message.accepted"}
    content = case((func.length(bodies.c.content) <= LARGEST_BODY, bodies.c.content)).label("content")
    found = connection.execute(select(bodies.c.id, content).where(bodies.c.id.in_(of)))
    return {of[one.id]: _told(one.content) for one in found}


def _told(content: bytes | None) -> dict[str, Any]:
    return {"body_left_out": "too_large"} if content is None else {"body": orjson.Fragment(bytes(content))}


def published(connection: Connection, ids: Sequence[int]) -> None:
    """These are published."""
    within = and_(ev.c.id >= min(ids), ev.c.id <= max(ids))
    connection.execute(delete(ev).where(within, ev.c.id.in_(ids)))


def _to(connection: Connection) -> str | None:
    """The endpoint that the stream goes to, if one is written."""
    return _get(connection, _SWITCH) or None


def _since(connection: Connection) -> int:
    """When the newest count began."""
    return int(_get(connection, _SINCE))


def _get(connection: Connection, name: str) -> str:
    return str(connection.execute(select(meta.c.value).where(meta.c.name == name)).scalar_one())


def _set(connection: Connection, name: str, value: str) -> None:
    connection.execute(update(meta).where(meta.c.name == name).values(value=value))
