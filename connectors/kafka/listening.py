"""A topic for one use, such as a demonstration: made, read from its beginning to its end, and deleted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from aiokafka import AIOKafkaConsumer
from aiokafka import errors as kafka
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from connectors.kafka.cloud_events import texts
from connectors.kafka.cluster import reached, said, unreachable
from connectors.kafka.config import KafkaConfig
from hub.errors import NotConnected

PARTITIONS, MOST_COPIES = 3, 3
_LOOK_SECONDS, _SILENCE_MS = 0.1, 1000
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Record:
    """One record as a listener gets it: where it is, its key and value, and its headers that are text by lower-case name."""

    partition: int
    offset: int
    key: bytes
    value: bytes
    headers: dict[str, str]


class OwnTopic:
    """The topic ``name``, which nobody else uses. Every call ends after ``seconds`` at the latest and raises NotConnected or
    AccountRefused when the brokers do not do it."""

    def __init__(self, config: KafkaConfig, name: str, seconds: float) -> None:
        self._config, self._name, self._seconds = config, name, seconds

    async def make(self) -> None:
        """Returns when each of its partitions has a leader."""
        await self._within(self._make)

    async def delete(self) -> None:
        """Returns when the brokers took the order; those that know no such order keep it."""
        await self._within(self._delete)

    async def records(self) -> list[Record]:
        """All that was in it when it was asked for, partition by partition, each in its order."""
        return await self._within(self._records)

    async def _within(self, act: Callable[[], Awaitable[_T]]) -> _T:
        try:
            async with asyncio.timeout(self._seconds):
                return await act()
        except TimeoutError:
            raise NotConnected("no_broker", f"no answer of the brokers within {self._seconds:g} s") from None
        except kafka.KafkaError as error:
            raise said(error) from None

    async def _make(self) -> None:
        async with self._admin() as admin:
            cluster = await admin.describe_cluster()
            if _has_controller(cluster):  # a simulated one has none, and makes a topic that is asked for
                copies = min(MOST_COPIES, len(cluster["brokers"]))
                made = await admin.create_topics([NewTopic(self._name, PARTITIONS, copies)])
                _raise_for(made.topic_errors)
            while not await self._is_led(admin):
                await asyncio.sleep(_LOOK_SECONDS)

    async def _is_led(self, admin: AIOKafkaAdminClient) -> bool:
        (found,) = await admin.describe_topics([self._name])
        parts = found["partitions"]
        return not found["error_code"] and bool(parts) and not any(one["error_code"] for one in parts)

    async def _delete(self) -> None:
        async with self._admin() as admin:
            if _has_controller(await admin.describe_cluster()):
                _raise_for((await admin.delete_topics([self._name])).topic_error_codes)

    async def _records(self) -> list[Record]:
        consumer = AIOKafkaConsumer(self._name, **reached(self._config), auto_offset_reset="earliest", enable_auto_commit=False)
        try:
            await self._begun(consumer)
            ends = await consumer.end_offsets(consumer.assignment())
            found: dict[int, list[Record]] = {place.partition: [] for place in ends}
            while any([await consumer.position(place) < end for place, end in ends.items()]):
                for place, records in (await consumer.getmany(timeout_ms=_SILENCE_MS)).items():
                    found[place.partition] += [
                        Record(one.partition, one.offset, one.key or b"", one.value or b"", texts(one.headers))
                        for one in records
                        if one.offset < ends[place]
                    ]
        finally:
            await consumer.stop()
        return [record for _, records in sorted(found.items()) for record in records]

    @asynccontextmanager
    async def _admin(self) -> AsyncIterator[AIOKafkaAdminClient]:
        admin = AIOKafkaAdminClient(**reached(self._config))
        try:
            await self._begun(admin)
            yield admin
        finally:
            await admin.close()

    async def _begun(self, client: AIOKafkaAdminClient | AIOKafkaConsumer) -> None:
        try:
            await client.start()
        except kafka.KafkaError as error:
            raise await unreachable(self._config, error) from None


def _has_controller(cluster: dict[str, Any]) -> bool:
    return cluster["controller_id"] in {one["node_id"] for one in cluster["brokers"]}


def _raise_for(errors: list[tuple[Any, ...]]) -> None:
    """``errors``: of each topic its name, the error's number and perhaps a text."""
    for _, number, *_rest in errors:
        if number:
            raise kafka.for_code(number)
