"""What a mapping makes of a message, and what it says when it cannot: one test for each piece of the grammar."""

from __future__ import annotations

from typing import Any

import pytest

SECRET = "Nguyễn Thị Bí Mật 0123456789"


def test_get_copies_a_value(plain: Any) -> None:
    """Source and target paths are dotted; objects are made as needed; types stay."""
    plain.mapping("""\
        set:
          a.b.c: { get: x.y }
          a.n: { get: n }
        """)
    assert plain.body({"x": {"y": "v"}, "n": 7}) == {"a": {"b": {"c": "v"}, "n": 7}}


@pytest.mark.parametrize("given", [{}, {"x": None}, {"x": {}}, {"x": {"y": None}}, {"x": "text"}, {"x": [1]}])
def test_missing_is_an_error_that_names_everything(plain: Any, given: Any) -> None:
    """Absent, null and an absent parent are missing; the problem has target, source path, file and line."""
    plain.mapping("set:\n  a.b: { get: x.y }\n")
    (problem,) = plain.refused(given)
    assert (problem.at, problem.code, problem.source) == ("a.b", "missing", "mappings/m/1.0.0.yaml:8 x.y")


def test_missing_may_be_optional_or_have_a_default(plain: Any) -> None:
    """An optional target stays absent, also the object it would be in; a default is set as written."""
    plain.mapping("""\
        set:
          a.b: { get: x, optional: true }
          c: { get: y, default: none }
          d: { get: z, default: [] }
        """)
    assert plain.body({}) == {"c": "none", "d": []}
    assert plain.body({"x": "", "y": "", "z": 1}) == {"a": {"b": ""}, "c": "", "d": 1}


def test_empty_counts_as_missing_only_when_said(plain: Any) -> None:
    """With empty_is_missing "" is missing everywhere, also what verbs leave empty."""
    plain.mapping("""\
        empty_is_missing: true
        set:
          a: { get: x, optional: true }
          b: { get: y, default: d, apply: [trim] }
          c: { first_of: [x, z] }
        """)
    assert plain.body({"x": "", "y": "  ", "z": "last"}) == {"b": "d", "c": "last"}
    assert [p.code for p in plain.refused({"z": ""})] == ["missing"]


def test_constants_join_and_first_of(plain: Any) -> None:
    """A constant may be any JSON; join leaves out what is missing or empty; first_of takes the first that is there."""
    plain.mapping("""\
        set:
          constant: { value: { list: [1, "x", true] } }
          name: { join: [first, middle, last], with: " " }
          number: { first_of: [a.b, c] }
        """)
    body = plain.body({"first": "", "last": "Ten", "middle": "Dem", "c": 5})
    assert body == {"constant": {"list": [1, "x", True]}, "name": "Dem Ten", "number": 5}
    assert [(p.at, p.code) for p in plain.refused({})] == [("name", "missing"), ("number", "missing")]
    assert [(p.at, p.code) for p in plain.refused({"first": {}, "c": 1})] == [("name", "bad_value")]


def test_constants_are_not_shared_between_messages(plain: Any) -> None:
    """Changing one body cannot change the next."""
    plain.mapping("set:\n  a: { value: [1] }\n")
    chain = plain.catalog().chain("in@1", "out@1")
    first = chain.translate({})
    assert first is not None
    first.body["a"].append(2)
    second = chain.translate({})
    assert second is not None
    assert second.body == {"a": [1]}


def test_each_makes_one_item_for_each_item(plain: Any) -> None:
    """Paths inside are the item's; `$.` reads from the root; lists nest; problems name the positions."""
    plain.mapping("""\
        set:
          docs:
            each: files
            set:
              title: { get: name }
              owner: { get: $.owner.id }
              parts: { each: parts, optional: true, set: { no: { get: n, apply: [to_integer] } } }
          tags: { each: labels, apply: [upper], default: [] }
          one: { each: single, set: { a: { get: a } } }
        """)
    given = {"owner": {"id": "o"}, "files": [{"name": "x", "parts": [{"n": "1"}, {"n": "2"}]}, {"name": "y"}],
             "labels": ["a", "b"], "single": {"a": 1}}  # fmt: skip
    assert plain.body(given) == {
        "docs": [{"title": "x", "owner": "o", "parts": [{"no": 1}, {"no": 2}]}, {"title": "y", "owner": "o"}],
        "tags": ["A", "B"],
        "one": [{"a": 1}],
    }
    given["files"] = [{"name": "x"}, {"parts": [{"n": "1"}, {"n": "z"}]}]
    given["labels"] = ["a", None, 3]
    assert [(p.at, p.code, p.source.split(" ")[1]) for p in plain.refused(given)] == [
        ("docs.1.title", "missing", "files.name"),
        ("docs.1.parts.1.no", "bad_value", "files.parts.n"),
        ("tags.1", "missing", "labels"),
        ("tags.2", "bad_value", "labels"),
    ]


