"""X-Road as a transport: what a security server gets, whose fault its errors are, and that an answer is one to our request.

The security server here is one of ours, made of the specification alone: it hashes the request as it came over the wire.
"""

from __future__ import annotations

import base64
import hashlib
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from wire_stand_in import Asked, MovableClock, StandIn, settings, stand_in

from hub.console.reasons import vietnamese
from hub.errors import AccountRefused, DeliveryError, InDoubt, NotConnected, Rejected, Transient
from hub.wire import HttpEndpoint
from hub.wire.x_road import fault

CLIENT, SERVICE = "VN/GOV/000.00.00.H22/dvc", "VN/GOV/000.00.00.G22/portal/dossiers"
REQUEST_ID = "f92591a3-6bf0-49b1-987b-0dd78c034cc3"
PERSON = "Nguyễn Thị Canary"
DROPPED = {"host", "user-agent", "connection", "content-length", "transfer-encoding"}
NO_HOST = "Connect to 10.0.0.1:8080 [/10.0.0.1] failed: Connection refused"
NO_TARGET = "Could not connect to any target host ([https://10.0.0.2:5500/])"


def hashed(asked: Asked, *, with_body: bool, request_id: str | None = REQUEST_ID) -> str:
    """As the provider's security server computes it, of the bytes that came."""
    head = f"{asked.method}\r\n{asked.path}\r\n"
    head += "".join(f"{name}:{value}\r\n" for name, value in asked.raw if name.lower() not in DROPPED)
    head += f"x-road-request-id:{request_id}\r\n" if request_id else ""
    digest = hashlib.sha512(head.encode()).digest()
    if with_body:
        digest = hashlib.sha512(digest + hashlib.sha512(asked.body).digest()).digest()
    return base64.b64encode(digest).decode()


class SecurityServer:
    """Answers as the provider would, with X-Road's headers; ``change`` says what a test wants otherwise."""

    def __init__(self) -> None:
        self.change: dict[str, str | None] = {}
        self.error: tuple[str, str] | None = None

    async def reply(self, asked: Asked) -> web.Response:
        if self.error is not None:
            code, message = self.error
            status = 400 if code.startswith("Client") else 500
            said = {"type": code, "message": f"{message}", "detail": str(uuid.uuid4())}
            return web.json_response(said, status=status, headers={"X-Road-Error": code})
        headers: dict[str, str | None] = {
            "X-Road-Id": asked.headers["X-Road-Id"], "X-Road-Client": asked.headers["X-Road-Client"],
            "X-Road-Service": SERVICE, "X-Road-Request-Id": REQUEST_ID,
            "X-Road-Request-Hash": hashed(asked, with_body=bool(asked.body)),
        }  # fmt: skip
        told = {name: value for name, value in (headers | self.change).items() if value is not None}
        return web.json_response({"ok": True}, headers=told)


@asynccontextmanager
async def through(server: SecurityServer, **more: Any) -> AsyncIterator[tuple[StandIn, HttpEndpoint]]:
    async with stand_in(server.reply) as at:
        way = {"by": "x-road", "security_server": at.url, "client": CLIENT, "service": SERVICE, **more}
        it = HttpEndpoint(settings(reached=way), MovableClock())
        await it.open()
        yield at, it
        await it.close()


async def post(it: HttpEndpoint, effect: bool = True, body: Any = b'{"a":1}') -> Any:
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    return await it.call("POST", "https://partner.invalid/v1/dossiers?x=1", effect=effect, body=body, headers=headers)


