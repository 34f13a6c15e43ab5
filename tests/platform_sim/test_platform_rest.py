"""The simulated security server's REST door, seen through HTTP: what goes on, what comes back, whose fault an error is."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
from typing import Any

import pytest
from yarl import URL

from platform_sim.platform_home import CLIENT, GONE, OWNER, SERVICE, platform

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


async def test_a_call_reaches_the_provider_as_it_is() -> None:
    """Method, rest of the path, query, headers and body; and the answer comes back with X-Road's headers beside its own."""
    async with platform() as caller:
        sent = {"X-Road-Id": "id-1", "Content-Type": "application/x-mine", "X-Mine": "a", "X-Road-Request-Hash": "forged"}
        status, told, headers = await caller.rest("/v1/a%2Fb?q=%C3%A1&q=2", "PUT", data=b"body", headers=sent)
        assert (status, told, headers["X-Own"]) == (200, {"ok": True}, "mine")
        ((method, path, got, body),) = caller.provider.got
        assert (method, path, body) == ("PUT", "/base/v1/a%2Fb?q=%C3%A1&q=2", b"body")
        assert (got["Content-Type"], got["X-Mine"], got["X-Road-Client"]) == ("application/x-mine", "a", CLIENT)
        assert (got["X-Road-Id"], got["X-Road-Service"]) == ("id-1", SERVICE) and "X-Road-Request-Hash" not in got
        assert "python" not in got.get("User-Agent", "").lower() and got["Host"] in caller.provider.url
        assert (headers["X-Road-Client"], headers["X-Road-Service"], headers["X-Road-Id"]) == (CLIENT, SERVICE, "id-1")
        assert headers["X-Road-Request-Id"] == got["x-road-request-id"] and UUID.fullmatch(headers["X-Road-Request-Id"])
        call = await caller.last_call()
        assert (call["service"], call["reached"], call["effect"], call["codes"]) == (SERVICE, True, True, ["id-1"])
        (message,) = (await caller.control("GET", "state"))["messages"]
        assert message == {"seq": 1, "at": message["at"], "door": "rest", "service": SERVICE, "client": CLIENT, "id": "id-1"}


async def test_an_id_is_made_when_there_is_none() -> None:
    """X-Road-Id of the answer is then the security server's; another one for each call."""
    async with platform() as caller:
        first, second = [(await caller.rest())[2]["X-Road-Id"] for _ in range(2)]
        assert UUID.fullmatch(first.removeprefix("VN-")) and first != second and second.startswith("VN-")


@pytest.mark.parametrize("body", [b"", b'{"a": 1}'])
async def test_the_request_hash_can_be_computed_by_the_caller(body: bytes) -> None:
    """SHA-512 over method, path and passed headers, and over the body if there is one."""
    async with platform() as caller:
        sent = {"X-Road-Client": CLIENT, "X-Road-Id": "id-1", "Accept": "application/json", "Accept-Encoding": "identity"}
        sent["Content-Type"] = "application/json"
        _, _, told = await caller.send("POST", f"/r1/{SERVICE}/x?y=1", headers=sent, data=body or None)
        lines = ["POST", f"/r1/{SERVICE}/x?y=1", *(f"{name}:{value}" for name, value in sent.items())]
        lines.append(f"x-road-request-id:{told['X-Road-Request-Id']}")
        digest = hashlib.sha512("".join(f"{line}\r\n" for line in lines).encode()).digest()
        if body:
            digest = hashlib.sha512(digest + hashlib.sha512(body).digest()).digest()
        assert told["X-Road-Request-Hash"] == base64.b64encode(digest).decode()
    async with platform(request_hash="absent") as caller:
        assert "X-Road-Request-Hash" not in (await caller.rest())[2]
    async with platform(request_hash="wrong") as caller:
        assert len({(await caller.rest(data=data))[2]["X-Road-Request-Hash"] for data in (b"a", b"b")}) == 1


@pytest.mark.parametrize("status", [204, 302, 400, 404, 503])
async def test_a_providers_own_answer_is_not_x_roads(status: int) -> None:
    """Its status, a redirect too, comes through without X-Road-Error; X-Road headers that it forges do not."""
    async with platform() as caller:
        caller.provider.status, caller.provider.body = status, b""
        caller.provider.headers = {"Location": "http://127.0.0.1:9/", "X-Road-Error": "forged", "x-road-id": "forged"}
        got, _, headers = await caller.rest(headers={"X-Road-Id": "id-1"})
        assert got == status and headers["Location"] == "http://127.0.0.1:9/"
        assert "X-Road-Error" not in headers and headers["X-Road-Id"] == "id-1"


async def _refused(caller: Any, path: str, client: str | None) -> tuple[int, str]:
    headers = {"X-Road-Client": client} if client is not None else {}
    status, told, headers = await caller.send("GET", path, headers=headers)
    assert told["type"] == headers["X-Road-Error"] and UUID.fullmatch(told["detail"]) and told["message"]
    assert caller.provider.got == [] and (await caller.last_call())["reached"] is False
    return status, told["type"]


@pytest.mark.parametrize("client", [None, "", "VN/GOV", "VN/GOV/a/b/c", "VN//a/b"])
async def test_the_client_must_be_named(client: str | None) -> None:
    """X-Road-Client with three or four parts; else it is the caller's fault."""
    async with platform() as caller:
        assert await _refused(caller, f"/r1/{SERVICE}", client) == (400, "Client.BadRequest")


