"""What a sender is told of what it sent: what became of an arrival at one endpoint, and where a dossier stands there.

And what follows from telling: a refusal that its sender heard, in the answer to its own call, is no dead letter any more.
"""

from __future__ import annotations

from typing import Literal

from sqlalchemy import Connection, exists, func, or_, select

from hub.listener import Accepted, Standing
from hub.message import NATIONAL, Alias
from hub.store.fitting import names
from hub.store.operating import give_up
from hub.store.rows import AnyRow, unpack
from hub.store.said_before import is_found_there, is_given_up
from hub.store.tables import aliases as al
from hub.store.tables import arrivals as a
from hub.store.tables import attempts as at
from hub.store.tables import cells as c
from hub.store.tables import deliveries as d
from hub.store.tables import dossiers
from hub.store.tables import messages as m
from hub.store.values import BY_SENDER, REFUSED, Became, Reached

TOLD = "refused by the partner; the sender was told so in the answer to its call"
WITHDRAWN = "the call it came in was refused for what stood before it, and the sender was told so"
_REPLACED = "replaced by "
_MOST_REPLACED = 100
"""So many deliveries that took each other's place are followed."""
_ENDED = ("delivered", "dead", "discarded")
_UNDER_WAY = ("pending", "claimed", "in_doubt")
_SEEN = select(
    d.c.id, d.c.message_id, d.c.dossier_id, d.c.endpoint, d.c.route, d.c.stream, d.c.seq, d.c.state, d.c.code,
    d.c.reason, d.c.reference, d.c.problems, d.c.why, at.c.outcome, at.c.code.label("last_code"),
).outerjoin(at, at.c.id == d.c.attempt_id)  # fmt: skip


def became(connection: Connection, arrival_id: str, endpoint: str) -> Became | None:
    """Read: the arrival, its messages (those known before included) and their deliveries to the endpoint."""
    row = connection.execute(select(a.c.state, a.c.reasons, a.c.receipt).where(a.c.id == arrival_id)).first()
    if row is None:
        return None
    ids = [one["id"] for one in unpack(row.receipt)["messages"]]
    states = {one.id: str(one.state) for one in connection.execute(select(m.c.id, m.c.state).where(m.c.id.in_(ids)))}
    there = _SEEN.where(d.c.message_id.in_(ids), d.c.endpoint == endpoint).order_by(d.c.seq, d.c.id)
    reached = tuple(_reached(connection, one) for one in connection.execute(there).all())
    return Became(row.state, tuple(unpack(row.reasons)), states, reached)


def standing(connection: Connection, sender: str, code: str, endpoint: str) -> Standing | None:
    """Read: of the dossier by its national code, else by the sender's own; None when the sender sent nothing of it. What waits
    and what was refused is of the sender's own messages only."""
    if not names(Alias(NATIONAL, code)):
        return None
    sent_by_it = exists().where(a.c.dossier_id == al.c.dossier_id, a.c.sender == sender)
    dossier_id = connection.execute(
        select(al.c.dossier_id)
        .where(al.c.code == code, or_(al.c.system == NATIONAL, al.c.system == sender), sent_by_it)
        .order_by(al.c.system != NATIONAL)
        .limit(1)
    ).scalar()
    if dossier_id is None:
        return None
    sent = connection.execute(
        select(func.count(c.c.sent_seq)).where(c.c.dossier_id == dossier_id, c.c.endpoint == endpoint)
    ).scalar_one()
    its_own = exists().where(m.c.id == d.c.message_id, m.c.sender == sender)
    there = (d.c.dossier_id == dossier_id, d.c.endpoint == endpoint, its_own)
    under_way = select(func.count()).select_from(d).where(*there, d.c.state.in_(_UNDER_WAY))
    waiting = connection.execute(under_way).scalar_one()
    ended = _SEEN.where(*there, d.c.state.in_(_ENDED)).order_by(d.c.seq.desc(), d.c.id.desc())
    last = connection.execute(ended.limit(1)).first()
    is_refused = last is not None and last.state in ("dead", "discarded") and _was_refused(last)
    refused = (last.code or "", last.reason or "") if last is not None and is_refused else None
    held_by, stuck = _holding(connection, sender, dossier_id, endpoint)
    kept = exists().where(a.c.dossier_id == dossier_id, a.c.sender == sender, a.c.state == "kept")
    stuck = stuck or bool(connection.execute(select(kept)).scalar())
    return Standing(sent > 0, int(waiting), refused, held_by, stuck)


