"""Kills, brokers that go away and operators that pause: the listener loses nothing, and the exchange never waits for it."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import structlog
from files.parts import running
from kafka.broker import Broker
from kafka.halts import MARK
from kafka.parts import make_topic, record, until
from seams.processes import Child, Launcher
from seams.processes import until as until_now
from seams.world import rounds

from events.halts import SEAMS
from events.parts import STREAM, EventBox, Follower, following, knows_ledger, knows_states, shell
from hub.events.publishing import Publishing
from hub.message import new_id

ROUNDS = rounds(2, 20)
pytestmark = pytest.mark.timeout(600)


def batch(name: str, dossiers: int = 3) -> list[dict[str, Any]]:
    return [record(f"{name}-{one}", number) for number in range(2) for one in range(dossiers)]


class Killed:
    """The process of a home's hub."""

    def __init__(self, box: EventBox, launcher: Launcher) -> None:
        self._box, self._launcher = box, launcher
        self._hub: Child | None = None

    def start(self, **more: Any) -> Child:
        words = ["--home", str(self._box.home), "run"]
        self._hub = Child.start(self._launcher, "hub", words, self._box.home, "hub", {}, **more)
        return self._hub

    def kill(self) -> None:
        if self._hub is not None:
            self._hub.kill()

    def killed_at(self, seam: str) -> None:
        """It starts, comes to the seam, and is killed there."""
        mark = self._box.home / MARK
        mark.unlink(missing_ok=True)
        self.start(sabotage=seam)
        until_now(f"it is at {seam}", mark.exists)
        self.kill()

    def runs_until_told(self, follower: Follower, arrivals: int) -> None:
        """It runs until so many arrivals are delivered, and the listener knows all of it."""
        self.start().listening()

        def done() -> bool:
            states = [state for state, _ in self._box.deliveries()]
            return states == ["delivered"] * arrivals and knows_states(follower.listener, self._box)

        follower.until(done, 60)


