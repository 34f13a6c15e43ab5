"""Lays the states, or steps, that the portal shows of one dossier beside those that were sent: pure, plain data in and out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from connectors.demo.expected import differences


@dataclass
class Wanted:
    """A state or step that was sent; ``forms`` are its possible objects (a step told by two records has two).

    ``replaceable``: planted so that it may be missing, and then the hub must count it as superseded.
    """

    n: int
    forms: list[dict[str, Any]]
    required: bool
    replaceable: bool = False

    def wrong(self, shown: Mapping[str, Any]) -> list[str]:
        return min((differences(form, shown) for form in self.forms), key=len)


@dataclass
class Comparison:
    """What became of a dossier's states, or of its steps. ``met``: (place shown, place wanted), ascending in both."""

    met: list[tuple[int, int]] = field(default_factory=list)
    displaced: list[tuple[int, int]] = field(default_factory=list)
    repeated: list[int] = field(default_factory=list)
    altered: list[tuple[int, int, list[str]]] = field(default_factory=list)
    strange: list[int] = field(default_factory=list)
    missing: list[int] = field(default_factory=list)


def compared(shown: list[dict[str, Any]], wanted: list[Wanted]) -> Comparison:
    """Lays what is shown beside what is wanted: the longest common order first, then what the rest can be."""
    wrong = [[one.wrong(have) for one in wanted] for have in shown]
    found = Comparison(met=_common_order([[not cell for cell in row] for row in wrong], [one.required for one in wanted]))
    met = dict(found.met)
    open_wanted = [place for place in range(len(wanted)) if place not in met.values()]
    rest = [place for place in range(len(shown)) if place not in met]
    for place in list(rest):
        same = next((one for one in open_wanted if not wrong[place][one]), None)
        if same is not None:
            found.displaced.append((place, same))
            open_wanted.remove(same)
            rest.remove(place)
        elif any(not cell for cell in wrong[place]):
            found.repeated.append(place)
            rest.remove(place)
    for place in rest:
        before = max((there for here, there in found.met if here < place), default=-1)
        after = min((there for here, there in found.met if here > place), default=len(wanted))
        near = [one for one in open_wanted if before < one < after] or open_wanted
        if near:
            closest = min(near, key=lambda one: len(wrong[place][one]))
            found.altered.append((place, closest, wrong[place][closest]))
            open_wanted.remove(closest)
        elif place and shown[place] == shown[place - 1]:
            found.repeated.append(place)
        else:
            found.strange.append(place)
    found.missing = open_wanted
    return found


def _common_order(same: list[list[bool]], required: list[bool]) -> list[tuple[int, int]]:
    """The longest pairing that ascends on both sides; of equally long ones, the one that meets more required places."""
    rows, columns = len(same), len(required)
    best: list[list[int]] = [[0] * (columns + 1) for _ in range(rows + 1)]
    weight = [rows + columns + 1 + needed for needed in required]
    for row in reversed(range(rows)):
        for column in reversed(range(columns)):
            taken = best[row + 1][column + 1] + weight[column] if same[row][column] else 0
            best[row][column] = max(taken, best[row + 1][column], best[row][column + 1])
    pairs, row, column = [], 0, 0
    while row < rows and column < columns:
        if same[row][column] and best[row][column] == best[row + 1][column + 1] + weight[column]:
            pairs.append((row, column))
            row, column = row + 1, column + 1
        elif best[row][column] == best[row + 1][column]:
            row += 1
        else:
            column += 1
    return pairs
