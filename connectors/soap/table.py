"""The table of a SOAP partner's answers: its rows also speak of faults, and know what the WSDL did not let us read."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar

from pydantic import Field, field_validator, model_validator

from connectors.outcomes import table as shared
from connectors.outcomes.pointers import EVERY, MISSING, holder_of, is_on_the_way, steps_of
from connectors.outcomes.table import is_good, status_fits, value_fits
from connectors.soap.answer import Heard
from hub.wire.xml_form_parts import MOST

_OLD_WORDS = {"Client": "Sender", "Server": "Receiver"}


class Row(shared.Row):
    """Conditions, which must all fit. A place of a row with fault_detail is in that element."""

    fault: str | None = Field(
        None,
        min_length=1,
        description="code of a SOAP fault by its local name: Sender, Receiver (1.1: Client, Server), the partner's own, a "
        "subcode, or both as Sender.NoSuchUnit",
    )
    fault_detail: str | None = Field(None, min_length=1, description="local name of an element in the fault's detail")

    @field_validator("fault")
    @classmethod
    def _in_words_of_today(cls, fault: str | None) -> str | None:
        if fault is None:
            return None
        head, dot, tail = fault.partition(".")
        return _OLD_WORDS.get(head, head) + dot + tail

    @model_validator(mode="after")
    def _a_place_in_a_detail(self) -> Row:
        if self.at is not None and self.fault is not None and self.fault_detail is None:
            raise ValueError("at looks into the detail of a fault: name its element with fault_detail")
        return self

    @property
    def names_fault(self) -> bool:
        """Whether it is about faults."""
        return self.fault is not None or self.fault_detail is not None

    @property
    def says_when(self) -> bool:
        """Whether it has any condition."""
        return self.names_fault or self.status is not None or self.at is not None


class Outcome(shared.Outcome, Row):
    """What an answer to a delivery means. A fault has its own code and reason."""

    @model_validator(mode="after")
    def _a_code_in_a_detail(self) -> Outcome:
        if self.fault is not None and self.fault_detail is None and (self.code_at or self.reason_at):
            raise ValueError("code_at and reason_at look into the detail of a fault: name its element with fault_detail")
        return self


class Finding(shared.Finding, Row):
    """What the answer to a question means: does the partner hold what was sent?"""


RowT = TypeVar("RowT", Outcome, Finding)


def first_fitting(rows: Iterable[RowT], heard: Heard, sent: Any) -> tuple[RowT | None, bool]:
    """The row that decides, and whether that is sure: what the answer has in places that the WSDL does not know may be what
    a row says is not there, or what a row before it asks for, then no row decides. ``sent`` is the message's body."""
    before: list[RowT] = []
    for row in rows:
        if fits(row, heard, sent):
            sure = not _rests_on_what_was_skipped(row, before, heard)
            return row if sure else None, sure
        before.append(row)
    return None, True


def _rests_on_what_was_skipped(row: RowT, before: Iterable[RowT], heard: Heard) -> bool:
    """Whether a row that fits says what is not there (``else``, ``absent``, every one of a list), and something was passed
    over where it would have to be; or a row before it, which says otherwise, may fit by what was passed over."""
    if any(_verdict(one) != _verdict(row) and _may_fit(one, heard) for one in before):
        return True
    skipped = heard.skipped.get(row.fault_detail, ())
    if not row.says_when:
        return bool(skipped)
    says_some = row.any_in is not None or row.contains is not None or row.present is not None
    says_all = not says_some and row.at is not None and EVERY in steps_of(row.at)
    if not (row.absent or says_all) or row.at is None:
        return False
    return len(skipped) >= MOST or any(is_on_the_way(holder_of(place), row.at) for place in skipped)


def _may_fit(row: Row, heard: Heard) -> bool:
    """Whether a row that does not fit would, had what was passed over been read: names may differ in case. ``absent`` does
    not fit because of what was read."""
    if row.at is None or row.absent or not _fits_around(row, heard):
        return False
    skipped, at = heard.skipped.get(row.fault_detail, ()), row.at.casefold()
    whole = _content(row, heard) is MISSING or len(skipped) >= MOST
    return whole or any(is_on_the_way(place.casefold(), at) for place in skipped)


def _verdict(row: Outcome | Finding) -> str:
    return row.verdict if isinstance(row, Outcome) else row.then


def fits(row: Row, heard: Heard, sent: Any) -> bool:
    """Whether all conditions fit. A row about the body fits only HTTP 2xx unless it names a status; nothing can be accepted
    that came with 2xx and could not be read, nor a fault by a row that does not speak of faults."""
    return _fits_around(row, heard) and (row.at is None or value_fits(row, _content(row, heard), sent))


def _fits_around(row: Row, heard: Heard) -> bool:
    """All but what stands at its place."""
    if not row.says_when:
        return heard.has_body and heard.ok
    if not status_fits(row, heard):
        return False
    if row.names_fault:
        return _fault_fits(row, heard)
    if is_good(row) and (heard.fault is not None or (heard.ok and heard.unreadable is not None)):
        return False
    return row.at is None or (heard.has_body and (heard.ok or row.status is not None))


def _content(row: Row, heard: Heard) -> Any:
    return heard.body if row.fault_detail is None else heard.details.get(row.fault_detail, MISSING)


def _fault_fits(row: Row, heard: Heard) -> bool:
    return (
        heard.fault is not None
        and (row.fault is None or row.fault in heard.fault_names)
        and (row.fault_detail is None or row.fault_detail in heard.details)
    )
