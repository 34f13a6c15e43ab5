"""Hubs with an event stream, and one who follows the topic from outside and holds each record against the document."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import jsonschema_rs
import yaml
from confluent_kafka import Consumer, Message, TopicPartition
from files.outbox import Outbox
from flow.parts import MovableClock, Scripted, with_partner
from kafka.parts import Source
from warm_hub import Words

from events.listener import Listener
from events.store_stream import cells
from hub.app import Hub
from hub.assembly import assemble
from hub.message import new_id

HUB = Words("hub")
STREAM = "stream"
SOURCE = "urn:example:hub"
SECONDS = 30.0


def endpoint(address: str, topic: str, **more: Any) -> dict[str, Any]:
    """The endpoint that events go to; it comes back soon after a failure."""
    settings = {
        "brokers": address.split(","), "tls": False, "connect_timeout": 2, "events": {"topic": topic, "source": SOURCE, **more},
    }  # fmt: skip
    return {
        "connector": "kafka", "settings": settings, "retry": {"first_seconds": 0.05, "longest_seconds": 0.2, "attempts": 3},
    }  # fmt: skip


def with_stream(home: Path, address: str, topic: str, *include: str, **more: Any) -> None:
    """The home's events go to this topic from its next start on."""
    path = home / "config.yaml"
    config = yaml.safe_load(path.read_text(encoding="utf-8"))
    config["endpoints"][STREAM] = endpoint(address, topic, **more)
    config["events"] = {"to": STREAM, "include": list(include)}
    path.write_text(yaml.safe_dump(config, sort_keys=False, allow_unicode=True), encoding="utf-8")


def new_topic(address: str) -> str:
    return Source(address).make(f"events-{new_id()}")


class EventBox(Outbox):
    """Records in ``in``, notes in ``out``, events in ``topic``."""

    def __init__(self, folder: Path, address: str, topic: str | None = None, *include: str) -> None:
        super().__init__(folder)
        self.address, self.topic = address, topic or new_topic(address)
        with_stream(self.home, address, self.topic, *include)

    def tell(self, name: str, *records: Mapping[str, Any]) -> None:
        self.put(name, "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in records))

    def events_waiting(self) -> int:
        return int(self.look("select count(*) from events")[0][0])

    def codes(self) -> list[str]:
        """A name of each dossier."""
        return [code for (code,) in self.look("select min(code) from aliases group by dossier_id")]


def ran(*words: str, code: int = 0) -> str:
    """What a ``hub`` command, a process of its own, prints."""
    done = subprocess.run([*HUB, *words], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == code, f"{words}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def shell(home: Path, *words: str, code: int = 0) -> Any:
    """``hub`` on the home; what it says with ``--json``."""
    return json.loads(ran("--home", str(home), *words, "--json", code=code))


def described() -> dict[str, Any]:
    """The AsyncAPI document that ``hub events describe`` prints."""
    found: dict[str, Any] = json.loads(ran("events", "describe"))
    return found


class Document:
    """What the document says of each type of event, as validators."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        parts = {"components": document["components"]}
        self.kinds: dict[str, tuple[Any, Any]] = {}
        for one in document["components"]["messages"].values():
            self.kinds[one["headers"]["properties"]["ce_type"]["const"]] = tuple(
                jsonschema_rs.Draft7Validator({**schema, **parts}, validate_formats=True)
                for schema in (one["headers"], one["payload"]["schema"])
            )

    def hold(self, record: Message) -> None:
        """Raises jsonschema_rs.ValidationError where headers or payload are not as it says."""
        headers = {name: value.decode() for name, value in record.headers() or []}
        of_headers, of_payload = self.kinds[headers["ce_type"]]
        of_headers.validate(headers)
        of_payload.validate(json.loads(record.value() or b""))
        assert headers["ce_id"] == headers["ce_sequence"] and headers["ce_source"] == SOURCE


class Follower:
    """One who follows a topic from its beginning; ``listener`` is what it knows, ``records`` what it got."""

    def __init__(self, address: str, topic: str, document: Document | None) -> None:
        self.listener, self.records = Listener(), list[Message]()
        self._document = document
        self._consumer = Consumer(
            {"bootstrap.servers": address, "group.id": new_id(), "auto.offset.reset": "earliest", "log_level": 0}
        )
        partitions = self._consumer.list_topics(topic, timeout=10).topics[topic].partitions
        self._consumer.assign([TopicPartition(topic, one, 0) for one in partitions])

    def listen(self) -> int:
        """Take what is there; how many records."""
        found = self._consumer.consume(500, timeout=0.05)
        for one in found:
            assert one.error() is None, one.error()
            if self._document is not None:
                self._document.hold(one)
        self.records += found
        self.listener.listen(found)
        return len(found)

    def until(self, condition: Callable[[], Any], seconds: float = SECONDS) -> None:
        """Listen until the condition holds."""
        end = time.monotonic() + seconds
        while self.listen() or not condition():
            assert time.monotonic() < end, f"not within {seconds:g} s; heard {dict(self.listener.heard)}"

    def text(self) -> str:
        """Everything that any record says."""
        return "\n".join(f"{one.key()!r} {one.headers()} {(one.value() or b'').decode()}" for one in self.records)

    def close(self) -> None:
        self._consumer.close()


@contextlib.contextmanager
def following(address: str, topic: str, document: Document | None = None) -> Iterator[Follower]:
    made = Follower(address, topic, document)
    try:
        yield made
    finally:
        made.close()


def box_states(box: EventBox) -> dict[str, Any]:
    """What the hub's tables say of deliveries and arrivals, a claim being one that waits."""
    deliveries = dict(box.look("select id, state from deliveries"))
    return {
        "deliveries": {one: "pending" if state == "claimed" else state for one, state in deliveries.items()},
        "arrivals": dict(box.look("select id, state from arrivals")),
    }


def knows_states(listener: Listener, box: EventBox) -> bool:
    """Whether the listener knows each delivery and arrival as the hub does."""
    return {"deliveries": listener.deliveries, "arrivals": listener.arrivals} == box_states(box)


def knows_ledger(listener: Listener, home: Path, codes: list[str]) -> bool:
    """Whether ``hub trace --json`` shows of each dossier just the ledger that the listener knows."""
    for code in codes:
        told = shell(home, "trace", code)
        if listener.ledger(told["dossier"]) != cells(told["ledger"]):
            return False
    return True


@contextlib.asynccontextmanager
async def beside_partners(home: Path, clock: MovableClock, kind: type[Scripted]) -> AsyncIterator[Hub]:
    """A started hub whose partners are scripted, and whose stream is real."""
    whole = assemble(home)
    scripted = with_partner(whole, kind)
    endpoints = {**scripted.endpoints, STREAM: whole.endpoints[STREAM]}
    hub = Hub(dataclasses.replace(scripted, endpoints=endpoints), clock)
    await hub.start()
    try:
        yield hub
    finally:
        await hub.stop()
