"""Tells of one dossier's states, or steps, at a partner what is lost, doubled, out of order or altered, for every checker."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from connectors.demo.alignment import Comparison, Wanted, compared
from connectors.demo.evidence import Found


def judge_lane(found: Found, code: str, what: str, shown: Sequence[Mapping[str, Any]], wanted: Sequence[Wanted]) -> None:
    """Adds counts and findings to ``found``; ``what`` is the word for one of them (``state``, ``step``)."""
    lane = compared([dict(one) for one in shown], list(wanted))
    _laid_bare(lane, shown, wanted)
    found.delivered += len(lane.met) + len(lane.displaced) + len(lane.altered)
    for _, place in lane.displaced:
        found.out_of_order += 1
        found.say(f"{code}: {what} {wanted[place].n} is at another place than it was sent")
    for _, place, wrong in lane.altered:
        found.lost += 1
        found.findings += [f"{code} {one} ({what} {wanted[place].n})" for one in wrong]
    for place in lane.missing:
        found.lost += 1
        found.say(f"{code}: {what} {wanted[place].n} is missing")
    for place in lane.repeated:
        found.duplicated += 1
        found.say(f"{code}: a {what} is there twice")
        if shown[place] not in (*shown[max(place - 1, 0) : place], *shown[place + 1 : place + 2]):
            found.out_of_order += 1
            found.say(f"{code}: an old {what} came again after a newer one")
    for _ in lane.strange:
        found.say(f"{code}: a {what} that nobody sent")


def _laid_bare(lane: Comparison, shown: Sequence[Mapping[str, Any]], wanted: Sequence[Wanted]) -> None:
    """What looks like a repeat at the very place of one that is missing is that one, falsified: a 5 told as the 9 to come."""
    for place in list(lane.repeated):
        before = max((there for here, there in lane.met if here < place), default=-1)
        after = min((there for here, there in lane.met if here > place), default=len(wanted))
        if own := [one for one in lane.missing if before < one < after]:
            lane.altered.append((place, own[0], wanted[own[0]].wrong(shown[place])))
            lane.missing.remove(own[0])
            lane.repeated.remove(place)
