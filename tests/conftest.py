"""What every test needs before it starts a process, and a quicker way to start ``hub``."""

from __future__ import annotations

import gc
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from warm_hub import warm_hub

# Hundreds of processes import the hub. What the first of them compiles is kept beside the sources, else each compiles it again.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# Collecting garbage as rarely as the command `hub` does: a test makes little of it, and keeps much.
gc.set_threshold(20_000, 20, 50)

# A shell starts what runs behind it with SIGINT ignored, and whatever a test starts would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def warm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A script that is ``hub`` for tests with many commands, which would import the hub as often."""
    folder = tmp_path_factory.mktemp("warm")
    with warm_hub(folder) as script:
        (folder / "hub").write_text(script, encoding="utf-8")
        (folder / "hub").chmod(0o755)
        yield folder / "hub"
