"""The sender's word through the whole hub: its own store, mappings and engine, and the simulated portal at the other end."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from flow.parts import MovableClock, make_home, settled

from hub.app import Hub
from hub.assembly import assemble
from hub.message import Arrival, SchemaRef, new_id
from national_portal.parts import CODE, FORWARD, SYNC, Simulator, code_of, dossier, live, of
from national_portal.parts import Try as Once

CONFIG = """
store: {{ url: sqlite:///var/hub.db }}
server: {{ port: 0 }}
sources:
  - {{ schema: portal-dossier@1, becomes: [dossier@1] }}
  - {{ schema: portal-progress@1, becomes: [dossier-progress@1] }}
endpoints:
  portal:
    connector: national-portal
    settings:
      {{ adapter_url: "{url}", username: simulated, password: simulated, madonvi: 000.00.00.H22,
         connect_timeout: 1, read_timeout: 0.5 }}
    retry: {{ first_seconds: 0.02, longest_seconds: 0.1, attempts: 3 }}
    breaker: {{ failures: 3, open_seconds: 0.1, longest_seconds: 0.2 }}
routes:
  dossiers: {{ take: dossier@1, when: {{ present: code }}, to: portal, as: npsp-dossier@1, in_doubt: resend }}
  progress: {{ take: dossier-progress@1, when: {{ present: code }}, to: portal, as: npsp-progress@1 }}
"""
STEP = {"MaHoSo": CODE, "NguoiXuLy": "Lý Thị Thử", "ThoiDiemXuLy": "20261121093000", "NoiDungXuLy": "Nhận", "TrangThai": "2"}


class Unit:
    """A hub, and one sender of it."""

    def __init__(self, hub: Hub, clock: MovableClock) -> None:
        self.hub, self.clock = hub, clock

    async def sends(self, body: dict[str, Any], schema: str = "portal-dossier@1") -> dict[str, int]:
        """One message, and the deliveries of all when nothing moves any more."""
        arrival = Arrival(
            id=new_id(), sender="unit", schema=SchemaRef.parse(schema), body=json.dumps(body).encode(),
            received_at=self.clock(), correlation_id=new_id().replace("-", ""), key=None,
        )  # fmt: skip
        await self.hub.intake.accept(arrival)
        return await settled(self.hub)

    async def says(self, word: str, code: str, **changes: Any) -> dict[str, int]:
        return await self.sends({"isUpdating": word, "data": dossier(code, **changes)})

    async def dead(self) -> list[tuple[str, str]]:
        return [(one["code"], one["reason"]) for one in await self.hub.store.dead()]


@pytest.fixture
async def unit(simulator: Simulator, tmp_path: Path) -> AsyncIterator[Unit]:
    home = make_home(tmp_path / "home", CONFIG.format(url=simulator.url + FORWARD))
    clock = MovableClock()
    hub = Hub(assemble(home), clock)
    await hub.start()
    try:
        yield Unit(hub, clock)
    finally:
        await hub.stop()


async def effects(simulator: Simulator, code: str) -> list[Any]:
    return [updating for effect, updating in await simulator.outcomes(SYNC, code) if effect]


def told(item: dict[str, Any]) -> dict[str, Any]:
    """What an object says: a field that is empty says nothing."""
    return {name: value for name, value in item.items() if value != ""}


async def test_a_dossiers_life_by_its_senders_words(unit: Unit, simulator: Simulator, request: Any) -> None:
    """New, known, and a step; without a single look-up. What the portal shows is what was sent."""
    code = code_of(request)
    before = len((await simulator.control("calls"))["calls"])
    assert await unit.says("False", code) == {"delivered": 1}
    assert await unit.says("True", code, TrangThaiHoSo="4") == {"delivered": 2}
    assert await unit.sends({"data": STEP | {"MaHoSo": code}}, "portal-progress@1") == {"delivered": 3}
    calls = (await simulator.control("calls"))["calls"][before:]
    assert [one["service"] for one in calls if one["service"] == "TraCuuHoSo"] == []
    assert await effects(simulator, code) == ["False", "True"]
    held = (await simulator.control("state"))["dossiers"][code]
    (step,) = held["progress"]
    assert told(held["current"]) == told(dossier(code, TrangThaiHoSo="4"))
    assert told(step["object"]) == STEP | {"MaHoSo": code}


@pytest.mark.parametrize("fault", [None, "http_503"])
async def test_a_word_that_is_wrong_is_a_dead_letter_with_the_portals_code(
    unit: Unit, simulator: Simulator, request: Any, fault: str | None
) -> None:
    """New, and it exists: also when the portal was not there at first, and although the hub itself sent it before."""
    code = code_of(request)
    await unit.says("False", code)
    if fault:
        await simulator.fault(SYNC, fault, times=2)
    assert await unit.says("False", code, TrangThaiHoSo="4") == {"delivered": 1, "dead": 1}
    ((refused, reason),) = await unit.dead()
    assert refused == "3" and "đã tồn tại" in reason and code not in reason
    assert await effects(simulator, code) == ["False"]


async def test_an_unknown_dossier_is_not_updated(unit: Unit, simulator: Simulator, request: Any) -> None:
    """The portal's own refusal."""
    assert await unit.says("True", code_of(request)) == {"dead": 1}
    assert [code for code, _ in await unit.dead()] == ["-3"]


async def test_what_was_there_before_the_hub_is_updated(unit: Unit, simulator: Simulator, request: Any) -> None:
    """The ledger knows nothing of it; its sender does."""
    code = code_of(request)
    async with live(simulator) as own:
        await own.send(of(dossier(code)), Once())
    assert await unit.says("True", code, TrangThaiHoSo="4") == {"delivered": 1}
    assert await effects(simulator, code) == ["False", "True"]


@pytest.mark.parametrize("fault", ["reset_after", "timeout_after", "half_answer", "reset_before"])
async def test_an_insert_in_doubt_ends_delivered(unit: Unit, simulator: Simulator, request: Any, fault: str) -> None:
    """Its sender hears of no refusal, whether the first try took effect or not."""
    code = code_of(request)
    await simulator.fault(SYNC, fault)
    assert await unit.says("False", code) == {"delivered": 1}
    assert await effects(simulator, code) == (["False"] if fault == "reset_before" else ["False", "True"])
