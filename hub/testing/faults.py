"""Fault rules: which calls to a simulator go wrong, how often, and in which way. Knows nothing of HTTP or of a partner.

A rule is planted in a simulator's configuration or at run time (``POST /_control/faults``). Rules live in the process
only: a restarted simulator starts again from those of its configuration.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

FaultName = Literal[
    "session_expired", "http_503", "http_429", "html_500", "html_200", "timeout_before", "timeout_after",
    "reset_before", "reset_after", "half_answer", "slow", "hold", "refuse",
]  # fmt: skip

AT_THE_DOOR: frozenset[str] = frozenset(
    ("http_503", "http_429", "html_500", "html_200", "timeout_before", "reset_before", "slow")
)
"""Faults that strike any call. The others wait for a call the partner would really have carried out, so that a call
with an expired session does not use up the one ``timeout_after`` that a test planted."""


class FaultRule(BaseModel):
    """One rule. Of the rules due at a call the oldest strikes; ``refuse`` rules strike beside it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    service: str = Field(default="*", description="Name of the partner's operation, or * for every one.")
    fault: FaultName = Field(description="What goes wrong.")
    times: int | None = Field(default=1, ge=1, description="How many calls it strikes; null: every one from then on.")
    after: int = Field(default=0, ge=0, description="How many matching calls pass unharmed first.")
    seconds: float | None = Field(
        default=None, ge=0, description="slow: the delay in seconds; http_503 and http_429: the Retry-After header."
    )
    match: dict[str, str] = Field(
        default_factory=dict,
        description="Only calls that carry these values, such as MaHoSo: a code; all must hold for one item.",
    )
    effect: Literal["before", "after"] = Field(
        default="before", description="hold and slow: whether the effect takes place before the wait or after it."
    )
    code: int | str | None = Field(default=None, description="refuse: the partner's error code; null: its usual one.")
    message: str | None = Field(default=None, description="refuse: the partner's words; null: its usual ones.")

    @model_validator(mode="after")
    def _slow_needs_seconds(self) -> FaultRule:
        if self.fault == "slow" and self.seconds is None:
            raise ValueError("slow needs seconds: how long the answer takes")
        return self


@dataclass(frozen=True, slots=True)
class Call:
    """One call as rules see it. ``fields`` belong to the whole call, ``items`` are the things it carries; ``admitted``
    is False when the partner would turn it away for its session whatever it asks."""

    service: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    items: Sequence[Mapping[str, Any]] = ()
    admitted: bool = True


def matches(rule: FaultRule, fields: Mapping[str, Any], item: Mapping[str, Any]) -> bool:
    """Whether every wanted value is in the item, or failing that in the call itself (compared as text)."""
    return all(str(item.get(name, fields.get(name, ""))) == wanted for name, wanted in rule.match.items())


@dataclass(slots=True)
class Planted:
    """A rule in force and what it has seen."""

    id: int
    rule: FaultRule
    seen: int = 0
    struck: int = 0

    def due(self) -> bool:
        return self.seen > self.rule.after and (self.rule.times is None or self.struck < self.rule.times)

    def as_dict(self) -> dict[str, Any]:
        return {"id": self.id, **self.rule.model_dump(), "seen": self.seen, "struck": self.struck}


@dataclass(frozen=True, slots=True)
class Decision:
    """What goes wrong with one call: at most one fault, and any number of refusals of single items."""

    rule: FaultRule | None = None
    refusals: tuple[FaultRule, ...] = ()

    def refusal_of(self, call: Call, item: Mapping[str, Any]) -> FaultRule | None:
        """The refusal that strikes this item of the call, if one does."""
        return next((rule for rule in self.refusals if matches(rule, call.fields, item)), None)


class FaultRules:
    """The rules in force, oldest first."""

    def __init__(self, rules: Iterable[FaultRule] = ()) -> None:
        self._planted: list[Planted] = []
        self._last_id = 0
        for rule in rules:
            self.plant(rule)

    def plant(self, rule: FaultRule) -> int:
        """Puts a rule in force; returns the id by which it can be withdrawn."""
        self._last_id += 1
        self._planted.append(Planted(self._last_id, rule))
        return self._last_id

    def withdraw(self, rule_id: int | None = None) -> int:
        """Takes one rule (or all) out of force; returns how many."""
        kept = [planted for planted in self._planted if rule_id is not None and planted.id != rule_id]
        gone = len(self._planted) - len(kept)
        self._planted = kept
        return gone

    def as_list(self) -> list[dict[str, Any]]:
        return [planted.as_dict() for planted in self._planted]

    def decide(self, call: Call) -> Decision:
        """Counts the call against every rule that it matches and says what strikes it."""
        struck: FaultRule | None = None
        refusals: list[FaultRule] = []
        for planted in self._planted:
            rule = planted.rule
            if rule.service not in ("*", call.service) or not (call.admitted or rule.fault in AT_THE_DOOR):
                continue
            if not any(matches(rule, call.fields, item) for item in call.items or ({},)):
                continue
            planted.seen += 1
            if not planted.due():
                continue
            if rule.fault == "refuse":
                refusals.append(rule)
            elif struck is None:
                struck = rule
            else:
                continue
            planted.struck += 1
        return Decision(struck, tuple(refusals))
