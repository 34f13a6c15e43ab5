"""Words, figures and remedies in two languages."""

from __future__ import annotations

import string
from typing import Literal

import pytest

from hub.console import remedies
from hub.console.words import WORDS, Words, preferred
from hub.store.glance import Cause


def test_both_languages_say_the_same_things() -> None:
    """Every word in both, with the same number of places for values, and none left in the other language."""
    for name, (vi, en) in WORDS.items():
        places = [[field for _, field, _, _ in string.Formatter().parse(text) if field is not None] for text in (vi, en)]
        assert vi and en and len(places[0]) == len(places[1]), name
        assert vi != en, name


def test_figures_are_written_as_each_language_does() -> None:
    """Thousands, decimals, durations and the province's clock."""
    vi, en = Words("vi"), Words("en")
    assert (vi.number(1234.5, 1), en.number(1234.5, 1)) == ("1.234,5", "1,234.5")
    assert [vi.span(one) for one in (0.04, 1.44, 75, 600, 7200, 200_000)] == [
        "40 ms", "1,4 giây", "75 giây", "10 phút", "2 giờ", "2 ngày",
    ]  # fmt: skip
    assert en.span(None) == "–"
    at, later = "2026-11-21T18:00:00.000Z", "2026-11-21T20:00:00.000Z"
    assert vi.time(at) == "01:00:00 22/11/2026" and en.time(at) == "2026-11-22 01:00:00"
    assert vi.time(at, later) == "01:00:00"


@pytest.mark.parametrize(
    ("asked", "accepted", "expected"),
    [
        ("en", "vi", "en"), ("vi", "en", "vi"), ("xx", "en", "en"), (None, "en-GB,en;q=0.9", "en"),
        (None, "fr,en;q=0.5,vi;q=0.8", "vi"), (None, "fr", "vi"), (None, "", "vi"), (None, "en;q=nonsense", "vi"),
    ],
)  # fmt: skip
def test_the_language_is_chosen(asked: str | None, accepted: str, expected: str) -> None:
    """By what is asked for, then by weight, else Vietnamese."""
    assert preferred(asked, accepted) == expected


KINDS: tuple[tuple[Literal["delivery", "arrival"], str], ...] = (
    ("delivery", "translation"), ("delivery", "route_gone"), ("delivery", "exists"), ("delivery", "in_doubt"),
    ("delivery", "-3"), ("arrival", "behind_kept"), ("arrival", "alias_conflict"), ("arrival", "table_not_fetched"),
    ("arrival", "not_in_table"), ("arrival", "missing"),
)  # fmt: skip


@pytest.mark.parametrize(("kind", "code"), KINDS)
def test_each_cause_has_a_remedy_in_both_languages(kind: Literal["delivery", "arrival"], code: str) -> None:
    """With the same commands in the same order; only what waits behind another needs none."""
    cause = Cause(kind, "portal" if kind == "delivery" else None, code, 3, "", "", "0192f0c1-7e3b-7c41-9d2e-8f1a2b3c4d5e")
    vi, en = (remedies.for_cause(cause, language) for language in ("vi", "en"))  # type: ignore[arg-type]
    assert vi != en and vi.split("`")[1::2] == en.split("`")[1::2]
    assert "{" not in vi + en
    assert ("`hub " in en) == (code != "behind_kept")


def test_one_act_mends_all_only_where_one_act_does() -> None:
    """A mended table replays all that are kept; what the partner holds already needs a look at each."""
    kept = Cause("arrival", None, "not_in_table", 3, "", "", "x")
    exists = Cause("delivery", "portal", "exists", 3, "", "", "x")
    assert "hub dead replay --all --kept" in remedies.for_cause(kept, "en")
    assert "--all" not in remedies.for_cause(exists, "en")
