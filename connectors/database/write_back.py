"""Writes into the table what became of its rows: at least once, and the same again changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, and_, column, delete, select, table, update

from connectors.database.config import ReadConfig
from connectors.database.faults import fault
from connectors.database.place import Database
from connectors.database.reading import bound
from hub.errors import DeliveryError, Rejected

if TYPE_CHECKING:
    from connectors.database.receiving import Taken


class WriteBack:
    """``tell`` after each page, in a transaction of its own; all of it in the database's thread."""

    def __init__(self, config: ReadConfig, database: Database) -> None:
        assert config.write_back is not None
        self._config, self._settings, self._database = config, config.write_back, database
        own = self._settings.table is not None
        name, namespace = (self._settings.table, self._settings.namespace) if own else (config.table, config.namespace)
        names = dict.fromkeys((config.by, *config.key, *self._settings.columns))
        self._table = table(str(name), *(column(one) for one in names), schema=namespace)

    def check(self) -> None:
        """Are the columns there? Reads and writes no row. Raises DeliveryError."""
        with self._database.reading() as connection:
            connection.execute(select(*self._table.c).where(bound(1) == bound(0)))

    def tell(self, taken: Sequence[Taken], now: int) -> list[str | None]:
        """Of each None, or the code of why the table refuses it, which stops no other. A row that was changed meanwhile is left
        alone: its newer state is told when that was taken. Raises DeliveryError."""
        if self._together(taken, now) is None:
            return [None] * len(taken)
        return [self._together([one], now) for one in taken]

    def _together(self, taken: Sequence[Taken], now: int) -> str | None:
        """In one transaction; the code of why it is refused. Raises DeliveryError."""
        try:
            with self._database.writing() as connection:
                for one in taken:
                    if not (self._settings.delete and one.state == "refused"):
                        self._write(connection, one, now)
        except DeliveryError:
            raise
        except Exception as error:
            found = fault(error, [one.name for one in self._table.c])
            if not isinstance(found, Rejected):
                raise (found or error) from None
            return found.code
        return None

    def _write(self, connection: Connection, one: Taken, now: int) -> None:
        c = self._table.c
        names = (self._config.by, *self._config.key)
        at = and_(*(c[name] == bound(value) for name, value in zip(names, one.place, strict=True)))
        if self._settings.delete:
            connection.execute(delete(self._table).where(at))
            return
        time = datetime.fromtimestamp(now / 1_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        said: dict[str, Any] = {"receipt": one.arrival, "state": one.state, "time": time}
        values = {name: bound(said[what]) for name, what in self._settings.columns.items()}
        # named among what is set, MariaDB's ON UPDATE CURRENT_TIMESTAMP leaves it alone
        connection.execute(update(self._table).where(at).values({**values, self._config.by: c[self._config.by]}))
