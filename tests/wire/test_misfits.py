"""Each mistake of a document is told at its own place, with what mends it, however many there are."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from lxml import etree

from hub.wire.wsdl import load_wsdl
from hub.wire.xml import parse
from hub.wire.xml_form import XmlForm, XmlMisfit
from hub.wire.xsd import load_xsd

ROOT = Path(__file__).parents[2]
SPACE = "urn:one-stop:dossiers:1"
GOOD = f"""<SubmitDossier xmlns="{SPACE}"><RequestId>r-1</RequestId>
<HoSo id="MC-1">
<MaThuTuc>2.000815</MaThuTuc>
<TenThuTuc>Chứng thực</TenThuTuc>
<ChuHoSo loai="CaNhan"><HoTen>Nguyễn Văn Mẫu</HoTen></ChuHoSo>
<NgayNop>20261121074500</NgayNop>
<TrangThai>DaTiepNhan</TrangThai>
<CapNhatLuc>2026-11-21T08:00:00+07:00</CapNhatLuc>
<TepDinhKem id="1" loai="GiayToNop"><TenTep>a.pdf</TenTep></TepDinhKem>
</HoSo></SubmitDossier>"""
PROCEDURE, STATE = "<MaThuTuc>2.000815</MaThuTuc>", "<TrangThai>DaTiepNhan</TrangThai>"
BAD_VALUES = {"20261121074500": "canary", "+07:00": "", "GiayToNop": "canary"}
THREE = {("/HoSo/NgayNop", "pattern"), ("/HoSo/CapNhatLuc", "pattern"), ("/HoSo/TepDinhKem/0/@loai", "enum")}


@pytest.fixture(scope="module")
def form() -> XmlForm:
    """The request of the shipped contract."""
    found = load_wsdl(ROOT / "schemas/one-stop-soap/1.0.0.wsdl").operation("SubmitDossier", port="OneStopSoap11").input
    assert found is not None
    return found


def changed(*changes: tuple[str, str]) -> str:
    """The good document with changes."""
    text = GOOD
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    return text


def told(form: XmlForm, text: str) -> dict[tuple[str, str], str]:
    """Place and code of each problem, with its hint."""
    with pytest.raises(XmlMisfit) as misfit:
        form.read(parse(text.encode()))
    assert "canary" not in str(misfit.value)
    found = {(one.at, one.code): one.hint for one in misfit.value.problems}
    assert len(found) == len(misfit.value.problems)
    return found


STRUCTURE = [
    ([(PROCEDURE, "")], {("/HoSo/MaThuTuc", "missing")}),
    ([(PROCEDURE, ""), (STATE, "")], {("/HoSo/MaThuTuc", "missing"), ("/HoSo/TrangThai", "missing")}),
    ([(PROCEDURE, "<Canary/>" + PROCEDURE)], {("/HoSo/Canary", "unknown_element")}),
    ([(PROCEDURE, ""), ("<NgayNop>", PROCEDURE + "<NgayNop>")], {("/HoSo/MaThuTuc", "misplaced")}),
    ([(PROCEDURE, PROCEDURE * 2)], {("/HoSo/MaThuTuc", "repeated")}),
    ([(PROCEDURE, ""), ("<HoTen>", "<Ten/><HoTen>")],
     {("/HoSo/MaThuTuc", "missing"), ("/HoSo/ChuHoSo/Ten", "unknown_element")}),
    ([("<HoTen>Nguyễn Văn Mẫu</HoTen>", "")], {("/HoSo/ChuHoSo/HoTen", "missing")}),
    ([("<TenTep>a.pdf</TenTep>", "")], {("/HoSo/TepDinhKem/0/TenTep", "missing")}),
    ([("<RequestId>r-1</RequestId>", ""), (STATE, "")], {("/RequestId", "missing"), ("/HoSo/TrangThai", "missing")}),
    ([(f'xmlns="{SPACE}"><Req', f'xmlns="{SPACE}"><x xmlns="urn:x"/><Req')], {("/x", "unknown_element")}),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "expected"), STRUCTURE)
@pytest.mark.parametrize("values", [False, True])
def test_each_mistake_is_told_where_it_is(
    changes: list[tuple[str, str]], expected: set[tuple[str, str]], values: bool, form: XmlForm
) -> None:
    """A mistake of structure hides neither another one nor the bad values beside and below it."""
    whole = [*changes, *(BAD_VALUES.items() if values else ())]
    if ("<TenTep>a.pdf</TenTep>", "") in changes:
        whole = [one for one in whole if one[0] != "GiayToNop"] if values else whole
        expected = expected | (THREE - {("/HoSo/TepDinhKem/0/@loai", "enum")} if values else set())
    elif values:
        expected = expected | THREE
    assert told(form, changed(*whole)).keys() == expected


def test_what_is_told_leaves_the_document_as_it_was(form: XmlForm) -> None:
    """It is looked at from several sides, and put back."""
    root = parse(changed((PROCEDURE, ""), ("<NgayNop>", "<Canary>x</Canary>\n" + PROCEDURE * 2 + "<NgayNop>")).encode())
    before = etree.tostring(root)
    with pytest.raises(XmlMisfit):
        form.read(root)
    assert etree.tostring(root) == before


HINTS = [
    ([("CaNhan", "canary")], "/HoSo/ChuHoSo/@loai", "one of: CaNhan, DoanhNghiep, CoQuan, ToChuc"),
    ([("20261121074500", "canary")], "/HoSo/NgayNop", "pattern: |[0-9]{14}; yyyyMMddHHmmss in Vietnam's time"),
    ([("DaTiepNhan", "")], "/HoSo/TrangThai", "1 to 100 characters"),
    ([("DaTiepNhan", "x" * 101)], "/HoSo/TrangThai", "1 to 100 characters"),
    ([("2026-11-21T08", "canary")], "/HoSo/CapNhatLuc", "a dateTime such as 2026-11-21T08:00:00+07:00; A time with its offset"),
    ([("r-1", "r 1")], "/RequestId", "pattern: [!-~]{1,100}; The sender's own id of this request"),
    ([(' id="MC-1"', "")], "/HoSo/@id", "The sender's own name of the dossier, which never changes."),
    ([("<NgayNop>20261121074500", f'<NgayNop xmlns:i="{"http://www.w3.org/2001/XMLSchema-instance"}" i:nil="true">')],
     "/HoSo/NgayNop", "leave the element out, or give it a value"),
    ([("<CapNhatLuc>2026-11-21T08:00:00+07:00</CapNhatLuc>", "")], "/HoSo/CapNhatLuc", "A time with its offset"),
    ([(PROCEDURE, ""), ("<NgayNop>", PROCEDURE + "<NgayNop>")], "/HoSo/MaThuTuc", "must stand before TenThuTuc"),
    ([(PROCEDURE, "<TrichYeu/>" + PROCEDURE)], "/HoSo/TrichYeu", "must stand behind TrangThai"),
    ([(PROCEDURE, PROCEDURE * 2)], "/HoSo/MaThuTuc", "send it once"),
    ([("<HoTen>", "<Ten/><HoTen>")], "/HoSo/ChuHoSo/Ten", "may stand here: HoTen, SoGiayTo, DienThoai, Email"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "at", "hint"), HINTS)
def test_a_problem_says_how_to_mend_it(changes: list[tuple[str, str]], at: str, hint: str, form: XmlForm) -> None:
    """From the schema, never from what was sent."""
    found = {place: text for (place, _), text in told(form, changed(*changes)).items()}
    assert found.keys() == {at} and hint in found[at]


GROUPS = """<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:element name="R"><xs:complexType><xs:sequence>
  <xs:element name="d" type="xs:date" minOccurs="0" maxOccurs="unbounded"/>
  <xs:choice><xs:element name="person" type="xs:int"/><xs:sequence><xs:element name="firm" type="xs:int"/>
    <xs:element name="tax" type="xs:int"/></xs:sequence></xs:choice>
  <xs:sequence minOccurs="0" maxOccurs="unbounded"><xs:element name="k" type="xs:int"/><xs:element name="v" type="xs:int"/>
  </xs:sequence><xs:sequence minOccurs="0"><xs:element name="from" type="xs:int"/><xs:element name="to" type="xs:int"/>
  </xs:sequence>
  <xs:element name="s" minOccurs="0"><xs:simpleType><xs:restriction base="xs:string"><xs:maxLength value="3"/></xs:restriction>
  </xs:simpleType></xs:element><xs:element name="n" minOccurs="0" type="N"/></xs:sequence>
  <xs:attribute name="on" type="xs:date"/></xs:complexType></xs:element>
  <xs:complexType name="N"><xs:all><xs:element name="x" type="xs:int"/><xs:element name="y" type="xs:int"/></xs:all>
  </xs:complexType></xs:schema>"""


@pytest.fixture(scope="module")
def groups(tmp_path_factory: pytest.TempPathFactory) -> XmlForm:
    """A schema with choices and repeated groups."""
    path = tmp_path_factory.mktemp("groups") / "s.xsd"
    path.write_text(GROUPS)
    return load_xsd(path).form("R")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("", {("/person", "missing")}),
        ("<person>1</person><firm>1</firm>", {("/firm", "not_together")}),
        ("<firm>x</firm>", {("/tax", "missing"), ("/firm", "bad_value")}),
        ("<person>1</person><to>x</to>", {("/from", "missing"), ("/to", "bad_value")}),
        ("<person>1</person><k>1</k><k>2</k><v>3</v><to>1</to>", {("/#group/0/v", "missing"), ("/from", "missing")}),
        ("<person>x</person><k>1</k><v>x</v><n><x>1</x></n>",
         {("/person", "bad_value"), ("/#group/0/v", "bad_value"), ("/n/y", "missing")}),
        ("<n><y>1</y><x>x</x><y>1</y></n><person>1</person>",
         {("/n", "misplaced"), ("/n/y", "repeated"), ("/n/x", "bad_value")}),
        ("<person>1</person><n/>", {("/n/x", "missing"), ("/n/y", "missing")}),
    ],
)  # fmt: skip
def test_groups(content: str, expected: set[tuple[str, str]], groups: XmlForm) -> None:
    """Choices, groups that repeat, groups without order."""
    assert told(groups, f"<R>{content}</R>").keys() == expected


def test_padding_is_legal_however_often(groups: XmlForm) -> None:
    """White space around a date is no mistake; where white space counts it stays one."""
    many = "<d> 2026-01-01 </d>" * 5_000
    read = groups.read(parse(f"<R on=' 2026-01-01\n'>{many}<person>1</person><s> a </s></R>".encode()))
    assert read["@on"] == "2026-01-01" and read["d"] == ["2026-01-01"] * 5_000 and read["s"] == " a "
    assert told(groups, f"<R>{many}<d>x</d><person>1</person></R>").keys() == {("/d/5000", "bad_value")}
    assert told(groups, "<R><d> 2026-01-01 </d><person>1</person><s> abc </s></R>").keys() == {("/s", "too_long")}


def test_very_many_mistakes_take_no_longer(groups: XmlForm) -> None:
    """No more than a hundred are told, and the search for them ends."""
    for content in ("<x/>" * 30_000, "<person>1</person>" * 30_000, "<d>x</d>" * 30_000, "<k>1</k>" * 30_000,
                    "<person>1</person><x/>" + "<k>x</k><v>x</v>" * 15_000, "<s>1</s><d>2026-01-01</d>" * 15_000):  # fmt: skip
        began = time.process_time()
        assert 1 <= len(told(groups, f"<R>{content}</R>")) <= 100
        assert time.process_time() - began < 1.5
