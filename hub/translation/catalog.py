"""All schemas, code tables and mappings of a hub, loaded together, checked together, looked up by reference."""

from __future__ import annotations

import gc
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from hub.errors import BadConfig, Problem, UnknownSchema
from hub.message import SchemaRef
from hub.translation import mapping as m
from hub.translation import ways
from hub.translation.chain import Chain, Step, make_chain
from hub.translation.compile import Compiler, compile_mapping
from hub.translation.files import CAME_WITH_THE_HUB, read_mappings, read_schemas, read_tables, shown_name
from hub.translation.inherited_rows import inherit
from hub.translation.keys import keyed_lookups, public_lookups
from hub.translation.lock import check_locks
from hub.translation.schema import Schema
from hub.translation.tables import CodeTable, make_lookup
from hub.translation.versions import allows, newest, order

MOST_REFERENCES = 1000


@contextmanager
def _no_search_for_garbage() -> Iterator[None]:
    """Loading makes very much and throws little away; looking through all of it again and again takes half of the time."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@dataclass
class Catalog:
    """What the hub can validate and translate. Made by ``Catalog.load``; unchanged afterwards."""

    _schemas: dict[SchemaRef, Schema]
    _tables: dict[SchemaRef, CodeTable]
    _mappings: dict[SchemaRef, m.Mapping]
    warnings: tuple[Problem, ...] = ()
    _keys: Mapping[str, str] | None = field(default=None, repr=False)
    _steps: dict[SchemaRef, tuple[Step, ...]] = field(default_factory=dict)
    _chains: dict[tuple[str | SchemaRef, str | SchemaRef, tuple[SchemaRef, ...]], Chain] = field(default_factory=dict)
    _found: dict[str | SchemaRef, Schema] = field(default_factory=dict)

    @classmethod
    def load(
        cls,
        layers: Sequence[Path],
        fetched_tables: Mapping[str, Sequence[str]] | None = None,
        keys: Mapping[str, str] | None = None,
    ) -> Catalog:
        """Loads hub homes, the first that has a file wins. Raises BadConfig with every problem of every file.

        ``fetched_tables``: tables that a connector can fetch (``id@major`` → columns). One that is not there yet is a
        warning, and look-ups in it fail with the code table_not_fetched. ``keys``: the secret keys of config.yaml by name;
        without them a verb that needs one refuses every value (``no_key``).
        """
        catalog, problems = cls.read(layers, fetched_tables, keys)
        if problems:
            raise BadConfig(problems)
        return catalog

    @classmethod
    @_no_search_for_garbage()
    def read(
        cls,
        layers: Sequence[Path],
        fetched_tables: Mapping[str, Sequence[str]] | None = None,
        keys: Mapping[str, str] | None = None,
    ) -> tuple[Catalog, list[Problem]]:
        """As ``load``, but gives what could be loaded together with the problems, so that ``hub check`` can go on."""
        problems: list[Problem] = []
        for index, home in enumerate(layers):
            problems += check_locks(home, partial(shown_name, layers, index))
        schemas = read_schemas(layers, problems)
        tables = read_tables(layers, problems)
        mappings = read_mappings(layers, problems)
        warnings: list[Problem] = []
        for text, columns in (fetched_tables or {}).items():
            wanted = SchemaRef.parse(text)
            if newest(wanted, tables) is None:
                tables[wanted] = CodeTable(wanted, ("code",), tuple(columns), None)
                message = "the table has not been fetched yet; messages that need it are kept"
                warnings.append(Problem(text, "table_not_fetched", message, "run `hub catalog refresh`"))
        inherit(tables, problems)
        catalog = cls(schemas, tables, mappings, tuple(warnings), keys)
        for ref in list(mappings):
            try:
                catalog._steps[ref] = catalog._compile(mappings[ref])
            except BadConfig as error:
                problems += error.problems
                del mappings[ref]
        return catalog, problems

    def schema(self, ref: str | SchemaRef) -> Schema:
        """The newest schema that the reference allows. Raises UnknownSchema."""
        known = self._found.get(ref)
        if known is not None:
            return known
        schema = self._newest(ref)
        if len(self._found) < MOST_REFERENCES:  # what callers name has no end
            self._found[ref] = schema
        return schema

    def _newest(self, ref: str | SchemaRef) -> Schema:
        try:
            wanted = ref if isinstance(ref, SchemaRef) else SchemaRef.parse(ref)
        except ValueError as error:
            hint = "write id@version, such as dossier@1"
            raise UnknownSchema.one("", "bad_reference", "the schema's name is not id@version", hint) from error
        if wanted in self._schemas:
            return self._schemas[wanted]
        found = newest(wanted, self._schemas)
        if found is None:
            hint = f"one of: {_listed(self.schemas())}"
            raise UnknownSchema.one("", "unknown_schema", f"no schema {wanted} is known", hint)
        return self._schemas[found]

    def schemas(self) -> list[SchemaRef]:
        """All schemas, by name and version."""
        return _sorted(self._schemas)

    def mappings(self) -> list[m.Mapping]:
        """All mappings, by name and version."""
        return [self._mappings[ref] for ref in _sorted(self._mappings)]

    def tables(self) -> list[CodeTable]:
        """All code tables, by name and version."""
        return [self._tables[ref] for ref in _sorted(self._tables)]

    def steps(self, mapping: SchemaRef) -> tuple[Step, ...]:
        """A mapping as compiled, once for each source schema that its ``from`` allows."""
        return self._steps[mapping]

    def chain(self, from_ref: str | SchemaRef, to_ref: str | SchemaRef, via: tuple[SchemaRef, ...] = ()) -> Chain:
        """The shortest way between two schemas, or that of exactly the mappings ``via``; an identity when they agree. Raises
        UnknownSchema or BadConfig."""
        key = (from_ref, to_ref, via)
        chain = self._chains.get(key)
        if chain is None:
            source, wanted = self.schema(from_ref), SchemaRef.parse(str(to_ref))
            target = source if allows(wanted, source.ref) else self.schema(to_ref)
            if via:
                way = ways.pinned(self.every_step(), source.ref, wanted, via)
            else:
                way = ways.the_one(ways.shortest(self.every_step(), source.ref, wanted), source.ref, wanted)
            chain = self._chains[key] = make_chain(source, way[-1].target if way else target, way)
        return chain

    def edges(self) -> ways.Edges:
        """For each schema the steps that leave it and may be taken without a pin."""
        return ways.best_edges(self.every_step())

    def every_step(self) -> Iterator[Step]:
        """Every mapping in every version, as compiled for each source schema that its ``from`` allows."""
        return itertools.chain.from_iterable(self._steps.values())

    def candidate(self, mapping: m.Mapping, compiler: Compiler = compile_mapping) -> tuple[Step, ...]:
        """A mapping as it would be compiled, be it in the catalog or not. Raises BadConfig."""
        return self._compile(mapping, compiler)

    def _compile(self, mapping: m.Mapping, compiler: Compiler = compile_mapping) -> tuple[Step, ...]:
        problems: list[Problem] = []
        sources = [self._schemas[ref] for ref in _sorted(ref for ref in self._schemas if allows(mapping.from_ref, ref))]
        goal = newest(mapping.to_ref, self._schemas)
        for name, wanted, known in (("from", mapping.from_ref, bool(sources)), ("to", mapping.to_ref, goal is not None)):
            if not known:
                hint = f"one of: {_listed(self.schemas())}"
                problems.append(Problem(name, "unknown_schema", f"no schema {wanted} is known", hint, mapping.at(name)))
        tables, lookups = self._lookups(mapping, {}, problems)
        keyed, keys = keyed_lookups(mapping, self._keys, problems)
        if problems or goal is None:
            raise BadConfig(problems)
        run = compiler(mapping, lookups | keyed)
        return tuple(Step(mapping, source, self._schemas[goal], tables, run, keys) for source in sources)

    def step_with_tables(
        self, mapping: m.Mapping, replaced: Mapping[str, CodeTable], compiler: Compiler = compile_mapping
    ) -> Step:
        """The mapping's step with some catalog tables replaced, for its tests. Raises BadConfig if one is unused."""
        own = self._mappings.get(mapping.ref) is mapping
        step = (self._steps[mapping.ref] if own else self._compile(mapping))[-1]
        if not replaced and not step.keys and compiler is compile_mapping:
            return step
        problems: list[Problem] = []
        tables, lookups = self._lookups(mapping, replaced, problems)
        used = {str(entry.use) for entry in mapping.tables.values()}
        for name in [name for name in replaced if name not in used]:
            message, hint = f"the mapping does not use the table {name}", "name the table as its use: does"
            problems.append(Problem(name, "bad_test", message, hint, mapping.at("tests")))
        if problems:
            raise BadConfig(problems)
        return replace(step, tables=tables, run=compiler(mapping, lookups | public_lookups(mapping)))

    def _lookups(
        self, mapping: m.Mapping, replaced: Mapping[str, CodeTable], problems: list[Problem]
    ) -> tuple[tuple[CodeTable, ...], dict[str, Callable[..., Any]]]:
        """The catalog's tables that a mapping uses, and a look-up for each entry of its ``tables``."""
        used: dict[SchemaRef, CodeTable] = {}
        lookups: dict[str, Callable[..., Any]] = {}
        for name, entry in mapping.tables.items():
            try:
                table = self._table(mapping, entry, replaced)
                column = table.column(entry.column)
                width = len(table.key)
                if table.rows is not None and width != (len(entry.by) or 1):
                    keys = f"the table has {width} key columns ({', '.join(table.key)})"
                    raise ValueError(f"{keys}; write by: with {width} paths")
                if table.rows is not None and entry.use and table.dated != (entry.day is not None):
                    problems.append(_wrong_day(entry, table))
                    continue
            except ValueError as error:
                message, _, hint = str(error).partition("; ")
                problems.append(Problem(f"tables.{name}", "bad_table", message, hint, entry.where))
                continue
            add_to = _where_to_add(table)
            lookups[name] = make_lookup(table, column, name, add_to, bool(entry.by), entry.day)
            if entry.use:
                used[table.ref] = table
        return tuple(used.values()), lookups

    def _table(self, mapping: m.Mapping, entry: m.TableEntry, replaced: Mapping[str, CodeTable]) -> CodeTable:
        if entry.use is None:
            keys = tuple(path.text for path in entry.by) or ("code",)
            return CodeTable(mapping.ref, keys, ("value",), entry.rows, f"tables.{entry.name} at {entry.where}")
        if str(entry.use) in replaced:
            return replace(replaced[str(entry.use)], ref=entry.use)
        found = newest(entry.use, self._tables)
        if found is None:
            raise ValueError(f"no table {entry.use} is known; one of: {_listed(table.ref for table in self.tables())}")
        return self._tables[found]


