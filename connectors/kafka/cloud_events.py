"""CloudEvents 1.0 in Kafka's binary mode: attributes are headers ``ce_…``, the value is the data as it is.

Source of the form: CloudEvents 1.0.2, Kafka Protocol Binding, section 3.2.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from hub.message import Message, SchemaRef

Headers = Iterable[tuple[str, bytes]]
_LONGEST_KEY = 200


@dataclass(frozen=True, slots=True)
class Event:
    """What the headers of a record say; None for what they do not. ``key`` names the event: its source and its id."""

    key: str | None
    type: str | None
    traceparent: str | None


def read(headers: Headers) -> Event:
    """Never raises: what cannot be read is not there."""
    said = texts(headers)
    event_id, source = said.get("ce_id"), said.get("ce_source", "")
    key = None if not event_id or "ce_specversion" not in said else as_key("event", f"{source} {event_id}")
    return Event(key, said.get("ce_type"), said.get("traceparent") or said.get("ce_traceparent"))


def texts(headers: Headers) -> dict[str, str]:
    """The headers that are text, by lower-case name; the last of a name counts."""
    found: dict[str, str] = {}
    for name, value in headers:
        try:
            found[name.lower()] = (value or b"").decode()
        except UnicodeDecodeError:
            continue
    return found


def as_key(kind: str, text: str) -> str:
    """What names a record, in a form that every store can keep: by its digest if it is long or not printable."""
    if len(text) > _LONGEST_KEY or not text.isprintable():
        text = f"sha256:{hashlib.sha256(text.encode(errors='replace')).hexdigest()}"
    return f"{kind}:{text}"


def headers_of(message: Message, source: str, type_prefix: str, subject: str) -> list[tuple[str, bytes]]:
    """The headers of a message that is sent: nothing in them is of a person, and all are the same each time it is sent."""
    schema = message.schema
    said = {
        "ce_specversion": "1.0",
        "ce_id": id_of(message),
        "ce_source": source,
        "ce_type": f"{type_prefix}{_major(schema)}",
        "ce_subject": subject,
        "ce_time": _made_at(message.id),
        "ce_dataschema": f"urn:dossier-hub:{schema.id}:{schema.version}",
        "content-type": "application/json",
        "traceparent": message.traceparent,
    }
    return [(name, value.encode()) for name, value in said.items() if value]


def id_of(message: Message) -> str:
    """What names a message as one record: it may go out in two schemas, and in two major versions of one."""
    return f"{message.id}/{_major(message.schema)}"


def _major(schema: SchemaRef) -> str:
    return f"{schema.id}@{schema.version.partition('.')[0]}"


def _made_at(message_id: str) -> str | None:
    """When the message was made: the time in its id (UUIDv7), None if it has none."""
    try:
        made = UUID(message_id)
    except ValueError:
        return None
    if made.version != 7:
        return None
    return instant((made.int >> 80) / 1000)


def instant(seconds: float) -> str:
    """Seconds since the epoch as CloudEvents say a time."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
