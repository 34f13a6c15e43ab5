"""What happens to topics in their life: two hubs share them, the broker restarts, a hub stands still. 0 lost, 0 doubled."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer
from files.parts import running
from flow.parts import MovableClock

from connectors.kafka.membership import Membership
from connectors.kafka.partition import Partition
from connectors.kafka.receiving import Receiving
from hub.app import Hub
from hub.assembly import assemble
from hub.errors import StoreUnavailable
from hub.message import new_id
from hub.store.sql import SqlStore
from kafka.broker import Broker, Given
from kafka.parts import Source, Topics, Verdict, all_of, committed, lives, make_topic, record, until, verdict

MANY = 100_000 if os.environ.get("SOAK") == "1" else 5_000
RESTARTED = MANY if os.environ.get("SOAK") == "1" else 500
SECONDS = 1500.0 if os.environ.get("SOAK") == "1" else 60.0


def two_homes(tmp_path: Path, broker: Broker | Given, topic: str) -> tuple[Topics, Topics]:
    """Each with a store of its own, both in one group."""
    group = f"g-{new_id()}"
    return Topics(tmp_path / "a", broker.settings, topic, group=group), Topics(
        tmp_path / "b", broker.settings, topic, group=group
    )


def put_all(address: str, topic: str, told: Iterable[dict[str, Any]]) -> None:
    Source(address).told(topic, told)


@pytest.mark.timeout(1200)
async def test_two_hubs_share_a_group(broker: Broker | Given, tmp_path: Path) -> None:
    """Under way, a second hub takes partitions over, and then the first leaves and the second has all."""
    topic = make_topic(broker.admin, 6)
    first, second = two_homes(tmp_path, broker, topic)
    told = lives(MANY // 10, 10)
    async with AsyncExitStack() as second_runs:
        async with running(first):
            await asyncio.to_thread(put_all, broker.address, topic, told[: MANY // 2])
            await until(lambda: first.count() > MANY // 10, SECONDS)
            await second_runs.enter_async_context(running(second))
            await until(lambda: first.count() + second.count() >= MANY // 2, SECONDS)
            await asyncio.to_thread(put_all, broker.address, topic, told[MANY // 2 : MANY * 9 // 10])
            await until(lambda: second.count() > 0, SECONDS)
        await asyncio.to_thread(put_all, broker.address, topic, told[MANY * 9 // 10 :])
        await until(lambda: sum(committed(broker.address, first.group, topic, 6)) == MANY, SECONDS)
    print(f"two hubs: {first.count()} + {second.count()} records, {verdict(told, first, second)}")
    assert verdict(told, first, second) == Verdict()


@pytest.mark.timeout(2400)
async def test_the_broker_restarts(own_broker: Broker, tmp_path: Path) -> None:
    """It is killed while records come in and go out, and comes back: each once in the hub, each once in the other topic."""
    count = RESTARTED
    topic, out = make_topic(own_broker.admin), make_topic(own_broker.admin)
    told = lives(count // 5, 5)
    home = Topics(tmp_path, own_broker.settings, topic, out, write={"timeout": 60}, session_seconds=30)
    async with running(home):
        await asyncio.to_thread(put_all, own_broker.address, topic, told[: count // 2])
        await until(lambda: home.count() > count // 8, SECONDS)
        own_broker.stop()
        await asyncio.to_thread(own_broker.start)
        await asyncio.to_thread(put_all, own_broker.address, topic, told[count // 2 :])
        await until(lambda: home.delivered() == count, SECONDS)
        print(f"broker restarted: {home.count()} in, {home.delivered()} out, {verdict(told, home)}")
    assert verdict(told, home) == Verdict()
    written = all_of(own_broker.address, out, count)
    assert len({dict(one.headers())["ce_id"] for one in written}) == len(written) == count


@pytest.mark.parametrize("asks", [True, False], ids=["asks", "sabotaged"])
async def test_who_lost_its_place_takes_nothing_in(
    broker: Broker | Given, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asks: bool
) -> None:
    """It has read records, and then another has them by its name in the group, as when a machine slept for too long. Asked
    again after half a session, the brokers no longer know the hub: it takes in none of them. One that does not ask does."""
    topic = make_topic(broker.admin, 1)
    home = Topics(tmp_path, broker.settings, topic, session_seconds=20)
    source = Source(broker.address)
    source.told(topic, lives(20, 5))
    tried, away, honest = 0, True, SqlStore.accept

    async def accept(store: SqlStore, plan: Any) -> Any:
        nonlocal tried
        tried += 1
        if away:
            raise StoreUnavailable("locked")
        return await honest(store, plan)

    async def never_asks(self: Membership, place: Any) -> bool:
        return True

    monkeypatch.setattr(SqlStore, "accept", accept)
    if not asks:
        monkeypatch.setattr(Membership, "is_ours", never_asks)
    clock = MovableClock()
    hub = Hub(assemble(home.home), clock)
    await hub.start()
    try:
        await until(lambda: tried > 20)
        name = (home.home / "var" / "kafka" / "land.member").read_text()
        await asyncio.to_thread(taken_by_another, broker.address, home.group, name, topic, 100)
        clock.advance(11)
        away = False
        source.told(topic, [record("last")])
        await until(lambda: home.count() > 0 and committed(broker.address, home.group, topic, 1) == [101], 30)
        assert home.count() == (1 if asks else 101)
    finally:
        await hub.stop()


def taken_by_another(address: str, group: str, name: str, topic: str, count: int) -> None:
    """Somebody else has the hub's place in the group, and takes all that is there."""
    told = {
        "bootstrap.servers": address, "group.id": group, "group.instance.id": name, "auto.offset.reset": "earliest",
        "enable.auto.commit": False, "partition.assignment.strategy": "roundrobin", "log_level": 0,
    }  # fmt: skip
    other = Consumer(told)
    try:
        other.subscribe([topic])
        last = other.consume(count, timeout=20)[-1]
        assert last.offset() == count - 1
        other.commit(last, asynchronous=False)
    finally:
        other.close()


