"""Who may come in at the door, what it takes and what it refuses, and what it answers to what came before."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from seams import http_door
from seams.processes import Launcher, until

from connectors.national_portal.door_sessions import MOST_OF_ONE, DoorSessions
from hub.connector import Caller
from portal_door.parts import ADAPTER, SECOND_MADONVI, World, dossier, only, step, taken, world
from portal_door.unit_client import Answer, UnitClient, as_json
from portal_door.unit_life import kind_of

pytestmark = pytest.mark.xdist_group("portal_door")


@pytest.fixture(scope="module")
def hub(launcher: Launcher, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(launcher, tmp_path_factory.mktemp("calls"), wait=10) as made:
        yield made


@pytest.fixture
def unit(hub: World) -> UnitClient:
    return hub.unit()


def code(number: int) -> str:
    return f"000.00.10.H22-260916-{number:04}"


def is_refused(answer: Answer, error_code: int = -3) -> bool:
    return answer.status == 200 and answer.error_code == error_code and answer.message != "" and answer.result == []


# Accounts


def test_an_account_has_the_key_of_its_sender(hub: World, unit: UnitClient) -> None:
    """Its own key, under its own username, and no other way round."""
    assert unit.sign_in().ok
    for username, password in (
        ("don-vi-thu", hub.keys["dat-dai"]),
        ("don-vi-hai", hub.keys["mot-cua"]),
        ("mot-cua", hub.keys["mot-cua"]),
        ("don-vi-thu", "hub_" + "x" * 43),
        ("don-vi-thu", ""),
        ("", ""),
    ):
        answer = UnitClient(hub.door()).sign_in(username, password)
        assert (answer.status, answer.error_code, answer.session) == (200, -1, "") and answer.message, username


def test_an_account_speaks_for_its_own_agencies(hub: World, unit: UnitClient) -> None:
    unit.sign_in()
    asked = unit.envelope("LayDanhMucCoQuan")
    assert unit.post(unit.door.share_path, as_json(asked)).ok
    foreign = unit.post(unit.door.share_path, as_json({**asked, "madonvi": SECOND_MADONVI}))
    assert is_refused(foreign) and kind_of(foreign) == "other"
    insert = {**unit.envelope("DongBoHoSoMC", {"isUpdating": "False", "data": [dossier(code(1))]}), "madonvi": SECOND_MADONVI}
    assert is_refused(unit.post(unit.door.integration_path, as_json(insert)))
    assert hub.portal.held(code(1)) == []


def test_a_revoked_key_ends_its_sessions(hub: World) -> None:
    username = "don-vi-thu"
    key = hub.shell("key", "new", "mot-cua", "--schema", "portal-dossier")
    unit = UnitClient(hub.door())
    assert unit.sign_in(username, key["key"]).ok
    assert unit.share("LayDanhMucCoQuan").ok and unit.sign_ins == 1
    hub.shell("key", "revoke", key["id"])

    def turned_away() -> Answer | None:
        answer = unit.call_with(unit.session, unit.door.share_path, "LayDanhMucCoQuan")
        return None if answer.ok else answer

    assert kind_of(until("the key is known to be revoked", turned_away)) == "bad_session"
    assert not unit.sign_in(username, key["key"]).ok
    assert unit.sign_in().ok, "the sender's other key goes on"


def test_a_key_without_the_right_sends_nothing(hub: World) -> None:
    key = hub.shell("key", "new", "mot-cua", "--schema", "portal-progress")["key"]
    unit = UnitClient(hub.door())
    assert unit.sign_in("don-vi-thu", key).ok
    assert is_refused(unit.insert([dossier(code(2))]))
    assert hub.portal.held(code(2)) == []


def test_a_dossier_of_another_unit_is_refused(hub: World, unit: UnitClient) -> None:
    """It goes nowhere, and its owner's goes on."""
    assert taken(unit.insert([dossier(code(3))]))
    other = hub.unit("dat-dai")
    refused = other.update([dossier(code(3), "9")])
    assert is_refused(refused) and "đơn vị khác" in refused.message
    assert is_refused(only(other.progress([step(code(3), 1)])))
    assert other.look_up(code(3)).result == [{"MaHoSo": code(3)}], "what the portal holds is no secret of its owner"
    assert taken(unit.update([dossier(code(3), "4")]))
    assert hub.portal.held(code(3)) == [("insert", "2"), ("update", "4")]


