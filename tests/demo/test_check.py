"""The demo's checker: a clean exchange passes, and every way in which an exchange can be false is seen."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from connectors.demo.check import check
from connectors.demo.evidence import Sent, Verdict
from connectors.demo.expected import Catalogue
from connectors.demo.told import Registry
from connectors.national_portal.simulator_state import Effect, PortalMemory
from connectors.opencps.stories import Story, stories

TABLES = Path(__file__).parents[2] / "mappings" / "tables"
NATIONAL = (
    "1.001193", "1.000894", "1.000656", "1.004873", "2.000635", "2.000815", "1.001612", "2.002493", "1.004227", "1.005129",
    "3.000181", "2.002621",
)  # fmt: skip
CATALOGUE = Catalogue.load(
    [TABLES],
    [
        {"MATTHC": code, "TENTTHC": f"Thủ tục {code}", "LINHVUCTHUCHIEN": [{"MALINHVUC": "G15-HT01", "TENLINHVUC": "Hộ tịch"}]}
        for code in NATIONAL
    ],
)
COUNTS = {"kept": 0, "retried": 3, "in_doubt": 1, "dead": 0, "superseded": 0}
STATES = {
    "receiving": "1", "new": "2", "denied": "3", "processing": "4", "procesing": "4", "waiting": "5", "paying": "6",
    "cancelled": "7", "unresolved": "8", "releasing": "9", "done": "10",
}  # fmt: skip
LAST_LINE = (
    "demo: sent={} accepted={} refused=0 kept=0 delivered={} retried=3 in_doubt=1 dead=0 superseded=0 "
    "lost=0 duplicated=0 out_of_order=0"
)


def wire(text: str) -> str:
    """A date of OpenCPS as the portal wants it, written once more and differently from the checker's way."""
    return text if len(text) == 14 else "".join((text[6:10], text[3:5], text[:2], text[11:13], text[14:16], text[17:19]))


def portal_dossier(record: dict[str, Any]) -> dict[str, Any]:
    """The DongBoHoSoMC object that an honest hub sends for a record of the generator, empty fields as the portal allows."""
    note = record["briefNote"] or record["dossierNote"]
    code = record["serviceCode"]
    national = "3.000181" if code.startswith("TS_") else code[:8]
    number, files = record["applicantIdNo"], record.get("files", [])
    return {
        "MaHoSo": record["dossierNo"],
        "MaTTHC": national,
        "TenTTHC": f"Thủ tục {national}",
        "MaLinhVuc": "G15-HT01",
        "TenLinhVuc": "Hộ tịch",
        "KenhThucHien": "2" if record["online"] == "true" else "3" if record["fromViaPostal"] else "1",
        "ChuHoSo": record["contactName"],
        "LoaiDoiTuong": "2" if record["applicantIdType"] == "business" else "1",
        "MaDoiTuong": "",
        "Fax": "",
        "Email": record["contactEmail"],
        "SoDienThoai": record["contactTelNo"],
        "TrichYeuHoSo": note if len(note) <= 1000 else note[:997] + "...",
        "NgayTiepNhan": wire(record["receiveDate"]),
        "NgayHenTra": wire(record["dueDate"]),
        "TrangThaiHoSo": STATES[record["dossierStatus"]],
        "NgayTra": wire(record.get("finishDate", "")) if record.get("finishDate") else "",
        "HinhThuc": "0" if record["viaPostal"] in ("0", "1") else "1",
        "NgayKetThucXuLy": wire(record["releaseDate"]) if record.get("releaseDate") else "",
        "DonViXuLy": record["govAgencyName"],
        "NgayNopHoSo": wire(record["submitDate"]),
        "SoGiayToChuHoSo": number,
        "DinhDanhCHS": [{"LoaiDinhDanh": "1", "SoDinhDanh": number}] if record["applicantIdType"] == "citizen" else [],
        "DSKetNoiCSDL": [],
        "TaiLieuNop": [
            {
                "TepDinhKemId": str(file["dossierFileId"]),
                "TenTepDinhKem": file["displayName"],
                "IsDeleted": "False",
                "MaThanhPhanHoSo": file["dossierPartNo"],
            }
            for file in files
            if file["dossierPartType"] == 1
        ],
        "DanhSachGiayToKetQua": [
            {
                "TenGiayTo": file["displayName"],
                "MaThanhPhanHoSo": file["dossierPartNo"],
                "GiayToId": str(file["dossierFileId"]),
                "DuongDanTepTinKetQua": "",
            }
            for file in files
            if file["dossierPartType"] == 2
        ],
    }


def portal_step(record: dict[str, Any]) -> dict[str, Any]:
    return {
        "MaHoSo": record["dossierNo"],
        "NguoiXuLy": record["lastActionUser"],
        "ChucDanh": "",
        "ThoiDiemXuLy": wire(record["lastActionDate"]),
        "NoiDungXuLy": record["lastActionNote"] or record["lastActionName"],
        "TrangThai": STATES[record["dossierStatus"]],
        "NgayKetThucTheoQuyDinh": wire(record["stepDuedate"]) if record["stepDuedate"] else "",
    }


