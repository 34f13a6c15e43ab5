"""The image's steps, done without Docker: the wheel is built and installed, and the hub runs as the image says."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.error import URLError

import pytest
from ports import free_port

from deploy.dockerfile import Image, need_namespaces, stages
from deploy.parts import DEPLOY
from hub.config import HubConfig

HOME = "/var/lib/dossier-hub"
pytestmark = pytest.mark.timeout(420)
_QUICK = {"PIP_NO_COMPILE": "no"}  # so pip reads it: no, do not compile
"""Compiling everything that is installed takes longer than what the two commands import; and nobody else starts it."""


@pytest.fixture(scope="module")
def image() -> Iterator[Image]:
    """What ``docker build`` would make of the Dockerfile's first stage. In a folder that another user may enter."""
    need_namespaces()
    folder = Path(tempfile.mkdtemp(prefix="dossier-hub-image-", dir="/var/tmp"))
    folder.chmod(0o755)
    try:
        made = Image(folder)
        build, _ = stages()
        made.copy(build)
        (script,) = build.of("RUN")
        (workdir,) = build.of("WORKDIR")
        (environment,) = re.findall(r"-m venv (\S+)", script)
        made.lend(environment)
        script = f"cd {workdir}\numask 022\nchmod -R go+rX {environment}\n{script}"
        made.run(script, {"PATH": f"/usr/local/bin:{os.environ['PATH']}", **_QUICK})
        yield made
    finally:
        shutil.rmtree(folder)


def test_the_ignore_file_lets_through_what_is_copied() -> None:
    """Everything that COPY names, and nothing else, reaches the build."""
    build, _ = stages()
    copied = {source for rest in build.of("COPY") for source in rest.split()[:-1]}
    ignored = (DEPLOY.parent / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert {line[1:] for line in ignored if line.startswith("!")} == copied
    assert "*" in ignored


def test_the_hub_runs_as_the_image_says(image: Image) -> None:
    """As a user without rights, on a read-only root, with deploy/config.yaml: it becomes ready, logs JSON lines to stdout,
    writes only below its home, and ends with 0 on the image's stop signal within its drain time."""
    _, last = stages()
    (user,) = last.of("USER")
    uid = int(user.split(":")[0])
    assert uid >= 10_000 and last.of("VOLUME") == [f'["{HOME}"]'] and last.of("STOPSIGNAL") == ["SIGTERM"]
    home = image.at(HOME)
    home.mkdir(mode=0o700)
    port = free_port()
    secrets = home / "secrets"
    secrets.mkdir()
    for name in ("portal_username", "portal_password"):
        (secrets / name).write_text("simulated\n")
    config = (DEPLOY / "config.yaml").read_text(encoding="utf-8")
    config = config.replace("port: 8080", f"port: {port}").replace("0.0.0.0", "127.0.0.1").replace("/run/secrets/", "secrets/")
    (home / "config.yaml").write_text(config)
    for path in (home, secrets, *secrets.iterdir(), home / "config.yaml"):
        os.chown(path, uid, uid)
    hub = image.start(last, HOME, {"PORTAL_URL": "http://127.0.0.1:9/forward"})
    try:
        until = time.monotonic() + 60
        while not _ready(port):
            assert hub.poll() is None, hub.communicate()
            assert time.monotonic() < until, "not ready"
            time.sleep(0.05)
        (check,) = last.of("HEALTHCHECK")
        probe = image.start(last, HOME, {}, *json.loads(check.partition(" CMD ")[2]))
        said = probe.communicate(timeout=30)
        assert probe.returncode == 0, said
        status = Path(f"/proc/{hub.pid}/status").read_text()
        assert re.search(rf"^Uid:\s+{uid}\s+{uid}\s", status, re.MULTILINE)
        assert re.search(r"^CapBnd:\s+0+$", status, re.MULTILINE) and re.search(r"^NoNewPrivs:\s+1$", status, re.MULTILINE)
        mounts = Path(f"/proc/{hub.pid}/mountinfo").read_text().splitlines()
        at_root = [line.split()[5] for line in mounts if line.split()[4] == "/"]
        assert [one.split(",")[0] for one in at_root] == ["ro"]
        hub.send_signal(signal.SIGTERM)
        out, err = hub.communicate(timeout=HubConfig().drain_seconds + 5)
        assert hub.returncode == 0, err
    finally:
        if hub.poll() is None:
            hub.kill()
            hub.communicate()
    lines = [json.loads(line) for line in out.splitlines()]
    assert {"started", "stopped"} <= {line.get("event") for line in lines} and '"event"' not in err
    assert {path.name for path in home.iterdir()} == {"config.yaml", "secrets", "var"}


def _ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health/ready", timeout=2) as answer:
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False
