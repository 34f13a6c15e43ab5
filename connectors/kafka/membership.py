"""The hub's part in a consumer group: which partitions are its own now, and how far the brokers know it to be."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from functools import partial
from pathlib import Path

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.abc import ConsumerRebalanceListener
from aiokafka.errors import KafkaError

from connectors.kafka.partition import Partition
from hub.durable import write_whole
from hub.message import Clock, new_id
from hub.observe.logging import get_logger

log = get_logger("kafka")
_LAST_COMMIT, _PAUSE, _SILENCE = 5.0, 0.5, 30.0


class Membership(ConsumerRebalanceListener):  # type: ignore[misc]
    """The partitions of one consumer while it is in its group: begun, committed, and handed over.

    An offset is committed when all below it is durable. A partition is handed over when what is under way is taken in and
    committed, so that the next hub goes on exactly there.
    """

    def __init__(
        self, endpoint: str, consumer: AIOKafkaConsumer, partition: Callable[[TopicPartition, Membership], Partition],
        session_seconds: float, clock: Clock, *, from_the_end: bool = False,
    ) -> None:  # fmt: skip
        self.broken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._endpoint = endpoint
        self._consumer = consumer
        self._partition = partition
        self._fresh_for = int(session_seconds / 2 * 1_000_000)
        self._clock = clock
        self._from_the_end = from_the_end
        self._has_ended = False
        self._proven_at = 0
        self._partitions: dict[TopicPartition, Partition] = {}
        self._advanced = asyncio.Event()
        self._turn = asyncio.Lock()
        self._committing: asyncio.Task[None] | None = None

    @property
    def waiting(self) -> int:
        """Records that the brokers have and this hub not yet, of its own partitions."""
        return sum(one.waiting for one in self._partitions.values())

    @property
    def is_heard(self) -> bool:
        """Whether a broker answered one of its readers lately, as it does many times a minute; True where it has none."""
        heard = [at for one in self._consumer.assignment() if (at := self._consumer.last_poll_timestamp(one))]
        return not heard or self._clock() / 1000 - max(heard) < _SILENCE * 1000

    def advanced(self) -> None:
        """There is something to commit."""
        self._advanced.set()

    async def is_ours(self, place: TopicPartition) -> bool:
        """Whether the brokers still hold this hub for the reader of the partition; asked by committing where it stands.

        A process that stood still (a frozen machine, a debugger) may have been replaced meanwhile: it must not go on with what
        it had read. The brokers' last word counts for half a session, by a clock that goes on while a machine sleeps.
        """
        if self._is_proven:
            return True
        async with self._turn:
            mine = self._partitions.get(place)
            if self._is_proven or mine is None or mine.done is None:
                return mine is not None
            try:
                await self._consumer.commit({place: mine.done})
            except KafkaError as error:
                code = type(error).__name__
                log.warning("partition_lost", endpoint=self._endpoint, topic=place.topic, partition=place.partition, code=code)
                return False
            self._proven_at = self._clock()
            return True

    @property
    def _is_proven(self) -> bool:
        return 0 <= self._clock() - self._proven_at < self._fresh_for

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        """These are the hub's own from now on."""
        if self._from_the_end and not self._has_ended:
            try:
                await self._skip_what_was_before(assigned)
            except KafkaError as error:
                self._break(error)
                return
        if self._has_ended:
            return
        self._proven_at = self._clock()
        log.info("partitions_assigned", endpoint=self._endpoint, count=len(assigned))
        self._committing = asyncio.create_task(self._commit_again_and_again(), name=f"commit:{self._endpoint}")
        for place in assigned:
            self._partitions[place] = made = self._partition(place, self)
            made.begin().add_done_callback(partial(self._ended, made))

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        """Another hub may have them when this returns."""
        await self._hand_over()

    async def end(self) -> None:
        """Leave everything as it can be taken up again."""
        self._has_ended = True
        await self._hand_over()

    async def _hand_over(self) -> None:
        await asyncio.gather(*(one.end() for one in self._partitions.values()))
        if self._committing is not None:  # what it has under way would be told to the brokers late, and for somebody else
            self._committing.cancel()
            await asyncio.wait([self._committing])
            self._committing = None
        try:
            async with asyncio.timeout(_LAST_COMMIT):
                await self._commit()
        except (KafkaError, TimeoutError) as error:  # it is read again, and known again in this hub's store
            log.warning("commit_failed", endpoint=self._endpoint, code=type(error).__name__)
        self._partitions.clear()

    async def _commit_again_and_again(self) -> None:
        while True:
            await self._advanced.wait()
            self._advanced.clear()
            try:
                await self._commit()
            except KafkaError as error:
                log.warning("commit_failed", endpoint=self._endpoint, code=type(error).__name__)
                await asyncio.sleep(_PAUSE)
                self._advanced.set()

    async def _commit(self) -> None:
        async with self._turn:
            ahead = {one: one.done for one in self._partitions.values() if one.done not in (None, one.committed)}
            if not ahead:
                return
            await self._consumer.commit({one.place: done for one, done in ahead.items()})
            self._proven_at = self._clock()
            for one, done in ahead.items():
                one.committed = done

    async def _skip_what_was_before(self, assigned: Collection[TopicPartition]) -> None:
        """Where the group has no offset it begins at the end, and says so to the brokers at once: what comes while the hub is
        away is then behind it."""
        new = [one for one in assigned if await self._consumer.committed(one) is None]
        if not new:
            return
        ends = await self._consumer.end_offsets(new)
        await self._consumer.commit(ends)
        for place, end in ends.items():
            self._consumer.seek(place, end)

    def _ended(self, partition: Partition, task: asyncio.Task[None]) -> None:
        if task.cancelled():
            return
        if (error := task.exception()) is not None:
            self._break(error)
        elif not partition.is_ending and not self.broken.done():  # it is not ours, though nobody took it: ask for it again
            self.broken.set_result(None)

    def _break(self, error: BaseException) -> None:
        if not self.broken.done():
            self.broken.set_exception(error)


def own_name(folder: Path, endpoint: str) -> str:
    """The hub's name in the group, the same as long as its folder lies there: who comes back under it goes on with its own
    partitions at once. Raises OSError."""
    path = folder / f"{endpoint}.member"
    try:
        return path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        folder.mkdir(parents=True, exist_ok=True)
        name = f"hub-{new_id()}"
        write_whole(path, name.encode())
        return name
