"""The canonical model and its released schemas say the same, in both directions."""

from __future__ import annotations

import copy
import hashlib
import json
import random
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from hub.dossier.export import RELEASED, schema_text
from hub.dossier.identifiers import DOSSIER_CODE_PATTERN, PROCEDURE_CODE_PATTERN
from hub.dossier.model import Dossier, DossierProgress

SCHEMAS = Path(__file__).parents[2] / "schemas"
MODELS: dict[str, type[BaseModel]] = {"dossier/1.2.0": Dossier, "dossier-progress/1.0.0": DossierProgress}
FILES = {name: json.loads((SCHEMAS / f"{name}.json").read_text()) for name in MODELS}
VALIDATORS = {name: jsonschema_rs.Draft202012Validator(schema, validate_formats=True) for name, schema in FILES.items()}

JUNK: list[Any] = [
    None,
    True,
    False,
    0,
    1,
    -1,
    2.0,
    2.5,
    10**15,
    10**15 + 1,
    10**30,
    "",
    " ",
    "x",
    "x" * 101,
    "ă" * 500,
    "ă" * 501,
    "1",
    "true",
    "12345",
    "new",
    "NEW",
    "2026-11-21T08:00:00+07:00",
    "2026-11-21T08:00:00",
    "2026-11-21T08:00:00Z",
    "2026-11-21t08:00:00z",
    "2026-02-29T08:00:00Z",
    "2024-02-29T08:00:00Z",
    "1900-02-29T08:00:00Z",
    "2000-02-29T00:00:00.123456-05:30",
    "2026-04-31T08:00:00Z",
    "2026-11-21T24:00:00Z",
    "2026-11-21T08:00:60Z",
    "2026-11-21T08:00:00.1234567Z",
    "2026-11-21T08:00:00+15:00",
    "2026-11-21T08:00:00+07:00\n",
    "0000-01-01T00:00:00Z",
    "000.00.10.H22-261121-0001",
    "000.00.10.H22-261131-0001",
    "000.00.10.H22-261121-001",
    "G09.20-20260609-0092637",
    "000.00.10.H22-261121-0001\n",
    "1.000894",
    "1.000894.H22",
    "1.00089",
    "٠٠١٢٣٤٥٦٧",
    "001123456789",
    "0123456789abcdef" * 4,
    "0123456789ABCDEF" * 4,
    "0123456789abcdef" * 4 + "\n",
    "0123456789abcdef" * 4 + "0",
    "application/pdf",
    "application/PDF",
    "application/pdf; charset=binary",
    "application/" + "x" * 128,
    "application/pdf\n",
    [],
    [{}],
    {},
    {"kind": "citizen"},
    [None],
]


SAMPLES = {
    "date-time": [
        "2026-11-21T08:00:00+07:00",
        "2024-02-29T23:59:59Z",
        "2000-02-29T00:00:00.5-05:30",
        "1999-12-31T00:00:00.000001+14:00",
    ],
    PROCEDURE_CODE_PATTERN: ["1.000894", "3.000181.000.00.00.H22", "2.002621.H56"],
    DOSSIER_CODE_PATTERN: ["000.00.10.H22-261121-0001", "H56.14-240229-12345", "G09.20-20260609-0092637"],
    "^(?:[0-9]{9}|[0-9]{12})$": ["123456789", "001123456789"],
    "^[0-9]{2}$": ["08"],
    "^[0-9]{5}$": ["00688"],
    "^[0-9a-f]{64}$": ["0123456789abcdef" * 4],
    "^[a-z0-9][a-z0-9!#$&^_.+-]{0,126}/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}$": ["application/pdf", "image/x+y", "a/b"],
}


def fitting(schema: dict[str, Any], chance: random.Random) -> Any:
    """A value that fits a schema, by construction."""
    if "enum" in schema:
        return chance.choice(schema["enum"])
    match schema["type"]:
        case "object":
            likely = chance.random()
            return {
                name: fitting(part, chance)
                for name, part in schema["properties"].items()
                if name in schema.get("required", []) or chance.random() < likely
            }
        case "array":
            return [fitting(schema["items"], chance) for _ in range(chance.randint(0, 2))]
        case "boolean":
            return chance.random() < 0.5
        case "integer":
            return chance.choice([schema["minimum"], schema["maximum"], 1, 2.0])
        case _ if "pattern" in schema:
            return chance.choice(SAMPLES[schema["format"] if "format" in schema else schema["pattern"]])
        case _:
            size = chance.choice([schema["minLength"], schema["maxLength"], 7])
            return "".join(chance.choices('aZ0 ắ\n"\\\U0001f600', k=size))


