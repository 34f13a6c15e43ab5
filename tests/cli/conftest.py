"""The shell on a small home of its own: every output is searched for what must never be shown."""

from __future__ import annotations

import re
from pathlib import Path

import known_commands
import pytest
from typer.testing import CliRunner

from cli.parts import CANARY, Home, Ran, Run
from hub.cli.main import app

known_commands.install()
_KEY = re.compile(r"hub_[A-Za-z0-9_-]{43}")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


@pytest.fixture
def hub(home: Home) -> Run:
    """``hub("dead", "list", code=0)`` runs the command on the home and sees that it ends with that exit code."""

    def run(*arguments: str, code: int = 0, input: str | None = None, shows_key: bool = False, **env: str) -> Ran:
        runner = CliRunner(env={"HUB_HOME": str(home.folder), "HUB_KEY": None, "HUB_URL": None, **env})
        result = runner.invoke(app, list(arguments), input=input)
        ran = Ran(result.exit_code, result.stdout, result.stderr)
        assert ran.code == code, f"exit code {ran.code}\n{ran.stdout}\n{ran.stderr}"
        for said in (ran.stdout, ran.stderr):
            assert CANARY not in said and "Canary" not in said
            assert "Traceback" not in said
            assert shows_key or not _KEY.search(said)
        if "--json" in arguments and code != 2:
            assert isinstance(ran.json, dict)
        return ran

    return run
