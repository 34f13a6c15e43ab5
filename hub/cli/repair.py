"""Replaying and discarding dead letters, whatever they are: a delivery in the store, an arrival through intake."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hub.cli.shell import actor, first_reason
from hub.errors import NotAllowed, NotFound, StoreUnavailable

if TYPE_CHECKING:
    from hub.intake.accept import Intake
    from hub.store.port import JsonObject, Store


class Repair:
    """Replays and discards in one store; reads the home's mappings only when an arrival needs them."""

    def __init__(self, home: Path, store: Store, why: str, adopt: bool) -> None:
        self._home, self._store, self._why, self._adopt = home, store, why, adopt
        self._intake: Intake | None = None

    async def replay(self, ids: Sequence[str], *, given: bool) -> list[dict[str, Any]]:
        """One result for each: ``id``, ``replayed``, ``outcome`` and, for an error, its ``kind``. Unless the ids were
        ``given`` by a person, those that left the dead letters meanwhile are passed over."""
        results: list[dict[str, Any]] = []
        seen: set[str] = set()
        for item in ids:
            if item in seen:
                continue
            try:
                one = await one_of(self._store, item)
                if not given and one["state"] not in ("dead", "kept"):
                    continue
                made = await self._replay(one)
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
            self._assembled()  # refuse before anything changed
        await self._store.discard(item, actor=actor(), why=self._why, now=system_clock())
        return await self.replay(followers[:1], given=True) if followers else []

    async def _replay(self, one: JsonObject) -> list[dict[str, Any]]:
        from hub.message import system_clock

        if one["kind"] == "delivery":
            by = actor()
            await self._store.replay(one["delivery"], actor=by, why=self._why, adopt=self._adopt, now=system_clock())
            return [{"id": one["delivery"], "replayed": True, "outcome": "waits to be sent"}]
        if one["state"] != "kept":
            raise NotAllowed(f"arrival {one['arrival']} is {one['state']}; only a kept one can be replayed")
        receipts = await self._assembled().replay(one["arrival"], actor=actor(), why=self._why)
        return [_taken(receipt) for receipt in receipts]

    def _assembled(self) -> Intake:
        from hub.assembly import assemble
        from hub.intake.accept import Intake

        if self._intake is None:
            parts = assemble(self._home)
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


async def one_of(store: Store, item: str) -> JsonObject:
    """A delivery or arrival by its id, whatever its state. Raises NotFound."""
    found = await store.dead_one(item)
    if found is None:
        raise NotFound(f"no delivery and no arrival has the id {item}")
    return found
