"""Builds the demo's own hub home: a copy of the home it is played from, on free ports and with shorter waits."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from connectors.demo import business, filings, local_system, ministry
from connectors.demo.envelopes import SENDER as SHOP
from connectors.demo.event_topic import ENDPOINT as ENDPOINT_OF_EVENTS
from connectors.demo.population import ENDPOINT, VERIFY
from connectors.demo.portal_unit import MADONVI
from connectors.demo.portal_unit import SENDER as UNIT
from connectors.demo.processes import DemoFailed
from connectors.demo.records_office import SENDER as RECORDS_OFFICE
from connectors.demo.script import SCHEMA
from connectors.demo.soap_shop import PATH

SIMULATOR_YAML = """\
# The portal of the demo, beside the simulator's defaults:
# fields that the portal asks for since 2022 and that an OpenCPS record does not know (paid online, identified by VNeID,
# scanned papers …) may be empty. The hub sends them empty rather than made up, so a portal that insists on them would
# refuse every dossier of this source.
later_fields: optional
# TraCuuHoSo answers with the whole object, so that the hub can tell whether an update in doubt took effect. A portal that
# gives the code alone leaves updates in doubt; the route then sends the same state once more.
search_result: full
"""
SENDERS = ("one-stop", SHOP, RECORDS_OFFICE, UNIT)
"""Who tells the portal of dossiers of its own."""
_ANSWER = {"ReceiptId": "arrival", "State": "state", "CorrelationId": "correlation_id", "Repeated": "repeated"}
_OPERATIONS = {
    "SubmitDossier": {"answer": _ANSWER},
    "ReportProgress": {"answer": _ANSWER},
    "QueryReceipt": {"receipt_of": "/RequestId", "answer": _ANSWER},
}
_SCHEMA = "one-stop-soap@1"
DOOR_SECONDS = 5
"""How long a call at the door waits for the portal; the usual 20 s are long in a demo of less than a minute."""
_FOLDERS = ("schemas", "mappings")
_CONFIG = "config.yaml"
REPOSITORY = Path(__file__).resolve().parents[2]


def source_home() -> Path:
    """The home the demo is played from: HUB_HOME, else this folder, else the repository or the copy in the package."""
    import hub

    packaged = Path(hub.__file__).parent / "home"
    candidates = [Path(os.environ["HUB_HOME"])] if os.environ.get("HUB_HOME") else [Path.cwd(), REPOSITORY, packaged]
    for folder in candidates:
        if (folder / _CONFIG).is_file() and all((folder / name).is_dir() for name in _FOLDERS):
            return folder
    places = ", ".join(map(str, candidates))
    raise DemoFailed(f"no hub home (config.yaml, schemas/, mappings/) in {places}; set HUB_HOME, or go to one")


def build(source: Path, folder: Path, standing_faults: Sequence[Mapping[str, Any]], stream: Mapping[str, Any] | None) -> Path:
    """``folder/home`` with schemas, mappings and a configuration, ``folder/portal.yaml`` beside it; returns the home.

    Fetched tables are left out: the demo fetches its own. ``standing_faults`` are what the portal refuses in any case;
    ``stream`` is the endpoint for the hub's own events, if there is one.
    """
    home = folder / "home"
    home.mkdir(parents=True)
    (folder / RECORDS_OFFICE).mkdir()
    for name in _FOLDERS:
        unlike_a_home = shutil.ignore_patterns("npsp-procedures", "*.lock")  # `hub init` makes none either
        shutil.copytree(source / name, home / name, ignore=unlike_a_home)
    config = adapted(yaml.safe_load((source / _CONFIG).read_text(encoding="utf-8")))
    write_config(home, with_events(config, stream))
    faults = yaml.safe_dump({"faults": [dict(one) for one in standing_faults]}, allow_unicode=True, sort_keys=False)
    (folder / "portal.yaml").write_text(SIMULATOR_YAML + faults, encoding="utf-8")
    return home


def adapted(config: dict[str, Any]) -> dict[str, Any]:
    """The configuration for a demo that lasts less than a minute: free port, own store and log, short waits.

    Routes, sources and everything else stay what they are in the home, but for what ``enlarged`` adds.
    """
    config["store"] = {"url": "sqlite:///var/hub.db"}
    config["server"] = {"host": "127.0.0.1", "port": 0}
    config["log"] = {"file": "var/hub.log"}
    portals = [one for one in config["endpoints"].values() if one["connector"] == "national-portal"]
    if not portals:
        raise DemoFailed("config.yaml has no endpoint of the national portal, so there is nothing to show")
    for portal in portals:
        portal["settings"] |= {
            "adapter_url": "${env:PORTAL_URL}",
            "username": "${env:PORTAL_USERNAME}",
            "password": "${env:PORTAL_PASSWORD}",
            "connect_timeout": 1,
            "read_timeout": 2,
        }
        portal["concurrency"] = 16
        portal["retry"] = {"first_seconds": 0.2, "longest_seconds": 2}
        portal["breaker"] = {"failures": 5, "open_seconds": 1, "longest_seconds": 2}
    return with_files(with_partners(with_door(enlarged(config))))


def enlarged(config: dict[str, Any]) -> dict[str, Any]:
    """The configuration with the door of the older one-stop shop, and with the population registry, by which the applicant
    is verified before a dossier goes to the portal."""
    others = [one for one in config["sources"] if one["schema"] != _SCHEMA]
    config["sources"] = [*others, {"schema": _SCHEMA, "becomes": ["dossier@1", "dossier-progress@1"]}]
    config["soap"] = {"one-stop": {"path": PATH, "schema": _SCHEMA, "operations": _OPERATIONS}}
    for route in config["routes"].values():
        if route["take"] == "dossier@1" and config["endpoints"][route["to"]]["connector"] == "national-portal":
            route["verify"] = VERIFY
    config["endpoints"]["population"] = ENDPOINT
    return config


def with_door(config: dict[str, Any]) -> dict[str, Any]:
    """The configuration with the door that speaks as the portal, and the account there of a unit that knows no other."""
    config["sources"] += [
        {"schema": "portal-dossier@1", "becomes": ["dossier@1"]},
        {"schema": "portal-progress@1", "becomes": ["dossier-progress@1"]},
    ]
    portal = next(one for one in config["endpoints"].values() if one["connector"] == "national-portal")
    account = {"sender": UNIT, "madonvi": [MADONVI]}
    portal["settings"]["door"] = {"accounts": {UNIT: account}, "answer": "delivered", "wait": DOOR_SECONDS}
    return config


def with_partners(config: dict[str, Any]) -> dict[str, Any]:
    """The configuration with the registry of enterprises, a ministry, and a local system to which the ministry's and the
    portal's citizens' dossiers go down; each route of the portal hears only those who have something to tell it."""
    endpoints, routes = config["endpoints"], config["routes"]
    portal = next(name for name, one in endpoints.items() if one["connector"] == "national-portal")
    for route in routes.values():
        route["from"] = [*SENDERS, local_system.SENDER] if route["take"] == "dossier-progress@1" else list(SENDERS)
        if "verify" in route:
            route["verify"] = [route["verify"], business.VERIFY]
    endpoints[portal]["settings"]["inbound"] = filings.INBOUND
    endpoints |= {"business": business.ENDPOINT, "ministry": ministry.ENDPOINT, "local": local_system.ENDPOINT}
    routes |= {**ministry.ROUTES, **local_system.routes(portal)}
    config["sources"] += [*ministry.SOURCES, *filings.SOURCES]
    config["owners"] = {filings.UNIT: local_system.SENDER}
    config["files"] = local_system.FILES
    return config


def with_files(config: dict[str, Any]) -> dict[str, Any]:
    """The configuration with the folder, beside the home, in which the records office leaves its files."""
    read = {
        "folder": f"../{RECORDS_OFFICE}",
        "pattern": "records-*.jsonl",
        "sender": RECORDS_OFFICE,
        "schema": SCHEMA,
        "format": "jsonl",
        "settle": 0.3,
        "poll": 0.2,
    }
    config["endpoints"][RECORDS_OFFICE] = {"connector": "files", "settings": {"read": read}}
    return config


def with_events(config: dict[str, Any], stream: Mapping[str, Any] | None) -> dict[str, Any]:
    """The configuration with the endpoint ``stream`` for the hub's own events, or without a stream: that of the home is for
    others."""
    config.pop("events", None)
    if stream is not None:
        config["endpoints"][ENDPOINT_OF_EVENTS] = dict(stream)
        config["events"] = {"to": ENDPOINT_OF_EVENTS}
    return config


def write_config(home: Path, config: dict[str, Any]) -> None:
    """Write ``config.yaml`` of the demo's home."""
    text = yaml.safe_dump(config, allow_unicode=True, sort_keys=False)
    (home / _CONFIG).write_text(f"# Made for one demo from the config.yaml of the home.\n{text}", encoding="utf-8")


