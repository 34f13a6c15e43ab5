"""Mistaken copies of a mapping file, each with one small mistake that a tired integrator could make (docs/mutation.md).

A mistake is made in the data of the file, so that it has a line; what stands there by an alias (``*fees``) is one place.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from benchmarks.promised_values import joined, promised, seen
from benchmarks.wrong_values import DATE_VERBS, other_arguments, other_compared, other_pattern, other_value
from hub.strictyaml import Document, NodePath
from hub.translation.mapping import Mapping
from hub.translation.parse import parse_mapping
from hub.translation.parse_rules import SOURCES
from hub.translation.schema import Schema

NEVER = "(?!)"
"""A regular expression that nothing fits."""
_PAIRS = (("present", "absent"), ("equals", "differs"), ("in_table", "not_in_table"))
OPPOSITE = {one: other for pair in _PAIRS for one, other in (pair, pair[::-1])}
_GONE: Any = object()
_READING = ("get", "each", "first_of", "join")

Edit = tuple[NodePath, Any]
Found = tuple[str, str, tuple[Edit, ...]]
"""The mutator, the place in words, and what is written where."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """A mapping with one mistake: the mutator that made it, the file and line, the place in words."""

    mutator: str
    where: str
    place: str
    edits: tuple[Edit, ...]

    def __str__(self) -> str:
        return f"{self.where} {self.mutator}: {self.place}"

    def of(self, mapping: Mapping) -> Mapping:
        """The mapping with the mistake; its tests are the mapping's own."""
        data = mapping.document.data | {"tests": []}
        for path, value in self.edits:
            data = _put(data, path, value)
        document = Document(data, mapping.document.source, mapping.document.lines, mapping.document.raw)
        return replace(parse_mapping(mapping.ref, document, ""), tests=mapping.tests)


def mutants(mapping: Mapping, source: Schema) -> list[Mutant]:
    """Every mutant of a mapping, in the order of its lines."""
    found: dict[tuple[str, ...], Mutant] = {}
    for mutator, place, edits in _Walk(mapping.document.data, source).all():
        path = edits[0][0]
        inner = path[len(path) - path[::-1].index("set") :] if "set" in path else path
        where = mapping.document.at(*path)
        key = (where, mutator, place, *map(str, inner))
        found[key] = Mutant(mutator, where, place, found[key].edits + edits if key in found else edits)
    return sorted(found.values(), key=lambda one: int(one.where.rpartition(":")[2]))


def _put(data: Any, path: NodePath, value: Any) -> Any:
    """A copy with another value at a path, or without it."""
    copy, step = (list(data) if isinstance(data, list) else dict(data)), path[0]
    if len(path) > 1:
        copy[step] = _put(data[step], path[1:], value)  # type: ignore[index]
    elif value is _GONE:
        copy.pop(step, None) if isinstance(copy, dict) else copy.pop(int(step))
    else:
        copy[step] = value  # type: ignore[index]
    return copy


