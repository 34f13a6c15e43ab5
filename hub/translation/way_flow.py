"""What the rules of a mapping do with fields and written values, by name: where each comes to, and as what.

Items of a list stand for the list, as in ``shape``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from hub.translation import mapping as m
from hub.translation.chain import Step
from hub.translation.shape import Parts, Shape


@dataclass(frozen=True, slots=True)
class Given:
    """A target field that gets a value written in a mapping. ``kind`` is constant, or default: if the source has none."""

    path: Parts
    kind: str
    value: Any
    by: str
    where: str
    lists: tuple[Parts, ...] = ()
    """The source lists for whose items it is set."""
    always: bool = False
    """Nothing else comes there: whenever it is set, it is this value."""
    changes: bool = False
    """Verbs, tables or later mappings may make something else of the value: it is as it is written."""


@dataclass(slots=True)
class Flow:
    """What the rules of one step do: values moved (from, to, by the rule at), targets that more than one value or a condition
    decides, fields that only decide, values written, targets left out if missing."""

    step: Step
    moves: list[tuple[Parts, Parts, str]] = field(default_factory=list)
    mixed: set[Parts] = field(default_factory=set)
    decides: list[tuple[Parts, str]] = field(default_factory=list)
    given: list[Given] = field(default_factory=list)
    optional: list[Parts] = field(default_factory=list)


def names_of(parts: Iterable[m.PathPart]) -> Parts:
    """A path without positions."""
    return tuple(part for part in parts if isinstance(part, str))


def flow_of(step: Step) -> Flow:
    """What the step does."""
    mapping = step.mapping
    flow, by = Flow(step), str(mapping.ref)

    def full(path: m.SourcePath, item: Parts) -> Parts:
        return (*(() if path.from_root else item), *names_of(path.parts))

    def conditions(found: tuple[m.Condition, ...], item: Parts) -> None:
        for one in found:
            flow.decides += [(full(path, item), one.where) for path in m.condition_paths((one,), mapping.tables)]

    def walk(rules: tuple[m.Rule, ...], item: Parts, under: Parts, lists: tuple[Parts, ...], chosen: bool = False) -> None:
        for rule in rules:
            target = (*under, *names_of(rule.target))
            moved: tuple[m.SourcePath, ...] = ()
            match rule.source:
                case m.Get(path):
                    moved = (path,)
                case m.Join(paths) | m.FirstOf(paths):
                    moved = paths
                case m.ByTable(name):
                    moved = mapping.tables[name].by
                case m.Constant(value):
                    changes = bool(rule.verbs or rule.tables)
                    flow.given.append(Given(target, "constant", value, by, rule.where, lists, changes=changes))
                case m.Each(path, inner, where):
                    conditions(where, full(path, item))
                    walk(inner, full(path, item), target, (*lists, full(path, item)), chosen)
                case m.When(found):
                    conditions(found, item)
                    walk(rule.inside, item, under, lists, True)
            flow.moves += [(full(path, item), target, rule.where) for path in moved]
            if chosen or isinstance(rule.source, m.Join | m.ByTable):
                flow.mixed.add(target)
            others = set(m.own_paths(rule, mapping.tables)) - set(moved) if moved else ()
            flow.decides += [(full(path, item), rule.where) for path in others]
            if rule.has_default:
                flow.given.append(Given(target, "default", rule.default, by, rule.where, lists))
            if rule.optional:
                flow.optional.append(target)

    conditions(mapping.conditions, ())
    walk(mapping.rules, (), (), ())
    return flow


def begins(path: Parts, with_: Parts) -> bool:
    """Is the one path below the other, or the same?"""
    return path[: len(with_)] == with_


def touched(path: Parts, others: Iterable[Parts]) -> bool:
    """Is one of the others above or below, or the same?"""
    return any(begins(path, other) or begins(other, path) for other in others)


def carried(paths: set[Parts], flows: Sequence[Flow]) -> set[Parts]:
    """Where what stands at these paths comes to through the mappings: with all below it, or a part of it."""
    for flow in flows:
        ends = {end for path in paths for end, _ in moved_by(path, flow)}
        paths = {end for end in ends if flow.step.target.shape.defines(end, strict=False)}
    return paths


def moved_by(path: Parts, flow: Flow) -> Iterator[tuple[Parts, str]]:
    """Where rules put it, be it defined there or not, and which ones."""
    for source, target, where in flow.moves:
        if begins(path, source):
            yield (*target, *path[len(source) :]), where
        elif begins(source, path):
            yield target, where


def followed(path: Parts, value: Any, flows: Sequence[Flow]) -> dict[Parts, tuple[Any, bool]]:
    """Where a written value comes to, as what, and whether that may be something else: the mappings are tried with it alone."""
    at = {path: (value, False)}
    for flow in flows:
        further: dict[Parts, tuple[Any, bool]] = {}
        for here, (now, changes) in at.items():
            made = None if changes else flow.step.run(_message(here, now, flow.step.source.shape), [], [])
            for end in carried({here}, [flow]):
                found = None if touched(end, flow.mixed) else _value_at(made, end)
                further[end] = (value, True) if found is None else (found, False)
        at = further
    return at


def _message(path: Parts, value: Any, shape: Shape) -> Any:
    """A message with nothing but this value."""
    for length in range(len(path), 0, -1):
        node = shape.find(path[:length])
        is_list = node is not None and node.listed and not isinstance(value, list)
        value = {path[length - 1]: [value] if is_list else value}
    return value


def _value_at(message: Any, path: Parts) -> Any:
    for name in path:
        while isinstance(message, list):
            message = message[0] if message else None
        message = message.get(name) if isinstance(message, dict) else None
    return message