def test_a_unit_that_calls_too_often_is_told_when_to_come_back(hub: World) -> None:
    unit = hub.unit("it-goi")
    assert unit.catalogue("CoQuan").ok and unit.catalogue("CoQuan").ok
    asked = as_json(unit.envelope("LayDanhMucCoQuan"))
    answer = http_door.request("POST", f"{hub.url}{ADAPTER}/mapi/g", asked)
    assert (answer.status, answer.body["error_code"], answer.body["result"]) == (429, -5, [])
    assert int(answer.headers["Retry-After"]) >= 1 and "RateLimit" in answer.headers
    assert hub.unit().catalogue("CoQuan").ok, "the others go on"


def test_sessions_end_one_by_one() -> None:
    """By their age, and the oldest of a sender that begins too many; never those of others."""
    now = [0]
    sessions = DoorSessions(10, lambda: now[0])
    other, first = sessions.begin(Caller("other", "k1")), sessions.begin(Caller("mine", "k2"))
    now[0] = 5_000_000
    tokens = [sessions.begin(Caller("mine", "k2")) for _ in range(MOST_OF_ONE)]
    assert sessions.caller(first) is None and all(sessions.caller(token) for token in tokens)
    assert sessions.caller(other) == Caller("other", "k1")
    sessions.end(tokens[0])
    assert sessions.caller(tokens[0]) is None and sessions.caller(tokens[1]) is not None
    now[0] = 10_000_000
    assert sessions.caller(other) is None and sessions.caller(tokens[1]) is not None
    assert sessions.caller(None) is None and sessions.caller([]) is None


# What breaks the contract


def test_all_records_of_a_call_are_taken_or_none(hub: World, unit: UnitClient) -> None:
    good, bad = dossier(code(10)), dossier(code(11), TenTTHC="  ")
    refused = unit.insert([good, bad])
    assert is_refused(refused) and kind_of(refused) == "missing_field"
    assert code(11) in refused.message and "TenTTHC" in refused.message and code(10) not in refused.message
    assert unit.look_up(code(10)).result == [] == unit.look_up(code(11)).result
    answer = http_door.request("GET", f"{hub.url}/v1/dossiers/{code(10)}", None, {"X-API-Key": hub.keys["mot-cua"]})
    assert answer.status == 404, "nothing of it was stored"
    assert taken(unit.insert([good]))


def test_a_refusal_names_what_is_wrong_and_quotes_nothing(unit: UnitClient) -> None:
    wrong = {
        "TrangThaiHoSo": ("11", "danh mục"),
        "NgayTiepNhan": ("20260231080000", "yyyyMMddHHmmss"),
        "TrichYeuHoSo": ("Nguyễn Văn Thử " * 100, "1000 ký tự"),
        "MaHoSo": ("so-khong-dung", "sai định dạng"),
        "DinhDanhCHS": ("001299000001", "sai kiểu"),
    }
    for field, (value, words) in wrong.items():
        answer = unit.insert([dossier(code(12), **{field: value})])
        assert is_refused(answer) and field in answer.message and words in answer.message, (field, answer.message)
        assert field == "MaHoSo" or value not in answer.message


def test_ten_steps_at_most(hub: World, unit: UnitClient) -> None:
    assert taken(unit.insert([dossier(code(13))]))
    eleven = {"data": [step(code(13), number) for number in range(11)]}
    refused = unit.integration("CapNhatTienDoHoSoMC", eleven)
    assert is_refused(refused) and "10" in refused.message
    assert hub.portal.held(code(13)) == [("insert", "2")]


