"""From an answer to what the engine must know of it: by the table, and where that is silent by what SOAP and HTTP say."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from connectors.soap.answer import Heard
from connectors.soap.pointers import values_at
from connectors.soap.table import Outcome, Verdict, as_text, first_fitting
from connectors.soap.unexplained import NO_ROW, Mask, unexplained
from hub.errors import DeliveryError, InDoubt, Rejected, Transient, shown

_LATER = (429, 503)
_ACCOUNT = (401, 403, 407)
_BUSINESS = (400, 413, 422)
_NOT_DONE = frozenset((
    301, 305, 307, 308, 404, 405, 406, 410, 411, 412, 414, 415, 416, 417, 421, 423, 424, 425, 426, 428, 431, 451,
))  # fmt: skip
"""Statuses of a call that was not carried out: another address, another form, another right. 303 is the usual answer to one
that was, 408 may come after it was read, 409 speaks of what is there."""
_UNPROCESSED = ("Sender", "MustUnderstand", "VersionMismatch", "DataEncodingUnknown")
_SECURITY = frozenset((
    "FailedAuthentication", "FailedCheck", "InvalidSecurity", "InvalidSecurityToken", "MessageExpired",
    "SecurityTokenUnavailable", "UnsupportedAlgorithm", "UnsupportedSecurityToken",
))  # fmt: skip
"""WS-Security 1.1, section 12: our account, our clock or our settings, never this one message."""


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


def judge(heard: Heard, rows: Iterable[Outcome], sent: Any, mask: Mask, *, one_way: bool) -> Judged:
    """What an answer to ``sent`` means: the first row that fits, else ``by_the_book``."""
    rows = list(rows)
    row, sure = first_fitting(rows, heard, sent)
    if row is None:
        told = unexplained(heard, rows, sent, mask, sure=sure)
        return by_the_book(heard, mask, told, one_way=one_way) if sure else Judged("in_doubt", "outcome_unknown", told)
    wait = heard.retry_after if heard.retry_after is not None else row.retry_after
    return Judged(row.verdict, row.code or _code(row, heard), _reason(row, heard, mask), wait)


def by_the_book(heard: Heard, mask: Mask, told: str = NO_ROW, *, one_way: bool) -> Judged:
    """What an answer means that no row covers (``told``). Only the empty answer of a one-way operation is accepted."""
    status, wait = heard.status, heard.retry_after
    if status in _LATER:
        return Judged("transient", f"http_{status}", "the partner asked to come back later", wait)
    if heard.replied and not heard.ok:
        return Judged("in_doubt", f"http_{status}", f"HTTP {status}, with an answer that is no fault; {_why(heard, told)}")
    if status in _ACCOUNT:
        return Judged("transient", f"http_{status}", "the partner refuses our account or our rights", wait)
    if heard.fault is not None:
        word, reason = _fault_word(heard), mask(heard.fault.reason)
        if _SECURITY.intersection(heard.fault_names):
            return Judged("transient", word, reason, wait)
        return Judged("rejected" if heard.fault.code in _UNPROCESSED else "in_doubt", word, reason, wait)
    if status in _BUSINESS:
        return Judged("rejected", f"http_{status}", "the partner refused the request without a SOAP fault")
    if status in _NOT_DONE:
        return Judged("transient", f"http_{status}", "the call was refused: address, rights or settings of the endpoint", wait)
    if 300 <= status < 500:
        return Judged("in_doubt", f"http_{status}", f"HTTP {status} does not say whether it was done")
    if status >= 500:
        return Judged("in_doubt", f"http_{status}", "the partner failed while it had the request")
    if heard.unreadable is not None:
        return Judged("in_doubt", *heard.unreadable)
    if heard.has_body:
        return Judged("in_doubt", "outcome_unknown", told)
    if one_way:
        return Judged("accepted")
    return Judged("in_doubt", "empty_answer", f"HTTP {status} without an answer, where the WSDL says one")


def _why(heard: Heard, told: str) -> str:
    return heard.unreadable[1] if heard.unreadable is not None else told


def _code(row: Outcome, heard: Heard) -> str:
    content = _content(row, heard)
    for pointer in (row.code_at, row.at if row.compares else None):
        told = _texts(content, pointer)
        if told:
            return shown(told[0])
    if heard.fault is not None:
        return _fault_word(heard)
    return f"http_{heard.status}" if row.status is not None else row.verdict


def _fault_word(heard: Heard) -> str:
    return shown(heard.fault_names[0] or "fault")


def _reason(row: Outcome, heard: Heard, mask: Mask) -> str:
    told = _texts(_content(row, heard), row.reason_at)
    if told:
        return mask("; ".join(told))
    return mask(heard.fault.reason) if heard.fault is not None else ""


def _content(row: Outcome, heard: Heard) -> Any:
    return heard.details.get(row.fault_detail) if row.fault_detail is not None else heard.body


def _texts(content: Any, pointer: str | None) -> list[str]:
    return [] if pointer is None else [text for text in map(as_text, values_at(content, pointer)) if text]
