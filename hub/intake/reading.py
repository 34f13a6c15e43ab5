"""How intake reads a body: a large one in a thread, so that nobody waits for it; and what makes two bodies the same message."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import orjson

from hub.errors import Refused
from hub.message import Arrival
from hub.translation import Schema
from hub.translation.schema import at_pointer

XML_AT_ONCE = 256 * 1024
"""XML that is larger is read in a thread."""
JSON_AT_ONCE = 1024 * 1024
Read = Callable[[Schema], Any]
"""Gives the message, by the schema in force. Raises NotParsable, SchemaInvalid."""


def is_long_work(schema: Schema, size: int) -> bool:
    """Whether reading so many bytes would keep others waiting."""
    return size > (JSON_AT_ONCE if schema.xml is None else XML_AT_ONCE)


async def beforehand(read: Read, schema: Schema) -> Read:
    """Reads in a thread; what is returned gives what reading gave, or raises what it raised."""
    return await asyncio.to_thread(_done, read, schema)


def _done(read: Read, schema: Schema) -> Read:
    try:
        message = read(schema)
    except Refused as error:
        refusal = error

        def refuse(_: Schema) -> Any:
            raise refusal

        return refuse
    return lambda _: message


def identity(arrival: Arrival, schema: Schema | None, message: Any) -> bytes | None:
    """What two arrivals have in common if they are the same message: of JSON the bytes as they came; of XML the content, since
    stacks write the same with other prefixes and line ends each time. None for XML of which no message could be read."""
    if schema is None or schema.xml is None:
        return arrival.body
    return None if message is None else orjson.dumps(message, option=orjson.OPT_SORT_KEYS)


def keyed(arrival: Arrival, schema: Schema, message: Any) -> tuple[Arrival, str]:
    """The arrival with its key, and where that stands: given beside the message, else its own id, else that of its place."""
    if arrival.key is not None:
        return arrival, "Idempotency-Key"
    if (message_id := schema.message_id(message)) is not None:
        pointers = schema.pointers.get("message_id", ())
        at = next((one for one in pointers if at_pointer(message, one) not in (None, "")), "")
        return replace(arrival, key=f"id:{message_id}"), at
    return replace(arrival, key=arrival.else_key), ""
