"""Reads the rules of a mapping file; whatever is not in the grammar gets a hint what to write."""

from __future__ import annotations

from typing import Any, NamedTuple

from hub.strictyaml import NodePath
from hub.translation import mapping as m
from hub.translation.expressions import SlowPattern
from hub.translation.parse_conditions import ConditionParser, path_parts
from hub.translation.verbs import Verb, make_verb

MOST_NESTED = {"each": 8, "when": 40}
"""How deep rules of a kind may stand in one another: Python takes source only so deep."""


class Form(NamedTuple):
    """One source of a rule: its further keys, its meaning, an example."""

    keys: tuple[str, ...]
    meaning: str
    example: str


SOURCES: dict[str, Form] = {
    "get": Form((), "the value at a path", "{ get: HoSo.SoHoSo }"),
    "value": Form((), "a constant, any JSON", "{ value: submitted }"),
    "join": Form(("with",), "the texts at several paths, without those that are missing", '{ join: [Ho, Ten], with: " " }'),
    "first_of": Form((), "the first of several paths that has a value", "{ first_of: [DiDong, DienThoai] }"),
    "each": Form(
        ("set", "where"),
        "one item for each item of a list for which all of `where` hold; paths inside begin at the item, `$.` at the root; "
        f"without `set` each item itself; at most {MOST_NESTED['each']} in one another",
        "{ each: TaiLieu, where: { present: Ten }, set: { title: { get: Ten }, urls: { each: Tep.DuongDan } } }",
    ),
    "when": Form(
        ("then", "else"),
        f"one rule if all conditions hold, else another, else nothing; at most {MOST_NESTED['when']} in one another",
        "{ when: { equals: { LoaiChu: CN } }, then: { get: SoDinhDanh }, else: { get: MaSoThue } }",
    ),
}  # fmt: skip
"""What a value may come from; a rule has one, or just a table with ``by``."""
AFTER: dict[str, tuple[str, str]] = {
    "apply": ("verbs, one after the other; a missing value passes them by", "{ get: Email, apply: [trim, lower] }"),
    "table": ("then a look-up in a table of `tables`, or in several; a code without a row is an error",
              "{ get: TrangThai, table: status }"),
    "default": ("the value where there is none; never for a code without a row", "{ get: Email, default: none }"),
    "optional": ("true: nothing where there is no value; else that is an error", "{ get: Email, optional: true }"),
}  # fmt: skip
"""What may stand beside a source."""
_TABLE = Form((), "", "")
_RULES = "write set: { title: { get: Ten } }"