def test_each_over_nothing(plain: Any) -> None:
    """An empty list stays one; a missing list is missing; a text is no list."""
    plain.mapping("set:\n  docs: { each: files, set: { a: { get: a } } }\n")
    assert plain.body({"files": []}) == {"docs": []}
    assert [p.code for p in plain.refused({})] == ["missing"]
    assert [p.code for p in plain.refused({"files": "x"})] == ["bad_value"]


def test_each_over_the_message_itself_wraps_it(plain: Any) -> None:
    """`each: $` gives a list of one item for partners who want packets."""
    plain.mapping("set:\n  data: { each: $, set: { a: { get: x } } }\n")
    assert plain.body({"x": 1}) == {"data": [{"a": 1}]}


def test_positions_read_and_make_lists(plain: Any) -> None:
    """A number in a path is a position; a position whose value is absent leaves no gap."""
    plain.mapping("""\
        set:
          first: { get: items.0.a, optional: true }
          papers.0.number: { get: card, optional: true }
          papers.0.kind: { when: { present: card }, then: { value: card } }
          papers.1.number: { get: passport, optional: true }
        """)
    assert plain.body({"items": [{"a": 1}], "passport": "P"}) == {"first": 1, "papers": [{"number": "P"}]}
    assert plain.body({"items": [], "card": "C"}) == {"papers": [{"number": "C", "kind": "card"}]}
    assert plain.body({"items": {}}) == {}


def test_when_chooses_a_rule(plain: Any) -> None:
    """Conditions are present, absent and equals; all of a list must hold; no else means absent."""
    plain.mapping("""\
        set:
          kind:
            when: [{ present: tax }, { absent: id }]
            then: { value: enterprise }
            else: { when: { equals: { type: 1 } }, then: { get: name }, else: { value: other } }
          flag: { when: { equals: { on: true } }, then: { value: "yes" } }
          back: { when: { equals: { on: "x" } }, then: { get: gone }, default: d }
        """)
    assert plain.body({"tax": "t"}) == {"kind": "enterprise", "back": "d"}
    assert plain.body({"tax": "t", "id": "i", "type": 1, "name": "n", "on": True}) == {
        "kind": "n",
        "flag": "yes",
        "back": "d",
    }
    assert plain.body({"type": True, "on": 1}) == {"kind": "other", "back": "d"}
    assert [(p.at, p.code) for p in plain.refused({"type": 1, "on": "x"})] == [("kind", "missing"), ("back", "missing")]


def test_matches_wants_the_whole_text_to_fit(plain: Any) -> None:
    """A number within a longer text, or one that is no text, does not match."""
    plain.mapping('set:\n  a: { when: { matches: { id: "[0-9]{3}" } }, then: { value: "yes" } }\n')
    assert plain.body({"id": "123"}) == {"a": "yes"}
    for other in ("1234", " 123", 123, None, ""):
        assert plain.body({"id": other}) == {}


def test_each_takes_only_the_items_for_which_where_holds(plain: Any) -> None:
    """Paths in where are the item's; ``differs`` holds for another value and for none; ``$.`` reads from the root."""
    plain.mapping("""\
        set:
          results: { each: files, where: { equals: { type: 2 } }, set: { id: { get: id } } }
          others: { each: files, where: { differs: { type: 2 } }, set: { id: { get: id } } }
          mine: { each: files, where: [{ present: id }, { equals: { $.all: true } }], set: { id: { get: id } } }
        """)
    files = [{"id": "a", "type": 1}, {"id": "b", "type": 2}, {"id": "c"}]
    assert plain.body({"files": files, "all": True}) == {
        "results": [{"id": "b"}],
        "others": [{"id": "a"}, {"id": "c"}],
        "mine": [{"id": "a"}, {"id": "b"}, {"id": "c"}],
    }
    assert plain.body({"files": files})["mine"] == []


