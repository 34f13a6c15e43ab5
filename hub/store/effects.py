"""Keeps which configuration the running hub has in effect, so that another process can see it, and when it was taken."""

from __future__ import annotations

from sqlalchemy import Connection, insert, select, update

from hub.store.delivering import record
from hub.store.reading import shown_line
from hub.store.rows import pack, unpack
from hub.store.tables import audit, meta
from hub.store.values import JsonObject

_NAME = "in_effect"
_ASKED = "reload asked"


def take(connection: Connection, act: str, effect: JsonObject, actor: str, why: str, now: int) -> None:
    """From now on this is in effect; on the record with its digest."""
    values = {"value": pack({**effect, "at": now})}
    if connection.execute(update(meta).where(meta.c.name == _NAME).values(values)).rowcount == 0:
        connection.execute(insert(meta), {"name": _NAME, **values})
    record(connection, now, actor, act, effect["state"]["digest"], why)


def in_effect(connection: Connection) -> JsonObject | None:
    """Read: what was taken last."""
    kept = connection.execute(select(meta.c.value).where(meta.c.name == _NAME)).scalar()
    return None if kept is None else unpack(kept)


def ask(connection: Connection, target: str, actor: str, now: int) -> str:
    """Somebody is about to signal the hub; the id of his question."""
    return record(connection, now, actor, _ASKED, target, "hub reload")


def questions(connection: Connection, since: int) -> list[tuple[str, str]]:
    """Read: id and actor of each question since then, oldest first."""
    query = select(audit.c.id, audit.c.actor).where(audit.c.act == _ASKED, audit.c.at >= since).order_by(audit.c.id)
    return [(row.id, row.actor) for row in connection.execute(query)]


def answer(connection: Connection, question: str) -> JsonObject | None:
    """Read: the line of the reload that names the question."""
    later = select(audit).where(audit.c.id > question, audit.c.act == "reload")  # ids are UUIDv7
    row = connection.execute(later.where(audit.c.why.endswith(named(question), autoescape=True))).first()
    return None if row is None else shown_line(row)


def named(question: str) -> str:
    """How the line of a reload says whose question it answers."""
    return f" (asked: {question})"
