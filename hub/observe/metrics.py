"""Prometheus metrics of the whole flow behind plain functions; the only module that knows prometheus_client.

Every label value is bounded: endpoints, routes and states come from configuration and code, senders and schemas must
have been made known (``know``), anything else is counted as ``unknown``. Values a caller typed never become labels.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache, partial
from typing import Any, Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

UNKNOWN = "unknown"
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
MAX_SENDERS = 500

ArrivalOutcome = Literal["accepted", "refused", "kept", "duplicate", "superseded"]
DeliveryOutcome = Literal["delivered", "retried", "in_doubt", "dead", "refused"]

_WORD = re.compile(r"[a-z][a-z0-9_.-]{0,59}")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_registry = CollectorRegistry()
ProcessCollector(registry=_registry)

_ARRIVALS = Counter("hub_arrivals", "Arrivals by outcome", ("sender", "schema", "outcome"), registry=_registry)
_REFUSED = Counter("hub_refused", "Refused input by reason", ("reason",), registry=_registry)
_DELIVERIES = Counter("hub_deliveries", "Ends of attempts and deliveries", ("endpoint", "route", "outcome"), registry=_registry)
_LAG = Histogram(
    "hub_lag_seconds", "From receipt to delivery, by the hub's clock", ("endpoint", "route"), registry=_registry,
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 4 * 3600, 24 * 3600),
)  # fmt: skip
_PARTNER = Histogram(
    "hub_partner_seconds", "How long the partner took for one call", ("endpoint",), registry=_registry,
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
)  # fmt: skip
_REQUESTS = Histogram(
    "hub_request_seconds", "Requests to the hub's own doors", ("method", "route", "status"), registry=_registry,
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60),
)  # fmt: skip
_BACKLOG = Gauge("hub_backlog", "Open deliveries now", ("endpoint", "route", "state"), registry=_registry)
_STORED = Gauge("hub_stored_arrivals", "Arrivals that wait in the store now (kept)", ("state",), registry=_registry)
_OLDEST = Gauge("hub_oldest_waiting_seconds", "Age of the oldest open delivery", ("endpoint",), registry=_registry)
_SENDABLE = Gauge(
    "hub_oldest_sendable_seconds", "Age of the oldest open delivery that waits behind no other, a dead letter for instance",
    ("endpoint",), registry=_registry,
)  # fmt: skip
_PAUSED = Gauge("hub_endpoint_paused", "1 while an operator has the endpoint paused", ("endpoint",), registry=_registry)
_BREAKER = Gauge("hub_breaker_open", "1 while calls to the endpoint are held back", ("endpoint",), registry=_registry)
_LOOKUPS = Counter("hub_lookups", "Questions to registries by outcome", ("endpoint", "kind", "outcome"), registry=_registry)
_UNMARKED = Counter(
    "hub_unmarked", "Deliveries begun without the mark of the registry that their route names, by why",
    ("endpoint", "route", "code"), registry=_registry,
)  # fmt: skip
_EVENTS = Counter("hub_events_published", "Events of the hub's own stream that were published", registry=_registry)
_EVENTS_WAITING = Gauge("hub_events_waiting", "Events that are not published yet, about", registry=_registry)
_EVENTS_OLDEST = Gauge("hub_events_oldest_seconds", "Age of the oldest event that is not published yet", registry=_registry)
_FILES = Counter(
    "hub_files", "Files of drop folders that were read, by what became of them", ("endpoint", "outcome"), registry=_registry
)
_FILES_WAITING = Gauge("hub_files_waiting", "Files that lie in a drop folder, not read yet", ("endpoint",), registry=_registry)
_FOLDER = Gauge(
    "hub_folder_unusable", "1 while a drop folder, or its server, cannot be used", ("endpoint",), registry=_registry
)
_ROWS = Counter(
    "hub_rows", "States of rows of tables that were read, by what became of them", ("endpoint", "outcome"), registry=_registry
)
_TABLE = Gauge(
    "hub_table_unreadable", "1 while an endpoint's table is not read: no database, no rights, or the store takes nothing",
    ("endpoint",), registry=_registry,
)  # fmt: skip
_NOWHERE = Gauge(
    "hub_rows_without_place", "Rows of a table that are never read, for want of a value in by or key; counted to 1,000",
    ("endpoint",), registry=_registry,
)  # fmt: skip
_RECORDS = Counter(
    "hub_records", "Records of topics that were read, by what became of them", ("endpoint", "outcome"), registry=_registry
)
_RECORDS_WAITING = Gauge(
    "hub_records_waiting",
    "Records of topics that are this hub's to read and not taken in yet",
    ("endpoint",),
    registry=_registry,
)
_TOPICS = Gauge(
    "hub_topics_unreadable", "1 while an endpoint's topics are not read: no broker, no rights, or the store takes nothing",
    ("endpoint",), registry=_registry,
)  # fmt: skip
_BROKE = Counter(
    "hub_broke", "Times the hub itself broke on what came in, by where: an endpoint, or rows", ("endpoint",), registry=_registry
)
_READY = Gauge("hub_ready", "1 while the store answers and every dispatcher and receiver runs", registry=_registry)
_STORE_ERRORS = Counter("hub_store_errors", "Times the store could not serve", ("reason",), registry=_registry)

_IN_WORK = Gauge("hub_requests_in_work", "Messages being taken in now", registry=_registry)
_WAITING = Gauge("hub_requests_waiting", "Requests that wait for their turn now", registry=_registry)
_HELD = Gauge("hub_held_bytes", "Bytes of bodies held now for requests in work", registry=_registry)

_senders: set[str] = set()
_schemas: set[str] = set()


def know(*, senders: Iterable[str] = (), schemas: Iterable[str] = ()) -> None:
    """Make values known that may be labels: senders (key or endpoint names; at most 500) and schemas as ``id@major``."""
    for sender in senders:
        if len(_senders) < MAX_SENDERS and _WORD.fullmatch(sender):
            _senders.add(sender)
    _schemas.update(_major(schema) for schema in schemas)


@lru_cache(maxsize=2048)
def _arrivals(sender: str, schema: str, outcome: str) -> Counter:
    return _ARRIVALS.labels(sender, schema, outcome)


@lru_cache(maxsize=4096)
def _deliveries(endpoint: str, route: str, outcome: str) -> Counter:
    return _DELIVERIES.labels(_word(endpoint), _word(route), outcome)


@lru_cache(maxsize=2048)
def _lag(endpoint: str, route: str) -> Histogram:
    return _LAG.labels(_word(endpoint), _word(route))


@lru_cache(maxsize=512)
def _partner(endpoint: str) -> Histogram:
    return _PARTNER.labels(_word(endpoint))


@lru_cache(maxsize=512)
def _requests(method: str, route: str, status: int) -> Histogram:
    return _REQUESTS.labels(method, route, str(status))


def _major(schema: str) -> str:
    """``id@major`` of ``id@version``."""
    return schema.partition(".")[0]


def _word(value: str) -> str:
    return value if _WORD.fullmatch(value) and not re.search(r"[0-9]{7}", value) else UNKNOWN


def arrival(sender: str | None, schema: str | None, outcome: ArrivalOutcome) -> None:
    """One arrival. ``schema`` is ``id`` or ``id@version`` (shown as ``id@major``)."""
    label = _major(schema or "")
    label = label if label in _schemas else UNKNOWN
    _arrivals(sender if sender in _senders and sender else UNKNOWN, label, outcome).inc()


def arrivals_so_far(outcome: ArrivalOutcome) -> int:
    """How many arrivals came to this since the process started."""
    samples = (sample for metric in _ARRIVALS.collect() for sample in metric.samples)
    return int(sum(one.value for one in samples if one.name == "hub_arrivals_total" and one.labels["outcome"] == outcome))


def refused(reason: str) -> None:
    """Input refused at a door; ``reason`` is the problem's kind."""
    _REFUSED.labels(_word(reason)).inc()


