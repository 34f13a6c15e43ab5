"""The portal-compatible door: the national portal's own calls, taken by the hub on its behalf.

A system that knows the portal is given another address and an account of its own, and changes nothing else. The envelope, the
services and the words are the portal's (contracts.md section 1); what the hub does with a call stands in README.md.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from aiohttp import web

from connectors.national_portal import door_words as words
from connectors.national_portal.config import PortalConfig
from connectors.national_portal.door_asking import Asking, at_most
from connectors.national_portal.door_catalogues import DETAIL, Ask, Catalogues, Question, is_catalogue
from connectors.national_portal.door_envelope import Answers, NotReadable, Said, TurnedAway, is_json, read_json
from connectors.national_portal.door_paths import ArrayPaths, Place, forward_paths
from connectors.national_portal.door_sending import Record, Sending
from connectors.national_portal.door_sessions import DoorSessions
from connectors.national_portal.door_settings import DoorSettings
from connectors.national_portal.exchange import is_shared
from hub.connector import Caller, ConnectorContext, Inlet, Visit
from hub.errors import Forbidden, Refused, StoreUnavailable, Unauthenticated
from hub.observe.logging import get_logger

log = get_logger("portal-door")
DOSSIERS, STEPS, LOOK_UP = "DongBoHoSoMC", "CapNhatTienDoHoSoMC", "TraCuuHoSo"
_CHALLENGE = {"WWW-Authenticate": 'Basic realm="dossier-hub", charset="UTF-8"'}


@dataclass(frozen=True, slots=True)
class _Call:
    """What a caller wants: records sent, a dossier looked up, or a catalogue."""

    caller: Caller
    records: tuple[Record, ...] = ()
    code: str | None = None
    question: Question | None = None


_Read = Callable[[web.Request, Visit], Awaitable[_Call]]
_Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class PortalDoor:
    """``routes`` opens it, ``close`` ends it. ``portal``: how the portal is spoken to; ``ask`` asks it."""

    def __init__(self, settings: DoorSettings, portal: PortalConfig, context: ConnectorContext, ask: Ask) -> None:
        self._settings = settings
        self._places = portal.places
        self._answers = Answers(settings.codes)
        self._units = settings.units()
        self._sessions = DoorSessions(settings.session_seconds, context.clock)
        self._sending = Sending(settings, context.name, self._answers)
        ask, copies, not_found = at_most(ask, max(1, portal.connections // 2)), settings.catalogues, portal.not_found_patterns
        self._catalogues = Catalogues(copies.folder / context.name, copies.refresh_hours, ask, context.clock, not_found)
        self._asking = Asking(self._answers, ask, self._catalogues, settings.wait, not_found)
        self._endpoint = context.name
        self._refreshing: asyncio.Task[None] | None = None
        self._inlet: Inlet | None = None

    async def close(self) -> None:
        """End what runs by itself."""
        if self._refreshing is not None:
            self._refreshing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._refreshing
            self._refreshing = None
        await self._catalogues.close()

    def routes(self, inlet: Inlet) -> list[web.RouteDef]:
        """Every path of the door. From now on the copies of catalogues are kept fresh."""
        self._inlet = inlet
        self._refreshing = asyncio.create_task(self._catalogues.refresh(), name=f"catalogues:{self._endpoint}")
        return list(self._routes())

    def _routes(self) -> Iterator[web.RouteDef]:
        for path, places in forward_paths(self._settings.paths, self._places).items():
            calls = partial(self._answer, partial(self._envelope, places))
            yield from self._at("POST", path, self._sign_in if "auth" in places else calls)
        if self._settings.array_path is not None:
            paths = ArrayPaths(self._settings.array_path)
            yield from self._at("POST", paths.dossiers, partial(self._answer, self._array_dossiers))
            yield from self._at("POST", paths.steps, partial(self._answer, self._array_steps))
            yield from self._at("GET", paths.procedures, partial(self._answer, self._array_procedures))
            yield from self._at("GET", paths.procedure, partial(self._answer, self._array_procedure))
        for path in (*self._settings.paths, *filter(None, [self._settings.array_path])):
            yield web.route("*", f"{path}/{{elsewhere:.*}}", self._elsewhere)

    def _at(self, method: str, path: str, answer: _Answer) -> Iterator[web.RouteDef]:
        """One path and its method; any other is refused as the door refuses."""
        yield web.route(method, path, partial(self._sure, answer))
        yield web.route("*", path, partial(self._other_method, method))

    # ── what ends in an envelope all the same
    async def _sure(self, answer: _Answer, request: web.Request) -> web.StreamResponse:
        try:
            return await answer(request)
        except web.HTTPException:
            raise
        except Exception as error:
            log.error("request failed", endpoint=self._endpoint, exc_info=error)
            return self._answers.failed().response()

    async def _elsewhere(self, request: web.Request) -> web.StreamResponse:
        return self._answers.refused(words.NO_PATH, 404).response()

    async def _other_method(self, method: str, request: web.Request) -> web.StreamResponse:
        if request.method == "OPTIONS":
            raise web.HTTPMethodNotAllowed(request.method, [method])
        return self._answers.refused(words.NO_METHOD, 405).with_headers({"Allow": f"{method}, OPTIONS"}).response()

    # ── a visit
    def _visit(self, request: web.Request) -> contextlib.AbstractAsyncContextManager[Visit]:
        assert self._inlet is not None, "routes() comes before the first request"
        return self._inlet.visit(request)

    async def _answer(self, read: _Read, request: web.Request) -> web.StreamResponse:
        """Read the call, carry it out, answer it. The portal is asked when what the visit holds was given back."""
        headers: Mapping[str, str] = {}
        try:
            async with self._visit(request) as visit:
                try:
                    call = await read(request, visit)
                    if call.records:
                        said = await self._sending.send(visit, call.records)
                        return said.with_headers(visit.headers).response()
                    standing = await visit.standing(call.code, self._endpoint) if call.code else None
                finally:
                    headers = visit.headers
            if call.question is not None:
                response = await self._asking.catalogue(call.question)
                response.headers.update(headers)
                return response
            said = await self._asking.look_up(call.code or "", standing)
        except TurnedAway as end:
            said = end.said
        except (Refused, StoreUnavailable) as error:
            said = self._answers.not_taken(error)
        return said.with_headers(headers).response()

    # ── the portal's own protocol
    async def _sign_in(self, request: web.Request) -> web.StreamResponse:
        try:
            async with self._visit(request) as visit:
                told = await self._object(request, visit)
                username, password = told.get("username"), told.get("password")
                account = self._settings.accounts.get(username) if isinstance(username, str) else None
                try:
                    caller = await visit.sign_in(
                        account.sender if account else "", password if isinstance(password, str) else ""
                    )
                except (Unauthenticated, Forbidden):
                    raise TurnedAway(Said(self._settings.codes.sign_in, words.BAD_ACCOUNT, None)) from None
            said = Said(0, words.DONE, None, session=self._sessions.begin(caller))
        except TurnedAway as end:
            said = end.said
        except (Refused, StoreUnavailable) as error:
            said = self._answers.not_taken(error)
        return said.response()

    async def _envelope(self, places: frozenset[Place], request: web.Request, visit: Visit) -> _Call:
        """The call in an envelope. Raises TurnedAway, Refused, StoreUnavailable."""
        told = await self._object(request, visit)
        caller = self._sessions.caller(told.get("session"))
        if caller is None:
            raise TurnedAway(self._answers.no_session())
        try:
            await visit.enter(caller)
        except (Unauthenticated, Forbidden):
            self._sessions.end(told.get("session"))
            raise TurnedAway(self._answers.no_session()) from None
        service = told.get("service")
        service = service if isinstance(service, str) else ""
        if not is_catalogue(service) and service not in (DOSSIERS, STEPS, LOOK_UP):
            raise TurnedAway(self._answers.refused(words.NO_SERVICE))
        if ("share" if is_shared(service) else "integration") not in places:
            raise TurnedAway(self._answers.refused(words.OTHER_PATH))
        self._require_unit(caller, told.get("madonvi"))
        if service == DOSSIERS:
            return _Call(caller, tuple(self._sending.dossiers(told.get("isUpdating"), told.get("data"))))
        if service == STEPS:
            return _Call(caller, tuple(self._sending.steps(told.get("data"))))
        if service == LOOK_UP:
            return _Call(caller, code=_text(told.get("mahoso")))
        return _Call(caller, question=Question(service, _text(told.get("maTTHC")) if service == DETAIL else ""))

    async def _object(self, request: web.Request, visit: Visit) -> dict[str, Any]:
        value = await self._value(request, visit)
        if not isinstance(value, dict):
            raise TurnedAway(self._answers.refused(words.NOT_JSON, 400))
        return value

    async def _value(self, request: web.Request, visit: Visit) -> Any:
        if not is_json(request):
            raise TurnedAway(self._answers.refused(words.NOT_JSON_TYPE, 415))
        try:
            return await read_json(await visit.body())
        except NotReadable as error:
            raise TurnedAway(self._answers.refused(error.told, 400)) from None

    def _require_unit(self, caller: Caller, madonvi: object) -> None:
        if not isinstance(madonvi, str) or madonvi not in self._units.get(caller.name, ()):
            raise TurnedAway(self._answers.refused(words.OTHER_UNIT))

    # ── the variant with bare arrays and query parameters
    async def _array_dossiers(self, request: web.Request, visit: Visit) -> _Call:
        caller, data = await self._array(request, visit)
        updating = {"true": "True", "false": "False"}.get(request.query.get("isUpdating", "").casefold())
        return _Call(caller, tuple(self._sending.dossiers(updating, data)))

    async def _array_steps(self, request: web.Request, visit: Visit) -> _Call:
        caller, data = await self._array(request, visit)
        return _Call(caller, tuple(self._sending.steps(data)))

    async def _array_procedures(self, request: web.Request, visit: Visit) -> _Call:
        return _Call(await self._account(request, visit), question=Question("LayDanhSachTTHC"))

    async def _array_procedure(self, request: web.Request, visit: Visit) -> _Call:
        caller = await self._account(request, visit)
        return _Call(caller, question=Question(DETAIL, request.query.get("maTTHC", "")))

    async def _array(self, request: web.Request, visit: Visit) -> tuple[Caller, Any]:
        caller = await self._account(request, visit)
        data = await self._value(request, visit)
        self._require_unit(caller, request.query.get("MaDinhDanhDV"))
        return caller, data

    async def _account(self, request: web.Request, visit: Visit) -> Caller:
        names = {username: account.sender for username, account in self._settings.accounts.items()}
        try:
            caller = await visit.sign_in_by_headers(names)
            await visit.enter(caller)
        except (Unauthenticated, Forbidden):
            caller = None
        if caller is None or caller.name not in self._units:
            raise TurnedAway(Said(self._settings.codes.sign_in, words.BAD_ACCOUNT, [], 401, headers=_CHALLENGE))
        return caller


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
