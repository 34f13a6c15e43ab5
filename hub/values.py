"""Values: dataclasses that nobody changes, made at the price of plain objects.

``dataclass(frozen=True)`` sets every field through ``object.__setattr__``, twenty times the work of an assignment (measured),
and a message is some fifteen such values on its way. The type checker refuses to change one of these as it does of any frozen
dataclass; while the hub runs nothing looks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dataclasses import dataclass as value
else:
    from dataclasses import dataclass

    def value(*, frozen: bool, slots: bool):
        """In the place of ``dataclass``, for values of the hot path."""
        return dataclass(unsafe_hash=frozen, slots=slots)


__all__ = ["value"]
