"""What was said before, and where it may be said again: there, and only there, where it was given up by its sender.

A sender that was told of a refusal may say the same step again, and it is a new one. What an operator discarded stays known:
sources repeat their last step with each record, and it would come back as a dead letter. A caller that hears of that refusal
may still ask for it anew (``Arrival.anew``). What was in doubt never came to nothing: who gives that up has seen that the
partner has it (docs/howto/dossier-is-stuck.md), and it would show twice.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, exists, or_, select

from hub.store.prepared import Prepared
from hub.store.rows import AnyRow
from hub.store.tables import deliveries as d
from hub.store.tables import messages as m
from hub.store.values import BY_SENDER

_IN_DOUBT = "in_doubt"
_SAME = Prepared(
    select(m.c.id, m.c.sender, m.c.state.label("said_as"), d.c.endpoint, d.c.state, d.c.code, d.c.settled_by)
    .outerjoin(d, d.c.message_id == m.c.id)
    .where(
        m.c.dossier_id == bindparam("dossier"),
        m.c.stream == bindparam("stream"),
        m.c.digest == bindparam("digest"),
    )
    .order_by(m.c.seq.desc())
)
_before = m.alias("before")
NOT_LATE = ~exists().where(
    m.c.state == "conflict", m.c.full_state, _before.c.dossier_id == m.c.dossier_id, _before.c.sender == m.c.sender,
    _before.c.stream == m.c.stream, _before.c.seq < m.c.seq, _before.c.version > m.c.version,
)  # fmt: skip
"""Not an observation that is older than what its sender said before: it keeps its state, and goes nowhere."""


@dataclass(frozen=True, slots=True)
class SaidBefore:
    """A step that came again. ``known``: the newest message of it that counts as the sender's own, None for none; ``again``:
    the endpoints where it may be said again, since its sender gave up the last that went there, all of it; ``there``: where it
    went by the word of another, or waits to."""

    known: str | None = None
    again: frozenset[str] = frozenset()
    there: frozenset[str] = frozenset()


def is_given_up(state: str, code: str | None) -> bool:
    """Whether a delivery in this state, with this code, came to nothing there."""
    return state == "discarded" and code != _IN_DOUBT


def is_found_there(state: str, code: str | None) -> bool:
    """Whether who gave the delivery up saw that the partner has it."""
    return state == "discarded" and code == _IN_DOUBT


def step_before(connection: Connection, dossier_id: str, stream: str, digest: str, sender: str, *, alone: bool) -> SaidBefore:
    """The same step in earlier messages. What the owner said counts as the sender's own, unless this one speaks ``alone``: then
    some route hears it for itself."""
    rows = _SAME.rows(connection, {"dossier": dossier_id, "stream": stream, "digest": digest})
    known: str | None = None
    there: set[str] = set()
    last: dict[str, list[AnyRow]] = {}
    for row in rows:
        if row.sender != sender and (alone or row.said_as != "routed"):
            if row.endpoint is not None and not is_given_up(row.state, row.code):
                there.add(row.endpoint)
            continue
        known = known or str(row.id)
        if row.endpoint is not None:
            went = last.setdefault(row.endpoint, [])
            if not went or went[0].id == row.id:
                went.append(row)
    again = (endpoint for endpoint, went in last.items() if all(_by_its_sender(one) for one in went))
    return SaidBefore(known, frozenset(again), frozenset(there))


def _by_its_sender(row: AnyRow) -> bool:
    return is_given_up(row.state, row.code) and str(row.settled_by or "").startswith(BY_SENDER)


def is_step_there(connection: Connection, message: AnyRow, endpoint: str) -> bool:
    """Whether the step in the message went to the endpoint already in an earlier message, or one of another sender, or waits
    to."""
    same = (m.c.dossier_id == message.dossier_id, m.c.stream == message.stream, m.c.digest == message.digest)
    other = or_(m.c.seq < message.seq, m.c.sender != message.sender)
    query = select(d.c.state, d.c.code).where(*same, other, d.c.message_id == m.c.id, d.c.endpoint == endpoint)
    return any(not is_given_up(row.state, row.code) for row in connection.execute(query))
