"""The store's port: everything the rest of the hub may ask of what is durable; the plain values are in ``values``.

Writes are async and return only after their transaction is synced to disk. Every method may raise StoreUnavailable.
Times are microseconds since the epoch (``hub.message.Clock``).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Literal, Protocol

from hub.event import Event
from hub.listener import Standing
from hub.message import Arrival, SchemaRef
from hub.store.glance import Overview, Unpublished
from hub.store.values import (
    ArrivalState,
    Became,
    Due,
    EndpointState,
    Fate,
    JsonObject,
    Key,
    Lookup,
    LookupOutcome,
    Pinned,
    Place,
    Plan,
    Reply,
    RouteMatch,
    Settlement,
    Start,
    Stored,
    Window,
)


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

    async def unpublished(self) -> Unpublished | None:
        """What of the event stream is not published yet; None where none is configured."""


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

    async def pending_replies(self, besides: Collection[str] = ()) -> Sequence[Reply]:
        """Partners' answers that were stored but have not re-entered yet, oldest first, without those of these ids."""

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

    # ── the event stream (see hub.store.events)
    async def follow(self, to: str | None, now: int) -> int:
        """Write events down for the endpoint ``to`` from now on, or none; one that begins tells first what there is. Returns
        how many were dropped that nobody will publish."""

    async def copy_events(self, most: int) -> bool:
        """Write down what is so of the next dossiers that were there when the stream began; False when that is done."""

    async def events(self, most: int, *, with_bodies: bool) -> Sequence[tuple[int, Event]]:
        """The oldest that are not published, those of one dossier in order; a number that ``published`` takes with each."""

    async def published(self, ids: Sequence[int]) -> None:
        """They are published, and forgotten here."""

    async def tell_again(self, *, actor: str, why: str, now: int) -> None:
        """All that there is will be told once more. Raises NotAllowed where no stream is configured."""

    async def rebuild_ledger(self) -> int:
        """Recompute the ledger from deliveries and messages; returns how many cells differed (0: the live one was right)."""
