"""The operations of the API's description: parameters, bodies, and every status each may answer with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from hub.api import parameters
from hub.api.lookup_operations import Asked, lookup_paths
from hub.api.responses import LIMITS, STORE, Json, Kinds, answer, named, of_media, problems
from hub.api.row_operations import row_paths
from hub.errors import Busy, Forbidden, Refused, TooMany, Unauthenticated
from hub.store.values import ArrivalState

_READING = (Unauthenticated, Forbidden, TooMany, Busy)
_KEY: list[Json] = [{"bearer": []}, {"key": []}]
_REFERENCE = "^[a-z0-9][a-z0-9-]{0,59}@[0-9]{1,9}([.][0-9]{1,9}([.][0-9]{1,9})?)?$"
_TRACEPARENT: Json = {
    "name": "traceparent", "in": "header", "schema": {"type": "string"},
    "description": "W3C trace context: 00-<trace id>-<parent id>-<flags>",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Taken:
    """A schema that senders may use: its name among the components, the names a sender may give it, an example if any."""

    component: str
    names: tuple[str, ...]
    example: Any = None


def paths(taken: Sequence[Taken], asked: Sequence[Asked] = (), in_xml: Sequence[str] = ()) -> Json:
    """Every path of the API with its operations; ``in_xml``: names of schemas whose messages are XML."""
    return {
        "/v1/messages": {"post": _send(taken, in_xml)},
        **row_paths([*(name for one in taken for name in one.names), *in_xml], _KEY, _TRACEPARENT),
        "/v1/arrivals": {"get": _list_arrivals()},
        "/v1/arrivals/{id}": {"get": _get_arrival()},
        "/v1/dossiers": {"get": _list_dossiers()},
        "/v1/dossiers/{code}": {"get": _get_dossier()},
        "/v1/waiting": {"get": _get_waiting()},
        **lookup_paths(asked, _KEY, _TRACEPARENT),
        **_open_paths(),
    }


def _send(taken: Sequence[Taken], in_xml: Sequence[str]) -> Json:
    bodies: list[Any] = [{"$ref": f"#/components/schemas/{one.component}"} for one in taken]
    names = [*(name for one in taken for name in one.names), *in_xml]
    of_xml: Json = {"application/xml": {"schema": {"type": "string"}, "examples": {}}} if in_xml else {}
    examples = {one.component: {"value": one.example} for one in taken if one.example is not None}
    location = {"type": "string", "format": "uri-reference"}
    headers = {
        "Location": {"description": "where the arrival can be read", "required": True, "schema": location},
        "Idempotency-Replayed": {"description": "there when this is the first receipt again", "schema": {"const": "true"}},
        **named(LIMITS),
    }
    accepted = answer("the message is on disk", "Receipt", headers)
    accepted["links"] = {"arrival": {"operationId": "getArrival", "parameters": {"id": "$response.body#/arrival"}}}
    return {
        "operationId": "sendMessage",
        "tags": ["messages"],
        "summary": "Send one message",
        "description": "The body is one JSON document of the schema that `Hub-Schema` names (or the parameter `schema` of the "
        "media type), or XML where its messages are XML. It may be packed: `Content-Encoding: gzip`. A message that fits its "
        "schema and cannot be translated yet is taken too: state `kept`.",
        "security": _KEY,
        "parameters": [
            {
                "name": "Hub-Schema", "in": "header", "required": True, "schema": {"enum": names} if names else False,
                "description": "schema of the body: id@major takes the newest version of it, id@version exactly that one",
            },
            {
                "name": "Idempotency-Key", "in": "header", "schema": {"type": "string", "pattern": "^[!-~]{1,200}$"},
                "description": "your own id of the message, the same each time it is sent; 1 to 200 visible ASCII characters",
            },
            _TRACEPARENT,
        ],
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": bodies[0] if len(bodies) == 1 else {"anyOf": bodies} if bodies else False,
                    "examples": examples,
                },
                **of_xml,
            },
        },
        "responses": {"202": accepted, **problems([*_kinds(_all_refusals()), STORE])},
    }  # fmt: skip


def _list_arrivals() -> Json:
    filters = [
        _query("state", {"enum": list(get_args(ArrivalState))}, "only arrivals in this state"),
        _query("schema", {"type": "string", "pattern": _REFERENCE}, "only this schema; id@major stands for all its versions"),
    ]
    return _listing("listArrivals", "Arrivals of this sender, newest first", "ArrivalPage", filters)


def _list_dossiers() -> Json:
    flags = {
        "kept": "an arrival of it is kept",
        "waiting": "a delivery of it is not final",
        "dead": "a delivery of it is dead",
        "behind": "a partner has not its last message yet",
    }
    filters = [
        _query(name, {"type": "boolean"}, f"only dossiers of which it is so, or not so: {text}") for name, text in flags.items()
    ]
    return _listing("listDossiers", "Dossiers of this sender, the one with the newest arrival first", "DossierPage", filters)


def _listing(operation: str, summary: str, model: str, filters: list[Json]) -> Json:
    uuid = "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
    limit = {"type": "integer", "minimum": 1, "maximum": parameters.MAX_LIMIT, "default": parameters.DEFAULT_LIMIT}
    window = [
        _query("since", {"type": "string", "format": "date-time"}, "received at this time or later (RFC 3339)"),
        _query("until", {"type": "string", "format": "date-time"}, "received before this time"),
        _query("limit", limit, "items on a page at most"),
        _query("after", {"type": "string", "pattern": uuid}, "`next` of the page before"),
    ]
    link = {"description": "the next page, rel=next (RFC 8288)", "schema": {"type": "string"}}
    return {
        "operationId": operation,
        "tags": ["reading"],
        "summary": summary,
        "description": "A page may hold fewer items than `limit`, even none, while `next` still leads on: what seldom fits is "
        "looked for in steps. There is nothing more when `next` is null.",
        "security": _KEY,
        "parameters": [*filters, *window, _TRACEPARENT],
        "responses": {
            "200": answer("one page", model, {"Link": link, **named(LIMITS)}),
            **problems([*_kinds([parameters.BadParameter, *_READING]), STORE]),
        },
    }


def _get_arrival() -> Json:
    where = {"name": "id", "in": "path", "required": True, "schema": {"type": "string", "format": "uuid"}}
    return {
        "operationId": "getArrival",
        "tags": ["reading"],
        "summary": "One arrival, and what became of it",
        "security": _KEY,
        "parameters": [{**where, "description": "`arrival` of the receipt"}, _TRACEPARENT],
        "responses": {
            "200": answer("the arrival", "ArrivalView", named(LIMITS)),
            **problems([*_kinds(_READING), STORE, (404, "not-found")]),
        },
    }


def _get_dossier() -> Json:
    where = {"name": "code", "in": "path", "required": True, "schema": {"type": "string", "minLength": 1, "maxLength": 200}}
    return {
        "operationId": "getDossier",
        "tags": ["reading"],
        "summary": "One dossier: names, ledger, what waits, timeline",
        "security": _KEY,
        "parameters": [{**where, "description": "any code that any system gave the dossier"}, _TRACEPARENT],
        "responses": {
            "200": answer("the dossier", "DossierView", named(LIMITS)),
            **problems([*_kinds(_READING), STORE, (404, "not-found")]),
        },
    }


def _get_waiting() -> Json:
    return {
        "operationId": "getWaiting",
        "tags": ["reading"],
        "summary": "How many deliveries wait at each endpoint",
        "description": "For who sends many messages and wants to leave others their turn. What waits behind a dead letter "
        "is not counted; an endpoint at which nothing waits is absent.",
        "security": _KEY,
        "parameters": [_TRACEPARENT],
        "responses": {
            "200": answer("the endpoints", "Waiting", named(LIMITS)),
            **problems([*_kinds(_READING), STORE]),
        },
    }


def _open_paths() -> Json:
    """Paths that need no key and tell of no dossier."""
    described = {
        "type": "object",
        "required": ["openapi", "info", "paths"],
        "properties": {"openapi": {"const": "3.1.0"}, "info": {"type": "object"}, "paths": {"type": "object"}},
    }
    text = {"type": "string"}
    ready = _open("isReady", "operation", "Does it take and deliver messages?", answer("it does", "Ready"))
    ready["responses"] |= problems([(503, "not-ready"), STORE])
    return {
        "/health/live": {"get": _open("isAlive", "operation", "Does the process answer?", answer("it does", "Alive"))},
        "/health/ready": {"get": ready},
        "/metrics": {
            "get": _open("getMetrics", "operation", "Metrics in Prometheus' text format", of_media("text/plain", text))
        },
        "/openapi.json": {
            "get": _open("getDescription", "description", "This document", of_media("application/json", described))
        },
        "/docs": {"get": _open("getDocs", "description", "This document as a page to read", of_media("text/html", text))},
    }


def _open(operation: str, tag: str, summary: str, good: Json) -> Json:
    return {
        "operationId": operation, "tags": [tag], "summary": summary, "security": [],
        "responses": {"200": good, **problems([])},
    }  # fmt: skip


def _query(name: str, schema: Json, description: str) -> Json:
    return {"name": name, "in": "query", "schema": schema, "description": description}


def _kinds(classes: Iterable[type[Refused]]) -> Kinds:
    return [(one.status, one.kind) for one in classes]


def _all_refusals(of: type[Refused] = Refused) -> Iterator[type[Refused]]:
    """Every kind of refusal that the door for messages knows."""
    if of is not parameters.BadParameter:
        yield of
        for one in of.__subclasses__():
            yield from _all_refusals(one)
