"""What a sender may look at: the arrivals it sent, the dossiers it has a part in, one by one and as lists; how much waits.

Anything of other senders answers 404, as if it were not there, so that codes cannot be probed. Reads count for the client's
rate, pass a gate of their own, and hold a part of its bytes until the answer is written.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from urllib.parse import urlencode

import orjson
from aiohttp import web

from hub.api import parameters
from hub.api.problems import CORRELATION
from hub.errors import NotFound, Refused
from hub.intake.allowance import Allowances
from hub.intake.doorway import TRACE, Refusals
from hub.intake.gate import Gate, Room
from hub.intake.keys import Keys
from hub.store.port import Reader
from hub.store.values import JsonObject, Window

ROOM = Room(requests=4, bytes=16 * 1024 * 1024, waiting=128)
"""As many at once as the store has threads for it; bytes of answers that are being written."""
TIMELINE = 200
"""The most entries of a dossier's timeline that are shown, the newest; `hub trace` shows all."""
_Look = Callable[[web.Request, str], Awaitable[web.Response]]
_ARRIVAL_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_CODE = re.compile(r"[^\x00-\x1f\x7f\ud800-\udfff]{1,200}")


class Reads:
    """``GET /v1/arrivals``, ``/v1/dossiers`` and one of each, ``/v1/waiting``; the JSON is the store's. ``prefix``: see
    ``build_app``; who takes longer than ``seconds`` to read an answer is cut."""

    def __init__(self, store: Reader, keys: Keys, allowances: Allowances, seconds: float, prefix: str = "") -> None:
        self._store = store
        self._keys = keys
        self._allowances = allowances
        self._seconds = seconds
        self._prefix = prefix
        self._gate = Gate(ROOM)
        self._refusals = Refusals()

    def routes(self) -> Iterable[web.RouteDef]:
        """The five paths; a code may hold slashes (written as they are)."""
        return [
            web.get("/v1/arrivals", partial(self._answer, self._arrivals)),
            web.get("/v1/arrivals/{id}", partial(self._answer, self._arrival)),
            web.get("/v1/dossiers", partial(self._answer, self._dossiers)),
            web.get("/v1/dossiers/{code:.+}", partial(self._answer, self._dossier)),
            web.get("/v1/waiting", partial(self._answer, self._waiting)),
        ]

    async def _answer(self, look: _Look, request: web.Request) -> web.Response:
        """What ``look`` finds for the sender, when it is its turn."""
        sender: str | None = None
        try:
            sender = (await self._keys.authenticate(request.headers)).name
            left = await self._allowances.take(sender)
            place = await self._gate.enter(sender, 0)
        except Refused:
            await self._refusals.slow_down(sender)
            raise
        try:
            answer = await look(request, sender)
            answer.headers.update({**left, CORRELATION: request[TRACE].trace_id})
            place.worked(answer.content_length or 0)
            await self._write(request, answer)
        finally:
            place.leave()
        return answer

    async def _write(self, request: web.Request, answer: web.Response) -> None:
        try:
            async with asyncio.timeout(self._seconds):
                await answer.prepare(request)
                await answer.write_eof()
        except TimeoutError:
            if request.transport is not None:
                request.transport.abort()
        except ConnectionError:
            pass  # the caller has gone

    async def _arrival(self, request: web.Request, sender: str) -> web.Response:
        arrival_id = request.match_info["id"].lower()
        found = await self._store.arrival(arrival_id) if _ARRIVAL_ID.fullmatch(arrival_id) else None
        if found is None or found["sender"] != sender:
            raise NotFound("no such arrival of this sender")
        return _json(found)

    async def _dossier(self, request: web.Request, sender: str) -> web.Response:
        code = request.match_info["code"]
        found = await self._store.dossier(code) if _CODE.fullmatch(code) else None
        if found is None or sender not in found["senders"]:
            raise NotFound("no such dossier of this sender")
        # who of the hub's people did what, and whom the hub asked, is the hub's
        timeline = [one for one in found["timeline"] if one["event"] not in ("audit", "verification")]
        shown = {**found, "timeline": timeline[-TIMELINE:]}
        return _json({**shown, "truncated": True} if len(timeline) > TIMELINE else shown)

    async def _arrivals(self, request: web.Request, sender: str) -> web.Response:
        values = parameters.read(request, parameters.ARRIVALS)
        window = _window(sender, values)
        return self._page(request, "/v1/arrivals", await self._store.arrivals_of(window, **values))

    async def _dossiers(self, request: web.Request, sender: str) -> web.Response:
        values = parameters.read(request, parameters.DOSSIERS)
        window = _window(sender, values)
        return self._page(request, "/v1/dossiers", await self._store.dossiers_of(window, **values))

    async def _waiting(self, request: web.Request, sender: str) -> web.Response:
        return _json({"sender": sender, "endpoints": await self._store.waiting()})

    def _page(self, request: web.Request, path: str, page: JsonObject) -> web.Response:
        """The page, with the way to the next one as a Link (RFC 8288)."""
        answer = _json(page)
        if page["next"] is not None:
            query = urlencode({**request.query, "after": page["next"]})
            answer.headers["Link"] = f'<{self._prefix}{path}?{query}>; rel="next"'
        return answer


def _window(sender: str, values: dict[str, object]) -> Window:
    """The window asked for; what is left in ``values`` are the filters of the list."""
    return Window(sender, **{name: values.pop(name) for name in parameters.WINDOW})  # type: ignore[arg-type]


def _json(value: JsonObject) -> web.Response:
    headers = {"Cache-Control": "no-store"}
    return web.Response(body=orjson.dumps(value), headers=headers, content_type="application/json")
