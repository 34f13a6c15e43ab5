"""The contract between the engine and every partner: what a connector may do and what each error means.

A connector never retries, sleeps or swallows: it makes the calls of one delivery and says what happened, by returning
a Receipt or raising one of Transient, NotConnected, InDoubt, Rejected (``hub.errors``). Retrying, ordering, pacing and
asking again are the engine's work. Connectors come by entry point (``hub.connectors``); ``hub`` imports none.
"""

from __future__ import annotations

import abc
import os
import sys
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, ClassVar, Generic, Protocol, TypeVar, runtime_checkable

from pydantic import BaseModel, ConfigDict, ValidationInfo, field_validator

from hub.claim_check import Files, Stored
from hub.errors import BadConfig, Problem
from hub.event import Event, Publisher
from hub.listener import Accepted, Caller, Inlet, Listener, Outcome, Standing, Visit
from hub.message import Arrival, Clock, Message, SchemaRef
from hub.values import value


class ConnectorConfig(BaseModel):
    """Base of every connector's configuration: frozen, no unknown keys, every field described; paths begin at the home."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @field_validator("*")
    @classmethod
    def _paths_begin_at_the_home(cls, value: Any, info: ValidationInfo) -> Any:
        home = (info.context or {}).get("home")
        return value if home is None else _below(Path(home).absolute(), value)


def _below(home: Path, value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _below(home, one) for name, one in value.items()}
    return home / value if isinstance(value, Path) else value


ConfigT = TypeVar("ConfigT", bound=ConnectorConfig)

Documents = Callable[[str], Mapping[str, Any] | None]
"""The JSON Schema of ``id@major`` in the catalog, None when there is no such schema."""


@value(frozen=True, slots=True)
class Receipt:
    """A delivery the partner accepted.

    ``reference`` is the partner's own proof (transaction id, message), ``ids`` codes it issued for the dossier (system →
    code; they become aliases), ``reply`` an answer (schema, body) that re-enters as an arrival and, where it would be refused,
    is kept with the dossier, ``warnings`` what was sent other than given (an abstract cut to length), recorded with the
    delivery. ``said`` is what the partner said, whole, for a caller who waits for its answer (``Visit.outcome``): never stored,
    logged or shown elsewhere.
    """

    reference: str | None = None
    ids: Mapping[str, str] = field(default_factory=dict)
    warnings: Sequence[str] = ()
    reply: tuple[SchemaRef, bytes] | None = None
    said: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Found:
    """What the partner holds of a message's dossier. ``holds`` is True when the effect of this very message is there,
    False when it certainly is not, None when the partner cannot tell (the route's ``in_doubt`` decides). ``called`` False
    says more: the attempt in doubt ended before its call with effect, so that it was no send of ours at all."""

    holds: bool | None
    reference: str | None = None
    ids: Mapping[str, str] = field(default_factory=dict)
    called: bool = True


class Attempt(Protocol):
    """One try of one delivery, handed to ``send`` and ``find``."""

    @property
    def number(self) -> int:
        """1 for the first try of this delivery; in ``find``, the number of the attempt in doubt."""

    @property
    def known_ids(self) -> Mapping[str, str]:
        """The dossier's aliases as known now (system → code), learned ones included."""

    @property
    def may_update(self) -> bool:
        """True when the ledger shows our own earlier send of this dossier's stream to this endpoint (delivered, or an
        attempt in doubt), or the route or the operator said ``adopt``: "already exists" may then become an update."""

    @property
    def sent_before(self) -> bool:
        """True when the ledger shows that an earlier message of this stream was delivered to this endpoint."""

    @property
    def remembered(self) -> Mapping[str, Any]:
        """What earlier attempts of this delivery remembered (survives a crash)."""

    async def remember(self, key: str, value: Any, *, issued: Mapping[str, str] | None = None) -> None:
        """Make a JSON value durable before the next call, so that a crash between two calls continues there.

        ``issued``: codes that the partner gave this dossier in this step (system → code), for a partner that may tell of the
        dossier before ``send`` returns: they become aliases in the same write. Raises Rejected (``code_unusable``) when one
        is another dossier's already or cannot be kept; then nothing is remembered.
        """


Accept = Callable[..., Awaitable[Accepted]]
"""``await accept(arrival, checkpoint=…, keep=…, cursor=…)``; returns only after the arrival is durable; raises Refused or
StoreUnavailable. Where the hub itself broke on the arrival the refusal is Broke: a mended hub may take it. With ``keep`` a
record that names its dossier but does not fit its schema is kept, not refused: nobody waits for the answer who could mend it.
``checkpoint`` is where this one stood, shown to operators. ``cursor`` is how far the endpoint has read (the arrival's
``origin`` names it): committed in the arrival's transaction, given by ``ConnectorContext.cursor``. All up to there must have
been taken, or put aside, before: what lies before a cursor is never read again."""


@dataclass(frozen=True, slots=True)
class ConnectorContext:
    """What the engine gives a connector at construction; ``files``: those that the hub holds, None where it holds none."""

    name: str
    clock: Clock
    files: Files | None = None
    cursor: Callable[[], Awaitable[str | None]] | None = None
    """The ``cursor`` that this endpoint gave last with an arrival, None before any; no function outside a running hub."""


class Connector(abc.ABC, Generic[ConfigT]):
    """Base of all connectors: life cycle only; capabilities are the protocols below."""

    Config: ClassVar[type[ConnectorConfig]]
    tables: ClassVar[Mapping[str, Sequence[str]]] = {}
    """Code tables this connector can fetch from its partner: ``id@major`` → column names (see ``TableSource``)."""

    def __init__(self, config: ConfigT, context: ConnectorContext) -> None:
        self.config = config
        self.context = context

    @classmethod
    def problems(cls, config: ConfigT, sent: Collection[str], documents: Documents) -> Iterable[Problem]:
        """What is wrong with settings that are well formed, as far as it can be known without the partner (``hub check``).

        ``sent``: the schemas that routes send to this endpoint, in the order of the routes. A problem's ``at`` is the dotted
        path of a setting.
        """
        return ()

    @classmethod
    def paths(cls, config: ConfigT) -> Iterable[str]:
        """The paths that a ``Listener`` mounts with these settings, so that no two doors stand at the same (``hub check``)."""
        return ()

    @classmethod
    def sources(cls, config: ConfigT) -> Mapping[str, str]:
        """The source schemas of what it hands to the hub with these settings: dotted path of a setting → ``id@version``. Each
        must stand under ``sources``, else nothing of it would be taken (``hub check``)."""
        return {}

    @classmethod
    def publishes(cls, config: ConfigT) -> bool:
        """Whether the hub's own events can go there with these settings (``Publisher``; ``hub check``)."""
        return False

    @abc.abstractmethod
    async def open(self) -> None:
        """Acquire sessions. Called once before anything else; must not need the partner to be up."""

    @abc.abstractmethod
    async def check(self) -> None:
        """Does the partner answer, with these credentials? Changes nothing there. Raises a DeliveryError if not."""

    @abc.abstractmethod
    async def close(self) -> None:
        """Release what ``open`` acquired."""


@runtime_checkable
class Sender(Protocol):
    """Delivers messages."""

    async def send(self, message: Message, attempt: Attempt) -> Receipt:
        """One delivery, once."""


@runtime_checkable
class Finder(Protocol):
    """Can ask the partner what it holds; asked when a delivery is in doubt."""

    async def find(self, message: Message, attempt: Attempt) -> Found | None:
        """None: the partner holds nothing of this dossier. Raises Transient or NotConnected when it cannot be asked."""


@runtime_checkable
class Holder(Protocol):
    """Can tell which state of a dossier the partner shows now; asked after a restore, when no attempt is on record."""

    async def held(self, message: Message) -> Found | None:
        """Whether it is exactly the state of this full-state message. None: the partner holds nothing of this dossier.
        Raises like ``find``, and Rejected where the partner refuses to tell."""


@runtime_checkable
class Receiver(Protocol):
    """Polls or streams messages in."""

    async def receive(self, accept: Accept) -> None:
        """Runs until cancelled; calls ``accept`` for each arrival, in order."""


@runtime_checkable
class TableSource(Protocol):
    """Fetches a code table from the partner (``hub catalog refresh``)."""

    async def fetch_table(self, table: str) -> Mapping[str, Mapping[str, str]]:
        """The rows of ``id@major``: key → column → value. Never invents: a row the partner does not give is absent."""


@runtime_checkable
class Responder(Protocol):
    """Answers questions about what its registry knows. The engine records who asked; it keeps no answer."""

    queries: ClassVar[str]
    """The partner's schema of a question, such as c06-citizen-query@1."""
    answers: ClassVar[str]
    """The partner's schema of an answer, such as c06-citizen@1."""

    async def request(self, query: Message) -> Any | None:
        """The answer, in the schema ``answers``; None: the registry does not know such a one. ``query.id`` is the question's
        own id. Raises a DeliveryError: Rejected (the registry refused to tell), else the registry did not answer."""


@runtime_checkable
class Confirmer(Protocol):
    """A Responder that can also be asked whether what the question says is so, without the answer."""

    async def confirm(self, query: Message) -> bool:
        """True: it is so. False: it is not, or the registry does not know such a one. Raises as ``request`` does."""


def is_responder(kind: type) -> bool:
    """Whether a connector class is a Responder (``issubclass`` refuses protocols that have data)."""
    return callable(getattr(kind, "request", None)) and all(
        isinstance(getattr(kind, name, None), str) for name in ("queries", "answers")
    )


GROUP = "hub.connectors"


def registered(group: str) -> Mapping[str, EntryPoint]:
    """The entry points of a group by name. Every distribution is looked through for them, so it is done again only when
    something was installed, which changes a folder of ``sys.path``."""
    return _registered(group, tuple(map(_as_it_is, sys.path)))


@lru_cache(maxsize=4)
def _registered(group: str, _places: tuple[object, ...]) -> Mapping[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group=group)}


