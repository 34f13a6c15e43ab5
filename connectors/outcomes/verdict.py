"""From an answer to what the engine must know of it: by the table, and where that is silent by what HTTP says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from connectors.outcomes.pointers import values_at
from connectors.outcomes.table import Heard, Outcome, Verdict, as_text, first_fitting
from connectors.outcomes.unexplained import Mask, unexplained
from hub.errors import DeliveryError, InDoubt, Rejected, Transient, shown

LATER = (429, 503)
ACCOUNT = (401, 403, 407)
_BUSINESS = (400, 413, 422)
_NOT_DONE = frozenset((
    404, 405, 406, 410, 411, 412, 414, 415, 416, 417, 421, 423, 424, 425, 426, 428, 431, 451,
))  # fmt: skip
"""Statuses of a call that was not carried out: another form, another right. No redirect is among them: 302 and 303 are usual
answers to one that was, and no other says that it was not. 408 may come after it was read, 409 speaks of what is there."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What an answer means, in words that may be shown."""

    verdict: Verdict
    code: str = ""
    reason: str = ""
    retry_after: float | None = None

    def error(self, effect: bool) -> DeliveryError:
        """What to raise for a verdict other than accepted and duplicate: a doubt without effect is a matter of asking again."""
        if self.verdict == "rejected":
            return Rejected(self.code, self.reason)
        if self.verdict == "in_doubt" and effect:
            return InDoubt(self.code, self.reason)
        return Transient(self.code, self.reason, self.retry_after)


def judge(heard: Heard, rows: Sequence[Outcome], sent: Any, mask: Mask) -> Judged:
    """What an answer to ``sent`` means: the first row that fits, else ``by_the_book``."""
    row = first_fitting(rows, heard, sent)
    if row is None:
        return by_the_book(heard, unexplained(heard, rows, sent, mask))
    return by_row(row, heard, heard.body, mask, f"http_{heard.status}" if row.status is not None else row.verdict, "")


def by_the_book(heard: Heard, told: str) -> Judged:
    """What an answer means that no row covers; ``told``: what is said of one that was read. None is accepted."""
    if not heard.ok:
        return by_status(heard, "the partner refused the request, and no row of outcomes says why")
    if heard.unreadable is not None:
        return Judged("in_doubt", *heard.unreadable)
    if heard.has_body:
        return Judged("in_doubt", "outcome_unknown", told)
    return Judged("in_doubt", "empty_answer", f"HTTP {heard.status} without an answer; write a row with this status")


def by_status(heard: Heard, refused: str) -> Judged:
    """What an HTTP status other than 2xx means by itself; ``refused``: the words for 400, 413 and 422."""
    status, wait = heard.status, heard.retry_after
    code = f"http_{status}"
    if status in LATER:
        return Judged("transient", code, "the partner asked to come back later", wait)
    if status in ACCOUNT:
        return Judged("transient", code, "the partner refuses our account or our rights", wait)
    if status in _BUSINESS:
        return Judged("rejected", code, refused)
    if status in _NOT_DONE:
        return Judged("transient", code, "the call was refused: address, rights or settings of the endpoint", wait)
    if status < 500:
        return Judged("in_doubt", code, f"HTTP {status} does not say whether it was done")
    return Judged("in_doubt", code, "the partner failed while it had the request")


def by_row(row: Outcome, heard: Heard, content: Any, mask: Mask, code: str, reason: str) -> Judged:
    """What the row says, with the code and text at its places in ``content``; where there are none, these ones."""
    for pointer in (row.code_at, row.at if row.compares else None):
        if told := _texts(content, pointer):
            code = shown(told[0])
            break
    texts = _texts(content, row.reason_at)
    wait = heard.retry_after if heard.retry_after is not None else row.retry_after
    return Judged(row.verdict, row.code or code, mask("; ".join(texts)) if texts else reason, wait)


def _texts(content: Any, pointer: str | None) -> list[str]:
    return [] if pointer is None else [text for text in map(as_text, values_at(content, pointer)) if text]
