"""The plain values that the store is asked with and answers in. Times are microseconds since the epoch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from hub.message import Alias, Arrival, SchemaRef
from hub.values import value

ArrivalState = Literal["accepted", "kept", "superseded", "discarded"]
DeliveryState = Literal["pending", "claimed", "in_doubt", "dead", "delivered", "superseded", "discarded"]
KeyRole = Literal["sender", "operator"]
LookupKind = Literal["look-up", "confirm", "verify"]
LookupOutcome = Literal[
    "found", "not_found", "confirmed", "mismatch", "unreachable", "refused", "not_askable", "unreadable"
]  # fmt: skip
"""What came of a question; ``unreadable``: an answer came that no mapping or schema takes."""
Fate = Literal["there", "passed", "again", "hold"]
"""After a restore, of a delivery that may have been sent since the backup: the partner holds it, it holds a newer state, it is
sent again, or a person must look (a dead letter in doubt)."""
OPEN_STATES: tuple[DeliveryState, ...] = ("pending", "claimed", "in_doubt", "dead")
REFUSED = "refused"
"""How an attempt is recorded that the partner refused for good; every face shows such an attempt as ``dead``."""
BY_SENDER = "sender:"
"""Begins the name of who discarded a delivery, where that is the message's own sender."""

JsonObject = Mapping[str, Any]
Place = tuple[int, str]
"""When a delivery became due, and its id: the order in which deliveries are given out."""


@dataclass(frozen=True, slots=True)
class Key:
    """An API key as it is kept: only its hash. ``name`` is the sender's (or operator's) name; ``schemas`` the schema ids it
    may send (``*`` for all; none for an operator)."""

    id: str
    name: str
    hash: str
    schemas: tuple[str, ...]
    created_at: int
    revoked_at: int | None = None
    role: KeyRole = "sender"


@value(frozen=True, slots=True)
class RouteMatch:
    """What routing said of one route for one message. ``matched`` False still delivers if the dossier is already with
    the endpoint, if it is ``sticky``: a route never takes what a sender says whom it does not hear. ``failure`` names why the
    trial translation failed, if it did. ``observations``: it takes the message also where another sender owns the dossier."""

    route: str
    endpoint: str
    matched: bool
    why: str
    failure: str | None = None
    coalesce: bool = False
    observations: bool = False
    sticky: bool = True


@value(frozen=True, slots=True)
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


@value(frozen=True, slots=True)
class Plan:
    """All that intake decided about one arrival; the store carries it out in one transaction.

    ``kept`` holds the reasons when the arrival could not be translated (then ``parts`` is empty). ``owner`` is the sender
    that configuration names as owner of the dossier, if it names one. ``cursor``: where the endpoint that the arrival comes
    from goes on reading, known from this transaction on.
    """

    arrival: Arrival
    digest: str
    aliases: tuple[Alias, ...]
    parts: tuple[Part, ...] = ()
    kept: tuple[JsonObject, ...] = ()
    owner: str | None = None
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """A partner's answer that waits to re-enter: an arrival whose sender is the endpoint and whose key is the reply's id.
    ``names``: those of the dossier whose delivery it answers."""

    arrival: Arrival
    names: tuple[Alias, ...]


@dataclass(slots=True)
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
    warnings: tuple[dict[str, str], ...] = ()
    """What was found out about it before its first attempt, to be kept with it."""
    next_at: int = 0
    sent_as: SchemaRef | None = None
    """The schema of ``request``; None where an older hub pinned it."""

    @property
    def place(self) -> Place:
        """Where it stands among those that are due."""
        return self.next_at, self.delivery_id


@dataclass(slots=True)
class Start:
    """Begin one attempt: written before the first call. ``chain`` is the pinned mapping chain, ``request`` the bytes to be
    sent (None when an earlier attempt already pinned them), ``schema`` what they are."""

    delivery_id: str
    attempt_id: str
    chain: str
    request: bytes | None
    warnings: tuple[JsonObject, ...] = ()
    schema: SchemaRef | None = None


@dataclass(slots=True)
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
    refused: bool = False
    """With ``dead``: it is the partner's own verdict on the message."""
    withdraw_doubt: bool = False
    """With ``again``: the attempt in doubt turned out to have made no call, so it was no send of ours."""
    reply: tuple[str, bytes] | None = None
    """Schema reference and body of the partner's answer that re-enters as an arrival."""


@dataclass(frozen=True, slots=True)
class Window:
    """Which of a sender's arrivals a page may show: received from ``since`` on and before ``until``, older than the arrival
    ``after`` (the cursor of the page before), at most ``limit``."""

    sender: str
    limit: int
    since: int | None = None
    until: int | None = None
    after: str | None = None


@dataclass(frozen=True, slots=True)
class Stored:
    """An arrival or a message with its body, or None where that was erased. ``state``: ``kept``, ``routed`` …"""

    id: str
    schema: SchemaRef
    state: str
    body: bytes | None


@dataclass(frozen=True, slots=True)
class Lookup:
    """A question to a registry: who asked what of whom, when and why. ``key`` is the key's name, or ``route:`` and a route's;
    ``digest`` the salted digest of whom it was about. No answer, and nothing of one, belongs to it."""

    id: str
    at: int
    key: str
    officer: str
    purpose: str
    procedure: str
    endpoint: str
    kind: LookupKind
    digest: str
    correlation_id: str
    dossier_id: str | None = None


@dataclass(frozen=True, slots=True)
class Reached:
    """One delivery as the sender of its message may know it. ``delivered``: or given up by one who saw that the partner has it;
    ``refused``: by the partner; ``dead``: for the hub's own reasons; ``discarded``: given up, and never refused; ``open``: none
    of these yet. Of one that was superseded it is what became of the newer state in its place, unless it was refused before.
    ``is_over``: nothing more will come of it."""

    delivery_id: str
    message_id: str
    state: Literal["delivered", "refused", "open", "dead", "discarded"]
    code: str
    said: str
    """What is on record of the partner's words."""
    problems: tuple[JsonObject, ...]
    is_over: bool


@dataclass(frozen=True, slots=True)
class Became:
    """What became of an arrival at one endpoint: its state and why it is kept, its messages (id → state; those that were known
    before included), and their deliveries there, in order."""

    state: ArrivalState
    reasons: tuple[JsonObject, ...]
    messages: Mapping[str, str]
    reached: tuple[Reached, ...]


@dataclass(frozen=True, slots=True)
class Pinned:
    """A delivery as it was sent first and as it would be translated now; ``chain`` and ``request`` None where nothing is
    pinned, ``body`` None where it was erased."""

    route: str
    schema: SchemaRef
    chain: str | None
    request: bytes | None
    body: bytes | None


@dataclass(frozen=True, slots=True)
class EndpointState:
    """What is remembered of an endpoint over restarts."""

    name: str
    paused_by: str | None = None
    paused_at: int | None = None
    why: str | None = None