def _holding(connection: Connection, sender: str, dossier_id: str, endpoint: str) -> tuple[Accepted | None, bool]:
    """Of the sender's own: the refused arrival at the head of the lane, or whether something dead otherwise is there."""
    there = _SEEN.where(d.c.dossier_id == dossier_id, d.c.endpoint == endpoint, d.c.state == "dead", d.c.head)
    dead = connection.execute(there).first()
    if dead is None:
        return None, False
    its_own = select(a.c.receipt).join(m, m.c.arrival_id == a.c.id).where(m.c.id == dead.message_id, m.c.sender == sender)
    receipt = connection.execute(its_own).scalar()
    if receipt is None:
        return None, False
    return (Accepted(unpack(receipt)), False) if _was_refused(dead) else (None, True)


def told(connection: Connection, arrival_id: str, endpoint: str, sender: str, untried: bool, now: int) -> int:
    """Discard, in the sender's name, what the endpoint refused of its own messages in the arrival, or what waits behind another
    and was never tried; returns how many."""
    row = connection.execute(select(a.c.dossier_id, a.c.receipt).where(a.c.id == arrival_id)).first()
    if row is None:
        return 0
    ids = [one["id"] for one in unpack(row.receipt)["messages"]]
    connection.execute(select(dossiers.c.id).where(dossiers.c.id == row.dossier_id).with_for_update())
    own = select(m.c.id).where(m.c.id.in_(ids), m.c.sender == sender)
    there = _SEEN.where(d.c.message_id.in_(own), d.c.endpoint == endpoint).order_by(d.c.seq, d.c.id)
    if untried:
        waiting = there.where(d.c.state == "pending", d.c.attempt_id.is_(None), d.c.head.is_(False))
        gone = list(connection.execute(waiting).all())
    else:
        gone = [one for one in connection.execute(there.where(d.c.state == "dead")).all() if _was_refused(one)]
    for one in gone:
        give_up(connection, one, f"{BY_SENDER}{sender}", WITHDRAWN if untried else TOLD, now)
    return len(gone)


def _reached(connection: Connection, row: AnyRow) -> Reached:
    state: Literal["delivered", "refused", "open", "dead", "discarded"]
    if row.state in ("dead", "discarded", "superseded") and _was_refused(row):
        state = "refused"
    elif row.state == "superseded":
        state = _in_its_place(connection, row)
    elif is_found_there(row.state, row.code):
        state = "delivered"
    else:
        state = row.state if row.state in _ENDED else "open"
    said = row.reference if state == "delivered" else row.reason
    is_over = row.state in ("discarded", "superseded")
    return Reached(row.id, row.message_id, state, row.code or "", said or "", tuple(unpack(row.problems) or ()), is_over)


def _was_refused(row: AnyRow) -> bool:
    """Whether the last that happened to it was the partner's refusal: nothing that the hub found out by itself later, such as
    that it cannot be translated, and no doubt."""
    return bool(row.outcome == REFUSED and row.last_code == row.code)


def _in_its_place(connection: Connection, row: AnyRow) -> Literal["delivered", "open", "discarded"]:
    """What became of the newer state that took the place of a superseded one. A refusal of the newer is none of the older."""
    for _ in range(_MOST_REPLACED):
        its = select(d.c.state, d.c.code, d.c.why)
        newer = connection.execute(its.where(d.c.id == (row.why or "").removeprefix(_REPLACED))).first()
        if newer is None:
            return "delivered"  # the partner was found to hold a newer state
        if newer.state == "delivered" or is_found_there(newer.state, newer.code):
            return "delivered"
        if newer.state != "superseded":
            return "discarded" if is_given_up(newer.state, newer.code) else "open"
        row = newer
    return "open"
