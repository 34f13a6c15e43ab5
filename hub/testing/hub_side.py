"""The hub as a connector on the bench meets it when it brings something in: the real intake, a real store, the real doors.

Schemas are those of the hub and of every installed package; nothing is translated or routed on, and what is taken passes for
delivered. The store can be made to be away, and to wait around a write.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from hub.api.server import Listen, Server, build_app
from hub.config import PACKAGED
from hub.connector import Accepted, Listener
from hub.delivery.outcomes import Outcomes
from hub.errors import StoreUnavailable
from hub.installed_catalogs import installed_catalogs
from hub.intake.accept import Intake
from hub.intake.body import BodyLimits
from hub.intake.gate import Gate
from hub.intake.inlet import DoorInlet
from hub.intake.keys import new_key
from hub.intake.planning import Source
from hub.message import Arrival, system_clock
from hub.routing import Router
from hub.store.sql import SqlStore
from hub.store.values import Became, JsonObject, Key, Plan, Reached
from hub.translation import Catalog
from hub.translation.files import read_schemas

Away = Literal["", "full", "gone"]
Moment = Literal["before", "after"]
Around = Callable[[Moment, Arrival], Awaitable[None]]


class BenchStore(SqlStore):
    """A store that can be ``away``: full (nothing is written) or gone (nothing is read either). ``taken`` is what was new in
    it, in order; ``around`` is awaited before and after each write."""

    def __init__(self, file: Path) -> None:
        super().__init__(f"sqlite:///{file}", system_clock)
        self.away: Away = ""
        self.around: Around | None = None
        self.taken: list[Arrival] = []
        self.receipts: set[str] = set()
        self.changed = asyncio.Event()

    async def accept(self, plan: Plan) -> tuple[JsonObject, bool]:
        """As the hub's own, when it is there."""
        if self.around is not None:
            await self.around("before", plan.arrival)
        if self.away:
            await asyncio.sleep(0)  # a store gives the loop a turn, also in vain
            raise StoreUnavailable("disk_full" if self.away == "full" else "gone")
        receipt, repeated = await super().accept(plan)
        if not repeated:
            self.taken.append(plan.arrival)
            self.receipts.add(str(receipt["arrival"]))
        self.changed.set()
        if self.around is not None:
            await self.around("after", plan.arrival)
        return receipt, repeated

    async def keys(self) -> Sequence[Key]:
        """Who may come in, when it is there."""
        await self._must_be_there()
        return await super().keys()

    async def first_receipt(self, sender: str, key: str) -> tuple[str, JsonObject] | None:
        """What came before under this id, when it is there."""
        await self._must_be_there()
        return await super().first_receipt(sender, key)

    async def cursor(self, endpoint: str) -> str | None:
        """How far it was read, when it is there."""
        await self._must_be_there()
        return await super().cursor(endpoint)

    async def became(self, arrival_id: str, endpoint: str) -> Became | None:
        """Delivered: on the bench every endpoint takes everything at once."""
        reached = Reached(arrival_id, arrival_id, "delivered", "", "", (), is_over=True)
        return Became("accepted", (), {arrival_id: "accepted"}, (reached,))

    async def _must_be_there(self) -> None:
        if self.away == "gone":
            await asyncio.sleep(0)
            raise StoreUnavailable("gone")


class HubSide:
    """``accept`` is what a receiver is given; ``serve`` opens the hub's server with the paths of a listener."""

    def __init__(self, store: BenchStore) -> None:
        self.store = store
        catalog = _schemas((*installed_catalogs(), PACKAGED))
        sources = [Source(str(ref), ()) for ref in catalog.schemas() if catalog.schema(ref).role == "source"]
        self._intake = Intake(store, catalog, Router(()), sources, {}, lambda: None)
        self.gate = Gate()

    async def accept(self, arrival: Arrival, **more: Any) -> Accepted:
        """As ``hub.connector.Accept``."""
        return await self._intake.accept(arrival, **more)

    async def key(self, sender: str, right: str = "*") -> str:
        """The text of a new key of this sender."""
        key, text = new_key(sender, (right,), system_clock())
        await self.store.add_key(key)
        return text

    @contextlib.asynccontextmanager
    async def serve(self, listener: Listener, limits: BodyLimits) -> AsyncIterator[int]:
        """The port at which the listener's paths are."""
        app = build_app(
            accept=self.accept, store=self.store, clock=system_clock, running=lambda: True, limits=limits, gate=self.gate,
            doors=lambda doorway: listener.routes(
                DoorInlet(doorway, self._intake, self.store, Outcomes(), on_freed=lambda: None)
            ),
        )  # fmt: skip
        server = Server(app, Listen(port=0, grace_seconds=0.1))
        await server.start()
        try:
            yield server.port
        finally:
            await server.stop()


@contextlib.asynccontextmanager
async def hub_side(folder: Path) -> AsyncIterator[HubSide]:
    """With an empty store in this folder, away with it at the end."""
    file = folder / "hub-side.db"
    shutil.copyfile(await asyncio.to_thread(_migrated), file)
    store = BenchStore(file)
    await store.open(exclusive=True)
    try:
        yield HubSide(store)
    finally:
        await store.close()


@lru_cache(maxsize=1)
def _schemas(layers: tuple[Path, ...]) -> Catalog:
    return Catalog(read_schemas(layers, []), {}, {})


_FOLDERS: list[tempfile.TemporaryDirectory[str]] = []
"""They go when Python ends."""


@lru_cache(maxsize=1)
def _migrated() -> Path:
    """An empty database of the newest form, made once."""
    _FOLDERS.append(tempfile.TemporaryDirectory(prefix="hub-side-", ignore_cleanup_errors=True))
    file = Path(_FOLDERS[-1].name) / "empty.db"

    async def make() -> None:
        store = SqlStore(f"sqlite:///{file}", system_clock)
        await store.open(exclusive=True)
        await store.close()

    asyncio.run(make())
    return file