def test_what_is_no_call_is_refused_in_an_envelope(unit: UnitClient) -> None:
    unit.sign_in()
    path = unit.door.integration_path
    call = unit.envelope("DongBoHoSoMC", {"isUpdating": "False", "data": [dossier(code(14))]})
    twice = as_json(call).replace(b'"madonvi"', b'"isUpdating":"True","madonvi"', 1)
    bodies = (b"", b"{", b"[]", b"\xff", b"[" * 100_000, twice, as_json(call).replace(b'"1"', b"NaN", 1))
    for body in bodies:
        answer = unit.post(path, body)
        assert (answer.status, answer.error_code) == (400, -3) and answer.message, body[:40]
    assert unit.post(path, as_json(call), content_type="text/plain").status == 415
    for data in ({}, [], [[]], "x", None):
        assert is_refused(unit.integration("DongBoHoSoMC", {"isUpdating": "False", "data": data})), data
    assert unit.look_up(code(14)).result == []


def test_texts_that_are_none_are_refused_in_an_envelope(hub: World, unit: UnitClient) -> None:
    """Halves of characters, wherever they stand, and numbers that are none: one answer for all of them."""
    unit.sign_in()
    session, half = unit.session, "\ud800"
    calls = [
        unit.envelope("DongBoHoSoMC", {"isUpdating": "False", "data": [dossier(half)]}),
        unit.envelope("DongBoHoSoMC", {"isUpdating": "False", "data": [dossier(code(17), GhiChu=half)]}),
        unit.envelope("TraCuuHoSo", {"mahoso": half}),
        unit.envelope("LayThuTuc", {"maTTHC": half}),
        unit.envelope(half),
    ]
    for call in calls:
        answer = unit.post(unit.door.integration_path, json.dumps(call).encode())
        assert (answer.status, answer.error_code) == (400, -3) and "JSON" in answer.message, call
    assert unit.post(unit.door.auth_path, json.dumps({"username": half, "password": half}).encode()).error_code == -3
    odd = as_json(unit.envelope("DongBoHoSoMC", {"isUpdating": "False", "data": [{**dossier(code(17)), "x": 7.5}]}))
    for number in (b"1e999", b"NaN"):
        answer = unit.post(unit.door.integration_path, odd.replace(b"7.5", number))
        assert (answer.status, answer.error_code) == (400, -3)
    for odd_query in ("%ED%A0%80", "%00", "%FF"):
        answer = hub.array("GET", f"LayThuTuc?maTTHC={odd_query}")
        assert answer.status == 200 and "error_code" in answer.body
    assert unit.look_up("\x00").error_code is not None
    assert unit.session == session, "none of it is a matter of the session"


def test_what_stands_at_no_service_of_the_door_is_answered_in_an_envelope(hub: World) -> None:
    for method, path, status in (
        ("GET", f"{ADAPTER}/mapi/g", 405),
        ("PUT", f"{ADAPTER}/mapi/login", 405),
        ("POST", f"{ADAPTER}/mapi/unknown", 404),
        ("GET", f"{ADAPTER}/", 404),
        ("GET", "/api/SynsTTHCC/DongBoHoSoMC", 405),
        ("POST", "/api/SynsTTHCC/else", 404),
    ):
        answer = http_door.request(method, hub.url + path, None)
        assert answer.status == status and answer.body["error_code"] == -3 and answer.body["message"], (method, path)
        assert status == 404 or answer.headers["Allow"], path


def test_another_coding_is_said_to_be_one(hub: World, unit: UnitClient) -> None:
    call = as_json(unit.envelope("LayDanhMucCoQuan"))
    answer = http_door.request("POST", f"{hub.url}{ADAPTER}/mapi/g", call, {"Content-Encoding": "br"})
    assert (answer.status, answer.body["error_code"]) == (415, -3) and "Content-Encoding" in answer.body["message"]


def test_so_many_records_at_most(hub: World, unit: UnitClient) -> None:
    refused = unit.insert([dossier(code(18))] * 501)
    assert is_refused(refused) and "500" in refused.message
    assert hub.portal.held(code(18)) == []


