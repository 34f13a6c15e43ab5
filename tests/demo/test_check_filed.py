"""The checker of dossiers that citizens file at the portal, on their way down and back up; and of enterprises confirmed."""

from __future__ import annotations

import base64
import copy
import hashlib
from collections.abc import Callable
from typing import Any

import pytest

from connectors.demo.as_sent import expected_packet
from connectors.demo.check import check
from connectors.demo.check_filed import filed
from connectors.demo.evidence import Found, Verdict
from connectors.demo.expected import DEFAULT_CHOICES
from connectors.demo.told import Registry
from connectors.opencps.stories import Story
from demo.test_check import CATALOGUE, COUNTS, Portal, honest, life, portal_dossier, portal_step, tell

Evidence = dict[str, Any]
STORY, OTHER = [one for one in tell(60) if one.records[0]["applicantIdType"] == "citizen" and len(one.records) > 3][:2]
PAPER = "Tờ khai đã ký".encode()


def body(story: Story) -> Evidence:
    return {
        "MaHoSo": story.code,
        "MaTTHC": "1.001193",
        "TenTTHC": "Thủ tục đăng ký khai sinh",
        "LoaiDoiTuong": "1",
        "ChuHoSo": story.records[0]["applicantName"],
        "SoGiayToChuHoSo": story.records[0]["applicantIdNo"],
        "SoDienThoai": "0912345678",
        "Email": "",
        "TrichYeuHoSo": "Đăng ký khai sinh",
        "NgayNopHoSo": "20261120073000",
        "HinhThuc": "1",
        "DuocThanhToanTrucTuyen": "1",
        "TaiLieuNop": [
            {"TenTepDinhKem": "to-khai.pdf", "MaThanhPhanHoSo": "TP1", "Base64": base64.b64encode(PAPER).decode()},
            {"TenTepDinhKem": "anh.jpg", "DuongDanTaiTepTin": "https://portal.invalid/anh.jpg"},
        ],
    }


def filing(story: Story) -> Evidence:
    """What an honest hub gives the local system."""
    return {
        "code": story.code,
        "procedure_code": "1.001193",
        "procedure_name": "Thủ tục đăng ký khai sinh",
        "state": "new",
        "filed_at": "2026-11-20T07:30:00+07:00",
        "filed_at_portal": True,
        "owner_kind": "citizen",
        "owner_name": story.records[0]["applicantName"],
        "owner_number": story.records[0]["applicantIdNo"],
        "phone": "0912345678",
        "abstract": "Đăng ký khai sinh",
        "result_delivery": "by_post",
        "online_payment": "paid_at_national_portal",
        "documents": [
            {"name": "to-khai.pdf", "component_code": "TP1", "url": "http://127.0.0.1:1/files/x?signed"},
            {"name": "anh.jpg", "url": "http://127.0.0.1:1/files/y?signed"},
        ],
    }


def exchanged() -> Evidence:
    """Two dossiers filed, one of them posted twice; the local system reports all of their states, the portal shows them."""
    posts = [{"code": one.code, "body": body(one), "answers": [[200, "success"]]} for one in (STORY, OTHER)]
    portal = Portal()
    portal.state({"MaHoSo": STORY.code, "TrangThaiHoSo": "1"}, "planted")  # the portal has it from the citizen
    for story in (STORY, OTHER):
        for place, record in enumerate(story.records):
            portal.state(portal_dossier(record), "update" if place or story is STORY else "insert")
            portal.step(portal_step(record))
    return {
        "filed": [*posts, copy.deepcopy(posts[0])],
        "reported": [{"code": one.code, "record": record} for one in (STORY, OTHER) for record in one.records],
        "local": {
            "filings": {
                one.code: {"code": one.code, "receiptNumber": f"LS-{one.code}", "filing": filing(one), "states": ["new"]}
                for one in (STORY, OTHER)
            }
        },
        "portal": portal.as_dict(),
        "fetched": [{"code": STORY.code, "sha256": hashlib.sha256(PAPER).hexdigest(), "size": len(PAPER), "status": 200}],
    }


def judged(evidence: Evidence, **more: Any) -> Found:
    return filed(
        evidence["filed"], evidence["reported"], evidence["local"], evidence["portal"], CATALOGUE, DEFAULT_CHOICES, **more
    )


def test_an_honest_exchange_passes() -> None:
    """Known at the portal before, or not; posted once or twice; each state and step up, each filing down."""
    found = judged(exchanged())
    assert (found.findings, found.falsities) == ([], (0, 0, 0))
    assert found.delivered == 2 + 2 * (len(STORY.records) + len(OTHER.records))


