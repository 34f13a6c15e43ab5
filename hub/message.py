"""The things that flow: references to schemas, arrivals, messages. Immutable, free of I/O."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

import uuid_utils

from hub.values import value

_REF = re.compile(r"(?P<id>[a-z0-9][a-z0-9-]*)@(?P<version>\d+(?:\.\d+(?:\.\d+)?)?)")

_ANEW = "anew:"
NATIONAL = "national"
"""The alias system of national dossier codes (mã hồ sơ)."""

Clock = Callable[[], int]
"""Returns now as microseconds since 1970-01-01 UTC. Injected everywhere in process, so that tests own time."""


def system_clock() -> int:
    """Microseconds since the epoch, by this machine."""
    return time.time_ns() // 1000


def new_id() -> str:
    """A UUIDv7: unique, roughly in order of creation. Order is never derived from it (``seq`` is for that)."""
    return str(uuid_utils.uuid7())


@dataclass(frozen=True, slots=True, order=True)
class SchemaRef:
    """``id@version``; ``dossier@1`` means the newest 1.x.y, ``dossier@1.0.0`` exactly that one."""

    id: str
    version: str

    @classmethod
    def parse(cls, text: str) -> SchemaRef:
        """Raises ValueError when the text is not ``id@major[.minor[.patch]]``."""
        return _parsed(text)

    def __str__(self) -> str:
        return f"{self.id}@{self.version}"


@lru_cache(maxsize=1000)
def _parsed(text: str) -> SchemaRef:
    found = _REF.fullmatch(text.strip())
    if not found:
        raise ValueError(f"a schema is written id@version, such as dossier@1 or dossier@1.0.0, not {text[:60]!r}")
    return SchemaRef(found["id"], found["version"])


@value(frozen=True, slots=True)
class Alias:
    """One name of a dossier: the system that uses it and the opaque code it uses there."""

    system: str
    code: str


@value(frozen=True, slots=True)
class Arrival:
    """What came in, as it came. ``key`` is the sender's own id of the message, ``position`` where it was read from."""

    id: str
    sender: str
    schema: SchemaRef
    body: bytes
    received_at: int
    correlation_id: str
    key: str | None = None
    position: str | None = None
    traceparent: str | None = None
    origin: str | None = None
    """The endpoint that it comes from, by its answer or by what it listens to; never routed back to it."""
    hops: int = 0
    else_key: str | None = None
    """The ``key`` it gets when the message has no id of its own: its place in what it was read from."""

    @property
    def is_by_place(self) -> bool:
        """Whether nothing but its place tells it from the same message in another place."""
        return self.key is not None and self.key == self.else_key

    def anew(self, endpoint: str) -> Arrival:
        """The same as a new message for this endpoint, whatever came before it: by a key that nothing else has."""
        return replace(self, key=f"{_ANEW}{endpoint}:{self.id}")

    @property
    def anew_at(self) -> str | None:
        """The endpoint for which it was made ``anew``; what is kept of it still says so."""
        if self.key is None or not (self.key.startswith(_ANEW) and self.key.endswith(f":{self.id}")):
            return None
        return self.key[len(_ANEW) : -len(self.id) - 1]


@value(frozen=True, slots=True)
class Message:
    """One immutable message of a dossier as a connector sees it: ``body`` is already in the partner's schema."""

    id: str
    arrival_id: str
    dossier_id: str
    seq: int
    schema: SchemaRef
    body: Any
    correlation_id: str
    full_state: bool = False
    traceparent: str | None = None
    origin: str | None = None
    hops: int = 0
    codes: Mapping[str, str] = field(default_factory=dict)
    """The dossier's aliases known when this view was made: system → code."""