class Portal:
    """Applies what an honest hub would send, so that a test only says what its hub did otherwise."""

    def __init__(self) -> None:
        self.seq = 0
        self.dossiers: dict[str, dict[str, Any]] = {}

    def entry(self, code: str) -> dict[str, Any]:
        return self.dossiers.setdefault(code, {"current": None, "history": [], "progress": []})

    def state(self, shown: dict[str, Any], kind: str | None = None) -> None:
        entry = self.entry(shown["MaHoSo"])
        self.seq += 1
        kind = kind or ("update" if entry["history"] else "insert")
        entry["history"].append({"seq": self.seq, "kind": kind, "object": copy.deepcopy(shown)})
        entry["current"] = copy.deepcopy(shown)

    def step(self, shown: dict[str, Any]) -> None:
        self.seq += 1
        self.entry(shown["MaHoSo"])["progress"].append({"seq": self.seq, "object": copy.deepcopy(shown)})

    def take(self, records: Iterable[dict[str, Any]]) -> None:
        for record in records:
            self.state(portal_dossier(record))
            self.step(portal_step(record))

    def as_dict(self) -> dict[str, Any]:
        return {"seq": self.seq, "dossiers": self.dossiers}


class Senders:
    """The senders' record."""

    def __init__(self) -> None:
        self.lines: list[Sent] = []

    def send(self, record: dict[str, Any] | None, uid: str = "", planted: str | None = None, *answers: tuple[int, str]) -> Sent:
        known = record or {}
        uid = uid or known.get("referenceUid", "?")
        told = list(answers) or [(202, "accepted")]
        line = Sent(len(self.lines) + 1, known.get("dossierNo"), uid, record, f"key-{len(self.lines)}", planted, told)
        self.lines.append(line)
        return line


def tell(count: int = 12, seed: int = 7) -> list[Story]:
    return stories(seed, count, day=date(2026, 11, 20))


def life(steps: int, seed: int = 7) -> Story:
    """A story with at least so many records."""
    return next(story for story in tell(60, seed) if len(story.records) >= steps)


def with_states(*statuses: str) -> Story:
    return next(
        story
        for seed in range(40)
        for story in tell(60, seed)
        if [record["dossierStatus"] for record in story.records][: len(statuses)] == list(statuses)
    )


def played(*told: Story, **counts: int) -> tuple[Senders, Portal, Callable[..., Verdict]]:
    """Everything of these stories sent, nothing at the portal yet, and the judgement of whatever it holds later."""
    senders, portal = Senders(), Portal()
    for story in told:
        for record in story.records:
            senders.send(record)

    def judge(**more: Any) -> Verdict:
        return check(senders.lines, portal.as_dict(), COUNTS | counts, CATALOGUE, **more)

    return senders, portal, judge


def honest(*told: Story, **counts: int) -> tuple[Senders, Portal, Callable[..., Verdict]]:
    """As ``played``, with a portal that holds everything as it should."""
    senders, portal, judge = played(*told, **counts)
    for story in told:
        portal.take(story.records)
    return senders, portal, judge


def falsities(verdict: Verdict) -> tuple[int, int, int]:
    return verdict.lost, verdict.duplicated, verdict.out_of_order


def test_an_honest_exchange_passes() -> None:
    """400 dossiers of every kind, long abstracts and both date formats: nothing to find, and the last line says so."""
    told = tell(400)
    _, _, judge = honest(*told)
    verdict = judge()
    records = sum(len(story.records) for story in told)
    assert verdict.findings == []
    assert verdict.holds
    assert verdict.line() == LAST_LINE.format(records, records, 2 * records)
    assert any(len(record["dossierNote"]) > 1000 for story in told for record in story.records), "no long abstract was tried"
    assert {STATES[record["dossierStatus"]] for story in told for record in story.records} == set(STATES.values())


def test_the_state_of_the_real_simulator_is_understood() -> None:
    """The simulated portal's own memory, told through JSON as its control path does, is judged like the synthetic one."""
    story = life(3)
    senders, _, _ = played(story)
    memory = PortalMemory()
    for place, record in enumerate(story.records):
        memory.commit([Effect("update" if place else "insert", story.code, portal_dossier(record))])
        memory.commit([Effect("progress", story.code, portal_step(record))])
    verdict = check(senders.lines, json.loads(json.dumps(memory.as_dict())), COUNTS, CATALOGUE)
    assert verdict.holds, verdict.findings
    memory.commit([Effect("progress", story.code, portal_step(story.records[-1]))])
    assert check(senders.lines, json.loads(json.dumps(memory.as_dict())), COUNTS, CATALOGUE).duplicated == 1


def test_a_dropped_dossier_is_lost() -> None:
    """A dossier that the portal does not know at all counts with each state and step."""
    gone, *rest = tell()
    _, portal, judge = honest(gone, *rest)
    del portal.dossiers[gone.code]
    verdict = judge()
    assert falsities(verdict) == (2 * len(gone.records), 0, 0)
    assert [gone.code in one for one in verdict.findings] == [True]


