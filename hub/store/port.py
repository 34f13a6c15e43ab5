"""The store's port: everything the rest of the hub may ask of what is durable, and the plain values it is asked with.

Writes are async and return only after their transaction is synced to disk. Every method may raise StoreUnavailable.
Times are microseconds since the epoch (``hub.message.Clock``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from hub.message import Alias, Arrival, SchemaRef

ArrivalState = Literal["accepted", "kept", "superseded", "discarded"]
DeliveryState = Literal["pending", "claimed", "in_doubt", "dead", "delivered", "superseded", "discarded"]
OPEN_STATES: tuple[DeliveryState, ...] = ("pending", "claimed", "in_doubt", "dead")

JsonObject = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Key:
    """An API key as it is kept: only its hash. ``name`` is the sender's name; ``schemas`` the schema ids it may send
    (``*`` for all)."""

    id: str
    name: str
    hash: str
    schemas: tuple[str, ...]
    created_at: int
    revoked_at: int | None = None


@dataclass(frozen=True, slots=True)
class RouteMatch:
    """What routing said of one route for one message. ``matched`` False still delivers if the dossier is already with
    the endpoint (sticky). ``failure`` names why the trial translation failed, if it did."""

    route: str
    endpoint: str
    matched: bool
    why: str
    failure: str | None = None
    coalesce: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """One canonical message that an arrival became, before the store gave it a dossier and a seq."""

    schema: SchemaRef
    body: bytes
    full_state: bool
    version: int | None
    matches: tuple[RouteMatch, ...]
    warnings: tuple[JsonObject, ...] = ()
    step: str | None = None
    """The sender's own id of the processing step: the same step is one message, whatever else changed around it."""

    @property
    def identity(self) -> bytes:
        """What makes two messages of a stream the same one."""
        return self.body if self.step is None else f"step:{self.step}".encode()

    @property
    def stream(self) -> str:
        """The kind of message within a dossier: the canonical schema's id."""
        return self.schema.id


@dataclass(frozen=True, slots=True)
class Plan:
    """All that intake decided about one arrival; the store carries it out in one transaction.

    ``kept`` holds the reasons when the arrival could not be translated (then ``parts`` is empty). ``owner`` is the sender
    that configuration names as owner of the dossier, if it names one.
    """

    arrival: Arrival
    digest: str
    aliases: tuple[Alias, ...]
    parts: tuple[Part, ...] = ()
    kept: tuple[JsonObject, ...] = ()
    owner: str | None = None


@dataclass(frozen=True, slots=True)
class Due:
    """A delivery that may be attempted (or, in doubt, asked about) now: a read-only view, nothing is claimed yet."""

    delivery_id: str
    route: str
    endpoint: str
    state: DeliveryState
    dossier_id: str
    message_id: str
    arrival_id: str
    schema: SchemaRef
    body: bytes
    full_state: bool
    seq: int
    correlation_id: str
    traceparent: str | None
    origin: str | None
    hops: int
    accepted_at: int
    number: int
    counted: int
    attempt_id: str | None
    last_attempt_at: int | None
    chain: str | None
    request: bytes | None
    adopt: bool
    doubted: bool
    sent_before: bool
    own_earlier_doubt: bool
    aliases: Mapping[str, str] = field(default_factory=dict)
    remembered: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Start:
    """Begin one attempt: written before the first call. ``chain`` is the pinned mapping chain, ``request`` the bytes to be
    sent (None when an earlier attempt already pinned them)."""

    delivery_id: str
    attempt_id: str
    chain: str
    request: bytes | None
    warnings: tuple[JsonObject, ...] = ()


@dataclass(frozen=True, slots=True)
class Settlement:
    """The end of an attempt (or of asking about one in doubt).

    ``outcome``: ``delivered``; ``again`` (pending at ``next_at``; ``counted`` says whether it counts against the message);
    ``in_doubt`` (ask or decide at ``next_at``); ``dead``. ``attempt_id`` None settles a delivery that never started
    (its translation failed).
    """

    delivery_id: str
    attempt_id: str | None
    outcome: Literal["delivered", "again", "in_doubt", "dead"]
    code: str = ""
    reason: str = ""
    next_at: int | None = None
    counted: bool = False
    reference: str | None = None
    ids: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[JsonObject, ...] = ()
    problems: tuple[JsonObject, ...] = ()
    withdraw_doubt: bool = False
    """With ``again``: the attempt in doubt turned out to have made no call, so it was no send of ours."""
    reply: tuple[str, bytes] | None = None
    """Schema reference and body of the partner's answer that re-enters as an arrival."""


