"""How an endpoint may be used, what a route says about its deliveries, and the bytes one delivery will send."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from hub.delivery.breaker import BreakerPolicy
from hub.delivery.retry import RetryPolicy
from hub.message import SchemaRef
from hub.routing.routes import Enclose, Verify
from hub.store.values import Due
from hub.values import value


@dataclass(frozen=True, slots=True)
class EndpointPolicy:
    """How an endpoint may be used. ``rate`` is new deliveries a second; ``deadline_seconds`` bounds one attempt."""

    concurrency: int = 4
    rate: float | None = None
    deadline_seconds: float = 120.0
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    breaker: BreakerPolicy = field(default_factory=BreakerPolicy)


@value(frozen=True, slots=True)
class RoutePolicy:
    """What a route says about its deliveries; ``partner_schema`` is what the endpoint is sent, ``via`` the mappings pinned."""

    partner_schema: str
    in_doubt: Literal["resend", "hold"] = "resend"
    on_exists: Literal["hold", "adopt"] = "hold"
    verify: tuple[Verify, ...] = ()
    via: tuple[SchemaRef, ...] = ()
    files: Enclose | None = None


@value(frozen=True, slots=True)
class Prepared:
    """The bytes a delivery will send: the pinned ones of its first attempt, or translated now."""

    chain: str
    schema: SchemaRef
    request: bytes
    warnings: tuple[dict[str, str], ...] = ()


def pinned_schema(due: Due, route: RoutePolicy) -> SchemaRef:
    """What the bytes of the first attempt are, whatever the route says since; of an older hub's, as the route has it."""
    return due.sent_as or SchemaRef.parse(route.partner_schema)
