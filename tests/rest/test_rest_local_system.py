"""The connector and the simulated one-stop system, neither of which knows the other but by its settings and its description."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from connectors.rest.config import RestConfig
from connectors.rest.connector import Rest
from connectors.rest.simulator import LocalSystem
from connectors.rest.simulator_config import LocalSystemConfig
from connectors.rest.specimen import local_system
from hub.connector import ConnectorContext, Found
from hub.errors import InDoubt, Rejected, Transient
from hub.message import Message, system_clock
from hub.testing import serve
from rest.partner import Try
from rest.partner import message as any_message

CODE, KEY = "000.00.10.H22-261121-0001", "khoa"


def message(state: str = "new", code: str = CODE, procedure: str = "1.001193") -> Message:
    body = {
        "code": code, "procedure_code": procedure, "state": state, "filed_at": "2026-11-21T07:45:00+07:00",
        "owner_kind": "citizen", "owner_name": "Trần Thị Mẫu",
    }  # fmt: skip
    return any_message(body, "one-stop-filing@1.0.0", {"national": code})


@contextlib.asynccontextmanager
async def world(folder: Path, key: str = KEY, **config: Any) -> AsyncIterator[tuple[LocalSystem, Rest, str]]:
    simulator = LocalSystem(LocalSystemConfig(api_key=KEY, **config), folder / "state.jsonl")
    running = await serve(simulator)
    it = Rest(RestConfig.model_validate(local_system(running.url, key)), ConnectorContext("local", system_clock))
    await it.open()
    try:
        yield simulator, it, running.url
    finally:
        await it.close()
        await running.close()


async def plant(url: str, **rule: Any) -> None:
    async with aiohttp.ClientSession() as session, session.post(f"{url}/_control/faults", json=rule) as answer:
        assert answer.status == 201


async def test_a_filing_gets_a_number_of_the_system_and_keeps_it(tmp_path: Path) -> None:
    async with world(tmp_path) as (system, rest, _):
        await rest.check()
        first = await rest.send(message(), Try())
        assert (first.reference, first.ids) == ("LS-000001", {"local-system": "LS-000001"})
        assert (await rest.send(message("withdrawn"), Try())).reference == "LS-000001"
        assert (await rest.send(message(code="000.00.10.H22-261121-0002"), Try())).reference == "LS-000002"
        with pytest.raises(Rejected, match="adopt or hold"):
            await rest.send(message("withdrawn"), Try())
        assert (await rest.send(message("withdrawn"), Try(may_update=True))).reference == "LS-000001"
    async with world(tmp_path) as (system, rest, _):  # it remembers
        assert system.state()["filings"][CODE]["states"] == ["new", "withdrawn"]


async def test_what_it_refuses_is_told_by_its_own_code_without_the_person(tmp_path: Path) -> None:
    async with world(tmp_path, procedures=("1.001193",), quote_values=True) as (_, rest, _):
        with pytest.raises(Rejected) as told:
            await rest.send(message(procedure="9.999999"), Try())
        assert told.value.code == "unknown_procedure" and "Trần" not in str(told.value)


async def test_a_wrong_key_is_the_endpoints_trouble_and_no_messages(tmp_path: Path) -> None:
    async with world(tmp_path, key="wrong") as (_, rest, _):
        for asked in (rest.check(), rest.send(message(), Try())):
            with pytest.raises(Transient) as told:
                await asked
            assert told.value.code == "account"


@pytest.mark.parametrize(("fault", "there"), [("reset_after", True), ("half_answer", True), ("reset_before", False)])
async def test_a_doubt_is_settled_by_asking(tmp_path: Path, fault: str, there: bool) -> None:
    async with world(tmp_path) as (system, rest, url):
        await plant(url, service="file", fault=fault)
        attempt = Try()
        with pytest.raises(InDoubt):
            await rest.send(message(), attempt)
        assert await rest.find(message(), attempt) == (Found(True, "LS-000001") if there else None)
        assert [one["effect"] for one in system.calls.as_list(service="file")] == [there]
        if there:
            assert await rest.find(message("withdrawn"), attempt) == Found(holds=False)