@pytest.mark.parametrize("place", [0, 1, -1])
def test_a_dropped_state_is_lost(place: int) -> None:
    """The first, a middle or the last state of a dossier missing at the portal is one lost, its step being there."""
    story = life(4)
    _, portal, judge = played(story)
    dropped = story.records[place]
    for record in story.records:
        if record is not dropped:
            portal.state(portal_dossier(record))
        portal.step(portal_step(record))
    verdict = judge()
    assert verdict.lost == 1
    assert not verdict.holds


def test_a_doubled_state_is_seen() -> None:
    """The same state applied twice in a row is one doubled."""
    story = life(3)
    _, portal, judge = played(story)
    for record in story.records:
        portal.state(portal_dossier(record))
        if record is story.records[1]:
            portal.state(portal_dossier(record))
        portal.step(portal_step(record))
    assert falsities(judge()) == (0, 1, 0)


def test_a_doubled_insert_is_seen() -> None:
    """A second insert of a dossier is a doubling even when its object is that of the next state."""
    _, portal, judge = honest(story := life(3))
    portal.dossiers[story.code]["history"][1]["kind"] = "insert"
    assert falsities(judge()) == (0, 1, 0)


def test_an_old_state_that_comes_again_is_seen() -> None:
    """A state applied again after a newer one is doubled and out of order, and what the portal holds is named as wrong."""
    story = with_states("new", "processing", "releasing")
    _, portal, judge = honest(story)
    portal.state(portal_dossier(story.records[0]))
    verdict = judge()
    assert falsities(verdict) == (0, 1, 1)
    assert f"{story.code} TrangThaiHoSo: differs (final state)" in verdict.findings


@pytest.mark.parametrize("place", [0, -2])
def test_swapped_states_are_out_of_order(place: int) -> None:
    """Two neighbouring states in the wrong order are seen, at the beginning and at the end of a life."""
    story = with_states("new", "processing", "releasing", "done")
    _, portal, judge = played(story)
    records = list(story.records)
    first = place % len(records)
    records[first], records[first + 1] = records[first + 1], records[first]
    for record in records:
        portal.state(portal_dossier(record))
    for record in story.records:
        portal.step(portal_step(record))
    verdict = judge()
    assert verdict.out_of_order >= 1
    assert (verdict.lost, verdict.duplicated) == (0, 0)


def test_two_messages_swapped_with_their_steps_are_out_of_order() -> None:
    """A whole record delivered before the one sent earlier: one state and one step stand at the wrong place."""
    story = with_states("new", "processing", "releasing", "done")
    one, two, *rest = story.records
    _, portal, judge = played(story)
    portal.take((two, one, *rest))
    assert falsities(judge()) == (0, 0, 2)


def test_what_the_portal_holds_must_be_what_it_took_last() -> None:
    """An older object held in spite of a right history is found."""
    _, portal, judge = honest(story := life(3))
    portal.dossiers[story.code]["current"] = portal_dossier(story.records[0])
    assert f"{story.code}: what the portal holds is not what it took last" in judge().findings


def test_a_step_and_the_next_state_may_not_be_swapped() -> None:
    """States and steps share one lane: a step that a later state overtook is out of order."""
    story = life(2)
    _, portal, judge = played(story)
    one, two, *rest = story.records
    portal.state(portal_dossier(one))
    portal.state(portal_dossier(two))
    portal.step(portal_step(one))
    portal.step(portal_step(two))
    portal.take(rest)
    assert falsities(judge()) == (0, 0, 1)


@pytest.mark.parametrize(
    ("statuses", "number"),
    [
        (("new", "processing", "waiting", "processing"), "5"),
        (("new", "processing", "paying", "processing"), "6"),
        (("new", "processing", "unresolved"), "8"),
    ],
)
@pytest.mark.parametrize("where", ["history", "progress"])
def test_a_waiting_state_shown_as_done_is_a_falsification(statuses: tuple[str, ...], number: str, where: str) -> None:
    """States 5, 6 and 8 sent as 9 are seen in the history and in the progress list, and named as what they are."""
    story = with_states(*statuses)
    _, portal, judge = honest(story)
    field = "TrangThaiHoSo" if where == "history" else "TrangThai"
    portal.dossiers[story.code][where][2]["object"][field] = "9"
    verdict = judge()
    assert verdict.lost == 1
    assert [one for one in verdict.findings if f"{story.code} {field}: falsified, {number} is shown as 9" in one]


def test_a_falsified_state_is_named_even_when_another_is_lost() -> None:
    """A state shown otherwise is laid beside the one sent at its place, not beside whichever is missing elsewhere."""
    story = with_states("new", "processing", "waiting", "processing", "releasing", "done")
    _, portal, judge = honest(story)
    portal.dossiers[story.code]["history"][2]["object"]["TrangThaiHoSo"] = "9"
    del portal.dossiers[story.code]["history"][4]
    verdict = judge()
    assert verdict.lost == 2
    assert verdict.findings == [
        f"{story.code} TrangThaiHoSo: falsified, 5 is shown as 9 (state of record 3)",
        f"{story.code}: state of record 5 is missing",
    ]


