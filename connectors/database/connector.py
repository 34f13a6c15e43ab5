"""A database as a partner: systems that can only be read from a table, or be told by one, take part."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from connectors.database import checks
from connectors.database.config import DatabaseConfig
from connectors.database.place import Database, asked
from connectors.database.receiving import Polling
from connectors.database.writing import Writing
from connectors.outcomes.schemas import entry_for
from hub.connector import Accept, Attempt, Connector, ConnectorContext, Documents, Found, Receipt
from hub.errors import NotAsked, Problem
from hub.message import Message, SchemaRef


class DatabaseTables(Connector[DatabaseConfig]):
    """Reads the rows of a table or view that changed, and writes messages into tables; PostgreSQL, MariaDB, SQLite.

    Under ``read``: the table is polled by a column that only grows; each state of a row becomes an arrival, once in effect,
    with the rows of its children. Under ``write``: a message becomes a row, or changes the one that has its key.
    """

    Config = DatabaseConfig

    def __init__(self, config: DatabaseConfig, context: ConnectorContext) -> None:
        super().__init__(config, context)
        self._database = Database(config, context.name)
        self._polling = Polling(config.read, self._database, context) if config.read else None
        self._writing = {schema: Writing(one, self._database) for schema, one in config.write.items()}

    @classmethod
    def problems(cls, config: DatabaseConfig, sent: Collection[str], documents: Documents) -> Iterable[Problem]:
        """Drivers that are not installed; columns, fields and schemas that do not go together."""
        return checks.problems(config, sent, documents)

    @classmethod
    def sources(cls, config: DatabaseConfig) -> Mapping[str, str]:
        """The schema of the rows that are read."""
        return {"read.schema": config.read.schema_} if config.read else {}

    async def open(self) -> None:
        """Nothing to acquire: the database may come later."""

    async def close(self) -> None:
        """Let go of the database."""
        await self._database.close()

    async def check(self) -> None:
        """Does it answer, and are the tables and columns there and readable? Reads no row, changes nothing."""
        await self._database.work(self._ask)
        if self._polling is not None:
            await self._polling.check()
        for one in self._writing.values():
            await self._database.work(one.check)

    async def receive(self, accept: Accept) -> None:
        """Look into the table again and again."""
        if self._polling is not None:
            await self._polling.run(accept)

    async def send(self, message: Message, attempt: Attempt) -> Receipt:
        """Write the message as a row."""
        return await self._for(message.schema).send(message, attempt)

    async def find(self, message: Message, attempt: Attempt) -> Found | None:
        """Whether the row of the message's key shows this message."""
        return await self._for(message.schema).find(message)

    def _ask(self) -> None:
        with self._database.reading() as connection:
            asked(connection)

    def _for(self, schema: SchemaRef) -> Writing:
        one = entry_for(self._writing, schema)
        if one is None:  # the settings were changed while messages for it were waiting
            raise NotAsked("schema", f"{schema}: no table is told for it; name it under write, or mend the route")
        return one
