"""Turns a mapping into one Python function, written out as source so that a message costs microseconds.

The function reads each source object once, goes on after a bad field and thereby collects every problem of a message;
each rule appears in it once. Values travel in ``v``: None is missing, FAILED is a problem already noted.
"""

from __future__ import annotations

import linecache
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from hub.errors import Problem
from hub.translation import mapping as m
from hub.translation import runtime
from hub.translation.refusal import Refusal

Run = Callable[[Any, list[Problem], list[Problem]], Any]
Lookups = dict[str, Callable[..., Any]]
Compiler = Callable[[m.Mapping, Lookups], Run]


def compile_mapping(mapping: m.Mapping, lookups: Lookups) -> Run:
    """A function ``run(obj, problems, warnings)`` that gives the target object, or None when ``when`` does not hold.

    ``lookups`` has one function for each entry of the mapping's ``tables``, and one for each verb with a key.
    When ``problems`` is not empty afterwards the object is incomplete and must not be used. The source is written and compiled
    at the first use: of a large catalog most mappings are on no route, and their code is half of the catalog's memory.
    """
    made: list[Run] = []

    def run(obj: Any, problems: list[Problem], warnings: list[Problem]) -> Any:
        if not made:
            made.append(Writer(mapping, lookups).compiled())
        return made[0](obj, problems, warnings)

    return run


@dataclass(frozen=True, slots=True)
class _Scope:
    """The root, or the item of one ``each``: its variable, the dict and value variables of paths read from it."""

    variable: str
    root: _Scope | None
    positions: tuple[str, ...]
    prefixes: dict[tuple[m.PathPart, ...], str]
    read: tuple[m.PathPart, ...] = ()

    def of(self, path: m.SourcePath) -> _Scope:
        return self.root if path.from_root and self.root else self


def _comment(text: str) -> str:
    """One line of a comment, whatever the text has in it."""
    return "# " + "".join(one if one.isprintable() else "?" for one in " ".join(text.split()))


