"""Fans one message out: which routes take it, and one delivery for each, in its place of the lane.

Every function runs inside the writer's transaction, which holds the dossier's row.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, select

from hub.message import Arrival, new_id
from hub.store import cells, events, lanes
from hub.store.prepared import Prepared, PreparedInsert
from hub.store.tables import deliveries as d
from hub.store.values import Part, RouteMatch

_WITH = Prepared(select(d.c.endpoint, d.c.route, d.c.stream).where(d.c.dossier_id == bindparam("dossier")).order_by(d.c.seq))
_ADD = PreparedInsert(d)


def fan_out(
    connection: Connection, arrival: Arrival, dossier_id: str, seq: int, message_id: str, part: Part,
    only: frozenset[str] | None = None, *, there: frozenset[str] = frozenset(), observed: bool = False,
) -> list[dict[str, Any]]:  # fmt: skip
    """What each route does with the message; deliveries are added for those that take it. ``only`` these endpoints are left
    of one that was said before, and those where it is ``there`` already are not. ``observed``: another sender owns the dossier,
    so only routes for observations are asked."""
    matches = [match for match in part.matches if match.observations or not observed]
    stays = staying_routes(connection, dossier_id, part.stream, matches)
    said: list[dict[str, Any]] = []
    reached: set[str] = set()
    for match in matches:
        one: dict[str, Any] = {"route": match.route, "endpoint": match.endpoint, "taken": match.matched, "why": match.why}
        if match.route in stays:
            one |= {"taken": True, "why": f"{match.why}; but the dossier is already with {match.endpoint}"}
        if match.endpoint == arrival.origin:
            one |= {"taken": False, "why": f"it came from {match.endpoint}"}
        if (only is not None and match.endpoint not in only) or match.endpoint in there:
            one |= {"taken": False, "why": "it was said there before"}
        if match.failure:
            one["failure"] = match.failure
        if one["taken"]:
            at = arrival.received_at
            one["delivery"] = deliver(
                connection,
                dossier_id,
                message_id,
                part.stream,
                part.full_state,
                seq,
                lanes.Voice(arrival.sender, owned=not observed),
                match,
                accepted_at=at,
                now=at,
                first=seq == 1 and match.endpoint not in reached,
            )
            reached.add(match.endpoint)
        said.append(one)
    return said


def staying_routes(connection: Connection, dossier_id: str, stream: str, matches: Sequence[RouteMatch]) -> set[str]:
    """Routes that hear the sender and whose conditions do not hold, to endpoints that the dossier is with already and that no
    other route takes the message to: one for each, the one that carried the stream there last, else the first."""
    sticky = [match for match in matches if match.sticky]
    unmet = {match.endpoint for match in sticky} - {match.endpoint for match in matches if match.matched}
    if not unmet:
        return set()
    carried = _WITH.rows(connection, {"dossier": dossier_id})
    first = {match.endpoint: match.route for match in reversed(sticky)}
    offered = {match.route for match in sticky}
    last = {row.endpoint: row.route for row in carried if row.stream == stream and row.route in offered}
    return {last.get(endpoint, first[endpoint]) for endpoint in unmet & {row.endpoint for row in carried}}


def deliver(
    connection: Connection,
    dossier_id: str,
    message_id: str,
    stream: str,
    full_state: bool,
    seq: int,
    voice: lanes.Voice,
    match: RouteMatch,
    *,
    accepted_at: int,
    now: int,
    passed_by: str | None = None,
    first: bool = False,
) -> str:
    """Add one delivery to its lane, in place of those it replaces; returns its id.

    ``first`` says that the dossier never had one to this endpoint. ``passed_by`` is the delivery of a newer
    state that the partner already took: then this one is superseded at once.
    """
    delivery_id = new_id()
    told = {
        "delivery": delivery_id, "message": message_id, "endpoint": match.endpoint, "route": match.route, "stream": stream,
        "seq": seq,
    }  # fmt: skip
    if passed_by is not None:
        _ADD.run(
            connection,
            {
                "id": delivery_id, "message_id": message_id, "dossier_id": dossier_id, "endpoint": match.endpoint,
                "route": match.route, "stream": stream, "full_state": full_state, "seq": seq, "position": seq,
                "state": "superseded", "head": False, "number": 0, "counted": 0, "doubted": False, "adopt": False,
                "created_at": now, "settled_at": now, "settled_by": "lane", "why": f"replaced by {passed_by}",
            },
        )  # fmt: skip
        cells.routed(connection, dossier_id, match.endpoint, stream, seq, accepted_at)
        cells.closed(connection, dossier_id, match.endpoint, stream, was_dead=False)
        events.happened(connection, "delivery.routed", dossier_id, **told)
        events.happened(connection, "delivery.superseded", dossier_id, **told, by=passed_by)
        return delivery_id
    lane = [] if first else lanes.open_in_order(connection, dossier_id, match.endpoint)
    position = seq
    replaced = lanes.replaceable(lane, match.route, stream, seq, voice, coalesce=match.coalesce) if full_state else []
    for old in replaced:
        lanes.supersede(connection, dossier_id, match.endpoint, old, delivery_id, now)
    if replaced:
        position = lanes.place_of(lane, replaced[0], stream, seq, voice)
    _ADD.run(
        connection,
        {
            "id": delivery_id, "message_id": message_id, "dossier_id": dossier_id, "endpoint": match.endpoint,
            "route": match.route, "stream": stream, "full_state": full_state, "seq": seq, "position": position,
            "state": "pending", "head": not lane, "next_at": now, "number": 0, "counted": 0, "doubted": False,
            "adopt": False, "created_at": now,
        },
    )  # fmt: skip
    cells.routed(connection, dossier_id, match.endpoint, stream, seq, accepted_at, first=first)
    events.happened(connection, "delivery.routed", dossier_id, **told)
    if replaced or (lane and position <= lane[-1].position):  # at the end of its lane it changes no head
        lanes.promote(connection, dossier_id, match.endpoint)
    return delivery_id
