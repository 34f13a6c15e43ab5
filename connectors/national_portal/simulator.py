"""Stands in for the national portal behind its X-Road adapter, first-generation contract, with the portal's memory.

Written from the wire contract alone, without sight of the connector. As a process of its own:
``python -m connectors.national_portal.simulator --port 0 --state FILE [--config FILE]``.
"""

from __future__ import annotations

import hmac
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar

import orjson
from aiohttp import web

from connectors.national_portal import rehearsal
from connectors.national_portal.simulator_config import PortalSimulatorConfig
from connectors.national_portal.simulator_services import (
    INTEGRATION_SERVICES,
    REFUSED,
    SHARE_SERVICES,
    PortalServices,
    Reply,
    subjects,
)  # fmt: skip
from connectors.national_portal.simulator_sessions import Sessions
from connectors.national_portal.simulator_state import Effect, PortalMemory
from hub.testing.control import control_answer, control_body
from hub.testing.fault_play import Answer
from hub.testing.faults import Call, Decision
from hub.testing.simulator import Rehearsal, Simulator, SimulatorConfig, Table, run_process

LOGIN_REFUSED = -1
"""error_code of a refused login; the real one is not public."""
_ADAPTERS = ("/XrdAdapter/RestService/forward", "/VXPAdapter/RestService/forward")


