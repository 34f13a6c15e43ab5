"""What ``hub check`` says of settings before anything is asked of the database."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.database.config import DatabaseConfig
from connectors.database.connector import DatabaseTables
from database.parts import COLUMNS, READ
from hub.testing.suite import conformance

test_conformance = conformance("database")

SOURCE = {
    "x-hub": {"role": "source"}, "type": "object", "required": ["referenceUid"],
    "properties": {
        **{name: {"type": "string"} for name in COLUMNS}, "files": {"type": "array", "items": {"type": "object"}}, "any": {},
        "form": {"type": "object"},
    },
}  # fmt: skip
TARGET = {
    "x-hub": {"role": "partner"}, "type": "object",
    "properties": {
        "MaHoSo": {"type": "string"},
        "GiayTo": {"type": "array", "items": {"type": "object", "properties": {"Ten": {"type": "string"}}}},
    },
}  # fmt: skip
WRITE: dict[str, Any] = {"table": "t", "key": ["ma"], "columns": {"MaHoSo": "ma"}}


def told(read: dict[str, Any] | None = None, write: dict[str, Any] | None = None, url: str = "sqlite:///x.db") -> set[str]:
    """``place code`` of each problem."""
    given: dict[str, Any] = {"url": url}
    if read is not None:
        given["read"] = {**READ, **read}
    if write is not None:
        given["write"] = {"npsp-dossier@1": {**WRITE, **write}}
    config = DatabaseConfig.model_validate(given)
    documents = {"opencps-dossier@1": SOURCE, "npsp-dossier@1": TARGET}
    sent = ["npsp-dossier@1.0.0"] if write is not None else []
    return {f"{one.at} {one.code}" for one in DatabaseTables.problems(config, sent, documents.get)}


@pytest.mark.parametrize(
    ("read", "wanted"),
    [
        ({}, set()),
        ({"columns": {**COLUMNS, "nope": "x"}}, {"read.columns.nope unknown_path"}),
        ({"columns": ["dossierNo"]}, {"read.columns missing"}),
        ({"columns": {**COLUMNS, "any": "x"}}, {"read.columns.any any_object"}),
        ({"columns": {**COLUMNS, "form": "x"}, "json": ["x"]}, {"read.columns.form any_object"}),
        ({"json": ["x"]}, {"read.json not_in_columns"}),
        ({"booleans": ["x"]}, {"read.booleans not_in_columns"}),
        ({"schema": "gone@1"}, {"read.schema unknown_schema"}),
        ({"schema": "npsp-dossier@1"}, {"read.schema not_a_source"}),
        ({"write_back": {"columns": {"luc": "time"}}}, {"read.write_back.columns.luc own_column"}),
        ({"write_back": {"columns": {"chu": "state"}}}, {"read.write_back.columns.chu own_column"}),
        ({"write_back": {"delete": True, "namespace": "x"}}, {"read.write_back.namespace bad_value"}),
        (
            {"children": {"files": {"table": "p", "match": {"a": "ma"}, "order": ["n"], "columns": ["n"]}}},
            {"read.children.files.columns.n any_object"},
        ),
        (
            {"children": {"papers": {"table": "p", "match": {"a": "ma"}, "order": ["n"], "columns": ["n"]}}},
            {"read.children.papers unknown_path"},
        ),
    ],
)
def test_reading(read: dict[str, Any], wanted: set[str]) -> None:
    """Fields, columns and schema that do not go together."""
    assert told(read) == wanted


PAPERS = {"table": "p", "match": {"ma": "ma"}, "columns": {"Ten": "ten"}}


@pytest.mark.parametrize(
    ("write", "wanted"),
    [
        ({}, set()),
        ({"children": {"GiayTo": PAPERS}}, set()),
        ({"key": ["so"]}, {"write.npsp-dossier@1.key not_in_columns"}),
        ({"guard": "luc"}, {"write.npsp-dossier@1.guard not_in_columns"}),
        ({"seq": "ma"}, {"write.npsp-dossier@1.columns bad_value"}),
        ({"columns": {"MaHoSo": "ma", "Nope": "x"}}, {"write.npsp-dossier@1.columns.Nope unknown_path"}),
        (
            {"children": {"GiayTo": {**PAPERS, "match": {"ma": "so"}}}},
            {"write.npsp-dossier@1.children.GiayTo.match.ma not_in_columns"},
        ),
        (
            {"children": {"GiayTo": {**PAPERS, "columns": {"Nope": "ten"}}}},
            {"write.npsp-dossier@1.children.GiayTo.columns.Nope unknown_path"},
        ),
    ],
)
def test_writing(write: dict[str, Any], wanted: set[str]) -> None:
    """What is written, by which key, and where it comes from."""
    assert told(write=write) == wanted


def test_nothing_to_do_and_nobody_to_take_it() -> None:
    """Neither read nor write; a route that leads to no table."""
    assert told() == {" missing"}
    config = DatabaseConfig.model_validate({"url": "sqlite:///x.db", "read": dict(READ)})
    found = [one.code for one in DatabaseTables.problems(config, ["land@1.0.0"], {"opencps-dossier@1": SOURCE}.get)]
    assert found == ["no_table"]


def test_drivers(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that is not installed, with what installs it; one for asyncio; a kind that nobody knows."""
    assert told({}, url="postgresql+asyncpg://h/x") == {"url missing_driver"}
    assert told({}, url="sqlite+pysqlite:///x.db") == set()
    assert told({}, url="nosuchkind://h/x") == {"url unknown_database"}
    monkeypatch.setitem(sys.modules, "pymysql", None)
    assert told({}, url="mariadb://h/x") == {"url missing_driver"}
    config = DatabaseConfig.model_validate({"url": "mariadb://h/x", "read": dict(READ)})
    (problem,) = DatabaseTables.problems(config, [], {"opencps-dossier@1": SOURCE}.get)
    assert problem.hint == "pip install 'dossier-hub[mariadb]'"


@pytest.mark.parametrize(
    "url",
    [
        "nothing",
        "sqlite://",
        "sqlite:///:memory:",
        "postgresql://u:hidden-word@h:port/x",
        "postgresql://u:hidden-word@h/x",
        "postgresql://u@h/x?password=hidden-word",
    ],
)
def test_an_address_that_is_none(url: str) -> None:
    """The error does not quote it: a password stands in it."""
    with pytest.raises(ValidationError) as refused:
        DatabaseConfig.model_validate({"url": url})
    assert "hidden-word" not in str(refused.value)


def test_a_file_begins_at_the_home() -> None:
    """As every path in the settings."""
    made = DatabaseConfig.model_validate({"url": "sqlite:///var/x.db"}, context={"home": Path("/srv/hub")})
    assert made.url == "sqlite:////srv/hub/var/x.db"


@pytest.mark.parametrize(
    "more", [{"timeout": 1e9}, {"read": {**READ, "look_back": float("inf")}}, {"read": {**READ, "poll": float("inf")}}]
)
def test_numbers_that_no_database_takes(more: dict[str, Any]) -> None:
    """Seconds without end."""
    with pytest.raises(ValidationError):
        DatabaseConfig.model_validate({"url": "sqlite:///x.db", **more})
