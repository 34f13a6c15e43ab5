"""The home of docs/howto/call-a-soap-partner.md, and the land registry of ``spyne_partner`` as a process of its own."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from docs.pages import blocks
from flow.parts import PROCEDURES
from system_parts import absent

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "howto" / "call-a-soap-partner.md"
FILES = PAGE.with_suffix("")
SCHEMA: dict[str, Any] = json.loads((FILES / "partners/land/schemas/land-dossier/1.0.0.json").read_text(encoding="utf-8"))
WSDL = (FILES / "partners/land/land.wsdl").read_text(encoding="utf-8")
BEFORE = """
store: { url: sqlite:///var/hub.db }
server: { port: 0 }
sources:
  - { schema: opencps-dossier@1, becomes: [dossier@1] }
"""
QUICK = {
    "retry": {"first_seconds": 0.02, "longest_seconds": 0.1, "attempts": 3},
    "breaker": {"failures": 50, "open_seconds": 0.1, "longest_seconds": 0.2},
}


def example(secret: str = "secret") -> dict[str, Any]:
    """The configuration on the page."""
    (block,) = (one for one in blocks(PAGE) if one.language == "yaml")
    return dict(yaml.safe_load(block.text.replace("${env:LAND_PASSWORD}", secret)))


@dataclass
class Registry:
    """The land registry that runs."""

    port: int
    log: Path

    def wsdl(self, version: str) -> str:
        """What it gives at ?wsdl."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/soap{version}/?wsdl") as answer:
            return str(answer.read().decode())

    @property
    def taken(self) -> list[dict[str, Any]]:
        """What it took, in order."""
        return [json.loads(line) for line in self.log.read_text(encoding="utf-8").splitlines()] if self.log.exists() else []


@contextlib.contextmanager
def registry(folder: Path) -> Iterator[Registry]:
    """Start it; spyne must be there in CI."""
    if importlib.util.find_spec("spyne") is None:
        absent("spyne")
    log = folder / "taken.jsonl"
    process = subprocess.Popen(
        [sys.executable, str(Path(__file__).parent / "spyne_partner.py"), str(log)],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        yield Registry(int(process.stdout.readline()), log)
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def land_home(folder: Path, wsdl: str = WSDL, secret: str = "secret") -> Path:
    """The home of the page, with this WSDL and account, and short waits."""
    shutil.copytree(FILES, folder, dirs_exist_ok=True)
    (folder / "partners/land/land.wsdl").write_text(wsdl, encoding="utf-8")
    table = folder / "mappings/tables/npsp-procedures/1.20261101.0.yaml"
    table.parent.mkdir(parents=True)
    table.write_text(PROCEDURES.read_text(encoding="utf-8"), encoding="utf-8")
    config = example(secret)
    config["endpoints"]["land"] |= QUICK
    (folder / "config.yaml").write_text(BEFORE + yaml.safe_dump(config, allow_unicode=True), encoding="utf-8")
    return folder


def record(**changes: Any) -> dict[str, Any]:
    """What a one-stop shop sends."""
    return json.loads((ROOT / "starter" / "first.json").read_text(encoding="utf-8")) | changes
