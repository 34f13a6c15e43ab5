"""The simulated population registry behind a province's LGSP: tokens, proofs, and SOAP carried in JSON."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from population.registry import LOOK_UP, VERIFY, Told, basic, envelope, fields, lgsp_access_token, registry

# --- through the LGSP ------------------------------------------------------------------------------------------------


async def test_the_facade_carries_soap_in_json() -> None:
    """With a token, the account and the officer's key, the envelope comes as text in message with error_code 0."""
    async with registry() as caller:
        token = await caller.bearer()
        status, answer = await caller.facade(accessToken=token)
        assert status == 200 and answer["error_code"] == 0 and set(answer) == {"error_code", "message"}
        assert answer["message"].startswith("<soapenv:Envelope") and len(Told(200, answer["message"]).people) == 1
        _, answer = await caller.facade(accessToken=token, data=envelope(fields(MaTichHop="003"), VERIFY))
        assert Told(200, answer["message"]).exists == "true"
        _, answer = await caller.facade(accessToken=token, data=envelope(fields(HoVaTen="AI")))
        assert Told(200, answer["message"]).people == []
        assert {asked["via"] for asked in await caller.questions()} == {"lgsp"}


async def test_the_facade_does_not_want_the_platforms_headers() -> None:
    """X-Road-Client, ApiKey and the rest belong to the direct way; here JSON is asked for."""
    async with registry() as caller:
        body = json.dumps({"data": envelope(fields())})
        status, text, _ = await caller.post(body, {"Content-Type": "text/plain"}, "/lgsp/dancu")
        assert status == 400 and json.loads(text)["error_code"] == -1
        for broken in ("[]", "{", "{}", '{"data": 1}'):
            assert (await caller.post(broken, {"Content-Type": "application/json"}, "/lgsp/dancu"))[0] == 400


@pytest.mark.parametrize(
    ("word", "switch", "changes"),
    [
        ("access_token", "check_access_token", {"accessToken": ...}),
        ("access_token", "check_access_token", {"accessToken": "Bearer unknown"}),
        ("access_token", "check_access_token", {"accessToken": 1}),
        ("lgsp_access_token", "check_lgsp_access_token", {"lgspAccessToken": ...}),
        ("lgsp_access_token", "check_lgsp_access_token", {"lgspAccessToken": "not base64"}),
        ("lgsp_access_token", "check_lgsp_access_token", {"lgspAccessToken": lgsp_access_token(SecretKey="x")}),
        ("auth_hash", "check_auth_hash", {"AuthHash": ...}),
        ("auth_hash", "check_auth_hash", {"AuthHash": base64.b64encode(b"simulated:x").decode()}),
        ("auth_hash", "check_auth_hash", {"AuthHash": base64.b64encode(b"somebody:simulated").decode()}),
    ],
)
async def test_each_proof_of_the_facade_is_checked(word: str, switch: str, changes: dict[str, Any]) -> None:
    """A proof that is missing or wrong is an error_code and no question; each check can be switched off."""
    async with registry() as caller:
        status, answer = await caller.facade(**({"accessToken": await caller.bearer()} | changes))
        assert status == 200 and answer["error_code"] == -1 and "<" not in answer["message"]
        assert (await caller.last_call())["outcome"] == word and await caller.questions() == []
    async with registry(**{switch: False}) as caller:
        _, answer = await caller.facade(**({"accessToken": await caller.bearer()} | changes))
        assert answer["error_code"] == 0
    async with registry(lgsp_refusal="http_401", lgsp_refusal_code=900901, error_code_form="string") as caller:
        status, answer = await caller.facade(**({"accessToken": await caller.bearer()} | changes))
        assert status == 401 and answer["error_code"] == "900901"


async def test_a_token_needs_its_scheme() -> None:
    """accessToken is "Bearer " and the token, not the token alone."""
    async with registry() as caller:
        token = (await caller.token())[1]["access_token"]
        for given in (token, f"Basic {token}"):
            assert (await caller.facade(accessToken=given))[1]["error_code"] == -1


async def test_the_tokens_may_stand_in_headers() -> None:
    """lgsp_tokens_in: header wants Authorization and lgspaccesstoken; either takes both ways."""
    for place, in_header, in_body in [("header", 0, -1), ("body", -1, 0), ("either", 0, 0)]:
        async with registry(lgsp_tokens_in=place) as caller:
            token = await caller.bearer()
            sent = {"Authorization": token, "lgspaccesstoken": lgsp_access_token()}
            assert (await caller.facade(sent, lgspAccessToken=...))[1]["error_code"] == in_header
            assert (await caller.facade(accessToken=token))[1]["error_code"] == in_body


async def test_tokens_are_issued_in_both_styles() -> None:
    """WSO2's Basic and HCM's lgspaccesstoken header; a wrong account or another grant gets no token."""
    hcm, wso2 = {"lgspaccesstoken": lgsp_access_token()}, {"Authorization": basic("simulated", "simulated")}
    wrong = {"lgspaccesstoken": lgsp_access_token(AppName="x"), "Authorization": basic("simulated", "x")}
    for style, given in [("basic", (200, 401)), ("lgspaccesstoken", (401, 200)), ("either", (200, 200))]:
        async with registry(token_by=style) as caller:
            assert ((await caller.token(wso2))[0], (await caller.token(hcm))[0]) == given
            assert (await caller.token(wrong))[0] == (await caller.token({}))[0] == 401
    async with registry() as caller:
        told = (await caller.token())[1]
        assert told.pop("access_token") and told == {"scope": "default", "token_type": "Bearer", "expires_in": 3600}
        assert (await caller.token(grant="password"))[0] == 400


async def test_tokens_end_by_age_by_control_and_by_fault() -> None:
    """An ended token is refused like an unknown one; a new one works."""
    async with registry(token_seconds=60) as caller:
        token = await caller.bearer()
        caller.clock[0] += 59
        assert (await caller.facade(accessToken=token))[1]["error_code"] == 0
        caller.clock[0] += 1
        assert (await caller.facade(accessToken=token))[1]["error_code"] == -1
        token = await caller.bearer()
        assert (await caller.control("POST", "expire-tokens"))["ended"] == 2
        assert (await caller.facade(accessToken=token))[1]["error_code"] == -1
        token = await caller.bearer()
        await caller.fault("session_expired", service=LOOK_UP)
        assert (await caller.facade(accessToken=token))[1]["error_code"] == -1
        assert (await caller.facade(accessToken=token))[1]["error_code"] == -1
        assert (await caller.facade(accessToken=await caller.bearer()))[1]["error_code"] == 0
    async with registry(token_seconds=None) as caller:
        token = await caller.bearer()
        caller.clock[0] += 1e7
        assert (await caller.facade(accessToken=token))[1]["error_code"] == 0


async def test_a_fault_behind_the_facade_is_shown_in_two_ways() -> None:
    """As the envelope with error_code 0, or as an error_code with its words."""
    wrong = envelope(fields(SoDinhDanh="1"))
    async with registry() as caller:
        status, answer = await caller.facade(accessToken=await caller.bearer(), data=wrong)
        assert (status, answer["error_code"]) == (200, 0) and Told(200, answer["message"]).fault == "digits"
    async with registry(lgsp_fault="error_code", lgsp_fault_code=7) as caller:
        status, answer = await caller.facade(accessToken=await caller.bearer(), data=wrong)
        assert (status, answer["error_code"]) == (200, 7) and "<" not in answer["message"]
