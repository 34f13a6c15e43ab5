"""Real parts that some tests need: optional where the hub is tried out, mandatory where CI runs."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest


def absent(part: str) -> NoReturn:
    """A part of the system is not there: under CI a failure, else a reason to skip."""
    said = f"not on this machine: {part}; .ci/setup installs what only the system's packages have"
    if os.environ.get("CI"):
        pytest.fail(said)
    pytest.skip(said)
