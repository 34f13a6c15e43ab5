"""How the codes of dossiers and procedures are written, all generations side by side; never makes or rewrites one.

Codes are opaque names: a dossier keeps the code it was given, for ever. What is known of their shapes is a table here,
one row for each generation seen in the field (contracts.md 3.1 to 3.3), so that a new generation is a new row and a new
version of the schemas that quote it.
"""

from __future__ import annotations

from dataclasses import dataclass

_TWO = "[0-9]{2}"
_LEAP = "(?:[02468][048]|[13579][26])"
_ANY_DAY = "(?:(?:0[13578]|1[02])(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)(?:0[1-9]|[12][0-9]|30)|02(?:0[1-9]|1[0-9]|2[0-8]))"
_YYMMDD = f"(?:{_TWO}{_ANY_DAY}|{_LEAP}0229)"
_YYYYMMDD = f"(?:20{_TWO}{_ANY_DAY}|20{_LEAP}0229)"
_AGENCY = "[0-9A-Z]{1,5}(?:[.][0-9A-Z]{1,5}){0,7}"


@dataclass(frozen=True, slots=True)
class Generation:
    """One way codes were or are written. ``pattern`` has no anchors and matches only real dates."""

    name: str
    pattern: str
    example: str
    source: str


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
    Generation("agency-yymmdd", f"{_AGENCY}-{_YYMMDD}-[0-9]{{4,12}}", "000.00.10.H22-261121-0001", "TT 01/2018/TT-VPCP"),
    Generation("agency-yyyymmdd", f"{_AGENCY}-{_YYYYMMDD}-[0-9]{{4,12}}", "G09.20-20260609-0092637", "ministry portal 2026"),
)
"""National dossier codes (mã hồ sơ): agency, day of reception, serial number of that day (4 digits, growing beyond)."""


def one_of(generations: tuple[Generation, ...]) -> str:
    """An anchored regular expression that any of the generations satisfies; schemas and the model quote this one."""
    return "^(?:" + "|".join(g.pattern for g in generations) + ")$"


PROCEDURE_CODE_PATTERN = one_of(PROCEDURE_CODES)
DOSSIER_CODE_PATTERN = one_of(DOSSIER_CODES)
