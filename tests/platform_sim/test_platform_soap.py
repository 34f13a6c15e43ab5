"""The simulated security server's SOAP door, seen through HTTP: the header block, its faults, what it writes into answers."""

from __future__ import annotations

import base64
import hashlib
from xml.etree import ElementTree

import pytest

from platform_sim.platform_home import (
    BLOCK,
    CLIENT,
    IDENTIFIERS,
    SERVICE,
    SOAP,
    X_ROAD,
    Caller,
    envelope,
    identifier,
    owner,
    platform,
)

ANSWER = f'<?xml version="1.0"?><e:Envelope xmlns:e="{SOAP}"><e:Body><r xmlns="urn:x">á</r></e:Body></e:Envelope>'


def fault_of(text: str) -> str:
    """The faultcode; an answer without a fault has none."""
    return ElementTree.fromstring(text).findtext(f".//{{{SOAP}}}Fault/faultcode", "")


async def through(caller: Caller, answer: str = ANSWER) -> tuple[int, str]:
    """A right call to a provider that answers so."""
    caller.provider.body, caller.provider.headers = (
        answer.encode(),
        {"Content-Type": "text/xml; charset=utf-8", "X-Own": "mine"},
    )
    status, text, headers = await caller.soap(**{"X-Mine": "a"})
    assert headers["Content-Type"] == "text/xml; charset=utf-8" and "X-Own" not in headers
    return status, text


@pytest.mark.parametrize(
    "answer",
    [
        ANSWER,
        ANSWER.replace("<e:Body>", "<e:Header/><e:Body>"),
        ANSWER.replace("<e:Body>", "<e:Header><own xmlns='urn:y'>1</own></e:Header><e:Body>"),
        ANSWER.replace("e:", "").replace(":e=", "="),
    ],
)
async def test_a_call_goes_through_and_the_block_comes_back(answer: str) -> None:
    """The envelope as it is; Content-Type and SOAPAction alone of the headers; the answer gets the block and requestHash."""
    async with platform() as caller:
        status, text = await through(caller, answer)
        ((method, path, got, body),) = caller.provider.got
        assert status == 200 and (method, path, body.decode()) == ("POST", "/base/", envelope())
        assert got["SOAPAction"] == '""' and "X-Mine" not in got
        root = ElementTree.fromstring(text)
        (header,) = root.findall(f"{{{SOAP}}}Header")
        assert header.findtext(f"{{{X_ROAD}}}id") == "id-1" and header.findtext(f"{{{X_ROAD}}}userId") == "VN001"
        assert header.findtext(f"{{{X_ROAD}}}protocolVersion") == "4.0"
        assert "/".join(header.find(f"{{{X_ROAD}}}client").itertext()) == CLIENT  # type: ignore[union-attr]
        service = header.find(f"{{{X_ROAD}}}service")
        assert service is not None and "/".join(service.itertext()) == SERVICE
        assert service.get(f"{{{IDENTIFIERS}}}objectType") == "SERVICE"
        hashed = base64.b64encode(hashlib.sha512(envelope().encode()).digest()).decode()
        assert header.findtext(f"{{{X_ROAD}}}requestHash") == hashed
        assert root.findtext(f"{{{SOAP}}}Body/{{urn:x}}r") == "á"
        call = await caller.last_call()
        assert (call["door"], call["service"], call["codes"], call["reached"]) == ("soap", SERVICE, ["id-1"], True)


async def test_a_block_that_the_provider_copied_stays() -> None:
    """Only requestHash is added; or nothing, by setting."""
    copied = envelope("<chiTietResponse/>")
    async with platform() as caller:
        _, text = await through(caller, copied)
        assert text.count("id-1") == 1 and len(ElementTree.fromstring(text).findall(f".//{{{X_ROAD}}}requestHash")) == 1
    async with platform(request_hash="absent") as caller:
        assert "requestHash" not in (await through(caller))[1]
    async with platform(answer_header="as_sent") as caller:
        assert (await through(caller))[1] == ANSWER
    async with platform() as caller:
        assert (await through(caller, "not xml"))[1] == "not xml"


async def test_every_header_may_go_on() -> None:
    """As calls of the population registry over NDXP need."""
    async with platform(soap_http_headers="all") as caller:
        await through(caller)
        assert caller.provider.got[0][2]["X-Mine"] == "a"


