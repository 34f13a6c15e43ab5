"""What does not fit is told by its place in the object, and never quoted; what fits half is read where that is asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from wire.soap_parts import HERE, holds, xml

from hub.errors import BadConfig
from hub.wire.xml import parse
from hub.wire.xml_form import XmlForm, XmlMisfit
from hub.wire.xsd import XsdDocument, load_xsd

GOOD = "<code>AB1</code><state>open</state>"


@pytest.fixture
def document() -> XsdDocument:
    return load_xsd(HERE / "dossier.xsd")


@pytest.fixture
def form(document: XsdDocument) -> XmlForm:
    return document.form("Dossier")


def of(content: str) -> bytes:
    return xml(f"<Dossier>\n{content}</Dossier>")


def test_a_schema_alone_offers_its_elements(document: XsdDocument) -> None:
    """By local name or with the namespace; what the hub must know stands in its appinfo; its files are named."""
    assert document.elements() == ("Dossier", "Receipt")
    assert document.form("{urn:t}Receipt").read(parse(xml("<Receipt>7</Receipt>"))) == 7
    assert document.appinfo("urn:x") == ('{"role": "source"}',)
    assert document.files == ((HERE / "dossier.xsd").resolve(),)
    with pytest.raises(BadConfig, match=r"no global element Person.*Dossier, Receipt"):
        document.form("Person")
    with pytest.raises(BadConfig, match="no global element"):
        document.form("{urn:z}Person")


def test_several_documents_are_one_with_a_key(document: XsdDocument) -> None:
    """The key is the name of the element, and problems stand under it."""
    forms = document.forms()
    assert forms.read(parse(xml("<Receipt>7</Receipt>"))) == {"Receipt": 7}
    assert forms.write({"Receipt": 7}).text == "7"
    schema = jsonschema_rs.validator_for(forms.json_schema())
    assert schema.is_valid({"Receipt": 7}) and schema.is_valid({"Dossier": {"code": "AB1", "state": None}})
    assert not schema.is_valid({}) and not schema.is_valid({"Receipt": 7, "Dossier": {"code": "AB1", "state": None}})
    with pytest.raises(XmlMisfit) as misfit:
        forms.read(parse(of("<code>AB1</code><state>gone</state>")))
    assert [(one.at, one.code) for one in misfit.value.problems] == [("/Dossier/state", "enum")]
    for wrong in ({}, {"Receipt": 7, "Dossier": {}}, {"Other": 1}, 7):
        with pytest.raises(XmlMisfit, match="no_form"):
            forms.write(wrong)
    with pytest.raises(XmlMisfit, match="unknown_element"):
        forms.read(parse(b"<Receipt>7</Receipt>"))


READ_WRONG: list[tuple[str, list[tuple[str, str, int]]]] = [
    ("<code>AB1</code>", [("/state", "missing", 1)]),
    ("<state>open</state><code>AB1</code>", [("/state", "misplaced", 2)]),
    (GOOD + "<code>AB2</code>", [("/code", "repeated", 2)]),
    (GOOD + "\n<other/>", [("/other", "unknown_element", 3)]),
    (GOOD + "<Nguyen-079201234567/>", [("/‹masked›", "unknown_element", 2)]),
    ("<code>ab1</code><state>open</state>", [("/code", "pattern", 2)]),
    ("<code>AB12345</code>\n<state>gone</state>", [("/code", "too_long", 2), ("/state", "enum", 3)]),
    (GOOD + "<person/><firm/>", [("/firm", "not_together", 2)]),
    (GOOD + "<step no='1'><at>2025-02-30T08:00:00</at></step>", [("/step/0/at", "bad_value", 2)]),
    (GOOD + "<step no='1'><at>2025-02-28T08:00:00</at></step>\n<step no='0'><at>x</at></step>",
     [("/step/1/@no", "bad_value", 3), ("/step/1/at", "bad_value", 3)]),
    (GOOD + "<step no='1' who='An'><at>2025-02-28T08:00:00</at><fee>-1.005</fee></step>",
     [("/step/0/@who", "unknown_attribute", 2), ("/step/0/fee", "out_of_range", 2)]),
    (GOOD + "<step><at>2025-02-28T08:00:00</at></step>", [("/step/0/@no", "missing", 2)]),
    (GOOD + "<note/><mark>1</mark><note/><mark>x</mark>", [("/#group/3/mark", "bad_value", 2)]),
    ("<code><x/></code><state>open</state>", [("/code", "not_plain", 2)]),
    ("<code xsi:nil='true'/><state>open</state>", [("/code", "null", 2)]),
    (GOOD + "some text", [("", "text", 1)]),
]  # fmt: skip


@pytest.mark.parametrize(("content", "expected"), READ_WRONG)
def test_what_does_not_fit_is_told_by_its_place(content: str, expected: list[tuple[str, str, int]], form: XmlForm) -> None:
    """A JSON pointer in the object form, a stable code, the line; the value itself is nowhere."""
    with pytest.raises(XmlMisfit) as misfit:
        form.read(parse(of(content)))
    assert [(one.at, one.code, int(one.source.removeprefix("line "))) for one in misfit.value.problems] == expected
    assert not any(word in str(misfit.value) for word in ("AB1", "gone", "-1.005", "'An'", "079201"))


LAX: list[tuple[str, Any]] = [
    ("<state>open</state><code>AB1</code>", {"code": "AB1", "state": "open"}),
    ("<code>no code at all</code><other><x/></other><state a='1'>gone</state>", {"code": "no code at all", "state": "gone"}),
    ("<code>AB1</code>", {"code": "AB1"}),
    ("<code/><mark>1</mark><firm>F</firm><step><fee>1</fee></step><note>x</note>",
     {"code": "", "firm": "F", "step": [{"fee": "1"}], "#group": [{"mark": 1}, {"note": "x"}]}),
]  # fmt: skip


@pytest.mark.parametrize(("content", "obj"), LAX)
def test_lax_reading_passes_over_what_is_strange_and_makes_nothing_up(content: str, obj: Any, form: XmlForm) -> None:
    """Order, unknown elements and attributes, and facets do not matter; what is absent stays absent."""
    assert form.read(parse(of(content)), lax=True) == obj


@pytest.mark.parametrize(
    ("content", "at", "code"),
    [
        ("<mark>1.5</mark>", "/#group/0/mark", "bad_value"),
        ("<mark/>", "/#group/0/mark", "bad_value"),
        ("<step no='1'><at>tomorrow</at></step>", "/step/0/at", "bad_value"),
        ("<step no='1'><at>2025-02-30T08:00:00</at></step>", "/step/0/at", "bad_value"),
        ("<step no='one'/>", "/step/0/@no", "bad_value"),
        ("<code>1</code><code>2</code>", "/code", "too_many"),
        ("<code><b>1</b></code>", "/code", "not_plain"),
        ("<state href='#1'/>", "/state", "multiref"),
    ],
)
def test_lax_reading_refuses_what_cannot_be_told(content: str, at: str, code: str, form: XmlForm) -> None:
    """A value that is none of its type, and two where there is place for one."""
    with pytest.raises(XmlMisfit) as misfit:
        form.read(parse(of(content)), lax=True)
    assert [(one.at, one.code) for one in misfit.value.problems] == [(at, code)]


FULL = {"code": "AB1", "state": None, "step": [{"@no": 1, "at": "2025-02-28T08:00:00"}], "firm": "F", "#group": [{"mark": 1}]}


def test_a_full_object_is_written(form: XmlForm) -> None:
    """In the order of the schema, whatever the order of the object."""
    text = "<code>AB1</code><state xsi:nil='1'/><step no='1'><at>2025-02-28T08:00:00</at></step><firm>F</firm><mark>1</mark>"
    holds(form, f"<Dossier>{text}</Dossier>", FULL)
    assert form.write_bytes(dict(reversed(FULL.items()))) == form.write_bytes(FULL)


@pytest.mark.parametrize(
    ("change", "at", "code"),
    [
        ({"code": 5}, "/code", "mistyped"),
        ({"code": "x"}, "/code", "pattern"),
        ({"code": None}, "/code", "null"),
        ({"code": "AB\x00"}, "/code", "not_xml"),
        ({"code": "AB\ud800"}, "/code", "not_xml"),
        ({"state": "gone"}, "/state", "enum"),
        ({"step": {"@no": 1}}, "/step", "mistyped"),
        ({"step": [5]}, "/step/0", "mistyped"),
        ({"step": [{"@no": "1", "at": "2025-02-28T08:00:00"}]}, "/step/0/@no", "mistyped"),
        ({"step": [{"@no": 1, "at": "x"}]}, "/step/0/at", "bad_value"),
        ({"step": [{"@no": 1}]}, "/step/0/at", "missing"),
        ({"step": [{"@no": 1, "at": "2025-02-28T08:00:00"}] * 4}, "/step/3", "repeated"),
        ({"person": "P"}, "", "not_together"),
        ({"name": "x"}, "/name", "unknown_property"),
        ({"Nguyen Van An": "x"}, "/‹masked›", "unknown_property"),
        ({"@x": "x"}, "/@x", "unknown_property"),
        ({"#text": "x"}, "/#text", "unknown_property"),
        ({"#group": {"mark": 1}}, "/#group", "mistyped"),
        ({"#group": [{"mark": True}]}, "/#group/0/mark", "mistyped"),
        ({"#group": [{"mark": 1, "note": "x"}]}, "/#group/0", "not_together"),
        ({"#group": [{"other": 1}]}, "/#group/0/other", "unknown_property"),
    ],
)
def test_what_cannot_be_written_is_told_by_its_place(change: dict[str, Any], at: str, code: str, form: XmlForm) -> None:
    """An object is held against the schema before anybody is sent it."""
    with pytest.raises(XmlMisfit) as misfit:
        form.write(FULL | change)
    assert [(one.at, one.code) for one in misfit.value.problems] == [(at, code)]
    assert "Nguyen" not in str(misfit.value)


@pytest.mark.parametrize("obj", [None, 5, "x", [], {}])
def test_what_is_no_object_is_not_written(obj: Any, form: XmlForm) -> None:
    """Nothing is made up for what is missing."""
    with pytest.raises(XmlMisfit):
        form.write(obj)


def test_an_object_too_deep_is_refused(tmp_path: Path) -> None:
    """A type that holds itself does not end the process."""
    (tmp_path / "node.xsd").write_text(
        '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:complexType name="N"><xs:sequence>'
        '<xs:element name="n" type="N" minOccurs="0"/></xs:sequence></xs:complexType>'
        '<xs:element name="R" type="N"/></xs:schema>'
    )
    deep: dict[str, Any] = {}
    for _ in range(100_000):
        deep = {"n": deep}
    with pytest.raises(XmlMisfit, match="too_deep"):
        load_xsd(tmp_path / "node.xsd").form("R").write(deep)


def test_the_json_schema_says_what_the_schema_says(form: XmlForm) -> None:
    """Closed objects, lists, what is required, enumerations, ranges, choices."""
    schema = jsonschema_rs.validator_for(form.json_schema())
    schema.validate(FULL)
    wrong: list[dict[str, Any]] = [
        {"code": 5},
        {"state": "gone"},
        {"step": {}},
        {"person": "P"},
        {"name": "x"},
        {"step": [{"@no": 0}]},
    ]
    assert not any(schema.is_valid(FULL | change) for change in wrong)
    assert not any(schema.is_valid({key: value for key, value in FULL.items() if key != gone}) for gone in ("code", "state"))


def test_problems_are_told_up_to_a_number(form: XmlForm) -> None:
    """A document with thousands of mistakes does not make thousands of problems."""
    for lax in (True, False):
        with pytest.raises(XmlMisfit) as misfit:
            form.read(parse(of(GOOD + "<mark>x</mark>" * 5000)), lax=lax)
        assert 1 <= len(misfit.value.problems) <= 100


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("<xs:schema", "malformed"),
        ("<a/>", "not_a_schema"),
        (
            '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:import schemaLocation="http://x.example/a.xsd"/></xs:schema>',
            "address",
        ),
        (
            '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:include schemaLocation="../../etc/a.xsd"/></xs:schema>',
            "outside",
        ),
        (
            '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:include schemaLocation="none.xsd"/></xs:schema>',
            "unreadable",
        ),
    ],
)
def test_a_schema_that_cannot_be_used(text: str, code: str, tmp_path: Path) -> None:
    """Refused with the file and, where there is one, the line of the import."""
    (tmp_path / "s.xsd").write_text(text)
    with pytest.raises(BadConfig) as refusal:
        load_xsd(tmp_path / "s.xsd")
    assert [one.code for one in refusal.value.problems] == [code]
    assert "s.xsd" in refusal.value.problems[0].source
