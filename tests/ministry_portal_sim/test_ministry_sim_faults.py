"""How the simulated ministry portal fails, and what it remembers when it is killed."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from contextlib import AbstractContextManager
from pathlib import Path
from subprocess import Popen

import aiohttp
import pytest
from simulator_process import simulator

from connectors.ministry_portal.simulator import MinistryPortalSimulator
from connectors.ministry_portal.simulator_config import MinistryPortalSimulatorConfig, SimulatedPaths
from hub.errors import BadConfig
from hub.testing import load_simulator
from ministry_portal_sim.caller import GONE, ROOT, Caller, dossier, portal, state, step


@pytest.mark.parametrize("code", [400, 401, 403, 404, 409, 413, 429, 500, 502, 503])
async def test_every_status_can_be_planted(code: int) -> None:
    """refuse with a code from 400 to 599 is that HTTP status, once, with its words; nothing takes effect."""
    async with portal() as caller:
        made = await caller.code()
        await caller.fault("refuse", service="NoiHoSo", code=code, message="không kết nối được")
        status, told = await caller.post("/NoiHoSo", dossier(made))
        assert (status, told) == (code, {"code": code, "message": "không kết nối được", "data": None})
        assert (await caller.memory())["dossiers"] == {}
        assert (await caller.post("/NoiHoSo", dossier(made)))[0] == 200


async def test_a_business_refusal_can_be_planted() -> None:
    """Another code is told with HTTP 200; a rule may strike one item of an array alone, then the whole array is refused."""
    async with portal() as caller:
        (a, a_id), (b, b_id) = await caller.created(), await caller.created()
        await caller.fault("refuse", match={"MaHoSo": b}, code="LOI_01", times=2)
        assert (await caller.post("/CapNhatTienTrinh", [step(a, a_id)]))[1]["code"] == 0
        status, told = await caller.post("/CapNhatTienTrinh", [step(a, a_id), step(b, b_id)])
        assert (status, told["code"]) == (200, "LOI_01")
        assert len((await caller.memory())["dossiers"][a]["progress"]) == 1
        await caller.fault("refuse", service="token", code=403)
        assert (await caller.post("/token", {}))[0] == 403


@pytest.mark.parametrize(
    ("fault", "status"), [("http_503", 503), ("http_429", 429), ("html_500", 500), ("html_200", 200), ("session_expired", 401)]
)
async def test_faults_at_the_door(fault: str, status: int) -> None:
    """An answer that is not the portal's: nothing takes effect."""
    async with portal() as caller:
        await caller.fault(fault)
        assert (await caller.get("/GetNextValue", code="G09"))[0] == status
        assert (await caller.memory())["issued"] == {} and (await caller.last_call())["fault"] == fault


@pytest.mark.parametrize(("fault", "issued"), [("reset_before", 0), ("reset_after", 1), ("half_answer", 1)])
async def test_faults_of_the_connection(fault: str, issued: int) -> None:
    """A reset before or after a code was issued, or half the answer: the log says which, and which code. By POST, because
    aiohttp's client sends a GET again on its own when the connection is reset."""
    async with portal(next_value_by="post") as caller:
        await caller.fault(fault, service="GetNextValue")
        with pytest.raises(GONE):
            await caller.post("/GetNextValue", {"code": "G09"})
        assert len((await caller.memory())["issued"]) == issued
        call = await caller.last_call()
        assert call["effect"] is bool(issued) and len(call["codes"]) == issued


async def test_a_create_can_be_held_and_dropped() -> None:
    """After its effect: the caller never hears, the dossier is there, and a second create says so."""
    async with portal() as caller:
        code = await caller.code()
        await caller.fault("hold", service="NoiHoSo", match={"MaHoSo": code})
        waiting = asyncio.ensure_future(caller.post("/NoiHoSo", dossier(code)))
        held = (await caller.control("GET", "held?count=1&wait=20"))["held"]
        assert held[0]["codes"] == [code] and held[0]["effect_done"] is True
        await caller.control("POST", "release", {"how": "drop"})
        with pytest.raises(GONE):
            await waiting
        assert (await caller.post("/NoiHoSo", dossier(code)))[1]["code"] == 3


async def test_a_planted_fault_waits_for_a_call_that_may_be_carried_out() -> None:
    """A call without a token does not use up a fault that strikes after the effect."""
    async with portal(next_value_by="post") as caller:
        await caller.fault("reset_after")
        token, caller.headers = caller.headers, {}
        assert (await caller.post("/GetNextValue", {"code": "G09"}))[0] == 401
        caller.headers = token
        with pytest.raises(GONE):
            await caller.post("/GetNextValue", {"code": "G09"})


