"""Shows what each rule of a mapping did with a message: the same function, written out with a note at each turn.

It is for those who write mappings: a ``Trace`` holds values of the message, so it belongs to no log and no store.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from hub.errors import Problem
from hub.translation import mapping as m
from hub.translation.compile import Lookups, Run, Writer
from hub.translation.refusal import Refusal

_SET, _DEFAULT = "trace.set({})", "trace.default({})"


@dataclass(slots=True)
class RuleTrace:
    """One rule at work. ``outcome``: set, default, left out (optional), of a ``when``: then, else or skipped, and the code of
    its problem where there is one. ``changes``: each verb and table in order, with what it gave, or the Refusal."""

    target: str
    rule: m.Rule
    depth: int
    reads: tuple[tuple[str, Any], ...]
    changes: list[tuple[str, Any]] = field(default_factory=list)
    outcome: str = ""
    value: Any = None


class Trace:
    """What happened in the runs of what ``compile`` made. ``held``: for each group of conditions (by ``id``) the answers they
    gave; ``looked_up``: the keys that were found in each entry of ``tables``."""

    def __init__(self) -> None:
        self.rules: list[RuleTrace] = []
        self.held: dict[int, set[bool]] = {}
        self.looked_up: dict[str, set[tuple[Any, ...]]] = {}
        self._open: list[tuple[int, int]] = []

    def compile(self, mapping: m.Mapping, lookups: Lookups) -> Run:
        """As ``compile_mapping``, with notes."""
        noted = {name: self._noted_table(name, lookups[name]) for name in mapping.tables}
        return _TracingWriter(mapping, {**lookups, **noted}, self).compiled()

    # ── called by the compiled mapping
    def begin(self, rule: m.Rule, target: str, paths: tuple[str, ...], problems: list[Problem], *values: Any) -> None:
        depth = len(self._open)
        self.rules.append(RuleTrace(target, rule, depth, tuple(zip(paths, values, strict=True))))
        self._open.append((len(self.rules) - 1, len(problems)))

    def end(self, problems: list[Problem]) -> None:
        number, before = self._open.pop()
        done, inside = self.rules[number], len(self.rules) > number + 1
        chosen = isinstance(done.rule.source, m.When)
        if chosen and inside:
            done.outcome = "then" if self.rules[number + 1].rule is done.rule.inside[0] else "else"
        elif not done.outcome:
            done.value = done.rule.default
            without = "default" if done.rule.has_default else "skipped" if chosen else "left out"
            done.outcome = problems[before].code if len(problems) > before else without

    def set(self, value: Any) -> Any:
        return self._assigned("set", value)

    def default(self, value: Any) -> Any:
        return self._assigned("default", value)

    def _assigned(self, outcome: str, value: Any) -> Any:
        done = self.rules[self._open[-1][0]]
        done.outcome, done.value = outcome, value
        return value

    def asked(self, conditions: int, holds: bool) -> bool:
        self.held.setdefault(conditions, set()).add(holds)
        return holds

    def noted(self, name: str, change: Callable[..., Any]) -> Callable[..., Any]:
        """The verb or look-up, noted beside the rule that called it."""

        def call(*values: Any) -> Any:
            try:
                found = change(*values)
            except Refusal as refusal:
                found = refusal
            if self._open:
                self.rules[self._open[-1][0]].changes.append((name, found))
            if isinstance(found, Refusal):
                raise found
            return found

        return call

    def _noted_table(self, name: str, look_up: Callable[..., Any]) -> Callable[..., Any]:
        def found(*values: Any) -> Any:
            value = look_up(*values)
            self.looked_up.setdefault(name, set()).add(values)
            return value

        return self.noted(f"table {name}", found)


class _TracingWriter(Writer):
    """Writes the same source, with calls of the trace at the beginning and end of each rule and where it assigns."""

    def __init__(self, mapping: m.Mapping, lookups: Lookups, trace: Trace) -> None:
        super().__init__(mapping, lookups)
        self.trace = trace
        self.names["trace"] = trace
        self._written = dict(written_verbs(mapping))
        self._verbs: Iterator[str] = iter(())

    def name(self, letter: str, value: Any) -> str:
        return super().name(letter, self.trace.noted(next(self._verbs), value) if letter == "V" else value)

    def _holds(self, conditions: tuple[m.Condition, ...], scope: Any) -> str:
        return f"trace.asked({id(conditions)}, bool({super()._holds(conditions, scope)}))"

    def _rule(self, rule: m.Rule, scope: Any, at: str, assign: str) -> None:
        self._verbs = iter(self._written.get(id(rule), ()))
        paths = m.own_paths(rule, self.mapping.tables)
        read = ", ".join(["problems", *(self._read(path, scope) for path in paths)])
        place = f"{at!r}.format({', '.join(scope.positions)})"
        self.line(f"trace.begin({super().name('K', rule)}, {place}, {tuple(path.text for path in paths)!r}, {read})")
        if not isinstance(rule.source, m.When):
            head, _, tail = assign.rpartition("{}")
            assign = f"{head}{_SET}{tail}"
        super()._rule(rule, scope, at, assign)
        self.line("trace.end(problems)")

    def _if_missing(self, rule: m.Rule, assign: str, site: str, where: str) -> None:
        head, _, tail = assign.rpartition(_SET)
        super()._if_missing(rule, f"{head}{_DEFAULT}{tail}", site, where)


def written_verbs(mapping: m.Mapping) -> Iterator[tuple[int, tuple[str, ...]]]:
    """The verbs of each rule (by ``id``) as the file has them: ``trim``, ``cut 1000``."""

    def walk(rule: m.Rule, body: Any) -> Iterator[tuple[int, tuple[str, ...]]]:
        yield id(rule), tuple(map(_verb, body.get("apply", ())))
        match rule.source:
            case m.Each(rules=rules) as each:
                if each.plain:
                    yield from walk(rules[0], {"apply": body.get("apply", ())})
                else:
                    yield from walk_all(rules, body["set"])
            case m.When():
                for inner, name in zip(rule.inside, ("then", "else"), strict=False):
                    yield from walk(inner, body[name])

    def walk_all(rules: tuple[m.Rule, ...], body: Any) -> Iterator[tuple[int, tuple[str, ...]]]:
        for rule, written in zip(rules, body.values(), strict=True):
            yield from walk(rule, written)

    yield from walk_all(mapping.rules, mapping.document.data["set"])


def _verb(spec: Any) -> str:
    return " ".join(f"{name} {argument}" for name, argument in spec.items()) if isinstance(spec, dict) else str(spec)
