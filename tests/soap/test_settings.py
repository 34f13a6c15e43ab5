"""What a wrong setting of a SOAP endpoint is told before anything is sent: at reading, and by ``hub check``."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from connectors.soap.config import SoapConfig
from connectors.soap.connector import Soap
from hub.assembly import examine
from hub.errors import BadConfig
from hub.wire.wsdl import load_wsdl
from soap.home import FILES, SCHEMA, WSDL, example, land_home
from soap.partner import ACCEPTED, SECRET, connected, settings

README = Path(__file__).parents[2] / "connectors" / "soap" / "README.md"
PORT = '<wsdl:port name="Land" binding="l:Land"><soap:address location="http://land.example/soap"/></wsdl:port>'


def given() -> dict[str, Any]:
    """The settings of the home that fits its WSDL."""
    return dict(example()["endpoints"]["land"]["settings"])


def changed(node: Any, *path: str | int, to: Any) -> Any:
    """The settings with one thing changed, or put at the end of a list."""
    step, *below = path
    if isinstance(node, list):
        assert isinstance(step, int)
        return [*node[:step], changed(node[step], *below, to=to) if below else to, *node[step + 1 :]]
    return node | {step: changed(node.get(step, {}), *below, to=to) if below else to}


def found_in(folder: Path, settings: Any, wsdl: str = WSDL, schema: dict[str, Any] = SCHEMA) -> list[tuple[str, str, str]]:
    """(place, code, text) of what the connector finds wrong with them."""
    (folder / "partners/land").mkdir(parents=True, exist_ok=True)
    (folder / "partners/land/land.wsdl").write_text(wsdl, encoding="utf-8")
    config = SoapConfig.model_validate(settings, context={"home": folder})
    documents = {"land-dossier@1": schema, "dossier@1": {"type": "object"}}
    return [(one.at, one.code, one.message) for one in Soap.problems(config, ["land-dossier@1"], documents.get)]


def places(found: list[tuple[str, str, str]]) -> list[tuple[str, str]]:
    return [(at, code) for at, code, _ in found]


def test_hub_check_shows_them_with_their_line(tmp_path: Path) -> None:
    """A home that fits its WSDL is clean; what does not fit stands with file and line among everything else."""
    home = land_home(tmp_path)
    parts, problems, _ = examine(home)
    assert parts is not None and problems == []
    config = home / "config.yaml"
    text = config.read_text(encoding="utf-8").replace("reference: /SubmitDossierResult/ReceiptId", "reference: /Receipt")
    config.write_text(text, encoding="utf-8")
    _, (problem,), _ = examine(home)
    line = text[: text.index("reference: /Receipt")].count("\n") + 1
    at = "endpoints.land.settings.operations.land-dossier@1.reference"
    assert (problem.at, problem.code, problem.source) == (at, "unknown_path", f"config.yaml:{line}")
    assert "/Receipt" in problem.message and problem.hint == "one of: SubmitDossierResult"


ONE = ("operations", "land-dossier@1")
WRONG: list[tuple[tuple[str | int, ...], Any, list[tuple[str, str]]]] = [
    (("wsdl",), "partners/none.wsdl", [("wsdl", "unreadable")]),
    ((*ONE, "operation"), "Submit", [("operations.land-dossier@1.operation", "unknown_operation")]),
    (("port",), "C", [("port", "unknown_port")]),
    (("service",), "C", [("service", "unknown_service")]),
    (("client_certificate",), "secrets/none.pem", [("client_certificate", "file_unusable")]),
    (("ca_file",), "partners/land/land.wsdl", [("ca_file", "file_unusable")]),
    ((*ONE, "find", "operation"), "Ask", [("operations.land-dossier@1.find.operation", "unknown_operation")]),
    ((*ONE, "reference"), "/ReceiptId", [("operations.land-dossier@1.reference", "unknown_path")]),
    ((*ONE, "ids"), {"land": "/SubmitDossierResult/Step/Code"}, [("operations.land-dossier@1.ids.land", "unknown_path")]),
    ((*ONE, "ids"), {"land": "/SubmitDossierResult/Step/0"}, []),
    ((*ONE, "reply"), {"schema": "land-answer@1"}, [("operations.land-dossier@1.reply.schema", "unknown_schema")]),
    ((*ONE, "reply"), {"schema": "dossier@1", "at": "/Result"}, [("operations.land-dossier@1.reply.at", "unknown_path")]),
    ((*ONE, "outcomes", 0, "at"), "/SubmitDossierResult/code", [("operations.land-dossier@1.outcomes.0.at", "unknown_path")]),
    ((*ONE, "outcomes", 0, "equals"), "Ok", [("operations.land-dossier@1.outcomes.0.equals", "never_fits")]),
    ((*ONE, "outcomes", 2), {"at": "/SubmitDossierResult/Final", "in": ["yes", True], "then": "accepted"},
     [("operations.land-dossier@1.outcomes.2.in", "never_fits")]),
    ((*ONE, "outcomes", 2), {"at": "/SubmitDossierResult/Step/*", "any_in": [1, "x"], "then": "accepted"},
     [("operations.land-dossier@1.outcomes.2.any_in", "never_fits")]),
    ((*ONE, "outcomes", 2), {"at": "/SubmitDossierResult/Code", "same_as": "/Step", "then": "accepted"},
     [("operations.land-dossier@1.outcomes.2.same_as", "unknown_path")]),
    ((*ONE, "outcomes", 2), {"fault_detail": "Failed", "at": "/Number", "equals": 3, "then": "rejected", "reason_at": "/Text"},
     [("operations.land-dossier@1.outcomes.2.reason_at", "unknown_path")]),
    ((*ONE, "outcomes", 2), {"fault_detail": "Stack", "at": "/Number", "equals": 3, "then": "rejected"},
     [("operations.land-dossier@1.outcomes.2.fault_detail", "unknown_fault")]),
    ((*ONE, "outcomes", 2), {"fault_detail": "Stack", "then": "rejected"}, []),
    (("outcomes", 1), {"at": "/Result", "present": True, "then": "accepted"}, [("outcomes.1.at", "unknown_path")]),
    ((*ONE, "find", "input"), {"/Id": "/RequestId"}, [("operations.land-dossier@1.find.input./Id", "unknown_path")]),
    ((*ONE, "find", "input"), {"/RequestId": "/Id"}, [("operations.land-dossier@1.find.input./RequestId", "unknown_path")]),
    ((*ONE, "find", "fixed"), {"/System": "x"}, [("operations.land-dossier@1.find.fixed./System", "unknown_path")]),
    ((*ONE, "find", "rows", 0, "at"), "/State", [("operations.land-dossier@1.find.rows.0.at", "unknown_path")]),
    ((*ONE, "find", "reference"), "/State", [("operations.land-dossier@1.find.reference", "unknown_path")]),
    (("check",), {"operation": "Ping"}, [("check.operation", "unknown_operation")]),
    (("check",), {"operation": "QueryDossier"}, [("check.input", "missing")]),
    (("check",), {"operation": "QueryDossier", "input": {"RequestId": "none"}}, []),
    (("headers",), {"AuthHeader": {}}, [("headers.AuthHeader", "unknown_header")]),
    (("headers",), {"Login": {"Account": "hub"}}, [("headers.Login", "missing")]),
    (("operations",), {"land-map@1": {"operation": "SubmitDossier"}},
     [("operations", "no_operation"), ("operations.land-map@1", "unknown_schema")]),
]  # fmt: skip


@pytest.mark.parametrize(("path", "to", "wanted"), WRONG, ids=[f"{one[0][-1]}-{n}" for n, one in enumerate(WRONG)])
def test_what_does_not_fit_the_wsdl_is_found(
    tmp_path: Path, path: tuple[str | int, ...], to: Any, wanted: list[tuple[str, str]]
) -> None:
    """Names, pointers and values that the WSDL's types do not have, each with the line of the configuration."""
    assert places(found_in(tmp_path, changed(given(), *path, to=to))) == wanted


