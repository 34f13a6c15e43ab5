"""Schemas in XML: read from XSD and WSDL with all that they import, checked, locked and mapped like those in JSON."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from hub.errors import NotParsable, SchemaInvalid
from hub.message import Alias
from hub.translation import Catalog, lock_schemas
from hub.translation.lint import lint_catalog

REPOSITORY = Path(__file__).parents[2]
APPINFO = '<xs:annotation><xs:appinfo source="urn:dossier-hub:x-hub">{}</xs:appinfo></xs:annotation>'
X_HUB = {"role": "source", "subject": [{"system": "national", "pointer": "/SoHoSo"}], "message_id": ["/Ma", "/@id"]}
TYPES = """
  <xs:element name="HoSo" type="t:HoSo"/>
  <xs:complexType name="HoSo"><xs:sequence>
    <xs:element name="SoHoSo" type="xs:string"/>
    <xs:element name="Ma" type="xs:string" minOccurs="0"/>
    <xs:element name="SoTrang" type="xs:int" minOccurs="0"/>
    <xs:element name="Tep" type="t:Ten" minOccurs="0" maxOccurs="3"/>
  </xs:sequence><xs:attribute name="id" type="xs:string"/></xs:complexType>
  <xs:simpleType name="Ten"><xs:restriction base="xs:string"><xs:maxLength value="5"/></xs:restriction></xs:simpleType>
"""
SCHEMA = '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:t="urn:t" targetNamespace="urn:t">{}</xs:schema>'
MESSAGE = '<t:HoSo xmlns:t="urn:t" id="a"><SoHoSo>H-1</SoHoSo>{}<Tep>x</Tep></t:HoSo>'


def xsd(home: Any, content: str = TYPES, x_hub: dict[str, Any] | None = X_HUB, name: str = "in/1.0.0.xsd") -> Path:
    """An XSD in the home."""
    noted = APPINFO.format(json.dumps(x_hub)) if x_hub is not None else ""
    path: Path = home.write(f"schemas/{name}", SCHEMA.format(noted + content))
    return path


def test_an_xsd_is_a_schema_as_any_other(home: Any) -> None:
    """Its one element's content is the message: read, checked, named; and a mapping reads it by the derived JSON Schema."""
    xsd(home)
    home.schema("out@1.0.0", {"code": {"type": "string"}, "pages": {"type": "integer"}, "files": {"type": "array"}})
    home.mapping(
        "set:\n  code: { get: SoHoSo }\n  pages: { get: SoTrang, optional: true }\n  files: { each: Tep }\n"
        'ignore: ["@id", Ma]\n'
        "tests: [{ name: one, given: { SoHoSo: a, Tep: [x] }, expect: { code: a, files: [x] } }]\n"
    )
    catalog = home.catalog()
    assert lint_catalog(catalog) == []
    schema = catalog.schema("in@1")
    message = schema.parse(MESSAGE.format("<SoTrang> 7 </SoTrang>").encode())
    schema.validate(message)
    assert message == {"@id": "a", "SoHoSo": "H-1", "SoTrang": 7, "Tep": ["x"]}
    assert schema.aliases(message, "s") == (Alias("national", "H-1"),)
    assert catalog.chain("in@1", "out@1").translate(message).body == {"code": "H-1", "pages": 7, "files": ["x"]}
    assert schema.document["$id"] == "urn:dossier-hub:in:1.0.0" and schema.document["x-hub"] == X_HUB


def test_of_alternative_pointers_the_first_that_is_there_counts(home: Any) -> None:
    """In their order, whatever the order in the message; in JSON schemas too."""
    xsd(home)
    schema = home.catalog().schema("in@1")
    assert schema.message_id(schema.parse(MESSAGE.format("<Ma>m</Ma>").encode())) == "m"
    assert schema.message_id(schema.parse(MESSAGE.format("<Ma/>").encode())) == "a"
    fields: dict[str, Any] = {"a": {"type": "string"}, "b": {"type": ["string", "integer"]}}
    home.schema("out@1.0.0", fields, x_hub={"version": ["/a", "/b"], "step": "/a"})
    other = home.catalog().schema("out@1")
    assert (other.version({"a": "", "b": 7}), other.version({}), other.step({"a": "s"})) == (7, None, "s")
    with pytest.raises(SchemaInvalid) as caught:
        other.version({"b": "x"})
    assert caught.value.problems[0].at == "/b"


