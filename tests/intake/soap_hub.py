"""A running hub with the SOAP door ``/soap/one-stop`` and a scripted partner, and envelopes of the one-stop system for it."""

from __future__ import annotations

import base64
import contextlib
import io
import sqlite3
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from flow.parts import CONFIG, MovableClock, Scripted, make_home, running
from lxml import etree

from hub.app import Hub
from hub.intake.keys import new_key

PATH = "/soap/one-stop"
SPACE = "urn:one-stop:dossiers:1"
SOAP = {"1.1": "http://schemas.xmlsoap.org/soap/envelope/", "1.2": "http://www.w3.org/2003/05/soap-envelope"}
WSSE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
PASSWORD = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#Password"
NAME = "Nguyễn Văn Bình"
NUMBER = "002090000001"
CODE = "000.00.10.H22-261121-0001"
DOOR = """
soap:
  one-stop:
    path: /soap/one-stop
    schema: one-stop-soap@1
    operations:
      SubmitDossier: { answer: { ReceiptId: arrival, State: state, CorrelationId: correlation_id, Repeated: repeated } }
      ReportProgress: { answer: { ReceiptId: arrival, State: state, CorrelationId: correlation_id, Repeated: repeated } }
      QueryReceipt:
        receipt_of: /RequestId
        answer: { ReceiptId: arrival, State: state, CorrelationId: correlation_id, Repeated: repeated }
"""
SOURCE = "  - { schema: one-stop-soap@1, becomes: [dossier@1, dossier-progress@1] }\n"


def soap_config(server: str = "port: 0", clients: str = "") -> str:
    """The configuration of the flow tests with the SOAP door."""
    text = CONFIG.replace("server: { port: 0 }", f"server: {{ {server} }}").replace("endpoints:\n", SOURCE + "endpoints:\n")
    return text + DOOR + (f"clients: {clients}\n" if clients else "")


@dataclass(frozen=True)
class Answer:
    """One answer of the door."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def root(self) -> Any:
        return etree.fromstring(self.body)

    @property
    def version(self) -> str:
        space = etree.QName(self.root).namespace
        return next(version for version, name in SOAP.items() if name == space)

    def receipt(self) -> dict[str, str]:
        """The content of the operation's answer, seen to come in an envelope of a good answer."""
        assert self.status == 200, self.body
        (content,) = self.root.find("{*}Body")
        return {etree.QName(one).localname: one.text for one in content}

    def fault(self) -> tuple[str, dict[str, str]]:
        """(code of the fault, place → code of each problem in its detail), seen to be one of the envelope's version."""
        fault = self.root.find("{*}Body/{*}Fault")
        assert fault is not None, self.body
        media = {"1.1": "text/xml; charset=utf-8", "1.2": "application/soap+xml; charset=utf-8"}[self.version]
        assert self.headers["Content-Type"] == media
        code = fault.findtext("faultcode") if self.version == "1.1" else fault.findtext("{*}Code/{*}Value")
        reason = fault.findtext("faultstring") if self.version == "1.1" else fault.findtext("{*}Reason/{*}Text")
        assert reason
        problems = fault.findall(".//{urn:dossier-hub:problems}problem")
        assert all(one.text for one in problems)
        return code.rpartition(":")[2], {one.get("at"): one.get("code") for one in problems}

    def one_problem(self) -> Any:
        """The only problem of a fault, as its element."""
        (found,) = self.root.iter("{urn:dossier-hub:problems}problem")
        return found


@dataclass
class SoapHub:
    """The door as senders see it."""

    hub: Hub
    partner: Any
    clock: MovableClock
    keys: dict[str, str] = field(default_factory=dict)
    path: str = PATH

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.hub.port}{self.path}"

    async def add_sender(self, name: str, *schemas: str) -> str:
        key, self.keys[name] = new_key(name, schemas or ("one-stop-soap",), self.clock())
        await self.hub.store.add_key(key)
        return self.keys[name]

    def basic(self, sender: str = "one-stop") -> dict[str, str]:
        return {"Authorization": "Basic " + base64.b64encode(f"{sender}:{self.keys[sender]}".encode()).decode()}

    async def call(self, method: str, path: str | None = None, **how: Any) -> Answer:
        url = f"http://127.0.0.1:{self.hub.port}{path or self.path}"
        async with aiohttp.ClientSession() as session, session.request(method, url, **how) as answer:
            return Answer(answer.status, answer.headers.copy(), await answer.read())

    async def post(
        self, body: bytes | str, *, action: str | None = "SubmitDossier", version: str = "1.1", sender: str | None = "one-stop",
        headers: Mapping[str, str] | None = None,
    ) -> Answer:  # fmt: skip
        """Send an envelope as a usual client does; ``headers`` come on top, and take one away where the value is empty."""
        given = self.basic(sender) if sender else {}
        named = f"{SPACE}/{action}" if action else ""
        if version == "1.1":
            given |= {"Content-Type": "text/xml; charset=utf-8"} | ({"SOAPAction": f'"{named}"'} if action else {})
        else:
            given |= {"Content-Type": "application/soap+xml; charset=utf-8" + (f'; action="{named}"' if action else "")}
        given |= headers or {}
        data = io.BytesIO(body.encode() if isinstance(body, str) else body)
        return await self.call("POST", data=data, headers={name: value for name, value in given.items() if value})

    def count(self) -> int:
        """How many arrivals are stored."""
        return int(self.rows("select count(*) as n from arrivals")[0]["n"])

    def rows(self, query: str) -> list[dict[str, Any]]:
        """What the store has, read beside the hub."""
        with contextlib.closing(sqlite3.connect(self.hub.home.store_url.removeprefix("sqlite:///"))) as connection:
            connection.row_factory = sqlite3.Row
            return [dict(row) for row in connection.execute(query)]


