"""What lax reading passes over is told by place: nobody may take for absent what only has another name or namespace."""

from __future__ import annotations

from pathlib import Path

import pytest

from hub.wire.xml import parse
from hub.wire.xml_form_parts import MOST
from hub.wire.xsd import load_xsd

XSD = """<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns="urn:a" targetNamespace="urn:a"
    elementFormDefault="qualified">
  <xs:element name="Answer"><xs:complexType><xs:sequence>
    <xs:element name="Code" type="xs:string" minOccurs="0"/>
    <xs:element name="Item" minOccurs="0" maxOccurs="unbounded"><xs:complexType><xs:sequence>
      <xs:element name="Code" type="xs:string" minOccurs="0"/>
    </xs:sequence></xs:complexType></xs:element>
    <xs:element name="Open" minOccurs="0"><xs:complexType><xs:sequence>
      <xs:element name="Code" type="xs:string" minOccurs="0"/><xs:any namespace="##other" minOccurs="0"
      maxOccurs="9" processContents="skip"/>
    </xs:sequence></xs:complexType></xs:element>
  </xs:sequence></xs:complexType></xs:element>
</xs:schema>"""


@pytest.mark.parametrize(
    ("content", "places"),
    [
        ("<Code>1</Code><Item/>", []),
        ("<x/><Code>1</Code>", ["/x"]),
        ('<Code xmlns="">1</Code>', ["/Code"]),
        ("<Item/><Item><Kode/></Item>", ["/Item/1/Kode"]),
        ('<Item kind="a" id="b" xml:lang="vi"/>', ["/Item/0/@kind"]),
        ('<Code kind="a">1</Code>', ["/Code/@kind"]),
        ("<Item>1</Item>", ["/Item/0/#text"]),
        ("<Open><y/></Open>", []),
        ('<Open><Code xmlns="">1</Code><y/></Open>', ["/Open/Code"]),
        ("<Lê/><N0123456789/>", ["/‹masked›", "/‹masked›"]),
    ],
)
def test_places(tmp_path: Path, content: str, places: list[str]) -> None:
    """Elements, attributes and text, by pointers that end in the name; what xs:any takes is not passed over, unless it has
    the name of an element of the schema."""
    (tmp_path / "a.xsd").write_text(XSD, encoding="utf-8")
    form = load_xsd(tmp_path / "a.xsd").form("Answer")
    skipped: list[str] = []
    form.read(parse(f'<Answer xmlns="urn:a">{content}</Answer>'.encode()), lax=True, skipped=skipped)
    assert skipped == places


def test_not_all_are_counted(tmp_path: Path) -> None:
    """So many that it is clear that much is not known."""
    (tmp_path / "a.xsd").write_text(XSD, encoding="utf-8")
    skipped: list[str] = []
    data = f'<Answer xmlns="urn:a">{"<x/>" * 5000}</Answer>'.encode()
    load_xsd(tmp_path / "a.xsd").form("Answer").read(parse(data), lax=True, skipped=skipped)
    assert len(skipped) == MOST
