"""Apache Kafka as a partner: topics that are read, and topics that messages go to."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from connectors.kafka import checks
from connectors.kafka.config import KafkaConfig
from hub.connector import Accept, Attempt, Connector, ConnectorContext, Documents, Event, Found, Receipt
from hub.errors import NotAsked, Problem
from hub.message import Message
from hub.wire.tls import load

if TYPE_CHECKING:
    from connectors.kafka.publishing import Publishing
    from connectors.kafka.sending import Sending


class Kafka(Connector[KafkaConfig]):
    """Reads topics of Apache Kafka, and writes messages to topics.

    Under ``read``: each record becomes an arrival, once in effect, in order per key; offsets are committed when the store has
    what lies below them. Under ``write``: each message of a route becomes a CloudEvent, with an idempotent producer, whose key
    is the dossier. Under ``events``: the hub's own events, in order per dossier, at least once.
    """

    Config = KafkaConfig

    def __init__(self, config: KafkaConfig, context: ConnectorContext) -> None:
        super().__init__(config, context)
        from connectors.kafka.receiving import Receiving  # aiokafka takes 15 MB: every hub loads this class, few have brokers
        from connectors.kafka.sending import Sending

        self._receiving = Receiving(config, config.read, context) if config.read else None
        from connectors.kafka.publishing import Publishing

        self._sending = Sending(config, config.write) if config.write else None
        self._publishing = Publishing(config, config.events) if config.events else None

    @classmethod
    def problems(cls, config: KafkaConfig, sent: Collection[str], documents: Documents) -> Iterable[Problem]:
        """Schemas without a topic, and certificates that cannot be used."""
        return checks.problems(config, sent, documents)

    @classmethod
    def sources(cls, config: KafkaConfig) -> Mapping[str, str]:
        """The schemas of the records that are read."""
        return checks.sources(config)

    async def open(self) -> None:
        """Connections are made when they are needed. Raises BadConfig for certificates that cannot be used."""
        if self.config.tls:
            load(self.config)

    async def close(self) -> None:
        """Let go of the brokers."""
        if self._sending is not None:
            await self._sending.close()
        if self._publishing is not None:
            await self._publishing.close()

    async def check(self) -> None:
        """Do the brokers answer, with this account, and are the topics there? Asks for nothing that could make one."""
        from connectors.kafka.cluster import look

        await look(self.config, self.config.topics())

    async def receive(self, accept: Accept) -> None:
        """Read the topics."""
        if self._receiving is not None:
            await self._receiving.run(accept)

    @classmethod
    def publishes(cls, config: KafkaConfig) -> bool:
        """With a topic for events."""
        return config.events is not None

    async def publish(self, events: Sequence[Event]) -> None:
        """Write the events."""
        await self._for_events().publish(events)

    async def send(self, message: Message, attempt: Attempt) -> Receipt:
        """Write the message."""
        return await self._for_routes().send(message, attempt)

    async def find(self, message: Message, attempt: Attempt) -> Found | None:
        """Whether this run of the hub knows what became of the record."""
        return await self._for_routes().find(message, attempt)

    def _for_events(self) -> Publishing:
        if self._publishing is None:
            raise NotAsked("no_topic", "the settings of this endpoint say no topic for events")
        return self._publishing

    def _for_routes(self) -> Sending:
        if self._sending is None:  # the settings were changed while messages for it were waiting
            raise NotAsked("no_write", "the settings of this endpoint say no topic to write to")
        return self._sending
