"""``hub connector``: the connectors of this tree are verified by it, a bad one is told by name, and new writes a package."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest
from cli.parts import Run

from connectors.population.connector import Population
from connectors.population.specimen import direct
from hub.connector import installed_connectors
from hub.testing import conformance as suite
from hub.testing.conformance import CHECKS, ENOUGH_FAULTS, examine
from hub.testing.specimen import installed_specimens
from hub.testing.wire_faults import FAULTS
from kit.bad_family import Denies
from kit.register import Good, specimen

pytestmark = pytest.mark.timeout(240)
_WITHOUT_HTTP = {"database", "files", "kafka"}


def test_every_connector_of_the_tree_brings_a_specimen() -> None:
    assert installed_specimens() == installed_connectors()


@pytest.mark.parametrize("name", installed_specimens())
def test_verify_passes_for_every_connector(name: str, hub: Run) -> None:
    """Nothing is broken; at least 24 faults struck where it speaks HTTP and sends or asks; each check is in the report.
    Each fault at two calls, at every one in the long form."""
    if os.environ.get("SOAK"):
        report = hub("connector", "verify", name, "--json").json
    else:
        report = asyncio.run(examine(name, everywhere=False)).as_dict()
    assert report["broken"] == [] and [one["check"] for one in report["findings"]] == list(CHECKS)
    struck = [one["fault"] for one in report["faults"] if one["struck"]]
    assert len(struck) >= ENOUGH_FAULTS or name in _WITHOUT_HTTP
    assert all(one["why"] for one in report["findings"] if one["verdict"] == "not told")


def test_the_population_registry_is_as_it_must_be_without_the_lgsp_too() -> None:
    report = asyncio.run(examine("population", kind=Population, specimen=direct(), everywhere=bool(os.environ.get("SOAK"))))
    assert [(one.check, one.why) for one in report.broken] == []


def test_the_report_for_people_names_checks_and_faults(hub: Run) -> None:
    told = hub("connector", "verify", "files", "--faults")
    assert all(check in told.stdout for check in CHECKS) and all(fault.name in told.stdout for fault in FAULTS)
    assert "files: " in told.stdout.splitlines()[-1] and "0 broken" in told.stdout.splitlines()[-1]


def test_a_broken_connector_ends_with_code_1_and_its_checks(hub: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suite, "load_specimen", lambda name: specimen())
    monkeypatch.setattr(suite, "load_connector", lambda name: Denies)
    told = hub("connector", "verify", "files", code=1)
    assert "never_denies_an_effect" in told.stdout and "broken" in told.stdout
    monkeypatch.setattr(suite, "load_connector", lambda name: Good)
    hub("connector", "verify", "files")


def test_an_unknown_name_is_told(hub: Run) -> None:
    assert "national-portal" in hub("connector", "verify", "nobody", code=3).stderr


def test_new_writes_and_overwrites_nothing(hub: Run, tmp_path: Path) -> None:
    told = hub("connector", "new", "land-registry", "--kind", "poll", "--into", str(tmp_path / "made"), "--json").json
    assert "land_registry/connector.py" in told["files"] and (tmp_path / "made" / "README.md").is_file()
    hub("connector", "new", "land-registry", "--into", str(tmp_path / "made"), code=1)
    hub("connector", "new", "national-portal", "--into", str(tmp_path / "other"), code=1)
    assert not (tmp_path / "other").exists()
    hub("connector", "new", "x", "--kind", "ftp", code=2)
