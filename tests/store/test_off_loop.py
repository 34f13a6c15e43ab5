"""Work in a thread is over before whoever waits for it is."""

from __future__ import annotations

import asyncio
import threading

import pytest

from hub.off_loop import to_its_end

CONNECTS = False


@pytest.mark.parametrize("fails", [False, True])
async def test_who_is_cancelled_waits_for_it_however_often(fails: bool) -> None:
    begun, free = threading.Event(), threading.Event()
    over, given_up = list[str](), list[str]()

    def work() -> None:
        begun.set()
        free.wait(20)
        over.append("over")
        if fails:
            raise OSError

    running = asyncio.get_running_loop().run_in_executor(None, work)
    waiting = asyncio.create_task(to_its_end(running, lambda: given_up.append("given up")))
    await asyncio.sleep(0)
    begun.wait(20)
    for _ in range(3):
        waiting.cancel()
        await asyncio.sleep(0.01)
        assert not waiting.done()
    free.set()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert (over, given_up) == (["over"], ["given up"])


async def test_who_is_not_cancelled_gets_what_it_gives() -> None:
    loop = asyncio.get_running_loop()
    assert await to_its_end(loop.run_in_executor(None, lambda: 3)) == 3
    with pytest.raises(ZeroDivisionError):
        await to_its_end(loop.run_in_executor(None, lambda: 1 // 0))
