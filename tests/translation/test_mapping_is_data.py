"""A mapping file is data: nothing in it runs, hangs, or ends in another error than a problem with its line."""

from __future__ import annotations

import time
from typing import Any

import pytest

from hub.errors import BadConfig, TranslationFailed
from hub.translation.lint import lint_catalog

NESTED_EACH, NESTED_WHEN = "{ each: k, optional: true, set: { t: %s } }", "{ when: { present: y }, then: { get: x }, else: %s }"


def nested(form: str, deep: int) -> str:
    rule = "{ get: x, optional: true }"
    for _ in range(deep):
        rule = form % rule
    return rule


@pytest.mark.parametrize("character", [r"\r", r"\n", r"\0", r"\e", r"\N", r"\L", r"\x7f"])
@pytest.mark.parametrize(
    "rule", ['"x%s#": { get: x }', 'x: { get: "x%s#" }', 'x: { when: { present: "x%s#" }, then: { get: x } }']
)
def test_a_path_has_no_control_characters(plain: Any, character: str, rule: str) -> None:
    """They would end a line of the source that a mapping becomes, and forge lines of a log."""
    plain.mapping(f"set:\n  {rule % character}\n")
    found = plain.problems()
    assert {one.code for one in found} == {"bad_path"}
    assert all(one.at.isprintable() for one in found)


def test_no_text_of_a_mapping_runs(plain: Any) -> None:
    """Braces, quotes, odd blanks and backslashes in every place are just text, also in the name of the home."""
    odd = "{}\u00a0{0[x]}\u2003'\"\\#%s"
    name = odd.replace("\\", "\\\\").replace('"', '\\"')
    plain.mapping(f'tables: {{ "{name}": {{ A: "{name}" }} }}\nset:\n  "{name}": {{ get: "{name}", table: "{name}" }}\n')
    assert plain.body({odd: "A"}) == {odd: odd}
    assert [(one.at, one.code) for one in plain.refused({odd: "B"})] == [(odd, "not_in_table")]


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        ("{ get: x, apply: [{ pattern: 'a{99999999999999999999}' }] }", "bad_verb"),
        ("{ get: x, apply: [{ reformat: ['a{99999999999999999999}', a] }] }", "bad_verb"),
        ("{ when: { matches: { x: 'a{99999999999999999999}' } }, then: { get: x } }", "bad_condition"),
        (f"{{ get: x, apply: [{{ pattern: '{'(' * 5000}' }}] }}", "bad_verb"),
        (f"{{ when: {{ matches: {{ x: '{'(' * 5000}' }} }}, then: {{ get: x }} }}", "bad_condition"),
        ("{ value: 1.0e999 }", "bad_number"),
        ("{ get: x, default: -1.0e999 }", "bad_number"),
        (nested(NESTED_EACH, 9), "too_deep"),
        (nested(NESTED_WHEN, 41), "too_deep"),
        ("{ get: " + ".".join("x" * 101) + " }", "bad_path"),
        ("{ get: x, apply: [{ pattern: '([a-z]+ ?)+' }] }", "slow_pattern"),
        ("{ get: x, apply: [{ pattern: '(?:[a-z]{1,9})*' }] }", "slow_pattern"),
        ("{ get: x, apply: [{ pattern: '((a|aa)+?b)?' }] }", "slow_pattern"),
        ("{ get: x, apply: [{ pattern: '(?i)(aB|Ab)+' }] }", "slow_pattern"),
        ("{ get: x, apply: [{ reformat: ['(?=(a*)+b)a', x] }] }", "slow_pattern"),
        ("{ when: { matches: { x: '([0-9]+)*' } }, then: { get: x } }", "slow_pattern"),
    ],
    ids=lambda one: one[:70],
)
def test_what_would_break_or_hang_is_a_problem_of_its_line(plain: Any, rule: str, code: str) -> None:
    """Never another exception, and never a message that waits for a regular expression."""
    plain.mapping(f"set:\n  fine: {{ get: z }}\n  x: {rule}\n")
    found = plain.problems()
    assert [one.code for one in found] == [code]
    assert found[0].source.endswith(":9")
    assert found[0].hint


def test_what_is_nested_as_deep_as_allowed_runs(plain: Any) -> None:
    """With the longest target path too."""
    rule = nested(NESTED_EACH, 8)
    for _ in range(40):
        rule = NESTED_WHEN % rule
    plain.mapping(f"set:\n  x: {rule}\n  {'.'.join('y' * 100)}: {{ value: 1 }}\n")
    assert plain.body({"k": [{"k": [{}]}]})["x"] == [{"t": [{}]}]


@pytest.mark.parametrize(
    "text", ["[0-9]{9}|[0-9]{12}", "([0-9]{3}){4}", "(?:AB|CD)+", "[A-Z]+(-[0-9]+)?", ".*(Z|[+-][0-9]{2})"]
)
def test_patterns_that_are_fast_stay(plain: Any, text: str) -> None:
    """What is repeated has one length, and its alternatives begin differently."""
    plain.mapping(f"set: {{ x: {{ get: x, optional: true, apply: [{{ pattern: '{text}' }}] }} }}\n")
    assert plain.body({}) == {}


