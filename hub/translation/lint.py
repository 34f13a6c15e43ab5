"""Finds what a catalog that loads may still get wrong: fields forgotten, paths mistyped, tests failing."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from hub.errors import Problem
from hub.translation import mapping as m
from hub.translation.catalog import Catalog
from hub.translation.mapping_tests import run_tests
from hub.translation.shape import Parts, Shape


def lint_catalog(catalog: Catalog) -> list[Problem]:
    """Every finding, by mapping and kind; each has file and line and says what to write instead. Empty means clean."""
    problems: list[Problem] = []
    for mapping in catalog.mappings():
        step = catalog.steps(mapping.ref)[-1]
        reads = list(_reads(mapping))
        problems += _source_paths(mapping, reads, step.source.shape)
        problems += _silent_loss(mapping, reads, step.source.shape, str(step.source.ref))
        problems += _comparisons(mapping, step.source.shape)
        problems += _targets(mapping.rules, step.target.shape, mapping, (), str(step.target.ref))
        problems += _unused_entries(mapping)
        if not mapping.tests:
            where = mapping.document.at()
            problems.append(Problem("tests", "no_tests", "the mapping has no tests", "write at least one example", where))
        problems += run_tests(catalog, mapping)
    return [*problems, *_unused_tables(catalog)]


@dataclass(frozen=True, slots=True)
class _Read:
    """A path of the source that a rule reads; ``whole``: with everything below it."""

    path: Parts
    whole: bool
    where: str


def _names(parts: tuple[m.PathPart, ...]) -> Parts:
    return tuple(part for part in parts if isinstance(part, str))


def _reads(mapping: m.Mapping) -> Iterator[_Read]:
    for condition in mapping.conditions:
        yield _Read(_names(condition.path.parts), False, condition.where)
    yield from _rule_reads(mapping.rules, (), mapping)


def _rule_reads(rules: tuple[m.Rule, ...], item: Parts, mapping: m.Mapping) -> Iterator[_Read]:
    for rule in rules:
        for path in m.own_paths(rule, mapping.tables):
            full = (*(() if path.from_root else item), *_names(path.parts))
            yield _Read(full, not isinstance(rule.source, m.Each | m.When), rule.where)
            if isinstance(rule.source, m.Each):
                inside = (rule.source.item,) if rule.source.item else rule.source.rules
                own = [condition for condition in rule.source.where if not condition.path.from_root]
                yield from (_Read((*full, *_names(one.path.parts)), False, one.where) for one in own)
                yield from _rule_reads(inside, full, mapping)
        if isinstance(rule.source, m.When):
            inside = (rule.source.then, *([rule.source.otherwise] if rule.source.otherwise else []))
            yield from _rule_reads(inside, item, mapping)


def _source_paths(mapping: m.Mapping, reads: list[_Read], shape: Shape) -> Iterator[Problem]:
    ignored = [_Read(_names(path.parts), True, where) for path, where in mapping.ignore]
    for read in dict.fromkeys([*reads, *ignored]):
        near = _near(read.path, shape)
        if not shape.defines(read.path, strict=False) or (near and shape.find(read.path) is None):
            hint = f"did you mean {near}?" if near else "correct the path, or add the field to a new version of the schema"
            message = f"the schema {mapping.from_ref} has no such field"
            yield Problem(".".join(read.path), "unknown_source_path", message, hint, read.where)
    exact = {read.path for read in reads}
    for read in ignored:
        if read.path in exact:
            name = ".".join(read.path)
            yield Problem(name, "ignored_but_read", "the field is read by a rule", "remove it from ignore", read.where)


def _near(path: Parts, shape: Shape) -> str:
    for length in range(len(path)):
        above = shape.find(path[:length])
        if above is not None and path[length] not in above.fields:
            found = difflib.get_close_matches(path[length], above.fields, 1, 0.85)
            return ".".join((*path[:length], found[0])) if found else ""
    return ""


def _silent_loss(mapping: m.Mapping, reads: list[_Read], shape: Shape, schema: str) -> Iterator[Problem]:
    exact = {read.path for read in reads}
    whole = {read.path for read in reads if read.whole} | {_names(path.parts) for path, _ in mapping.ignore}

    def lost(node: Shape, path: Parts) -> Iterator[Parts]:
        """The topmost fields of which nothing is read or ignored."""
        for name, child in node.fields.items():
            here = (*path, name)
            if here in whole:
                continue
            if child.fields:
                below = list(lost(child, here))
                untouched = len(below) == len(child.fields) and all(len(p) == len(here) + 1 for p in below)
                yield from [here] if untouched and here not in exact else below
            elif here not in exact:
                yield here

    if () in whole:
        return
    for path in lost(shape, ()):
        name = ".".join(path)
        message = f"the field of {schema} is neither read nor ignored: it would be lost silently"
        yield Problem(
            name,
            "silent_loss",
            message,
            f"write a rule with get: {name}, or add {name} to ignore",
            mapping.document.at("set"),
        )


_JSON_TYPES: dict[type, frozenset[str]] = {
    str: frozenset({"string"}),
    bool: frozenset({"boolean"}),
    int: frozenset({"integer", "number"}),
    float: frozenset({"number"}),
}


def _comparisons(mapping: m.Mapping, shape: Shape) -> Iterator[Problem]:
    """Conditions that can never hold because the field has another type."""

    def conditions(rules: tuple[m.Rule, ...], item: Parts) -> Iterator[tuple[m.Condition, Parts]]:
        for rule in rules:
            match rule.source:
                case m.When(found, then, otherwise):
                    yield from ((condition, item) for condition in found)
                    yield from conditions((then, *([otherwise] if otherwise else [])), item)
                case m.Each(path, inner, _, where):
                    within = (*(() if path.from_root else item), *_names(path.parts))
                    yield from ((condition, within) for condition in where)
                    yield from conditions(inner, within)

    for condition, item in [*((condition, ()) for condition in mapping.conditions), *conditions(mapping.rules, ())]:
        path = (*(() if condition.path.from_root else item), *_names(condition.path.parts))
        types = (shape.find(path) or Shape()).types
        compared = condition.kind in ("equals", "differs", "matches")
        if compared and types and not types & _JSON_TYPES[type(condition.value)]:
            message = f"is compared with {_word(condition.value)} but is {' or '.join(sorted(types))}: it can never hold"
            hint = "put the value in quotes" if "string" in types else "write the value without quotes"
            yield Problem(".".join(path), "never_equal", message, hint, condition.where)


def _word(value: Any) -> str:
    return "text" if isinstance(value, str) else "a boolean" if isinstance(value, bool) else "a number"


def _targets(rules: tuple[m.Rule, ...], shape: Shape, mapping: m.Mapping, at: Parts, schema: str) -> Iterator[Problem]:
    """Target paths that the schema does not define, and required ones that no rule sets, also inside lists."""
    for rule in rules:
        names = _names(rule.target)
        if not shape.defines(names, strict=True):
            near = _near(names, shape)
            hint = f"did you mean {near}?" if near else "correct the path, or add the field to a new version of the schema"
            message = f"the schema {schema} has no such field"
            yield Problem(".".join((*at, *names)), "unknown_target_path", message, hint, rule.where)
            continue
        node = shape.find(names)
        for source in _each_sources(rule):
            if node is not None and source.rules:
                yield from _targets(source.rules, node, mapping, (*at, *names), schema)
    yield from _unset(rules, shape, mapping, at, schema)


def _each_sources(rule: m.Rule) -> Iterator[m.Each]:
    match rule.source:
        case m.Each():
            yield rule.source
        case m.When(_, then, otherwise):
            for inner in (then, otherwise):
                if inner is not None:
                    yield from _each_sources(inner)


def _unset(rules: tuple[m.Rule, ...], shape: Shape, mapping: m.Mapping, at: Parts, schema: str) -> Iterator[Problem]:
    where = rules[0].where if at and rules else mapping.document.at("set")
    targets = [_names(rule.target) for rule in rules]

    def unset(node: Shape, path: Parts) -> Iterator[Parts]:
        if path in targets:
            return
        for name in sorted(node.required):
            if not any(target[: len(path) + 1] == (*path, name) for target in targets):
                yield (*path, name)
        for name, child in node.fields.items():
            if any(target[: len(path) + 1] == (*path, name) for target in targets):
                yield from unset(child, (*path, name))

    for path in unset(shape, ()):
        name = ".".join((*at, *path))
        message = f"the schema {schema} requires it and no rule sets it"
        yield Problem(name, "required_unset", message, f"write a rule for {'.'.join(path)}", where)


def _unused_entries(mapping: m.Mapping) -> Iterator[Problem]:
    used: set[str] = set()
    for rule in m.all_rules(mapping.rules):
        used.update(rule.tables)
        if isinstance(rule.source, m.ByTable):
            used.add(rule.source.table)
    for name, entry in mapping.tables.items():
        if name not in used:
            yield Problem(f"tables.{name}", "unused_table", "no rule uses this table", "remove it, or use it", entry.where)


def _unused_tables(catalog: Catalog) -> Iterator[Problem]:
    used = {entry.use.id for mapping in catalog.mappings() for entry in mapping.tables.values() if entry.use}
    for identity in dict.fromkeys(table.ref.id for table in catalog.tables()):
        tables = [table for table in catalog.tables() if table.ref.id == identity]
        if identity not in used and not any(table.fetched or table.rows is None for table in tables):
            message = "no mapping uses this code table"
            yield Problem(identity, "unused_table", message, f"remove it, or write use: {identity}@…", tables[-1].source)
