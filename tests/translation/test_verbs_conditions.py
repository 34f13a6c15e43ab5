"""Conditions that ask a table, and paths that go into a list: what they do, and what is told of those that are wrong."""

from __future__ import annotations

from typing import Any

import pytest

from hub.translation.lint import lint_catalog
from hub.translation.parse import TABLES as FORMS
from hub.translation.parse_conditions import CONDITIONS
from hub.translation.parse_rules import AFTER, SOURCES

TABLES = """\
tables:
  level: { A1: full, B2: partial, 3: full }
  dated: { use: units@1, column: name, on: day }
  fetched: { use: procedures@1, column: name }
"""
UNITS = """\
table: units
version: 1.0.0
key: [code]
columns: [name, valid_from, valid_until]
rows: [[old, Old, "", "2025-06-30"], [new, New, "2025-07-01", ""]]
"""


def tabled(home: Any, body: str) -> Any:
    home.write("mappings/tables/units/1.0.0.yaml", UNITS)
    home.mapping(TABLES + body)
    catalog = home.catalog(fetched_tables={"procedures@1": ("name",)})
    return catalog.chain("in@1", "out@1")


@pytest.mark.parametrize(
    ("condition", "held"),
    [
        ("in_table: { x: level }", ["A1", "B2", 3]),
        ("in_table: { x: { level: full } }", ["A1", 3]),
        ("not_in_table: { x: level }", ["C3", None, "", [1], True, {}]),
        ("not_in_table: { x: { level: full } }", ["B2", "C3", None, "", [1], True, {}]),
    ],
)
def test_when_asks_a_table(plain: Any, condition: str, held: list[Any]) -> None:
    """Whether the code has a row, or one that gives a value; what is no code has none."""
    chain = tabled(plain, f"set:\n  a: {{ when: {{ {condition} }}, then: {{ value: yes }}, else: {{ value: no }} }}\n")
    asked = ["A1", "B2", 3, "C3", None, "", [1], True, {}]
    assert [one for one in asked if chain.translate({"x": one}).body == {"a": "yes"}] == held


def test_the_whole_mapping_and_each_ask_tables_too(plain: Any) -> None:
    """Nothing comes of a message of another kind; of a list only the items that have a row."""
    chain = tabled(
        plain,
        """\
when: { in_table: { kind: { level: full } } }
set:
  docs: { each: docs, where: { in_table: { code: level } }, set: { c: { get: code, table: level } } }
""",
    )
    assert chain.translate({"kind": "B2", "docs": []}) is None
    assert chain.translate({"kind": "A1", "docs": [{"code": "B2"}, {"code": "no"}, {}]}).body == {"docs": [{"c": "partial"}]}


def test_a_dated_table_is_asked_for_the_day(plain: Any) -> None:
    """The row must hold on the day that the entry names; without a day nobody can tell, and that is a problem."""
    chain = tabled(plain, "set:\n  n: { get: n }\n  a: { when: { in_table: { x: dated } }, then: { value: 1 } }\n")
    assert chain.translate({"n": 0, "x": "old", "day": "2025-06-30"}).body == {"n": 0, "a": 1}
    assert chain.translate({"n": 0, "x": "old", "day": "2025-07-01"}).body == {"n": 0}
    (problem,) = refused(chain, {"n": 0, "x": "old"})
    assert (problem.at, problem.code, problem.source) == ("a", "missing", "mappings/m/1.0.0.yaml:13 x")


def test_a_table_that_was_not_fetched_holds_nothing_back(plain: Any) -> None:
    """Neither has nor lacks the code: the message is kept, with the place of the item."""
    rule = "set:\n  a: { each: l, set: { b: { when: { not_in_table: { x: fetched } }, then: { value: 1 } } } }\n"
    (problem,) = refused(tabled(plain, rule), {"l": [{}, {"x": "1.0"}]})
    assert (problem.at, problem.code) == ("a.1.b", "table_not_fetched")


