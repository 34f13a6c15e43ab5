"""Arrays of the SOAP encoding hold to the type of their items, are dense, and are as long as they say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from wire.soap_parts import operation_of, xml

from hub.errors import BadConfig
from hub.wire.xml import parse
from hub.wire.xml_form import XmlForm, XmlMisfit

IMPORT = '<xs:import namespace="http://schemas.xmlsoap.org/soap/encoding/"/>'
SCHEMA = f"""{IMPORT}
  <xs:simpleType name="Num"><xs:restriction base="xs:string"><xs:pattern value="[0-9]{{4}}"/></xs:restriction></xs:simpleType>
  <xs:complexType name="B"><xs:sequence><xs:element name="n" type="t:Num" minOccurs="0"/></xs:sequence></xs:complexType>
  <xs:complexType name="C"><xs:complexContent><xs:extension base="t:B"><xs:sequence><xs:element name="y" type="xs:int"/>
    </xs:sequence></xs:extension></xs:complexContent></xs:complexType>"""
ARRAY = """<xs:complexType name="{}"><xs:complexContent><xs:restriction base="soapenc:Array">
  <xs:attribute ref="soapenc:arrayType" wsdl:arrayType="{}[]"/></xs:restriction></xs:complexContent></xs:complexType>"""
SCHEMA += "".join(
    ARRAY.format(*one)
    for one in (("Bs", "t:B"), ("Ints", "xs:int"), ("Nums", "t:Num"), ("Rows", "t:Ints"), ("All", "xs:anyType"))
)
SCHEMA += '<xs:element name="item" type="xs:int"/>'
KINDS = {"bs": "t:Bs", "is": "t:Ints", "ns": "t:Nums", "rows": "t:Rows", "one": "t:B", "any": "xs:anyType", "all": "t:All"}
BODY = '<soap:body use="encoded" namespace="urn:rpc" encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"/>'


@pytest.fixture(scope="module")
def forms(tmp_path_factory: pytest.TempPathFactory) -> dict[str, XmlForm]:
    """The form of an operation's request with one part, by the name of the part."""
    found = {}
    for name, kind in KINDS.items():
        parts = f'<wsdl:part name="{name}" type="{kind}"/>'
        folder = tmp_path_factory.mktemp(name)
        operation = operation_of(folder, SCHEMA, attributes='targetNamespace="urn:t"', parts=parts, style="rpc", body=BODY)
        assert operation.input is not None
        found[name] = operation.input
    return found


def sent(part: str, items: str, attributes: str = "") -> bytes:
    return xml(f'<q:Do xmlns:q="urn:rpc">\n<{part} xmlns="" {attributes}>{items}</{part}></q:Do>')


def size(what: str) -> str:
    return f'soapenc:arrayType="{what}"'


GOOD: list[tuple[str, str, str, Any]] = [
    ("bs", "<item><n>1234</n></item><x/>", size("t:B[2]"), [{"n": "1234"}, {}]),
    ("bs", '<item xsi:type="t:C"><n>1234</n><y>5</y></item>', size("t:B[1]"), [{"@xsi:type": "C", "n": "1234", "y": 5}]),
    ("bs", '<item xsi:nil="true"/>', "", [None]),
    ("is", '<item xsi:type="soapenc:int">1</item><item>2</item>', size("xs:int[]"), [1, 2]),
    ("is", "", size("xs:int[0]"), []),
    ("is", "<t:item>1</t:item>", 'xsi:type="soapenc:Array"', [1]),
    ("is", "<i>1</i>", 'soapenc:offset="[0]" ' + size("xs:int[1]"), [1]),
    ("ns", "<t:item>1234</t:item>", size("t:Num[1]"), ["1234"]),
    ("rows", f"<r {size('xs:int[1]')}><i>1</i></r><r/>", size("xs:int[][2]"), [[1], []]),
    ("any", "<i>1234</i>", 'xsi:type="t:Nums"', {"@xsi:type": "{urn:t}Nums", "#text": ["1234"]}),
    ("all", '<i xsi:type="t:Num">1234</i><i>x</i>', "", [{"@xsi:type": "{urn:t}Num", "#text": "1234"}, "x"]),
]  # fmt: skip


@pytest.mark.parametrize(("part", "items", "attributes", "obj"), GOOD)
def test_an_array_is_a_list(part: str, items: str, attributes: str, obj: Any, forms: dict[str, XmlForm]) -> None:
    """However its items are called, also like a global element of another type; what is written reads the same."""
    found = {part: obj}
    for lax in (False, True):
        assert forms[part].read(parse(sent(part, items, attributes)), lax=lax) == found
    assert forms[part].read(forms[part].write(found)) == found


