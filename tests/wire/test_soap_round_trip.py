"""Whatever types a WSDL declares and whatever values they take: what is written is read back the same."""

from __future__ import annotations

import base64
import itertools
import random
import re
import string
import tempfile
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import jsonschema_rs
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree
from wire.soap_parts import load_text, wsdl_text

from hub.wire.soap import read_envelope, write_envelope
from hub.wire.xml_form import XmlMisfit
from hub.wire.xml_types import is_legal

TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc", "Cn"], include_characters="\t\n\r"), max_size=12)
TOKEN = TEXT.map(lambda text: " ".join(text.split(" ")).strip(" \t\r\n")).map(
    lambda text: " ".join(part for part in text.replace("\t", " ").replace("\n", " ").replace("\r", " ").split(" ") if part)
)
YEARS = st.dates(min_value=date(1000, 1, 1))
ZONES = st.sampled_from(["", "Z", "+07:00", "-11:30"])
TIMES = st.times().map(lambda time: time.isoformat())
LEAVES: dict[str, st.SearchStrategy[Any]] = {
    "xs:string": TEXT,
    "xs:token": TOKEN,
    "xs:boolean": st.booleans(),
    "xs:int": st.integers(-(2**31), 2**31 - 1),
    "xs:unsignedLong": st.integers(0, 2**64 - 1),
    "xs:integer": st.integers(-(2**63), 2**63),
    "xs:decimal": st.decimals(-1000, 1000, places=3).map(lambda one: f"{one:f}"),
    "xs:double": st.floats().map(lambda one: {"inf": "INF", "-inf": "-INF", "nan": "NaN"}.get(repr(one), repr(one))),
    "xs:date": st.builds(lambda day, zone: day.isoformat() + zone, YEARS, ZONES),
    "xs:dateTime": st.builds(lambda day, time, zone: f"{day.isoformat()}T{time}{zone}", YEARS, TIMES, ZONES),
    "xs:base64Binary": st.binary(max_size=9).map(lambda one: base64.b64encode(one).decode()),
    "t:Colour": st.sampled_from(["red", "blue"]),
    "t:Short": st.text("AB", min_size=1, max_size=3),
    "t:Numbers": st.lists(st.integers(-100, 100), max_size=4),
}
FIXED = """<xs:simpleType name="Colour"><xs:restriction base="xs:string"><xs:enumeration value="red"/>
  <xs:enumeration value="blue"/></xs:restriction></xs:simpleType>
  <xs:simpleType name="Short"><xs:restriction base="xs:string"><xs:pattern value="[AB]+"/>
  <xs:maxLength value="3"/></xs:restriction></xs:simpleType>
  <xs:simpleType name="Numbers"><xs:list itemType="xs:int"/></xs:simpleType>"""


@dataclass(frozen=True)
class Typed:
    """A generated type: what stands in the schema between the tags of an element, or its name; and its values."""

    name: str
    inline: str
    values: st.SearchStrategy[Any]
    nulls: st.SearchStrategy[Any]


def element(name: str, typed: Typed, attributes: str = "") -> str:
    kind = f' type="{typed.name}"' if typed.name else ""
    return f'<xs:element name="{name}"{kind}{attributes}>{typed.inline}</xs:element>'


def leaf(name: str) -> Typed:
    return Typed(name, "", LEAVES[name], st.none())


@st.composite
def complex_type(draw: st.DrawFn, inner: st.SearchStrategy[Typed]) -> Typed:
    """A sequence, an all, or a sequence with a choice or a repeated group in it; attributes; or simple content."""
    names = (letter * times for times in itertools.count(1) for letter in string.ascii_lowercase)
    attributes = {
        f"@{next(names)}": (draw(st.sampled_from(sorted(LEAVES))), draw(st.booleans())) for _ in range(draw(st.integers(0, 2)))
    }
    written = "".join(
        f'<xs:attribute name="{key[1:]}" type="{kind}" use="{"required" if must else "optional"}"/>'
        for key, (kind, must) in attributes.items()
    )
    required = {key: LEAVES[kind] for key, (kind, must) in attributes.items() if must}
    optional = {key: LEAVES[kind] for key, (kind, must) in attributes.items() if not must}
    nulls = st.fixed_dictionaries({"@xsi:nil": st.just(True), **required}) if required else st.none()
    if draw(st.integers(0, 5)) == 0:
        kind = draw(st.sampled_from(sorted(LEAVES)))
        written = f'<xs:simpleContent><xs:extension base="{kind}">{written}</xs:extension></xs:simpleContent>'
        values = st.fixed_dictionaries({"#text": LEAVES[kind], **required}, optional=optional) if attributes else LEAVES[kind]
        return Typed("", f"<xs:complexType>{written}</xs:complexType>", values, nulls)
    order = draw(st.sampled_from(["sequence", "sequence", "all"]))
    content = ""
    for _ in range(draw(st.integers(0, 4))):
        one, least, most = draw(inner), draw(st.integers(0, 1)), draw(st.sampled_from(["1", "2", "unbounded"]))
        nillable, name = draw(st.booleans()), next(names)
        most = "1" if order == "all" else most
        values = st.one_of(one.nulls, one.values) if nillable else one.values
        if most != "1":
            values = st.lists(values, min_size=1, max_size=2)
        (required if least else optional)[name] = values
        content += element(name, one, f' minOccurs="{least}" maxOccurs="{most}" nillable="{str(nillable).lower()}"')
    shape = draw(st.sampled_from(["", "either", "choice", "group"])) if order == "sequence" else ""
    if shape:
        first, second, a, b = draw(inner), draw(inner), next(names), next(names)
        both = element(a, first) + element(b, second, ' minOccurs="0"' if shape == "group" else "")
        turn: st.SearchStrategy[Any]
        times = "" if shape == "either" else ' maxOccurs="unbounded"'
        if shape == "group":
            content += f'<xs:sequence maxOccurs="unbounded">{both}</xs:sequence>'
            turn = st.fixed_dictionaries({a: first.values}, optional={b: second.values})
        else:
            content += f"<xs:choice{times}>{both}</xs:choice>"
            turn = st.one_of(first.values.map(lambda value: {a: value}), second.values.map(lambda value: {b: value}))
        if shape != "either":
            required["#group"] = st.lists(turn, min_size=1, max_size=3)
    text = f"<xs:complexType><xs:{order}>{content}</xs:{order}>{written}</xs:complexType>"
    fields = st.fixed_dictionaries(required, optional=optional)
    if shape == "either":
        fields = st.builds(lambda whole, one: whole | one, fields, turn)
    return Typed("", text, fields, nulls)


