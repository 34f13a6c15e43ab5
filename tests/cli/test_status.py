"""``hub status``: one screen of the exchange; and keys for those who watch it."""

from __future__ import annotations

import json
import signal
import subprocess

from cli.parts import HUB, Home, Run, process, record


def test_a_quiet_hub(home: Home, hub: Run) -> None:
    """Without anything in it: every section says so, and the configured endpoint is there."""
    said = hub("status").stdout
    for words in ("nothing arrived", "portal", "nothing waits", "Dead letters by cause", "none is open"):
        assert words in said


def test_whether_a_hub_runs(home: Home, hub: Run) -> None:
    """The first line says so, by the lock that a running hub holds."""
    assert hub("status").stdout.startswith("no hub runs on this store")
    assert hub("status", "--json").json["running"] is False
    with process(home.folder, "run"):
        assert hub("status").stdout.startswith("a hub runs on this store")
        assert hub("status", "--json").json["running"] is True
    assert hub("status", "--json").json["running"] is False


def test_an_endpoint_that_fails_is_said_to(home: Home, hub: Run) -> None:
    """Its last try is newer than its last delivery: failing, until one is delivered."""
    home.take(record())
    home.settle("again", "reset")
    assert "failing; nothing delivered lately" in hub("status").stdout
    home.take(record("000.00.10.H22-261121-0002"))
    home.settle("delivered")
    assert "failing" not in hub("status").stdout


def test_traffic_backlog_dead_letters_and_errors(home: Home, hub: Run) -> None:
    """What arrived, waits, is dead and is kept, each cause with the command that helps."""
    home.take(record(), record("000.00.10.H22-261121-0002"), record("000.00.10.H22-261121-0003", state="B"))
    home.settle("dead", "-3", "refused")
    home.take(record("000.00.10.H22-261121-0004"))
    said = hub("status").stdout
    assert "3 accepted, 1 kept" in said
    for words in ("items-to-portal", "-3", "2 deliveries to portal", "not_in_table", "1 arrival", "000.00.10.H22-261121-0003"):
        assert words in said, words
    told = hub("status", "--json").json
    assert {(one["kind"], one["code"], one["count"]) for one in told["causes"]} == {
        ("delivery", "-3", 2), ("arrival", "not_in_table", 1),
    }  # fmt: skip
    (portal,) = told["endpoints"]
    assert (portal["waiting"], portal["dead"], portal["recent"]["delivered"]) == (1, 2, 0)
    example = next(one["example"] for one in told["causes"] if one["kind"] == "arrival")
    assert f"hub dead replay {example}" in said


def test_a_paused_endpoint(home: Home, hub: Run) -> None:
    """By whom and why."""
    hub("endpoint", "pause", "portal", "--why", "maintenance")
    assert "maintenance" in hub("status").stdout


def test_watching_shows_what_changes_until_it_is_interrupted(home: Home) -> None:
    """With --json one document a line; what another process writes is in the next one; Ctrl-C ends it."""
    watching = subprocess.Popen(
        [*HUB, "--home", str(home.folder), "status", "--watch", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert watching.stdout is not None
    try:
        assert json.loads(watching.stdout.readline())["traffic"]["arrivals"] == {}
        home.take(record())
        seen = next(found for line in watching.stdout if (found := json.loads(line))["traffic"]["arrivals"])
        assert seen["traffic"]["arrivals"] == {"accepted": 1}
        watching.send_signal(signal.SIGINT)
        rest = watching.communicate(timeout=20)
        assert watching.returncode == 130 and "Traceback" not in rest[1]
    finally:
        watching.kill()
        watching.communicate()


def test_a_key_for_an_operator(home: Home, hub: Run) -> None:
    """It is listed as such, carries no schema, and cannot be given one."""
    made = hub("key", "new", "lan", "--operator", "--json", shows_key=True).json
    assert (made["role"], made["schemas"]) == ("operator", [])
    assert "opens the overview" in hub("key", "list").stdout
    assert [one["role"] for one in hub("key", "list", "--json").json["keys"]] == ["operator"]
    hub("key", "new", "lan", "--operator", "--schema", "record", code=2)
    hub("key", "new", "lan", code=2)
