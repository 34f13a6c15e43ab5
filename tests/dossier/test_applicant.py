"""Who an applicant is, by a registry: what fits, what does not, and the mark that it was asked."""

from __future__ import annotations

import unicodedata
from typing import Any

import pytest

from hub.dossier.applicant import birth_year, consulted, fits

ASKED = {"number": "001090990001", "name": "Nguyễn Văn Mẫu", "birth": "1990-01-31"}
KNOWN = {"number": "001090990001", "old_number": "990000001", "name": "NGUYỄN VĂN MẪU", "birth": "1990-01-31"}


@pytest.mark.parametrize(
    ("asked", "known"),
    [
        ({}, {}),
        ({"name": "  nguyễn   văn mẫu "}, {}),
        ({"name": unicodedata.normalize("NFD", ASKED["name"])}, {}),
        ({"number": "990000001"}, {}),
        ({"birth": "1990"}, {}),
        ({}, {"birth": "1990"}),
        ({"birth": ""}, {}),
        ({}, {"birth": ""}),
    ],
    ids=str,
)
def test_the_same_person(asked: dict[str, Any], known: dict[str, Any]) -> None:
    """Case, blanks and composition of a name, either number, and births as far as both are known."""
    assert fits({**ASKED, **asked}, {**KNOWN, **known})


@pytest.mark.parametrize(
    ("asked", "known"),
    [
        ({"number": "001090990002"}, {}),
        ({}, {"number": "001090990002"}),
        ({"name": "Nguyễn Văn Mậu"}, {}),
        ({"name": "Nguyen Van Mau"}, {}),
        ({"birth": "1991"}, {}),
        ({"birth": "1990-01-30"}, {}),
        ({}, {"birth": "1991"}),
        ({}, {"name": ""}),
    ],
    ids=str,
)
def test_another_person(asked: dict[str, Any], known: dict[str, Any]) -> None:
    """A digit, a tone, all tones, or a day makes another one."""
    assert not fits({**ASKED, **asked}, {**KNOWN, **known})


def test_an_answer_without_numbers_proves_nothing() -> None:
    """The number must be there to be equal."""
    assert not fits(ASKED, {"name": ASKED["name"], "birth": ASKED["birth"]})


@pytest.mark.parametrize(
    ("number", "year"),
    [
        ("001090990001", "1990"), ("001190990001", "1990"), ("001204990001", "2004"), ("001304990001", "2004"),
        ("001401990001", "2101"), ("001900990001", None), ("990000001", None), ("P0000001", None), ("", None),
    ],
)  # fmt: skip
def test_the_year_that_a_number_holds(number: str, year: str | None) -> None:
    """Century and sex in one digit, the year in two; nothing of numbers of another form."""
    assert birth_year(number) == year


def test_the_mark_is_set_once() -> None:
    """Beside what was consulted before, never twice, and never in the dossier that was given."""
    bare: dict[str, Any] = {"source_id": "a"}
    once = consulted(bare, "7")
    assert once == {"source_id": "a", "databases_consulted": [{"code": "7"}]} and bare == {"source_id": "a"}
    assert consulted(once, "7") == once
    assert consulted(once, "2")["databases_consulted"] == [{"code": "7"}, {"code": "2"}]