@pytest.mark.parametrize("field", sorted(portal_dossier(life(1).records[0])))
def test_each_field_of_a_dossier_is_compared(field: str) -> None:
    """Whatever field the portal shows otherwise than sent is named with the dossier and without the value."""
    story = next(one for one in tell(200) if one.records[-1].get("finishDate") and one.records[-1].get("files"))
    _, portal, judge = honest(story)
    for shown in (portal.dossiers[story.code]["current"], portal.dossiers[story.code]["history"][-1]["object"]):
        shown[field] = [{"SoDinhDanh": "999000111222"}] * 3 if isinstance(shown[field], list) else "Tên Khác 0999"
    verdict = judge()
    assert verdict.lost == 1
    assert [one for one in verdict.findings if one.startswith(f"{story.code} {field}")]
    assert "0999" not in repr(verdict)
    assert "999000111222" not in repr(verdict)


@pytest.mark.parametrize("field", sorted(portal_step(life(1).records[0])))
def test_each_field_of_a_step_is_compared(field: str) -> None:
    """Whatever field of a step is shown otherwise than sent is named."""
    _, portal, judge = honest(story := life(3))
    portal.dossiers[story.code]["progress"][1]["object"][field] = "Tên Khác"
    verdict = judge()
    assert verdict.lost == 1
    assert [one for one in verdict.findings if f"{story.code} {field}" in one]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("Fax", "0912345678"),
        ("DuocThanhToanTrucTuyen", "0"),
        ("TaiKhoanDuocXacThucVoiVNeID", "0"),
        ("NoiNopHoSo", "2"),
        ("HoSoCoThanhPhanSoHoa", "0"),
        ("DSKetNoiCSDL", [{"MaCSDL": "7"}]),
        ("NgayTuChoi", "20261120080000"),
        ("GhiChu", None),
    ],
)
def test_an_invented_value_is_a_finding(field: str, value: object) -> None:
    """A value for what OpenCPS does not know is a finding in whichever state it is shown, even a harmless looking "0"."""
    _, portal, judge = honest(story := life(3))
    portal.dossiers[story.code]["history"][0]["object"][field] = value
    verdict = judge()
    assert f"{story.code} {field}: invented, the source does not know it (state of record 1)" in verdict.findings


def test_an_invented_identity_of_a_business_is_a_finding() -> None:
    """The filler that stands in the field for an unknown identity number is an invention, and a tax code is no identity card,
    however many digits it has."""
    story = next(one for one in tell(60) if one.records[0]["applicantIdType"] == "business")
    records = tuple(record | {"applicantIdNo": "510012345678"} for record in story.records)
    story = Story(story.code, story.reference_uid, records)
    _, portal, judge = honest(story)
    assert judge().holds
    for one in portal.dossiers[story.code]["history"]:
        one["object"]["DinhDanhCHS"] = [{"LoaiDinhDanh": "2", "SoDinhDanh": "000000001"}]
    assert judge().lost == len(story.records)


def test_a_code_as_a_number_is_a_finding() -> None:
    """Codes are strings on the wire."""
    _, portal, judge = honest(story := life(2))
    portal.dossiers[story.code]["history"][0]["object"]["LoaiDoiTuong"] = 1
    assert f"{story.code} LoaiDoiTuong: wrong JSON type (state of record 1)" in judge().findings


def test_a_careless_cut_of_the_abstract_is_a_finding() -> None:
    """A long abstract is cut to 997 characters and three dots: shorter is loss."""
    story = next(one for one in tell(400) if len(one.records[0]["dossierNote"]) > 1000)
    _, portal, judge = honest(story)
    shown = portal.dossiers[story.code]["history"][0]["object"]
    shown["TrichYeuHoSo"] = shown["TrichYeuHoSo"][:500] + "..."
    assert f"{story.code} TrichYeuHoSo: differs (state of record 1)" in judge().findings


def test_a_missing_step_is_lost() -> None:
    """A step that the portal does not show is one lost."""
    _, portal, judge = honest(story := life(4))
    del portal.dossiers[story.code]["progress"][1]
    assert falsities(judge()) == (1, 0, 0)


def test_a_doubled_step_is_seen_unless_it_was_in_doubt() -> None:
    """A step shown twice is doubled; as many as were announced in doubt are excused, no more than the hub had in doubt."""
    one, two = tell(2)
    _, portal, judge = played(one, two)
    for story in (one, two):
        for place, record in enumerate(story.records):
            portal.state(portal_dossier(record))
            portal.step(portal_step(record))
            if not place:
                portal.step(portal_step(record))
    assert falsities(judge()) == (0, 2, 0)
    assert falsities(judge(doubtful_progress=1)) == (0, 1, 0)
    excused = judge(doubtful_progress=2)
    assert falsities(excused) == (0, 0, 0)
    assert excused.findings == ["2 steps are excused as in doubt, the hub had 1 in doubt"]


def test_swapped_steps_are_out_of_order() -> None:
    """Two steps of a dossier in the wrong order are seen."""
    _, portal, judge = honest(story := life(3))
    steps = portal.dossiers[story.code]["progress"]
    steps[0]["object"], steps[1]["object"] = steps[1]["object"], steps[0]["object"]
    assert judge().out_of_order >= 1


