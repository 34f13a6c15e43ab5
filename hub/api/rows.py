"""The door for rows: ``POST /v1/rows`` takes messages that a sender reads from a file (`hub import`), each with its place.

Each row is an arrival like one of ``POST /v1/messages``, by the same rules; its key is its own id, if its schema has one, else
its place, and then it is also known again when it is the same as the latest of its dossier. Rows are taken in one after the
other, so that order is kept and a request never holds up others for longer than one row does. Where the hub can take no more
for now, it says so (``later``) and the rows from there on were not looked at.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

import orjson
from aiohttp import web

from hub.api.problems import from_error
from hub.connector import Accept
from hub.errors import Broke, Busy, HubBreaks, Problem, Refused, SchemaInvalid, StoreUnavailable, TooMany, UnsupportedMediaType
from hub.intake.body import most_bytes, read_body, wait_with_continue
from hub.intake.contained import contained
from hub.intake.doorway import Doorway, trace_of
from hub.intake.keys import require_right
from hub.intake.rest import named_schema
from hub.message import Arrival, SchemaRef, new_id
from hub.observe import metrics
from hub.strictjson import parse

MOST_ROWS = 100
_PLACE = re.compile(r"[\x21-\x7e]{1,200}")
_HINT = 'send {"rows": [{"place": "…", "body": "…"}]}: place is 1 to 200 visible ASCII characters, body the message as text'


class RowDoor:
    """Takes rows from callers who hold a key; one request is one at the gate."""

    def __init__(self, accept: Accept, doorway: Doorway) -> None:
        self._accept = contained(accept, "rows", tries=1)
        self._doorway = doorway

    def routes(self) -> Iterable[web.RouteDef]:
        """``POST /v1/rows``; a caller that expects 100 Continue gets it once key and schema were found good."""
        return [web.post("/v1/rows", self._post, expect_handler=wait_with_continue)]

    async def _post(self, request: web.Request) -> web.Response:
        sender: str | None = None
        schema: SchemaRef | None = None
        doorway = self._doorway
        try:
            key = await doorway.keys.authenticate(request.headers)
            sender = key.name
            schema, in_xml = named_schema(request)
            if in_xml:
                raise UnsupportedMediaType([Problem("Content-Type", "media_type", "rows come in JSON", _HINT)])
            require_right(key, schema.id)
            place = await doorway.gate.enter(sender, most_bytes(request, doorway.limits))
            try:
                body = await read_body(request, doorway.limits)
                place.shrink(len(body))
                answer = await self._taken(sender, schema, _rows(body))
            finally:
                place.leave()
        except Refused as error:
            await doorway.refuse(error, sender, schema, trace_of(request))
            raise
        return web.Response(body=orjson.dumps(answer), content_type="application/json")

    async def _taken(self, sender: str, schema: SchemaRef, rows: Sequence[tuple[str, bytes]]) -> dict[str, Any]:
        """What became of each row, in their order, and, where not all were looked at, when to send the others."""
        done: list[dict[str, Any]] = []
        for place, body in rows:
            try:
                await self._doorway.allowances.take(sender)
                done.append(await self._row(sender, schema, place, body))
            except (TooMany, Busy, StoreUnavailable) as error:
                if isinstance(error, StoreUnavailable) and not isinstance(error, HubBreaks):
                    metrics.store_error(error.reason)
                problem = from_error(error)
                later = {"status": problem.status, "retry_after": error.retry_after, "problem": _fragment(problem)}
                return {"rows": done, "later": later}
        return {"rows": done}

    async def _row(self, sender: str, schema: SchemaRef, place: str, body: bytes) -> dict[str, Any]:
        doorway = self._doorway
        arrival = Arrival(
            id=new_id(), sender=sender, schema=schema, body=body, received_at=doorway.clock(),
            correlation_id=new_id().replace("-", ""), else_key=place,
        )  # fmt: skip
        try:
            accepted = await self._accept(arrival)
        except (TooMany, Busy):
            raise
        except Refused as error:
            metrics.refused(error.kind)
            if not isinstance(error, Broke):
                metrics.arrival(sender, str(schema), "refused")
            return {"status": error.status, "problem": _fragment(from_error(error))}
        doorway.taken(accepted, sender, len(body))
        return {"status": HTTPStatus.ACCEPTED, "known": accepted.repeated, "receipt": accepted.receipt}


def _fragment(problem: web.Response) -> orjson.Fragment:
    assert isinstance(problem.body, bytes)
    return orjson.Fragment(problem.body)


def _rows(body: bytes) -> list[tuple[str, bytes]]:
    """Place and bytes of each. Raises NotParsable, SchemaInvalid."""
    document = parse(body, max_depth=4)
    rows = document.get("rows") if isinstance(document, Mapping) else None
    if not isinstance(rows, list) or not 1 <= len(rows) <= MOST_ROWS or len(document) != 1:
        raise SchemaInvalid([Problem("/rows", "rows", f"there must be 1 to {MOST_ROWS} rows, and nothing else", _HINT)])
    bad = [number for number, row in enumerate(rows) if not _is_row(row)]
    if bad:
        raise SchemaInvalid([Problem(f"/rows/{number}", "row", "this is no row", _HINT) for number in bad])
    return [(row["place"], row["body"].encode()) for row in rows]


def _is_row(row: Any) -> bool:
    if not isinstance(row, Mapping) or set(row) != {"place", "body"}:
        return False
    place, body = row["place"], row["body"]
    return isinstance(place, str) and _PLACE.fullmatch(place) is not None and isinstance(body, str)
