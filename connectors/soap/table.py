"""The table that tells what an answer means: the first row whose conditions all fit decides. Nothing is taken by guess."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from connectors.soap.answer import Heard
from connectors.soap.pointers import (
    EVERY,
    MISSING,
    Pointer,
    PointerToOne,
    holder_of,
    is_on_the_way,
    steps_of,
    value_at,
    values_at,
)
from hub.wire.xml_form_parts import MOST

Verdict = Literal["accepted", "duplicate", "rejected", "transient", "in_doubt"]
Held = Literal["holds", "holds_not", "nothing", "unknown"]
Value = str | int | bool
_OLD_WORDS = {"Client": "Sender", "Server": "Receiver"}
_TESTS = ("equals", "in_", "any_in", "present", "absent", "same_as")


class Part(BaseModel):
    """A section of the settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Row(Part):
    """Conditions, which must all fit."""

    fault: str | None = Field(
        None,
        min_length=1,
        description="code of a SOAP fault by its local name: Sender, Receiver (1.1: Client, Server), the partner's own, a "
        "subcode, or both as Sender.NoSuchUnit",
    )
    fault_detail: str | None = Field(None, min_length=1, description="local name of an element in the fault's detail")
    status: str | None = Field(None, pattern=r"^[2-5](\d\d|xx)$", description="HTTP status, or a class of them: 409, 5xx")
    at: Pointer | None = Field(
        None,
        description="place in the answer (with fault_detail: in that element), as a JSON pointer into its object form; * is "
        "every item of a list. Needs one of the tests below",
    )
    equals: Value | None = Field(None, description="as text, every value there is this one")
    in_: tuple[Value, ...] | None = Field(None, min_length=1, alias="in", description="every value there is one of these")
    any_in: tuple[Value, ...] | None = Field(None, min_length=1, description="at least one value there is one of these")
    present: Literal[True] | None = Field(None, description="there is a value: not nil, not empty")
    absent: Literal[True] | None = Field(None, description="there is no value, or it is nil or empty")
    same_as: PointerToOne | None = Field(
        None, description="every value there is the one that the sent message has at this place"
    )

    @field_validator("status", mode="before", json_schema_input_type=str | int | None)
    @classmethod
    def _a_number_is_meant(cls, status: Any) -> Any:
        return str(status) if isinstance(status, int) else status

    @field_validator("fault")
    @classmethod
    def _in_words_of_today(cls, fault: str | None) -> str | None:
        if fault is None:
            return None
        head, dot, tail = fault.partition(".")
        return _OLD_WORDS.get(head, head) + dot + tail

    @model_validator(mode="after")
    def _one_test(self) -> Row:
        tests = [name for name in _TESTS if getattr(self, name) is not None]
        if len(tests) != (self.at is not None):
            raise ValueError("at needs exactly one of equals, in, any_in, present, absent, same_as; and they need at")
        if self.at is not None and self.fault is not None and self.fault_detail is None:
            raise ValueError("at looks into the detail of a fault: name its element with fault_detail")
        return self

    @property
    def names_fault(self) -> bool:
        """Whether it is about faults."""
        return self.fault is not None or self.fault_detail is not None

    @property
    def compares(self) -> bool:
        """Whether it names values, so that those at its place are codes."""
        return self.equals is not None or self.in_ is not None or self.any_in is not None

    @property
    def says_when(self) -> bool:
        """Whether it has any condition."""
        return self.names_fault or self.status is not None or self.at is not None


class Outcome(Row):
    """What an answer to a delivery means."""

    then: Verdict | None = Field(None, description="what it means when all of the above fits")
    else_: Verdict | None = Field(
        None,
        alias="else",
        description="in place of all conditions, last in its table: what every other answer with HTTP 2xx and a body that "
        "can be read means. Without it such an answer is in doubt",
    )
    code: str | None = Field(None, pattern=r"^[A-Za-z0-9_.:-]{1,60}$", description="our word for it, in place of the partner's")
    code_at: Pointer | None = Field(None, description="where the partner's own code stands")
    reason_at: Pointer | None = Field(
        None, description="where the partner's text stands; it is kept masked. A fault has its own"
    )
    retry_after: float | None = Field(None, ge=0, description="transient: seconds to wait, if the partner does not say it")

    @model_validator(mode="after")
    def _a_verdict(self) -> Outcome:
        if (self.then is None) == (self.else_ is None):
            raise ValueError("a row has either then or else")
        if self.says_when != (self.then is not None):
            raise ValueError("then needs a condition, and else has none")
        told = (self.code, self.code_at, self.reason_at)
        if self.verdict in ("accepted", "duplicate") and any(one is not None for one in told):
            raise ValueError("what is accepted has no code and no reason")
        if self.code is not None and self.code_at is not None:
            raise ValueError("either code or code_at")
        if self.retry_after is not None and self.verdict != "transient":
            raise ValueError("retry_after belongs to transient")
        if self.fault is not None and self.fault_detail is None and (self.code_at or self.reason_at):
            raise ValueError("code_at and reason_at look into the detail of a fault: name its element with fault_detail")
        return self

    @property
    def verdict(self) -> Verdict:
        """What it means."""
        verdict = self.then or self.else_
        assert verdict is not None
        return verdict


class Finding(Row):
    """What the answer to a question means: does the partner hold what was sent?"""

    then: Held = Field(
        description="holds: what was sent is there; holds_not: it is not; nothing: the partner has nothing of this dossier; "
        "unknown: it cannot tell"
    )

    @model_validator(mode="after")
    def _a_condition(self) -> Finding:
        if not self.says_when:
            raise ValueError("a row needs a condition")
        return self


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
    says_all = row.any_in is None and row.present is None and row.at is not None and EVERY in steps_of(row.at)
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
    return _fits_around(row, heard) and (row.at is None or _value_fits(row, _content(row, heard), sent))


def _fits_around(row: Row, heard: Heard) -> bool:
    """All but what stands at its place."""
    if not row.says_when:
        return heard.has_body and heard.ok
    if row.status is not None and not re.fullmatch(row.status.replace("x", r"\d"), str(heard.status)):
        return False
    if row.names_fault:
        return _fault_fits(row, heard)
    good = isinstance(row, Outcome) and row.verdict in ("accepted", "duplicate")
    if good and (heard.fault is not None or (heard.ok and heard.unreadable is not None)):
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


def _value_fits(row: Row, content: Any, sent: Any) -> bool:
    if content is MISSING:
        return False
    values = values_at(content, row.at or "")
    if row.present or row.absent:
        return any(map(_is_value, values)) is bool(row.present)
    texts = [as_text(value) for value in values]
    if row.any_in is not None:
        return not {as_text(one) for one in row.any_in}.isdisjoint(texts)
    if row.same_as is not None:
        wanted: Sequence[str | None] = [as_text(value_at(sent, row.same_as))]
    else:
        wanted = [as_text(one) for one in (row.in_ if row.in_ is not None else (row.equals,))]
    return bool(texts) and all(text is not None and text in wanted for text in texts)


def _is_value(value: Any) -> bool:
    return value is not None and value is not MISSING and value not in ("", [])


def as_text(value: Any) -> str | None:
    """A leaf as it is compared: its text without blanks around it; None for what is no leaf."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    return value.strip() if isinstance(value, str) else None