def test_a_step_before_the_first_insert_is_out_of_order() -> None:
    """No step may be at the portal before its dossier."""
    story = life(2)
    _, portal, judge = played(story)
    first, *rest = story.records
    portal.step(portal_step(first))
    portal.state(portal_dossier(first))
    portal.take(rest)
    assert falsities(judge()) == (0, 0, 1)


def test_a_dossier_that_nobody_sent_is_a_finding() -> None:
    """What the portal holds beyond what was acknowledged, is found; what it knew by itself is its own affair."""
    sent, strange, own = tell(3)
    _, portal, judge = honest(sent)
    portal.take(strange.records)
    portal.state(portal_dossier(own.records[0]), "planted")
    assert judge().findings == [f"{strange.code}: at the portal, but no acknowledged record has this code"]


def test_a_retry_without_an_answer_is_one_record() -> None:
    """A record whose first try got no answer and whose second was told to be a duplicate is accepted once."""
    senders, _, judge = honest(life(2))
    senders.lines[0].answers = [(0, "no_answer"), (503, "unavailable"), (202, "duplicate")]
    verdict = judge()
    assert verdict.holds, verdict.findings
    assert verdict.accepted == verdict.sent


def test_an_unacknowledged_record_is_no_loss_but_a_finding() -> None:
    """Without a receipt nothing was promised; that the sender never got an answer is told."""
    senders, portal, judge = played(story := life(2))
    portal.take(story.records[:-1])
    senders.lines[-1].answers = [(503, "unavailable")]
    verdict = judge(choices={})
    assert verdict.lost == 0
    assert verdict.findings[0] == f"{story.code} (record {len(story.records)}): never had a final answer"


def test_planted_duplicates_are_answered_and_change_nothing() -> None:
    """A repeat answered by the first receipt is accepted and shown once; one that was taken as new is found."""
    senders, portal, judge = honest(story := life(3))
    repeat = senders.send(story.records[-1], "", "duplicate", (202, "duplicate"))
    assert judge().holds
    repeat.answers = [(202, "accepted")]
    assert "not answered by the first receipt" in judge().findings[0]
    repeat.answers = [(202, "duplicate")]
    portal.state(portal_dossier(story.records[-1]))
    assert falsities(judge()) == (0, 1, 0)


def test_planted_wrong_ones_are_refused_and_never_shown() -> None:
    """Each wrong one is refused; one let in, or a right one refused, is found."""
    story, other = tell(2)
    senders, portal, judge = honest(story)
    senders.send(None, "not-json", "wrong", (400, "not_json"))
    bad = senders.send(other.records[0] | {"receiveDate": "31/02/2026 08:00:00"}, "", "wrong", (422, "schema_invalid"))
    verdict = judge()
    assert verdict.holds, verdict.findings
    assert verdict.refused == 2
    bad.answers = [(202, "accepted")]
    portal.state(portal_dossier(other.records[0]))
    assert len(judge().findings) == 3
    bad.answers = [(422, "schema_invalid")]
    del portal.dossiers[other.code]
    senders.lines[0].answers = [(422, "schema_invalid")]
    assert any("refused, though nothing was wrong with it" in one for one in judge().findings)


def with_unknown_code() -> tuple[Senders, Portal, Story, Catalogue]:
    story = with_states("new", "processing", "unresolved")
    records = [dict(record) for record in story.records]
    records[1]["dossierStatus"] = "pausing"
    mended = Catalogue(CATALOGUE.services, {**CATALOGUE.states, ("pausing", ""): "8"}, CATALOGUE.procedures)
    senders, portal = Senders(), Portal()
    senders.send(records[0])
    senders.send(records[1], "", "unknown_code", (202, "kept"))
    senders.send(records[2], "", None, (202, "kept"))
    for record, status in zip(records, ("new", "unresolved", "unresolved"), strict=True):
        honest_record = record | {"dossierStatus": status}
        portal.take([honest_record])
    return senders, portal, Story(story.code, story.reference_uid, tuple(records)), mended


def test_an_unknown_code_is_kept_and_arrives_once_mended() -> None:
    """The kept record and the one behind it are at the portal in order once the row is there, and the hub's count agrees."""
    senders, portal, story, mended = with_unknown_code()
    verdict = check(senders.lines, portal.as_dict(), COUNTS | {"kept": 2}, mended)
    assert verdict.holds, verdict.findings
    assert (verdict.accepted, verdict.kept) == (1, 2)
    short = check(senders.lines, portal.as_dict(), COUNTS | {"kept": 1}, mended)
    assert short.findings == ["the hub counts kept=1, what was planted makes it 2"]
    unmended = check(senders.lines, portal.as_dict(), COUNTS | {"kept": 2}, CATALOGUE)
    assert f"{story.code} (record 2): kept, but dossierStatus has no agreed meaning" in unmended.findings


def test_a_kept_record_counts_once_where_the_sender_saw_its_second_receipt_only() -> None:
    """The hub was killed before its first answer was out: only its own count tells that the record behind was kept too."""
    senders, portal, _, mended = with_unknown_code()
    senders.lines[2].answers = [(0, ""), (202, "duplicate")]
    for kept, accepted in ((2, 1), (1, 2)):
        verdict = check(senders.lines, portal.as_dict(), COUNTS | {"kept": kept}, mended)
        assert verdict.holds, verdict.findings
        assert (verdict.sent, verdict.accepted, verdict.kept) == (3, accepted, kept)
    senders.lines[2].answers = [(202, "accepted"), (202, "duplicate")]
    assert check(senders.lines, portal.as_dict(), COUNTS | {"kept": 2}, mended).findings != []


