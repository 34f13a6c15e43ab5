"""What a connector that listens sees of the hub: a visit for each request, and what became of what it brought.

A door in a partner's own protocol words the requests and answers; who may come in, how much, and what is stored is the
engine's work, the same as at the hub's own doors. Everything here is offered by ``hub.connector``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

from hub.errors import Problem

if TYPE_CHECKING:  # most commands of the shell need the store, and no server
    import aiohttp.web


@dataclass(frozen=True, slots=True)
class Accepted:
    """Outcome of handing an arrival to the hub: ``receipt`` is the JSON object a REST caller would get."""

    receipt: Mapping[str, Any]
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class Caller:
    """Who signed in at a door: the sender's name, and which of its keys it presented."""

    name: str
    key_id: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an arrival at one endpoint, as far as is known.

    ``delivered``: the partner has it (or an operator found it there), or a newer state that took its place; ``refused``: the
    partner refused it, or an operator gave it up (code ``discarded``); ``waiting``: neither yet. ``kept``: the hub cannot send
    it before an operator acts; ``not_owner``: the dossier is another sender's, so it goes nowhere; ``unrouted``: no route takes
    it there.
    """

    state: Literal["delivered", "refused", "waiting", "kept", "not_owner", "unrouted"]
    code: str = ""
    """Of ``refused``: the partner's code, or a word of the connector that refused without asking."""
    said: str = field(default="", repr=False)
    """Of ``delivered`` and ``refused``: the partner's own words if this process heard them, else what is on record of them."""
    problems: tuple[Problem, ...] = ()
    """Of ``kept``: why."""
    told: bool = False
    """It is at its end, and nothing more comes of it: delivered, and a caller was told so (``Visit.told``) since the hub
    started; or discarded, because a caller was told of the refusal or by an operator. The same said again is to be accepted
    ``anew``."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What the hub knows of a dossier at one endpoint."""

    sent: bool
    """Some state of it was delivered there."""
    waiting: int
    """So many deliveries there of the caller's own are under way or wait; the dead are not among them."""
    refused: tuple[str, str] | None
    """Code and recorded reason of the newest of the caller's own that came to an end there, if the partner refused it."""
    held_by: Accepted | None = field(default=None, compare=False)
    """What holds everything behind it there: the caller's own arrival whose refusal nobody was told yet."""
    stuck: bool = False
    """Something of the caller's own needs an operator before it goes on, and is no refusal: it is kept, or dead."""


class Visit(Protocol):
    """One request at a connector's door, from its body to its answer.

    What is refused (``Refused``) out of any of these is counted, logged and paced already: the door only words the answer.
    """

    @property
    def headers(self) -> Mapping[str, str]:
        """What goes with the answer, whatever it is: what the caller may still send (filled by ``enter``)."""

    async def body(self) -> bytes:
        """The whole body, read within the hub's limits. Raises TooLarge, TimedOut, NotParsable, UnsupportedCoding, Busy."""

    async def sign_in(self, name: str, secret: str) -> Caller:
        """The sender ``name`` with its API key as password. Raises Unauthenticated, Forbidden, StoreUnavailable."""

    async def sign_in_by_headers(self, names: Mapping[str, str]) -> Caller:
        """By HTTP Basic (``names``: account → sender; the password is the sender's key), Bearer or X-API-Key. Raises as
        ``sign_in`` does."""

    async def enter(self, caller: Caller) -> None:
        """Go on as this caller: its key is still in force, it may send now, and it has a place at the gate; once in a visit,
        before or after ``body``. Raises Unauthenticated, TooMany, Busy, StoreUnavailable."""

    async def examine(self, schema: str, body: bytes) -> None:
        """Raises Refused where ``accept`` would for what stands in the message; stores nothing. After ``enter``."""

    async def accept(self, schema: str, body: bytes, *, anew: str | None = None, origin: str | None = None) -> Accepted:
        """One message of the caller, durable on return; a message that came before answers its first receipt. ``anew``: it is
        a new one for this endpoint, and for no other, whatever came before. ``origin``: the endpoint whose partner tells it,
        so that it is never routed back there. After ``enter``. Raises Refused, StoreUnavailable."""

    async def outcome(self, accepted: Accepted, endpoint: str, seconds: float) -> Outcome:
        """Wait, at most so many seconds, for what becomes of it at the endpoint. The place at the gate goes back first; only
        the bytes of the body stay counted. Once the hub stops, or the caller is gone, it is ``waiting`` at once."""

    async def told(self, accepted: Accepted, endpoint: str) -> None:
        """The answer to this visit tells the caller the outcome. Once it is written, a refusal is the caller's own to mend: no
        dead letter any more, and the same step said again is a new one. Nothing of it if the caller is gone by then."""

    async def withdrawn(self, accepted: Accepted, endpoint: str) -> None:
        """The answer to this visit refuses the call that this came in, for what stands before it in its lane. Once it is
        written, what of it was never tried there is discarded in the caller's name, and the same said again is a new one.
        Before ``told`` of the refusal that holds the lane."""

    async def standing(self, code: str, endpoint: str) -> Standing | None:
        """Of the dossier with the national code, or the caller's own; None: the caller sent no such dossier. After ``enter``.
        Raises StoreUnavailable."""


class Inlet(Protocol):
    """The hub as a connector's door sees it: the keys, gate, limits and receipts of the hub's own doors."""

    def visit(self, request: aiohttp.web.Request) -> AbstractAsyncContextManager[Visit]:
        """``async with inlet.visit(request) as visit``; leaving it gives back what it holds."""


@runtime_checkable
class Listener(Protocol):
    """Mounts paths of its own on the hub's server (a partner's callback, a door in a partner's own protocol)."""

    def routes(self, inlet: Inlet) -> Iterable[aiohttp.web.RouteDef]:
        """Called once, at the start; every path stands below the server's ``prefix``. Bodies are read by ``Visit.body``."""
