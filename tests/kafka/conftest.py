"""Clusters for the tests of topics: librdkafka's simulated one everywhere, and Apache Kafka itself where it is."""

from __future__ import annotations

import gc
import os
import warnings
from collections.abc import Iterator

import pytest
from confluent_kafka import Producer

from kafka.broker import Broker, Given


@pytest.hookimpl(tryfirst=True)  # before the groups are read
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One broker for all tests that want it: they are one worker's."""
    for item in items:
        if {"broker", "own_broker"} & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.xdist_group("kafka"))


@pytest.fixture(scope="session")
def started_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    made = Broker(tmp_path_factory.mktemp("kafka"))
    made.start()
    yield made
    made.stop()


@pytest.fixture(autouse=True)
def forgotten_connections(request: pytest.FixtureRequest) -> Iterator[None]:
    """A connection that aiokafka was making when it was stopped is closed by the collector: here, and in no other test. It
    takes its time: not in a module whose CONNECTS says that nothing is connected to."""
    connects = getattr(request.module, "CONNECTS", True)
    if connects:
        _collect()
    yield
    if connects:
        _collect()


def _collect() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@pytest.fixture
def own_broker(request: pytest.FixtureRequest) -> Broker:
    """Apache Kafka, running; a test that stops it starts it again."""
    made: Broker = request.getfixturevalue("started_broker")
    return made


@pytest.fixture
def broker(request: pytest.FixtureRequest) -> Broker | Given:
    """Apache Kafka: the one that the environment names, else our own. Nobody stops it."""
    given = os.environ.get("KAFKA_BOOTSTRAP_SERVERS")
    return Given(given) if given else request.getfixturevalue("started_broker")


@pytest.fixture(scope="module")
def mock_cluster() -> Iterator[str]:
    """librdkafka's simulated cluster: its brokers' addresses."""
    keeper = Producer({"bootstrap.servers": "simulated", "test.mock.num.brokers": 3, "log_level": 0})
    yield ",".join(f"{one.host}:{one.port}" for one in keeper.list_topics(timeout=10).brokers.values())
    keeper.flush(1)
