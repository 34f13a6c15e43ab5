"""Says what the tests inside a mapping never touch: rules, defaults, branches of conditions, rows of code tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from hub.errors import Problem
from hub.translation import mapping as m
from hub.translation.catalog import Catalog
from hub.translation.mapping_tests import run_tests
from hub.translation.tables import CodeTable
from hub.translation.trace import Trace

SMALL = 40
"""A code table of the catalog counts row by row up to so many rows; a larger one is data that no mapping's tests go through."""

Where = Callable[[CodeTable, tuple[str | None, ...]], str]
"""The file and line of a row of a table of the catalog."""


@dataclass(frozen=True, slots=True)
class Spot:
    """Something that tests can touch. ``kind``: rule (it set its target), default (it was used), branch (a condition held, or
    did not), row (its code was looked up)."""

    kind: str
    name: str
    where: str
    touched: bool


@dataclass(frozen=True, slots=True)
class Coverage:
    """What came of a mapping's tests: problems as ``run_tests`` gives them, every spot, and tables too large to count."""

    problems: list[Problem]
    spots: tuple[Spot, ...]
    not_counted: tuple[str, ...]

    @property
    def percent(self) -> float:
        """Touched spots of a hundred."""
        return 100 * sum(one.touched for one in self.spots) / len(self.spots)


def cover(catalog: Catalog, mapping: m.Mapping, where: Where) -> Coverage:
    """Runs the tests inside a mapping and sees what they touch."""
    trace = Trace()
    problems = run_tests(catalog, mapping, trace.compile)
    outcomes: dict[int, set[str]] = {}
    for done in trace.rules:
        outcomes.setdefault(id(done.rule), set()).add(done.outcome)
    spots = [*_asked(mapping.conditions, "the whole mapping: when", trace), *_rules(mapping.rules, "", trace, outcomes)]
    tables = {table.ref.id: table for table in catalog.candidate(mapping)[-1].tables}
    too_large: list[str] = []
    for name, entry in mapping.tables.items():
        table = tables[entry.use.id] if entry.use else None
        rows = list(entry.rows or () if table is None else dict.fromkeys(key[: len(table.key)] for key in table.rows or ()))
        if table is not None and (table.rows is None or len(table.rows) > SMALL):
            too_large.append(str(table.ref))
            continue
        found = {tuple("" if one is None else str(one) for one in values) for values in trace.looked_up.get(name, ())}
        for index, key in enumerate(rows):
            at = where(table, key) if table is not None else _line(mapping, name, index, key)
            touched = any(one[: len(key)] == key for one in found)
            shown = ", ".join(one or '""' for one in key)
            spots.append(Spot("row", f"{name}: {shown}", at, touched))
    return Coverage(problems, tuple(spots), tuple(dict.fromkeys(too_large)))


def _rules(rules: tuple[m.Rule, ...], at: str, trace: Trace, outcomes: dict[int, set[str]]) -> Iterator[Spot]:
    for rule in rules:
        name = ".".join([*([at] if at else []), *map(str, rule.target)])
        yield from _rule(rule, name, trace, outcomes)


def _rule(rule: m.Rule, name: str, trace: Trace, outcomes: dict[int, set[str]]) -> Iterator[Spot]:
    came = outcomes.get(id(rule), set())
    if rule.has_default:
        yield Spot("default", name, rule.where, "default" in came)
    if isinstance(rule.source, m.When):
        yield from _asked(rule.source.conditions, f"{name}: when", trace)
        for inner in rule.inside:
            yield from _rule(inner, name, trace, outcomes)
        return
    yield Spot("rule", name, rule.where, "set" in came)
    if isinstance(rule.source, m.Each):
        yield from _asked(rule.source.where, f"{name}: where", trace)
        yield from () if rule.source.plain else _rules(rule.source.rules, f"{name}[]", trace, outcomes)


def _asked(conditions: tuple[m.Condition, ...], name: str, trace: Trace) -> Iterator[Spot]:
    for answer, words in ((True, "holds"), (False, "does not hold")) if conditions else ():
        yield Spot("branch", f"{name} {words}", conditions[0].where, answer in trace.held.get(id(conditions), ()))


def _line(mapping: m.Mapping, name: str, index: int, key: tuple[str | None, ...]) -> str:
    body = mapping.document.data["tables"][name]
    place = ("rows", index) if mapping.tables[name].by else (str(key[0]),)
    return mapping.document.at("tables", name, *place) if body else ""