WRONG = [
    ("Client.InvalidXml", "<a>"),
    ("Client.InvalidXml", '<!DOCTYPE a [<!ENTITY x "y">]>' + envelope()),
    ("Client.InvalidSoap", "<a/>"),
    ("Client.InvalidSoap", envelope().replace(SOAP, "http://www.w3.org/2003/05/soap-envelope")),
    ("Client.MissingHeader", f'<s:Envelope xmlns:s="{SOAP}"><s:Body><chiTiet/></s:Body></s:Envelope>'),
    ("Client.MissingBody", envelope().replace("s:Body", "s:Bod")),
    ("Client.InvalidBody", envelope("")),
    ("Client.InvalidBody", envelope("<other/>")),
    ("Client.MissingHeaderField", envelope(protocolVersion="")),
    ("Client.InvalidProtocolVersion", envelope(protocolVersion=BLOCK["protocolVersion"].replace("4.0", "4.1"))),
    ("Client.MissingHeaderField", envelope(id="")),
    ("Client.MissingHeaderField", envelope(id="<xro:id/>")),
    ("Client.DuplicateHeaderField", envelope(id=BLOCK["id"] * 2)),
    ("Client.MissingHeaderField", envelope(client="")),
    ("Client.DuplicateHeaderField", envelope(client=BLOCK["client"] * 2)),
    ("Client.MissingHeaderField", envelope(service="")),
    ("Client.InvalidSoap", envelope(client=BLOCK["client"].replace("SUBSYSTEM", "SERVICE"))),
    ("Client.InvalidSoap", envelope(client=BLOCK["client"].replace(' iden:objectType="SUBSYSTEM"', ""))),
    ("Client.InvalidSoap", envelope(service=identifier("service", "SERVICE", *owner("000.00.00.G05", "registry")))),
    ("Client.InvalidSoap", envelope(client=identifier("client", "SUBSYSTEM", *reversed(owner("a", "b"))))),
    ("Client.MissingHeaderField", envelope().replace(X_ROAD, "http://x-road.eu/xsd/x-road.xsd")),
    ("Server.ClientProxy.UnknownMember", envelope(client=identifier("client", "SUBSYSTEM", *owner("a", "b")))),
    ("Server.ServerProxy.UnknownService", envelope("<x/>", service=BLOCK["service"].replace("chiTiet", "x"))),
]


@pytest.mark.parametrize(("code", "text"), WRONG, ids=[f"{at}-{code}" for at, (code, _) in enumerate(WRONG)])
async def test_each_part_of_the_block_is_checked(code: str, text: str) -> None:
    """A fault with the code of its family and a detail; the provider is not reached."""
    async with platform(clients=[CLIENT]) as caller:
        status, told, headers = await caller.soap(text)
        assert (status, fault_of(told), headers["Content-Type"]) == (500, code, "text/xml; charset=utf-8")
        assert ElementTree.fromstring(told).findtext(f".//detail/{{{X_ROAD}}}faultDetail")
        assert caller.provider.got == [] and (await caller.last_call())["reached"] is False


async def test_user_id_and_wrapper_by_setting() -> None:
    """userId is needed only where the operator says so; the wrapper's name is free only where he says so."""
    for user_id, code in (("optional", ""), ("required", "Client.MissingHeaderField")):
        async with platform(user_id=user_id, answer_header="as_sent") as caller:
            caller.provider.body, caller.provider.headers = ANSWER.encode(), {"Content-Type": "text/xml"}
            assert fault_of((await caller.soap(envelope(userId="")))[1]) == code
    async with platform(wrapper="free", answer_header="as_sent") as caller:
        caller.provider.body, caller.provider.headers = ANSWER.encode(), {"Content-Type": "text/xml"}
        assert fault_of((await caller.soap(envelope("<other/>")))[1]) == ""


async def test_the_version_of_a_service_does_not_choose_it() -> None:
    """serviceVersion is passed through, and comes back."""
    versioned = BLOCK["service"].replace("</xro:service>", "<iden:serviceVersion>v1</iden:serviceVersion></xro:service>")
    async with platform() as caller:
        caller.provider.body, caller.provider.headers = ANSWER.encode(), {"Content-Type": "text/xml"}
        status, told, _ = await caller.soap(envelope(service=versioned))
        assert status == 200 and ElementTree.fromstring(told).findtext(f".//{{{IDENTIFIERS}}}serviceVersion") == "v1"


async def test_a_providers_fault_is_its_own() -> None:
    """Its status and its faultcode come through; what the security server says has its own, and 200 by setting."""
    inside = "<e:Fault><faultcode>e:Server</faultcode><faultstring>x</faultstring></e:Fault>"
    async with platform() as caller:
        caller.provider.status = 500
        status, text = await through(caller, ANSWER.replace('<r xmlns="urn:x">á</r>', inside))
        assert (status, fault_of(text)) == (500, "e:Server")
        caller.provider.vanish = True
        assert fault_of((await caller.soap())[1]) == "Server.ServerProxy.ServiceFailed"
        assert (await caller.soap(**{"Content-Type": "application/json"}))[0] == 500
        assert (await caller.last_call())["outcome"] == "Client.InvalidContentType"
    async with platform(fault_status=200) as caller:
        await caller.fault("refuse", code="Server.ServerProxy.InternalError", message="a < b", match={"stage": "after"})
        status, text, _ = await caller.soap()
        assert (status, fault_of(text)) == (200, "Server.ServerProxy.InternalError") and "a &lt; b" in text
        assert (await caller.last_call())["reached"] is True
