"""What each thing that can come back from a SOAP partner becomes, with and without a row in the table of outcomes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from connectors.soap import config
from hub.connector import Receipt
from hub.console.reasons import vietnamese
from hub.errors import DeliveryError, InDoubt, NotConnected, Rejected, Transient
from hub.wire.wsdl import Wsdl, load_wsdl
from soap.partner import (
    ACCEPTED,
    MEDIA,
    MESSAGE,
    NAME,
    NUMBER,
    SECRET,
    TRACE,
    WSDL,
    Partner,
    Say,
    Try,
    body,
    connected,
    fault,
    message,
    result,
    settings,
    submitted,
)

REJECTED = {"at": "/Result/Code", "equals": 17, "then": "rejected"}
BUSINESS = "<l:BusinessFault><t:Code>17</t:Code><t:Message>sai đơn vị</t:Message></l:BusinessFault>"
WSSE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
XOP = '<l:ReceiptId><x:Include xmlns:x="http://www.w3.org/2004/08/xop/include" href="cid:1"/></l:ReceiptId>'


@pytest.fixture(scope="module", autouse=True)
def quick() -> Iterator[None]:
    """What has no part in an answer is done once: the WSDLs of the folder are read, and no authorities are (nobody has TLS)."""
    read: dict[tuple[Path, frozenset[tuple[str, Path]]], Wsdl] = {}

    def once(path: Path, *, allow: Mapping[str, Path] | None = None) -> Wsdl:
        if path.parent != WSDL:
            return load_wsdl(path, allow=allow)
        key = (path, frozenset((allow or {}).items()))
        if key not in read:
            read[key] = load_wsdl(path, allow=allow)
        return read[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(config, "load_wsdl", once)
        patch.setenv("SSL_CERT_FILE", "/dev/null")
        patch.setenv("SSL_CERT_DIR", "/dev/null")
        yield


async def outcome(land: Partner, said: Say, *rows: dict[str, Any], **more: Any) -> Receipt | DeliveryError:
    """What a delivery becomes when the partner says this."""
    land.says = [said]
    async with connected(settings(land.url, *rows, **more)) as it:
        try:
            return await it.send(message(), Try())
        except DeliveryError as error:
            assert NAME not in str(error) and NUMBER not in str(error) and SECRET not in str(error)
            assert error.__cause__ is None
            return error


DEFAULTS: list[tuple[str, Say, type[DeliveryError], str]] = [
    # an answer that was read, and no row
    ("a body", submitted(result("0")), InDoubt, "outcome_unknown"),
    ("nothing in it", submitted(""), InDoubt, "outcome_unknown"),
    ("nothing at all", Say(200, b""), InDoubt, "empty_answer"),
    ("202 and nothing", Say(202, b""), InDoubt, "empty_answer"),
    ("an empty Body", body(""), InDoubt, "empty_answer"),
    # faults
    ("Client", fault("Client"), Rejected, "Sender"),
    ("Client with 200", fault("Client", status=200), Rejected, "Sender"),
    ("Client with a subcode", fault("Client.NoSuchUnit"), Rejected, "NoSuchUnit"),
    ("Sender of 1.2", fault("Sender", version="1.2", status=400), Rejected, "Sender"),
    ("a subcode of 1.2", fault("Sender", version="1.2", status=400, subcode="NoSuchUnit"), Rejected, "NoSuchUnit"),
    ("Server", fault("Server"), InDoubt, "Receiver"),
    ("Server with 200", fault("Server", status=200), InDoubt, "Receiver"),
    ("Receiver of 1.2", fault("Receiver", version="1.2"), InDoubt, "Receiver"),
    ("a code of their own", fault("Busy"), InDoubt, "Busy"),
    ("MustUnderstand", fault("MustUnderstand"), Rejected, "MustUnderstand"),
    ("VersionMismatch", fault("VersionMismatch"), Rejected, "VersionMismatch"),
    ("a code that quotes a person", fault(NAME), InDoubt, "‹masked›"),
    ("no code", body("<s:Fault><faultstring>no</faultstring></s:Fault>", 500), InDoubt, "fault"),
    ("wsse", fault("FailedAuthentication"), Transient, "FailedAuthentication"),
    ("wsse as subcode", fault("Sender", version="1.2", subcode="MessageExpired"), Transient, "MessageExpired"),
    ("a fault with 401", fault("Client", status=401), Transient, "http_401"),
    # HTTP without SOAP
    ("301", Say(301, b"", headers={"Location": "/x"}), InDoubt, "http_301"),
    ("302", Say(302, b"<html>", "text/html", headers={"Location": "/done"}), InDoubt, "http_302"),
    ("303", Say(303, b"", headers={"Location": "/done"}), InDoubt, "http_303"),
    ("307", Say(307, b"", headers={"Location": "/x"}), InDoubt, "http_307"),
    ("400", Say(400, b"bad"), Rejected, "http_400"),
    ("401", Say(401, b"<html>", "text/html"), Transient, "http_401"),
    ("403", Say(403, b""), Transient, "http_403"),
    ("404", Say(404, b"<html>", "text/html"), Transient, "http_404"),
    ("405", Say(405, b""), Transient, "http_405"),
    ("404 with an answer", submitted(result("9"), status=404), InDoubt, "http_404"),
    ("400 with an answer", submitted(result("9"), status=400), InDoubt, "http_400"),
    ("401 with an answer", submitted(result("9"), status=401), InDoubt, "http_401"),
    ("403 with an answer that is another", body("<l:QueryDossierResponse/>", status=403), InDoubt, "http_403"),
    ("408", Say(408, b""), InDoubt, "http_408"),
    ("409", Say(409, b"<html>", "text/html"), InDoubt, "http_409"),
    ("409 with a fault", fault("Client.Held", status=409), Rejected, "Held"),
    ("418", Say(418, b""), InDoubt, "http_418"),
    ("413", Say(413, b""), Rejected, "http_413"),
    ("415", Say(415, b""), Transient, "http_415"),
    ("422", Say(422, b""), Rejected, "http_422"),
    ("429", Say(429, b"", headers={"Retry-After": "7"}), Transient, "http_429"),
    ("500", Say(500, b"<html>", "text/html"), InDoubt, "http_500"),
    ("500 with an answer", submitted(result("0"), status=500), InDoubt, "http_500"),
    ("502", Say(502, b""), InDoubt, "http_502"),
    ("503", Say(503, b"", headers={"Retry-After": "7"}), Transient, "http_503"),
    ("503 with a fault", fault("Server", status=503), Transient, "http_503"),
    ("503 and half a body", Say(503, submitted("").body, fails="half"), Transient, "http_503"),
    ("429 and too large a body", Say(429, b"x" * 2000), Transient, "http_429"),
    ("504", Say(504, b""), InDoubt, "http_504"),
    # answers that cannot be read
    ("HTML", Say(200, b"<html><body>login</body></html>", "text/html"), InDoubt, "unreadable_answer"),
    ("HTML as XML", Say(200, b"<html><body>login</body></html>"), InDoubt, "unreadable_answer"),
    ("JSON", Say(200, b'{"ok": true}', "application/json"), InDoubt, "unreadable_answer"),
    ("half an XML", Say(200, submitted(result("0")).body[:-30]), InDoubt, "unreadable_answer"),
    ("a DTD", Say(200, b'<!DOCTYPE x [<!ENTITY y "z">]>' + submitted("").body), InDoubt, "unreadable_answer"),
    ("another element", body("<l:QueryDossierResponse/>"), InDoubt, "unreadable_answer"),
    ("another namespace", body('<SubmitDossierResponse xmlns="urn:sea"/>'), InDoubt, "unreadable_answer"),
    ("a value that is none", submitted("<l:Success>có</l:Success>"), InDoubt, "unreadable_answer"),
    ("another version", submitted(result("0"), version="1.2"), InDoubt, "soap_version"),
    ("no version at all", Say(200, b'<s:Envelope xmlns:s="urn:s"><s:Body/></s:Envelope>'), InDoubt, "unreadable_answer"),
    ("too large", submitted(f"<l:ReceiptId>{'x' * 2000}</l:ReceiptId>"), InDoubt, "answer_too_large"),
    ("MTOM", Say(200, b"--x", 'multipart/related; type="application/xop+xml"'), InDoubt, "mtom"),
    ("XOP without MTOM", submitted(XOP), InDoubt, "mtom"),
    ("mustUnderstand", submitted("", header='<l:Bill s:mustUnderstand="1"/>'), InDoubt, "must_understand"),
    # the line
    ("a reset before reading", Say(fails="reset_unread"), InDoubt, "reset"),
    ("a reset after reading", Say(fails="reset"), InDoubt, "reset"),
    ("silence", Say(fails="silent"), InDoubt, "read_timeout"),
    ("half an answer", Say(200, submitted("").body, fails="half"), InDoubt, "half_answer"),
]  # fmt: skip


def _patience(said: Say) -> dict[str, float]:
    """Long, unless it is what the test waits for."""
    return {"connect_timeout": 1.0, "read_timeout": 0.1} if said.fails == "silent" else {}


@pytest.mark.parametrize(("said", "error", "code"), [one[1:] for one in DEFAULTS], ids=[one[0] for one in DEFAULTS])
async def test_what_no_row_covers(land: Partner, said: Say, error: type[DeliveryError], code: str) -> None:
    """SOAP and HTTP decide: nothing is accepted, nothing is called a refusal that may have been done, and what is wrong with
    our account or our settings is no message's fault."""
    port = "Land12" if MEDIA["1.2"] == said.media and code != "soap_version" else "Land11"
    found = await outcome(land, said, port=port, **_patience(said), max_answer_bytes=1024)
    assert isinstance(found, error)
    assert found.code == code
    assert found.reason in ("", "no") or vietnamese(found.reason), "a sentence of ours without its Vietnamese"
    if "Retry-After" in said.headers:
        assert isinstance(found, Transient) and found.retry_after == 7.0
    assert len(land.asked) == (0 if said.fails == "reset_unread" else 1)