def test_an_unknown_code_that_was_taken_is_found() -> None:
    """Accepting a record with a code that has no row means that somebody guessed; keeping a known one is found too."""
    senders, portal, _, mended = with_unknown_code()
    senders.lines[1].answers = [(202, "accepted")]
    verdict = check(senders.lines, portal.as_dict(), COUNTS | {"kept": 2}, mended)
    assert any("planted unknown_code, but accepted" in one for one in verdict.findings)
    senders.lines[1].answers, senders.lines[0].answers = [(202, "kept")], [(202, "kept")]
    verdict = check(senders.lines, portal.as_dict(), COUNTS | {"kept": 3}, mended)
    assert any("(record 1): kept, though nothing is wrong with it" in one for one in verdict.findings)


def test_a_state_refused_by_the_portal_may_be_replaced_by_its_correction() -> None:
    """A refused state may be missing when a later one healed it and the hub counted it; its step must come."""
    story = life(3)
    senders, portal, judge = played(story, dead=1, superseded=1)
    senders.lines[0].planted = "refused_by_portal"
    corrected = story.records[1]
    portal.state(portal_dossier(corrected))
    portal.step(portal_step(story.records[0]))
    portal.step(portal_step(corrected))
    portal.take(story.records[2:])
    verdict = judge()
    assert verdict.holds, verdict.findings
    uncounted = check(senders.lines, portal.as_dict(), COUNTS, CATALOGUE)
    assert [one.split(",")[0] for one in uncounted.findings] == ["the hub counts dead=0", "the hub counts superseded=0"]
    del portal.dossiers[story.code]["progress"][0]
    assert judge().lost == 1


def test_a_correction_with_the_same_action_is_one_step() -> None:
    """A corrected resend tells the same action again: one step at the portal, by either record's words."""
    story = life(2)
    first, *rest = story.records
    senders, portal = Senders(), Portal()
    senders.send(first | {"govAgencyName": "Sở Sai"}, "", "refused_by_portal")
    senders.send(first)
    for record in rest:
        senders.send(record)
    portal.take(story.records)
    counts = COUNTS | {"dead": 1, "superseded": 1}
    assert check(senders.lines, portal.as_dict(), counts, CATALOGUE).holds
    senders.lines[1].record = first | {"lastActionNote": "Lời khác"}
    assert check(senders.lines, portal.as_dict(), counts, CATALOGUE).holds, "the first record's words"
    senders.lines[0].record, senders.lines[1].record = first | {"lastActionNote": "Lời khác"}, first
    assert check(senders.lines, portal.as_dict(), counts, CATALOGUE).holds, "the second record's words, and an equal state"
    portal.step(portal_step(first))
    assert check(senders.lines, portal.as_dict(), counts, CATALOGUE).duplicated == 1


def test_a_refused_state_that_nothing_healed_is_found() -> None:
    """A dossier may not end with a state that the portal refused."""
    story = life(2)
    senders, portal, judge = played(story, dead=1)
    senders.lines[-1].planted = "refused_by_portal"
    portal.take(story.records[:-1])
    portal.step(portal_step(story.records[-1]))
    assert any("never healed by a later record" in one for one in judge().findings)


def test_a_dossier_known_at_the_portal_is_left_alone_or_taken_over_wholly() -> None:
    """Held: the portal's own object unchanged, and a dead letter counted. Adopted: the last state and every step are there."""
    story = life(3)
    own = portal_dossier(story.records[0]) | {"ChuHoSo": "Người Khác"}

    def known(dead: int = 1) -> tuple[Portal, Callable[[], Verdict]]:
        senders, portal, judge = played(story, dead=dead)
        for line in senders.lines:
            line.planted = "known_at_portal"
        portal.state(own, "planted")
        return portal, judge

    _, held = known()
    assert held().holds, held().findings
    _, uncounted = known(dead=0)
    assert uncounted().findings == ["the hub counts dead=0, what was planted makes it at least 1"]

    portal, adopted = known()
    portal.take(story.records)
    assert adopted().holds, adopted().findings
    del portal.dossiers[story.code]["progress"][-1]
    assert adopted().lost == 1

    portal, half = known()
    portal.take(story.records[:1])
    assert half().lost == 1 + len(story.records) - 1  # the last state, and the steps of all but the first record
    portal, doubled = known()
    portal.take(story.records)
    portal.dossiers[story.code]["history"][1]["kind"] = "insert"
    assert doubled().duplicated == 1
    portal, changed = known()
    portal.dossiers[story.code]["current"] = own | {"GhiChu": "x"}
    assert changed().findings == [f"{story.code}: the portal's own object was changed"]


