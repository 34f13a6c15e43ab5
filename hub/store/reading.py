"""What the faces see of the store: arrivals, a dossier's timeline, dead letters, traffic. Reads only; no bodies."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, func, select

from hub.message import NATIONAL, Alias, Arrival, SchemaRef
from hub.store import lookups
from hub.store.events import shown_cell, unpublished
from hub.store.overview import backlog, first_head, kept
from hub.store.rows import AnyRow, instant, present, unpack
from hub.store.tables import aliases as al
from hub.store.tables import arrivals as a
from hub.store.tables import attempts as at
from hub.store.tables import audit as au
from hub.store.tables import bodies, cursors, dossiers, endpoints, keys, replies
from hub.store.tables import cells as c
from hub.store.tables import deliveries as d
from hub.store.tables import messages as m
from hub.store.values import OPEN_STATES, REFUSED, EndpointState, JsonObject, Key, Reply, Stored


def arrival(connection: Connection, arrival_id: str) -> JsonObject | None:
    """One arrival with what became of it."""
    row = connection.execute(select(a).where(a.c.id == arrival_id)).first()
    if row is None:
        return None
    shown = shown_arrival(row)
    shown["receipt"] = unpack(row.receipt)
    sent = connection.execute(select(m).where(m.c.arrival_id == arrival_id).order_by(m.c.seq)).all()
    shown["messages"] = [{**_message(one), "deliveries": _deliveries(connection, [one.id])} for one in sent]
    return shown


def sent_since(connection: Connection, sender: str, since: int) -> tuple[int, int]:
    """Arrivals of the sender and the bytes of their bodies."""
    query = (
        select(func.count(), func.coalesce(func.sum(func.length(bodies.c.content)), 0))
        .select_from(a.outerjoin(bodies, bodies.c.id == a.c.id))
        .where(a.c.id >= _first_id(since), a.c.sender == sender)
    )
    count, size = connection.execute(query).one()
    return int(count), int(size)


def _first_id(since: int) -> str:
    """The least id made at this time or later: ids are UUIDv7, so the primary key finds the time."""
    time = f"{since // 1000:012x}"
    return f"{time[:8]}-{time[8:]}-7000-8000-000000000000"


def dossier(connection: Connection, code: str) -> JsonObject | None:
    """The dossier that any system calls ``code``: names, owner, ledger, and its timeline over all hops."""
    dossier_id = connection.execute(
        select(al.c.dossier_id).where(al.c.code == code).order_by(al.c.system != NATIONAL).limit(1)
    ).scalar()
    if dossier_id is None:
        return None
    row = connection.execute(select(dossiers).where(dossiers.c.id == dossier_id)).one()
    names = connection.execute(select(al).where(al.c.dossier_id == dossier_id).order_by(al.c.learned_at, al.c.system)).all()
    arrived = connection.execute(select(a).where(a.c.dossier_id == dossier_id).order_by(a.c.ordinal)).all()
    accepted = connection.execute(select(m).where(m.c.dossier_id == dossier_id).order_by(m.c.seq)).all()
    events: list[tuple[int, int, dict[str, Any]]] = []
    for one in arrived:
        events.append((one.received_at, 0, {"event": "arrival", **shown_arrival(one)}))
    routed = connection.execute(select(d).where(d.c.dossier_id == dossier_id).order_by(d.c.seq)).all()
    receipts = {one.id: one.receipt for one in arrived}
    with_one = {one.message_id for one in routed}
    for one in accepted:
        said = {"event": "message", "at": instant(one.accepted_at), **_message(one)}
        if one.state == "routed" and one.id not in with_one:
            said |= {"state": "not_routed", "routes": _refusals(receipts[one.arrival_id], one.id)}
        events.append((one.accepted_at, 1, said))
    by_id = {one.id: one for one in routed}
    tries = connection.execute(select(at).where(at.c.delivery_id.in_(by_id)).order_by(at.c.started_at, at.c.number)).all()
    for one in tries:
        of = by_id[one.delivery_id]
        events.append((one.started_at, 2, {"event": "attempt", **_attempt(one), "endpoint": of.endpoint, "seq": of.seq}))
    for one in routed:
        if one.settled_at is not None:
            events.append((one.settled_at, 3, {"event": one.state, "at": instant(one.settled_at), **_delivery(one)}))
    events += [(asked_at, 2, {"event": "verification", **one}) for asked_at, one in lookups.of_dossier(connection, dossier_id)]
    items = {dossier_id, *by_id, *(one.id for one in arrived)}
    for one in connection.execute(select(au).where(au.c.target.in_(items)).order_by(au.c.id)):
        if one.act != "discard" or one.target not in by_id:  # that one is told by the delivery itself
            events.append((one.at, 2, {"event": "audit", **shown_line(one)}))
    events.sort(key=lambda event: event[:2])
    cells = connection.execute(select(c).where(c.c.dossier_id == dossier_id).order_by(c.c.endpoint, c.c.stream)).all()
    return {
        "dossier": dossier_id,
        "owner": row.owner,
        "senders": sorted({one.sender for one in arrived}),
        "aliases": [{"system": one.system, "code": one.code, "learned_at": instant(one.learned_at)} for one in names],
        "ledger": [shown_cell(one) for one in cells],
        "waiting": [_delivery(one) for one in routed if one.state in OPEN_STATES],
        "timeline": [event for _, _, event in events],
    }


def dead(connection: Connection, endpoint: str | None, kind: str | None, limit: int) -> list[JsonObject]:
    """Dead deliveries and kept arrivals, or one kind of them, oldest first."""
    query = select(d).where(d.c.state == "dead").order_by(d.c.settled_at).limit(limit)
    if endpoint is not None:
        query = query.where(d.c.endpoint == endpoint)
    found: list[tuple[int, JsonObject]] = []
    for row in () if kind == "arrival" else connection.execute(query).all():
        found.append((row.settled_at, {"kind": "delivery", **_delivery(row), "codes": _codes(connection, row.dossier_id)}))
    if endpoint is None and kind != "delivery":
        for row in connection.execute(select(a).where(a.c.state == "kept").order_by(a.c.received_at).limit(limit)).all():
            shown = {"kind": "arrival", **shown_arrival(row), "codes": _codes(connection, row.dossier_id)}
            found.append((row.received_at, shown))
    found.sort(key=lambda one: one[0])
    return [one for _, one in found[:limit]]


def dead_one(connection: Connection, item_id: str) -> JsonObject | None:
    """One delivery or arrival, whatever its state, with its attempts."""
    row = connection.execute(select(d).where(d.c.id == item_id)).first()
    if row is not None:
        tries = connection.execute(select(at).where(at.c.delivery_id == item_id).order_by(at.c.number)).all()
        shown = {"kind": "delivery", **_delivery(row), "codes": _codes(connection, row.dossier_id)}
        return {**shown, "attempts": [_attempt(one) for one in tries]}
    row = connection.execute(select(a).where(a.c.id == item_id)).first()
    return None if row is None else {"kind": "arrival", **shown_arrival(row), "codes": _codes(connection, row.dossier_id)}


def traffic(connection: Connection, now: int) -> JsonObject:
    """Counts of kept arrivals and of open deliveries by endpoint, route and state; of each endpoint the oldest that waits and
    the oldest that could be sent (the head of its lane, not dead); the endpoints that are paused; what of the event stream is
    not published yet."""
    open_now = backlog(connection)
    stream = unpublished(connection)

    def age(since: int | None) -> float:
        return 0.0 if since is None else max(0.0, (now - since) / 1_000_000)

    oldest: dict[str, int] = {}
    sendable: dict[str, int] = {}
    for one in open_now:
        if one.state != "dead":
            oldest[one.endpoint] = min(one.since, oldest.get(one.endpoint, one.since))
            head = first_head(connection, one)
            if head is not None:
                sendable[one.endpoint] = min(head, sendable.get(one.endpoint, head))
    return {
        "arrivals": [{"state": "kept", "count": kept(connection)}],
        "deliveries": [
            {"endpoint": one.endpoint, "route": one.route, "state": one.state, "count": one.count} for one in open_now
        ],
        "oldest_waiting_seconds": {endpoint: age(since) for endpoint, since in oldest.items()},
        "oldest_sendable_seconds": {endpoint: age(since) for endpoint, since in sendable.items()},
        "paused": sorted(endpoint_states(connection)),
        "events": None if stream is None else {"count": stream.count, "oldest_seconds": age(stream.oldest_at)},
    }


def kept_arrivals(connection: Connection, arrival_id: str) -> list[Arrival]:
    """The arrival and, if it is or was kept, those of the same dossier and sender kept after it, oldest first."""
    row = connection.execute(select(a).where(a.c.id == arrival_id)).first()
    if row is None:
        return []
    query = (
        select(a, bodies.c.content)
        .join(bodies, bodies.c.id == a.c.id)
        .where(a.c.dossier_id == row.dossier_id, a.c.sender == row.sender, a.c.state == "kept", a.c.ordinal >= row.ordinal)
        .order_by(a.c.ordinal)
    )
    return [
        Arrival(
            id=one.id, sender=one.sender, schema=SchemaRef.parse(one.schema), body=bytes(one.content),
            received_at=one.received_at, correlation_id=one.correlation_id, key=one.sender_key, position=one.position,
            traceparent=one.traceparent, origin=one.origin, hops=one.hops,
        )
        for one in connection.execute(query)
    ]  # fmt: skip


def stored(
    connection: Connection, what: str, schemas: Sequence[str], since: int | None, after: str | None, limit: int
) -> list[Stored]:
    """A page of arrivals or messages in one of these schemas, newest first, with their bodies."""
    of = a if what == "arrivals" else m
    query = select(of.c.id, of.c.schema, of.c.state, bodies.c.content).outerjoin(bodies, bodies.c.id == of.c.id)
    query = query.where(of.c.schema.in_(schemas)).order_by(of.c.id.desc()).limit(limit)
    if since is not None:
        query = query.where(of.c.id >= _first_id(since))
    if after is not None:
        query = query.where(of.c.id < after)
    return [
        Stored(one.id, SchemaRef.parse(one.schema), one.state, None if one.content is None else bytes(one.content))
        for one in connection.execute(query)
    ]


def pending_replies(connection: Connection, besides: Collection[str]) -> list[Reply]:
    """Answers of partners that wait to re-enter, oldest first, without those of these ids."""
    order = select(replies.c.id).order_by(replies.c.stored_at, replies.c.id)
    ids = [one for one in connection.execute(order).scalars() if one not in besides]
    return [_reply(connection, connection.execute(select(replies).where(replies.c.id == one)).one()) for one in ids]


def _reply(connection: Connection, row: AnyRow) -> Reply:
    arrival = Arrival(
        id=row.id, sender=row.endpoint, schema=_schema(row.schema), body=bytes(row.body), received_at=row.stored_at,
        correlation_id=row.correlation_id, key=row.id, traceparent=row.traceparent, origin=row.endpoint, hops=row.hops,
    )  # fmt: skip
    names = select(al.c.system, al.c.code).where(al.c.dossier_id == row.dossier_id).order_by(al.c.learned_at, al.c.system)
    return Reply(arrival, tuple(Alias(one.system, one.code) for one in connection.execute(names)))


def _schema(written: str) -> SchemaRef:
    """As the connector gave it; what is none is called so, and known to nobody."""
    try:
        return SchemaRef.parse(written)
    except ValueError:
        return SchemaRef("no-schema", "1")


def all_keys(connection: Connection) -> list[Key]:
    """Every key, oldest first."""
    return [_key(row) for row in connection.execute(select(keys).order_by(keys.c.created_at))]


def endpoint_states(connection: Connection) -> Mapping[str, EndpointState]:
    """The endpoints that are paused."""
    return {
        row.name: EndpointState(row.name, row.paused_by, row.paused_at, row.why)
        for row in connection.execute(select(endpoints))
    }


def cursor(connection: Connection, endpoint: str) -> str | None:
    """How far the endpoint has read what it receives."""
    found: str | None = connection.execute(select(cursors.c.value).where(cursors.c.endpoint == endpoint)).scalar()
    return found


def audit(connection: Connection, since: int | None, limit: int) -> list[JsonObject]:
    """Lines of the audit trail, newest first. Ids are UUIDv7, so the primary key gives the order."""
    query = select(au).order_by(au.c.id.desc()).limit(limit)
    return [shown_line(row) for row in connection.execute(query if since is None else query.where(au.c.at >= since))]


def _refusals(receipt: str, message_id: str) -> list[dict[str, str]]:
    """Why no route took the message, as its receipt said."""
    messages = unpack(receipt)["messages"]
    routes: list[dict[str, str]] = next((one["routes"] for one in messages if one["id"] == message_id), [])
    return [{"route": one["route"], "why": one["why"]} for one in routes]


def _key(row: AnyRow) -> Key:
    return Key(row.id, row.name, row.hash, tuple(unpack(row.schemas)), row.created_at, row.revoked_at, row.role)


def _codes(connection: Connection, dossier_id: str) -> dict[str, str]:
    return {one.system: one.code for one in connection.execute(select(al).where(al.c.dossier_id == dossier_id))}


def shown_arrival(row: AnyRow) -> dict[str, Any]:
    """An arrival as every face shows it."""
    return present(
        {
            "arrival": row.id, "at": instant(row.received_at), "sender": row.sender, "schema": row.schema, "state": row.state,
            "reasons": unpack(row.reasons) or None, "key": row.sender_key, "position": row.position,
            "correlation_id": row.correlation_id, "origin": row.origin, "settled_by": row.settled_by, "why": row.why,
            "erased_at": instant(row.erased_at),
        }
    )  # fmt: skip


def _message(row: AnyRow) -> dict[str, Any]:
    return present(
        {
            "message": row.id, "arrival": row.arrival_id, "seq": row.seq, "schema": row.schema, "state": row.state,
            "warnings": unpack(row.warnings),
        }
    )  # fmt: skip


def _deliveries(connection: Connection, message_ids: Sequence[str]) -> list[dict[str, Any]]:
    rows = connection.execute(select(d).where(d.c.message_id.in_(message_ids)).order_by(d.c.created_at)).all()
    return [_delivery(row) for row in rows]


def _delivery(row: AnyRow) -> dict[str, Any]:
    return present(
        {
            "delivery": row.id, "message": row.message_id, "seq": row.seq, "endpoint": row.endpoint, "route": row.route,
            "stream": row.stream, "state": row.state, "attempts": row.number, "next_at": instant(row.next_at),
            "in_doubt_once": row.doubted or None, "code": row.code, "reason": row.reason, "problems": unpack(row.problems),
            "warnings": unpack(row.warnings), "reference": row.reference, "chain": row.chain,
            "settled_at": instant(row.settled_at), "settled_by": row.settled_by, "why": row.why,
        }
    )  # fmt: skip


def _attempt(row: AnyRow) -> dict[str, Any]:
    outcome = "dead" if row.outcome == REFUSED else row.outcome or "under way"
    return present(
        {
            "attempt": row.id, "delivery": row.delivery_id, "number": row.number, "at": instant(row.started_at),
            "ended_at": instant(row.ended_at), "outcome": outcome, "code": row.code, "reason": row.reason,
            "resolved": row.resolved, "resolved_at": instant(row.resolved_at), "chain": row.chain,
        }
    )  # fmt: skip


def shown_line(row: AnyRow) -> dict[str, Any]:
    """A line of the audit trail as every face shows it."""
    return present({"at": instant(row.at), "actor": row.actor, "act": row.act, "target": row.target, "why": row.why})