@pytest.mark.parametrize("said", [one[1] for one in DEFAULTS if one[2] is InDoubt], ids=lambda said: "")
async def test_without_effect_nothing_is_in_doubt(land: Partner, said: Say) -> None:
    """A call that changes nothing is made again."""
    port = "Land12" if MEDIA["1.2"] == said.media else "Land11"
    one = {"effect": False}
    found = await outcome(land, said, port=port, **_patience(said), max_answer_bytes=1024, one=one)
    assert isinstance(found, Transient)


async def test_nobody_there(land: Partner) -> None:
    """Nothing was sent; and nothing is remembered of a call that did not get there."""
    await land.refuse()
    attempt = Try()
    async with connected(settings(land.url, ACCEPTED)) as it:
        with pytest.raises(NotConnected) as refused:
            await it.send(message(), attempt)
    assert refused.value.code == "refused"
    assert attempt.remembered["call"] is None


async def test_an_operations_own_timeout(land: Partner) -> None:
    """It takes the place of read_timeout for this operation."""
    found = await outcome(land, Say(fails="silent"), connect_timeout=1.0, read_timeout=600.0, one={"timeout": 0.1})
    assert isinstance(found, InDoubt) and found.code == "read_timeout"


@pytest.mark.parametrize("said", [Say(202, b""), Say(200, b""), Say(204, b""), body("")], ids=["202", "200", "204", "envelope"])
async def test_a_one_way_operation_is_accepted_by_an_empty_answer(land: Partner, said: Say) -> None:
    """Its WSDL says that nothing comes back."""
    land.says = [said]
    given = settings(land.url) | {"operations": {"land-note@1": {"operation": "Notify"}}}
    async with connected(given) as it:
        assert await it.send(message({"Code": "H22-1"}, "land-note@1.0.0"), Try()) == Receipt()
    assert land.asked[0].element.tag == "{urn:land}Notify"


