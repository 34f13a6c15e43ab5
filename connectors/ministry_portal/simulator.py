"""Stands in for a ministry's portal of the 2026 contract: codes issued there, files, dossiers, steps, states, and a feed back.

Written from the wire contract alone, without sight of the connector. As a process of its own:
``python -m connectors.ministry_portal.simulator --port 0 --state FILE [--config FILE]``.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from aiohttp import web

from connectors.ministry_portal import simulator_rehearsal
from connectors.ministry_portal.simulator_answers import NO_TOKEN, Answers, Reply, refused
from connectors.ministry_portal.simulator_config import MinistryPortalSimulatorConfig
from connectors.ministry_portal.simulator_control import ministry_control
from connectors.ministry_portal.simulator_desk import Desk
from connectors.ministry_portal.simulator_feed import Feed
from connectors.ministry_portal.simulator_files import NotMultipart, ResultFile, read_uploads
from connectors.ministry_portal.simulator_state import MinistryMemory
from connectors.ministry_portal.simulator_tokens import Tokens, as_json
from hub.testing.fault_play import Answer
from hub.testing.faults import Call, Decision
from hub.testing.simulator import Rehearsal, Simulator, SimulatorConfig, Table, run_process

_UNREADABLE = object()


class MinistryPortalSimulator(Simulator[MinistryPortalSimulatorConfig]):
    """The portal: token, next code, upload, create, progress, status, look-up, feed and files. Control paths: SIMULATOR.md."""

    name: ClassVar[str] = "ministry-portal"
    Config: ClassVar[type[SimulatorConfig]] = MinistryPortalSimulatorConfig

    def __init__(
        self, config: MinistryPortalSimulatorConfig, state_file: Path | None = None, clock: Callable[[], float] = time.time
    ) -> None:
        """``clock`` gives epoch seconds. Raises BadConfig when the state file cannot be used."""
        super().__init__(config, state_file)
        self.memory = MinistryMemory(state_file)
        self.tokens = Tokens(config, clock)
        self._answers = Answers(config)
        self._desk = Desk(config, self.memory, self._answers, clock)
        self._feed = Feed(config, self.memory)

    @classmethod
    def rehearse(cls, settings: Mapping[str, Any], table: Table) -> Rehearsal | None:
        return simulator_rehearsal.stand_in(settings)

    def state(self) -> Mapping[str, Any]:
        return self.memory.as_dict()

    def close(self) -> None:
        self.memory.close()

    def routes(self) -> Iterable[web.RouteDef]:
        base, paths = self.config.base, self.config.paths
        by_get = web.get(base + paths.next_value, self._next_value, allow_head=False)
        by_post = web.post(base + paths.next_value, self._next_value)
        next_value = {"get": [by_get], "post": [by_post]}.get(self.config.next_value_by, [by_get, by_post])
        look_up = [
            web.get(base + paths.look_up, self._look_up, allow_head=False),
            web.post(base + paths.look_up, self._look_up),
        ]
        return [
            web.post(base + paths.token, self._token),
            *next_value,
            web.post(base + paths.upload, self._upload),
            web.post(base + paths.create, self._create),
            web.post(base + paths.progress, self._progress),
            web.post(base + paths.status, self._status),
            *(look_up if self.config.look_up != "none" else ()),
            web.get(base + paths.feed, self._page, allow_head=False),
            web.get(base + paths.files + "/{id}", self._file, allow_head=False),
            *ministry_control(self._feed, self.memory, self.tokens, base + paths.files),
        ]

    async def _token(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        entry, call = self.calls.begin("token"), Call("token")

        def perform(decision: Decision) -> Answer:
            if rule := decision.refusal_of(call, {}):
                return self._answers.wire(self._answers.planted(rule))
            if not self.tokens.is_of_platform(request) or not self.tokens.may_have_one(request, body):
                return self._answers.wire(refused(401, "Sai client_id hoặc client_secret", "account"))
            bare = self.config.token_answer == "flat"
            return self._answers.wire(Reply(self.tokens.issue(), bare=bare))

        return await self.faults.play(request, call, entry, perform, lambda: self._no_token(request))

    async def _next_value(self, request: web.Request) -> web.StreamResponse:
        asked = await _named(request, "code")
        return await self._carry_out(request, "GetNextValue", lambda: self._desk.next_value(asked), [{"code": asked}])

    async def _upload(self, request: web.Request) -> web.StreamResponse:
        try:
            files, wrong = await read_uploads(request), ""
        except NotMultipart as error:
            files, wrong = [], str(error)

        def judged() -> Reply:
            return refused(400, wrong, "not_multipart") if wrong else self._desk.take_files(files)

        return await self._carry_out(request, "UploadFile", judged)

    async def _create(self, request: web.Request) -> web.StreamResponse:
        return await self._with_body(request, "NoiHoSo", self._desk.create)

    async def _progress(self, request: web.Request) -> web.StreamResponse:
        return await self._with_body(request, "CapNhatTienTrinh", self._desk.progress)

    async def _status(self, request: web.Request) -> web.StreamResponse:
        return await self._with_body(request, "CapNhatTrangThai", self._desk.status)

    async def _look_up(self, request: web.Request) -> web.StreamResponse:
        code = await _named(request, "MaHoSo")
        return await self._carry_out(request, "TraCuuHoSo", lambda: self._desk.look_up(code), [{"MaHoSo": code}])

    async def _page(self, request: web.Request) -> web.StreamResponse:
        cursor, limit = request.query.get(self.config.cursor_parameter), request.query.get("limit")
        return await self._carry_out(request, "feed", lambda: self._feed.page(cursor, limit))

    async def _file(self, request: web.Request) -> web.StreamResponse:
        """A result file; made while it is sent, unless a fault is to cut it in the middle."""
        name = request.match_info["id"]
        entry, kept = self.calls.begin("file", [name]), self.memory.files.get(name)
        open_to_all = self.config.file_access == "open"
        barred = None if open_to_all else self._barred(request, "file")
        call = Call("file", {"id": name}, admitted=barred is None)

        def perform(decision: Decision) -> Answer:
            if rule := decision.refusal_of(call, {}):
                return self._answers.wire(self._answers.planted(rule))
            if barred is not None or kept is None:
                return self._answers.wire(barred or refused(404, "Không tìm thấy tệp", "not_found"))
            file = ResultFile.model_validate({key: value for key, value in kept.items() if key != "sha256"})
            cut = decision.rule is not None and decision.rule.fault == "half_answer"
            return file.whole() if cut else file.streamed()

        return await self.faults.play(request, call, entry, perform, lambda: self._no_token(request))

    async def _with_body(self, request: web.Request, service: str, act: Callable[[Any], Reply]) -> web.StreamResponse:
        """A call that carries JSON: one object, or an array of them."""
        body = await _json_of(request)
        items = [one for one in (body if isinstance(body, list) else [body]) if isinstance(one, dict)]

        def judged() -> Reply:
            return refused(400, "Dữ liệu không phải JSON", "not_json") if body is _UNREADABLE else act(body)

        return await self._carry_out(request, service, judged, items)

    async def _carry_out(
        self, request: web.Request, service: str, act: Callable[[], Reply], items: Sequence[Mapping[str, Any]] = ()
    ) -> web.StreamResponse:
        """One call with its rights, its planted faults and its line in the log; ``act`` makes effect and answer."""
        entry = self.calls.begin(service, dict.fromkeys(str(one["MaHoSo"]) for one in items if one.get("MaHoSo")))
        barred = self._barred(request, service)
        call = Call(service, items=items, admitted=barred is None)

        def perform(decision: Decision) -> Answer:
            if barred is not None:
                return self._answers.wire(barred)
            rule = next((rule for one in items or ({},) if (rule := decision.refusal_of(call, one))), None)
            reply = self._answers.planted(rule) if rule is not None else act()
            entry["codes"] += [code for code in reply.codes if code not in entry["codes"]]
            return self._answers.wire(reply)

        return await self.faults.play(request, call, entry, perform, lambda: self._no_token(request))

    def _barred(self, request: web.Request, service: str) -> Reply | None:
        """Why this account may not call this now, whatever it asks."""
        if not self.tokens.is_of_platform(request):
            return refused(401, "lgspaccesstoken không hợp lệ", "lgsp_access_token")
        if not self.tokens.admits(request):
            return refused(401, NO_TOKEN, "token")
        if self.config.operations and service not in self.config.operations:
            return refused(403, "Không có quyền gọi dịch vụ này", "no_right")
        return None

    def _no_token(self, request: web.Request) -> Answer:
        self.tokens.end(request)
        return self._answers.wire(refused(401, NO_TOKEN, "token"))


async def _json_of(request: web.Request) -> Any:
    raw = await request.read()
    value = as_json(raw) if request.content_type == "application/json" else None
    return _UNREADABLE if value is None else value


async def _named(request: web.Request, name: str) -> Any:
    """A parameter of a question: of the query of a GET, or of the JSON of a POST."""
    if request.method == "GET":
        return request.query.get(name)
    body = await _json_of(request)
    return body.get(name) if isinstance(body, dict) else None


if __name__ == "__main__":
    sys.exit(run_process(MinistryPortalSimulator))