def local(change: Callable[[Evidence], Any]) -> Callable[[Evidence], Any]:
    return lambda evidence: change(evidence["local"]["filings"][STORY.code])


def held(field: str, value: Any) -> Callable[[Evidence], Any]:
    return local(lambda entry: entry["filing"].update({field: value}))


def shown(change: Callable[[Evidence], Any]) -> Callable[[Evidence], Any]:
    return lambda evidence: change(evidence["portal"]["dossiers"][OTHER.code])


def swapped(entry: Evidence) -> None:
    one, two = entry["history"][1], entry["history"][2]
    one["object"], two["object"] = two["object"], one["object"]


def unanswered(evidence: Evidence) -> None:
    evidence["filed"][1]["answers"] = [[0, "no_answer"], [503, "unavailable"]]
    for place in ("local", "portal"):
        evidence[place]["filings" if place == "local" else "dossiers"].pop(OTHER.code)
    evidence["reported"] = [one for one in evidence["reported"] if one["code"] != OTHER.code]


MISTAKES: dict[str, tuple[Callable[[Evidence], Any], tuple[int, int, int], str]] = {
    "a filing is lost": (
        lambda evidence: evidence["local"]["filings"].pop(STORY.code), (1, 0, 0), "not at the local system at all"
    ),
    "a filing never taken": (unanswered, (0, 0, 0), "the hub never said that it has it"),
    "the second post refused": (
        lambda evidence: evidence["filed"][2].update(answers=[[422, "error"]]), (0, 0, 0), "never said that it has it"
    ),
    "an error with status 200": (
        lambda evidence: evidence["filed"][2].update(answers=[[200, "error"]]), (0, 0, 0), "never said that it has it"
    ),
    "filed twice": (local(lambda entry: entry["states"].append("new")), (0, 1, 0), "a state is there twice"),
    "a report came down again": (local(lambda entry: entry["states"].append("processing")), (0, 0, 0), "that nobody sent"),
    "another owner": (held("owner_name", "Người Khác"), (1, 0, 0), "owner_name: differs"),
    "a telephone gone": (held("phone", ""), (1, 0, 0), "phone: missing"),
    "an address invented": (held("email", "x@example.vn"), (1, 0, 0), "email: invented"),
    "not filed at the portal": (held("filed_at_portal", False), (1, 0, 0), "filed_at_portal: differs"),
    "a truth as a text": (held("filed_at_portal", "true"), (1, 0, 0), "filed_at_portal: wrong JSON type"),
    "the second generation's kinds": (held("owner_kind", "enterprise"), (1, 0, 0), "owner_kind: differs"),
    "filed in another zone": (held("filed_at", "2026-11-20T07:30:00Z"), (1, 0, 0), "filed_at: differs"),
    "paid otherwise": (held("online_payment", "none"), (1, 0, 0), "online_payment: differs"),
    "a paper less": (local(lambda entry: entry["filing"]["documents"].pop()), (1, 0, 0), "documents: 2 entries expected"),
    "a paper without its file": (
        local(lambda entry: entry["filing"]["documents"][0].pop("url")), (1, 0, 0), "documents[0].url: missing"
    ),
    "a state not shown": (shown(lambda entry: entry["history"].pop(1)), (1, 0, 0), "state of record"),
    "a step not shown": (shown(lambda entry: entry["progress"].pop(1)), (1, 0, 0), "step of record"),
    "a step shown twice": (
        shown(lambda entry: entry["progress"].append(entry["progress"][-1])), (0, 1, 0), "a step is there twice"
    ),
    "a value altered": (
        shown(lambda entry: entry["history"][1]["object"].update(ChuHoSo="Người Khác")), (1, 0, 0), "ChuHoSo: differs"
    ),
    "a value invented": (
        shown(lambda entry: entry["history"][1]["object"].update(Fax="0")), (1, 0, 0), "Fax: invented"
    ),
    "inserted though the portal has it": (
        lambda evidence: evidence["portal"]["dossiers"][STORY.code]["history"][1].update(kind="insert"), (0, 1, 0), "twice"
    ),
    "shown before anybody reported": (
        lambda evidence: evidence.update(reported=[one for one in evidence["reported"] if one["code"] == STORY.code]),
        (0, 0, 0), "no acknowledged record has this code",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", MISTAKES)
def test_every_mistake_is_found(what: str) -> None:
    mistake, falsities, word = MISTAKES[what]
    evidence = exchanged()
    mistake(evidence)
    found = judged(evidence)
    assert found.falsities == falsities, found.findings
    assert any(word in one for one in found.findings), found.findings
    assert STORY.records[0]["applicantName"] not in repr(found) and "Người Khác" not in repr(found)


def test_swapped_states_are_out_of_order() -> None:
    evidence = exchanged()
    swapped(evidence["portal"]["dossiers"][OTHER.code])
    assert judged(evidence).out_of_order >= 1


def test_papers_are_the_ones_that_were_filed() -> None:
    """Those in base64, when they were fetched: each once, whole, and no other."""
    evidence = exchanged()
    evidence["filed"] = evidence["filed"][:1]
    evidence["reported"] = [one for one in evidence["reported"] if one["code"] == STORY.code]
    good = evidence["fetched"]
    assert judged(evidence, fetched=good).findings == []
    assert judged(evidence, fetched=[]).lost == 1
    assert judged(evidence, fetched=[good[0] | {"sha256": "0" * 64}]).falsities == (1, 0, 0)
    assert judged(evidence, fetched=[*good, *good]).duplicated == 1


def test_a_step_in_doubt_is_excused_once() -> None:
    evidence = exchanged()
    steps = evidence["portal"]["dossiers"][OTHER.code]["progress"]
    steps.append(steps[-1])
    assert judged(evidence, doubtful_progress=1).findings == []


def test_broken_evidence_is_refused() -> None:
    evidence = exchanged()
    evidence["reported"][0]["code"] = "000.00.10.H22-261122-0000"
    with pytest.raises(ValueError, match="nobody filed"):
        judged(evidence)
    evidence = exchanged()
    evidence["filed"][0]["code"] = "000.00.10.H22-261122-0000"
    with pytest.raises(ValueError, match="another code"):
        judged(evidence)


def test_the_main_checker_leaves_them_alone_and_takes_the_counts_over() -> None:
    """A filed dossier is nobody's at the portal for the main checker, unless told; what is found here spoils its last line."""
    story = life(3)
    senders, portal, _ = honest(story)
    other = next(one for one in (STORY, OTHER) if one.code != story.code)
    portal.take(other.records)
    assert check(senders.lines, portal.as_dict(), COUNTS, CATALOGUE).findings
    verdict = check(senders.lines, portal.as_dict(), COUNTS, CATALOGUE, elsewhere={other.code})
    assert verdict.holds
    before = verdict.delivered
    verdict.include(Found(delivered=5))
    assert verdict.holds and verdict.delivered == before + 5
    for wrong in (Found(lost=1), Found(duplicated=1), Found(out_of_order=1), Found(findings=["x"])):
        spoiled = Verdict()
        spoiled.include(wrong)
        assert not spoiled.holds


BUSINESS = next(one for one in tell(60) if one.records[0]["applicantIdType"] == "business" and len(one.records) > 1)


@pytest.mark.parametrize(
    ("change", "holds"),
    [({}, True), ({"name": "CÔNG TY KHÁC"}, False), ({"code": "0100000010"}, False), ({"code": "5100000000-001"}, False)],
)
def test_an_enterprise_is_marked_exactly_where_the_register_confirms_it(change: dict[str, str], holds: bool) -> None:
    """By tax code and name, in capitals or not; with the register's own code, never that of the registry of people."""
    record = BUSINESS.records[0]
    known = {"code": record["applicantIdNo"], "name": f"  {record['applicantName'].upper()} "} | change
    person = {"number": record["applicantIdNo"], "name": record["applicantName"], "birth": "1990-01-01"}
    registry = Registry.of("7", [person], business_code="8", enterprises=[known])
    _, portal, judge = honest(BUSINESS)
    unmarked = judge(registry=registry)
    for code in ("8", "7"):
        for one in (*portal.dossiers[BUSINESS.code]["history"], {"object": portal.dossiers[BUSINESS.code]["current"]}):
            one["object"]["DSKetNoiCSDL"] = [{"MaCSDL": code}]
        marked = judge(registry=registry)
        assert marked.holds is (holds and code == "8"), marked.findings
    assert unmarked.holds is not holds
    packet = {"MaTTHC": "2.000815", "LoaiDoiTuong": "2", "SoGiayToChuHoSo": record["applicantIdNo"], "DSKetNoiCSDL": []}
    packet |= {"ChuHoSo": record["applicantName"]}
    assert ("DSKetNoiCSDL" in expected_packet(packet, "state", CATALOGUE, registry)) is holds
