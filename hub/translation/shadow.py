"""Compares what a mapping would make of real messages with what the hub makes of them now, grouped by field and cause."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from hub.errors import BadConfig, Problem, Refused, TranslationFailed
from hub.message import SchemaRef
from hub.translation.catalog import Catalog
from hub.translation.chain import Step, rule_source
from hub.translation.differences import ABSENT, compare
from hub.translation.mapping import Mapping
from hub.translation.versions import order

EXAMPLES = 3


@dataclass(frozen=True, slots=True)
class Example:
    """One message of a group, with the values that differ where there are two."""

    id: str
    before: Any = ABSENT
    after: Any = ABSENT


@dataclass(slots=True)
class Group:
    """Messages that differ in the same field for the same cause. ``change``: changed, appeared, gone, mended (it failed so),
    fails (now it does so), or fails still. ``cause``: the problem's code, or ``value``. ``by``: file and line of the rule."""

    field: str
    change: str
    cause: str
    by: str
    count: int = 0
    last: str = ""
    """Counted last, so that a message counts once, however many of its items differ."""
    examples: list[Example] = dataclasses.field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What a mapping made of a message: a body (ABSENT: nothing, on purpose), or problems."""

    body: Any
    problems: tuple[Problem, ...] = ()


class Shadow:
    """One candidate beside what is used now. ``counts``: tried, kept (of these), erased, unfit (for their own schema), and of
    those tried: same, different, mended, broken, failing (before and now)."""

    def __init__(self, catalog: Catalog, mapping: Mapping) -> None:
        """Raises BadConfig for a mapping that does not fit the catalog."""
        self.mapping = mapping
        self._steps = {step.source.ref: step for step in catalog.candidate(mapping)}
        self.schemas: Sequence[str] = [str(ref) for ref in self._steps]
        is_source = next(iter(self._steps.values())).source.role == "source"
        self.what: Literal["arrivals", "messages"] = "arrivals" if is_source else "messages"
        self._now = {ref: _used_now(catalog, step) for ref, step in self._steps.items()}
        self._groups: dict[tuple[str, str, str, str], Group] = {}
        names = ("tried", "kept", "erased", "unfit", "same", "different", "mended", "broken", "failing")
        self.counts = dict.fromkeys(names, 0)

    def now(self) -> list[SchemaRef]:
        """The mappings that are used now."""
        return list(dict.fromkeys(step.mapping.ref for steps in self._now.values() for step in steps or ()))

    def groups(self) -> list[Group]:
        """The largest first."""
        return sorted(self._groups.values(), key=lambda one: (-one.count, one.field, one.change))

    def take(self, id: str, schema: SchemaRef, body: bytes | None, *, is_kept: bool) -> None:
        """One stored message."""
        if body is None:
            self.counts["erased"] += 1
            return
        step = self._steps[schema]
        try:
            message = step.source.parse(body)
            step.source.validate(message)
        except Refused:
            self.counts["unfit"] += 1
            return
        self.counts["tried"] += 1
        self.counts["kept"] += is_kept
        before, after = _outcome(self._now[schema], message, schema, step.target.ref), _outcome([step], message)
        self._compared(id, before, after)

    def _compared(self, id: str, before: _Outcome, after: _Outcome) -> None:
        were = {(one.at, one.code) for one in before.problems}
        differ = [] if were or after.problems else list(compare(before.body, after.body))
        for one in after.problems:
            self._add(id, one, "fails still" if (one.at, one.code) in were else "fails")
        now = {(one.at, one.code) for one in after.problems}
        for one in before.problems:
            if (one.at, one.code) not in now:
                self._add(id, one, "mended")
        for difference in differ:
            at = difference.at
            by = rule_source(self.mapping, tuple(at.split(".")) if at else ())
            self._count(difference.field, difference.kind, "value", by, Example(id, difference.before, difference.after))
        outcome = "different" if differ else "same"
        if were or now:
            outcome = "failing" if were and now else "mended" if were else "broken"
        self.counts[outcome] += 1

    def _add(self, id: str, problem: Problem, change: str) -> None:
        place = ".".join("[]" if part.isdecimal() else part for part in problem.at.split(".")).replace(".[]", "[]")
        self._count(place, change, problem.code, problem.source, Example(id))

    def _count(self, place: str, change: str, cause: str, by: str, example: Example) -> None:
        group = self._groups.setdefault((place, change, cause, by), Group(place, change, cause, by))
        if group.last != example.id:
            group.last = example.id
            group.count += 1
            if len(group.examples) < EXAMPLES:
                group.examples.append(example)


def _used_now(catalog: Catalog, step: Step) -> Sequence[Step] | None:
    """The way from the candidate's source to its target without it; None where there is none."""
    mapping = step.mapping
    try:
        steps: Sequence[Step] = catalog.chain(step.source.ref, mapping.to_ref).steps
    except BadConfig:
        steps = ()
    if steps and not (len(steps) == 1 and steps[0].mapping.ref == mapping.ref):
        return steps
    if steps and steps[0].mapping is not mapping:  # a changed copy of the very version that is used
        return steps
    others: Iterable[Mapping] = (one for one in catalog.mappings() if one.ref.id == mapping.ref.id and one.ref != mapping.ref)
    for other in sorted(others, key=lambda one: order(one.ref), reverse=True):
        for one in catalog.steps(other.ref):
            if one.source.ref == step.source.ref:
                return [one]
    return None


def _outcome(
    steps: Sequence[Step] | None, message: Any, source: SchemaRef | None = None, to: SchemaRef | None = None
) -> _Outcome:
    if steps is None:
        return _Outcome(None, (Problem("", "no_mapping", f"no mapping leads from {source} to {to}"),))
    body = message
    try:
        for step in steps:
            body = step.translate(body, [])
            if body is None:
                return _Outcome(ABSENT)
    except TranslationFailed as error:
        return _Outcome(None, error.problems)
    return _Outcome(body)