@contextlib.asynccontextmanager
async def started(
    folder: Path, server: str = "port: 0", clients: str = "", kind: type[Scripted] = Scripted
) -> AsyncIterator[SoapHub]:
    """A hub with the door and the sender ``one-stop``."""
    clock = MovableClock()
    async with running(make_home(folder / "home", soap_config(server, clients)), clock, kind) as (hub, partner):
        made = SoapHub(hub, partner, clock)
        await made.add_sender("one-stop")
        yield made


def dossier(request: str = "r-1", **more: str) -> str:
    """The SubmitDossier element of a dossier; ``more`` replaces the text of elements, and an element whose text is None."""
    fields = {"SoHoSo": CODE, "TrangThai": "DaTiepNhan", "CapNhatLuc": "2026-11-21T08:00:00+07:00", "TrichYeu": "Chứng thực"}
    fields |= more
    return f"""<o:SubmitDossier xmlns:o="{SPACE}">
  <o:RequestId>{request}</o:RequestId>
  <o:HoSo id="MC-2026-000001">
    <o:SoHoSo>{fields["SoHoSo"]}</o:SoHoSo>
    <o:MaThuTuc>2.000815</o:MaThuTuc>
    <o:ChuHoSo loai="CaNhan">
      <o:HoTen>{NAME}</o:HoTen>
      <o:SoGiayTo loai="CCCD">{NUMBER}</o:SoGiayTo>
    </o:ChuHoSo>
    <o:NgayNop>20261121074500</o:NgayNop>
    <o:NgayTiepNhan>20261121080000</o:NgayTiepNhan>
    <o:NgayHenTra>20261123170000</o:NgayHenTra>
    <o:TrangThai>{fields["TrangThai"]}</o:TrangThai>
    <o:TrichYeu>{fields["TrichYeu"]}</o:TrichYeu>
    <o:HinhThucTra>TaiQuay</o:HinhThucTra>
    <o:DonViXuLy ma="000.00.10.H22">Trung tâm Phục vụ hành chính công</o:DonViXuLy>
    <o:CapNhatLuc>{fields["CapNhatLuc"]}</o:CapNhatLuc>
    <o:TepDinhKem id="T1" loai="GiayToNop"><o:TenTep>to_khai.pdf</o:TenTep></o:TepDinhKem>
  </o:HoSo>
</o:SubmitDossier>"""


def progress(request: str = "p-1", state: str = "DangXuLy") -> str:
    """The ReportProgress element of one step."""
    return f"""<o:ReportProgress xmlns:o="{SPACE}"><o:RequestId>{request}</o:RequestId>
  <o:TienDo hoSo="MC-2026-000001" id="B-1">
  <o:SoHoSo>{CODE}</o:SoHoSo><o:NguoiXuLy>Lý Thị Hoa</o:NguoiXuLy><o:NoiDung>Chuyển phòng</o:NoiDung>
  <o:TrangThai>{state}</o:TrangThai><o:ThoiDiem>2026-11-21T09:30:00+07:00</o:ThoiDiem></o:TienDo></o:ReportProgress>"""


def query(request: str = "r-1") -> str:
    """The QueryReceipt element."""
    return f'<o:QueryReceipt xmlns:o="{SPACE}"><o:RequestId>{request}</o:RequestId></o:QueryReceipt>'


def envelope(body: str, version: str = "1.1", header: str = "", space: str | None = None) -> str:
    """The envelope around it."""
    headed = f"<s:Header>{header}</s:Header>" if header else ""
    return f'<s:Envelope xmlns:s="{space or SOAP[version]}">{headed}<s:Body>{body}</s:Body></s:Envelope>'


def security(name: str, password: str, kind: str = "Text", extra: str = "") -> str:
    """A WS-Security header with a UsernameToken."""
    return (
        f'<w:Security xmlns:w="{WSSE}" s:mustUnderstand="1"><w:UsernameToken><w:Username>{name}</w:Username>'
        f'<w:Password Type="{PASSWORD}{kind}">{password}</w:Password>{extra}</w:UsernameToken></w:Security>'
    )
