"""The simulated platform's adapter and gateway, its memory and its settings, seen through HTTP."""

from __future__ import annotations

import json
import os
import re
import signal
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml
from pydantic import ValidationError
from simulator_process import simulator

from connectors.platform.simulator import PlatformSimulator
from connectors.platform.simulator_config import PlatformConfig
from hub.errors import BadConfig
from hub.testing import load_simulator
from platform_sim.platform_home import CLIENT, DSTCODE, FIVE, SERVICE, lgsp_access_token, platform

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "connectors" / "platform" / "SIMULATOR.md").read_text(encoding="utf-8")
XRD, VXP = "/XrdAdapter/RestService/forward", "/VXPAdapter/RestService/forward"


@pytest.mark.parametrize("adapter", [XRD, VXP])
async def test_the_adapter_forwards_to_the_member(adapter: str) -> None:
    """dstcode as a header or in the query; the rest of path and query goes on as written, both parameters do not."""
    async with platform() as caller:
        query = f"a=%C3%A1&dstcode={DSTCODE.replace(':', '%3A')}&providerurl=http%3A%2F%2Fbackend.invalid&b=2"
        status, told, _ = await caller.send("POST", f"{adapter}/mapi/g?{query}", data=b"{}", headers={"X-Mine": "a"})
        assert status == 200 and told == {"ok": True}
        await caller.send("POST", f"{adapter}/mapi/login", data=b"1", headers={"dstcode": DSTCODE})
        await caller.send("GET", adapter, headers={"dstcode": DSTCODE})
        assert [(method, path) for method, path, *_ in caller.provider.got] == [
            ("POST", "/mapi/g?a=%C3%A1&b=2"), ("POST", "/mapi/login"), ("GET", "/"),
        ]  # fmt: skip
        assert "dstcode" not in caller.provider.got[1][2] and caller.provider.got[0][2]["X-Mine"] == "a"
        call = await caller.last_call()
        assert (call["door"], call["service"], call["reached"]) == ("adapter", DSTCODE, True)


@pytest.mark.parametrize(
    ("place", "header", "query", "word"),
    [
        ("either", None, None, "no_dstcode"),
        ("either", "VN:GOV:x:y", None, "unknown_dstcode"),
        ("either", DSTCODE, "VN:GOV:x:y", "no_dstcode"),
        ("either", DSTCODE, DSTCODE, ""),
        ("header", None, DSTCODE, "no_dstcode"),
        ("query", DSTCODE, None, "no_dstcode"),
        ("header", DSTCODE, None, ""),
        ("query", None, DSTCODE, ""),
    ],
)
async def test_the_dstcode_stands_where_it_should(place: str, header: str | None, query: str | None, word: str) -> None:
    """An unknown one, none, or two that differ: 404 of the adapter itself, and the member is not reached."""
    async with platform(dstcode_in=place) as caller:
        headers, more = ({"dstcode": header} if header else {}), ({"dstcode": query} if query else {})
        status, told, _ = await caller.send("POST", f"{XRD}/x", headers=headers, params=more)
        assert status == (404 if word else 200) and told.get("error_code", "") == word
        assert len(caller.provider.got) == (not word) == (await caller.last_call())["reached"]


async def test_providerurl_leads_to_this_computer_only() -> None:
    """A dstcode without an address of its own uses the call's providerurl; elsewhere is refused."""
    async with platform(dstcodes={DSTCODE: None}) as caller:
        headers = {"dstcode": DSTCODE}
        url = f"{caller.provider.url}/backend"
        assert (await caller.send("GET", f"{XRD}/x", headers=headers, params={"providerurl": url}))[0] == 200
        assert caller.provider.got[0][1] == "/backend/x"
        for elsewhere in ("http://example.invalid", "https://127.0.0.1", "http://[", "file:///etc/passwd", ""):
            status, told, _ = await caller.send("GET", f"{XRD}/x", headers=headers, params={"providerurl": elsewhere})
            assert (status, told["error_code"]) == (404, "providerurl")
    async with platform(providerurl="required") as caller:
        assert (await caller.send("GET", f"{XRD}/x", headers={"dstcode": DSTCODE}))[1]["error_code"] == "providerurl"


async def test_the_adapters_own_errors() -> None:
    """502 when the member is not there, 504 when its answer is lost, and any planted one before or after it."""
    headers = {"dstcode": DSTCODE}
    async with platform(dstcodes={DSTCODE: "http://127.0.0.1:9"}) as caller:
        assert (await caller.send("POST", f"{XRD}/x", headers=headers))[0] == 502
    async with platform() as caller:
        await caller.fault("refuse", code="down", service=DSTCODE)
        assert (await caller.send("POST", f"{XRD}/x", headers=headers))[1]["error_code"] == "down"
        await caller.fault("html_500", match={"door": "adapter"})
        assert (await caller.send("POST", f"{XRD}/x", headers=headers))[0] == 500 and caller.provider.got == []
        caller.provider.vanish = True
        assert (await caller.send("POST", f"{XRD}/x", headers=headers))[0] == 504


