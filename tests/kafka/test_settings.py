"""Settings of a cluster, found wrong before it is called; and what stands in headers."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from connectors.kafka import cloud_events
from connectors.kafka.config import KafkaConfig
from connectors.kafka.connector import Kafka
from hub.connector import ConnectorContext
from hub.errors import BadConfig
from hub.message import Message, SchemaRef, system_clock

CONNECTS = False
READ = {"group": "g", "topics": {"land.dossiers": {"schema": "record@1"}}}
WRITE = {"source": "urn:x", "topics": {"note@1": "out"}}
GOOD: dict[str, Any] = {"brokers": ["kafka-1.example.vn:9093"], "read": READ}
SASL = {"mechanism": "plain", "username": "u", "password": "bí-mật-của-trục"}


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"brokers": []}, "at least 1"),
        ({"brokers": ["kafka"]}, "HOST:PORT"),
        ({"brokers": ["kafka:99999"]}, "HOST:PORT"),
        ({"brokers": ["k:1", "k:1"]}, "twice"),
        ({"read": None}, "say what is read"),
        ({"read": {**READ, "topics": {}}}, "at least 1"),
        ({"read": {**READ, "topics": {"a b": {"schema": "record@1"}}}}, "a topic is"),
        ({"read": {**READ, "topics": {"t": {}}}}, "say the schema"),
        ({"read": {**READ, "topics": {"t": {"schema": "record"}}}}, "id@version"),
        ({"read": {**READ, "session_seconds": 1}}, "greater than or equal to 6"),
        ({"write": {**WRITE, "source": "a b"}}, "pattern"),
        ({"tls": False, "ca_file": "ca.pem"}, "tls is off"),
        ({"tls": False, "sasl": SASL}, "sends the password as it is"),
    ],
)
def test_settings_that_cannot_be(more: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says) as caught:
        KafkaConfig.model_validate({**GOOD, **more})
    assert SASL["password"] not in str(caught.value)


def test_settings_that_can_be() -> None:
    """Without TLS a password may go to this machine, and nowhere else; addresses may be of IPv6. It is never shown."""
    here = {"brokers": ["127.0.0.1:9092", "localhost:1", "[::1]:2"], "tls": False, "sasl": SASL}
    config = KafkaConfig.model_validate({**GOOD, **here})
    assert SASL["password"] not in repr(config) and SASL["password"] not in config.model_dump_json()
    KafkaConfig.model_validate({**GOOD, "tls": False, "sasl": {**SASL, "mechanism": "scram-sha-512"}})


def problems(config: dict[str, Any], *sent: str) -> list[tuple[str, str]]:
    known = {"note@1": {}}
    found = Kafka.problems(KafkaConfig.model_validate(config), sent, known.get)
    return [(one.at, one.code) for one in found]


def test_what_hub_check_says() -> None:
    """Routes that lead nowhere, schemas and files that are not there, a topic that would be read and written."""
    assert problems(GOOD) == []
    assert problems(GOOD, "note@1.0.0") == [("write", "no_write")]
    assert problems({**GOOD, "write": WRITE}, "note@1.0.0") == []
    assert problems({**GOOD, "write": WRITE}, "other@1.0.0") == [("write.topics", "no_topic")]
    assert problems({**GOOD, "write": {**WRITE, "topics": {"gone@1": "out"}}}) == [("write.topics.gone@1", "unknown_schema")]
    both = {**GOOD, "write": {**WRITE, "topics": {"note@1": "land.dossiers"}}}
    assert problems(both, "note@1.0.0") == [("read.topics.land.dossiers", "feeds_itself")]
    assert problems({**GOOD, "ca_file": "not-there.pem"}) == [("ca_file", "file_unusable")]


def test_sources_are_named() -> None:
    topic = {"schema": "record@1", "types": {"filed": "slip@1"}}
    config = KafkaConfig.model_validate({**GOOD, "read": {**READ, "topics": {"t": topic}}})
    assert Kafka.sources(config) == {"read.topics.t.schema": "record@1", "read.topics.t.types.filed": "slip@1"}


async def test_certificates_are_read_when_it_opens() -> None:
    config = KafkaConfig.model_validate({**GOOD, "ca_file": "not-there.pem"})
    with pytest.raises(BadConfig, match="not-there"):
        await Kafka(config, ConnectorContext("k", system_clock)).open()


EVENT = [("ce_specversion", b"1.0"), ("ce_source", b"urn:a"), ("ce_id", b"7"), ("ce_type", b"filed")]


@pytest.mark.parametrize(
    ("headers", "key"),
    [
        (EVENT, "event:urn:a 7"),
        ([(name.upper(), value) for name, value in EVENT], "event:urn:a 7"),
        (EVENT[1:], None),  # no CloudEvent
        ([*EVENT[:2], ("ce_id", b"")], None),
        ([*EVENT[:2], ("ce_id", b"\xff")], None),
        ([*EVENT[:2], ("ce_id", None)], None),
        ([], None),
    ],
)
def test_what_names_an_event(headers: Any, key: str | None) -> None:
    assert cloud_events.read(headers).key == key


@pytest.mark.parametrize("event_id", [b"x" * 300, b"a\nb", b"a\0b"])
def test_a_key_fits_every_store(event_id: bytes) -> None:
    """A long one, or one that is not printable, is known by its digest; another is another."""
    key, other = (cloud_events.read([*EVENT[:2], ("ce_id", one)]).key for one in (event_id, event_id + b"!"))
    assert key is not None and key.isprintable() and len(key) < 255 and key != other


def test_an_id_without_a_time_gives_none() -> None:
    message = Message("m-1", "a", "d", 1, SchemaRef.parse("note@1.0.0"), {}, "c")
    assert "ce_time" not in dict(cloud_events.headers_of(message, "urn:x", "", "s"))
