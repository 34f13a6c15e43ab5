"""What the tests of the door share: one launcher of processes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from seams.processes import Launcher


@pytest.fixture(scope="session")
def launcher() -> Iterator[Launcher]:
    made = Launcher()
    yield made
    made.close()