def test_a_late_record_is_superseded_at_the_door() -> None:
    """An older record sent after a newer one may be superseded, counted; a newer one may not."""
    story = life(2)
    first, second, *rest = story.records
    senders, portal = Senders(), Portal()
    for record in (second, *rest):
        senders.send(record)
    portal.take((second, *rest))
    late = senders.send(first, "", None, (202, "superseded"))
    assert check(senders.lines, portal.as_dict(), COUNTS | {"superseded": 1}, CATALOGUE).holds
    late.record = first | {"modifiedDate": "31/12/2030 08:00:00"}
    verdict = check(senders.lines, portal.as_dict(), COUNTS | {"superseded": 1}, CATALOGUE)
    assert any("superseded at the door, though no newer one came before it" in one for one in verdict.findings)


def test_a_record_without_national_code_need_not_reach_the_portal() -> None:
    """The portal cannot take a dossier without its code: only what follows must be there, in order."""
    story = next(one for one in stories(3, 40, day=date(2026, 11, 20), unnumbered=1.0) if len(one.records) > 2)
    _, portal, judge = played(story)
    portal.take(story.records[1:])
    assert judge().holds, judge().findings
    del portal.dossiers[story.code]["progress"][0]
    assert judge().lost == 1


def test_superseded_states_beyond_the_plan_are_found() -> None:
    """A hub that replaces states nobody planned to be replaced says so in its own count."""
    _, _, judge = honest(life(2), superseded=4)
    assert judge().findings == ["the hub counts superseded=4, what was planted makes it 0"]


def test_a_choice_changes_what_is_expected_and_an_unknown_one_is_refused() -> None:
    """Where the contract leaves room the caller may name the source; a field without room cannot be chosen."""
    story = next(one for one in tell(200) if one.records[0]["contactName"] != one.records[0]["applicantName"])
    _, portal, judge = honest(story)
    verdict = judge(choices={"ChuHoSo": ("applicantName",)})
    assert verdict.lost == len(story.records)
    for one in portal.dossiers[story.code]["history"]:
        one["object"]["ChuHoSo"] = story.records[0]["applicantName"]
    portal.dossiers[story.code]["current"]["ChuHoSo"] = story.records[0]["applicantName"]
    assert judge(choices={"ChuHoSo": ("applicantName",)}).holds
    with pytest.raises(ValueError, match="TrangThaiHoSo"):
        judge(choices={"TrangThaiHoSo": ("dossierStatusText",)})


def test_a_chosen_date_of_refusal_belongs_to_refused_dossiers_only() -> None:
    """Whoever takes the last action's date for the date of refusal may do so in state 3 and nowhere else."""
    story = with_states("receiving", "denied")
    _, portal, judge = honest(story)
    history = portal.dossiers[story.code]["history"]
    for held in (history[-1]["object"], portal.dossiers[story.code]["current"]):
        held["NgayTuChoi"] = wire(story.records[-1]["lastActionDate"])
    assert judge(choices={"NgayTuChoi": ("lastActionDate",)}).holds
    history[0]["object"]["NgayTuChoi"] = wire(story.records[0]["lastActionDate"])
    assert judge(choices={"NgayTuChoi": ("lastActionDate",)}).lost == 1


def envelopes(story: Story) -> tuple[Senders, Portal]:
    """Every record told as two envelopes, and a portal that shows all that envelopes tell."""
    senders, portal = Senders(), Portal()
    for record in story.records:
        for part in ("state", "step"):
            senders.send(record, "", None, (200, "accepted")).part = part
        shown = portal_dossier(record) | {"NgayKetThucXuLy": "", "ChuHoSo": record["applicantName"]}
        for paper in shown["TaiLieuNop"]:
            paper["IsDeleted"] = ""
        portal.state(shown)
        portal.step(portal_step(record))
    return senders, portal


def judged(senders: Senders, portal: Portal, **more: Any) -> Verdict:
    return check(senders.lines, portal.as_dict(), COUNTS, CATALOGUE, choices={"ChuHoSo": ("applicantName",)}, **more)


@pytest.fixture
def by_soap() -> tuple[Story, Senders, Portal]:
    """A life that ends with papers and a result, told by envelopes."""
    story = next(one for one in tell(200) if one.records[-1].get("releaseDate") and one.records[-1].get("files"))
    return story, *envelopes(story)


def test_an_envelope_is_one_record_and_one_expectation(by_soap: tuple[Story, Senders, Portal]) -> None:
    """States and steps told apart count apart; what an envelope cannot tell, the portal must not show."""
    story, senders, portal = by_soap
    verdict = judged(senders, portal)
    assert verdict.holds, verdict.findings
    assert verdict.sent == verdict.accepted == verdict.delivered == 2 * len(story.records)
    last = portal.dossiers[story.code]["history"][-1]["object"]
    last["NgayKetThucXuLy"] = wire(story.records[-1]["releaseDate"])
    last["TaiLieuNop"][0]["IsDeleted"] = "False"
    assert {one.split(": ")[0].split()[-1] for one in judged(senders, portal).findings if "invented" in one} == {
        "NgayKetThucXuLy", "TaiLieuNop[0].IsDeleted"
    }  # fmt: skip