# ── what goes out, and the answer to it
@pytest.mark.parametrize("body", [b'{"a":1}', None, "stream"])
async def test_a_call_goes_to_the_service_and_its_answer_is_proved_to_be_one_to_it(body: Any) -> None:
    """The hash is compared with that of what was really written, whatever the HTTP library added to it."""

    async def stream() -> AsyncIterator[bytes]:
        yield b"a" * 70_000
        yield b"b"

    async with through(SecurityServer(), user_id="VN012") as (at, it):
        for _ in range(2):
            answer = await post(it, body=stream if body == "stream" else body)
        first, second = at.asked
    assert answer.status == 200
    assert first.path == "/r1/VN/GOV/000.00.00.G22/portal/dossiers/v1/dossiers?x=1"
    assert (first.headers["X-Road-Client"], first.headers["X-Road-UserId"]) == (CLIENT, "VN012")
    assert uuid.UUID(first.headers["X-Road-Id"]) != uuid.UUID(second.headers["X-Road-Id"])


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"X-Road-Request-Hash": base64.b64encode(hashlib.sha512(b"other").digest()).decode()}, "x_road_request_hash"),
        ({"X-Road-Request-Hash": "nonsense"}, "x_road_request_hash"),
        ({"X-Road-Request-Id": "another"}, "x_road_request_hash"),
        ({"X-Road-Id": "another"}, "x_road_id"),
    ],
)
async def test_an_answer_to_another_request_is_not_taken(change: dict[str, str | None], code: str) -> None:
    """What ours did is unknown then."""
    server = SecurityServer()
    server.change = change
    async with through(server) as (_, it):
        with pytest.raises(InDoubt) as doubt:
            await post(it)
        with pytest.raises(Transient) as lost:
            await post(it, effect=False)
    assert (doubt.value.code, lost.value.code) == (code, code)
    assert vietnamese(doubt.value.reason) is not None


@pytest.mark.parametrize("missing", ["X-Road-Request-Hash", "X-Road-Id"])
async def test_what_is_not_told_is_not_compared(missing: str) -> None:
    """Older security servers leave headers out."""
    server = SecurityServer()
    server.change = {missing: None}
    async with through(server) as (_, it):
        assert (await post(it)).status == 200


async def test_the_comparison_can_be_switched_off() -> None:
    """For a proxy in between that changes headers; the id is compared as ever."""
    server = SecurityServer()
    server.change = {"X-Road-Request-Hash": "nonsense"}
    async with through(server, check_request_hash=False) as (_, it):
        assert (await post(it)).status == 200


async def test_an_answer_that_is_not_compared_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The proof above goes red for an endpoint that takes any answer."""
    monkeypatch.setattr("hub.wire.http.check_rest_answer", lambda *_: None)
    server = SecurityServer()
    server.change = {"X-Road-Request-Hash": "nonsense"}
    async with through(server) as (_, it):
        assert (await post(it)).status == 200


async def test_an_error_of_the_partners_own_is_an_answer() -> None:
    """Without X-Road-Error the status is the partner's, to be judged by the connector."""

    async def reply(asked: Asked) -> web.Response:
        return web.json_response({"error": "no"}, status=500, headers={"X-Road-Id": asked.headers["X-Road-Id"]})

    server = SecurityServer()
    server.reply = reply  # type: ignore[method-assign]
    async with through(server) as (_, it):
        assert (await post(it)).status == 500


