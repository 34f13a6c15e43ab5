"""What operators do to the store: replay, discard, pause, resume, backfill, keys. Each act leaves a line of audit."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, and_, delete, exists, insert, select, update

from hub.errors import NotAllowed, NotFound
from hub.message import Alias, SchemaRef
from hub.store import cells, events, lanes
from hub.store.delivering import record
from hub.store.fanning import deliver
from hub.store.fitting import fit, names
from hub.store.rows import AnyRow, pack, unpack
from hub.store.said_before import NOT_LATE, is_step_there
from hub.store.tables import arrivals as a
from hub.store.tables import bodies, dossiers, endpoints, keys
from hub.store.tables import deliveries as d
from hub.store.tables import messages as m
from hub.store.values import JsonObject, Key, Pinned, RouteMatch

_SENT_ON = {False: m.c.state == "routed", True: m.c.state.in_(("routed", "conflict")) & NOT_LATE}
"""Which messages a route takes on, by whether it takes observations."""


def replay(
    connection: Connection, delivery_id: str, actor: str, why: str, adopt: bool, now: int, *, as_it_ran: bool = False
) -> None:
    """A dead delivery becomes pending again, its count of tries begun again: translated anew, or with what is pinned."""
    row = _held(connection, delivery_id)
    if row is None:
        raise NotFound(f"no delivery {delivery_id}")
    if row.state != "dead":
        raise NotAllowed(f"delivery {delivery_id} is {row.state}; only a dead one can be replayed")
    again = {"state": "pending", "next_at": now, "counted": 0, "settled_at": None, "adopt": adopt or row.adopt}
    if as_it_ran:
        is_there = connection.execute(select(bodies.c.id).where(bodies.c.id == delivery_id)).first() is not None
        if row.chain is None or not is_there:
            why_not = "its bytes are not kept any more" if row.number else "it was never sent"
            raise NotAllowed(f"delivery {delivery_id} cannot go as it ran: {why_not}; replay it with --latest")
    else:
        again["chain"] = None
        connection.execute(delete(bodies).where(bodies.c.id == delivery_id))
    connection.execute(update(d).where(d.c.id == delivery_id).values(**again))
    events.settled(connection, "delivery.replayed", row)
    cells.dead(connection, row.dossier_id, row.endpoint, row.stream, -1)
    lanes.promote(connection, row.dossier_id, row.endpoint)
    act = " ".join(["replay", *(["--as-it-ran"] if as_it_ran else []), *(["--adopt"] if adopt else [])])
    record(connection, now, actor, act, delivery_id, why)


def pinned(connection: Connection, delivery_id: str) -> Pinned | None:
    """Read: what a delivery was sent as, and what it would be translated from."""
    sent = bodies.alias("sent_bodies")
    query = (
        select(d.c.route, d.c.chain, m.c.schema, sent.c.content.label("request"), bodies.c.content)
        .join(m, m.c.id == d.c.message_id)
        .outerjoin(bodies, bodies.c.id == d.c.message_id)
        .outerjoin(sent, sent.c.id == d.c.id)
        .where(d.c.id == delivery_id)
    )
    row = connection.execute(query).first()
    if row is None:
        return None
    request, body = (None if one is None else bytes(one) for one in (row.request, row.content))
    return Pinned(row.route, SchemaRef.parse(row.schema), row.chain, request, body)


def discard(connection: Connection, item_id: str, actor: str, why: str, now: int) -> None:
    """Give up a dead delivery, one whose route is gone, or a kept arrival, on the record; what waited behind it goes on."""
    row = _held(connection, item_id)
    if row is not None:
        waits_for_route = row.code == "route_gone" and row.state in ("pending", "in_doubt")
        if row.state != "dead" and not waits_for_route:
            raise NotAllowed(f"delivery {item_id} is {row.state}; only a dead one can be discarded")
        give_up(connection, row, actor, why, now)
        return
    of = connection.execute(select(a.c.dossier_id).where(a.c.id == item_id)).scalar()
    if of is None:
        raise NotFound(f"no dead delivery and no kept arrival {item_id}")
    connection.execute(select(dossiers.c.id).where(dossiers.c.id == of).with_for_update())  # as who translates it again does
    kept = connection.execute(select(a.c.state, a.c.receipt, a.c.dossier_id).where(a.c.id == item_id)).one()
    if kept.state != "kept":
        raise NotAllowed(f"arrival {item_id} is {kept.state}; only a kept one can be discarded")
    receipt = {name: value for name, value in unpack(kept.receipt).items() if name != "reasons"}
    given_up = {"state": "discarded", "settled_by": fit(actor, 100), "why": fit(why)}
    given_up["receipt"] = pack({**receipt, "state": "discarded"})  # who sends it again is answered as things are
    connection.execute(update(a).where(a.c.id == item_id).values(**given_up))
    events.happened(connection, "arrival.discarded", kept.dossier_id, arrival=item_id)
    record(connection, now, actor, "discard", item_id, why)


def give_up(connection: Connection, row: AnyRow, actor: str, why: str, now: int) -> None:
    """Discard a delivery that is not under way, whose lane is held, on the record; what waited behind it goes on."""
    gone = {"state": "discarded", "head": False, "settled_at": now, "settled_by": fit(actor, 100), "why": fit(why)}
    connection.execute(update(d).where(d.c.id == row.id).values(**gone))
    events.settled(connection, "delivery.discarded", row)
    cells.closed(connection, row.dossier_id, row.endpoint, row.stream, was_dead=row.state == "dead")
    lanes.promote(connection, row.dossier_id, row.endpoint)
    record(connection, now, actor, "discard", row.id, why)


def _held(connection: Connection, delivery_id: str) -> AnyRow | None:
    """The delivery as it is once its lane is held, so that what is decided on it stays true until the transaction ends."""
    asked = select(d).where(d.c.id == delivery_id)
    row = connection.execute(asked).first()
    if row is None:
        return None
    connection.execute(select(dossiers.c.id).where(dossiers.c.id == row.dossier_id).with_for_update())
    return connection.execute(asked).one()


def pause(connection: Connection, endpoint: str, actor: str, why: str, now: int) -> None:
    """No new attempt is begun at the endpoint until it is resumed; remembered over restarts."""
    values = {"paused_by": fit(actor, 100), "paused_at": now, "why": fit(why)}
    if connection.execute(update(endpoints).where(endpoints.c.name == endpoint).values(**values)).rowcount == 0:
        connection.execute(insert(endpoints), {"name": endpoint, **values})
    record(connection, now, actor, "pause", endpoint, why)


def resume(connection: Connection, endpoint: str, actor: str, now: int) -> None:
    """Undo a pause."""
    connection.execute(delete(endpoints).where(endpoints.c.name == endpoint))
    record(connection, now, actor, "resume", endpoint, None)


def messages_without(
    connection: Connection, route: str, stream: str, after: str | None, limit: int, observations: bool = False
) -> list[JsonObject]:
    """Read: routed messages of a stream that have no delivery on the route, in (dossier, seq) order, a page after ``after``
    (``dossier:seq`` of the last one seen); with ``observations`` also those about another sender's dossier. One whose body was
    erased has the content None."""
    has_one = exists().where(and_(d.c.message_id == m.c.id, d.c.route == route))
    query = (
        select(m.c.id, m.c.dossier_id, m.c.seq, m.c.schema, m.c.sender, m.c.full_state, m.c.origin, bodies.c.content)
        .outerjoin(bodies, bodies.c.id == m.c.id)
        .where(m.c.stream == stream, _SENT_ON[observations], ~has_one)
        .order_by(m.c.dossier_id, m.c.seq)
        .limit(limit)
    )
    if after is not None:
        dossier, _, seq = after.rpartition(":")
        query = query.where((m.c.dossier_id > dossier) | and_(m.c.dossier_id == dossier, m.c.seq > int(seq)))
    return [dict(row._mapping) for row in connection.execute(query)]


def backfill(connection: Connection, matches: Sequence[tuple[str, RouteMatch]], now: int) -> int:
    """Add the deliveries (message id, match) that are not there yet, as accepting would have; returns how many now wait.

    A state older than one the partner already took on this route is recorded as superseded: it must not overtake backwards.
    """
    added = 0
    for message_id, match in matches:
        row = connection.execute(select(m).where(m.c.id == message_id, _SENT_ON[match.observations])).first()
        if row is None or row.origin == match.endpoint:
            continue
        connection.execute(select(dossiers.c.id).where(dossiers.c.id == row.dossier_id).with_for_update())
        there = select(d.c.id).where(d.c.message_id == message_id, d.c.route == match.route)
        if connection.execute(there).first() is not None:
            continue
        if connection.execute(select(bodies.c.id).where(bodies.c.id == message_id)).first() is None:  # erased meanwhile
            continue
        with_it = select(d.c.id).where(d.c.dossier_id == row.dossier_id, d.c.route == match.route).limit(1)
        if not match.matched and connection.execute(with_it).first() is None:
            continue
        if not row.full_state and is_step_there(connection, row, match.endpoint):  # this one was said again to another
            continue
        newer, voice = None, lanes.Voice(row.sender, row.state == "routed")
        if row.full_state:
            newer = lanes.newer_sent(connection, row.dossier_id, match.endpoint, match.route, row.stream, row.seq, voice)
        deliver(
            connection, row.dossier_id, row.id, row.stream, row.full_state, row.seq, voice, match,
            accepted_at=row.accepted_at, now=now, passed_by=newer,
        )  # fmt: skip
        added += newer is None
    return added


def add_key(connection: Connection, key: Key) -> None:
    """Keep a key's hash and rights. Raises NotAllowed for a name that cannot be kept."""
    if not names(Alias(key.name, key.id)):
        raise NotAllowed("the name of a key has 1 to 100 characters, none of them NUL or half a character")
    connection.execute(
        insert(keys),
        {
            "id": key.id, "name": key.name, "hash": key.hash, "schemas": pack(key.schemas), "created_at": key.created_at,
            "role": key.role,
        },
    )  # fmt: skip
    record(connection, key.created_at, "shell", "key new", key.id, key.name)


def revoke_key(connection: Connection, key_id: str, now: int) -> None:
    """The key is refused from now on. Raises NotFound."""
    changed = connection.execute(update(keys).where(keys.c.id == key_id, keys.c.revoked_at.is_(None)).values(revoked_at=now))
    if changed.rowcount == 0:
        raise NotFound(f"no key {key_id} that is not revoked already")
    record(connection, now, "shell", "key revoke", key_id, None)
