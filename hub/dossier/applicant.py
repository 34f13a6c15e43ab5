"""Is the applicant of a dossier who a registry says it is? Whom it can be asked about, and the mark of that."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

_PASSPORT = re.compile("[A-HJ-NP-Z]{1,2}[0-9]{6,8}")
"""A passport's number: no I and no O, which stand for 1 and 0 in a mistyped number of another paper."""
_PERSONAL_NUMBER = re.compile(r"[0-9]{3}([0-5])([0-9]{2})[0-9]{6}")


@dataclass(frozen=True, slots=True)
class Subject:
    """What a registry knows: ``noun`` as a reason calls one of them, ``owner`` as it calls a dossier's owner who is one.

    ``fits``: whether what was asked about is what the registry knows. ``is_none``: whether the owner of a dossier is certainly
    none of these. ``born``: a question may say a birth.
    """

    noun: str
    owner: str
    fits: Callable[[Mapping[str, Any], Mapping[str, Any]], bool]
    is_none: Callable[[Mapping[str, Any]], bool]
    born: bool = False


def fits(asked: Mapping[str, Any], known: Mapping[str, Any]) -> bool:
    """Whether the person asked about (citizen-query) is the one that the registry knows (citizen).

    The number is one of the registry's two, the names are equal but for case, blanks and the way their letters are
    composed, and the births agree as far as both are known.
    """
    numbers = (known.get("number"), known.get("old_number"))
    if asked["number"] not in numbers or _plain(asked["name"]) != _plain(known.get("name", "")):
        return False
    mine, theirs = asked.get("birth", ""), known.get("birth", "")
    common = min(len(mine), len(theirs))
    return bool(mine[:common] == theirs[:common])


def enterprise_fits(asked: Mapping[str, Any], known: Mapping[str, Any]) -> bool:
    """Whether the enterprise asked about (enterprise-query) is the one that the registry knows (enterprise).

    The numbers are equal, with or without the dash before the three digits of a branch; the names are equal but for case,
    blanks and the way their letters are composed. No abbreviation is guessed: "TNHH" is not "trách nhiệm hữu hạn". A question
    without a name fits nobody.
    """
    mine, theirs = asked["number"].replace("-", ""), known.get("number", "").replace("-", "")
    name = _plain(asked.get("name", ""))
    return bool(name) and mine == theirs and name == _plain(known.get("name", ""))


def is_no_citizen(dossier: Mapping[str, Any]) -> bool:
    """Whether the owner is certainly nobody whom a registry of citizens holds: an organisation, or known by a passport alone.

    Anybody else may be a citizen: also one of no kind, without a number, or with one that looks like none.
    """
    owner = dossier.get("owner") or {}
    if owner.get("kind", "citizen") != "citizen":
        return True
    return not owner.get("identity_papers") and _PASSPORT.fullmatch(owner.get("id_number", "")) is not None


def is_no_enterprise(dossier: Mapping[str, Any]) -> bool:
    """Whether the owner is certainly nothing that a registry of enterprises holds: somebody says that it is something else."""
    owner = dossier.get("owner") or {}
    return bool(owner.get("kind", "enterprise") != "enterprise")


SUBJECTS: Mapping[str, Subject] = {
    "citizen-query": Subject("person", "citizen", fits, is_no_citizen, born=True),
    "enterprise-query": Subject("enterprise", "enterprise", enterprise_fits, is_no_enterprise),
}
"""By the id of the canonical question: whom it is about."""


def subject_of(query: str) -> Subject:
    """Whom a question of this canonical schema (id, or id@version) is about. Raises KeyError for none of ``SUBJECTS``."""
    return SUBJECTS[query.partition("@")[0]]


def birth_year(number: str) -> str | None:
    """The year of birth that a personal number of 12 digits holds: the fourth digit has century and sex (0 and 1: 1900 to
    1999), the two after it the year (Decree 137/2015/NĐ-CP). None for other numbers."""
    found = _PERSONAL_NUMBER.fullmatch(number)
    return f"{19 + int(found[1]) // 2}{found[2]}" if found else None


def consulted(dossier: Mapping[str, Any], code: str) -> dict[str, Any]:
    """The dossier, with this database among those consulted, once."""
    there = dossier.get("databases_consulted") or []
    added = [] if says_consulted(dossier, code) else [{"code": code}]
    return {**dossier, "databases_consulted": [*there, *added]}


def says_consulted(dossier: Mapping[str, Any], code: str) -> bool:
    """Whether the dossier itself names the database."""
    return any(one.get("code") == code for one in dossier.get("databases_consulted") or [])


def _plain(name: str) -> str:
    return " ".join(unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).upper()).split())
