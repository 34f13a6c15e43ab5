"""Writing: each message becomes a row, or changes the one that is there, with the rows of its lists, in one transaction.

The row is looked at and locked first, then inserted or changed by its key. A database's own upsert would do it in one
statement; MariaDB's changes the row of any unique index that collides, which may be somebody else's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, delete, insert, literal, select, update

from connectors.database.config import WriteConfig
from connectors.database.faults import fault
from connectors.database.place import Database
from connectors.database.reading import Raw, bound, named
from connectors.database.records import Values, list_rows, own_row
from hub.connector import Attempt, Found, Receipt
from hub.errors import DeliveryError, NotAsked, Rejected, Transient, shown
from hub.message import Message

_NEWER = "row_is_newer"
"""Of a row that is looked at: whether its guard is greater than the message's."""


class _Inserting(Exception):
    """The database refused a row that was not there a moment ago."""


class Writing:
    """Messages of one schema, into one table."""

    def __init__(self, config: WriteConfig, database: Database) -> None:
        self._config, self._database = config, database
        self._table = named(config, *config.key, *config.written)
        self._children = [
            (field, one, named(one, *one.match, *([one.order] if one.order else []))) for field, one in config.children.items()
        ]
        tables = [self._table, *(made for _, _, made in self._children)]
        self._names = tuple(dict.fromkeys(one.name for made in tables for one in made.c))

    def check(self) -> None:
        """Are the tables and their columns there? Reads and writes no row. Raises DeliveryError."""
        with self._database.reading() as connection:
            for one in (self._table, *(made for _, _, made in self._children)):
                connection.execute(select(*one.c).where(bound(1) == bound(0)))

    async def send(self, message: Message, attempt: Attempt) -> Receipt:
        """Write it. Raises Rejected, NotAsked, Transient, NotConnected, InDoubt."""
        own = own_row(self._config, message)
        lists = [list_rows(self._config, field, one, message, own) for field, one, _ in self._children]
        return await self._database.work(self._write, message, own, lists, attempt.may_update)

    async def find(self, message: Message) -> Found | None:
        """What the row of the message's key says. Raises Transient, NotConnected."""
        try:
            own = own_row(self._config, message)
        except NotAsked:  # the settings were changed since it was written
            return Found(None)
        return await self._database.work(self._look, message, own)

    # ── in the database's thread
    def _write(self, message: Message, own: Values, lists: Sequence[list[Values] | None], may_update: bool) -> Receipt:
        try:
            with self._database.writing() as connection:
                try:
                    return self._in_transaction(connection, message, own, lists, may_update)
                except (DeliveryError, _Inserting):
                    raise
                except Exception as error:
                    raise self._fault(error) from None
        except _Inserting as error:
            assert error.__cause__ is not None
            found = self._fault(error.__cause__)
            if isinstance(found, Rejected) and self._is_there(own):
                raise Transient("locked", "somebody else has just made this row") from None
            raise found from None
        except DeliveryError:
            raise
        except Exception as error:  # a rule that is looked at only when it is committed
            raise self._fault(error) from None

    def _in_transaction(
        self, connection: Connection, message: Message, own: Values, lists: Sequence[list[Values] | None], may_update: bool
    ) -> Receipt:
        there = self._row(connection, own, locked=True)
        if there is None:
            try:
                connection.execute(insert(self._table).values(_bound(own)))
            except Exception as error:
                raise _Inserting from error
        else:
            if not may_update and not self._is_ours(there, message):
                raise Rejected("exists", "the table has this row already, the ledger shows no send of ours: adopt or hold it")
            if there[_NEWER]:
                return Receipt(
                    self._reference(own), warnings=(f"the row has a greater {self._config.guard}: it stays as it is",)
                )
            if changed := {name: value for name, value in own.items() if name not in self._config.key}:
                connection.execute(update(self._table).where(self._is_at(own)).values(_bound(changed)))
        for (_, one, made), rows in zip(self._children, lists, strict=True):
            if rows is None:
                continue
            mine = and_(*(made.c[name] == bound(own.get(parent)) for name, parent in one.match.items()))
            connection.execute(delete(made).where(mine))
            for row in rows:
                connection.execute(insert(made).values(_bound(row)))
        return Receipt(self._reference(own))

    def _look(self, message: Message, own: Values) -> Found | None:
        with self._database.reading() as connection:
            there = self._row(connection, own)
        if there is None:
            return None
        config, reference = self._config, self._reference(own)
        if self._is_ours(there, message):
            return Found(True, reference)
        if config.seq is not None and there[config.seq] is not None:
            seq = int(there[config.seq])
            return Found(seq > message.seq or (seq == message.seq and config.message_id is None), reference)
        return Found(None if config.message_id is None else False)

    def _row(self, connection: Connection, own: Values, *, locked: bool = False) -> Raw | None:
        """What tells of the row that is there."""
        config, c = self._config, self._table.c
        names = [one for one in (config.message_id, config.seq) if one is not None]
        guard = None if config.guard is None else own.get(config.guard)
        newer = literal(0) if guard is None else (c[str(config.guard)] > bound(guard))
        query = select(*(c[name] for name in (*config.key, *names)), newer.label(_NEWER)).where(self._is_at(own))
        found = connection.execute(query.with_for_update() if locked else query).first()
        return None if found is None else found._asdict()

    def _is_there(self, own: Values) -> bool:
        with self._database.reading() as connection:
            return self._row(connection, own) is not None

    def _is_at(self, own: Values) -> ColumnElement[bool]:
        return and_(*(self._table.c[name] == bound(own[name]) for name in self._config.key))

    def _is_ours(self, there: Raw, message: Message) -> bool:
        return self._config.message_id is not None and str(there[self._config.message_id]) == message.id

    def _reference(self, own: Values) -> str:
        return f"{self._config.table}:{'/'.join(shown(own[name]) for name in self._config.key)}"

    def _fault(self, error: BaseException) -> BaseException:
        return fault(error, self._names) or error


def _bound(row: Values) -> dict[str, Any]:
    return {name: bound(value) for name, value in row.items()}
