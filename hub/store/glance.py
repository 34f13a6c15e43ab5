"""The exchange at one glance, as values: what ``store.overview()`` gives, and what the page, the API and the shell show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Minute:
    """Arrivals by state in the minute that began at ``at``."""

    at: str
    arrivals: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Traffic:
    """Arrivals by state in the last ``seconds``, and minute by minute, the newest last."""

    seconds: int
    arrivals: Mapping[str, int]
    minutes: tuple[Minute, ...]


@dataclass(frozen=True, slots=True)
class Backlog:
    """Open deliveries of one route in one state; the oldest of them was accepted at ``since``."""

    endpoint: str
    route: str
    state: str
    count: int
    oldest_at: str
    since: int


@dataclass(frozen=True, slots=True)
class Paused:
    """Who stopped an endpoint, when and why."""

    by: str
    since: str | None
    why: str


@dataclass(frozen=True, slots=True)
class Recent:
    """Attempts begun in the last ``seconds``: delivered, to be tried again, and how long after acceptance they arrived."""

    seconds: int
    delivered: int
    retried: int
    lag_p50_seconds: float | None
    lag_p95_seconds: float | None


@dataclass(frozen=True, slots=True)
class Failure:
    """The newest attempt lately that did not deliver."""

    at: str
    code: str


@dataclass(frozen=True, slots=True)
class EndpointNow:
    """An endpoint as it stands. ``breaker`` is known in the running hub only: closed, open or half_open."""

    endpoint: str
    configured: bool
    paused: Paused | None
    waiting: int
    in_doubt: int
    dead: int
    oldest_waiting_seconds: float | None
    recent: Recent
    last_delivered_at: str | None
    last_failure: Failure | None
    breaker: Literal["closed", "open", "half_open"] | None = None
    behind_dead: int = 0
    """So many of the waiting stand behind a dead letter of their dossier and go on when that is replayed or discarded."""


@dataclass(frozen=True, slots=True)
class Cause:
    """Dead deliveries of one endpoint, or kept arrivals, that stopped for one reason (``code``); ``example`` is the oldest."""

    kind: Literal["delivery", "arrival"]
    endpoint: str | None
    code: str
    count: int
    oldest_at: str
    newest_at: str
    example: str


@dataclass(frozen=True, slots=True)
class LastError:
    """A delivery that is dead or in doubt, or a kept arrival; ``at_whom`` is the endpoint or the sender."""

    kind: str
    at: str
    at_whom: str
    code: str
    reason: str
    dossier: str | None
    id: str


@dataclass(frozen=True, slots=True)
class Unpublished:
    """What of the stream to ``endpoint`` waits: about how many events, since when (microseconds since the epoch), and whether
    what was there before it began is still being told."""

    endpoint: str
    count: int
    oldest_at: int | None
    copying: bool


@dataclass(frozen=True, slots=True)
class EventStream:
    """The hub's own events on their way to ``endpoint``: what ``Unpublished`` says, as it is shown."""

    endpoint: str
    waiting: int
    oldest_waiting_seconds: float | None
    copying: bool

    @classmethod
    def of(cls, found: Unpublished, now: int) -> EventStream:
        """What was found, as it is shown ``now`` (microseconds since the epoch)."""
        age = None if found.oldest_at is None else max(0.0, (now - found.oldest_at) / 1_000_000)
        return cls(found.endpoint, found.count, age, found.copying)


@dataclass(frozen=True, slots=True)
class Overview:
    """The exchange at one glance; instants are RFC 3339 in UTC. ``refused`` messages are not stored: the running hub counts
    them since its start."""

    at: str
    traffic: Traffic
    endpoints: tuple[EndpointNow, ...]
    backlog: tuple[Backlog, ...]
    causes: tuple[Cause, ...]
    errors: tuple[LastError, ...]
    events: EventStream | None = None
    refused: int | None = None
