"""Takes the dossiers that citizens file at the portal, as the portal's adapter posts them (nhanhsdvcqg), one in a call.

A call is answered when the dossier is on disk, its files first. The same again is answered as it was the first time. The body
of the call is not public (contracts.md 1.7): its schema is a setting.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import orjson
from aiohttp import web

from connectors.national_portal import door_words
from connectors.national_portal import inbound_words as words
from connectors.national_portal.door_envelope import NotReadable, envelope, is_json, read_json, why_unread, written
from connectors.national_portal.inbound_papers import NotBase64, Paper, taken_out
from connectors.national_portal.inbound_settings import InboundAnswer, InboundSettings
from hub.connector import Accepted, ConnectorContext, Files, Inlet, Visit
from hub.errors import (
    Busy,
    Forbidden,
    NotParsable,
    Refused,
    SchemaInvalid,
    StoreUnavailable,
    TimedOut,
    TooMany,
    Unauthenticated,
    UnknownSchema,
)
from hub.observe.logging import get_logger

log = get_logger("portal-inbound")
_CHALLENGE = {"WWW-Authenticate": 'Basic realm="dossier-hub", charset="UTF-8"'}


@dataclass(frozen=True, slots=True)
class _Said:
    """An answer: ``status`` of the body, ``http`` of HTTP where that must be its own."""

    status: int
    description: str
    http: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def response(self, form: InboundAnswer, headers: Mapping[str, str]) -> web.Response:
        message = "success" if self.status == 200 else "error"
        body = orjson.dumps({"status": self.status, "message": message, "description": self.description})
        http = self.http or (self.status if form.http == "same" else 200)
        return envelope(body, http, {**headers, **self.headers})


class _TurnedAway(Exception):
    """The call ends here, with this answer."""

    def __init__(self, said: _Said) -> None:
        self.said = said
        super().__init__()


class Inbound:
    """``routes`` opens it. What it takes comes from the endpoint itself, so it is never sent back there."""

    def __init__(self, settings: InboundSettings, context: ConnectorContext) -> None:
        self._settings = settings
        self._endpoint = context.name
        self._files: Files | None = context.files
        self._senders = {username: account.sender for username, account in settings.accounts.items()}

    def routes(self, inlet: Inlet) -> Iterator[web.RouteDef]:
        """The paths that the portal's adapter posts to."""
        for path in self._settings.paths:
            yield web.post(path, partial(self._answer, inlet))
            yield web.route("*", path, self._other_method)

    async def _other_method(self, request: web.Request) -> web.StreamResponse:
        if request.method == "OPTIONS":
            raise web.HTTPMethodNotAllowed(request.method, ["POST"])
        said = _Said(self._settings.answer.refused, words.NO_METHOD, 405, {"Allow": "POST, OPTIONS"})
        return said.response(self._settings.answer, {})

    async def _answer(self, inlet: Inlet, request: web.Request) -> web.StreamResponse:
        headers: Mapping[str, str] = {}
        try:
            async with inlet.visit(request) as visit:
                try:
                    said = await self._taken(request, visit)
                finally:
                    headers = visit.headers
        except _TurnedAway as end:
            said = end.said
        except (Refused, StoreUnavailable) as error:
            said = self._not_taken(error)
        except web.HTTPException:
            raise
        except Exception as error:
            log.error("request failed", endpoint=self._endpoint, exc_info=error)
            said = _Said(self._settings.answer.failed, door_words.FAILED, 500)
        return said.response(self._settings.answer, headers)

    async def _taken(self, request: web.Request, visit: Visit) -> _Said:
        """Raises _TurnedAway, Refused, StoreUnavailable."""
        await self._enter(visit)
        filed = await self._object(request, visit)
        try:
            filed, papers = await asyncio.to_thread(taken_out, filed)
        except NotBase64 as error:
            raise self._turned_away(words.at(error.at, words.NOT_BASE64)) from None
        try:
            body = written(filed)
        except ValueError:
            raise self._turned_away(door_words.NOT_JSON) from None
        schema = self._settings.schema_
        try:
            await visit.examine(schema, body)
            await self._keep(papers)
            accepted = await visit.accept(schema, body, origin=self._endpoint)
        except (SchemaInvalid, NotParsable, UnknownSchema) as error:
            raise self._turned_away(door_words.breaches(error.problems, filed)) from None
        if _goes_nowhere(accepted):
            log.warning("filed_to_nobody", endpoint=self._endpoint, arrival_id=accepted.receipt["arrival"])
        return _Said(200, _told(accepted))

    async def _enter(self, visit: Visit) -> None:
        try:
            caller = await visit.sign_in_by_headers(self._senders)
            if caller.name not in self._senders.values():
                raise _TurnedAway(_Said(401, words.BAD_ACCOUNT, 401, _CHALLENGE))
            await visit.enter(caller)
        except (Unauthenticated, Forbidden):
            raise _TurnedAway(_Said(401, words.BAD_ACCOUNT, 401, _CHALLENGE)) from None

    async def _object(self, request: web.Request, visit: Visit) -> dict[str, Any]:
        if not is_json(request):
            raise self._turned_away(door_words.NOT_JSON_TYPE, 415)
        try:
            value = await read_json(await visit.body())
        except NotReadable as error:
            raise self._turned_away(error.told, 400) from None
        if not isinstance(value, dict):
            raise self._turned_away(words.NOT_OBJECT, 400)
        return value

    async def _keep(self, papers: list[Paper]) -> None:
        """Every file on disk, before the message that names it. Raises _TurnedAway, StoreUnavailable."""
        if papers and self._files is None:
            raise self._turned_away(words.at(papers[0].at, words.NO_FILES))
        for paper in papers:
            assert self._files is not None
            try:
                await self._files.put(paper.pieces(), sha256=paper.sha256)
            except (TooMany, Busy):
                raise
            except Refused as error:
                codes = ", ".join(dict.fromkeys(one.code for one in error.problems))
                raise self._turned_away(words.at(paper.at, words.file_refused(codes))) from None

    def _turned_away(self, description: str, http: int | None = None) -> _TurnedAway:
        return _TurnedAway(_Said(self._settings.answer.refused, description, http))

    def _not_taken(self, error: Refused | StoreUnavailable) -> _Said:
        """What the hub refused before or after it looked at the content."""
        answer = self._settings.answer
        if isinstance(error, StoreUnavailable | TooMany | Busy):
            seconds = error.retry_after or 1
            status = 503 if isinstance(error, StoreUnavailable) else error.status
            headers = {} if isinstance(error, StoreUnavailable) else error.headers
            told = door_words.too_many(seconds) if isinstance(error, TooMany) else door_words.busy(seconds)
            return _Said(answer.failed, told, status, {**headers, "Retry-After": str(seconds)})
        if isinstance(error, Forbidden):
            return _Said(answer.refused, door_words.NO_RIGHT, 403)
        status = answer.failed if isinstance(error, TimedOut) else answer.refused
        return _Said(status, why_unread(error), error.status, error.headers)


def _goes_nowhere(accepted: Accepted) -> bool:
    """No route takes it: not even those that hear its sender, of a dossier that another one owns (``observations``)."""
    receipt = accepted.receipt
    messages = receipt.get("messages", ())
    return receipt["state"] == "accepted" and not any(one["taken"] for each in messages for one in each["routes"])


def _told(accepted: Accepted) -> str:
    number = str(accepted.receipt["arrival"])
    return words.kept(number) if accepted.receipt["state"] == "kept" else words.taken(number)
