"""What an integrator does before anything is sent: a new home, explain, connectors, schemas, names to complete."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import stat
import subprocess
from pathlib import Path

import pytest

from cli.parts import CANARY, HUB, Home, Run, process, record, until

_TERMINAL = {**os.environ, "TERM": "xterm"}
ROOT = Path(__file__).resolve().parents[2]


def test_a_new_home_runs_and_keeps_its_secret(tmp_path: Path, hub: Run) -> None:
    """`hub check` passes at once; the secret is read by its owner alone and is not for git; the next commands are told."""
    made = tmp_path / "made"
    told = hub("init", str(made)).stdout
    assert hub("--home", str(made), "check").stdout.splitlines()[-1].startswith("ok: ")
    secret = made / "secrets" / "portal-password"
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    assert stat.S_IMODE(secret.parent.stat().st_mode) == 0o700
    assert {"var/", "secrets/"} <= set((made / ".gitignore").read_text().splitlines())
    assert "${file:secrets/portal-password}" in (made / "config.yaml").read_text()
    quickstart = (ROOT / "docs" / "quickstart.md").read_text(encoding="utf-8")
    steps = [line.strip() for line in told.partition("Next:")[2].splitlines() if line.strip()]
    assert steps[0] == f"cd {made}" and len(steps) == 5
    assert [step for step in steps[1:] if step not in quickstart] == []


def test_the_files_of_a_new_home_come_before_those_of_the_hub(tmp_path: Path, hub: Run) -> None:
    """A table of the home is taken in place of the packaged one of the same name; the rest still comes with the hub."""
    made = tmp_path / "made"
    hub("init", str(made))
    own = made / "mappings" / "tables" / "opencps-states" / "1.0.0.yaml"
    hub("--home", str(made), "catalog", "export", "opencps-states@1", "--out", str(own))
    own.write_text(own.read_text(encoding="utf-8") + "  - [processing, signing, processing]\n", encoding="utf-8")
    counts = {home: hub("--home", home, "catalog", "list", "--json").json["tables"] for home in (str(made), str(ROOT))}
    rows = [next(one["rows"] for one in tables if one["table"] == "opencps-states@1.0.0") for tables in counts.values()]
    assert rows[0] == rows[1] + 1
    assert "signing" in hub("--home", str(made), "catalog", "export", "opencps-states@1").stdout


def test_the_hint_of_a_missing_row_works_as_it_is_typed(tmp_path: Path, hub: Run) -> None:
    """The table that came with the hub goes home as its next version; with the row added, the message is translated."""
    made = tmp_path / "made"
    hub("init", str(made))
    message = json.loads((made / "first.json").read_text(encoding="utf-8")) | {"dossierStatus": "signing"}
    (made / "first.json").write_text(json.dumps(message), encoding="utf-8")
    explain = ("--home", str(made), "explain", str(made / "first.json"), "--schema", "opencps-dossier@1")
    said = hub(*explain, code=1).stdout
    assert "not_in_table" in said and str(ROOT) not in said
    found = re.search(r"`hub (catalog export \S+ --out) (mappings/tables/opencps-states/1\.1\.0\.yaml)`", said)
    assert found is not None, said
    own = made / found[2]
    hub("--home", str(made), *found[1].split(), str(own))
    own.write_text(own.read_text(encoding="utf-8") + "  - [signing, '', processing]\n", encoding="utf-8")
    assert "not_in_table" not in hub(*explain, code=1).stdout  # the portal's table is still to be fetched
    assert "opencps-states@1.1.0" in hub("--home", str(made), "catalog", "list").stdout


def test_a_folder_with_anything_in_it_is_left_alone(tmp_path: Path, hub: Run) -> None:
    """`hub init` refuses it, and a file; an empty folder is taken."""
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").write_text("mine")
    assert "not empty" in hub("init", str(tmp_path / "full"), code=1).stderr
    assert "not empty" in hub("init", str(tmp_path / "full" / "mine"), code=1).stderr
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["mine"]
    (tmp_path / "empty").mkdir()
    assert hub("init", str(tmp_path / "empty"), "--json").json["next"]


def _explain(home: Home, hub: Run, *more: str, code: int = 0, **changed: str) -> tuple[dict[str, object], str]:
    file = home.write("message.json", json.dumps(record() | changed))
    arguments = ("explain", str(file), "--schema", "record@1", *more)
    return hub(*arguments, "--json", code=code).json, hub(*arguments, code=code).stdout


def test_explain_shows_routes_mappings_and_nothing_personal(home: Home, hub: Run) -> None:
    """Names, canonical message, each route taken or not and why, the mappings on the way; and the store is not touched."""
    home.configure(more="  open-only: { take: item@1, when: { equals: { state: closed } }, to: portal, as: portal-item@1 }\n")
    told, said = _explain(home, hub)
    assert told["names"] == [{"system": "national", "code": "000.00.10.H22-261121-0001"}]
    (message,) = told["messages"]  # type: ignore[misc]
    assert (message["schema"], message["mappings"]) == ("item@1.0.0", ["record-to-item@1.0.0"])
    taken, left = message["routes"]
    assert (taken["route"], taken["taken"], taken["why"]) == ("items-to-portal", True, "takes every item@1")
    assert (taken["endpoint"], taken["as"], taken["mappings"]) == ("portal", "portal-item@1.0.0", ["item-to-portal@1.0.0"])
    assert len(taken["digest"]) == 64 and taken["problems"] == []
    assert (left["route"], left["taken"], left["why"]) == ("open-only", False, "not so: state = closed")
    assert "items-to-portal: taken" in said and "open-only: not taken (not so: state = closed)" in said
    assert not (home.folder / "var" / "hub.db").exists()


def test_explain_shows_bodies_only_when_asked(home: Home) -> None:
    """--show-bodies prints the messages as the partner would get them; without it no person's name is shown."""
    file = home.write("message.json", json.dumps(record()))
    command = [*HUB, "--home", str(home.folder), "explain", str(file), "--schema", "record@1"]
    plain = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    shown = subprocess.run([*command, "--show-bodies", "--json"], capture_output=True, text=True, timeout=60, check=True)
    assert CANARY not in plain.stdout + plain.stderr + shown.stderr
    (message,) = json.loads(shown.stdout)["messages"]
    assert message["body"]["name"] == CANARY == message["routes"][0]["body"]["Ten"]


