"""Envelopes of both versions: written, read, with headers, security and faults."""

from __future__ import annotations

import base64
import hashlib
from typing import Any, Literal

import pytest
from lxml import etree
from wire.soap_parts import HERE

from hub.errors import Problem
from hub.wire.soap import (
    SECURITY_TAG,
    SPACES,
    Security,
    Version,
    content_type,
    http_headers,
    read_envelope,
    username_token,
    write_envelope,
    write_fault,
)
from hub.wire.wsdl import Operation, load_wsdl
from hub.wire.xml import XmlLimits, XmlRefused, parse
from hub.wire.xml_form import XmlMisfit

WSDL = load_wsdl(HERE / "one_stop.wsdl")
BODY = {"Code": "H1.2", "Applicant": {"@kind": "person", "Name": "Nguyễn Văn A"}}
NOW = 1_763_776_800_000_000
VERSIONS: tuple[Version, ...] = ("1.1", "1.2")


def operation(version: str) -> Operation:
    return WSDL.operation("SubmitDossier", port="OneStop11" if version == "1.1" else "OneStop12")


def clock() -> int:
    return NOW


def envelope(version: Version, body: str, header: str = "", more: str = "") -> bytes:
    head = f"<s:Header>{header}</s:Header>" if header else ""
    return f'<s:Envelope xmlns:s="{SPACES[version]}">{head}<s:Body>{body}</s:Body>{more}</s:Envelope>'.encode()


@pytest.mark.parametrize("version", VERSIONS)
def test_a_request_and_its_answer(version: Version) -> None:
    """What one side writes the other reads; the version is that of the port."""
    one = operation(version)
    assert one.input is not None and one.output is not None
    request = read_envelope(write_envelope(one, BODY, clock=clock))
    assert (request.version, request.headers, request.fault) == (version, (), None)
    assert request.body is not None and one.input.read(request.body) == BODY
    answer = read_envelope(write_envelope(one, {"ReceiptId": "r1"}, clock=clock, answer=True))
    assert answer.body is not None and one.output.read(answer.body) == {"ReceiptId": "r1"}


@pytest.mark.parametrize("version", VERSIONS)
def test_headers(version: Version) -> None:
    """The declared ones, each by its form; another is refused."""
    one = operation(version)
    read = read_envelope(write_envelope(one, BODY, {"Trace": "t-1", "Session": {"Id": 4}}, clock=clock))
    found = {
        form.name: form.read(block) for block in read.headers for form in one.input_headers.values() if form.tag == block.tag
    }
    assert found == {"Trace": "t-1", "Session": {"Id": 4}}
    with pytest.raises(XmlMisfit, match=r"no header Other.*Trace, Session"):
        write_envelope(one, BODY, {"Other": 1}, clock=clock)
    with pytest.raises(XmlMisfit, match="/Header/Session/Id: must be an integer"):
        write_envelope(one, BODY, {"Session": {"Id": "4"}}, clock=clock)
    with pytest.raises(XmlMisfit, match="no header Trace"):
        write_envelope(one, {"ReceiptId": "r"}, {"Trace": "t"}, clock=clock, answer=True)