def test_a_mapping_whose_when_does_not_hold_gives_nothing(plain: Any) -> None:
    """That is no error: there is nothing to send."""
    plain.mapping("when: { present: step.at }\nset:\n  a: { get: step.at }\n")
    assert plain.translate({"step": {}}) is None
    assert plain.translate({"step": {"at": 1}}).body == {"a": 1}


@pytest.mark.parametrize(
    ("verbs", "value", "result"),
    [
        ("trim", "  a b ", "a b"),
        ("upper", "đơn", "ĐƠN"),
        ("lower", "ĐƠN", "đơn"),
        ("collapse_spaces", " Nguyễn \t Văn\nA ", "Nguyễn Văn A"),
        ("to_string", 15, "15"),
        ("to_string", True, "true"),
        ("to_string", 1e22, "10000000000000000000000"),
        ("to_string", 0.5, "0.5"),
        ("to_integer", "-007", -7),
        ("to_integer", 3.0, 3),
        ("to_decimal", "1500000.50", 1500000.5),
        ("to_decimal", "12", 12),
        ("to_boolean", "True", True),
        ("to_boolean", 0, False),
        ("to_boolean", "1", True),
        ("parse_datetime: dd/MM/yyyy HH:mm:ss", "21/11/2026 08:05:09", "2026-11-21T08:05:09+07:00"),
        ("parse_datetime: yyyyMMddHHmmss", "20261121080509", "2026-11-21T08:05:09+07:00"),
        ("parse_datetime: [dd/MM/yyyy, yyyyMMdd]", "20240229", "2024-02-29T00:00:00+07:00"),
        (
            "parse_datetime: { format: 'yyyy-MM-dd HH:mm', zone: Europe/Paris }",
            "2026-07-01 10:00",
            "2026-07-01T10:00:00+02:00",
        ),
        ("parse_datetime: dd/MM/yyyy", "01/06/1970", "1970-06-01T00:00:00+08:00"),
        ("format_datetime: yyyyMMddHHmmss", "2026-11-21T01:05:09Z", "20261121080509"),
        ("format_datetime: dd/MM/yyyy", "2026-11-21T18:00:00.123+00:00", "22/11/2026"),
        ("format_datetime: { format: '{HH}', zone: UTC }", "2026-11-21T08:00:00+07:00", "{01}"),
        ("replace: ['.', '']", "1.000.894", "1000894"),
        ("strip_suffix: .000.00.00.H22", "1.000894.000.00.00.H22", "1.000894"),
        ("pad_left: [4, '0']", "27", "0027"),
        ("pad_left: [4, '0']", "12345", "12345"),
        ("pattern: '[0-9]{3}'", "123", "123"),
        ("max_length: 3", "abc", "abc"),
        ("cut: 5", "abcde", "abcde"),
    ],
)
def test_verbs(plain: Any, verbs: str, value: Any, result: Any) -> None:
    """Each verb does what its name says."""
    plain.mapping(
        f"set:\n  a: {{ get: x, apply: [{{ {verbs} }}] }}\n" if ":" in verbs else f"set:\n  a: {{ get: x, apply: [{verbs}] }}\n"
    )
    found = plain.body({"x": value})["a"]
    assert found == result
    assert type(found) is type(result)


