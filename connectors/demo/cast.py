"""Which dossier of the demo's day plays which part: what is planted on it, and by which way it comes."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connectors.demo import planted_calls, planted_soap
from connectors.opencps.stories import Story

USUAL_SECOND = "processing"
DATES = "%d/%m/%Y %H:%M:%S"
STRUCK = 9


@dataclass(frozen=True)
class Cast:
    """Codes of dossiers, but for the three lists of stories. ``told`` is refused like ``refused``, and its sender is told;
    ``lost`` and ``awaited`` have a step whose answer gets lost, which at ``awaited`` its sender waits for; ``struck`` are those
    whose first call goes wrong on the way."""

    known: str
    refused: str
    lost: str
    mended: str
    unknown: Sequence[str]
    mistaken: str
    told: str
    awaited: str
    by_rest: Sequence[Story]
    by_soap: Sequence[Story]
    by_calls: Sequence[Story]
    in_envelopes: Collection[str]
    in_calls: Collection[str]
    in_files: Collection[str]
    repeated: Collection[str]
    unkeyed: Collection[str]
    conflicting: str
    struck: Sequence[str]


def cast(day: Sequence[Story], rng: random.Random) -> Cast:
    """About an eighth of the dossiers comes by SOAP, an eighth in files, an eighth by the portal's calls; the rest by REST, and
    so do those whose repair is to be seen first, the earliest of the day."""
    early = sorted(filter(is_plain, day), key=begun)
    known, refused, lost, mended, *unknown = (one.code for one in early[:6])
    special = _codes(early[:6])
    ordinary = [one for one in day if one.code not in special]
    eighth = len(ordinary) // 8

    def picked(count: int, fits: Callable[[Story], bool], group: Sequence[Story]) -> tuple[list[Story], list[Story]]:
        chosen = rng.sample([one for one in group if fits(one)], count)
        codes = _codes(chosen)
        return chosen, [one for one in group if one.code not in codes]

    by_soap, rest = picked(eighth, planted_soap.suits, ordinary)
    (mistaken,), rest = picked(1, is_plain, rest)
    left, rest = picked(eighth - 1, lambda one: True, rest)
    by_calls, by_rest = picked(eighth, planted_calls.suits, rest)
    told = min(by_calls, key=begun)
    awaited = min((one for one in by_calls if is_plain(one) and one is not told), key=begun)
    again = [
        *picked(max(5, len(day) // 20), lambda one: True, by_rest)[0],
        *picked(eighth // 10, lambda one: True, by_soap)[0],
        *picked(eighth // 10, lambda one: one not in (told, awaited), by_calls)[0],
    ]
    unkeyed, _ = picked(max(3, len(day) // 50), lambda one: True, by_rest)
    struck, _ = picked(STRUCK, lambda one: is_plain(one) and one not in (told, awaited, mistaken), ordinary)
    return Cast(
        known, refused, lost, mended, unknown, mistaken.code, told.code, awaited.code, by_rest, by_soap, by_calls,
        _codes(by_soap), _codes(by_calls), _codes([mistaken, *left]), _codes(again), _codes(unkeyed),
        rng.choice(by_rest).code, [one.code for one in struck],
    )  # fmt: skip


def is_plain(story: Story) -> bool:
    """A life long enough to show a repair, numbered from its beginning, whose second state is the one to be spoilt."""
    first, second, *rest = story.records
    usual = first["dossierStatus"] == "new" and second["dossierStatus"] == USUAL_SECOND
    return usual and len(rest) >= 2 and bool(first["dossierNo"])


def begun(story: Story) -> datetime:
    """When its first record was made."""
    return modified(story.records[0])


def modified(record: dict[str, Any]) -> datetime:
    """When the record was made."""
    return datetime.strptime(record["modifiedDate"], DATES)


def _codes(stories: Sequence[Story]) -> frozenset[str]:
    return frozenset(one.code for one in stories)
