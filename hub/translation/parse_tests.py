"""Reads the examples that stand inside a mapping file."""

from __future__ import annotations

from typing import Any

from hub.strictyaml import NodePath
from hub.translation import mapping as m
from hub.translation.parse_rules import RuleParser
from hub.translation.tables import read_rows

_FIELDS = ("name", "given", "expect", "error", "nothing", "warnings", "tables")


class TestParser(RuleParser):
    """Adds the grammar of ``tests:``."""

    __test__ = False  # not a pytest class

    def tests(self, body: Any) -> tuple[m.MappingTest, ...]:
        if not isinstance(body, list):
            self.wrong(("tests",), "mistyped", "tests is a list")
            return ()
        found = [self._test(item, index, ("tests", index)) for index, item in enumerate(body)]
        return tuple(test for test in found if test)

    def _test(self, body: Any, index: int, path: NodePath) -> m.MappingTest | None:
        if not isinstance(body, dict):
            self.wrong(path, "mistyped", "a test is a mapping", "write { name: …, given: { … }, expect: { … } }")
            return None
        before = len(self.problems)
        self.known(body, path, _FIELDS, "a test")
        if not isinstance(body.get("name"), str) or not body["name"]:
            self.wrong(path, "missing", "the test has no name")
        if "given" not in body:
            self.wrong(path, "missing", "the test has nothing given")
        if sum((body.get("nothing") is True, "expect" in body, "error" in body)) != 1:
            self.wrong(path, "bad_test", "a test has one of expect, error, nothing", "write expect: { … }")
        errors: list[tuple[str, str]] = []
        listed = body.get("error", [])
        for error in listed if isinstance(listed, list) else [listed]:
            if (
                not isinstance(error, dict)
                or set(error) != {"at", "code"}
                or not all(isinstance(v, str) for v in error.values())
            ):
                self.wrong(
                    (*path, "error"),
                    "bad_test",
                    "an error is a place and a code",
                    "write { at: status, code: missing }",
                )
            else:
                errors.append((error["at"], error["code"]))
        warnings = body.get("warnings", [])
        if not isinstance(warnings, list) or not all(isinstance(code, str) for code in warnings):
            self.wrong((*path, "warnings"), "bad_test", "warnings is a list of codes", "write warnings: [cut]")
        tables = body.get("tables", {})
        if not isinstance(tables, dict):
            self.wrong((*path, "tables"), "bad_test", "tables is a mapping of tables", "write { states@1: { key: …, … } }")
            tables = {}
        replaced = {name: self._test_table(item, (*path, "tables", name)) for name, item in tables.items()}
        if len(self.problems) > before:
            return None
        return m.MappingTest(
            body["name"],
            self.document.at(*path),
            index,
            body["given"],
            body.get("expect"),
            "expect" in body,
            tuple(errors),
            body.get("nothing", False),
            tuple(warnings),
            {name: table for name, table in replaced.items() if table},
        )

    def _test_table(self, body: Any, path: NodePath) -> m.TestTable | None:
        fields = ("key", "columns", "rows")
        if not isinstance(body, dict) or set(body) != set(fields) or not all(isinstance(body[name], list) for name in fields):
            self.wrong(
                path,
                "bad_test",
                "a table of a test has key, columns and rows",
                "write { key: [a], columns: [b], rows: [] }",
            )
            return None
        rows, problems = read_rows(self.document, (*path, "rows"), len(body["key"]), len(body["columns"]))
        self.problems += problems
        return m.TestTable(tuple(map(str, body["key"])), tuple(map(str, body["columns"])), rows)
