"""Layers, versions, chains, digests, the lock of released schemas and fetched tables."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from hub.errors import BadConfig, TranslationFailed, UnknownSchema
from hub.translation import Catalog, lock_schemas, write_fetched_table

ANY = {"additionalProperties": True}


def stairs(home: Any, *versions: str) -> None:
    """Schemas in, mid, out in version 1.0.0 (and more versions of mid) with mappings in → mid → out."""
    home.schema("in@1.0.0", {}, **ANY)
    home.schema("out@1.0.0", {}, **ANY)
    for version in ("1.0.0", *versions):
        home.schema(f"mid@{version}", {}, **ANY)
    home.mapping("set: { a: { get: x } }\n", ref="up@1.0.0", source="in@1.0.0", target="mid@1.0.0")
    home.mapping("set: { b: { get: a } }\n", ref="on@1.0.0", source="mid@1", target="out@1.0.0")


def test_a_chain_is_the_shortest_way(home: Any) -> None:
    """Two mappings in a row translate as one; an unknown way is refused."""
    stairs(home)
    catalog = home.catalog()
    chain = catalog.chain("in@1", "out@1")
    assert [str(ref) for ref in chain.mappings] == ["up@1.0.0", "on@1.0.0"]
    assert chain.translate({"x": 1}).body == {"b": 1}
    with pytest.raises(BadConfig, match=r"no mapping leads from out@1\.0\.0 to in@1"):
        catalog.chain("out@1", "in@1")
    with pytest.raises(UnknownSchema):
        catalog.chain("in@1", "gone@1")
    home.mapping("set: { c: { get: x } }\n", ref="direct@1.0.0")
    assert home.body({"x": 1}) == {"c": 1}


def test_a_schema_becomes_itself_by_identity(home: Any) -> None:
    """Equal ends need no mapping; the message must still fit."""
    home.schema("in@1.0.0", {"a": {"type": "integer"}})
    home.schema("in@1.1.0", {"a": {}})
    chain = home.catalog().chain("in@1.0.0", "in@1")
    assert (chain.mappings, chain.target.ref.version) == ((), "1.0.0")
    assert chain.translate({"a": 1}).body == {"a": 1}
    with pytest.raises(TranslationFailed) as caught:
        chain.translate({"a": "x"})
    assert [(p.at, p.code) for p in caught.value.problems] == [("a", "schema_invalid")]


def test_a_mapping_serves_every_version_its_from_allows(home: Any) -> None:
    """`from: mid@1` takes 1.0.0 and 1.1.0, not 2.0.0."""
    stairs(home, "1.1.0", "2.0.0")
    catalog = home.catalog()
    assert catalog.chain("mid@1.1.0", "out@1").translate({"a": 1}).body == {"b": 1}
    assert catalog.chain("mid@1.0.0", "out@1").translate({"a": 2}).body == {"b": 2}
    with pytest.raises(BadConfig):
        catalog.chain("mid@2.0.0", "out@1")


def test_the_newest_stable_version_of_a_mapping_is_used(plain: Any) -> None:
    """A draft is not used, a deprecated one only when nothing else is there."""
    plain.mapping("set: { a: { value: 1 } }\n", ref="m@1.0.0", status="deprecated")
    assert plain.body({}) == {"a": 1}
    plain.mapping("set: { a: { value: 2 } }\n", ref="m@1.9.0")
    plain.mapping("set: { a: { value: 3 } }\n", ref="m@1.10.0")
    plain.mapping("set: { a: { value: 4 } }\n", ref="m@2.0.0", status="draft")
    assert plain.body({}) == {"a": 3}
    plain.mapping("set: { a: { value: 5 } }\n", ref="rival@1.0.0")
    with pytest.raises(BadConfig, match=r"m@1\.10\.0 or rival@1\.0\.0"):
        plain.body({})


def test_the_first_layer_wins(home: Any, tmp_path: Path) -> None:
    """A unit's own copy of a table replaces the shipped one; files of later layers are named in full."""
    stairs(home)
    own = tmp_path / "own"
    home.write("mappings/tables/t/1.0.0.yaml", "table: t\nversion: 1.0.0\nkey: [k]\ncolumns: [v]\nrows: [[A, shipped]]\n")
    home.mapping("tables: { t: { use: t@1 } }\nset: { a: { get: x, table: t } }\n", ref="direct@1.0.0")
    assert home.body({"x": "A"}) == {"a": "shipped"}
    target = own / "mappings/tables/t/1.0.0.yaml"
    target.parent.mkdir(parents=True)
    target.write_text("table: t\nversion: 1.0.0\nkey: [k]\ncolumns: [v]\nrows: [[A, own]]\n")
    catalog = Catalog.load([own, home.path])
    result = catalog.chain("in@1", "out@1").translate({"x": "A"})
    assert result is not None
    assert result.body == {"a": "own"}
    home.write("mappings/bad/1.0.0.yaml", "[")
    with pytest.raises(BadConfig) as caught:
        Catalog.load([own, home.path])
    assert caught.value.problems[0].source == "hub:mappings/bad/1.0.0.yaml:2"


def test_read_gives_what_is_sound_beside_the_problems(plain: Any) -> None:
    """`hub check` can lint the rest although one file is broken."""
    plain.mapping("set: { a: { get: x } }\n")
    plain.write("mappings/bad/1.0.0.yaml", "[")
    catalog, problems = Catalog.read([plain.path])
    assert [p.code for p in problems] == ["not_yaml"]
    assert [str(m.ref) for m in catalog.mappings()] == ["m@1.0.0"]


def digest(home: Any) -> str:
    return str(home.catalog().chain("in@1", "out@1").digest)


