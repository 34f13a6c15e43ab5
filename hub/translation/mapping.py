"""The model of a mapping file: what was written, checked for grammar, before it is compiled.

A rule has one source and, for a single value, verbs, table look-ups and what happens when the value is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from hub import strictyaml
from hub.message import SchemaRef
from hub.translation.table_rows import Rows
from hub.translation.tables import CodeTable
from hub.translation.verbs import Verb

PathPart = str | int


@dataclass(frozen=True, slots=True)
class SourcePath:
    """A dotted path in the source: from the item of the nearest ``each`` or (``$.``) the root. No parts: itself."""

    parts: tuple[PathPart, ...]
    from_root: bool
    text: str


@dataclass(frozen=True, slots=True)
class Get:
    """The value at a path."""

    path: SourcePath


@dataclass(frozen=True, slots=True)
class Constant:
    """A value written in the mapping."""

    value: Any


@dataclass(frozen=True, slots=True)
class Join:
    """The texts at several paths, missing and empty ones left out."""

    paths: tuple[SourcePath, ...]
    between: str


@dataclass(frozen=True, slots=True)
class FirstOf:
    """The first of several paths that is not missing."""

    paths: tuple[SourcePath, ...]


@dataclass(frozen=True, slots=True)
class ByTable:
    """A look-up by several source fields at once."""

    table: str


@dataclass(frozen=True, slots=True)
class Each:
    """One target item for each source item for which ``where`` holds; paths in it are relative to the item.

    ``rules`` make an object, or (one rule without a target) a plain value of the item itself.
    """

    path: SourcePath
    rules: tuple[Rule, ...]
    where: tuple[Condition, ...] = ()

    @property
    def plain(self) -> bool:
        """The items become plain values."""
        return not self.rules[0].target


@dataclass(frozen=True, slots=True)
class When:
    """One rule if all conditions hold, else another, else nothing."""

    conditions: tuple[Condition, ...]
    then: Rule
    otherwise: Rule | None


@dataclass(frozen=True, slots=True)
class Condition:
    """``kind`` is present, absent, equals, differs (has another value, or none), matches (``value`` is then a regular
    expression for the whole text), in_table (``table`` has a row for the code, one that gives ``value`` if that is not None)
    or not_in_table (the contrary, or no code)."""

    kind: str
    path: SourcePath
    value: Any = None
    where: str = ""
    table: str = ""


Source = Get | Constant | Join | FirstOf | ByTable | Each | When


@dataclass(frozen=True, slots=True)
class Rule:
    """How one target value is made. ``where`` is the file and line of the rule."""

    target: tuple[PathPart, ...]
    source: Source
    where: str
    verbs: tuple[Verb, ...] = ()
    tables: tuple[str, ...] = ()
    optional: bool = False
    has_default: bool = False
    default: Any = None

    @property
    def inside(self) -> tuple[Rule, ...]:
        """The rules directly inside an ``each`` or a ``when``."""
        match self.source:
            case Each(rules=rules):
                return rules
            case When(then=then, otherwise=otherwise):
                return (then, otherwise) if otherwise else (then,)
        return ()


@dataclass(frozen=True, slots=True)
class TableEntry:
    """One entry of ``tables:``: inline ``rows`` or a column of a catalog table; ``by``: looked up by several paths; ``on``:
    where the day stands for which a dated table is asked, ``day`` reads it."""

    name: str
    where: str
    by: tuple[SourcePath, ...] = ()
    use: SchemaRef | None = None
    column: str | None = None
    rows: Rows | None = None
    on: SourcePath | None = None
    day: Callable[[Any], str] | None = None

    @property
    def asked(self) -> tuple[SourcePath, ...]:
        """The paths whose values the look-up takes beside a rule's own."""
        return (*self.by, self.on) if self.on else self.by


@dataclass(frozen=True, slots=True)
class MappingTest:
    """One example inside the mapping; ``tables`` maps ``id@version`` to what replaces the catalog's table."""

    name: str
    where: str
    given: Any
    expect: Any = None
    errors: tuple[tuple[str, str], ...] = ()
    nothing: bool = False
    warnings: tuple[str, ...] = ()
    tables: dict[str, CodeTable] = field(default_factory=dict)


@dataclass(frozen=True)
class Mapping:
    """One version of one mapping file. ``from_ref`` and ``to_ref`` are as written (``dossier@1`` allows any 1.x.y). ``written``
    are the bytes of the file ``source``, ``lines`` says where each name at its top stands, and "" where the first does."""

    ref: SchemaRef
    status: str
    from_ref: SchemaRef
    to_ref: SchemaRef
    empty_is_missing: bool
    conditions: tuple[Condition, ...]
    tables: dict[str, TableEntry]
    rules: tuple[Rule, ...]
    ignore: tuple[tuple[SourcePath, str], ...]
    tests: tuple[MappingTest, ...]
    source: str
    lines: dict[str, int] = field(repr=False)
    written: bytes = field(repr=False)
    sha256: str = ""

    def at(self, name: str = "") -> str:
        """``file:line`` of what stands at the top of the file under this name, or of the file's first."""
        return f"{self.source}:{self.lines.get(name, self.lines[''])}"

    @property
    def document(self) -> strictyaml.Document:
        """The whole file with the line of everything in it, read again: for the tools of those who write mappings."""
        return _read_again(self.written, self.source)


@lru_cache(maxsize=8)
def _read_again(written: bytes, source: str) -> strictyaml.Document:
    return strictyaml.parse(written, source)


def all_rules(rules: tuple[Rule, ...]) -> Iterator[Rule]:
    """Every rule, also those inside ``each`` and ``when``."""
    for rule in rules:
        yield rule
        yield from all_rules(rule.inside)


def own_paths(rule: Rule, tables: dict[str, TableEntry]) -> tuple[SourcePath, ...]:
    """The source paths that the rule itself reads (not those of rules inside it)."""
    asked = tuple(path for name in rule.tables for path in tables[name].asked)
    match rule.source:
        case Get(path):
            return (path, *asked)
        case Each(path, where=where):
            return (path, *(read for read in condition_paths(where, tables) if read.from_root))
        case Join(paths) | FirstOf(paths):
            return (*paths, *asked)
        case ByTable(name):
            return tables[name].asked
        case When(conditions):
            return condition_paths(conditions, tables)
    return asked


def condition_paths(conditions: tuple[Condition, ...], tables: dict[str, TableEntry]) -> tuple[SourcePath, ...]:
    """The source paths that conditions read, also those of the days for which they ask dated tables."""
    return tuple(path for one in conditions for path in (one.path, *(tables[one.table].asked if one.table else ())))


def keyed_rules(mapping: Mapping) -> Iterator[tuple[Rule, Verb]]:
    """The verbs that need a key of config.yaml, with their rules."""
    return ((rule, verb) for rule in all_rules(mapping.rules) for verb in rule.verbs if verb.key)