def places(node: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    found = [path]
    entries = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, child in entries:
        found += places(child, (*path, key))
    return found


def spoiled(instance: Any, path: tuple[str | int, ...], how: Any) -> Any:
    if not path:
        return how
    changed = copy.deepcopy(instance)
    parent = changed
    for part in path[:-1]:
        parent = parent[part]
    if how == "remove":
        del parent[path[-1]]
    elif how == "unknown" and isinstance(parent, dict):
        parent["surprise"] = 1
    else:
        parent[path[-1]] = how
    return changed


def model_accepts(model: type[BaseModel], instance: Any) -> bool:
    try:
        model.model_validate_json(json.dumps(instance))
    except ValidationError:
        return False
    return True


@pytest.mark.parametrize("name", sorted(MODELS))
@settings(max_examples=80, deadline=None)
@given(chance=st.integers(0).map(random.Random))
def test_model_and_schema_accept_and_refuse_the_same(name: str, chance: random.Random) -> None:
    """Any instance, fitting or spoiled at any place, is judged alike by the model and by the released schema file."""
    instance = fitting(FILES[name], chance)
    assert VALIDATORS[name].is_valid(instance) and model_accepts(MODELS[name], instance)
    found = places(instance)
    for _ in range(20):
        path, how = chance.choice(found), chance.choice([*JUNK, "remove", "unknown"])
        bad = spoiled(instance, path, how)
        assert VALIDATORS[name].is_valid(bad) == model_accepts(MODELS[name], bad), (path, how)


@pytest.mark.parametrize("name", sorted(MODELS))
@settings(max_examples=60, deadline=None)
@given(chance=st.integers(0).map(random.Random))
def test_what_the_model_writes_fits_the_schema_and_says_the_same(name: str, chance: random.Random) -> None:
    """Reading an instance into the model and writing it again loses nothing and still fits the schema."""
    read = MODELS[name].model_validate_json(json.dumps(fitting(FILES[name], chance)))
    written = read.model_dump_json(exclude_none=True)
    assert VALIDATORS[name].is_valid(json.loads(written))
    assert MODELS[name].model_validate_json(written) == read


@pytest.mark.parametrize("junk", JUNK, ids=repr)
def test_every_odd_value_is_judged_alike_in_a_time_a_code_and_a_count(junk: Any) -> None:
    """The boundary cases of times, codes and amounts, one by one, so that none depends on luck."""
    plain = {"source_id": "a", "state": "new", "procedure": {"code": "1.000894"}}
    for extra in (
        {"modified_at": junk},
        {"code": junk},
        {"procedure": {"code": junk}},
        {"fees": [{"amount": junk}]},
        {"state": junk},
        {"owner": {"identity_papers": [{"kind": "citizen_card", "number": junk}]}},
        {"has_digitised_components": junk},
        {"at_national_portal": junk},
        {"results": [{"sha256": junk}]},
        {"documents": [{"size": junk}]},
        {"supplements": [{"documents": [{"media_type": junk}]}]},
    ):
        instance = plain | extra
        assert VALIDATORS["dossier/1.2.0"].is_valid(instance) == model_accepts(Dossier, instance), extra.keys()


@pytest.mark.parametrize("name", sorted(RELEASED))
def test_the_released_file_is_the_export_of_the_model(name: str) -> None:
    """Whoever changes the model must release a new version: the file of the released one equals the export."""
    assert (SCHEMAS / f"{name}.json").read_text() == schema_text(name)


def test_released_schema_files_never_change() -> None:
    """Every schema file stands in schemas.lock with its digest, and nothing else stands there."""
    files = {f"{p.parent.name}/{p.name}": hashlib.sha256(p.read_bytes()).hexdigest() for p in SCHEMAS.glob("*/*.*")}
    lines = (SCHEMAS / "schemas.lock").read_text().splitlines()
    assert lines == [f"{digest}  {name}" for name, digest in sorted(files.items())]


def test_the_minor_versions_add_fields_and_change_nothing() -> None:
    """Whatever was a dossier@1.0.0 is a dossier@1.1.0, and whatever was one of these is a dossier@1.2.0, that says the same."""

    def read(version: str) -> dict[str, Any]:
        return {
            k: v for k, v in json.loads((SCHEMAS / f"dossier/{version}.json").read_text()).items() if k not in ("$id", "title")
        }

    oldest, older, now = map(read, ("1.0.0", "1.1.0", "1.2.0"))
    parts = now["properties"]
    supplements = parts["supplements"]["items"]["properties"]
    for papers in (parts["documents"], parts["results"], supplements["documents"]):
        stated = {name: papers["items"]["properties"].pop(name) for name in ("sha256", "size", "media_type")}
        assert all(one["description"] for one in stated.values()) and "required" not in papers["items"]
    assert now == older
    assert older["properties"].pop("at_national_portal")["type"] == "boolean"
    assert older == oldest


def test_unknown_is_absent_never_null_and_never_defaulted() -> None:
    """The least that is a dossier stays the least: the model adds nothing to it."""
    least = {"source_id": "a", "state": "new", "procedure": {"code": "1.000894"}}
    assert json.loads(Dossier.model_validate_json(json.dumps(least)).model_dump_json(exclude_none=True)) == least


def test_receiving_unit_resolving_unit_and_territory_are_three_fields() -> None:
    """Two-level government: who took the dossier in, who resolves it and where the matter lies may all differ."""
    assert {"receiving_unit", "resolving_unit", "territory"} <= FILES["dossier/1.2.0"]["properties"].keys()
