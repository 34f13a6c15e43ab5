"""Content models of sequences, choices and groups: what their XSD allows and the form reads, its JSON Schema takes too."""

from __future__ import annotations

import itertools
import string
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st
from wire.soap_parts import holds, xml

from hub.errors import BadConfig
from hub.wire.xml import parse
from hub.wire.xml_form import XmlForm, XmlMisfit
from hub.wire.xsd import load_xsd

MANY = 'maxOccurs="unbounded"'
OPTIONAL = 'minOccurs="0"'


def form_of(folder: Path, content: str, more: str = "", attributes: str = "") -> XmlForm:
    """The form of an element R with this content; ``more`` stands beside it."""
    head = '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:t="urn:t" targetNamespace="urn:t"'
    element = f'<xs:element name="R"><xs:complexType {attributes}>{content}</xs:complexType></xs:element>'
    (folder / "s.xsd").write_text(f'{head} elementFormDefault="qualified">{more}{element}</xs:schema>')
    return load_xsd(folder / "s.xsd").form("R")


def e(names: str, occurs: str = "") -> str:
    return "".join(f'<xs:element name="{name}" type="xs:string" {occurs}/>' for name in names)


def seq(*parts: str, occurs: str = "") -> str:
    return f"<xs:sequence {occurs}>{''.join(parts)}</xs:sequence>"


def choice(*parts: str, occurs: str = "") -> str:
    return f"<xs:choice {occurs}>{''.join(parts)}</xs:choice>"


def of(names: str) -> str:
    """An R with children of these names, numbered."""
    return f"<R>{''.join(f'<{name}>{index}</{name}>' for index, name in enumerate(names))}</R>"


HEADS = '<xs:element name="h" type="xs:string" abstract="true"/><xs:element name="k" type="xs:string" substitutionGroup="t:h"/>'
HEADS += '<xs:element name="l" type="xs:string" substitutionGroup="t:h"/>'
GROUP = f'<xs:group name="g">{choice(e("ab"))}</xs:group>'
HEAD = '<xs:element ref="t:h"/>'
MODELS: list[tuple[str, str, dict[str, Any]]] = [
    (seq(e("z"), seq(e("a"), choice(e("bc")), occurs=OPTIONAL)), "z", {"z": "0"}),
    (seq(e("z"), seq(e("a"), choice(e("bc")), occurs=OPTIONAL)), "zac", {"z": "0", "a": "1", "c": "2"}),
    (seq(e("z"), f'<xs:group ref="t:g" {OPTIONAL}/>'), "z", {"z": "0"}),
    (seq(e("z"), seq(HEAD, occurs=OPTIONAL)), "z", {"z": "0"}),
    (seq(e("z"), seq(HEAD, occurs=OPTIONAL)), "zk", {"z": "0", "k": "1"}),
    (seq(e("z"), seq(e("y"), seq(choice(e("bc")), occurs=OPTIONAL), occurs=MANY)), "zyyc",
     {"z": "0", "#group": [{"y": "1"}, {"y": "2", "c": "3"}]}),
    (seq(e("z"), choice(e("a", OPTIONAL), e("b"), occurs=MANY)), "z", {"z": "0"}),
    (seq(seq(e("a", 'maxOccurs="2"'), occurs=MANY)), "aaa", {"a": ["0", "1", "2"]}),
    (seq(seq(e("a", 'maxOccurs="2"'), occurs='maxOccurs="2"')), "aaaa", {"a": ["0", "1", "2", "3"]}),
    (choice(e("a", MANY), seq(e("b"), e("a", 'maxOccurs="2"'))), "aaa", {"a": ["0", "1", "2"]}),
    (choice(seq(e("ba")), seq(e("ca")), seq(e("d"), e("a", MANY))), "ba", {"b": "0", "a": ["1"]}),
    (choice(seq(e("ba")), seq(e("ca")), seq(e("d"), e("a", MANY))), "daa", {"d": "0", "a": ["1", "2"]}),
    (seq(choice(e("aa"))), "a", {"a": "0"}),
    (choice(seq(e("d"), e("a", MANY)), seq(e("ca")), seq(e("ba"))), "ba", {"b": "0", "a": ["1"]}),
]  # fmt: skip


@pytest.mark.parametrize(("content", "names", "obj"), MODELS, ids=itertools.count())
def test_what_a_content_model_allows(content: str, names: str, obj: Any, tmp_path: Path) -> None:
    """Nothing is demanded of a part that may be absent; a list is as long as all that repeats around it allows."""
    holds(form_of(tmp_path, content, HEADS + GROUP), of(names), obj)


def test_a_list_is_bounded_where_that_is_sure(tmp_path: Path) -> None:
    """By the product of what repeats, and the longest of several branches."""
    content = choice(seq(e("b"), seq(e("a", 'maxOccurs="2"'), occurs='maxOccurs="3"')), seq(e("c"), e("a", 'maxOccurs="2"')))
    properties = form_of(tmp_path, content).json_schema()["properties"]
    assert properties["a"]["maxItems"] == 6