def test_bytes_that_are_no_message(home: Any) -> None:
    """What is no XML cannot be parsed, what does not fit is named field by field; neither shows a value."""
    xsd(home)
    schema = home.catalog().schema("in@1")
    for body in (b"", b"{}", b"<a>", b"<!DOCTYPE a [<!ENTITY b 'canary'>]><a>&b;</a>", b"<a>" * 100 + b"</a>" * 100):
        with pytest.raises(NotParsable) as unread:
            schema.parse(body)
        assert unread.value.problems[0].message and "canary" not in str(unread.value)
    with pytest.raises(SchemaInvalid) as caught:
        schema.parse(MESSAGE.format("<SoTrang>canary</SoTrang><Tep>canary-long</Tep>").encode())
    assert {one.at for one in caught.value.problems} == {"/SoTrang", "/Tep/0"}
    assert "canary" not in str(caught.value)


def test_several_documents_are_told_by_their_element(home: Any) -> None:
    """All global elements, or those that x-hub names; one that is named alone is the message itself."""
    more = (
        TYPES
        + '<xs:element name="Huy"><xs:complexType><xs:attribute name="so" type="xs:string"/></xs:complexType></xs:element>'
    )
    pointer = {"role": "source", "subject": [{"system": "national", "pointer": "/HoSo/SoHoSo"}]}
    xsd(home, more, pointer)
    schema = home.catalog().schema("in@1")
    assert schema.parse(b'<t:Huy xmlns:t="urn:t" so="1"/>') == {"Huy": {"@so": "1"}}
    assert set(schema.parse(MESSAGE.format("").encode())) == {"HoSo"}
    xsd(home, more, {**X_HUB, "elements": ["HoSo"]})
    schema = home.catalog().schema("in@1")
    assert "SoHoSo" in schema.parse(MESSAGE.format("").encode()) and "elements" not in schema.document["x-hub"]
    with pytest.raises(SchemaInvalid):
        schema.parse(b'<t:Huy xmlns:t="urn:t" so="1"/>')


@pytest.mark.parametrize(
    ("content", "x_hub", "code", "at"),
    [
        (TYPES, None, "missing", "x-hub"),
        (TYPES + APPINFO.format("{}"), X_HUB, "written_twice", "x-hub"),
        (TYPES, {"role": "boss"}, "bad_role", "x-hub.role"),
        (TYPES, {**X_HUB, "message_id": "/No"}, "unknown_path", "x-hub.message_id"),
        (TYPES, {**X_HUB, "message_id": ["/Ma", "/No"]}, "unknown_path", "x-hub.message_id"),
        (TYPES, {**X_HUB, "message_id": []}, "mistyped", "x-hub.message_id"),
        (TYPES, {**X_HUB, "elements": []}, "mistyped", "x-hub.elements"),
        (TYPES, {**X_HUB, "elements": ["No"]}, None, None),
        ("", X_HUB, "mistyped", "x-hub.elements"),
        (TYPES.replace('type="xs:int"', 'type="t:No"'), X_HUB, None, None),
        ('<xs:include schemaLocation="http://example.vn/x.xsd"/>' + TYPES, X_HUB, "address", None),
        ('<xs:include schemaLocation="../secret.xsd"/>' + TYPES, X_HUB, None, None),
        (TYPES + "<xs:element>", X_HUB, "malformed", None),
    ],
)
def test_a_broken_file_is_named(home: Any, content: str, x_hub: Any, code: str | None, at: str | None) -> None:
    """Each problem with the file as the catalog names it, never by the server's path."""
    xsd(home, content, x_hub)
    found = home.problems()
    assert any(code in (None, one.code) and at in (None, one.at) for one in found), found
    assert all(one.source.startswith("schemas/in/1.0.0.xsd") for one in found)
    assert str(home.path) not in str(found)


