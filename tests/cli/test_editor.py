"""What `hub schema editor` writes for editors: it takes every file that the hub takes, and flags what people get wrong."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from cli.parts import Home, Run
from hub import strictyaml
from hub.cli.editor import write_editor_files
from hub.errors import BadConfig
from hub.message import SchemaRef
from hub.translation.editor import ARGUMENTS
from hub.translation.parse import parse_mapping
from hub.translation.verbs import VERBS, make_verb

ROOT = Path(__file__).resolve().parents[2]
Schemas = dict[str, Any]


@pytest.fixture(scope="module")
def schemas(tmp_path_factory: pytest.TempPathFactory) -> Schemas:
    folder = tmp_path_factory.mktemp("editor")
    return {name.partition(".")[0]: json.loads((folder / name).read_text()) for name in write_editor_files(folder)}


def _read(text: str) -> Any:
    return strictyaml.parse(text, "f.yaml").data


def _fits(schema: Any, text: str) -> bool:
    return jsonschema_rs.validator_for(schema).is_valid(_read(text))


def _shipped() -> Iterator[tuple[str, str, str]]:
    """Kind, name and text of every file; a configuration also with the parts that wait behind ``#word ``."""
    for name in ("config.yaml", "starter/config.yaml", "deploy/config.yaml"):
        text = (ROOT / name).read_text(encoding="utf-8")
        yield "config", name, text
        yield "config", f"{name} in full", re.sub(r"(?m)^#[a-z]+ ", "", text)
    for path in sorted(ROOT.glob("mappings/**/*.yaml")):
        yield ("table" if "tables" in path.parts else "mapping"), str(path.relative_to(ROOT)), path.read_text(encoding="utf-8")


def test_they_are_json_schemas_and_say_what_each_key_is_for(schemas: Schemas) -> None:
    """As 2020-12 has them; an editor shows a description beside every key that it offers."""
    for kind, schema in schemas.items():
        assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
        jsonschema_rs.meta.validate(schema)
        undescribed = [
            f"{kind}: {name}.{key}"
            for name, node in {kind: schema, **schema["$defs"]}.items()
            for key, one in node.get("properties", {}).items()
            if "description" not in one
        ]
        assert undescribed == []


def test_every_file_that_comes_with_the_hub_fits(schemas: Schemas, home: Home) -> None:
    """Configurations, mappings and tables; and the home that the tests of the shell use."""
    known = {kind: jsonschema_rs.validator_for(schema) for kind, schema in schemas.items()}
    files = [*_shipped(), ("config", "a test's", (home.folder / "config.yaml").read_text(encoding="utf-8"))]
    assert {kind for kind, _, _ in files} == schemas.keys()
    wrong = [(name, str(one)) for kind, name, text in files for one in known[kind].iter_errors(_read(text))]
    assert wrong == []


_CONFIG = """\
server: {{ port: {port} }}
endpoints:
  portal: {{ connector: {connector}, settings: {settings}{endpoint} }}
routes:
  one: {{ take: item@1, to: portal, as: portal-item@1, when: {when}{route} }}
{more}
"""
_GOOD_CONFIG = {
    "port": "8080", "connector": "national-portal", "endpoint": "", "route": "", "more": "", "when": "{ present: code }",
    "settings": '{ adapter_url: "http://127.0.0.1:9/x", username: u, password: p, madonvi: 000.00.00.H22 }',
}  # fmt: skip


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"port": '"${env:PORT}"'},
        {"when": "[{ present: code }, { equals: { state: open } }]"},
        {"endpoint": ', concurrency: "${env:SOME}", rate: "${env:RATE}", retry: { attempts: 3 }'},
        {"settings": '{ adapter_url: "${env:URL}", username: u, password: "${file:p}", madonvi: "${env:U}" }'},
        {"route": ', in_doubt: "${env:DOUBT}"'},
        {"more": "log: { file: var/hub.log }\nkeys: { citizens: '${file:secrets/citizens}' }"},
    ],
)
def test_right_configurations_fit(schemas: Schemas, changed: dict[str, str]) -> None:
    """A reference may stand for a number, a path, a word of a list."""
    assert _fits(schemas["config"], _CONFIG.format(**_GOOD_CONFIG | changed))


@pytest.mark.parametrize(
    "changed",
    [
        {"more": "sauces: []"},
        {"port": "eighty"},
        {"port": "99999"},
        {"connector": "national-portall"},
        {"endpoint": ", concurency: 3"},
        {"settings": _GOOD_CONFIG["settings"].replace("username", "user_name")},
        {"settings": _GOOD_CONFIG["settings"].replace("000.00.00.H22", "[1]")},
        {"settings": "{}"},
        {"route": ", in_doubt: ask"},
        {"route": ", coalesce: no"},
        {"when": "{ gone: code }"},
        {"more": "clients: { Big Sender: { rate: 1 } }"},
    ],
)
def test_mistakes_in_config_yaml_are_flagged(schemas: Schemas, changed: dict[str, str]) -> None:
    """Unknown keys, wrong types, a connector that is not installed, a setting that it does not have."""
    assert not _fits(schemas["config"], _CONFIG.format(**_GOOD_CONFIG | changed))


