"""Code tables: rows that hold for some days, tables that extend tables, and what is said of a code without a row."""

from __future__ import annotations

import difflib
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.errors import Problem, TranslationFailed, shown
from hub.message import SchemaRef
from hub.strictyaml import Document
from hub.translation import Catalog
from hub.translation.inherited_rows import inherit
from hub.translation.lint import lint_catalog
from hub.translation.refusal import Refusal
from hub.translation.table_rows import holds, make_day_reader, read_rows
from hub.translation.tables import CodeTable, Extends, make_lookup

AREAS = """\
table: areas
version: 1.0.0
key: [code]
columns: [name, valid_from, valid_until]
rows:
  - [A, old, "", 2025-06-30]
  - [A, new, 2025-07-01, ""]
  - [B, only, 2020-01-01, 2020-12-31]
  - [B, again, 2024-01-01, 2024-12-31]
"""
DATED = """\
tables: { area: { use: areas@1, column: name, on: day } }
set:
  a: { get: x, table: area }
"""
STATES = "table: states\nversion: 1.0.0\nkey: [code]\ncolumns: [state]\nrows:\n  - [open, one]\n  - [shut, two]\n"
USE = "tables: { t: { use: states@1 } }\nset:\n  a: { get: x, table: t }\n"


@pytest.fixture
def dated(plain: Any) -> Any:
    plain.write("mappings/tables/areas/1.0.0.yaml", AREAS)
    plain.mapping(DATED)
    return plain


def found(home: Any) -> list[tuple[str, str]]:
    return [(one.code, one.source) for one in home.problems()]


# ── days


@pytest.mark.parametrize(
    ("day", "name"),
    [
        ("2025-06-30", "old"),
        ("2025-07-01", "new"),
        ("1990-01-01", "old"),
        ("2999-12-31", "new"),
        ("2025-06-30T23:59:59+07:00", "old"),
        ("2025-06-30T17:00:00Z", "new"),  # midnight in Vietnam
        ("2025-06-30T16:59:59Z", "old"),
    ],
)
def test_the_day_of_the_message_chooses_the_row(dated: Any, day: str, name: str) -> None:
    """First and last day are both in; a time of another zone is the Vietnamese day."""
    assert dated.body({"x": "A", "day": day}) == {"a": name}


def test_a_day_is_read_as_the_mapping_says(dated: Any) -> None:
    """on: may name a format; inside each the path is the item's, with $. the root's; the verbs of the rule come first."""
    spec = "{ path: d.i, format: dd/MM/yyyy }"
    dated.mapping(DATED.replace("on: day", f"on: {spec}").replace("get: x,", "get: x, apply: [trim, upper],"))
    assert dated.body({"x": " a", "d": {"i": "30/06/2025"}}) == {"a": "old"}
    for on, item in (("day", {"day": "2025-07-01"}), ("$.day", {})):
        rules = "set:\n  l: { each: l, set: { a: { get: x, table: area } } }\n"
        dated.mapping(f"tables: {{ area: {{ use: areas@1, column: name, on: {on} }} }}\n{rules}")
        assert dated.body({"day": "2025-07-01", "l": [{"x": "A", **item}]}) == {"l": [{"a": "new"}]}


@pytest.mark.parametrize(
    ("written", "day", "name"),
    [
        ("dd/MM/yyyy", "01/07/2025", "new"),  # 30 June in Vietnam, if it were midnight in Auckland
        ("vietnamese_date", "30/06/2025", "old"),
        ("[compact, dd/MM/yyyy]", "01/07/2025", "new"),
        ("[compact, dd/MM/yyyy]", "20250701000000", "old"),
        ("dd/MM/yyyy HH:mm:ss", "01/07/2025 00:00:00", "old"),
    ],
)
def test_a_day_without_hours_is_that_day_in_every_zone(dated: Any, written: str, day: str, name: str) -> None:
    """A zone says when something was, and a day is none: only what has hours is brought to Vietnam's time."""
    dated.mapping(DATED.replace("on: day", f"on: {{ path: day, format: {written}, zone: Pacific/Auckland }}"))
    assert dated.body({"x": "A", "day": day}) == {"a": name}