def test_http_headers() -> None:
    """1.1 says its action in SOAPAction, quoted, also when it is empty; 1.2 in the Content-Type."""
    assert http_headers(operation("1.1")) == {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": '"urn:example:submit"'}
    assert http_headers(operation("1.2")) == {
        "Content-Type": 'application/soap+xml; charset=utf-8; action="urn:example:submit"'
    }
    assert http_headers(WSDL.operation("Count"))["SOAPAction"] == '""'
    assert [content_type(version) for version in VERSIONS] == ["text/xml; charset=utf-8", "application/soap+xml; charset=utf-8"]


@pytest.mark.parametrize("kind", ["text", "digest"])
def test_a_username_token(kind: Literal["text", "digest"]) -> None:
    """The password as it is, or as a digest over a nonce and the time; the one who is asked can check it."""
    data = write_envelope(operation("1.1"), BODY, security=Security(kind, "hub", "sesame"), clock=clock)
    token = username_token(read_envelope(data, understood={SECURITY_TAG}))
    assert token is not None and (token.kind, token.username) == (kind, "hub")
    if kind == "text":
        assert token.password == "sesame"
        return
    assert b"sesame" not in data and token.created == "2025-11-22T02:00:00Z"
    nonce = base64.b64decode(token.nonce)
    assert token.password == base64.b64encode(hashlib.sha1(nonce + token.created.encode() + b"sesame").digest()).decode()
    again = write_envelope(operation("1.1"), BODY, security=Security(kind, "hub", "sesame"), clock=clock)
    assert again != data, "each message has a nonce of its own"


def test_a_timestamp() -> None:
    """When the message was made, by the hub's clock, and until when it is good."""
    data = write_envelope(operation("1.2"), BODY, {"Trace": "t"}, Security("text", "hub", "x", 300), clock=clock)
    stamp = next(parse(data).iter("{*}Timestamp"))
    assert [one.text for one in stamp] == ["2025-11-22T02:00:00Z", "2025-11-22T02:05:00Z"]
    assert [etree.QName(block).localname for block in read_envelope(data).headers] == ["Trace", "Security"]


def test_no_and_two_username_tokens() -> None:
    """None is none; two are refused, for nobody knows which is meant."""
    assert username_token(read_envelope(envelope("1.1", "<a/>"))) is None
    space = SECURITY_TAG[1 : SECURITY_TAG.index("}")]
    two = f'<w:Security xmlns:w="{space}"><w:UsernameToken/><w:UsernameToken/></w:Security>'
    with pytest.raises(XmlRefused, match="bad_security"):
        username_token(read_envelope(envelope("1.1", "<a/>", two)))
    empty = username_token(
        read_envelope(envelope("1.1", "<a/>", f'<w:Security xmlns:w="{space}"><w:UsernameToken/></w:Security>'))
    )
    assert empty is not None and (empty.username, empty.password) == ("", "")


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    ("value", "role", "refused"), [("1", "", True), ("true", "next", True), ("0", "", False), ("1", "urn:x", False)]
)
def test_a_header_that_must_be_understood(version: Version, value: str, role: str, refused: bool) -> None:
    """One that is for us and that nobody handles refuses the message."""
    if role == "next":
        role = "http://schemas.xmlsoap.org/soap/actor/next" if version == "1.1" else f"{SPACES['1.2']}/role/next"
    name = "actor" if version == "1.1" else "role"
    block = f'<x:T xmlns:x="urn:x" s:mustUnderstand="{value}"' + (f' s:{name}="{role}"' if role else "") + "/>"
    data = envelope(version, "<a/>", block)
    assert read_envelope(data, understood={"{urn:x}T"}).body is not None
    if refused:
        with pytest.raises(XmlRefused, match="must_understand"):
            read_envelope(data)
    else:
        read_envelope(data)


NOT_SOAP: list[tuple[bytes, str]] = [
    (b"<html/>", "not_soap"),
    (b'<e:Envelope xmlns:e="urn:e"><e:Body/></e:Envelope>', "version_mismatch"),
    (b"<Envelope/>", "version_mismatch"),
    (f'<e:Envelope xmlns:e="{SPACES["1.1"]}"/>'.encode(), "not_soap"),
    (f'<e:Envelope xmlns:e="{SPACES["1.1"]}"><Body/></e:Envelope>'.encode(), "not_soap"),
    (envelope("1.2", "<a/><b/>"), "several_bodies"),
]


@pytest.mark.parametrize(("data", "code"), NOT_SOAP)
def test_what_is_no_envelope(data: bytes, code: str) -> None:
    """Refused with a code of its own; the limits are the caller's."""
    with pytest.raises(XmlRefused) as refusal:
        read_envelope(data)
    assert [one.code for one in refusal.value.problems] == [code]
    assert code != "version_mismatch" or all(space in refusal.value.problems[0].hint for space in SPACES.values())
    with pytest.raises(XmlRefused, match="too_large"):
        read_envelope(data, XmlLimits(bytes=5))