def test_the_digest_changes_exactly_with_what_decides(home: Any) -> None:
    """Every mapping, schema and table in use counts; anything else in the house does not."""
    stairs(home)
    table = home.write("mappings/tables/t/1.0.0.yaml", "table: t\nversion: 1.0.0\nkey: [k]\ncolumns: [v]\nrows: [[A, 1]]\n")
    other = home.write("mappings/tables/other/1.0.0.yaml", "table: other\nversion: 1.0.0\nkey: [k]\ncolumns: [v]\nrows: []\n")
    up = home.mapping("tables: { t: { use: t@1 } }\nset: { a: { get: x, table: t } }\n", ref="up@1.0.0", target="mid@1.0.0")
    first = digest(home)
    assert digest(home) == first
    other.write_text(other.read_text() + "# changed\n")
    home.schema("unrelated@1.0.0", {})
    assert digest(home) == first
    seen = {first}
    for path in (
        table,
        up,
        home.path / "mappings/on/1.0.0.yaml",
        *(home.path / f"schemas/{s}/1.0.0.json" for s in ("in", "mid", "out")),
    ):
        before = path.read_bytes()
        path.write_bytes(before + b"\n")
        seen.add(digest(home))
        path.write_bytes(before)
    assert len(seen) == 7
    assert digest(home) == first


def test_released_schemas_are_locked(home: Any) -> None:
    """A changed, missing, unlisted or twice listed file is a problem; a home without a lock is not checked."""
    changed = home.schema("a@1.0.0", {})
    gone = home.schema("b@1.0.0", {})
    home.schema("c@1.0.0", {})
    home.catalog()
    lock = lock_schemas(home.path)
    assert [line.split("  ")[1] for line in lock.read_text().splitlines()] == [
        "a/1.0.0.json",
        "b/1.0.0.json",
        "c/1.0.0.json",
    ]
    home.catalog()
    changed.write_text(changed.read_text() + "\n")
    gone.unlink()
    home.schema("d@1.0.0", {})
    lock.write_text(lock.read_text() + "nonsense\n")
    found = home.problems()
    assert [(p.at, p.code, p.source) for p in found] == [
        ("a/1.0.0.json", "schema_changed", "schemas/schemas.lock:1"),
        ("b/1.0.0.json", "schema_gone", "schemas/schemas.lock:2"),
        ("schemas.lock", "bad_lock", "schemas/schemas.lock:4"),
        ("d/1.0.0.json", "schema_unlisted", "schemas/schemas.lock"),
    ]
    assert "add a new version instead of changing a released one" in found[0].hint


FETCHED = {"procs@1": ["name", "field"]}
USES = """\
tables:
  name: { use: procs@1, column: name }
set:
  a: { get: x, table: name }
"""
AT = datetime(2026, 11, 21, 8, 0, tzinfo=timezone(timedelta(hours=7)))


def test_a_table_not_fetched_yet_keeps_messages(plain: Any) -> None:
    """The catalog loads with a warning; a look-up fails with its own code; without the promise it is an error."""
    plain.mapping(USES)
    assert [p.code for p in plain.problems()] == ["bad_table"]
    catalog = plain.catalog(fetched_tables=FETCHED)
    assert [(w.at, w.code) for w in catalog.warnings] == [("procs@1", "table_not_fetched")]
    assert "hub catalog refresh" in catalog.warnings[0].hint
    with pytest.raises(TranslationFailed) as caught:
        catalog.chain("in@1", "out@1").translate({"x": "1.000894"})
    assert [(p.at, p.code) for p in caught.value.problems] == [("a", "table_not_fetched")]
    plain.mapping(USES.replace("column: name", "column: colour"))
    with pytest.raises(BadConfig, match="colour"):
        plain.catalog(fetched_tables=FETCHED)


def test_a_fetched_table_is_written_as_a_dated_version(plain: Any) -> None:
    """A second fetch adds a version that wins, the first file stays; the chain's digest tells them apart."""
    plain.mapping(USES)
    before = plain.catalog(fetched_tables=FETCHED).chain("in@1", "out@1").digest
    rows = {"1.000890": {"name": 'Đăng ký "khai sinh": #1\n', "field": "G15-HT01"}, "no": {"name": "null", "field": ""}}
    first = write_fetched_table(plain.path, "procs@1", ["name", "field"], rows, "portal", AT)
    assert first.relative_to(plain.path).as_posix() == "mappings/tables/procs/1.20261121.0.yaml"
    assert plain.catalog(fetched_tables=FETCHED).warnings == ()
    chain = plain.catalog().chain("in@1", "out@1")
    assert chain.translate({"x": "1.000890"}).body == {"a": 'Đăng ký "khai sinh": #1\n'}
    assert chain.translate({"x": "no"}).body == {"a": "null"}
    rows["no"]["name"] = "later"
    second = write_fetched_table(plain.path, "procs@1", ["name", "field"], rows, "portal", AT)
    third = write_fetched_table(plain.path, "procs@1", ["name", "field"], rows, "portal", AT + timedelta(days=10))
    assert [second.name, third.name] == ["1.20261121.1.yaml", "1.20261201.0.yaml"]
    assert first.exists()
    assert plain.body({"x": "no"}) == {"a": "later"}
    assert len({before, chain.digest, plain.catalog().chain("in@1", "out@1").digest}) == 3
    with pytest.raises(TranslationFailed, match="hub catalog refresh"):
        plain.translate({"x": "9.999999"})


def test_a_fetched_row_without_a_column_is_refused(plain: Any) -> None:
    """Nothing is made up for what the partner did not give, and nothing is written."""
    with pytest.raises(BadConfig) as caught:
        write_fetched_table(plain.path, "procs@1", ["name", "field"], {"1": {"name": "n"}}, "portal", AT)
    assert caught.value.problems[0].code == "missing"
    assert not (plain.path / "mappings/tables/procs").exists()