def test_a_key_may_have_thousands_of_days(dated: Any) -> None:
    """They are read, asked and named without comparing each with each: the first and the last are enough of a message."""
    days = [str(date(2000, 1, 1) + timedelta(number)) for number in range(6000)]
    rows = {("A", day): (day, day, day) for day in days}
    table = CodeTable(SchemaRef("t", "1.0.0"), ("code",), ("n", "valid_from", "valid_until"), rows)
    look_up = make_lookup(table, 0, "t", "", False, make_day_reader("day"))
    assert [look_up("A", day) for day in (days[0], days[2999], days[-1])] == [days[0], days[2999], days[-1]]
    for outside in ("1999-12-31", "2999-12-31"):
        with pytest.raises(Refusal) as caught:
            look_up("A", outside)
        assert f"only on {days[0]} → {days[0]}, " in caught.value.message and f"{days[-1]} (6000" in caught.value.message
        assert len(caught.value.message) < 300
    listed = [["A", day, day, day] for day in reversed(days)]
    calls, problems = 0, []

    def counted(*asked: Any) -> bool:
        nonlocal calls
        calls += 1
        return holds(*asked)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("hub.translation.table_rows.holds", counted)
        raw = {("rows", number, 0): "A" for number in range(6001)}
        document = Document({"rows": [*listed, ["A", "x", days[40], days[50]]]}, "t.yaml", {(): 1}, raw)
        assert read_rows(document, ("rows",), 1, table.columns, problems).keys() == rows.keys()
    assert calls <= 3 * len(listed) and [one.code for one in problems] == ["overlapping_validity"]


def test_what_a_dated_look_up_says_when_it_cannot_answer(dated: Any) -> None:
    """No day: missing. No date: bad_date. Another day's code: not_in_table with its days, none of the message's own."""
    assert [(p.at, p.code) for p in dated.refused({"x": "A"})] == [("a", "missing")]
    for wrong in ("2025-02-30", "30/06/2025", 20250630, "secret"):
        (problem,) = dated.refused({"x": "A", "day": wrong})
        assert problem.code == "bad_date" and "secret" not in str(problem) and "on: { path: day" in problem.hint
    (problem,) = dated.refused({"x": "B", "day": "2023-05-05"})
    assert (problem.code, problem.source) == ("not_in_table", "mappings/m/1.0.0.yaml:9 x, day")
    assert "only on 2020-01-01 → 2020-12-31, 2024-01-01 → 2024-12-31" in problem.message
    assert "2023" not in str(problem) and problem.hint == "add a row to mappings/tables/areas/1.0.0.yaml"
    assert [p.code for p in dated.refused({"x": "Z"})] == ["not_in_table"]
    assert [p.code for p in dated.refused({})] == ["missing"]


def test_a_dated_table_by_several_fields(dated: Any) -> None:
    """by: and on: together; all fields missing is a missing value, a missing one reads as ""."""
    two = AREAS.replace("[code]", "[code, part]").replace("[A,", '[A, "",').replace("[B,", "[B, p,")
    dated.write("mappings/tables/areas/1.0.0.yaml", two)
    dated.mapping("tables: { area: { by: [x, y], use: areas@1, on: day } }\nset:\n  a: { table: area, optional: true }\n")
    assert dated.body({"x": "A", "day": "2025-07-01"}) == {"a": "new"}
    assert dated.body({"day": "2025-07-01"}) == {}
    assert dated.body({}) == {}
    (problem,) = dated.refused({"x": "B", "y": "p", "day": "2026-01-01"})
    assert problem.message.startswith("the codes (B, p) had no row in the table area on that day, only on 2020")


def test_a_mapping_and_its_table_agree_about_days(dated: Any) -> None:
    """A dated table needs on:, another must not have it; both at load, with the line."""
    dated.mapping(DATED.replace(", on: day", ""))
    assert found(dated) == [("needs_date", "mappings/m/1.0.0.yaml:7")]
    dated.mapping(DATED.replace("on: day", "on: { path: day, format: dd/QQ }"))
    assert found(dated) == [("bad_table", "mappings/m/1.0.0.yaml:7")]
    dated.write("mappings/tables/states/1.0.0.yaml", STATES)
    dated.mapping(USE.replace("states@1 }", "states@1, on: day }"))
    (problem,) = dated.problems()
    assert (problem.code, problem.hint) == ("bad_table", "remove on")