def test_a_lost_swapped_or_doubled_envelope_is_seen(by_soap: tuple[Story, Senders, Portal]) -> None:
    """One step missing is one lost; a step before its state, which was sent earlier, is out of order; each repeat is seen."""
    story, senders, portal = by_soap
    entry = portal.dossiers[story.code]
    gone = entry["progress"].pop()
    assert falsities(judged(senders, portal)) == (1, 0, 0)
    entry["progress"].append(gone)
    entry["progress"][1]["seq"], entry["history"][1]["seq"] = entry["history"][1]["seq"], entry["progress"][1]["seq"]
    assert falsities(judged(senders, portal)) == (0, 0, 1)
    entry["progress"][1]["seq"], entry["history"][1]["seq"] = entry["history"][1]["seq"], entry["progress"][1]["seq"]
    portal.step(gone["object"])
    assert falsities(judged(senders, portal)) == (0, 1, 0)


def test_a_repeat_is_one_of_the_same_part(by_soap: tuple[Story, Senders, Portal]) -> None:
    """The repeat of a step is no repeat of the state of the same record."""
    story, senders, portal = by_soap
    del senders.lines[1::2]  # no step was told
    portal.dossiers[story.code]["progress"].clear()
    again = senders.send(story.records[0], "", "duplicate", (200, "duplicate"))
    again.n, again.part = 1000, "state"
    assert judged(senders, portal).holds
    again.part = "step"
    assert "planted duplicate of no earlier record" in judged(senders, portal).findings[0]


def test_a_fault_of_the_sender_refuses_for_good() -> None:
    """SOAP 1.1 tells it with status 500; a receiver's fault with the same status is no answer to rely on."""
    senders, _, judge = honest(life(2))
    wrong = senders.send(None, "broken", "wrong", (500, "Client"))
    assert judge().holds and judge().refused == 1
    wrong.answers = [(500, "Server")]
    assert "never had a final answer" in judge().findings[0]


def test_a_mark_stands_exactly_where_the_registry_holds_the_applicant() -> None:
    """Missing at a citizen whom it holds it is lost; at a stranger, at one of another name or birth, and at a business it is
    invented."""
    citizen = next(one for one in tell(60) if one.records[0]["applicantIdType"] == "citizen" and len(one.records) > 1)
    business = next(one for one in tell(60) if one.records[0]["applicantIdType"] == "business")
    for story, changes, holds in (
        (citizen, {}, True),
        (citizen, {"name": "Người Khác"}, False),
        (citizen, {"number": "002099000000"}, False),
        (citizen, {"birth": "2001-01-31"}, False),
        (business, {}, False),
    ):
        first = story.records[0]
        year = f"19{first['applicantIdNo'][4:6]}"
        person = {"number": first["applicantIdNo"], "name": first["applicantName"].upper(), "birth": f"{year}-01-31"} | changes
        registry = Registry.of("7", [person])
        _, portal, judge = honest(story)
        unmarked = judge(registry=registry)
        for one in portal.dossiers[story.code]["history"]:
            one["object"]["DSKetNoiCSDL"] = [{"MaCSDL": "7"}]
        portal.dossiers[story.code]["current"]["DSKetNoiCSDL"] = [{"MaCSDL": "7"}]
        marked = judge(registry=registry)
        assert (marked.holds, unmarked.holds) == (holds, not holds), (changes, marked.findings)
        wrong, how = (unmarked, "missing") if holds else (marked, "invented")
        assert wrong.lost == len(story.records) and f"{story.code} DSKetNoiCSDL: {how}" in wrong.findings[0]
        assert not judge(registry=Registry.of("8", [person])).holds, "another code"


def test_broken_evidence_is_refused() -> None:
    """A missing count, an unknown planted kind or two records with one number is no evidence at all."""
    senders, portal, judge = honest(life(2))
    with pytest.raises(ValueError, match="dead"):
        check(senders.lines, portal.as_dict(), {"kept": 0, "retried": 0, "in_doubt": 0, "superseded": 0}, CATALOGUE)
    senders.lines[0].planted = "something"
    with pytest.raises(ValueError, match="something"):
        judge()
    senders.lines[0].planted, senders.lines[0].n = None, senders.lines[1].n
    with pytest.raises(ValueError, match="share their n"):
        judge()


def test_the_newest_version_of_a_table_counts(tmp_path: Path) -> None:
    """A unit's own newer table is read instead of the shipped one; a state that has no national number is refused."""
    own = tmp_path / "opencps-states"
    own.mkdir()
    rows = 'rows:\n  - [pausing, "", {}]\n'
    (own / "1.10.0.yaml").write_text(rows.replace("{}", "stopped"), "utf-8")
    assert Catalogue.load([tmp_path, TABLES], []).states == {("pausing", ""): "8"}
    shipped = tmp_path / "shipped" / "opencps-states"
    shipped.mkdir(parents=True)
    (shipped / "1.10.0.yaml").write_text(rows.replace("{}", "withdrawn"), "utf-8")
    assert Catalogue.load([tmp_path, shipped.parent, TABLES], []).states == {("pausing", ""): "8"}, "the first folder wins"
    (own / "1.10.0.yaml").write_text(rows.replace("{}", "paused"), "utf-8")
    with pytest.raises(ValueError, match="paused"):
        Catalogue.load([tmp_path, TABLES], [])
