"""The scripted adapter, and the simulated portal in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator, Iterator

import pytest

from national_portal.parts import ROOT, Adapter, Simulator


@pytest.fixture
async def adapter() -> AsyncIterator[Adapter]:
    it = Adapter()
    await it.runner.setup()
    await it.listen()
    yield it
    await it.runner.cleanup()


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    state = tmp_path_factory.mktemp("portal") / "state.json"
    command = [sys.executable, "-m", "connectors.national_portal.simulator", "--port", "0", "--state", str(state)]
    child = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    try:
        yield Simulator(child.stdout.readline().strip().removeprefix("listening on "))
    finally:
        child.kill()
        child.wait()
        child.stdout.close()
