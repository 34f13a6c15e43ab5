"""What those who write mappings see of them: each rule at work, what tests leave out, what a candidate would change."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from translation.conftest import Home

from hub.message import SchemaRef
from hub.translation import Catalog
from hub.translation.coverage import Coverage, cover
from hub.translation.differences import compare
from hub.translation.mapping_tests import run_tests
from hub.translation.shadow import Shadow
from hub.translation.trace import RuleTrace, Trace

_ROOT = Path(__file__).parents[2]


def _traced(home: Home, given: Any) -> list[RuleTrace]:
    catalog, trace = home.catalog(), Trace()
    run = catalog.candidate(catalog.mappings()[0], trace.compile)[-1].run
    run(given, [], [])
    return trace.rules


# ── the trace
def test_the_trace_changes_nothing() -> None:
    """The tests of every shipped mapping give the same with and without it, and each rule that ran has an outcome."""
    catalog, _ = Catalog.read([_ROOT])
    for mapping in catalog.mappings():
        trace = Trace()
        assert run_tests(catalog, mapping, trace.compile) == run_tests(catalog, mapping) == []
        assert trace.rules and all(one.outcome for one in trace.rules)


def test_every_outcome_has_a_word(plain: Home) -> None:
    """Set, default, left out, missing, refused by a verb, a constant, skipped by when, and which branch was taken."""
    plain.mapping("""\
        set:
          a: { get: a, apply: [trim, upper] }
          b: { get: none, default: x }
          c: { get: none, optional: true }
          d: { get: none }
          e: { get: a, apply: [to_integer] }
          f: { value: 1 }
          g: { when: { present: none }, then: { get: a } }
          h: { when: { present: none }, then: { get: a }, else: { join: [a, a], with: "-" } }
          i: { when: { present: none }, then: { get: a }, default: y }
    """)
    rules = _traced(plain, {"a": " q "})
    assert {one.target: one.outcome for one in rules if not one.depth} == {
        "a": "set", "b": "default", "c": "left out", "d": "missing", "e": "bad_value", "f": "set", "g": "skipped", "h": "else",
        "i": "default",
    }  # fmt: skip
    first = rules[0]
    assert (first.reads, first.changes, first.value) == ((("a", " q "),), [("trim", "q"), ("upper", "Q")], "Q")
    assert [one.value for one in rules if one.target == "h" and one.depth] == [" q - q "]


def test_items_are_traced_with_their_position(plain: Home) -> None:
    """Rules inside an each stand below it, once for each item that where takes."""
    plain.mapping("""\
        set:
          items: { each: list, where: { present: t }, set: { t: { get: t }, top: { get: $.top } } }
          plain: { each: words, apply: [upper] }
    """)
    rules = _traced(plain, {"list": [{"t": "x"}, {}, {"t": "z"}], "words": ["a"], "top": 5})
    assert [(one.target, one.depth, one.value) for one in rules if one.depth] == [
        ("items.0.t", 1, "x"), ("items.0.top", 1, 5), ("items.2.t", 1, "z"), ("items.2.top", 1, 5), ("plain.0", 1, "A"),
    ]  # fmt: skip
    assert rules[-1].changes == [("upper", "A")]


def test_conditions_on_tables_and_keyed_verbs_are_traced(plain: Home) -> None:
    """A look-up of a condition stands with the rule that asks, a keyed verb once, under its own name."""
    plain.mapping("""\
        when: { in_table: { a: t } }
        tables: { t: { x: y } }
        set:
          b: { when: { not_in_table: { a: t } }, then: { get: a }, else: { get: a, apply: [{ keyed_hash: secret }] } }
    """)
    catalog, _ = Catalog.read([plain.path], None, {"secret": "k" * 16})
    trace = Trace()
    catalog.candidate(catalog.mappings()[0], trace.compile)[-1].run({"a": "x"}, [], [])
    chosen, hashed = trace.rules
    assert (chosen.outcome, chosen.changes) == ("else", [("table t", "y")])
    assert [name for name, _ in hashed.changes] == ["keyed_hash secret"] and hashed.changes[0][1] == hashed.value
    assert trace.looked_up == {"t": {("x",)}}


# ── coverage
def _covered(home: Home) -> Coverage:
    catalog = home.catalog()
    return cover(catalog, catalog.mappings()[0], lambda table, key: f"{table.source} {key}")


def test_coverage_names_rules_defaults_branches_and_rows(plain: Home) -> None:
    """Whatever no test touches, with file and line; what was touched is not named."""
    plain.mapping("""\
        when: { present: s }
        tables:
          s: { A: open, B: done }
          t: { by: [s, u], rows: [[A, "", one], [A, x, two]] }
        set:
          s: { get: s, table: s }
          t: { table: t }
          n: { get: n, default: x }
          w: { when: { equals: { s: A } }, then: { get: s }, else: { get: u } }
          l: { each: l, optional: true, where: { present: k }, set: { k: { get: k } } }
        tests:
          - { name: one, given: { s: A, n: m }, expect: { s: open, t: one, n: m, w: A } }
    """)
    found = _covered(plain)
    assert found.problems == []
    line = "mappings/m/1.0.0.yaml"
    assert {(one.kind, one.name, one.where) for one in found.spots if not one.touched} == {
        ("branch", "the whole mapping: when does not hold", f"{line}:7"), ("row", "s: B", f"{line}:9"),
        ("row", "t: A, x", f"{line}:10"), ("default", "n", f"{line}:14"), ("branch", "w: when does not hold", f"{line}:15"),
        ("rule", "w", f"{line}:15"), ("rule", "l", f"{line}:16"), ("branch", "l: where holds", f"{line}:16"),
        ("branch", "l: where does not hold", f"{line}:16"), ("rule", "l[].k", f"{line}:16"),
    }  # fmt: skip
    assert round(found.percent, 1) == round(100 * 8 / 18, 1)


def test_large_shared_tables_are_named_and_not_counted(plain: Home) -> None:
    """Up to 40 rows each row counts; a larger table is data that no mapping's tests go through."""
    mapping = "tables: { t: { use: t@1 } }\nset: { a: { get: a, table: t } }\n"
    plain.mapping(mapping + "tests: [{ name: one, given: { a: k0 }, expect: { a: v } }]\n")
    head = "table: t\nversion: 1.0.0\nkey: [code]\ncolumns: [value]\nrows:\n"
    for rows, untouched, too_large in ((40, 39, ()), (41, 0, ("t@1.0.0",))):
        plain.write("mappings/tables/t/1.0.0.yaml", head + "".join(f"- [k{number}, v]\n" for number in range(rows)))
        found = _covered(plain)
        assert (sum(not one.touched for one in found.spots), found.not_counted) == (untouched, too_large)


