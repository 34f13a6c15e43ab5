"""Laws that hold for all inputs: round trips, agreement with a naive reading of the rules, silence about values."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.errors import SchemaInvalid, TranslationFailed
from hub.translation import Catalog

NAMES = ["a", "b", "c", "d"]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
    max_leaves=12,
)
OBJECT = st.dictionaries(st.sampled_from(NAMES), JSON, max_size=4)
PATHS = st.lists(st.sampled_from(NAMES), min_size=1, max_size=3).map(".".join)


@pytest.fixture(scope="module")
def dates(new_home: Any) -> Catalog:
    home = new_home()
    home.open_schemas()
    for name, pattern in (("x", "yyyyMMddHHmmss"), ("y", "dd/MM/yyyy HH:mm:ss"), ("z", "ss.mm.HH yyyy-dd-MM T")):
        home.schema(f"{name}@1.0.0", {}, additionalProperties=True)
        rule = f'set: {{ t: {{ get: t, apply: [{{ %s_datetime: "{pattern}" }}] }} }}\n'
        home.mapping(rule % "parse", ref=f"read-{name}@1.0.0", source=f"{name}@1", target="out@1")
        home.mapping(rule % "format", ref=f"write-{name}@1.0.0", source="in@1", target=f"{name}@1")
    catalog: Catalog = home.catalog()
    return catalog


def step(catalog: Catalog, start: str, end: str, value: Any) -> Any:
    result = catalog.chain(start, end).translate({"t": value})
    assert result is not None
    return result.body["t"]


@given(
    name=st.sampled_from("xyz"),
    moment=st.datetimes(datetime(1976, 1, 1), datetime(9998, 1, 1)),
    hours=st.integers(-12, 14),
)
def test_times_survive_writing_and_reading(dates: Catalog, name: str, moment: datetime, hours: int) -> None:
    """Written in any pattern and read again, a time is the same instant in Vietnamese time, whatever its offset was."""
    given_time = moment.replace(microsecond=0, tzinfo=timezone(timedelta(hours=hours)))
    local = step(dates, "in@1", f"{name}@1", given_time.isoformat())
    again = step(dates, f"{name}@1", "out@1", local)
    assert datetime.fromisoformat(again) == given_time
    assert again.endswith("+07:00")


@given(text=st.text(max_size=20) | st.from_regex(r"\d{2}/\d{2}/\d{4} \d{2}:\d{2}:\d{2}", fullmatch=True))
def test_only_real_dates_are_read(dates: Catalog, text: str) -> None:
    """Whatever is taken as a date is written back as the same characters; everything else is refused as bad_date."""
    try:
        read = step(dates, "y@1", "out@1", text)
    except TranslationFailed as error:
        assert [p.code for p in error.problems] == ["bad_date"]
        return
    assert datetime.fromisoformat(read).strftime("%d/%m/") + f"{datetime.fromisoformat(read):%Y %H:%M:%S}".zfill(13) == text
    assert datetime.fromisoformat(read).astimezone(UTC)


def naive(obj: Any, path: str) -> Any:
    for part in path.split("."):
        obj = obj.get(part) if isinstance(obj, dict) else None
    return obj


@settings(max_examples=60, deadline=None)
@given(
    rules=st.lists(st.tuples(PATHS, st.booleans()), min_size=1, max_size=6),
    objects=st.lists(OBJECT, min_size=1, max_size=5),
)
def test_copy_rules_do_what_a_naive_reading_does(new_home: Any, rules: list[tuple[str, bool]], objects: list[Any]) -> None:
    """The compiled function agrees with looking each path up by hand, in what it sets and in what it misses."""
    home = new_home()
    home.open_schemas()
    lines = [f"  t{i}.v: {{ get: {path}{', optional: true' if soft else ''} }}" for i, (path, soft) in enumerate(rules)]
    home.mapping("set:\n" + "\n".join(lines) + "\n")
    chain = home.catalog().chain("in@1", "out@1")
    for obj in objects:
        values = [naive(obj, path) for path, _ in rules]
        missing = [
            f"t{i}.v" for i, (value, (_, soft)) in enumerate(zip(values, rules, strict=True)) if value is None and not soft
        ]
        try:
            result = chain.translate(obj)
        except TranslationFailed as error:
            assert [(p.at, p.code) for p in error.problems] == [(at, "missing") for at in missing]
            continue
        assert not missing
        assert result is not None
        assert result.body == {f"t{i}": {"v": value} for i, value in enumerate(values) if value is not None}


STRICT = {
    "a": {"type": "string", "maxLength": 12, "pattern": "^[^0-9]*$"},
    "b": {"type": "object", "additionalProperties": False, "properties": {"c": {"type": "integer"}}, "required": ["c"]},
    "d": {"type": "array", "items": {"type": "object", "properties": {"t": {"type": "string", "format": "date-time"}}}},
    "e": {"enum": ["x", "y"]},
    "f": {"anyOf": [{"type": "string", "minLength": 3}, {"type": "boolean"}]},
}
RULES = """\
tables: { t: { A: x, B: z } }
set:
  a: { get: a, optional: true, apply: [collapse_spaces, { cut: 12 }] }
  b.c: { first_of: [b.c, c], optional: true }
  d: { each: d, optional: true, set: { t: { get: a, optional: true, apply: [{ parse_datetime: dd/MM/yyyy }] } } }
  e: { get: e, optional: true, table: t }
  f: { when: { present: b }, then: { get: b, optional: true }, else: { join: [a, c], optional: true } }
