"""Strict YAML: what people write is what the hub reads, and every node knows its line."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.errors import BadConfig
from hub.strictyaml import load, parse


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-21",
        "2026-11-21T08:00:00",
        "1.0.0",
        "no",
        "on",
        "Yes",
        "12:30",
        "0912345678",
        "1_000",
        "nullable",
        "trueName",
        "falsehood",
        "null.x",
    ],
)
def test_text_that_other_readers_change_stays_text(text: str) -> None:
    """Dates, versions, yes/no, times and telephone numbers are never turned into something else."""
    assert parse(f"key: {text}", "f.yaml").data == {"key": text}


def test_only_plain_numbers_booleans_and_null_are_typed() -> None:
    """JSON-like scalars have their JSON type; quoting makes any of them text."""
    data = parse('[1, -2, 1.5, true, false, null, ~, "1", "true"]', "f.yaml").data
    assert data == [1, -2, 1.5, True, False, None, None, "1", "true"]


def test_the_written_form_of_a_number_is_kept() -> None:
    """A procedure code without quotes does not lose its last zero where text is asked for; keys are always text."""
    document = parse("code: 1.000890\n1.000890: x", "f.yaml")
    assert document.text("code") == "1.000890"
    assert document.data["1.000890"] == "x"


def test_every_node_knows_its_line() -> None:
    """A path resolves to file:line; one that is not there resolves to the nearest node above it."""
    document = parse("a:\n  b: 1\n  c:\n    - x\n    - y\n", "f.yaml")
    assert document.at("a", "b") == "f.yaml:2"
    assert document.at("a", "c", 1) == "f.yaml:5"
    assert document.at("a", "c", 1, "gone") == "f.yaml:5"
    assert document.at("gone") == "f.yaml:1"


def test_all_faults_of_a_file_are_named_at_once() -> None:
    """Duplicate keys, merge keys and foreign tags are refused together, each with its line."""
    with pytest.raises(BadConfig) as caught:
        parse("a: 1\na: 2\nb: &x {c: 1}\nd:\n  <<: *x\ne: !!python/name:os.system ''\n", "f.yaml")
    assert [(p.code, p.source) for p in caught.value.problems] == [
        ("duplicate_key", "f.yaml:2"),
        ("merge_key", "f.yaml:5"),
        ("tag", "f.yaml:6"),
    ]


@pytest.mark.parametrize(("text", "code"), [("a: [1", "not_yaml"), ("a: 1\n---\nb: 2", "not_yaml"), ("a: &x [*x]", "cycle")])
def test_text_that_is_no_single_document_is_refused(text: str, code: str) -> None:
    """Broken YAML, several documents and values that contain themselves are errors with a line."""
    with pytest.raises(BadConfig) as caught:
        parse(text, "f.yaml")
    assert caught.value.problems[0].code == code
    assert caught.value.problems[0].source.startswith("f.yaml:")


def test_aliases_are_copied(tmp_path: Path) -> None:
    """An anchor may be used in several places of a file."""
    (tmp_path / "f.yaml").write_text("a: &x {b: 1}\nc: *x\n")
    assert load(tmp_path / "f.yaml").data == {"a": {"b": 1}, "c": {"b": 1}}


@pytest.mark.parametrize(("data", "code"), [(b"\xff\xfe", "not_utf8"), (None, "unreadable")])
def test_unreadable_files_are_problems(tmp_path: Path, data: bytes | None, code: str) -> None:
    """A file that is not UTF-8 or not there is a BadConfig that names it."""
    path = tmp_path / "f.yaml"
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(BadConfig) as caught:
        load(path, "shown.yaml")
    assert (caught.value.problems[0].code, caught.value.problems[0].source) == (code, "shown.yaml")


@given(st.text())
def test_any_text_gives_a_document_or_bad_config(text: str) -> None:
    """No input makes the reader fail in any other way."""
    try:
        parse(text, "f.yaml")
    except BadConfig as error:
        assert error.problems