def test_two_ports_must_be_told_apart(tmp_path: Path) -> None:
    """Nothing is picked."""
    wsdl = WSDL.replace(PORT, PORT + PORT.replace('name="Land"', 'name="B"'))
    assert {code for _, code, _ in found_in(tmp_path, given(), wsdl)} == {"ambiguous"}
    assert found_in(tmp_path, changed(given(), "port", to="B"), wsdl) == []


def test_a_wsdl_without_an_address_needs_one(tmp_path: Path) -> None:
    """Or it cannot be called."""
    wsdl = WSDL.replace("http://land.example/soap", "REPLACE_WITH_ACTUAL_URL")
    assert places(found_in(tmp_path, given(), wsdl)) == [("address", "no_address")]
    assert found_in(tmp_path, changed(given(), "address", to="https://land.example/soap"), wsdl) == []


def _without(name: str) -> dict[str, Any]:
    return {"required": [one for one in SCHEMA["required"] if one != name]}


@pytest.mark.parametrize(
    ("change", "code", "said"),
    [
        (_without("State"), "not_required", "/State"),
        ({"properties": SCHEMA["properties"] | {"Note": {"type": "string"}}}, "unknown_path", "/Note"),
        ({"properties": SCHEMA["properties"] | {"OwnerName": {"type": "integer"}}}, "mistyped", "/OwnerName"),
        ({"properties": SCHEMA["properties"] | {"OwnerName": {"enum": [1, 2]}}}, "mistyped", "/OwnerName"),
        ({"properties": SCHEMA["properties"] | {"Papers": {"type": "object", "properties": {}}}}, "mistyped", "/Papers"),
        (
            {"properties": SCHEMA["properties"] | {"Papers": {"type": "array", "items": {"$ref": "#/$defs/paper"}}},
             "$defs": {"paper": {"type": "object", "properties": {"@sort": {"type": "string"}, "Title": {"const": "x"}}}}},
            "unknown_path not_required", "/Papers/*/@sort /Papers/*/Title",
        ),
    ],
)  # fmt: skip
def test_a_schema_that_does_not_fit_the_operation_is_found(
    tmp_path: Path, change: dict[str, Any], code: str, said: str
) -> None:
    """A valid message must be one that can be written."""
    found = found_in(tmp_path, given(), schema=SCHEMA | change)
    assert [one[:2] for one in found] == [("operations.land-dossier@1", each) for each in code.split()]
    assert all(place in text for place, (_, _, text) in zip(said.split(), found, strict=True))