def free_port() -> socket.socket:
    """A port that nothing else takes while this socket is open; who asks for it by its number may listen there."""
    held = socket.socket()
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held.bind(("127.0.0.1", 0))
    return held


def keep_port(home: Path, port: int) -> None:
    """The hub of this home takes this port, so that its senders find it again after a restart, and its links lead to it."""
    config = yaml.safe_load((home / _CONFIG).read_text(encoding="utf-8"))
    config["server"]["port"] = port
    write_config(home, config)


def add_row(home: Path, table: str, row: list[str]) -> Path:
    """Mend a code table: a new minor version beside the released one, with one row more; returns the new file.

    A released version never changes; what uses ``<table>@1`` takes the newest 1.x.y.
    """
    folder = home / "mappings" / "tables" / table
    newest = max(folder.glob("*.yaml"), key=lambda path: [int(part) for part in path.stem.split(".")])
    major, minor, _ = newest.stem.split(".")
    version = f"{major}.{int(minor) + 1}.0"
    content = yaml.load(newest.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)  # every scalar stays text
    content |= {"version": version, "rows": [*content["rows"], row]}
    path = folder / f"{version}.yaml"
    path.write_text(yaml.safe_dump(content, allow_unicode=True, sort_keys=False), encoding="utf-8")
    return path
