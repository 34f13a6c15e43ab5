"""The demo's checker on what comes in files and by the portal's own calls: no receipts there, each field as it was sent."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from connectors.demo.as_sent import expected_packet
from connectors.demo.check import check
from connectors.demo.evidence import Verdict
from connectors.demo.packets import can_tell, dossier_packet, step_packet
from connectors.demo.told import Registry
from connectors.opencps.stories import Story
from demo.test_check import CATALOGUE, COUNTS, Portal, Senders, falsities, honest, life, tell


def judged(senders: Senders, portal: Portal, registry: Registry | None = None, **counts: int) -> Verdict:
    return check(senders.lines, portal.as_dict(), COUNTS | counts, CATALOGUE, registry=registry or Registry())


# ── files


def test_a_file_that_comes_twice_shows_nowhere() -> None:
    """No receipt says so; it is accepted, and nothing at the portal tells of it. A line of it that is refused is a finding."""
    story = life(3)
    senders, portal, judge = honest(story)
    again = senders.send(story.records[0], "", "duplicate", (202, "accepted"))
    for line in senders.lines:
        line.way = "folder"
    assert judge().holds, judge().findings
    portal.step(portal.dossiers[story.code]["progress"][0]["object"])
    assert falsities(judge()) == (0, 1, 0)
    portal.dossiers[story.code]["progress"].pop()
    again.answers = [(202, "kept")]
    assert f"{story.code} (record {again.n}): told again, but kept" in judge().findings


def with_a_mistake(*, shown: bool = False) -> tuple[Senders, Portal, Story]:
    """The second record came mistaken and then as it should be, which was kept behind it."""
    story = life(3)
    senders, portal = Senders(), Portal()
    first, second, *rest = story.records
    senders.send(first)
    mistaken = senders.send(None, story.reference_uid, "mistaken", (202, "kept"))
    mistaken.code = story.code
    senders.send(second, "", None, (202, "kept"))
    for record in rest:
        senders.send(record)
    for line in senders.lines:
        line.way = "folder"
    portal.take([first, *([second | {"briefNote": "Sai"}] if shown else []), second, *rest])
    return senders, portal, story


def test_a_mistaken_record_is_kept_and_never_shown() -> None:
    """It counts as kept, as does the one behind it; what it said must not be at the portal."""
    senders, portal, story = with_a_mistake()
    verdict = judged(senders, portal, kept=2)
    assert verdict.holds, verdict.findings
    assert (verdict.sent, verdict.kept) == (len(story.records) + 1, 2)
    assert judged(senders, portal, kept=1).findings == ["the hub counts kept=1, what was planted makes it 2"]
    senders, portal, story = with_a_mistake(shown=True)
    assert f"{story.code}: a state that nobody sent" in judged(senders, portal, kept=2).findings


def test_a_mistaken_record_that_was_taken_is_found() -> None:
    senders, portal, story = with_a_mistake()
    senders.lines[1].answers = [(202, "accepted")]
    assert f"{story.code} (record 2): planted mistaken, but accepted" in judged(senders, portal, kept=1).findings


# ── calls of the portal's own protocol


def packets(story: Story) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """State and step of each record, as the unit says them, with the names of the portal's catalogue."""
    told = []
    for record in story.records:
        packet = dossier_packet(record)
        names = zip(("TenTTHC", "MaLinhVuc", "TenLinhVuc"), CATALOGUE.procedures[packet["MaTTHC"]], strict=True)
        told.append((packet | dict(names), step_packet(record)))
    return told


@pytest.fixture
def unit() -> tuple[Story, Senders, Portal]:
    """A life with papers, told by calls; the portal holds what was sent, with what is empty left out."""
    story = next(one for one in tell(200) if all(map(can_tell, one.records)) and one.records[-1].get("files"))
    senders, portal = Senders(), Portal()
    for state, step in packets(story):
        for part, packet in (("state", state), ("step", step)):
            line = senders.send(packet, story.reference_uid, None, (200, "accepted"))
            line.code, line.way, line.part = story.code, "portal", "state" if part == "state" else "step"
        portal.state({name: value for name, value in state.items() if value not in ("", [])})
        portal.step(copy.deepcopy(step))
    return story, senders, portal


def test_what_a_unit_sent_is_what_the_portal_shows(unit: tuple[Story, Senders, Portal]) -> None:
    """Each call is one that was sent and one expectation."""
    story, senders, portal = unit
    verdict = judged(senders, portal)
    assert verdict.holds, verdict.findings
    assert verdict.sent == verdict.accepted == verdict.delivered == 2 * len(story.records)


def test_each_field_of_a_packet_is_compared(unit: tuple[Story, Senders, Portal]) -> None:
    """Of state and step, whatever the field: changed, gone, or added where the unit said nothing."""
    story, senders, portal = unit
    entry = portal.dossiers[story.code]
    state, step = packets(story)[-1]
    for shown, sent in ((entry["history"][-1]["object"], state), (entry["progress"][-1]["object"], step)):
        for field, value in sent.items():
            before = shown.get(field)
            wrongs: list[Any] = [["x"], ""] if value not in ("", []) else ["x" if value == "" else [{"x": "y"}]]
            for wrong in wrongs:
                shown[field] = wrong
                entry["current"] = copy.deepcopy(entry["history"][-1]["object"])
                assert judged(senders, portal).lost == 1, (field, wrong)
            if before is None:
                del shown[field]
            else:
                shown[field] = before
        entry["current"] = copy.deepcopy(entry["history"][-1]["object"])
    assert judged(senders, portal).holds


def test_the_names_of_a_packet_are_the_catalogue_s(unit: tuple[Story, Senders, Portal]) -> None:
    """A unit that was given another name at the hub's door, and a portal that shows it: the portal's own catalogue decides."""
    story, senders, portal = unit
    for line in senders.lines[::2]:
        assert line.record is not None
        line.record["TenTTHC"] = "Một tên khác"
    for one in portal.dossiers[story.code]["history"]:
        one["object"]["TenTTHC"] = "Một tên khác"
    assert judged(senders, portal).lost == len(story.records)


def test_a_packet_has_the_registry_s_mark_where_it_holds_the_owner() -> None:
    story = next(one for one in tell(60) if all(map(can_tell, one.records)))
    packet, _ = packets(story)[0]
    person = {"number": packet["SoGiayToChuHoSo"], "name": packet["ChuHoSo"], "birth": f"19{packet['SoGiayToChuHoSo'][4:6]}"}
    assert expected_packet(packet, "state", CATALOGUE, Registry.of("7", [person]))["DSKetNoiCSDL"] == [{"MaCSDL": "7"}]
    assert "DSKetNoiCSDL" not in expected_packet(packet, "state", CATALOGUE, Registry())


def test_a_call_told_again_and_one_refused_leave_nothing_behind(unit: tuple[Story, Senders, Portal]) -> None:
    """The same step once more is answered "done" and shows once; a refused insert counts as refused, and shows nowhere."""
    story, senders, portal = unit
    first_step = senders.lines[1]
    again = senders.send(first_step.record, story.reference_uid, "duplicate", (0, "None"), (200, "accepted"))
    refused = senders.send(senders.lines[0].record, story.reference_uid, "wrong", (503, "-4"), (422, "3"))
    for line, part in ((again, "step"), (refused, "state")):
        line.code, line.way, line.part = story.code, "portal", "step" if part == "step" else "state"
    verdict = judged(senders, portal)
    assert verdict.holds and verdict.refused == 1, verdict.findings
    portal.step(copy.deepcopy(first_step.record or {}))
    assert falsities(judged(senders, portal)) == (0, 1, 0)
