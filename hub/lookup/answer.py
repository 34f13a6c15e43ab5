"""What came of a question to a registry, as its asker is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hub.errors import Problem
from hub.lookup.translated import PLACE
from hub.store.values import LookupOutcome


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a question. ``lookup`` is its record, empty when nobody was asked; ``body`` the answer in the canonical
    schema; ``code``, ``reason`` (masked) and ``problems`` say why there is none, those of ``not_askable`` of the question;
    ``retry_after`` is when the registry may be asked again, in seconds, where that is known."""

    lookup: str
    outcome: LookupOutcome
    body: Any = None
    code: str = ""
    problems: tuple[Problem, ...] = ()
    lost: bool = False
    """The question may have arrived: the answer was lost or cannot be read."""
    retry_after: float | None = None
    reason: str = ""
    account: bool = False
    """It is the hub's account or its rights that the registry refuses."""

    @property
    def places(self) -> list[str]:
        """Where in the registry's messages something is wrong."""
        return PLACE.findall(self.reason)
