"""What must be told to read from topics of Apache Kafka, and to write to them."""

from __future__ import annotations

import re
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr, field_validator, model_validator

from connectors.outcomes.schemas import Reference, entry_for
from hub.connector import ConnectorConfig
from hub.message import SchemaRef

_TOPIC = re.compile(r"[A-Za-z0-9._-]{1,249}")
_BROKER = re.compile(r"(?:[A-Za-z0-9._-]+|\[[0-9a-fA-F:]+\]):[0-9]{1,5}")
_SYSTEM = r"^[a-z0-9][a-z0-9._-]{0,99}$"
_SENDER = r"^[a-z0-9][a-z0-9._-]{0,63}$"


def _topic(text: str) -> str:
    if not _TOPIC.fullmatch(text) or text in (".", ".."):
        raise ValueError("a topic is 1 to 249 letters, digits, dots, dashes and underscores")
    return text


def _broker(text: str) -> str:
    if not _BROKER.fullmatch(text) or not 0 < int(text.rpartition(":")[2]) < 65536:
        raise ValueError("a broker is written HOST:PORT, such as kafka-1.example.vn:9093")
    return text


Topic = Annotated[str, AfterValidator(_topic)]
Broker = Annotated[str, AfterValidator(_broker)]


class SaslConfig(ConnectorConfig):
    """How the hub says who it is."""

    mechanism: Literal["plain", "scram-sha-256", "scram-sha-512"] = Field("scram-sha-512", description="as the brokers ask for")
    username: str = Field(min_length=1, description="the hub's own account at the brokers")
    password: SecretStr = Field(description="its password: ${env:…} or ${file:…}")


class TopicConfig(ConnectorConfig):
    """What the records of one topic are."""

    schema_: Reference | None = Field(None, alias="schema", description="the source schema of its records, id@major")
    types: dict[str, Reference] = Field(
        default_factory=dict, description="ce_type of a CloudEvent → its source schema; others are of schema, if that is said"
    )
    sender: str | None = Field(
        None, pattern=_SENDER, description="the sender that the arrivals are of; the endpoint's name when not said"
    )
    id_header: str | None = Field(
        None, min_length=1, description="the header with the sender's id of a record that is no CloudEvent"
    )
    ordered_by: Literal["key", "partition"] = Field(
        "key",
        description="key: records of one key come one after the other (the key must be the dossier, or what all its records "
        "share); partition: all records of a partition do, which is slower",
    )

    @model_validator(mode="after")
    def _says_what_they_are(self) -> TopicConfig:
        if self.schema_ is None and not self.types:
            raise ValueError("say the schema of its records, or by types that of each type of event")
        return self

    def schema_of(self, event_type: str | None) -> Reference | None:
        """The source schema of an event of this type (None: of a record without); None where nothing is said of it."""
        return self.types.get(event_type or "", self.schema_)


class ReadConfig(ConnectorConfig):
    """Topics that are read."""

    group: str = Field(min_length=1, max_length=200, description="the consumer group, in which the brokers keep how far it is")
    topics: dict[Topic, TopicConfig] = Field(min_length=1, description="topic → what its records are")
    start: Literal["earliest", "latest"] = Field(
        "earliest", description="where a group begins that the brokers do not know yet: with what is there, or what comes"
    )
    session_seconds: float = Field(
        45.0, ge=6, le=1800,
        description="a hub that was silent so long loses its partitions to the others of its group; one that is killed and "
        "comes back earlier goes on with its own",
    )  # fmt: skip
    folder: Path = Field(
        Path("var/kafka"),
        validate_default=True,
        description="folder for records that the hub refused, with the reasons, and for the hub's own name in the group",
    )


class WriteConfig(ConnectorConfig):
    """Topics that messages go to."""

    topics: dict[Reference, Topic] = Field(min_length=1, description="partner schema (id@major) of a message → its topic")
    source: str = Field(
        pattern=r"^\S{1,200}$", description="ce_source of the events, a URI of this hub: urn:example:province:hub"
    )
    type_prefix: str = Field("dossier-hub.", pattern=r"^\S{0,100}$", description="ce_type is this and the schema's id@major")
    key: str | None = Field(
        None, pattern=_SYSTEM,
        description="the code system whose code of the dossier is the record's key; the hub's own id of it when not said. A "
        "dossier without such a code is refused: with another key it would come to another partition",
    )  # fmt: skip
    timeout: float = Field(30.0, gt=0, le=600, description="seconds to wait until the brokers have a record")
    max_bytes: int = Field(1_000_000, ge=1_000, description="the largest record, as the brokers and the topic allow it")

    def topic_for(self, schema: SchemaRef) -> Topic | None:
        """Where a message of this schema goes."""
        return entry_for(self.topics, schema)


class EventsConfig(ConnectorConfig):
    """The topic of the hub's own events (config.yaml: events.to)."""

    topic: Topic = Field(description="the topic; each event's key is the hub's own id of its dossier")
    source: str = Field(pattern=r"^\S{1,200}$", description="ce_source, a URI of this hub: urn:example:province:hub")
    type_prefix: str = Field("dossier-hub.", pattern=r"^\S{0,100}$", description="ce_type is this and the event's type")
    timeout: float = Field(30.0, gt=0, le=600, description="seconds to wait until the brokers have what was sent at once")
    max_bytes: int = Field(1_000_000, ge=500_000, description="the largest record, as the brokers and the topic allow it")


class KafkaConfig(ConnectorConfig):
    """One Kafka cluster, reached with one account: what is read there, what is written, or both."""

    brokers: tuple[Broker, ...] = Field(min_length=1, description="some of its brokers, HOST:PORT; they tell of the others")
    tls: bool = Field(True, description="encrypted, and the brokers' names checked; false only where no one else can listen")
    ca_file: Path | None = Field(
        None, description="PEM file of the authorities to trust instead of the system's; checking has no off switch"
    )
    client_certificate: Path | None = Field(None, description="PEM file of our certificate, if the brokers ask")
    client_key: Path | None = Field(None, description="PEM file of that certificate's key, if it is not in the same file")
    sasl: SaslConfig | None = Field(None, description="how the hub signs in; not at all when not said")
    connect_timeout: float = Field(10.0, gt=0, le=120, description="seconds for one question to a broker")
    read: ReadConfig | None = Field(None, description="topics that are read")
    write: WriteConfig | None = Field(None, description="topics that messages go to")
    events: EventsConfig | None = Field(None, description="the topic of the hub's own events")

    @field_validator("brokers")
    @classmethod
    def _each_once(cls, brokers: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(brokers)) != len(brokers):
            raise ValueError("the same broker twice")
        return brokers

    @model_validator(mode="after")
    def _fits_together(self) -> KafkaConfig:
        if self.read is None and self.write is None and self.events is None:
            raise ValueError("say what is read (read), what is written (write), or where events go (events)")
        if not self.tls and (self.ca_file or self.client_certificate or self.client_key):
            raise ValueError("certificates are named, and tls is off")
        if not self.tls and self.sasl is not None and self.sasl.mechanism == "plain" and not all(map(_is_here, self.brokers)):
            raise ValueError("sasl plain sends the password as it is: switch tls on, or use scram-sha-512")
        return self

    def topics(self) -> set[str]:
        """Every topic that is read or written."""
        return {*(self.read.topics if self.read else ()), *self.written()}

    def written(self) -> set[str]:
        """Every topic that is written."""
        return {*(self.write.topics.values() if self.write else ()), *([self.events.topic] if self.events else ())}


def _is_here(broker: str) -> bool:
    host = broker.rpartition(":")[0].strip("[]")
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
