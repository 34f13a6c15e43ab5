"""Every feature of WSDL and XML Schema that partners use: how it looks in the object form, or where it is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from wire.soap_parts import HERE, holds, load_text, operation_of, wsdl_text, xml

from hub.errors import BadConfig
from hub.wire.wsdl import load_wsdl
from hub.wire.xml import parse
from hub.wire.xml_form import XmlMisfit

XSD = '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"'
TABLE = yaml.load((Path(__file__).parent / "features.yaml").read_text(), Loader=yaml.CSafeLoader)
WORKS = [row for row in TABLE if "object" in row]
REFUSED = [row for row in TABLE if "refused" in row]


@pytest.mark.parametrize("row", WORKS, ids=[row["feature"] for row in WORKS])
def test_a_feature_works(row: dict[str, Any], tmp_path: Path) -> None:
    """The instance reads as its object form; written and read again it is the same, and the JSON Schema takes it."""
    form = operation_of(tmp_path, row["schema"]).input
    assert form is not None
    holds(form, row["xml"], row["object"])


@pytest.mark.parametrize("row", REFUSED, ids=[row["feature"] for row in REFUSED])
def test_what_is_not_supported_is_refused_at_load_and_names_its_place(row: dict[str, Any], tmp_path: Path) -> None:
    """A typed error when the WSDL is loaded, with the file and as a rule the line."""
    (tmp_path / "other.xsd").write_text('<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:t"/>')
    with pytest.raises(BadConfig) as refusal:
        operation_of(tmp_path, row["schema"])
    assert row["refused"] in [problem.code for problem in refusal.value.problems]
    assert all("service.wsdl" in problem.source for problem in refusal.value.problems)


def r(content: str) -> str:
    return f'<xs:element name="R"><xs:complexType>{content}</xs:complexType></xs:element>'


def sequence(*elements: str) -> str:
    return "<xs:sequence>" + "".join(elements) + "</xs:sequence>"


def e(name: str, kind: str = "xs:string", more: str = "") -> str:
    return f'<xs:element name="{name}" type="{kind}" {more}/>'


# ---- what stands outside of one schema


def test_schemas_import_each_other_in_a_circle_and_include_files_of_any_namespace(tmp_path: Path) -> None:
    """An inline schema imports a file, which imports one that imports it again; an included file has no namespace."""
    u = f"""{XSD} xmlns:v="urn:v" targetNamespace="urn:u">
      <xs:import namespace="urn:v" schemaLocation="v.xsd"/>
      <xs:complexType name="U"><xs:sequence><xs:element name="x" type="v:V" minOccurs="0"/></xs:sequence></xs:complexType>
      </xs:schema>"""
    v = f"""{XSD} xmlns:u="urn:u" targetNamespace="urn:v" elementFormDefault="qualified">
      <xs:import namespace="urn:u" schemaLocation="u.xsd"/>
      <xs:complexType name="V"><xs:sequence><xs:element name="y" type="u:U"/></xs:sequence></xs:complexType></xs:schema>"""
    inc = f"""{XSD}><xs:include schemaLocation="inc.xsd"/>
      <xs:simpleType name="Code"><xs:restriction base="xs:string"><xs:length value="2"/></xs:restriction></xs:simpleType>
      <xs:complexType name="Pair"><xs:sequence><xs:element name="left" type="Code"/></xs:sequence></xs:complexType>
      </xs:schema>"""
    schema = '<xs:import namespace="urn:u" schemaLocation="u.xsd"/><xs:include schemaLocation="inc.xsd"/>'
    schema += r(sequence(e("a", "u:U"), e("b", "t:Code"), e("c", "t:Pair")))
    wsdl = load_text(tmp_path, wsdl_text(schema), u_xsd=u, v_xsd=v, inc_xsd=inc)
    form = wsdl.operation("Do").input
    assert form is not None
    text = '<R><a><x xmlns=""><y xmlns="urn:v"><x xmlns=""><y xmlns="urn:v"/></x></y></x></a><b>AB</b>'
    text += '<c><left xmlns="">XY</left></c></R>'
    holds(form, text, {"a": {"x": {"y": {"x": {"y": {}}}}}, "b": "AB", "c": {"left": "XY"}})
    assert {path.name for path in wsdl.files} == {"service.wsdl", "u.xsd", "v.xsd", "inc.xsd"}


def test_two_inline_schemas_refer_to_each_other(tmp_path: Path) -> None:
    """An import without a location means the other schema in the same WSDL; so does no import at all, as many WSDLs have it."""
    other = '<xs:schema targetNamespace="urn:u"><xs:element name="Q" type="xs:int"/><xs:complexType name="U"><xs:sequence>'
    other += '<xs:element name="x" type="xs:int"/></xs:sequence></xs:complexType></xs:schema>'
    text = wsdl_text('<xs:import namespace="urn:u"/>' + r(sequence(e("a", "u:U"), '<xs:element ref="u:Q"/>')), more=other)
    form = load_text(tmp_path, text).operation("Do").input
    assert form is not None
    holds(form, "<R><a><x xmlns=''>1</x></a><u:Q>2</u:Q></R>", {"a": {"x": 1}, "Q": 2})
    text = wsdl_text(r(sequence(e("a", "u:U"))), more=other)
    form = load_text(tmp_path, text).operation("Do").input
    assert form is not None
    holds(form, "<R><a><x xmlns=''>1</x></a></R>", {"a": {"x": 1}})


def test_a_wsdl_in_parts(tmp_path: Path) -> None:
    """Services in one file, bindings in another, messages and types in a third that imports the first again."""
    whole = wsdl_text(e("R", "xs:int"))
    types, rest = whole.split("<wsdl:portType", 1)
    ports, service = rest.split("<wsdl:service", 1)
    head = whole[: whole.index(">") + 1]
    a = f'{head}<wsdl:import namespace="urn:t" location="b.wsdl"/><wsdl:service{service}'
    b = f'{head}<wsdl:import namespace="urn:t" location="sub/c.wsdl"/><wsdl:portType{ports}</wsdl:definitions>'
    c = types.replace(head, f'{head}<wsdl:import namespace="urn:t" location="../service.wsdl"/>') + "</wsdl:definitions>"
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "c.wsdl").write_text(c)
    form = load_text(tmp_path, a, b_wsdl=b).operation("Do").input
    assert form is not None
    holds(form, "<R>5</R>", 5)


@pytest.mark.parametrize("form", ["qualified", "unqualified", ""])
def test_element_form_default(form: str, tmp_path: Path) -> None:
    """Local elements are in the namespace of the schema only when it says so; the prefixes of the input do not matter."""
    attributes = 'targetNamespace="urn:t"' + (f' elementFormDefault="{form}"' if form else "")
    made = operation_of(tmp_path, r(sequence(e("a"))), attributes=attributes).input
    assert made is not None
    right = '<z:R xmlns:z="urn:t"><z:a>x</z:a></z:R>' if form == "qualified" else '<z:R xmlns:z="urn:t"><a>x</a></z:R>'
    wrong = '<z:R xmlns:z="urn:t"><a>x</a></z:R>' if form == "qualified" else '<z:R xmlns:z="urn:t"><z:a>x</z:a></z:R>'
    assert made.read(parse(right.encode())) == {"a": "x"} == made.read(parse(made.write_bytes({"a": "x"})))
    with pytest.raises(XmlMisfit):
        made.read(parse(wrong.encode()))


def test_a_schema_without_a_namespace(tmp_path: Path) -> None:
    """Elements without any namespace, beside types that have one."""
    parts = '<wsdl:part name="p" element="Plain"/>'
    more = '<xs:schema><xs:import namespace="urn:t"/><xs:element name="Plain" type="t:T"/></xs:schema>'
    schema = f'<xs:import/><xs:complexType name="T">{sequence(e("a"))}</xs:complexType>' + r(
        sequence('<xs:element ref="Plain"/>')
    )
    wsdl = load_text(tmp_path, wsdl_text(schema, more=more, parts=parts))
    form = wsdl.operation("Do").input
    assert form is not None and form.tag == "Plain"
    assert form.read(parse(b'<Plain xmlns:t="urn:t"><t:a>x</t:a></Plain>')) == {"a": "x"}
    assert form.read(parse(form.write_bytes({"a": "x"}))) == {"a": "x"}


RPC = '<soap:body use="literal" namespace="urn:rpc"/>'


def test_rpc(tmp_path: Path) -> None:
    """The wrapper is named after the operation, its parts have no namespace, their content that of its types."""
    parts = '<wsdl:part name="who" type="t:Person2"/><wsdl:part name="n" type="xs:int"/><wsdl:part name="l" type="t:L"/>'
    answer = '<wsdl:part name="ok" type="xs:boolean"/>'
    schema = f'<xs:complexType name="Person2">{sequence(e("name"))}</xs:complexType>'
    schema += '<xs:simpleType name="L"><xs:list itemType="xs:int"/></xs:simpleType>'
    operation = operation_of(tmp_path, schema, parts=parts, answer=answer, style="rpc", body=RPC)
    assert operation.style == "rpc" and operation.input is not None and operation.output is not None
    text = (
        '<q:Do xmlns:q="urn:rpc"><who xmlns=""><name xmlns="urn:t">An</name></who><n xmlns="">5</n><l xmlns="">1 2</l></q:Do>'
    )
    holds(operation.input, text, {"who": {"name": "An"}, "n": 5, "l": [1, 2]})
    answer = '<q:DoResponse xmlns:q="urn:rpc"><ok xmlns="">1</ok></q:DoResponse>'
    holds(operation.output, answer, {"ok": True})
    other = '<q:AnythingElse xmlns:q="urn:rpc"><ok xmlns="">1</ok></q:AnythingElse>'
    assert operation.output.read(parse(other.encode()), lax=True) == {"ok": True}, "partners name the wrapper as they like"
    with pytest.raises(XmlMisfit):
        operation.output.read(parse(other.encode()))


def test_rpc_without_parts(tmp_path: Path) -> None:
    """The wrapper stands alone."""
    operation = operation_of(tmp_path, "", parts="", style="rpc", body=RPC)
    assert operation.input is not None and operation.output is not None
    assert operation.input.read(parse(operation.input.write_bytes({}))) == {}
    assert operation.output.tag == "{urn:rpc}DoResponse"


ARRAY = """<xs:import namespace="http://schemas.xmlsoap.org/soap/encoding/"/>
  <xs:complexType name="Ints"><xs:complexContent><xs:restriction base="soapenc:Array">
    <xs:attribute ref="soapenc:arrayType" wsdl:arrayType="xs:int[]"/></xs:restriction></xs:complexContent></xs:complexType>
  <xs:complexType name="Item"><xs:sequence><xs:element name="name" type="xs:string"/></xs:sequence></xs:complexType>
  <xs:complexType name="Items"><xs:complexContent><xs:restriction base="soapenc:Array"><xs:sequence>
    <xs:element name="thing" type="t:Item" maxOccurs="unbounded"/></xs:sequence>
    <xs:attribute ref="soapenc:arrayType" wsdl:arrayType="t:Item[]"/></xs:restriction></xs:complexContent></xs:complexType>"""


def test_soap_arrays(tmp_path: Path) -> None:
    """An array of the SOAP encoding is a list; what its elements are called, and what types they name, does not matter."""
    parts = '<wsdl:part name="n" type="t:Ints"/><wsdl:part name="i" type="t:Items"/><wsdl:part name="s" type="soapenc:string"/>'
    body = '<soap:body use="encoded" namespace="urn:rpc" encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"/>'
    operation = operation_of(tmp_path, ARRAY, attributes='targetNamespace="urn:t"', parts=parts, style="rpc", body=body)
    assert operation.encoded and operation.input is not None
    text = """<q:Do xmlns:q="urn:rpc"><n xmlns="" xsi:type="soapenc:Array" soapenc:arrayType="xs:int[2]">
      <item xsi:type="xs:int">1</item><x>2</x></n>
      <i xmlns="" soapenc:arrayType="t:Item[1]"><thing xsi:type="t:Item"><name>An</name></thing></i>
      <s xmlns="" xsi:type="soapenc:string">x</s></q:Do>"""
    holds(operation.input, text, {"n": [1, 2], "i": [{"name": "An"}], "s": {"#text": "x"}})
    wrong = text.replace("<x>2</x>", '<x href="#1"/>')
    with pytest.raises(XmlMisfit) as misfit:
        operation.input.read(parse(xml(wrong)))
    assert [(one.at, one.code) for one in misfit.value.problems] == [("/n/1", "multiref")]


def test_headers_faults_ports_services_and_versions() -> None:
    """Headers of this and of another message, a declared fault, two services, the same operation for SOAP 1.1 and 1.2."""
    wsdl = load_wsdl(HERE / "one_stop.wsdl")
    told = [(one.name, one.service, one.port, one.version, one.style, one.address[-6:]) for one in wsdl.operations()]
    assert told == [
        ("SubmitDossier", "OneStop", "OneStop11", "1.1", "document", "soap11"),
        ("SubmitDossier", "OneStop", "OneStop12", "1.2", "document", "soap12"),
        ("Count", "Statistics", "Counter", "1.1", "rpc", "/count"),
    ]
    operation = wsdl.operation("SubmitDossier", port="OneStop12")
    assert list(operation.input_headers) == ["Trace", "Session"] and not operation.output_headers
    assert operation.input_headers["Session"].read(parse(b'<Session xmlns="urn:example:one-stop"><Id>4</Id></Session>')) == {
        "Id": 4
    }
    assert list(operation.faults) == ["Refusal"] and operation.action == "urn:example:submit" and not operation.one_way
    assert list(wsdl.inputs().forms) == ["SubmitDossier", "Count"]
    assert list(wsdl.outputs().forms) == ["SubmitDossierResponse", "CountResponse"]
    assert wsdl.appinfo("urn:dossier-hub:x-hub") == ('{"role": "source"}',)


def test_an_operation_is_named_so_that_it_is_one() -> None:
    """Ambiguous and unknown names are refused, and the refusal lists what there is."""
    wsdl = load_wsdl(HERE / "one_stop.wsdl")
    with pytest.raises(BadConfig, match=r"several ports.*OneStop11.*OneStop12") as ambiguous:
        wsdl.operation("SubmitDossier", service="OneStop")
    assert "Count" not in str(ambiguous.value)
    with pytest.raises(BadConfig, match=r"no operation Submit .*SubmitDossier.*Count"):
        wsdl.operation("Submit")


def test_one_way(tmp_path: Path) -> None:
    """An operation without an output has none."""
    text = wsdl_text(e("R"))
    text = text.replace('<wsdl:output message="t:Out"/>', "").replace(
        '<wsdl:output><soap:body use="literal"/></wsdl:output>', ""
    )
    operation = load_text(tmp_path, text).operation("Do")
    assert operation.one_way and operation.output is None


def test_a_header_that_has_only_a_type(tmp_path: Path) -> None:
    """Its element is named after the part and has no namespace."""
    body = '<soap:header message="t:H" part="note" use="literal"/><soap:body use="literal"/>'
    text = wsdl_text(e("R"), body=body).replace(
        "<wsdl:portType", '<wsdl:message name="H"><wsdl:part name="note" type="xs:int"/></wsdl:message><wsdl:portType'
    )
    operation = load_text(tmp_path, text).operation("Do")
    assert operation.input_headers["note"].read(parse(b"<note>5</note>")) == 5


def test_other_bindings_are_passed_over(tmp_path: Path) -> None:
    """Ports for HTTP GET beside SOAP ports are not for us."""
    http = """<wsdl:binding name="G" type="t:P" xmlns:http="http://schemas.xmlsoap.org/wsdl/http/"><http:binding verb="GET"/>
      <wsdl:operation name="Do"><http:operation location="/do"/><wsdl:input><http:urlEncoded/></wsdl:input><wsdl:output/>
      </wsdl:operation></wsdl:binding><wsdl:service name="S">
      <wsdl:port name="Get" binding="t:G"><http:address xmlns:http="http://schemas.xmlsoap.org/wsdl/http/" location="http://x.example"/></wsdl:port>"""
    wsdl = load_text(tmp_path, wsdl_text(e("R")).replace('<wsdl:service name="S">', http))
    assert [one.port for one in wsdl.operations()] == ["Port"]


MULTIPART = """<wsdl:input><mime:multipartRelated xmlns:mime="http://schemas.xmlsoap.org/wsdl/mime/">
  <mime:part><soap:body use="literal"/></mime:part>
  <mime:part><mime:content part="file" type="application/pdf"/></mime:part></mime:multipartRelated></wsdl:input>"""


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        (
            ("</wsdl:portType>", '<wsdl:operation name="Do"><wsdl:input message="t:In"/></wsdl:operation></wsdl:portType>'),
            "overloaded",
            "rename",
        ),
        (
            ("</wsdl:message><wsdl:message", '<wsdl:part name="z" element="t:R"/></wsdl:message><wsdl:message'),
            "unsupported",
            "R2201",
        ),
        (('element="t:R"', 'element="t:Nowhere"'), "wsdl", "Nowhere|invalid part|In"),
        (("wsdl:definitions", "definitions"), "malformed", "end tag"),
        (('<wsdl:input message="t:In"/>', ""), "unsupported", "notification"),
        (('<wsdl:input><soap:body use="literal"/></wsdl:input>', MULTIPART), "unsupported", "attachments"),
    ],
)
def test_a_wsdl_that_cannot_be_used(change: tuple[str, str], code: str, words: str, tmp_path: Path) -> None:
    """It is refused when it is loaded, not when it is called."""
    with pytest.raises(BadConfig, match=words) as refusal:
        load_text(tmp_path, wsdl_text(e("R")).replace(*change, 1))
    assert code in {problem.code for problem in refusal.value.problems}
