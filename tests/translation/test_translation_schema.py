"""Validation names every bad field and no value; the schema says which names the dossier has in a message."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hub.errors import SchemaInvalid, UnknownSchema
from hub.message import Alias, SchemaRef
from hub.translation import Schema


def invalid(schema: Schema, obj: Any) -> dict[str, str]:
    with pytest.raises(SchemaInvalid) as caught:
        schema.validate(obj)
    return {problem.at: problem.code for problem in caught.value.problems}


PROPERTIES: dict[str, Any] = {
    "code": {"type": "string", "pattern": "^[A-Z]+$"},
    "state": {"enum": ["new", "done"]},
    "when": {"type": "string", "format": "date-time"},
    "born": {"type": "string", "format": "date"},
    "count": {"type": "integer", "minimum": 1},
    "name": {"type": "string", "maxLength": 5},
    "maybe": {"anyOf": [{"type": "string", "maxLength": 3}, {"type": "null"}]},
    "papers": {"type": "array", "items": {"$ref": "#/$defs/paper"}, "maxItems": 2},
}
PAPER = {"type": "object", "required": ["title"], "properties": {"title": {"type": "string"}}}


@pytest.fixture
def schema(home: Any) -> Schema:
    home.schema("in@1.0.0", PROPERTIES, required=("code", "name"), **{"$defs": {"paper": PAPER}})
    found: Schema = home.catalog().schema("in@1")
    return found


def test_a_fitting_message_passes(schema: Schema) -> None:
    """Valid messages raise nothing."""
    schema.validate({"code": "AB", "name": "x", "maybe": None, "papers": [{"title": "t"}], "when": "2026-11-21T08:00:00+07:00"})


def test_every_bad_field_is_named_at_once(schema: Schema) -> None:
    """One problem for each bad field, at its JSON pointer; a missing one at the pointer where it is missing."""
    assert invalid(
        schema,
        {
            "code": "ab1",
            "state": "lost",
            "when": "2026-02-30T08:00:00+07:00",
            "born": "2026-13-01",
            "count": "7",
            "maybe": "long text",
            "papers": [{"title": 1}, {}],
            "more": 1,
        },
    ) == {
        "/code": "pattern",
        "/state": "enum",
        "/when": "bad_date",
        "/born": "bad_date",
        "/count": "mistyped",
        "/name": "missing",
        "/maybe": "too_long",
        "/papers/0/title": "mistyped",
        "/papers/1/title": "missing",
        "/more": "unknown_property",
    }


@pytest.mark.parametrize("when", ["2026-11-21T08:00:00", "2026-11-21", "2026-11-21T25:00:00Z", "2026-11-21T08:00:00+0700", ""])
def test_times_need_an_offset_and_must_exist(schema: Schema, when: str) -> None:
    """date-time is asserted, not only noted."""
    assert invalid(schema, {"code": "A", "name": "x", "when": when}) == {"/when": "bad_date"}


def test_a_mistyped_alternative_names_all_types(schema: Schema) -> None:
    """Text or null given a number says what both alternatives would take."""
    with pytest.raises(SchemaInvalid) as caught:
        schema.validate({"code": "A", "name": "x", "maybe": 5})
    assert [p.message for p in caught.value.problems] == ["must be text or null"]


def test_odd_field_names_are_masked(schema: Schema) -> None:
    """A field name that somebody typed as data (a person's name or number) is not shown."""
    with pytest.raises(SchemaInvalid) as caught:
        schema.validate({"code": "A", "name": "x", "Nguyễn Văn Bí Mật": 1, "012345678901": 2})
    assert "Mật" not in str(caught.value)
    assert "012345" not in str(caught.value)


@pytest.mark.parametrize("obj", [None, [], "text", 7, True])
def test_other_json_than_an_object_is_refused(schema: Schema, obj: Any) -> None:
    """A message of another type is a problem of the whole message."""
    assert invalid(schema, obj) == {"": "mistyped"}


def test_nesting_beyond_reason_is_a_refusal(home: Any) -> None:
    """Ten thousand levels give SchemaInvalid or pass, never a crash."""
    node = {"$ref": "#/$defs/node"}
    defs = {"node": {"type": "object", "properties": {"a": node}}}
    home.schema("in@1.0.0", {"a": node}, **{"$defs": defs})
    deep: dict[str, Any] = {}
    for _ in range(10_000):
        deep = {"a": deep}
    try:
        home.catalog().schema("in@1").validate(deep)
    except SchemaInvalid as error:
        assert error.problems


X_HUB = {
    "role": "canonical",
    "full_state": True,
    "subject": [{"system": "{sender}", "pointer": "/id"}, {"system": "national", "pointer": "/codes/0"}],
    "message_id": "/id",
    "version": "/changed",
    "code": "/no",
    "at": "/changed",
}
NAMED = {
    "id": {"type": "string"},
    "codes": {"type": "array", "items": {"type": "string"}},
    "no": {"type": "string"},
    "changed": {"type": ["string", "integer"]},
}


@pytest.fixture
def named(home: Any) -> Schema:
    home.schema("d@1.0.0", NAMED, x_hub=X_HUB)
    found: Schema = home.catalog().schema("d@1.0.0")
    return found


def test_aliases_are_read_by_pointer(named: Schema) -> None:
    """Names come in the schema's order; {sender} is the sender's name."""
    assert named.aliases({"id": "u1", "codes": ["N-1"]}, "one-stop") == (
        Alias("one-stop", "u1"),
        Alias("national", "N-1"),
    )


@pytest.mark.parametrize("obj", [{}, {"id": "", "codes": []}, {"id": None}, [], None, {"codes": "text"}, {"id": {"a": 1}}])
def test_absent_and_empty_names_are_left_out(named: Schema, obj: Any) -> None:
    """A message that was not validated yet never makes the reading fail."""
    assert named.aliases(obj, "one-stop") == ()
    assert named.message_id(obj) is None


def test_versions_are_integers_or_times(named: Schema) -> None:
    """A time becomes microseconds since 1970 UTC, an integer stays, nothing is None, other text is refused."""
    assert named.version({"changed": "1970-01-01T07:00:01.000002+07:00"}) == 1_000_002
    assert named.version({"changed": 41}) == 41
    assert named.version({}) is None
    assert named.at({"changed": "1970-01-01T00:00:00Z"}) == 0
    with pytest.raises(SchemaInvalid) as caught:
        named.version({"changed": "yesterday"})
    assert caught.value.problems[0].at == "/changed"


def test_code_role_and_full_state(named: Schema) -> None:
    """What x-hub says is there to be asked."""
    assert (named.role, named.full_state, named.ref) == ("canonical", True, SchemaRef("d", "1.0.0"))
    assert named.code({"no": "000.00.10.H22-261121-0001"}) == "000.00.10.H22-261121-0001"
    assert named.code({"no": ""}) is None


def test_a_reference_finds_the_newest_version(home: Any) -> None:
    """Versions are ordered as numbers; an unknown reference says which there are."""
    for version in ("1.9.0", "1.10.0", "2.0.0"):
        home.schema(f"in@{version}", {})
    catalog = home.catalog()
    assert str(catalog.schema("in@1").ref) == "in@1.10.0"
    assert str(catalog.schema("in@1.9").ref) == "in@1.9.0"
    assert [str(ref) for ref in catalog.schemas()] == ["in@1.9.0", "in@1.10.0", "in@2.0.0"]
    with pytest.raises(UnknownSchema, match=r"in@1\.10\.0"):
        catalog.schema("in@3")
    with pytest.raises(UnknownSchema):
        catalog.schema("not a reference")


def test_schema_files_are_checked_when_loaded(home: Any) -> None:
    """Every fault of every schema file is named with its file; a broken one hides no other."""
    home.schema("a@1.0.0", {}, x_hub={"role": "boss", "subject": [{"pointer": "/x"}], "code": "/gone", "colour": 1})
    home.write("schemas/b/1.0.0.json", '{"a": 1, "a": 2}')
    home.write("schemas/c/1.0.0.json", "{\n oops")
    home.write("schemas/d/one.json", "{}")
    home.schema("e@1.0.0", {"x": {"type": "strin"}})
    home.schema("f@1.0.0", {"x": {"$ref": "http://127.0.0.1:9/never-asked.json"}})
    home.schema("g@1.0.0", {}, **{"$id": "urn:other"})
    for name, keyword in zip("hijk", ("type", "anyOf", "oneOf", "allOf"), strict=True):
        home.schema(f"{name}@1.0.0", {}, **{keyword: 7})
    found = {(p.source, p.code) for p in home.problems()}
    assert found == {
        ("schemas/a/1.0.0.json", "bad_role"),
        ("schemas/a/1.0.0.json", "mistyped"),
        ("schemas/a/1.0.0.json", "unknown_path"),
        ("schemas/a/1.0.0.json", "unknown_key"),
        ("schemas/b/1.0.0.json", "not_json"),
        ("schemas/c/1.0.0.json:2", "not_json"),
        ("schemas/d/one.json", "bad_name"),
        ("schemas/e/1.0.0.json", "not_a_schema"),
        ("schemas/f/1.0.0.json", "not_a_schema"),
        ("schemas/g/1.0.0.json", "bad_id"),
        *((f"schemas/{name}/1.0.0.json", "not_a_schema") for name in "hijk"),
    }


def test_a_schema_is_plain_json_on_disk(home: Any) -> None:
    """The document of a loaded schema is the file."""
    path = home.schema("in@1.0.0", {"a": {}})
    assert home.catalog().schema("in@1").document == json.loads(path.read_text())
