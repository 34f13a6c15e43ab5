"""What the tests of deploy/ share: the folder, and system parts that must be there under CI."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml
from system_parts import absent

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
RULES = DEPLOY / "prometheus" / "rules.yaml"


def tool(name: str) -> str:
    """The path of a command, of the virtual environment's own first."""
    own = Path(sys.executable).parent / name
    found = str(own) if own.exists() else shutil.which(name)
    return found or absent(name)


def passes(*command: str | Path) -> str:
    """What a command prints; it must end with exit code 0."""
    ran = subprocess.run([str(one) for one in command], capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout + ran.stderr


def document(path: Path) -> Any:
    """A YAML or JSON file as values."""
    return yaml.safe_load(path.read_text(encoding="utf-8"))