def test_the_field_of_the_day_counts_as_read(home: Any) -> None:
    """Lint finds a mistyped on: path, and a right one is no silent loss."""
    text = {"type": "string"}
    home.schema("in@1.0.0", {"x": text, "day": text})
    home.schema("out@1.0.0", {"a": text})
    home.write("mappings/tables/areas/1.0.0.yaml", AREAS)
    tests = 'tests: [{ name: t, given: { x: A, day: "2025-07-01" }, expect: { a: new } }]\n'
    home.mapping(DATED + tests)
    assert lint_catalog(home.catalog()) == []
    home.mapping(DATED.replace("on: day", "on: dya") + tests)
    assert {"unknown_source_path", "silent_loss"} <= {one.code for one in lint_catalog(home.catalog())}


def test_a_test_may_bring_a_dated_table(dated: Any) -> None:
    """The mapping's own examples can replace it by rows with days."""
    table = 'areas@1: { key: [code], columns: [name, valid_until], rows: [[A, last, "2000-01-01"]] }'
    case = "{ name: t, given: { x: A, day: %s }, %s, tables: { " + table + " } }"
    good = (
        case % ('"2000-01-01"', "expect: { a: last }"),
        case
        % (
            '"2000-01-02"',
            "error: { at: a, code: not_in_table }",
        ),
    )
    dated.mapping(DATED + "tests:\n" + "".join(f"  - {one}\n" for one in good))
    assert [one for one in lint_catalog(dated.catalog()) if one.code == "test_failed"] == []


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ("[A, x, 2025-06-30, 2025-06-30]", "overlapping_validity"),
        ('[A, x, "", ""]', "overlapping_validity"),
        ("[A, x, 2030-01-01, 2030-01-02]", "overlapping_validity"),
        ("[C, x, 2025-02-30, 2025-06-30]", "bad_validity"),
        ("[C, x, 01/07/2025, 2025-06-30]", "bad_validity"),
        ("[C, x, 20250701, 2025-06-30]", "bad_validity"),
        ("[C, x, 2025-07-01, 2025-06-30]", "bad_validity"),
        ("[C, x, 2025-07-01]", "bad_row"),
    ],
)
def test_a_wrong_day_in_a_table_is_named_with_its_line(dated: Any, row: str, code: str) -> None:
    """Days that are none, that end before they begin, and rows of one key that hold on one day, naming the other row too."""
    dated.write("mappings/tables/areas/1.0.0.yaml", f"{AREAS}  - {row}\n")
    problem = next(one for one in dated.problems() if one.at == "rows")
    assert (problem.code, problem.source) == (code, "mappings/tables/areas/1.0.0.yaml:10")
    assert code != "overlapping_validity" or "mappings/tables/areas/1.0.0.yaml:" in problem.message


DAYS = st.dates().map(str)


@settings(max_examples=60, deadline=None)
@given(ends=st.lists(DAYS, min_size=1, max_size=4, unique=True), asked=DAYS)
def test_rows_without_a_gap_answer_every_day_once(ends: list[str], asked: str) -> None:
    """Cut time into periods at any days: exactly the period of the day asked for answers."""
    ends = sorted(end for end in ends if end != str(date.max))
    begins = ["", *(str(date.fromisoformat(end) + timedelta(1)) for end in ends)]
    rows = {("A", first): (number, first, last) for number, (first, last) in enumerate(zip(begins, [*ends, ""], strict=True))}
    table = CodeTable(SchemaRef("t", "1.0.0"), ("code",), ("n", "valid_from", "valid_until"), rows)
    look_up = make_lookup(table, 0, "t", "", False, make_day_reader("day"))
    assert look_up("A", asked) == sum(end < asked for end in ends)


# ── inheritance


def child(home: Any, body: str = "", ref: str = "own@1.0.0", extends: str = "states@1") -> None:
    name, version = ref.split("@")
    head = f"table: {name}\nversion: {version}\nextends: {extends}\nkey: [code]\ncolumns: [state]\n"
    home.write(f"mappings/tables/{name}/{version}.yaml", head + (body or "rows: []\n"))


