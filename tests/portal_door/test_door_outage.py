"""The door while the portal is down: nothing is lost or doubled, and a unit always hears what became of its calls."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from seams import http_door
from seams.processes import Launcher, until

from portal_door.parts import ADAPTER, World, dossier, is_waiting, only, step, taken, until_answered, world
from portal_door.unit_client import Answer, UnitClient, as_json
from portal_door.unit_life import kind_of

pytestmark = pytest.mark.xdist_group("portal_door")


def code(number: int) -> str:
    return f"000.00.10.H22-260917-{number:04}"


@pytest.fixture(scope="module")
def hub(launcher: Launcher, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """It waits for a moment only, so that an outage shows. The portal tells what it holds and knows a step that it has, so
    that even what was under way when it was killed can be decided."""
    portal = {"search_result": "full", "repeated_progress": "dedupe"}
    folder = tmp_path_factory.mktemp("outage")
    with world(launcher, folder, simulator=portal, wait=0.7, steps_in_doubt="resend") as made:
        yield made


@pytest.fixture
def unit(hub: World) -> UnitClient:
    return hub.unit()


def test_through_an_outage(hub: World) -> None:
    """Six dossiers in six threads; the portal is killed while they send, and comes back. Each call is made again until it is
    answered. In the end everything is at the portal once, and in order, and no dead letter is left."""
    numbers = range(1, 7)
    waited: dict[int, list[str]] = {number: [] for number in numbers}

    def life(number: int) -> None:
        mine, name = hub.unit(), code(number)

        def call(what: str, made: Callable[[], Answer]) -> None:
            first = made()
            assert taken(first) or is_waiting(first), (what, first)
            if not taken(first):
                waited[number].append(what)
                last = until_answered(made)
                assert taken(last), (what, last)

        call("insert", lambda: mine.insert([dossier(name)]))
        for place in range(1, 13):
            call(f"step {place}", lambda place=place: only(mine.progress([step(name, place)])))  # type: ignore[misc]
            call(f"state {place}", lambda place=place: mine.update([dossier(name, "4", GhiChu=f"lần {place}")]))  # type: ignore[misc]
        call("steps", lambda: only(mine.progress([step(name, 21), step(name, 22)])))
        call("returned", lambda: mine.update([dossier(name, "10", NgayTra="20260918160000")]))

    hub.portal.plant("*", "slow", times=None, seconds=0.02, effect="after")
    with ThreadPoolExecutor(len(numbers)) as pool:
        lives = [pool.submit(life, number) for number in numbers]
        until("they are on their way", lambda: sum(len(hub.portal.held(code(number))) for number in numbers) >= 24)
        hub.portal.kill()
        try:
            until("each of them is told that the portal gave no word", lambda: all(waited.values()))
            assert len(waiting(hub)) == len(numbers)
        finally:
            hub.portal.start()
        for one in lives:
            one.result()
    between = [one for place in range(1, 13) for one in (("step", f"Bước {place}"), ("update", "4"))]
    whole = [("insert", "2"), *between, ("step", "Bước 21"), ("step", "Bước 22"), ("update", "10")]
    assert {number: hub.portal.held(code(number)) for number in numbers} == dict.fromkeys(numbers, whole)
    assert hub.nothing_is_dead()


def waiting(hub: World) -> list[dict[str, object]]:
    """The unit's dossiers of which something waits."""
    answer = http_door.request("GET", f"{hub.url}/v1/dossiers?waiting=true", None, {"X-API-Key": hub.keys["mot-cua"]})
    assert answer.status == 200, answer.body
    found: list[dict[str, object]] = answer.body["items"]
    return found


