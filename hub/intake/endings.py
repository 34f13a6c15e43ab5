"""What became of an arrival at one endpoint, for the caller who waits for it at a connector's door."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

from hub.connector import Accepted, Outcome
from hub.delivery.outcomes import Outcomes, Watch
from hub.errors import Problem, StoreUnavailable
from hub.store.port import Reader
from hub.store.values import Became, JsonObject, Reached

LOOK_SECONDS = 30.0
"""How soon what another process did to a delivery is seen at the latest; what this one does in the dossier's lane is heard."""
GONE_SECONDS = 5.0
"""How soon it is seen that the caller is gone."""
GIVEN_UP = "discarded"
"""The code of what was discarded though no partner refused it."""


async def outcome_of(
    store: Reader, outcomes: Outcomes, accepted: Accepted, endpoint: str, seconds: float, is_gone: Callable[[], bool]
) -> Outcome:
    """Wait until it is at its end, at most so long. While the store is away, or once nobody listens, it is ``waiting``."""
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    arrival_id, dossier_id = str(accepted.receipt["arrival"]), str(accepted.receipt["dossier"])
    with outcomes.watch(endpoint, dossier_id, [str(one["id"]) for one in accepted.receipt["messages"]]) as watch:
        while True:
            watch.changed.clear()
            await outcomes.let_go(endpoint, dossier_id)
            try:
                became = await store.became(arrival_id, endpoint)
            except StoreUnavailable:
                became = None  # what was accepted is on disk
            was_told = outcomes.was_told(arrival_id, endpoint)
            found = Outcome("waiting") if became is None else _outcome(became, outcomes, watch, was_told)
            left = until - loop.time()
            if found.state != "waiting" or left <= 0 or outcomes.closed or is_gone():
                return found
            await _something_new(watch, min(left, LOOK_SECONDS), is_gone)


async def _something_new(watch: Watch, seconds: float, is_gone: Callable[[], bool]) -> None:
    """Wait until something is heard, or the caller is gone, but so long at most."""
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    while not watch.changed.is_set() and (left := until - loop.time()) > 0 and not is_gone():
        with suppress(TimeoutError):
            await asyncio.wait_for(watch.changed.wait(), min(left, GONE_SECONDS))


def _outcome(became: Became, outcomes: Outcomes, watch: Watch, was_told: bool) -> Outcome:
    if became.state == "kept":
        return Outcome("kept", problems=_problems(became.reasons))
    if became.state == "discarded":
        return Outcome("refused", GIVEN_UP, told=True)
    if not became.reached:
        if any(state == "conflict" for state in became.messages.values()):
            return Outcome("not_owner")
        older = became.messages and all(state == "superseded" for state in became.messages.values())
        return Outcome("delivered" if older else "unrouted")
    by_state: dict[str, list[Reached]] = {}
    for one in became.reached:
        by_state.setdefault(one.state, []).append(one)

    def said(one: Reached) -> str:
        return outcomes.said(watch, one.delivery_id) or one.said

    if refused := by_state.get("refused"):
        first = next((one for one in refused if not one.is_over), refused[0])
        return Outcome("refused", first.code, said(first), told=all(one.is_over for one in refused))
    if given_up := by_state.get("discarded"):
        return Outcome("refused", GIVEN_UP, said(given_up[0]), told=True)
    if dead := by_state.get("dead"):
        return Outcome("kept", problems=tuple(problem for one in dead for problem in _why_dead(one)))
    if "open" in by_state:
        return Outcome("waiting")
    words = (said(one) for one in by_state.get("delivered", ()))
    return Outcome("delivered", said=next((text for text in words if text), ""), told=was_told)


def _why_dead(one: Reached) -> tuple[Problem, ...]:
    return _problems(one.problems) or (Problem("", one.code or "dead", one.said or "it could not be delivered"),)


def _problems(reasons: tuple[JsonObject, ...]) -> tuple[Problem, ...]:
    return tuple(Problem(**{name: str(text) for name, text in one.items()}) for one in reasons)
