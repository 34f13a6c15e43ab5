"""Codes are known in every generation, and nothing else is."""

from __future__ import annotations

import re
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.dossier.identifiers import DOSSIER_CODE_PATTERN, DOSSIER_CODES, PROCEDURE_CODE_PATTERN, PROCEDURE_CODES


@pytest.mark.parametrize(
    ("code", "generation"),
    [
        ("000.00.10.H22-261121-0001", "agency-yymmdd"),
        ("H56.14-250225-0001", "agency-yymmdd"),
        ("000.00.16.H22-240229-12345", "agency-yymmdd"),
        ("G09.20-20260609-0092637", "agency-yyyymmdd"),
        ("777.77.04.D77-200915-0001", "agency-yymmdd"),
    ],
)
def test_a_dossier_code_of_any_generation_is_known(code: str, generation: str) -> None:
    """Both agency schemes and both lengths of the date."""
    assert re.fullmatch(DOSSIER_CODE_PATTERN, code)
    assert [row.name for row in DOSSIER_CODES if re.fullmatch(row.pattern, code)] == [generation]


@pytest.mark.parametrize(
    "code",
    [
        "",
        "x",
        "000.00.10.H22-261131-0001",
        "000.00.10.H22-250229-0001",
        "000.00.10.H22-20260230-0001",
        "000.00.10.H22-261121-001",
        "000.00.10.H22-261121-0001 ",
        "000.00.10.H22-261121-0001\n",
        "000.00.10.h22-261121-0001",
        "000..10-261121-0001",
        "03706/2026/07906",
        "000.00.10.H22-٢٦١١٢١-0001",
        "000.00.10.H22_261121_0001",
    ],
)
def test_what_is_no_dossier_code_is_refused(code: str) -> None:
    """Days that do not exist, short serials, blanks, small letters, foreign digits and other systems' numbers."""
    assert not re.fullmatch(DOSSIER_CODE_PATTERN, code)


@given(st.dates(date(2000, 1, 1), date(2099, 12, 31)), st.integers(0, 10**12 - 1))
def test_every_real_day_is_accepted(day: date, serial: int) -> None:
    """In both lengths of the date, for all days of the century."""
    for text in (f"000.00.10.H22-{day:%y%m%d}-{serial:04}", f"H22.10-{day:%Y%m%d}-{serial:07}"):
        assert re.fullmatch(DOSSIER_CODE_PATTERN, text)


@settings(max_examples=50, deadline=None)
@given(st.from_regex(DOSSIER_CODE_PATTERN, fullmatch=True))
def test_whatever_the_pattern_accepts_has_a_real_date(text: str) -> None:
    """No code passes a schema and then turns out to have an impossible date."""
    day = text.rsplit("-", 2)[1]
    assert date.fromisoformat(day if len(day) == 8 else f"20{day}")


@pytest.mark.parametrize("code", ["1.000894", "3.000181.000.00.00.H22", "2.002621.H56"])
def test_a_procedure_code_is_known_with_or_without_its_agency(code: str) -> None:
    """Agencies append their identifier, in either scheme, to the national code."""
    assert re.fullmatch(PROCEDURE_CODE_PATTERN, code)


@pytest.mark.parametrize("code", ["TS_lop1.000.00.00.H22", "1.00089", "1.000894.", "1.000894.01", "", "1.000894\n"])
def test_local_service_codes_are_no_procedure_codes(code: str) -> None:
    """Non-conforming local codes exist; they need a row in the unit's table, not a guess."""
    assert not re.fullmatch(PROCEDURE_CODE_PATTERN, code)


def test_each_generation_proves_itself_by_its_example() -> None:
    """A row added to a table without a matching example, or shadowed by an earlier row, is caught here."""
    for generations in (PROCEDURE_CODES, DOSSIER_CODES):
        for row in generations:
            assert next(g for g in generations if re.fullmatch(g.pattern, row.example)) is row
