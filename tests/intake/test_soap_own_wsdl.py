"""A WSDL of a unit's own: RPC style, SOAP 1.1 alone, an operation without an answer, an answer with codes of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from flow.parts import MovableClock, make_home, running
from soap_hub import SoapHub, envelope, soap_config

WSDL = """<w:definitions targetNamespace="urn:shop" xmlns:w="http://schemas.xmlsoap.org/wsdl/" xmlns:t="urn:shop"
    xmlns:s="http://schemas.xmlsoap.org/wsdl/soap/" xmlns:xs="http://www.w3.org/2001/XMLSchema">
  <w:types><xs:schema targetNamespace="urn:shop">
    <xs:annotation><xs:appinfo source="urn:dossier-hub:x-hub">
      {"role": "source",
       "subject": [{"system": "{sender}", "pointer": "/Nop/so"}, {"system": "{sender}", "pointer": "/Bao/so"}]}
    </xs:appinfo></xs:annotation>
    <xs:complexType name="KetQua"><xs:sequence>
      <xs:element name="MaLoi" type="xs:int"/><xs:element name="BienNhan"><xs:complexType><xs:sequence>
        <xs:element name="So" type="xs:string"/></xs:sequence></xs:complexType></xs:element>
    </xs:sequence></xs:complexType>
    <xs:element name="Phien" type="xs:string"/>
  </xs:schema></w:types>
  <w:message name="Nop"><w:part name="so" type="xs:string"/><w:part name="trangThai" type="xs:string"/></w:message>
  <w:message name="NopRa"><w:part name="return" type="t:KetQua"/></w:message>
  <w:message name="Bao"><w:part name="so" type="xs:string"/></w:message>
  <w:message name="Phien"><w:part name="phien" element="t:Phien"/></w:message>
  <w:portType name="Shop">
    <w:operation name="Nop"><w:input message="t:Nop"/><w:output message="t:NopRa"/></w:operation>
    <w:operation name="Bao"><w:input message="t:Bao"/></w:operation>
  </w:portType>
  <w:binding name="Shop" type="t:Shop"><s:binding style="rpc" transport="http://schemas.xmlsoap.org/soap/http"/>
    <w:operation name="Nop"><s:operation soapAction=""/>
      <w:input><s:header message="t:Phien" part="phien" use="literal"/><s:body use="literal" namespace="urn:shop"/></w:input>
      <w:output><s:body use="literal" namespace="urn:shop"/></w:output></w:operation>
    <w:operation name="Bao"><s:operation soapAction="urn:bao"/>
      <w:input><s:body use="literal" namespace="urn:shop"/></w:input></w:operation>
  </w:binding>
  <w:service name="Shop"><w:port name="Shop" binding="t:Shop"><s:address location="http://old.example.vn/shop"/></w:port></w:service>
</w:definitions>
"""
MAPPING = """\
mapping: shop-to-dossier
version: 1.0.0
status: stable
from: shop@1.0.0
to: dossier@1.0.0
summary: A dossier of the shop becomes a canonical one.
when: { present: Nop }
tables: { state: { M: new } }
set:
  source_id: { get: Nop.so }
  state: { get: Nop.trangThai, table: state }
  procedure.code: { value: "2.000815" }
ignore: [Bao]
tests:
  - name: one
    given: { Nop: { so: a, trangThai: M } }
    expect: { source_id: a, state: new, procedure: { code: "2.000815" } }
"""
CONFIG = """
  shop:
    path: /soap/shop
    schema: shop@1
    operations:
      Nop: { answer: { return.MaLoi: { value: 0 }, return.BienNhan.So: arrival } }
      Bao: {}
"""
HEADERS = {"SOAPAction": '""'}
NOP = '<t:Nop xmlns:t="urn:shop"><so>a</so><trangThai>M</trangThai></t:Nop>'
BAO = '<t:Bao xmlns:t="urn:shop"><so>a</so></t:Bao>'


@pytest.fixture
async def soap(tmp_path: Path) -> AsyncIterator[SoapHub]:
    config = soap_config().replace("endpoints:\n", "  - { schema: shop@1, becomes: [dossier@1] }\nendpoints:\n", 1)
    home = make_home(tmp_path / "home", config.rstrip("\n") + CONFIG)
    for name, text in (("schemas/shop/1.0.0.wsdl", WSDL), ("mappings/shop-to-dossier/1.0.0.yaml", MAPPING)):
        (home / name).parent.mkdir(parents=True)
        (home / name).write_text(text, encoding="utf-8")
    (home / "schemas" / "schemas.lock").unlink()
    clock = MovableClock()
    async with running(home, clock) as (hub, partner):
        made = SoapHub(hub, partner, clock, path="/soap/shop")
        await made.add_sender("one-stop", "shop")
        yield made


async def test_an_answer_with_a_code_and_a_nested_number(soap: SoapHub) -> None:
    """As configured, in the operation's own wrapper; unqualified inside, as RPC has it."""
    answer = await soap.post(envelope(NOP), action=None, headers=HEADERS)
    assert answer.status == 200, answer.body
    (wrapper,) = answer.root.find("{*}Body")
    assert wrapper.tag == "{urn:shop}NopResponse"
    assert wrapper.findtext("return/MaLoi") == "0"
    (row,) = soap.rows("select id, sender_key from arrivals")
    assert wrapper.findtext("return/BienNhan/So") == row["id"] and row["sender_key"] is None


