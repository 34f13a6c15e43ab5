"""Replaying and discarding dead letters, whatever they are: a delivery in the store, an arrival through intake."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hub.cli.shell import actor, first_reason
from hub.errors import NotAllowed, NotFound, StoreUnavailable

if TYPE_CHECKING:
    from hub.intake.accept import Intake
    from hub.store.port import Store
    from hub.store.values import JsonObject


AT_ONCE = 10_000
"""How many dead letters one command looks at."""


class Pace:
    """``rate`` turns a second, until somebody presses Ctrl-C: then there is no further turn, and who asked for one
    finds that it was ``stopped``."""

    def __init__(self, rate: float) -> None:
        self._between = 1 / rate
        self._stop = asyncio.Event()
        self._next: float | None = None
        self.stopped = False

    def stop(self) -> None:
        """No further turn."""
        self._stop.set()

    @contextlib.contextmanager
    def heard(self) -> Iterator[None]:
        """Ctrl-C ends the pace and nothing else."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGINT, self.stop)
        try:
            yield
        finally:
            loop.remove_signal_handler(signal.SIGINT)

    async def turn(self) -> bool:
        """Wait for the next turn; False when there is none any more."""
        now = asyncio.get_running_loop().time()
        due = now if self._next is None else self._next
        self._next = max(now, due) + self._between
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stop.wait(), max(0.0, due - now))
        self.stopped = self._stop.is_set()
        return not self.stopped


class Repair:
    """Replays and discards in one store; reads the home's mappings only when an arrival needs them."""

    def __init__(self, home: Path, store: Store, why: str, *, adopt: bool = False, as_it_ran: bool = False) -> None:
        self._home, self._store, self._why, self._adopt, self._as_it_ran = home, store, why, adopt, as_it_ran
        self._intake: Intake | None = None

    async def replay(
        self, ids: Sequence[str], *, given: bool, pace: Pace | None = None, tell: Callable[[int], None] = lambda done: None
    ) -> list[dict[str, Any]]:
        """One result for each: ``id``, ``replayed``, ``outcome`` and, for an error, its ``kind``. Unless the ids were
        ``given`` by a person, those that left the dead letters meanwhile are passed over. Ends early when the pace is."""
        results: list[dict[str, Any]] = []
        seen: set[str] = set()
        for item in ids:
            if item in seen:
                continue
            if pace is not None and not await pace.turn():
                break
            tell(1)
            try:
                one = await one_of(self._store, item)
                if not given and one["state"] not in ("dead", "kept"):
                    continue
                made = await self._replay(one, pace)
            except StoreUnavailable:
                raise
            except (NotFound, NotAllowed) as error:
                made = [{"id": item, "replayed": False, "outcome": str(error), "kind": type(error).__name__}]
            results += made
            seen.update(str(result["id"]) for result in made)
        return results

    async def discard(self, item: str) -> list[dict[str, Any]]:
        """Discard; then take in what was kept behind an arrival. The results of those."""
        from hub.message import system_clock

        one = await one_of(self._store, item)
        behind = [arrival.id for arrival in await self._store.kept_arrivals(item)] if one["kind"] == "arrival" else []
        followers = [arrival for arrival in behind if arrival != item]
        if followers:
            await self._assembled()  # refuse before anything changed
        await self._store.discard(item, actor=actor(), why=self._why, now=system_clock())
        return await self.replay(followers[:1], given=True) if followers else []

    async def _replay(self, one: JsonObject, pace: Pace | None) -> list[dict[str, Any]]:
        from hub.message import system_clock

        if one["kind"] == "delivery":
            by = actor()
            await self._store.replay(
                one["delivery"], actor=by, why=self._why, adopt=self._adopt, now=system_clock(), as_it_ran=self._as_it_ran
            )
            outcome = "waits to be sent as it ran" if self._as_it_ran else "waits to be sent"
            return [{"id": one["delivery"], "replayed": True, "outcome": outcome}]
        if self._as_it_ran:
            raise NotAllowed(f"arrival {one['arrival']} was never sent, so that nothing can go as it ran; use --latest")
        if one["state"] != "kept":
            raise NotAllowed(f"arrival {one['arrival']} is {one['state']}; only a kept one can be replayed")
        intake, turn = await self._assembled(), pace.turn if pace is not None else None
        receipts = await intake.replay(one["arrival"], actor=actor(), why=self._why, turn=turn)
        return [_taken(receipt) for receipt in receipts]

    async def _assembled(self) -> Intake:
        """Raises BadConfig, too, for files that the running hub has not taken."""
        from hub.assembly import assemble
        from hub.changes import refuse_untaken
        from hub.intake.accept import Intake

        if self._intake is None:
            parts = assemble(self._home)
            await refuse_untaken(self._store, parts)
            config = parts.home.config
            self._intake = Intake(
                self._store, parts.catalog, parts.router, parts.sources, config.owners, lambda: None,
                max_depth=config.server.max_depth,
            )  # fmt: skip
        return self._intake


def _taken(receipt: JsonObject) -> dict[str, Any]:
    """The result of an arrival taken in again."""
    state = receipt["state"]
    result = {"id": receipt["arrival"], "replayed": state != "kept", "outcome": state}
    if state == "kept":
        result |= {"outcome": f"still kept: {first_reason(receipt.get('reasons') or [])}", "kind": "kept"}
        result["reasons"] = receipt.get("reasons") or []
    return result


def id_of(one: JsonObject) -> str:
    """The id by which a dead letter is named."""
    return str(one["delivery"] if one["kind"] == "delivery" else one["arrival"])


async def one_of(store: Store, item: str) -> JsonObject:
    """A delivery or arrival by its id, whatever its state. Raises NotFound."""
    found = await store.dead_one(item)
    if found is None:
        raise NotFound(f"no delivery and no arrival has the id {item}")
    return found