@pytest.fixture
def states(plain: Any) -> Any:
    plain.write("mappings/tables/states/1.0.0.yaml", STATES)
    plain.mapping(USE.replace("states@1", "own@1"))
    return plain


def rows_of(home: Any, ref: str) -> Any:
    return next(one.rows for one in home.catalog().tables() if str(one.ref) == ref)


def test_a_table_takes_over_the_rows_of_another(states: Any) -> None:
    """Its own replace or add, without removes, the newest parent that is allowed counts; lint sees the parent in use."""
    child(states, "without: [[shut]]\nrows: [[open, mine], [more, three]]\n")
    assert rows_of(states, "own@1.0.0") == {("open",): ("mine",), ("more",): ("three",)}
    states.write("mappings/tables/states/1.1.0.yaml", STATES.replace("1.0.0", "1.1.0") + "  - [late, four]\n")
    assert states.body({"x": "late"}) == {"a": "four"}
    assert [p.code for p in states.refused({"x": "shut"})] == ["not_in_table"]
    assert "unused_table" not in {one.code for one in lint_catalog(states.catalog())}


def test_a_newer_version_may_extend_the_one_before(states: Any) -> None:
    """A reference to its own id means an older version, never itself, and so never a cycle."""
    states.mapping(USE)
    child(states, "rows: [[late, four]]\n", "states@1.1.0")
    child(states, "rows: [[last, five]]\n", "states@1.2.0")
    assert [states.body({"x": x})["a"] for x in ("open", "late", "last")] == ["one", "four", "five"]


def test_a_changed_parent_changes_the_digest(states: Any) -> None:
    """What was inherited is among the inputs of the translation that a chain's digest covers."""
    child(states)
    before = states.catalog().chain("in@1", "out@1").digest
    states.write("mappings/tables/states/1.0.0.yaml", STATES.replace("two", "other"))
    assert states.catalog().chain("in@1", "out@1").digest != before


def test_own_rows_of_a_dated_table_replace_all_days_of_their_key(dated: Any) -> None:
    """One row for a key takes the place of every row of that key; the others keep their days."""
    own = AREAS.split("rows:")[0].replace("areas", "own").replace("key:", "extends: areas@1\nkey:")
    dated.write("mappings/tables/own/1.0.0.yaml", own + 'rows: [[A, always, "", ""]]\n')
    assert set(rows_of(dated, "own@1.0.0")) == {("A", ""), ("B", "2020-01-01"), ("B", "2024-01-01")}


def test_what_extends_a_table_not_fetched_yet_waits_for_it(plain: Any) -> None:
    """The catalog loads; a look-up says what to do, and works once the table is there."""
    child(plain, "rows: [[more, x]]\n", extends="procs@1")
    plain.mapping(USE.replace("states@1", "own@1"))
    fetched = {"procs@1": ["state"]}
    catalog = plain.catalog(fetched_tables=fetched)
    assert next(one.rows for one in catalog.tables() if one.ref.id == "own") is None
    plain.write("mappings/tables/procs/1.0.0.yaml", STATES.replace("states", "procs"))
    assert plain.catalog(fetched_tables=fetched).chain("in@1", "out@1").translate({"x": "open"}).body == {"a": "one"}


@pytest.mark.parametrize(
    ("body", "extends", "code", "line"),
    [
        ("", "nowhere@1", "unknown_table", 3),
        ("", "own@1", "unknown_table", 3),
        ("", "Not A Table", "bad_reference", 3),
        ("without: [[gone]]\nrows: []\n", "states@1", "unknown_row", 6),
        ("without: [gone]\nrows: []\n", "states@1", "mistyped", 6),
        ("without: [[a, b]]\nrows: []\n", "states@1", "mistyped", 6),
    ],
)
def test_a_wrong_reference_is_named(states: Any, body: str, extends: str, code: str, line: int) -> None:
    """A dangling table, a key that is not there to remove: file and line."""
    child(states, body, extends=extends)
    assert (code, f"mappings/tables/own/1.0.0.yaml:{line}") in found(states)


