"""Writing the hub's own events: nothing passes what the brokers refuse, and a producer that died is replaced."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiokafka.errors import KafkaError
from confluent_kafka.admin import AlterConfigOpType, ConfigEntry, ConfigResource

from connectors.kafka.connector import Kafka
from hub.connector import ConnectorContext, Event
from hub.errors import NotConnected, Rejected
from hub.message import system_clock
from kafka.broker import Broker, Given
from kafka.parts import all_of, make_topic


@asynccontextmanager
async def publisher(broker: Broker | Given, topic: str) -> AsyncIterator[Kafka]:
    """A connector that publishes to the topic."""
    told = {**broker.settings, "events": {"topic": topic, "source": "urn:example:hub", "timeout": 10}}
    made = Kafka(Kafka.Config.model_validate(told), ConnectorContext("stream", system_clock))
    await made.open()
    try:
        yield made
    finally:
        await made.close()


def events(*sizes: int, dossier: str = "d-1") -> list[Event]:
    """Of one dossier, each with so many bytes."""
    return [
        Event(f"{1:016d}-{number:016d}", "ledger.changed", dossier, 1, b'{"x":"%s"}' % (b"x" * size))
        for number, size in enumerate(sizes, 1)
    ]


async def test_nothing_passes_what_the_topic_refuses(broker: Broker | Given) -> None:
    """Who listens goes by the largest sequence: were a later event there before, the refused one would be skipped when it comes
    at last."""
    topic = make_topic(broker.admin, 1, **{"max.message.bytes": "20000"})
    told = events(10, 30_000, 20, 30)
    async with publisher(broker, topic) as stream:
        for _ in range(3):
            with pytest.raises(Rejected, match="record_refused"):
                await stream.publish(told)
        admin = broker.admin
        larger = ConfigEntry("max.message.bytes", "100000", incremental_operation=AlterConfigOpType.SET)
        resource = ConfigResource(ConfigResource.Type.TOPIC, topic, incremental_configs=[larger])
        for done in admin.incremental_alter_configs([resource]).values():
            done.result(20)
        await stream.publish(told)
    heard, largest = [], ""
    for one in all_of(broker.address, topic, len(told)):
        sequence = dict(one.headers())["ce_sequence"].decode()
        if sequence > largest:
            heard, largest = [*heard, sequence], sequence
    assert heard == [one.sequence for one in told]


async def test_many_of_many_dossiers_in_order(broker: Broker | Given) -> None:
    """More than one batch of each partition."""
    topic = make_topic(broker.admin)
    told = [one for group in zip(*(events(*[400] * 100, dossier=f"d-{n}") for n in range(5)), strict=True) for one in group]
    async with publisher(broker, topic) as stream:
        await stream.publish(told)
        await stream.publish([])
    heard: dict[bytes, list[str]] = {}
    for one in all_of(broker.address, topic, len(told)):
        heard.setdefault(one.key(), []).append(dict(one.headers())["ce_sequence"].decode())
    assert len(heard) == 5 and all(len(one) == 100 and one == sorted(one) for one in heard.values())


async def test_a_producer_that_has_died_is_replaced(broker: Broker | Given) -> None:
    """Also when it died with nothing under way."""
    topic = make_topic(broker.admin, 1)
    async with publisher(broker, topic) as stream:
        await stream.publish(events(1))
        assert stream._publishing is not None and stream._publishing._producing._producer is not None
        stream._publishing._producing._producer._message_accumulator.fail_all(KafkaError("its task broke"))
        with pytest.raises(NotConnected):
            await stream.publish(events(1, 2))
        await stream.publish(events(1, 2))
    assert len(all_of(broker.address, topic, 3)) == 3