class PortalSimulator(Simulator[PortalSimulatorConfig]):
    """The portal: login, catalogue, search, dossier and progress synchronisation; plus two control paths of its own:
    ``POST /_control/dossiers`` (plants dossiers the portal already knows) and ``POST /_control/expire-sessions``."""

    name: ClassVar[str] = "national-portal"
    Config: ClassVar[type[SimulatorConfig]] = PortalSimulatorConfig

    def __init__(
        self, config: PortalSimulatorConfig, state_file: Path | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """``clock`` gives seconds, for the age of sessions. Raises BadConfig when the state file cannot be used."""
        super().__init__(config, state_file)
        self.memory = PortalMemory(state_file)
        self.sessions = Sessions(config, clock)
        self._services = PortalServices(config, self.memory)

    @classmethod
    def rehearse(cls, settings: Mapping[str, Any], table: Table) -> Rehearsal | None:
        return rehearsal.stand_in(settings, table)

    def state(self) -> Mapping[str, Any]:
        return self.memory.as_dict()

    def close(self) -> None:
        self.memory.close()

    def routes(self) -> Iterable[web.RouteDef]:
        paths = sorted({self.config.share_path, self.config.integration_path})
        return [
            *(web.post(f"{adapter}{self.config.login_path}", self._login) for adapter in _ADAPTERS),
            *(web.post(f"{adapter}{path}", self._call) for adapter in _ADAPTERS for path in paths),
            web.post("/_control/dossiers", self._plant_dossiers),
            web.post("/_control/expire-sessions", self._expire_sessions),
        ]

    async def _login(self, request: web.Request) -> web.StreamResponse:
        body = await self._envelope(request, "login")
        if isinstance(body, web.Response):
            return body
        entry = self.calls.begin("login")
        call = Call("login", {"username": body.get("username", "")})

        def perform(decision: Decision) -> Answer:
            account = {"username": self.config.username, "password": self.config.password}
            right = [_same(body.get(key), value) for key, value in account.items()]
            if rule := decision.refusal_of(call, {}):
                code = LOGIN_REFUSED if rule.code is None else rule.code
                return self._wire(Reply(code, rule.message or "Từ chối đăng nhập", None, "refused"))
            if not all(right):
                return self._wire(Reply(LOGIN_REFUSED, "Sai tài khoản hoặc mật khẩu", None, "refused"))
            return self._wire(Reply(0, self.config.success_message, None), session=self.sessions.issue())

        return await self.faults.play(request, call, entry, perform, self._no_session)

    async def _call(self, request: web.Request) -> web.StreamResponse:
        body = await self._envelope(request, "?")
        if isinstance(body, web.Response):
            return body
        service = str(body.get("service", ""))
        items = subjects(service, body)
        codes = [str(item["MaHoSo"]) for item in items if "MaHoSo" in item]
        entry = self.calls.begin(service, codes, isUpdating=body.get("isUpdating"))
        admitted = self.sessions.admit(body.get("session"))
        fields = {key: value for key, value in body.items() if isinstance(value, str) and key != "session"}
        call = Call(service, fields, items, admitted)

        def perform(decision: Decision) -> Answer:
            if not admitted:
                return self._no_session()
            if wrong := self._wrong_address(request, service, body):
                return self._wire(Reply(REFUSED, wrong, [], "refused"))
            return self._wire(self._services.call(service, body, lambda item: decision.refusal_of(call, item)))

        def expire() -> Answer:
            self.sessions.end(body.get("session"))
            return self._no_session()

        return await self.faults.play(request, call, entry, perform, expire)

    async def _envelope(self, request: web.Request, service: str) -> dict[str, Any] | web.Response:
        """The JSON object of a call, or the answer of an adapter or a portal that cannot even read the call.

        What the real adapter answers to these is not public; plain HTTP errors are this simulator's choice.
        """
        named = {"query": request.query.get("dstcode"), "header": request.headers.get("dstcode")}
        place = self.config.dstcode_in
        looked_at = list(named.values()) if place == "either" else [named[place]]
        status = 400
        raw = await request.read()
        if self.config.dstcode not in looked_at:
            reason = "no_dstcode"
        elif request.content_type != "application/json":
            status, reason = 415, "content_type"
        else:
            try:
                body = orjson.loads(raw)
            except orjson.JSONDecodeError:
                body = None
            if isinstance(body, dict):
                return body
            reason = "not_json"
        entry = self.calls.begin(service)
        entry |= {"outcome": reason, "http": status}
        return web.Response(text=f"adapter: {reason}", status=status)

    def _wrong_address(self, request: web.Request, service: str, body: Mapping[str, Any]) -> str | None:
        """Why this service cannot be had here, or not by this caller."""
        here = request.path.removeprefix(next(adapter for adapter in _ADAPTERS if request.path.startswith(adapter)))
        if service in SHARE_SERVICES:
            right_path = self.config.share_path
        elif service in INTEGRATION_SERVICES:
            right_path = self.config.integration_path
        else:
            return "Service không được hỗ trợ"
        if here != right_path:
            return "Service không thuộc đường dẫn này"
        return None if body.get("madonvi") == self.config.madonvi else "madonvi không đúng với tài khoản"

    def _no_session(self) -> Answer:
        reply = Reply(self.config.session_code, self.config.session_message, [], "session")
        return self._wire(reply, status=401 if self.config.session_failure == "http_401" else 200)

    def _wire(self, reply: Reply, status: int = 200, session: str | None = None) -> Answer:
        code = reply.error_code
        if isinstance(code, int) and self.config.error_code_form != "number":
            code = "00" if code == 0 and self.config.error_code_form == "padded" else str(code)
        told: dict[str, Any] = {"error_code": code, "message": reply.message}
        if reply.result is not None:
            told["result"] = reply.result
        if session is not None:
            told["session"] = session
        return Answer(orjson.dumps(told), reply.outcome, reply.effect, status, code)

    async def _plant_dossiers(self, request: web.Request) -> web.Response:
        """Body: one dossier object or an array of them, taken as they are; only MaHoSo must be there."""
        body = await control_body(request)
        dossiers = body if isinstance(body, list) else [body]
        if not all(isinstance(one, dict) and isinstance(one.get("MaHoSo"), str) and one["MaHoSo"] for one in dossiers):
            return control_answer({"problems": ["each dossier is an object with a text MaHoSo"]}, 422)
        self.memory.commit([Effect("planted", one["MaHoSo"], one) for one in dossiers])
        return control_answer({"planted": [one["MaHoSo"] for one in dossiers]}, 201)

    async def _expire_sessions(self, _: web.Request) -> web.Response:
        return control_answer({"ended": self.sessions.end_all()})


def _same(given: object, wanted: str) -> bool:
    return isinstance(given, str) and hmac.compare_digest(given.encode(), wanted.encode())


if __name__ == "__main__":
    sys.exit(run_process(PortalSimulator))
