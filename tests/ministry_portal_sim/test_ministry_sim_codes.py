"""The codes that the simulated ministry portal issues: per agency and day, growing, never twice, each kept."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ministry_portal_sim.caller import NOW, Clock, portal


async def test_codes_grow_per_agency_and_day() -> None:
    """<agency>-<yyyyMMdd>-<7 digits>; a procedure's code is that of the configured agency; the day is Vietnam's."""
    clock = Clock()
    async with portal(clock=clock, agency="G22.1", token_seconds=1e6) as caller:
        asked = ["G09.20", "G09.20", "G09", "1.005129", "G22.1", "1.005129.H56"]
        assert [await caller.code(of) for of in asked] == [
            "G09.20-20261122-0000001",
            "G09.20-20261122-0000002",
            "G09-20261122-0000001",
            "G22.1-20261122-0000001",
            "G22.1-20261122-0000002",
            "G22.1-20261122-0000003",
        ]
        clock.now = NOW + 86_400
        assert await caller.code() == "G09.20-20261123-0000001"
        issued = (await caller.memory())["issued"]
        assert len(issued) == 7
        assert issued["G22.1-20261122-0000001"] == {"for": "1.005129", "agency": "G22.1", "day": "20261122", "serial": 1}
        call = await caller.last_call()
        assert call["effect"] is True and call["codes"] == ["G09.20-20261123-0000001"]


async def test_no_code_is_issued_twice() -> None:
    """Not to a hundred calls at once."""
    async with portal(first_serial=92_637) as caller:
        codes = await asyncio.gather(*(caller.code() for _ in range(100)))
        assert len(set(codes)) == 100 and min(codes) == "G09.20-20261122-0092637"


@pytest.mark.parametrize("asked", [None, "", "g09", "000.00.00.G22", "G09.", "1.0051", "G09.TOOLONG", f"G09{'.AAAAA' * 6}"])
async def test_what_is_no_agency_and_no_procedure_is_refused(asked: str | None) -> None:
    """400 that names the parameter; nothing is issued."""
    async with portal() as caller:
        status, told = await caller.get("/GetNextValue", **({} if asked is None else {"code": asked}))
        assert status == 400 and told["message"].startswith("code ")
        assert (await caller.memory())["issued"] == {}


async def test_it_is_asked_by_get_or_by_post() -> None:
    """Either way, or one of them only."""
    async with portal() as caller:
        assert (await caller.post("/GetNextValue", {"code": "G09"}))[1] == {"value": "G09-20261122-0000001"}
        assert await caller.code("G09") == "G09-20261122-0000002"
    async with portal(next_value_by="get") as caller:
        assert (await caller.post("/GetNextValue", {"code": "G09"}))[0] == 405
    async with portal(next_value_by="post") as caller:
        assert (await caller.get("/GetNextValue", code="G09"))[0] == 405
        assert (await caller.post("/GetNextValue", {"code": "G09"}))[1] == {"value": "G09-20261122-0000001"}
        for body in ([], {"code": 1}, {}):
            assert (await caller.post("/GetNextValue", body))[0] == 400


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ({}, {"value": "G09-20261122-0000001"}),
        ({"next_value_answer": "wrapped"}, {"code": 0, "message": "", "data": {"value": "G09-20261122-0000001"}}),
        (
            {"next_value_answer": "wrapped", "ok_code": 200},
            {"code": 200, "message": "", "data": {"value": "G09-20261122-0000001"}},
        ),
    ],
)
async def test_the_value_is_flat_or_wrapped(config: dict[str, Any], told: dict[str, Any]) -> None:
    """{"value"} alone, or under data."""
    async with portal(**config) as caller:
        assert (await caller.get("/GetNextValue", code="G09"))[1] == told
