"""SIGTERM: the door closes, attempts under way end, the process ends with 0, and nothing is in doubt after the restart."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from seams.http_door import NO_ANSWER
from seams.processes import DEADLINE, until
from seams.sender import lives
from seams.world import World, rounds

_LIVES = lives(43, 2)
AT_ONCE = 3


@pytest.mark.parametrize("once", rounds(2, 20))
def test_sigterm_drains(world: World, once: int) -> None:
    """Calls that the portal holds when SIGTERM comes are answered and settled; a message whose commit is under way gets its
    202; what was not begun waits for the restart; no call is made twice."""
    chosen = [next(_LIVES) for _ in range(AT_ONCE)]
    (last_code, last) = next(_LIVES)
    for code, records in chosen:
        world.plant("DongBoHoSoMC", "hold", effect="before", match={"MaHoSo": code})
        for record in records:
            world.sender.send(record)
    world.held(AT_ONCE)
    assert world.hub is not None
    with ThreadPoolExecutor(1) as pool:
        with world.write_lock():
            post = pool.submit(world.sender.post, last[0], f"{last[0]['referenceUid']}/{last[0]['dossierNote'].split()[-1]}")
            until("the hub has read the request", world.request_is_read, pause=0.001)
            world.hub.terminate()
            until("the door is closed", lambda: _door_is_closed(world))
        world.sender.acknowledged(last[0], "under way at SIGTERM", post.result())
    world.release("go")
    assert world.hub.ended(DEADLINE) == 0
    assert world.look("select state, count(*) from deliveries where state in ('claimed', 'in_doubt', 'dead') group by 1") == []
    for code, _ in chosen:
        assert [one["outcome"] for one in world.calls("DongBoHoSoMC", code)] == ["ok"]
    world.start_hub()
    world.sender.send(last[1])
    for code in [*(code for code, _ in chosen), last_code]:
        world.delivered(code)
        assert len(world.calls("DongBoHoSoMC", code)) == 2
        assert len(world.calls("CapNhatTienDoHoSoMC", code)) == 2
    assert world.look("select 1 from deliveries where doubted") == []


def _door_is_closed(world: World) -> bool:
    try:
        world.metric("hub_")
    except NO_ANSWER:
        return True
    return False
