"""What every test needs before it starts a process, and a quicker way to start ``hub``."""

from __future__ import annotations

import gc
import os
import signal
import sys
from pathlib import Path

import hypothesis
import pytest
import warm_hub

# Hundreds of processes import the hub. What the first of them compiles is kept beside the sources, else each compiles it again.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# A machine that stands still for a moment makes no example wrong.
hypothesis.settings.register_profile(
    "unhurried", hypothesis.settings.get_profile(hypothesis.settings.get_current_profile_name()), deadline=None
)
hypothesis.settings.load_profile("unhurried")

# Collecting garbage as rarely as the command `hub` does: a test makes little of it, and keeps much.
gc.set_threshold(20_000, 20, 50)

# A shell starts what runs behind it with SIGINT ignored, nohup with SIGHUP, and whatever a test starts would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def pytest_configure(config: pytest.Config) -> None:
    """One warm process for all workers of a run, ready when they have collected; without workers, when a test asks for it."""
    if config.getoption("numprocesses", None) and not config.getoption("collectonly"):
        warm_hub.start()


def pytest_collection_finish() -> None:
    """What is there for good is not looked through again and again: the modules, and thousands of tests."""
    gc.freeze()


def pytest_unconfigure() -> None:
    warm_hub.stop()


@pytest.fixture(scope="session")
def warm() -> Path:
    """A script that is ``hub`` for tests with many commands, which would import the hub as often."""
    return warm_hub.warm() / "hub"
