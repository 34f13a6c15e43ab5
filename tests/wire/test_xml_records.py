"""Records cut out of one large document: whole, in order, the same wherever reading stops; memory does not grow with it."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from hub.wire.xml import XmlRefused
from hub.wire.xml_records import Cut, RecordCutter

NAMES = st.sampled_from(["r", "p:r", "q", "p:q", "rr"])
TEXT = st.text(st.sampled_from("ạ x\n/'") | st.characters(codec="utf-8", exclude_categories=["C"]), max_size=6)


def cut(document: bytes, size: int = 1 << 16, name: str = "r", largest: int = 1000) -> tuple[list[Cut], RecordCutter]:
    cutter = RecordCutter(name.removeprefix("/").split("/"), anywhere=not name.startswith("/"), largest=largest)
    found: list[Cut] = []
    for start in range(0, len(document), size):
        found += cutter.feed(document[start : start + size])
    return [*found, *cutter.close()], cutter


def bodies(found: list[Cut]) -> list[bytes | None]:
    return [one.body for one in found if one.line]


def escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace("'", "&apos;")


def _element(parts: tuple[str, str, list[str]]) -> str:
    name, text, inside = parts
    if not inside and not text:
        return f"<{name} />"
    return f"<{name} a='{escaped(text)}>/&gt;'>{escaped(text)}{''.join(inside)}<![CDATA[</r>/>]]><!-- <r> --></{name} >"


ELEMENTS = st.recursive(
    st.builds(lambda name, text: _element((name, text, [])), NAMES, TEXT),
    lambda below: st.builds(lambda *parts: _element(parts), NAMES, TEXT, st.lists(below, max_size=3)),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None)
@given(st.lists(ELEMENTS, max_size=4), st.integers(1, 40), st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]))
def test_records_are_those_of_the_whole_document_wherever_reading_stops(inside: list[str], size: int, encoding: str) -> None:
    """The outermost elements of the name, each equal to what stands in the document, with its line; no byte is lost."""
    text = f"<top xmlns:p='urn:p'>\n{''.join(f'{one}{chr(10)}' for one in inside)}<r/></top>"
    found, _ = cut(text.encode(encoding), size)
    assert b"".join(one.data for one in found) == text.encode()
    whole = etree.fromstring(text.encode(), etree.XMLParser(remove_comments=True))
    wanted = [one for one in whole.iter("{*}r") if not any(above.tag in ("r", "{urn:p}r") for above in one.iterancestors())]
    made = [etree.fromstring(body or b"") for body in bodies(found)]
    assert [etree.tostring(one, method="c14n") for one in made] == [
        etree.tostring(one, method="c14n", with_tail=False) for one in wanted
    ]
    assert [one.line for one in found if one.line] == [one.sourceline for one in wanted]
    ends = [len(b"".join(one.data for one in found[: at + 1])) for at, one in enumerate(found) if one.line]
    again, _ = cut(text.encode())
    assert ends == [len(b"".join(one.data for one in again[: at + 1])) for at, one in enumerate(again) if one.line]


def test_a_path_leads_from_the_root() -> None:
    """By local names; elements of the name that stand elsewhere are none, and what is around the first is told."""
    document = b"<a x='1' xmlns='urn:a'><r/><b><c/><r>1</r></b><p:b xmlns:p='urn:p'><p:r>2</p:r></p:b></a>"
    found, cutter = cut(document, name="/a/b/r")
    assert [etree.fromstring(one or b"").text for one in bodies(found)] == ["1", "2"]
    assert cutter.around == (b'<a xmlns="urn:a" x="1"><b>', b"</b></a>")
    found, cutter = cut(b"<r/>", name="/r")
    assert (len(bodies(found)), cutter.around) == (1, (b"", b""))


@pytest.mark.parametrize(
    ("document", "name", "code", "before"),
    [
        ("", "r", "malformed", 0),
        ("  ", "r", "malformed", 0),
        ("text", "r", "malformed", 0),
        ("<a><r/>", "r", "malformed", 1),
        ("<a><r/><r></a>", "r", "malformed", 1),
        ("<a><r/><r>&nope;</r></a>", "r", "malformed", 1),
        ("<a><r/></a><a/>", "r", "malformed", 1),
        ("<!DOCTYPE a><a><r/></a>", "r", "dtd", 0),
        ("<!-- x --> <!DOCTYPE a [<!ENTITY e 'e'>]><a><r>&e;</r></a>", "r", "dtd", 0),
        ("<!--" + "x" * 100_000 + "--><a><r/></a>", "r", "malformed", 0),
        ("<a><b/></a>", "r", "no_records", 0),
        ("<a>" + "<b/>" * 50_000 + "</a>", "r", "no_records", 0),
        ("<a><r/></a>", "/a/b/r", "no_records", 0),
        ("<a><b/><c/></a>", "/a/b/r", "no_records", 0),
        ("<a><b><c/></b><b/></a>", "/a/b/r", "no_records", 0),
        ("<a\x01><r/></a>", "r", "malformed", 0),
        ("<?xml version='1.0' encoding='windows-1252'?><a><r/></a>", "r", "encoding", 0),
        ("<a><r/>" + "<b>" * 300, "r", "too_large", 1),
    ],
    ids=["empty", "blank", "text", "cut", "wrong end", "entity", "two roots", "dtd", "dtd behind", "long prolog", "none",
         "many of others", "path", "path of others", "below the path", "no name", "encoding", "deep"],
)  # fmt: skip
@pytest.mark.parametrize("size", [11, 1 << 16])
def test_what_cannot_be_read_further(document: str, name: str, code: str, before: int, size: int) -> None:
    """The records before it are given; nothing of the document is in the reason."""
    cutter = RecordCutter(name.removeprefix("/").split("/"), anywhere=not name.startswith("/"), largest=1000)
    found: list[Cut] = []
    data = document.encode()
    with pytest.raises(XmlRefused) as refused:
        for start in range(0, len(data), size):
            for one in cutter.feed(data[start : start + size]):
                found.append(one)
        found += cutter.close()
    assert ([one.code for one in refused.value.problems], len(bodies(found))) == ([code], before)


@pytest.mark.parametrize("document", ["<a/>", "<a> </a>", "<a><b/></a>"])
def test_a_document_may_have_no_record(document: str) -> None:
    """If it has nothing else either."""
    assert bodies(cut(document.encode(), name="/a/b/r")[0]) == []


def test_a_record_that_is_too_large_is_passed_over() -> None:
    """Those around it are whole."""
    document = b"<a><r>1</r><r>" + b"<x>y</x>" * 200_000 + b"</r><r>2</r></a>"
    assert [one and one[-8:] for one in bodies(cut(document)[0])] == [b"<r>1</r>", None, b"<r>2</r>"]


@pytest.mark.parametrize("form", ["records", "others", "one record", "text between"])
def test_memory_does_not_grow_with_the_document(form: str) -> None:
    """Tens of MB of records, of what is none, and of one record that is too large; nothing of it is held."""
    pattern = {"records": b"<r><x>1</x></r>", "text between": b"text <b/> text"}.get(form, b"<b><x>1</x>text</b>")
    opened, closed = (b"<r>", b"</r>") if form == "one record" else (b"", b"")

    def pieces() -> Iterator[bytes]:
        yield b"<a>" + opened
        for _ in range(100):
            yield pattern * 2000
        yield closed + b"<r/></a>"

    before = _resident()
    cutter = RecordCutter(["r"], anywhere=True, largest=100_000)
    tracemalloc.start()
    try:
        count = sum(bool(one.line) for piece in pieces() for one in cutter.feed(piece))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    count += sum(bool(one.line) for one in cutter.close())
    assert count == (1 + 100 * 2000 if form == "records" else 2 if form == "one record" else 1)
    assert peak < 20_000_000 and _resident() - before < 60_000_000


def _resident() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096
