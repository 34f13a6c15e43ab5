"""From an answer to what the engine must know of it: by the table, and where that is silent by what SOAP and HTTP say."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from connectors.outcomes.unexplained import NO_ROW, Mask
from connectors.outcomes.verdict import ACCOUNT, LATER, Judged, by_row, by_status
from connectors.soap.answer import Heard
from connectors.soap.table import Outcome, first_fitting
from connectors.soap.unexplained import unexplained
from hub.errors import shown

_UNPROCESSED = ("Sender", "MustUnderstand", "VersionMismatch", "DataEncodingUnknown")
_SECURITY = frozenset((
    "FailedAuthentication", "FailedCheck", "InvalidSecurity", "InvalidSecurityToken", "MessageExpired",
    "SecurityTokenUnavailable", "UnsupportedAlgorithm", "UnsupportedSecurityToken",
))  # fmt: skip
"""WS-Security 1.1, section 12: our account, our clock or our settings, never this one message."""


def judge(heard: Heard, rows: Iterable[Outcome], sent: Any, mask: Mask, *, one_way: bool) -> Judged:
    """What an answer to ``sent`` means: the first row that fits, else ``by_the_book``."""
    rows = list(rows)
    row, sure = first_fitting(rows, heard, sent)
    if row is None:
        told = unexplained(heard, rows, sent, mask, sure=sure)
        return by_the_book(heard, mask, told, one_way=one_way) if sure else Judged("in_doubt", "outcome_unknown", told)
    content = heard.details.get(row.fault_detail) if row.fault_detail is not None else heard.body
    code = f"http_{heard.status}" if row.status is not None else row.verdict
    if heard.fault is None:
        return by_row(row, heard, content, mask, code, "")
    return by_row(row, heard, content, mask, _fault_word(heard), mask(heard.fault.reason))


def by_the_book(heard: Heard, mask: Mask, told: str = NO_ROW, *, one_way: bool) -> Judged:
    """What an answer means that no row covers (``told``). Only the empty answer of a one-way operation is accepted."""
    status, wait = heard.status, heard.retry_after
    if heard.replied and not heard.ok and status not in LATER:
        return Judged("in_doubt", f"http_{status}", f"HTTP {status}, with an answer that is no fault; {_why(heard, told)}")
    if heard.fault is not None and status not in (*LATER, *ACCOUNT):
        word, reason = _fault_word(heard), mask(heard.fault.reason)
        if _SECURITY.intersection(heard.fault_names):
            return Judged("transient", word, reason, wait)
        return Judged("rejected" if heard.fault.code in _UNPROCESSED else "in_doubt", word, reason, wait)
    if not heard.ok:
        return by_status(heard, "the partner refused the request without a SOAP fault")
    if heard.unreadable is not None:
        return Judged("in_doubt", *heard.unreadable)
    if heard.has_body:
        return Judged("in_doubt", "outcome_unknown", told)
    if one_way:
        return Judged("accepted")
    return Judged("in_doubt", "empty_answer", f"HTTP {status} without an answer, where the WSDL says one")


def _why(heard: Heard, told: str) -> str:
    return heard.unreadable[1] if heard.unreadable is not None else told


def _fault_word(heard: Heard) -> str:
    return shown(heard.fault_names[0] or "fault")
