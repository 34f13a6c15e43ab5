"""What replaying a dead letter with the mappings of today would change, found out without changing anything."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import orjson

from hub.dossier.applicant import consulted
from hub.errors import Refused, WithProblems
from hub.intake.planning import Planner
from hub.translation import Outbox
from hub.translation.differences import ABSENT, Difference, compare

if TYPE_CHECKING:
    from hub.assembly import Assembly
    from hub.store.port import Store
    from hub.store.values import JsonObject, Pinned
    from hub.translation.chain import Chain


class Foresight:
    """``differs``: must somebody choose between *as it ran* and *latest*? ``of``: what would *latest* do, field by field."""

    def __init__(self, parts: Assembly, store: Store, *, show_values: bool) -> None:
        self._parts, self._store, self._show_values = parts, store, show_values
        config = parts.home.config
        self._planner = Planner(
            parts.catalog, parts.router, parts.sources, config.owners, store.digest, Outbox(), config.server.max_depth
        )

    def differs(self, pinned: Pinned) -> bool:
        """Whether what was sent came of other mappings, tables or schemas than those of now."""
        if pinned.chain is None or pinned.request is None:
            return False
        try:
            chain = self._chain(pinned)
        except WithProblems:  # no way leads there any more
            return True
        return chain is not None and chain.digest != pinned.chain

    async def of(self, one: JsonObject) -> dict[str, Any]:
        """A dead letter as ``dead_one`` gives it; nothing is stored."""
        if one["kind"] == "arrival":
            return await self._of_arrival(one)
        pinned = await self._store.pinned(str(one["delivery"]))
        assert pinned is not None
        told: dict[str, Any] = {"id": one["delivery"], "kind": "delivery", "differences": [], "problems": []}
        if (route := self._parts.router.named(pinned.route)) is None:
            return {**told, "would": "wait", "outcome": f"would wait: route {pinned.route} is not configured any more"}
        if pinned.body is None:
            return {**told, "would": "fail", "outcome": "cannot be translated again: its body was erased"}
        body = orjson.loads(pinned.body)
        try:
            chain = self._parts.catalog.chain(pinned.schema, route.as_, route.via)
            made = chain.translate(body)
            marked = [chain.translate(one) for one in _marked(body, [step.database_code for step in route.verify])]
        except WithProblems as error:
            problems = [problem.as_dict() for problem in error.problems]
            return {**told, "would": "fail", "outcome": "would be a dead letter again", "problems": problems}
        if made is None or None in marked:
            return {**told, "would": "fail", "outcome": "would be a dead letter again: the mapping has nothing to send"}
        if pinned.request is None:
            return {**told, "would": "send", "outcome": "would be sent; nothing was sent before, so that nothing is compared"}
        found = [
            {"at": found.at, "kind": found.kind, "sent": self._shown(found.before), "now": self._shown(found.after)}
            for found in _unless_marked(orjson.loads(pinned.request), made.body, [one.body for one in marked if one])
        ]
        outcome = f"would be sent otherwise than before, in {len(found)} places" if found else "would be sent as it was"
        outcome += "; verified again before it is sent" if route.verify else ""
        return {**told, "would": "send", "outcome": outcome, "differences": found}

    async def _of_arrival(self, one: JsonObject) -> dict[str, Any]:
        told: dict[str, Any] = {"id": one["arrival"], "kind": "arrival", "differences": [], "problems": []}
        waiting = await self._store.kept_arrivals(str(one["arrival"]))
        mine = next((arrival for arrival in waiting if arrival.id == one["arrival"]), None)
        if mine is None:
            return {**told, "would": "fail", "outcome": "cannot be taken in again: its body was erased, or it is not kept"}
        try:
            problems = [*self._planner.again(mine).kept]
        except Refused as error:
            problems = [problem.as_dict() for problem in error.problems]
        if problems:
            return {**told, "would": "keep", "outcome": "would still be kept", "problems": problems}
        behind = f", and {len(waiting) - 1} kept behind it would follow" if len(waiting) > 1 else ""
        return {**told, "would": "accept", "outcome": f"would be accepted{behind}"}

    def _chain(self, pinned: Pinned) -> Chain | None:
        route = self._parts.router.named(pinned.route)
        return None if route is None else self._parts.catalog.chain(pinned.schema, route.as_, route.via)

    def _shown(self, value: Any) -> Any:
        """The value itself only where it was asked for; else of what kind it is."""
        if value is ABSENT:
            return None
        return value if self._show_values else f"‹{_kind(value)}›"


def _marked(body: Any, codes: Sequence[str]) -> list[Any]:
    """The dossier with each choice of marks that verification may make, in the order of the registries."""
    found = [body]
    for code in codes:
        found += [consulted(one, code) for one in found]
    return found[1:]


def _unless_marked(sent: Any, made: Any, marked: Sequence[Any]) -> list[Difference]:
    """Where what was sent differs from what is made now, whatever verification marks."""
    every = [{found.at for found in compare(sent, one)} for one in marked]
    return [found for found in compare(sent, made) if all(found.at in places for places in every)]


def _kind(value: Any) -> str:
    if isinstance(value, str):
        return f"text of {len(value)}"
    if isinstance(value, list):
        return f"list of {len(value)}"
    return {dict: "object", bool: "true or false", type(None): "null"}.get(type(value), "number")
