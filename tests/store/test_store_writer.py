"""The writer at the end of its event loop: a commit under way is waited for, and nobody is left waiting. Its log beside it."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

from store_making import NATIONAL, FakeClock, plan

from hub.message import new_id
from hub.store.sql import SqlStore

ENDS = """
import asyncio, random, sys, time
from hub.message import Alias, Arrival, SchemaRef, new_id
from hub.errors import StoreUnavailable
from hub.store.values import Part, Plan
from hub.store.sql import SqlStore

clock = lambda: time.time_ns() // 1000
told = set()


def plan(store, key):
    body = key.encode()
    arrival = Arrival(new_id(), "one-stop", SchemaRef("one-stop", "1.0.0"), body, clock(), new_id(), key=key)
    part = Part(SchemaRef("dossier", "1.0.0"), body, True, None, ())
    return Plan(arrival, store.digest(body), (Alias("national", key),), (part,))


async def begin(path, round):
    store = SqlStore(f"sqlite:///{path}", clock)
    await store.open(exclusive=True)

    async def send(caller):
        for number in range(40):
            key = f"{round}-{caller}-{number}"
            try:
                await store.accept(plan(store, key))
            except StoreUnavailable:
                return
            told.add(key)

    callers = [asyncio.create_task(send(caller)) for caller in range(8)]
    await asyncio.sleep(random.uniform(0.005, 0.03))
    assert callers  # the loop ends here, with everything under way: asyncio.run cancels every task


for round in range(int(sys.argv[2])):
    asyncio.run(begin(sys.argv[1], round))


async def missing():
    store = SqlStore(f"sqlite:///{sys.argv[1]}", clock)
    await store.open(exclusive=True)
    gone = [key for key in told if await store.first_receipt("one-stop", key) is None]
    differed = await store.rebuild_ledger()
    await store.close()
    return gone, differed


print(len(told), *asyncio.run(missing()))
"""


def test_the_loop_may_end_in_the_middle_of_commits(tmp_path: Path) -> None:
    """No crash, nobody hangs, and whoever was told "stored" finds it stored."""
    ended = subprocess.run(
        [sys.executable, "-c", ENDS, str(tmp_path / "hub.db"), "25"], capture_output=True, text=True, timeout=100, check=False
    )
    assert ended.returncode == 0, ended.stderr[-2000:]
    told, gone, differed = ended.stdout.split()
    assert int(told) > 0 and gone == "[]" and differed == "0"


async def test_the_log_is_moved_into_the_database_beside_the_writer(tmp_path: Path) -> None:
    """What was written reaches the database file long before the log is so long that a commit would have to stop for it."""
    file = tmp_path / "hub.db"
    clock = FakeClock()
    store = SqlStore(f"sqlite:///{file}", clock)
    await store.open(exclusive=True)
    try:
        async with asyncio.timeout(60):
            while file.stat().st_size < 500_000:
                for _ in range(50):
                    await store.accept(plan(store, clock, "x" * 1000, names=((NATIONAL, new_id()),)))
                assert Path(f"{file}-wal").stat().st_size < 15_000 * 4096, "SQLite's own checkpoint comes first"
    finally:
        await store.close()
