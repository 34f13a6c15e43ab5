"""Reads the codes of dossiers, procedures and agencies, all generations side by side; never makes or rewrites one.

Codes are opaque names: a dossier keeps the code it was given, for ever. What is known of their shapes is a table here,
one row for each generation seen in the field (contracts.md 3.1 to 3.3), so that a new generation is a new row and a new
version of the schemas that quote it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

_TWO = "[0-9]{2}"
_LEAP = "(?:[02468][048]|[13579][26])"
_ANY_DAY = "(?:(?:0[13578]|1[02])(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)(?:0[1-9]|[12][0-9]|30)|02(?:0[1-9]|1[0-9]|2[0-8]))"
_YYMMDD = f"(?:{_TWO}{_ANY_DAY}|{_LEAP}0229)"
_YYYYMMDD = f"(?:20{_TWO}{_ANY_DAY}|20{_LEAP}0229)"
_AGENCY = "[0-9A-Z]{1,5}(?:[.][0-9A-Z]{1,5}){0,7}"


@dataclass(frozen=True, slots=True)
class Generation:
    """One way codes were or are written. ``pattern`` has no anchors and matches only real dates; ``century`` is what a
    two-digit year leaves out."""

    name: str
    pattern: str
    example: str
    source: str
    century: str = ""


AGENCY_IDS = (
    Generation("tt-10-2016", "[0-9]{3}[.][0-9]{2}[.][0-9]{2}[.][A-Z][0-9]{2}", "000.00.10.H22", "QCVN 102:2016"),
    Generation("qd-20-2020", "[A-Z][0-9]{2}(?:[.][0-9A-Z]{1,5}){0,5}", "H56.14", "20/2020/QĐ-TTg"),
)
"""Electronic identifiers of agencies (mã định danh cơ quan); both schemes are in use for the same agencies."""

PROCEDURE_CODES = (
    Generation("national", "[0-9][.][0-9]{6}", "1.000894", "contracts.md 3.3"),
    Generation(
        "with-agency",
        "[0-9][.][0-9]{6}[.](?:[0-9]{3}[.][0-9]{2}[.][0-9]{2}[.])?[A-Z][0-9]{2}",
        "3.000181.000.00.00.H22",
        "contracts.md 3.3",
    ),
)
"""Codes of administrative procedures (mã TTHC)."""

DOSSIER_CODES = (
    Generation("agency-yymmdd", f"{_AGENCY}-{_YYMMDD}-[0-9]{{4,12}}", "000.00.10.H22-261121-0001", "TT 01/2018/TT-VPCP", "20"),
    Generation("agency-yyyymmdd", f"{_AGENCY}-{_YYYYMMDD}-[0-9]{{4,12}}", "G09.20-20260609-0092637", "ministry portal 2026"),
)
"""National dossier codes (mã hồ sơ): agency, day of reception, serial number of that day (4 digits, growing beyond)."""


def one_of(generations: tuple[Generation, ...]) -> str:
    """An anchored regular expression that any of the generations satisfies; schemas and the model quote this one."""
    return "^(?:" + "|".join(g.pattern for g in generations) + ")$"


AGENCY_ID_PATTERN = one_of(AGENCY_IDS)
PROCEDURE_CODE_PATTERN = one_of(PROCEDURE_CODES)
DOSSIER_CODE_PATTERN = one_of(DOSSIER_CODES)


@dataclass(frozen=True, slots=True)
class DossierCode:
    """What a dossier code tells about itself; ``text`` is the code exactly as it was given."""

    text: str
    generation: str
    agency: str
    day: date
    serial: str


@dataclass(frozen=True, slots=True)
class ProcedureCode:
    """A procedure code; ``national`` is the part every agency shares, ``agency`` the issuing agency or empty."""

    text: str
    generation: str
    national: str
    agency: str


def _generation(text: str, generations: tuple[Generation, ...]) -> Generation | None:
    return next((g for g in generations if re.fullmatch(g.pattern, text)), None)


def read_dossier_code(text: str) -> DossierCode | None:
    """The parts of a dossier code, or None when no known generation is written like that or its date does not exist."""
    found = _generation(text, DOSSIER_CODES)
    if found is None:
        return None
    agency, day, serial = text.rsplit("-", 2)
    return DossierCode(text, found.name, agency, date.fromisoformat(found.century + day), serial)


def read_procedure_code(text: str) -> ProcedureCode | None:
    """The parts of a procedure code, or None for local codes that follow no national form."""
    found = _generation(text, PROCEDURE_CODES)
    return ProcedureCode(text, found.name, text[:8], text[9:]) if found else None


def agency_scheme(text: str) -> str | None:
    """The name of the scheme an agency identifier is written in (``tt-10-2016`` or ``qd-20-2020``), or None."""
    found = _generation(text, AGENCY_IDS)
    return found.name if found else None
