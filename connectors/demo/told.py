"""The checker's own view of what the hub was told of an OpenCPS record, and of who its applicant is by the population registry.

An envelope of the older one-stop system tells less than an OpenCPS record: no date of release, no contact's name, not
whether a paper was taken back. What it does not tell, the portal must not show (contracts.md 1.4).

The registry holds people by number, name and birth (contracts.md 4.2). A record has no date of birth; a citizen's number has
century and sex in its fourth digit and the year in the two after it (Decree 137/2015/NĐ-CP).
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
    """``people``: (number, name, year of birth) of everybody in the registry; ``code``: its code at the portal (MaCSDL)."""

    code: str = ""
    people: frozenset[tuple[str, str, str]] = frozenset()

    @classmethod
    def of(cls, code: str, people: Iterable[Mapping[str, Any]]) -> Registry:
        """``people`` as the simulated registry lists them."""
        known = ((number, _plain(one["name"]), str(one.get("birth", ""))[:4]) for one in people for number in _numbers(one))
        return cls(code, frozenset(known))

    def consulted(self, record: Mapping[str, Any]) -> list[dict[str, str]]:
        """DSKetNoiCSDL of the record's state: the registry, if the applicant is a citizen whom it holds, else nothing."""
        number, name = str(record.get("applicantIdNo", "")), _plain(str(record.get("applicantName", "")))
        if record.get("applicantIdType") != "citizen" or (number, name, _birth_year(number)) not in self.people:
            return []
        return [{"MaCSDL": self.code}]


def _numbers(person: Mapping[str, Any]) -> list[str]:
    return [person[name] for name in ("number", "old_number") if name in person]


def _plain(name: str) -> str:
    return " ".join(unicodedata.normalize("NFC", name).casefold().split())


def _birth_year(number: str) -> str:
    return str(1900 + 100 * (int(number[3]) // 2) + int(number[4:6])) if len(number) == 12 and number.isdecimal() else "?"
