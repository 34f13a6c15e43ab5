"""Verify steps of several registries that break their promise, each seen red by a test of ``test_verify_several``."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
from flow import parts

from hub.delivery.verify import Go, Verification
from hub.delivery.verifying import Verifying
from hub.delivery.waiting import Waiting
from hub.dossier import applicant
from lookup import test_verify_several as honest
from lookup.companies import KNOWN

Patch = pytest.MonkeyPatch
OTHER_NAME = "Công ty trách nhiệm hữu hạn Ví Dụ"


def forgets_the_first(patch: Patch) -> None:
    """What one registry said is gone when another does not answer."""
    patch.setattr(Verifying, "_keep", lambda *given: None)


def asks_in_the_same_order(patch: Patch) -> None:
    """… and is asked anew as often as the other one is tried."""
    still_needed = Verifying._still_needed

    def as_written(self: Verifying, due: Any, steps: Any, asks: Any) -> Any:
        needed = still_needed(self, due, steps, asks)
        return tuple(step.endpoint for step in steps if step.endpoint in needed)

    patch.setattr(Verifying, "_still_needed", as_written)


def waits_for_all(patch: Patch) -> None:
    """One registry that is paused stops the owners of the other too."""
    patch.setattr(Waiting, "is_shut", lambda self, registries: bool(self._shut))


def looks_at_the_number_alone(patch: Patch) -> None:
    of = applicant.SUBJECTS["enterprise-query"]
    only_number = dataclasses.replace(of, fits=lambda asked, known: asked["number"] == known.get("number"))
    patch.setitem(cast(dict[str, Any], applicant.SUBJECTS), "enterprise-query", only_number)


def is_content_with_the_first(patch: Patch) -> None:
    """The second is not asked when the first confirmed."""
    question = Verification.question

    def first_only(self: Verification, *given: Any) -> Any:
        asks = question(self, *given)
        return asks if isinstance(asks, Go) else dataclasses.replace(asks, questions=asks.questions[:1])  # type: ignore[type-var]

    patch.setattr(Verification, "question", first_only)


async def _of_the_number(folder: Path) -> None:
    words = "business knows another enterprise by the owner's number"
    await honest.test_an_enterprise_that_does_not_fit(folder, KNOWN, OTHER_NAME, "applicant_mismatch", words)


async def _asked_first(folder: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        await honest.test_who_did_not_answer_is_asked_first(folder, patch)


CASES: list[tuple[Callable[[Patch], None], Callable[[Path], Any]]] = [
    (forgets_the_first, honest.test_two_who_both_know_the_owner_are_asked_once_each),
    (asks_in_the_same_order, _asked_first),
    (waits_for_all, honest.test_a_registry_that_is_paused_stops_its_own_only),
    (looks_at_the_number_alone, _of_the_number),
    (is_content_with_the_first, honest.test_the_second_has_the_last_word_too),
]


@pytest.mark.parametrize(("sabotage", "test"), CASES, ids=[one.__name__ for one, _ in CASES])
async def test_it_is_seen(sabotage: Callable[[Patch], None], test: Any, tmp_path: Path, monkeypatch: Patch) -> None:
    """Honest it is green, broken it is red."""
    await test(tmp_path / "honest")
    sabotage(monkeypatch)
    monkeypatch.setattr(parts, "DEADLINE", 4.0)
    with pytest.raises((AssertionError, TimeoutError)):
        await test(tmp_path / "broken")
