"""Finds rules that can never work because of what the source and the target schema say of types, lists and fields.

Only what is sure is told: alternatives are joined, and what has no type may be anything. Values that stand in the mapping are
looked at in ``fixed_values``.
"""

from __future__ import annotations

from collections.abc import Iterator

from hub.errors import Problem
from hub.translation import mapping as m
from hub.translation.chain import Step
from hub.translation.shape import Parts, Shape

_Path = tuple[m.PathPart, ...]
_CODE = "never_fits"


def misfits(step: Step) -> Iterator[Problem]:
    """One problem for each such rule, with its line."""
    return _Rules(step).of(step.mapping.rules, step.target.shape, (), ())


class _Rules:
    def __init__(self, step: Step) -> None:
        self.source = step.source.shape
        self.from_, self.to = step.source.ref, step.target.ref

    def of(self, rules: tuple[m.Rule, ...], target: Shape, at: Parts, item: _Path) -> Iterator[Problem]:
        """``target`` and ``at``: where the rules put things; ``item``: where the items of the nearest ``each`` are."""
        for rule in rules:
            if isinstance(rule.source, m.When):  # its rules have its own target
                yield from self.of(rule.inside, target, at, item)
                continue
            names = (*at, *(part for part in rule.target if isinstance(part, str)))
            text = ".".join(map(str, (*at, *rule.target)))
            node = target.find(rule.target)
            if wrong := _wrong_place(rule.target, target):
                message, hint = wrong
                yield Problem(text, _CODE, f"by the schema {self.to} {message}", hint, rule.where)
                continue
            if node is None or not rule.target:  # unknown_target_path, or the plain items of a list
                continue
            types = node.types if isinstance(rule.target[-1], str) else frozenset()
            match rule.source:
                case m.Each(path, inner):
                    full = _full(path, item)
                    if types and not node.listed:
                        yield self.never(text, "each makes a list", types, "write get or a position of the list", rule)
                    elif (from_ := self.found(full)) and from_.types and not (from_.listed or from_.keyed):
                        message = (
                            f"{_text(full)} is {_words(from_.types)} by the schema {self.from_}: each finds no items in it"
                        )
                        yield Problem(text, _CODE, message, "write get", rule.where)
                    else:
                        yield from self.of(inner, node, names, (*full, 0))
                case m.Get(path) if not (rule.verbs or rule.tables):
                    yield from self.copied(text, _full(path, item), node, types, rule)
                case m.FirstOf(paths) if not (rule.verbs or rule.tables):
                    for path in paths:
                        yield from self.copied(text, _full(path, item), node, types, rule)
                case m.Join() if types and "string" not in types and not (rule.verbs or rule.tables):
                    yield self.never(text, "join makes a text", types, "add a verb that makes it, such as to_integer", rule)

    def found(self, full: _Path) -> Shape | None:
        """What is known of the value at a path; the items of a list are not told apart from it."""
        return self.source.find(full) if full and isinstance(full[-1], str) else None

    def copied(self, text: str, full: _Path, node: Shape, types: frozenset[str], rule: m.Rule) -> Iterator[Problem]:
        """What is copied as it is, with everything below it."""
        source = self.found(full)
        if source is None:
            return
        if _apart(source.types, types):
            hint = "add a verb that makes it, such as to_integer, or get another field"
            if "array" in types:
                hint = f"write each, or one position of the list: {text}.0"
            yield self.never(text, f"{_text(full)} is {_words(source.types)}", types, hint, rule)
        elif types and (refused := list(_refused(source, node, tuple(part for part in full if isinstance(part, str))))):
            message = f"the schema {self.to} refuses {' and '.join(map('.'.join, refused))}, which would be copied too"
            yield Problem(text, "field_refused", message, "write a rule for each field that shall come there", rule.where)

    def never(self, text: str, what: str, types: frozenset[str], hint: str, rule: m.Rule) -> Problem:
        return Problem(text, _CODE, f"{what}, and the schema {self.to} wants {_words(types)} here", hint, rule.where)


def _full(path: m.SourcePath, item: _Path) -> _Path:
    return (*(() if path.from_root else item), *path.parts)


def _text(path: _Path) -> str:
    return ".".join(part for part in path if isinstance(part, str))


def _words(types: frozenset[str]) -> str:
    return " or ".join(sorted(types - {"null"})) or "null"


def _apart(source: frozenset[str], target: frozenset[str]) -> bool:
    """Has no value of the one a type of the other? A number may be an integer; null counts as no value."""
    values = {"number" if one == "integer" else one for one in source - {"null"}}
    return bool(values and target) and values.isdisjoint({"number" if one == "integer" else one for one in target})


def _wrong_place(path: _Path, target: Shape) -> tuple[str, str] | None:
    """A name that goes into a list, or a position in what is none: in words, and what to write."""
    for index in range(1, len(path)):
        node = target.find(path[:index])
        if node is None or isinstance(path[index - 1], int):
            continue
        name, part = ".".join(map(str, path[:index])), path[index]
        if isinstance(part, str) and node.listed and not node.keyed:
            return f"{name} is a list, and only its items have {part}", f"write {name}.0.{part}, or a rule for {name} with each"
        if isinstance(part, int) and not node.listed and (node.keyed or node.types):
            return f"{name} is no list and has no position {part}", "leave the position out"
    return None


def _refused(source: Shape, target: Shape, at: Parts) -> Iterator[Parts]:
    """The fields of a group that a closed group lacks."""
    for name, child in source.fields.items():
        if name in target.fields:
            yield from _refused(child, target.fields[name], (*at, name))
        elif target.closed and not target.free:
            yield (*at, name)
