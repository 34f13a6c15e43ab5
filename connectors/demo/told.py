"""The checker's own view of what the hub was told of an OpenCPS record, and of who its applicant is by the registries.

An envelope of the older one-stop system tells less than an OpenCPS record: no date of release, no contact's name, not
whether a paper was taken back. What it does not tell, the portal must not show (contracts.md 1.4).

The population registry holds people by number, name and birth (contracts.md 4.2). A record has no date of birth; a citizen's
number has century and sex in its fourth digit and the year in the two after it (Decree 137/2015/NĐ-CP).
The business register holds enterprises by tax code and name (contracts.md 5); case and blanks make no other name.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from connectors.demo.evidence import Part

_BOTH = {"referenceUid", "dossierNo", "dossierStatus", "dossierSubStatus", "modifiedDate"}
_STATE = _BOTH | {
    "serviceCode", "applicantName", "applicantIdType", "applicantIdNo", "contactTelNo", "contactEmail", "online", "viaPostal",
    "fromViaPostal", "submitDate", "receiveDate", "dueDate", "finishDate", "briefNote", "dossierNote", "govAgencyName", "files",
}  # fmt: skip
_STEP = _BOTH | {"dossierActionId", "lastActionUser", "lastActionDate", "lastActionName", "lastActionNote", "stepDuedate"}
_FILE = {"dossierFileId", "displayName", "dossierPartNo", "dossierPartType"}


def told(record: Mapping[str, Any], part: Part) -> dict[str, Any]:
    """What the hub was told of the record."""
    if part == "both":
        return dict(record)
    kept = {name: value for name, value in record.items() if name in (_STATE if part == "state" else _STEP)}
    if "files" in kept:
        kept["files"] = [{name: value for name, value in file.items() if name in _FILE} for file in kept["files"]]
    return kept


@dataclass(frozen=True, slots=True)
class Registry:
    """Who can be confirmed. ``people``: (number, name, year of birth) of everybody in the population registry; ``code``: its
    code at the portal (MaCSDL). ``enterprises``: (tax code, name) of all in the business register; ``business_code``: its code.
    """

    code: str = ""
    people: frozenset[tuple[str, str, str]] = frozenset()
    business_code: str = ""
    enterprises: frozenset[tuple[str, str]] = frozenset()

    @classmethod
    def of(
        cls,
        code: str,
        people: Iterable[Mapping[str, Any]],
        *,
        business_code: str = "",
        enterprises: Iterable[Mapping[str, Any]] = (),
    ) -> Registry:
        """``people`` and ``enterprises`` as the simulated registries list them."""
        known = ((number, _plain(one["name"]), str(one.get("birth", ""))[:4]) for one in people for number in _numbers(one))
        return cls(code, frozenset(known), business_code, frozenset((one["code"], _plain(one["name"])) for one in enterprises))

    def consulted(self, record: Mapping[str, Any]) -> list[dict[str, str]]:
        """DSKetNoiCSDL of the record's state: the register of people or of enterprises that holds the applicant."""
        number, name = str(record.get("applicantIdNo", "")), _plain(str(record.get("applicantName", "")))
        kind = record.get("applicantIdType")
        if kind == "citizen" and (number, name, _birth_year(number)) in self.people:
            return [{"MaCSDL": self.code}]
        if kind == "business" and (number, name) in self.enterprises:
            return [{"MaCSDL": self.business_code}]
        return []


def _numbers(person: Mapping[str, Any]) -> list[str]:
    return [person[name] for name in ("number", "old_number") if name in person]


def _plain(name: str) -> str:
    return " ".join(unicodedata.normalize("NFC", name).casefold().split())


def _birth_year(number: str) -> str:
    return str(1900 + 100 * (int(number[3]) // 2) + int(number[4:6])) if len(number) == 12 and number.isdecimal() else "?"
