"""Lint finds what loads and is wrong all the same: silent loss, mistyped paths, unset targets, failing examples."""

from __future__ import annotations

from typing import Any

import pytest

from hub.errors import Problem
from hub.translation.lint import lint_catalog

TEXT = {"type": "string"}
PAPER = {
    "type": "object",
    "additionalProperties": False,
    "properties": {"title": TEXT, "url": TEXT},
    "required": ["title"],
}
ADDRESS = {
    "type": "object",
    "additionalProperties": False,
    "properties": {"street": TEXT, "ward": TEXT},
    "required": ["ward"],
}
PROPERTIES = {
    "code": TEXT,
    "count": {"type": "integer"},
    "address": {"anyOf": [{"$ref": "#/$defs/address"}, {"type": "null"}]},
    "papers": {"type": "array", "items": {"$ref": "#/$defs/paper"}},
    "more": {"type": "object", "additionalProperties": TEXT},
}
DEFS = {"$defs": {"address": ADDRESS, "paper": PAPER}}
WHOLE = """\
set:
  code: { get: code, optional: true }
  count: { get: count, optional: true }
  address.ward: { get: address.ward, optional: true }
  papers: { each: papers, optional: true, set: { title: { get: title } } }
  more.x: { get: more.x, optional: true }
ignore: [address.street, papers.url, more]
"""
TESTS = "tests:\n  - { name: one, given: { code: A }, expect: { code: A } }\n"


@pytest.fixture
def house(home: Any) -> Any:
    home.schema("in@1.0.0", PROPERTIES, **DEFS)
    home.schema("out@1.0.0", PROPERTIES, **DEFS)
    return home


def lint(home: Any, body: str) -> list[Problem]:
    home.mapping(body)
    return lint_catalog(home.catalog())


def test_a_complete_mapping_is_clean(house: Any) -> None:
    """Everything read or ignored, everything required set, an example that holds."""
    assert lint(house, WHOLE + TESTS) == []


@pytest.mark.parametrize(
    ("old", "new", "at", "code", "line"),
    [
        ("  count: { get: count, optional: true }\n", "", "count", "silent_loss", 7),
        ("address.street, ", "", "address.street", "silent_loss", 7),
        (", papers.url", "", "papers.url", "silent_loss", 7),
        (
            "  papers: { each: papers, optional: true, set: { title: { get: title } } }\n",
            "",
            "papers.title",
            "silent_loss",
            7,
        ),
        ("get: code,", "get: cod,", "cod", "unknown_source_path", 8),
        ("get: address.ward", "get: address.wart", "address.wart", "unknown_source_path", 10),
        ("{ get: title }", "{ get: titel }", "papers.titel", "unknown_source_path", 11),
        ("papers.url", "papers.uri", "papers.uri", "unknown_source_path", 13),
        ("ignore: [", "ignore: [code, ", "code", "ignored_but_read", 13),
        ("  count: {", "  cuont: {", "cuont", "unknown_target_path", 9),
        ("  address.ward: {", "  address.city: {", "address.city", "unknown_target_path", 10),
        ("set: { title:", "set: { tittle:", "papers.tittle", "unknown_target_path", 11),
        ("  address.ward: {", "  address.street: {", "address.ward", "required_unset", 7),
        ("set: { title:", "set: { url:", "papers.title", "required_unset", 11),
        ("set:\n", "tables: { idle: { A: b } }\nset:\n", "tables.idle", "unused_table", 7),
        (
            "  count: {",
            '  count: { when: { equals: { count: "1" } }, then: { value: 1 } }\n  x: {',
            "count",
            "never_equal",
            9,
        ),
    ],
)
def test_a_fault_is_found_with_its_line(house: Any, old: str, new: str, at: str, code: str, line: int) -> None:
    """Each kind of fault, planted into a clean mapping, is named at its place with what to write instead."""
    assert old in WHOLE
    found = lint(house, WHOLE.replace(old, new, 1) + TESTS)
    problem = next(p for p in found if (p.at, p.code) == (at, code))
    assert problem.source == f"mappings/m/1.0.0.yaml:{line}"
    assert problem.hint


