"""Settings that cannot work are refused before anything is sent, each at its place."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from connectors.rest.config import RestConfig
from connectors.rest.connector import Rest
from rest.partner import SECRET, settings

SCHEMA = {"type": "object", "properties": {"code": {"type": "string"}, "state": {"type": "string"}}}


def given(**operation: Any) -> dict[str, Any]:
    return settings("https://local.example/api", **operation)


@pytest.mark.parametrize(
    ("changes", "operation"),
    [
        ({"url": "ftp://x"}, {}),
        ({"url": "https://u:p@x/api"}, {}),
        ({"url": "https://:p@x/api"}, {}),
        ({"url": "https://x/api?a=1"}, {}),
        ({"unknown": 1}, {}),
        ({"headers": {"a b": "x"}}, {}),
        ({"headers": {"X": "1", "x": "2"}}, {}),
        ({"check": "/d/{/code}"}, {}),
        ({"check": "status"}, {}),
        ({"operations": {}}, {}),
        ({"operations": {"no version": {"path": "/x"}}}, {}),
        ({}, {"method": "PUT"}),
        ({}, {"path": "/a b"}),
        ({}, {"path": "/{/items/*/code}"}),
        ({}, {"path": "/{Có dấu}"}),
        ({}, {"path": "/a#b"}),
        ({}, {"outcomes": [{"else": "accepted"}, {"status": 200, "then": "accepted"}]}),
        ({}, {"outcomes": [{"else": "accepted"}]}),  # the rows for all are never reached
        ({}, {"outcomes": [{"at": "/a", "then": "accepted"}]}),
        ({}, {"outcomes": [{"fault": "Client", "then": "rejected"}]}),  # there is no such thing in JSON
        ({}, {"find": {"path": "/x", "rows": []}}),
    ],
)
def test_what_makes_no_sense_is_refused(changes: dict[str, Any], operation: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        RestConfig.model_validate(given(**operation) | changes)


def problems(config: dict[str, Any], sent: tuple[str, ...] = ("filing@1.0.0",)) -> list[tuple[str, str]]:
    documents = {"filing@1": SCHEMA}
    return [(one.at, one.code) for one in Rest.problems(RestConfig.model_validate(config), sent, documents.get)]


def test_what_does_not_fit_the_catalog_is_found() -> None:
    assert problems(given()) == []
    assert problems(given(), ("filing@1.0.0", "other@1.0.0")) == [("operations", "no_operation")]
    assert problems(given(path="/{/kode}")) == [("operations.filing@1.path", "unknown_path")]
    rows = [{"at": "/x", "same_as": "/nothing", "then": "holds"}]
    assert problems(given(find={"path": "/{/nix}", "rows": rows})) == [
        ("operations.filing@1.find.path", "unknown_path"),
        ("operations.filing@1.find.rows.0.same_as", "unknown_path"),
    ]
    assert problems(given(reply={"schema": "gone@1"})) == [("operations.filing@1.reply.schema", "unknown_schema")]
    config = given()
    config["operations"]["nowhere@1"] = {"path": "/x"}
    assert problems(config) == [("operations.nowhere@1", "unknown_schema")]
    config = given() | {"ca_file": "/nowhere.pem"}
    assert [code for _, code in problems(config)] == ["file_unusable"]


@pytest.mark.parametrize(
    ("rows", "hidden"),
    [
        ([{"status": "4xx", "then": "rejected"}, {"status": 409, "then": "duplicate"}], [1]),
        ([{"status": 409, "then": "duplicate"}, {"status": "4xx", "then": "rejected"}], []),
        ([{"status": "2xx", "then": "accepted"}, {"at": "/a", "equals": 1, "then": "rejected"}], [1]),
        ([{"status": "2xx", "then": "accepted"}, {"status": 200, "then": "transient"}], []),  # what cannot be read
        ([{"status": 200, "then": "accepted"}, {"at": "/a", "equals": 1, "then": "rejected"}], []),
        ([{"at": "/a", "in": [1], "then": "accepted"}, {"status": 201, "at": "/a", "in": [1], "then": "rejected"}], [1]),
        ([{"at": "/a", "in": [1], "then": "accepted"}, {"status": 422, "at": "/a", "in": [1], "then": "rejected"}], []),
        ([{"at": "/a", "in": [1], "then": "accepted"}, {"at": "/a", "in": [2], "then": "rejected"}], []),
        ([{"status": 204, "at": "/a", "present": True, "then": "accepted"}], [0]),
        ([{"status": 204, "then": "accepted"}, {"else": "rejected"}], []),
    ],
)
def test_a_row_that_no_answer_reaches_is_found(rows: list[dict[str, Any]], hidden: list[int]) -> None:
    config = given() | {"outcomes": rows}
    assert problems(config) == [(f"outcomes.{index}", "never_fits") for index in hidden]
    own = given(outcomes=rows) | {"outcomes": []}
    assert problems(own) == [(f"operations.filing@1.outcomes.{index}", "never_fits") for index in hidden]


def test_no_secret_is_shown() -> None:
    config = RestConfig.model_validate(given() | {"headers": {"X-Secret": "bi-mat-dau"}})
    assert SECRET not in repr(config) and "bi-mat-dau" not in repr(config)


def test_every_setting_is_described() -> None:
    def undescribed(schema: Any, at: str) -> list[str]:
        found = [] if not isinstance(schema, dict) else [
            f"{at}.{name}" for name, one in schema.get("properties", {}).items() if not one.get("description")
        ]  # fmt: skip
        return found

    whole = RestConfig.model_json_schema()
    parts = {name: one for name, one in whole["$defs"].items()}
    assert [place for name, one in {"": whole, **parts}.items() for place in undescribed(one, name)] == []


def test_the_entry_that_names_the_version_most_exactly_is_taken() -> None:
    config = given()
    config["operations"] |= {"filing@1.2": {"path": "/newer"}}
    from hub.message import SchemaRef

    one = RestConfig.model_validate(config).operation_for(SchemaRef.parse("filing@1.2.0"))
    assert one is not None and one.path == "/newer"
