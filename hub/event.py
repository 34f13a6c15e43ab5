"""What the hub tells others about its own work: one thing that happened to a dossier, ready to be published."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

EventType = Literal[
    "dossier.named",
    "arrival.accepted", "arrival.kept", "arrival.superseded", "arrival.replayed", "arrival.discarded", "arrival.erased",
    "message.accepted",
    "delivery.routed", "delivery.delivered", "delivery.in_doubt", "delivery.waiting", "delivery.dead", "delivery.superseded",
    "delivery.discarded", "delivery.replayed",
    "ledger.changed",
]  # fmt: skip
"""What can happen; ``hub.api.event_models`` says what each tells."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event. ``sequence`` grows with each of one dossier and names the event: compared as text, the larger is the later.
    ``at``: microseconds since the epoch; ``data``: JSON. The events of one ``dossier`` are published in order."""

    sequence: str
    type: EventType
    dossier: str
    at: int
    data: bytes


@runtime_checkable
class Publisher(Protocol):
    """A connector that can make the hub's own events known, a topic for instance (see ``Connector.publishes``)."""

    async def publish(self, events: Sequence[Event]) -> None:
        """All of them, those of one dossier in their order; returns when they will not be lost there any more.

        Raises a DeliveryError when that is not so of all: then the same come again, from the first, until they are taken.
        """
