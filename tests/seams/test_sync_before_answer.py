"""A trace of system calls shows a sync of the log before each 202; two sabotaged hubs show that the proof can fail.

SIGKILL proves nothing about power: the page cache survives it. What must be seen is the order of write, sync and answer.
"""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from system_parts import absent

from seams.processes import Launcher
from seams.sender import lives
from seams.system_calls import Proof, receipts_after_sync, tracer
from seams.world import World

pytestmark = pytest.mark.xdist_group("traced")  # one trace for all of them

MESSAGES = 20
TOGETHER = 8


@pytest.fixture(scope="module")
def proofs(launcher: Launcher, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Proof]:
    """One traced run each of the hub and of the sabotaged hubs; the portal is paused, so that only messages are written."""
    if shutil.which("strace") is None:
        absent("strace, without which nothing shows a sync before each receipt")
    folder = tmp_path_factory.mktemp("traced")
    trace = folder / "calls"
    traced = Launcher(tracer(trace))
    worlds: dict[str, World] = {}
    try:
        for kind in ("honest", "no_sync", "early_answer"):
            world = worlds[kind] = World(folder / kind, launcher)
            assert world.sender
            code, said = world.shell("endpoint", "pause", "portal", "--why", "only messages are to be written")
            assert code == 0, said
            world.start_hub(launcher=traced, **({} if kind == "honest" else {"sabotage": kind}))
            _send(world)
            assert world.hub is not None
            world.hub.terminate()
            assert world.hub.ended(20) == 0
    finally:
        traced.close()
        for world in worlds.values():
            world.end()
    return {kind: receipts_after_sync(trace, world.port, Path(f"{world.database}-wal")) for kind, world in worlds.items()}


def _send(world: World) -> None:
    """One message after the other, then some side by side: their receipts share a sync, but each has one."""
    told = lives(45, 1)
    bodies = [next(told)[1][0] for _ in range(MESSAGES)]

    def post(record: dict[str, object]) -> int:
        return world.sender.post(record, f"{record['referenceUid']}").status

    assert {post(record) for record in bodies[:-TOGETHER]} == {202}
    with ThreadPoolExecutor(TOGETHER) as pool:
        assert set(pool.map(post, bodies[-TOGETHER:])) == {202}


def test_each_receipt_comes_after_its_sync(proofs: dict[str, Proof]) -> None:
    """Request read, log written, log synced, and only then the 202."""
    assert (proofs["honest"].receipts, proofs["honest"].unproven) == (MESSAGES, 0)


@pytest.mark.parametrize("sabotage", ["no_sync", "early_answer"])
def test_the_proof_finds_a_sabotaged_hub(proofs: dict[str, Proof], sabotage: str) -> None:
    """A hub that does not sync, and one that answers before its commit, give every receipt without proof."""
    found = proofs[sabotage]
    assert found.receipts == MESSAGES
    # an early answer may by chance follow the sync of something else (a probe that writes), but never most of the time
    assert found.unproven >= (MESSAGES if sabotage == "no_sync" else (MESSAGES - TOGETHER) // 2), found
