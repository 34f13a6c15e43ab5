"""The AsyncAPI 3 document of the hub's own event stream, made from ``hub.api.event_models``: ``hub events describe``."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from pydantic import TypeAdapter

from hub.api.event_models import TELLS
from hub.event import EventType

SUMMARY = (
    "What a dossier-hub does, told at least once, the events of one dossier in order. `ce_sequence` grows with each event of a"
    " dossier, compared as text: who keeps the largest of each dossier and skips what is not larger hears each event once. The"
    " last `ledger.changed` of each dossier, endpoint and stream is the ledger that the hub shows. When a stream begins, and"
    " after `hub events again` or a restore, `dossier.named` and `ledger.changed` are told of every dossier, in a new count:"
    " the first half of `ce_sequence` is then larger. Where it grows, what was known before of that dossier's ledger is void,"
    " and a name that two dossiers have is that of the one with the larger. Without `bodies` in `events.include` of config.yaml"
    " nothing of a person is in any event."
)
_DIALECT = "application/schema+json;version=draft-07"


def document(topic: str = "dossier-hub-events", prefix: str = "dossier-hub.") -> dict[str, Any]:
    """The document for a stream in this topic, whose types begin with this prefix."""
    messages = {_name(kind): _message(kind, prefix) for kind in TELLS}
    parts: dict[str, Any] = {}
    for one in messages.values():
        parts |= one["payload"]["schema"].pop("$defs", {})
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Events of dossier-hub", "version": version("dossier-hub"), "description": SUMMARY},
        "defaultContentType": "application/json",
        "channels": {
            "events": {
                "address": topic,
                "description": "One topic; the key of each record is the dossier.",
                "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
            }
        },
        "operations": {
            "publish": {
                "action": "send",
                "channel": {"$ref": "#/channels/events"},
                "summary": "The hub tells what it did.",
            }
        },
        "components": {"messages": messages, "schemas": parts},
    }


def payload(kind: EventType) -> dict[str, Any]:
    """The JSON Schema of what an event of this type tells; ``$ref`` leads into ``#/components/schemas``."""
    schema = TypeAdapter(TELLS[kind][0]).json_schema(ref_template="#/components/schemas/{model}")
    return dict(_closed(schema))


def _closed(schema: Any) -> Any:
    """A member that stands nowhere is none."""
    if isinstance(schema, dict):
        closed = {name: _closed(one) for name, one in schema.items()}
        return {**closed, "additionalProperties": False} if "properties" in closed else closed
    return [*map(_closed, schema)] if isinstance(schema, list) else schema


def _message(kind: EventType, prefix: str) -> dict[str, Any]:
    headers = {
        "ce_specversion": {"const": "1.0"},
        "ce_id": {"type": "string", "description": "the same as ce_sequence; names the event together with ce_source"},
        "ce_source": {"type": "string", "format": "uri-reference", "description": "the hub"},
        "ce_type": {"const": f"{prefix}{kind}"},
        "ce_subject": {"type": "string", "description": "the hub's own id of the dossier"},
        "ce_time": {"type": "string", "format": "date-time"},
        "ce_sequence": {"type": "string", "pattern": "^[0-9]{16}-[0-9]{16}$", "description": "grows with each of a dossier"},
        "content-type": {"const": "application/json"},
    }
    return {
        "name": f"{prefix}{kind}",
        "summary": TELLS[kind][1],
        "contentType": "application/json",
        "headers": {"type": "object", "required": sorted(headers), "properties": headers},
        "bindings": {"kafka": {"key": {"type": "string", "description": "the hub's own id of the dossier"}}},
        "payload": {"schemaFormat": _DIALECT, "schema": payload(kind)},
    }


def _name(kind: str) -> str:
    return "".join(part.capitalize() for part in kind.replace(".", "_").split("_"))
