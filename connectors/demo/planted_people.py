"""Whom the population registry of the demo holds: every citizen among the applicants, but for a few that are planted."""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Sequence

from connectors.opencps.stories import Story

EACH = 3
"""So many applicants it does not know at all, and so many by another name."""

People = tuple[dict[str, str], ...]


def people(
    told: Sequence[Story], by_soap: Sequence[Story], by_rest: Sequence[Story], rng: random.Random
) -> tuple[People, tuple[str, ...], tuple[str, ...]]:
    """The people, and the codes of the dossiers whose applicants are strangers to it, or have another name in it; of both
    kinds one dossier comes by SOAP."""

    def picked(group: Sequence[Story]) -> list[str]:
        mixed = rng.sample(list(group), len(group))
        return [one.code for one in mixed if _is_citizen(one) and _with_another_tone(_name(one)) != _name(one)]

    both = [*picked(by_soap)[:2], *picked(by_rest)][: 2 * EACH]
    strangers, renamed = tuple(both[::2]), tuple(both[1::2])
    return held(told, strangers, renamed), strangers, renamed


def held(told: Sequence[Story], strangers: Sequence[str] = (), renamed: Sequence[str] = ()) -> People:
    """Every citizen among the applicants, but for those of two lists of dossiers."""
    known = [one for one in told if _is_citizen(one) and one.code not in strangers]
    return tuple(_person(one, one.code in renamed) for one in known)


def _is_citizen(story: Story) -> bool:
    return bool(story.records[0]["applicantIdType"] == "citizen")


def _name(story: Story) -> str:
    return str(story.records[0]["applicantName"])


def _person(story: Story, renamed: bool) -> dict[str, str]:
    number = story.records[0]["applicantIdNo"]
    year = 1900 + 100 * (int(number[3]) // 2) + int(number[4:6])
    name = _with_another_tone(_name(story)) if renamed else _name(story)
    return {"number": number, "name": name, "birth": f"{year}-01-31"}


def _with_another_tone(name: str) -> str:
    """Another name, which a registry that looks at bare letters only still finds: its last mark is gone."""
    signs = unicodedata.normalize("NFD", name)
    last = max((place for place, sign in enumerate(signs) if unicodedata.combining(sign)), default=len(signs))
    return unicodedata.normalize("NFC", signs[:last] + signs[last + 1 :])
