"""Reads the examples that stand inside a mapping file."""

from __future__ import annotations

from typing import Any

from hub.strictyaml import NodePath
from hub.translation import mapping as m
from hub.translation.parse_rules import RuleParser
from hub.translation.table_rows import read_rows
from hub.translation.tables import CodeTable

FIELDS: dict[str, str] = {
    "name": "what the example shows",
    "given": "a message in the source schema",
    "expect": "the whole of what comes of it",
    "error": "or the problems that come of it: { at: status, code: not_in_table }, or a list of such",
    "nothing": "or true: nothing comes of it",
    "warnings": "the codes of its warnings, such as [cut]",
    "tables": "tables of the example's own in place of those with these names: { states@1: { key: …, columns: …, rows: … } }",
}
"""What stands in a test of a mapping file."""


class TestParser(RuleParser):
    """Adds the grammar of ``tests:``."""

    __test__ = False  # not a pytest class

    def tests(self, body: Any) -> tuple[m.MappingTest, ...]:
        if not self.is_a(("tests",), body, list, "tests is a list", "write tests: [{ name: …, given: { … }, expect: { … } }]"):
            return ()
        found = [self._test(item, ("tests", index)) for index, item in enumerate(body)]
        return tuple(test for test in found if test)

    def _test(self, body: Any, path: NodePath) -> m.MappingTest | None:
        if not self.is_a(path, body, dict, "a test is a mapping", "write { name: …, given: { … }, expect: { … } }"):
            return None
        before = len(self.problems)
        self.known(body, path, tuple(FIELDS), "a test")
        self.is_a(path, body.get("name") or None, str, "the test has no name", "write name: what it shows", "missing")
        if "given" not in body:
            self.wrong(path, "missing", "the test has nothing given", "write given: { … }")
        if sum((body.get("nothing") is True, "expect" in body, "error" in body)) != 1:
            self.wrong(path, "bad_test", "a test has one of expect, error, nothing", "write expect: { … }")
        errors: list[tuple[str, str]] = []
        listed = body.get("error", [])
        for error in listed if isinstance(listed, list) else [listed]:
            match error:
                case {"at": str(at), "code": str(code)} if len(error) == 2:
                    errors.append((at, code))
                case _:
                    hint = "write { at: status, code: missing }"
                    self.wrong((*path, "error"), "bad_test", "an error is a place and a code", hint)
        warnings = body.get("warnings", [])
        if not isinstance(warnings, list) or not all(isinstance(code, str) for code in warnings):
            self.wrong((*path, "warnings"), "bad_test", "warnings is a list of codes", "write warnings: [cut]")
        tables = body.get("tables", {})
        hint = "write { states@1: { key: …, … } }"
        if not self.is_a((*path, "tables"), tables, dict, "tables is a mapping of tables", hint, "bad_test"):
            tables = {}
        replaced = {name: self._test_table(item, (*path, "tables", name)) for name, item in tables.items()}
        if len(self.problems) > before:
            return None
        return m.MappingTest(
            body["name"],
            self.document.at(*path),
            body["given"],
            body.get("expect"),
            tuple(errors),
            body.get("nothing", False),
            tuple(warnings),
            {name: table for name, table in replaced.items() if table},
        )

    def _test_table(self, body: Any, path: NodePath) -> CodeTable | None:
        match body:
            case {"key": list(key), "columns": list(columns), "rows": list()} if len(body) == 3:
                names = tuple(map(str, columns))
                rows = read_rows(self.document, (*path, "rows"), len(key), names, self.problems)
                return CodeTable(self.ref, tuple(map(str, key)), names, rows, "the test's own table")
        hint = "write { key: [a], columns: [b], rows: [] }"
        self.wrong(path, "bad_test", "a table of a test has key, columns and rows", hint)
        return None