def test_reading_an_object_reads_what_is_below(house: Any) -> None:
    """A copied object or list loses nothing; a condition on it alone does not carry it."""
    rules = "set:\n  code: { first_of: [code, count], apply: [to_string] }\n  address: { get: address, optional: true }\n"
    assert (
        lint(
            house,
            rules
            + "  papers: { each: papers, optional: true }\n  more: { get: more }\n"
            + TESTS.replace("A }", "A, more: {} }"),
        )
        == []
    )
    found = lint(house, rules + '  more.p: { when: { present: papers }, then: { value: "1" } }\nignore: [more]\n' + TESTS)
    assert [(p.at, p.code) for p in found] == [("papers.title", "silent_loss"), ("papers.url", "silent_loss")]


def test_an_untouched_object_is_named_once(house: Any) -> None:
    """Not once for each of its fields."""
    found = lint(house, "set: { code: { get: code } }\nignore: [count, papers, more]\n" + TESTS)
    assert [(p.at, p.code) for p in found] == [("address", "silent_loss")]


def test_open_schemas_forgive_unknown_fields_but_not_slips(home: Any) -> None:
    """Real systems send more than a schema says; a path one letter beside a defined field is a slip."""
    home.schema("in@1.0.0", {"dossierNo": TEXT}, additionalProperties=True)
    home.schema("out@1.0.0", {"a": TEXT, "b": TEXT})
    found = lint(
        home,
        "set: { a: { get: dosierNo }, b: { get: extra } }\nignore: [dossierNo]\n"
        + "tests: [{ name: n, given: { extra: x }, error: { at: a, code: missing } }]\n",
    )
    assert [(p.at, p.code, p.hint) for p in found] == [("dosierNo", "unknown_source_path", "did you mean dossierNo?")]


def test_a_required_field_of_the_message_must_be_set(house: Any) -> None:
    """Required at the top, required inside an object that is set; not inside one that nobody sets."""
    house.schema("out@1.0.0", PROPERTIES, required=("code", "count"), **DEFS)
    found = lint(
        house,
        "set: { more.x: { get: code } }\nignore: [count, papers, more, address]\n"
        + "tests: [{ name: n, given: {}, error: { at: more.x, code: missing } }]\n",
    )
    assert [(p.at, p.code) for p in found] == [("code", "required_unset"), ("count", "required_unset")]


def test_a_mapping_without_examples_is_a_finding(house: Any) -> None:
    """Every mapping has at least one test."""
    assert [p.code for p in lint(house, WHOLE)] == ["no_tests"]


def test_a_code_table_that_no_mapping_uses_is_a_finding(house: Any) -> None:
    """An older version of a table in use is not; a fetched table is not either."""
    for name, version, more in (
        ("used", "1.0.0", ""),
        ("used", "1.1.0", ""),
        ("idle", "1.0.0", ""),
        ("got", "1.20261121.0", "fetched: {}\n"),
    ):
        house.write(
            f"mappings/tables/{name}/{version}.yaml",
            f"table: {name}\nversion: {version}\nkey: [k]\ncolumns: [v]\nrows: [[A, A]]\n{more}",
        )
    body = "tables: { u: { use: used@1 } }\n" + WHOLE.replace("code: { get: code,", "code: { get: code, table: u,") + TESTS
    assert [(p.at, p.code, p.source) for p in lint(house, body)] == [
        ("idle", "unused_table", "mappings/tables/idle/1.0.0.yaml")
    ]


EXAMPLES = """\
tables: { t: { use: t@1 } }
set:
  code: { get: code, table: t }
  more.x: { get: more.x, optional: true, apply: [{ cut: 5 }] }
when: { present: code }
ignore: [count, address, papers, more]
tests:
"""