def delivery(endpoint: str, route: str, outcome: DeliveryOutcome) -> None:
    """The end of an attempt or of a delivery."""
    _deliveries(endpoint, route, outcome).inc()


def lag(endpoint: str, route: str, seconds: float) -> None:
    """From receipt to delivery."""
    _lag(endpoint, route).observe(seconds)


def partner(endpoint: str, seconds: float) -> None:
    """How long one call to a partner took."""
    _partner(endpoint).observe(seconds)


def lookup(endpoint: str, kind: str, outcome: str) -> None:
    """What came of one question to a registry."""
    _LOOKUPS.labels(_word(endpoint), _word(kind), _word(outcome)).inc()


def unmarked(endpoint: str, route: str, code: str) -> None:
    """A delivery begins whose owner is not confirmed."""
    _UNMARKED.labels(_word(endpoint), _word(route), _word(code)).inc()


def file_read(endpoint: str, outcome: Literal["done", "partly", "failed"]) -> None:
    """A file of a drop folder was read to its end (``partly``: some of its records were refused or kept), or failed."""
    _FILES.labels(_word(endpoint), outcome).inc()


def folder(endpoint: str, waiting: int | None) -> None:
    """How many files wait in a drop folder; None while it cannot be used."""
    _FOLDER.labels(_word(endpoint)).set(1 if waiting is None else 0)
    if waiting is not None:
        _FILES_WAITING.labels(_word(endpoint)).set(waiting)


