"""Writing: each message becomes one record of its schema's topic, a CloudEvent whose key is the dossier."""

from __future__ import annotations

import orjson

from connectors.kafka.cloud_events import headers_of, id_of
from connectors.kafka.config import KafkaConfig, WriteConfig
from connectors.kafka.producing import Producing
from hub.connector import Attempt, Found, Receipt
from hub.errors import NotAsked, Transient
from hub.message import NATIONAL, Message


class Sending:
    """Writes messages; ``find`` tells only of what this run of the hub has written."""

    def __init__(self, config: KafkaConfig, write: WriteConfig) -> None:
        self._write = write
        self._producing = Producing(config, write.timeout, write.max_bytes)

    async def close(self) -> None:
        await self._producing.close()

    async def send(self, message: Message, attempt: Attempt) -> Receipt:
        """One record. Raises as ``Producing.put``, and NotAsked for what cannot be said."""
        topic = self._write.topic_for(message.schema)
        if topic is None:
            raise NotAsked("schema", f"{message.schema}: no topic takes it; name it under write.topics, or mend the route")
        key = message.dossier_id
        if self._write.key is not None:
            key = attempt.known_ids.get(self._write.key, "")
            if not key:
                raise NotAsked("no_code", f"the record's key is the dossier's code of {self._write.key}, and none is known")
        subject = attempt.known_ids.get(NATIONAL) or key
        headers = headers_of(message, self._write.source, self._write.type_prefix, subject)
        value = orjson.dumps(message.body)
        put = await self._producing.put(id_of(message), topic, key.encode(), value, headers)
        return Receipt(reference=f"{put.topic}/{put.partition}/{put.offset}")

    async def find(self, message: Message, attempt: Attempt) -> Found | None:
        """A topic cannot be asked for one record: what an earlier run of the hub sent, nobody can tell."""
        standing = self._producing.standing(id_of(message))
        if standing is False:
            raise Transient("under_way", "the record is still on its way to the brokers")
        return Found(holds=standing)