def test_tables_that_extend_each_other_are_a_cycle(states: Any) -> None:
    """One problem with the whole way around; other tables are loaded all the same."""
    child(states, ref="a@1.0.0", extends="b@1")
    child(states, ref="b@1.0.0", extends="c@1")
    child(states, ref="c@1.0.0", extends="a@1")
    child(states)
    (problem,) = states.problems()
    assert problem.code == "table_cycle"
    assert "a@1.0.0 → b@1.0.0 → c@1.0.0 → a@1.0.0" in problem.message
    assert [str(one.ref) for one in Catalog.read([states.path])[0].tables()] == ["own@1.0.0", "states@1.0.0"]


def test_a_long_row_of_tables_is_whole(states: Any) -> None:
    """Hundreds that extend one another, beginning with the last; a cycle at the far end is one problem."""
    tables = {}
    for number in range(600):
        ref, link = SchemaRef(f"t{number}", "1.0.0"), Extends(SchemaRef(f"t{number + 1}", "1"), "", {})
        tables[ref] = CodeTable(ref, ("k",), ("v",), {(f"k{number}",): (number,)}, extends=link if number < 599 else None)
    problems: list[Problem] = []
    whole = dict(tables)
    inherit(whole, problems)
    assert problems == [] and len(whole[SchemaRef("t0", "1.0.0")].rows or ()) == 600
    last = SchemaRef("t599", "1.0.0")
    tables[last] = replace(tables[last], extends=Extends(SchemaRef("t598", "1"), "", {}))
    inherit(tables, problems)
    assert (tables, [one.code for one in problems]) == ({}, ["table_cycle"])


def test_many_keys_may_be_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """The keys of the parent are gathered once, not for each key of without."""
    keys = [(f"k{number}",) for number in range(3000)]
    parent = CodeTable(SchemaRef("p", "1.0.0"), ("k",), ("v",), dict.fromkeys(keys, (1,)))
    link = Extends(parent.ref, "", dict.fromkeys(keys[:2999], "x.yaml:1") | {("gone",): "x.yaml:7"})
    child, asked, all_keys = CodeTable(SchemaRef("c", "1.0.0"), ("k",), ("v",), {}, extends=link), [], CodeTable.all_keys
    monkeypatch.setattr(CodeTable, "all_keys", lambda table: asked.append(table.ref.id) or all_keys(table))
    tables, problems = {child.ref: child, parent.ref: parent}, []
    inherit(tables, problems)
    assert tables[child.ref].rows == {("k2999",): (1,)} and [one.source for one in problems] == ["x.yaml:7"]
    assert asked.count("p") == 1


def test_the_columns_are_those_of_the_parent(states: Any) -> None:
    """A table that extends says the same key and columns; without needs a parent; a wrong offered is named."""
    child(states)
    path = states.path / "mappings/tables/own/1.0.0.yaml"
    path.write_text(path.read_text().replace("[state]", "[status]"))
    assert ("bad_extends", "mappings/tables/own/1.0.0.yaml:3") in found(states)
    states.write("mappings/tables/own/1.0.0.yaml", STATES.replace("states", "own") + "without: [[open]]\noffered: often\n")
    assert {"misplaced", "mistyped"} <= {code for code, _ in found(states)}


# ── codes without a row


def refused(home: Any, given: Any) -> Problem:
    (problem,) = home.refused(given)
    assert problem.code == "not_in_table"
    return problem


def test_the_nearest_codes_are_suggested(states: Any) -> None:
    """At most three, before what to do otherwise; by several fields as they are written; nothing for what is far off."""
    states.mapping(USE)
    assert refused(states, {"x": "opne"}).hint == "did you mean open? Else add a row to mappings/tables/states/1.0.0.yaml"
    assert refused(states, {"x": "zzz"}).hint == "add a row to mappings/tables/states/1.0.0.yaml"
    states.mapping('tables: { t: { by: [x, y], rows: [[ab, cd, 1], [ab, "", 2]] } }\nset:\n  a: { table: t }\n')
    assert refused(states, {"x": "ab", "y": "ce"}).hint.startswith('did you mean (ab, cd), (ab, "")? Else add a row to')