async def test_a_client_named_twice_is_not_named() -> None:
    """Even when both are right."""
    async with platform() as caller:
        twice = [("X-Road-Client", CLIENT), ("X-Road-Client", CLIENT)]
        assert (await caller.send("GET", f"/r1/{SERVICE}", headers=twice))[0] == 400


@pytest.mark.parametrize(
    ("path", "client", "code"),
    [
        (f"/r1/{OWNER}", CLIENT, "Client.BadRequest"),
        (f"/r1/{OWNER}//x", CLIENT, "Client.BadRequest"),
        (f"/r1/{SERVICE}", "VN/GOV/000.00.00.H22/other", "Server.ClientProxy.UnknownMember"),
        ("/r1/VN/GOV/nobody/registry/chiTiet", CLIENT, "Server.ClientProxy.UnknownMember"),
        (f"/r1/{OWNER}/other", CLIENT, "Server.ServerProxy.UnknownService"),
        (f"/r1/{OWNER}/denied/x", CLIENT, "Server.ServerProxy.AccessDenied"),
    ],
)
async def test_each_error_has_its_family(path: str, client: str, code: str) -> None:
    """400 for the caller's fault, else 500; the provider was not reached."""
    services = {SERVICE: "http://127.0.0.1:9", f"{OWNER}/denied": "http://127.0.0.1:9"}
    async with platform(clients=[CLIENT], services=services, denied=[f"{OWNER}/denied"]) as caller:
        assert await _refused(caller, path, client) == (400 if code.startswith("Client.") else 500, code)


async def test_identifiers_are_percent_encoded() -> None:
    """Parts are decoded to find the service and the client, and encoded again in the answer."""
    async with platform(clients=["VN/GOV/Sở A/hub"]) as caller:
        headers = {"X-Road-Client": "VN/GOV/S%E1%BB%9F%20A/hub"}
        path = URL(f"{caller.url}/r1/{OWNER}/chi%54iet", encoded=True)
        async with caller.http.get(path, headers=headers) as answer:
            status, told = answer.status, answer.headers
        assert status == 200 and told["X-Road-Client"] == "VN/GOV/S%E1%BB%9F%20A/hub" and told["X-Road-Service"] == SERVICE


async def test_a_provider_that_is_down_or_vanishes() -> None:
    """Not connected: NetworkError and not reached; connected and no answer, or too late: ServiceFailed and reached."""
    async with platform(services={SERVICE: "http://127.0.0.1:9"}) as caller:
        status, told, _ = await caller.rest()
        assert (status, told["type"]) == (500, "Server.ServerProxy.NetworkError")
        assert (await caller.last_call())["reached"] is False
    async with platform() as caller:
        caller.provider.vanish = True
        for method in ("GET", "PUT"):
            status, told, headers = await caller.rest(method=method)
            assert (status, headers["X-Road-Error"]) == (500, "Server.ServerProxy.ServiceFailed")
            assert (await caller.last_call())["reached"] is True
        assert len(caller.provider.got) == 2


@pytest.mark.parametrize(
    "code", ["Client.BadRequest", "Server.ClientProxy.OutdatedGlobalConf", "Server.ServerProxy.InternalError"]
)
@pytest.mark.parametrize("stage", ["before", "after"])
async def test_any_error_can_be_planted_before_or_after_the_provider(code: str, stage: str) -> None:
    """Each family, at either stage; the log tells whether the provider was reached; the next call goes through."""
    async with platform() as caller:
        match = {"stage": stage} if stage == "after" else {}
        await caller.fault("refuse", service=SERVICE, code=code, message="Bị từ chối", match=match)
        status, told, headers = await caller.rest()
        assert (status, told["type"], told["message"]) == (400 if code.startswith("Client") else 500, code, "Bị từ chối")
        call = await caller.last_call()
        assert len(caller.provider.got) == (stage == "after") == call["reached"] == call["effect"]
        assert (await caller.rest())[0] == 200 and headers["X-Road-Error"] == code


@pytest.mark.parametrize(("fault", "reached"), [("reset_before", 0), ("reset_after", 1), ("half_answer", 1)])
async def test_the_connection_breaks_before_or_after_the_provider(fault: str, reached: int) -> None:
    """A call that is turned away does not use up a fault that strikes later."""
    async with platform() as caller:
        await caller.fault(fault)
        if reached:
            assert (await caller.send("GET", f"/r1/{SERVICE}"))[0] == 400
        with pytest.raises(GONE):
            await caller.rest()
        assert len(caller.provider.got) == reached and (await caller.last_call())["reached"] is bool(reached)


async def test_a_held_call_is_let_go() -> None:
    """With effect: after, the provider is reached only when the call is released."""
    async with platform() as caller:
        await caller.fault("hold", effect="after")
        waiting = asyncio.ensure_future(caller.rest())
        await caller.control("GET", "held?count=1&wait=20")
        assert caller.provider.got == []
        await caller.control("POST", "release")
        assert (await waiting)[0] == 200 and len(caller.provider.got) == 1
        await caller.fault("session_expired")
        assert (await caller.rest())[1]["type"] == "Server.ClientProxy.SslAuthenticationFailed"