@pytest.mark.parametrize(
    ("verbs", "value", "code"),
    [
        ("trim", 5, "bad_value"),
        ("upper", ["a"], "bad_value"),
        ("to_string", {"a": 1}, "bad_value"),
        ("to_integer", "1.5", "bad_value"),
        ("to_integer", "１２", "bad_value"),
        ("to_integer", "9" * 5000, "bad_value"),
        ("to_integer", True, "bad_value"),
        ("to_decimal", "1,5", "bad_value"),
        ("to_decimal", "123456789012.3456", "bad_value"),
        ("to_decimal", "NaN", "bad_value"),
        ("to_boolean", "yes", "bad_value"),
        ("to_boolean", 2, "bad_value"),
        ("parse_datetime: dd/MM/yyyy", "31/02/2026", "bad_date"),
        ("parse_datetime: dd/MM/yyyy", "1/2/2026", "bad_date"),
        ("parse_datetime: dd/MM/yyyy", "٠١/٠٢/٢٠٢٦", "bad_date"),
        ("parse_datetime: dd/MM/yyyy", "01/01/2026 ", "bad_date"),
        ("parse_datetime: dd/MM/yyyy", "01/01/0001", "bad_date"),
        ("parse_datetime: dd/MM/yyyy", 20260101, "bad_value"),
        ("parse_datetime: { format: 'yyyy-MM-dd HH:mm', zone: Europe/Paris }", "2026-03-29 02:30", "bad_date"),
        ("parse_datetime: { format: 'yyyy-MM-dd HH:mm', zone: Europe/Paris }", "2026-10-25 02:30", "bad_date"),
        ("format_datetime: yyyyMMdd", "2026-02-30T00:00:00Z", "bad_date"),
        ("format_datetime: yyyyMMdd", "2026-02-03T00:00:00", "bad_date"),
        ("format_datetime: yyyyMMdd", "20260203", "bad_date"),
        ("format_datetime: yyyyMMdd", "9999-12-31T23:59:59Z", "bad_date"),
        ("pattern: '[0-9]{3}'", "1234", "pattern"),
        ("max_length: 3", "abcd", "too_long"),
        ("cut: 5", 123456, "bad_value"),
    ],
)
def test_verbs_refuse(plain: Any, verbs: str, value: Any, code: str) -> None:
    """What a verb cannot take is a problem with a stable code; the value is not in it."""
    plain.mapping(
        f"set:\n  a: {{ get: x, optional: true, apply: [{{ {verbs} }}] }}\n"
        if ":" in verbs
        else f"set:\n  a: {{ get: x, default: d, apply: [{verbs}] }}\n"
    )
    (problem,) = plain.refused({"x": value})
    assert (problem.at, problem.code, problem.source) == ("a", code, "mappings/m/1.0.0.yaml:8 x")
    assert str(value) not in str(problem)


def test_cutting_is_recorded(plain: Any) -> None:
    """A cut text ends in three points, has the length, and the translation carries a warning without the text."""
    plain.mapping(
        "set:\n  a: { get: x, apply: [{ cut: 1000 }] }\n  b: { each: y, set: { c: { get: z, apply: [{ cut: 4 }] } } }\n"
    )
    result = plain.translate({"x": SECRET * 100, "y": [{"z": "1234"}, {"z": "12345"}]})
    assert result.body["a"] == (SECRET * 100)[:997] + "..."
    assert result.body["b"] == [{"c": "1234"}, {"c": "1..."}]
    assert [(w.at, w.code) for w in result.warnings] == [("a", "cut"), ("b.1.c", "cut")]
    assert "Mật" not in str(result.warnings)


TABLES = """\
tables:
  inline: { A: x, "1": 1, "true": T }
  whole: { use: states@1, column: state }
  numbers: { use: numbers@1 }
  pair: { by: [s, t.u], use: pairs@1, column: state }
  own: { by: [s, v], rows: [[a, b, first], [a, "", second]] }
"""


@pytest.fixture
def tabled(plain: Any) -> Any:
    plain.write(
        "mappings/tables/states/1.0.0.yaml",
        "table: states\nversion: 1.0.0\nkey: [code]\ncolumns: [name, state]\nrows: [[new, Mới, old]]\n",
    )
    plain.write(
        "mappings/tables/states/1.1.0.yaml",
        "table: states\nversion: 1.1.0\nkey: [code]\ncolumns: [name, state]\nrows:\n  - [new, Mới, received]\n",
    )
    plain.write("mappings/tables/states/2.0.0.yaml", "table: states\nversion: 2.0.0\nkey: [code]\ncolumns: [state]\nrows: []\n")
    plain.write(
        "mappings/tables/numbers/1.0.0.yaml",
        'table: numbers\nversion: 1.0.0\nkey: [code]\ncolumns: [n]\nrows:\n  - [received, "2"]\n  - [1.000890, x]\n',
    )
    plain.write(
        "mappings/tables/pairs/1.0.0.yaml",
        'table: pairs\nversion: 1.0.0\nkey: [a, b]\ncolumns: [state]\nrows:\n  - [n, "", one]\n  - [n, m, two]\n',
    )
    return plain


def test_tables_translate_codes(tabled: Any) -> None:
    """Inline and catalog tables, chains of tables, integers and booleans as codes, the newest version of a major."""
    tabled.mapping(
        TABLES
        + """\
set:
  a: { get: a, table: inline }
  b: { get: b, table: inline }
  c: { get: c, table: [whole, numbers] }
  d: { get: d, apply: [trim], table: numbers }
  e: { get: e, table: inline }
"""
    )
    assert tabled.body({"a": "A", "b": 1, "c": "new", "d": " 1.000890", "e": True}) == {
        "a": "x",
        "b": 1,
        "c": "2",
        "d": "x",
        "e": "T",
    }


