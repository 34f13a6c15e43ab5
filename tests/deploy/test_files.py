"""The files in deploy/ are valid, say no to what they need not, and agree with each other and with the hub."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest
from cli.parts import HUB

from deploy.parts import DEPLOY, ROOT, document, passes, tool
from hub.config import HubConfig

COMPOSE = DEPLOY / "compose.yaml"
UNIT = DEPLOY / "dossier-hub.service"
EXPOSURE = 15
"""Tenths of points of ``systemd-analyze security`` that the unit may have at most: 1.5 is "OK", 9.6 a unit without care."""


def test_hadolint_finds_nothing_in_the_dockerfile() -> None:
    """Not even a hint."""
    assert passes(tool("hadolint"), "--failure-threshold", "style", DEPLOY / "Dockerfile") == ""


def test_the_compose_file_fits_the_compose_specification() -> None:
    """Its published schema, as check-jsonschema ships it."""
    passes(tool("check-jsonschema"), "--builtin-schema", "vendor.compose-spec", COMPOSE)


@pytest.mark.parametrize("wrong", ["read_olny: true", "ports: 8080"])
def test_the_compose_check_finds_what_is_wrong(wrong: str, tmp_path: Path) -> None:
    """A misspelt name or a wrong type fails it."""
    file = tmp_path / "compose.yaml"
    file.write_text(f"services:\n  hub:\n    image: x\n    {wrong}\n", encoding="utf-8")
    with pytest.raises(AssertionError):
        passes(tool("check-jsonschema"), "--builtin-schema", "vendor.compose-spec", file)


@pytest.mark.parametrize("name", document(COMPOSE)["services"])
def test_each_container_is_closed(name: str) -> None:
    """Read-only root, no capability, no new privileges, ports on loopback only, a health check; what it uses is declared."""
    compose: dict[str, Any] = document(COMPOSE)
    one = compose["services"][name]
    assert one["read_only"] is True and one["cap_drop"] == ["ALL"] and one["security_opt"] == ["no-new-privileges:true"]
    assert all(port.startswith("127.0.0.1:") for port in one["ports"])
    assert not one.get("privileged") and "network_mode" not in one
    assert "healthcheck" in one or "HEALTHCHECK" in (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    assert set(one.get("secrets", ())) <= set(compose["secrets"])
    for volume in one.get("volumes", ()):
        source, _, rest = volume.partition(":")
        if source.startswith("."):
            assert (DEPLOY / source).exists() and rest.endswith(":ro"), volume
        else:
            assert source in compose["volumes"], volume


def test_the_hub_is_given_time_to_drain() -> None:
    """compose and systemd kill it only after its own drain time is over."""
    drain = HubConfig().drain_seconds
    assert int(document(COMPOSE)["services"]["hub"]["stop_grace_period"].removesuffix("s")) > drain
    assert int(_setting("TimeoutStopSec")) > drain
    assert _setting("KillSignal") == "SIGTERM" and _setting("ExecReload") == "/bin/kill -HUP $MAINPID"


def test_the_configuration_of_the_container_is_the_repositorys() -> None:
    """Sources, endpoints and routes are the same; only the door, the log and where secrets come from differ."""
    ours, theirs = document(ROOT / "config.yaml"), document(DEPLOY / "config.yaml")
    settings = theirs["endpoints"]["portal"]["settings"]
    for name in ("username", "password"):
        assert settings[name] == f"${{file:/run/secrets/portal_{name}}}"
        settings[name] = ours["endpoints"]["portal"]["settings"][name]
    assert theirs.pop("log") == {"to": "stdout"}
    (network,) = document(COMPOSE)["networks"]["default"]["ipam"]["config"]
    assert theirs["server"].pop("trusted_proxies") == [network["gateway"]]  # nobody else's word is believed
    assert theirs["server"] | {"host": ours["server"]["host"]} == ours["server"]
    theirs["server"] = ours["server"]
    assert theirs == ours


def test_the_shipped_configuration_passes_the_strict_check(tmp_path: Path) -> None:
    """But for the partner's table, which only the partner can give, `hub check` has nothing to warn of."""
    for name in ("portal_username", "portal_password"):
        (tmp_path / name).write_text("simulated\n")
    config = (DEPLOY / "config.yaml").read_text(encoding="utf-8").replace("/run/secrets/", "")
    (tmp_path / "config.yaml").write_text(config)
    command = [*HUB, "--home", str(tmp_path), "check", "--json"]
    environment = {**os.environ, "PORTAL_URL": "http://127.0.0.1:9/forward"}
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    told = json.loads(ran.stdout)
    assert told["errors"] == [] and {one["code"] for one in told["warnings"]} <= {"table_not_fetched"}