@dataclass(frozen=True, slots=True)
class EndpointState:
    """What is remembered of an endpoint over restarts."""

    name: str
    paused_by: str | None = None
    paused_at: int | None = None
    why: str | None = None


class Reader(Protocol):
    """What the faces (API, shell) may look at."""

    async def ping(self) -> None:
        """Raises StoreUnavailable when the store cannot take a write now."""

    async def key_by_hash(self, digest: str) -> Key | None: ...

    async def arrival(self, arrival_id: str) -> JsonObject | None:
        """The arrival with its state, reasons, receipt, messages and the state of their deliveries; no bodies."""

    async def dossier(self, code: str) -> JsonObject | None:
        """Everything known of the dossier that any system calls ``code``: aliases, owner, ledger cells per endpoint, and
        ``timeline``: arrivals, messages, deliveries and attempts in order of time. No bodies."""

    async def dead(self, *, endpoint: str | None = None, limit: int = 100) -> Sequence[JsonObject]:
        """Dead deliveries and kept arrivals, oldest first."""

    async def dead_one(self, item_id: str) -> JsonObject | None: ...

    async def traffic(self) -> JsonObject:
        """Counts of arrivals by state and of deliveries by endpoint, route and state; oldest waiting per endpoint."""

    async def keys(self) -> Sequence[Key]: ...

    async def endpoint_states(self) -> Mapping[str, EndpointState]: ...


class Store(Reader, Protocol):
    """The whole port."""

    # ── life cycle
    async def open(self, *, exclusive: bool) -> None:
        """Migrate (under a lock) and start the writer. ``exclusive`` takes the lock that only one running hub may hold
        and turns claims left by a dead process into deliveries in doubt. Raises StoreUnavailable('in_use')."""

    async def close(self) -> None: ...

    # ── intake
    async def first_receipt(self, sender: str, key: str) -> tuple[str, JsonObject] | None:
        """Digest and receipt of the arrival that used (sender, key) first."""

    def digest(self, body: bytes) -> str:
        """The salted digest of a body: equal bodies, equal digests, and nothing can be guessed from it."""

    async def accept(self, plan: Plan) -> tuple[JsonObject, bool]:
        """Carry out the plan; returns (receipt, repeated). Raises IdConflict."""

    async def kept_arrivals(self, arrival_id: str) -> Sequence[Arrival]:
        """The kept arrival itself and those kept behind it, oldest first."""

    async def release(self, plan: Plan, *, actor: str, why: str) -> JsonObject:
        """Like accept for an arrival that was kept: a plan with parts makes it accepted, one with ``kept`` renews the
        reasons. Raises NotFound, NotAllowed."""

    async def pending_replies(self) -> Sequence[Arrival]:
        """Partners' answers that were stored but have not re-entered yet, as arrivals whose key is the reply's id."""

    async def forget_reply(self, reply_id: str) -> None:
        """The reply has been accepted as an arrival."""

    # ── delivery
    async def due(self, endpoint: str, now: int, limit: int) -> Sequence[Due]:
        """Claimable heads of lanes (pending and due, or in doubt and due to be asked), oldest first."""

    async def next_due(self, endpoint: str) -> int | None:
        """When the next head of a lane becomes due."""

    async def start(self, starts: Sequence[Start], now: int) -> frozenset[str]:
        """Write attempt rows and claim; returns the delivery ids that were still claimable."""

    async def remember(self, delivery_id: str, attempt_id: str, key: str, value: Any) -> None: ...

    async def settle(self, settlement: Settlement, now: int) -> bool:
        """Conditional on the attempt: False when it is no longer this attempt's to settle."""

    # ── operators (each is written to the audit trail with actor and why)
    async def replay(self, delivery_id: str, *, actor: str, why: str, adopt: bool, now: int) -> None: ...

    async def discard(self, item_id: str, *, actor: str, why: str, now: int) -> None: ...

    async def pause(self, endpoint: str, *, actor: str, why: str, now: int) -> None: ...

    async def resume(self, endpoint: str, *, actor: str, now: int) -> None: ...

    async def backfill(self, matches: Sequence[tuple[str, RouteMatch]], now: int) -> int:
        """Add deliveries (message id, route match) that are not there yet; returns how many were added."""

    async def messages_without(self, route: str, stream: str, after: str | None, limit: int) -> Sequence[JsonObject]: ...

    async def add_key(self, key: Key) -> None: ...

    async def revoke_key(self, key_id: str, now: int) -> None: ...

    async def rebuild_ledger(self) -> int:
        """Recompute the ledger from deliveries; returns how many cells differed (0 when the live ledger was right)."""