def test_two_files_of_one_version(home: Any) -> None:
    """In one layer a mistake; in another layer the first wins, whatever its kind."""
    xsd(home)
    home.schema("in@1.0.0", {})
    assert [(one.code, one.source) for one in home.problems()] == [("two_files", "schemas/in/1.0.0.xsd")]
    (home.path / "schemas/in/1.0.0.json").unlink()
    second = home.path / "second"
    shutil.copytree(home.path / "schemas", second / "schemas")
    (second / "schemas/in/1.0.0.xsd").unlink()
    (second / "schemas/in/1.0.0.json").write_text("{}")
    assert Catalog.load([home.path, second]).schema("in@1").xml is not None


def test_what_it_imports_counts(home: Any) -> None:
    """The digest, and the lock, are over every file; a changed, missing or added one is named."""
    home.write("schemas/in/1.0.0/types.xsd", SCHEMA.format(TYPES))
    home.write("schemas/in/1.0.0/.hidden", "")
    xsd(
        home, '<xs:include schemaLocation="1.0.0/types.xsd"/><xs:element name="A" type="t:HoSo"/>', {**X_HUB, "elements": ["A"]}
    )
    first = home.catalog().schema("in@1").sha256
    lock = lock_schemas(home.path)
    assert [line.split("  ")[1] for line in lock.read_text().splitlines()] == ["in/1.0.0.xsd", "in/1.0.0/types.xsd"]
    assert home.catalog().schema("in@1").sha256 == first
    home.write("schemas/in/1.0.0/types.xsd", SCHEMA.format(TYPES + "<!-- -->"))
    assert [(one.at, one.code) for one in home.problems()] == [("in/1.0.0/types.xsd", "schema_changed")]
    lock.unlink()
    assert home.catalog().schema("in@1").sha256 != first
    home.write("schemas/in/1.0.0/types.xsd", SCHEMA.format(TYPES))
    home.write("schemas/in/1.0.0/more.xsd", SCHEMA.format(""))
    assert home.catalog().schema("in@1").sha256 == first  # a file that nothing imports is no part of it
    for name in ("types.xsd", "more.xsd"):
        (home.path / "schemas/in/1.0.0" / name).unlink()
    assert "schemas/in/1.0.0.xsd" in home.problems()[0].source


def test_an_address_may_mean_a_file(home: Any) -> None:
    """As imports.json says; what it says must lie beside it."""
    home.write("schemas/in/1.0.0/types.xsd", SCHEMA.format(TYPES))
    home.write("schemas/in/1.0.0/imports.json", '{"http://example.vn/types.xsd": "types.xsd"}')
    xsd(home, '<xs:include schemaLocation="http://example.vn/types.xsd"/><xs:element name="A" type="t:HoSo"/>',
        {**X_HUB, "elements": ["A"]})  # fmt: skip
    assert home.catalog().schema("in@1").parse(b'<t:A xmlns:t="urn:t"><SoHoSo>1</SoHoSo></t:A>') == {"SoHoSo": "1"}
    for text in ("[", '{"a": "../../x.xsd"}', '{"a": 1}'):
        home.write("schemas/in/1.0.0/imports.json", text)
        (problem,) = home.problems()
        assert (problem.code, problem.source) == ("not_json", "schemas/in/1.0.0/imports.json")


def test_the_shipped_wsdl_reads_envelopes_of_both_versions() -> None:
    """The message of an envelope is told by its operation's element."""
    schema = Catalog.load([REPOSITORY], {"npsp-procedures@1": ("name", "field_code", "field_name")}).schema("one-stop-soap@1")
    for space in ("http://schemas.xmlsoap.org/soap/envelope/", "http://www.w3.org/2003/05/soap-envelope"):
        body = '<QueryReceipt xmlns="urn:one-stop:dossiers:1"><RequestId>7</RequestId></QueryReceipt>'
        sent = f'<s:Envelope xmlns:s="{space}"><s:Header><x/></s:Header><s:Body>{body}</s:Body></s:Envelope>'
        assert schema.parse(sent.encode()) == {"QueryReceipt": {"RequestId": "7"}}
        for wrong in (body, sent.replace(body, ""), sent.replace("QueryReceipt", "Query")):
            with pytest.raises((NotParsable, SchemaInvalid)):
                schema.parse(wrong.encode())