async def test_without_an_answer(soap: SoapHub) -> None:
    """An operation that the WSDL gives no answer is stored and answered 202, empty."""
    answer = await soap.post(envelope(BAO), headers={"SOAPAction": "urn:bao"})
    assert (answer.status, answer.body) == (202, b"")
    assert soap.count() == 1


async def test_a_sender_without_ids(soap: SoapHub) -> None:
    """The latest message of a dossier, sent again, is known, whatever its undeclared headers say."""
    first = await soap.post(envelope(NOP, header='<x:T xmlns:x="urn:x">1</x:T>'), action=None, headers=HEADERS)
    again = await soap.post(envelope(NOP, header='<x:T xmlns:x="urn:x">2</x:T>'), action=None, headers=HEADERS)
    assert again.headers["Idempotency-Replayed"] == "true" and again.body == first.body
    assert soap.count() == 1


async def test_an_idempotency_key_for_a_message_without_an_id(soap: SoapHub) -> None:
    """Then the header is the message's id, and the place of a conflict."""
    given = {**HEADERS, "Idempotency-Key": "K1"}
    first = await soap.post(envelope(NOP), action=None, headers=given)
    again = await soap.post(envelope(NOP).replace("><", ">\n<"), action=None, headers=given)
    assert first.status == 200 and again.headers["Idempotency-Replayed"] == "true"
    other = await soap.post(envelope(BAO), action="", headers={**given, "SOAPAction": "urn:bao"})
    assert other.fault() == ("Client", {"Idempotency-Key": "id_conflict"}) and soap.count() == 1


async def test_a_header_that_the_wsdl_declares_is_part_of_the_message(soap: SoapHub) -> None:
    """It may have to be understood, and it is kept; another in its place is not."""
    header = '<t:Phien xmlns:t="urn:shop" s:mustUnderstand="1">7</t:Phien>'
    answer = await soap.post(envelope(NOP, header=header + '<x:T xmlns:x="urn:x"/>'), action=None, headers=HEADERS)
    assert answer.status == 200
    (row,) = soap.rows("select content from bodies join arrivals using (id)")
    assert b"Phien" in row["content"] and b"urn:x" not in row["content"]
    refused = await soap.post(envelope(NOP, header=header.replace("Phien", "Khac")), action=None, headers=HEADERS)
    assert refused.fault()[0] == "MustUnderstand"


async def test_another_version_of_soap(soap: SoapHub) -> None:
    """The WSDL has no port of SOAP 1.2: a fault in the version that the caller understands."""
    answer = await soap.post(envelope(NOP, "1.2"), version="1.2", action=None)
    assert (answer.version, answer.status) == ("1.2", 500)
    assert answer.fault() == ("VersionMismatch", {"/Envelope": "wrong_version"})


async def test_an_empty_action_must_be_that_of_the_operation(soap: SoapHub) -> None:
    """Where the WSDL's action is empty, an empty one or none is right, another is not; where it is not, empty is missing."""
    assert (await soap.post(envelope(NOP), action=None)).status == 200
    other = await soap.post(envelope(NOP), headers={"SOAPAction": "urn:bao"})
    assert other.fault()[1] == {"SOAPAction": "contradiction"}
    empty = await soap.post(envelope(BAO), action=None, headers=HEADERS)
    assert empty.fault()[1] == {"SOAPAction": "missing"}


async def test_the_address_in_the_wsdl_is_the_doors(soap: SoapHub) -> None:
    """Whatever the file says."""
    answer = await soap.call("GET", "/soap/shop?wsdl")
    assert [one.get("location") for one in answer.root.iter("{*}address")] == [f"http://127.0.0.1:{soap.hub.port}/soap/shop"]
