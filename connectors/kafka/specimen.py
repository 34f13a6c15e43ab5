"""How the connector of topics is put to the test: it writes to a simulated cluster, librdkafka's, in this process.

Kafka is not HTTP, so no fault can be played between the two here; tests/kafka has real brokers that are killed, frozen
and restarted. What is left to see: its life, its check, what it sends, and that nothing of a person is said.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from hub.errors import BadConfig, Problem
from hub.testing.specimen import Sample, Specimen

_NAME, _CODE, _TOPIC = "Trần Thị Mẫu Thử", "000.00.10.H22-261121-0001", "dossiers"


def specimen() -> Specimen:
    """A cluster of its own. Raises BadConfig where confluent-kafka is not installed: it comes with the extra ``dev``."""
    _cluster()
    return Specimen(simulator=None, settings=_settings, samples=(_sample("2"), _sample("4")), personal=(_NAME,))


@cache
def _cluster() -> tuple[Any, list[str]]:
    """What keeps the cluster alive, and its brokers."""
    try:
        from confluent_kafka import Producer
    except ImportError:
        text = "its partner here is the simulated cluster of confluent-kafka, which is not installed"
        raise BadConfig([Problem("specimen", "no_cluster", text, "pip install confluent-kafka")]) from None
    keeper = Producer({"bootstrap.servers": "simulated", "test.mock.num.brokers": 1, "log_level": 0})
    known = keeper.list_topics(_TOPIC, timeout=10)  # makes the topic
    return keeper, [f"{one.host}:{one.port}" for one in known.brokers.values()]


def _settings(url: str, folder: Path) -> Mapping[str, Any]:
    write = {"source": "urn:example:hub", "topics": {"npsp-dossier@1": _TOPIC}}
    return {"brokers": _cluster()[1], "tls": False, "write": write}


def _sample(state: str) -> Sample:
    body = {"MaHoSo": _CODE, "ChuHoSo": _NAME, "TrangThaiHoSo": state}
    return Sample("npsp-dossier@1.0.0", body, {"national": _CODE}, full_state=True)
