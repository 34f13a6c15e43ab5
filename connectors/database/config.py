"""What must be told to read a table, to write into tables, or both: the database, the columns, and how a row is known."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationInfo,
    field_validator,
    model_validator,
)
from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from connectors.outcomes.schemas import Reference
from hub.connector import ConnectorConfig


def steps_of(field: str) -> tuple[str, ...]:
    """A field as columns name it: a JSON pointer, or the name of a field at the top."""
    if not field.startswith("/"):
        return (field,)
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in field.split("/")[1:])


def _fields(given: Any) -> Any:
    """A list of columns: each is a field of its own name."""
    if not isinstance(given, list):
        return given
    if not all(isinstance(one, str) for one in given) or len(set(given)) < len(given):
        raise ValueError("a list of columns names each once")
    return {name: name for name in given}


def _apart(columns: Mapping[str, str]) -> Mapping[str, str]:
    paths = [steps_of(field) for field in columns]
    if any("" in path for path in paths):
        raise ValueError("a field in columns has an empty name")
    if len(set(paths)) < len(paths) or any(one != two and one == two[: len(one)] for one in paths for two in paths):
        raise ValueError("two columns are for the same field, or one for a part of the other's")
    return columns


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError("no time zone of this name; such as Asia/Ho_Chi_Minh or UTC") from None
    return name


def _names(given: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(given)) < len(given):
        raise ValueError("a column is named twice")
    return given


_DRIVERS = {"mariadb": "mariadb+pymysql", "mysql": "mysql+pymysql", "postgresql": "postgresql+psycopg"}
Name = Annotated[str, Field(min_length=1, max_length=128)]
Names = Annotated[tuple[Name, ...], AfterValidator(_names)]
Columns = Annotated[dict[str, Name], BeforeValidator(_fields), AfterValidator(_apart)]
_COLUMNS = (
    "field of the message (a name, or a JSON pointer for one further down) → column; or a list of columns whose names are "
)
_COLUMNS += "those of the fields"


class Part(BaseModel):
    """A piece of the settings: frozen, no unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class TableConfig(Part):
    """A table, or a view, and which of its columns stand where in a message."""

    table: Name = Field(description="name of the table or view, as the database spells it")
    namespace: Name | None = Field(
        None, description="the schema (PostgreSQL) or database (MariaDB) that it is in, if not the account's own"
    )
    columns: Columns = Field(min_length=1, description=_COLUMNS)
    json_: Names = Field((), alias="json", description="columns that hold JSON as text: it becomes a part of the message")


class ReadTable(TableConfig):
    """Which columns need to be read otherwise than as they come."""

    booleans: Names = Field((), description="columns whose numbers 0 and 1 mean false and true")

    def listed(self) -> tuple[str, ...]:
        """The columns that are read into the message, each once."""
        return tuple(dict.fromkeys(self.columns.values()))


class ChildConfig(ReadTable):
    """A table whose rows belong to a row of the table that is read: they become a list in its message."""

    match: dict[Name, Name] = Field(min_length=1, description="column of this table → column of the table that is read")
    order: Names = Field(min_length=1, description="columns by which the list is ordered; together they are unique in it")


class WriteBackConfig(Part):
    """What is written into the table of what became of a row: accepted or kept is all that is known then."""

    table: Name | None = Field(
        None, description="where the row stands, if a view is read; the table that is read when not said"
    )
    namespace: Name | None = Field(None, description="the schema or database it is in; with table")
    columns: dict[Name, Literal["receipt", "state", "time"]] = Field(
        default_factory=dict,
        description="column → the hub's id of the arrival (receipt), what became of it (state: accepted, kept, superseded or "
        "refused), or when (time: UTC, as text in ISO 8601)",
    )
    delete: bool = Field(False, description="the row is deleted once the hub has it on disk (an outbox); a refused one stays")

    @model_validator(mode="after")
    def _one_of_both(self) -> WriteBackConfig:
        if bool(self.columns) == self.delete:
            raise ValueError("say either columns or delete: true")
        return self