_MAPPING = """\
mapping: m
version: 1.0.0
status: stable
from: in@1
to: out@1.0.0
summary: A mapping.
tables: {tables}
set:
  code: {rule}
tests: [{test}]
"""
_GOOD_MAPPING = {
    "tables": "{ state: { A: open }, by: { by: [a, b], rows: [[x, y, z]] }, used: { use: t@1, column: c, on: { path: d } } }",
    "rule": "{ get: a.0.b, apply: [trim, { cut: 8 }], table: state, default: none }",
    "test": "{ name: one, given: {}, nothing: true }",
}


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"rule": "{ table: by }"},
        {"rule": "{ each: a, where: { present: b }, set: { c: { get: $.d } }, optional: true }"},
        {"rule": "{ when: [{ in_table: { a: state } }, { matches: { a: x } }], then: { value: [1, {}] }, else: { get: . } }"},
        {"test": "{ name: one, given: {}, error: { at: c, code: x }, tables: { t: { key: [a], columns: [b], rows: [] } } }"},
    ],
)  # fmt: skip
def test_right_mappings_fit(schemas: Schemas, changed: dict[str, str]) -> None:
    """Each source of a rule, each form of a table and of a test."""
    assert _fits(schemas["mapping"], _MAPPING.format(**_GOOD_MAPPING | changed))


@pytest.mark.parametrize(
    "changed",
    [
        {"rule": "{ get: a, value: b }"},
        {"rule": "{ optional: true }"},
        {"rule": "{ get: a, with: b }"},
        {"rule": "{ get: a..b }"},
        {"rule": "{ got: a }"},
        {"rule": "{ value: a, optional: true }"},
        {"rule": "{ get: a, default: b, optional: true }"},
        {"rule": "{ get: a, optional: no }"},
        {"rule": "{ each: a, set: { b: { get: c } }, apply: [trim] }"},
        {"rule": "{ when: { present: a } }"},
        {"rule": "{ when: { is: a }, then: { get: b } }"},
        {"rule": "{ when: [], then: { get: b } }"},
        {"rule": "{ get: a, apply: [trimm] }"},
        {"rule": "{ get: a, apply: [{ trim: 1 }] }"},
        {"rule": "{ get: a, apply: [cut] }"},
        {"rule": '{ get: a, apply: [{ cut: "8" }] }'},
        {"rule": "{ get: a, apply: [{ replace: [a] }] }"},
        {"tables": "{ state: { use: t } }"},
        {"tables": "{ state: { use: t@1, rows: [] } }"},
        {"tables": "{ state: { A: [open] } }"},
        {"test": "{ name: one, given: {} }"},
        {"test": "{ name: one, given: {}, expect: {}, error: { at: a, code: b } }"},
    ],
)
def test_mistakes_in_a_mapping_are_flagged(schemas: Schemas, changed: dict[str, str]) -> None:
    """And the hub refuses the same."""
    text = _MAPPING.format(**_GOOD_MAPPING | changed)
    assert not _fits(schemas["mapping"], text)
    with pytest.raises(BadConfig):
        parse_mapping(SchemaRef("m", "1.0.0"), strictyaml.parse(text, "f.yaml"), "")


@pytest.mark.parametrize("changed", ["rows: [a]", "keys: [a]", "without: [[a]]", "offered: no", "columns: []", "extends: t"])
def test_mistakes_in_a_table_are_flagged(schemas: Schemas, changed: str) -> None:
    """Unknown keys, wrong types, what misses its other half."""
    good = {"table": "t", "version": "1.0.0", "key": "[a]", "columns": "[b]", "rows": "[[x, y], [010, no]]"}
    name, _, value = changed.partition(": ")
    assert _fits(schemas["table"], "".join(f"{key}: {one}\n" for key, one in good.items()))
    assert not _fits(schemas["table"], "".join(f"{key}: {one}\n" for key, one in (good | {name: value}).items()))


def test_no_argument_that_a_verb_takes_is_flagged(schemas: Schemas) -> None:
    """Every verb that takes an argument has its shape; of many arguments none that the verb takes is wrong to the editor."""
    verb = jsonschema_rs.validator_for({"$ref": "#/$defs/verb", "$defs": schemas["mapping"]["$defs"]})
    taking = {name for name, one in VERBS.items() if one.argument}
    assert set(ARGUMENTS) == taking
    pool: list[Any] = [example[0] for one in VERBS.values() for example in one.examples if example[0] is not None]
    pool += [
        "",
        "x",
        0,
        1,
        4,
        4.5,
        True,
        [],
        ["a", ""],
        [5, 0],
        ["5", "0"],
        ["yyyy"],
        {"format": ["yyyy-MM-dd"]},
        {"day": "dd"},
        {},
    ]
    taken = 0
    for name in VERBS:
        for spec in (name, *({name: argument} for argument in pool)):
            try:
                make_verb(spec)
            except ValueError:
                continue
            taken += 1
            assert verb.is_valid(spec), spec
    assert taken > len(VERBS)


def test_the_answer_is_the_line_for_each_kind_of_file(home: Home, hub: Run, tmp_path: Path) -> None:
    """The way begins at the file. A new home has the schemas, and the line on top of its config.yaml leads there."""
    told = hub("schema", "editor", "--json").json
    assert told["first_lines"]["mapping"] == "# yaml-language-server: $schema=../../editor/mapping.schema.json"
    assert told["first_lines"]["table"] == "# yaml-language-server: $schema=../../../editor/table.schema.json"
    assert {one.name for one in (home.folder / "editor").iterdir()} == set(told["files"])
    assert told["first_lines"]["config"] in hub("schema", "editor").stdout
    elsewhere = hub("schema", "editor", "--out", str(home.folder / "mappings" / "e"), "--json").json["first_lines"]
    assert elsewhere["mapping"].endswith("=../e/mapping.schema.json")
    hub("schema", "editor", "--out", str(home.write("file", "")), code=2)
    made = tmp_path / "made"
    hub("init", str(made))
    line = (made / "config.yaml").read_text(encoding="utf-8").partition("\n")[0]
    assert line == told["first_lines"]["config"]
    assert (made / line.partition("=")[2]).is_file()