def _sorted(refs: Iterable[SchemaRef]) -> list[SchemaRef]:
    return sorted(refs, key=lambda ref: (ref.id, order(ref)))


def _listed(refs: Iterable[SchemaRef]) -> str:
    return ", ".join(map(str, refs)) or "none"


def _wrong_day(entry: m.TableEntry, table: CodeTable) -> Problem:
    """A dated table without ``on``, or the reverse."""
    at = f"tables.{entry.name}"
    if table.dated:
        message = f"the rows of {table.ref} hold for some days only, and nothing says which day is asked for"
        return Problem(at, "needs_date", message, "write on: and the source path of a date", entry.where)
    return Problem(at, "bad_table", f"the rows of {table.ref} hold on every day", "remove on", entry.where)


def _where_to_add(table: CodeTable) -> str:
    """How a missing row is mended: in a table of the home by hand, in one that came with the hub by a version of one's own."""
    if table.fetched:
        return "run `hub catalog refresh`, or correct the code"
    in_mapping = table.source.startswith("tables.")
    place = table.source.partition(" at ")[2] if in_mapping else table.source
    if not place.startswith(f"{CAME_WITH_THE_HUB}:"):
        return f"add a row to {table.source}"
    major, minor, _ = order(table.ref)
    file = f"{table.ref.id}/{major}.{minor + 1}.0.yaml"
    if in_mapping:
        return f"take the mapping home (`hub catalog export {table.ref} --out mappings/{file}`) and add a row there"
    return f"take the table home (`hub catalog export {table.ref} --out mappings/tables/{file}`) and add a row there"