async def test_a_one_way_operation_that_answers_is_in_doubt(land: Partner) -> None:
    """What the WSDL does not say is no proof; a fault is what it is."""
    given = settings(land.url) | {"operations": {"land-note@1": {"operation": "Notify"}}}
    land.says = [submitted(""), fault("Client")]
    async with connected(given) as it:
        with pytest.raises(InDoubt):
            await it.send(message({"Code": "H22-1"}, "land-note@1.0.0"), Try())
        with pytest.raises(Rejected):
            await it.send(message({"Code": "H22-1"}, "land-note@1.0.0"), Try())


TABLE: list[tuple[str, dict[str, Any], Say, str]] = [
    # verdicts
    ("accepted", ACCEPTED, submitted(result("0")), "accepted"),
    ("another value", ACCEPTED, submitted(result("00")), "in_doubt outcome_unknown"),
    ("blanks do not count", ACCEPTED, submitted(result(" 0\n")), "accepted"),
    ("rejected", {"at": "/Result/Code", "equals": "17", "then": "rejected"}, submitted(result("17")), "rejected 17"),
    ("a word of ours", {"at": "/Result/Code", "equals": "17", "then": "rejected", "code": "no_unit"},
     submitted(result("17")), "rejected no_unit"),
    ("a code elsewhere", {"at": "/Success", "equals": False, "then": "rejected", "code_at": "/Result/Code"},
     submitted("<l:Success>0</l:Success>" + result("E9")), "rejected E9"),
    ("transient", {"at": "/Result/Code", "equals": 99, "then": "transient"}, submitted(result("99")), "transient 99"),
    ("in doubt", {"at": "/Result/Code", "equals": 98, "then": "in_doubt"}, submitted(result("98")), "in_doubt 98"),
    # tests of a value
    ("in", {"at": "/Result/Code", "in": [1, "2"], "then": "accepted"}, submitted(result("2")), "accepted"),
    ("not in", {"at": "/Result/Code", "in": [1, "2"], "then": "accepted"}, submitted(result("3")), "in_doubt outcome_unknown"),
    ("boolean", {"at": "/Success", "equals": True, "then": "accepted"}, submitted("<l:Success>1</l:Success>"), "accepted"),
    ("integer", {"at": "/Level", "equals": 3, "then": "accepted"}, submitted("<l:Level>+3</l:Level>"), "accepted"),
    ("present", {"at": "/ReceiptId", "present": True, "then": "accepted"}, submitted("<l:ReceiptId>x</l:ReceiptId>"),
     "accepted"),
    ("empty is not present", {"at": "/ReceiptId", "present": True, "then": "accepted"}, submitted("<l:ReceiptId/>"),
     "in_doubt outcome_unknown"),
    ("nil is absent", {"at": "/ReceiptId", "absent": True, "then": "rejected"},
     submitted('<l:ReceiptId xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:nil="true"/>'), "rejected rejected"),
    ("absent", {"at": "/Result", "absent": True, "then": "rejected", "code": "none"}, submitted(""), "rejected none"),
    ("same as", {"at": "/LandCode", "same_as": "/Code", "then": "accepted"}, submitted("<l:LandCode>H22-1</l:LandCode>"),
     "accepted"),
    ("not the same", {"at": "/LandCode", "same_as": "/Code", "then": "accepted"}, submitted("<l:LandCode>H22-2</l:LandCode>"),
     "in_doubt outcome_unknown"),
    ("neither has one", {"at": "/LandCode", "same_as": "/Online", "then": "accepted"}, submitted(""),
     "in_doubt outcome_unknown"),
    ("absent is not the same", {"at": "/LandCode", "same_as": "/OwnerName", "then": "accepted"}, submitted(""),
     "in_doubt outcome_unknown"),
    # lists
    ("every item", {"at": "/Item/*/Code", "equals": 0, "then": "accepted"},
     submitted("<l:Item><t:Code>0</t:Code></l:Item><l:Item><t:Code>0</t:Code></l:Item>"), "accepted"),
    ("one of them is not", {"at": "/Item/*/Code", "equals": 0, "then": "accepted"},
     submitted("<l:Item><t:Code>0</t:Code></l:Item><l:Item><t:Code>5</t:Code></l:Item>"), "in_doubt outcome_unknown"),
    ("one of them has none", {"at": "/Item/*/Message", "equals": "ok", "then": "accepted"},
     submitted("<l:Item><t:Code>0</t:Code><t:Message>ok</t:Message></l:Item><l:Item><t:Code>5</t:Code></l:Item>"),
     "in_doubt outcome_unknown"),
    ("no item", {"at": "/Item/*/Code", "equals": 0, "then": "accepted"}, submitted(""), "in_doubt outcome_unknown"),
    ("any item", {"at": "/Item/*/Code", "any_in": [5, 6], "then": "rejected"},
     submitted("<l:Item><t:Code>0</t:Code></l:Item><l:Item><t:Code>5</t:Code></l:Item>"), "rejected 0"),
    ("a piece of one text", {"at": "/Item/*/Message", "contains": "ĐÃ CÓ", "then": "rejected", "code": "there"},
     submitted("<l:Item><t:Code>0</t:Code></l:Item><l:Item><t:Code>5</t:Code><t:Message>Hồ sơ đã có</t:Message></l:Item>"),
     "rejected there"),
    ("a piece of no text", {"at": "/Item/*/Message", "contains": "đã có", "then": "accepted"},
     submitted("<l:Item><t:Code>0</t:Code><t:Message>chưa có</t:Message></l:Item>"), "in_doubt outcome_unknown"),
    ("the first item", {"at": "/Item/0/Code", "equals": 0, "then": "accepted"},
     submitted("<l:Item><t:Code>0</t:Code></l:Item>"), "accepted"),
    # else
    ("else", {"else": "accepted"}, submitted(""), "accepted"),
    ("else is no fault", {"else": "accepted"}, fault("Server", status=200), "in_doubt Receiver"),
    ("else is no HTML", {"else": "accepted"}, Say(200, b"<html/>", "text/html"), "in_doubt unreadable_answer"),
    ("else is not empty", {"else": "accepted"}, Say(200), "in_doubt empty_answer"),
    ("else is no 500", {"else": "accepted"}, submitted("", status=500), "in_doubt http_500"),
    ("else is a doubt", {"else": "in_doubt", "code": "look"}, submitted(""), "in_doubt look"),
    # faults
    ("a code", {"fault": "Client", "then": "transient"}, fault("Client"), "transient Sender"),
    ("a code of 1.2 for 1.1", {"fault": "Receiver", "then": "rejected"}, fault("Server"), "rejected Receiver"),
    ("both", {"fault": "Client.Busy", "then": "transient"}, fault("Client.Busy"), "transient Busy"),
    ("the subcode", {"fault": "Busy", "then": "transient"}, fault("Client.Busy"), "transient Busy"),
    ("another subcode", {"fault": "Client.Busy", "then": "transient"}, fault("Client.Full"), "rejected Full"),
    ("the code of any subcode", {"fault": "Client", "then": "transient"}, fault("Client.Full"), "transient Full"),
    ("a detail", {"fault_detail": "BusinessFault", "then": "rejected"}, fault("Server", detail=BUSINESS), "rejected Receiver"),
    ("in a detail", {"fault_detail": "BusinessFault", "at": "/Code", "equals": 17, "then": "rejected", "reason_at": "/Message"},
     fault("Server", detail=BUSINESS), "rejected 17: sai đơn vị"),
    ("another in a detail", {"fault_detail": "BusinessFault", "at": "/Code", "equals": 18, "then": "rejected"},
     fault("Server", detail=BUSINESS), "in_doubt Receiver"),
    ("a detail that nobody declared", {"fault_detail": "Stack", "then": "transient"},
     fault("Server", detail="<Stack>x</Stack>"), "transient Receiver"),
    ("absent in a detail of another namespace", {"fault_detail": "BusinessFault", "at": "/Message", "absent": True,
     "then": "rejected"}, fault("Server", detail="<BusinessFault><Code>17</Code></BusinessFault>"), "in_doubt Receiver"),
    ("a fault that means done", {"fault": "Client.Known", "then": "accepted"}, fault("Client.Known"), "accepted"),
    ("a row about the body is not about faults", {"at": "/Result", "absent": True, "then": "rejected"}, fault("Server"),
     "in_doubt Receiver"),
    # HTTP
    ("a status", {"status": 404, "then": "rejected"}, Say(404, b"<html>", "text/html"), "rejected http_404"),
    ("a class", {"status": "5xx", "then": "transient"}, Say(502), "transient http_502"),
    ("503", {"status": 503, "then": "rejected"}, Say(503), "rejected http_503"),
    ("a fault with 503", {"fault": "Client.Known", "status": 503, "then": "rejected"}, fault("Client.Known", status=503),
     "rejected Known"),
    ("a fault with 429", {"fault": "Client.Known", "then": "accepted"}, fault("Client.Known", status=429), "accepted"),
    ("503 and half a body", {"status": 503, "then": "rejected"}, Say(503, submitted("").body, fails="half"),
     "rejected http_503"),
    ("an answer with 503", {"status": 503, "at": "/Result/Code", "equals": 9, "then": "rejected"},
     submitted(result("9"), status=503), "rejected 9"),
    ("a status of a fault", {"status": 500, "then": "transient"}, fault("Client"), "transient Sender"),
    ("409 means done", {"status": 409, "then": "accepted"}, Say(409, b"<html>", "text/html"), "accepted"),
    ("200 means nothing", {"status": 200, "then": "accepted"}, Say(200, b"<html>", "text/html"), "in_doubt unreadable_answer"),
    ("no fault is accepted by its status", {"status": 500, "then": "accepted"}, fault("Server"), "in_doubt Receiver"),
    ("202 means done", {"status": 202, "then": "accepted"}, Say(202), "accepted"),
    ("an answer with 500", ACCEPTED, submitted(result("0"), status=500), "in_doubt http_500"),
    ("an answer with 500, by name", ACCEPTED | {"status": "5xx"}, submitted(result("0"), status=500), "accepted"),
]  # fmt: skip


