"""Writing the hub's own events: each becomes one record, a CloudEvent in binary mode whose key is the dossier."""

from __future__ import annotations

from collections.abc import Sequence

from connectors.kafka.cloud_events import instant
from connectors.kafka.config import EventsConfig, KafkaConfig
from connectors.kafka.producing import Producing
from hub.connector import Event


class Publishing:
    """``publish`` one call after the other; ``close`` at the end."""

    def __init__(self, config: KafkaConfig, events: EventsConfig) -> None:
        self._events = events
        self._producing = Producing(config, events.timeout, events.max_bytes)

    async def close(self) -> None:
        await self._producing.close()

    async def publish(self, events: Sequence[Event]) -> None:
        """Raises as ``Producing.put_in_order``."""
        said = self._events
        records = [(one.dossier.encode(), one.data, _headers(one, said.source, said.type_prefix)) for one in events]
        await self._producing.put_in_order(said.topic, records)


def _headers(event: Event, source: str, type_prefix: str) -> list[tuple[str, bytes]]:
    """The headers of one of the hub's own events; ``ce_sequence`` is that of the extension "sequence"."""
    said = {
        "ce_specversion": "1.0",
        "ce_id": event.sequence,
        "ce_source": source,
        "ce_type": f"{type_prefix}{event.type}",
        "ce_subject": event.dossier,
        "ce_time": instant(event.at / 1_000_000),
        "ce_sequence": event.sequence,
        "content-type": "application/json",
    }
    return [(name, value.encode()) for name, value in said.items()]
