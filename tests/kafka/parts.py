"""A hub in this process whose endpoints are topics, another system that writes to them, and one that reads."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import yaml
from confluent_kafka import Consumer, KafkaException, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic
from files.outbox import Outbox

from hub.message import new_id

Headers = Mapping[str, str | bytes]


def record(code: str, number: int = 0, **more: Any) -> dict[str, Any]:
    """What a system tells of a dossier; ``number`` tells its records apart."""
    return {"code": code, "state": "A", "name": str(number), **more}


async def until(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    """Look again and again, beside the hub that runs in this process; fails after the deadline."""
    end = time.monotonic() + seconds
    while not await asyncio.to_thread(condition):
        assert time.monotonic() < end, f"not within {seconds:g} s"
        await asyncio.sleep(0.02)


def bytes_of(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def make_topic(admin: AdminClient, partitions: int = 3, **config: str) -> str:
    """A topic of its own for one test."""
    name = f"t-{new_id()}"
    for future in admin.create_topics([NewTopic(name, partitions, 1, config=config)]).values():
        future.result(20)
    return name


class Source:
    """Another system that writes to topics; it shares no code with the hub."""

    def __init__(self, address: str, compression: str = "none") -> None:
        told = {
            "linger.ms": 1,
            "log_level": 0,
            "acks": "all",
            "message.max.bytes": 8_000_000,
            "compression.type": compression,
            "enable.idempotence": True,
        }
        self._producer = Producer({"bootstrap.servers": address, **told})

    def put(self, topic: str, value: Any, key: str | None = "", headers: Headers | None = None, partition: int = -1) -> None:
        """A dict goes as JSON, keyed by its code when no key is said."""
        if key == "":
            key = value["code"] if isinstance(value, dict) else None
        data = bytes_of(value) if isinstance(value, dict | list) else value
        while True:
            try:
                self._producer.produce(topic, data, key, headers=dict(headers or {}), partition=partition)
                break
            except BufferError:
                self._producer.poll(0.1)

    def make(self, topic: str) -> str:
        """The topic, made by asking for it, as a simulated cluster does."""
        self._producer.list_topics(topic, timeout=10)
        return topic

    def flush(self) -> None:
        assert self._producer.flush(30) == 0

    def told(self, topic: str, records: Iterable[dict[str, Any]], **more: Any) -> None:
        """All of them, and on disk there."""
        for one in records:
            self.put(topic, one, **more)
        self.flush()


def all_of(address: str, topic: str, want: int, seconds: float = 20.0) -> list[Message]:
    """Everything in a topic, partition by partition, once there are so many at least."""
    reader = Consumer({"bootstrap.servers": address, "group.id": new_id(), "auto.offset.reset": "earliest", "log_level": 0})
    try:
        partitions = [TopicPartition(topic, one, 0) for one in reader.list_topics(topic, timeout=10).topics[topic].partitions]
        end = time.monotonic() + seconds
        while (there := sum(reader.get_watermark_offsets(one, timeout=10)[1] for one in partitions)) < want:
            assert time.monotonic() < end, f"{there} of {want} records"
            time.sleep(0.02)
        reader.assign(partitions)
        found = reader.consume(there, timeout=seconds)
        assert len(found) == there
        return sorted(found, key=lambda one: (one.partition(), one.offset()))
    finally:
        reader.close()


def committed(address: str, group: str, topic: str, partitions: int = 3) -> list[int]:
    """The group's offset of each partition, -1001 where there is none."""
    asker = Consumer({"bootstrap.servers": address, "group.id": group, "log_level": 0})
    places = [TopicPartition(topic, at) for at in range(partitions)]
    end = time.monotonic() + 20
    try:
        while True:
            try:
                return [one.offset for one in asker.committed(places, timeout=10)]
            except KafkaException:  # the coordinator of a broker that has just begun
                assert time.monotonic() < end
                time.sleep(0.05)
    finally:
        asker.close()


class Topics(Outbox):
    """A home that reads records from ``topic``, and writes each as a note to ``out`` if that is given."""

    def __init__(
        self, folder: Path, cluster: Mapping[str, Any], topic: str, out: str | None = None, *, group: str | None = None,
        about: Mapping[str, Any] | None = None, write: Mapping[str, Any] | None = None, **read: Any,
    ) -> None:  # fmt: skip
        super().__init__(folder)
        self.group = group or f"g-{new_id()}"
        topics = {topic: {"schema": "record@1", "sender": "land", **(about or {})}}
        config = yaml.safe_load((self.home / "config.yaml").read_text(encoding="utf-8"))
        reading = {"group": self.group, "topics": topics, "session_seconds": 6, **read}
        config["endpoints"] = {
            "land": {"connector": "kafka", "settings": {**cluster, "read": reading}},
            **({} if out is None else {"out": _writing(config, cluster, out, write or {})}),
        }
        if out is None:
            config["routes"] = {}
        self.write("config.yaml", yaml.safe_dump(config, sort_keys=False))
        self.refused_folder = self.home / "var" / "kafka" / "land"

    def refused(self) -> dict[str, list[str]]:
        """Place → codes of the problems, of every record in the folder of what was refused."""
        found = (json.loads(one.read_bytes()) for one in sorted(self.refused_folder.rglob("*.json")))
        return {f"{one['partition']}/{one['offset']}": [problem["code"] for problem in one["problems"]] for one in found}

    def count(self) -> int:
        """Arrivals in the store."""
        return int(self.look("select count(*) from arrivals")[0][0])

    def delivered(self) -> int:
        """Deliveries that went well."""
        return int(self.look("select count(*) from deliveries where state = 'delivered'")[0][0])

    def numbers(self) -> dict[str, list[int]]:
        """Of each dossier, the numbers of its records in the order in which they were stored."""
        found: dict[str, list[int]] = defaultdict(list)
        for one in self.arrivals():
            found[one["code"]].append(int(one["name"]))
        return dict(found)


def _writing(config: Any, cluster: Mapping[str, Any], out: str, write: Mapping[str, Any]) -> dict[str, Any]:
    settings = {**cluster, "write": {"topics": {"note@1": out}, "source": "urn:example:hub", **write}}
    return {**config["endpoints"]["out"], "connector": "kafka", "settings": settings}


def lives(dossiers: int, records: int, begin: str = "d") -> list[dict[str, Any]]:
    """The records of many dossiers, each record of all before the next of one."""
    return [record(f"{begin}-{one}", number) for number in range(records) for one in range(dossiers)]


@dataclass
class Verdict:
    """What became of the records of some dossiers in the stores of one or more hubs."""

    lost: int = 0
    doubled: int = 0
    out_of_order: int = 0

    @property
    def holds(self) -> bool:
        return self == Verdict()


def verdict(want: Iterable[dict[str, Any]], *homes: Topics) -> Verdict:
    """Each record once in effect in one of the stores, and in each store those of one dossier in their order."""
    found, due = Verdict(), Counter((one["code"], int(one["name"])) for one in want)
    had: Counter[tuple[str, int]] = Counter()
    for home in homes:
        for code, numbers in home.numbers().items():
            had.update((code, number) for number in numbers)
            found.out_of_order += sum(after < before for before, after in pairwise(numbers))
    found.lost = sum((due - had).values())
    found.doubled = sum((had - due).values())
    return found
