"""SIGKILL at random moments while a hundred dossiers and more (SOAK=1: two hundred) are sent at once: judged from the
sender's record and the portal.

Some kills fall while the hub starts, some while it delivers as fast as it can. Steps that a kill left in doubt are dead
letters; they are counted, and decided as an operator would, by looking at the portal.
"""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from seams.processes import until
from seams.sender import lives
from seams.verdict import judge
from seams.world import World, rounds

KILLS = len(rounds(6, 40))
DOSSIERS = len(rounds(100, 200))
SENDERS = 8
PAUSE = 0.04
"""Seconds between two records of one sender: the load's rate."""


class Load:
    """Senders side by side, each with one dossier after the other, until enough is sent and the kills are over."""

    def __init__(self, world: World, seed: int) -> None:
        self._world = world
        self._lives = self._numbered(seed)
        self._turn = threading.Lock()
        self._kills_over = threading.Event()
        self.dossiers = 0

    @staticmethod
    def _numbered(seed: int) -> Iterator[tuple[str, list[dict[str, Any]]]]:
        shape = random.Random(seed)
        return ((code, records[: shape.randint(1, 3)]) for code, records in lives(seed, 3))

    def kills_over(self) -> None:
        self._kills_over.set()

    def send(self) -> None:
        """One sender's work."""
        while True:
            with self._turn:
                if self._kills_over.is_set() and self.dossiers >= DOSSIERS:
                    return
                _, records = next(self._lives)
                self.dossiers += 1
            for record in records:
                self._world.sender.send(record)
                if not self._kills_over.is_set():
                    self._kills_over.wait(PAUSE)


def _random_kills(world: World, rng: random.Random) -> int:
    """Kill and restart; returns how many kills fell while the hub was still starting."""
    young = 0
    for number in range(KILLS):
        hub = world.begin_hub() if number else world.hub
        assert hub is not None
        if number % 4 == 3:
            time.sleep(rng.uniform(0.0, 0.15))  # a moment of the start
        else:
            hub.listening()
            time.sleep(rng.uniform(0.1, 1.2))
        young += not hub.out.read_bytes()
        world.kill_hub()
    world.start_hub()
    return young


@pytest.mark.timeout(600)
@pytest.mark.parametrize("search_result", ["full", "minimal"] if os.environ.get("SOAK") == "1" else ["full"])
def test_random_kills_under_load(new_world: Callable[..., World], search_result: str) -> None:
    """0 acknowledged lost, 0 doubled in effect (steps in doubt excepted and counted), 0 out of order per dossier."""
    world = new_world(search_result)
    assert world.sender
    world.plant("*", "slow", seconds=0.02, times=None)  # so that every kill finds calls under way
    world.start_hub()
    load = Load(world, 7)
    with ThreadPoolExecutor(SENDERS) as pool:
        sending = [pool.submit(load.send) for _ in range(SENDERS)]
        try:
            young = _random_kills(world, random.Random(20))
        finally:
            world.control("DELETE", "faults")
            load.kills_over()
        for one in sending:
            one.result()
    in_doubt: set[str] = set()

    def done() -> bool:
        until("nothing moves", world.nothing_moves, seconds=60, pause=0.1)
        letters = world.dead()
        assert {one.get("code") for one in letters} <= {"in_doubt"}, sorted({str(one.get("code")) for one in letters})
        assert {one["stream"] for one in letters} <= {"dossier-progress"}
        in_doubt.update(one["delivery"] for one in letters)
        world.decide(letters, world.sender.record)
        return not letters

    until("no dead letters", done, seconds=120)
    verdict = judge(world.sender.record, world.state(), may_repeat_states=search_result == "minimal")
    sent = world.sender
    print(
        f"\nkills={KILLS} during_start={young} dossiers={load.dossiers} acknowledged={len(sent.record)} "
        f"lost_answers={sent.lost_answers} repeated_receipts={sum(one.repeated for one in sent.record)} "
        f"effects_due={2 * len(sent.record)} in_doubt={len(in_doubt)} {verdict}"
    )
    assert load.dossiers >= DOSSIERS
    assert verdict.clean, verdict
