"""Who asked which registry about whom, when and why: a row before the question, completed by what came of it.

The person stands in it as a salted digest, the answer not at all. Retention decides nothing about it.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, insert, select, update

from hub.message import NATIONAL
from hub.store.fitting import fit
from hub.store.rows import AnyRow, instant
from hub.store.tables import aliases as al
from hub.store.tables import lookups as lu
from hub.store.values import JsonObject, Lookup, LookupOutcome


def asked(connection: Connection, lookup: Lookup) -> None:
    """Write down that it is asked."""
    values = {
        "id": lookup.id, "at": lookup.at, "key_name": fit(lookup.key, 100) or "?", "officer": fit(lookup.officer, 100) or "?",
        "purpose": fit(lookup.purpose) or "?", "procedure": fit(lookup.procedure, 100) or "?", "endpoint": lookup.endpoint,
        "kind": lookup.kind, "digest": lookup.digest, "dossier_id": lookup.dossier_id,
        "correlation_id": fit(lookup.correlation_id, 64) or "?",
    }  # fmt: skip
    connection.execute(insert(lu), values)


def answered(
    connection: Connection, lookup_id: str, outcome: LookupOutcome, code: str, duration: int, reason: str = ""
) -> None:
    """Write down what came of it."""
    values = {"outcome": outcome, "code": fit(code, 60), "reason": fit(reason, 500) or None, "duration": max(0, duration)}
    connection.execute(update(lu).where(lu.c.id == lookup_id).values(**values))


def listed(
    connection: Connection, officer: str | None, endpoint: str | None, since: int | None, limit: int,
    dossier: str | None = None, outcome: str | None = None,
) -> list[JsonObject]:  # fmt: skip
    """Read: the newest first. ``dossier`` is what any system calls it; ``outcome`` may be ``asked``: none is known."""
    query = select(lu).order_by(lu.c.at.desc(), lu.c.id.desc()).limit(limit)
    if officer is not None:
        query = query.where(lu.c.officer == officer)
    if endpoint is not None:
        query = query.where(lu.c.endpoint == endpoint)
    if since is not None:
        query = query.where(lu.c.at >= since)
    if dossier is not None:
        query = query.where(lu.c.dossier_id.in_(select(al.c.dossier_id).where(al.c.code == dossier)))
    if outcome is not None:
        query = query.where(lu.c.outcome.is_(None) if outcome == "asked" else lu.c.outcome == outcome)
    rows = connection.execute(query).all()
    codes = _codes(connection, {row.dossier_id for row in rows if row.dossier_id})
    return [_shown(row, codes.get(row.dossier_id, row.dossier_id)) for row in rows]


def of_dossier(connection: Connection, dossier_id: str) -> list[tuple[int, JsonObject]]:
    """Read: what came of each verification of its owner, and when it was asked; not who asked."""
    query = select(lu).where(lu.c.dossier_id == dossier_id, lu.c.kind == "verify").order_by(lu.c.at, lu.c.id)
    names = ("lookup", "at", "endpoint", "outcome", "code", "seconds")
    told = [(row.at, _shown(row, None), row.key_name.removeprefix("route:")) for row in connection.execute(query)]
    return [(at, {**{name: one[name] for name in names if name in one}, "route": route}) for at, one, route in told]


def _codes(connection: Connection, dossier_ids: set[str]) -> dict[str, str]:
    """What each dossier is called: its national code, else the name that was learned first. `hub trace` knows both."""
    names = select(al.c.dossier_id, al.c.code).order_by(al.c.system != NATIONAL, al.c.learned_at, al.c.system)
    found: dict[str, str] = {}
    for row in connection.execute(names.where(al.c.dossier_id.in_(dossier_ids))) if dossier_ids else ():
        found.setdefault(row.dossier_id, row.code)
    return found


def failing(connection: Connection, since: int, most: int) -> dict[str, tuple[int, str]]:
    """Read: endpoints whose newest question lately got no answer: when it was asked, and why. What was not asked for a while
    because of that (``breaker_open``) is no cause: the one before it is."""
    query = select(lu.c.endpoint, lu.c.at, lu.c.outcome, lu.c.code).where(lu.c.at >= since, lu.c.outcome.is_not(None))
    newest: dict[str, AnyRow] = {}
    for row in connection.execute(query.order_by(lu.c.at.desc()).limit(most)):
        known = newest.setdefault(row.endpoint, row)
        if row.outcome == known.outcome == "unreachable" and known.code == "breaker_open":
            newest[row.endpoint] = row
    return {name: (row.at, row.code or "") for name, row in newest.items() if row.outcome == "unreachable"}


def _shown(row: AnyRow, dossier: str | None) -> JsonObject:
    said: dict[str, Any] = {
        "lookup": row.id, "at": instant(row.at), "key": row.key_name, "officer": row.officer, "purpose": row.purpose,
        "procedure": row.procedure, "endpoint": row.endpoint, "kind": row.kind, "outcome": row.outcome or "asked",
        "code": row.code or None, "reason": row.reason, "digest": row.digest, "dossier": dossier,
        "correlation_id": row.correlation_id,
        "seconds": None if row.duration is None else row.duration / 1_000_000,
    }  # fmt: skip
    return {name: value for name, value in said.items() if value is not None}
