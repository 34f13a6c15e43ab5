"""Reading: records of topics become arrivals, each once in effect, in order per key; the brokers keep how far it is."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from connectors.kafka import cloud_events, refused
from connectors.kafka.cluster import reached
from connectors.kafka.config import KafkaConfig, ReadConfig
from connectors.kafka.membership import Membership, own_name
from connectors.kafka.partition import Partition
from hub.connector import Accept, ConnectorContext
from hub.errors import IdConflict, Problem, Refused, StoreUnavailable, UnknownSchema
from hub.message import Arrival, SchemaRef, new_id
from hub.observe import metrics, trace
from hub.observe.logging import get_logger

log = get_logger("kafka")
LARGEST = 5 * 1024 * 1024
"""Bytes of one record, as at the other doors."""
AT_ONCE = 100
"""Records of all partitions that are with the store at the same time; it commits those together."""
_PARTITION_BYTES, _ANSWER_BYTES = 512 * 1024, 8 * 1024 * 1024
_TRIES, _PAUSE, _HAND_OVER_MS, _NEVER_MS = 3, 1.0, 60_000, 24 * 3600 * 1000


class Receiving:
    """Reads the topics of one group.

    At least once from the brokers, once into the store: an offset is committed when all below it is durable, and what comes
    again is known by its key: the source and id of a CloudEvent, else the header that the settings name, else the message's
    own id, else its place. A record that names its dossier and does not fit is kept by the hub; one that it cannot take at all
    goes into a folder, with the reasons. While the store is away nothing is lost: what is under way waits, and no more is
    read.
    """

    def __init__(self, config: KafkaConfig, read: ReadConfig, context: ConnectorContext) -> None:
        self._config, self._read, self._context = config, read, context
        self._at_once = asyncio.Semaphore(AT_ONCE)
        self._said: set[str] = set()

    async def run(self, accept: Accept) -> None:
        """Be in the group until cancelled; nothing else ends it."""
        while True:
            try:
                await self._in_group(accept)
            except Exception as error:  # nobody would begin it again
                self._say_once("topics_unreadable", error)
            await asyncio.sleep(_PAUSE)

    async def _in_group(self, accept: Accept) -> None:
        read = self._read
        consumer = AIOKafkaConsumer(
            **reached(self._config), group_id=read.group,
            group_instance_id=await asyncio.to_thread(own_name, read.folder, self._context.name),
            enable_auto_commit=False, auto_offset_reset="earliest", isolation_level="read_committed",
            session_timeout_ms=int(read.session_seconds * 1000),
            heartbeat_interval_ms=int(min(3.0, read.session_seconds / 6) * 1000),
            rebalance_timeout_ms=_HAND_OVER_MS, max_poll_interval_ms=_NEVER_MS,  # a store that is away is no reason to leave
            max_partition_fetch_bytes=_PARTITION_BYTES, fetch_max_bytes=_ANSWER_BYTES,
        )  # fmt: skip

        def partition(place: TopicPartition, ours: Membership) -> Partition:
            async def take_in(record: ConsumerRecord, is_ending: Callable[[], bool]) -> bool:
                return await self._take_in(record, accept, partial(ours.is_ours, place), is_ending)

            lane = _by_key if read.topics[place.topic].ordered_by == "key" else _in_one
            return Partition(place, consumer, lane, take_in, ours.advanced, partial(self._say_once, "topic_unreadable"))

        ours = Membership(
            self._context.name, consumer, partition, read.session_seconds, self._context.clock,
            from_the_end=read.start == "latest",
        )  # fmt: skip
        try:
            consumer.subscribe(list(read.topics), listener=ours)
            await consumer.start()
            self._said.discard("topics_unreadable")
            while not ours.broken.done():
                metrics.topics(self._context.name, ours.waiting if ours.is_heard else None)
                await asyncio.wait([ours.broken], timeout=_PAUSE)
                consumer._coordinator.check_errors()  # nobody else asks while the hub has no partition
            ours.broken.result()
        finally:
            metrics.topics(self._context.name, None)
            await ours.end()
            await consumer.stop()

    async def _take_in(
        self, record: ConsumerRecord, accept: Accept, is_ours: Callable[[], Awaitable[bool]], is_ending: Callable[[], bool]
    ) -> bool:
        """True when it is durable, in the store or in the folder of what was refused; False when it was given up."""
        broke: tuple[Problem, ...] = ()
        tries = 0
        while True:
            try:
                async with self._at_once:
                    if not await is_ours():
                        return False
                    if problems := broke or await self._offer(record, accept):
                        await self._refuse(record, problems)
                self._said.discard("waiting")
                return True
            except (StoreUnavailable, UnknownSchema, OSError) as error:  # nothing is wrong with the record
                if is_ending():
                    return False
                self._say_once("waiting", error)
            except Exception as error:
                tries += 1
                log.error("record_broke", endpoint=self._context.name, **refused.where(record), exc_info=error)
                if tries == _TRIES:
                    text = f"the hub broke on it {_TRIES} times ({type(error).__name__})"
                    broke = (Problem("", "broke", text, "see record_broke in the hub's log"),)
            await asyncio.sleep(_PAUSE)

    async def _offer(self, record: ConsumerRecord, accept: Accept) -> tuple[Problem, ...]:
        """Hand it to the hub; why that refuses it, nothing when it has it. Raises StoreUnavailable, UnknownSchema."""
        made = self._arrival(record)
        while isinstance(made, Arrival):
            try:
                accepted = await accept(made, checkpoint=refused.place_of(record), keep=True)
            except IdConflict as conflict:
                if made.is_by_place:
                    return conflict.problems
                log.warning("id_used_again", endpoint=self._context.name, **refused.where(record))
                made = replace(made, key=made.else_key)  # an id that its sender used twice is no id
            except UnknownSchema:
                raise
            except Refused as refusal:
                return refusal.problems
            else:
                metrics.record_read(self._context.name, "repeated" if accepted.repeated else "taken")
                return ()
        return made

    def _arrival(self, record: ConsumerRecord) -> Arrival | tuple[Problem, ...]:
        """What comes in, or why nothing can."""
        topic = self._read.topics[record.topic]
        event = cloud_events.read(record.headers)
        schema = topic.schema_of(event.type)
        if record.value is None:
            return (Problem("", "no_value", "the record has no value (a tombstone): it says nothing of a dossier"),)
        if len(record.value) > LARGEST:
            return (Problem("", "too_large", f"the record is larger than {LARGEST} bytes"),)
        if schema is None:
            hint = "name the type under types, or say the schema of all others"
            return (Problem("ce_type", "unknown_type", "the settings name no schema for this type of event", hint),)
        key = event.key
        if key is None and topic.id_header and (given := cloud_events.texts(record.headers).get(topic.id_header.lower())):
            key = cloud_events.as_key("header", given)
        begun = trace.begin(*((event.traceparent,) if event.traceparent else ()))
        return Arrival(
            id=new_id(), sender=topic.sender or self._context.name, schema=SchemaRef.parse(schema), body=record.value,
            received_at=self._context.clock(), correlation_id=begun.trace_id, traceparent=begun.traceparent, key=key,
            origin=self._context.name, else_key=cloud_events.as_key("topic", f"{refused.place_of(record)}@{record.timestamp}"),
        )  # fmt: skip

    async def _refuse(self, record: ConsumerRecord, problems: tuple[Problem, ...]) -> None:
        """Raises OSError."""
        await asyncio.to_thread(refused.keep, self._read.folder / self._context.name, record, problems)
        topic = self._read.topics[record.topic]
        metrics.record_read(self._context.name, "refused")
        metrics.arrival(topic.sender or self._context.name, topic.schema_, "refused")
        codes = [one.code for one in problems[:20]]
        log.error("record_refused", endpoint=self._context.name, **refused.where(record), code=codes)

    def _say_once(self, event: str, error: BaseException) -> None:
        """Once, until it goes well again."""
        if event not in self._said:
            self._said.add(event)
            log.warning(event, endpoint=self._context.name, code=type(error).__name__, exc_info=error)


def _by_key(record: ConsumerRecord) -> object:
    return record.key


def _in_one(record: ConsumerRecord) -> object:
    return None
