"""One demo, played as a newcomer types it and kept, for every test that looks at what a whole demo prints and leaves behind."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from demo.played import DOSSIERS, HUB, Played

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def played(tmp_path_factory: pytest.TempPathFactory, warm: Path) -> Played:
    """120 dossiers through outage, expired sessions and a kill; `make demo`, which .ci/run plays too, sends 500. Tests that ask
    for it are of the group ``demo``."""
    folder = tmp_path_factory.mktemp("kept")
    run = subprocess.run(
        [*HUB, "demo", "--keep", "--dossiers", str(DOSSIERS), "--seconds", "300"],
        cwd=REPOSITORY, env={**os.environ, "TMPDIR": str(folder)}, capture_output=True, text=True, timeout=380,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout[-6000:] + run.stderr[-3000:]
    (kept,) = folder.iterdir()
    return Played(kept, run.stdout, run.stderr, warm)