def test_explain_names_what_would_be_kept_refused_or_dead(home: Home, hub: Run) -> None:
    """A missing row with file and line, a field that does not fit, a partner's form that cannot be made: exit code 1 each."""
    told, said = _explain(home, hub, state="B", code=1)
    assert told["kept"][0]["code"] == "not_in_table" and told["messages"] == []  # type: ignore[index]
    assert "mappings/record-to-item/1.0.0.yaml:" in said and "add a row" in said
    file = home.write("wrong.json", json.dumps({"code": "x", "state": 5}))
    problems = hub("explain", str(file), "--schema", "record@1", "--json", code=1).json["error"]["problems"]
    assert {one["at"] for one in problems} == {"/state", "/name"}
    mapping = home.folder / "mappings" / "item-to-portal" / "1.0.0.yaml"
    mapping.write_text(mapping.read_text().replace("MaHoSo: { get: code }", "MaHoSo: { get: code, apply: [to_integer] }"))
    text = mapping.read_text().partition("tests:")[0] + "tests:\n  - { name: none, given: { code: c, state: open, name: n }, "
    mapping.write_text(text + "error: { at: MaHoSo, code: bad_value } }\n")
    told, said = _explain(home, hub, code=1)
    (message,) = told["messages"]  # type: ignore[misc]
    assert message["routes"][0]["problems"][0]["code"] == "bad_value"
    assert "dead letter" in said and "mappings/item-to-portal/1.0.0.yaml:" in said


def test_connectors_are_described_from_their_code(hub: Run) -> None:
    """What is installed, what it can do, each setting with type and default; an unknown name is exit code 3."""
    (one,) = [one for one in hub("connectors", "--json").json["connectors"] if one["connector"] == "national-portal"]
    assert one["can"] == ["sender", "finder", "holder", "listener", "tables"] and one["tables"] == ["npsp-procedures@1"]
    settings = {one["name"]: one for one in hub("connectors", "national-portal", "--json").json["settings"]}
    assert settings["password"]["type"] == "secret" and settings["password"]["required"]
    assert settings["chunk"]["type"] == "integer ≥ 1, ≤ 10" and settings["chunk"]["default"] == "10"
    assert all(one["description"] for one in settings.values())
    assert "dstcode_in" in hub("connectors", "national-portal").stdout
    hub("connectors", "nosuch", code=3)


def test_schemas_are_listed_shown_and_exported(home: Home, hub: Run) -> None:
    """Role, full state, names of the dossier, fields with type; the file as it is; an unknown one is exit code 3."""
    listed = {one["schema"]: one for one in hub("schema", "list", "--json").json["schemas"]}
    assert listed["record@1.0.0"]["role"] == "source" and listed["record@1.0.0"]["full_state"] is True
    assert "dossier-progress@1.0.0" in listed
    shown = hub("schema", "show", "item@1", "--json").json
    assert shown["subject"] == [{"system": "national", "pointer": "/code"}]
    assert {"path": "code", "type": "string", "required": True, "description": ""} in shown["fields"]
    paths = [one["path"] for one in hub("schema", "show", "dossier@1", "--json").json["fields"]]
    assert "procedure.code" in paths and any(path.startswith("documents[].") for path in paths)
    assert json.loads(hub("schema", "export", "item@1").stdout)["$id"] == "urn:dossier-hub:item:1.0.0"
    out = home.folder / "out.json"
    hub("schema", "export", "item@1.0.0", "--out", str(out))
    assert out.read_bytes() == (home.folder / "schemas" / "item" / "1.0.0.json").read_bytes()
    hub("schema", "export", "item@1", "--out", str(out), code=2)
    for command in ("schema show", "schema export", "catalog export"):
        assert hub(*command.split(), "nosuch@1", "--json", code=3).json["error"]["kind"] == "NotFound"


