"""Registries that break the promise on purpose, each seen red by a test of this folder: what an answer says is kept nowhere,
and who asks is on record first."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from hub.lookup import registry, translated
from hub.lookup.registry import Registry
from hub.observe.shapes import SHAPES
from hub.store.sql import SqlStore
from lookup import test_door
from lookup.parts import running

Patch = pytest.MonkeyPatch


def _afterwards(patch: Patch, act: Callable[[Registry, Any], Any]) -> None:
    """Do something more with every answer."""
    honest = Registry.ask

    async def ask(self: Registry, *given: Any, **named: Any) -> Any:
        answer = await honest(self, *given, **named)
        await act(self, answer)
        return answer

    patch.setattr(Registry, "ask", ask)


def keeps_the_answer(patch: Patch) -> None:
    """In the row of the question."""

    async def keep(self: Registry, answer: Any) -> None:
        await self._store.answered(answer.lookup, answer.outcome, "", 0, str(answer.body))

    _afterwards(patch, keep)


def logs_the_answer(patch: Patch) -> None:
    """By a key that lets everything through: the log's own allow-list would mask it."""
    patch.setitem(cast(dict[str, Any], SHAPES), "why", lambda value: True)

    async def say(self: Registry, answer: Any) -> None:
        registry.log.info("answered", why=str(answer.body))

    _afterwards(patch, say)


def keeps_every_word(patch: Patch) -> None:
    """A connector's reason as it came, with the name that the registry quoted."""
    patch.setattr(translated, "masked", lambda reason, about: reason)


@pytest.mark.parametrize("sabotage", [keeps_the_answer, logs_the_answer, keeps_every_word])
async def test_an_answer_that_is_kept_is_seen(sabotage: Callable[[Patch], None], tmp_path: Path, monkeypatch: Patch) -> None:
    sabotage(monkeypatch)
    with pytest.raises(AssertionError):
        await test_door.test_nothing_of_an_answer_or_a_person_is_kept(tmp_path)


async def test_who_asks_written_down_too_late_is_seen(tmp_path: Path, monkeypatch: Patch) -> None:
    """The record is made of the question and its outcome in one, when both are known."""
    asked: dict[str, Any] = {}
    honest_asked, honest_answered = SqlStore.asked, SqlStore.answered

    async def later(self: SqlStore, lookup: Any) -> None:
        asked[lookup.id] = lookup

    async def at_last(self: SqlStore, lookup_id: str, *outcome: Any) -> None:
        await honest_asked(self, asked.pop(lookup_id))
        await honest_answered(self, lookup_id, *outcome)

    monkeypatch.setattr(SqlStore, "asked", later)
    monkeypatch.setattr(SqlStore, "answered", at_last)
    async with running(tmp_path) as desk:
        with pytest.raises(AssertionError):
            await test_door.test_who_asks_is_on_record_before_the_registry_is_called(desk)


async def test_honest_ones_are_seen_green(tmp_path: Path) -> None:
    """By the same tests."""
    await test_door.test_nothing_of_an_answer_or_a_person_is_kept(tmp_path / "a")
    async with running(tmp_path / "b") as desk:
        await test_door.test_who_asks_is_on_record_before_the_registry_is_called(desk)
