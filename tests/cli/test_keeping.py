"""``hub backup``, ``hub restore`` and ``hub purge`` as they are typed: what they print, refuse and record."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cli.parts import Home, Run, record
from hub.message import system_clock

CODE = "000.00.10.H22-261121-0001"
DAYS = 86_400 * 1_000_000


@pytest.fixture
def other(home: Home, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Another home without a store."""
    return Home(tmp_path_factory.mktemp("other"))


def test_a_backup_says_what_it_holds_and_is_restored_paused(home: Home, other: Home, hub: Run) -> None:
    """Counts, moment, revision and checksum; the restored home has the same dossier, and sends only when resumed."""
    home.take(record())
    home.settle("delivered")
    file = str(home.folder / "hub.backup")
    told = hub("backup", file, "--json").json
    assert told["rows"]["arrivals"] == 1 and len(told["sha256"]) == 64 and told["moment"].endswith("Z")
    at = str(other.folder)
    assert hub("--home", at, "restore", file, "--json").json["sha256"] == told["sha256"]
    assert hub("--home", at, "trace", CODE, "--json").json["timeline"] == hub("trace", CODE, "--json").json["timeline"]
    (portal,) = hub("--home", at, "endpoint", "list", "--json").json["endpoints"]
    assert portal["paused"]["by"] == "restore"
    told = hub("--home", at, "endpoint", "resume", "portal", "--json").json
    assert told["changed"] and told["after_restore"]["lanes"] == 0
    assert not hub("--home", at, "endpoint", "resume", "portal", "--json").json["changed"]


def test_what_the_partner_cannot_tell_goes_as_its_route_says(home: Home, other: Home, hub: Run) -> None:
    """The words of a restore name the next steps; a state that nobody can ask for is sent again where the route says so."""
    home.take(record())
    file = str(home.folder / "hub.backup")
    hub("backup", file)
    said = hub("--home", str(other.folder), "restore", file).stdout
    assert "hub endpoint resume portal" in said and "send again" in said
    found = hub("--home", str(other.folder), "endpoint", "resume", "portal", "--json").json["after_restore"]
    assert found == {"lanes": 1, "there": 0, "passed": 0, "again": 1, "hold": 0}


def test_backup_and_restore_refuse_what_would_destroy(home: Home, other: Home, hub: Run) -> None:
    """An existing file, an existing store, a missing file, a file that is no backup, a home without a store."""
    home.take(record())
    file = home.folder / "hub.backup"
    hub("backup", str(file))
    assert "not overwritten" in hub("backup", str(file), code=1).stderr
    assert "not overwritten" in hub("restore", str(file), code=1).stderr
    at = str(other.folder)
    hub("--home", at, "restore", str(file) + "-none", code=3)
    hub("--home", at, "restore", str(other.folder / "config.yaml"), code=1)
    hub("--home", at, "backup", str(other.folder / "b"), code=3)
    assert not (other.folder / "var").exists() and not Path(at, "b").exists()


def test_purge_counts_then_erases_and_the_trace_says_so(home: Home, hub: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is final goes, by age; the same record is still recognised."""
    home.take(record(), record("000.00.10.H22-261121-0002"))
    home.settle("delivered")
    assert hub("purge", "--before", "2020-01-01", "--json").json["erased"] == 0
    later = system_clock() + 3 * DAYS
    monkeypatch.setattr("hub.message.system_clock", lambda: later)
    day = (datetime.now(UTC) + timedelta(days=2)).date().isoformat()
    assert "2 arrivals" in hub("purge", "--before", day, "--dry-run").stdout
    assert hub("purge", "--before", day, "--json").json["erased"] == 2
    assert "body: erased at" in hub("trace", CODE).stdout
    assert home.take(record())[0]["messages"][0]["seq"] == 1
    home.configure(more="retention: { bodies_days: 1 }\n")
    assert hub("purge", "--json").json["erased"] == 0


def test_one_dossier_is_erased_only_with_a_reason_and_when_final(home: Home, hub: Run) -> None:
    """A reason is asked for; what still waits is refused; a wrong use changes nothing."""
    home.take(record())
    hub("purge", "--dossier", CODE, code=2)
    hub("purge", code=2)
    hub("purge", "--before", "soon", code=2)
    hub("purge", "--before", "2999-01-01", code=2)
    assert "still waits" in hub("purge", "--dossier", CODE, "--why", "request 12", code=1).stderr
    home.settle("delivered")
    assert hub("purge", "--dossier", CODE, "--why", "request 12", "--json").json["erased"] == 1
    hub("purge", "--dossier", "000.00.10.H22-261121-0009", "--why", "request 12", code=3)
