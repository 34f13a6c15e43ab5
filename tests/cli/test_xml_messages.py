"""The shell with a schema in XML: its file goes out with what it imports, its messages are explained and sent."""

from __future__ import annotations

from pathlib import Path

from cli.parts import CANARY, Home, Run, process
from hub.translation import lock_schemas

TYPES = """<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:t">
  <xs:element name="Ten" type="xs:string"/>
</xs:schema>
"""
SCHEMA = """<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:t="urn:t" targetNamespace="urn:x">
  <xs:annotation><xs:appinfo source="urn:dossier-hub:x-hub">
    {"role": "source", "subject": [{"system": "national", "pointer": "/Ma"}]}
  </xs:appinfo></xs:annotation>
  <xs:import namespace="urn:t" schemaLocation="1.0.0/types.xsd"/>
  <xs:element name="HoSo"><xs:complexType><xs:sequence>
    <xs:element name="Ma" type="xs:string"/><xs:element ref="t:Ten"/>
  </xs:sequence></xs:complexType></xs:element>
</xs:schema>
"""
MAPPING = """\
mapping: xml-record-to-item
version: 1.0.0
status: stable
from: xml-record@1.0.0
to: item@1.0.0
summary: A record in XML becomes an item.
set:
  code: { get: Ma }
  state: { value: open }
  name: { get: Ten }
tests:
  - { name: one, given: { Ma: c, Ten: n }, expect: { code: c, state: open, name: n } }
"""
RECORD = f'<x:HoSo xmlns:x="urn:x" xmlns:t="urn:t"><Ma>H-1</Ma><t:Ten>{CANARY}</t:Ten></x:HoSo>'


def with_xml(home: Home) -> Path:
    """The home with a source in XML; a record of it."""
    home.write("schemas/xml-record/1.0.0.xsd", SCHEMA)
    home.write("schemas/xml-record/1.0.0/types.xsd", TYPES)
    home.write("mappings/xml-record-to-item/1.0.0.yaml", MAPPING)
    config = home.folder / "config.yaml"
    text = config.read_text(encoding="utf-8")
    config.write_text(
        text.replace("endpoints:", "  - { schema: xml-record@1, becomes: [item@1] }\nendpoints:", 1), encoding="utf-8"
    )
    lock_schemas(home.folder)
    return home.write("record.xml", RECORD)


def test_a_schema_goes_out_with_what_it_imports(home: Home, hub: Run, tmp_path: Path) -> None:
    """As it is, each file where the schema refers to it; on stdout the schema alone, and how to get the rest."""
    with_xml(home)
    assert "0 errors" in hub("check").stdout
    shown = hub("schema", "show", "xml-record@1", "--json").json
    assert [(one["path"], one["required"]) for one in shown["fields"]] == [("Ma", True), ("Ten", True)]
    alone = hub("schema", "export", "xml-record@1")
    assert alone.stdout == SCHEMA and "--out" in alone.stderr
    out = tmp_path / "theirs" / "record.xsd"
    said = hub("schema", "export", "xml-record@1", "--out", str(out)).stdout
    assert "1 file" in said
    assert out.read_text() == SCHEMA and (out.parent / "1.0.0" / "types.xsd").read_text() == TYPES
    assert hub("catalog", "export", "xml-record@1", "--json").json["file"].endswith("xml-record/1.0.0.xsd")


def test_a_record_is_explained(home: Home, hub: Run) -> None:
    """Routes and mappings as for JSON; a record that does not fit is refused with its place."""
    record = with_xml(home)
    said = hub("explain", str(record), "--schema", "xml-record@1").stdout
    assert "fits its schema" in said and "xml-record-to-item@1.0.0" in said and "items-to-portal: taken" in said
    bad = home.write("bad.xml", RECORD.replace("<Ma>H-1</Ma>", ""))
    told = hub("explain", str(bad), "--schema", "xml-record@1", "--json", code=1).json
    assert told["error"]["kind"] == "SchemaInvalid"


def test_a_record_is_sent(home: Home, hub: Run) -> None:
    """hub send tells XML by its first character; what is refused is shown with its place; sent again it is known."""
    record = with_xml(home)
    bad = home.write("bad.xml", "\n" + RECORD.replace("Ma>", "Mã>"))
    with process(home.folder, "run") as (_, url):
        key = hub("key", "new", "one-stop", "--schema", "xml-record", shows_key=True).stdout.strip()
        given = {"HUB_KEY": key, "HUB_URL": url}
        said = hub("send", str(record), "--schema", "xml-record@1", **given).stdout
        assert "accepted" in said and "1 to deliver" in said
        assert "known" in hub("send", str(record), "--schema", "xml-record@1", **given).stdout
        refused = hub("send", str(bad), "--schema", "xml-record@1", code=1, **given).stdout
        assert "refused 422" in refused