class Writer:
    """Writes the source; ``names`` are the objects it refers to."""

    def __init__(self, mapping: m.Mapping, lookups: Lookups) -> None:
        self.mapping = mapping
        self.lookups = lookups
        self.names: dict[str, Any] = {
            "EMPTY": runtime.EMPTY,
            "FAILED": runtime.FAILED,
            "Refusal": Refusal,
            "item": runtime.item_at,
            "same": runtime.same,
            "matches": runtime.matches,
            "in_table": runtime.in_table,
            "join": runtime.join,
            "close_lists": runtime.close_lists,
            "not_a_list": runtime.not_a_list,
        }
        self.lines: list[str] = []
        self.depth = 0
        self.count = 0
        self.at = ""

    def line(self, text: str) -> None:
        self.lines.append("    " * self.depth + text)

    @contextmanager
    def block(self, head: str) -> Iterator[None]:
        """What is written inside is indented below ``head``."""
        self.line(head)
        self.depth += 1
        yield
        self.depth -= 1

    def fresh(self, letter: str) -> str:
        self.count += 1
        return f"{letter}{self.count}"

    def name(self, letter: str, value: Any) -> str:
        name = self.fresh(letter)
        self.names[name] = value
        return name

    def compiled(self) -> Run:
        """The function of the source."""
        source, name = self.write(), f"<mapping {self.mapping.ref}>"
        linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
        exec(compile(source, name, "exec"), self.names)
        run: Run = self.names["run"]
        return run

    def write(self) -> str:
        scope = _Scope("root", None, (), {})
        rules, conditions = self.mapping.rules, self.mapping.conditions
        with self.block("def run(root, problems, warnings):"):
            read = m.condition_paths(conditions, self.mapping.tables)
            self._prefixes(scope, [*read, *self._paths(rules, nested=False), *self._root_paths(rules)])
            if conditions:
                self.line(f"if not ({self._holds(conditions, scope)}): return None")
            self._object("out", rules, scope, "")
            self.line("return out")
        return "\n".join(self.lines) + "\n"

    def _paths(self, rules: tuple[m.Rule, ...], nested: bool) -> list[m.SourcePath]:
        """The paths that rules read in their own scope (inside ``when`` too, inside ``each`` not)."""
        found: list[m.SourcePath] = []
        for rule in rules:
            found += [p for p in m.own_paths(rule, self.mapping.tables) if not (nested and p.from_root)]
            if isinstance(rule.source, m.When):
                found += self._paths(rule.inside, nested)
        return found

    def _root_paths(self, rules: tuple[m.Rule, ...]) -> list[m.SourcePath]:
        every = m.all_rules(rules)
        return [path for rule in every for path in m.own_paths(rule, self.mapping.tables) if path.from_root]

    def _prefixes(self, scope: _Scope, paths: list[m.SourcePath]) -> None:
        """Reads every object on the way to some path once, the outer ones first."""
        parents: dict[tuple[m.PathPart, ...], set[type]] = {}
        for path in paths:
            for length in range(len(path.parts)):
                parents.setdefault(path.parts[:length], set()).add(type(path.parts[length]))
        for parts in sorted(parents, key=len):
            value = self._expression(scope, parts)
            if str in parents[parts]:
                variable = self.fresh("d")
                self.line(f"{variable} = {value}")
                self.line(f"if type({variable}) is not dict: {variable} = EMPTY")
                scope.prefixes[parts] = variable
            if int in parents[parts]:
                variable = self.fresh("l")
                self.line(f"{variable} = {value}")
                scope.prefixes[(*parts, -1)] = variable

    def _expression(self, scope: _Scope, parts: tuple[m.PathPart, ...]) -> str:
        if not parts:
            return scope.variable
        last = parts[-1]
        if isinstance(last, int):
            return f"item({scope.prefixes[(*parts[:-1], -1)]}, {last})"
        return f"{scope.prefixes[parts[:-1]]}.get({last!r})"

    def _read(self, path: m.SourcePath, scope: _Scope) -> str:
        return self._expression(scope.of(path), path.parts)

    def _missing(self, expression: str) -> str:
        if not self.mapping.empty_is_missing:
            return f"{expression} is None"
        return f"{expression} in (None, '')" if not expression.isidentifier() else f"{expression} is None or {expression} == ''"

    def _holds(self, conditions: tuple[m.Condition, ...], scope: _Scope) -> str:
        tests = []
        for condition in conditions:
            value = self._read(condition.path, scope)
            if condition.kind in ("equals", "differs"):
                plain = isinstance(condition.value, str)
                equal = f"{value} == {condition.value!r}" if plain else f"same({value}, {condition.value!r})"
                tests.append(equal if condition.kind == "equals" else f"not ({equal})")
            elif condition.kind == "matches":
                tests.append(f"matches({value}, {condition.value!r})")
            elif condition.table:
                site = self.name("R", runtime.Site(self.at, f"{condition.where} {condition.path.text}", condition.path.text))
                asked = "".join(", " + self._read(path, scope) for path in self.mapping.tables[condition.table].asked)
                look_up = self.name("T", self.lookups[condition.table])
                where = f"({''.join(position + ', ' for position in scope.positions)})"
                found = f"in_table({look_up}, {condition.value!r}, problems, {site}, {where}, {value}{asked})"
                held = f"not ({self._missing(value)}) and {found}"
                tests.append(f"({held})" if condition.kind == "in_table" else f"not ({held})")
            else:
                missing = self._missing(value)
                tests.append(f"not ({missing})" if condition.kind == "present" else f"({missing})")
        return " and ".join(tests)

    def _object(self, out: str, rules: tuple[m.Rule, ...], scope: _Scope, at: str) -> None:
        self.line(f"{out} = {{}}")
        for rule in rules:
            parts = rule.target
            holder = out + "".join(f".setdefault({part!r}, {{}})" for part in parts[:-1])
            target = f"{at}.{self._dotted(parts)}" if at else self._dotted(parts)
            self._rule(rule, scope, target, f"{holder}[{parts[-1]!r}] = {{}}")
        lists = {rule.target[:i] for rule in rules for i, part in enumerate(rule.target) if isinstance(part, int)}
        for path in sorted(lists, key=len, reverse=True):
            self.line(f"close_lists({out}, {path!r})")

    @staticmethod
    def _dotted(parts: tuple[m.PathPart, ...]) -> str:
        return ".".join(str(part).replace("{", "{{").replace("}", "}}") for part in parts)

    def _rule(self, rule: m.Rule, scope: _Scope, at: str, assign: str) -> None:
        """Writes one rule; ``assign`` is a statement with ``{}`` where the value goes."""
        self.at = at
        if isinstance(rule.source, m.When):
            self._when(rule, rule.source, scope, at, assign)
            return
        paths = m.own_paths(rule, self.mapping.tables)
        words = [".".join(map(str, (*(() if path.from_root else scope.read), *path.parts))) or "(whole)" for path in paths]
        site = self.name("R", runtime.Site(at, f"{rule.where} {', '.join(words)}".rstrip(), ", ".join(words)))
        where = f"({''.join(position + ', ' for position in scope.positions)})"
        self.line(_comment(f"{at}: {rule.where}"))
        if isinstance(rule.source, m.Each):
            self._each(rule, rule.source, scope, at, assign, site, where)
            return
        if isinstance(rule.source, m.Constant) and not rule.verbs and not rule.tables:
            self._assign(assign, repr(rule.source.value))
            return
        self._value(rule, scope, site, where)
        self._finish(rule, assign, site, where, can_fail=bool(rule.verbs or rule.tables) or not isinstance(rule.source, m.Get))

    def _assign(self, assign: str, value: str) -> None:
        self.line(assign[: assign.rindex("{}")] + value + assign[assign.rindex("{}") + 2 :])

    def _when(self, rule: m.Rule, source: m.When, scope: _Scope, at: str, assign: str) -> None:
        with self.block(f"if {self._holds(source.conditions, scope)}:"):
            self._rule(source.then, scope, at, assign)
        if source.otherwise:
            with self.block("else:"):
                self._rule(source.otherwise, scope, at, assign)
        elif rule.has_default:
            with self.block("else:"):
                self._assign(assign, repr(rule.default))

    def _value(self, rule: m.Rule, scope: _Scope, site: str, where: str) -> None:
        """Leaves the rule's value in ``v``: read, changed by verbs, looked up."""
        steps: list[str] = []
        match rule.source:
            case m.Get(path):
                self.line(f"v = {self._read(path, scope)}")
            case m.Constant(value):
                self.line(f"v = {value!r}")
            case m.FirstOf(paths):
                self.line(f"v = {self._read(paths[0], scope)}")
                for path in paths[1:]:
                    self.line(f"if {self._missing('v')}: v = {self._read(path, scope)}")
            case m.Join(paths, between):
                steps.append(f"v = join({between!r}, ({''.join(self._read(p, scope) + ', ' for p in paths)}))")
            case m.ByTable(name):
                looked = self.name("T", self.lookups[name])
                arguments = ", ".join(self._read(p, scope) for p in self.mapping.tables[name].asked)
                steps.append(f"v = {looked}({arguments})")
        if steps:
            self._attempt(steps, site, where)
        changes: list[str] = []
        for verb in rule.verbs:
            change = self.name("V", self.lookups[verb.lookup] if verb.key else verb.change)
            step = [f"v = {change}(v)"]
            if verb.warning:
                step = [f"w = {change}(v)", f"if w is not v: warnings.append({site}.warned({verb.warning!r}, {where})); v = w"]
            changes += self._unless_emptied(step, first=not changes)
        for name in rule.tables:
            asked = "".join(", " + self._read(p, scope) for p in self.mapping.tables[name].asked)
            changes += self._unless_emptied([f"v = {self.name('T', self.lookups[name])}(v{asked})"], first=not changes)
        if changes:
            with self.block(f"if not ({self._missing('v')}{' or v is FAILED' if steps else ''}):"):
                self._attempt(changes, site, where)

    def _unless_emptied(self, steps: list[str], first: bool) -> list[str]:
        """Steps that pass a value by when one before made it empty, where that is missing."""
        return steps if first or not self.mapping.empty_is_missing else ["if v != '':", *("    " + step for step in steps)]

    def _attempt(self, steps: list[str], site: str, where: str) -> None:
        self.line("try:")
        for step in steps:
            self.line("    " + step)
        self.line("except Refusal as refusal:")
        self.line(f"    problems.append({site}.refused(refusal, {where}, len(problems))); v = FAILED")

    def _finish(self, rule: m.Rule, assign: str, site: str, where: str, can_fail: bool) -> None:
        """Sets the target from ``v``, or does what the rule says about a missing value."""
        self._if_missing(rule, assign, site, where)
        with self.block("elif v is not FAILED:" if can_fail else "else:"):
            self._assign(assign, "v")

    def _if_missing(self, rule: m.Rule, assign: str, site: str, where: str) -> None:
        with self.block(f"if {self._missing('v')}:"):
            if rule.has_default:
                self._assign(assign, repr(rule.default))
            else:
                self.line("pass" if rule.optional else f"problems.append({site}.missing({where}))")

    def _each(self, rule: m.Rule, source: m.Each, scope: _Scope, at: str, assign: str, site: str, where: str) -> None:
        items, position, item = self.fresh("items"), self.fresh("i"), self.fresh("it")
        self.line(f"v = {self._read(source.path, scope)}")
        self.line("if type(v) is dict: v = [v]")
        self._if_missing(rule, assign, site, where)
        with self.block("elif type(v) is not list:"):
            self.line(f"problems.append({site}.refused(not_a_list(v), {where}))")
        with self.block("else:"):
            self.line(f"{items} = []")
            with self.block(f"for {position}, {item} in enumerate(v):"):
                read = (*(() if source.path.from_root else scope.read), *source.path.parts)
                inner = _Scope(item, scope.root or scope, (*scope.positions, position), {}, read)
                own = [path for path in m.condition_paths(source.where, self.mapping.tables) if not path.from_root]
                self._prefixes(inner, [*own, *self._paths(source.rules, nested=True)])
                if source.where:
                    self.line(f"if not ({self._holds(source.where, inner)}): continue")
                if source.plain:
                    self._rule(source.rules[0], inner, f"{at}.{{}}", f"{items}.append({{}})")
                else:
                    out = self.fresh("o")
                    self._object(out, source.rules, inner, f"{at}.{{}}")
                    self.line(f"{items}.append({out})")
            self._assign(assign, items)
