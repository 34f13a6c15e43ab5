"""The store's port: everything the rest of the hub may ask of what is durable, and the plain values it is asked with.

Writes are async and return only after their transaction is synced to disk. Every method may raise StoreUnavailable.
Times are microseconds since the epoch (``hub.message.Clock``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from hub.listener import Standing
from hub.message import Alias, Arrival, SchemaRef
from hub.store.glance import Overview
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


class Reader(Protocol):
    """What the faces (API, shell) may look at."""

    async def ping(self) -> None:
        """Raises StoreUnavailable when the store cannot take a write now."""

    async def arrival(self, arrival_id: str) -> JsonObject | None:
        """The arrival with its state, reasons, receipt, messages and the state of their deliveries; no bodies."""

    async def became(self, arrival_id: str, endpoint: str) -> Became | None:
        """What became of the arrival at the endpoint so far."""

    async def standing(self, sender: str, code: str, endpoint: str) -> Standing | None:
        """Where a dossier stands at the endpoint, by its national code or the sender's own; None when the sender sent no
        arrival of such a dossier."""

    async def sent_since(self, sender: str, since: int) -> tuple[int, int]:
        """How many arrivals of the sender are stored since then, and the bytes of their bodies."""

    async def stored(
        self, what: Literal["arrivals", "messages"], schemas: Sequence[str], *, since: int | None, after: str | None, limit: int
    ) -> Sequence[Stored]:
        """A page of what is stored in one of these schemas (``id@version``, whole), newest first, older than ``after``."""

    async def dossier(self, code: str) -> JsonObject | None:
        """Everything known of the dossier that any system calls ``code``: aliases, owner, ledger cells per endpoint, and
        ``timeline``: arrivals, messages, verifications, deliveries, attempts and what operators did, in order of time.
        No bodies."""

    async def arrivals_of(self, window: Window, *, state: ArrivalState | None, schema: SchemaRef | None) -> JsonObject:
        """A page (``items``, ``next``) of the sender's arrivals, newest first."""

    async def dossiers_of(
        self, window: Window, *, kept: bool | None, waiting: bool | None, dead: bool | None, behind: bool | None
    ) -> JsonObject:
        """A page (``items``, ``next``) of the sender's dossiers, the one with its newest arrival first; a flag asks for
        those of which it is so, or not so."""

    async def dead(
        self, *, endpoint: str | None = None, kind: Literal["delivery", "arrival"] | None = None, limit: int = 100
    ) -> Sequence[JsonObject]:
        """Dead deliveries and kept arrivals, or one kind of them, oldest first."""

    async def dead_one(self, item_id: str) -> JsonObject | None: ...

    async def audit(self, *, since: int | None = None, limit: int = 100) -> Sequence[JsonObject]:
        """Lines of the audit trail, newest first: ``at``, ``actor``, ``act``, ``target`` and ``why``."""

    async def lookups(
        self, *, officer: str | None = None, endpoint: str | None = None, since: int | None = None, limit: int = 100,
        dossier: str | None = None, outcome: str | None = None,
    ) -> Sequence[JsonObject]:  # fmt: skip
        """Questions to registries, newest first: who asked, why, and what came of it; ``asked`` while nothing is known.
        A ``dossier`` is told, and asked for, by what systems call it."""

    async def running(self) -> bool:
        """Whether a hub runs on the store now."""

    async def traffic(self) -> JsonObject:
        """Counts of kept arrivals and of open deliveries by endpoint, route and state; of each endpoint the oldest that
        waits and the oldest that could be sent; the endpoints that are paused."""

    async def overview(self, configured: Sequence[str] = ()) -> Overview:
        """The exchange at one glance; ``configured`` endpoints are listed even when nothing is with them."""

    async def pinned(self, delivery_id: str) -> Pinned | None:
        """What a delivery was sent as, and what it would be translated from."""

    async def in_effect(self) -> JsonObject | None:
        """The configuration that the hub took last (``state``), when (``at``) and which process it is; None before any."""

    async def reload_questions(self, since: int) -> Sequence[tuple[str, str]]:
        """Id and actor of every ``ask_reload`` since then, oldest first."""

    async def reload_answer(self, question: str) -> JsonObject | None:
        """The line of audit by which the hub answered it."""

    async def keys(self) -> Sequence[Key]: ...

    async def cursor(self, endpoint: str) -> str | None:
        """How far the endpoint has read what it receives, as it said with its last arrival."""

    async def waiting(self) -> Mapping[str, int]:
        """How many deliveries wait or are under way at each endpoint, without those behind a dead letter."""

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
    async def due(self, endpoint: str, now: int, limit: int, after: Place | None = None) -> Sequence[Due]:
        """Claimable heads of lanes (pending and due, or in doubt and due to be asked), oldest first; those behind ``after``."""

    async def next_due(self, endpoint: str) -> int | None:
        """When the next head of a lane becomes due."""

    async def start(self, starts: Sequence[Start], now: int) -> frozenset[str]:
        """Write attempt rows and claim; returns the delivery ids that were still claimable."""

    async def recover(self, endpoint: str, under_way: frozenset[str], now: int) -> int:
        """Claims of the endpoint that none of the deliveries under way holds become in doubt; returns how many."""

    async def remember(
        self, delivery_id: str, attempt_id: str, key: str, value: Any, issued: Mapping[str, str] | None = None
    ) -> str | None:
        """Note a step, and learn the codes that the partner ``issued`` in it. Why one of them
        cannot be used (another dossier has it, it cannot be kept): then nothing was written."""

    async def settle(self, settlement: Settlement, now: int) -> bool:
        """Conditional on the attempt: False when it is no longer this attempt's to settle."""

    async def told(self, arrival_id: str, endpoint: str, *, sender: str, untried: bool = False, now: int) -> int:
        """The sender was told, in the answer to its call, what the endpoint refused of its own messages in this arrival: dead
        letters of that become discarded, in its name and on the record. Returns how many; none that are dead for another
        reason. ``untried``: instead, what waits there behind another and was never tried, since the call it came in was
        refused."""

    # ── look-ups (see hub.lookup)
    async def asked(self, lookup: Lookup) -> None:
        """A question is about to be asked; durable before it is."""

    async def answered(self, lookup_id: str, outcome: LookupOutcome, code: str, duration: int, reason: str = "") -> None:
        """What came of it, in so many microseconds; durable before the answer leaves. ``reason`` is masked already."""

    # ── operators (each is written to the audit trail with actor and why)
    async def replay(self, delivery_id: str, *, actor: str, why: str, adopt: bool, now: int, as_it_ran: bool = False) -> None:
        """A dead delivery waits again: translated anew, or ``as_it_ran`` with the bytes and the chain of its first attempt.
        Raises NotFound, NotAllowed."""

    async def discard(self, item_id: str, *, actor: str, why: str, now: int) -> None: ...

    async def pause(self, endpoint: str, *, actor: str, why: str, now: int) -> None: ...

    async def resume(self, endpoint: str, *, actor: str, now: int, decided: bool = False) -> None:
        """Undo a pause. After a restore ``decided`` says that every lane has its fate; without it, NotAllowed."""

    # ── after a restore (see hub.store.restoring)
    async def restored(self) -> JsonObject | None:
        """``moment`` of the backup, ``at`` of the restore, endpoints ``undecided``; None if the store never was restored."""

    async def lanes_restored(self, endpoint: str, after: str | None, limit: int) -> Sequence[Sequence[JsonObject]]:
        """A page of lanes with deliveries of unknown fate, by dossier id after ``after``; oldest delivery first."""

    async def decide(self, endpoint: str, fates: Mapping[str, Fate], now: int) -> int:
        """Give open deliveries their fate; returns how many became dead letters in doubt."""

    # ── bodies (see hub.store.retention)
    async def erasable(self, before: int, after: str | None, limit: int) -> Sequence[str]:
        """Ids of arrivals received and settled before this time, every delivery final, whose bodies are still there."""

    async def erase(self, arrivals: Sequence[str], before: int, now: int) -> int:
        """Erase the bodies of those that are still erasable; ids, digests, receipts and history stay. Returns how many."""

    async def erase_dossier(self, code: str, *, actor: str, why: str, now: int) -> int:
        """Erase all bodies of one dossier, however new. Raises NotFound, NotAllowed while something of it is not final."""

    async def note(self, act: str, target: str, *, actor: str, why: str, now: int) -> None:
        """A line in the audit trail."""

    async def take_effect(self, act: str, effect: JsonObject, *, actor: str, why: str, now: int) -> None:
        """Keep the configuration that is in effect from now on, with a line in the audit trail that has its digest."""

    async def ask_reload(self, target: str, *, actor: str, now: int) -> str:
        """A line in the audit trail by which a shell says, before its signal, who it is; its id."""

    async def backfill(self, matches: Sequence[tuple[str, RouteMatch]], now: int) -> int:
        """Add deliveries (message id, route match) that are not there yet; returns how many were added."""

    async def messages_without(
        self, route: str, stream: str, after: str | None, limit: int, observations: bool = False
    ) -> Sequence[JsonObject]: ...

    async def add_key(self, key: Key) -> None: ...

    async def revoke_key(self, key_id: str, now: int) -> None: ...

    async def rebuild_ledger(self) -> int:
        """Recompute the ledger from deliveries and messages; returns how many cells differed (0: the live one was right)."""
