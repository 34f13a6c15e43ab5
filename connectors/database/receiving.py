"""Polling: the rows of a table become arrivals, each state of a row once in effect; the cursor is committed with them.

The cursor that an arrival carries covers the pages before its own, with what was written back about them. So a crash at any
moment reads at most one page and the look-back again, and all of that is known by its key.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from connectors.database.config import ReadConfig
from connectors.database.cursor import Cursor, NoOrder, read_cursor
from connectors.database.place import Database
from connectors.database.reading import Place, TableReader
from connectors.database.rows import Row, RowForm
from connectors.database.write_back import WriteBack
from hub.connector import Accept, ConnectorContext
from hub.errors import Broke, DeliveryError, IdConflict, Refused, StoreUnavailable, Transient, UnknownSchema
from hub.message import Arrival, SchemaRef, new_id
from hub.observe import metrics
from hub.observe.logging import get_logger

log = get_logger("database")
_REMEMBERED = 200_000
"""States of rows that need not be handed over again: a window with more is asked for at the hub's store, row by row."""
_COUNT_MICROSECONDS = 3_600_000_000
"""Between two counts of the rows that cannot be read for want of a place: it may look at the whole table."""
_FAR = timedelta(days=1)
_OF_A_ROW = ("no_order", "time_to_come")
"""What is said of a table that is read all the same."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a row: ``state`` as the receipt says, or refused; ``arrival`` is the hub's id of it, if it has one."""

    place: Place
    state: str
    arrival: str | None = None
    told: bool = False
    """It was written back."""


