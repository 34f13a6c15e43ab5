"""SIGKILL at each seam of topic intake, and behind a record that was sent: once in effect, in order; nothing lost.

A seam is held open in the hub's process itself (``kafka.halts``). The hub of one round is that of the round before, restarted.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from seams.processes import Child, Launcher
from seams.processes import until as until_now
from seams.world import rounds

from kafka.broker import Broker, Given
from kafka.halts import INTAKE, MARK
from kafka.parts import Source, Topics, Verdict, all_of, committed, lives, make_topic, verdict

ROUNDS = rounds(1, 5)
pytestmark = pytest.mark.timeout(600)


class Killed:
    """The process of a home's hub."""

    def __init__(self, home: Topics, launcher: Launcher) -> None:
        self.home = home
        self._launcher = launcher
        self._hub: Child | None = None

    def start(self, **more: Any) -> None:
        words = ["--home", str(self.home.home), "run"]
        self._hub = Child.start(self._launcher, "hub", words, self.home.home, "hub", {}, **more)
        self._hub.listening()

    def kill(self) -> None:
        if self._hub is not None:
            self._hub.kill()

    def killed_at(self, seam: str) -> None:
        """It starts, comes to the seam, and is killed there."""
        mark = self.home.home / MARK
        mark.unlink(missing_ok=True)
        self.start(sabotage=seam)
        until_now(f"it is at {seam}", mark.exists)
        self.kill()


@pytest.fixture(scope="module")
def launcher() -> Iterator[Launcher]:
    made = Launcher()
    yield made
    made.close()


@contextlib.contextmanager
def killed(home: Topics, launcher: Launcher) -> Iterator[Killed]:
    made = Killed(home, launcher)
    try:
        yield made
    finally:
        made.kill()


def test_topic_intake(broker: Broker | Given, launcher: Launcher, tmp_path: Path) -> None:
    """Killed at each seam, one after the other, with new records each time, poison among them."""
    topic = make_topic(broker.admin)
    source = Source(broker.address)
    home = Topics(tmp_path, broker.settings, topic, session_seconds=30)
    told: list[dict[str, Any]] = []
    count = poison = 0
    with killed(home, launcher) as hub:
        for once in ROUNDS:
            for seam in (one.__name__ for one in INTAKE):
                new = lives(15, 4, f"{seam}-{once}")
                source.told(topic, new[:30])
                source.put(topic, b"no json", new[0]["code"])
                source.told(topic, new[30:])
                told += new
                count, poison = count + len(new) + 1, poison + 1
                before = committed(broker.address, home.group, topic)
                hub.killed_at(seam)
                if seam == "halts_before_offsets_are_committed":
                    assert committed(broker.address, home.group, topic) == before
        hub.start()
        until_now("all is committed", lambda: sum(committed(broker.address, home.group, topic)) == count)
    assert verdict(told, home) == Verdict()
    assert list(home.refused().values()) == [["not_json"]] * poison


@pytest.mark.parametrize("rule", ["resend", "hold"])
def test_behind_a_sent_record(broker: Broker | Given, launcher: Launcher, tmp_path: Path, rule: str) -> None:
    """The topic has the record and the hub does not know: a topic cannot be asked, so the route decides. ``resend``: it is
    there twice, the same to the byte; ``hold``: an operator decides, and what follows in its dossier waits."""
    topic, out = make_topic(broker.admin), make_topic(broker.admin)
    home = Topics(tmp_path, broker.settings, topic, out, session_seconds=30)
    count = 18 * len(ROUNDS)
    path = home.home / "config.yaml"
    path.write_text(path.read_text().replace("to: out", f"to: out\n    in_doubt: {rule}"))
    with killed(home, launcher) as hub:
        for once in ROUNDS:
            Source(broker.address).told(topic, lives(6, 3, f"round-{once}"))
            hub.killed_at("halts_behind_a_sent_record")
        hub.start()
        if rule == "resend":
            until_now("all is delivered", lambda: home.delivered() == count)
        else:
            until_now("all is at rest", lambda: at_rest(home, count) == {"delivered", "dead", "pending"})
            assert {code for state, code in home.deliveries() if state == "dead"} == {"hub_stopped"}
    if rule == "resend":
        written = all_of(broker.address, out, count + len(ROUNDS))  # one at least of each round came again
        times = Counter((dict(one.headers())["ce_id"], one.key(), one.value()) for one in written)
        assert len(times) == len({event for event, _, _ in times}) == count
        first_seen: dict[bytes, list[bytes]] = {}
        for one in written:
            if one.value() not in (seen := first_seen.setdefault(one.key(), [])):
                seen.append(one.value())
        assert all(seen == sorted(seen) for seen in first_seen.values())


def at_rest(home: Topics, count: int) -> set[str]:
    """The states of all deliveries, once each dossier is delivered or waits behind a dead letter; else nothing."""
    query = "select dossier_id, state from deliveries order by dossier_id, seq"
    lanes: dict[str, list[str]] = {}
    for dossier, state in home.look(query):
        lanes.setdefault(dossier, []).append(state)
    whole = all(set(states) == {"delivered"} or "dead" in states for states in lanes.values())
    return {state for states in lanes.values() for state in states} if whole and home.count() == count else set()
