"""Stands in for a local one-stop system that takes filed dossiers over REST, and gives each a receipt number of its own.

``POST /api/filings`` takes one (201 with a number; 200 ``changed`` for a new state of it, ``exists`` for the same again),
``GET /api/filings/CODE`` shows it, ``GET /api/status`` answers. Errors are ``{"error": {"code", "message"}}``. As a process:
``python -m connectors.rest.simulator --port 0 --state FILE [--config FILE]``.
"""

from __future__ import annotations

import hmac
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar

import orjson
from aiohttp import web

from connectors.rest.simulator_config import LocalSystemConfig
from hub.testing import Simulator, SimulatorConfig
from hub.testing.fault_play import Answer
from hub.testing.faults import Call, Decision
from hub.testing.journal import Journal
from hub.testing.simulator import run_process

_NEEDED = ("code", "procedure_code", "state", "filed_at", "owner_kind", "owner_name")


class LocalSystem(Simulator[LocalSystemConfig]):
    """The one-stop system: filings by code, newest state and receipt number."""

    name: ClassVar[str] = "local-system"
    Config: ClassVar[type[SimulatorConfig]] = LocalSystemConfig

    def __init__(self, config: LocalSystemConfig, state_file: Path | None = None) -> None:
        """Raises BadConfig when the state file cannot be used."""
        super().__init__(config, state_file)
        self._filings: dict[str, dict[str, Any]] = {}
        self._journal: Journal | None = None
        if state_file is not None:
            self._journal = Journal(state_file, self._take_in, "a one-stop system without filings")

    def state(self) -> Mapping[str, Any]:
        return {"filings": self._filings}

    def close(self) -> None:
        if self._journal is not None:
            self._journal.close()
            self._journal = None

    def routes(self) -> Iterable[web.RouteDef]:
        return [
            web.post("/api/filings", self._file),
            web.get("/api/filings/{code}", self._show),
            web.get("/api/status", self._status),
        ]

    async def _file(self, request: web.Request) -> web.StreamResponse:
        try:
            filing = orjson.loads(await request.read())
        except orjson.JSONDecodeError:
            filing = None
        code = str(filing.get("code", "")) if isinstance(filing, dict) else ""
        call = Call("file", {"code": code})

        def perform(decision: Decision) -> Answer:
            if rule := decision.refusal_of(call, {}):
                return _refused(422, str(rule.code or "refused"), rule.message or "hồ sơ bị từ chối")
            return self._taken(filing)

        return await self._play(request, call, [code] if code else [], perform)

    async def _show(self, request: web.Request) -> web.StreamResponse:
        code = request.match_info["code"]

        def perform(_: Decision) -> Answer:
            held = self._filings.get(code)
            return _refused(404, "not_found", "không có hồ sơ") if held is None else _said(200, "shown", held)

        return await self._play(request, Call("show", {"code": code}), [code], perform)

    async def _status(self, request: web.Request) -> web.StreamResponse:
        return await self._play(request, Call("status"), [], lambda _: _said(200, "shown", {"status": "up"}))

    async def _play(
        self, request: web.Request, call: Call, codes: list[str], perform: Callable[[Decision], Answer]
    ) -> web.StreamResponse:
        entry = self.calls.begin(call.service, codes)
        given = request.headers.get("X-Api-Key", "").encode()
        admitted = hmac.compare_digest(given, self.config.api_key.encode())
        stranger = _refused(401, "key", "khóa không hợp lệ")
        call = Call(call.service, call.fields, call.items, admitted)
        return await self.faults.play(
            request, call, entry, lambda decision: perform(decision) if admitted else stranger, lambda: stranger
        )

    def _taken(self, filing: Any) -> Answer:
        if not isinstance(filing, dict) or not all(isinstance(filing.get(name), str) and filing[name] for name in _NEEDED):
            return _refused(400, "bad_filing", f"cần có {', '.join(_NEEDED)}")
        if self.config.procedures and filing["procedure_code"] not in self.config.procedures:
            quoted = f" của {filing['owner_name']}" if self.config.quote_values else ""
            return _refused(422, "unknown_procedure", f"thủ tục{quoted} không có ở đơn vị")
        held = self._filings.get(filing["code"])
        if held is not None and held["filing"] == filing:
            return _said(200, "exists", {"result": "exists", "receiptNumber": held["receiptNumber"]})
        number = held["receiptNumber"] if held else f"LS-{len(self._filings) + 1:06}"
        entry = {"code": filing["code"], "receiptNumber": number, "filing": filing}
        if self._journal is not None:
            self._journal.append(entry)
        self._take_in(entry)
        result = "changed" if held else "accepted"
        return _said(200 if held else 201, result, {"result": result, "receiptNumber": number}, effect=True)

    def _take_in(self, entry: Mapping[str, Any]) -> None:
        before = self._filings.get(entry["code"])
        states = [*(before["states"] if before else []), entry["filing"]["state"]]
        self._filings[entry["code"]] = {**entry, "states": states}


def _said(status: int, outcome: str, told: Mapping[str, Any], *, effect: bool = False) -> Answer:
    return Answer(orjson.dumps(told), outcome, effect, status)


def _refused(status: int, code: str, message: str) -> Answer:
    return Answer(orjson.dumps({"error": {"code": code, "message": message}}), "refused", False, status, code)


if __name__ == "__main__":
    sys.exit(run_process(LocalSystem))
