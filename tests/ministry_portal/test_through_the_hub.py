"""Dossiers through a whole hub to a ministry: the code issued there is an alias, and everything behind it carries it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from flow.parts import until

from ministry_portal.home import LOCAL, at_rest, home_at, hub_on, item, look, record, step, take
from ministry_portal.parts import CREATE, NEXT, simulated


async def test_a_life_of_a_dossier_at_the_ministry(tmp_path: Path) -> None:
    """Created once, with one code; each later state and step there in order, under that code."""
    async with simulated(required_create=["MaHoSo"]) as portal:
        home = home_at(tmp_path, portal.url)
        async with hub_on(home) as hub:
            for state in ("2", "4"):
                await take(hub, "portal-dossier@1", record(state))
                await take(hub, "portal-progress@1", step(f"bước {state}", state))
            await take(hub, "portal-dossier@1", record("9", DanhSachLePhi=[{"TenPhiLePhi": "Lệ phí", "Gia": "15000"}]))
            await at_rest(home)
            assert look(home, "select state, code, reason from deliveries where state <> 'delivered'") == []
        there = await portal.state()
        ((code, held),) = there["dossiers"].items()
        assert list(there["issued"]) == [code] and code.startswith("G09.20-")
        assert [one["TrangThai"] for one in held["status"]] == [2, 4, 9]
        assert [one["NoiDungXuLy"] for one in held["progress"]] == ["bước 2", "bước 4"]
        assert held["object"]["NgayNop"] == "2026-11-21 07:45:00" and held["object"]["LoaiDoiTuong"] == 1
        aliases = set(look(home, "select system, code from aliases"))
        assert aliases == {("one-stop", LOCAL), ("national", LOCAL), ("ministry", code), ("ministry-id", held["id"])}


async def test_messages_that_wait_carry_the_code_that_was_issued_meanwhile(tmp_path: Path) -> None:
    """They were accepted, and put into their lane, before anybody knew the code."""
    async with simulated(required_create=["MaHoSo"]) as portal:
        home = home_at(tmp_path, portal.url)
        await portal.plant(NEXT, "hold")
        async with hub_on(home) as hub:
            await take(hub, "portal-dossier@1", record("2"))
            await portal.control("GET", "held?count=1&wait=10")
            await take(hub, "portal-progress@1", step("bước 1"))
            await take(hub, "portal-dossier@1", record("4"))
            assert look(home, "select count(*) from deliveries where state = 'delivered'") == [(0,)]
            assert look(home, "select 1 from aliases where system = 'ministry'") == []
            await portal.control("POST", "release", {"how": "go"})
            await at_rest(home)
        there = await portal.state()
        ((code, held),) = there["dossiers"].items()
        assert [one["MaHoSo"] for one in (*held["progress"], *held["status"])] == [code] * 3


async def test_the_ministry_may_tell_of_a_dossier_before_its_creation_is_answered(tmp_path: Path) -> None:
    """Its feed has the new code while NoiHoSo is still under way: one dossier here, one there, and everything goes on."""
    async with simulated(required_create=["MaHoSo"]) as portal:
        home = home_at(tmp_path, portal.url)
        await portal.plant(CREATE, "hold", effect="before")
        async with hub_on(home) as hub:
            await take(hub, "portal-dossier@1", record("2"))
            await portal.control("GET", "held?count=1&wait=10")
            (code,) = (await portal.state())["issued"]
            await portal.feed(item(2, "2026-11-25 08:00:00", code=code))
            await until(lambda: look(home, "select 1 from arrivals where sender = 'ministry'"))
            await portal.control("POST", "release", {"how": "go"})
            await take(hub, "portal-dossier@1", record("4"))
            await at_rest(home)
            assert look(home, "select count(*) from dossiers") == [(1,)]
            assert look(home, "select state, code, reason from deliveries where state <> 'delivered'") == []
            assert look(home, "select 1 from audit where act = 'alias_conflict'") == []
        there = await portal.state()
        ((held_code, held),) = there["dossiers"].items()
        assert held_code == code and [one["TrangThai"] for one in held["status"]] == [2, 4]


async def test_a_refused_creation_that_is_replaced_keeps_its_code(tmp_path: Path) -> None:
    """The newer state takes the dead one's place, and the code that was issued for the dossier."""
    async with simulated(required_create=["MaHoSo"]) as portal:
        home = home_at(tmp_path, portal.url)
        await portal.plant(CREATE, "refuse", code=400, message="ChuHoSo")
        async with hub_on(home) as hub:
            await take(hub, "portal-dossier@1", record("2"))
            await until(lambda: look(home, "select 1 from deliveries where state = 'dead'"))
            await take(hub, "portal-dossier@1", record("2", ChuHoSo="Công ty khác"))
            await until(lambda: look(home, "select 1 from deliveries where state = 'delivered'"))
        there = await portal.state()
        assert len(there["issued"]) == len(there["dossiers"]) == 1


async def test_a_code_of_another_dossier_is_never_used(tmp_path: Path) -> None:
    """A ministry that issues the same code twice: the second dossier is not created under it, and says why."""
    async with simulated(required_create=["MaHoSo"]) as portal:
        home = home_at(tmp_path, portal.url)
        async with hub_on(home) as hub:
            await portal.feed(item(2, code=_first_code()))
            await until(lambda: look(home, "select 1 from arrivals where sender = 'ministry'"))
            await take(hub, "portal-dossier@1", record("2"))
            await until(lambda: look(home, "select 1 from deliveries where code = 'code_unusable'"))
        assert await portal.calls(CREATE) == []


def _first_code() -> str:
    """The code that the simulated ministry issues first today."""
    day = datetime.now(ZoneInfo("Asia/Ho_Chi_Minh")).strftime("%Y%m%d")
    return f"G09.20-{day}-0000001"


async def test_a_state_body_waits_for_an_operator_and_sends_nothing(tmp_path: Path) -> None:
    """The second generation has no number for it: a dead letter that says so, not a guess."""
    async with simulated() as portal:
        home = home_at(tmp_path, portal.url)
        async with hub_on(home) as hub:
            await take(hub, "portal-dossier@1", record("2", LoaiDoiTuong="3"))
            await until(lambda: look(home, "select 1 from deliveries where state = 'dead' and code = 'translation'"))
        assert await portal.calls(CREATE) == [] and await portal.calls(NEXT) == []
