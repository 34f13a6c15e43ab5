"""Claims, attempts and settlements of deliveries. Every function is an operation of the writer, or a read where said.

An attempt row and the bytes to be sent are written before the call; a settlement is conditional on the attempt, so a
late answer of an attempt that is no longer the delivery's own changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from typing import Any

from sqlalchemy import Connection, Text, and_, bindparam, delete, func, insert, literal_column, or_, select, update

from hub.event import EventType
from hub.message import Alias, SchemaRef, new_id
from hub.store import cells, events, lanes
from hub.store.accepting import held_by_another, learn
from hub.store.fitting import fit, names
from hub.store.prepared import Prepared, PreparedInsert
from hub.store.rows import AnyRow, pack, unpack
from hub.store.tables import aliases as al
from hub.store.tables import attempts as at
from hub.store.tables import audit, bodies, dossiers, meta, replies
from hub.store.tables import cells as c
from hub.store.tables import deliveries as d
from hub.store.tables import endpoints as e
from hub.store.tables import messages as m
from hub.store.values import OPEN_STATES, REFUSED, Due, Place, Settlement, Start

_sent = bodies.alias("sent_bodies")
_AS = "as "
"""Begins the name in ``meta`` of what a chain makes: a row for each chain that ever pinned bytes, named by 36 of its digits."""
# written out, not bound: only so does SQLite see that the partial index ix_deliveries_due serves it
_CLAIMABLE = and_(d.c.head, d.c.state.in_([literal_column("'pending'"), literal_column("'in_doubt'")]))
_CLAIMABLE_NOW = (
    select(
        d, m.c.arrival_id, m.c.schema, m.c.correlation_id, m.c.traceparent, m.c.origin, m.c.hops, m.c.accepted_at,
        bodies.c.content, _sent.c.content.label("request"), c.c.sent_seq, c.c.doubted.label("own_doubt"),
        meta.c.value.label("sent_as"),
    )
    .join(m, m.c.id == d.c.message_id)
    .join(bodies, bodies.c.id == d.c.message_id)
    .outerjoin(_sent, _sent.c.id == d.c.id)
    .outerjoin(c, and_(c.c.dossier_id == d.c.dossier_id, c.c.endpoint == d.c.endpoint, c.c.stream == d.c.stream))
    .outerjoin(meta, meta.c.name == literal_column(f"'{_AS}'").concat(func.substr(d.c.chain, 1, 36)))
    .where(_CLAIMABLE, d.c.endpoint == bindparam("endpoint"), d.c.next_at <= bindparam("now"))
    .order_by(d.c.next_at, d.c.id)
    .limit(bindparam("most"))
)  # fmt: skip
_DUE = Prepared(_CLAIMABLE_NOW)
_since = d.c.next_at >= bindparam("since")  # of its own, so that the index is entered there
_DUE_AFTER = Prepared(_CLAIMABLE_NOW.where(_since, or_(d.c.next_at > bindparam("since"), d.c.id > bindparam("last"))))
_NEXT_DUE = Prepared(select(func.min(d.c.next_at)).where(_CLAIMABLE, d.c.endpoint == bindparam("endpoint")))
_LOCK = Prepared(select(dossiers.c.id).where(dossiers.c.id == bindparam("dossier")).with_for_update())
_CLAIM = Prepared(
    update(d)
    .where(d.c.id == bindparam("one"), d.c.head, d.c.state == "pending")
    .values(
        state="claimed",
        attempt_id=bindparam("attempt"),
        number=d.c.number + 1,
        chain=bindparam("pin"),
        last_attempt_at=bindparam("now"),
        warnings=func.coalesce(bindparam("warned", type_=Text()), d.c.warnings),
    )
    .returning(d.c.number)
)
_OPEN = d.c.state.in_([literal_column(f"'{state}'") for state in OPEN_STATES])  # so that the index of open ones serves
_TOLD_AS: Mapping[str, EventType] = {
    "delivered": "delivery.delivered", "in_doubt": "delivery.in_doubt", "dead": "delivery.dead",
}  # fmt: skip
_CODE_UNFIT = "a code is empty, too long or cannot be kept"
NO_CALL = "again: nothing_sent"
"""How an attempt in doubt that made no call is resolved."""
_ONE = Prepared(select(d).where(d.c.id == bindparam("one")))
_PAUSED = Prepared(select(e.c.paused_at).where(e.c.name == bindparam("endpoint")))
_NAMES = Prepared(select(al.c.system, al.c.code).where(al.c.dossier_id == bindparam("dossier")).order_by(al.c.learned_at))
_PINNED = Prepared(select(bodies.c.id).where(bodies.c.id == bindparam("one")))
_ADD_ATTEMPT = PreparedInsert(at)
_ADD_BODY = PreparedInsert(bodies)
_KNOWN = Prepared(select(meta.c.name).where(meta.c.name == bindparam("called")))
_mine = and_(d.c.id == bindparam("one"), d.c.attempt_id == bindparam("attempt"))
_NOTES = Prepared(select(d.c.notes, d.c.dossier_id).where(_mine))
_NOTE = Prepared(update(d).where(_mine).values(notes=bindparam("all_notes")))
_DELIVERED = Prepared(
    update(d)
    .where(d.c.id == bindparam("one"))
    .values(
        state="delivered", head=False, next_at=None, settled_at=bindparam("now"), reference=bindparam("refers"),
        code=None, reason=None, problems=None, warnings=bindparam("warned"),
    )
)  # fmt: skip
_DELIVERED_AS_CLAIMED = Prepared(
    update(d)
    .where(_mine, d.c.state == "claimed")
    .values(
        state="delivered", head=False, next_at=None, settled_at=bindparam("now"), reference=bindparam("refers"),
        code=None, reason=None, problems=None,
    )
    .returning(d.c.id, d.c.message_id, d.c.dossier_id, d.c.endpoint, d.c.route, d.c.stream, d.c.full_state, d.c.seq)
)  # fmt: skip
_ENDED = Prepared(
    update(at)
    .where(at.c.id == bindparam("attempt"))
    .values(ended_at=bindparam("now"), outcome=bindparam("how"), code=bindparam("said"), reason=bindparam("because"))
)


def due(connection: Connection, endpoint: str, now: int, limit: int, after: Place | None = None) -> list[Due]:
    """Read: the claimable heads of lanes of an endpoint that is not paused, oldest first; those behind ``after``."""
    if _PAUSED.scalar(connection, {"endpoint": endpoint}) is not None:
        return []
    asked = {"endpoint": endpoint, "now": now, "most": limit}
    if after is None:
        rows = _DUE.rows(connection, asked)
    else:
        rows = _DUE_AFTER.rows(connection, {**asked, "since": after[0], "last": after[1]})
    return [_due(row, dict(_NAMES.rows(connection, {"dossier": row.dossier_id}))) for row in rows]


def _due(row: AnyRow, aliases: dict[str, str]) -> Due:
    return Due(
        delivery_id=row.id,
        route=row.route,
        endpoint=row.endpoint,
        state=row.state,
        dossier_id=row.dossier_id,
        message_id=row.message_id,
        arrival_id=row.arrival_id,
        schema=SchemaRef.parse(row.schema),
        body=bytes(row.content),
        full_state=bool(row.full_state),
        seq=row.seq,
        correlation_id=row.correlation_id,
        traceparent=row.traceparent,
        origin=row.origin,
        hops=row.hops,
        accepted_at=row.accepted_at,
        number=row.number,
        counted=row.counted,
        attempt_id=row.attempt_id,
        last_attempt_at=row.last_attempt_at,
        chain=row.chain,
        request=None if row.request is None else bytes(row.request),
        adopt=bool(row.adopt),
        doubted=bool(row.doubted),
        sent_before=row.sent_seq is not None,
        own_earlier_doubt=bool(row.own_doubt),
        aliases=aliases,
        remembered=unpack(row.notes) or {},
        next_at=row.next_at,
        sent_as=None if row.sent_as is None else SchemaRef.parse(row.sent_as),
    )


def next_due(connection: Connection, endpoint: str) -> int | None:
    """Read: when the next head of a lane of the endpoint is due; None when nothing waits or the endpoint is paused."""
    if _PAUSED.scalar(connection, {"endpoint": endpoint}) is not None:
        return None
    at: int | None = _NEXT_DUE.scalar(connection, {"endpoint": endpoint})
    return at


def start(connection: Connection, starts: Sequence[Start], now: int) -> frozenset[str]:
    """Claim those still claimable and write their attempts and the bytes to be sent; returns their delivery ids."""
    begun: set[str] = set()
    if connection.dialect.name == "postgresql":  # another process may be moving these lanes
        theirs = select(d.c.dossier_id).where(d.c.id.in_([one.delivery_id for one in starts]))
        held = select(dossiers.c.id).where(dossiers.c.id.in_(theirs)).order_by(dossiers.c.id).with_for_update()
        connection.execute(held)
    for one in starts:
        values = {
            "one": one.delivery_id, "attempt": one.attempt_id, "pin": one.chain, "now": now,
            "warned": pack(one.warnings) if one.warnings else None,
        }  # fmt: skip
        number = _CLAIM.scalar(connection, values)
        if number is None:
            continue
        begun.add(one.delivery_id)
        _ADD_ATTEMPT.run(
            connection,
            {
                "id": one.attempt_id,
                "delivery_id": one.delivery_id,
                "number": number,
                "chain": one.chain,
                "started_at": now,
            },
        )
        if one.request is not None and (number == 1 or _PINNED.scalar(connection, {"one": one.delivery_id}) is None):
            _ADD_BODY.run(connection, {"id": one.delivery_id, "content": one.request})
    for chain, schema in {one.chain: one.schema for one in starts if one.request is not None and one.schema}.items():
        if _KNOWN.scalar(connection, {"called": (called := _AS + chain[:36])}) is None:
            connection.execute(insert(meta), {"name": called, "value": str(schema)})
    return frozenset(begun)


def remember(
    connection: Connection, delivery_id: str, attempt_id: str, key: str, value: Any, issued: Mapping[str, str], now: int
) -> str | None:
    """Note a step of the delivery that is done, if the attempt still owns it, and the codes that were ``issued`` in it as names
    of its dossier. Why one of them cannot be: then nothing is written."""
    mine = {"one": delivery_id, "attempt": attempt_id}
    row = _NOTES.row(connection, mine)
    if row is None:
        return None
    codes = tuple(Alias(system, code) for system, code in issued.items())
    if not all(map(names, codes)):
        return _CODE_UNFIT
    if codes:
        if connection.dialect.name == "postgresql":
            _LOCK.run(connection, {"dossier": row.dossier_id})
        if (foreign := held_by_another(connection, row.dossier_id, codes)) is not None:
            return _code_foreign(foreign)
        learn(connection, row.dossier_id, codes, now)
    notes = unpack(row.notes) or {}
    notes[key] = value
    _NOTE.run(connection, {**mine, "all_notes": pack(notes)})
    return None


def settle(connection: Connection, s: Settlement, now: int) -> bool:
    """End an attempt. False when the delivery is no longer this attempt's to settle."""
    if _settle_delivered(connection, s, now):
        return True
    row = _ONE.row(connection, {"one": s.delivery_id})
    if row is not None and connection.dialect.name == "postgresql":  # SQLite's transaction has locked everything
        _LOCK.run(connection, {"dossier": row.dossier_id})
        row = _ONE.row(connection, {"one": s.delivery_id})
    if row is None:
        return False
    startable = s.attempt_id is None and row.state == "pending"
    mine = s.attempt_id is not None and row.attempt_id == s.attempt_id and row.state in ("claimed", "in_doubt")
    if not (startable or mine):
        return False
    warned = pack([*(unpack(row.warnings) or []), *s.warnings]) if s.warnings else row.warnings
    if s.outcome == "delivered":
        done = {"one": row.id, "now": now, "refers": fit(s.reference), "warned": warned}
        _DELIVERED.run(connection, done)
    else:
        connection.execute(update(d).where(d.c.id == row.id).values(warnings=warned, **_not_delivered(connection, row, s, now)))
    if s.attempt_id is not None and row.state == "in_doubt":  # how the attempt itself ended stays on the record
        found_out = {"resolved": f"{s.outcome}: {s.code}" if s.code else s.outcome, "resolved_at": now}
        connection.execute(update(at).where(at.c.id == s.attempt_id).values(**found_out))
    elif s.attempt_id is not None:
        how = REFUSED if s.refused else s.outcome
        _end_attempt(connection, s, now, how)
    _project(connection, row, s, now)
    _keep_answer(connection, row, s, now)
    return True


