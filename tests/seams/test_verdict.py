"""The verdict that all kills are judged by can fail: it finds one dropped, one doubled, two swapped and one made up."""

from __future__ import annotations

from typing import Any

import pytest

from seams.sender import Acknowledged
from seams.verdict import Effect, judge

CODE = "000.00.10.H22-261120-0001"
RECORD = [Acknowledged(CODE, mark, mark, 1, False, {}) for mark in ("1.1", "1.2")]
ALL: list[Effect] = [("state", "1.1"), ("step", "1.1"), ("state", "1.2"), ("step", "1.2")]


def _portal(effects: list[Effect]) -> dict[str, Any]:
    """The simulator's state as it would show these effects."""
    states = [(n, mark) for n, (kind, mark) in enumerate(effects) if kind == "state"]
    steps = [(n, mark) for n, (kind, mark) in enumerate(effects) if kind == "step"]
    history = [{"seq": n, "kind": "update", "object": {"GhiChu": f"bản ghi {mark}"}} for n, mark in states]
    progress = [{"seq": n, "object": {"NoiDungXuLy": f"bước {mark}"}} for n, mark in steps]
    return {"dossiers": {CODE: {"history": history, "progress": progress}}}


def test_what_was_acknowledged_and_nothing_else_is_clean() -> None:
    """Each state, then its step, each once."""
    assert judge(RECORD, _portal(ALL)).clean


@pytest.mark.parametrize(
    ("effects", "found"),
    [
        (ALL[:3], "lost=1 doubled=0 out_of_order=0 unexpected=0"),
        ([], "lost=4 doubled=0 out_of_order=0 unexpected=0"),
        ([*ALL[:2], *ALL[1:]], "lost=0 doubled=1 out_of_order=0 unexpected=0"),
        ([ALL[0], ALL[2], ALL[1], ALL[3]], "lost=0 doubled=0 out_of_order=1 unexpected=0"),
        ([*ALL, ("state", "1.1")], "lost=0 doubled=1 out_of_order=0 unexpected=0"),
        ([*ALL, ("step", "1.3")], "lost=0 doubled=0 out_of_order=0 unexpected=1"),
    ],
)
def test_what_went_wrong_is_named(effects: list[Effect], found: str) -> None:
    """Whatever the portal may be told apart, a step never shows twice and a state never comes back."""
    for may_repeat in (False, True):
        verdict = judge(RECORD, _portal(effects), may_repeat_states=may_repeat)
        assert not verdict.clean and str(verdict).startswith(found), verdict


def test_an_equal_state_in_a_row_is_excused_only_where_the_portal_cannot_be_asked() -> None:
    """The same state twice in a row is the same state; it is counted apart."""
    twice = _portal([ALL[0], *ALL])
    assert not judge(RECORD, twice).clean
    excused = judge(RECORD, twice, may_repeat_states=True)
    assert excused.clean and len(excused.repeated) == 1