def test_what_the_hub_cannot_translate_is_kept_and_said_to_be(hub: World, unit: UnitClient) -> None:
    """A code that no table has: the unit need not send it again, an operator mends the table."""
    odd = dossier(code(15), DinhDanhCHS=[{"LoaiDinhDanh": "77", "SoDinhDanh": "C1234567"}])
    for _ in range(2):
        answer = unit.insert([odd])
        assert is_refused(answer) and "đã lưu" in answer.message and "not_in_table" in answer.message, answer
        assert "DinhDanhCHS.LoaiDinhDanh giá trị không có trong danh mục" in answer.message, answer
        assert "C1234567" not in answer.message
    kept = http_door.request("GET", f"{hub.url}/v1/dossiers?kept=true", None, {"X-API-Key": hub.keys["mot-cua"]}).body
    assert [{one["code"] for one in item["codes"]} for item in kept["items"]] == [{code(15)}]
    assert hub.portal.held(code(15)) == []


# What came before


def test_the_same_call_twice_at_once_is_one(hub: World, unit: UnitClient) -> None:
    """As of a client whose patience ended: both get the answer, and the portal one insert."""
    unit.sign_in()
    hub.portal.plant("DongBoHoSoMC", "hold")
    before = hub.metric("hub_arrivals_total", 'outcome="duplicate"')
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(unit.insert, [dossier(code(19))])
        hub.portal.control("GET", "held?count=1&wait=10")
        second = pool.submit(unit.insert, [dossier(code(19))])
        until("both wait", lambda: hub.metric("hub_arrivals_total", 'outcome="duplicate"') > before)
        hub.portal.control("POST", "release")
        assert taken(first.result()) and taken(second.result())
    assert hub.portal.held(code(19)) == [("insert", "2")]


def test_a_refusal_that_was_told_is_no_dead_letter_and_the_same_again_is_sent_again(hub: World, unit: UnitClient) -> None:
    """Of a step too: one equal to what was refused is not held for a repeat."""
    unknown = unit.update([dossier(code(20), "4")])
    assert is_refused(unknown) and kind_of(unknown) == "not_found"
    late = only(unit.progress([step(code(20), 1)]))
    assert is_refused(late) and kind_of(late) == "not_found"
    assert is_refused(only(unit.progress([step(code(20), 1)]))), "the portal was asked again"
    assert hub.nothing_is_dead()
    assert taken(unit.insert([dossier(code(20))]))
    assert taken(unit.update([dossier(code(20), "4")]))
    assert taken(only(unit.progress([step(code(20), 1)])))
    assert hub.portal.held(code(20)) == [("insert", "2"), ("update", "4"), ("step", "Bước 1")]
    assert len(hub.portal.calls("CapNhatTienDoHoSoMC")) >= 3


def test_the_portal_s_own_words_reach_the_unit_whole(hub: World, unit: UnitClient) -> None:
    """Unlike what is put on record: there the person's name that the portal quotes is masked."""
    words = "Chủ hồ sơ Nguyễn Văn Thử, số 0900000001, chưa đủ điều kiện"
    hub.portal.plant("DongBoHoSoMC", "refuse", code=-77, message=words)
    refused = unit.insert([dossier(code(21))])
    assert is_refused(refused, -77) and refused.message == words
    shown = http_door.request("GET", f"{hub.url}/v1/dossiers/{code(21)}", None, {"X-API-Key": hub.keys["mot-cua"]})
    assert shown.status == 200 and "-77" in json.dumps(shown.body)
    assert "0900000001" not in json.dumps(shown.body, ensure_ascii=False)


def test_a_code_of_the_portal_that_is_no_number_reaches_the_unit(hub: World, unit: UnitClient) -> None:
    unit.sign_in()
    hub.portal.plant("DongBoHoSoMC", "refuse", code="E-07", message="Không nhận")
    call = as_json(unit.envelope("DongBoHoSoMC", {"isUpdating": "False", "data": [dossier(code(32))]}))
    answer = http_door.request("POST", f"{hub.url}{ADAPTER}/mapi/g", call)
    assert answer.body["error_code"] == "E-07" and answer.body["message"] == "Không nhận"


