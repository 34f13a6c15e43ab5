"""Six sabotaged hubs, each seen red by the demo's own checker; an honest one is seen green by it.

(The seventh, a hub that acknowledges before its sync, is in test_sync_before_answer.)
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from datetime import date, datetime
from typing import Any

import pytest
import yaml
from flow.parts import PROCEDURES

from connectors.demo.check import check
from connectors.demo.envelopes import OWN_KEY, SENDER, SPACE, procedure
from connectors.demo.evidence import COUNTED, Sent, Verdict
from connectors.demo.expected import Catalogue
from connectors.demo.planted_people import held
from connectors.demo.planted_soap import as_envelopes
from connectors.demo.play import CHOICES
from connectors.demo.population import DATABASE_CODE
from connectors.demo.script import Item
from connectors.demo.soap_shop import PATH
from connectors.demo.told import Registry
from connectors.opencps.stories import Story, stories
from seams.http_door import request
from seams.processes import until
from seams.world import World


def lives() -> list[Story]:
    """Five dossiers, among them the one that is harmed and one that asks for supplements; the last goes by SOAP."""
    told = stories(3, 40, day=date(2026, 11, 20))
    third = told[2]
    asking = [one for one in told if any(record["dossierStatus"] == "waiting" for record in one.records)][:2]
    assert len(third.records) >= 3 and asking
    by_soap = next(one for one in told[5:] if one not in asking and procedure(one.records[0]))
    return list({one.code: one for one in (told[0], told[1], third, *asking, by_soap)}.values())


def sent_by_soap(world: World, story: Story) -> Iterator[Sent]:
    """Each record as two envelopes, from a system of its own."""
    code, said = world.shell("key", "new", SENDER, "--schema", "one-stop-soap")
    assert code == 0, said
    place = itertools.count(1000)
    for record in story.records:
        item = Item(story.code, story.reference_uid, b"", record, str(record["dossierActionId"]), datetime(2026, 11, 20))
        for one in as_envelopes([item]):
            body = one.body.replace(OWN_KEY.encode(), said["key"].encode())
            action = "SubmitDossier" if one.part == "state" else "ReportProgress"
            headers = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": f'"{SPACE}/{action}"'}
            answer = request("POST", f"{world.url}{PATH}", body, headers)
            assert answer.status == 200 and "accepted" in answer.body, answer.body
            yield Sent(next(place), story.code, story.reference_uid, record, "", None, [(200, "accepted")], one.part)


def judged(world: World, **how: Any) -> Verdict:
    """Run a hub, send everything while the portal is paused, let it flow, and let the checker look."""
    told = lives()
    people = held(told, strangers=[next(one.code for one in told if one.records[0]["applicantIdType"] == "citizen")])
    world.also_soap_and_registry(people)
    world.start_hub(**how)
    sender = world.sender
    code, said = world.shell("endpoint", "pause", "portal", "--why", "until all is sent")
    assert code == 0, said
    sent: list[Sent] = []
    *by_rest, by_soap = told
    for story in by_rest:
        for record in story.records:
            key = f"{record['referenceUid']}/{len(sent)}"
            answer = sender.post(record, key)
            assert answer.status == 202, answer.body
            states = [(answer.status, answer.body["state"])]
            sent.append(Sent(len(sent), record["dossierNo"], record["referenceUid"], record, key, None, states))
    sent += sent_by_soap(world, by_soap)
    assert world.shell("endpoint", "resume", "portal")[0] == 0
    until("nothing moves any more", lambda: world.nothing_moves() or None)
    rows = yaml.safe_load(PROCEDURES.read_text(encoding="utf-8"))["rows"]
    answers = [
        {"MATTHC": code, "TENTTHC": name, "LINHVUCTHUCHIEN": [{"MALINHVUC": field, "TENLINHVUC": field_name}]}
        for code, name, field, field_name in rows
    ]
    catalogue = Catalogue.load([world.home / "mappings" / "tables"], answers)
    return check(
        sent, world.state(), dict.fromkeys(COUNTED, 0), catalogue, choices=CHOICES, registry=Registry.of(DATABASE_CODE, people)
    )


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
        ("marks_without_asking", lambda verdict: any("DSKetNoiCSDL: invented" in finding for finding in verdict.findings)),
        ("forgets_envelopes", lambda verdict: verdict.lost == 2 * len(lives()[-1].records)),
    ],
)
def test_a_sabotaged_hub_is_red(new_world: Callable[..., World], sabotage: str, sees: Callable[[Verdict], bool]) -> None:
    """The checker sees the one message that was dropped, doubled, swapped or falsified, marks that nobody earned, and
    envelopes of which there is nothing but a receipt."""
    verdict = judged(new_world(), sabotage=sabotage)
    assert not verdict.holds and sees(verdict), (verdict.line(), verdict.findings)