class RuleParser(ConditionParser):
    """Adds the grammar of ``set:``."""

    def rules(self, body: dict[str, Any], path: NodePath) -> tuple[m.Rule, ...]:
        rules: list[m.Rule] = []
        seen: dict[tuple[m.PathPart, ...], str] = {}
        for target, spec in body.items():
            here = (*path, target)
            parts = path_parts(target)
            if not parts or isinstance(parts[0], int):
                self.wrong(here, "bad_path", "this is no target path", "write a path such as applicant.name")
            parts = parts or (target,)
            rule = self.rule(spec, here, parts)
            for other, name in seen.items():
                shorter = min(len(other), len(parts))
                if other[:shorter] == parts[:shorter]:
                    message = f"{target} and {name} set the same place, once as a whole and once in part"
                    self.wrong(here, "set_twice", message, "keep one of them")
                elif any(other[:i] == parts[:i] and type(other[i]) is not type(parts[i]) for i in range(1, shorter)):
                    message = f"{target} and {name} disagree whether the place is a list or an object"
                    self.wrong(here, "set_twice", message, "write positions (0, 1 …) or names, not both")
            seen[parts] = target
            if rule:
                rules.append(rule)
        return tuple(rules)

    def rule(self, body: Any, path: NodePath, target: tuple[m.PathPart, ...]) -> m.Rule | None:
        hint = "write { get: HoSo.SoHoSo } or { value: … }"
        if not self.is_a(path, body, dict, "a rule is a mapping with one source", hint):
            return None
        before = len(self.problems)
        sources = [name for name in SOURCES if name in body]
        by_name = body.get("table")
        by_table = isinstance(by_name, str) and by_name in self.tables and bool(self.tables[by_name].by)
        if len(sources) > 1:
            self.wrong(path, "two_sources", f"the rule has {len(sources)} sources: {', '.join(sources)}", "keep one of them")
        elif by_table and sources:
            self.wrong(path, "two_sources", f"the table {by_name} is looked up by its own fields", f"remove {sources[0]}")
        elif not sources and not by_table:
            self.wrong(path, "no_source", "the rule has no source", f"write one of: {', '.join(SOURCES)}")
        if len(self.problems) > before:
            return None
        kind = sources[0] if sources else "table"
        self.known(body, path, (kind, *SOURCES.get(kind, _TABLE).keys, *AFTER), f"a rule with {kind}")
        source = self._source(kind, body, path, target)
        plain_each = isinstance(source, m.Each) and source.plain
        verbs = () if plain_each else self._verbs(body, path)
        looked_up = () if plain_each or by_table else self._table_names(body, path)
        self._outcome(kind, body, path, plain_each)
        if source is None or len(self.problems) > before:
            return None
        where, optional = self.document.at(*path), body.get("optional", False)
        return m.Rule(target, source, where, verbs, looked_up, optional, "default" in body, body.get("default"))

    def _outcome(self, kind: str, body: dict[str, Any], path: NodePath, plain_each: bool) -> None:
        """What may stand beside a source: changes, and what happens when the value is missing."""
        if kind in ("when", "each") and not plain_each:
            for name in ("apply", "table"):
                if name in body:
                    hint = f"write {name} in the rules inside"
                    self.wrong((*path, name), "misplaced", f"{name} does not go with {kind}", hint)
        if kind == "value" and {"optional", "default"} & body.keys():
            self.wrong(path, "misplaced", "a constant is never missing", "remove optional and default")
        self.is_a((*path, "optional"), body.get("optional", False), bool, "optional is true or false", "write optional: true")
        if body.get("optional") is True and "default" in body:
            self.wrong(path, "two_outcomes", "the rule is optional and has a default", "keep one of them")
        if "default" in body and body["default"] is None:
            self.wrong((*path, "default"), "bad_default", "a default of null is no value", "write optional: true instead")

    def _source(self, kind: str, body: dict[str, Any], path: NodePath, target: tuple[m.PathPart, ...]) -> m.Source | None:
        spec, here = body[kind], (*path, kind)
        match kind:
            case "get":
                found = self.path(spec, here)
                return m.Get(found) if found else None
            case "value":
                if spec is None:
                    self.wrong(here, "bad_value", "a constant cannot be null", "leave the rule out")
                return m.Constant(spec)
            case "join":
                between = body.get("with", "")
                if not self.is_a((*path, "with"), between, str, "with is the text between the parts", 'write with: " "'):
                    return None
                return m.Join(self.paths(spec, here), between)
            case "first_of":
                return m.FirstOf(self.paths(spec, here))
            case "each" | "when":
                return self._with_rules(kind, body, path, target)
        return m.ByTable(spec)

    def _with_rules(
        self, kind: str, body: dict[str, Any], path: NodePath, target: tuple[m.PathPart, ...]
    ) -> m.Each | m.When | None:
        """A rule with rules inside, as deep as the source nests that the mapping becomes."""
        most = MOST_NESTED[kind]
        if self.open.count(kind) == most:
            message = f"{kind} stands more than {most} deep in {kind}"
            self.wrong((*path, kind), "too_deep", message, "nest them less, or write two mappings")
            return None
        self.open.append(kind)
        found = self._each(body, path) if kind == "each" else self._when(body, path, target)
        self.open.pop()
        return found

    def _each(self, body: dict[str, Any], path: NodePath) -> m.Each | None:
        found = self.path(body["each"], (*path, "each"))
        where = self.conditions(body["where"], (*path, "where")) if "where" in body else ()
        if "set" not in body:
            item = m.Get(m.SourcePath((), False, "."))
            verbs, names = self._verbs(body, path), self._table_names(body, path)
            return m.Each(found, (m.Rule((), item, self.document.at(*path), verbs, names),), where) if found else None
        if not self.is_a((*path, "set"), body["set"] or None, dict, "set has one rule for each field of the item", _RULES):
            return None
        rules = self.rules(body["set"], (*path, "set"))
        return m.Each(found, rules, where) if found and rules else None

    def _when(self, body: dict[str, Any], path: NodePath, target: tuple[m.PathPart, ...]) -> m.When | None:
        conditions = self.conditions(body["when"], (*path, "when"))
        if "then" not in body:
            self.wrong(path, "missing", "a rule with when needs then", "write { when: …, then: { get: … } }")
            return None
        then = self.rule(body["then"], (*path, "then"), target)
        otherwise = self.rule(body["else"], (*path, "else"), target) if "else" in body else None
        return m.When(conditions, then, otherwise) if then and conditions else None

    def _verbs(self, body: dict[str, Any], path: NodePath) -> tuple[Verb, ...]:
        specs = body.get("apply", [])
        if not self.is_a((*path, "apply"), specs, list, "apply is a list of verbs", "write apply: [trim, upper]"):
            return ()
        verbs: list[Verb] = []
        for index, spec in enumerate(specs):
            try:
                verbs.append(make_verb(spec))
            except ValueError as error:
                message, _, hint = str(error).partition("; ")
                here, slow = (*path, "apply", index), isinstance(error.__cause__, SlowPattern)
                code = "slow_pattern" if slow else "unknown_verb" if message.startswith("no verb") else "bad_verb"
                self.wrong(here, code, message, hint)
        return tuple(verbs)

    def _table_names(self, body: dict[str, Any], path: NodePath) -> tuple[str, ...]:
        given = body.get("table", [])
        names = given if isinstance(given, list) else [given]
        for name in names:
            if not isinstance(name, str) or name not in self.tables:
                known = ", ".join(self.tables) or "none; write it under tables:"
                self.wrong((*path, "table"), "unknown_table", f"no table is named {str(name)[:40]!r}", f"one of: {known}")
            elif self.tables[name].by:
                message, hint = f"the table {name} is looked up by its own fields", f"write {{ table: {name} }} alone"
                self.wrong((*path, "table"), "two_sources", message, hint)
        return tuple(names)