def test_nothing_is_suggested_for_what_may_be_personal(plain: Any) -> None:
    """A masked value is not compared: a suggestion near it would tell what it is."""
    plain.mapping("tables: { t: { '001090000001': x, Nguyễn Văn A: y } }\nset:\n  a: { get: x, table: t }\n")
    for value in ("001090000002", "Nguyễn Văn B"):
        problem = refused(plain, {"x": value})
        assert "‹masked›" in problem.message and "did you mean" not in problem.hint


NATIONAL = "tables: { t: { '2.000815.000.00.00.H22': x, 000.00.14.H56: y, H56.14: z } }\nset:\n  a: { get: x, table: t }\n"


@pytest.mark.parametrize(
    ("code", "meant"),
    [
        ("2.000816.000.00.00.H22", "2.000815.000.00.00.H22"),
        ("2.000815.H22", "2.000815.000.00.00.H22"),
        ("2.000817", ""),
        ("000.00.15.H56", "000.00.14.H56"),
        ("H56.15", "H56.14"),
    ],
)
def test_national_codes_are_seen(plain: Any, code: str, meant: str) -> None:
    """Procedures and agencies in both schemes (contracts.md 3.1, 3.3) are no one's number: shown, with the nearest row."""
    plain.mapping(NATIONAL)
    problem = refused(plain, {"x": code})
    assert f"the code {code} has no row" in problem.message
    assert problem.hint.startswith(f"did you mean {meant}" if meant else "")


@pytest.mark.parametrize(
    "value",
    [
        *("2.0008150", "2.00081", "12.000815", "2-000815", "2.000815.", "2.000815.000", "2.000815.000.00.00.h22", "2.000815\n"),
        *(
            "2.000815.000.00.00.H22.01",
            "2.000815.0901234567",
            "000.00.14.H567",
            "001.09.00.00001",
            "090.12.34.567",
            "２.000815",
        ),
        *("001090000001", "0901234567", "31.12.1990", "31-12-1990", "1990-12-31", "C1234567", "Nguyễn", "an@b.vn"),
        *("170590", "900517", "051990", "199005", "311299"),  # six digits that read as a date
    ],
)
def test_what_could_be_a_persons_is_never_shown(value: str) -> None:
    """Exactly the national forms are let through, nothing near them; six digits may be a date of birth."""
    assert shown(value) == "‹masked›"


@pytest.mark.parametrize(
    "code",
    ["processing", "DaTiepNhan", "TS_lop1.000.00.00.H22", "1", "79", "760", "26734", "970436", "000894", "500001", "UTF-8"],
)
def test_codes_of_lists_are_shown(code: str) -> None:
    """States, areas, banks, local codes: whoever adds the row has to see them."""
    assert shown(code) == code


