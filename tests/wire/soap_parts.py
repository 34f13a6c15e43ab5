"""Small WSDLs and schemas that the tests of the wire write, and the object form held against them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema_rs
from lxml import etree

from hub.wire.wsdl import Operation, Wsdl, load_wsdl
from hub.wire.xml import parse
from hub.wire.xml_form import XmlForm

HERE = Path(__file__).parent / "wsdl"
SCHEMA_ATTRIBUTES = 'targetNamespace="urn:t" elementFormDefault="qualified"'
WSDL_HEAD = """<wsdl:definitions xmlns:wsdl="http://schemas.xmlsoap.org/wsdl/" xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/"
  xmlns:soap12="http://schemas.xmlsoap.org/wsdl/soap12/" xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:t="urn:t"
  xmlns:u="urn:u" xmlns:soapenc="http://schemas.xmlsoap.org/soap/encoding/" targetNamespace="urn:t">"""


def wsdl_text(
    schemas: str,
    *,
    attributes: str = SCHEMA_ATTRIBUTES,
    more: str = "",
    parts: str = '<wsdl:part name="p" element="t:R"/>',
    answer: str = "",
    version: str = "",
    style: str = "document",
    body: str = '<soap:body use="literal"/>',
) -> str:
    """A WSDL with one operation ``Do``, whose request holds the element ``t:R``; ``schemas`` is what stands in xs:schema."""
    if version == "12":
        body = body.replace("soap:", "soap12:")
    inline = f"<xs:schema {attributes}>{schemas}</xs:schema>" if schemas else ""
    return f"""{WSDL_HEAD}
      <wsdl:types>{inline}{more}</wsdl:types>
      <wsdl:message name="In">{parts}</wsdl:message><wsdl:message name="Out">{answer or parts}</wsdl:message>
      <wsdl:portType name="P"><wsdl:operation name="Do">
        <wsdl:input message="t:In"/><wsdl:output message="t:Out"/></wsdl:operation></wsdl:portType>
      <wsdl:binding name="B" type="t:P">
        <soap{version}:binding style="{style}" transport="http://schemas.xmlsoap.org/soap/http"/>
        <wsdl:operation name="Do"><soap{version}:operation soapAction="urn:do"/>
          <wsdl:input>{body}</wsdl:input><wsdl:output>{body}</wsdl:output></wsdl:operation></wsdl:binding>
      <wsdl:service name="S"><wsdl:port name="Port" binding="t:B">
        <soap{version}:address location="http://partner.example/do"/></wsdl:port></wsdl:service>
    </wsdl:definitions>"""


def load_text(folder: Path, text: str, **files: str) -> Wsdl:
    """A WSDL written to a folder, with other files beside it (``name_xsd="…"`` becomes ``name.xsd``), and loaded."""
    for name, content in files.items():
        (folder / name.replace("_", ".")).write_text(content)
    path = folder / "service.wsdl"
    path.write_text(text)
    return load_wsdl(path)


def operation_of(folder: Path, schemas: str, **options: Any) -> Operation:
    """The one operation of a WSDL with these schemas."""
    return load_text(folder, wsdl_text(schemas, **options)).operation("Do")


def xml(text: str) -> bytes:
    """XML with the usual prefixes declared on its root."""
    names = 'xmlns="urn:t" xmlns:t="urn:t" xmlns:u="urn:u" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
    names += ' xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:soapenc="http://schemas.xmlsoap.org/soap/encoding/"'
    end = min(text.index(mark) for mark in (" ", ">", "/>") if mark in text)
    return f"{text[:end]} {names}{text[end:]}".encode()


def holds(form: XmlForm, text: str, obj: Any) -> None:
    """The XML reads as the object; the object, written, reads as itself again, and its JSON Schema takes it."""
    assert plain(form.read(parse(xml(text)))) == plain(obj)
    assert plain(form.read(parse(form.write_bytes(obj)))) == plain(obj)
    jsonschema_rs.validator_for(form.json_schema()).validate(obj)


def plain(obj: Any) -> Any:
    """An object whose texts of XML (``#any``) declare only the prefixes that they use."""
    if isinstance(obj, list):
        return [plain(one) for one in obj]
    if not isinstance(obj, dict):
        return obj
    texts = {"#any": [etree.tostring(parse(one.encode()), method="c14n", exclusive=True) for one in obj.get("#any", [])]}
    return {key: plain(value) for key, value in obj.items()} | (texts if "#any" in obj else {})