def test_a_schema_that_is_the_wsdl_itself_fits(tmp_path: Path) -> None:
    """A WSDL in the catalog has the operation's element around the message."""
    schema = load_wsdl(FILES / "partners/land/land.wsdl").inputs().json_schema()
    assert found_in(tmp_path, given(), schema=schema) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"operations": {"land-dossier@1": {"operation": "Submit"}}},
        {"check": {"operation": "Submit"}},
        {"one": {"find": {"operation": "Submit", "input": {"/A": "/A"}, "rows": [{"status": 404, "then": "nothing"}]}}},
    ],
    ids=["operation", "check", "find"],
)
async def test_a_hub_does_not_start_with_an_operation_that_is_not_there(wrong: dict[str, Any]) -> None:
    """Told when the endpoint is opened, if nobody asked `hub check`."""
    one = wrong.pop("one", {})
    with pytest.raises(BadConfig) as refused:
        async with connected(settings("http://land.example/", one=one) | wrong):
            pass
    assert refused.value.problems[0].code == "unknown_operation"


# ---------------------------------------------------------------- at reading


@pytest.mark.parametrize(
    "wrong",
    [
        {"address": "land.example/soap"},
        {"address": "https://hub:secret@land.example/"},
        {"operations": {}},
        {"operations": {"land": {"operation": "X"}}},
        {"outcomes": [{"then": "accepted"}]},
        {"outcomes": [{"at": "/Code", "then": "accepted"}]},
        {"outcomes": [{"equals": 0, "then": "accepted"}]},
        {"outcomes": [{"at": "/Code", "equals": 0, "present": True, "then": "accepted"}]},
        {"outcomes": [{"at": "Code", "equals": 0, "then": "accepted"}]},
        {"outcomes": [{"at": "/Code//x", "equals": 0, "then": "accepted"}]},
        {"outcomes": [{"at": "/Code", "present": False, "then": "accepted"}]},
        {"outcomes": [{"at": "/Code", "in": [], "then": "accepted"}]},
        {"outcomes": [{"at": "/Code", "equals": 0}]},
        {"outcomes": [{"at": "/Code", "equals": 0, "then": "ok"}]},
        {"outcomes": [{"else": "accepted"}, ACCEPTED]},
        {"outcomes": [{"status": 200, "else": "accepted"}]},
        {"outcomes": [{"status": 999, "then": "accepted"}]},
        {"outcomes": [{"status": "4x", "then": "accepted"}]},
        {"outcomes": [{"fault": "Client", "at": "/Code", "equals": 0, "then": "rejected"}]},
        {"outcomes": [{"fault": "Client", "then": "rejected", "code_at": "/Code"}]},
        {"outcomes": [ACCEPTED | {"code": "x"}]},
        {"outcomes": [{"status": 404, "then": "rejected", "code": "a b"}]},
        {"outcomes": [{"at": "/C", "equals": 0, "then": "rejected", "code": "x", "code_at": "/D"}]},
        {"outcomes": [{"status": 404, "then": "rejected", "retry_after": 5}]},
        {"outcomes": [ACCEPTED], "one": {"outcomes": [{"else": "in_doubt"}]}},
        {"one": {"reference": "/Item/*/Code"}},
        {"one": {"timeout": 0}},
        {"one": {"find": {"operation": "Q", "input": {"/A": "/B"}, "rows": []}}},
        {"one": {"find": {"operation": "Q", "input": {"/A": "/B"}, "rows": [{"then": "holds"}]}}},
        {"security": {"kind": "basic", "username": "u"}},
        {"security": {"kind": "basic", "username": "u", "password": "p", "token": "t"}},
        {"security": {"kind": "bearer"}},
        {"security": {"kind": "none", "username": "u", "password": "p"}},
        {"security": {"kind": "basic", "username": "u", "password": "p", "password_as": "digest"}},
        {"security": {"kind": "bearer", "token": "t"}, "http_headers": {"authorization": "x"}},
        {"http_headers": {"X Y": "z"}},
        {"http_headers": {"X-Y": "z\r\nA: b"}},
        {"http_headers": {"X-Y": "z", "x-y": "z"}},
        {"unknown": 1},
    ],
    ids=str,
)
def test_settings_that_cannot_be_meant_are_refused(wrong: dict[str, Any]) -> None:
    """Told when the file is read, not when a dossier is sent."""
    right = settings("http://land.example/")
    SoapConfig.model_validate(right)
    one = {"operations": {"land-dossier@1": {"operation": "SubmitDossier", **wrong.pop("one")}}} if "one" in wrong else {}
    with pytest.raises(ValidationError):
        SoapConfig.model_validate(right | one | wrong)


