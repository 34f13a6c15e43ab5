"""Tells field by field how two JSON values differ, for whoever compares what is with what would be."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

ABSENT: Any = object()
"""Stands where one of two values has no such field; null is a value."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One place (dotted path, list positions included) at which the values differ; ``ABSENT`` where there is nothing."""

    at: str
    before: Any
    after: Any

    @property
    def kind(self) -> str:
        """``appeared``, ``gone`` or ``changed``."""
        if self.before is ABSENT:
            return "appeared"
        return "gone" if self.after is ABSENT else "changed"

    @property
    def field(self) -> str:
        """The place without list positions, the same for all items: ``documents[].title``."""
        names = [part if not part.isdecimal() else "[]" for part in self.at.split(".")]
        return ".".join(names).replace(".[]", "[]")


def compare(before: Any, after: Any, at: str = "") -> Iterator[Difference]:
    """Every place at which two JSON values differ, as deep as possible; lists of other lengths differ as a whole."""
    if isinstance(before, dict) and isinstance(after, dict):
        for name in sorted({*before, *after}):
            place = f"{at}.{name}" if at else name
            yield from compare(before.get(name, ABSENT), after.get(name, ABSENT), place)
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for index, (left, right) in enumerate(zip(before, after, strict=True)):
            yield from compare(left, right, f"{at}.{index}" if at else str(index))
    elif _kind(before) is not _kind(after) or before != after:
        yield Difference(at, before, after)


def _kind(value: Any) -> type:
    return float if type(value) is int else type(value)
