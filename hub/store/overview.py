"""What an operator sees of the whole exchange at one glance: one cheap read for the page, the API and the shell.

Nothing here counts a whole table. What is open, dead or kept is counted over partial indexes; what happened lately is
read from a range of ids (UUIDv7 begins with its time), newest first and at most ``MOST`` rows, so that a flood shortens the
time looked back upon (``seconds``) and not the answer. No bodies; reasons pass the redaction.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import JSON, ColumnElement, Connection, and_, cast, func, literal_column, or_, select

from hub.message import NATIONAL
from hub.observe.redact import text as redacted
from hub.store import lookups
from hub.store.events import unpublished
from hub.store.glance import (
    Backlog,
    Cause,
    EndpointNow,
    EventStream,
    Failure,
    LastError,
    Minute,
    Overview,
    Paused,
    Recent,
    Traffic,
)
from hub.store.rows import AnyRow, instant, unpack
from hub.store.tables import aliases as al
from hub.store.tables import arrivals as a
from hub.store.tables import attempts as at
from hub.store.tables import deliveries as d
from hub.store.tables import endpoints as e

SECOND = 1_000_000
WINDOW_SECONDS = 300
MOST = 5_000
LAST = 10
LONGEST_REASON = 200
_SLICE = 11
"""So many characters of an id name a slice of 256 ms: the first 40 of its 48 bits of milliseconds."""

# written out, not bound: only so does SQLite see that a partial index serves it
_OPEN = d.c.state.in_([literal_column(f"'{state}'") for state in ("pending", "claimed", "in_doubt", "dead")])
_DEAD = d.c.state == literal_column("'dead'")
_KEPT = a.c.state == literal_column("'kept'")
_BACKLOG = (
    select(d.c.endpoint, d.c.route, d.c.state, func.count().label("number"), func.min(d.c.created_at).label("since"))
    .where(_OPEN)
    .group_by(d.c.endpoint, d.c.route, d.c.state)
    .order_by(d.c.endpoint, d.c.route)
)
_IN_DOUBT = select(d).where(_OPEN, d.c.state == literal_column("'in_doubt'")).order_by(d.c.last_attempt_at.desc()).limit(LAST)
_NEWLY_DEAD = select(d).where(_DEAD).order_by(d.c.settled_at.desc()).limit(LAST)
_NEWLY_KEPT = select(a).where(_KEPT).order_by(a.c.received_at.desc()).limit(LAST)
_DEAD_HEADS = select(d.c.dossier_id, d.c.endpoint).where(_DEAD, d.c.head).order_by(d.c.settled_at.desc()).limit(MOST).subquery()
_BEHIND_DEAD = (
    select(d.c.endpoint, func.count().label("number"))
    .join_from(_DEAD_HEADS, d, and_(d.c.dossier_id == _DEAD_HEADS.c.dossier_id, d.c.endpoint == _DEAD_HEADS.c.endpoint))
    .where(d.c.state == literal_column("'pending'"))
    .group_by(d.c.endpoint)
)
"""What waits behind the newest ``MOST`` dead letters; a lane has one head, so nothing is counted twice."""
_DEAD_CAUSES = (
    select(d.c.endpoint, d.c.code, func.count().label("number"), func.min(d.c.settled_at).label("since"),
           func.max(d.c.settled_at).label("until"), func.min(d.c.id).label("example"))
    .where(_DEAD)
    .group_by(d.c.endpoint, d.c.code)
)  # fmt: skip


_WAITING = (
    select(d)
    .where(d.c.head, d.c.state.in_([literal_column("'pending'"), literal_column("'in_doubt'")]))
    .order_by(d.c.next_at.desc())
    .limit(MOST)
)
"""Of one endpoint, the heads of lanes that are tried last."""


def overview(connection: Connection, now: int, configured: Iterable[str] = ()) -> Overview:
    """The exchange as it stands. ``configured`` endpoints are listed even when nothing is with them."""
    open_now = backlog(connection)
    dead, kept = _dead_causes(connection), _kept_causes(connection)
    return Overview(
        at=_instant(now),
        traffic=_traffic(connection, now),
        endpoints=_endpoints(connection, now, open_now, tuple(configured)),
        backlog=open_now,
        causes=tuple(sorted((*dead, *kept), key=lambda one: -one.count)),
        errors=_last_errors(connection, {one.endpoint for one in open_now if one.state == "pending"}),
        events=_stream(connection, now),
    )


def _stream(connection: Connection, now: int) -> EventStream | None:
    found = unpublished(connection)
    return None if found is None else EventStream.of(found, now)


def backlog(connection: Connection) -> tuple[Backlog, ...]:
    """Open deliveries, dead letters included, by endpoint, route and state."""
    rows = connection.execute(_BACKLOG)
    return tuple(Backlog(row.endpoint, row.route, row.state, row.number, _instant(row.since), row.since) for row in rows)


def waiting(connection: Connection) -> Mapping[str, int]:
    """What waits or is under way at each endpoint, without what is behind a dead letter."""
    open_now = backlog(connection)
    found = Counter[str]()
    for one in open_now:
        if one.state != "dead":
            found[one.endpoint] += one.count
    if any(one.state == "dead" for one in open_now):
        for row in connection.execute(_BEHIND_DEAD):
            found[row.endpoint] -= row.number
    return +found


def first_head(connection: Connection, among: Backlog) -> int | None:
    """When the oldest of these that waits behind no other was accepted; read in order of age, so only over followers."""
    return connection.execute(
        select(d.c.created_at)
        .where(_OPEN, d.c.endpoint == among.endpoint, d.c.route == among.route, d.c.state == among.state, d.c.head)
        .order_by(d.c.created_at)
        .limit(1)
    ).scalar()


def kept(connection: Connection) -> int:
    """How many arrivals are kept."""
    return int(connection.execute(select(func.count()).select_from(a).where(_KEPT)).scalar_one())


def _instant(micros: int) -> str:
    return instant(micros) or ""


def _first_id(micros: int) -> str:
    """What every id made since then is greater than."""
    text = f"{max(0, micros) // 1000:012x}"
    return f"{text[:8]}-{text[8:]}"


def _traffic(connection: Connection, now: int) -> Traffic:
    since = now - WINDOW_SECONDS * SECOND
    newest = (
        select(func.substr(a.c.id, 1, _SLICE).label("slice"), a.c.state)
        .where(a.c.id >= _first_id(since))
        .order_by(a.c.id.desc())
        .limit(MOST)
        .subquery()
    )
    counted = select(newest.c.slice, newest.c.state, func.count().label("number")).group_by(newest.c.slice, newest.c.state)
    rows = [(_micros(row.slice), row.state, row.number) for row in connection.execute(counted)]
    if sum(count for *_, count in rows) >= MOST:
        since = max(since, min(start for start, *_ in rows))
    minutes: list[dict[str, int]] = [{} for _ in range(max(1, -((since - now) // (60 * SECOND))))]
    for start, state, count in rows:
        minute = minutes[min(len(minutes) - 1, max(0, (now - start) // (60 * SECOND)))]
        minute[state] = minute.get(state, 0) + count
    told = tuple(Minute(_instant(now - 60 * SECOND * (age + 1)), one) for age, one in reversed([*enumerate(minutes)]))
    total: dict[str, int] = {}
    for _, state, count in rows:
        total[state] = total.get(state, 0) + count
    return Traffic(round((now - since) / SECOND), total, told)


def _micros(slice_: str) -> int:
    return (int(slice_.replace("-", ""), 16) << 8) * 1000


@dataclass(slots=True)
class _Lately:
    """What is known of an endpoint's attempts lately."""

    delivered: int = 0
    retried: int = 0
    lags: list[int] = field(default_factory=list)
    last_delivered: int | None = None
    failure: Failure | None = None

    def lag(self, percent: int) -> float | None:
        """Seconds within which so many of a hundred deliveries were made (nearest rank)."""
        lags = sorted(self.lags)
        return lags[max(0, -(-len(lags) * percent // 100) - 1)] / SECOND if lags else None


def _lately(connection: Connection, now: int) -> tuple[int, dict[str, _Lately]]:
    """Seconds looked back upon, and what the attempts begun in them came to, by endpoint."""
    since = now - WINDOW_SECONDS * SECOND
    columns = (at.c.started_at, at.c.ended_at, at.c.outcome, at.c.code, at.c.resolved, at.c.resolved_at)
    newest = (
        select(at.c.delivery_id, *columns).where(at.c.id >= _first_id(since)).order_by(at.c.id.desc()).limit(MOST).subquery()
    )
    query = select(newest, d.c.endpoint, d.c.created_at).join_from(newest, d, d.c.id == newest.c.delivery_id)
    rows = sorted(connection.execute(query).all(), key=lambda row: row.started_at, reverse=True)
    found: dict[str, _Lately] = {}
    for row in rows:
        of = found.setdefault(row.endpoint, _Lately())
        found_out = row.outcome == "in_doubt" and (row.resolved or "").startswith("delivered")
        ended = row.resolved_at if found_out else row.ended_at
        if row.outcome == "delivered" or found_out:
            of.delivered += 1
            of.lags.append(max(0, ended - row.created_at))
            of.last_delivered = max(of.last_delivered or 0, ended)
        elif row.outcome is not None:
            of.retried += row.outcome == "again"
            of.failure = of.failure or Failure(_instant(ended), row.code or row.outcome)
    if len(rows) >= MOST:
        since = max(since, rows[-1].started_at)
    return max(1, round((now - since) / SECOND)), found


def _endpoints(
    connection: Connection, now: int, open_now: Sequence[Backlog], configured: Sequence[str]
) -> tuple[EndpointNow, ...]:
    seconds, lately = _lately(connection, now)
    paused = {
        row.name: Paused(row.paused_by or "", instant(row.paused_at), redacted(row.why or ""))
        for row in connection.execute(select(e))
    }
    asked = lookups.failing(connection, now - WINDOW_SECONDS * SECOND, MOST)
    dead = any(one.state == "dead" for one in open_now)
    behind: dict[str, int] = {row.endpoint: row.number for row in connection.execute(_BEHIND_DEAD)} if dead else {}
    others = {*(one.endpoint for one in open_now), *lately, *paused} - {*configured}
    made: list[EndpointNow] = []
    for name in (*configured, *sorted(others)):
        mine, recent = [one for one in open_now if one.endpoint == name], lately.get(name, _Lately())
        waiting = [one for one in mine if one.state != "dead"]
        oldest = min((one.since for one in waiting), default=None)
        failure = Failure(_instant(asked[name][0]), asked[name][1]) if name in asked else recent.failure
        made.append(
            EndpointNow(
                endpoint=name,
                configured=name in configured,
                paused=paused.get(name),
                waiting=sum(one.count for one in waiting),
                in_doubt=sum(one.count for one in waiting if one.state == "in_doubt"),
                dead=sum(one.count for one in mine if one.state == "dead"),
                oldest_waiting_seconds=None if oldest is None else max(0, now - oldest) / SECOND,
                recent=Recent(seconds, recent.delivered, recent.retried, recent.lag(50), recent.lag(95)),
                last_delivered_at=instant(recent.last_delivered),
                last_failure=failure,
                behind_dead=behind.get(name, 0),
            )
        )
    return tuple(made)


def _dead_causes(connection: Connection) -> list[Cause]:
    return [
        Cause(
            "delivery", row.endpoint, row.code or "unknown", row.number, _instant(row.since), _instant(row.until), row.example
        )
        for row in connection.execute(_DEAD_CAUSES)
    ]


def _kept_causes(connection: Connection) -> list[Cause]:
    code = _first_code(connection.dialect.name).label("first_code")
    query = select(
        code, func.count().label("number"), func.min(a.c.received_at).label("since"),
        func.max(a.c.received_at).label("until"), func.min(a.c.id).label("example"),
    ).where(_KEPT).group_by(code)  # fmt: skip
    return [
        Cause("arrival", None, row.first_code or "unknown", row.number, _instant(row.since), _instant(row.until), row.example)
        for row in connection.execute(query)
    ]


def _first_code(dialect: str) -> ColumnElement[str]:
    """The code of the first reason why an arrival is kept."""
    if dialect == "postgresql":
        return func.json_extract_path_text(cast(a.c.reasons, JSON), literal_column("'0'"), literal_column("'code'"))
    return func.json_extract(a.c.reasons, literal_column("'$[0].code'"))


def _last_errors(connection: Connection, waiting_at: Iterable[str]) -> tuple[LastError, ...]:
    """What is dead, in doubt or kept, and what waits for a registry to answer or for a file."""
    found: list[tuple[int, str, AnyRow]] = []
    for endpoint in waiting_at:
        heads = _WAITING.where(d.c.endpoint == endpoint).subquery()
        prepared = or_(heads.c.code.startswith("verification_"), heads.c.code.startswith("file_"))
        rows = connection.execute(select(heads).where(prepared).limit(LAST))
        found += [(row.created_at, "pending", row) for row in rows]
    found += [(row.settled_at, "dead", row) for row in connection.execute(_NEWLY_DEAD)]
    found += [(row.last_attempt_at or row.created_at, "in_doubt", row) for row in connection.execute(_IN_DOUBT)]
    found += [(row.received_at, "kept", row) for row in connection.execute(_NEWLY_KEPT)]
    found.sort(key=lambda one: -one[0])
    codes = _national_codes(connection, {row.dossier_id for *_, row in found[:LAST]})
    return tuple(_error(when, kind, row, codes) for when, kind, row in found[:LAST])


def _error(when: int, kind: str, row: AnyRow, codes: Mapping[str, str]) -> LastError:
    dossier = codes.get(row.dossier_id)
    if kind == "kept":
        first: Mapping[str, str] = next(iter(unpack(row.reasons)), {})
        reason = f"{first.get('at') or '(whole)'}: {first.get('message', '')}"
        return LastError(kind, _instant(when), row.sender, first.get("code", "unknown"), _short(reason), dossier, row.id)
    return LastError(kind, _instant(when), row.endpoint, row.code or "unknown", _short(row.reason or ""), dossier, row.id)


def _national_codes(connection: Connection, dossiers: set[str]) -> dict[str, str]:
    """A dossier's national code; other systems' codes are opaque and could be anything, an identity number too."""
    named = select(al.c.dossier_id, al.c.code).where(and_(al.c.dossier_id.in_(dossiers), al.c.system == NATIONAL))
    return {row.dossier_id: redacted(row.code) for row in connection.execute(named.order_by(al.c.learned_at))}


def _short(reason: str) -> str:
    reason = redacted(reason)
    return reason if len(reason) <= LONGEST_REASON else f"{reason[: LONGEST_REASON - 1]}…"
