"""``hub health``, which the container's health check is: right whatever scheme and prefix the hub speaks under."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cli.parts import HUB
from ports import free_port

from deploy.parts import passes, tool


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home whose hub serves HTTPS below a prefix, with a certificate that is not made out to 127.0.0.1."""
    home = tmp_path / "home"
    passes(*HUB, "init", home)
    key, certificate = home / "key.pem", home / "certificate.pem"
    passes(
        tool("openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
        "-subj", "/CN=hub.example", "-keyout", key, "-out", certificate,
    )  # fmt: skip
    door = f"port: {free_port()}\n  prefix: /hub\n  tls: {{ certificate: certificate.pem, key: key.pem }}"
    config = (home / "config.yaml").read_text(encoding="utf-8")
    (home / "config.yaml").write_text(config.replace("port: 8080", door), encoding="utf-8")
    return home


def _health(home: Path) -> tuple[int, dict[str, object]]:
    command = [*HUB, "--home", str(home), "health", "--json"]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    return ran.returncode, json.loads(ran.stdout)


@contextmanager
def _running(home: Path) -> Iterator[None]:
    hub = subprocess.Popen([*HUB, "--home", str(home), "run"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert hub.stdout is not None
        assert hub.stdout.readline().startswith("listening on https://")
        yield
        hub.send_signal(signal.SIGTERM)
        assert hub.wait(30) == 0
    finally:
        if hub.poll() is None:
            hub.kill()
        hub.communicate()


def test_a_hub_with_a_certificate_and_a_prefix_is_found_ready(home: Path) -> None:
    """Exit code 0 while it runs; 4 before and after, with a reason. The partner's secret is not needed for it."""
    assert _health(home)[0] == 4
    with _running(home):
        for secret in (home / "secrets").iterdir():
            secret.unlink()
        code, told = _health(home)
        assert (code, told["ready"]) == (0, True) and str(told["url"]).endswith("/hub/health/ready"), told
    code, told = _health(home)
    assert code == 4 and told["ready"] is False and "does not answer" in str(told["reason"])


def test_a_hub_that_says_no_is_not_ready(home: Path) -> None:
    """An answer that is not 200 is exit code 4 with its status."""
    with _running(home):
        config = home / "config.yaml"
        config.write_text(config.read_text(encoding="utf-8").replace("prefix: /hub", "prefix: /other"), encoding="utf-8")
        code, told = _health(home)
        assert code == 4 and "status 404" in str(told["reason"])
