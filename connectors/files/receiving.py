"""Reading: files that another system leaves become arrivals, each record once, in order; what is wrong lands beside."""

from __future__ import annotations

import asyncio
from pathlib import Path

from connectors.files.config import ReadConfig
from connectors.files.folder import Changed, DropFolder, Seen, free_name
from connectors.files.place import Place
from connectors.files.reading import OpenFile
from connectors.files.record import Malformed, Record
from connectors.files.refused import RefusedRecords, place_errors
from hub.connector import Accept, Accepted, ConnectorContext
from hub.errors import DeliveryError, NotConnected, Problem, Refused, StoreUnavailable, UnknownSchema
from hub.message import Arrival, SchemaRef, new_id
from hub.observe import metrics
from hub.observe.logging import get_logger

log = get_logger("files")


class Receiving:
    """Looks into one folder for files, and makes arrivals of their records.

    A file is read once it stands still, the oldest first. Each record is an arrival of its own; a record comes once in effect,
    however often its file is read (a restart, a copy under another name): by its own id, if its schema points at one, else by
    its place, known by a digest of the file up to there. Then the file goes to ``done``. A record that the hub refuses goes to
    ``failed``, with a file of errors beside it, and the others go on; so does a file that cannot be read at all. Nothing is
    moved before all of it is on disk in the hub's store, nor while the store takes nothing.
    """

    def __init__(self, config: ReadConfig, place: Place, context: ConnectorContext) -> None:
        self.config = config
        self.context = context
        self._place = place
        self._folder = DropFolder(config, place)
        self._schema = SchemaRef.parse(config.schema_)
        self._said: set[tuple[str, str]] = set()
        self._finished: dict[Seen, tuple[Path, str | None]] = {}
        """Files that were read, where they go, and the name they get: a move that failed is tried again, without reading."""

    async def check(self) -> None:
        """Can the folder be read and written, and its files moved? Makes the folders done and failed. Raises NotConnected,
        AccountRefused."""
        await self._place.work(self._check)

    def _check(self) -> None:
        self._place.check(self.config.folder)
        try:
            self._folder.make()
        except OSError:
            raise NotConnected("folder_rights", "the hub cannot make or write the folders done and failed") from None
        self._place.check(self.config.folder, (self.config.done_folder, self.config.failed_folder))

    async def run(self, accept: Accept) -> None:
        """Look into the folder again and again, until cancelled; one file at a time, one record at a time."""
        while True:
            try:
                await self._round(accept)
                self._said.discard(("folder_unusable", ""))
            except Exception as error:  # nothing may end it: nobody would begin it again
                metrics.folder(self.context.name, None)
                self._say_once("folder_unusable", error=error)
            await asyncio.sleep(self.config.poll)

    async def _round(self, accept: Accept) -> None:
        ready, others = await self._place.work(self._folder.look)
        names = {one.digest for one in (*ready, *others)}
        self._said = {(event, digest) for event, digest in self._said if not digest or digest in names}
        self._finished = {one: to for one, to in self._finished.items() if one in ready}
        for one in others:
            self._say_once("not_a_file", one)
        if ready:
            await self._place.work(self._folder.make)
        metrics.folder(self.context.name, self._folder.waiting)
        for one in ready:
            try:
                if one not in self._finished:
                    self._finished[one] = await self._read(one, accept)
                await self._place.work(self._move, one)
            except Changed:
                self._folder.moved_on(one)
                self._say_once("file_changed", one)
                return  # what is younger waits for it
            except (ConnectionError, DeliveryError):
                raise  # it is not this file that is unusable
            except Exception as error:  # it is tried again
                self._say_once("file_unusable", one, error)
                if one not in self._finished:
                    return  # what is younger may be of the same dossiers

    def _move(self, one: Seen) -> None:
        into, name = self._finished[one]
        try:
            self._folder.move(one, into, name or free_name(self._place, into, one.name))
        except FileNotFoundError:
            raise Changed from None
        del self._finished[one]
        self._folder.waiting -= 1
        metrics.folder(self.context.name, self._folder.waiting)

    async def _read(self, one: Seen, accept: Accept) -> tuple[Path, str | None]:
        """Hand over all its records; where the file goes then and, if that is settled, its name. Raises Changed, OSError."""
        work = self._place.work
        refused = RefusedRecords(self.config, self._place, one, self.context.name)
        opened = OpenFile(self.config, self._folder, one)
        accepted = repeated = 0
        malformed: Malformed | None = None
        try:
            await work(opened.open)
            try:
                try:
                    while batch := await work(opened.batch):
                        for record in batch:
                            outcome = await self._hand_over(one, record, accept)
                            if isinstance(outcome, Accepted):
                                accepted, repeated = accepted + 1, repeated + outcome.repeated
                                if outcome.receipt["state"] == "kept":
                                    await work(refused.add_kept, record, outcome.receipt["arrival"], _reasons(outcome))
                            elif not self.config.each:
                                malformed = Malformed(record.line, *outcome)
                            else:
                                await work(refused.add, record, outcome, opened.around)
                except Malformed as error:
                    malformed = error
                await work(opened.check)
                if refused:
                    await work(refused.place)
            finally:
                await work(refused.discard)
        finally:  # also when it is ended while it is opened, or just now
            await work(opened.close)
        said = log.info if malformed is None and not refused else log.warning
        said(
            "file_read" if malformed is None else "file_failed", endpoint=self.context.name, digest=one.digest,
            accepted=accepted, repeated=repeated, refused=refused.refused, kept=refused.kept,
            code=malformed.problems[0].code if malformed else None,
        )  # fmt: skip
        metrics.file_read(self.context.name, "failed" if malformed else "partly" if refused else "done")
        if malformed is None:
            return self.config.done_folder, None
        name = await work(place_errors, self._place, self.config, one, self.context.name, malformed)
        return self.config.failed_folder, name

    async def _hand_over(self, one: Seen, record: Record, accept: Accept) -> Accepted | tuple[Problem, ...]:
        """What was made of it, or why it was refused. While the hub can take nothing it waits here."""
        if record.problem is not None:
            return (record.problem,)
        arrival = Arrival(
            id=new_id(), sender=self.config.sender, schema=self._schema, body=record.body, received_at=self.context.clock(),
            correlation_id=new_id().replace("-", ""), else_key=record.key,
        )  # fmt: skip
        while True:
            try:
                return await accept(arrival, checkpoint=f"{one.shown}:{record.number}", keep=True)
            except (StoreUnavailable, UnknownSchema) as error:  # nothing is wrong with the record
                self._say_once("waiting", one, error)
                await asyncio.sleep(self.config.poll)
            except Refused as refusal:
                return refusal.problems

    def _say_once(self, event: str, one: Seen | None = None, error: BaseException | None = None) -> None:
        """Once for a file, while it is there: the name may hold anything, so its digest is logged."""
        digest = one.digest if one else ""
        if (event, digest) not in self._said:
            self._said.add((event, digest))
            log.warning(event, endpoint=self.context.name, digest=digest or None, exc_info=error)


def _reasons(outcome: Accepted) -> list[Problem]:
    return [Problem(one["at"], one["code"], one["message"], one.get("hint", "")) for one in outcome.receipt["reasons"]]
