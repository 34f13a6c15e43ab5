"""Compares a sender's record with the portal's memory: what was lost, doubled, out of order. Knows nothing of the hub."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from seams.sender import Acknowledged

Effect = tuple[str, str]
"""(kind, mark): what one effect at the portal shows, kind ``state`` or ``step``."""


def held(dossier: Mapping[str, Any] | None) -> list[Effect]:
    """All effects that the portal took of one dossier, in their order."""
    if dossier is None:
        return []
    states = [(one["seq"], "state", one["object"]["GhiChu"].split()[-1]) for one in dossier["history"]]
    steps = [(one["seq"], "step", one["object"]["NoiDungXuLy"].split()[-1]) for one in dossier["progress"]]
    return [(kind, mark) for _, kind, mark in sorted(states + steps)]


def due(record: Iterable[Acknowledged], code: str) -> list[Effect]:
    """What the portal must show of a dossier: of each acknowledged record its state, then its step."""
    return [effect for one in record if one.code == code for effect in (("state", one.mark), ("step", one.mark))]


@dataclass
class Verdict:
    """Effects with their dossier's code; ``repeated`` are equal states sent twice in a row, the one permitted doubling."""

    lost: list[tuple[str, Effect]] = field(default_factory=list)
    doubled: list[tuple[str, Effect]] = field(default_factory=list)
    repeated: list[tuple[str, Effect]] = field(default_factory=list)
    out_of_order: list[str] = field(default_factory=list)
    foreign: list[tuple[str, Effect]] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        return not (self.lost or self.doubled or self.out_of_order or self.foreign)

    def __str__(self) -> str:
        return (
            f"lost={len(self.lost)} doubled={len(self.doubled)} out_of_order={len(self.out_of_order)} "
            f"unexpected={len(self.foreign)} repeated_states={len(self.repeated)}"
        )


def judge(record: Collection[Acknowledged], state: Mapping[str, Any], *, may_repeat_states: bool = False) -> Verdict:
    """``may_repeat_states``: the portal cannot be asked what it holds, so a full state may be sent twice in a row."""
    found = Verdict()
    for code in {one.code for one in record} | set(state["dossiers"]):
        wanted, there = due(record, code), held(state["dossiers"].get(code))
        seen: list[Effect] = []
        for effect in there:
            if may_repeat_states and seen and seen[-1] == effect and effect[0] == "state":
                found.repeated.append((code, effect))
            else:
                seen.append(effect)
        counted = Counter(seen)
        found.lost += [(code, effect) for effect in wanted if effect not in counted]
        found.foreign += [(code, effect) for effect in counted if effect not in wanted]
        found.doubled += [(code, effect) for effect, times in counted.items() if times > 1]
        first_seen = list(dict.fromkeys(effect for effect in seen if effect in wanted))
        if first_seen != [effect for effect in wanted if effect in counted]:
            found.out_of_order.append(code)
    return found