class _Walk:
    """Goes through the data of a mapping file and says what could be written wrongly where."""

    def __init__(self, data: dict[str, Any], source: Schema) -> None:
        self.data = data
        self.source = source
        self.empty_is_missing = data.get("empty_is_missing", False)

    def all(self) -> Iterator[Found]:
        if "when" in self.data:
            yield "drop when", "of the whole mapping", ((("when",), _GONE),)
            yield from self.conditions(self.data["when"], ("when",), "of the whole mapping")
        for name, entry in self.data.get("tables", {}).items():
            yield from self.table(name, entry, ("tables", name))
        yield from self.rules(self.data["set"], ("set",), "", seen(self.data.get("when", {}), ""))

    def table(self, name: str, entry: dict[str, Any], path: NodePath) -> Iterator[Found]:
        """Rows that are written in the mapping: one is dropped, the values of two are swapped."""
        if "use" in entry:
            return
        rows = entry.get("rows", entry)
        start: NodePath = (*path, "rows") if "rows" in entry else path
        places: list[NodePath] = [(*start, step) for step in (range(len(rows)) if isinstance(rows, list) else rows)]
        ends: list[NodePath] = [(*place, len(rows[0]) - 1) if isinstance(rows, list) else place for place in places]
        values = [row[-1] for row in rows] if isinstance(rows, list) else list(rows.values())
        words = [f"{name}: {', '.join(row[:-1]) if isinstance(rows, list) else row}" for row in rows]
        for index, place in enumerate(places):
            if len(places) > 1:
                yield "drop row", words[index], ((place, _GONE),)
            if index and values[index] != values[index - 1]:
                edits = ((ends[index], values[index - 1]), (ends[index - 1], values[index]))
                yield "swap rows", f"{words[index - 1]} and {words[index]}", edits

    def rules(self, body: dict[str, Any], path: NodePath, at: str, known: frozenset[str]) -> Iterator[Found]:
        read = sorted({one for spec in body.values() for one in _read(spec)})
        for target, spec in body.items():
            here = (*path, target)
            if len(body) > 1:
                yield "drop rule", target, ((here, _GONE),)
            yield from self.rule(spec, here, target, read, at, known)

    def rule(
        self, spec: dict[str, Any], path: NodePath, target: str, read: list[str], at: str, known: frozenset[str]
    ) -> Iterator[Found]:
        """Every mistake in one rule. ``read``: the paths that its neighbours read; ``at``: where those begin; ``known``: where
        a condition has seen a value."""
        kind = next((name for name in SOURCES if name in spec), "table")
        yield from self.source_of(kind, spec, path, target, read)
        if kind == "when":
            yield from self.conditions(spec["when"], (*path, "when"), target)
            yield from self.rule(spec["then"], (*path, "then"), target, read, at, known | seen(spec["when"], at))
            if "else" in spec:
                yield "drop rule", f"{target}, else", (((*path, "else"), _GONE),)
                yield from self.rule(spec["else"], (*path, "else"), target, read, at, known)
        if kind == "each":
            if "where" in spec:
                yield "drop where", target, (((*path, "where"), _GONE),)
                yield from self.conditions(spec["where"], (*path, "where"), target)
            if "set" in spec:
                inner = joined(at, spec["each"])
                inner_known = seen({"present": spec["each"]}, at) | seen(spec.get("where", {}), inner)
                yield from self.rules(spec["set"], (*path, "set"), inner, known | inner_known)
        for index, verb in enumerate(spec.get("apply", ())):
            yield from self.verb(verb, (*path, "apply", index), target)
        if "with" in spec:
            yield "change argument", f"{target}, with", (((*path, "with"), other_value(spec["with"])),)
        for name in ("value", "default"):
            if name in spec:
                yield f"change {name}", target, (((*path, name), other_value(spec[name])),)
        if "default" in spec or spec.get("optional"):
            yield "required", target, (((*path, "default"), _GONE), ((*path, "optional"), _GONE))
        elif kind in _READING and not (
            kind in ("get", "each") and promised(self.source, self.empty_is_missing, joined(at, spec[kind]), known)
        ):
            yield "optional", target, (((*path, "optional"), True),)

    def source_of(self, kind: str, spec: dict[str, Any], path: NodePath, target: str, read: list[str]) -> Iterator[Found]:
        """Another path beside the one that is read; two of several in the wrong order."""
        if kind not in _READING:
            return
        several = spec[kind] if isinstance(spec[kind], list) else [spec[kind]]
        for index, own in enumerate(several):
            place = (*path, kind, index) if isinstance(spec[kind], list) else (*path, kind)
            others = [one for one in read if one not in (own, ".", "$")]
            beside = [one for one in others if one.rpartition(".")[0] == own.rpartition(".")[0]]
            if not beside and len(several) > 1:
                beside = others
            if beside and own not in (".", "$"):
                other = next((one for one in beside if one > own), beside[0])
                yield "swap path", f"{target}, {own} for {other}", ((place, other),)
            if index:
                edits = ((place, several[index - 1]), ((*path, kind, index - 1), own))
                yield "swap order", f"{target}, {several[index - 1]} and {own}", edits

    def verb(self, spec: Any, path: NodePath, target: str) -> Iterator[Found]:
        name, argument = next(iter(spec.items())) if isinstance(spec, dict) else (spec, None)
        yield "drop verb", f"{target}, {name}", ((path, _GONE),)
        if name in DATE_VERBS:
            yield "change pattern", f"{target}, {name}", (((*path, name), other_pattern(argument)),)
        for other in other_arguments(name, argument):
            yield "change argument", f"{target}, {name}: {other}", (((*path, name), other),)

    def conditions(self, body: Any, path: NodePath, target: str) -> Iterator[Found]:
        items = body if isinstance(body, list) else [body]
        several = sum(len(asked) if isinstance(asked, dict) else 1 for item in items for asked in item.values()) > 1
        for index, item in enumerate(items):
            here = (*path, index) if isinstance(body, list) else path
            for kind, asked in item.items():
                if kind in OPPOSITE:
                    yield "negate", f"{target}, {kind}", (((*here, kind), _GONE), ((*here, OPPOSITE[kind]), asked))
                pairs = asked.items() if isinstance(asked, dict) else [(asked, None)]
                for of, value in pairs:
                    if several:
                        alone = here if len(item) == 1 else (*here, kind)
                        place = alone if len(pairs) == 1 else (*here, kind, of)
                        yield "drop condition", f"{target}, {kind} {of}", ((place, _GONE),)
                    if kind not in OPPOSITE:
                        yield "negate", f"{target}, {kind}", (((*here, kind, of), NEVER),)
                    for other in other_compared(kind, value):
                        yield "change compared", f"{target}, {kind} {of}: {other}", (((*here, kind, of), other),)


def _read(spec: dict[str, Any]) -> Iterator[str]:
    """The paths that a rule reads where it stands."""
    for kind in _READING:
        if kind in spec:
            yield from spec[kind] if isinstance(spec[kind], list) else [spec[kind]]
    for name in {"then", "else"} & spec.keys():
        yield from _read(spec[name])
