"""The shell on look-ups: what hub check finds, what explain shows, who may be given the right, and the operator's list."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cli.parts import HUB, until
from flow.parts import make_home
from typer.testing import CliRunner

from hub.cli.main import app
from lookup.parts import CANARIES, LOOKUP, NAME, NUMBER, POPULATION, QUESTION, VERIFY, config
from lookup.test_verify import record

TESTS = Path(__file__).parents[1]
Run = Callable[..., Any]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return make_home(tmp_path / "home", config())


@pytest.fixture
def hub(home: Path) -> Run:
    """``hub("check", code=1)``: the command's answer as JSON where it says --json, else its text."""

    def run(*arguments: str, code: int = 0) -> Any:
        ran = CliRunner(env={"HUB_HOME": str(home)}).invoke(app, list(arguments))
        assert ran.exit_code == code, f"exit code {ran.exit_code}\n{ran.stdout}\n{ran.stderr}"
        assert NAME not in ran.output and NUMBER not in ran.output
        return json.loads(ran.stdout) if "--json" in arguments and code != 2 else ran.stdout

    return run


def test_a_home_with_look_ups_fits_together(hub: Run) -> None:
    assert hub("check", "--json")["errors"] == []


AT_ENDPOINT, AT_ROUTE = "endpoints.population.lookup", "routes.dossiers-to-portal.verify"


def changed(old: str, new: str, part: str = "population") -> str:
    """The configuration with one thing wrong in it."""
    whole = {"population": POPULATION, "verify": VERIFY}[part]
    assert old in whole
    return config(**{part: whole.replace(old, new)})


@pytest.mark.parametrize(
    ("text", "at", "code"),
    [
        (changed("connector: people\n", "connector: people-who-say-no-more\n"), AT_ENDPOINT, "not_a_responder"),
        (changed("connector: people\n", "connector: people-who-say-no-more\n"), AT_ROUTE, "not_a_responder"),
        (changed("citizen-query@1", "no-such@1"), AT_ENDPOINT, "unknown_schema"),
        (changed("citizen-query@1", "dossier@1"), AT_ENDPOINT, "not_a_question"),
        (changed("give: citizen@1", "give: c06-citizen@1"), AT_ENDPOINT, "not_canonical"),
        (changed("give: citizen@1", "give: dossier@1"), AT_ENDPOINT, "no_mapping"),
        (changed(f"    {LOOKUP}\n", ""), AT_ROUTE, "no_lookup"),
        (changed("with: population", "with: portal", "verify"), AT_ROUTE, "not_a_responder"),
        (changed("with: population", "with: no-such", "verify"), AT_ROUTE, "unknown_endpoint"),
        (changed("citizen-query@1", "no-such@1", "verify"), AT_ROUTE, "unknown_schema"),
        (changed("citizen-query@1", "dossier@1", "verify"), AT_ROUTE, "not_a_question"),
        (changed('database_code: "7",', "", "verify"), f"{AT_ROUTE}.0.database_code", "missing"),
        (config().replace("as: npsp-progress@1,", f"as: npsp-progress@1, {VERIFY},"),
         "routes.progress-to-portal.verify", "no_mapping"),
    ],
)  # fmt: skip
def test_check_finds_what_cannot_work(home: Path, hub: Run, text: str, at: str, code: str) -> None:
    """Each with its place, file and line, and what to write instead."""
    (home / "config.yaml").write_text(text, encoding="utf-8")
    found = [one for one in hub("check", "--json", code=1)["errors"] if (one["at"], one["code"]) == (at, code)]
    assert found and found[0]["source"].startswith("config.yaml:"), hub("check", "--json", code=1)["errors"]


