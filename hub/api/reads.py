"""What a sender may look at: the arrivals it sent, the dossiers it has a part in, one by one and as lists.

Anything of other senders answers 404, as if it were not there, so that codes cannot be probed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import urlencode

import orjson
from aiohttp import web

from hub.api import parameters
from hub.errors import NotFound
from hub.intake.keys import Keys
from hub.store.port import JsonObject, Reader, Window

_ARRIVAL_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_CODE = re.compile(r"[^\x00-\x1f\x7f\ud800-\udfff]{1,200}")


class Reads:
    """``GET /v1/arrivals``, ``/v1/dossiers`` and one of each; the JSON is the store's. ``prefix``: see ``build_app``."""

    def __init__(self, store: Reader, keys: Keys, prefix: str = "") -> None:
        self._store = store
        self._keys = keys
        self._prefix = prefix

    def routes(self) -> Iterable[web.RouteDef]:
        """The four paths; a code may hold slashes (written as they are)."""
        return [
            web.get("/v1/arrivals", self._arrivals),
            web.get("/v1/arrivals/{id}", self._arrival),
            web.get("/v1/dossiers", self._dossiers),
            web.get("/v1/dossiers/{code:.+}", self._dossier),
        ]

    async def _arrival(self, request: web.Request) -> web.Response:
        key = await self._keys.authenticate(request.headers)
        arrival_id = request.match_info["id"].lower()
        found = await self._store.arrival(arrival_id) if _ARRIVAL_ID.fullmatch(arrival_id) else None
        if found is None or found["sender"] != key.name:
            raise NotFound("no such arrival of this sender")
        return _json(found)

    async def _dossier(self, request: web.Request) -> web.Response:
        key = await self._keys.authenticate(request.headers)
        code = request.match_info["code"]
        found = await self._store.dossier(code) if _CODE.fullmatch(code) else None
        if found is None or key.name not in found["senders"]:
            raise NotFound("no such dossier of this sender")
        return _json(found)

    async def _arrivals(self, request: web.Request) -> web.Response:
        key = await self._keys.authenticate(request.headers)
        values = parameters.read(request, parameters.ARRIVALS)
        window = _window(key.name, values)
        return self._page(request, "/v1/arrivals", await self._store.arrivals_of(window, **values))

    async def _dossiers(self, request: web.Request) -> web.Response:
        key = await self._keys.authenticate(request.headers)
        values = parameters.read(request, parameters.DOSSIERS)
        window = _window(key.name, values)
        return self._page(request, "/v1/dossiers", await self._store.dossiers_of(window, **values))

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
