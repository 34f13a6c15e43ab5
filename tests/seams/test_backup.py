"""A backup taken under load, the hub killed, the backup restored elsewhere: the senders send again what they sent since, and
nothing is lost, doubled or out of order. Judged from the sender's record and the portal's memory.
"""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pytest
from flow.parts import make_home

from seams.http_door import NO_ANSWER
from seams.processes import DEADLINE, Child, until
from seams.sender import Acknowledged, lives
from seams.verdict import Verdict, judge
from seams.world import CONFIG, World

DOSSIERS, RECORDS, SENDERS = 36, 4, 6
PAUSE = 0.05
Record = dict[str, Any]


def key_of(record: Record) -> str:
    return f"{record['referenceUid']}/{record['dossierNote'].split()[-1]}"


@dataclass
class Load:
    """Senders side by side, each with its dossiers, one record of each in turn. One whose connection breaks stops and waits:
    a source that was told of the crash sends again in order."""

    world: World
    told: Sequence[list[Record]]
    acknowledged: list[str] = field(default_factory=list)
    """Keys in the order of their receipts."""
    turn: threading.Lock = field(default_factory=threading.Lock)

    def send(self, number: int) -> None:
        """One sender's work."""
        mine = self.told[number::SENDERS]
        for record in itertools.chain.from_iterable(zip(*mine, strict=True)):
            key = key_of(record)
            try:
                answer = self.world.sender.post(record, key)
            except NO_ANSWER:
                return
            self.world.sender.acknowledged(record, key, answer)
            with self.turn:
                self.acknowledged.append(key)
            threading.Event().wait(PAUSE)

    def again(self, since: set[str]) -> int:
        """Everything but what was acknowledged before the backup began, in the order of each dossier; returns how many."""
        records = [record for life in self.told for record in life if key_of(record) not in since]
        for record in records:
            self.world.sender.send(record)
        return len(records)


def steps_at(world: World) -> int:
    return sum(len(one["progress"]) for one in world.state()["dossiers"].values())


def restored_elsewhere(world: World, backup: str) -> dict[str, Any]:
    """Put the backup into a new home in another folder, at the same port; the world goes on there."""
    world.home = make_home(world.folder / "elsewhere" / "home", CONFIG.format(port=world.port, portal=world.portal))
    world.database = world.home / "var" / "hub.db"
    code, said = world.shell("restore", backup)
    assert code == 0, said
    found: dict[str, Any] = said
    return found


def resumed(world: World, sabotage: str | None) -> dict[str, int]:
    """``hub endpoint resume portal``, whole or sabotaged; what it found out."""
    more = {"sabotage": sabotage} if sabotage else {}
    words = ["--home", str(world.home), "endpoint", "resume", "portal", "--json"]
    command = Child.start(world._launcher, "hub", words, world.home, "resume", {}, **more)
    assert command.ended(3 * DEADLINE) == 0, command.err.read_text(encoding="utf-8")[-1500:]
    found: dict[str, int] = json.loads(command.out.read_text(encoding="utf-8"))["after_restore"]
    return found


def record_of(world: World) -> list[Acknowledged]:
    """Each record once, in the order of its first receipt, with its last receipt."""
    return list({(one.code, one.mark): one for one in world.sender.record}.values())


def played(world: World, sabotage: str | None = None) -> tuple[Verdict, str]:
    """Load, backup, more load, kill, restore, everything again, and rest; the verdict and its figures."""
    assert world.sender
    world.plant("*", "slow", seconds=0.01, times=None)  # so that the kill finds calls under way and a backlog
    world.start_hub()
    numbered = lives(31, RECORDS)
    told = [next(numbered)[1] for _ in range(DOSSIERS)]
    load = Load(world, told)
    everything = DOSSIERS * RECORDS
    file = str(world.folder / "hub.backup")
    with ThreadPoolExecutor(SENDERS) as pool:
        sending = [pool.submit(load.send, number) for number in range(SENDERS)]
        until("a third is sent", lambda: len(load.acknowledged) > everything // 3)
        since, steps_before = set(load.acknowledged), steps_at(world)
        code, said = world.shell("backup", file)
        assert code == 0, said
        during = len(load.acknowledged) - len(since)
        until("more is sent", lambda: len(load.acknowledged) > everything * 3 // 4)
        until("steps went out after the backup", lambda: steps_at(world) > steps_before + 30)
        acknowledged = len(load.acknowledged)
        world.kill_hub()
        for one in sending:
            one.result()
    steps_after = steps_at(world)
    assert restored_elsewhere(world, file)["rows"]["arrivals"] >= len(since)
    world.start_hub()
    repeated = load.again(since)
    assert steps_at(world) == steps_after, "the restored hub sent something before it was resumed"
    found = resumed(world, sabotage)
    for code, life in itertools.islice(numbered, 3):
        for record in life:
            world.sender.send(record)
        assert code
    held: set[str] = set()

    def done() -> bool:
        until("nothing moves", world.nothing_moves, seconds=60, pause=0.1)
        letters = world.dead()
        if sabotage:
            return True
        assert {(one.get("code"), one["stream"]) for one in letters} <= {("in_doubt", "dossier-progress")}, letters
        held.update(one["delivery"] for one in letters)
        world.decide(letters, record_of(world))
        return not letters

    until("no dead letters", done, seconds=120)
    verdict = judge(record_of(world), world.state())
    figures = (
        f"acknowledged_before_backup={len(since)} during_backup={during} before_kill={acknowledged} "
        f"sent_again={repeated} steps_sent_after_backup={steps_after - steps_before} found={found} "
        f"steps_held_in_doubt={len(held)} effects_due={2 * len(record_of(world))} {verdict}"
    )
    assert sabotage or found["hold"] == len(held), "a step is in doubt that the restore did not name"
    return verdict, figures


@pytest.mark.timeout(300)
def test_a_backup_restored_elsewhere_continues(new_world: Callable[..., World]) -> None:
    """0 lost, 0 doubled, 0 out of order: states are asked for, steps that may have gone are held, the rest goes by itself."""
    verdict, figures = played(new_world())
    print(f"\n{figures}")
    assert verdict.clean, verdict


@pytest.mark.timeout(300)
def test_a_restore_that_forgets_is_seen(new_world: Callable[..., World]) -> None:
    """A hub that takes nothing to be in doubt after a restore doubles, and the same verdict says so."""
    verdict, figures = played(new_world(), sabotage="forgets_the_restore")
    print(f"\n{figures}")
    assert verdict.doubled, verdict
