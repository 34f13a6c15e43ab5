"""What connectors become in a rehearsal: one whose partner is simulated is watched, one whose partner is not sends nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from hub.connector import Connector, ConnectorConfig, Receipt
from hub.errors import DeliveryError, NotConnected, Rejected
from hub.message import Message


@dataclass(frozen=True, slots=True)
class Sending:
    """A message as an endpoint was to send it, the last time, and what the partner said of it: ``taken``, ``refused`` with its
    code and reason, ``failed`` (no verdict on the message), ``not_sent`` (nobody stands in for the partner)."""

    schema: str
    size: int
    body: Any
    verdict: str = "failed"
    code: str = ""
    reason: str = ""


class Journal:
    """What was sent in a rehearsal, by endpoint and message; the bodies only if they are to be shown."""

    def __init__(self, bodies: bool) -> None:
        self._bodies = bodies
        self._sent: dict[tuple[str, str], Sending] = {}

    def of(self, endpoint: str, message_id: str) -> Sending | None:
        """The last sending of the message to the endpoint, if there was one."""
        return self._sent.get((endpoint, message_id))

    def note(self, endpoint: str, message: Message, verdict: str, code: str = "", reason: str = "") -> None:
        written = orjson.dumps(message.body)
        body = orjson.loads(written) if self._bodies else None
        sending = Sending(str(message.schema), len(written), body, verdict, code, reason)
        self._sent[endpoint, message.id] = sending


class _Nothing(ConnectorConfig):
    """Settings of an endpoint that calls nobody."""


def watched(real: type[Connector[Any]], endpoint: str, journal: Journal) -> type[Connector[Any]]:
    """The connector as it is; what it sends, and what its partner says of it, is noted."""
    send: Callable[..., Any] | None = getattr(real, "send", None)
    if send is None:
        return real

    async def noted(self: Any, message: Message, attempt: Any) -> Receipt:
        try:
            receipt: Receipt = await send(self, message, attempt)
        except DeliveryError as error:
            verdict = "refused" if isinstance(error, Rejected) else "failed"
            journal.note(endpoint, message, verdict, error.code, error.reason)
            raise
        journal.note(endpoint, message, "taken")
        return receipt

    return type(real.__name__, (real,), {"send": noted})


def silent(real: type[Connector[Any]], endpoint: str, journal: Journal) -> type[Connector[Any]]:
    """A connector that can do what the real one can, needs no settings, and calls nobody: what it is given to send is noted,
    and passes for delivered, so that what stands behind it is seen too."""

    class Unsent:
        Config = _Nothing

        @classmethod
        def problems(cls, *_: Any) -> Iterable[Any]:
            return ()

        @classmethod
        def sources(cls, *_: Any) -> Mapping[str, str]:
            return {}

        @classmethod
        def paths(cls, *_: Any) -> Iterable[str]:
            return ()

        async def open(self) -> None:
            """Nobody is called."""

        async def check(self) -> None:
            raise _nobody(endpoint)

        async def close(self) -> None:
            """Nobody was called."""

        async def send(self, message: Message, attempt: Any) -> Receipt:
            journal.note(endpoint, message, "not_sent")
            return Receipt()

        async def find(self, message: Message, attempt: Any) -> None:
            raise _nobody(endpoint)

        async def held(self, message: Message) -> None:
            raise _nobody(endpoint)

        async def request(self, query: Message) -> None:
            raise _nobody(endpoint)

        async def confirm(self, query: Message) -> bool:
            raise _nobody(endpoint)

        async def receive(self, accept: Any) -> None:
            """Nothing comes."""

        def routes(self, inlet: Any) -> Iterable[Any]:
            return ()

    instead = {name: value for name, value in vars(Unsent).items() if name[:2] != "__" and hasattr(real, name)}
    return type(real.__name__, (real,), {**instead, "__init__": Connector.__init__})


def _nobody(endpoint: str) -> NotConnected:
    return NotConnected("no_simulator", f"no simulator stands in for {endpoint} in a rehearsal")
