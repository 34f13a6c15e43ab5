"""A producer by settings: idempotent, every record acknowledged by all replicas; its errors say what may have happened.

Within one run of the hub a record is written once: the brokers know a batch that comes again, and a record whose
acknowledgement was not heard in time stays under way, so that sending it again only goes on waiting for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial

from aiokafka import AIOKafkaProducer
from aiokafka import errors as kafka
from aiokafka.partitioner import DefaultPartitioner
from aiokafka.structs import RecordMetadata, TopicPartition

from connectors.kafka.cluster import reached, said, unreachable
from connectors.kafka.config import KafkaConfig
from hub.errors import AccountRefused, DeliveryError, InDoubt, NotConnected, Rejected

_REFUSED = (kafka.MessageSizeTooLargeError, kafka.InvalidMessageError, kafka.RecordListTooLargeError)

_OF_NO_USE = (
    kafka.OutOfOrderSequenceNumber, kafka.UnknownProducerId, kafka.InvalidProducerIdMapping, kafka.ProducerFenced,
    kafka.InvalidProducerEpoch, kafka.ProducerClosed, kafka.ClusterAuthorizationFailedError,
)  # fmt: skip
"""Of a producer whose sequence the brokers refuse, or that has ended."""
_LAST_WRITES, _STEP = 2.0, 0.1

Record = tuple[bytes, bytes, Sequence[tuple[str, bytes]]]
"""Key, value, headers."""

_partition_of = DefaultPartitioner()
"""The same partition of a key as other producers choose, by murmur2."""


class Producing:
    """``put`` from any number of tasks; ``close`` at the end. It is opened with the first record."""

    def __init__(self, config: KafkaConfig, timeout: float, max_bytes: int) -> None:
        self._config, self._timeout, self._max_bytes = config, timeout, max_bytes
        self._producer: AIOKafkaProducer | None = None
        self._opening = asyncio.Lock()
        self._under_way: dict[str, asyncio.Future[RecordMetadata]] = {}
        self._stopping: set[asyncio.Task[None]] = set()

    async def put(
        self, name: str, topic: str, key: bytes, value: bytes, headers: Sequence[tuple[str, bytes]]
    ) -> RecordMetadata:
        """Where the record is, once all replicas have it. ``name`` is the record's own: put again under it while the first is
        under way, it is the same record. Raises NotConnected and AccountRefused (nothing was sent), InDoubt, Rejected."""
        if (under_way := self._under_way.get(name)) is None:
            producer, partition = await self._ready(topic, key)
            try:
                under_way = await producer.send(topic, value, key=key, partition=partition, headers=headers)
            except kafka.KafkaError as error:
                self._drop_if_dead(producer, error)
                raise self._before(error) from None
            self._under_way[name] = under_way
            under_way.add_done_callback(partial(self._ended, name, producer))
        try:
            async with asyncio.timeout(self._timeout):
                put = await asyncio.shield(under_way)
        except TimeoutError:
            raise InDoubt("no_answer", f"no acknowledgement within {self._timeout:g} s; it stays under way") from None
        except kafka.KafkaError as error:
            raise _after(error) from None
        self._under_way.pop(name, None)
        return put

    async def put_in_order(self, topic: str, records: Sequence[Record]) -> None:
        """Write records (key, value, headers), those of one key in this order: none is sent before those in front of it are
        there. Returns once all replicas have all of them. Raises as ``put``; some may be there then, and whoever puts them
        again puts all again."""
        try:
            async with asyncio.timeout(self._timeout):
                lanes: dict[int, list[Record]] = {}
                for record in records:
                    producer, partition = await self._ready(topic, record[0])
                    lanes.setdefault(partition, []).append(record)
                puts = (self._put_lane(producer, topic, partition, lane) for partition, lane in lanes.items())
                ended = await asyncio.gather(*puts, return_exceptions=True)
        except TimeoutError:
            raise InDoubt("no_answer", f"no acknowledgement of all within {self._timeout:g} s") from None
        for failure in ended:
            if failure is not None:
                raise failure

    async def _put_lane(self, producer: AIOKafkaProducer, topic: str, partition: int, lane: Sequence[Record]) -> None:
        """Records of one partition, a batch after the other: brokers that refuse one, or say nothing of it, would take what is
        behind it, and who listens would hear the later first. The producer itself has no more than one on its way to a
        partition."""
        there = 0
        while there < len(lane):
            batch = producer.create_batch()
            for key, value, headers in lane[there:]:
                if len(key) + len(value) > self._max_bytes:
                    break
                if batch.append(timestamp=None, key=key, value=value, headers=headers) is None:  # the first always fits
                    break
            if batch.record_count() == 0:
                raise self._before(kafka.MessageSizeTooLargeError())
            batch.close()
            try:
                put = await producer.send_batch(batch, topic, partition=partition)
            except kafka.KafkaError as error:
                self._drop_if_dead(producer, error)
                raise self._before(error) from None
            put.add_done_callback(partial(self._heard, producer))
            await asyncio.wait([put])
            if put.cancelled():
                raise InDoubt("no_answer", "the producer ended before all was acknowledged")
            if (failure := put.exception()) is not None:
                raise _after(failure) if isinstance(failure, kafka.KafkaError) else failure
            there += batch.record_count()

    def standing(self, name: str) -> bool | None:
        """Of a record that was put in this run and not settled: True, it is there; False, it is under way. None: not known."""
        under_way = self._under_way.get(name)
        return None if under_way is None else under_way.done()

    async def close(self) -> None:
        """End it; what is under way is written if the brokers can be reached at once, else it is given up."""
        producer, self._producer = self._producer, None
        self._under_way.clear()
        await asyncio.gather(*self._stopping, *([_stop(producer)] if producer else []))

    def _ended(self, name: str, producer: AIOKafkaProducer, under_way: asyncio.Future[RecordMetadata]) -> None:
        """What failed is no longer under way; what is there stays known until somebody asks."""
        if under_way.cancelled() or under_way.exception() is not None:
            self._under_way.pop(name, None)
        self._heard(producer, under_way)

    def _heard(self, producer: AIOKafkaProducer, under_way: asyncio.Future[RecordMetadata]) -> None:
        """After one that failed the producer is of no further use, also when nobody waits for it any more: the brokers miss its
        number, and would refuse whatever comes behind it."""
        if not under_way.cancelled() and under_way.exception() is not None:
            self._drop(producer)

    async def _ready(self, topic: str, key: bytes) -> tuple[AIOKafkaProducer, int]:
        """A producer, and the key's partition, with a connection to the broker that leads it: what fails after that may have
        arrived. A topic that is not there is not made by being asked for."""
        async with self._opening:
            if self._producer is None:
                self._producer = await self._open()
        producer = self._producer
        client = producer.client
        try:
            if client.cluster.partitions_for_topic(topic) is None:
                known = await client.fetch_all_metadata()
                if topic not in known.topics(exclude_internal_topics=False):
                    raise kafka.UnknownTopicOrPartitionError
            partitions = sorted(await producer.partitions_for(topic))
            partition = _partition_of(key, partitions, partitions)
            leader = client.cluster.leader_for_partition(TopicPartition(topic, partition))
            is_ready = leader not in (None, -1) and await client.ready(leader)
        except kafka.KafkaError as error:
            raise self._before(error) from None
        if not is_ready:
            await client.force_metadata_update()
            raise NotConnected("no_broker", "the broker that leads the key's partition does not answer")
        return producer, partition

    async def _open(self) -> AIOKafkaProducer:
        told = reached(self._config)
        producer = AIOKafkaProducer(**told, acks="all", enable_idempotence=True, max_request_size=self._max_bytes)
        try:
            await producer.start()
        except kafka.KafkaError as error:
            await _stop(producer)
            raise await unreachable(self._config, error) from None
        except BaseException:
            await _stop(producer)
            raise
        return producer

    def _before(self, error: kafka.KafkaError) -> DeliveryError:
        """Nothing of the record has left."""
        if isinstance(error, _REFUSED):
            return Rejected("too_large", f"the record is larger than {self._max_bytes} bytes (max_bytes)")
        return said(error)

    def _drop_if_dead(self, producer: AIOKafkaProducer, error: BaseException) -> None:
        """Of one that took no record: it may be that it has ended."""
        if isinstance(error, _OF_NO_USE) or type(error) is kafka.KafkaError:  # what its own task died of has no other type
            self._drop(producer)

    def _drop(self, producer: AIOKafkaProducer) -> None:
        """The next record gets a new producer; one that was opened meanwhile stays."""
        if self._producer is producer:
            self._producer = None
            stopping = asyncio.create_task(_stop(producer), name="producer-stops")
            self._stopping.add(stopping)
            stopping.add_done_callback(self._stopping.discard)


def _after(error: kafka.KafkaError) -> DeliveryError:
    """The brokers said no to the record itself, or it cannot be known what they have."""
    if isinstance(error, _REFUSED):
        return Rejected("record_refused", f"the brokers refuse the record ({type(error).__name__})")
    found = said(error)
    return (
        found if isinstance(found, AccountRefused) else InDoubt("no_answer", f"it was sent, and then: {type(error).__name__}")
    )


async def _stop(producer: AIOKafkaProducer) -> None:
    """What can be written at once is; what cannot is given up, with ProducerClosed, and no task is left."""
    try:
        async with asyncio.timeout(_LAST_WRITES):
            await producer.stop()
    except TimeoutError:  # it would wait for the brokers as long as they are away, and knows no other end
        sending = producer._sender.sender_task
        while sending is not None and not sending.done():
            sending.cancel()  # at first it waits for what it has sent
            await asyncio.wait([sending], timeout=_STEP)
        producer._message_accumulator.fail_all(kafka.ProducerClosed())
        await producer.client.close()