def test_tables_by_several_fields(tabled: Any) -> None:
    """A missing field of the key reads as ""."""
    tabled.mapping(TABLES + "set:\n  a: { table: pair }\n")
    assert tabled.body({"s": "n"}) == {"a": "one"}
    assert tabled.body({"s": "n", "t": {"u": "m"}}) == {"a": "two"}
    (problem,) = tabled.refused({"s": "n", "t": {"u": "zz"}})
    assert (problem.code, problem.at) == ("not_in_table", "a")
    assert "(n, zz)" in problem.message
    assert "mappings/tables/pairs/1.0.0.yaml" in problem.hint
    assert problem.source == "mappings/m/1.0.0.yaml:14 s, t.u"
    assert [p.code for p in tabled.refused({})] == ["missing"]


def test_an_unknown_code_is_an_error_even_if_optional(tabled: Any) -> None:
    """It is never a default; the code is shown, the place for the missing row is named."""
    tabled.mapping(
        TABLES + "set:\n  a: { get: a, table: numbers, default: d }\n  b: { get: b, table: inline, optional: true }\n"
    )
    first, second = tabled.refused({"a": "waiting", "b": SECRET})
    assert (first.at, first.code) == ("a", "not_in_table")
    assert "waiting" in first.message
    assert first.hint == "add a row to mappings/tables/numbers/1.0.0.yaml"
    assert "tables.inline at mappings/m/1.0.0.yaml:8" in second.hint
    assert "Mật" not in str(second)
    assert "‹masked›" in second.message
    assert [p.code for p in tabled.refused({"a": ["x"]})] == ["bad_value"]


def test_all_problems_of_a_message_come_at_once(plain: Any) -> None:
    """Not only the first: missing, bad and unknown ones in the order of the rules."""
    plain.mapping("""\
        tables: { t: { A: x } }
        set:
          a: { get: a }
          b: { get: b, apply: [{ parse_datetime: yyyyMMdd }] }
          c: { get: c, table: t }
          d: { get: d }
        """)
    found = plain.refused({"b": "20260230", "c": "Z", "d": 1})
    assert [(p.at, p.code) for p in found] == [("a", "missing"), ("b", "bad_date"), ("c", "not_in_table")]


def test_what_comes_out_fits_its_schema(home: Any) -> None:
    """A result that the target schema refuses is never given; the problem names the rule that made it."""
    home.schema("in@1.0.0", {}, additionalProperties=True)
    items = {"type": "object", "properties": {"n": {"type": "string"}}}
    home.schema("out@1.0.0", {"a": {"type": "object", "properties": {"b": {"type": "integer"}}},
                              "list": {"type": "array", "items": items}, "must": {}}, required=("must",))  # fmt: skip
    home.mapping("""\
        set:
          a.b: { get: x }
          list: { each: y, set: { n: { get: z } } }
        """)
    found = home.refused({"x": SECRET, "y": [{"z": "ok"}, {"z": 1}]})
    assert {(p.at, p.code, p.source) for p in found} == {
        ("a.b", "schema_invalid", "mappings/m/1.0.0.yaml:8 x"),
        ("list.1.n", "schema_invalid", "mappings/m/1.0.0.yaml:9 z"),
        ("must", "schema_invalid", "mappings/m/1.0.0.yaml:7"),
    }
    assert "Mật" not in str(found)


@pytest.mark.parametrize("obj", [None, [], "text", 1])
def test_a_message_that_is_no_object_has_missing_fields(plain: Any, obj: Any) -> None:
    """Nothing crashes on JSON of another type."""
    plain.mapping("set:\n  a: { get: x.0.y }\n  b: { get: z }\n")
    assert [p.code for p in plain.refused(obj)] == ["missing", "missing"]


def test_odd_names_in_paths_are_only_names(plain: Any) -> None:
    """Quotes, braces, line ends and Python in names do nothing but name a field."""
    name = "x'] + __import__('os') {0} {}"
    plain.mapping(f'set:\n  "{name}.b": {{ get: "{name}.\\"q\\"" }}\n  e: {{ each: l, set: {{ "{name}": {{ get: g }} }} }}\n')
    assert plain.body({name: {'"q"': 1}, "l": [{"g": 2}]}) == {name: {"b": 1}, "e": [{name: 2}]}
    assert [p.at for p in plain.refused({"l": [{}]})] == [f"{name}.b", f"e.0.{name}"]
