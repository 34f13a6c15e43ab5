"""Every success test and error dialect of contracts.md 1 to 6: the connector in charge, asked by whole bytes on the wire."""

from __future__ import annotations

from collections import Counter

import pytest

from dialects.answerer import answering
from dialects.calls import dialects, second_page, verdict
from dialects.rows import Row, Said, is_question, rows

ROWS = rows()
_USUAL = {
    "portal.login": "sign-in-number", "portal.sync": "sync-number", "portal.update": "sync-number",
    "portal.progress": "sync-number", "portal.find": "find-nothing", "portal.listed": "procedure-told",
    "portal.procedures": "procedure-told", "ministry.token": "token-code-200", "ministry.next_value": "code-issued",
    "ministry.upload": "upload-wrapped", "ministry.create": "created-camel", "ministry.progress": "told-200",
    "ministry.status": "told-200", "business.a": "enterprise-a", "population.facade": "facade-person",
}  # fmt: skip
"""What the calls around the one under test are answered with."""
_BY_ID = {row.id: row.said for row in ROWS}
USUAL = {call: _BY_ID[name] for call, name in _USUAL.items()} | {"ministry.feed": second_page()}
SUCCESS = {row.call: row.said for row in reversed(ROWS) if row.means == "accepted" and not row.settings}
"""The first good answer to each call."""


async def meant(row: Row, said: Said | None = None) -> str:
    """What the connector takes ``said`` for, the row's own answer if none is given, in place of the row's answer."""
    told = {row.call: said or row.said}
    feeds = row.call == "ministry.feed"  # which is asked again for ever
    async with answering(USUAL if feeds else USUAL | told, told if feeds else None) as partner:
        return await verdict(row.call, partner, row.settings)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
async def test_means(row: Row) -> None:
    """The answer means what the table says."""
    assert await meant(row) == row.means


def test_the_table_is_whole() -> None:
    """Each section has its rows, each call a good answer and another; each is told by a source or said to be known; each
    worked example of connector rest has rows, and none is without."""
    assert {row.section[0] for row in ROWS} >= set("123456")
    assert len({row.name for row in ROWS}) == len(ROWS)
    for call in {row.call for row in ROWS}:
        means = Counter(row.means for row in ROWS if row.call == call)
        assert means["accepted"] and means.total() > means["accepted"], call
        assert not (is_question(call) and means["in_doubt"]), f"{call}: a question leaves nothing in doubt"
    named = {row.call.split(".")[1] for row in ROWS if row.call.startswith("rest.")}
    assert named == set(dialects())
