"""How the SOAP connector is put to the test: an invented partner with a WSDL, and the table that says what its answers mean."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from aiohttp import web

from hub.testing import Simulator, SimulatorConfig
from hub.testing.fault_play import Answer
from hub.testing.faults import Call, Decision
from hub.testing.specimen import Sample, Specimen

_WSDL = Path(__file__).with_name("specimen.wsdl")
_SPACE = "urn:dossier-hub:specimen"
_ENVELOPE = (
    '<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/">'
    f'<s:Body><{{0}}Response xmlns="{_SPACE}">{{1}}</{{0}}Response></s:Body></s:Envelope>'
)
_NAME, _CODE = "Trần Thị Mẫu Thử", "000.00.10.H22-261121-0001"


class SpecimenPartner(Simulator[SimulatorConfig]):
    """Takes dossiers, knows a request again, and tells what it took."""

    name: ClassVar[str] = "soap-specimen"
    Config: ClassVar[type[SimulatorConfig]] = SimulatorConfig

    def __init__(self, config: SimulatorConfig, state_file: Path | None = None) -> None:
        super().__init__(config, state_file)
        self.taken: dict[str, dict[str, str]] = {}

    def state(self) -> Mapping[str, Any]:
        return {"taken": self.taken}

    def routes(self) -> Iterable[web.RouteDef]:
        return [web.post("/soap", self._call), web.get("/soap", self._describe)]

    async def _describe(self, request: web.Request) -> web.Response:
        return web.Response(body=_WSDL.read_bytes(), content_type="text/xml", charset="utf-8")

    async def _call(self, request: web.Request) -> web.StreamResponse:
        asked = ElementTree.fromstring(await request.read()).find("{http://schemas.xmlsoap.org/soap/envelope/}Body/*")
        if asked is None:
            raise web.HTTPBadRequest
        service = asked.tag.rpartition("}")[2]
        fields = {one.tag.rpartition("}")[2]: one.text or "" for one in asked}
        call, entry = Call(service, fields), self.calls.begin(service, [fields["RequestId"]])

        def perform(decision: Decision) -> Answer:
            if refused := decision.refusal_of(call, {}):
                return _told(service, "refused", Code="REFUSED", Message=refused.message or "")
            if service == "QueryDossier":
                there = fields["RequestId"] in self.taken
                return _told(service, "told", ReceiptId="R-" + fields["RequestId"] if there else "")
            new = self.taken.get(fields["RequestId"]) is None
            self.taken.setdefault(fields["RequestId"], fields)
            receipt = "R-" + fields["RequestId"]
            return _told(service, "taken", effect=new, Code="OK" if new else "KNOWN", ReceiptId=receipt)

        return await self.faults.play(request, call, entry, perform, lambda: _told(service, "over", Code="SESSION"))


def _told(service: str, outcome: str, *, effect: bool = False, **fields: str) -> Answer:
    inside = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in fields.items() if value)
    return Answer(_ENVELOPE.format(service, inside).encode(), outcome, effect, content_type="text/xml")


def specimen() -> Specimen:
    """A partner that can be asked what it holds, so that nothing stays in doubt."""
    return Specimen(
        simulator=lambda folder: SpecimenPartner(SimulatorConfig()),
        settings=_settings,
        samples=(_sample("a/1", "received"), _sample("a/2", "done")),
        personal=(_NAME,),
    )


def _settings(url: str, folder: Path) -> Mapping[str, Any]:
    outcomes = [
        {"at": "/Code", "equals": "OK", "then": "accepted"},
        {"at": "/Code", "equals": "KNOWN", "then": "duplicate"},
        {"at": "/Code", "equals": "REFUSED", "then": "rejected", "code_at": "/Code", "reason_at": "/Message"},
    ]
    rows = [
        {"at": "/ReceiptId", "present": True, "then": "holds"},
        {"at": "/ReceiptId", "absent": True, "then": "holds_not"},
    ]
    find = {"operation": "QueryDossier", "input": {"/RequestId": "/RequestId"}, "rows": rows, "reference": "/ReceiptId"}
    submit = {"operation": "SubmitDossier", "reference": "/ReceiptId", "outcomes": outcomes, "find": find}
    address = f"{url}/soap"
    return {"wsdl": str(_WSDL), "address": address, "operations": {"specimen-dossier@1": submit}}


def _sample(request: str, state: str) -> Sample:
    body = {"RequestId": request, "Code": _CODE, "State": state, "OwnerName": _NAME}
    return Sample("specimen-dossier@1.0.0", body, {"national": _CODE}, full_state=True)