@pytest.mark.parametrize(
    ("test", "message"),
    [
        ("expect: { code: x }, given: { code: A }", None),
        ("expect: { code: y }, given: { code: A }", 'expected "y", got "x"'),
        ("expect: { code: x, count: 1 }, given: { code: A }", "count: test 'n': expected 1, got nothing"),
        ("expect: {}, given: { code: A }", 'expected nothing, got "x"'),
        ("expect: { code: x }, given: { code: B }", "not_in_table"),
        ("expect: { code: x }, given: {}", "nothing came out"),
        ("nothing: true, given: {}", None),
        ("nothing: true, given: { code: A }", "expected nothing"),
        ("error: { at: code, code: not_in_table }, given: { code: B }", None),
        ("error: { at: code, code: missing }, given: { code: B }", "got not_in_table at code"),
        ("error: { at: code, code: missing }, given: { code: A }", "it was translated"),
        ("expect: { code: x }, given: { code: A, count: many }", "given.count: test 'n': what is given does not fit"),
        (
            "expect: { code: x, more: { x: 12... } }, given: { code: A, more: { x: '123456' } }",
            "expected the warnings []",
        ),
        ("expect: { code: x, more: { x: 12... } }, given: { code: A, more: { x: '123456' } }, warnings: [cut]", None),
        ("expect: { code: x }, given: { code: A }, warnings: [cut]", "got none"),
        ("expect: { code: z }, given: { code: C }, tables: { t@1: { key: [k], columns: [v], rows: [[C, z]] } }", None),
        (
            "expect: { code: z }, given: { code: C }, tables: { u@1: { key: [k], columns: [v], rows: [] } }",
            "does not use the table",
        ),
        (
            "expect: { code: z }, given: { code: C }, tables: { t@1: { key: [k, l], columns: [v], rows: [] } }",
            "2 key columns",
        ),
    ],
)
def test_the_examples_of_a_mapping_are_run(house: Any, test: str, message: str | None) -> None:
    """A failing one names the line of the test, the target path, and what was expected and got."""
    house.write("mappings/tables/t/1.0.0.yaml", "table: t\nversion: 1.0.0\nkey: [k]\ncolumns: [v]\nrows: [[A, x]]\n")
    found = lint(house, EXAMPLES + f"  - {{ name: n, {test} }}\n")
    if message is None:
        assert found == []
    else:
        assert [(p.code, p.source) for p in found] == [("test_failed", "mappings/m/1.0.0.yaml:14")]
        assert message in f"{found[0].at}: {found[0].message}"


def test_list_items_and_json_types_are_compared_exactly(house: Any) -> None:
    """1 is not "1" and not true; the place of a differing item has its position."""
    body = """\
        set:
          papers: { get: papers }
          count: { get: count }
        ignore: [code, address, more]
        tests:
          - name: n
            given: { count: 1, papers: [{ title: a }, { title: b }] }
            expect: { count: true, papers: [{ title: a }, { title: c }] }
        """
    assert [(p.at, p.message) for p in lint(house, body)] == [
        ("count", "test 'n': expected true, got 1"),
        ("papers.1.title", 'test \'n\': expected "c", got "b"'),
    ]


ITEM = {"type": "object", "properties": {"t": TEXT}}
LISTS = {
    "perhaps": {"type": ["array", "null"], "items": ITEM}, "untyped": {"items": ITEM},
    "either": {"anyOf": [{"type": "array", "items": ITEM}, ITEM]},
    "own": {"type": ["object", "null"], "properties": {"t": TEXT}},
}  # fmt: skip


def test_a_path_into_what_may_be_a_list_is_told(home: Any) -> None:
    """Also a list that may be null or has no type; one that may be an object too, until its items are read as well."""
    home.schema("in@1.0.0", LISTS)
    home.schema("out@1.0.0", {}, additionalProperties=True)
    rules = [f"{name}: {{ get: {name}.t, optional: true }}" for name in LISTS]
    found = lint(home, "set:\n  " + "\n  ".join(rules) + "\n")
    assert [(one.at, one.source) for one in found if one.code == "path_into_list"] == [
        ("perhaps.t", "mappings/m/1.0.0.yaml:8"), ("untyped.t", "mappings/m/1.0.0.yaml:9"),
        ("either.t", "mappings/m/1.0.0.yaml:10"),
    ]  # fmt: skip
    both = "set: { either: { first_of: [either.t, either.0.t], optional: true } }\n"
    assert not [one for one in lint(home, both) if one.code == "path_into_list"]
