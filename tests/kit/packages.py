"""Puts a written package where Python finds it, entry points included, without pip: a folder that stands in PYTHONPATH."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
HUB = (sys.executable, "-c", "from hub.cli.main import main; main()")


def put(package: Path, site: Path) -> dict[str, str]:
    """The environment of a process that has the package installed from its own folder."""
    project = tomllib.loads((package / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    about = site / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    about.mkdir(parents=True)
    said = f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    (about / "METADATA").write_text(said, encoding="utf-8")
    lines = []
    for group, names in project["entry-points"].items():
        lines += [f"[{group}]", *(f"{name} = {value}" for name, value in names.items()), ""]
    (about / "entry_points.txt").write_text("\n".join(lines), encoding="utf-8")
    return {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (site, package, ROOT)))}


def run(*command: str, folder: Path, environment: dict[str, str], code: int = 0) -> str:
    """What the command printed; it must end with this code."""
    ran = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=110, stdin=subprocess.DEVNULL
    )
    assert ran.returncode == code, f"{command} ended with {ran.returncode}:\n{ran.stdout}\n{ran.stderr}"
    return ran.stdout
