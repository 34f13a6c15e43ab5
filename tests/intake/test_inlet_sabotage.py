"""Sabotaged inlets, each seen red by the test that guards it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import test_inlet as honest
from flow import parts
from inlet_hub import make_home, running

from hub.api import server
from hub.connector import Receipt
from hub.delivery.calls import Calls
from hub.intake import endings
from hub.intake.gate import Place
from hub.store import telling

Patch = pytest.MonkeyPatch


def tells_who_is_gone(patch: Patch) -> None:
    """What rests on the answer is done, though the answer could not be written."""

    async def then(request: Any, response: Any, acts: Any) -> None:
        for act in acts:
            await act()

    patch.setattr(server, "_then", then)


def lets_go_of_doubts(patch: Patch) -> None:
    """Whatever is dead is taken for the partner's refusal."""
    patch.setattr(telling, "_was_refused", lambda row: True)


def holds_its_place(patch: Patch) -> None:
    """A caller that waits for an outcome stays in work."""
    patch.setattr(Place, "rest", lambda place: None)


def waits_for_no_word(patch: Patch) -> None:
    """What is not at its end yet is told as delivered."""
    made = endings.Outcome

    def outcome(state: str, *given: Any, **named: Any) -> Any:
        return made("delivered" if state == "waiting" else state, *given, **named)  # type: ignore[arg-type]

    patch.setattr(endings, "Outcome", outcome)


@pytest.mark.parametrize(
    ("sabotage", "guard", "given"),
    [
        (tells_who_is_gone, honest.test_a_caller_that_goes_away_is_told_nothing, ("outcome",)),
        (lets_go_of_doubts, honest.test_what_an_operator_must_mend_is_kept, ()),
        (holds_its_place, honest.test_a_stranger_s_place_then_the_caller_s_then_none, ()),
        (waits_for_no_word, honest.test_an_outage_is_waiting, ()),
    ],
)
async def test_it_is_seen(
    tmp_path: Path, monkeypatch: Patch, sabotage: Callable[[Patch], None], guard: Any, given: tuple[Any, ...]
) -> None:
    sabotage(monkeypatch)
    async with running(make_home(tmp_path / "home")) as desk:
        monkeypatch.setattr(parts, "DEADLINE", 3)  # what is sabotaged need not be waited for
        with pytest.raises(AssertionError):
            await guard(desk, *given)


async def test_words_that_are_kept_are_seen(tmp_path: Path, monkeypatch: Patch) -> None:
    """The partner's own words stand in the store as its reference."""
    delivered = Calls._delivered

    async def keeps(self: Calls, due: Any, attempt_id: str, receipt: Receipt) -> None:
        await delivered(self, due, attempt_id, Receipt(reference=receipt.said, said=receipt.said))

    monkeypatch.setattr(Calls, "_delivered", keeps)
    with pytest.raises(AssertionError):
        await honest.test_the_words_are_kept_nowhere(tmp_path)
