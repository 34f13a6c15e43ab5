"""The one parser: what it takes, what it refuses and where it says so. Attacks are in test_xml_attacks.py."""

from __future__ import annotations

import dataclasses

import pytest

from hub.wire.xml import LIMITS, XmlLimits, XmlRefused, element_path, parse, to_bytes


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("declared", [True, False])
def test_utf_8_and_utf_16_are_read(encoding: str, declared: bool) -> None:
    """By byte order mark, by declaration, or by neither."""
    name = "UTF-16" if "16" in encoding else "utf-8"
    text = (f'<?xml version="1.0" encoding="{name}"?>\n' if declared else "") + "<a>Nguyễn</a>"
    assert parse(text.encode(encoding)).text == "Nguyễn"


def test_a_refusal_names_line_and_column_and_never_what_stands_there() -> None:
    """The place is told in the words of an editor; the text at it may be about a person."""
    with pytest.raises(XmlRefused) as refusal:
        parse(b"<a>\n  <b>Nguyen Van An</c>\n</a>")
    (problem,) = refusal.value.problems
    assert (problem.at, problem.code) == ("2:23", "malformed")
    assert "Nguyen" not in str(problem)
    with pytest.raises(XmlRefused) as refusal:
        parse(b'<?xml version="1.0"?>\n  <!DOCTYPE a>\n<a/>')
    assert [(one.at, one.code) for one in refusal.value.problems] == [("2:3", "dtd")]


@pytest.mark.parametrize(
    ("text", "at", "words"),
    [
        ("", "1:1", "is empty"),
        (" \n ", "1:1", "is empty"),
        ("canary", "1:1", "no tag at the beginning"),
        ("<a>\n&nbsp;</a>", "2:1", "entity"),
        ("<a b='1'>\n<!-- &x; --><![CDATA[&y;]]>&amp;&#65;\n  <c d='&canary;'/></a>", "3:9", "entity"),
        (" <?xml version='1.0'?><a/>", "1:7", "must be the very first thing"),
        ("<a", "1:3", "not closed with >"),
        ("<a><b></a>", "1:11", "does not fit the element that is open"),
        ("<a><b>", "1:7", "ends while elements are open"),
        ("<a b=1/>", "1:6", "not in quotes"),
        ("<a b/>", "1:5", "has no value"),
        ("<a b='<'/>", "1:7", "holds <"),
        ("<a b='' b=''/>", "1:13", "twice"),
        ("<p:a/>", "1:5", "prefix that is not declared"),
        ("<a>\x01</a>", "1:4", "control character"),
        ("<a>&canary</a>", "1:11", "does not end with ;"),
        ("<a>1 < 2</a>", "1:7", "must follow"),
        ("<a/>x", "1:5", "behind the end"),
        ("<a/><b/>", "1:5", "behind the end"),
    ],
)
def test_what_is_malformed_is_told_in_plain_words(text: str, at: str, words: str) -> None:
    """Not in the words of the library, and with the place."""
    with pytest.raises(XmlRefused) as refusal:
        parse(text.encode())
    (problem,) = refusal.value.problems
    assert (problem.at, problem.code) == (at, "malformed")
    assert words in problem.message and "_" not in problem.message and "canary" not in str(problem)


@pytest.mark.parametrize(
    ("limit", "fits", "passes", "code"),
    [
        ({"bytes": 20}, "<a>0123456789012</a>", "<a>01234567890123</a>", "too_large"),
        ({"depth": 3}, "<a><b><c/></b></a>", "<a><b><c><d/></c></b></a>", "too_deep"),
        ({"elements": 3}, "<a><b/><b/></a>", "<a><b/><b/><b/></a>", "too_many_elements"),
        ({"attributes": 2}, '<a b="" c=""/>', '<a b="" c="" d=""/>', "too_many_attributes"),
        ({"namespaces": 2}, '<a xmlns="u" xmlns:b="v"/>', '<a xmlns="u" xmlns:b="v"><c xmlns="w"/></a>', "too_many_namespaces"),
        ({"text": 10}, "<a><b/>0123456789</a>", "<a><b/>01234567890</a>", "text_too_long"),
    ],
)
def test_each_bound_holds_to_the_last_one(limit: dict[str, int], fits: str, passes: str, code: str) -> None:
    """What is allowed is read, one more is refused."""
    limits = dataclasses.replace(LIMITS, **limit)
    parse(fits.encode(), limits)
    with pytest.raises(XmlRefused) as refusal:
        parse(passes.encode(), limits)
    assert [one.code for one in refusal.value.problems] == [code]


def test_more_than_ten_megabytes_of_text_are_read_where_that_is_allowed() -> None:
    """The bound of the library gives way to ours."""
    limits = XmlLimits(bytes=12_000_000, text=12_000_000)
    assert len(parse(b"<a>" + b"x" * 11_000_000 + b"</a>", limits).text or "") == 11_000_000


def test_an_element_is_named_by_its_path() -> None:
    """Local names, with a number where there are several; names that may be about a person are masked."""
    root = parse(b'<e:Envelope xmlns:e="urn:e"><e:Body><X/><X><Nguyen-079201234567/></X></e:Body></e:Envelope>')
    assert element_path(root[0][1]) == "/Envelope/Body/X[2]"
    assert element_path(root[0][1][0]) == "/Envelope/Body/X[2]/‹masked›"


def test_an_element_is_written_as_a_document_of_its_own() -> None:
    """With the prefixes from above it, and without the text behind it."""
    root = parse(b'<a xmlns:p="urn:p"><b p:c="1">x</b>tail</a>')
    assert to_bytes(root[0]) == b"<?xml version='1.0' encoding='UTF-8'?>\n<b xmlns:p=\"urn:p\" p:c=\"1\">x</b>"