async def test_the_gateway_needs_its_token() -> None:
    """A bearer token in force, which the provider is not shown; without one 401."""
    async with platform(token_seconds=60) as caller:
        bearer = await caller.bearer()
        assert (await caller.send("GET", "/api/1.0/x?y=1", headers=bearer))[0] == 200
        ((_, path, got, _),) = caller.provider.got
        assert path == "/api/x?y=1" and "Authorization" not in got
        for headers in ({}, {"Authorization": "Bearer unknown"}):
            assert (await caller.send("GET", "/api/1.0/x", headers=headers))[1]["fault"]["code"] == 900901
        await caller.fault("session_expired", service="/api/1.0")
        assert [(await caller.send("GET", "/api/1.0", headers=bearer))[0] for _ in range(2)] == [401, 401]
        bearer = await caller.bearer()
        caller.clock[0] += 60
        assert (await caller.send("GET", "/api/1.0", headers=bearer))[0] == 401
        assert (await caller.control("POST", "expire-tokens"))["ended"] == 1 and len(caller.provider.got) == 1
        assert (await caller.send("GET", "/api/1.01"))[0] == 404


@pytest.mark.parametrize("name", FIVE)
async def test_lgspaccesstoken_may_be_needed(name: str) -> None:
    """At the gateway, and at the adapter if it asks for tokens."""
    async with platform(check_lgsp_access_token=True, adapter_tokens=True) as caller:
        bearer = await caller.bearer()
        for path, more in (("/api/1.0/x", {}), (f"{XRD}/x", {"dstcode": DSTCODE})):
            right = bearer | more | {"lgspaccesstoken": lgsp_access_token()}
            assert (await caller.send("GET", path, headers=right))[0] == 200
            wrong = {"lgspaccesstoken": lgsp_access_token(**{name: "x"})}
            assert (await caller.send("GET", path, headers=right | wrong))[0] == 401
            assert (await caller.send("GET", path, headers=right | {"Authorization": ""}))[0] == 401
        assert len(caller.provider.got) == 2


async def test_it_remembers_what_it_sent_on(tmp_path: Path) -> None:
    """As a process of its own: messages outlive a SIGKILL; a damaged file is refused."""
    state, config = tmp_path / "state.jsonl", tmp_path / "config.yaml"
    config.write_text(yaml.safe_dump({"services": {SERVICE: "http://127.0.0.1:9"}}), encoding="utf-8")
    arguments = ("connectors.platform.simulator", "--state", str(state), "--config", str(config))
    async with aiohttp.ClientSession() as http:
        with simulator(*arguments) as (child, url):
            async with http.get(f"{url}/r1/{SERVICE}", headers={"X-Road-Client": CLIENT, "X-Road-Id": "id-1"}) as answer:
                assert answer.status == 500
            os.kill(child.pid, signal.SIGKILL)
            child.wait(10)
        with simulator(*arguments) as (child, url):
            async with http.get(f"{url}/_control/state") as answer:
                assert [one["id"] for one in (await answer.json())["messages"]] == ["id-1"]
            child.send_signal(signal.SIGTERM)
            assert child.wait(10) == 0
    state.write_text("not a log\n")
    with pytest.raises(BadConfig, match="damaged"):
        PlatformSimulator(PlatformConfig(), state)


@pytest.mark.parametrize(
    "options",
    [
        {"services": {SERVICE: "http://example.invalid"}},
        {"services": {SERVICE: "https://127.0.0.1"}},
        {"services": {"VN/GOV/x": "http://127.0.0.1:9"}},
        {"dstcodes": {"x": None}},
        {"dstcodes": {DSTCODE: "http://10.0.0.1"}},
        {"apis": {"/r1/x": "http://127.0.0.1:9"}},
        {"apis": {"/token": "http://127.0.0.1:9"}},
        {"apis": {"/": "http://127.0.0.1:9"}},
        {"soap_path": "/_control"},
        {"unknown": 1},
    ],
)
def test_a_configuration_that_cannot_work_is_refused(options: dict[str, Any]) -> None:
    """Addresses elsewhere, names that are none, paths that clash, unknown keys."""
    with pytest.raises(ValidationError):
        PlatformConfig.model_validate(options)


def test_it_is_installed_and_every_setting_is_described() -> None:
    """``hub simulate platform`` finds it; each field says what it is for; the page names each, and its examples can be used."""
    assert load_simulator("platform") is PlatformSimulator
    schema = PlatformConfig.model_json_schema()
    for model in (schema, *schema["$defs"].values()):
        assert all(field.get("description") for field in model.get("properties", {}).values())
    assert [name for name in schema["properties"] if f"`{name}`" not in PAGE] == []
    (block,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    (rule,) = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    told = PlatformConfig.model_validate(yaml.safe_load(block) | {"faults": [json.loads(rule)]})
    assert len(told.services) == len(told.dstcodes) == len(told.apis) == 1
