"""Connectors of the business registry that break their promise on purpose, each seen red by a test of ``test_connector``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import pytest

from business_registry import test_connector as honest
from business_registry.partner import Partner, partner
from connectors.business_registry import connector, reading
from hub.errors import Rejected

Patch = pytest.MonkeyPatch


def takes_the_first_of_several(patch: Patch) -> None:
    patch.setattr(reading, "_one", lambda value, place: value[0] if isinstance(value, list) else value)


def takes_any_row(patch: Patch) -> None:
    """… of a search, though it has another number."""
    rows = cast(dict[str, Any], reading._FOUND)
    patch.setitem(rows, "search", lambda said, number: said["d"][0] if said["d"] else None)


def loses_people(patch: Patch) -> None:
    """Only the first person of an entry is kept."""
    patch.setattr(reading, "_list", lambda value, place: value[:1] if isinstance(value, list) else [value] if value else None)


def quotes_the_platform(patch: Patch) -> None:
    patch.setattr(reading, "_told", lambda code, transient: Rejected("E-17", str(code) + honest.PERSON))


def asks_with_any_number(patch: Patch) -> None:
    patch.setattr(connector.mst, "is_valid", lambda number: True)


def asks_about_somebody_to_check(patch: Patch) -> None:
    async def check(self: connector.BusinessRegistry) -> None:
        await self._http.call("GET", f"{self.config.url}?msdn={honest.NUMBER}", effect=False)

    patch.setattr(connector.BusinessRegistry, "check", check)


def case(name: str) -> tuple[Any, ...]:
    return next(one[1:] for one in honest.SHAPES if one[0] == name)


async def _several(it: Partner, log: Any) -> None:
    await honest.test_what_each_answer_becomes(it, *case("several for one number"), log)


async def _refused(it: Partner, log: Any) -> None:
    await honest.test_what_each_answer_becomes(it, *case("the platform's refusal"), log)


async def _rows(it: Partner, log: Any) -> None:
    await honest.test_the_row_of_a_search_with_exactly_this_number(it)


async def _people(it: Partner, log: Any) -> None:
    await honest.test_province_object_or_array_numbers_as_they_are(it)


async def _number(it: Partner, log: Any) -> None:
    it.says({"GetEntCert": None})
    await honest.test_a_number_that_none_can_have_is_not_asked(it, "0100999994")


async def _check(it: Partner, log: Any) -> None:
    await honest.test_a_check_asks_about_nobody(it, 200, None)


CASES: list[tuple[Callable[[Patch], None], Callable[[Partner, Any], Any]]] = [
    (takes_the_first_of_several, _several),
    (takes_any_row, _rows),
    (loses_people, _people),
    (quotes_the_platform, _refused),
    (asks_with_any_number, _number),
    (asks_about_somebody_to_check, _check),
]


@pytest.mark.parametrize(("sabotage", "test"), CASES, ids=[one.__name__ for one, _ in CASES])
async def test_it_is_seen(
    sabotage: Callable[[Patch], None], test: Any, monkeypatch: Patch, caplog: pytest.LogCaptureFixture
) -> None:
    """Honest it is green, broken it is red."""
    async with partner() as it:
        await test(it, caplog)
    sabotage(monkeypatch)
    async with partner() as it:
        with pytest.raises((AssertionError, pytest.fail.Exception)):
            await test(it, caplog)