@pytest.mark.parametrize(("row", "said", "wanted"), [one[1:] for one in TABLE], ids=[one[0] for one in TABLE])
async def test_a_row_of_the_table(land: Partner, row: dict[str, Any], said: Say, wanted: str) -> None:
    """Each condition and each verdict, alone."""
    found = await outcome(land, said, row)
    if isinstance(found, Receipt):
        assert wanted == "accepted"
    else:
        kind = {Rejected: "rejected", Transient: "transient", InDoubt: "in_doubt"}[type(found)]
        assert f"{kind} {found}" in (wanted, f"{wanted}: no") or (f"{kind} {found.code}" == wanted and ":" not in wanted)


async def test_the_first_row_that_fits_decides(land: Partner) -> None:
    """The operation's own rows come before those for all."""
    mine = {"at": "/Result/Code", "equals": 0, "then": "rejected", "code": "mine"}
    found = await outcome(land, submitted(result("0")), ACCEPTED, {"else": "accepted"}, one={"outcomes": [mine]})
    assert isinstance(found, Rejected) and found.code == "mine"
    found = await outcome(land, submitted(result("0")), ACCEPTED, mine)
    assert isinstance(found, Receipt)


SAID: list[tuple[str, list[dict[str, Any]], str, str]] = [
    ("a number", [ACCEPTED], result("99"), "/Result/Code is 99"),
    ("a code", [ACCEPTED], result("E-17.b"), "/Result/Code is E-17.b"),
    ("a boolean", [{"at": "/Success", "equals": True, "then": "accepted"}], "<l:Success>0</l:Success>", "/Success is false"),
    ("nothing", [ACCEPTED], "", "/Result/Code is absent"),
    ("several, each once", [ACCEPTED, REJECTED, {"at": "/Item/*/Code", "any_in": [7], "then": "rejected"}],
     result("99") + "".join(f"<l:Item><t:Code>{n}</t:Code></l:Item>" for n in (1, 2, 1)),
     "/Result/Code is 99; /Item/*/Code is 1, 2"),
    ("a person", [ACCEPTED], result(NAME), "/Result/Code is ‹OwnerName›"),
    ("a part of a person", [ACCEPTED], result("Canary"), "/Result/Code is ‹masked›"),
    ("another person", [ACCEPTED], result("Lê Thị Khác"), "/Result/Code is ‹masked›"),
    ("a number of a person", [ACCEPTED], result("001099123457"), "/Result/Code is ‹number›"),
    ("a part", [{"at": "/Result", "absent": True, "then": "accepted"}], result("5"), "/Result is there"),
    ("no row that looks", [], result("99"), "it has /Result"),
]  # fmt: skip


