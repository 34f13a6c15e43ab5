"""The hub's own path to which a ministry pushes: one item or an array of them, answered once all of it is on disk.

All are looked at before any is taken; a call that does not fit is refused whole, with the places of what is wrong.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import orjson
from aiohttp import web

from connectors.ministry_portal.config import MinistryConfig, PushSettings
from connectors.ministry_portal.items import Item, messages, several
from hub import strictjson
from hub.connector import ConnectorContext, Inlet, Visit
from hub.errors import Forbidden, NotParsable, Problem, Refused, SchemaInvalid, StoreUnavailable, TooLarge
from hub.observe.logging import get_logger

log = get_logger("ministry-push")
_MAX_DEPTH = 64
_STRANGER = Problem(
    "Authorization",
    "no_right",
    "the key is not the ministry's",
    "name its sender under push.accounts, or use the feed's sender",
)
_CHALLENGE = {"WWW-Authenticate": 'Basic realm="dossier-hub", charset="UTF-8"'}


class Pushed:
    """The path of one endpoint."""

    def __init__(self, settings: PushSettings, config: MinistryConfig, context: ConnectorContext) -> None:
        self._settings = settings
        self._config = config
        self._context = context
        self._names = {name: account.sender for name, account in settings.accounts.items()}
        feed = config.feed.sender if config.feed is not None else None
        self._told_by = {*self._names.values(), feed or context.name}

    def routes(self, inlet: Inlet) -> list[web.RouteDef]:
        """The one path."""

        async def taken(request: web.Request) -> web.StreamResponse:
            return await self._answer(inlet, request)

        return [web.post(self._settings.path, taken)]

    async def _answer(self, inlet: Inlet, request: web.Request) -> web.StreamResponse:
        headers: Mapping[str, str] = {}
        try:
            async with inlet.visit(request) as visit:
                try:
                    count = await self._take(visit)
                finally:
                    headers = visit.headers
            return _said(200, 0, "", headers, {"accepted": count})
        except StoreUnavailable as error:
            return _said(503, 503, "the hub can store nothing now", {**headers, "Retry-After": str(error.retry_after)})
        except Refused as error:
            more = _CHALLENGE if error.status == 401 else {}
            more = {**more, "Retry-After": str(error.retry_after)} if error.retry_after else more
            problems = [one.as_dict() for one in error.problems]
            return _said(error.status, error.status, error.title, {**headers, **error.headers, **more}, {"problems": problems})

    async def _take(self, visit: Visit) -> int:
        """Take all, or raise Refused with nothing taken. How many messages it was."""
        caller = await visit.sign_in_by_headers(self._names)
        if caller.name not in self._told_by:  # what it says would stand as the ministry's own word
            raise Forbidden([_STRANGER])
        await visit.enter(caller)
        given = several(strictjson.parse(await visit.body(), max_depth=_MAX_DEPTH))
        most = self._settings.most_items
        if len(given) > most:
            raise TooLarge([Problem("", "too_many_items", f"more than {most} items in one call", "send them in several calls")])
        found = [(number, item) for number, one in enumerate(given) for item in messages(one, self._config)]
        await self._examine(visit, found)
        for _, item in found:
            await visit.accept(item.schema, item.body, origin=self._context.name)
        return len(found)

    async def _examine(self, visit: Visit, found: Iterable[tuple[int, Item]]) -> None:
        problems: list[Problem] = []
        for number, item in found:
            try:
                await visit.examine(item.schema, item.body)
            except (SchemaInvalid, NotParsable) as error:
                for one in error.problems:
                    problems.append(Problem(f"/{number}{one.at}", one.code, one.message, one.hint))
        if problems:
            raise SchemaInvalid(problems)


def _said(status: int, code: int, message: str, headers: Mapping[str, str], data: Any = None) -> web.Response:
    body = orjson.dumps({"code": code, "message": message, "data": data})
    more = {"Cache-Control": "no-store", **headers}
    return web.Response(body=body, status=status, headers=more, content_type="application/json", charset="utf-8")