def test_a_backup_has_a_place_outside_the_volume_that_it_saves() -> None:
    """A volume of its own, at a folder that the image gives to the hub's user."""
    volumes = dict(one.split(":")[:2] for one in document(COMPOSE)["services"]["hub"]["volumes"])
    assert volumes["backup"] == "/backup"
    made = re.search(r"install --directory --owner=hub .*", (DEPLOY / "Dockerfile").read_text(encoding="utf-8"))
    assert made is not None and {"/backup", volumes["hub"]} <= set(made[0].split())


def test_the_unit_needs_no_file_that_nobody_makes() -> None:
    """The page makes all that the unit names, and starts it only after the check."""
    page = (ROOT / "docs" / "howto" / "run-it.md").read_text(encoding="utf-8").partition("## With systemd")[2]
    assert not re.search(r"^(EnvironmentFile|LoadCredential|Documentation)=", _text(), re.MULTILINE)
    home = _setting("WorkingDirectory")
    assert f"useradd --system --no-create-home --home-dir {home} {_setting('User')}\n" in page
    steps = [
        f"install -d -m 700 -o dossier-hub -g dossier-hub {home}",
        "cp deploy/dossier-hub.service",
        f"cd {home}",
        "hub init .",
    ]
    places = [page.index(step) for step in (*steps, "cat > secrets/portal_password", "\nhub check\n", "systemctl enable --now")]
    assert places == sorted(places)


def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    """``systemd-analyze verify`` finds nothing, with a command in ExecStart that is on this machine."""
    copy = tmp_path / UNIT.name
    copy.write_text(_text().replace("/opt/dossier-hub/bin/hub", "/bin/true"), encoding="utf-8")
    assert passes(tool("systemd-analyze"), "verify", "--man=no", copy) == ""


def test_systemd_finds_the_unit_well_closed() -> None:
    """``systemd-analyze security`` gives it no more exposure than it has with a reason."""
    passes(tool("systemd-analyze"), "security", "--offline=true", f"--threshold={EXPOSURE}", UNIT)


def test_the_unit_lets_the_hub_do_what_it_does(tmp_path: Path) -> None:
    """From start to SIGTERM the hub makes only system calls that SystemCallFilter admits, and never asks for memory that
    MemoryDenyWriteExecute denies."""
    home, trace = tmp_path / "home", tmp_path / "trace"
    passes(*HUB, "init", home)
    (home / "config.yaml").write_text((home / "config.yaml").read_text(encoding="utf-8").replace("8080", "0"))
    command = [tool("strace"), "-f", "-qq", "-e", "signal=none", "-o", trace, tool("hub"), "--home", home, "run", "--json"]
    hub = subprocess.Popen([str(one) for one in command], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert hub.stdout is not None
        assert "listening" in hub.stdout.readline()
        (traced,) = Path(f"/proc/{hub.pid}/task/{hub.pid}/children").read_text().split()
        os.kill(int(traced), signal.SIGTERM)
        assert hub.wait(30) == 0
    finally:
        hub.kill()
        hub.communicate()
    made = trace.read_text(encoding="utf-8", errors="replace")
    calls = set(re.findall(r"^[0-9]+ +([a-z0-9_]+)\(", made, re.MULTILINE))
    assert len(calls) > 40 and "fdatasync" in calls
    allowed = _admitted("@system-service") - _admitted("@privileged") - _admitted("@resources")
    assert calls - allowed - {"fchown"} == set()  # which SQLite calls as root only
    assert not re.search(r"PROT_WRITE\|PROT_EXEC|mprotect\(.*PROT_EXEC", made)


def _admitted(name: str) -> set[str]:
    """The system calls of a group of systemd's, groups inside it too."""
    lines = (line.strip() for line in passes(tool("systemd-analyze"), "syscall-filter", name).splitlines()[1:])
    found = [line for line in lines if line and not line.startswith("#")]
    return {call for one in found for call in (_admitted(one) if one.startswith("@") else {one})}


def _text() -> str:
    return UNIT.read_text(encoding="utf-8")


def _setting(name: str) -> str:
    (value,) = re.findall(rf"^{name}=(.*)$", _text(), re.MULTILINE)
    return str(value)