@pytest.mark.parametrize(("rows", "content", "told"), [one[1:] for one in SAID], ids=[one[0] for one in SAID])
async def test_an_answer_without_a_row_says_what_the_partner_said(
    land: Partner, rows: list[dict[str, Any]], content: str, told: str
) -> None:
    """So that the missing row can be written: numbers and short codes, where the rows look; what may be a person is masked."""
    found = await outcome(land, submitted(content), *rows)
    assert isinstance(found, InDoubt) and found.code == "outcome_unknown"
    sentence = "the answer was read, but no row of outcomes says what it means"
    assert found.reason == f"{sentence}; {told}; write a row under outcomes"
    assert (vietnamese(found.reason) or "").endswith("; hãy viết một dòng dưới outcomes")
    found = await outcome(land, submitted(content, status=500), *rows)
    assert isinstance(found, InDoubt) and found.code == "http_500" and told in found.reason


PRESENT, SAME = {"present": True}, {"same_as": "/State"}
PEOPLE = ["Binh", "NguyenVanBinh", "310190", "C123456", "0912345", "1990", NAME]


@pytest.mark.parametrize("text", PEOPLE)
async def test_what_no_row_compares_is_not_shown(land: Partner, text: str) -> None:
    """A word or a short number may be a person, a birth date, a paper: neither the reason nor the code has it."""
    said, at = submitted(result("7", text)), {"at": "/Result/Message"}
    reasons = []
    for test in (SAME, PRESENT | {"status": 409}):
        found = await outcome(land, said, at | test | {"then": "accepted"})
        assert isinstance(found, InDoubt) and "; /Result/Message is there; " in found.reason
        reasons.append(found.reason)
    found = await outcome(land, said, at | PRESENT | {"then": "rejected"})
    assert isinstance(found, Rejected) and (found.code, found.reason) == ("rejected", "")
    found = await outcome(land, said, at | PRESENT | {"then": "transient", "status": 200})
    assert isinstance(found, Transient) and (found.code, found.reason) == ("http_200", "")
    found = await outcome(land, submitted(""), at | SAME | {"then": "accepted"})
    assert isinstance(found, InDoubt) and "; /Result/Message is absent; " in found.reason
    detail = f"<l:BusinessFault><t:Code>1</t:Code><t:Message>{text}</t:Message></l:BusinessFault>"
    row = {"fault_detail": "BusinessFault", "at": "/Message"} | PRESENT | {"then": "rejected"}
    found = await outcome(land, fault("Client", detail=detail), row)
    assert isinstance(found, Rejected) and found.code == "Sender"
    assert not any(text in reason for reason in reasons)


