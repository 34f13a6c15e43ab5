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


VIETNAMESE = {
    State.NEW: "Mới đăng ký",
    State.RECEIVED: "Được tiếp nhận",
    State.REFUSED: "Không được tiếp nhận",
    State.PROCESSING: "Đang xử lý",
    State.SUPPLEMENT_REQUESTED: "Yêu cầu bổ sung giấy tờ",
    State.PAYMENT_REQUESTED: "Yêu cầu thực hiện nghĩa vụ tài chính",
    State.WITHDRAWN: "Công dân yêu cầu rút hồ sơ",
    State.STOPPED: "Dừng xử lý",
    State.DONE: "Đã xử lý xong",
    State.RETURNED: "Đã trả kết quả",
}
"""The states as the portal words them, for people who read a trace."""

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

TERMINAL = frozenset(state for state, following in _NEXT.items() if not following)


def plausible(before: State, after: State) -> bool:
    """Whether ``after`` may follow ``before`` without surprising anybody; staying in a state always may.

    An implausible change is still accepted and delivered: the source may have skipped a step, and the hub never edits
    what it is told. Returning from ``returned`` to ``processing`` is an audited recall elsewhere, hence implausible here.
    """
    return before == after or after in _NEXT[before]