def test_an_empty_body() -> None:
    """There is none, and it is no fault."""
    read = read_envelope(envelope("1.1", ""))
    assert read.body is None and read.fault is None


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("code", ["Sender", "Receiver", "MustUnderstand", "VersionMismatch"])
def test_a_fault_of_ours(version: Version, code: Any) -> None:
    """Read by the same rules: one word for the code in both versions, the problems in the detail."""
    problems = [Problem("/Code", "pattern", "does not match", "write it in capitals", "line 3")]
    fault = read_envelope(write_fault(version, code, "it does not fit", problems)).fault
    assert fault is not None and (fault.code, fault.reason, fault.subcode, fault.actor) == (code, "it does not fit", "", "")
    assert fault.detail is not None
    (one,) = fault.detail[0]
    assert (one.get("at"), one.get("code"), one.text, one.get("hint")) == (
        "/Code",
        "pattern",
        "does not match",
        "write it in capitals",
    )
    bare = read_envelope(write_fault(version, code, "no")).fault
    assert bare is not None and bare.detail is None


def test_a_declared_fault() -> None:
    """The detail holds an element that the WSDL declares, and its form reads it."""
    form = operation("1.1").faults["Refusal"]
    fault = read_envelope(write_fault("1.1", "Sender", "no", form.write({"Reason": "closed"}))).fault
    assert fault is not None and fault.detail is not None and form.read(fault.detail[0]) == {"Reason": "closed"}


THEIRS: list[tuple[Version, str, tuple[str, str, str, str, bool]]] = [
    ("1.1", "<faultcode>s:Client</faultcode><faultstring>no</faultstring><faultactor>urn:a</faultactor><detail/>",
     ("Sender", "", "no", "urn:a", True)),
    ("1.1", "<faultcode>s:Server.Busy</faultcode><faultstring> no </faultstring>", ("Receiver", "Busy", "no", "", False)),
    ("1.1", "<faultcode>ORA-00942</faultcode><faultstring/>", ("ORA-00942", "", "", "", False)),
    ("1.1", "<s:faultcode>s:Client</s:faultcode><s:faultstring>no</s:faultstring>", ("Sender", "", "no", "", False)),
    ("1.1", "", ("", "", "", "", False)),
    ("1.2", "<s:Code><s:Value>s:Sender</s:Value><s:Subcode><s:Value>x:Bad</s:Value></s:Subcode></s:Code><s:Reason>"
     '<s:Text xml:lang="vi">không</s:Text><s:Text xml:lang="en">no</s:Text></s:Reason><s:Role>urn:r</s:Role>'
     "<s:Detail><a/></s:Detail>",
     ("Sender", "Bad", "không", "urn:r", True)),
    ("1.2", "", ("", "", "", "", False)),
]  # fmt: skip


@pytest.mark.parametrize(("version", "content", "expected"), THEIRS)
def test_a_fault_of_a_partner(version: Version, content: str, expected: tuple[str, str, str, str, bool]) -> None:
    """As partners write them, with and without the right namespaces."""
    fault = read_envelope(envelope(version, f"<s:Fault>{content}</s:Fault>")).fault
    assert fault is not None
    assert (fault.code, fault.subcode, fault.reason, fault.actor, fault.detail is not None) == expected


def test_a_body_that_does_not_fit_is_not_sent() -> None:
    """The object is held against the schema before there is an envelope."""
    with pytest.raises(XmlMisfit) as misfit:
        write_envelope(operation("1.1"), {"Code": "h1", "Applicant": {"Name": "A"}}, clock=clock)
    assert [(one.at, one.code) for one in misfit.value.problems] == [("/Code", "pattern"), ("/Applicant/@kind", "missing")]


def test_rpc() -> None:
    """The wrapper of a call and of its answer."""
    one = WSDL.operation("Count")
    body = read_envelope(write_envelope(one, {"code": "H1", "year": 2025}, clock=clock)).body
    assert body is not None and body.tag == "{urn:example:count}Count" and [child.tag for child in body] == ["code", "year"]
    answer = read_envelope(write_envelope(one, {"count": 7}, clock=clock, answer=True)).body
    assert answer is not None and one.output is not None and one.output.read(answer) == {"count": 7}