def test_look_ups_and_catalogues_while_the_portal_is_down(hub: World, unit: UnitClient) -> None:
    """What was delivered is held; of what waits nobody can tell; a copy is told with its age, and nothing is invented."""
    assert taken(until_answered(lambda: unit.insert([dossier(code(20))]))) and unit.procedures().ok
    assert unit.procedure("1.000894").ok and unit.procedure("9.999999").result == []
    hub.portal.kill()
    try:
        assert unit.look_up(code(20)).result == [{"MaHoSo": code(20)}]
        assert is_waiting(unit.insert([dossier(code(21))]))
        known = unit.look_up(code(21))
        assert (known.status, known.error_code) == (503, -4) and "1 bản tin đang chờ gửi" in known.message
        foreign = hub.unit("dat-dai").look_up(code(20))
        assert (foreign.status, foreign.error_code) == (503, -4), "only what the unit sent itself is known of it"
        assert unit.procedures().ok and unit.procedure("1.000894").ok
        for answer in (unit.catalogue("CoQuan"), unit.procedure("9.999999"), unit.procedure("../LayDanhSachTTHC")):
            assert (answer.status, answer.error_code) == (503, -4)
        asked = as_json(unit.envelope("LayDanhSachTTHC"))
        raw = http_door.request("POST", f"{hub.url}{ADAPTER}/mapi/g", asked)
        assert raw.status == 200 and raw.headers["Last-Modified"].endswith("GMT")
    finally:
        hub.portal.start()
    assert taken(until_answered(lambda: unit.insert([dossier(code(21))])))


def test_a_refusal_after_the_wait_is_heard_by_the_same_call_again(hub: World, unit: UnitClient) -> None:
    """Steps of a dossier that the portal does not know, sent while it was down: the first is refused later, nobody heard it.
    The same call again hears it, and nothing of that call goes on behind the unit's back."""
    steps = [step(code(30), number) for number in range(1, 5)]
    hub.portal.kill()
    assert is_waiting(only(unit.progress(steps)))
    hub.portal.start()
    until("a dead letter", hub.dead)
    refused = until_answered(lambda: only(unit.progress(steps)))
    assert kind_of(refused) == "not_found" and refused.error_code == -3
    assert hub.nothing_is_dead()
    assert taken(until_answered(lambda: unit.insert([dossier(code(30))])))
    assert taken(until_answered(lambda: only(unit.progress(steps))))
    assert hub.portal.held(code(30)) == [("insert", "2"), *(("step", f"Bước {number}") for number in range(1, 5))]
    assert hub.nothing_is_dead()


def test_a_record_that_waits_beside_a_refused_one_is_told_of(hub: World, unit: UnitClient) -> None:
    """It is neither taken nor refused: the unit must not read silence as either."""
    assert taken(until_answered(lambda: unit.insert([dossier(code(31))])))
    hub.portal.plant("DongBoHoSoMC", "hold", match={"MaHoSo": code(32)})

    def told() -> bool:
        answer = unit.insert([dossier(code(32)), dossier(code(31), "4"), dossier(code(33))])
        assert answer.status == 503 or (kind_of(answer) == "exists" and f"đang chờ gửi: {code(32)}" in answer.message)
        return f"đã gửi: {code(33)}" in answer.message

    until("one is refused, one waits, one is there", told)
    assert hub.portal.control("POST", "release")["released"]
    assert taken(until_answered(lambda: unit.insert([dossier(code(32))])))
    assert hub.nothing_is_dead()


def test_what_waits_behind_a_refusal_that_nobody_heard_is_told_so(hub: World, unit: UnitClient) -> None:
    """The unit hears it with its next call of the dossier, which then goes on, as it would at the portal itself."""
    hub.portal.kill()
    assert is_waiting(only(unit.progress([step(code(34), 1)])))
    hub.portal.start()
    until("a dead letter", hub.dead)
    behind = unit.insert([dossier(code(34))])
    assert is_waiting(behind) and "gửi trước đó bị từ chối" in behind.message and code(34) in behind.message
    assert "Không tìm thấy hồ sơ" in behind.message, "with the portal's reason"
    assert taken(until_answered(lambda: unit.insert([dossier(code(34))])))
    assert hub.nothing_is_dead()
    assert taken(until_answered(lambda: only(unit.progress([step(code(34), 1)]))))
    assert hub.portal.held(code(34)) == [("insert", "2"), ("step", "Bước 1")]


# answer: stored, and copies that are fetched anew