def test_a_long_text_fits_no_pattern(plain: Any) -> None:
    """A regular expression looks at 1,000 characters at most, so that no message holds the others up."""
    plain.mapping("""\
        set:
          p: { get: x, apply: [{ pattern: "a*a*a*a*b?" }] }
          r: { get: x, apply: [{ reformat: ["(a*)", "{1}"] }] }
          m: { when: { matches: { x: "a*a*a*a*b?" } }, then: { value: fits }, else: { value: not } }
        """)
    whole = "a" * 1000
    assert plain.body({"x": whole}) == {"p": whole, "r": whole, "m": "fits"}
    began = time.monotonic()
    assert [(one.at, one.code) for one in plain.refused({"x": "a" * 1001})] == [("p", "pattern"), ("r", "pattern")]
    assert time.monotonic() - began < 1


EMPTIED = """\
empty_is_missing: true
tables: { t: { A: "", "": bad } }
set:
  x: { get: x, %s, apply: [trim, { pad_left: [5, "0"] }] }
  y: { get: x, %s, apply: [trim, { add_prefix: "000." }] }
  z: { get: x, %s, apply: [trim, { keyed_hash: people }] }
  c: { get: x, %s, apply: [trim, { cut: 5 }, { replace: [q, a] }, upper], table: t }
  t: { get: q, %s, table: [t, t] }
  j: { join: [x, x], %s, apply: [trim, { add_prefix: a }, { pad_left: [2, b] }] }
"""


@pytest.mark.parametrize("outcome", ["optional: true", "default: none"])
def test_a_value_that_becomes_empty_is_missing(plain: Any, outcome: str) -> None:
    """What stands after the verb that emptied it is passed by: no number, prefix or hash of nobody."""
    plain.mapping(EMPTIED.replace("%s", outcome))
    catalog = plain.catalog(keys={"people": "a secret key of the province"})
    result = catalog.chain("in@1", "out@1").translate({"x": "  ", "q": "A"})
    assert result.body == ({} if outcome.startswith("optional") else dict.fromkeys("xyzctj", "none"))


@pytest.mark.parametrize("value", ["", "  "])
def test_nobody_has_no_hash(plain: Any, value: str) -> None:
    """A blank number would give one hash to everybody without a number."""
    plain.mapping("set: { x: { get: x, apply: [{ keyed_hash: people }] } }\n")
    chain = plain.catalog(keys={"people": "a secret key of the province"}).chain("in@1", "out@1")
    with pytest.raises(TranslationFailed) as caught:
        chain.translate({"x": value})
    assert [one.code for one in caught.value.problems] == ["bad_value"]


def test_a_test_names_every_error(plain: Any) -> None:
    """One that it names does not hide another."""
    plain.mapping("""\
        set: { x: { get: x }, y: { get: y } }
        tests:
          - { name: one, given: {}, error: { at: x, code: missing } }
          - { name: both, given: {}, error: [{ at: x, code: missing }, { at: y, code: missing }] }
          - { name: more, given: { x: a, y: b }, error: { at: x, code: missing } }
        """)
    found = [
        (one.at, one.code, one.source.rpartition(":")[2]) for one in lint_catalog(plain.catalog()) if one.code == "test_failed"
    ]
    assert found == [("y", "test_failed", "9"), ("x", "test_failed", "11")]


def test_two_pins_of_one_table_are_two_tables(home: Any) -> None:
    """What can never hold or fit is asked of the version that the entry takes."""
    home.schema("in@1.0.0", {"a": {"type": "string"}})
    home.schema("out@1.0.0", {"old": {"enum": ["x"]}, "new": {"enum": ["y"]}, "o": {"const": 1}, "n": {"const": 1}})
    for version, value in (("1.0.0", "x"), ("1.1.0", "y")):
        home.write(
            f"mappings/tables/t/{version}.yaml", f"table: t\nversion: {version}\nkey: [k]\ncolumns: [v]\nrows: [[A, {value}]]\n"
        )
    home.mapping("""\
        tables: { o: { use: t@1.0.0 }, n: { use: t@1 } }
        set:
          old: { get: a, table: o }
          new: { get: a, table: n }
          o: { when: { in_table: { a: { o: x } } }, then: { value: 1 } }
          n: { when: { in_table: { a: { n: y } } }, then: { value: 1 } }
        """)
    assert [one for one in lint_catalog(home.catalog()) if one.code != "no_tests"] == []


def test_a_number_fits_as_json_has_it_and_an_anchor_is_followed(home: Any) -> None:
    """1.0 is an integer of JSON Schema; `#anchor` is not the root."""
    home.schema("in@1.0.0", {}, additionalProperties=True)
    anchored = {
        "$defs": {"q": {"$anchor": "code", "type": "string", "maxLength": 2}, "o": {"$anchor": "one", "properties": {"p": {}}}}
    }
    properties = {"i": {"type": "integer"}, "c": {"$ref": "#code"}, "d": {"$ref": "#code"}, "o": {"$ref": "#one"}}
    home.schema("out@1.0.0", properties, **anchored)
    home.mapping("set: { i: { value: 1.0 }, c: { value: hi }, d: { value: long }, o.p: { value: 1 } }\n")
    assert [(one.at, one.code) for one in lint_catalog(home.catalog()) if one.code != "no_tests"] == [("d", "never_fits")]


def test_bad_numbers_are_refused_wherever_they_stand(plain: Any) -> None:
    """What JSON cannot write is no constant, and no value of a condition or a test."""
    plain.mapping(
        "set: { x: { when: { equals: { x: 9.9e999 } }, then: { get: x } } }\ntests: [{ name: t, given: { x: 1.5e400 } }]\n"
    )
    with pytest.raises(BadConfig) as caught:
        plain.catalog()
    assert [one.code for one in caught.value.problems] == ["bad_number", "bad_number"]