def test_killed_around_publishing(mock_cluster: str, launcher: Launcher, tmp_path: Path) -> None:
    """Killed before a page is published, and between that and its being forgotten, again and again."""
    box = EventBox(tmp_path, mock_cluster)
    hub, count = Killed(box, launcher), 0
    with following(mock_cluster, box.topic) as follower:
        try:
            for once in ROUNDS:
                for seam in (one.__name__ for one in SEAMS):
                    told = batch(f"{once}-{seam}")
                    box.tell(f"{seam}-{once}.jsonl", *told)
                    count += len(told)
                    hub.killed_at(seam)
                    follower.listen()
            hub.runs_until_told(follower, count)
        finally:
            hub.kill()
        assert follower.listener.skipped >= len(ROUNDS), "what was published and not forgotten came again"
        assert sorted(follower.listener.messages) == sorted(one for (one,) in box.look("select id from messages"))
        codes = box.codes()
        assert knows_ledger(follower.listener, box.home, codes[:: max(1, len(codes) // 4)])


def test_killed_while_it_tells_what_was_there(mock_cluster: str, launcher: Launcher, tmp_path: Path) -> None:
    """The stream is switched on later, over more dossiers than are told at once; ``hub events again`` tells all once more."""
    box = EventBox(tmp_path, mock_cluster)
    config = (box.home / "config.yaml").read_text()
    box.write("config.yaml", config.partition("events:\n  to:")[0])
    hub, many = Killed(box, launcher), 120
    try:
        box.tell("before.jsonl", *(record(f"d-{one}") for one in range(many)))
        hub.start().listening()
        until_now("all is delivered", lambda: [one for one, _ in box.deliveries()] == ["delivered"] * many)
        hub.kill()
        assert box.events_waiting() == 0
        box.write("config.yaml", config)
        hub.killed_at("halts_while_it_tells_what_was_there")
        box.tell("beside.jsonl", *(record(f"d-{one}", 1) for one in range(0, many, 10)))
        with following(mock_cluster, box.topic) as follower:
            listener = follower.listener
            hub.start()

            def told() -> bool:
                cells = [cell for one in listener.cells.values() for cell in one.values()]
                taken = sum(cell.get("sent_seq") == 2 for cell in cells)
                return len(cells) == many and taken == many // 10

            follower.until(told)
            assert {len(one) for one in listener.codes.values()} == {1} and len(listener.codes) == many
            assert knows_ledger(listener, box.home, ["d-0", "d-1", "d-119"])
            before = listener.heard["dossier.named"]
            shell(box.home, "events", "again", "--why", "a new listener")
            with following(mock_cluster, box.topic) as later:
                follower.until(lambda: listener.heard["dossier.named"] == before + many)
                follower.until(told)
                later.until(lambda: later.listener.cells == listener.cells)
    finally:
        hub.kill()


async def test_the_broker_is_away_and_comes_back(own_broker: Broker, tmp_path: Path) -> None:
    """It restarts under way of one hub, and is away when another starts: messages flow in both all the same, and the events of
    both come when it is back."""
    boxes = [EventBox(tmp_path / name, own_broker.address, make_topic(own_broker.admin)) for name in ("under-way", "start")]
    followers = [Follower(one.address, one.topic, None) for one in boxes]
    first, second = boxes
    try:
        async with running(first):
            first.tell("before.jsonl", *batch("before"))
            await asyncio.to_thread(followers[0].until, lambda: len(followers[0].listener.messages) == 6)
            own_broker.stop()
            try:
                async with running(second):
                    for box in boxes:
                        box.tell("away.jsonl", *batch("away"))
                    await until(lambda: len(first.files()) == 12 and len(second.files()) == 6)
                    await until(lambda: min(one.events_waiting() for one in boxes) > 20)
                    await asyncio.to_thread(own_broker.start)
                    for box, follower in zip(boxes, followers, strict=True):
                        told = partial(knows_states, follower.listener, box)
                        await asyncio.to_thread(follower.until, told, 60)
                        assert await asyncio.to_thread(knows_ledger, follower.listener, box.home, ["away-0", "away-2"])
            except BaseException:
                own_broker.stop()
                own_broker.start()  # for whoever comes after this test
                raise
    finally:
        for follower in followers:
            follower.close()


async def test_a_paused_stream_publishes_nothing(mock_cluster: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Until the operator resumes it; messages flow meanwhile."""
    turns, honest = [0], Publishing._turn

    async def counted(self: Publishing) -> bool:
        turns[0] += 1
        return await honest(self)

    monkeypatch.setattr(Publishing, "_turn", counted)
    box = EventBox(tmp_path, mock_cluster)
    with following(mock_cluster, box.topic) as follower:
        async with running(box):
            await asyncio.to_thread(shell, box.home, "endpoint", "pause", STREAM, "--why", "the topic is being mended")
            seen = turns[0]
            await until(lambda: turns[0] > seen + 1)
            box.tell("a.jsonl", *batch("a"))
            await until(lambda: len(box.files()) == 6)
            seen = turns[0]
            await until(lambda: turns[0] > seen + 1)
            assert await asyncio.to_thread(follower.listen) == 0
            told = await asyncio.to_thread(shell, box.home, "events", "waiting")
            assert told["events"]["waiting"] == box.events_waiting() > 20
            shown = (await asyncio.to_thread(shell, box.home, "status"))["events"]
            assert told["events"].keys() == shown.keys(), "one screen and the command say the same"
            await asyncio.to_thread(shell, box.home, "endpoint", "resume", STREAM)
            await asyncio.to_thread(follower.until, lambda: knows_states(follower.listener, box) and not box.events_waiting())
            assert len(follower.listener.messages) == 6
            await asyncio.to_thread(shell, box.home, "endpoint", "pause", STREAM, "--why", "once more")
            box.tell("b.jsonl", *batch("b"))
            await until(lambda: len(box.files()) == 12)
        assert box.events_waiting() > 20


async def test_switched_off_what_waits_is_dropped(mock_cluster: str, tmp_path: Path) -> None:
    """A line in the log says how many; nothing is written then. To another endpoint it begins anew, there alone."""
    box = EventBox(tmp_path, mock_cluster)
    whole = (box.home / "config.yaml").read_text()
    async with running(box) as hub:
        await hub.store.pause(STREAM, actor="lan", why="x", now=1)
        box.tell("a.jsonl", *batch("a"))
        await until(lambda: len(box.files()) == 6)
    waiting = box.events_waiting()
    box.write("config.yaml", whole.partition("events:\n  to:")[0])
    with structlog.testing.capture_logs() as lines:
        async with running(box):
            pass
    assert [one["count"] for one in lines if one["event"] == "events_dropped"] == [waiting] and waiting > 0
    async with running(box):
        box.tell("b.jsonl", *batch("b"))
        await until(lambda: len(box.files()) == 12)
        assert box.events_waiting() == 0
    other = f"events-{new_id()}"
    again = whole.replace(f"to: {STREAM}", "to: other").replace(f"  {STREAM}:\n", "  other:\n").replace(box.topic, other)
    box.write("config.yaml", again)
    from kafka.parts import Source

    Source(mock_cluster).make(other)
    async with running(box):
        with following(mock_cluster, other) as follower:
            await asyncio.to_thread(follower.until, lambda: len(follower.listener.cells) == 6)
            assert await asyncio.to_thread(knows_ledger, follower.listener, box.home, ["a-0", "b-2"])


async def test_a_restored_hub(mock_cluster: str, tmp_path: Path) -> None:
    """It publishes when its operator resumes the stream: the listener then has its ledger, and what is sent again goes by the
    names that it has there."""
    box = EventBox(tmp_path / "lost", mock_cluster)
    file = str(tmp_path / "hub.backup")
    with following(mock_cluster, box.topic) as follower:
        listener = follower.listener
        async with running(box):
            box.tell("a.jsonl", *batch("a"))
            await until(lambda: len(box.files()) == 6)
            await asyncio.to_thread(follower.until, lambda: knows_states(listener, box) and len(listener.messages) == 6)
            await asyncio.to_thread(shell, box.home, "backup", file)
            box.tell("b.jsonl", *batch("b"), record("a-1", 7))
            await until(lambda: len(box.files()) == 13)
            await asyncio.to_thread(follower.until, lambda: knows_states(listener, box) and len(listener.messages) == 13)
        other = EventBox(tmp_path / "restored", mock_cluster, box.topic)
        await asyncio.to_thread(shell, other.home, "restore", file)
        async with running(other):
            for name in ("out", STREAM):
                await asyncio.to_thread(shell, other.home, "endpoint", "resume", name)
            codes = ["a-0", "a-1", "a-2"]
            await asyncio.to_thread(follower.until, lambda: knows_ledger(listener, other.home, codes))
            other.tell("b.jsonl", *batch("b"))
            await until(lambda: len(other.codes()) == 6)
            codes += ["b-0", "b-1", "b-2"]
            await asyncio.to_thread(follower.until, lambda: knows_ledger(listener, other.home, codes))
            for code in codes:
                told = await asyncio.to_thread(shell, other.home, "trace", code)
                assert listener.dossier("land", code) == told["dossier"]
