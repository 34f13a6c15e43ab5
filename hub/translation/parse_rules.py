"""Reads the rules and conditions of a mapping file; whatever is not in the grammar gets a hint what to write."""

from __future__ import annotations

import difflib
import re
from typing import Any

from hub.errors import Problem
from hub.strictyaml import Document, NodePath
from hub.translation import mapping as m
from hub.translation.verbs import Verb, make_verb

_SOURCES = ("get", "value", "join", "first_of", "each", "when")
_COMPARING = ("equals", "differs", "matches")
_WITH = {"join": ("with",), "each": ("set", "where"), "when": ("then", "else")}
_AFTER = ("apply", "table", "default", "optional")


class RuleParser:
    """Walks parts of one document, collecting problems."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.problems: list[Problem] = []

    def wrong(self, path: NodePath, code: str, message: str, hint: str = "") -> None:
        at = ".".join(str(part) for part in path)
        self.problems.append(Problem(at, code, message, hint, self.document.at(*path)))

    def known(self, body: dict[str, Any], path: NodePath, names: tuple[str, ...], what: str) -> None:
        for name in body:
            if name not in names:
                near = difflib.get_close_matches(name, names, 1)
                hint = f"did you mean {near[0]}?" if near else f"one of: {', '.join(names)}"
                self.wrong((*path, name), "unknown_key", f"{what} has no {name[:40]!r}", hint)

    def rules(self, body: dict[str, Any], path: NodePath, tables: dict[str, m.TableEntry]) -> tuple[m.Rule, ...]:
        rules: list[m.Rule] = []
        seen: dict[tuple[m.PathPart, ...], str] = {}
        for target, spec in body.items():
            parts = self._target(target, (*path, target))
            rule = self.rule(spec, (*path, target), parts, tables)
            for other, name in seen.items():
                shorter = min(len(other), len(parts))
                if other[:shorter] == parts[:shorter]:
                    message = f"{target} and {name} set the same place, once as a whole and once in part"
                    self.wrong((*path, target), "set_twice", message, "keep one of them")
                elif any(other[:i] == parts[:i] and type(other[i]) is not type(parts[i]) for i in range(1, shorter)):
                    message = f"{target} and {name} disagree whether the place is a list or an object"
                    self.wrong((*path, target), "set_twice", message, "write positions (0, 1 …) or names, not both")
            seen[parts] = target
            if rule:
                rules.append(rule)
        return tuple(rules)

    def _target(self, text: str, path: NodePath) -> tuple[m.PathPart, ...]:
        parts = self._parts(text)
        if not parts or isinstance(parts[0], int):
            self.wrong(path, "bad_path", "this is no target path", "write a path such as applicant.name")
        return parts or (text,)

    @staticmethod
    def _parts(text: str) -> tuple[m.PathPart, ...]:
        pieces = text.split(".")
        if not all(piece and piece == piece.strip() for piece in pieces):
            return ()
        return tuple(int(piece) if piece.isdecimal() and piece.isascii() and len(piece) < 4 else piece for piece in pieces)

    def path(self, text: Any, path: NodePath) -> m.SourcePath | None:
        if isinstance(text, str):
            if text in ("$", "."):
                return m.SourcePath((), text == "$", text)
            parts = self._parts(text.removeprefix("$."))
            if parts:
                return m.SourcePath(parts, text.startswith("$."), text)
        self.wrong(path, "bad_path", "this is no source path", "write HoSo.SoHoSo, or $.HoSo.SoHoSo from the root")
        return None

    def paths(self, body: Any, path: NodePath) -> tuple[m.SourcePath, ...]:
        if not isinstance(body, list) or not body:
            self.wrong(path, "mistyped", "must be a list of source paths", "write [HoSo.Ho, HoSo.Ten]")
            return ()
        found = [self.path(item, (*path, index)) for index, item in enumerate(body)]
        return tuple(item for item in found if item)

    def rule(self, body: Any, path: NodePath, target: tuple[m.PathPart, ...], tables: dict[str, m.TableEntry]) -> m.Rule | None:
        if not isinstance(body, dict):
            self.wrong(path, "mistyped", "a rule is a mapping with one source", "write { get: HoSo.SoHoSo } or { value: … }")
            return None
        sources = [name for name in _SOURCES if name in body]
        by_name = body.get("table")
        by_table = isinstance(by_name, str) and by_name in tables and bool(tables[by_name].by)
        if len(sources) > 1:
            self.wrong(path, "two_sources", f"the rule has {len(sources)} sources: {', '.join(sources)}", "keep one of them")
            return None
        if by_table and sources:
            self.wrong(path, "two_sources", f"the table {by_name} is looked up by its own fields", f"remove {sources[0]}")
            return None
        if not sources and not by_table:
            self.wrong(path, "no_source", "the rule has no source", f"write one of: {', '.join(_SOURCES)}")
            return None
        kind = sources[0] if sources else "table"
        self.known(body, path, (kind, *_WITH.get(kind, ()), *_AFTER), f"a rule with {kind}")
        before = len(self.problems)
        source = self._source(kind, body, path, target, tables)
        verbs = self._verbs(body.get("apply", []), (*path, "apply"))
        looked_up = () if by_table else self._table_names(body, path, tables)
        plain_each = isinstance(source, m.Each) and source.item is not None
        if kind == "when" or (kind == "each" and not plain_each):
            for name in ("apply", "table"):
                if name in body:
                    self.wrong(
                        (*path, name),
                        "misplaced",
                        f"{name} does not go with {kind}",
                        f"write {name} in the rules inside",
                    )
        if kind == "value" and ({"optional", "default"} & set(body)):
            self.wrong(path, "misplaced", "a constant is never missing", "remove optional and default")
        if not isinstance(body.get("optional", False), bool):
            self.wrong((*path, "optional"), "mistyped", "optional is true or false")
        if body.get("optional") is True and "default" in body:
            self.wrong(path, "two_outcomes", "the rule is optional and has a default", "keep one of them")
        if "default" in body and body["default"] is None:
            self.wrong((*path, "default"), "bad_default", "a default of null is no value", "write optional: true instead")
        if source is None or len(self.problems) > before:
            return None
        if plain_each:
            verbs, looked_up = (), ()
        return m.Rule(
            target,
            source,
            self.document.at(*path),
            verbs,
            looked_up,
            body.get("optional", False),
            "default" in body,
            body.get("default"),
        )

    def _source(
        self,
        kind: str,
        body: dict[str, Any],
        path: NodePath,
        target: tuple[m.PathPart, ...],
        tables: dict[str, m.TableEntry],
    ) -> m.Source | None:
        spec = body.get(kind)
        here = (*path, kind)
        if kind == "get":
            found = self.path(spec, here)
            return m.Get(found) if found else None
        if kind == "value":
            if spec is None:
                self.wrong(here, "bad_value", "a constant cannot be null", "leave the rule out")
            return m.Constant(spec)
        if kind == "join":
            if not isinstance(body.get("with", ""), str):
                self.wrong((*path, "with"), "mistyped", "with is the text between the parts", 'write with: " "')
                return None
            return m.Join(self.paths(spec, here), body.get("with", ""))
        if kind == "first_of":
            return m.FirstOf(self.paths(spec, here))
        if kind == "each":
            return self._each(spec, body, path, tables)
        if kind == "when":
            return self._when(spec, body, path, target, tables)
        return m.ByTable(spec) if isinstance(spec, str) else None

    def _each(self, spec: Any, body: dict[str, Any], path: NodePath, tables: dict[str, m.TableEntry]) -> m.Each | None:
        found = self.path(spec, (*path, "each"))
        where = self.conditions(body["where"], (*path, "where")) if "where" in body else ()
        if "set" in body:
            if not isinstance(body["set"], dict) or not body["set"]:
                self.wrong((*path, "set"), "mistyped", "set has one rule for each field of the item")
                return None
            rules = self.rules(body["set"], (*path, "set"), tables)
            return m.Each(found, rules, None, where) if found else None
        verbs = self._verbs(body.get("apply", []), (*path, "apply"))
        item = m.SourcePath((), False, ".")
        rule = m.Rule((), m.Get(item), self.document.at(*path), verbs, self._table_names(body, path, tables))
        return m.Each(found, (), rule, where) if found else None

    def _when(
        self,
        spec: Any,
        body: dict[str, Any],
        path: NodePath,
        target: tuple[m.PathPart, ...],
        tables: dict[str, m.TableEntry],
    ) -> m.When | None:
        conditions = self.conditions(spec, (*path, "when"))
        if "then" not in body:
            self.wrong(path, "missing", "a rule with when needs then", "write { when: …, then: { get: … } }")
            return None
        then = self.rule(body["then"], (*path, "then"), target, tables)
        otherwise = self.rule(body["else"], (*path, "else"), target, tables) if "else" in body else None
        return m.When(conditions, then, otherwise) if then and conditions else None

    def _verbs(self, body: Any, path: NodePath) -> tuple[Verb, ...]:
        if not isinstance(body, list):
            self.wrong(path, "mistyped", "apply is a list of verbs", "write apply: [trim, upper]")
            return ()
        verbs: list[Verb] = []
        for index, spec in enumerate(body):
            try:
                verbs.append(make_verb(spec))
            except ValueError as error:
                message, _, hint = str(error).partition("; ")
                code = "unknown_verb" if message.startswith("no verb") else "bad_verb"
                self.wrong((*path, index), code, message, hint)
        return tuple(verbs)

    def _table_names(self, body: dict[str, Any], path: NodePath, tables: dict[str, m.TableEntry]) -> tuple[str, ...]:
        if "table" not in body:
            return ()
        names = body["table"] if isinstance(body["table"], list) else [body["table"]]
        for name in names:
            if not isinstance(name, str) or name not in tables:
                known = ", ".join(tables) or "none; write it under tables:"
                self.wrong((*path, "table"), "unknown_table", f"no table is named {str(name)[:40]!r}", f"one of: {known}")
            elif tables[name].by:
                self.wrong(
                    (*path, "table"),
                    "two_sources",
                    f"the table {name} is looked up by its own fields",
                    f"write {{ table: {name} }} alone",
                )
        return tuple(names) if all(isinstance(name, str) for name in names) else ()

    def conditions(self, body: Any, path: NodePath) -> tuple[m.Condition, ...]:
        found: list[m.Condition] = []
        for index, item in enumerate(body if isinstance(body, list) else [body]):
            here = (*path, index) if isinstance(body, list) else path
            if not isinstance(item, dict) or not item:
                self.wrong(
                    here,
                    "bad_condition",
                    "a condition is a mapping",
                    "write { present: path } or { equals: { path: x } }",
                )
                continue
            self.known(item, here, ("present", "absent", *_COMPARING), "a condition")
            for kind in ("present", "absent"):
                read = self.path(item[kind], (*here, kind)) if kind in item else None
                if read:
                    found.append(m.Condition(kind, read, where=self.document.at(*here)))
            found += self._compared(item, here)
        return tuple(found)

    def _compared(self, item: dict[str, Any], here: NodePath) -> list[m.Condition]:
        """``{ equals: { path: value } }``, ``{ differs: … }`` and ``{ matches: { path: regex } }``."""
        found: list[m.Condition] = []
        for kind in _COMPARING:
            pairs = item.get(kind, {})
            if kind in item and (not isinstance(pairs, dict) or not pairs):
                hint = f"write {{ {kind}: {{ path: x }} }}"
                self.wrong((*here, kind), "bad_condition", f"{kind} has a path and a value", hint)
                continue
            for text, value in pairs.items():
                at = (*here, kind, text)
                read = self.path(text, at)
                if value is None or isinstance(value, list | dict):
                    hint = "for null or nothing write { absent: path }"
                    self.wrong(at, "bad_condition", f"{kind} compares with one plain value", hint)
                elif kind == "matches" and not _is_pattern(value):
                    hint = 'write { matches: { path: "[0-9]{12}" } }'
                    self.wrong(at, "bad_condition", "matches needs a regular expression in quotes", hint)
                elif read:
                    found.append(m.Condition(kind, read, value, self.document.at(*at)))
        return found


def _is_pattern(value: Any) -> bool:
    try:
        return isinstance(value, str) and re.compile(value) is not None
    except re.error:
        return False
