"""What a sender may look at: the state of an arrival it sent, and the timeline of a dossier it has a part in.

Anything of other senders answers 404, as if it were not there, so that codes cannot be probed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import orjson
from aiohttp import web

from hub.errors import NotFound
from hub.intake.keys import Keys
from hub.store.port import JsonObject, Reader

_ARRIVAL_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_CODE = re.compile(r"[^\x00-\x1f\x7f\ud800-\udfff]{1,200}")


class Reads:
    """``GET /v1/arrivals/{id}`` and ``GET /v1/dossiers/{code}``; the JSON is the store's."""

    def __init__(self, store: Reader, keys: Keys) -> None:
        self._store = store
        self._keys = keys

    def routes(self) -> Iterable[web.RouteDef]:
        """Both paths; a code may hold slashes (written as they are)."""
        return [web.get("/v1/arrivals/{id}", self._arrival), web.get("/v1/dossiers/{code:.+}", self._dossier)]

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


def _json(value: JsonObject) -> web.Response:
    headers = {"Cache-Control": "no-store"}
    return web.Response(body=orjson.dumps(value), headers=headers, content_type="application/json")
