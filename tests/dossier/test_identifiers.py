"""Codes are read in every generation, and never made or rewritten."""

from __future__ import annotations

import re
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.dossier.identifiers import (
    AGENCY_IDS,
    DOSSIER_CODE_PATTERN,
    DOSSIER_CODES,
    PROCEDURE_CODE_PATTERN,
    PROCEDURE_CODES,
    agency_scheme,
    read_dossier_code,
    read_procedure_code,
)


@pytest.mark.parametrize(
    ("code", "generation", "agency", "day", "serial"),
    [
        ("000.00.10.H22-261121-0001", "agency-yymmdd", "000.00.10.H22", date(2026, 11, 21), "0001"),
        ("H56.14-250225-0001", "agency-yymmdd", "H56.14", date(2025, 2, 25), "0001"),
        ("000.00.16.H22-240229-12345", "agency-yymmdd", "000.00.16.H22", date(2024, 2, 29), "12345"),
        ("G09.20-20260609-0092637", "agency-yyyymmdd", "G09.20", date(2026, 6, 9), "0092637"),
        ("777.77.04.D77-200915-0001", "agency-yymmdd", "777.77.04.D77", date(2020, 9, 15), "0001"),
    ],
)
def test_a_dossier_code_of_any_generation_is_read(code: str, generation: str, agency: str, day: date, serial: str) -> None:
    """Agency, day and serial are told apart, in both agency schemes and both lengths of the date; the text stays as given."""
    found = read_dossier_code(code)
    assert found is not None
    assert (found.text, found.generation, found.agency, found.day, found.serial) == (code, generation, agency, day, serial)


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
def test_what_is_no_dossier_code_is_not_read(code: str) -> None:
    """Days that do not exist, short serials, blanks, small letters, foreign digits and other systems' numbers."""
    assert read_dossier_code(code) is None
    assert not re.fullmatch(DOSSIER_CODE_PATTERN, code)


@given(st.dates(date(2000, 1, 1), date(2099, 12, 31)), st.integers(0, 10**12 - 1))
def test_every_real_day_is_read_back_and_the_pattern_agrees(day: date, serial: int) -> None:
    """The pattern that schemas quote and the reader accept the same codes, for all days of the century."""
    for text in (f"000.00.10.H22-{day:%y%m%d}-{serial:04}", f"H22.10-{day:%Y%m%d}-{serial:07}"):
        found = read_dossier_code(text)
        assert found is not None and found.day == day and int(found.serial) == serial
        assert re.fullmatch(DOSSIER_CODE_PATTERN, text)


@settings(max_examples=50, deadline=None)
@given(st.from_regex(DOSSIER_CODE_PATTERN, fullmatch=True))
def test_whatever_the_pattern_accepts_has_a_real_date(text: str) -> None:
    """No code passes a schema and then turns out to have an impossible date."""
    assert read_dossier_code(text) is not None


@pytest.mark.parametrize(
    ("code", "national", "agency"),
    [
        ("1.000894", "1.000894", ""),
        ("3.000181.000.00.00.H22", "3.000181", "000.00.00.H22"),
        ("2.002621.H56", "2.002621", "H56"),
    ],
)
def test_a_procedure_code_is_read_with_or_without_its_agency(code: str, national: str, agency: str) -> None:
    """The national part and the issuing agency are told apart."""
    found = read_procedure_code(code)
    assert found is not None and (found.text, found.national, found.agency) == (code, national, agency)


@pytest.mark.parametrize("code", ["TS_lop1.000.00.00.H22", "1.00089", "1.000894.", "1.000894.01", "", "1.000894\n"])
def test_local_service_codes_are_no_procedure_codes(code: str) -> None:
    """Non-conforming local codes exist; they need a row in the unit's table, not a guess."""
    assert read_procedure_code(code) is None
    assert not re.fullmatch(PROCEDURE_CODE_PATTERN, code)


@pytest.mark.parametrize(
    ("text", "scheme"),
    [
        ("000.00.10.H22", "tt-10-2016"),
        ("777.77.04.D77", "tt-10-2016"),
        ("H56.14", "qd-20-2020"),
        ("G22", "qd-20-2020"),
        ("h22", None),
        ("", None),
    ],
)
def test_both_schemes_of_agency_identifiers_are_known(text: str, scheme: str | None) -> None:
    """The same agency may be written in either; neither is turned into the other."""
    assert agency_scheme(text) == scheme


def test_each_generation_proves_itself_by_its_example() -> None:
    """A row added to a table without a matching example, or shadowed by an earlier row, is caught here."""
    for generations in (AGENCY_IDS, PROCEDURE_CODES, DOSSIER_CODES):
        for row in generations:
            assert next(g for g in generations if re.fullmatch(g.pattern, row.example)) is row
