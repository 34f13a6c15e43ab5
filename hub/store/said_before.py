"""What was said before, and where it may be said again: there, and only there, where it was given up by its sender.

A sender that was told of a refusal may say the same step again, and it is a new one. What an operator discarded stays known:
sources repeat their last step with each record, and it would come back as a dead letter. A caller that hears of that refusal
may still ask for it anew (``Arrival.anew``). What was in doubt never came to nothing: who gives that up has seen that the
partner has it (docs/howto/dossier-is-stuck.md), and it would show twice.
"""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, or_, select

from hub.store.port import BY_SENDER
from hub.store.prepared import Prepared
from hub.store.rows import AnyRow
from hub.store.tables import deliveries as d
from hub.store.tables import messages as m

_IN_DOUBT = "in_doubt"
_SAME = Prepared(
    select(m.c.id, d.c.endpoint, d.c.state, d.c.code, d.c.settled_by)
    .outerjoin(d, d.c.message_id == m.c.id)
    .where(
        m.c.dossier_id == bindparam("dossier"),
        m.c.stream == bindparam("stream"),
        m.c.digest == bindparam("digest"),
        or_(m.c.state == "routed", m.c.sender == bindparam("sender")),
    )
    .order_by(m.c.seq.desc())
)


def is_given_up(state: str, code: str | None) -> bool:
    """Whether a delivery in this state, with this code, came to nothing there."""
    return state == "discarded" and code != _IN_DOUBT


def is_found_there(state: str, code: str | None) -> bool:
    """Whether who gave the delivery up saw that the partner has it."""
    return state == "discarded" and code == _IN_DOUBT


def step_before(
    connection: Connection, dossier_id: str, stream: str, digest: str, sender: str
) -> tuple[str, frozenset[str]] | None:
    """The newest message of the same step, and the endpoints where it may be said again: where its sender gave up the last that
    went there, all of it. None when the step is new."""
    same = {"dossier": dossier_id, "stream": stream, "digest": digest, "sender": sender}
    rows = _SAME.rows(connection, same)
    if not rows:
        return None
    last: dict[str, list[AnyRow]] = {}
    for row in rows:
        if row.endpoint is not None:
            there = last.setdefault(row.endpoint, [])
            if not there or there[0].id == row.id:
                there.append(row)
    again = (endpoint for endpoint, there in last.items() if all(_by_its_sender(one) for one in there))
    return rows[0].id, frozenset(again)


def _by_its_sender(row: AnyRow) -> bool:
    return is_given_up(row.state, row.code) and str(row.settled_by or "").startswith(BY_SENDER)


def is_step_there(connection: Connection, message: AnyRow, endpoint: str) -> bool:
    """Whether the step in the message went to the endpoint already in an earlier message, or waits to."""
    earlier = (m.c.dossier_id == message.dossier_id, m.c.stream == message.stream, m.c.digest == message.digest)
    went = (d.c.message_id == m.c.id, d.c.endpoint == endpoint)
    query = select(d.c.state, d.c.code).where(*earlier, m.c.seq < message.seq, *went)
    return any(not is_given_up(row.state, row.code) for row in connection.execute(query))
