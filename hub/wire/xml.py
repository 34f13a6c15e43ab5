"""The one place where XML is parsed: no DTD, no entities, no network, and bounds that hold while it is being read."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lxml import etree

from hub.errors import Problem, WithProblems, shown
from hub.wire.xml_words import malformed, place_of

_CHUNK = 64 * 1024
_SMALL_CHUNK = 512
_LIBXML_TEXT = 10_000_000
_PROLOG = re.compile(rb"(?:[ \t\r\n]++|<\?.*?\?>|<!--.*?-->)*+", re.DOTALL)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}")
_ENCODING = re.compile(rb"""<\?xml[ \t\r\n][^>]{0,200}?encoding[ \t\r\n]*=[ \t\r\n]*["']([A-Za-z][A-Za-z0-9._-]{0,39})["']""")
_MARKS = (
    (b"\xff\xfe\x00\x00", "UTF-32"),
    (b"\x00\x00\xfe\xff", "UTF-32"),
    (b"\x00\x00\x00<", "UTF-32"),
    (b"<\x00\x00\x00", "UTF-32"),
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
    (b"<\x00", "utf-16-le"),
    (b"\x00<", "utf-16-be"),
    (b"\x4c\x6f\xa7\x94", "EBCDIC"),
)

XSI = "{http://www.w3.org/2001/XMLSchema-instance}"
NIL, XSI_TYPE = XSI + "nil", XSI + "type"


@dataclass(frozen=True, slots=True)
class XmlLimits:
    """What one document may cost. ``text`` bounds one text; ``namespaces`` counts different declarations."""

    bytes: int = 5 * 1024 * 1024
    depth: int = 64
    elements: int = 200_000
    attributes: int = 256
    namespaces: int = 64
    text: int = 5 * 1024 * 1024


LIMITS = XmlLimits()


class XmlRefused(WithProblems):
    """Bytes that are not read as XML; each problem's ``at`` is ``line:column``, and never quotes what stands there."""

    @classmethod
    def one(cls, at: str, code: str, message: str, hint: str = "") -> XmlRefused:
        return cls([Problem(at, code, message, hint)])


def parse(data: bytes, limits: XmlLimits = LIMITS) -> etree._Element:
    """The root element of a document. Raises XmlRefused."""
    if len(data) > limits.bytes:
        raise XmlRefused.one("", "too_large", f"the document is larger than {limits.bytes} bytes")
    data = _as_utf8(data)
    refuse_doctype(data)
    parser = _parser(limits, watched=not _is_small(data, limits))
    watch = _Watch(limits, data)
    try:
        for start in range(0, len(data), _CHUNK):
            parser.feed(data[start : start + _CHUNK])
            watch.look(parser)
        root: etree._Element = parser.close()
    except etree.XMLSyntaxError as error:
        watch.look(parser)  # a bound of ours that is passed says more than a bound of the parser's
        raise XmlRefused([malformed(error, data)]) from None
    watch.look(parser)
    if root.getroottree().docinfo.internalDTD is not None:
        raise XmlRefused.one("1:1", "dtd", "a document type is not accepted")
    return root


def parse_until(data: bytes, is_end: Callable[[etree._Element], bool], limits: XmlLimits) -> etree._Element | None:
    """The first element of which ``is_end`` says so, as soon as it begins: what stands before it is there, what follows is
    hardly looked at. None when there is none in the document. Raises XmlRefused, also (``too_large``) when there is none in
    the first ``limits.bytes``."""
    first = data[: limits.bytes]
    try:
        first = _as_utf8(first)
    except XmlRefused:
        first = _as_utf8(first[:-2])  # UTF-16 may have been cut in the middle of a character
    refuse_doctype(first)
    parser = _parser(limits, watched=True)
    watch = _Watch(limits, first)
    try:
        for start in range(0, len(first), _SMALL_CHUNK):
            parser.feed(first[start : start + _SMALL_CHUNK])
            if (found := watch.look(parser, is_end)) is not None:
                return found
        if len(data) > limits.bytes:
            text = f"what is looked for does not begin in the first {limits.bytes} bytes"
            raise XmlRefused.one("", "too_large", text)
        parser.close()
    except etree.XMLSyntaxError as error:
        if (found := watch.look(parser, is_end)) is not None:
            return found
        raise XmlRefused([malformed(error, first)]) from None
    return None


def _parser(limits: XmlLimits, *, watched: bool) -> etree.XMLPullParser:
    return etree.XMLPullParser(
        events=("start", "end", "start-ns") if watched else (), encoding="utf-8", resolve_entities=False, load_dtd=False,
        no_network=True, remove_comments=True, remove_pis=True, huge_tree=limits.text > _LIBXML_TEXT,
    )  # fmt: skip


def _is_small(data: bytes, limits: XmlLimits) -> bool:
    """Too few angle brackets and equals signs to pass any bound: nothing has to be watched."""
    few = data.count(b"<") <= min(limits.depth, limits.elements) and len(data) <= limits.text
    return few and data.count(b"=") <= min(limits.attributes, limits.namespaces)


class _Watch:
    """Counts what has been read so far, and refuses when a bound is passed."""

    def __init__(self, limits: XmlLimits, data: bytes) -> None:
        self._limits = limits
        self._check_text = len(data) > limits.text
        self._check_attributes = data.count(b"=") > limits.attributes
        self._depth = self._elements = 0
        self._namespaces: set[tuple[str, str]] = set()

    def look(
        self, parser: etree.XMLPullParser, is_end: Callable[[etree._Element], bool] | None = None
    ) -> etree._Element | None:
        """The first new element of which ``is_end`` says so, if any. Raises XmlRefused."""
        limits, depth = self._limits, self._depth
        item: Any  # an element, or prefix and address of a namespace
        for event, item in parser.read_events():
            if event == "start":
                depth += 1
                self._elements += 1
                if depth > limits.depth:
                    raise _beyond(item, "too_deep", f"elements stand in each other more than {limits.depth} deep")
                if self._elements > limits.elements:
                    raise _beyond(item, "too_many_elements", f"there are more than {limits.elements} elements")
                if self._check_attributes and len(item.attrib) > limits.attributes:
                    raise _beyond(item, "too_many_attributes", f"one element has more than {limits.attributes} attributes")
                if is_end is not None and is_end(item):
                    found: etree._Element = item
                    return found
            elif event == "end":
                depth -= 1
                if self._check_text and max(len(item.text or ""), len(item.tail or "")) > limits.text:
                    raise _beyond(item, "text_too_long", f"one text is longer than {limits.text} characters")
            else:
                self._namespaces.add(item)
                if len(self._namespaces) > limits.namespaces:
                    text = f"there are more than {limits.namespaces} namespace declarations"
                    raise XmlRefused.one("", "too_many_namespaces", text)
        self._depth = depth
        return None


def element_path(element: etree._Element) -> str:
    """Where an element stands, by local names: ``/Envelope/Body/X[2]``."""
    parts = []
    node: etree._Element | None = element
    while node is not None:
        before = sum(1 for _ in node.itersiblings(node.tag, preceding=True))
        alone = before == 0 and next(node.itersiblings(node.tag), None) is None
        parts.append(shown_name(local_name(node.tag)) + ("" if alone else f"[{before + 1}]"))
        node = node.getparent()
    return "/" + "/".join(reversed(parts))


def resolved(text: str, element: etree._Element) -> str:
    """A QName in a document as ``{namespace}name``."""
    prefix, _, name = text.strip(" \t\r\n").rpartition(":")
    namespace = element.nsmap.get(prefix or None)
    return f"{{{namespace}}}{name}" if namespace else name


def local_name(tag: str) -> str:
    """``{namespace}name`` without its namespace."""
    return tag[tag.rfind("}") + 1 :]


def shown_name(name: str) -> str:
    """A name out of a document as it may be shown: names a program would use as they are, anything else masked."""
    return name if _NAME.fullmatch(name) and not re.search(r"[0-9]{6}", name) else "‹masked›"


def to_bytes(element: etree._Element) -> bytes:
    """An element as a document of its own, in UTF-8 with an XML declaration."""
    return etree.tostring(element, xml_declaration=True, encoding="UTF-8", with_tail=False)


def _as_utf8(data: bytes) -> bytes:
    """The document in UTF-8. Only UTF-8 and UTF-16 are read, by byte order mark or declaration, which must agree."""
    coding = coding_of(data)
    if coding.startswith("utf-16"):
        try:
            data = data.decode(coding).encode()
        except UnicodeError:
            raise XmlRefused.one("", "encoding", "the bytes are not UTF-16") from None
    elif coding == "utf-8-sig":
        data = data[3:]
    check_coding(data[:256], coding)
    return data


def coding_of(data: bytes) -> str:
    """The encoding that the first bytes of a document show. Raises XmlRefused when it is none that is read."""
    coding = next((name for mark, name in _MARKS if data.startswith(mark)), "utf-8")
    if not coding.startswith("utf-"):
        raise _other_encoding(coding)
    return coding


def check_coding(head: bytes, coding: str) -> None:
    """Raises XmlRefused when the declaration in the first bytes, which are UTF-8 by now, says another encoding."""
    declared = _ENCODING.match(head)
    if declared:
        name = declared[1].decode()
        if name.upper() not in (("UTF-16", "UTF-16LE", "UTF-16BE") if coding.startswith("utf-16") else ("UTF-8",)):
            raise _other_encoding(name)
    if head.startswith(b"\xef\xbb\xbf"):  # the parser would take it off, and what is looked for before it parses were elsewhere
        raise XmlRefused.one("1:1", "encoding", "begins with two byte order marks", "send one, or none")


def _other_encoding(name: str) -> XmlRefused:
    return XmlRefused.one("1:1", "encoding", f"the encoding {shown(name)} is not read, or not what the bytes are", "send UTF-8")


def refuse_doctype(data: bytes) -> int:
    """Looks at what stands before the root element, so that a DTD is refused before any of it is read. Where that ends."""
    before = _PROLOG.match(data)
    at = before.end() if before else 0
    if data.startswith(b"<!DOCTYPE", at):
        raise XmlRefused.one(place_of(data, at), "dtd", "a document type (DTD) is not accepted", "send the document without it")
    return at


def _beyond(element: etree._Element, code: str, message: str) -> XmlRefused:
    return XmlRefused.one(element_path(element), code, message)
