"""Translates a message through one mapping or several, and proves by a digest which rules were applied.

What comes out always fits its schema: each step's result is validated, and a misfit names the rule that made it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from hub.errors import Problem, SchemaInvalid, TranslationFailed
from hub.message import SchemaRef
from hub.translation.compile import Run
from hub.translation.mapping import Each, Mapping, Rule, own_paths
from hub.translation.schema import Schema
from hub.translation.tables import CodeTable
from hub.values import value

ENGINE_VERSION = "1"
"""Raised whenever the same mapping would give another result; part of every chain's digest."""


@value(frozen=True, slots=True)
class Translation:
    """What came out: plain JSON in the target schema (never to be changed in place), and what has to be recorded."""

    body: Any
    warnings: tuple[Problem, ...] = ()


@dataclass(frozen=True)
class Step:
    """One compiled mapping between two exact schemas, with the tables it uses."""

    mapping: Mapping
    source: Schema
    target: Schema
    tables: tuple[CodeTable, ...]
    run: Run = field(repr=False)
    keys: tuple[tuple[str, str], ...] = ()
    """The names of the keys of config.yaml that its verbs use, each with its key's fingerprint."""

    def translate(self, obj: Any, warnings: list[Problem]) -> Any:
        """The target object, None when ``when`` does not hold. Raises TranslationFailed with every problem."""
        problems: list[Problem] = []
        body = self.run(obj, problems, warnings)
        if problems:
            raise TranslationFailed(problems)
        if body is not None:
            check(body, self.target, self.mapping)
        return body


@dataclass(frozen=True)
class Chain:
    """The way from one schema to another. ``digest`` changes exactly when an input of the translation changes."""

    source: Schema
    target: Schema
    steps: tuple[Step, ...]
    digest: str

    @property
    def mappings(self) -> tuple[SchemaRef, ...]:
        """The mappings in the order they are applied; none for an identity."""
        return tuple(step.mapping.ref for step in self.steps)

    def translate(self, obj: Any) -> Translation | None:
        """Translates a message that fits ``source``. None when a mapping's ``when`` does not hold: nothing to send.

        Raises TranslationFailed; each problem has the target path, ``file:line source.path`` and one of the codes
        missing, not_in_table, table_not_fetched, no_key, bad_date, bad_value, too_long, pattern, schema_invalid.
        """
        warnings: list[Problem] = []
        body = obj
        for step in self.steps:
            body = step.translate(body, warnings)
            if body is None:
                return None
        if not self.steps:
            check(body, self.target, None)
        return Translation(body, tuple(warnings))


def make_chain(source: Schema, target: Schema, steps: Sequence[Step]) -> Chain:
    """Puts steps together and computes the digest over the bytes of all that decides the result."""
    digest = hashlib.sha256(f"engine {ENGINE_VERSION}\n".encode())

    def add(kind: str, ref: SchemaRef, sha256: str) -> None:
        digest.update(f"{kind} {ref} {sha256 or 'absent'}\n".encode())

    add("schema", source.ref, source.sha256)
    for step in steps:
        add("mapping", step.mapping.ref, step.mapping.sha256)
        for table in sorted(step.tables, key=lambda table: table.ref):
            add("table", table.ref, table.sha256)
        for name, fingerprint in sorted(step.keys):
            digest.update(f"key {name} {fingerprint}\n".encode())
        add("schema", step.target.ref, step.target.sha256)
    return Chain(source, target, tuple(steps), digest.hexdigest())


def check(body: Any, schema: Schema, mapping: Mapping | None) -> None:
    """Raises TranslationFailed when the body does not fit the schema; each problem names the rule behind it."""
    try:
        schema.validate(body)
    except SchemaInvalid as error:
        problems = []
        for problem in error.problems:
            at = ".".join(part.replace("~1", "/").replace("~0", "~") for part in problem.at.split("/")[1:])
            source = rule_source(mapping, tuple(at.split("."))) if mapping else ""
            message = f"{problem.message} (schema {schema.ref})"
            problems.append(Problem(at, "schema_invalid", message, problem.hint, source))
        raise TranslationFailed(problems) from error


def rule_source(mapping: Mapping, target: tuple[str, ...]) -> str:
    """``file:line source.path`` of the rule nearest to a target path, or the line of ``set`` when no rule is near."""
    names = tuple(part for part in target if not part.isdecimal())
    found = _nearest(mapping.rules, names)
    if found is None:
        return mapping.at("set")
    paths = [".".join(map(str, path.parts)) for path in own_paths(found, mapping.tables)]
    return " ".join([found.where, *([", ".join(paths)] if any(paths) else [])])


def _nearest(rules: tuple[Rule, ...], names: tuple[str, ...]) -> Rule | None:
    for rule in rules:
        own = tuple(part for part in rule.target if isinstance(part, str))
        if own and own == names[: len(own)]:
            return (_nearest(rule.source.rules, names[len(own) :]) if isinstance(rule.source, Each) else None) or rule
    return None