async def test_a_code_that_is_the_same_as_ours_is_not_shown(land: Partner) -> None:
    """The message's own value is no code of the partner."""
    row = {"at": "/LandCode", "same_as": "/Code", "then": "rejected"}
    found = await outcome(land, submitted("<l:LandCode>H22-1</l:LandCode>"), row)
    assert isinstance(found, Rejected) and found.code == "rejected"


@pytest.mark.parametrize(
    ("at", "content", "told"),
    [
        ("/Success", "<l:Success>1</l:Success>", "/Success is true"),
        ("/Level", "<l:Level>1234</l:Level>", "/Level is 1234"),
        ("/Level", "<l:Level>-12345</l:Level>", "/Level is there"),
        ("/Level", "<l:Level>310190</l:Level>", "/Level is there"),
    ],
)
async def test_by_its_type_it_is_no_person(land: Partner, at: str, content: str, told: str) -> None:
    """A boolean, or an integer of at most 4 digits."""
    found = await outcome(land, submitted(content), {"at": at, "absent": True, "then": "accepted"})
    assert isinstance(found, InDoubt) and f"; {told}; " in found.reason


async def test_a_place_that_another_row_compares_is_shown(land: Partner) -> None:
    """Its values are codes, whatever else is asked of it; what a detail has at such a place is another."""
    asked = {"at": "/Result/Code", "present": True, "status": 409, "then": "rejected"}
    found = await outcome(land, submitted(result("E17")), asked, ACCEPTED)
    assert isinstance(found, InDoubt) and "/Result/Code is E17" in found.reason
    elsewhere = {"fault_detail": "BusinessFault", "at": "/Result/Code", "equals": 1, "then": "rejected"}
    found = await outcome(land, submitted(result("E17")), asked, elsewhere)
    assert isinstance(found, InDoubt) and "/Result/Code is there" in found.reason


async def test_when_to_come_back(land: Partner) -> None:
    """The partner's own Retry-After comes before the row's."""
    row = {"at": "/Result/Code", "equals": 99, "then": "transient", "retry_after": 30}
    said = submitted(result("99"))
    found = await outcome(land, said, row)
    assert isinstance(found, Transient) and found.retry_after == 30
    said.headers = {"Retry-After": "5"}
    found = await outcome(land, said, row)
    assert isinstance(found, Transient) and found.retry_after == 5
    busy = fault("Server", status=503)
    busy.headers = {"Retry-After": "7"}
    found = await outcome(land, busy, row)
    assert isinstance(found, Transient) and (found.code, found.retry_after) == ("http_503", 7)
    found = await outcome(land, busy, {"fault": "Server", "then": "transient", "retry_after": 30})
    assert isinstance(found, Transient) and (found.code, found.retry_after) == ("Receiver", 7)


async def test_a_reason_keeps_no_person(land: Partner) -> None:
    """What we sent becomes the name of its field, addresses and long numbers are masked, secrets too."""
    told = f"hồ sơ của {NAME} ({NUMBER}, 0912345678, ca@nary.vn) sai; khoá {SECRET}"
    row = {"at": "/Result/Code", "equals": 17, "then": "rejected", "reason_at": "/Result/Message"}
    security = {"kind": "username_token", "username": "hub", "password": SECRET}
    for said in (submitted(result("17", told)), fault("Client", reason=told)):
        found = await outcome(land, said, row, security=security)
        assert isinstance(found, Rejected)
        assert found.reason == "hồ sơ của ‹OwnerName› (‹OwnerNumber›, ‹number›, ‹email›) sai; khoá ‹password›"