def test_what_the_portal_says_of_a_dossier_is_told_to_its_unit_only(hub: World, unit: UnitClient) -> None:
    assert taken(unit.insert([dossier(code(35))]))
    words = "Hồ sơ của Nguyễn Văn Thử đang khóa"
    hub.portal.plant("TraCuuHoSo", "refuse", code=-8, message=words, times=2)
    other = hub.unit("dat-dai")
    refused = other.look_up(code(35))
    assert is_refused(refused, -8) and "Thử" not in refused.message
    assert words in unit.look_up(code(35)).message
    hub.portal.plant("TraCuuHoSo", "refuse", code=-9, message="Không tìm thấy hồ sơ của Nguyễn Văn Thử")
    unknown = other.look_up(code(36))
    assert is_refused(unknown, -9) and kind_of(unknown) == "not_found" and "Thử" not in unknown.message


def test_what_is_in_doubt_was_not_refused(launcher: Launcher, tmp_path: Path) -> None:
    """Nobody knows whether the portal has it: an operator decides, and the unit is told that, not that the portal refused."""
    with world(launcher, tmp_path, wait=2) as hub:  # what waits behind it is told so after that time
        unit = hub.unit()
        assert taken(unit.insert([dossier(code(37))]))
        hub.portal.plant("CapNhatTienDoHoSoMC", "reset_after", match={"MaHoSo": code(37)})
        answer = only(unit.progress([step(code(37), 1)]))
        assert is_refused(answer) and "in_doubt" in answer.message and "người vận hành" in answer.message
        told = unit.look_up(code(37)).message
        assert "người vận hành" in told and "từ chối" not in told
        behind = unit.update([dossier(code(37), "4")])
        (dead,) = [one for one in hub.shell("dead", "list")["dead"] if one.get("delivery")]
        hub.shell("dead", "discard", dead["delivery"], "--why", "seen at the portal")
        assert behind.status == 503 and "người vận hành" in behind.message
        assert taken(unit.update([dossier(code(37), "4")]))


def test_several_refusals_in_one_call_are_all_named(hub: World, unit: UnitClient) -> None:
    assert taken(unit.insert([dossier(code(22)), dossier(code(23))]))
    again = unit.insert([dossier(code(22), "4"), dossier(code(24)), dossier(code(23), "4")])
    assert is_refused(again, 3) and kind_of(again) == "exists"
    refusals, _, taken_too = again.message.partition("đã gửi: ")
    assert code(22) in refusals and code(23) in refusals and code(24) not in refusals and code(24) in taken_too
    assert hub.portal.held(code(24)) == [("insert", "2")], "each record is a delivery of its own"
    assert hub.nothing_is_dead()


def test_steps_behind_a_refused_one_are_not_sent(hub: World, unit: UnitClient) -> None:
    assert taken(unit.insert([dossier(code(25))]))
    hub.portal.plant("CapNhatTienDoHoSoMC", "refuse", code=-9, message="Chưa nhận", match={"NoiDungXuLy": "Bước 2"})
    steps = [step(code(25), number) for number in range(1, 6)]
    assert is_refused(only(unit.progress(steps)), -9)
    assert hub.portal.held(code(25)) == [("insert", "2"), ("step", "Bước 1")]
    assert taken(only(unit.progress(steps))), "the same call again sends what was not sent"
    assert hub.portal.held(code(25)) == [("insert", "2"), *(("step", f"Bước {number}") for number in range(1, 6))]
    assert hub.nothing_is_dead()


def test_a_caller_that_is_gone_was_told_nothing(hub: World, unit: UnitClient) -> None:
    """What the portal refused meanwhile stays a dead letter, and the same call again gets the answer."""
    unit.sign_in()
    hub.portal.plant("DongBoHoSoMC", "hold")
    body = as_json(unit.envelope("DongBoHoSoMC", {"isUpdating": "True", "data": [dossier(code(26), "4")]}))
    head = (
        f"POST {ADAPTER}{unit.door.integration_path} HTTP/1.1\r\nHost: hub\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", hub.port)) as gone:
        gone.sendall(head.encode() + body)
        hub.portal.control("GET", "held?count=1&wait=10")
    assert hub.portal.control("POST", "release")["released"]
    until("a dead letter", hub.dead)
    refused = unit.update([dossier(code(26), "4")])
    assert is_refused(refused) and kind_of(refused) == "not_found"
    assert hub.nothing_is_dead()


