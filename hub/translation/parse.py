"""Reads a mapping file into its model and says, for everything that is not in the grammar, what to write instead."""

from __future__ import annotations

from typing import Any

from hub.errors import BadConfig
from hub.message import SchemaRef
from hub.strictyaml import Document, NodePath
from hub.translation import mapping as m
from hub.translation.parse_tests import TestParser
from hub.translation.tables import read_rows

_TOP = (
    "mapping",
    "version",
    "status",
    "from",
    "to",
    "summary",
    "when",
    "empty_is_missing",
    "tables",
    "set",
    "ignore",
    "tests",
)
_STATUS = ("draft", "stable", "deprecated")


def parse_mapping(ref: SchemaRef, document: Document, sha256: str) -> m.Mapping:
    """Raises BadConfig with every problem of the file."""
    parser = _Parser(document)
    parsed = parser.mapping(ref, sha256)
    if parser.problems or parsed is None:
        raise BadConfig(parser.problems)
    return parsed


class _Parser(TestParser):
    """Adds the top level of the file and ``tables:``."""

    def mapping(self, ref: SchemaRef, sha256: str) -> m.Mapping | None:
        body = self.document.data
        if not isinstance(body, dict):
            self.wrong((), "mistyped", "a mapping file is a YAML mapping", "write mapping:, version:, from:, to:, set: …")
            return None
        self.known(body, (), _TOP, "a mapping")
        for name, expected in (("mapping", ref.id), ("version", ref.version)):
            if self.document.text(name) != expected:
                self.wrong((name,), "bad_id", f"{name} does not agree with the file's place", f"write {name}: {expected}")
        if body.get("status") not in _STATUS:
            self.wrong(("status",), "bad_status", "the status is missing or not known", f"write status: {' | '.join(_STATUS)}")
        from_ref, to_ref = self._ref(body, "from"), self._ref(body, "to")
        if not isinstance(body.get("summary"), str):
            self.wrong(("summary",), "missing", "the mapping has no summary", "write summary: one sentence")
        if not isinstance(body.get("empty_is_missing", False), bool):
            self.wrong(("empty_is_missing",), "mistyped", "empty_is_missing is true or false")
        conditions = self.conditions(body["when"], ("when",)) if "when" in body else ()
        tables = self._tables(body.get("tables", {}))
        if not isinstance(body.get("set"), dict) or not body["set"]:
            self.wrong(("set",), "missing", "the mapping sets nothing", "write set: with one rule for each target field")
            rules: tuple[m.Rule, ...] = ()
        else:
            rules = self.rules(body["set"], ("set",), tables)
        ignore = self._ignore(body.get("ignore", []))
        tests = self.tests(body.get("tests", []))
        if self.problems or from_ref is None or to_ref is None:
            return None
        return m.Mapping(
            ref,
            body["status"],
            from_ref,
            to_ref,
            body["summary"],
            body.get("empty_is_missing", False),
            conditions,
            tables,
            rules,
            ignore,
            tests,
            self.document,
            sha256,
        )

    def _ref(self, body: dict[str, Any], name: str) -> SchemaRef | None:
        try:
            return SchemaRef.parse(str(body.get(name)))
        except ValueError as error:
            self.wrong((name,), "bad_reference", str(error), f"write {name}: dossier@1.0.0")
            return None

    def _ignore(self, body: Any) -> tuple[tuple[m.SourcePath, str], ...]:
        if not isinstance(body, list):
            self.wrong(("ignore",), "mistyped", "ignore is a list of source paths")
            return ()
        found = []
        for index, item in enumerate(body):
            path = self.path(item, ("ignore", index))
            if path:
                found.append((path, self.document.at("ignore", index)))
        return tuple(found)

    def _tables(self, body: Any) -> dict[str, m.TableEntry]:
        if not isinstance(body, dict):
            self.wrong(("tables",), "mistyped", "tables is a mapping of names", "write tables: { status: { OPEN: submitted } }")
            return {}
        return {name: self._table(name, entry, ("tables", name)) for name, entry in body.items()}

    def _table(self, name: str, body: Any, path: NodePath) -> m.TableEntry:
        where = self.document.at(*path)
        nothing = m.TableEntry(name, where)
        if not isinstance(body, dict) or not body:
            self.wrong(path, "mistyped", "a table is rows or a reference", "write { OPEN: submitted } or { use: states@1 }")
            return nothing
        if not ("use" in body or "by" in body):
            rows: dict[tuple[str, ...], tuple[Any, ...]] = {}
            for code, value in body.items():
                if value is None or isinstance(value, float | list | dict):
                    self.wrong((*path, code), "bad_row", "this row's value is no code", "put it in quotes")
                rows[(code,)] = (value,)
            return m.TableEntry(name, where, rows=rows)
        self.known(body, path, ("by", "use", "column", "rows"), "a table")
        by: tuple[m.SourcePath, ...] = ()
        if "by" in body:
            by = self.paths(body["by"], (*path, "by"))
        if ("use" in body) == ("rows" in body):
            self.wrong(path, "bad_table", "a table has either use or rows", "write { use: states@1, column: state }")
            return nothing
        if "rows" in body:
            if "column" in body or not isinstance(body["rows"], list):
                self.wrong((*path, "rows"), "bad_table", "rows are a list, without column", "write rows: [[a, b, x], …]")
                return nothing
            rows, problems = read_rows(self.document, (*path, "rows"), len(by), 1)
            self.problems += problems
            return m.TableEntry(name, where, by, rows=rows)
        if "column" in body and not isinstance(body["column"], str):
            self.wrong((*path, "column"), "mistyped", "column is the name of one column")
        try:
            return m.TableEntry(name, where, by, SchemaRef.parse(str(body["use"])), body.get("column"))
        except ValueError as error:
            self.wrong((*path, "use"), "bad_reference", str(error).replace("a schema", "a table"), "write use: states@1")
            return nothing
