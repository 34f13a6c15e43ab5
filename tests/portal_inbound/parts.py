"""A hub between the simulated portal and a local system, in one process: citizens in front, the local system's clerk beside."""

from __future__ import annotations

import base64
import contextlib
import json
import shutil
import sqlite3
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import aiohttp
import yaml
from aiohttp import web
from flow.parts import MovableClock, make_home

from connectors.national_portal.simulator import PortalSimulator
from connectors.national_portal.simulator_config import PortalSimulatorConfig
from connectors.rest.simulator import LocalSystem
from connectors.rest.simulator_config import LocalSystemConfig
from connectors.rest.specimen import local_system
from hub.app import Hub
from hub.assembly import assemble
from hub.intake.keys import new_key
from hub.testing import RunningSimulator, serve

ROOT = Path(__file__).parents[2]
WSDL = Path(__file__).parent / "one-stop.wsdl"
PATH = "/XrdAdapter/RestService/forward/nhanhsdvcqg"
CODE, CITIZEN, NUMBER, PHONE = "000.00.10.H22-261121-0001", "Nguyễn Văn Canary", "002090000001", "0912000111"
FILE = b"%PDF-1.4\n" + bytes(range(256)) * 400 + b"\n%%EOF\n"
SPACE, SOAP = "urn:one-stop", "http://schemas.xmlsoap.org/soap/envelope/"
QUICK = {
    "retry": {"first_seconds": 0.02, "longest_seconds": 0.1, "attempts": 3},
    "breaker": {"failures": 3, "open_seconds": 0.1, "longest_seconds": 0.2},
}


def filed(code: str = CODE, **changed: Any) -> dict[str, Any]:
    """What the portal posts."""
    return {
        "MaHoSo": code, "MaTTHC": "2.000815", "TenTTHC": "Chứng thực bản sao từ bản chính", "LoaiDoiTuong": "1",
        "ChuHoSo": CITIZEN, "SoGiayToChuHoSo": NUMBER, "SoDienThoai": PHONE, "TrichYeuHoSo": "Chứng thực 02 bản sao",
        "NgayNopHoSo": "20261121074500", "HinhThuc": "0",
        "TaiLieuNop": [{"TenTepDinhKem": "don.pdf", "Base64": base64.b64encode(FILE).decode()}], **changed,
    }  # fmt: skip


def state(status: str, code: str = CODE, **changed: Any) -> dict[str, Any]:
    """What the local system reports: its own record of the same dossier."""
    first = json.loads((ROOT / "starter" / "first.json").read_text(encoding="utf-8"))
    return {**first, "dossierNo": code, "referenceUid": f"uid-{code}", "dossierStatus": status, **changed}


@dataclass
class SoapSystem:
    """A one-stop system that speaks SOAP: ``taken`` is what it was filed, by element; ``is_down``: it answers 503."""

    url: str = ""
    taken: list[dict[str, str]] = field(default_factory=list)
    is_down: bool = False

    async def answer(self, request: web.BaseRequest) -> web.Response:
        if self.is_down:
            return web.Response(status=503)
        told = next(iter(ElementTree.fromstring(await request.read()).iter(f"{{{SPACE}}}FileDossier")))
        self.taken.append({one.tag.rpartition("}")[2]: "".join(one.itertext()) for one in told})
        inner = (
            f'<FileDossierResponse xmlns="{SPACE}"><Result>OK</Result><ReceiptNumber>S-1</ReceiptNumber></FileDossierResponse>'
        )
        body = f'<s:Envelope xmlns:s="{SOAP}"><s:Body>{inner}</s:Body></s:Envelope>'
        return web.Response(text=body, content_type="text/xml")


@contextlib.asynccontextmanager
async def soap_system() -> AsyncIterator[SoapSystem]:
    it = SoapSystem()
    runner = web.ServerRunner(web.Server(it.answer))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    it.url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
    yield it
    await runner.cleanup()


def soap_settings(url: str) -> dict[str, Any]:
    """The settings of an endpoint for it."""
    rows = [{"at": "/Result", "equals": "OK", "then": "accepted"}]
    operation = {"operation": "FileDossier", "outcomes": rows, "reference": "/ReceiptNumber"}
    return {"wsdl": "one-stop.wsdl", "address": url, "operations": {"one-stop-filing@1": operation}}


