"""Who may call the simulated ministry portal: tokens that end, the account's rights, the platform's header."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from ministry_portal_sim.caller import ACCOUNT, NOW, Caller, Clock, portal


async def test_a_token_is_told_wrapped() -> None:
    """{"code","message","data":{access_token, expires_in, token_type, scope}}."""
    async with portal(token_seconds=90) as caller:
        status, told = await caller.post("/token", ACCOUNT)
        assert status == 200 and set(told) == {"code", "message", "data"} and told["code"] == 0
        assert set(told["data"]) == {"access_token", "expires_in", "token_type", "scope"} and told["data"]["expires_in"] == 90
        assert (await caller.last_call())["effect"] is False


async def test_a_token_may_be_told_flat() -> None:
    """As WSO2 tells it."""
    async with portal(token_answer="flat") as caller:
        assert "access_token" in (await caller.post("/token", ACCOUNT))[1]


@pytest.mark.parametrize("body", [{}, [], {**ACCOUNT, "client_secret": "other"}, {**ACCOUNT, "client_id": 1}])
async def test_a_wrong_account_gets_no_token(body: Any) -> None:
    """401, told again as the code."""
    async with portal() as caller:
        status, told = await caller.post("/token", body)
        assert (status, told["code"], told["data"]) == (401, 401, None)
        assert (await caller.last_call())["outcome"] == "account"


async def _asks(caller: Caller, **given: Any) -> int:
    async with caller.http.post(f"{caller.url}/token", **given) as answer:
        return answer.status


@pytest.mark.parametrize("client_as", ["json", "form", "basic", "any"])
async def test_the_account_stands_where_it_is_configured(client_as: str) -> None:
    """In a JSON body, in a form, or as Basic beside a form; elsewhere it does not count."""
    basic = base64.b64encode(b"simulated:simulated").decode()
    form = {"grant_type": "client_credentials"}
    ways: dict[str, dict[str, Any]] = {
        "json": {"json": ACCOUNT},
        "form": {"data": form | ACCOUNT},
        "basic": {"data": form, "headers": {"Authorization": f"Basic {basic}"}},
    }
    async with portal(client_as=client_as, token_answer="flat") as caller:
        for way, given in ways.items():
            assert await _asks(caller, **given) == (200 if client_as in (way, "any") else 401)
        assert await _asks(caller, data=form | {"grant_type": "password"} | ACCOUNT) == 401
        for broken in ("Basic %%%", "Basic c2ltdWxhdGVk", f"Bearer {basic}"):
            assert await _asks(caller, data=form, headers={"Authorization": broken}) == 401


async def test_a_token_ends_with_its_time() -> None:
    """Before: 200; at its end: 401 until the next sign-in."""
    clock = Clock()
    async with portal(clock=clock, token_seconds=60) as caller:
        clock.now = NOW + 59
        assert (await caller.get("/GetNextValue", code="G09"))[0] == 200
        clock.now = NOW + 60
        status, told = await caller.get("/GetNextValue", code="G09")
        assert status == 401
        assert told["code"] == 401 and told["data"] is None
        assert (await caller.last_call())["outcome"] == "token"
        await caller.sign_in()
        assert await caller.code()


async def test_tokens_can_be_ended() -> None:
    """By a control path all of them, by a planted fault the one that calls, by a newer one if configured."""
    async with portal() as caller:
        assert await caller.control("POST", "expire-tokens") == {"ended": 1}
        assert (await caller.get("/feed"))[0] == 401
        await caller.sign_in()
        await caller.fault("session_expired", service="GetNextValue")
        for _ in range(2):
            assert (await caller.get("/GetNextValue", code="G09"))[0] == 401
    for ends, status in ((True, 401), (False, 200)):
        async with portal(new_token_ends_old=ends) as caller:
            await caller.post("/token", ACCOUNT)
            assert (await caller.get("/feed"))[0] == status


async def test_no_token_is_asked_for_when_it_is_not_checked() -> None:
    """check_token off: any call is taken, with none or a foreign one."""
    async with portal(check_token=False) as caller:
        for headers in ({}, {"Authorization": "Bearer foreign"}):
            caller.headers = headers
            assert await caller.code()


async def test_what_the_account_may_do_is_configured() -> None:
    """403 for another operation and for another agency; nothing is issued."""
    async with portal(operations=("GetNextValue", "feed"), agencies=("G09.20",)) as caller:
        assert (await caller.post("/NoiHoSo", {}))[0] == 403
        assert (await caller.get("/GetNextValue", code="G09.21"))[0] == 403
        assert (await caller.last_call())["outcome"] == "no_right"
        assert (await caller.memory())["issued"] == {}
        assert (await caller.get("/feed"))[0] == 200 and await caller.code()


async def test_the_platform_header_is_asked_for_on_every_call() -> None:
    """lgspaccesstoken, on the token call and on the others."""
    async with portal(lgsp_access_token="abc") as caller:
        assert (await caller.post("/token", ACCOUNT))[0] == 401
        _, told = await caller.post("/token", ACCOUNT, lgspaccesstoken="abc")
        caller.headers["Authorization"] = f"Bearer {told['data']['access_token']}"
        assert (await caller.get("/feed"))[0] == 401
        assert (await caller.last_call())["outcome"] == "lgsp_access_token"
        caller.headers["lgspaccesstoken"] = "abc"
        assert (await caller.get("/feed"))[0] == 200
