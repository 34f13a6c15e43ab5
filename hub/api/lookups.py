"""``POST /v1/lookups/{endpoint}``: an officer's system asks a registry, and is told what came of it, once.

The order: authenticate, what the client may still send, the right to this registry's questions, a place, the body within its
limits, who asks, how often this officer asked, then the question. Who asked is on disk before the registry is called, what
came of it before the answer leaves; the answer itself is kept nowhere. A question that is not put to the registry does not
count as one of its officer.

Answers: 200 found, not_found, confirmed, mismatch; 400, 408, 413, 415 body; 401 key; 403 right; 404 no such registry; 422
request, question, or refused by the registry; 429 client or officer; 502 the answer was lost or cannot be read; 503 no answer,
paused, busy, store.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import orjson
from aiohttp import web

from hub import strictjson
from hub.api.lookup_models import LookupRequest, read_request
from hub.api.problems import problem
from hub.errors import Busy, Problem, Refused, SchemaInvalid, StoreUnavailable, TranslationFailed, UnsupportedMediaType
from hub.intake.allowance import Allowances
from hub.intake.body import BodyLimits, read_body, wait_with_continue
from hub.intake.doorway import TRACE, Refusals
from hub.intake.gate import Gate, Room
from hub.intake.keys import Keys, require_lookup
from hub.lookup.answer import Answer
from hub.lookup.officers import Officers
from hub.lookup.registry import WHO_ASKS, Asker, Registry
from hub.message import SchemaRef
from hub.observe.shapes import SHAPES
from hub.store.values import Key

MOST_BYTES = 16 * 1024
MAX_DEPTH = 8
ROOM = Room(requests=64, bytes=4 * 1024 * 1024, waiting=128)
"""As many at once, each of them until its registry answered; one client alone gets half."""
LATER_SECONDS = 60
"""When to come back for what only an operator can mend."""


class LookupDoor:
    """One path for each registry that is configured; ``seconds`` bounds how long a body may take."""

    def __init__(
        self, registries: Sequence[Registry], endpoints: Sequence[str], keys: Keys, allowances: Allowances, officers: Officers,
        seconds: float,
    ) -> None:  # fmt: skip
        self._registries = registries
        self._endpoints = endpoints
        self._keys = keys
        self._allowances = allowances
        self._officers = officers
        self._limits = BodyLimits(MOST_BYTES, seconds)
        self._gate = Gate(ROOM)
        self._refusals = Refusals()

    def routes(self) -> Iterable[web.RouteDef]:
        """``POST`` for each, and for what is none."""
        asked = [
            web.post(f"/v1/lookups/{one.name}", partial(self._post, one), expect_handler=wait_with_continue)
            for one in self._registries
        ]
        return [*asked, *([web.post("/v1/lookups/{endpoint}", self._unknown)] if self._endpoints else [])]

    async def _unknown(self, request: web.Request) -> web.Response:
        """404 that says, to who has a key, what there is."""
        await self._keys.authenticate(request.headers, None)
        name = request.match_info["endpoint"]
        there = ", ".join(one.name for one in self._registries) or "none"
        detail = f"{name} has no `lookup:`" if name in self._endpoints else "no such look-up"
        return problem(404, "not-found", "Not found", detail=f"{detail}; there are: {there}")

    async def _post(self, registry: Registry, request: web.Request) -> web.Response:
        client: str | None = None
        try:
            key = await self._keys.authenticate(request.headers, None)
            client = key.name
            left = await self._allowances.take(client)
            require_lookup(key, SchemaRef.parse(registry.policy.take).id)
            _require_json(request)
            place = await self._gate.enter(client, MOST_BYTES)
            try:
                wanted = read_request(strictjson.parse(await read_body(request, self._limits), max_depth=MAX_DEPTH))
                answer = await self._answer(registry, key, wanted, request)
            finally:
                place.leave()
        except Refused:
            await self._refusals.slow_down(client)
            raise
        answer.headers.update({**left, "Cache-Control": "no-store"})
        return answer

    async def _answer(self, registry: Registry, key: Key, wanted: LookupRequest, request: web.Request) -> web.Response:
        if wanted.confirm and not registry.confirms:
            raise SchemaInvalid([Problem("/confirm", "not_allowed", "this registry cannot confirm", "leave it out")])
        given = [name for name in WHO_ASKS if name in wanted.query]
        if given:
            text = "stands beside the query, or is the hub's own"
            raise SchemaInvalid([Problem(f"/query/{name}", "not_allowed", text, "leave it out here") for name in given])
        if await registry.paused():
            detail = "an operator stopped it for a while"
            return problem(503, "paused", "The registry is not asked now", detail=detail, headers=_retry(LATER_SECONDS))
        if registry.used_up_until() is not None:
            raise Busy.now()
        policy = registry.policy
        limits = policy.per_officer_per_minute, policy.per_client_per_minute
        turn = self._officers.take(registry.name, key.name, wanted.officer, *limits)
        trace = request[TRACE]
        asker = Asker(key.name, wanted.officer, wanted.purpose, wanted.procedure, trace.trace_id, traceparent=trace.traceparent)
        try:
            said = await registry.ask("confirm" if wanted.confirm else "look-up", asker, wanted.query)
        except (Refused, TranslationFailed, StoreUnavailable) as error:
            turn.give_back()
            if isinstance(error, SchemaInvalid):
                raise SchemaInvalid(_in_request(one) for one in error.problems) from None
            if isinstance(error, TranslationFailed):
                return _not_askable(registry.in_question(error.problems))
            raise
        if not said.lookup or said.outcome == "not_askable":
            turn.give_back()
        return _told(said)


def _not_askable(problems: Iterable[Problem], **more: Any) -> web.Response:
    """The question was not sent: what is wrong with it, at its place in the request."""
    detail = "the registry needs more, or something else, than the question says; it was not asked"
    errors = [_in_request(one) for one in problems]
    return problem(422, "not-askable", "The registry cannot be asked this", detail=detail, errors=errors, **more)


def _told(said: Answer) -> web.Response:
    """The response for what came of it."""
    if said.outcome == "not_askable":
        return _not_askable(said.problems, **_reason(said))
    if said.outcome == "refused":
        detail = f"the registry refused the question; asked again unchanged it will again{_at(said)}"
        return problem(422, "refused-by-registry", "The registry refused the question", detail=detail, **_reason(said))
    if said.outcome == "unreachable":
        headers = _retry(max(said.retry_after or 1, LATER_SECONDS if said.account else 1))
        if said.account:
            detail = "the registry refuses the hub's account or rights: the operator has to mend the hub's settings"
            return problem(503, "unreachable", "The registry refuses the hub", detail=detail, headers=headers, **_reason(said))
        if said.lost:
            detail = "the question was sent, and its answer was lost or did not come in time"
            return problem(502, "unreachable", "The registry did not answer", detail=detail, headers=headers, **_reason(said))
        detail = f"the registry cannot be reached, or gives no answer that can be used now{_at(said)}"
        return problem(503, "unreachable", "The registry did not answer", detail=detail, headers=headers, **_reason(said))
    if said.outcome == "unreadable":
        detail = "the answer does not fit its schema, or a code in it is in no table: the operator has to mend the mapping"
        errors, headers = _of_whole(said.problems), _retry(LATER_SECONDS)
        return problem(
            502, "unreadable-answer", "The registry's answer cannot be read", detail=detail, errors=errors, headers=headers
        )
    told: dict[str, Any] = {"lookup": said.lookup, "outcome": said.outcome}
    if said.outcome == "found":
        told["answer"] = said.body
    return web.Response(body=orjson.dumps(told), content_type="application/json")


def _reason(said: Answer) -> dict[str, Any]:
    """Why, as a word: the connector's, or the registry's own code where it looks like one."""
    return {"reason": said.code} if SHAPES["code"](said.code) else {}


def _at(said: Answer) -> str:
    """Where in the registry's messages; no words: they are for the operator, who reads them in `hub lookups --json`."""
    return f" (at {', '.join(said.places)})" if said.places else ""


def _retry(seconds: float) -> Mapping[str, str]:
    return {"Retry-After": str(max(1, math.ceil(seconds)))}


def _in_request(one: Problem) -> Problem:
    """A problem of the whole question, at its place in the request."""
    first = one.at.split("/")[1] if one.at else ""
    return Problem(one.at if first in WHO_ASKS or not one.at else f"/query{one.at}", one.code, one.message, one.hint)


def _of_whole(problems: Iterable[Problem]) -> list[Problem]:
    """Problems whose places are the registry's, not the request's."""
    return [Problem("", one.code, f"{one.at or '(whole)'}: {one.message}", one.hint) for one in problems]


def _require_json(request: web.Request) -> None:
    """Raises UnsupportedMediaType."""
    media, charset = request.content_type, (request.charset or "utf-8").lower()
    if "Content-Type" in request.headers and media != "application/json" and not media.endswith("+json"):
        hint = "send 'Content-Type: application/json'"
        raise UnsupportedMediaType([Problem("Content-Type", "media_type", "the body must be JSON", hint)])
    if charset not in ("utf-8", "utf8"):
        raise UnsupportedMediaType([Problem("Content-Type", "charset", "the body must be UTF-8", "leave charset out")])
