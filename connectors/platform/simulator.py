"""Stands in for the platforms between the hub and its partners: a security server (REST, SOAP), its adapter, a gateway.

Written from the wire contract and the X-Road protocol documents alone, without sight of the hub's side. As a process of its
own: ``python -m connectors.platform.simulator --port 0 --state FILE [--config FILE]``.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from aiohttp import web

from connectors.platform import simulator_x_road as x_road
from connectors.platform.simulator_config import PlatformConfig
from connectors.platform.simulator_forwarding import Lost, Providers, Unreached
from connectors.platform.simulator_messages import Carried, MessageLog
from connectors.platform.simulator_tokens import Tokens
from connectors.platform.simulator_ways import Way, by_adapter, by_gateway, by_rest, by_soap
from connectors.platform.simulator_x_road import Problem
from hub.testing.control import control_answer
from hub.testing.fault_play import Answer
from hub.testing.faults import Call, Decision
from hub.testing.simulator import Simulator, SimulatorConfig, run_process

_ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
_ADAPTERS = ("/XrdAdapter/RestService/forward", "/VXPAdapter/RestService/forward")
_BEFORE, _AFTER = {"stage": "before"}, {"stage": "after"}
_NOT_THE_CLIENT = Problem("Server.ClientProxy.SslAuthenticationFailed", "Client has no certificate of this member")

Door = Callable[[web.Request, bytes, PlatformConfig], Way]


class PlatformSimulator(Simulator[PlatformConfig]):
    """The platform; plus a control path of its own: ``POST /_control/expire-tokens``. In the log of calls ``reached`` says
    whether the provider was given the call, and ``door`` where it came in."""

    name: ClassVar[str] = "platform"
    Config: ClassVar[type[SimulatorConfig]] = PlatformConfig

    def __init__(self, config: PlatformConfig, state_file: Path | None = None, clock: Callable[[], float] = time.time) -> None:
        """``clock`` gives epoch seconds. Raises BadConfig when the state file cannot be used."""
        super().__init__(config, state_file)
        self.messages = MessageLog(state_file)
        self.tokens = Tokens(config, clock)
        self.providers = Providers(config.provider_seconds)
        self._clock = clock

    def state(self) -> Mapping[str, Any]:
        return {"messages": self.messages.as_list()}

    def close(self) -> None:
        self.messages.close()

    def app(self) -> web.Application:
        app = super().app()

        async def hang_up(_: web.Application) -> None:
            await self.providers.close()

        app.on_cleanup.append(hang_up)
        return app

    def routes(self) -> Iterable[web.RouteDef]:
        doors = [("/r1/{rest:.*}", by_rest)]
        doors += [(adapter + rest, by_adapter) for adapter in _ADAPTERS for rest in ("", "/{rest:.*}")]
        doors += [(context + rest, by_gateway) for context in self.config.apis for rest in ("", "/{rest:.*}")]
        return [
            web.post(self.config.token_path, self._token),
            web.post("/_control/expire-tokens", self._expire_tokens),
            web.post(self.config.soap_path, self._at(by_soap)),
            *(web.route("*", path, self._at(door)) for path, door in doors),
        ]

    async def _token(self, request: web.Request) -> web.StreamResponse:
        return await self.tokens.answer(request, self.calls, self.faults)

    async def _expire_tokens(self, _: web.Request) -> web.Response:
        return control_answer({"ended": self.tokens.end()})

    def _at(self, door: Door) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def carry(request: web.Request) -> web.StreamResponse:
            body = await request.read()
            return await self._carry(request, body, door(request, body, self.config))

        return carry

    async def _carry(self, request: web.Request, body: bytes, way: Way) -> web.StreamResponse:
        """One call through the fault rules to its provider and back."""
        codes = [way.id] if way.id else []
        entry = self.calls.begin(way.service, codes, door=way.door, client=way.client, reached=False)
        word = self.tokens.refusal(request) if way.tokens else None
        fields = {"door": way.door, "client": way.client, "method": request.method}
        call = Call(way.service, fields, (_BEFORE, _AFTER), admitted=word is None and way.problem is None)

        async def perform(decision: Decision) -> Answer:
            if word is not None:
                return self.tokens.refused(word)
            if way.problem is not None:
                return way.tell(way.problem)
            before = decision.refusal_of(call, _BEFORE)
            answer = None if before is not None else await self._forward(request.method, body, way, entry)
            planted = before or decision.refusal_of(call, _AFTER)
            if answer is not None and planted is None:
                return answer
            code, words = (planted.code, planted.message) if planted is not None else (None, None)
            told = way.tell(Problem(str(code or x_road.SERVICE_FAILED), words or "A planted error"))
            return replace(told, effect=bool(entry["reached"]))

        def expire() -> Answer:
            return self.tokens.expire(request) if way.tokens else way.tell(_NOT_THE_CLIENT)

        return await self.faults.play(request, call, entry, perform, expire)

    async def _forward(self, method: str, body: bytes, way: Way, entry: dict[str, Any]) -> Answer:
        at = datetime.fromtimestamp(self._clock(), _ZONE).isoformat(timespec="milliseconds")
        self.messages.add(Carried(at, way.door, way.service, way.client, way.id))
        try:
            answer = await self.providers.forward(method, way.url, way.headers, body)
        except Unreached:
            return way.tell(Problem(x_road.NETWORK_ERROR, "Connect to the service failed"))
        except Lost:
            entry["reached"] = True
            return replace(way.tell(Problem(x_road.SERVICE_FAILED, "The service did not answer")), effect=True)
        entry["reached"] = True
        return way.back(answer)


if __name__ == "__main__":
    sys.exit(run_process(PlatformSimulator))
