"""SOAP through X-Road: the header blocks of message protocol 4.0, faults of X-Road apart from the partner's, and the proof
that an answer is one to our request. Seen through the connector, with a security server of ours."""

from __future__ import annotations

import base64
import hashlib
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from xml.etree import ElementTree

import pytest
from aiohttp import web
from soap.partner import ACCEPTED, NAME, Say, Try, body, connected, message, settings
from wire_stand_in import Asked, StandIn, stand_in

from connectors.soap.connector import Soap
from hub.errors import AccountRefused, DeliveryError, InDoubt, NotConnected, Rejected, Transient

XRD, ID = "{http://x-road.eu/xsd/xroad.xsd}", "{http://x-road.eu/xsd/identifiers}"
SHA512 = "http://www.w3.org/2001/04/xmlenc#sha512"
RESULT = (
    '<l:SubmitDossierResponse xmlns:l="urn:land" xmlns:t="urn:land:types"><l:Result><t:Code>0</t:Code></l:Result>'
    "</l:SubmitDossierResponse>"
)


def blocks(asked: Asked) -> list[ElementTree.Element]:
    (head,) = (one for one in ElementTree.fromstring(asked.body) if one.tag.endswith("}Header"))
    return list(head)


class SecurityServer:
    """Gives the header back as the protocol asks, with requestHash; ``fault`` is said instead of an answer."""

    def __init__(self) -> None:
        self.fault = ""
        self.id: str | None = None
        self.hash: str | None = None
        self.algorithm = SHA512
        self.says_blocks = True

    async def reply(self, asked: Asked) -> web.Response:
        if self.fault:
            said = f"<s:Fault><faultcode>{self.fault}</faultcode><faultstring>no {NAME}</faultstring></s:Fault>"
            return _web(body(said, 500))
        ours = next(one.text or "" for one in blocks(asked) if one.tag == f"{XRD}id")
        digest = base64.b64encode(hashlib.sha512(asked.body).digest()).decode()
        header = (
            f'<x:id xmlns:x="{XRD[1:-1]}">{self.id or ours}</x:id>'
            f'<x:requestHash xmlns:x="{XRD[1:-1]}" algorithmId="{self.algorithm}">{self.hash or digest}</x:requestHash>'
        )
        return _web(body(RESULT, header=header if self.says_blocks else ""))


def _web(said: Say) -> web.Response:
    return web.Response(status=said.status, body=said.body, headers={"Content-Type": str(said.media)})


@asynccontextmanager
async def through(server: SecurityServer, **more: Any) -> AsyncIterator[tuple[StandIn, Soap]]:
    async with stand_in(server.reply) as at:
        way = {
            "by": "x-road", "security_server": at.url, "client": "VN/GOV/H22/dvc", "protocol": "soap",
            "service": "VN/GOV/G22/land", **more,
        }  # fmt: skip
        given = settings("http://partner.invalid/land", ACCEPTED, reached=way)
        async with connected(given) as it:
            yield at, it


async def test_each_envelope_says_who_calls_what() -> None:
    """client, service, an id of its own, userId, protocolVersion; the operation is the service where none is named."""
    async with through(SecurityServer(), user_id="VN012") as (at, it):
        for number in (1, 2):
            assert await it.send(message(), Try(number))
        first, second = at.asked
    client, service, own_id, user, version = blocks(first)
    assert first.path == "/" and [one.tag for one in (client, service)] == [f"{XRD}client", f"{XRD}service"]
    assert client.get(f"{ID}objectType") == "SUBSYSTEM" and service.get(f"{ID}objectType") == "SERVICE"
    parts = ["xRoadInstance", "memberClass", "memberCode", "subsystemCode", "serviceCode"]
    assert [(one.tag, one.text) for one in client] == [
        (ID + part, text) for part, text in zip(parts, ["VN", "GOV", "H22", "dvc"], strict=False)
    ]
    assert [(one.tag, one.text) for one in service] == [
        (ID + part, text) for part, text in zip(parts, ["VN", "GOV", "G22", "land", "SubmitDossier"], strict=True)
    ]
    assert (user.tag, user.text, version.tag, version.text) == (f"{XRD}userId", "VN012", f"{XRD}protocolVersion", "4.0")
    assert uuid.UUID(own_id.text) != uuid.UUID(blocks(second)[2].text)


async def test_a_service_with_its_version_is_named_whole() -> None:
    """The version is the last part."""
    async with through(SecurityServer(), service="VN/GOV/G22/land/Submit/v2") as (at, it):
        await it.send(message(), Try())
        service = blocks(at.asked[0])[1]
    assert [(one.tag, one.text) for one in service][-2:] == [(f"{ID}serviceCode", "Submit"), (f"{ID}serviceVersion", "v2")]


@pytest.mark.parametrize(("field", "value"), [("id", "another"), ("hash", "bm9uc2Vuc2U=")])
async def test_an_answer_to_another_request_is_in_doubt(field: str, value: str) -> None:
    """Whatever its body says."""
    server = SecurityServer()
    setattr(server, field, value)
    async with through(server) as (_, it):
        with pytest.raises(InDoubt) as doubt:
            await it.send(message(), Try())
    assert doubt.value.code == ("x_road_id" if field == "id" else "x_road_request_hash")


@pytest.mark.parametrize("field", ["algorithm", "says_blocks", "check_request_hash"])
async def test_what_cannot_be_compared_is_not(field: str) -> None:
    """A hash of another kind, an answer without blocks, the comparison switched off."""
    server = SecurityServer()
    server.hash = "bm9uc2Vuc2U="
    if field == "algorithm":
        server.algorithm = "urn:another"
    server.says_blocks = field != "says_blocks"
    async with through(server, check_request_hash=field != "check_request_hash") as (_, it):
        assert await it.send(message(), Try())


@pytest.mark.parametrize(
    ("code", "raised"),
    [
        ("Server.ServerProxy.AccessDenied", AccountRefused),
        ("Server.ClientProxy.UnknownMember", AccountRefused),
        ("Client.SslAuthenticationFailed", AccountRefused),
        ("Client.InvalidBody", Rejected),
        ("Server.ClientProxy.KeyNotFound", NotConnected),
        ("Server.ClientProxy.OutdatedGlobalConf", InDoubt),
        ("Server.ServerProxy.ServiceFailed", InDoubt),
        # the partner's own: as without X-Road
        ("s:Client", Rejected),
        ("s:Client.WrongUnit", Rejected),
        ("s:Server", InDoubt),
        ("s:Server.Busy", InDoubt),
    ],
)
async def test_whose_fault(code: str, raised: type[DeliveryError]) -> None:
    """A fault of X-Road comes before the table of outcomes; its words are kept nowhere."""
    server = SecurityServer()
    server.fault = code
    async with through(server) as (_, it):
        with pytest.raises(DeliveryError) as told:
            await it.send(message(), Try())
    assert type(told.value) is raised and NAME not in str(told.value)
    assert ("X-Road" in str(told.value) or "security server" in str(told.value)) == (not code.startswith("s:"))


async def test_no_wsdl_can_be_fetched_this_way() -> None:
    """`check` says what to set."""
    async with through(SecurityServer()) as (at, it):
        with pytest.raises(Transient, match="set check"):
            await it.check()
        assert at.asked == []
