"""The ten national states of a dossier (TrangThaiHoSo) and which changes between them are plausible.

The plausible changes come from deduction, not from a norm (domain.md 3.2): they may warn a reader, they refuse nothing.
"""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """The national states by English name; the portal's numbers live in ``mappings/tables/npsp-states``."""

    NEW = "new"
    RECEIVED = "received"
    REFUSED = "refused"
    PROCESSING = "processing"
    SUPPLEMENT_REQUESTED = "supplement_requested"
    PAYMENT_REQUESTED = "payment_requested"
    WITHDRAWN = "withdrawn"
    STOPPED = "stopped"
    DONE = "done"
    RETURNED = "returned"


_NEXT: dict[State, frozenset[State]] = {
    State.NEW: frozenset({State.RECEIVED, State.REFUSED, State.SUPPLEMENT_REQUESTED, State.WITHDRAWN}),
    State.RECEIVED: frozenset({State.PROCESSING}),
    State.PROCESSING: frozenset({State.SUPPLEMENT_REQUESTED, State.PAYMENT_REQUESTED, State.STOPPED, State.DONE}),
    State.SUPPLEMENT_REQUESTED: frozenset({State.RECEIVED, State.PROCESSING, State.WITHDRAWN, State.STOPPED}),
    State.PAYMENT_REQUESTED: frozenset({State.PROCESSING, State.STOPPED}),
    State.DONE: frozenset({State.RETURNED}),
    State.REFUSED: frozenset(),
    State.WITHDRAWN: frozenset(),
    State.STOPPED: frozenset(),
    State.RETURNED: frozenset(),
}


def plausible(before: State, after: State) -> bool:
    """Whether ``after`` may follow ``before`` without surprising anybody; staying in a state always may.

    An implausible change is still accepted and delivered: the source may have skipped a step, and the hub never edits
    what it is told. Returning from ``returned`` to ``processing`` is an audited recall elsewhere, hence implausible here.
    """
    return before == after or after in _NEXT[before]
