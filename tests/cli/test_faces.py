"""The shell as a whole: help that teaches, exit codes, errors as sentences, one JSON document."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
import typer

from cli.parts import CANARY, HUB, Home, Run, record
from hub.cli.main import app


def _walk(command: Any, path: tuple[str, ...] = ()) -> list[str]:
    below = getattr(command, "commands", None)
    return [" ".join(path)] if below is None else [one for name in below for one in _walk(below[name], (*path, name))]


COMMANDS = _walk(typer.main.get_command(app))


def test_help_lists_every_command_and_every_exit_code(hub: Run) -> None:
    """`hub --help` names all commands in groups, and what each exit code means."""
    said = hub("--help").stdout
    groups = ("Set up and understand:", "Run and send:", "Watch and repair:")
    assert [one for one in groups if one not in said] == []
    listed = said.partition(groups[0])[2]
    assert len(COMMANDS) > 25
    for command in {one.split()[0] for one in COMMANDS}:
        assert f"  {command} " in listed
    for code in (0, 1, 2, 3, 4, 70, 130):
        assert f"\n    {code} " in said


@pytest.mark.parametrize("command", [one for one in COMMANDS if one != "demo"])
def test_each_command_teaches_by_an_example(hub: Run, command: str) -> None:
    """The help of every command has an example that begins with the command itself, and a --json of its own."""
    said = hub(*command.split(), "--help").stdout
    assert (
        f"hub {command}" in said.partition("Example")[2] or "hub --home" in said.partition("Example")[2] or "hub send" in said
    )
    assert "--json" in said


def test_the_demo_says_what_it_takes(hub: Run) -> None:
    """`hub demo --help` shows the options of the demonstration itself."""
    said = hub("demo", "--help").stdout
    assert "--dossiers" in said and "--keep" in said


def test_wrong_usage_is_exit_code_2(hub: Run) -> None:
    """What typer or a command calls wrong usage ends with 2."""
    for wrong in ("nonsense", "dead replay", "endpoint check", "endpoint check portal --all", "dead replay x --all --kept"):
        assert hub(*wrong.split(), code=2).stderr
    hub("key", "new", "NOT A NAME", "--schema", "record", code=2)
    hub("dead", "discard", "x", code=2)


def test_a_folder_that_is_no_home_is_said(tmp_path: Path, hub: Run) -> None:
    """Without config.yaml the answer says what to do, as JSON too."""
    empty = tmp_path / "empty"
    empty.mkdir()
    said = hub("--home", str(empty), "dead", "list", code=1).stderr
    assert "there is no config.yaml" in said and "--home" in said
    told = hub("--home", str(empty), "dead", "list", "--json", code=1).json
    assert told["error"]["problems"][0]["code"] == "no_home"


def test_a_store_that_cannot_be_used_is_exit_code_4(home: Home, hub: Run) -> None:
    """A database that is none: a sentence with the reason, and code 4."""
    home.write("var/hub.db", "this is no database " * 100)
    assert "corrupt" in hub("dead", "list", code=4).stderr
    assert hub("key", "list", "--json", code=4).json["error"]["kind"] == "StoreUnavailable"


def test_an_unforeseen_error_shows_no_value(home: Home, hub: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error in the hub itself: its type, exit code 70, and nothing of its text."""

    def broken(*_: object) -> None:
        raise RuntimeError(f"it broke at {CANARY}")

    monkeypatch.setattr("hub.store.sql.SqlStore.keys", broken)
    assert "RuntimeError" in hub("key", "list", code=70).stderr
    assert hub("key", "list", "--json", code=70).json["error"]["kind"] == "RuntimeError"


def test_control_characters_of_stored_text_do_not_reach_the_terminal(home: Home, hub: Run) -> None:
    """A reason that a partner wrote cannot steer the terminal."""
    home.take(record())
    home.settle("dead", "refused", "look \x1b[31mhere\x07")
    said = hub("dead", "list").stdout
    assert "look" in said and "\x1b" not in said and "\x07" not in said


def test_the_console_script_is_a_process_of_its_own(home: Home) -> None:
    """`hub` as installed: a home by --home, errors on stderr, the exit code as documented."""
    ran = subprocess.run(
        [*HUB, "--home", str(home.folder), "trace", "unknown"], capture_output=True, text=True, timeout=60, check=False
    )
    assert (ran.returncode, ran.stdout) == (3, "")
    assert ran.stderr.startswith("error: no system calls a dossier by that code")
