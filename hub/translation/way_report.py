"""What a way from one schema to another does with each field: where it comes to, where it is lost, what a default fills.

Fields are followed from rule to rule through every step, by name; items of a list stand for the list, as in ``shape``. Fields
that an open schema does not name are not seen.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from hub.errors import BadConfig
from hub.message import SchemaRef
from hub.translation import mapping as m
from hub.translation.catalog import Catalog
from hub.translation.chain import Step
from hub.translation.runtime import same
from hub.translation.shape import Parts, Shape
from hub.translation.way_flow import Flow, Given, begins, carried, flow_of, followed, moved_by, names_of, touched
from hub.translation.ways import Way, all_ways, shortest, why_not

MORE_STEPS, MOST_WAYS = 1, 50
"""How much longer than the way taken other ways may be to be shown, and how many of them at most, the shortest first."""


@dataclass(frozen=True, slots=True)
class Lost:
    """A field of a source that does not come through: ``by`` which mapping, ``why`` and at which file and line."""

    path: Parts
    by: str
    why: str
    where: str


@dataclass(frozen=True)
class WayReport:
    """``reaches``: each source field with the target fields it comes to; ``decides``: source fields that conditions ask for, be
    they lost or not; ``unset``: target fields that nothing fills; ``optional``: those that the last step leaves out if missing.
    """

    steps: Way
    reaches: tuple[tuple[Parts, tuple[Parts, ...]], ...]
    lost: tuple[Lost, ...]
    decides: tuple[Parts, ...]
    given: tuple[Given, ...]
    unset: tuple[Parts, ...]
    optional: tuple[Parts, ...]

    def counted(self) -> dict[str, int]:
        """How many fields are lost, and how many a default or a constant may fill."""
        kinds = {kind: len({one.path for one in self.given if one.kind == kind}) for kind in ("default", "constant")}
        return {"lost": len(self.lost), **kinds}


@dataclass(frozen=True, slots=True)
class OtherWay:
    """A way that the hub does not take, and why; ``why`` is empty for one as good as another: ambiguous."""

    steps: Way
    why: str


def report(source: Shape, target: Shape, steps: Sequence[Step]) -> WayReport:
    """Follow every field of ``source`` through the steps."""
    flows = [flow_of(step) for step in steps]
    fates = list(_fates(source, (), steps, flows))
    reaches = tuple((path, fate) for path, fate in fates if isinstance(fate, tuple))
    arrived = {to for _, there in reaches for to in there}
    given: list[Given] = []
    held = {path for path, _ in fates}
    for index, flow in enumerate(flows):
        alive = [one for one in flow.given if all(touched(path, held) for path in one.lists)]
        for one in alive:
            ends = followed(one.path, one.value, flows[index + 1 :])
            given += [replace(one, path=end, value=ends[end][0], changes=one.changes or ends[end][1]) for end in sorted(ends)]
        held = carried(held, [flow]) | {one.path for one in alive}
    given = [
        replace(one, always=not one.changes and not touched(one.path, arrived) and all(
            same(one.value, other.value) for other in given if one.path == other.path
        ))
        for one in given
    ]  # fmt: skip
    filled = arrived | {one.path for one in given}
    return WayReport(
        tuple(steps), reaches, tuple(fate for _, fate in fates if isinstance(fate, Lost)),
        tuple(path for path, _ in fates if _decides({path}, flows)), tuple(given),
        tuple(_unset(target, (), filled)), tuple(dict.fromkeys(flows[-1].optional)) if flows else (),
    )  # fmt: skip


def other_ways(catalog: Catalog, source: SchemaRef, wanted: SchemaRef, taken: Sequence[Step]) -> list[OtherWay]:
    """The ways beside the one taken (none is when they are ambiguous)."""
    edges = catalog.edges()
    try:
        best = shortest(catalog.every_step(), source, wanted)
    except BadConfig:  # the one taken is pinned, and of drafts
        best = (tuple(taken),)
    found: list[OtherWay] = []
    for way in all_ways(catalog.every_step(), source, wanted, max(len(best[0]), len(taken)) + MORE_STEPS):
        if way != tuple(taken):
            why = why_not(way, best, edges)
            found.append(OtherWay(way, why or ("another is pinned" if taken else "")))
        if len(found) == MOST_WAYS:
            break
    return found


def _decides(at: set[Parts], flows: Sequence[Flow]) -> bool:
    stages = (carried(at, flows[:index]) for index in range(len(flows)))
    return any(touched(path, stage) for flow, stage in zip(flows, stages, strict=True) for path, _ in flow.decides)


Fate = Lost | tuple[Parts, ...]


def _fates(node: Shape, path: Parts, steps: Sequence[Step], flows: Sequence[Flow]) -> Iterator[tuple[Parts, Fate]]:
    """What becomes of each field; a group that is lost as a whole is told once."""
    for name, child in node.fields.items():
        here = (*path, name)
        below = list(_fates(child, here, steps, flows)) or [(here, _fate(here, steps, flows))]
        first = below[0][1]
        if isinstance(first, Lost) and len({(f.by, f.why, f.where) if isinstance(f, Lost) else f for _, f in below}) == 1:
            yield here, Lost(here, first.by, first.why, first.where)
        else:
            yield from below


def _fate(path: Parts, steps: Sequence[Step], flows: Sequence[Flow]) -> Fate:
    at = {path}
    for step, flow in zip(steps, flows, strict=True):
        further = carried(at, [flow])
        if not further:
            return Lost(path, str(step.mapping.ref), *_why_lost(at, step.mapping, flow))
        at = further
    return tuple(sorted(at))


def _why_lost(at: set[Parts], mapping: m.Mapping, flow: Flow) -> tuple[str, str]:
    for where in (where for path in at for _, where in moved_by(path, flow)):
        return f"{flow.step.target.ref} has no such field", where
    for decided, where in flow.decides:
        if decided in at:
            return "it only decides what is set", where
    for ignored, where in mapping.ignore:
        if any(begins(path, names_of(ignored.parts)) for path in at):
            return "ignored on purpose", where
    return "no rule reads it", mapping.at("set")


def _unset(node: Shape, path: Parts, filled: set[Parts]) -> Iterator[Parts]:
    """The topmost target fields of which nothing is filled."""
    for name, child in node.fields.items():
        here = (*path, name)
        if not touched(here, filled):
            yield here
        elif not any(begins(here, one) for one in filled):
            yield from _unset(child, here, filled)