"""


@pytest.fixture(scope="module")
def strict(new_home: Any) -> Catalog:
    home = new_home()
    home.schema("in@1.0.0", {}, additionalProperties=True)
    home.schema("out@1.0.0", STRICT)
    home.mapping(RULES)
    catalog: Catalog = home.catalog()
    return catalog


CANARY = "Bí Mật 0912345678"
LOADED = st.recursive(
    st.sampled_from([CANARY, CANARY * 9, "21/11/2026", "A", "B", None, True, 7, 987654321012]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "c", "d", "e", "t", CANARY]), inner),
    max_leaves=12,
)
LOADED_OBJECT = st.dictionaries(st.sampled_from(["a", "b", "c", "d", "e", "t", CANARY]), LOADED)


@given(obj=LOADED_OBJECT | LOADED)
def test_results_fit_and_errors_are_silent_about_values(strict: Catalog, obj: Any) -> None:
    """Whatever comes in: the result fits its schema, or the error tells places and kinds and no value at all."""
    try:
        result = strict.chain("in@1", "out@1").translate(obj)
    except TranslationFailed as error:
        text = str(error) + repr(error.problems)
        assert error.problems
        assert all(p.at and p.code and p.message for p in error.problems)
    else:
        assert result is not None
        strict.schema("out@1").validate(result.body)
        text = repr(result.warnings)
    assert "Mật" not in text
    assert "0912345678" not in text
    assert "987654321012" not in text


@given(obj=LOADED_OBJECT | LOADED)
def test_refusals_of_a_schema_are_silent_about_values(strict: Catalog, obj: Any) -> None:
    """Validation names pointers and rules, never what stood there, not even an odd field name."""
    try:
        strict.schema("out@1").validate(obj)
    except SchemaInvalid as error:
        text = str(error) + json.dumps([p.as_dict() for p in error.problems], ensure_ascii=False)
        assert error.problems
        assert "Mật" not in text
        assert "0912345678" not in text
        assert "987654321012" not in text


@settings(max_examples=30, deadline=None)
@given(file=st.integers(0, 5), position=st.integers(0, 10**6), space=st.sampled_from([b" ", b"\n"]))
def test_any_changed_byte_of_an_input_changes_the_digest(new_home: Any, file: int, position: int, space: bytes) -> None:
    """Appending to any file in use changes the chain's digest; to any other file it does not."""
    home = new_home()
    home.open_schemas()
    table = "table: {0}\nversion: 1.0.0\nkey: [k]\ncolumns: [v]\nrows: [[A, x]]\n"
    used = home.write("mappings/tables/used/1.0.0.yaml", table.format("used"))
    idle = home.write("mappings/tables/idle/1.0.0.yaml", table.format("idle"))
    other: Path = home.schema("other@1.0.0", {})
    mapping = home.mapping("tables: { t: { use: used@1 } }\nset: { a: { get: x, table: t } }\n")
    ends = [home.path / f"schemas/{name}/1.0.0.json" for name in ("in", "out")]
    files = [used, mapping, *ends, idle, other]
    before = home.catalog().chain("in@1", "out@1").digest
    original = files[file].read_bytes()
    files[file].write_bytes(original + space * (position % 5 + 1))
    changed = home.catalog().chain("in@1", "out@1").digest
    assert (changed != before) == (file < 4)
    files[file].write_bytes(original)
    assert home.catalog().chain("in@1", "out@1").digest == before