def test_many_unknown_codes_make_no_slow_message(plain: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A long table is put in order once, the first problems of a message get a suggestion; a condition never asks for one."""
    rows = "".join(f"  - [K-{number:04}, x]\n" for number in range(1000))
    plain.write("mappings/tables/states/1.0.0.yaml", STATES.split("rows:")[0] + "rows:\n" + rows)
    compared, compare, asked, all_keys = [], difflib.get_close_matches, [], CodeTable.all_keys
    monkeypatch.setattr("difflib.get_close_matches", lambda *given: compared.append(given[0]) or compare(*given))
    use = USE.split("set:")[0]
    plain.mapping(use + "set:\n  a: { each: l, where: { in_table: { .: t } } }\n")
    condition = plain.catalog().chain("in@1", "out@1")
    plain.mapping(use + "set:\n  a: { each: l, table: t }\n")
    chain = plain.catalog().chain("in@1", "out@1")
    monkeypatch.setattr(CodeTable, "all_keys", lambda table: asked.append(table) or all_keys(table))
    unknown = [f"K-{number:04}x" for number in range(100)]
    assert condition.translate({"l": [*unknown, "K-0007"]}).body == {"a": ["K-0007"]}
    assert (compared, asked) == ([], [])
    with pytest.raises(TranslationFailed) as caught:
        chain.translate({"l": unknown})
    hints = [one.hint.startswith("did you mean K-") for one in caught.value.problems]
    assert hints == [number < len(compared) for number in range(100)] and 0 < len(compared) <= 20
    assert len(asked) == 1


def test_a_long_table_makes_no_slow_message(plain: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a table of thousands an unknown code is compared with some hundreds next to it in order, and once."""
    rows = "".join(f"  - [K-{number:04}, x]\n" for number in range(3000))
    plain.write("mappings/tables/states/1.0.0.yaml", STATES.split("rows:")[0] + "rows:\n" + rows)
    plain.mapping(USE)
    chain, compared, compare = plain.catalog().chain("in@1", "out@1"), [], difflib.get_close_matches

    def counting(word: str, possibilities: Any, n: int) -> list[str]:
        compared.append(len(possibilities))
        return compare(word, possibilities, n)

    monkeypatch.setattr("hub.translation.tables.difflib.get_close_matches", counting)
    for _ in range(2):
        with pytest.raises(TranslationFailed, match="did you mean K-1500"):
            chain.translate({"x": "K-1500x"})
    assert len(compared) == 1 and compared[0] <= 500


# ── what came with the hub

SHIPPED = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def shipped() -> dict[str, Any]:
    catalog, problems = Catalog.read([SHIPPED], {"npsp-procedures@1": ["name", "field_code", "field_name"]})
    assert problems == []
    return {one.ref.id: one for one in catalog.tables()}


def test_the_agencies_are_complete(shipped: dict[str, Any]) -> None:
    """H01 to H63, each with a name of its own and its code in the first scheme, from which the other table leads back."""
    rows = shipped["agencies"].rows
    assert [key for (key,) in rows] == [f"H{number:02}" for number in range(1, 64)]
    assert len(set(rows.values())) == 63
    names = {"H14": "Cao Bằng", "H22": "Hà Giang", "H29": "TP Hồ Chí Minh", "H41": "Nghệ An", "H49": "Quảng Ninh"}
    assert {code: rows[(code,)][0] for code in names} == names and rows[("H56",)][0] == "Thanh Hóa"
    assert rows[("H29",)][1] == "000.00.00.H29"
    assert shipped["agencies-first-scheme"].rows == {(first,): code for code, (_, first) in rows.items()}


def test_the_merger_is_asked_by_day(plain: Any) -> None:
    """The code in force before and after 1 July 2025; a province that is not in the list is an error, never a guess."""
    plain.mapping("tables: { p: { use: province-merger@1, column: in_force, on: day } }\nset:\n  a: { get: x, table: p }\n")
    chain = Catalog.load([plain.path, SHIPPED], {"npsp-procedures@1": ["name", "field_code", "field_name"]}).chain(
        "in@1", "out@1"
    )
    asked = [("H06", "2025-06-30"), ("H06", "2025-07-01"), ("H09", "2025-07-01"), ("H29", "2024-01-01"), ("H29", "2026-01-01")]
    answers = [chain.translate({"x": code, "day": day}) for code, day in asked]
    assert [one.body["a"] for one in answers if one] == ["H06", "H29", "H29", "H29", "H29"]
    with pytest.raises(TranslationFailed, match="not_in_table"):
        chain.translate({"x": "H22", "day": "2025-07-01"})


def test_the_two_generations_number_applicants_differently(shipped: dict[str, Any]) -> None:
    """No number means the same in both tables, and the first agrees with the mapping that the hub ships."""
    first, second = (shipped[f"{name}-applicant-types"].rows for name in ("npsp", "npsp2"))
    assert first == {("citizen",): ("1",), ("enterprise",): ("2",), ("state_body",): ("3",), ("other_organisation",): ("4",)}
    assert second == {("citizen",): ("0",), ("enterprise",): ("1",), ("business_household",): ("2",)}
    text = (SHIPPED / "mappings/dossier-to-npsp/1.1.0.yaml").read_text(encoding="utf-8")
    assert 'owner_kind: { citizen: "1", enterprise: "2", state_body: "3", other_organisation: "4" }' in text


def test_a_table_that_is_offered_may_be_without_use(plain: Any) -> None:
    """offered: true takes it out of the findings; the ones that came with the hub for others to use say so."""
    plain.write("mappings/tables/states/1.0.0.yaml", STATES)
    assert [(one.at, one.code) for one in lint_catalog(plain.catalog())] == [("states", "unused_table")]
    plain.write("mappings/tables/states/1.0.0.yaml", STATES + "offered: true\n")
    assert lint_catalog(plain.catalog()) == []