def _settle_delivered(connection: Connection, s: Settlement, now: int) -> bool:
    """What nearly every attempt comes to, with one statement less: taken by the partner at once, and nothing to be noted
    with it. Not on PostgreSQL, where the dossier is locked before anything of it is changed."""
    if s.outcome != "delivered" or s.attempt_id is None or s.warnings or connection.dialect.name == "postgresql":
        return False
    done = {"one": s.delivery_id, "attempt": s.attempt_id, "now": now, "refers": fit(s.reference)}
    row = _DELIVERED_AS_CLAIMED.row(connection, done)
    if row is None:
        return False
    _end_attempt(connection, s, now, s.outcome)
    _project(connection, row, s, now)
    _keep_answer(connection, row, s, now)
    return True


def _end_attempt(connection: Connection, s: Settlement, now: int, how: str) -> None:
    ended = {"attempt": s.attempt_id, "now": now, "how": how, "said": fit(s.code, 60), "because": fit(s.reason)}
    _ENDED.run(connection, ended)


def _not_delivered(connection: Connection, row: AnyRow, s: Settlement, now: int) -> dict[str, Any]:
    """The delivery's new values when it waits again, is in doubt or is dead."""
    values: dict[str, Any] = {"code": fit(s.code, 60), "reason": fit(s.reason)}
    later = now if s.next_at is None else s.next_at
    if s.problems:
        values["problems"] = pack(s.problems)
    if s.outcome == "again":
        values |= {"state": "pending", "next_at": later, "counted": row.counted + int(s.counted)}
        if s.withdraw_doubt:
            values["doubted"] = _doubted_before(connection, row)
    elif s.outcome == "in_doubt":
        values |= {"state": "in_doubt", "next_at": later, "doubted": True}
    else:
        doubted = bool(row.doubted) or row.state == "in_doubt"
        values |= {"state": "dead", "next_at": None, "settled_at": now, "doubted": doubted}
    return values