# ── differences and shadow
def test_differences_name_each_place() -> None:
    """As deep as possible, null being a value; the field of an item is the same for all items."""
    found = {one.at: (one.kind, one.field) for one in compare({"a": [{"b": 1}], "c": None}, {"a": [{"b": 2}], "d": True})}
    assert found == {"a.0.b": ("changed", "a[].b"), "c": ("gone", "c"), "d": ("appeared", "d")}
    assert [one.at for one in compare({"a": [1]}, {"a": [1, 2]})] == ["a"]
    assert not list(compare({"a": 1}, {"a": 1.0})) and list(compare(True, 1))


def _shadow(home: Home, candidate: str, *given: Any) -> Shadow:
    catalog = home.catalog()
    shadow = Shadow(catalog, next(one for one in catalog.mappings() if str(one.ref) == candidate))
    for number, one in enumerate(given):
        body = one if isinstance(one, bytes | None) else json.dumps(one).encode()
        shadow.take(f"id{number}", SchemaRef("in", "1.0.0"), body, is_kept=False)
    return shadow


def test_shadow_tells_broken_mended_and_failing(plain: Home) -> None:
    """The code of the problem is the cause, with the rule's line in whichever mapping has it."""
    plain.mapping("tables: { t: { A: x, B: y } }\nset: { a: { get: a, table: t } }\n")
    plain.mapping("tables: { t: { A: z, C: y } }\nset: { a: { get: a, table: t } }\n", "m@1.1.0", status="draft")
    shadow = _shadow(plain, "m@1.1.0", *({"a": code} for code in "AABCDD"), {"a": "C"}, None, b"{")
    assert shadow.counts == {
        "tried": 7, "kept": 0, "erased": 1, "unfit": 1, "same": 0, "different": 2, "mended": 2, "broken": 1, "failing": 2,
    }  # fmt: skip
    old, new = "mappings/m/1.0.0.yaml:8 a", "mappings/m/1.1.0.yaml:8 a"
    assert {(one.field, one.change, one.cause, one.by, one.count) for one in shadow.groups()} == {
        ("a", "changed", "value", new, 2), ("a", "fails", "not_in_table", new, 1),
        ("a", "mended", "not_in_table", old, 2), ("a", "fails still", "not_in_table", new, 2),
    }  # fmt: skip


def test_shadow_counts_a_message_once_in_a_group(plain: Home) -> None:
    """However many items of it differ; and what the candidate lets through or holds back is the whole that appears or goes."""
    plain.mapping("when: { present: l }\nset: { l: { each: l, set: { k: { get: k } } } }\n")
    changed = "set: { l: { each: l, default: [], set: { k: { get: k, apply: [upper] } } } }\n"
    plain.mapping(changed, "m@1.1.0", status="draft")
    shadow = _shadow(plain, "m@1.1.0", {"l": [{"k": "a"}, {"k": "b"}]}, {})
    groups = {(one.field, one.change, one.count) for one in shadow.groups()}
    assert groups == {("l[].k", "changed", 1), ("", "appeared", 1)}


def test_shadow_of_what_is_used_now_compares_with_the_version_before(plain: Home) -> None:
    """A candidate that the hub uses already stands beside the version before it; with none, beside nothing."""
    plain.mapping("set: { a: { get: a } }\n")
    alone = _shadow(plain, "m@1.0.0", {"a": "x"})
    assert alone.now() == [] and [one.cause for one in alone.groups()] == ["no_mapping"] and alone.counts["mended"] == 1
    plain.mapping("set: { a: { get: a, apply: [upper] } }\n", "m@1.1.0")
    assert [str(ref) for ref in _shadow(plain, "m@1.1.0").now()] == ["m@1.0.0"]
    assert [str(ref) for ref in _shadow(plain, "m@1.0.0").now()] == ["m@1.1.0"]
