"""A hub that has seen everything an operator is alerted of, and the metrics it then shows."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from cli.parts import process, until
from prometheus_client.parser import text_string_to_metric_families
from typer.testing import CliRunner

from hub.cli.main import app

Series = dict[str, list[dict[str, str]]]
"""Name of a series → the label sets it has."""

_SEEN = ('outcome="delivered"', 'state="dead"', 'state="kept"', 'outcome="refused"')
_PAUSED = 'hub_endpoint_paused{endpoint="portal"} 1'
_THEN = ('hub_breaker_open{endpoint="portal"} 1', 'state="pending"')


def metrics_of_a_busy_hub(folder: Path) -> Series:
    """Delivered, dead, kept and refused messages; then a portal that is away, so that some wait and the breaker is open."""
    home = folder / "home"
    _hub(folder, "init", str(home))
    with process(home, "simulate", "national-portal", "--set", "later_fields=optional") as (_, portal):
        config = (home / "config.yaml").read_text(encoding="utf-8")
        config = config.replace("http://127.0.0.1:9100", portal).replace("port: 8080", "port: 0")
        config = config.replace("connector: national-portal", "connector: national-portal\n    breaker: { failures: 1 }")
        (home / "config.yaml").write_text(config, encoding="utf-8")
        _hub(home, "catalog", "refresh")
        key = _hub(home, "key", "new", "one-stop", "--schema", "opencps-dossier").strip()
        with process(home, "run") as (_, url):
            _play(portal, url, key, json.loads((home / "first.json").read_text(encoding="utf-8")))
            _hub(home, "endpoint", "pause", "portal", "--why", "maintenance")
            until(lambda: _PAUSED in _get(f"{url}/metrics"))
            return series(_get(f"{url}/metrics"))


def _play(portal: str, url: str, key: str, record: dict[str, Any]) -> None:
    incomplete = {name: value for name, value in record.items() if name != "viaPostal"}

    def send(number: int, body: dict[str, Any]) -> None:
        names = {"referenceUid": f"sent-{number}", "dossierNo": f"000.00.10.H22-261121-000{number}"}
        _post(f"{url}/v1/messages", body | names, {"Authorization": f"Bearer {key}", "Hub-Schema": "opencps-dossier@1"})

    send(1, record)
    send(2, incomplete)
    send(3, record | {"dossierSubStatus": "unheard-of"})
    send(4, {"serviceCode": 5})
    until(lambda: all(one in _get(f"{url}/metrics") for one in _SEEN))
    _post(f"{portal}/_control/faults", {"fault": "reset_before", "times": None})
    send(5, record)
    until(lambda: all(one in _get(f"{url}/metrics") for one in _THEN))


def series(text: str) -> Series:
    """The series of a text in the Prometheus format; one that has no sample yet has no label set."""
    found: Series = {}
    for family in text_string_to_metric_families(text):
        for suffix in {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}.get(family.type, ("",)):
            found.setdefault(family.name + suffix, [])
        for sample in family.samples:
            found.setdefault(sample.name, []).append(dict(sample.labels))
    return found


def _hub(home: Path, *words: str) -> str:
    ran = CliRunner(env={"HUB_HOME": str(home)}).invoke(app, words)
    assert ran.exit_code == 0, ran.stderr
    return ran.stdout


def _post(url: str, body: dict[str, Any], headers: dict[str, str] | None = None) -> None:
    """A 422 is an answer too: the fourth record is wrong."""
    told = {"Content-Type": "application/json", **(headers or {})}
    request = urllib.request.Request(url, json.dumps(body).encode(), told, method="POST")
    try:
        urllib.request.urlopen(request, timeout=10).close()
    except urllib.error.HTTPError as error:
        with error:
            assert error.code == 422, error.code


def _get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return str(answer.read().decode())