def _doubted_before(connection: Connection, row: AnyRow) -> bool:
    """Whether another attempt of the delivery was in doubt and may have been a send of ours."""
    others = select(at.c.id).where(
        at.c.delivery_id == row.id, at.c.id != row.attempt_id, at.c.outcome == "in_doubt", at.c.resolved != NO_CALL
    )
    return connection.execute(others.limit(1)).first() is not None


def _project(connection: Connection, row: AnyRow, s: Settlement, now: int) -> None:
    """Ledger, lane and event stream follow the settlement."""
    lane = (row.dossier_id, row.endpoint)
    if s.outcome == "again":
        told: EventType | None = "delivery.waiting" if row.state == "in_doubt" else None
    else:  # a partner that cannot be asked either leaves it in doubt, again and again
        told = None if s.outcome == "in_doubt" and row.state == "in_doubt" else _TOLD_AS[s.outcome]
    if told is not None:
        events.settled(connection, told, row, code=fit(s.code, 60) or None)
    if s.outcome == "in_doubt":
        cells.doubted(connection, *lane, row.stream)
    elif s.outcome == "dead":
        cells.dead(connection, *lane, row.stream, 1)
        lanes.heal_dead(connection, *lane, row.id, now)
        lanes.promote(connection, *lane)
    elif s.outcome == "again":
        if s.withdraw_doubt:
            cells.reconsider_doubt(connection, *lane, row.stream)
        lanes.promote(connection, *lane)
    elif s.outcome == "delivered":
        cells.delivered(connection, *lane, row.stream, row.seq, now, row.message_id)
        lanes.went_past(connection, row, now)


