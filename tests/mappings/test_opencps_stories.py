"""The invented life stories: always the same for a seed, valid, translatable, and true to how dossiers live."""

from __future__ import annotations

import hashlib
import itertools
import json
import re
from datetime import date, datetime

import pytest

from connectors.opencps import Story, stories
from hub.dossier.life_cycle import State, plausible
from hub.translation import Catalog

DAY = date(2026, 11, 20)


@pytest.fixture(scope="module")
def many() -> list[Story]:
    return stories(11, 400, day=DAY)


def test_every_record_is_valid_and_reaches_the_portal_by_both_ways(catalog: Catalog, many: list[Story]) -> None:
    """Each record of each story fits its schema and translates into a dossier and into a step for the portal."""
    source = catalog.schema("opencps-dossier@1")
    whole, step = catalog.chain("opencps-dossier@1", "dossier@1"), catalog.chain("opencps-dossier@1", "dossier-progress@1")
    out, out_step = catalog.chain("dossier@1", "npsp-dossier@1"), catalog.chain("dossier-progress@1", "npsp-progress@1")
    for story in many:
        for record in story.records:
            source.validate(record)
            dossier, progress = whole.translate(record), step.translate(record)
            assert dossier is not None and progress is not None
            sent, sent_step = out.translate(dossier.body), out_step.translate(progress.body)
            assert sent is not None and sent_step is not None
            assert sent.body["MaHoSo"] == sent_step.body["data"][0]["MaHoSo"] == story.code
            assert sent.body["TrangThaiHoSo"] == sent_step.body["data"][0]["TrangThai"]


def test_states_follow_each_other_plausibly_and_all_ten_occur(catalog: Catalog, many: list[Story]) -> None:
    """No story surprises the life cycle, and together they pass through every national state."""
    chain = catalog.chain("opencps-dossier@1", "dossier@1")
    seen = set()
    for story in many:
        lived = [State(found.body["state"]) for record in story.records if (found := chain.translate(record))]
        assert all(plausible(before, after) for before, after in itertools.pairwise(lived)), lived
        seen |= set(lived)
    assert seen == set(State)


def test_each_step_is_its_own_and_later_than_the_one_before(many: list[Story]) -> None:
    """2 to 6 records each; modifiedDate strictly grows; no two records anywhere share a dossierActionId."""
    actions = [record["dossierActionId"] for story in many for record in story.records]
    assert len(actions) == len(set(actions))
    for story in many:
        times = [datetime.strptime(record["modifiedDate"], "%d/%m/%Y %H:%M:%S") for record in story.records]
        assert 2 <= len(times) <= 6 and all(a < b for a, b in itertools.pairwise(times))
        assert {record["referenceUid"] for record in story.records} == {story.reference_uid}


def test_the_same_seed_tells_the_same_stories_on_every_machine() -> None:
    """A digest of known stories: whoever changes the generator changes the demo's and the load tests' data, knowingly."""
    told = json.dumps(
        [[s.code, s.reference_uid, s.records] for s in stories(7, 20, day=DAY)], ensure_ascii=False, sort_keys=True
    )
    assert hashlib.sha256(told.encode()).hexdigest()[:16] == "b1d049e3e614be02"
    assert stories(8, 20, day=DAY) != stories(7, 20, day=DAY)


def test_codes_are_the_units_and_the_days_and_do_not_repeat() -> None:
    """A second batch continues the serial numbers instead of repeating codes and step numbers."""
    both = stories(1, 30, unit="000.00.16.H22", day=DAY) + stories(2, 30, unit="000.00.16.H22", day=DAY, first=31)
    assert [story.code for story in both] == [f"000.00.16.H22-261120-{n:04}" for n in range(1, 61)]
    actions = [record["dossierActionId"] for story in both for record in story.records]
    assert len(actions) == len(set(actions))


def test_unnumbered_beginnings_occur_only_when_asked_for(many: list[Story]) -> None:
    """By default every record has its national code; asked for, first records lack it and get it later."""
    assert all(record["dossierNo"] for story in many for record in story.records)
    late = stories(3, 40, day=DAY, unnumbered=1.0)
    assert all(story.records[0]["dossierNo"] == "" and story.records[1]["dossierNo"] == story.code for story in late)


def test_the_variety_of_real_life_is_there(many: list[Story]) -> None:
    """Citizens and businesses, both date forms of dueDate, post and counter, online and not, payment, files, long notes."""
    first = [story.records[0] for story in many]
    assert {r["applicantIdType"] for r in first} == {"citizen", "business"}
    assert {bool(re.fullmatch("[0-9]{14}", r["dueDate"])) for r in first} == {True, False}
    assert {r["viaPostal"] for r in first} == {"0", "1", "2", "3"} and {r["online"] for r in first} == {"true", "false"}
    assert {r["fromViaPostal"] for r in first} == {0, 1} and {"files" in r for r in first} == {True, False}
    assert any(len(r["dossierNote"]) > 1000 for r in first) and any("delegateName" in r for r in first)
    assert len({r["serviceCode"] for r in first}) == 12 and any(r["contactName"] != r["applicantName"] for r in first)


def test_nobody_in_the_stories_can_be_written_to(many: list[Story]) -> None:
    """Every address is at example.vn."""
    mails = [r[name] for story in many for r in story.records for name in ("contactEmail", "delegateEmail") if r.get(name)]
    assert mails and all(mail.endswith("@example.vn") for mail in mails)
