"""How a connector that reads files hands out the records of one, for `hub import`: by the settings of its endpoint."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from pydantic import ValidationError

from hub.config import validation_problems
from hub.connector import Connector
from hub.errors import BadConfig, Problem


class FileRecord(Protocol):
    """One record. ``number`` counts records and ``line`` lines, from 1; ``key`` is a digest of the file up to its end, and its
    number; ``body`` as the hub takes it. With a ``problem`` it cannot be handed over."""

    @property
    def number(self) -> int: ...
    @property
    def line(self) -> int: ...
    @property
    def key(self) -> str: ...
    @property
    def body(self) -> bytes: ...
    @property
    def problem(self) -> Problem | None: ...


class RecordReader(Protocol):
    """Reads files of one form."""

    schema: str
    """The source schema of each record, id@major."""

    def records(self, stream: BinaryIO) -> Iterator[FileRecord]:
        """The records, numbered without a gap. Raises WithProblems (with the ``line``) when the file cannot be read further."""


def reader_of(connector: type[Connector[Any]], settings: Mapping[str, Any], home: Path) -> RecordReader | None:
    """How the connector reads files by these settings; None when it reads none. Raises BadConfig."""
    make: Callable[[Any], RecordReader | None] | None = getattr(connector, "record_reader", None)
    if make is None:
        return None
    try:
        return make(connector.Config.model_validate(settings, context={"home": home}))
    except ValidationError as error:
        raise BadConfig(validation_problems(error, lambda *_: "", ("settings",))) from None