async def test_a_receipt(land: Partner) -> None:
    """Reference, codes for the dossier, and an answer that comes back as a message; what is absent is left out."""
    one = {
        "reference": "/ReceiptId", "ids": {"land": "/LandCode", "level": "/Level", "none": "/Item/0/Code"},
        "reply": {"schema": "land-result@1", "at": "/Result"},
    }  # fmt: skip
    told = result("0", "tốt") + "<l:ReceiptId>2611210000123</l:ReceiptId><l:LandCode> L-1 </l:LandCode><l:Level>4</l:Level>"
    found = await outcome(land, submitted(told), ACCEPTED, one=one)
    assert isinstance(found, Receipt)
    assert (found.reference, dict(found.ids)) == ("2611210000123", {"land": "L-1", "level": "4"})
    assert found.reply is not None
    assert (str(found.reply[0]), found.reply[1]) == ("land-result@1", '{"Code":"0","Message":"tốt"}'.encode())
    found = await outcome(land, submitted("<l:ReceiptId>đã nhận của 0912345678</l:ReceiptId>"), {"else": "accepted"}, one=one)
    assert found == Receipt("đã nhận của ‹number›")


async def test_what_goes_out(land: Partner) -> None:
    """POST to the address with SOAPAction, the caller's trace, and the message in the schema's order and namespaces."""
    content = {"Paper": [{"Title": "Đơn", "@kind": "a", "Copies": 2}, {"Title": "Sơ đồ"}], "Online": True} | MESSAGE
    land.says = [submitted(result("0"))]
    async with connected(settings(land.url, ACCEPTED)) as it:
        await it.send(message(content), Try())
    (asked,) = land.asked
    assert (asked.method, asked.path) == ("POST", "/land")
    assert asked.headers["Content-Type"] == MEDIA["1.1"] and asked.headers["SOAPAction"] == '"urn:land#SubmitDossier"'
    assert asked.headers["traceparent"] == TRACE
    names = [one.tag for one in asked.element]
    assert names == [f"{{urn:land}}{name}" for name in (*MESSAGE, "Online", "Paper", "Paper")]
    assert asked.element.tag == "{urn:land}SubmitDossier" and asked.element[3].text == NAME
    assert asked.element[5].text == "true" and asked.element[6].get("kind") == "a"
    assert [one.tag for one in asked.element[6]] == ["{urn:land:types}Title", "{urn:land:types}Copies"]


async def test_soap_12_says_its_action_in_the_media_type(land: Partner) -> None:
    """And there is no SOAPAction."""
    land.says = [submitted(result("0"), version="1.2")]
    async with connected(settings(land.url, ACCEPTED, port="Land12")) as it:
        await it.send(message(), Try())
    headers = land.asked[0].headers
    assert headers["Content-Type"] == 'application/soap+xml; charset=utf-8; action="urn:land#SubmitDossier"'
    assert "SOAPAction" not in headers


@pytest.mark.parametrize(
    ("security", "authorization"),
    [
        ({"kind": "basic", "username": "hub", "password": "mật khẩu"}, "Basic aHViOm3huq10IGto4bqpdQ=="),
        ({"kind": "bearer", "token": "t.o.k"}, "Bearer t.o.k"),
        ({}, None),
    ],
    ids=["basic", "bearer", "none"],
)
async def test_an_account_in_http(land: Partner, security: dict[str, Any], authorization: str | None) -> None:
    """Basic and bearer stand in Authorization; fixed headers come before what the hub would write."""
    land.says = [submitted(result("0"))]
    fixed = {"X-Road-Client": "VN/GOV/H22", "content-type": "application/xml"}
    async with connected(settings(land.url, ACCEPTED, security=security, http_headers=fixed)) as it:
        await it.send(message(), Try())
    headers = land.asked[0].headers
    assert headers.get("Authorization") == authorization
    assert (headers["X-Road-Client"], headers["Content-Type"]) == ("VN/GOV/H22", "application/xml")
    assert len(land.asked[0].names) == len(set(land.asked[0].names))


async def test_an_account_in_ws_security(land: Partner) -> None:
    """A UsernameToken with a digest and a Timestamp; the partner may answer with a Security header that must be understood."""
    header = f'<w:Security xmlns:w="{WSSE}" s:mustUnderstand="1"/>'
    land.says = [submitted(result("0"), header=header)]
    account = {"username": "hub", "password": SECRET, "password_as": "digest", "timestamp_seconds": 60}
    async with connected(settings(land.url, ACCEPTED, security={"kind": "username_token", **account})) as it:
        await it.send(message(), Try())
        await it.send(message(), Try())
    tokens = []
    for asked in land.asked:
        (security,) = asked.header
        found = {one.tag.rpartition("}")[2]: one for one in security.iter()}
        assert found["Username"].text == "hub" and str(found["Password"].get("Type")).endswith("#PasswordDigest")
        assert (found["Expires"].text or "").startswith("2026-11-21T12:01:00")
        assert SECRET.encode() not in asked.body
        tokens.append(found["Nonce"].text)
    assert tokens[0] != tokens[1]


