"""One kind of what was planted in the demo, beside what was counted of it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Planted:
    """One planted kind: how many were planted, how many showed as they must."""

    what: str
    planted: int
    counted: int

    @property
    def holds(self) -> bool:
        return self.planted == self.counted
