"""Stands in for the national population registry (C06): directly as SOAP, and through a province's LGSP as SOAP in JSON.

Written from the wire contract alone, without sight of the connector. As a process of its own:
``python -m connectors.population.simulator --port 0 --state FILE [--config FILE]``.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar
from xml.sax.saxutils import quoteattr

import orjson
from aiohttp import web

from connectors.population import rehearsal
from connectors.population.simulator_config import PopulationSimulatorConfig
from connectors.population.simulator_desk import Desk, Told
from connectors.population.simulator_headers import HeaderRefusal, HeaderRules
from connectors.population.simulator_lgsp import LgspTokens
from connectors.population.simulator_questions import Question, Refusal, read_question
from connectors.population.simulator_state import QuestionLog
from hub.testing.control import control_answer
from hub.testing.fault_play import Answer
from hub.testing.faults import Call, Decision
from hub.testing.simulator import Rehearsal, Simulator, SimulatorConfig, Table, run_process

_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>'
_WSDL = Path(__file__).with_name("simulator.wsdl")
_ADDRESS_IN_WSDL = 'location="http://127.0.0.1/dancu"'
_SESSION_OVER = HeaderRefusal("session", 401, "Authorization")


class PopulationSimulator(Simulator[PopulationSimulatorConfig]):
    """The registry: look-up and verification, its WSDL, and an LGSP with its tokens; plus two control paths of its own:
    ``GET /_control/people?limit=&offset=&kind=`` (who can be asked for, and how) and ``POST /_control/expire-tokens``."""

    name: ClassVar[str] = "population"
    Config: ClassVar[type[SimulatorConfig]] = PopulationSimulatorConfig

    def __init__(
        self, config: PopulationSimulatorConfig, state_file: Path | None = None, clock: Callable[[], float] = time.time
    ) -> None:
        """``clock`` gives epoch seconds. Raises BadConfig when the state file cannot be used."""
        super().__init__(config, state_file)
        self.log = QuestionLog(state_file)
        self.desk = Desk(config, self.log, clock)
        self.tokens = LgspTokens(config, clock)
        self._headers = HeaderRules(config, clock)
        self._wsdl = _WSDL.read_text(encoding="utf-8")

    @classmethod
    def rehearse(cls, settings: Mapping[str, Any], table: Table) -> Rehearsal | None:
        return rehearsal.stand_in(settings, table)

    def state(self) -> Mapping[str, Any]:
        return {"people": len(self.desk.registry.people), "questions": self.log.as_list()}

    def close(self) -> None:
        self.log.close()

    def routes(self) -> Iterable[web.RouteDef]:
        return [
            web.get(self.config.path, self._describe),
            web.post(self.config.path, self._soap),
            web.post(self.config.lgsp_path, self._facade),
            web.post(self.config.token_path, self._token),
            web.get("/_control/people", self._people),
            web.post("/_control/expire-tokens", self._expire_tokens),
        ]

    async def _describe(self, request: web.Request) -> web.Response:
        """The WSDL, with this simulator's address and the configured choices that it shows."""
        if not {"wsdl", "WSDL"} & set(request.query):
            raise web.HTTPMethodNotAllowed("GET", ["POST"])
        address = self.config.address or f"{request.scheme}://{request.host}{self.config.path}"
        text = self._wsdl.replace(_ADDRESS_IN_WSDL, f"location={quoteattr(address)}")
        if self.config.later_fields == "optional":
            text = text.replace('minOccurs="1"', 'minOccurs="0"')
        if self.config.verify_namespace == "question":
            text = text.replace('element="tra:KetQuaXacThuc"', 'element="dan:KetQuaXacThuc"')
        return web.Response(body=text.encode(), content_type="text/xml", charset="utf-8")

    async def _soap(self, request: web.Request) -> web.StreamResponse:
        question = read_question(await request.read(), self.config)
        entry = self.calls.begin(question.operation, _codes(question), via="direct")
        refusal = self._headers.refusal(request)
        call = Call(question.operation, question.fields, admitted=refusal is None)

        def perform(decision: Decision) -> Answer:
            if refusal is not None:
                return self._refused_header(refusal)
            told = self.desk.ask(question, decision.refusal_of(call, {}), "direct")
            status = self.config.fault_status if told.refusal else 200
            return self._xml(told.envelope, told.outcome, status, effect=question.operation != "?")

        return await self.faults.play(request, call, entry, perform, lambda: self._refused_header(_SESSION_OVER))

    def _refused_header(self, refusal: HeaderRefusal) -> Answer:
        if self.config.header_refusal == "fault":
            fault = self.desk.writer.fault(Refusal(refusal.code, "Từ chối truy cập", refusal.header))
            return self._xml(fault, refusal.code, self.config.fault_status)
        body = f"{refusal.header}: {refusal.code}".encode()
        return Answer(body, refusal.code, status=refusal.status, content_type="text/plain")

    def _xml(self, envelope: str, outcome: str, status: int, effect: bool = False) -> Answer:
        body = f"{_DECLARATION}{envelope}".encode()
        return Answer(body, outcome, effect, status, content_type=self.config.answer_type)

    async def _facade(self, request: web.Request) -> web.StreamResponse:
        body = await _json_object(request)
        data = body.get("data") if body is not None else None
        if body is None or not isinstance(data, str):
            entry = self.calls.begin("?", via="lgsp")
            entry |= {"outcome": "not_json" if body is None else "no_data", "http": 400}
            return self._told_json(-1, "Dữ liệu không hợp lệ", "not_json", status=400).response()
        question = read_question(data.encode("utf-8", "surrogatepass"), self.config)
        entry = self.calls.begin(question.operation, _codes(question), via="lgsp")
        refusal = self.tokens.refusal(request, body)
        call = Call(question.operation, question.fields, admitted=refusal is None)

        def perform(decision: Decision) -> Answer:
            if refusal is not None:
                return self._refused_token(refusal)
            told = self.desk.ask(question, decision.refusal_of(call, {}), "lgsp")
            return self._through_lgsp(told, effect=question.operation != "?")

        def expire() -> Answer:
            self.tokens.end(self.tokens.token_of(request, body))
            return self._refused_token("access_token")

        return await self.faults.play(request, call, entry, perform, expire)

    def _through_lgsp(self, told: Told, effect: bool) -> Answer:
        if told.refusal is not None and self.config.lgsp_fault == "error_code":
            return self._told_json(self.config.lgsp_fault_code, told.refusal.words, told.outcome, effect=effect)
        return self._told_json(0, told.envelope, told.outcome, effect=effect)

    def _refused_token(self, word: str) -> Answer:
        status = 401 if self.config.lgsp_refusal == "http_401" else 200
        return self._told_json(self.config.lgsp_refusal_code, "Token không hợp lệ hoặc đã hết hạn", word, status)

    def _told_json(self, code: int | str, message: str, outcome: str, status: int = 200, effect: bool = False) -> Answer:
        written = str(code) if self.config.error_code_form == "string" else code
        return Answer(orjson.dumps({"error_code": written, "message": message}), outcome, effect, status, written)

    async def _token(self, request: web.Request) -> web.StreamResponse:
        form = await request.post()
        entry = self.calls.begin("token")
        call = Call("token")

        def perform(decision: Decision) -> Answer:
            rule = decision.refusal_of(call, {})
            if form.get("grant_type") != "client_credentials":
                return _no_token("unsupported_grant_type", 400)
            if rule is not None or not self.tokens.may_have_one(request):
                return _no_token("invalid_client" if rule is None or rule.code is None else str(rule.code), 401)
            return Answer(orjson.dumps(self.tokens.issue()), "ok", effect=True)

        return await self.faults.play(request, call, entry, perform, lambda: _no_token("invalid_client", 401))

    async def _people(self, request: web.Request) -> web.Response:
        """Those in the registry, as kept, each with the elements of a question that finds them."""
        try:
            limit, offset = (int(request.query.get(name, default)) for name, default in (("limit", "20"), ("offset", "0")))
        except ValueError:
            raise web.HTTPBadRequest(text="limit and offset must be whole numbers") from None
        kind = request.query.get("kind")
        people = [person for person in self.desk.registry.people if kind in (None, person.kind)]
        shown = [
            {"kind": person.kind, "question": self.desk.how_to_ask(person), "person": person.model_dump(exclude_none=True)}
            for person in people[max(offset, 0) :][: max(limit, 0)]
        ]
        return control_answer({"total": len(people), "people": shown})

    async def _expire_tokens(self, _: web.Request) -> web.Response:
        return control_answer({"ended": self.tokens.end()})


def _codes(question: Question) -> list[str]:
    return [question.fields["MaYeuCau"]] if question.fields.get("MaYeuCau") else []


def _no_token(error: str, status: int) -> Answer:
    return Answer(orjson.dumps({"error": error, "error_description": error}), error, status=status)


async def _json_object(request: web.Request) -> dict[str, Any] | None:
    raw = await request.read()
    if request.content_type != "application/json":
        return None
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None
    return body if isinstance(body, dict) else None


if __name__ == "__main__":
    sys.exit(run_process(PopulationSimulator))