def row_read(endpoint: str, outcome: Literal["taken", "repeated", "refused"]) -> None:
    """A state of a row was read (``taken``: one that is kept is among them)."""
    _ROWS.labels(_word(endpoint), outcome).inc()


def table(endpoint: str, *, readable: bool) -> None:
    """Whether an endpoint's table is read."""
    _TABLE.labels(_word(endpoint)).set(0 if readable else 1)


def rows_nowhere(endpoint: str, rows: int) -> None:
    """How many rows of an endpoint's table have no place in its order."""
    _NOWHERE.labels(_word(endpoint)).set(rows)


def record_read(endpoint: str, outcome: Literal["taken", "repeated", "refused"]) -> None:
    """A record of a topic was read (``taken``: one that is kept is among them)."""
    _RECORDS.labels(_word(endpoint), outcome).inc()


def topics(endpoint: str, waiting: int | None) -> None:
    """How many records wait in an endpoint's topics; None while they are not read."""
    _TOPICS.labels(_word(endpoint)).set(1 if waiting is None else 0)
    if waiting is not None:
        _RECORDS_WAITING.labels(_word(endpoint)).set(waiting)


def events_published(count: int) -> None:
    """So many events of the hub's own stream are published."""
    _EVENTS.inc(count)


def request(method: str, route: str, status: int, seconds: float) -> None:
    """One request to the hub; ``route`` is the pattern (``/v1/arrivals/{id}``), never the path."""
    _requests(method if method in _METHODS else "OTHER", route, status).observe(seconds)


def breaker(endpoint: str, open: bool) -> None:
    """Whether calls to the endpoint are held back."""
    _BREAKER.labels(_word(endpoint)).set(1 if open else 0)


def ready(ready: bool) -> None:
    """Whether the store answers and every dispatcher runs."""
    _READY.set(1 if ready else 0)


def broke(where: str) -> None:
    """The hub itself broke on an arrival that came in there."""
    _BROKE.labels(_word(where)).inc()


def store_error(reason: str) -> None:
    """The store could not serve: disk_full, locked, corrupt, gone …"""
    _STORE_ERRORS.labels(_word(reason)).inc()


def watch_door(look: Callable[[], tuple[int, int, int]]) -> None:
    """``look`` gives requests in work, requests waiting and bytes held, whenever metrics are read."""
    for place, gauge in enumerate((_IN_WORK, _WAITING, _HELD)):
        gauge.set_function(partial(lambda place: look()[place], place))


def set_traffic(traffic: Mapping[str, Any]) -> None:
    """Set the gauges from ``store.traffic()``; what is no longer there falls to nothing."""
    stored: dict[str, int] = {}
    for row in traffic["arrivals"]:
        stored[row["state"]] = stored.get(row["state"], 0) + row["count"]
    for gauge in (_BACKLOG, _STORED, _OLDEST, _SENDABLE, _PAUSED):
        gauge.clear()
    for state, count in stored.items():
        _STORED.labels(_word(state)).set(count)
    for row in traffic["deliveries"]:
        _BACKLOG.labels(_word(row["endpoint"]), _word(row["route"]), row["state"]).set(row["count"])
    for endpoint, seconds in traffic["oldest_waiting_seconds"].items():
        _OLDEST.labels(_word(endpoint)).set(seconds)
    for endpoint, seconds in traffic["oldest_sendable_seconds"].items():
        _SENDABLE.labels(_word(endpoint)).set(seconds)
    for endpoint in traffic["paused"]:
        _PAUSED.labels(_word(endpoint)).set(1)
    stream = traffic["events"] or {"count": 0, "oldest_seconds": 0.0}
    _EVENTS_WAITING.set(stream["count"])
    _EVENTS_OLDEST.set(stream["oldest_seconds"])


def render() -> bytes:
    """All metrics in the Prometheus text format (``CONTENT_TYPE``)."""
    return generate_latest(_registry)
