"""Erases bodies by policy: what arrived, what it became and what was sent, once all of it is final and old enough.

Ids, aliases, salted digests, receipts, ledger, attempts and audit stay, so duplicates are still recognised and a trace still
tells the whole history. What is kept, open, dead or in doubt keeps its bodies. On SQLite erased content is overwritten with
zeros (``secure_delete``) as the pages are written; see docs/howto/backup.md for what remains in logs, copies and backups.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from sqlalchemy import ColumnElement, Connection, and_, delete, exists, or_, select, update

from hub.errors import NotAllowed, NotFound, StoreUnavailable
from hub.message import NATIONAL, Clock
from hub.observe.logging import get_logger
from hub.store import events
from hub.store.delivering import record
from hub.store.port import Store
from hub.store.tables import aliases as al
from hub.store.tables import arrivals as a
from hub.store.tables import bodies, dossiers, replies
from hub.store.tables import deliveries as d
from hub.store.tables import messages as m
from hub.store.values import OPEN_STATES

DAY = 86_400 * 1_000_000
BATCH = 10
"""Arrivals in one transaction: few, since overwriting large bodies takes long and everything else waits meanwhile."""
PASS_SECONDS = 3600.0
_BREATH_SECONDS = 0.02

log = get_logger("retention")


def _final(before: int) -> ColumnElement[bool]:
    """The arrival was taken in and settled before this time, and no delivery of it is open or was settled later."""
    unsettled = or_(d.c.state.in_(OPEN_STATES), d.c.settled_at >= before)
    open_one = exists().where(m.c.arrival_id == a.c.id, d.c.message_id == m.c.id, unsettled)
    return and_(a.c.state != "kept", a.c.received_at < before, a.c.erased_at.is_(None), ~open_one)


def erasable(connection: Connection, before: int, after: str | None, limit: int) -> list[str]:
    """Read: a page of arrivals whose bodies may go, by id after ``after``. Ids are UUIDv7: only old bodies are looked at."""
    time = f"{before // 1000:012x}"
    old = and_(bodies.c.id > (after or ""), bodies.c.id < f"{time[:8]}-{time[8:]}")
    query = select(bodies.c.id).where(old, exists().where(a.c.id == bodies.c.id, _final(before)))
    return list(connection.execute(query.order_by(bodies.c.id).limit(limit)).scalars())


def erase(connection: Connection, arrivals: Sequence[str], before: int, now: int) -> int:
    """Erase the bodies of those of the arrivals for which it is still so; returns how many."""
    theirs = select(a.c.dossier_id).where(a.c.id.in_(arrivals))
    connection.execute(select(dossiers.c.id).where(dossiers.c.id.in_(theirs)).order_by(dossiers.c.id).with_for_update())
    query = select(a.c.id).where(a.c.id.in_(arrivals), _final(before))
    return _erase(connection, list(connection.execute(query).scalars()), now)


def erase_dossier(connection: Connection, code: str, actor: str, why: str, now: int) -> int:
    """Erase every body of one dossier, on the record; returns of how many arrivals."""
    named = select(al.c.dossier_id).where(al.c.code == code).order_by(al.c.system != NATIONAL).limit(1)
    dossier_id = connection.execute(named).scalar()
    if dossier_id is None:
        raise NotFound("no system calls a dossier by that code")
    connection.execute(select(dossiers.c.id).where(dossiers.c.id == dossier_id).with_for_update())
    is_open = connection.execute(
        select(d.c.id).where(d.c.dossier_id == dossier_id, d.c.state.in_(OPEN_STATES)).limit(1)
    ).first()
    kept = connection.execute(select(a.c.id).where(a.c.dossier_id == dossier_id, a.c.state == "kept").limit(1)).first()
    answer = connection.execute(select(replies.c.id).where(replies.c.dossier_id == dossier_id).limit(1)).first()
    if is_open is not None or kept is not None or answer is not None:
        raise NotAllowed("something of the dossier still waits, is kept or dead: let it be delivered or discard it, then erase")
    rest = select(a.c.id).where(a.c.dossier_id == dossier_id, a.c.erased_at.is_(None))
    erased = _erase(connection, list(connection.execute(rest).scalars()), now)
    record(connection, now, actor, "erase", dossier_id, why)
    return erased


def _erase(connection: Connection, arrivals: Sequence[str], now: int) -> int:
    if not arrivals:
        return 0
    sqlite = connection.dialect.name == "sqlite"
    with_body = select(a.c.id, a.c.dossier_id).join(bodies, bodies.c.id == a.c.id).where(a.c.id.in_(arrivals))
    there = connection.execute(with_body.order_by(a.c.id)).all()  # a repeat in another place never had one, nor an event
    messages = list(connection.execute(select(m.c.id).where(m.c.arrival_id.in_(arrivals))).scalars())
    sent = list(connection.execute(select(d.c.id).where(d.c.message_id.in_(messages))).scalars())
    if sqlite:
        connection.exec_driver_sql("PRAGMA secure_delete=ON")
    try:
        for ids in (arrivals, messages, sent):
            connection.execute(delete(bodies).where(bodies.c.id.in_(ids)))
    finally:
        if sqlite:
            connection.exec_driver_sql("PRAGMA secure_delete=OFF")
    connection.execute(update(a).where(a.c.id.in_(arrivals)).values(erased_at=now))
    for one in there:
        events.happened(connection, "arrival.erased", one.dossier_id, arrival=one.id)
    return len(arrivals)


async def purge(
    store: Store,
    before: int,
    clock: Clock,
    *,
    actor: str,
    dry_run: bool = False,
    tell: Callable[[int], None] = lambda more: None,
) -> int:
    """Erase, batch by batch, the bodies of everything final before this time; returns of how many arrivals. Raises
    StoreUnavailable; what was erased until then stays erased."""
    erased, after = 0, None
    while found := await store.erasable(before, after, BATCH):
        done = len(found) if dry_run else await store.erase(found, before, clock())
        erased, after = erased + done, found[-1]
        tell(done)
        await asyncio.sleep(_BREATH_SECONDS)  # messages that arrive go first
    if erased and not dry_run:
        await store.note("purge", "bodies", actor=actor, why=f"of {erased} arrivals", now=clock())
    return erased


async def keep_to(store: Store, days: int, clock: Clock) -> None:
    """Erase, until cancelled, what is older than so many days: at the start and every hour."""
    while True:
        try:
            erased = await purge(store, clock() - days * DAY, clock, actor="retention")
            if erased:
                log.info("bodies_erased", count=erased)
        except StoreUnavailable as error:
            log.warning("store_unavailable", reason=error.reason)
        except Exception as error:  # the next pass tries again
            log.error("retention_broke", exc_info=error)
        await asyncio.sleep(PASS_SECONDS)