def test_names_complete(home: Home) -> None:
    """After the shell's completion is installed, Tab gives commands, endpoints, routes and schemas of this home."""

    def complete(words: str) -> set[str]:
        environment = {"_HUB_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
        ran = subprocess.run(
            HUB, capture_output=True, text=True, timeout=60, check=False, env={"HUB_HOME": str(home.folder), **environment}
        )
        return set(ran.stdout.split())

    assert {"explain", "endpoint"} <= complete("hub e")
    assert complete("hub endpoint pause p") == {"portal"}
    assert complete("hub backfill i") == {"items-to-portal"}
    assert complete("hub schema show rec") == {"record@1.0.0"}
    assert complete("hub connectors nat") == {"national-portal"}
    home.write("config.yaml", "nonsense: [")
    assert complete("hub endpoint pause p") == set()


@pytest.mark.parametrize(
    ("old", "new", "code", "at"),
    [
        ('"${file:portal-password}"', "simulated", "literal_secret", "endpoints.portal.settings.password"),
        ("{ port: 0 }", "{ port: 0, host: 0.0.0.0 }", "plain_http", "server.host"),
        ("items-to-portal: { take: item@1, to: portal, as: portal-item@1 }", "", "nothing_configured", "routes"),
    ],
)
def test_check_warns_of_what_runs_but_should_not_stay(home: Home, hub: Run, old: str, new: str, code: str, at: str) -> None:
    """A secret in the file, plain HTTP to other machines, no routes: warnings with the line, and exit code 0."""
    config = home.folder / "config.yaml"
    text = config.read_text(encoding="utf-8")
    assert old in text
    config.write_text(text.replace(old, new).replace("routes:\n  \n", "routes: {}\n"), encoding="utf-8")
    warnings = {one["code"]: one for one in hub("check", "--json").json["warnings"]}
    assert warnings[code]["at"] == at and "simulated" not in str(warnings)
    if code != "nothing_configured":
        assert "config.yaml:" in warnings[code]["source"]


def test_a_secret_by_reference_and_a_door_on_loopback_are_fine(hub: Run) -> None:
    """Neither is warned of."""
    assert {one["code"] for one in hub("check", "--json").json["warnings"]} <= {"table_not_fetched"}


def test_a_name_that_is_not_there_is_exit_code_3_everywhere(hub: Run) -> None:
    """Simulators, demonstrations, endpoints, routes, connectors: the answer says which there are."""
    for command in ("simulate nosuch", "demo nosuch", "endpoint check nosuch", "backfill nosuch", "connectors nosuch"):
        said = hub(*command.split(), code=3).stderr
        assert "there is" in said or "are:" in said


def test_a_store_that_cannot_be_used_is_named_with_what_to_do(home: Home, hub: Run) -> None:
    """The file, and the remedy for its reason."""
    home.write("var/hub.db", "this is no database " * 100)
    said = hub("dead", "list", code=4).stderr
    assert str(home.folder / "var" / "hub.db") in said and "bring back a backup" in said


def test_long_work_shows_a_bar_on_a_terminal_only(home: Home) -> None:
    """A bar on stderr where that is a terminal; a pipe, and stdout, hold the result alone."""
    command = [*HUB, "--home", str(home.folder), "backfill", "items-to-portal", "--dry-run"]
    piped = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert piped.stderr == "" and piped.stdout.count("\n") == 1
    ours, theirs = pty.openpty()
    try:
        shown = subprocess.run(command, stdout=subprocess.PIPE, stderr=theirs, timeout=60, check=True, env=_TERMINAL)
        assert shown.stdout.decode() == piped.stdout
        assert "looking at messages" in os.read(ours, 10_000).decode()
    finally:
        os.close(ours)
        os.close(theirs)


def test_a_reload_says_which_settings_need_a_restart(home: Home, hub: Run) -> None:
    """Routes are taken at once; a changed port and endpoint are named in the log, without their values."""
    log = home.folder / "var" / "hub.log"
    with process(home.folder, "run") as (running, _):
        config = home.folder / "config.yaml"
        text = config.read_text(encoding="utf-8").replace("port: 0", "port: 0, max_depth: 32")
        config.write_text(text.replace("${file:portal-password}", "canary-secret"), encoding="utf-8")
        running.send_signal(signal.SIGHUP)
        lines = until(lambda: [line for line in log.read_text().splitlines() if "restart_needed" in line])
    assert json.loads(lines[0])["at"] == ["server.max_depth", "endpoints.portal"]
    assert "canary-secret" not in log.read_text()
