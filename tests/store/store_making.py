"""What the store's tests are made of: a clock, plans, and short ways to move a delivery through the port."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hub.message import Alias, Arrival, SchemaRef, new_id
from hub.store.port import Store
from hub.store.values import Due, JsonObject, Part, Plan, RouteMatch, Settlement, Start

SECOND = 1_000_000
FAR = 4_000_000_000_000_000
"""Later than anything in a test."""
NATIONAL = "national"
STATE = SchemaRef("dossier", "1.0.0")
STEP = SchemaRef("dossier-progress", "1.0.0")
SOURCE = SchemaRef("one-stop", "1.0.0")


class FakeClock:
    """Microseconds that pass only when somebody looks (one each), or when a test moves them."""

    def __init__(self, now: int = 1_800_000_000_000_000) -> None:
        self.now = now

    def __call__(self) -> int:
        self.now += 1
        return self.now


def match(route: str = "to-portal", endpoint: str = "portal", *, matched: bool = True, coalesce: bool = False) -> RouteMatch:
    """What routing said of one route."""
    return RouteMatch(route, endpoint, matched, "everything goes there" if matched else "not its kind", None, coalesce)


def state(body: str, *routes: RouteMatch, version: int | None = None) -> Part:
    """A full-state message; without routes it goes to the portal."""
    return Part(STATE, body.encode(), True, version, routes or (match(),))


def step(body: str, *routes: RouteMatch) -> Part:
    """A progress message; without routes it goes to the portal."""
    return Part(STEP, body.encode(), False, None, routes or (match(),))


def plan(
    store: Store,
    clock: FakeClock,
    body: str,
    *parts: Part,
    names: Sequence[tuple[str, str]] = ((NATIONAL, "D1"),),
    sender: str = "one-stop",
    key: str | None = None,
    kept: str | None = None,
    owner: str | None = None,
    **arrival: Any,
) -> Plan:
    """Intake's decision about one arrival with this body; without parts it is one state with the same body."""
    fields = {"id": new_id(), "correlation_id": new_id(), "received_at": clock(), "schema": SOURCE, **arrival}
    return Plan(
        arrival=Arrival(sender=sender, body=body.encode(), key=key, **fields),
        digest=store.digest(body.encode()),
        aliases=tuple(Alias(system, code) for system, code in names),
        parts=() if kept else (parts or (state(body),)),
        kept=({"at": "/x", "code": kept, "message": "kept by the test"},) if kept else (),
        owner=owner,
    )


class Desk:
    """A store with a clock, and the everyday acts on it in one line each."""

    def __init__(self, store: Store, clock: FakeClock) -> None:
        self.store = store
        self.clock = clock

    async def accept(self, body: str, *parts: Part, code: str = "D1", **more: Any) -> JsonObject:
        """Accept one arrival of the dossier ``code``; returns the receipt."""
        more.setdefault("names", ((NATIONAL, code),))
        receipt, _ = await self.store.accept(plan(self.store, self.clock, body, *parts, **more))
        return receipt

    async def heads(self, endpoint: str = "portal", now: int = FAR) -> list[Due]:
        """What could be attempted now."""
        return list(await self.store.due(endpoint, now, 1000))

    async def head(self, endpoint: str = "portal") -> Due:
        """The only delivery that can be attempted."""
        (only,) = await self.heads(endpoint)
        return only

    async def texts(self, endpoint: str = "portal") -> list[str]:
        """The bodies of what could be attempted now."""
        return [due.body.decode() for due in await self.heads(endpoint)]

    async def begin(self, due: Due, request: bytes = b"as sent") -> str:
        """Start one attempt; returns its id."""
        attempt = new_id()
        pinned = None if due.request is not None else request
        started = await self.store.start([Start(due.delivery_id, attempt, due.chain or "c" * 64, pinned)], self.clock())
        assert started == {due.delivery_id}
        return attempt

    async def settle(self, due: Due, attempt: str | None, outcome: Any, **more: Any) -> bool:
        """End an attempt."""
        return await self.store.settle(Settlement(due.delivery_id, attempt, outcome, **more), self.clock())

    async def end(self, outcome: Any = "delivered", *, endpoint: str = "portal", **more: Any) -> Due:
        """Attempt the only head and settle it so; returns what it was."""
        due = await self.head(endpoint)
        assert await self.settle(due, await self.begin(due), outcome, **more)
        return due

    async def drain(self, endpoint: str = "portal") -> list[str]:
        """Deliver whatever can be delivered, one lane's head after another; returns the bodies in that order."""
        sent: list[str] = []
        while found := await self.heads(endpoint):
            for due in found:
                assert await self.settle(due, await self.begin(due), "delivered")
                sent.append(due.body.decode())
        return sent

    async def states(self, code: str = "D1") -> dict[str, str]:
        """The state of every delivery of the dossier, by delivery id."""
        shown = await self.store.dossier(code)
        assert shown is not None
        settled = {one["delivery"]: one["state"] for one in shown["timeline"] if one["event"] not in NOT_DELIVERIES}
        return settled | {one["delivery"]: one["state"] for one in shown["waiting"]}

    async def replay(self, item: str) -> None:
        """An operator's replay."""
        await self.store.replay(item, actor="lan", why="mended", adopt=False, now=self.clock())

    async def discard(self, item: str) -> None:
        """An operator's discard."""
        await self.store.discard(item, actor="lan", why="was a test", now=self.clock())


NOT_DELIVERIES = ("arrival", "message", "attempt", "audit")


def delivery_of(receipt: JsonObject, message: int = 0, route: int = 0) -> str:
    """The id of a delivery that a receipt names."""
    found: str = receipt["messages"][message]["routes"][route]["delivery"]
    return found
