"""The hub homes of a run: the shipped schemas and mappings, one source, one route, every procedure known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson

from benchmarks.processes import ROOT
from hub import strictyaml

CONCURRENCY = 16
"""Calls to the destination at once, of the hub's endpoint and of the floor alike."""
ENDPOINT = "destination"
SOAP_CATALOG = ROOT / "benchmarks" / "soap_home"
SOAP_SCHEMA = "bench-soap-dossier"
SOAP_WSDL = SOAP_CATALOG / "schemas" / SOAP_SCHEMA / "1.0.0.wsdl"
_CONFIG = """\
store: {{ url: "sqlite:///var/hub.db" }}
server: {{ port: 0 }}
log: {{ file: var/hub.log }}
catalog: [{catalog}]
sources: [{{ schema: opencps-dossier@1, becomes: [{becomes}] }}]
endpoints:
  {endpoint}: {{ connector: {connector}, settings: {{ {settings} }}, concurrency: {concurrency} }}
routes:
"""
_ROUTE = "  {take}: {{ take: {take}@1, when: {{ present: code }}, to: {endpoint}, as: {as_}@1 }}\n"
_TABLE = """\
table: npsp-procedures
version: 1.20261101.0
key: [code]
columns: [name, field_code, field_name]
rows:
"""


def one_call_home(folder: Path, url: str) -> Path:
    """A home whose one partner is the destination of the bench."""
    return _home(folder, "bench-one-call", f'url: "{url}", connections: {CONCURRENCY}', {"dossier": "npsp-dossier"})


def portal_home(folder: Path, url: str) -> Path:
    """A home whose one partner is the portal's simulator, as the shipped config.yaml has it."""
    settings = f'adapter_url: "{url}", username: simulated, password: simulated, madonvi: 000.00.00.H22'
    return _home(folder, "national-portal", settings, {"dossier": "npsp-dossier", "dossier-progress": "npsp-progress"})


def soap_home(folder: Path, url: str) -> Path:
    """A home whose one partner is called over SOAP."""
    settings = orjson.dumps(soap_settings(url)).decode()[1:-1]
    return _home(folder, "soap", settings, {"dossier": SOAP_SCHEMA}, SOAP_CATALOG)


def soap_settings(url: str) -> dict[str, Any]:
    """What the SOAP connector is told of the partner."""
    outcomes = [{"at": "/Code", "equals": "0", "then": "accepted"}]
    operation = {"operation": "SubmitDossier", "reference": "/ReceiptId", "outcomes": outcomes}
    return {
        "wsdl": str(SOAP_WSDL), "address": url, "connections": CONCURRENCY, "operations": {f"{SOAP_SCHEMA}@1": operation},
    }  # fmt: skip


def _home(folder: Path, connector: str, settings: str, routes: dict[str, str], *catalogs: Path) -> Path:
    text = _CONFIG.format(
        catalog=", ".join(f'"{one}"' for one in (*catalogs, ROOT)),
        endpoint=ENDPOINT, connector=connector, settings=settings, concurrency=CONCURRENCY,
        becomes=", ".join(f"{take}@1" for take in routes),
    )  # fmt: skip
    text += "".join(_ROUTE.format(take=take, endpoint=ENDPOINT, as_=as_) for take, as_ in routes.items())
    table = folder / "mappings" / "tables" / "npsp-procedures" / "1.20261101.0.yaml"
    table.parent.mkdir(parents=True)
    table.write_text(_TABLE + "".join(f'  - ["{code}", "name", "G01-XX01", "field"]\n' for code in _procedures()))
    (folder / "config.yaml").write_text(text, encoding="utf-8")
    return folder


def _procedures() -> list[str]:
    """National codes of all services that the shipped table knows."""
    document = strictyaml.load(ROOT / "mappings" / "tables" / "opencps-services" / "1.0.0.yaml")
    return sorted({str(document.text("rows", index, 1)) for index in range(len(document.data["rows"]))})


def connector_paths(folder: Path) -> Path:
    """A folder that, on PYTHONPATH, makes the bench's connector an installed one (its entry point, and nothing else)."""
    info = folder / "dossier_hub_bench-0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: dossier-hub-bench\nVersion: 0\n")
    (info / "entry_points.txt").write_text("[hub.connectors]\nbench-one-call = benchmarks.one_call:OneCall\n")
    return folder
