"""The ten national states and which changes surprise."""

from __future__ import annotations

import itertools

from hub.dossier.life_cycle import State, plausible


def test_a_dossier_can_end_only_in_the_four_final_states() -> None:
    """Refused, withdrawn, stopped and returned are ends; a return to processing is a recall, which surprises."""
    ends = {state for state in State if not any(plausible(state, after) for after in set(State) - {state})}
    assert len(State) == 10 and ends == {State.REFUSED, State.WITHDRAWN, State.STOPPED, State.RETURNED}


def test_every_state_can_be_reached_from_new() -> None:
    """The table of plausible changes forgets no state."""
    reached = {State.NEW}
    while more := {b for a, b in itertools.product(reached, State) if plausible(a, b)} - reached:
        reached |= more
    assert reached == set(State)


def test_staying_in_a_state_never_surprises() -> None:
    """A dossier is often edited without a change of state."""
    assert all(plausible(state, state) for state in State)