@pytest.fixture(scope="module")
def storing(launcher: Launcher, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    catalogues = {"refresh_hours": 1.0 / 3600}
    with world(launcher, tmp_path_factory.mktemp("stored"), answer="stored", wait=1, catalogues=catalogues) as made:
        yield made


def test_stored_answers_at_once_and_tells_of_a_refusal_later(storing: World) -> None:
    unit = storing.unit()
    storing.portal.kill()
    try:
        assert taken(unit.insert([dossier(code(50)), dossier(code(51))]))
        assert taken(only(unit.progress([step(code(50), 1), step(code(50), 2)])))
        assert taken(unit.update([dossier(code(52), "4")])), "that the portal does not know it is found out later"
        assert "4 bản tin đang chờ" in unit.look_up(code(50)).message or "3 bản tin đang chờ" in unit.look_up(code(50)).message
    finally:
        storing.portal.start()
    until("the refused one is dead", storing.dead)
    until("the others are there", lambda: len(storing.portal.held(code(50))) == 3 and storing.portal.held(code(51)))
    assert [{name["code"] for name in one["codes"]} for one in storing.dead()] == [{code(52)}]
    told = unit.look_up(code(52))
    assert told.ok and told.result == [] and "từ chối (-3" in told.message
    assert unit.look_up(code(50)).message == "Thành công"
    again = unit.update([dossier(code(52), "4")])
    assert again.error_code == -3 and kind_of(again) == "not_found", "the same call again is told what became of it"
    assert storing.nothing_is_dead() and "từ chối" in unit.look_up(code(52)).message
    assert taken(unit.insert([dossier(code(52))])) and taken(unit.insert([dossier(code(52))]))
    until("it is there", lambda: storing.portal.held(code(52)) == [("insert", "2")])


def test_stored_steps_behind_a_refused_one_do_not_go_on(storing: World) -> None:
    """Until the same call is made again: it hears the refusal, and all of it is the unit's to send again."""
    unit, steps = storing.unit(), [step(code(54), number) for number in (1, 2, 3)]
    assert taken(only(unit.progress(steps)))
    until("a dead letter", storing.dead)
    assert kind_of(only(unit.progress(steps))) == "not_found"
    assert storing.nothing_is_dead()
    assert taken(unit.insert([dossier(code(54))])) and taken(only(unit.progress(steps)))
    whole = [("insert", "2"), *(("step", f"Bước {number}") for number in (1, 2, 3))]
    until("all of it is there, in order", lambda: storing.portal.held(code(54)) == whole)


def test_a_look_up_tells_of_what_is_kept(storing: World) -> None:
    unit = storing.unit()
    odd = dossier(code(55), DinhDanhCHS=[{"LoaiDinhDanh": "77", "SoDinhDanh": "C1234567"}])
    assert unit.insert([odd]).error_code == -3
    told = unit.look_up(code(55))
    assert told.ok and "có bản tin chưa gửi đi được" in told.message


def test_stored_refuses_at_once_what_breaks_the_contract(storing: World) -> None:
    unit = storing.unit()
    refused = unit.insert([dossier(code(53), TenTTHC="")])
    assert refused.error_code == -3 and kind_of(refused) == "missing_field"
    assert storing.portal.held(code(53)) == []


def test_copies_are_fetched_anew(storing: World) -> None:
    """By the door itself: nobody has to ask, and a portal that is down or refuses takes no copy away."""
    unit = storing.unit()
    assert unit.catalogue("LinhVuc").ok

    def asked() -> int:
        return sum(call["outcome"] == "ok" for call in storing.portal.calls("LayDanhMucLinhVuc"))

    before = asked()
    until("it asks again by itself", lambda: asked() > before + 1)
    storing.portal.kill()
    assert unit.catalogue("LinhVuc").ok
    storing.portal.start()
    assert unit.catalogue("LinhVuc").ok


def test_a_refusal_takes_no_copy_away(storing: World) -> None:
    """Only a procedure that the portal does not know any more is gone."""
    unit = storing.unit()
    assert unit.catalogue("CoQuan").ok and unit.procedure("1.000894").ok

    def refusals(service: str) -> int:
        return sum(call["outcome"] == "refused" for call in storing.portal.calls(service))

    storing.portal.plant("LayDanhMucCoQuan", "refuse", message="Không có quyền")
    storing.portal.plant("LayThuTuc", "refuse", message="Không tìm thấy thủ tục", times=None)
    until("it was asked anew, and refused", lambda: refusals("LayDanhMucCoQuan"))
    until("the procedure is gone", lambda: not unit.procedure("1.000894").ok)
    storing.portal.kill()
    try:
        assert unit.catalogue("CoQuan").ok
        assert unit.procedure("1.000894").status == 503
    finally:
        storing.portal.start()