class Polling:
    """``await run(accept)`` until cancelled. A table that cannot be read is tried again; nothing ends it."""

    def __init__(self, config: ReadConfig, database: Database, context: ConnectorContext) -> None:
        self._config, self._database, self._context = config, database, context
        self._reader, self._form = TableReader(config, database), RowForm(config)
        self._write_back = WriteBack(config, database) if config.write_back else None
        self._schema = SchemaRef.parse(config.schema_)
        self._cursor: Cursor | None = None
        self._is_begun = self._is_held = False
        self._counted_at, self._nowhere = 0, 0
        self._known: OrderedDict[str, Taken] = OrderedDict()
        self._said: set[str] = set()

    async def check(self) -> None:
        """Can the table and those of its children be read, and what was taken be written back? Raises DeliveryError."""
        await self._database.work(self._reader.check)
        if self._write_back is not None:
            await self._database.work(self._write_back.check)

    async def run(self, accept: Accept) -> None:
        """Look into the table again and again."""
        while True:
            try:
                await self.look(accept)
                self._said.clear()
                metrics.table(self._context.name, readable=True)
            except DeliveryError as error:
                self._say_once("table_unreadable", error.code)
            except StoreUnavailable as error:
                self._say_once("waiting", error.reason)
            except Exception as error:  # nothing may end it: nobody would begin it again
                self._say_once("table_broke", type(error).__name__, error)
            await asyncio.sleep(self._config.poll)

    async def look(self, accept: Accept) -> None:
        """From a look-back before the cursor to the last row, page by page. Raises DeliveryError, StoreUnavailable.

        However long it takes, the cursor passes no row that was not there when it began: what is committed late behind a page
        that was read is then within the next look's window still.
        """
        if not self._is_begun:
            await self._begin()
        newest = Cursor(await self._database.work(self._reader.newest))
        low = None if self._cursor is None else self._cursor.earlier(self._config.look_back)
        after: Place | None = None
        while True:
            page = await self._database.work(self._reader.page, low, after)
            rows = await self._database.work(lambda found: [self._form.row(one) for one in found], page.rows)
            covered = None if self._cursor is None else self._cursor.written(self._config)
            for row in rows:
                await self._take(row, accept, covered)
            await self._tell(rows)
            for row in rows:
                self._go_on(row, newest)
            if page.cut:
                raise Transient("key_unreadable", "the next row's key, or its value in by, cannot be read")
            if page.more is None:
                break
            after = page.more
        await self._count_what_is_nowhere()

    async def _count_what_is_nowhere(self) -> None:
        """Nobody would miss rows that no look can see: their number is said whenever it is another one."""
        if self._counted_at and self._context.clock() < self._counted_at + _COUNT_MICROSECONDS:
            return
        self._counted_at = self._context.clock()
        try:
            found = await self._database.work(self._reader.nowhere)
        except Exception as error:  # what can be read is read
            log.warning("rows_not_counted", endpoint=self._context.name, code=type(error).__name__)
            return
        metrics.rows_nowhere(self._context.name, found)
        if found not in (0, self._nowhere):
            log.error("rows_without_place", endpoint=self._context.name, rows=found, at=self._config.table)
        self._nowhere = found

    async def _begin(self) -> None:
        kept = None if self._context.cursor is None else await self._context.cursor()
        self._cursor = None if kept is None else read_cursor(kept, self._config)
        if kept is not None and self._cursor is None:
            log.warning("cursor_of_another_table", endpoint=self._context.name)
        self._is_begun = True

    def _go_on(self, row: Row, newest: Cursor) -> None:
        """A value that is neither a number nor a time, or a time that has not come, leaves the cursor where it is: the row will
        be read again and again, and so will what is written behind it."""
        reached, now = Cursor(row.place[0]), datetime.fromtimestamp(self._context.clock() / 1_000_000, UTC)
        try:
            reached.earlier(self._config.look_back)
            if reached.is_to_come(now, self._config.zone):
                if reached.is_to_come(now + _FAR, self._config.zone):
                    self._say_once("time_to_come", self._config.by)
            elif self._cursor is None or self._cursor.is_behind(reached):
                self._cursor = self._cursor if self._is_held or newest.is_behind(reached) else reached
        except NoOrder:
            self._say_once("no_order", self._config.by)

    async def _take(self, row: Row, accept: Accept, covered: str | None) -> None:
        """Hand over this state of the row, unless that was done since the hub started."""
        if row.key not in self._known:
            self._known[row.key] = await self._hand_over(row, accept, covered)
        self._known.move_to_end(row.key)
        while len(self._known) > max(_REMEMBERED, self._config.page):
            self._known.popitem(last=False)

    async def _tell(self, rows: Sequence[Row]) -> None:
        """Write back what became of them, unless that was done since the hub started. Raises DeliveryError."""
        if self._write_back is None:
            return
        fresh = {row.key: row for row in rows if not self._known[row.key].told}
        if not fresh:
            return
        taken = [self._known[key] for key in fresh]
        refused = await self._database.work(self._write_back.tell, taken, self._context.clock())
        for row, one, code in zip(fresh.values(), taken, refused, strict=True):
            if code is not None:
                log.error("not_written_back", endpoint=self._context.name, at=row.position, code=code)
            self._known[row.key] = replace(one, told=True)

    async def _hand_over(self, row: Row, accept: Accept, covered: str | None) -> Taken:
        """While the hub can take nothing it waits here. A row that the hub refuses is said, and the next one goes on."""
        if row.problem is not None:
            return self._refused(row, Refused([row.problem]))
        arrival = Arrival(
            id=new_id(), sender=self._config.sender, schema=self._schema, body=row.body, received_at=self._context.clock(),
            correlation_id=new_id().replace("-", ""), origin=self._context.name, else_key=row.key,
        )  # fmt: skip
        while True:
            try:
                accepted = await accept(arrival, checkpoint=row.position, keep=True, cursor=covered)
            except IdConflict:  # the message's own id came before with another body: the state of the row is what counts
                log.warning("id_used_again", endpoint=self._context.name, table=self._config.table)
                arrival = replace(arrival, key=arrival.else_key)
            except (StoreUnavailable, UnknownSchema) as error:  # nothing is wrong with the row
                self._say_once("waiting", type(error).__name__)
                await asyncio.sleep(min(self._config.poll, 5.0))
            except Refused as refusal:
                # the cursor stays before one at which the hub broke: after the next start it is tried again
                self._is_held = self._is_held or isinstance(refusal, Broke)
                return self._refused(row, refusal)
            else:
                metrics.row_read(self._context.name, "repeated" if accepted.repeated else "taken")
                return Taken(row.place, str(accepted.receipt["state"]), str(accepted.receipt["arrival"]))

    def _refused(self, row: Row, refusal: Refused) -> Taken:
        codes = [one.code for one in refusal.problems]
        log.error("row_refused", endpoint=self._context.name, code=refusal.kind, at=row.position, codes=codes)
        metrics.row_read(self._context.name, "refused")
        return Taken(row.place, "refused")

    def _say_once(self, event: str, code: str, error: BaseException | None = None) -> None:
        """Once, until a whole look went well again."""
        if event not in _OF_A_ROW:
            metrics.table(self._context.name, readable=False)
        if f"{event}:{code}" not in self._said:
            self._said.add(f"{event}:{code}")
            log.warning(event, endpoint=self._context.name, code=code, exc_info=error)
