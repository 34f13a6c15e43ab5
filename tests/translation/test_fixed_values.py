"""What a mapping fixes itself must fit its target schema: `hub check` says so before any message shows it."""

from __future__ import annotations

from typing import Any

from hub.translation.lint import lint_catalog

TARGET = {
    "state": {"$ref": "#/$defs/state"},
    "count": {"type": "integer"},
    "level": {"allOf": [{"type": "string"}, {"maxLength": 2}]},
    "flag": {"const": True},
    "free": {"anyOf": [{"enum": ["a"]}, {"type": "integer"}]},
    "docs": {"type": "array", "items": {"type": "object", "properties": {"kind": {"enum": ["x", "y"]}}}},
    "pair": {"type": "array", "prefixItems": [{"type": "string"}], "items": {"type": "integer"}},
}
MAPPING = """\
tables:
  state: { A: open, B: shut }
  fine: { A: open }
  dated: { use: units@1, on: day }
set:
  state: { when: { present: s }, then: { get: s, table: state }, else: { value: shut } }
  count: { get: c, default: "0" }
  level: { get: l, default: abc }
  flag: { value: 1 }
  free: { value: b }
  docs: { each: d, set: { kind: { get: k, default: z } } }
  pair.0: { value: text }
  more: { get: m, default: anything, table: fine }
  unit: { get: u, table: dated }
"""


def found(home: Any) -> list[tuple[str, str]]:
    listed = [one for one in lint_catalog(home.catalog()) if one.code != "no_tests"]
    assert {one.code for one in listed} <= {"never_fits"}
    return sorted((one.at, one.source.rpartition(":")[2]) for one in listed)


def test_what_can_never_fit_is_told_with_its_line(home: Any) -> None:
    """Constants, defaults and rows of tables, also in when and each, through $ref and allOf; what may fit is not."""
    home.schema("in@1.0.0", {}, additionalProperties=True)
    more = {"more": {}, "unit": {"enum": ["N"]}}
    home.schema("out@1.0.0", {**TARGET, **more}, **{"$defs": {"state": {"type": "string", "enum": ["open"]}}})
    rows = '[[n, N, "", "2025-06-30"], [n, M, "2025-07-01", ""]]'
    columns = "columns: [name, valid_from, valid_until]"
    home.write("mappings/tables/units/1.0.0.yaml", f"table: units\nversion: 1.0.0\nkey: [code]\n{columns}\nrows: {rows}\n")
    home.mapping(MAPPING)
    lines = {"state": "12", "count": "13", "level": "14", "flag": "15", "docs.kind": "17", "unit": "20"}
    assert found(home) == sorted([*lines.items(), ("state", "12")])


def test_what_verbs_still_change_is_left_alone(home: Any) -> None:
    """A constant or a joined table with verbs is not what comes out."""
    home.schema("in@1.0.0", {}, additionalProperties=True)
    home.schema("out@1.0.0", {"a": {"enum": ["X"]}, "b": {"enum": ["X"]}})
    home.mapping("""\
        tables: { t: { by: [p, q], rows: [[A, B, x]] } }
        set:
          a: { value: x, apply: [upper] }
          b: { table: t, apply: [upper] }
        """)
    assert found(home) == []
