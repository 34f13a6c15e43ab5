"""How often one officer may ask: a window of a minute, each officer, client and endpoint its own, bounded in memory."""

from __future__ import annotations

import pytest

from hub.errors import OfficerTooMany, TooMany
from hub.lookup import officers
from hub.lookup.officers import Officers


class Clock:
    now = 1_800_000_000_000_000

    def __call__(self) -> int:
        return self.now


def test_no_more_than_so_many_in_any_minute() -> None:
    """The third within a minute is refused, with the seconds until the first one leaves the window."""
    clock = Clock()
    one = Officers(clock)
    one.take("population", "desk", "a", 2, 100)
    clock.now += 20_000_000
    one.take("population", "desk", "a", 2, 100)
    clock.now += 20_000_000
    with pytest.raises(TooMany) as refused:
        one.take("population", "desk", " a ", 2, 100)
    assert refused.value.retry_after == 20
    clock.now += 20_000_000
    one.take("population", "desk", "a", 2, 100)
    with pytest.raises(TooMany):
        one.take("population", "desk", "a", 2, 100)


def test_officers_clients_and_endpoints_do_not_share() -> None:
    """An officer is who its client says: one client cannot use up what another's has."""
    one = Officers(Clock())
    for who in (("population", "desk", "a"), ("population", "desk", "b"), ("population", "x", "a"), ("business", "desk", "a")):
        one.take(*who, 1, 100)


def test_a_clock_set_back_locks_nobody_out() -> None:
    """What would lie ahead is forgotten."""
    clock = Clock()
    one = Officers(clock)
    one.take("population", "desk", "a", 1, 100)
    clock.now -= 3600 * 1_000_000
    one.take("population", "desk", "a", 1, 100)


@pytest.mark.parametrize(
    "spelling",
    [
        "cb-0001",
        "Cb-0001",
        " CB-0001 ",
        "ＣＢ-０００１",
        "CB\u200b-0001",
        "\ufeffCB-0001",
        "C\u00adB-0001",
        "CB-\u202e0001",
        "CB-0001\x00",
    ],
    ids=ascii,
)
def test_an_officer_is_one_however_spelt(spelling: str) -> None:
    """Case, width, blanks and characters that nobody sees make no other officer."""
    one = Officers(Clock())
    one.take("population", "desk", "CB-0001", 1, 100)
    with pytest.raises(OfficerTooMany, match="of this officer"):
        one.take("population", "desk", spelling, 1, 100)


def test_all_officers_of_a_client_have_a_limit_too() -> None:
    """Made-up officers gain nothing; another client, and another endpoint, have their own."""
    clock = Clock()
    one = Officers(clock)
    for number in range(5):
        one.take("population", "desk", f"made-up-{number}", 1, 5)
    with pytest.raises(TooMany, match="of this client's officers") as refused:
        one.take("population", "desk", "another", 1, 5)
    assert not isinstance(refused.value, OfficerTooMany)
    assert refused.value.headers["RateLimit-Policy"] == '"officers";q=5;w=60'
    one.take("population", "hall", "another", 1, 5)
    one.take("business", "desk", "another", 1, 5)
    clock.now += 60_000_000
    one.take("population", "desk", "another", 1, 5)


def test_a_question_that_is_not_asked_is_given_back() -> None:
    """Of the officer's and of the client's, once."""
    one = Officers(Clock())
    turn = one.take("population", "desk", "a", 1, 1)
    turn.give_back()
    turn.give_back()
    one.take("population", "desk", "a", 1, 1)
    with pytest.raises(TooMany):
        one.take("population", "desk", "b", 1, 1)


def test_another_client_makes_nobody_forgotten() -> None:
    """However many officers it makes up."""
    one = Officers(Clock())
    one.take("population", "desk", "a", 1, 100)
    for number in range(officers.MOST + 1):
        one.take("population", "other", f"made-up-{number}", 1, 10_000)
    with pytest.raises(OfficerTooMany):
        one.take("population", "desk", "a", 1, 100)


def test_made_up_officers_fill_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one who asked longest ago is forgotten first."""
    monkeypatch.setattr(officers, "MOST", 3)
    one = Officers(Clock())
    for name in ("a", "b", "a2", "c"):
        one.take("population", "desk", name, 1, 100)
    assert len(one._asked["population", "desk"].officers) == 3
    with pytest.raises(TooMany):
        one.take("population", "desk", "b", 1, 100)
    one.take("population", "desk", "a", 1, 100)