# ── whose fault
TABLE: list[tuple[str, str, type[DeliveryError], type[DeliveryError]]] = [
    # fault code, message, with effect, without
    ("Client.InvalidBody", "", Rejected, Rejected),
    ("Client.MissingSoap", "", Rejected, Rejected),
    ("Client.BadRequest", "", AccountRefused, AccountRefused),
    ("Client.SslAuthenticationFailed", "", AccountRefused, AccountRefused),
    ("Client.InternalError", "", AccountRefused, AccountRefused),
    ("Client", "", AccountRefused, AccountRefused),
    ("Server.ClientProxy.UnknownMember", "", AccountRefused, AccountRefused),
    ("Server.ClientProxy.SslAuthenticationFailed", "", AccountRefused, AccountRefused),
    ("Server.ServerProxy.AccessDenied", "", AccountRefused, AccountRefused),
    ("Server.ServerProxy.UnknownService", "", AccountRefused, AccountRefused),
    ("Server.ClientProxy.OutdatedGlobalConf", "", InDoubt, Transient),  # it may be the answer that could not be verified
    ("Server.ClientProxy.KeyNotFound", "", NotConnected, NotConnected),
    ("Server.ClientProxy.CannotCreateSignature.TokenNotActive", "", NotConnected, NotConnected),
    ("Server.ServerProxy.CannotCreateSignature", "", InDoubt, Transient),
    ("Server.ServerProxy.OutdatedGlobalConf", "", NotConnected, NotConnected),
    ("Server.ServerProxy.ServiceDisabled", "", NotConnected, NotConnected),
    ("Server.ServerProxy.ServiceMissingUrl", "", NotConnected, NotConnected),
    ("Server.ClientProxy.NetworkError", NO_TARGET, NotConnected, NotConnected),
    ("Server.ClientProxy.NetworkError", "Connection reset", InDoubt, Transient),
    ("Server.ServerProxy.NetworkError", NO_HOST, NotConnected, NotConnected),
    ("Server.ServerProxy.ServiceFailed.NetworkError", NO_HOST, NotConnected, NotConnected),
    ("Server.ServerProxy.ServiceFailed.NetworkError", "Read timed out", InDoubt, Transient),
    ("Server.ServerProxy.ServiceFailed", NO_HOST, InDoubt, Transient),
    ("Server.ServerProxy.ServiceFailed.MissingHeaderField", "", InDoubt, Transient),
    ("Server.ServerProxy.ServiceFailed.AccessDenied", "", InDoubt, Transient),
    ("Server.ClientProxy.IOError", "", InDoubt, Transient),
    ("Server.ServerProxy.DatabaseError", "", InDoubt, Transient),
    ("Server.ServerProxy.LoggingFailed", "", InDoubt, Transient),
    ("Server.InternalError", "", InDoubt, Transient),
    ("something else", "", InDoubt, Transient),
    ("", "", InDoubt, Transient),
]


@pytest.mark.parametrize(("code", "message", "with_effect", "without"), TABLE)
async def test_whose_fault(code: str, message: str, with_effect: type[DeliveryError], without: type[DeliveryError]) -> None:
    """Row by row, over the wire; the text, which can quote a person, is kept nowhere."""
    server = SecurityServer()
    server.error = (code, f"{message} {PERSON}".strip())
    for effect, raised in ((True, with_effect), (False, without)):
        async with through(server) as (at, it):
            with pytest.raises(DeliveryError) as told:
                await post(it, effect)
            assert len(at.asked) == 1
        assert type(told.value) is raised
        assert vietnamese(told.value.reason) is not None
        assert PERSON not in str(told.value) and "10.0.0" not in str(told.value)


def test_a_code_that_could_be_personal_is_masked() -> None:
    """It comes from outside as any text does."""
    told = fault("Server.ServerProxy.0912345678901", "", effect=False)
    assert "0912345678901" not in str(told) + told.code
    long = "Server.ClientProxy.SslAuthenticationFailed"
    assert fault(long, "", effect=True).code == long, "a code of X-Road's own is shown, however long its parts make it"


@pytest.mark.parametrize("any_status", [False, True])
async def test_an_error_of_x_road_under_503_is_no_promise_that_nothing_happened(any_status: bool) -> None:
    """Its body cannot be read: what it would have said is unknown, so that it is in doubt, not simply to be sent again."""

    async def reply(_: Asked) -> web.Response:
        return web.Response(status=503, headers={"X-Road-Error": "Server.ServerProxy.ServiceFailed"}, body=b"x" * 4000)

    async with stand_in(reply) as at:
        way = {"by": "x-road", "security_server": at.url, "client": CLIENT, "service": SERVICE}
        it = HttpEndpoint(settings(reached=way, max_answer_bytes=2000), MovableClock())
        await it.open()
        with pytest.raises(InDoubt):
            await it.call("POST", "https://partner.invalid/v1", effect=True, body=b"{}", any_status=any_status)
        await it.close()


async def test_a_fault_that_is_not_told_apart_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The table goes red for one who takes every fault of a server for "try again"."""
    monkeypatch.setattr("hub.wire.x_road.fault", lambda code, *_: Transient(code or "x"))
    with pytest.raises(AssertionError):
        await test_whose_fault("Server.ServerProxy.ServiceFailed", "", InDoubt, Transient)