def config(portal: str, local: Mapping[str, Any], connector: str = "rest", **inbound: Any) -> dict[str, Any]:
    """config.yaml: what citizens file goes down, what the local system says of it goes up."""
    up = {"from": ["one-stop"], "when": {"present": "code"}, "to": "national"}
    taken = {"accounts": {"cong-dvc": {"sender": "citizens"}}, **inbound}
    return {
        "store": {"url": "sqlite:///var/hub.db"},
        "server": {"port": 0},
        "files": {},
        "sources": [
            {"schema": "npsp-filed-dossier@1", "becomes": ["dossier@1"]},
            {"schema": "opencps-dossier@1", "becomes": ["dossier@1", "dossier-progress@1"]},
        ],
        "owners": {"000.00": "one-stop"},
        "endpoints": {
            "national": {
                "connector": "national-portal",
                "settings": {
                    "adapter_url": f"{portal}/XrdAdapter/RestService/forward", "username": "truc", "password": "mat-khau",
                    "madonvi": "000.00.00.H22", "inbound": taken,
                },
                **QUICK,
            },
            "local": {"connector": connector, "settings": dict(local), **QUICK},
        },
        "routes": {
            "filed-to-local": {
                "take": "dossier@1", "from": ["citizens"], "observations": True, "to": "local", "as": "one-stop-filing@1",
            },
            "dossiers-to-portal": {"take": "dossier@1", "as": "npsp-dossier@1", "on_exists": "adopt", **up},
            "progress-to-portal": {"take": "dossier-progress@1", "as": "npsp-progress@1", **up},
        },
    }  # fmt: skip


def home(folder: Path, settings: Mapping[str, Any]) -> Path:
    made = make_home(folder, yaml.safe_dump(dict(settings), allow_unicode=True))
    shutil.copy(WSDL, made / "one-stop.wsdl")
    return made


def basic(name: str, key: str) -> str:
    """HTTP Basic."""
    return "Basic " + base64.b64encode(f"{name}:{key}".encode()).decode()


@dataclass
class World:
    """The hub and the keys of those who call it."""

    hub: Hub
    clock: MovableClock
    session: aiohttp.ClientSession
    keys: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.hub.port}"

    async def new_key(self, sender: str, *schemas: str) -> None:
        key, self.keys[sender] = new_key(sender, list(schemas), self.clock())
        await self.hub.store.add_key(key)

    async def post(
        self, body: Any, account: tuple[str, str] | None = None, path: str = PATH, **headers: str
    ) -> tuple[int, dict[str, Any], Mapping[str, str]]:
        """As the portal's adapter posts a filed dossier: HTTP status, answer, headers."""
        name, key = account or ("cong-dvc", self.keys["citizens"])
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        signed = {"Authorization": basic(name, key), "Content-Type": "application/json", **headers}
        async with self.session.post(f"{self.url}{path}", data=content, headers=signed) as answer:
            return answer.status, await answer.json(), answer.headers

    async def report(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """The local system's clerk at the hub's REST door; the receipt."""
        headers = {"X-API-Key": self.keys["one-stop"], "Hub-Schema": "opencps-dossier@1", "Content-Type": "application/json"}
        async with self.session.post(f"{self.url}/v1/messages", data=json.dumps(dict(record)), headers=headers) as answer:
            told = await answer.json()
            assert answer.status in (200, 201, 202), told
            return dict(told)

    def arrivals(self) -> int:
        with contextlib.closing(sqlite3.connect(self.hub.home.store_url.removeprefix("sqlite:///"))) as connection:
            return int(connection.execute("select count(*) from arrivals").fetchone()[0])


@contextlib.asynccontextmanager
async def running(folder: Path) -> AsyncIterator[World]:
    clock = MovableClock()
    hub = Hub(assemble(folder), clock)
    await hub.start()
    try:
        async with aiohttp.ClientSession() as session:
            world = World(hub, clock, session)
            await world.new_key("citizens", "npsp-filed-dossier")
            await world.new_key("one-stop", "opencps-dossier")
            yield world
    finally:
        await hub.stop()


@contextlib.asynccontextmanager
async def portal(*codes: str) -> AsyncIterator[tuple[PortalSimulator, str]]:
    """The portal, which holds what was filed at it already."""
    it = PortalSimulator(PortalSimulatorConfig(username="truc", password="mat-khau", later_fields="optional"))
    served = await serve(it)
    try:
        async with aiohttp.ClientSession() as session:
            planted = [{"MaHoSo": code} for code in codes]
            async with session.post(f"{served.url}/_control/dossiers", json=planted) as answer:
                assert answer.status == 201
        yield it, served.url
    finally:
        await served.close()


def states_at(simulator: PortalSimulator, code: str = CODE) -> list[str]:
    """The states of a dossier that the portal was told, in order."""
    record = simulator.state()["dossiers"].get(code)
    return [] if record is None else [one["object"].get("TrangThaiHoSo", "") for one in record["history"]]


@contextlib.asynccontextmanager
async def one_stop(folder: Path, port: int = 0, **given: Any) -> AsyncIterator[tuple[LocalSystem, RunningSimulator]]:
    """The local system over REST; it keeps its memory, and its port where one is given."""
    it = LocalSystem(LocalSystemConfig(api_key="khoa", **given), folder / "local.jsonl")
    served = await serve(it, port=port)
    try:
        yield it, served
    finally:
        await served.close()


def rest_settings(url: str) -> dict[str, Any]:
    return local_system(url, "khoa")
