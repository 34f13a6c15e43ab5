"""The table that tells what an answer means: the first row whose conditions all fit decides. Nothing is taken by guess."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from connectors.outcomes.pointers import MISSING, Pointer, PointerToOne, value_at, values_at
from hub.wire.partner_text import plain

Verdict = Literal["accepted", "duplicate", "rejected", "transient", "in_doubt"]
Held = Literal["holds", "holds_not", "nothing", "unknown"]
Value = str | int | bool
_WITHOUT_CONTENT = ("204", "205", "304")
_TESTS = ("equals", "in_", "any_in", "contains", "present", "absent", "same_as")


@dataclass(frozen=True, slots=True)
class Heard:
    """One whole answer. ``body`` is MISSING without a body that could be read, ``unreadable`` says why (code, reason)."""

    status: int
    body: Any = MISSING
    unreadable: tuple[str, str] | None = None
    retry_after: float | None = None

    @property
    def ok(self) -> bool:
        """HTTP says that it went well."""
        return 200 <= self.status < 300

    @property
    def has_body(self) -> bool:
        """There is a body that could be read."""
        return self.body is not MISSING


class Part(BaseModel):
    """A section of the settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Row(Part):
    """Conditions, which must all fit."""

    status: str | None = Field(None, pattern=r"^[2-5](\d\d|xx)$", description="HTTP status, or a class of them: 409, 5xx")
    at: Pointer | None = Field(
        None,
        description="place in the answer, as a JSON pointer (of XML: into its object form); * is every item of a list. Needs "
        "one of the tests below",
    )
    equals: Value | None = Field(None, description="as text, every value there is this one")
    in_: tuple[Value, ...] | None = Field(None, min_length=1, alias="in", description="every value there is one of these")
    any_in: tuple[Value, ...] | None = Field(None, min_length=1, description="at least one value there is one of these")
    contains: str | None = Field(
        None, pattern=r"\S", description="at least one text there has this piece, in any case and Unicode form"
    )
    present: Literal[True] | None = Field(None, description="there is a value: not null, not empty")
    absent: Literal[True] | None = Field(None, description="there is no value, or it is null or empty")
    same_as: PointerToOne | None = Field(
        None, description="every value there is the one that the sent message has at this place"
    )

    @field_validator("status", mode="before", json_schema_input_type=str | int | None)
    @classmethod
    def _a_number_is_meant(cls, status: Any) -> Any:
        return str(status) if isinstance(status, int) else status

    @model_validator(mode="after")
    def _one_test(self) -> Row:
        tests = [name for name in _TESTS if getattr(self, name) is not None]
        if len(tests) != (self.at is not None):
            raise ValueError("at needs exactly one of equals, in, any_in, contains, present, absent, same_as; and they need at")
        return self

    @property
    def compares(self) -> bool:
        """Whether it names values, so that those at its place are codes."""
        return self.equals is not None or self.in_ is not None or self.any_in is not None

    @property
    def says_when(self) -> bool:
        """Whether it has any condition."""
        return self.status is not None or self.at is not None


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
    reason_at: Pointer | None = Field(None, description="where the partner's text stands; it is kept masked")
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


def else_is_last(rows: tuple[Outcome, ...]) -> None:
    """Raises ValueError where a row stands behind ``else``, which is never read."""
    if any(row.else_ is not None for row in rows[:-1]):
        raise ValueError("else is the last row: what stands behind it is never read")


def first_fitting(rows: Iterable[RowT], heard: Heard, sent: Any) -> RowT | None:
    """The row that decides of an answer all of which was read. ``sent`` is the message's body."""
    return next((row for row in rows if _fits(row, heard, sent)), None)


def _fits(row: Row, heard: Heard, sent: Any) -> bool:
    """A row about the body fits only HTTP 2xx unless it names a status; nothing can be accepted that came with 2xx and could
    not be read."""
    if not row.says_when:
        return heard.has_body and heard.ok
    if not status_fits(row, heard) or (is_good(row) and heard.ok and heard.unreadable is not None):
        return False
    if row.at is None:
        return True
    return heard.has_body and (heard.ok or row.status is not None) and value_fits(row, heard.body, sent)


def status_fits(row: Row, heard: Heard) -> bool:
    """Whether the HTTP status is the one, or of the class, that the row names."""
    return row.status is None or re.fullmatch(row.status.replace("x", r"\d"), str(heard.status)) is not None


def never_reached(rows: Sequence[Row]) -> Iterator[int]:
    """The rows that decide of no answer: one before fits whenever they do, or they look into an answer without content."""
    for index, row in enumerate(rows):
        if (row.at is not None and row.status in _WITHOUT_CONTENT) or any(_hides(one, row) for one in rows[:index]):
            yield index


def _hides(first: Row, row: Row) -> bool:
    """Whether ``first`` fits whenever ``row`` does, as far as that can be told by the settings alone."""
    if not row.says_when:
        return False  # `else`: whatever is left
    wider = first.status or "2xx"
    if re.fullmatch(wider.replace("x", r"[\dx]"), row.status or "2xx") is None:
        return False
    if first.at is not None:
        return first.at == row.at and all(getattr(first, test) == getattr(row, test) for test in _TESTS)
    return row.at is not None or is_good(row) or not is_good(first)  # what cannot be read is left to a row that is not good


def is_good(row: Row) -> bool:
    """Whether the row says that what was sent is there."""
    return isinstance(row, Outcome) and row.verdict in ("accepted", "duplicate")


def value_fits(row: Row, content: Any, sent: Any) -> bool:
    """Whether the test of a row with a place fits what stands there in ``content``; ``sent`` is the message's body."""
    if content is MISSING:
        return False
    values = values_at(content, row.at or "")
    if row.present or row.absent:
        return any(map(_is_value, values)) is bool(row.present)
    texts = [as_text(value) for value in values]
    if row.contains is not None:
        return any(text is not None and plain(row.contains) in plain(text) for text in texts)
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