async def test_asking_commits_no_more_than_is_stored(
    broker: Broker | Given, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It asks by committing where it stands, again and again while the store takes nothing, and ends then: all comes again."""
    topic = make_topic(broker.admin, 1)
    home = Topics(tmp_path, broker.settings, topic, session_seconds=20)
    told = lives(20, 5)
    put_all(broker.address, topic, told)
    tried = 0
    clock = MovableClock()

    async def accept(store: SqlStore, plan: Any) -> Any:
        nonlocal tried
        tried += 1
        clock.advance(11)
        raise StoreUnavailable("locked")

    with monkeypatch.context() as patched:
        patched.setattr(SqlStore, "accept", accept)
        patched.setattr("connectors.kafka.receiving._PAUSE", 0.05)
        hub = Hub(assemble(home.home), clock)
        await hub.start()
        await until(lambda: tried > 40)
        assert committed(broker.address, home.group, topic, 1) == [0]
        await hub.stop()
    async with running(home):
        await until(lambda: home.count() == 100)
    assert verdict(told, home) == Verdict()


async def test_a_hub_ends_though_the_broker_says_nothing(own_broker: Broker, tmp_path: Path) -> None:
    """With records under way both ways. Nothing of that is lost or doubled: it comes again, or is held."""
    topic, out = make_topic(own_broker.admin), make_topic(own_broker.admin)
    told = lives(40, 3)
    put_all(own_broker.address, topic, told)
    home = Topics(tmp_path, own_broker.settings, topic, out, session_seconds=30, write={"timeout": 1})
    drain = (home.home / "config.yaml").read_text() + "drain_seconds: 1\n"
    home.write("config.yaml", drain)
    async with running(home):
        await until(lambda: home.delivered() > 10)
        own_broker.freeze()
        await until(lambda: home.count() > 0)
        began = asyncio.get_running_loop().time()
    took = asyncio.get_running_loop().time() - began
    own_broker.thaw()
    assert took < 15, took
    async with running(home):
        await until(lambda: home.count() == 120)
    assert verdict(told, home) == Verdict()


# ── a proof that cannot go red is none


async def test_offsets_before_the_store(broker: Broker | Given, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sabotage: offsets are committed before the store has the records, and the hub ends: some are lost, and it is seen."""
    topic = make_topic(broker.admin)
    told = lives(10, 5)
    home = Topics(tmp_path, broker.settings, topic)
    put_all(broker.address, topic, told)

    async def early(self: Partition, records: Any) -> bool:
        self.done = records[-1].offset + 1
        self._advanced()
        await asyncio.sleep(1)
        return True

    with monkeypatch.context() as patched:
        patched.setattr(Partition, "_batch", early)
        async with running(home):
            await until(lambda: sum(committed(broker.address, home.group, topic)) == 50)
    put_all(broker.address, topic, [record("last")])
    async with running(home):
        await until(lambda: home.count() > 0)
    assert verdict(told, home).lost == 50


async def test_without_a_key(broker: Broker | Given, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sabotage: what a record is known by is another each time, and it is read again: it is doubled, and it is seen."""
    topic = make_topic(broker.admin)
    told = lives(5, 3)
    put_all(broker.address, topic, told)
    home = Topics(tmp_path, broker.settings, topic)
    monkeypatch.setattr("connectors.kafka.cloud_events.as_key", lambda kind, text: new_id())
    for group in (home.group, "again"):
        home.write("config.yaml", (home.home / "config.yaml").read_text().replace(home.group, f"{home.group}{group}"))
        home.group = f"{home.group}{group}"
        async with running(home):
            await until(lambda: sum(committed(broker.address, home.group, topic)) == 15)
    assert verdict(told, home).doubled == 15


async def test_poison_that_blocks(broker: Broker | Given, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sabotage: what cannot be taken is tried for ever: what stands behind it does not come, and it is seen."""
    topic = make_topic(broker.admin, 1)
    source = Source(broker.address)
    source.put(topic, b"no json", "one")
    source.put(topic, record("one"))
    source.flush()
    home = Topics(tmp_path, broker.settings, topic)

    async def refuse(self: Receiving, record: Any, problems: Any) -> None:
        raise StoreUnavailable("gone")

    with monkeypatch.context() as patched:
        patched.setattr(Receiving, "_refuse", refuse)
        async with running(home):
            with pytest.raises(AssertionError):
                await until(lambda: home.count() == 1, 1.5)
    async with running(home):
        await until(lambda: home.count() == 1)


async def test_a_hand_over_without_a_commit(broker: Broker | Given, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sabotage: partitions are handed over and nothing is committed: the other hub reads all again, and it is seen."""
    topic = make_topic(broker.admin, 2)
    first, second = two_homes(tmp_path, broker, topic)
    told = lives(20, 3)
    put_all(broker.address, topic, told)

    async def none(self: Membership) -> None: ...

    monkeypatch.setattr(Membership, "_commit", none)
    async with running(first):
        await until(lambda: first.count() == 60)
        async with running(second):
            await until(lambda: second.count() > 0)
    assert verdict(told, first, second).doubled > 0