async def test_a_portal_opened_again_knows_what_it_answered(tmp_path: Path) -> None:
    """The serials go on, a code that was used is used, whoever was told so."""
    kept = tmp_path / "ministry.jsonl"
    async with portal(state_file=kept) as caller:
        code, dossier_id = await caller.created()
        before = await caller.memory()
    async with portal(state_file=kept) as caller:
        assert await caller.memory() == before
        assert await caller.code() == "G09.20-20261122-0000002"
        assert (await caller.post("/NoiHoSo", dossier(code)))[1]["code"] == 3
        assert (await caller.post("/CapNhatTienTrinh", [step(code, dossier_id)]))[1]["code"] == 0


def process(*arguments: str) -> AbstractContextManager[tuple[Popen[str], str]]:
    """The portal as a process of its own."""
    return simulator("connectors.ministry_portal.simulator", *arguments)


async def test_the_memory_survives_a_kill(tmp_path: Path) -> None:
    """Codes, uploads, dossiers, steps, states, feed and files; no code is issued twice; a line cut off is dropped."""
    kept, config = tmp_path / "ministry.jsonl", tmp_path / "config.yaml"
    config.write_text(json.dumps({"check_token": False}))
    arguments = ("--state", str(kept), "--config", str(config))
    async with aiohttp.ClientSession() as http:
        with process(*arguments) as (child, url):
            caller = Caller(url, http)
            (code, dossier_id), spare = await caller.created(), await caller.code()
            await caller.upload(b"content")
            await caller.post("/CapNhatTienTrinh", [step(code, dossier_id)])
            await caller.post("/CapNhatTrangThai", [state(code, dossier_id)])
            await caller.control("POST", "feed", {"MaHoSo": code})
            await caller.control("POST", "files", {"id": "a", "size": 10})
            before = await caller.memory()
            assert all(before.values()) and len(before["issued"]) == 2
            with pytest.raises(BadConfig, match="in_use"):
                MinistryPortalSimulator(MinistryPortalSimulatorConfig(), kept)
            os.kill(child.pid, signal.SIGKILL)
            child.wait()
        with kept.open("a") as file:
            file.write('[{"kind": "issued", "co')
        with process(*arguments) as (child, url):
            caller = Caller(url, http)
            assert await caller.memory() == before
            assert await caller.code() not in before["issued"]
            assert (await caller.post("/NoiHoSo", dossier(spare)))[1]["code"] == 0
            assert (await caller.post("/NoiHoSo", dossier(code)))[1]["code"] == 3
            child.send_signal(signal.SIGTERM)
            assert child.wait(10) == 0
        with process(*arguments) as (child, url):
            assert len((await Caller(url, http).memory())["issued"]) == 3


@pytest.mark.parametrize(
    "line", ["not json", '[{"kind": "other", "code": "x", "object": {}}]', '[{"kind": "status", "code": "x", "object": {}}]']
)
def test_a_damaged_state_is_refused(line: str, tmp_path: Path) -> None:
    """Said at the start, never guessed."""
    kept = tmp_path / "state.jsonl"
    kept.write_text(line + "\n")
    with pytest.raises(BadConfig, match="damaged"):
        MinistryPortalSimulator(MinistryPortalSimulatorConfig(), kept)


@pytest.mark.parametrize(
    "config",
    [
        {"base": "api"},
        {"base": "/_control"},
        {"paths": {"feed": "/NoiHoSo"}},
        {"paths": {"create": "create"}},
        {"paths": {"status": "/_control/status"}},
        {"ok": 1},
    ],
)
def test_a_configuration_that_cannot_work_is_refused(config: dict[str, object]) -> None:
    """Paths that are none, that meet, or that hide the control paths; unknown keys."""
    with pytest.raises(ValueError):
        MinistryPortalSimulatorConfig.model_validate(config)


def test_it_is_installed_under_its_name() -> None:
    """``hub simulate ministry-portal`` finds it."""
    assert load_simulator("ministry-portal") is MinistryPortalSimulator


def test_every_setting_is_described() -> None:
    """Each field says what it is for; the page names each setting and each path."""
    schema = MinistryPortalSimulatorConfig.model_json_schema()
    for model in (schema, *schema["$defs"].values()):
        assert all(field.get("description") for field in model.get("properties", {}).values())
    page = (ROOT / "connectors" / "ministry_portal" / "SIMULATOR.md").read_text(encoding="utf-8")
    short = page.replace("`exists_…`", "")
    assert [name for name in (*schema["properties"], *SimulatedPaths.model_fields) if f"`{name}`" not in short] == []
