"""Where records go that the hub cannot take: a file each, with the value as it came, and beside it why and where it stood."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from pathlib import Path

import orjson
from aiokafka import ConsumerRecord

from hub.durable import make_folder, write_whole
from hub.errors import Problem


def place_of(record: ConsumerRecord) -> str:
    """Topic, partition and offset, as it is shown and stored."""
    return f"{record.topic}/{record.partition}/{record.offset}"


def where(record: ConsumerRecord) -> dict[str, object]:
    """The same for the log."""
    return {"topic": record.topic, "partition": record.partition, "offset": record.offset}


def keep(folder: Path, record: ConsumerRecord, problems: Iterable[Problem]) -> Path:
    """On disk when it returns; the same record again takes the same files. Raises OSError.

    ``PARTITION-OFFSET-TIME.json`` tells place, key, headers (both in base64, they may hold anything) and problems; the value
    stands beside it in ``.value``, and a record without a value has none.
    """
    into = folder / record.topic
    make_folder(into)
    path: Path = into / f"{record.partition}-{record.offset}-{record.timestamp}.json"
    if record.value is not None:
        write_whole(path.with_suffix(".value"), record.value)
    told = {
        "topic": record.topic,
        "partition": record.partition,
        "offset": record.offset,
        "timestamp": record.timestamp,
        "key": _coded(record.key),
        "headers": [[name, _coded(value)] for name, value in record.headers],
        "problems": [one.as_dict() for one in problems],
    }
    write_whole(path, orjson.dumps(told, option=orjson.OPT_INDENT_2))
    return path


def _coded(value: bytes | None) -> str | None:
    return None if value is None else base64.b64encode(value).decode()