STRICT: list[tuple[str, str, str, str, str]] = [
    ("bs", "<item>text</item>", "", "/bs/0", "text"),
    ("bs", "<item/><item><n>12ab</n></item>", "", "/bs/1/n", "pattern"),
    ("bs", "<item><n>1234</n><n>1234</n></item>", "", "/bs/0/n", "repeated unknown_element"),
    ("bs", '<item xsi:type="t:C"><n>1234</n></item>', "", "/bs/0/y", "missing"),
    ("bs", '<item xsi:nil="true"><n>1234</n></item>', "", "/bs/0", "null"),
    ("ns", "<i>1234</i><i>123</i>", "", "/ns/1", "pattern"),
    ("ns", '<i xsi:type="xs:string">123</i>', "", "/ns/0", "pattern"),
    ("is", "<i>99999999999</i>", "", "/is/0", "bad_value"),
    ("is", "text", "", "/is", "text"),
    ("rows", "<r><i>1</i><i>x</i></r>", "", "/rows/0/1", "bad_value"),
    ("any", "<i>123</i>", 'xsi:type="t:Nums"', "/any/#text/0", "pattern"),
    ("all", '<i xsi:type="t:Num">123</i>', "", "/all/0", "pattern"),
]  # fmt: skip


@pytest.mark.parametrize(("part", "items", "attributes", "at", "code"), STRICT)
def test_items_hold_to_their_type(
    part: str, items: str, attributes: str, at: str, code: str, forms: dict[str, XmlForm]
) -> None:
    """Each item is checked by the type that the array declares, or one derived from it; the line is told."""
    with pytest.raises(XmlMisfit) as misfit:
        forms[part].read(parse(sent(part, items, attributes)))
    first = misfit.value.problems[0]
    assert (first.at, first.source) == (at, "line 2") and first.code in code.split()


BOTH: list[tuple[str, str, str, str, str]] = [
    ("is", "<i>1</i>", size("xs:int[9]"), "/is", "bad_length"),
    ("is", "<i>1</i><i>2</i><i>3</i><i>4</i>", size("xs:int[2,2]"), "/is", "dimensions"),
    ("is", "<i>1</i>", size("xs:int[][1]"), "/is", "dimensions"),
    ("is", "<i>1</i>", size("xs:int"), "/is", "bad_value"),
    ("is", "<i>1</i>", 'soapenc:offset="[3]" ' + size("xs:int[5]"), "/is", "sparse"),
    ("rows", '<r soapenc:offset="[1]"><i>1</i></r>', "", "/rows/0", "sparse"),
    ("is", "", 'href="#a"', "/is", "multiref"),
    ("bs", '<item href="#a"/>', "", "/bs/0", "multiref"),
    ("rows", '<r href="#a"/>', "", "/rows/0", "multiref"),
    ("one", "", 'href="#a"', "/one", "multiref"),
]  # fmt: skip


@pytest.mark.parametrize("lax", [False, True])
@pytest.mark.parametrize(("part", "items", "attributes", "at", "code"), BOTH)
def test_an_array_that_is_no_plain_list_is_refused(
    part: str, items: str, attributes: str, at: str, code: str, lax: bool, forms: dict[str, XmlForm]
) -> None:
    """Also in lax reading: items would move, or vanish."""
    with pytest.raises(XmlMisfit) as misfit:
        forms[part].read(parse(sent(part, items, attributes)), lax=lax)
    assert [(one.at, one.code) for one in misfit.value.problems] == [(at, code)]


@pytest.mark.parametrize("lax", [False, True])
def test_an_item_that_says_its_position_is_refused(lax: bool, forms: dict[str, XmlForm]) -> None:
    with pytest.raises(XmlMisfit) as misfit:
        forms["bs"].read(parse(sent("bs", '<item soapenc:position="[3]"/>')), lax=lax)
    assert [one.code for one in misfit.value.problems] == ["sparse" if lax else "unknown_attribute"]


@pytest.mark.parametrize(
    ("part", "obj", "at", "code"),
    [
        ("bs", [{"n": "12ab"}], "/bs/0/n", "pattern"),
        ("ns", ["1234", "12"], "/ns/1", "pattern"),
        ("rows", [[1], [2**40]], "/rows/1/0", "bad_value"),
        ("bs", [{"n": "1234", "y": 5}], "/bs/0/y", "unknown_property"),
    ],
)
def test_what_is_written_is_checked_too(part: str, obj: Any, at: str, code: str, forms: dict[str, XmlForm]) -> None:
    with pytest.raises(XmlMisfit) as misfit:
        forms[part].write({part: obj})
    assert [(one.at, one.code, one.source) for one in misfit.value.problems] == [(at, code, "")]


def test_an_array_of_items_without_a_named_type_is_refused(tmp_path: Path) -> None:
    """Only a type that has a name can be held against an item whose element may be called anything."""
    schema = f"""{IMPORT}<xs:complexType name="A"><xs:complexContent><xs:restriction base="soapenc:Array"><xs:sequence>
      <xs:element name="x"><xs:simpleType><xs:restriction base="xs:string"><xs:maxLength value="2"/></xs:restriction>
      </xs:simpleType></xs:element></xs:sequence></xs:restriction></xs:complexContent></xs:complexType>"""
    with pytest.raises(BadConfig, match="unsupported"):
        operation_of(tmp_path, schema, parts='<wsdl:part name="a" type="t:A"/>', style="rpc", body=BODY)