def _as_it_is(place: str) -> tuple[str, int, int]:
    try:
        found = os.stat(place or ".")
    except (OSError, ValueError):
        return place, 0, 0
    return place, found.st_ino, found.st_mtime_ns


def installed_connectors() -> list[str]:
    """The names of the connectors that are installed."""
    return sorted(registered(GROUP))


def load_connector(name: str) -> type[Connector[Any]]:
    """The connector class registered under ``name``. Raises BadConfig naming those that exist."""
    found = registered(GROUP)
    if name not in found:
        known = ", ".join(sorted(found)) or "none installed"
        raise BadConfig([Problem("connector", "unknown_connector", f"no connector is named {name!r}", f"one of: {known}")])
    loaded = found[name].load()
    if not (isinstance(loaded, type) and issubclass(loaded, Connector)):
        raise BadConfig([Problem("connector", "not_a_connector", f"entry point {name!r} is not a hub.connector.Connector")])
    return loaded


__all__ = [
    "Accept", "Accepted", "Arrival", "Attempt", "Caller", "Confirmer", "Connector", "ConnectorConfig", "ConnectorContext",
    "Documents", "Event", "Files", "Finder", "Found", "Holder", "Inlet", "Listener", "Outcome", "Publisher", "Receipt",
    "Receiver", "Responder", "Sender", "Standing", "Stored", "TableSource", "Visit", "installed_connectors", "is_responder",
    "load_connector",
]  # fmt: skip
