"""What the doors for messages share: who may come in, how an arrival is made, what a receipt brings, how a refusal is told."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Awaitable, Callable
from ipaddress import ip_address, ip_network

from aiohttp import web

from hub.connector import Accepted
from hub.errors import Busy, Problem, Refused, TooMany
from hub.intake.allowance import Allowances
from hub.intake.body import BodyLimits
from hub.intake.gate import STRANGER, Gate
from hub.intake.keys import Keys
from hub.message import Arrival, Clock, SchemaRef, new_id
from hub.observe import metrics
from hub.observe.logging import get_logger
from hub.observe.trace import Trace, begin
from hub.wire.forwarded import CLIENT_ADDRESS

TRACE = web.RequestKey("hub.trace", Trace)
Render = Callable[[Exception], web.Response]
RENDER: web.RequestKey[Render] = web.RequestKey("hub.render")
"""How an error of this request is shown, where not as a problem document."""
AFTERWARDS: web.RequestKey[list[Callable[[], Awaitable[None]]]] = web.RequestKey("hub.afterwards")
"""What is done once the answer to this request is written, and not at all if it cannot be."""
REFUSALS_A_SECOND = 600
"""Of one client; the more of its requests are being refused, the longer each waits for it, up to half a second."""
_VISIBLE = re.compile(r"[\x21-\x7e]{1,200}")
_log = get_logger(__name__)


class Refusals:
    """Lets no client, nor all unknown ones together, be refused more than so often a second: refusing costs time too."""

    def __init__(self) -> None:
        self._now: Counter[str | None] = Counter()

    async def slow_down(self, client: str | None) -> None:
        """Wait before one of the client's requests is refused."""
        self._now[client] += 1
        try:
            await asyncio.sleep(min(0.5, (self._now[client] - 1) / REFUSALS_A_SECOND))
        finally:
            self._now[client] -= 1


class Doorway:
    """The keys, what each client may still send, the gate and the limits, the same for every door; ``prefix`` of all paths."""

    def __init__(
        self, keys: Keys, clock: Clock, allowances: Allowances, gate: Gate, limits: BodyLimits | None = None, prefix: str = ""
    ) -> None:
        self.keys = keys
        self.clock = clock
        self.allowances = allowances
        self.gate = gate
        self.limits = limits or BodyLimits()
        self.prefix = prefix
        self._refusals = Refusals()
        metrics.watch_door(lambda: (gate.requests, gate.waiting, gate.bytes))

    def arrival(self, sender: str, schema: SchemaRef, body: bytes, key: str | None, trace: Trace) -> Arrival:
        """What came in now, from this sender."""
        return Arrival(
            id=new_id(), sender=sender, schema=schema, body=body, received_at=self.clock(), key=key,
            correlation_id=trace.trace_id, traceparent=trace.traceparent,
        )  # fmt: skip

    def taken(self, accepted: Accepted, sender: str, size: int) -> dict[str, str]:
        """Count what was accepted against the client's day; the headers that go with its receipt."""
        headers = {"Location": f"{self.prefix}/v1/arrivals/{accepted.receipt['arrival']}"}
        if accepted.repeated:
            headers["Idempotency-Replayed"] = "true"
        else:
            self.allowances.used(sender, size)
        return headers

    async def refuse(self, error: Refused, sender: str | None, schema: SchemaRef | None, trace: Trace) -> None:
        """Count and log that a message is refused, as slowly as this client's refusals ask for."""
        metrics.arrival(sender, str(schema) if schema else None, "refused")
        if not isinstance(error, TooMany | Busy):  # these are counted: a flood must not flood the log too
            _log.info(
                "message refused", correlation_id=trace.trace_id, sender=sender, kind=error.kind,
                code=[problem.code for problem in error.problems[:20]],
            )  # fmt: skip
        await self._refusals.slow_down(sender)

    async def slow_down(self, client: str | None) -> None:
        """Before something else of the client (None: of those without a key) is refused."""
        await self._refusals.slow_down(client)


def stranger(request: web.Request) -> str:
    """The name at the gate of one whose key can only be told from what it sends: that of its address (of IPv6, of its
    network: whoever has one address there has them all). So nobody without a key keeps the callers of other addresses out."""
    address = request.get(CLIENT_ADDRESS, "")
    try:
        known = ip_address(address)
    except ValueError:
        return f"{STRANGER}{address}"
    if known.version == 6 and known.ipv4_mapped is not None:
        known = known.ipv4_mapped
    return f"{STRANGER}{known}" if known.version == 4 else f"{STRANGER}{ip_network((known, 64), strict=False)}"


def trace_of(request: web.Request) -> Trace:
    """The request's trace; begun here when no middleware did."""
    return request.get(TRACE) or begin(request.headers.get("traceparent"))


def idempotency_key(request: web.Request) -> str | None:
    """The sender's own id of the message, if it stands in a header. Raises Refused."""
    given = request.headers.getall("Idempotency-Key", [])
    if not given:
        return None
    if len(given) > 1 or not _VISIBLE.fullmatch(given[0]):
        wrong = "an Idempotency-Key is 1 to 200 visible ASCII characters, sent once"
        raise Refused([Problem("Idempotency-Key", "malformed", wrong, "send a UUID, or your own id of the message")])
    return given[0]