def _keep_answer(connection: Connection, row: AnyRow, s: Settlement, now: int) -> None:
    """Ids the partner issued become aliases; its reply waits to re-enter as an arrival."""
    issued = tuple(Alias(system, code) for system, code in s.ids.items())
    who = f"endpoint:{row.endpoint}"
    for alias in issued:
        if not names(alias):
            record(connection, now, who, "alias_refused", row.dossier_id, _CODE_UNFIT)
    for foreign in learn(connection, row.dossier_id, tuple(alias for alias in issued if names(alias)), now):
        record(connection, now, who, "alias_conflict", row.dossier_id, _code_foreign(foreign))
    if s.reply is not None:
        message = connection.execute(select(m).where(m.c.id == row.message_id)).one()
        schema, body = s.reply
        connection.execute(
            insert(replies),
            {
                "id": new_id(), "endpoint": row.endpoint, "schema": schema, "correlation_id": message.correlation_id,
                "traceparent": message.traceparent, "hops": message.hops + 1, "stored_at": now, "body": body,
                "dossier_id": row.dossier_id,
            },
        )  # fmt: skip


def _code_foreign(alias: Alias) -> str:
    return f"{alias.system} code is another dossier's"


def forget_reply(connection: Connection, reply_id: str) -> None:
    """The reply re-entered; its arrival holds it now."""
    connection.execute(delete(replies).where(replies.c.id == reply_id))


