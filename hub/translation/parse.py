"""Reads a mapping file into its model and says, for everything that is not in the grammar, what to write instead."""

from __future__ import annotations

from typing import Any

from hub.errors import BadConfig
from hub.message import SchemaRef
from hub.strictyaml import Document, NodePath
from hub.translation import mapping as m
from hub.translation.parse_tests import TestParser
from hub.translation.tables import Rows, read_rows

_TOP = ["mapping", "version", "status", "from", "to", "summary", "when", "empty_is_missing", "tables", "set", "ignore", "tests"]
_STATUS = ("draft", "stable", "deprecated")


def parse_mapping(ref: SchemaRef, document: Document, sha256: str) -> m.Mapping:
    """Raises BadConfig with every problem of the file."""
    parser = _Parser(document, ref)
    parsed = parser.mapping(sha256)
    if parser.problems or parsed is None:
        raise BadConfig(parser.problems)
    return parsed


class _Parser(TestParser):
    """Adds the top level of the file and ``tables:``."""

    def mapping(self, sha256: str) -> m.Mapping | None:
        body = self.document.data
        if not self.is_a((), body, dict, "a mapping file is a YAML mapping", "write mapping:, version:, from:, to:, set: …"):
            return None
        self.known(body, (), _TOP, "a mapping")
        for name, expected in (("mapping", self.ref.id), ("version", self.ref.version)):
            if self.document.text(name) != expected:
                self.wrong((name,), "bad_id", f"{name} does not agree with the file's place", f"write {name}: {expected}")
        if body.get("status") not in _STATUS:
            self.wrong(("status",), "bad_status", "the status is missing or not known", f"write status: {' | '.join(_STATUS)}")
        from_ref, to_ref = (self.reference((name,), body.get(name), f"write {name}: dossier@1.0.0") for name in ("from", "to"))
        summary = body.get("summary")
        self.is_a(("summary",), summary, str, "the mapping has no summary", "write summary: one sentence", "missing")
        empty = body.get("empty_is_missing", False)
        self.is_a(("empty_is_missing",), empty, bool, "empty_is_missing is true or false")
        conditions = self.conditions(body["when"], ("when",)) if "when" in body else ()
        self._tables(body.get("tables", {}))
        rules: tuple[m.Rule, ...] = ()
        hint = "write set: with one rule for each target field"
        if self.is_a(("set",), body.get("set") or None, dict, "the mapping sets nothing", hint, "missing"):
            rules = self.rules(body["set"], ("set",))
        ignored = body.get("ignore", [])
        ignore: tuple[tuple[m.SourcePath, str], ...] = ()
        if self.is_a(("ignore",), ignored, list, "ignore is a list of source paths"):
            read = [(self.path(item, ("ignore", i)), self.document.at("ignore", i)) for i, item in enumerate(ignored)]
            ignore = tuple((path, where) for path, where in read if path)
        tests = self.tests(body.get("tests", []))
        if self.problems or from_ref is None or to_ref is None:
            return None
        status = body["status"]
        return m.Mapping(
            self.ref, status, from_ref, to_ref, empty, conditions, self.tables, rules, ignore, tests, self.document, sha256
        )

    def _tables(self, body: Any) -> None:
        if self.is_a(("tables",), body, dict, "tables is a mapping of names", "write tables: { status: { OPEN: submitted } }"):
            for name, entry in body.items():
                where = self.document.at("tables", name)
                self.tables[name] = self._table(name, entry, ("tables", name), where) or m.TableEntry(name, where)

    def _table(self, name: str, body: Any, path: NodePath, where: str) -> m.TableEntry | None:
        hint = "write { OPEN: submitted } or { use: states@1 }"
        if not self.is_a(path, body or None, dict, "a table is rows or a reference", hint):
            return None
        if not ("use" in body or "by" in body):
            rows: Rows = {}
            for code, value in body.items():
                if value is None or isinstance(value, float | list | dict):
                    self.wrong((*path, code), "bad_row", "this row's value is no code", "put it in quotes")
                rows[(code,)] = (value,)
            return m.TableEntry(name, where, rows=rows)
        self.known(body, path, ("by", "use", "column", "rows"), "a table")
        by = self.paths(body["by"], (*path, "by")) if "by" in body else ()
        if ("use" in body) == ("rows" in body):
            self.wrong(path, "bad_table", "a table has either use or rows", "write { use: states@1, column: state }")
            return None
        if "rows" in body:
            if "column" in body or not isinstance(body["rows"], list):
                self.wrong((*path, "rows"), "bad_table", "rows are a list, without column", "write rows: [[a, b, x], …]")
                return None
            return m.TableEntry(name, where, by, rows=read_rows(self.document, (*path, "rows"), len(by), 1, self.problems))
        column = body.get("column")
        if "column" in body:
            self.is_a((*path, "column"), column, str, "column is the name of one column")
        use = self.reference((*path, "use"), body["use"], "write use: states@1", "a table")
        return m.TableEntry(name, where, by, use, column) if use else None
