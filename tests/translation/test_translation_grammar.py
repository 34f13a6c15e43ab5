"""A mapping that is written wrong is refused when it is loaded: every fault at once, with file, line and hint."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.mark.parametrize(
    ("rule", "code", "hint"),
    [
        ("{ get: x, value: y }", "two_sources", "keep one"),
        ("{ get: x, first_of: [y] }", "two_sources", "keep one"),
        ("{ table: pair, get: x }", "two_sources", "remove get"),
        ("{ get: x, table: [t, pair] }", "two_sources", "table: pair"),
        ("{ optional: true }", "no_source", "get"),
        ("{ table: t }", "no_source", "get"),
        ("x.y", "mistyped", "{ get:"),
        ("{ gett: x }", "no_source", "get"),
        ("{ get: x, aply: [trim] }", "unknown_key", "apply"),
        ("{ get: x, with: ' ' }", "unknown_key", ""),
        ("{ get: x, apply: [trimm] }", "unknown_verb", "trim"),
        ("{ get: x, apply: trim }", "mistyped", "[trim, upper]"),
        ("{ get: x, apply: [{ trim: 1 }] }", "bad_verb", "just trim"),
        ("{ get: x, apply: [cut] }", "bad_verb", "cut: "),
        ("{ get: x, apply: [{ cut: 2 }] }", "bad_verb", ""),
        ("{ get: x, apply: [{ cut: '9' }] }", "bad_verb", ""),
        ("{ get: x, apply: [{ parse_datetime: dd/MM/yy }] }", "bad_verb", "yyyy MM dd HH mm ss"),
        ("{ get: x, apply: [{ parse_datetime: 'HH:mm' }] }", "bad_verb", ""),
        ("{ get: x, apply: [{ parse_datetime: 'dd/MM/yyyy MM' }] }", "bad_verb", ""),
        (
            "{ get: x, apply: [{ parse_datetime: { format: yyyyMMdd, zone: Asia/Hanoi } }] }",
            "bad_verb",
            "Asia/Ho_Chi_Minh",
        ),
        ("{ get: x, apply: [{ format_datetime: [yyyy, MM] }] }", "bad_verb", ""),
        ("{ get: x, apply: [{ format_datetime: '---' }] }", "bad_verb", ""),
        ("{ get: x, apply: [{ replace: x }] }", "bad_verb", ""),
        ("{ get: x, apply: [{ pad_left: [4, '00'] }] }", "bad_verb", ""),
        ("{ get: x, apply: [{ pattern: '(' }] }", "bad_verb", ""),
        ("{ get: x, apply: [{ max_length: true }] }", "bad_verb", ""),
        ("{ get: x, table: nowhere }", "unknown_table", "t, pair"),
        ("{ get: x, optional: true, default: d }", "two_outcomes", "keep one"),
        ("{ get: x, optional: 'yes' }", "mistyped", ""),
        ("{ get: x, default: null }", "bad_default", "optional: true"),
        ("{ value: null }", "bad_value", ""),
        ("{ value: 1, optional: true }", "misplaced", ""),
        ("{ get: x..y }", "bad_path", "HoSo.SoHoSo"),
        ("{ get: 5.5 }", "bad_path", ""),
        ("{ join: x }", "mistyped", "["),
        ("{ join: [x], with: 1 }", "mistyped", ""),
        ("{ each: x, set: {} }", "mistyped", ""),
        ("{ each: x, set: { a: { get: y } }, apply: [trim] }", "misplaced", "inside"),
        ("{ each: x, set: { a: { got: y } } }", "no_source", ""),
        ("{ when: { present: x } }", "missing", "then"),
        ("{ when: { there: x }, then: { get: x } }", "unknown_key", "present"),
        ("{ when: [], then: { get: x }, table: t }", "misplaced", "inside"),
        ("{ when: { equals: { x: null } }, then: { get: x } }", "bad_condition", "absent"),
        ("{ when: { matches: { x: '[' } }, then: { get: x } }", "bad_condition", "matches: {"),
        ("{ when: { matches: { x: 12 } }, then: { get: x } }", "bad_condition", "matches: {"),
        ("{ when: { present: x }, then: { get: x, value: 1 } }", "two_sources", ""),
    ],
)
def test_a_wrong_rule_is_refused(plain: Any, rule: str, code: str, hint: str) -> None:
    """Each fault has a code, its own line and a hint."""
    plain.mapping(f"tables:\n  t: {{ A: b }}\n  pair: {{ by: [x, y], rows: [] }}\nset:\n  fine: {{ get: z }}\n  bad: {rule}\n")
    found = plain.problems()
    assert code in [p.code for p in found]
    problem = next(p for p in found if p.code == code)
    assert problem.source == "mappings/m/1.0.0.yaml:12"
    assert problem.at.startswith("set.bad")
    assert hint in problem.hint


@pytest.mark.parametrize(
    ("body", "at", "code"),
    [
        ("sett: {}\nset: { a: { get: x } }\n", "sett", "unknown_key"),
        ("{}\n", "", "not_yaml"),
        ("set: {}\n", "set", "missing"),
        ("set: { a: { get: x }, a.b: { get: y } }\n", "set.a.b", "set_twice"),
        ("set: { a.0: { get: x }, a.b: { get: y } }\n", "set.a.b", "set_twice"),
        ("set: { 0.a: { get: x } }\n", "set.0.a", "bad_path"),
        ("set: { a: { get: x } }\nignore: x\n", "ignore", "mistyped"),
        ("set: { a: { get: x } }\nignore: [' ']\n", "ignore.0", "bad_path"),
        ("set: { a: { get: x } }\nempty_is_missing: 1\n", "empty_is_missing", "mistyped"),
        ("set: { a: { get: x } }\nwhen: { present: '' }\n", "when.present", "bad_path"),
        ("set: { a: { get: x } }\ntables: { t: { use: T } }\n", "tables.t.use", "bad_reference"),
        ("set: { a: { get: x } }\ntables: { t: { use: gone@1 } }\n", "tables.t", "bad_table"),
        ("set: { a: { get: x } }\ntables: { t: { use: s@1, column: gone } }\n", "tables.t", "bad_table"),
        ("set: { a: { get: x } }\ntables: { t: { use: s@1 } }\n", "tables.t", "bad_table"),
        ("set: { a: { get: x } }\ntables: { t: { use: s@1, column: b, by: [p, q] } }\n", "tables.t", "bad_table"),
        ("set: { a: { get: x } }\ntables: { t: { by: [p, q] } }\n", "tables.t", "bad_table"),
        ("set: { a: { get: x } }\ntables: { t: { by: [p, q], rows: [[a, b]] } }\n", "tables.t.rows", "bad_row"),
        (
            "set: { a: { get: x } }\ntables: { t: { by: [p], rows: [[a, b], [a, c]] } }\n",
            "tables.t.rows",
            "duplicate_key",
        ),
        ("set: { a: { get: x } }\ntables: { t: { A: 1.001193 } }\n", "tables.t.A", "bad_row"),
        ("set: { a: { get: x } }\ntables: { t: { A: x, A: y } }\n", "tables.t.A", "duplicate_key"),
        ("set: { a: { get: x } }\ntests: [{ name: n, given: {} }]\n", "tests.0", "bad_test"),
        ("set: { a: { get: x } }\ntests: [{ name: n, given: {}, error: { at: a } }]\n", "tests.0.error", "bad_test"),
        ("set: { a: { get: x } }\ntests: [{ given: {}, expect: {}, exspect: {} }]\n", "tests.0.exspect", "unknown_key"),
    ],
)
def test_a_wrong_mapping_is_refused(plain: Any, body: str, at: str, code: str) -> None:
    """Faults outside of the rules too."""
    plain.write("mappings/tables/s/1.0.0.yaml", "table: s\nversion: 1.0.0\nkey: [a]\ncolumns: [b, c]\nrows: [[x, y, z]]\n")
    plain.mapping(body)
    assert (at, code) in [(p.at, p.code) for p in plain.problems()]


def test_every_file_is_told_about_at_once(plain: Any) -> None:
    """A broken file hides no other; a mapping must agree with its place and name known schemas."""
    plain.write("mappings/broken/1.0.0.yaml", "a: [\n")
    plain.write("mappings/list/1.0.0.yaml", "- a\n")
    plain.write("mappings/named/latest.yaml", "a: 1\n")
    plain.write(
        "mappings/other/1.0.0.yaml",
        plain.mapping("set: { a: { get: x } }\n").read_text().replace("status: stable", "status: new"),
    )
    plain.mapping("set: { a: { get: x } }\n", ref="lost@1.0.0", source="gone@1", target="never@2.0.0")
    plain.write("mappings/tables/t/1.0.0.yaml", "table: u\nversion: 1.0\nkey: []\ncolumns: [a, a]\nrows: [[1]]\ncolour: red\n")
    plain.write(
        "mappings/tables/w/1.0.0.yaml",
        "table: w\nversion: 1.0.0\nkey: [a]\ncolumns: [b]\nrows:\n  - [1, 2]\n  - [1, 3]\n  - [2, 1.50]\n  - [~, x]\n",
    )
    found = {(p.source, p.at, p.code) for p in plain.problems()}
    assert {
        ("mappings/broken/1.0.0.yaml:2", "", "not_yaml"),
        ("mappings/list/1.0.0.yaml:1", "", "mistyped"),
        ("mappings/named/latest.yaml", "mappings/named/latest.yaml", "bad_name"),
        ("mappings/other/1.0.0.yaml:1", "mapping", "bad_id"),
        ("mappings/other/1.0.0.yaml:3", "status", "bad_status"),
        ("mappings/lost/1.0.0.yaml:4", "from", "unknown_schema"),
        ("mappings/lost/1.0.0.yaml:5", "to", "unknown_schema"),
        ("mappings/tables/t/1.0.0.yaml:1", "table", "bad_id"),
        ("mappings/tables/t/1.0.0.yaml:2", "version", "bad_id"),
        ("mappings/tables/t/1.0.0.yaml:3", "key", "mistyped"),
        ("mappings/tables/t/1.0.0.yaml:4", "columns", "duplicate"),
        ("mappings/tables/t/1.0.0.yaml:6", "colour", "unknown_key"),
        ("mappings/tables/w/1.0.0.yaml:7", "rows", "duplicate_key"),
        ("mappings/tables/w/1.0.0.yaml:8", "rows", "bad_row"),
        ("mappings/tables/w/1.0.0.yaml:9", "rows", "bad_row"),
    } <= found