class ReadConfig(ReadTable):
    """One table or view whose rows become arrivals, by a column that only grows."""

    sender: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$", description="the sender that the arrivals are of")
    schema_: Reference = Field(alias="schema", description="the source schema of a row, id@major")
    key: Names = Field(min_length=1, description="columns that together name a row: unique, never null")
    by: Name = Field(
        description="the column that grows with each change: a number, or a time (a text only if it is an ISO 8601 time, in "
        "one form). An index on it and the key keeps reading cheap"
    )
    look_back: float = Field(
        ge=0,
        allow_inf_nan=False,
        description="how far behind the newest row is read again each time, for what was committed late: seconds of a time, "
        "units of a number. More than the longest transaction there takes",
    )
    begin: str | int | None = Field(
        None,
        description="rows with a smaller value in by are never read; all are when not said",
    )
    children: dict[str, ChildConfig] = Field(
        default_factory=dict, description="field of the message → the table whose rows stand there as a list"
    )
    nulls: Literal["absent", "null"] = Field("absent", description="what NULL becomes: no field, or a field with null")
    decimals: Literal["text", "number"] = Field(
        "text", description="how exact decimals (NUMERIC) stand in the message; as number only what a double holds exactly"
    )
    zone: Annotated[str, AfterValidator(_zone)] | None = Field(
        None, description="the zone of times without one; when not said they stay without"
    )
    page: int = Field(200, ge=1, le=10_000, description="rows read at once, each such page in one snapshot")
    poll: float = Field(5.0, gt=0, le=86_400, description="seconds between two looks into the table")
    write_back: WriteBackConfig | None = Field(None, description="what is written into the table of a row that was taken")

    @model_validator(mode="after")
    def _fields_are_apart(self) -> ReadConfig:
        _apart({**self.columns, **{name: name for name in self.children}})
        return self

    @property
    def own(self) -> tuple[str, ...]:
        """Every column that is read of a row: those of the message, and those by which it is known and matched."""
        matched = [column for child in self.children.values() for column in child.match.values()]
        return tuple(dict.fromkeys((self.by, *self.key, *self.listed(), *matched)))


class WriteChild(TableConfig):
    """A list in the message whose items are rows of another table: they are replaced whole with each message."""

    match: dict[Name, Name] = Field(min_length=1, description="column of this table → column of the row they belong to")
    order: Name | None = Field(None, description="column that gets the place in the list, from 1")


class WriteConfig(TableConfig):
    """The table that messages of one schema are written into, a row each; a row that is there is changed."""

    key: Names = Field(min_length=1, description="columns that together name a row; the table has a unique index on them")
    message_id: Name | None = Field(
        None, description="column that gets the hub's id of the message: by it a row is known as ours"
    )
    seq: Name | None = Field(None, description="column that gets the number of the message in its dossier, counted by the hub")
    guard: Name | None = Field(
        None, description="a column that is written and only grows (seq, a time): a row that has a greater value stays as it is"
    )
    absent: Literal["null", "keep"] = Field(
        "null",
        description="what becomes of a column whose field the message lacks: NULL, or it stays as it is in a row that is there",
    )
    children: dict[str, WriteChild] = Field(
        default_factory=dict,
        description="field of the message (a name, or a JSON pointer) → the table that its items are rows of",
    )

    @property
    def written(self) -> tuple[str, ...]:
        """Every column that is written."""
        marks = [name for name in (self.message_id, self.seq) if name is not None]
        return tuple(dict.fromkeys((*self.columns.values(), *marks)))


class DatabaseConfig(ConnectorConfig):
    """One database: what is read there, what is written there, or both."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    url: str = Field(
        description="where it is, as SQLAlchemy writes it, without a password: postgresql://USER@HOST/NAME, "
        "mariadb://USER@HOST/NAME (extra mariadb), sqlite:///FILE (a path without / in front begins at the home)"
    )
    password: SecretStr | None = Field(None, description="of the account in url")
    timeout: float = Field(30.0, ge=1, le=3600, description="seconds that connecting, or one statement, may take")
    read: ReadConfig | None = Field(None, description="the table whose rows become arrivals; nothing is read when not said")
    write: dict[Reference, WriteConfig] = Field(
        default_factory=dict, description="partner schema (id@major) of a message → the table it is written into"
    )

    @field_validator("url")
    @classmethod
    def _is_url(cls, given: str, info: ValidationInfo) -> str:
        try:
            url = make_url(given)
        except (ArgumentError, ValueError):
            raise ValueError("no address of a database, such as postgresql://USER@HOST/NAME") from None
        if url.password is not None or any("pass" in name.lower() for name in url.query):
            raise ValueError("no password stands in the address: write password: ${env:NAME}")
        if url.get_backend_name() == "sqlite":
            if not url.database or url.database == ":memory:" or url.query:
                raise ValueError("SQLite needs the path of a file, and takes no options: sqlite:///FILE")
            home = (info.context or {}).get("home")
            if home is not None:
                url = url.set(database=str(Path(home).absolute() / url.database))
        elif url.drivername in _DRIVERS:
            url = url.set(drivername=_DRIVERS[url.drivername])
        return url.render_as_string()

    @property
    def address(self) -> URL:
        """The url with the password; nothing that is shown."""
        url = make_url(self.url)
        return url if self.password is None else url.set(password=self.password.get_secret_value())
