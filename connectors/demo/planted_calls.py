"""The part of the script that a unit's system says to the hub as it would to the portal: two calls for each record.

What is wrong is answered as the portal would, in the same call: a packet that breaks the contract, eleven steps at once, a
dossier inserted twice, and an abstract that the portal itself does not take. So is a call that was made before.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from connectors.demo.packets import can_tell, dossier_call, dossier_packet, step_packet, steps_call
from connectors.demo.script import Item
from connectors.opencps.stories import Story

BAD_ABSTRACT = "Trích yếu ghi chưa đúng mẫu"
BAD_ABSTRACT_SAID = "Trích yếu hồ sơ chưa đúng quy định"
EXISTS_SAID = "đã tồn tại"
TO_THE_PORTAL = 2
"""So many of the wrong ones are refused by the portal itself."""
_MOST_STEPS = 10


def suits(story: Story) -> bool:
    """Whether the unit can tell all of this dossier to the portal."""
    return all(map(can_tell, story.records))


def as_calls(items: Sequence[Item]) -> list[Item]:
    """The same life as the unit tells it: of each record its state, the first as new, then its step."""
    return [call for number, item in enumerate(items) for call in (_state(item, updating=number > 0), _step(item))]


def with_refusals(calls: Sequence[Item]) -> list[Item]:
    """A life that begins with an abstract that the portal refuses, is put right, and is then inserted once more."""
    first, *rest = calls
    assert first.record is not None
    bad = {**first.record, "TrichYeuHoSo": BAD_ABSTRACT}
    refused = _wrong(first, bad, dossier_call(bad, updating=False), BAD_ABSTRACT_SAID)
    return [refused, first, _wrong(first, first.record, first.body, EXISTS_SAID), *rest]


def repeated(calls: Sequence[Item], rng: random.Random) -> list[Item]:
    """A call comes once more, right after itself: the unit was not sure. No insert: that is no repeat to the portal."""
    place = rng.randrange(1, len(calls))
    return [*calls[: place + 1], replace(calls[place], planted="duplicate"), *calls[place + 1 :]]


def wrong_calls(items: Iterable[Item]) -> list[Item]:
    """Of two records of real dossiers: one lacks the unit that handles it, the step of the other comes eleven times at once."""
    one, other = sorted(items, key=lambda item: item.due)
    lacking, step = _state(one, updating=True), _step(other)
    assert lacking.record is not None and step.record is not None
    packet = {name: value for name, value in lacking.record.items() if name != "DonViXuLy"}
    eleven = [{**step.record, "ThoiDiemXuLy": f"202612010800{second:02}"} for second in range(_MOST_STEPS + 1)]
    return [
        _wrong(lacking, packet, dossier_call(packet, updating=True), "DonViXuLy"),
        _wrong(step, None, steps_call(*eleven), "data"),
    ]


def _state(item: Item, *, updating: bool) -> Item:
    assert item.record is not None
    packet = dossier_packet(item.record)
    return replace(item, way="portal", part="state", record=packet, body=dossier_call(packet, updating=updating), key=None)


def _step(item: Item) -> Item:
    assert item.record is not None
    packet = step_packet(item.record)
    return replace(item, way="portal", part="step", record=packet, body=steps_call(packet), key=None)


def _wrong(item: Item, record: dict[str, Any] | None, body: bytes, names: str) -> Item:
    return replace(item, planted="wrong", record=record, body=body, status=422, names=names)