def recover(connection: Connection, now: int, endpoint: str | None = None, under_way: Set[str] = frozenset()) -> int:
    """Claims that a dead process left (or, of one endpoint, that nothing under way holds) become in doubt; how many."""
    claimed = and_(d.c.state == "claimed", _OPEN)
    mine = claimed if endpoint is None else and_(claimed, d.c.endpoint == endpoint)
    if connection.dialect.name == "postgresql":  # another process may be moving these lanes
        theirs = select(d.c.dossier_id).where(mine)
        held = select(dossiers.c.id).where(dossiers.c.id.in_(theirs)).order_by(dossiers.c.id).with_for_update()
        connection.execute(held)
    left = [row for row in connection.execute(select(d).where(mine)).all() if row.id not in under_way]
    for row in left:
        connection.execute(
            update(d).where(d.c.id == row.id).values(state="in_doubt", doubted=True, next_at=now, code="hub_stopped")
        )
        ended = {"ended_at": now, "outcome": "in_doubt", "code": "hub_stopped"}
        connection.execute(update(at).where(at.c.id == row.attempt_id).values(**ended))
        events.settled(connection, "delivery.in_doubt", row, code="hub_stopped")
        cells.doubted(connection, row.dossier_id, row.endpoint, row.stream)
    return len(left)


def record(connection: Connection, now: int, actor: str, act: str, target: str, why: str | None) -> str:
    """Write one line of the audit trail; its id."""
    line = new_id()
    values = {"id": line, "at": now, "actor": fit(actor, 100) or "?", "act": act, "target": target, "why": fit(why)}
    connection.execute(insert(audit), values)
    return line
