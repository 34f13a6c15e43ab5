"""Texts and values come back as they came: word spaces in mixed text, leading zeros, nulls of another type, fixed values."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from wire.soap_parts import holds, xml
from wire.test_xml_models import e, form_of, seq

from hub.errors import BadConfig
from hub.wire.xml import parse
from hub.wire.xml_form import XmlForm, XmlMisfit

MIXED = 'mixed="true"'
WORDS: list[tuple[str, str, dict[str, Any]]] = [
    (seq(e("bi")), "<R><b>A</b> <i>B</i></R>", {"#text": ["", " ", ""], "b": "A", "i": "B"}),
    (seq(e("bi")), "<R>\n  <b>A</b>\n  <i>B</i>\n</R>", {"b": "A", "i": "B"}),
    (seq(e("bi")), "<R>\n  <b>A</b> <i>B</i>\n</R>", {"#text": ["\n  ", " ", "\n"], "b": "A", "i": "B"}),
    (seq(e("bi")), "<R>x<b>A</b> <i>B</i></R>", {"#text": ["x", " ", ""], "b": "A", "i": "B"}),
]


@pytest.mark.parametrize(("content", "text", "obj"), WORDS)
def test_a_word_space_in_mixed_text_is_kept(content: str, text: str, obj: Any, tmp_path: Path) -> None:
    """Blank texts with a line break in each are how the XML is laid out, and are not read."""
    holds(form_of(tmp_path, content, attributes=MIXED), text, obj)


def test_a_word_space_under_any_type_is_kept(tmp_path: Path) -> None:
    form = form_of(tmp_path, seq('<xs:element name="a" type="xs:anyType"/>'))
    obj = form.read(parse(xml("<R><a><b>1</b> <c>2</c></a></R>")))
    assert obj["a"]["#text"] == ["", " ", ""]
    assert form.read(form.write(obj))["a"]["#text"] == ["", " ", ""]


@pytest.mark.parametrize("content", [f"<xs:all>{e('bi')}</xs:all>", '<xs:group ref="t:g"/>'])
def test_mixed_text_between_elements_in_any_order_is_refused(content: str, tmp_path: Path) -> None:
    """Elements are written in the order of the schema; the texts between them would move."""
    group = f'<xs:group name="g"><xs:all>{e("bi")}</xs:all></xs:group>'
    with pytest.raises(BadConfig, match="unsupported"):
        form_of(tmp_path, content, group, MIXED)
    assert form_of(tmp_path, content, group)
    assert form_of(tmp_path, f"<xs:all>{e('b')}</xs:all>", attributes=MIXED)


# ---- values


def simple(base: str, *facets: str) -> str:
    inner = "".join(f"<xs:{facet.partition(' ')[0]} value='{facet.partition(' ')[2]}'/>" for facet in facets)
    return f'<xs:simpleType><xs:restriction base="{base}">{inner}</xs:restriction></xs:simpleType>'


def typed(name: str, inner: str, more: str = "") -> str:
    return f'<xs:element name="{name}" {more}>{inner}</xs:element>'


CODE = f'<xs:simpleType name="Code">{simple("xs:integer", "pattern [0-9]{2}")[15:]}'
DIGITS: list[tuple[str, str, Any]] = [
    (typed("a", simple("xs:integer", "pattern [0-9]{2}")), "07", "07"),
    (typed("a", simple("t:Code", "maxInclusive 50")), "07", "07"),
    (typed("a", simple("xs:int", "enumeration 07", "enumeration 12")), "07", "07"),
    (typed("a", simple("xs:int", "enumeration 07", "enumeration 12")), "7", "7"),
    (typed("a", simple("xs:int", "enumeration 7", "enumeration 12")), "07", 7),
    (typed("a", simple("xs:int", "maxInclusive 50")), "07", 7),
    (typed("a", '<xs:simpleType><xs:list itemType="t:Code"/></xs:simpleType>'), "07 12", ["07", "12"]),
    (typed("a", simple("xs:decimal", "enumeration 1.0")), "1.00", "1.00"),
    (typed("a", simple("xs:dateTime", "enumeration 2026-01-01T00:00:00Z")), "2026-01-01T00:00:00.0Z", "2026-01-01T00:00:00.0Z"),
    (typed("a", simple("t:Union", "enumeration 5", "enumeration x")), " 5 ", " 5 "),
]


@pytest.mark.parametrize(("content", "text", "value"), DIGITS)
def test_a_value_whose_digits_matter_is_text(content: str, text: str, value: Any, tmp_path: Path) -> None:
    """An integer type with a pattern, or with leading zeros among its values, stays as it was written."""
    more = CODE + '<xs:simpleType name="Union"><xs:union memberTypes="xs:int xs:string"/></xs:simpleType>'
    holds(form_of(tmp_path, seq(content), more), f"<R><a>{text}</a></R>", {"a": value})


def test_an_integer_kept_as_text_is_one_in_lax_reading_too(tmp_path: Path) -> None:
    form = form_of(tmp_path, seq(typed("a", simple("xs:integer", "pattern [0-9]{2}"))))
    assert form.read(parse(xml("<R><a> 007 </a></R>")), lax=True) == {"a": "007"}
    with pytest.raises(XmlMisfit, match="is no integer"):
        form.read(parse(xml("<R><a>seven</a></R>")), lax=True)
    with pytest.raises(XmlMisfit, match="must be text"):
        form.write({"a": 7})


TYPES = f"""<xs:complexType name="B"><xs:sequence>{e("x")}</xs:sequence></xs:complexType>
  <xs:complexType name="C"><xs:complexContent><xs:extension base="t:B"><xs:attribute name="k" type="xs:int" use="required"/>
  </xs:extension></xs:complexContent></xs:complexType>"""
NULLS: list[tuple[str, Any]] = [
    ("<a xsi:nil='true'/>", None),
    ("<a xsi:nil='true' xsi:type='t:C' k='5'/>", {"@xsi:nil": True, "@xsi:type": "C", "@k": 5}),
    ("<a xsi:type='t:C' k='5'><x/></a>", {"@xsi:type": "C", "@k": 5, "x": ""}),
]


@pytest.mark.parametrize(("text", "value"), NULLS)
def test_null_of_another_type(text: str, value: Any, tmp_path: Path) -> None:
    """It says its type beside being null, with the attributes of that type."""
    form = form_of(tmp_path, seq('<xs:element name="a" type="t:B" nillable="true"/>'), TYPES)
    holds(form, f"<R>{text}</R>", {"a": value})


def test_null_without_what_its_type_requires_is_refused_by_the_json_schema(tmp_path: Path) -> None:
    form = form_of(tmp_path, seq('<xs:element name="a" type="t:B" nillable="true"/>'), TYPES)
    schema = jsonschema_rs.validator_for(form.json_schema())
    for wrong in ({"@xsi:nil": True, "@xsi:type": "C"}, {"@xsi:nil": True, "@k": 5}, {"@xsi:nil": True, "@xsi:type": "D"}):
        assert not schema.is_valid({"a": wrong})


FIXED: list[tuple[str, str, Any]] = [
    ('<xs:element name="a" type="xs:decimal" fixed="1.0"/>', "<a/>", ""),
    ('<xs:element name="a" type="xs:decimal" fixed="1.0"/>', "<a>1.0</a>", "1.0"),
    ('<xs:element name="a" type="xs:string" fixed="x"/>', "<a/>", ""),
    ('<xs:element name="a" type="t:List" fixed="1 2"/>', "<a/>", []),
    ('<xs:element name="a" type="t:Open" default="open"/>', "<a/>", ""),
    ('<xs:element name="a" type="t:Open" default="open" nillable="true"/>', "<a xsi:nil='1'/>", None),
    ('<xs:element name="a" type="t:Open" default="open" nillable="true"/>', "<a>shut</a>", "shut"),
]  # fmt: skip


@pytest.mark.parametrize(("content", "text", "value"), FIXED)
def test_an_empty_element_for_which_the_schema_has_a_value(content: str, text: str, value: Any, tmp_path: Path) -> None:
    """It is legal, is read as empty, and written so."""
    more = '<xs:simpleType name="List"><xs:list itemType="xs:int"/></xs:simpleType>'
    more += f'<xs:simpleType name="Open">{simple("xs:string", "enumeration open", "enumeration shut")[15:]}'
    holds(form_of(tmp_path, seq(content), more), f"<R>{text}</R>", {"a": value})


def test_a_fixed_attribute_is_compared_as_its_type_says(tmp_path: Path) -> None:
    """Text and integers by JSON's means; of other types there may be several forms of one value."""
    more = '<xs:attribute name="d" type="xs:decimal" fixed="1.0"/><xs:attribute name="i" type="xs:int" fixed="7"/>'
    form: XmlForm = form_of(tmp_path, f"<xs:sequence/>{more}")
    holds(form, '<R d="1.00" i="07"/>', {"@d": "1.00", "@i": 7})
    assert not jsonschema_rs.validator_for(form.json_schema()).is_valid({"@i": 8})
