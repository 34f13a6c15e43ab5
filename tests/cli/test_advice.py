"""What `hub trace` and `hub dead show` advise where a partner's answer is not understood, or a registry is waited for."""

from __future__ import annotations

import pytest

from cli.parts import Home, Run, record
from cli.test_operating import CODE, sql

SAID = "the answer was read, but no row of outcomes says what it means; /Result/Code is 99; write a row under outcomes"


def advised(hub: Run) -> dict[str, str]:
    """The only advice of a trace."""
    (one,) = hub("trace", CODE, "--json").json["next"]
    return dict(one)


def test_an_answer_that_no_row_explains(home: Home, hub: Run) -> None:
    """While in doubt and when dead, the advice is the row that is missing, and what was answered is shown."""
    home.take(record())
    home.settle("in_doubt", "outcome_unknown", SAID)
    advice = advised(hub)
    assert "/Result/Code is 99" in advice["why"]
    assert "write a row under outcomes of portal" in advice["do"] and "the hub asks portal at" in advice["do"]
    sql(home, "update deliveries set next_at = 0")
    delivery = home.settle_doubt("dead", "in_doubt", "the partner cannot be asked whether it took effect; the route says hold")
    shown = hub("dead", "show", delivery, "--json").json["next"]
    assert shown == advised(hub)
    assert "write a row under outcomes of portal" in shown["do"] and f"hub dead replay {delivery}" in shown["do"]


@pytest.mark.parametrize(("code", "said"), [("not_found_there", "does not hold it"), ("resend", "cannot be asked for it")])
def test_what_is_sent_again_after_a_doubt_goes_by_itself(home: Home, hub: Run, code: str, said: str) -> None:
    """The partner answers: there is nothing to look for."""
    home.take(record())
    home.settle("again", code)
    advice = advised(hub)
    assert f"portal {said}: it is sent again" in advice["why"] and advice["do"] == "nothing while the hub runs (hub run)"


@pytest.mark.parametrize(
    ("code", "reason", "command"),
    [
        ("verification_unreachable", "people did not answer (read_timeout)", "(hub endpoint check people)"),
        ("verification_waits", "people rests before it is asked again", "(hub endpoint check people)"),
        ("verification_paused", "people is paused", "hub endpoint resume people"),
        ("verification_gone", "people cannot be asked any more: see `hub check`, restart", "hub check"),
        ("verification_broke", "KeyError", "(see the hub's log)"),
    ],
)
def test_a_registry_that_is_waited_for_is_named(home: Home, hub: Run, code: str, reason: str, command: str) -> None:
    """With the command that tells or ends it."""
    home.take(record())
    sql(home, f"update deliveries set code = '{code}', reason = '{reason}'")
    advice = advised(hub)
    assert f"[{code}]" in advice["why"] and command in advice["do"]