def test_secrets_are_not_shown() -> None:
    """Neither in a log nor by somebody who prints the settings."""
    more = {
        "security": {"kind": "username_token", "username": "hub", "password": SECRET},
        "headers": {"AuthHeader": {"Secret": SECRET}}, "http_headers": {"ApiKey": SECRET},
    }  # fmt: skip
    assert SECRET not in repr(SoapConfig.model_validate(settings("http://land.example/") | more))


def test_paths_are_relative_to_the_home(tmp_path: Path) -> None:
    """Wherever the hub was started."""
    given = settings("http://h/") | {"wsdl": "a/b.wsdl", "imports": {"urn:x": "a/x.xsd"}, "ca_file": "/etc/ca.pem"}
    config = SoapConfig.model_validate(given | {"client_key": "secrets/key.pem"}, context={"home": tmp_path})
    assert (config.wsdl, config.imports) == (tmp_path / "a/b.wsdl", {"urn:x": tmp_path / "a/x.xsd"})
    assert (config.ca_file, config.client_key) == (Path("/etc/ca.pem"), tmp_path / "secrets/key.pem")


def _sections(model: type[BaseModel]) -> set[type[BaseModel]]:
    found = {model}
    for field in model.model_fields.values():
        names = re.findall(r"connectors\.soap\.\w+\.(\w+)", str(field.annotation))
        for one in (one for one in _all(BaseModel) if one.__name__ in names and one.__module__.startswith("connectors.soap")):
            found |= _sections(one)
    return found


def _all(kind: type[Any]) -> set[type[Any]]:
    return {kind}.union(*(_all(one) for one in kind.__subclasses__()))


def test_every_setting_is_described_and_in_the_readme() -> None:
    """A setting that nobody documented does not exist for an integrator."""
    readme = README.read_text(encoding="utf-8")
    sections = _sections(SoapConfig)
    assert len(sections) >= 7
    for section in sections:
        assert [name for name, field in section.model_fields.items() if not field.description] == []
        names = [field.alias or name for name, field in section.model_fields.items()]
        assert [name for name in names if f"`{name}`" not in readme] == [], section.__name__
