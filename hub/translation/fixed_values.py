"""Finds values that a mapping fixes itself (constants, defaults, what its tables give) and that its target schema never takes.

Only what is sure is told: types, lists of allowed values and lengths, on the way of properties, items, local $ref and allOf.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hub.errors import Problem
from hub.translation import mapping as m
from hub.translation.chain import Step
from hub.translation.runtime import same
from hub.translation.shape import resolve
from hub.translation.tables import CodeTable
from hub.translation.versions import newest

_TYPES: dict[type, frozenset[str]] = {
    bool: frozenset({"boolean"}),
    int: frozenset({"integer", "number"}),
    float: frozenset({"number"}),
    str: frozenset({"string"}),
    list: frozenset({"array"}),
    dict: frozenset({"object"}),
}


def never_fitting(mapping: m.Mapping, step: Step) -> Iterator[Problem]:
    """One problem for each value that cannot go where its rule puts it, with the rule's line."""
    yield from _Target(mapping, step).rules(mapping.rules, [step.target.document], ())


def table_of(entry: m.TableEntry, tables: tuple[CodeTable, ...]) -> CodeTable | None:
    """Of a step's tables the one that the entry asks; None for an entry with rows of its own."""
    known = {table.ref: table for table in tables}
    found = newest(entry.use, known) if entry.use else None
    return known[found] if found else None


class _Target:
    """The target schema of one mapping; ``nodes`` are the schemas that must all hold at a place of it."""

    def __init__(self, mapping: m.Mapping, step: Step) -> None:
        self.mapping = mapping
        self.step = step

    def rules(self, rules: tuple[m.Rule, ...], nodes: list[Any], at: tuple[m.PathPart, ...]) -> Iterator[Problem]:
        for rule in rules:
            here = nodes
            for part in rule.target:
                here = self._below(here, part)
            place = (*at, *rule.target)
            for what, value in self._fixed(rule):
                wrong = next((words for node in self._all(here) if (words := _misfit(value, node))), "")
                if wrong:
                    message = f"{what} can never stand here: the schema {self.step.target.ref} {wrong}"
                    hint = "write a value that the schema allows"
                    yield Problem(".".join(map(str, place)), "never_fits", message, hint, rule.where)
            match rule.source:
                case m.Each(rules=inner):
                    yield from self.rules(inner, self._below(here, 0), place)
                case m.When():  # its rules have its own target
                    yield from self.rules(rule.inside, nodes, at)

    def _fixed(self, rule: m.Rule) -> Iterator[tuple[str, Any]]:
        """What the rule can give that stands in the mapping or its tables."""
        if rule.has_default:
            yield "the default", rule.default
        names = (rule.source.table,) if isinstance(rule.source, m.ByTable) else rule.tables
        if isinstance(rule.source, m.Constant) and not rule.verbs and not names:
            yield "the constant", rule.source.value
        if names and not (rule.verbs and isinstance(rule.source, m.ByTable)):
            entry = self.mapping.tables[names[-1]]
            table = table_of(entry, self.step.tables)
            rows, column = (table.rows, table.column(entry.column)) if table else (entry.rows, 0)
            for value in dict.fromkeys(row[column] for row in (rows or {}).values()):
                yield f"what a row of the table {entry.name} gives", value

    def _below(self, nodes: list[Any], part: m.PathPart) -> list[Any]:
        found = []
        for node in self._all(nodes):
            items = None if "prefixItems" in node else node.get("items")
            inner = items if isinstance(part, int) else node.get("properties", {}).get(part)
            found += [inner] if isinstance(inner, dict) else []
        return found

    def _all(self, nodes: list[Any]) -> Iterator[dict[str, Any]]:
        """The schemas with those they refer to."""
        waiting, seen = list(nodes), set()
        while waiting:
            node = waiting.pop(0)
            if isinstance(node, dict) and id(node) not in seen:
                seen.add(id(node))
                yield node
                waiting += node.get("allOf", [])
                if str(node.get("$ref", "")).startswith("#"):
                    waiting.append(resolve(self.step.target.document, node["$ref"]))


def _misfit(value: Any, node: dict[str, Any]) -> str:
    """Why the schema never takes the value, in words; empty when it may."""
    types = node.get("type", [])
    types = [types] if isinstance(types, str) else types
    own = "integer" if isinstance(value, float) and value.is_integer() else ""
    if types and not (_TYPES[type(value)] | {own}) & {*types}:
        return f"wants {' or '.join(sorted(types))}"
    allowed = [node["const"]] if "const" in node else node.get("enum")
    if allowed is not None and not any(same(value, one) for one in allowed):
        return "allows other values only"
    if isinstance(value, str) and not node.get("minLength", 0) <= len(value) <= node.get("maxLength", len(value)):
        return f"wants {node.get('minLength', 0)} to {node.get('maxLength', 'any number of')} characters"
    return ""
