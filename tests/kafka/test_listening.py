"""A topic for one use: made, read from beginning to end, deleted; at Apache Kafka itself and at a simulated cluster."""

from __future__ import annotations

import asyncio

import pytest

from connectors.kafka.config import KafkaConfig
from connectors.kafka.listening import OwnTopic, Record
from hub.errors import NotConnected
from hub.message import new_id
from kafka.broker import Broker, Given
from kafka.parts import Source


def topic_at(address: str, name: str, seconds: float = 20.0) -> OwnTopic:
    told = {"brokers": address.split(","), "tls": False, "connect_timeout": 1, "events": {"topic": name, "source": "urn:x"}}
    return OwnTopic(KafkaConfig.model_validate(told), name, seconds)


async def read_back(address: str, name: str) -> OwnTopic:
    topic = topic_at(address, name)
    await topic.make()
    assert await topic.records() == []
    source = Source(address)
    for number in range(50):
        source.put(name, f"{number}".encode(), f"d-{number % 5}", {"ce_id": f"{number}"})
    source.flush()
    records = await topic.records()
    assert sorted(int(one.value) for one in records) == list(range(50))
    assert records == sorted(records, key=lambda one: (one.partition, one.offset))
    of_one = [one for one in records if one.key == b"d-3"]
    assert [int(one.value) for one in of_one] == list(range(3, 50, 5)), "one key is in one partition, in its order"
    first = of_one[0]
    assert first == Record(first.partition, first.offset, b"d-3", b"3", {"ce_id": "3"})
    return topic


async def test_a_topic_at_apache_kafka(broker: Broker | Given) -> None:
    """It is made with several partitions, and gone when it was deleted."""
    name = f"t-{new_id()}"
    topic = await read_back(broker.address, name)
    there = broker.admin.list_topics(timeout=10).topics
    assert len(there[name].partitions) == 3
    await topic.delete()
    async with asyncio.timeout(20):
        while name in await asyncio.to_thread(lambda: broker.admin.list_topics(timeout=10).topics):
            await asyncio.sleep(0.05)


async def test_a_topic_at_a_simulated_cluster(mock_cluster: str) -> None:
    """It makes a topic that is asked for, and knows no order to delete one."""
    topic = await read_back(mock_cluster, f"t-{new_id()}")
    await topic.delete()


async def test_who_listens_and_says_nothing_is_given_up() -> None:
    """A port that takes connections and never answers: an error in time, for each of the calls."""

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    async with server:
        topic = topic_at(f"127.0.0.1:{server.sockets[0].getsockname()[1]}", "t", seconds=0.5)
        for call in (topic.make, topic.records, topic.delete):
            with pytest.raises(NotConnected):
                await call()
