"""Reads a mapping file into its model and says, for everything that is not in the grammar, what to write instead."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hub.errors import BadConfig
from hub.message import SchemaRef
from hub.strictyaml import Document, NodePath
from hub.translation import mapping as m
from hub.translation.parse_tests import TestParser
from hub.translation.table_rows import Rows, make_day_reader, read_rows

TOP: dict[str, str] = {
    "mapping": "the name of the mapping, which is that of its folder",
    "version": "major.minor.patch, which is the name of the file; a released file never changes",
    "status": "draft (taken only where a route pins its full version), stable, or deprecated (taken where no stable ones lead)",
    "from": "the schema that is read: id@version, such as one-stop@1 for all of 1.x",
    "to": "the schema that comes of it: id@version",
    "summary": "one sentence: what becomes what",
    "when": "conditions on the whole message; where they do not hold, nothing comes of it",
    "empty_is_missing": "true: an empty text counts as no value",
    "tables": "code tables by the name that rules and conditions use",
    "set": "one rule for each field of the target, by its dotted path",
    "ignore": "source paths that nobody reads, on purpose; without it that is `silent_loss`",
    "tests": "examples that `hub check` and `hub map test` run",
}
"""What stands at the top of a mapping file."""
TABLES = {
    "{ OPEN: submitted, DONE: decided }": "code and value, written here",
    "{ use: npsp-states@1, column: name }": "a column of a table file; `column` may be left out where there is one",
    "{ by: [TrangThai, TrangThaiCon], use: opencps-states@1, column: state }": "looked up by several paths, one for each key "
    "column; a path without a value is asked as an empty text",
    '{ by: [TrangThai, TrangThaiCon], rows: [[OPEN, "", submitted]] }': "the same, written here",
    "{ use: units@1, column: name, on: NgayNhan }": "a table whose rows hold for some days only: `on` is where the day stands, "
    "or `{ path: NgayNhan, format: dd/MM/yyyy }`",
}
"""Each form of an entry of ``tables`` with its meaning."""
STATUS = ("draft", "stable", "deprecated")


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
        self.known(body, (), tuple(TOP), "a mapping")
        for name, expected in (("mapping", self.ref.id), ("version", self.ref.version)):
            if self.document.text(name) != expected:
                self.wrong((name,), "bad_id", f"{name} does not agree with the file's place", f"write {name}: {expected}")
        if body.get("status") not in STATUS:
            self.wrong(("status",), "bad_status", "the status is missing or not known", f"write status: {' | '.join(STATUS)}")
        from_ref, to_ref = (self.reference((name,), body.get(name), f"write {name}: dossier@1.0.0") for name in ("from", "to"))
        summary = body.get("summary")
        self.is_a(("summary",), summary, str, "the mapping has no summary", "write summary: one sentence", "missing")
        empty = body.get("empty_is_missing", False)
        self.is_a(("empty_is_missing",), empty, bool, "empty_is_missing is true or false", "write true or false")
        self._tables(body.get("tables", {}))
        conditions = self.conditions(body["when"], ("when",)) if "when" in body else ()
        rules: tuple[m.Rule, ...] = ()
        hint = "write set: with one rule for each target field"
        if self.is_a(("set",), body.get("set") or None, dict, "the mapping sets nothing", hint, "missing"):
            rules = self.rules(body["set"], ("set",))
        ignored = body.get("ignore", [])
        ignore: tuple[tuple[m.SourcePath, str], ...] = ()
        if self.is_a(("ignore",), ignored, list, "ignore is a list of source paths", "write ignore: [HoSo.GhiChu]"):
            read = [(self.path(item, ("ignore", i)), self.document.at("ignore", i)) for i, item in enumerate(ignored)]
            ignore = tuple((path, where) for path, where in read if path)
        tests = self.tests(body.get("tests", []))
        if self.problems or from_ref is None or to_ref is None:
            return None
        document = self.document
        lines = {"": document.lines[()]} | {name: document.lines[(name,)] for name in body}
        return m.Mapping(
            self.ref, body["status"], from_ref, to_ref, empty, conditions, self.tables, rules, ignore, tests,
            document.source, lines, document.written, sha256,
        )  # fmt: skip

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
        self.known(body, path, ("by", "use", "column", "rows", "on"), "a table")
        by = self.paths(body["by"], (*path, "by")) if "by" in body else ()
        if ("use" in body) == ("rows" in body):
            self.wrong(path, "bad_table", "a table has either use or rows", "write { use: states@1, column: state }")
            return None
        if "rows" in body:
            if {"column", "on"} & body.keys() or not isinstance(body["rows"], list):
                self.wrong((*path, "rows"), "bad_table", "rows are a list, without column and on", "write rows: [[a, b, x], …]")
                return None
            read = read_rows(self.document, (*path, "rows"), len(by), ("value",), self.problems)
            return m.TableEntry(name, where, by, rows=read)
        column = body.get("column")
        if "column" in body:
            self.is_a((*path, "column"), column, str, "column is the name of one column", "write column: name")
        use = self.reference((*path, "use"), body["use"], "write use: states@1", "a table")
        on, day = self._on(body["on"], (*path, "on")) if "on" in body else (None, None)
        return m.TableEntry(name, where, by, use, column, on=on, day=day) if use else None

    def _on(self, body: Any, path: NodePath) -> tuple[m.SourcePath | None, Callable[[Any], str] | None]:
        """``on: NgayNhan`` or ``on: { path: NgayNhan, format: dd/MM/yyyy }``: the day for which a dated table is asked."""
        spec = dict(body) if isinstance(body, dict) else {"path": body}
        at = path if spec.keys() == {"path"} else (*path, "path")
        found = self.path(spec.pop("path", None), at)
        try:
            return found, make_day_reader(found.text, spec) if found else None
        except ValueError as error:
            message, _, hint = str(error).partition("; ")
            self.wrong(path, "bad_table", message, hint or "write on: { path: NgayNhan, format: dd/MM/yyyy }")
        return None, None
