"""The table can fail: a partner that answers always the same makes it red, whichever way."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from dialects.rows import Row, Said
from dialects.test_table import ROWS, SUCCESS, meant


async def _still_green(given: Iterable[Row], said: Said | None = None) -> list[str]:
    """The rows that notice nothing of other answers: ``said`` to every call, else success."""
    found = []
    for row in given:
        async with asyncio.timeout(30):
            if await meant(row, said or SUCCESS[row.call]) == row.means:
                found.append(row.name)
    return found


async def test_a_partner_that_answers_success_to_all_turns_every_other_row_red() -> None:
    """The table can fail: with the good answer in place of its own no row that means anything else stays green."""
    others = [row for row in ROWS if row.means != "accepted"]
    assert len(others) > 150 and await _still_green(others) == []


async def test_a_partner_that_is_always_busy_turns_every_other_row_red() -> None:
    """And the other way round: no row of success, refusal or doubt stays green on HTTP 503."""
    others = [row for row in ROWS if row.means != "transient"]
    assert len(others) > 150 and await _still_green(others, Said("", 503)) == []
