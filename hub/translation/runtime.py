"""What compiled mappings call while they run: small reads and writes, and the problems of a rule."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from hub.errors import Problem
from hub.translation.conversions import to_string
from hub.translation.expressions import fits
from hub.translation.mapping import PathPart
from hub.translation.refusal import Refusal, kind_of

EMPTY: dict[str, Any] = {}
"""Stands for an object that is not there; never written to."""

MOST_ADVISED = 10
"""How many problems of one message get advice that takes time to find."""

FAILED = object()
"""A value whose problem has been noted already."""


@dataclass(frozen=True, slots=True)
class Site:
    """Where a rule stands, for its problems: ``at`` has one ``{}`` for each list position above it."""

    at: str
    source: str
    read: str

    def missing(self, positions: tuple[int, ...]) -> Problem:
        """The source has no value and the rule says nothing about that."""
        hint = f"send {self.read}, or write optional: true or default: … in the rule" if self.read else ""
        return Problem(self.at.format(*positions), "missing", "the source has no value for it", hint, self.source)

    def refused(self, refusal: Refusal, positions: tuple[int, ...], earlier: int = 0) -> Problem:
        """A verb or a table cannot take the value; the message has so many problems already."""
        hint = refusal.advice() if refusal.advice and earlier < MOST_ADVISED else refusal.hint
        return Problem(self.at.format(*positions), refusal.code, refusal.message, hint, self.source)

    def warned(self, code: str, positions: tuple[int, ...]) -> Problem:
        """The value was changed in a way that has to be recorded."""
        return Problem(self.at.format(*positions), code, "the text was too long and was cut", "", self.source)


def item_at(value: Any, index: int) -> Any:
    """The item at a position, None when there is none."""
    return value[index] if type(value) is list and len(value) > index else None


def same(value: Any, wanted: Any) -> bool:
    """Equal as JSON: true is not 1."""
    return bool(value == wanted) and isinstance(value, bool) == isinstance(wanted, bool)


def matches(value: Any, pattern: str) -> bool:
    """The whole text fits the pattern; what is no text, or too long, never does."""
    return isinstance(value, str) and fits(re.compile(pattern), value) is not None


def in_table(
    look_up: Callable[..., Any], wanted: Any, problems: list[Problem], site: Site, positions: tuple[int, ...], *asked: Any
) -> bool:
    """Has the table a row for the code, one with the wanted value? What it cannot tell (it was not fetched, no day to ask
    for) is a problem of the message."""
    try:
        found = look_up(*asked)
    except Refusal as refusal:
        if refusal.code not in ("not_in_table", "bad_value"):  # what is no code has no row
            problems.append(site.refused(refusal, positions))
        return False
    return wanted is None or same(found, wanted)


def join(between: str, values: Iterable[Any]) -> str | None:
    """The texts that are there, joined; None when all are missing. Raises Refusal for lists and objects."""
    given = [to_string(value) for value in values if value is not None]
    return between.join(part for part in given if part) if given else None


def close_lists(target: Any, path: tuple[PathPart, ...]) -> None:
    """Target positions were collected under integer keys; makes a list of them, in order, without gaps."""
    for part in path[:-1]:
        if not isinstance(target, dict) or part not in target:
            return
        target = target[part]
    if path[-1] in target:
        numbered = target[path[-1]]
        target[path[-1]] = [numbered[position] for position in sorted(numbered)]


def not_a_list(value: Any) -> Refusal:
    """``each`` met something that has no items."""
    return Refusal("bad_value", f"must be a list, not {kind_of(value)}")