def refused(chain: Any, message: Any) -> list[Any]:
    from hub.errors import TranslationFailed

    with pytest.raises(TranslationFailed) as caught:
        chain.translate(message)
    return list(caught.value.problems)


@pytest.mark.parametrize(
    ("condition", "code"),
    [
        ("in_table: { x: nowhere }", "unknown_table"),
        ("in_table: { x: pair }", "bad_condition"),
        ("in_table: { x: [level] }", "bad_condition"),
        ("in_table: { x: { level: ~ } }", "bad_condition"),
        ("in_table: { x: { level: full, pair: y } }", "bad_condition"),
        ("not_in_table: level", "bad_condition"),
    ],
)
def test_a_wrong_question_is_told(plain: Any, condition: str, code: str) -> None:
    """With its line, when the mapping is read."""
    tables = "tables: { level: { A1: full }, pair: { by: [x, y], rows: [] } }\n"
    plain.mapping(f"{tables}set:\n  a: {{ when: {{ {condition} }}, then: {{ value: 1 }} }}\n")
    (problem,) = plain.problems()
    assert (problem.code, problem.source) == (code, "mappings/m/1.0.0.yaml:9")


def found(home: Any) -> list[tuple[str, str, str]]:
    return [(one.at, one.code, one.source.rpartition(":")[2]) for one in lint_catalog(home.catalog()) if one.code != "no_tests"]


def test_lint_knows_what_conditions_ask(plain: Any) -> None:
    """A table that only a condition asks is used; a value that no row gives can never be found."""
    plain.mapping("""\
        tables: { a: { A: x }, b: { B: y }, c: { C: z }, d: { D: z } }
        when: { in_table: { k: a } }
        set:
          m: { when: { in_table: { k: { b: z } } }, then: { value: 1 } }
          l: { each: l, where: { not_in_table: { k: { c: z } } } }
        """)
    assert found(plain) == [("k", "never_equal", "10"), ("tables.d", "unused_table", "7")]


def test_a_path_into_a_list_is_found(home: Any) -> None:
    """A list has no fields: its items have, by position or in each; a field that may be one object or many is read as both."""
    item = {"type": "object", "properties": {"t": {"type": "string"}}}
    many = {"type": "array", "items": item}
    home.schema("in@1.0.0", {"l": many, "one": {**item, "type": ["object", "array"], "items": item}})
    home.schema("out@1.0.0", {}, additionalProperties=True)
    home.mapping("""\
        set:
          a: { get: l.t }
          b: { get: l.0.t }
          c: { each: l, where: { present: t }, set: { t: { get: t }, u: { get: $.l.t } } }
          d: { first_of: [one.t, one.0.t] }
        """)
    assert found(home) == [("l.t", "path_into_list", "8"), ("l.t", "path_into_list", "10")]


@pytest.mark.parametrize(
    "rule",
    [one.example for one in SOURCES.values()]
    + [way for _, way in AFTER.values()]
    + [f"{{ when: {one}, then: {{ value: 1 }} }}" for _, way in CONDITIONS.values() for one in way.split(" or ")],
)
def test_an_example_of_a_rule_is_grammar(plain: Any, rule: str) -> None:
    """What docs/reference/mapping.md shows can be written."""
    plain.mapping(f"tables: {{ status: {{ OPEN: submitted }} }}\nset:\n  a: {rule}\n")
    assert plain.catalog().mappings()


@pytest.mark.parametrize("entry", list(FORMS))
def test_an_example_of_a_table_is_grammar(plain: Any, entry: str) -> None:
    """The same of tables: nothing is wrong with them but that the files they use are not there."""
    plain.mapping(f"tables: {{ t: {entry} }}\nset: {{ a: {{ value: 1 }} }}\n")
    if "use:" in entry:
        assert [one.message.split("@")[0].split()[:2] for one in plain.problems()] == [["no", "table"]]
    else:
        assert plain.catalog().mappings()
