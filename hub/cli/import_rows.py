"""The rows of one file through the hub's door for rows: several requests at once, those of one dossier in file order.

A row is settled when the hub has answered it. Its key is its own id, if its schema has one, else its place in the file: sent
again, it is known again.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hub.cli.import_answers import deliveries_of, judged, request, unreadable
from hub.cli.import_files import BadFile, OpenRecords
from hub.cli.import_journal import Journal, Outcome
from hub.cli.import_state import StateNotWritten
from hub.cli.posting import WRONG_CALLER, NotNow, not_now

if TYPE_CHECKING:
    from hub.cli.import_pace import Pace
    from hub.record_files import FileRecord
    from hub.translation import Schema

REQUEST_BYTES = 1024 * 1024
"""Of bodies in one request, unless a single row has more."""
AHEAD_OF_JOURNAL = 4096
SAVE_SECONDS = 0.5
LONGEST_PAUSE = 600.0
"""If the hub asks for a longer pause, the import ends: a day's quota is used up."""
_TOO_LARGE = 413

Post = Callable[[bytes], Awaitable[tuple[int, dict[str, Any]]]]


@dataclass(slots=True)
class Stopped:
    """Why the rest of the file was not sent."""

    why: str
    unavailable: bool = False
    interrupted: bool = False