def test_explain_shows_the_verify_step(home: Path, hub: Run) -> None:
    """Who would be asked, by which mapping, and what a misfit would come to; nobody is asked."""
    message = home / "message.json"
    message.write_text(json.dumps(record()), encoding="utf-8")
    arguments = ("explain", str(message), "--schema", "opencps-dossier@1")
    (route,) = [one for one in hub(*arguments, "--json")["messages"][0]["routes"] if one["route"] == "dossiers-to-portal"]
    (step,) = route["verify"]
    assert (step["with"], step["applies"]) == ("population", True)
    assert step["mappings"] == ["dossier-to-citizen-query@1.0.0"]
    assert "looked up at population before the first attempt; if it does not fit, it would be a dead letter" in hub(*arguments)
    message.write_text(json.dumps(record(applicantIdType="business")), encoding="utf-8")
    assert "population would not be asked" in hub(*arguments)
    message.write_text(json.dumps(record(applicantIdNo="")), encoding="utf-8")
    assert "number: the source has no value for it [missing]" in hub(*arguments)


def test_who_is_given_the_right(hub: Run) -> None:
    """By the question's schema, to a sender or an operator; an operator gets no other."""
    assert hub("key", "new", "desk", "--schema", "citizen-query", "--json")["schemas"] == ["citizen-query"]
    made = hub("key", "new", "hoa", "--operator", "--schema", "citizen-query", "--json")
    assert (made["role"], made["schemas"]) == ("operator", ["citizen-query"])
    assert "opens the overview, may ask citizen-query" in hub("key", "list")
    for schema in ("opencps-dossier", "*"):
        hub("key", "new", "lan", "--operator", "--schema", schema, code=2)


def test_nobody_has_asked_yet(hub: Run) -> None:
    assert "nothing on record" in hub("lookups")
    assert hub("lookups", "--json") == {"lookups": []}


def test_connectors_say_that_they_answer(hub: Run) -> None:
    (people,) = [one for one in hub("connectors", "--json")["connectors"] if one["connector"] == "people"]
    assert people["can"] == ["confirmer", "responder"]


def test_look_ups_are_listed_and_a_killed_hub_leaves_who_asked(home: Path, hub: Run, site: Path, tmp_path: Path) -> None:
    """A hub as a process: one question answered, one under way when it is killed. Both stand in the list; no person does."""
    environment = {
        **os.environ, "HUB_HOME": str(home), "PYTHONPATH": f"{site}:{TESTS}", "PEOPLE_HANG_ON": "001090990009",
    }  # fmt: skip
    key = subprocess.run(
        [*HUB, "key", "new", "desk", "--schema", "citizen-query"], env=environment, capture_output=True, text=True, check=True
    ).stdout.strip()
    process = subprocess.Popen([*HUB, "run"], env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout is not None
    try:
        url = process.stdout.readline().removeprefix("listening on ").strip()

        def ask(officer: str, number: str) -> Any:
            body = {"officer": officer, "purpose": "p", "procedure": "1.001193", "query": {**QUESTION, "number": number}}
            headers = {"Content-Type": "application/json", "X-API-Key": key}
            request = urllib.request.Request(f"{url}/v1/lookups/population", json.dumps(body).encode(), headers)
            with urllib.request.urlopen(request) as answer:
                return json.loads(answer.read())

        def ask_in_vain() -> None:
            with pytest.raises((urllib.error.URLError, ConnectionError)):
                ask("cb-0002", "001090990009")

        assert ask("cb-0001", NUMBER)["outcome"] == "found"
        asking = threading.Thread(target=ask_in_vain)
        asking.start()
        until(lambda: len(hub("lookups", "--json")["lookups"]) == 2)
        process.send_signal(signal.SIGKILL)
        asking.join(10)
    finally:
        process.kill()
        process.wait(10)
        process.stdout.close()
    rows = hub("lookups", "--json")["lookups"]
    assert [(one["officer"], one["outcome"]) for one in rows] == [("cb-0002", "asked"), ("cb-0001", "found")]
    assert [one["officer"] for one in hub("lookups", "--officer", "cb-0001", "--json")["lookups"]] == ["cb-0001"]
    assert hub("lookups", "--endpoint", "portal", "--json")["lookups"] == []
    assert hub("lookups", "--since", "2199-01-01", "--json")["lookups"] == []
    shown = hub("lookups")
    assert "cb-0002" in shown and "look-up" in shown and not any(value in shown for value in CANARIES)
