"""Finds what a catalog that loads may still get wrong: fields forgotten, paths mistyped, tests failing."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from hub.errors import Problem
from hub.translation import mapping as m
from hub.translation.catalog import Catalog
from hub.translation.fixed_values import never_fitting, table_of
from hub.translation.mapping_tests import run_tests
from hub.translation.misfits import misfits
from hub.translation.runtime import same
from hub.translation.shape import Parts, Shape
from hub.translation.tables import CodeTable


def lint_catalog(catalog: Catalog) -> list[Problem]:
    """Every finding, by mapping and kind; each has file and line and says what to write instead. Empty means clean."""
    problems: list[Problem] = []
    for mapping in catalog.mappings():
        step = catalog.steps(mapping.ref)[-1]
        reads = [*_condition_reads(mapping.conditions, (), mapping), *_rule_reads(mapping.rules, (), mapping)]
        problems += _into_lists(reads, step.source.shape)
        problems += _source_paths(mapping, reads, step.source.shape)
        problems += _silent_loss(mapping, reads, step.source.shape, str(step.source.ref))
        problems += [*_comparisons(reads, step.source.shape), *_never_given(mapping, reads, step.tables)]
        problems += _targets(mapping.rules, step.target.shape, mapping, (), str(step.target.ref))
        problems += [*never_fitting(mapping, step), *misfits(step), *_unused_entries(mapping)]
        if not mapping.tests:
            where = mapping.at()
            problems.append(Problem("tests", "no_tests", "the mapping has no tests", "write at least one example", where))
        problems += run_tests(catalog, mapping)
    return [*problems, *_unused_tables(catalog)]


@dataclass(frozen=True, slots=True)
class _Read:
    """A path of the source that a rule reads, with a position wherever a list is gone into; ``whole``: with everything below
    it; ``condition``: to compare it."""

    full: tuple[m.PathPart, ...]
    whole: bool
    where: str
    condition: m.Condition | None = None

    @property
    def path(self) -> Parts:
        """The path without positions."""
        return _names(self.full)


def _names(parts: tuple[m.PathPart, ...]) -> Parts:
    return tuple(part for part in parts if isinstance(part, str))


def _full(path: m.SourcePath, item: tuple[m.PathPart, ...]) -> tuple[m.PathPart, ...]:
    """The path from the root, when the items of the nearest ``each`` are at ``item``."""
    return (*(() if path.from_root else item), *path.parts)


def _condition_reads(conditions: tuple[m.Condition, ...], item: tuple[m.PathPart, ...], mapping: m.Mapping) -> Iterator[_Read]:
    for one in conditions:
        for path in m.condition_paths((one,), mapping.tables):
            yield _Read(_full(path, item), False, one.where, one if path is one.path else None)


def _rule_reads(rules: tuple[m.Rule, ...], item: tuple[m.PathPart, ...], mapping: m.Mapping) -> Iterator[_Read]:
    for rule in rules:
        match rule.source:
            case m.Each(path, inner, where):
                full = _full(path, item)
                yield _Read(full, False, rule.where)
                yield from _condition_reads(where, (*full, 0), mapping)
                yield from _rule_reads(inner, (*full, 0), mapping)
            case m.When(conditions):
                yield from _condition_reads(conditions, item, mapping)
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


def _into_lists(reads: list[_Read], shape: Shape) -> Iterator[Problem]:
    """Paths that name a field of a list, which has none: only its items have. What may be an object too may be read so, beside
    its items."""
    items = {_names(read.full[:index]) for read in reads for index, part in enumerate(read.full) if isinstance(part, int)}
    for read in dict.fromkeys(reads):
        for index, part in enumerate(read.full):
            above = shape.find(read.full[:index]) or Shape()
            into = index and isinstance(part, str) and isinstance(read.full[index - 1], str)
            if into and above.listed and not (above.keyed and _names(read.full[:index]) in items):
                name, rest = ".".join(_names(read.full[:index])), ".".join(map(str, read.full[index:]))
                hint = f"write a rule with each: {name}, or the position of one item: {name}.0.{rest}"
                yield Problem(
                    ".".join(read.path),
                    "path_into_list",
                    f"{name} {'may be' if above.keyed else 'is'} a list: it has no {rest}",
                    hint,
                    read.where,
                )


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
        yield Problem(name, "silent_loss", message, hint, mapping.at("set"))


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
        if read.condition is None or read.condition.value is None or read.condition.table:
            continue
        types = (shape.find(read.path) or Shape()).types
        word, fitting = _JSON_TYPES[type(read.condition.value)]
        if types and not types & fitting:
            message = f"is compared with {word} but is {' or '.join(sorted(types))}: it can never hold"
            hint = "put the value in quotes" if "string" in types else "write the value without quotes"
            yield Problem(".".join(read.path), "never_equal", message, hint, read.where)


def _never_given(mapping: m.Mapping, reads: list[_Read], tables: tuple[CodeTable, ...]) -> Iterator[Problem]:
    """Conditions that ask a table for a value that no row of it gives."""
    for read in reads:
        if (one := read.condition) is None or not one.table or one.value is None:
            continue
        entry = mapping.tables[one.table]
        table = table_of(entry, tables)
        rows, column = (table.rows, table.column(entry.column)) if table else (entry.rows, 0)
        if rows is not None and not any(same(row[column], one.value) for row in rows.values()):
            message = f"no row of the table {one.table} gives this value: it can never hold"
            yield Problem(".".join(read.path), "never_equal", message, "write a value that a row has", read.where)


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
    where = rules[0].where if at else mapping.at("set")
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
    used = {one.table for one in mapping.conditions}
    for rule in m.all_rules(mapping.rules):
        used.update(rule.tables, [rule.source.table] if isinstance(rule.source, m.ByTable) else [])
        match rule.source:
            case m.When(conditions=conditions) | m.Each(where=conditions):
                used.update(one.table for one in conditions)
    for name, entry in mapping.tables.items():
        if name not in used:
            yield Problem(f"tables.{name}", "unused_table", "no rule uses this table", "remove it, or use it", entry.where)


def _unused_tables(catalog: Catalog) -> Iterator[Problem]:
    used = {entry.use.id for mapping in catalog.mappings() for entry in mapping.tables.values() if entry.use}
    tables: dict[str, list[Any]] = {}
    for table in catalog.tables():
        tables.setdefault(table.ref.id, []).append(table)
        used |= {table.extends.ref.id} if table.extends and table.extends.ref.id != table.ref.id else set()
    for name, versions in tables.items():
        if name not in used and not any(table.fetched or table.offered or table.rows is None for table in versions):
            message = "no mapping uses this code table"
            yield Problem(name, "unused_table", message, f"remove it, or write use: {name}@…", versions[-1].source)
