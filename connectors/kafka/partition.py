"""One partition while it is this hub's: records in batches, those of one lane in order, and how far all are taken in."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import (
    ConsumerStoppedError,
    CorruptRecordException,
    KafkaError,
    RecordTooLargeError,
    TopicAuthorizationFailedError,
)

BATCH = 200
"""Records of one partition under way."""
_WAIT_MS, _PAUSE = 1000, 1.0
_OF_THE_PARTITION = (TopicAuthorizationFailedError, CorruptRecordException, RecordTooLargeError)
"""Errors with which the others can be read; any other is of the group, and ends the hub's part in it."""

TakeIn = Callable[[ConsumerRecord, Callable[[], bool]], Awaitable[bool]]
"""Takes one record in, however long that takes; True when that is durable, False when it was given up: the partition ends, or
is no longer ours."""


class Partition:
    """``begin`` once, ``end`` before the partition is another hub's; ``done`` is the offset below which all is durable, None
    before anything was read. Its task ends with an error that is not the partition's own."""

    def __init__(
        self, place: TopicPartition, consumer: AIOKafkaConsumer, lane: Callable[[ConsumerRecord], object], take_in: TakeIn,
        advanced: Callable[[], None], failed: Callable[[Exception], None],
    ) -> None:  # fmt: skip
        self.place = place
        self.done: int | None = None
        self.committed: int | None = None
        self._consumer = consumer
        self._lane = lane
        self._take_in = take_in
        self._advanced = advanced
        self._failed = failed
        self._is_ending = self._is_at_work = False
        self._at_once = BATCH
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> asyncio.Task[None]:
        """Read until ``end``, or until records may no longer be taken in."""
        self._task = asyncio.create_task(self._run(), name=f"topic:{self.place.topic}/{self.place.partition}")
        return self._task

    async def end(self) -> None:
        """Take in what is under way and no more. What cannot be taken in now, because the store is away, is left."""
        self._is_ending = True
        if self._task is not None:
            if not self._is_at_work:
                self._task.cancel()
            await asyncio.wait([self._task])

    @property
    def is_ending(self) -> bool:
        """Whether somebody has asked it to end."""
        return self._is_ending

    @property
    def waiting(self) -> int:
        """Records behind ``done`` that the brokers have, as far as they told; 0 before the first is taken in."""
        return 0 if self.done is None else max(0, (self._consumer.highwater(self.place) or 0) - self.done)

    async def _run(self) -> None:
        while not self._is_ending:
            try:
                read = await self._consumer.getmany(self.place, timeout_ms=_WAIT_MS, max_records=self._at_once)
            except Exception as error:  # aiokafka breaks with errors of any kind at a record that it cannot make out
                if isinstance(error, KafkaError | ConsumerStoppedError) and not isinstance(error, _OF_THE_PARTITION):
                    raise
                self._failed(error)
                self._at_once = 1  # what can be read before it comes first
                await asyncio.sleep(_PAUSE)
                continue
            if records := read.get(self.place):
                self._at_once = min(2 * self._at_once, BATCH)
                self._is_at_work = True
                whole = await self._batch(records)
                self._is_at_work = False
                self._advanced()
                if not whole:
                    return

    async def _batch(self, records: Sequence[ConsumerRecord]) -> bool:
        """Whether all of it was taken in."""
        lanes: dict[object, list[ConsumerRecord]] = {}
        for record in records:
            lanes.setdefault(self._lane(record), []).append(record)
        if self.done is None:
            self.done = records[0].offset
        taken: set[int] = set()
        await asyncio.gather(*(self._in_order(one, taken) for one in lanes.values()))
        for record in records:
            if record.offset not in taken:
                return False
            self.done = record.offset + 1
        return True

    async def _in_order(self, records: Sequence[ConsumerRecord], taken: set[int]) -> None:
        for record in records:
            if not await self._take_in(record, lambda: self._is_ending):
                return
            taken.add(record.offset)