class Rows:
    """``await run()`` takes in what the journal has not yet, until the end or until ``stop``."""

    def __init__(
        self, file: OpenRecords, journal: Journal, post: Post, pace: Pace, schema: Schema, patience: float,
        tell: Callable[[], None],
    ) -> None:  # fmt: skip
        self._file, self._journal, self._post, self._pace, self._schema = file, journal, post, pace, schema
        self._patience, self._tell = patience, tell
        self._under_way: set[asyncio.Task[None]] = set()
        self._latest: dict[object, asyncio.Task[None]] = {}
        """By name of a dossier, the request with the last of its rows, while it is under way."""
        self._ended, self._over = asyncio.Event(), asyncio.Event()
        self._read = 0
        self.stopped: Stopped | None = None

    def stop(self, why: Stopped) -> None:
        """Send nothing new; what is under way comes to its end."""
        self.stopped = self.stopped or why
        self._ended.set()
        self._pace.stop()

    async def run(self) -> None:
        """Raises BadFile, after what could be read of it was settled, StateNotWritten."""
        broken: BadFile | None = None
        watching = asyncio.create_task(self._watch())
        try:
            try:
                await self._send_all()
            except BadFile as error:
                broken = error
            if self._under_way:
                await asyncio.wait(self._under_way)
            if self.stopped is None and broken is None:
                self._journal.state.ended = True
                self._journal.state.signature = self._file.signature
        finally:
            for task in self._under_way:
                task.cancel()
            await asyncio.gather(*self._under_way, return_exceptions=True)
            self._over.set()
            await watching
            self._journal.save()
        self._tell()
        if broken is not None:
            raise broken

    async def _watch(self) -> None:
        """Until all is over tell how it goes, and keep the journal, also while nothing goes on. Raises StateNotWritten."""
        while not self._over.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(self._over.wait(), SAVE_SECONDS)
            self._tell()
            if (snapshot := self._journal.snapshot()) is not None:
                try:
                    await asyncio.to_thread(self._journal.write, snapshot)
                except StateNotWritten as error:
                    self.stop(Stopped(str(error)))
                    raise

    async def _send_all(self) -> None:
        """Raises BadFile, once all that stands before the fault is on its way."""
        rows: list[FileRecord] = []
        most = size = 0
        broken: BadFile | None = None
        try:
            async for record in self._fresh():
                if not rows:
                    most, size = await self._pace.enter(), 0
                if self.stopped is not None:
                    return
                rows.append(record)
                size += len(record.body)
                if len(rows) >= most or size >= REQUEST_BYTES:
                    self._begin(rows)
                    rows = []
        except BadFile as error:
            broken = error
        if rows and self.stopped is None:
            self._begin(rows)
        if broken is not None:
            raise broken
        if self.stopped is None:
            self._journal.reached_the_end(self._read)

    async def _fresh(self) -> AsyncIterator[FileRecord]:
        """The records that are not settled yet. Raises BadFile."""
        while self.stopped is None and (batch := await asyncio.to_thread(self._file.batch)):
            for record in batch:
                self._read = record.number
                if self._journal.passes(record):
                    continue
                while record.number - self._journal.behind > AHEAD_OF_JOURNAL and self.stopped is None:
                    await asyncio.wait(self._under_way, timeout=SAVE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
                yield record

    def _begin(self, rows: Sequence[FileRecord]) -> None:
        names = {name for record in rows for name in self._names(record)}
        before = {self._latest[name] for name in names if name in self._latest}
        self._pace.begin(len(rows))
        task = asyncio.create_task(self._take_in(rows, before))
        self._under_way.add(task)
        self._latest |= dict.fromkeys(names, task)

        def ended(done: asyncio.Task[None]) -> None:
            self._under_way.discard(done)
            for name in names:
                if self._latest.get(name) is done:
                    del self._latest[name]
            if not done.cancelled() and (error := done.exception()) is not None:
                self.stop(Stopped(f"the import met an error that it did not expect ({type(error).__name__})"))

        task.add_done_callback(ended)

    def _names(self, record: FileRecord) -> Sequence[object]:
        """By what the row names its dossier; nothing of one that the hub will refuse, or break on."""
        try:
            return self._schema.aliases(self._schema.parse(record.body), "")
        except Exception:
            return ()

    async def _take_in(self, rows: Sequence[FileRecord], before: set[asyncio.Task[None]]) -> None:
        """Send them until each has its answer, or the import ends."""
        deliveries: Counter[str] | None = None
        began, count = time.monotonic(), len(rows)
        try:
            if before:
                await asyncio.wait(before)
                began = time.monotonic()
            rows = [record for record in rows if not self._refused_here(record)]
            until, pause = began + self._patience, 0.1
            while rows and self.stopped is None:
                try:
                    answers, later = await self._sent(rows)
                except NotNow as error:
                    answers, later = [], error
                for record, answer in zip(rows, answers, strict=False):
                    self._journal.settle(record, judged(answer))
                    if (found := deliveries_of(answer)) is not None:
                        deliveries = (deliveries or Counter()) | found
                rows = rows[len(answers) :]
                if answers:
                    self._pace.went_on()
                    until, pause = time.monotonic() + self._patience, 0.1
                if later is not None:
                    pause = await self.pause(later, until, pause)
        finally:
            self._pace.leave(count, time.monotonic() - began, deliveries)

    def _refused_here(self, record: FileRecord) -> bool:
        """Settle one that cannot be sent at all."""
        problem = record.problem or unreadable(record.body)
        if problem is not None and self.stopped is None:
            self._journal.settle(record, Outcome("refused", problems=(problem.as_dict(),)))
        return problem is not None

    async def _sent(self, rows: Sequence[FileRecord]) -> tuple[Sequence[Mapping[str, Any]], NotNow | None]:
        """The hub's answers, to all of them or to the first, and why not to the others. Raises NotNow."""
        status, told = await self._post(request(rows))
        if status == _TOO_LARGE and len(rows) > 1:
            return await self._sent(rows[: len(rows) // 2])
        if status == _TOO_LARGE:
            return [{"status": status, "problem": told}], None
        if status != 200:
            self._stop_for(status, told, rows)
            return [], None
        answers: list[Mapping[str, Any]] | None = told.get("rows")
        if answers is None:
            raise NotNow("what answers is no hub")
        wrong = next((number for number, one in enumerate(answers) if one["status"] in WRONG_CALLER), None)
        if wrong is not None:
            self._stop_for(answers[wrong]["status"], answers[wrong]["problem"], rows[wrong:])
            return answers[:wrong], None
        later = told.get("later")
        return answers, None if later is None else not_now(later["status"], later["problem"], later["retry_after"])

    def _stop_for(self, status: int, problem: Mapping[str, Any], rows: Sequence[FileRecord]) -> None:
        title, detail = problem.get("title", f"status {status}"), problem.get("detail")
        of = f"it was sent records {rows[0].number} to {rows[-1].number}"
        then = of if status >= 500 else "every further row would meet the same"
        self.stop(Stopped(f"{title}{f': {detail}' if detail else ''}; {then}"))

    async def pause(self, error: NotNow, until: float, pause: float) -> float:
        """Wait as long as the hub asks, at least for ``pause``; what it is next time. Ends the import once patience ends."""
        if error.retry_after > LONGEST_PAUSE or time.monotonic() > until:
            again = f", try again after {error.retry_after / 3600:.1f} h" if error.retry_after > LONGEST_PAUSE else ""
            self.stop(Stopped(f"the hub takes nothing now: {error}{again}", unavailable=True))
            return pause
        seconds = max(pause, error.retry_after)
        self._pace.hold(seconds, str(error))
        with suppress(TimeoutError):
            await asyncio.wait_for(self._ended.wait(), seconds)
        return min(5.0, pause * 2)