def test_an_insert_whose_answer_was_lost_with_the_hub_is_done(hub: World) -> None:
    """The session is lost with the process: the client signs in again, and is not told that its dossier exists."""
    unit = hub.unit()
    assert taken(unit.insert([dossier(code(27))])) and unit.sign_ins == 1
    hub.portal.plant("DongBoHoSoMC", "hold", effect="after")
    body = as_json(unit.envelope("DongBoHoSoMC", {"isUpdating": "False", "data": [dossier(code(28))]}))
    with socket.create_connection(("127.0.0.1", hub.port)) as lost:
        head = f"POST {ADAPTER}/mapi/g HTTP/1.1\r\nHost: hub\r\nContent-Type: application/json\r\n"
        lost.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        hub.portal.control("GET", "held?count=1&wait=10")
        hub.kill_hub()
    hub.portal.control("POST", "release", {"how": "drop"})
    hub.start_hub()
    assert taken(unit.insert([dossier(code(28))])) and unit.sign_ins == 2
    assert taken(unit.insert([dossier(code(27))])), "which answers were heard is not known after a restart"
    assert kind_of(unit.insert([dossier(code(27))])) == "exists"
    assert [kind for kind, _ in hub.portal.held(code(28))][:1] == ["insert"]
    assert {state for _, state in hub.portal.held(code(28))} == {"2"}


# The variant with bare arrays


def test_bare_arrays(hub: World) -> None:
    path = "DongBoHoSoMC?MaDinhDanhDV=000.00.00.H22&isUpdating={}"
    inserted = hub.array("POST", path.format("False"), [dossier(code(40)), dossier(code(41))])
    assert (inserted.status, inserted.body["error_code"], inserted.body["result"]) == (200, 0, [])
    again = hub.array("POST", path.format("false"), [dossier(code(40), "4")])
    assert (again.status, again.body["error_code"]) == (200, 3) and "đã tồn tại" in again.body["message"]
    assert hub.array("POST", path.format("True"), [dossier(code(40), "4")]).body["error_code"] == 0
    steps = hub.array("POST", "CapNhatTienDoHoSoMC?MaDinhDanhDV=000.00.00.H22", [step(code(40), 1)])
    assert steps.body["error_code"] == 0
    assert hub.portal.held(code(40)) == [("insert", "2"), ("update", "4"), ("step", "Bước 1")]
    listed = hub.array("GET", "LayDanhSachTTHC")
    assert listed.body["error_code"] == 0 and {"MATTHC", "TENTTHC"} <= set(listed.body["result"][0])
    one = hub.array("GET", "LayThuTuc?maTTHC=1.000894")
    assert one.body["result"][0]["MATTHC"] == "1.000894" and "Last-Modified" in one.headers


def test_bare_arrays_need_an_account(hub: World) -> None:
    path = "DongBoHoSoMC?MaDinhDanhDV={}&isUpdating=False"
    for headers in ({"Authorization": "Basic eDp5"}, {"Authorization": ""}, {"Authorization": "Bearer x"}):
        answer = hub.array("POST", path.format("000.00.00.H22"), [dossier(code(42))], **headers)
        assert (answer.status, answer.body["error_code"]) == (401, -1), headers
        assert "Basic" in answer.headers["WWW-Authenticate"]
        assert hub.array("GET", "LayDanhSachTTHC", **headers).status == 401
    for wrong in (SECOND_MADONVI, ""):
        answer = hub.array("POST", path.format(wrong), [dossier(code(42))])
        assert (answer.status, answer.body["error_code"]) == (200, -3)
    said: Any = hub.array("POST", "DongBoHoSoMC?MaDinhDanhDV=000.00.00.H22", [dossier(code(42))]).body
    assert said["error_code"] == -3 and "isUpdating" in said["message"]
    assert hub.portal.held(code(42)) == []
