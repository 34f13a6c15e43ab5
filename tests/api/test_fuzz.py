"""schemathesis against a running hub: every operation of /openapi.json, all phases, all checks, no failure."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from cli.parts import HUB, process
from flow.parts import CONFIG, make_home
from lookup.parts import install

EXAMPLES = 200 if os.environ.get("SOAK") else 6
SEED = 20261121
PHASES = "examples,coverage,fuzzing,stateful"


REGISTRY = """\
  population:
    connector: people-as-asked
    lookup: { take: citizen-query@1, give: citizen@1, per_officer_per_minute: 6000, per_client_per_minute: 60000 }
"""


@pytest.mark.timeout(900)
def test_no_answer_contradicts_the_description(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Good requests are taken, bad ones refused, each answer is of a status, header set and schema that is described."""
    monkeypatch.setenv("PYTHONPATH", f"{install(tmp_path)}:{Path(__file__).parents[1]}:{os.environ.get('PYTHONPATH', '')}")
    config = CONFIG.replace("routes:\n", f"{REGISTRY}routes:\n")
    home = make_home(tmp_path / "home", config + "log: { file: var/hub.log }\n")
    with process(home, "run") as (_, url):
        made = [*HUB, "key", "new", "one-stop", "--schema", "opencps-dossier", "--schema", "citizen-query"]
        key = subprocess.run(made, env={**os.environ, "HUB_HOME": str(home)}, capture_output=True, text=True, check=True)
        command = [
            sys.executable, "-m", "schemathesis.cli", "--config-file", str(Path(__file__).parent / "schemathesis.toml"),
            "run", f"{url}/openapi.json", "--seed", str(SEED), "--phases", PHASES, "--checks", "all",
            "--max-examples", str(EXAMPLES), "--header", f"Authorization: Bearer {key.stdout.strip()}",
            "--continue-on-failure", "--workers", "1",
        ]  # fmt: skip
        hooks = {"SCHEMATHESIS_HOOKS": str(Path(__file__).parent / "within_64_bits.py")}
        ran = subprocess.run(command, env={**os.environ, **hooks}, capture_output=True, text=True, cwd=tmp_path)
    assert ran.returncode == 0, ran.stdout[-6000:] + ran.stderr[-2000:]
    for phase in PHASES.split(","):
        assert f"✅  {phase.capitalize()}" in ran.stdout, f"the phase {phase} did not run\n{ran.stdout}"
    assert "12 selected / 12 total" in ran.stdout, ran.stdout