async def test_fixed_soap_headers(land: Partner) -> None:
    """Only with operations whose WSDL declares them, and their values are masked in what the partner says."""
    headers = {"AuthHeader": {"Account": "hub", "Secret": SECRET}}
    row = {"at": "/Result/Code", "equals": 1, "then": "rejected", "reason_at": "/Result/Message"}
    found = await outcome(land, submitted(result("1", f"bad {SECRET}")), row, headers=headers)
    assert isinstance(found, Rejected) and found.reason == "bad ‹Secret›"
    (header,) = land.asked[0].header
    assert header.tag == "{urn:land}AuthHeader" and [one.text for one in header] == ["hub", SECRET]
    land.says = [body("<l:PingResponse/>")]
    async with connected(settings(land.url, headers=headers, check={"operation": "Ping"})) as it:
        await it.check()
    assert land.asked[-1].header == []


async def test_an_rpc_operation(land: Partner) -> None:
    """Its parameters are the fields of the message, whatever the partner calls the wrapper of its answer."""
    for wrapper in ("putResponse", "putReturn"):
        land.says = [body(f'<r:{wrapper} xmlns:r="urn:registry:call"><result>7</result></r:{wrapper}>')]
        given = {
            "wsdl": str(WSDL / "rpc.wsdl"), "address": land.url,
            "outcomes": [{"at": "/result", "in": [7, 8], "then": "accepted"}],
            "operations": {"put@1": {"operation": "put", "reference": "/result"}},
        }  # fmt: skip
        async with connected(given) as it:
            assert await it.send(message({"code": "H22-1", "pages": 3}, "put@1.0.0"), Try()) == Receipt("7")
    element = land.asked[0].element
    assert element.tag == "{urn:registry:call}put"
    assert [(one.tag, one.text) for one in element] == [("code", "H22-1"), ("pages", "3")]


async def test_a_message_that_is_no_input_is_refused_before_any_call(land: Partner) -> None:
    """The field is named, its value is not; and so is a schema that no operation takes."""
    wrong = MESSAGE | {"Online": NAME, "Phone": "0912345678"}
    attempt = Try()
    async with connected(settings(land.url, ACCEPTED)) as it:
        with pytest.raises(Rejected) as refused:
            await it.send(message(wrong), attempt)
        assert refused.value.code == "misfit"
        said = vietnamese(refused.value.reason) or ""
        assert said.startswith("thông điệp không đúng đầu vào của thao tác SubmitDossier: /Online: ")
        assert "/Online" in refused.value.reason and "/Phone" in refused.value.reason
        assert NAME not in str(refused.value) and "0912" not in str(refused.value)
        with pytest.raises(Rejected) as refused:
            await it.send(message({}, "land-map@1.0.0"), attempt)
        assert refused.value.code == "schema"
    assert land.asked == [] and attempt.remembered == {}


async def test_a_message_of_a_wsdl_in_the_catalog(land: Partner) -> None:
    """It has the operation's element around it, which is taken off; the most exact entry decides which operation it is."""
    given = settings(land.url, {"else": "accepted"}) | {
        "operations": {"land@1": {"operation": "SubmitDossier"}, "land@1.1": {"operation": "QueryDossier"}},
    }  # fmt: skip
    land.says = [submitted(""), body("<l:QueryDossierResponse/>")]
    async with connected(given) as it:
        await it.send(message({"SubmitDossier": MESSAGE}, "land@1.0.0"), Try())
        await it.send(message({"QueryDossier": {"RequestId": "r-1"}}, "land@1.1.3"), Try())
        with pytest.raises(Rejected) as refused:
            await it.send(message({"SubmitDossier": MESSAGE}, "land@10.0.0"), Try())
    assert refused.value.code == "schema"
    assert [one.element.tag for one in land.asked] == ["{urn:land}SubmitDossier", "{urn:land}QueryDossier"]


async def test_an_operation_with_a_field_of_its_own_name(land: Partner, tmp_path: Path) -> None:
    """Nothing is taken off: the field is meant."""
    wsdl = (WSDL / "rpc.wsdl").read_text(encoding="utf-8")
    parts = '<wsdl:part name="code" type="xs:string"/><wsdl:part name="pages" type="xs:int"/>'
    assert parts in wsdl
    path = tmp_path / "put.wsdl"
    path.write_text(wsdl.replace(parts, '<wsdl:part name="put" type="xs:string"/>'), encoding="utf-8")
    land.says = [body('<r:putResponse xmlns:r="urn:registry:call"><result>7</result></r:putResponse>')]
    given = {
        "wsdl": str(path), "address": land.url, "operations": {"put@1": {"operation": "put"}},
        "outcomes": [{"else": "accepted"}],
    }  # fmt: skip
    async with connected(given) as it:
        await it.send(message({"put": "x"}, "put@1.0.0"), Try())
    assert [(one.tag, one.text) for one in land.asked[0].element] == [("put", "x")]
