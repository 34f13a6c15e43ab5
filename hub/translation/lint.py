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
        reads = [*_condition_reads(mapping.conditions, ()), *_rule_reads(mapping.rules, (), mapping)]
        problems += _source_paths(mapping, reads, step.source.shape)
        problems += _silent_loss(mapping, reads, step.source.shape, str(step.source.ref))
        problems += _comparisons(reads, step.source.shape)
        problems += _targets(mapping.rules, step.target.shape, mapping, (), str(step.target.ref))
        problems += _unused_entries(mapping)
        if not mapping.tests:
            where = mapping.document.at()
            problems.append(Problem("tests", "no_tests", "the mapping has no tests", "write at least one example", where))
        problems += run_tests(catalog, mapping)
    return [*problems, *_unused_tables(catalog)]


@dataclass(frozen=True, slots=True)
class _Read:
    """A path of the source that a rule reads; ``whole``: with everything below it; ``condition``: to compare it."""

    path: Parts
    whole: bool
    where: str
    condition: m.Condition | None = None


def _names(parts: tuple[m.PathPart, ...]) -> Parts:
    return tuple(part for part in parts if isinstance(part, str))


def _full(path: m.SourcePath, item: Parts) -> Parts:
    """The path from the root, when the items of the nearest ``each`` are at ``item``."""
    return (*(() if path.from_root else item), *_names(path.parts))


def _condition_reads(conditions: tuple[m.Condition, ...], item: Parts) -> Iterator[_Read]:
    return (_Read(_full(one.path, item), False, one.where, one) for one in conditions)


def _rule_reads(rules: tuple[m.Rule, ...], item: Parts, mapping: m.Mapping) -> Iterator[_Read]:
    for rule in rules:
        match rule.source:
            case m.Each(path, inner, where):
                full = _full(path, item)
                yield _Read(full, False, rule.where)
                yield from _condition_reads(where, full)
                yield from _rule_reads(inner, full, mapping)
            case m.When(conditions):
                yield from _condition_reads(conditions, item)
                yield from _rule_reads(rule.inside, item, mapping)
            case _:
                yield from (_Read(_full(path, item), True, rule.where) for path in m.own_paths(rule, mapping.tables))


def _source_paths(mapping: m.Mapping, reads: list[_Read], shape: Shape) -> Iterator[Problem]:
    ignored = [_Read(_names(path.parts), True, where) for path, where in mapping.ignore]
    for path, where in dict.fromkeys((read.path, read.where) for read in [*reads, *ignored]):
        near = _near(path, shape)
        if not shape.defines(path, strict=False) or (near and shape.find(path) is None):
            yield _unknown("unknown_source_path", path, str(mapping.from_ref), near, where)
    exact = {read.path for read in reads}
    for read in ignored:
        if read.path in exact:
            name = ".".join(read.path)
            yield Problem(name, "ignored_but_read", "the field is read by a rule", "remove it from ignore", read.where)


def _unknown(code: str, path: Parts, schema: str, near: str, where: str) -> Problem:
    hint = f"did you mean {near}?" if near else "correct the path, or add the field to a new version of the schema"
    return Problem(".".join(path), code, f"the schema {schema} has no such field", hint, where)


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
            below = list(lost(child, here))
            untouched = len(below) == len(child.fields) and all(len(p) == len(here) + 1 for p in below)
            yield from [here] if untouched and here not in exact else below

    for path in lost(shape, ()) if () not in whole else ():
        name = ".".join(path)
        message = f"the field of {schema} is neither read nor ignored: it would be lost silently"
        hint = f"write a rule with get: {name}, or add {name} to ignore"
        yield Problem(name, "silent_loss", message, hint, mapping.document.at("set"))


_JSON_TYPES: dict[type, tuple[str, frozenset[str]]] = {
    str: ("text", frozenset({"string"})),
    bool: ("a boolean", frozenset({"boolean"})),
    int: ("a number", frozenset({"integer", "number"})),
    float: ("a number", frozenset({"number"})),
}
"""What a compared value is, in words and in JSON Schema."""


def _comparisons(reads: list[_Read], shape: Shape) -> Iterator[Problem]:
    """Conditions that can never hold because the field has another type."""
    for read in reads:
        if read.condition is None or read.condition.value is None:
            continue
        types = (shape.find(read.path) or Shape()).types
        word, fitting = _JSON_TYPES[type(read.condition.value)]
        if types and not types & fitting:
            message = f"is compared with {word} but is {' or '.join(sorted(types))}: it can never hold"
            hint = "put the value in quotes" if "string" in types else "write the value without quotes"
            yield Problem(".".join(read.path), "never_equal", message, hint, read.where)


def _targets(rules: tuple[m.Rule, ...], shape: Shape, mapping: m.Mapping, at: Parts, schema: str) -> Iterator[Problem]:
    """Target paths that the schema does not define, and required ones that no rule sets, also inside lists."""
    for rule in rules:
        names = _names(rule.target)
        if not shape.defines(names, strict=True):
            near = _near(names, shape)
            yield _unknown("unknown_target_path", (*at, *names), schema, near, rule.where)
            continue
        node = shape.find(names)
        for inner in _item_rules(rule) if node is not None else ():
            yield from _targets(inner, node or shape, mapping, (*at, *names), schema)
    where = rules[0].where if at else mapping.document.at("set")
    for path in _unset(shape, (), [_names(rule.target) for rule in rules]):
        message, hint = f"the schema {schema} requires it and no rule sets it", f"write a rule for {'.'.join(path)}"
        yield Problem(".".join((*at, *path)), "required_unset", message, hint, where)


def _item_rules(rule: m.Rule) -> Iterator[tuple[m.Rule, ...]]:
    """The rules for the items of each ``each`` of a rule, which may stand in a ``when``."""
    match rule.source:
        case m.Each() as each if not each.plain:
            yield each.rules
        case m.When():
            for inner in rule.inside:
                yield from _item_rules(inner)


def _unset(node: Shape, path: Parts, targets: list[Parts]) -> Iterator[Parts]:
    if path in targets:
        return
    touched = {target[len(path)] for target in targets if target[: len(path)] == path}
    yield from ((*path, name) for name in sorted(node.required - touched))
    for name, child in node.fields.items():
        if name in touched:
            yield from _unset(child, (*path, name), targets)


def _unused_entries(mapping: m.Mapping) -> Iterator[Problem]:
    used: set[str] = set()
    for rule in m.all_rules(mapping.rules):
        used.update(rule.tables, [rule.source.table] if isinstance(rule.source, m.ByTable) else [])
    for name, entry in mapping.tables.items():
        if name not in used:
            yield Problem(f"tables.{name}", "unused_table", "no rule uses this table", "remove it, or use it", entry.where)


def _unused_tables(catalog: Catalog) -> Iterator[Problem]:
    used = {entry.use.id for mapping in catalog.mappings() for entry in mapping.tables.values() if entry.use}
    tables: dict[str, list[Any]] = {}
    for table in catalog.tables():
        tables.setdefault(table.ref.id, []).append(table)
    for name, versions in tables.items():
        if name not in used and not any(table.fetched or table.rows is None for table in versions):
            message = "no mapping uses this code table"
            yield Problem(name, "unused_table", message, f"remove it, or write use: {name}@…", versions[-1].source)
