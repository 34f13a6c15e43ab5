"""Four sabotaged hubs, each seen red by the demo's own checker; an honest one is seen green by it.

(The fifth, a hub that acknowledges before its sync, is in test_sync_before_answer.)
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
import yaml
from flow.parts import PROCEDURES

from connectors.demo.check import COUNTED, Sent, Verdict, check
from connectors.demo.expected import Catalogue
from connectors.demo.play import CHOICES
from connectors.opencps.stories import stories
from seams.processes import until
from seams.world import World


def lives() -> list[list[dict[str, Any]]]:
    """Eight dossiers, among them the one that is harmed and one that asks for supplements."""
    told = stories(3, 40, day=date(2026, 11, 20))
    third = told[2]
    asking = [one for one in told if any(record["dossierStatus"] == "waiting" for record in one.records)][:2]
    assert len(third.records) >= 3 and asking
    chosen = {one.code: one for one in (told[0], told[1], third, *asking)}
    return [list(one.records) for one in chosen.values()]


def judged(world: World, **how: Any) -> Verdict:
    """Run a hub, send everything while the portal is paused, let it flow, and let the checker look."""
    world.start_hub(**how)
    sender = world.sender
    code, said = world.shell("endpoint", "pause", "portal", "--why", "until all is sent")
    assert code == 0, said
    sent: list[Sent] = []
    for records in lives():
        for record in records:
            key = f"{record['referenceUid']}/{len(sent)}"
            answer = sender.post(record, key)
            assert answer.status == 202, answer.body
            states = [(answer.status, answer.body["state"])]
            sent.append(Sent(len(sent), record["dossierNo"], record["referenceUid"], record, key, None, states))
    assert world.shell("endpoint", "resume", "portal")[0] == 0
    until("nothing moves any more", lambda: world.nothing_moves() or None)
    rows = yaml.safe_load(PROCEDURES.read_text(encoding="utf-8"))["rows"]
    answers = [
        {"MATTHC": code, "TENTTHC": name, "LINHVUCTHUCHIEN": [{"MALINHVUC": field, "TENLINHVUC": field_name}]}
        for code, name, field, field_name in rows
    ]
    catalogue = Catalogue.load([world.home / "mappings" / "tables"], answers)
    return check(sent, world.state(), dict.fromkeys(COUNTED, 0), catalogue, choices=CHOICES)


def test_an_honest_hub_is_green(new_world: Callable[..., World]) -> None:
    """Otherwise the sabotages below would prove nothing."""
    verdict = judged(new_world())
    assert verdict.holds, verdict.findings


@pytest.mark.parametrize(
    ("sabotage", "sees"),
    [
        ("drops_one", lambda verdict: verdict.lost > 0),
        ("doubles_one", lambda verdict: verdict.duplicated > 0),
        ("swaps_two", lambda verdict: verdict.out_of_order > 0),
        ("sends_five_as_nine", lambda verdict: any("falsified" in finding for finding in verdict.findings)),
    ],
)
def test_a_sabotaged_hub_is_red(new_world: Callable[..., World], sabotage: str, sees: Callable[[Verdict], bool]) -> None:
    """The checker sees the one message that was dropped, doubled, swapped or falsified."""
    verdict = judged(new_world(), sabotage=sabotage)
    assert not verdict.holds and sees(verdict), (verdict.line(), verdict.findings)
