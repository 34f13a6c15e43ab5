"""A store that cannot take a message: 503 with the reason, never a false 202, and everything works again afterwards."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from hub.store.engine import BUSY_SECONDS
from seams.http_door import Answer
from seams.processes import until
from seams.sender import lives
from seams.world import World

_LIVES = lives(46, 1)
DISK = 24 * 1024 * 1024


def _post(world: World, record: dict[str, Any]) -> Answer:
    return world.sender.post(record, f"{record['referenceUid']}/{record['dossierNote'].split()[-1]}", BUSY_SECONDS * 6)


def _small_disks_are_allowed(folder: Path) -> bool:
    """Whether a process may have a file system of its own here (root, or user namespaces)."""
    program = "import sys; sys.path[0] = sys.argv[1]; from seams.launcher import small_disk; small_disk(sys.argv[2], 1 << 20)"
    words = [sys.executable, "-c", program, str(Path(__file__).parents[1]), str(folder)]
    return subprocess.run(words, capture_output=True, check=False).returncode == 0


def test_locked_longer_than_the_busy_timeout(world: World) -> None:
    """Messages that wait for a database somebody holds are answered 503 ``locked`` in bounded time; none of them is stored,
    each is accepted when sent again with its key."""
    told = [next(_LIVES) for _ in range(3)]
    with ThreadPoolExecutor(len(told)) as pool, world.write_lock():
        answers = list(pool.map(lambda one: _post(world, one[1][0]), told))
        assert [(one.status, one.body["reason"]) for one in answers] == [(503, "locked")] * len(told)
        assert {one.headers["Content-Type"].partition(";")[0] for one in answers} == {"application/problem+json"}
    for code, (record,) in told:
        assert not world.sender.send(record).repeated, "a refused message was stored"
        world.delivered(code)


def test_no_more_room_for_the_log(world: World) -> None:
    """The hub may not let its files grow (RLIMIT_FSIZE): 503 with a reason, also from /health/ready; none is stored; room
    again, and it works without a restart."""
    assert world.hub is not None
    code, (record,) = next(_LIVES)
    wal = world.database.with_name("hub.db-wal")
    while wal.stat().st_size < world.database.stat().st_size + 200_000:  # so that the log is what has no more room
        world.sender.send(next(_LIVES)[1][0])
    _, hard = resource.prlimit(world.hub.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(world.hub.pid, resource.RLIMIT_FSIZE, (wal.stat().st_size, hard))
    try:
        for _ in range(3):
            answer = _post(world, record)
            assert (answer.status, answer.body["type"]) == (503, "urn:dossier-hub:problem:store-unavailable")
            assert answer.body["reason"] in ("disk_full", "io_error")
    finally:
        resource.prlimit(world.hub.pid, resource.RLIMIT_FSIZE, (hard, hard))
    assert not world.sender.send(record).repeated
    world.delivered(code)


def test_disk_full(new_world: Callable[..., World], tmp_path: Path) -> None:
    """A file system without a free byte: 503 ``disk_full``, no false 202; what was acknowledged before is delivered, and with
    room again so is the rest, without a restart. Where no process may mount, the test above is what proves it."""
    world = new_world()
    assert world.sender
    if not _small_disks_are_allowed(tmp_path):
        return
    hub = world.begin_hub(small_disk=[str(world.database.parent), DISK])
    hub.listening()
    code, (record,) = next(_LIVES)
    world.sender.send(record)
    world.delivered(code)
    filler = Path(f"/proc/{hub.pid}/root{world.database.parent}/filler")
    waiting: list[tuple[str, dict[str, Any]]] = []

    def refused() -> list[Answer]:
        _fill(filler)
        code, (record,) = next(_LIVES)
        waiting.append((code, record))
        answer = _post(world, record)
        if answer.status == 202:  # there was room left in the log itself
            world.sender.acknowledged(*waiting.pop()[1:], "before it was full", answer)
            return []
        return [answer]

    (answer,) = until("a full disk", refused)
    assert (answer.status, answer.body["reason"]) == (503, "disk_full")
    again = _post(world, waiting[0][1])
    assert (again.status, again.body["reason"]) == (503, "disk_full")
    filler.unlink()
    assert not world.sender.send(waiting[0][1]).repeated, "a refused message was stored"
    for one in world.sender.record:
        world.delivered(one.code)


def _fill(file: Path) -> None:
    """Write until nothing more fits."""
    with file.open("ab", buffering=0) as filler, suppress(OSError):
        while filler.write(bytes(4096)):
            pass


@pytest.mark.parametrize("what", ["not a database", "torn"])
def test_corrupt_database_is_refused_at_start(new_world: Callable[..., World], what: str) -> None:
    """A file that is no database, or whose first pages are damaged: exit code 4, and a sentence that says so."""
    world = new_world()
    assert world.sender
    world.start_hub()
    code, (record,) = next(_LIVES)
    world.sender.send(record)
    world.delivered(code)
    assert world.hub is not None
    world.hub.terminate()
    assert world.hub.ended(20) == 0
    content = world.database.read_bytes()
    damaged = os.urandom(len(content)) if what == "not a database" else content[:100] + os.urandom(8092) + content[8192:]
    world.database.write_bytes(damaged)
    hub = world.begin_hub()
    assert until("the refusal", lambda: hub.ended() is not None) and hub.code == 4
    said = hub.err.read_text(encoding="utf-8")
    assert "corrupt" in said and "Traceback" not in said and "listening" not in hub.out.read_text(encoding="utf-8")
    assert world.database.read_bytes() == damaged, "the refused database was changed"
