"""Pages of what one sender sent: its arrivals, and its dossiers with whether all of each got through. Reads only.

Newest first, by the arrival's id (a UUIDv7, so a window of time is a range of ids). A page looks at no more than ``LOOKED_AT``
arrivals, however rare what it looks for is: it may then hold less than was asked for, even nothing, and still name where to
go on.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Connection, FromClause, and_, exists, func, or_, select

from hub.message import SchemaRef
from hub.store.reading import shown_arrival
from hub.store.tables import aliases as al
from hub.store.tables import arrivals as a
from hub.store.tables import cells as c
from hub.store.values import ArrivalState, JsonObject, Window

LOOKED_AT = 5_000


def arrivals(connection: Connection, window: Window, state: ArrivalState | None, schema: SchemaRef | None) -> JsonObject:
    """A page of the sender's arrivals. ``schema`` stands for all versions it allows."""
    seen = _window(window)
    wanted: list[ColumnElement[bool]] = []
    if state is not None:
        wanted.append(seen.c.state == state)
    if schema is not None:
        wanted.append(or_(seen.c.schema == str(schema), seen.c.schema.startswith(f"{schema}.")))
    rows, more = _page(connection, window, seen, wanted, {})
    return {"items": [shown_arrival(row) for row in rows], "next": more}


def dossiers(connection: Connection, window: Window, **flags: bool | None) -> JsonObject:
    """A page of the dossiers the sender sent, each by its newest arrival from this sender.

    ``flags`` (kept, waiting, dead, behind) ask for those of which it is so, or not so.
    """
    seen = _window(window)
    told = _flags(seen)
    later = a.alias("later")
    newest = ~exists().where(
        later.c.dossier_id == seen.c.dossier_id, later.c.sender == window.sender, later.c.ordinal > seen.c.ordinal
    )
    wanted = [newest, *(told[name] if flag else ~told[name] for name, flag in flags.items() if flag is not None)]
    rows, more = _page(connection, window, seen, wanted, told)
    named = connection.execute(
        select(al).where(al.c.dossier_id.in_([row.dossier_id for row in rows])).order_by(al.c.learned_at, al.c.system)
    )
    codes: dict[str, list[JsonObject]] = {}
    for one in named:
        codes.setdefault(one.dossier_id, []).append({"system": one.system, "code": one.code})
    items = [
        {
            "dossier": row.dossier_id,
            "codes": codes.get(row.dossier_id, []),
            "last_arrival": shown_arrival(row),
            **{name: bool(getattr(row, f"is_{name}")) for name in told},
        }
        for row in rows
    ]
    return {"items": items, "next": more}


def _window(window: Window) -> FromClause:
    """The newest arrivals of the sender in the window, as many as a page looks at."""
    query = select(a).where(a.c.sender == window.sender)
    if window.after is not None:
        query = query.where(a.c.id < window.after)
    if window.since is not None:
        query = query.where(a.c.id >= _first_id(window.since))
    if window.until is not None:
        query = query.where(a.c.id < _first_id(window.until))
    return query.order_by(a.c.id.desc()).limit(LOOKED_AT).subquery("seen")


def _page(
    connection: Connection,
    window: Window,
    seen: FromClause,
    wanted: list[ColumnElement[bool]],
    told: dict[str, ColumnElement[bool]],
) -> tuple[list[Any], str | None]:
    """The rows of the page, and the id after which the next one begins; None when this is the last."""
    columns = [column.label(f"is_{name}") for name, column in told.items()]
    found = connection.execute(select(seen, *columns).where(*wanted).order_by(seen.c.id.desc()).limit(window.limit + 1)).all()
    if len(found) > window.limit:
        rows = list(found[: window.limit])
        return rows, rows[-1].id
    looked_at, last = connection.execute(select(func.count(), func.min(seen.c.id)).select_from(seen)).one()
    return list(found), last if looked_at == LOOKED_AT else None


def _flags(seen: FromClause) -> dict[str, ColumnElement[bool]]:
    """What is told of a dossier, as conditions on its arrivals and its ledger."""
    kept = a.alias("kept")
    cell = exists().where(c.c.dossier_id == seen.c.dossier_id)
    return {
        "kept": exists().where(
            and_(kept.c.dossier_id == seen.c.dossier_id, kept.c.sender == seen.c.sender, kept.c.state == "kept")
        ),
        "waiting": cell.where(c.c.open > 0),
        "dead": cell.where(c.c.dead > 0),
        "behind": cell.where(func.coalesce(c.c.sent_seq, 0) < c.c.routed_seq),
    }


def _first_id(micros: int) -> str:
    """The least id that a UUIDv7 made at this time can have (RFC 9562 section 5.7: 48 bits of milliseconds come first)."""
    digits = f"{max(micros, 0) // 1000:012x}"
    return f"{digits[:8]}-{digits[8:12]}-0000-0000-000000000000"
