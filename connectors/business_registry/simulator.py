"""Stands in for the national business register (CSDLQG đăng ký doanh nghiệp) and for the platform's tokens in front of it.

Written from the wire contract alone, without sight of the connector. As a process of its own:
``python -m connectors.business_registry.simulator --port 0 --state FILE [--config FILE]``.
"""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

import orjson
from aiohttp import web
from pydantic import ValidationError

from connectors.business_registry import simulator_rehearsal
from connectors.business_registry.simulator_answers import answer
from connectors.business_registry.simulator_config import BusinessRegisterConfig
from connectors.business_registry.simulator_enterprises import Enterprise, Register, well_formed
from connectors.business_registry.simulator_invented import invent
from connectors.business_registry.simulator_state import Asked, Memory
from connectors.platform.simulator_tokens import Tokens
from hub.testing.control import control_answer, control_body
from hub.testing.fault_play import Answer
from hub.testing.faults import Call, Decision
from hub.testing.simulator import Rehearsal, Simulator, SimulatorConfig, Table, run_process

SERVICE = "chiTietDoanhNghiep"
_ZONE = ZoneInfo("Asia/Ho_Chi_Minh")


class BusinessRegisterSimulator(Simulator[BusinessRegisterConfig]):
    """The register: its one question in three shapes, and tokens; plus control paths of its own: ``GET``, ``POST
    /_control/enterprises`` (who is there; enter or change some) and ``POST /_control/expire-tokens``."""

    name: ClassVar[str] = "business-registry"
    Config: ClassVar[type[SimulatorConfig]] = BusinessRegisterConfig

    def __init__(
        self, config: BusinessRegisterConfig, state_file: Path | None = None, clock: Callable[[], float] = time.time
    ) -> None:
        """``clock`` gives epoch seconds. Raises BadConfig when the state file cannot be used."""
        super().__init__(config, state_file)
        self.register = Register((*invent(config.seed, config.enterprises), *config.known_enterprises))
        self.memory = Memory(self.register.enter, state_file)
        self.tokens = Tokens(config, clock)
        self._clock = clock

    @classmethod
    def rehearse(cls, settings: Mapping[str, Any], table: Table) -> Rehearsal | None:
        return simulator_rehearsal.stand_in(settings, table)

    def state(self) -> Mapping[str, Any]:
        questions = [{"seq": seq, "at": one.at, "code": one.code, "outcome": one.outcome}
                     for seq, one in enumerate(self.memory.questions, 1)]  # fmt: skip
        return {"enterprises": len(self.register.all()), "questions": questions}

    def close(self) -> None:
        self.memory.close()

    def routes(self) -> Iterable[web.RouteDef]:
        return [
            web.route("*", self.config.path, self._details),
            web.post(self.config.token_path, self._token),
            web.get("/_control/enterprises", self._list),
            web.post("/_control/enterprises", self._enter),
            web.post("/_control/expire-tokens", self._expire_tokens),
        ]

    async def _token(self, request: web.Request) -> web.StreamResponse:
        return await self.tokens.answer(request, self.calls, self.faults)

    async def _details(self, request: web.Request) -> web.StreamResponse:
        if self.config.method not in ("either", request.method) or request.method not in ("GET", "POST"):
            raise web.HTTPMethodNotAllowed(
                request.method, ["GET", "POST"] if self.config.method == "either" else [self.config.method]
            )
        code = await self._code(request)
        entry = self.calls.begin(SERVICE, [code] if code else [])
        refusal = self.tokens.refusal(request)
        call = Call(SERVICE, {self.config.parameter: code or ""}, admitted=refusal is None)

        def perform(decision: Decision) -> Answer:
            if refusal is not None:
                return self.tokens.refused(refusal)
            planted = decision.refusal_of(call, {})
            if planted is not None:
                return self._asked(code, _told_error(planted.code or "refused", planted.message or "Từ chối", "refused"))
            return self._asked(code, self._find(code))

        return await self.faults.play(request, call, entry, perform, lambda: self.tokens.expire(request))

    def _find(self, code: str | None) -> Answer:
        branch = code is not None and "-" in code
        bad = code is None or not re.fullmatch(r"[0-9]{10}(-[0-9]{3})?", code)
        bad = bad or (self.config.check_digit and not well_formed(code or ""))
        if (bad and self.config.bad_code == "http_400") or (branch and self.config.branches == "bad_code"):
            return _told_error("bad_code", f"{self.config.parameter} không hợp lệ", "bad_code", 400)
        unseen = bad or (branch and self.config.branches == "not_found")
        told, found = answer(Register() if unseen else self.register, code or "", self.config)
        return Answer(orjson.dumps(told), "found" if found else "not_found", effect=True)

    def _asked(self, code: str | None, told: Answer) -> Answer:
        at = datetime.fromtimestamp(self._clock(), _ZONE).isoformat(timespec="milliseconds")
        self.memory.ask(Asked(at, code or "", told.outcome))
        return told

    async def _code(self, request: web.Request) -> str | None:
        """The parameter, from where it may stand; None when it is not there as one text."""
        name, post_as = self.config.parameter, self.config.post_as
        places = {"query"} if request.method == "GET" else {"json", "form", "query"} if post_as == "any" else {post_as}
        given: list[Any] = []
        if "query" in places:
            given += request.query.getall(name, [])
        if "form" in places:
            given += (await request.post()).getall(name, [])
        if "json" in places and request.content_type == "application/json":
            try:
                body = orjson.loads(await request.read())
            except orjson.JSONDecodeError:
                return None
            given += [body[name]] if isinstance(body, dict) and name in body else []
        return given[0] if len(given) == 1 and isinstance(given[0], str) else None

    async def _list(self, request: web.Request) -> web.Response:
        """Those in the register, as kept."""
        try:
            limit, offset = (int(request.query.get(name, default)) for name, default in (("limit", "20"), ("offset", "0")))
        except ValueError:
            raise web.HTTPBadRequest(text="limit and offset must be whole numbers") from None
        all_of_them = self.register.all()
        shown = [one.model_dump(mode="json") for one in all_of_them[max(offset, 0) :][: max(limit, 0)]]
        return control_answer({"total": len(all_of_them), "enterprises": shown})

    async def _enter(self, request: web.Request) -> web.Response:
        """One enterprise, or a list of them; one whose code is there already takes its place. 422: none was entered."""
        body = await control_body(request)
        try:
            entered = [Enterprise.model_validate(one) for one in (body if isinstance(body, list) else [body])]
        except ValidationError as error:
            problems = error.json(include_url=False, include_context=False, include_input=False)
            raise web.HTTPUnprocessableEntity(text=f'{{"problems":{problems}}}', content_type="application/json") from None
        for one in entered:
            self.memory.add(one)
        return control_answer({"codes": [one.code for one in entered]}, 201)

    async def _expire_tokens(self, _: web.Request) -> web.Response:
        return control_answer({"ended": self.tokens.end()})


def _told_error(code: int | str, message: str, outcome: str, status: int = 200) -> Answer:
    """The register's own refusal; no public trace shows one, so the form is this simulator's own [unknown]."""
    return Answer(orjson.dumps({"error_code": code, "message": message}), outcome, False, status, code)


if __name__ == "__main__":
    sys.exit(run_process(BusinessRegisterSimulator))