TYPES = st.recursive(st.sampled_from(sorted(LEAVES)).map(leaf), complex_type, max_leaves=8)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.data(), TYPES, st.sampled_from(["", "12"]), st.sampled_from(["document", "rpc"]), st.integers(0, 2**32))
def test_what_is_written_is_read_back(
    data: st.DataObject,
    typed: Typed,
    version: str,
    style: str,
    seed: int,
) -> None:
    """Through an envelope of either version and style; the JSON Schema takes it; what is read and written is the same bytes."""
    chance = random.Random(seed)
    schema = FIXED + element("R", typed)
    options: dict[str, Any] = {"version": version, "style": style}
    if style == "rpc":
        schema = FIXED + (f'<xs:complexType name="T"><xs:sequence>{element("r", typed)}</xs:sequence></xs:complexType>')
        options |= {"parts": '<wsdl:part name="p" type="t:T"/>', "body": '<soap:body use="literal" namespace="urn:rpc"/>'}
    with tempfile.TemporaryDirectory() as folder:
        operation = load_text(Path(folder), wsdl_text(schema, **options)).operation("Do")
    form = operation.input
    assert form is not None
    json_schema = jsonschema_rs.validator_for(form.json_schema())
    for value in data.draw(st.lists(typed.values, min_size=1, max_size=3)):
        obj = {"p": {"r": value}} if style == "rpc" else value
        written = write_envelope(operation, obj, clock=lambda: 0)
        body = read_envelope(written).body
        assert body is not None
        assert form.read(body) == obj == form.read(body, lax=True)
        json_schema.validate(obj)
        assert write_envelope(operation, form.read(body), clock=lambda: 0) == written
        if "xs:sequence max" not in schema and "xs:choice max" not in schema:
            disturb(body, chance)
            assert form.read(body, lax=True) == obj
        broken = mangled(obj, chance)
        try:
            again = form.read(form.write(broken))
        except XmlMisfit:
            continue
        json_schema.validate(again)


def disturb(body: etree._Element, chance: random.Random) -> None:
    """Moves elements about and puts in others that nobody knows; lists keep their order."""
    for one in list(body.iter()):
        if len(one):
            groups: dict[str, list[etree._Element]] = {}
            for child in one:
                groups.setdefault(child.tag, []).append(child)
            keys = list(groups)
            chance.shuffle(keys)
            one[:] = [child for key in keys for child in groups[key]]
            one.insert(chance.randrange(len(one) + 1), etree.Element("{urn:strange}thing", size="1"))


def mangled(obj: Any, chance: random.Random) -> Any:
    """The same with one thing changed somewhere."""
    if isinstance(obj, dict) and obj and chance.random() < 0.8:
        key = chance.choice(sorted(obj))
        changed = dict(obj)
        if chance.random() < 0.3:
            del changed[key]
        else:
            changed[key] = mangled(obj[key], chance)
        return changed
    if isinstance(obj, list) and obj and chance.random() < 0.8:
        at = chance.randrange(len(obj))
        return [*obj[:at], mangled(obj[at], chance), *obj[at + 1 :]]
    return chance.choice([None, "", "x", 0, -1, True, [], {}, "2025-01-01", ["x"], 10**30])


BUILT_IN = [
    "decimal",
    "float",
    "double",
    "date",
    "dateTime",
    "time",
    "gYear",
    "gYearMonth",
    "gMonth",
    "gMonthDay",
    "gDay",
    "duration",
]
BUILT_IN += ["hexBinary"]
_VALID = {
    name: etree.XMLSchema(
        etree.XML(f'<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:element name="a" type="xs:{name}"/></xs:schema>')
    )
    for name in BUILT_IN
}
PARTS = "- + . : T Z P D M H S Y E INF NaN = A a 2024-02-29 2023-02-29 24:00:00 12:30:59 +14:00 -15:00 0000 --02 ---31 --02-30"
PIECES = st.sampled_from([*re.split(" ", PARTS), "1", "00", "13"])


@settings(max_examples=600, deadline=None)
@given(st.sampled_from(BUILT_IN), st.lists(PIECES, max_size=6).map("".join))
def test_lax_reading_knows_the_forms_of_values_as_the_validator_does(name: str, text: str) -> None:
    """What lax reading takes for a date or a number is what libxml2 takes for one."""
    text = " ".join(text.split())
    one = etree.Element("a")
    one.text = text
    exponent_missing = name in ("float", "double") and text.rstrip("+-").endswith("E")  # libxml2 takes 1E for a number
    assert is_legal(name, text) == (_VALID[name].validate(one) and not exponent_missing)