PAIRS = [
    choice(seq(e("b"), e("a")), seq(e("c"), seq(e("ax"), occurs=MANY))),
    choice(seq(e("c"), seq(e("ax"), occurs=MANY)), seq(e("ba"))),
    choice(seq(e("c"), seq(e("ax"), occurs=MANY)), seq(e("b"), seq(e("ay"), occurs=MANY))),
]


@pytest.mark.parametrize("content", PAIRS, ids=itertools.count())
def test_an_element_in_and_out_of_a_repeated_group_is_refused(content: str, tmp_path: Path) -> None:
    """Which of two places its element would have in the object cannot be told by its name."""
    with pytest.raises(BadConfig) as refusal:
        form_of(tmp_path, content)
    assert [(one.code, "s.xsd" in one.source) for one in refusal.value.problems] == [("unsupported", True)]


def test_an_element_of_two_types_is_refused(tmp_path: Path) -> None:
    """XML Schema forbids it, its validator does not see it."""
    content = choice(seq(e("ba")), seq(e("c"), '<xs:element name="a" type="xs:int"/>'))
    with pytest.raises(BadConfig, match="unsupported"):
        form_of(tmp_path, content)


# ---- whatever the model


@dataclass(frozen=True)
class Part:
    """A generated part of a content model: an element when it has a name, else a group of parts."""

    kind: str
    name: str
    parts: tuple[Part, ...]
    least: int
    most: int | None

    def text(self, groups: list[str]) -> str:
        """Its XML Schema; a part of kind ``group`` is written to ``groups`` and referred to."""
        occurs = f'minOccurs="{self.least}" maxOccurs="{"unbounded" if self.most is None else self.most}"'
        if self.name:
            return e(self.name, occurs)
        inner = "".join(part.text(groups) for part in self.parts)
        if self.kind != "group":
            return f"<xs:{self.kind} {occurs}>{inner}</xs:{self.kind}>"
        groups.append(f'<xs:group name="g{len(groups)}"><xs:sequence>{inner}</xs:sequence></xs:group>')
        return f'<xs:group ref="t:g{len(groups) - 1}" {occurs}/>'


OCCURS = st.sampled_from([(1, 1)] * 4 + [(0, 1)] * 3 + [(0, 2), (1, 2), (2, 3), (0, None), (1, None)])
ELEMENT = st.builds(lambda name, occurs: Part("", name, (), *occurs), st.sampled_from("ab"), OCCURS)
KINDS = st.sampled_from(["sequence", "sequence", "choice", "choice", "group"])


def grouped(inner: st.SearchStrategy[Part]) -> st.SearchStrategy[Part]:
    parts = st.lists(inner, min_size=1, max_size=4).map(tuple)
    return st.builds(lambda kind, parts, occurs: Part(kind, "", parts, *occurs), KINDS, parts, OCCURS)


NAMES = string.ascii_uppercase + string.ascii_lowercase[2:]
MODEL = grouped(st.recursive(ELEMENT, grouped, max_leaves=7))


def named_apart(part: Part, fresh: itertools.count[int], shared: frozenset[int]) -> Part:
    """The model with a name of its own for each element but those shared, so that most models are legal."""
    if part.name:
        number = next(fresh)
        return part if number in shared else Part("", NAMES[number], (), part.least, part.most)
    return Part(part.kind, "", tuple(named_apart(one, fresh, shared) for one in part.parts), part.least, part.most)


@st.composite
def children(draw: st.DrawFn, part: Part) -> list[str]:
    """Names of children as the model allows them."""
    found: list[str] = []
    for _ in range(draw(st.integers(part.least, part.least + 2 if part.most is None else part.most))):
        if part.name:
            found.append(part.name)
        elif part.kind == "choice":
            found += draw(children(draw(st.sampled_from(part.parts))))
        else:
            found += [name for one in part.parts for name in draw(children(one))]
    return found


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(st.data(), MODEL, st.frozensets(st.integers(0, 6), max_size=4))
def test_what_is_read_of_any_model_its_json_schema_takes(data: st.DataObject, drawn: Part, shared: frozenset[int]) -> None:
    """And what was read is written, and read again as the same."""
    model = named_apart(drawn, itertools.count(), shared)
    groups: list[str] = []
    content = model.text(groups)
    with tempfile.TemporaryDirectory() as folder:
        try:
            form = form_of(Path(folder), content, "".join(groups))
        except BadConfig as refusal:
            event(f"refused: {refusal.problems[0].code}")
            assume(False)
    schema = jsonschema_rs.validator_for(form.json_schema())
    for names in data.draw(st.lists(children(model), min_size=1, max_size=4)):
        text = "".join(f"<{name}>{index}</{name}>" for index, name in enumerate(names))
        try:
            obj = form.read(parse(xml(f"<R>{text}</R>")))
        except XmlMisfit:
            event("not read")  # the validator of libxml2 takes the first way through a model and does not turn back
            continue
        event("read")
        schema.validate(obj)
        assert form.read(form.write(obj)) == obj
