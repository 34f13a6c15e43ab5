"""Many records in one XML document, which may be of any size: each is cut out as a document of its own, and then let go."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from lxml import etree

from hub.wire.xml import XmlRefused, check_coding, coding_of, local_name, refuse_doctype, to_bytes
from hub.wire.xml_words import malformed

_HEAD = 256
_LONGEST_PROLOG = 64 * 1024
_LONGEST_TAG = 64 * 1024
_SLACK = 128 * 1024
_MARK = "\ue000"
_ROOT = re.compile(rb"<(?![!?])(?:[^\s<>/:]*:)?([^\s<>/:]+)(?=[\s/>])")


@dataclass(frozen=True, slots=True)
class Cut:
    """The next bytes of a document, as UTF-8. ``line``: they end with a record, which begins on that line; 0 when with none.
    ``body`` is the record as a document, None when it is too large for one."""

    data: bytes
    line: int = 0
    body: bytes | None = None


class RecordCutter:
    """``feed`` the document piece by piece, then ``close`` it; both give what was cut, in order. Raises XmlRefused.

    ``path``: local names from the root down to a record, or one name alone with ``anywhere``. A record within a record is a
    part of it. Hardened as ``hub.wire.xml`` is; no more is held than one record, or a piece of what is none. Where records are
    cut does not depend on the pieces.
    """

    def __init__(self, path: Sequence[str], *, anywhere: bool, largest: int) -> None:
        self._path, self._anywhere, self._largest = list(path), anywhere, largest
        self._ends = re.compile(rb"/>|</(?:[^\s<>/:]*:)?" + re.escape(path[-1].encode()) + rb"[ \t\r\n]*>")
        self._utf8 = _Utf8()
        self._parser: etree.XMLPullParser | None = None
        self._rest = b""
        self._root: Any = None
        self._record: Any = None
        self._size = self._count = 0
        self._strange = False
        self.line = 1
        """How far it has read."""
        self.around = (b"", b"")
        """Start tags and end tags of what the first record stands in."""

    def feed(self, data: bytes) -> Iterator[Cut]:
        """The next bytes of the document."""
        yield from self._take(self._utf8.take(data), is_end=False)

    def close(self) -> Iterator[Cut]:
        """There are no more."""
        yield from self._take(self._utf8.take(b"", is_end=True), is_end=True)
        assert self._parser is not None
        try:
            self._parser.close()
        except etree.XMLSyntaxError as error:
            raise self._refused(error) from None
        if (made := self._events()) is not None:  # a document of four bytes is read only now
            yield Cut(b"", *made)
        if self._count == 0 and (self._strange or self._root is None or any(map(self._is_strange, self._root.iter()))):
            text = "the document has elements, and none of them is a record"
            raise XmlRefused.one("1:1", "no_records", text, "look whether the name or path of the records is right")

    def _take(self, data: bytes, *, is_end: bool) -> Iterator[Cut]:
        data, self._rest = self._rest + data, b""
        if self._parser is None and not self._begin(data, is_end=is_end):
            self._rest = data
            return
        if not is_end:
            end = _whole_tags(data)
            data, self._rest = data[:end], data[end:]
        done = at = 0
        for found in self._ends.finditer(data):
            made = self._read(data[at : found.end()])
            at = found.end()
            if made is not None:
                yield Cut(data[done:at], *made)
                done = at
        if self._read(data[at:]) is not None:
            raise AssertionError("a record ends where no tag does")
        if done < len(data):
            yield Cut(data[done:])
        self._let_go()

    def _begin(self, data: bytes, *, is_end: bool) -> bool:
        """Whether so much is there that the root element can be seen; no document type is read."""
        at = refuse_doctype(data)
        root = _ROOT.match(data, at)
        if root is None and not is_end and len(data) < _LONGEST_PROLOG:
            return False
        if root is None and data.strip():
            raise XmlRefused.one("1:1", "malformed", "no element begins where one must", "send an XML document")
        names = {self._path[-1], root[1].decode(errors="replace") if root else ""}
        self._parser = etree.XMLPullParser(
            events=("start", "end"), tag=[f"{{*}}{name}" for name in names if name], encoding="utf-8", resolve_entities=False,
            load_dtd=False, no_network=True, remove_comments=True, remove_pis=True,
        )  # fmt: skip
        return True

    def _read(self, piece: bytes) -> tuple[int, bytes | None] | None:
        """Line and body of the record that ends with the piece, if one does."""
        assert self._parser is not None
        try:
            self._parser.feed(piece)
        except etree.XMLSyntaxError as error:
            raise self._refused(error) from None
        except ValueError:  # before it reads a byte: by this name no element can be looked for
            raise XmlRefused.one("1:1", "malformed", "the name of the first element is none that XML knows") from None
        self.line += piece.count(b"\n")
        self._size += len(piece)
        return self._events()

    def _events(self) -> tuple[int, bytes | None] | None:
        assert self._parser is not None
        ended = None
        for event, element in self._parser.read_events():
            if event == "start":
                self._started(element)
            elif element is self._record:
                ended = self._ended()
        return ended

    def _started(self, element: Any) -> None:
        if self._root is None:
            self._root = element
            if element.getroottree().docinfo.internalDTD is not None:
                raise XmlRefused.one("1:1", "dtd", "a document type is not accepted")
        if self._record is not None or local_name(element.tag) != self._path[-1]:  # the root, it may be
            return
        if self._anywhere or _names(element) == self._path:
            self._record, self._size = element, 0

    def _ended(self) -> tuple[int, bytes | None]:
        record, self._record = self._record, None
        if self._count == 0:
            self.around = _around(record)
        self._count += 1
        body = None if self._is_large() else to_bytes(record)
        made = record.sourceline, body if body is not None and len(body) <= self._largest else None
        record.clear()
        return made

    def _is_large(self) -> bool:
        return self._size > self._largest + _SLACK

    def _let_go(self) -> None:
        """Of what was read, nothing is kept that is not of the present record, if that is not too large."""
        node = self._root
        while node is not None and len(node) and (node is not self._record or self._is_large()):
            if len(node) > 1:
                if self._count == 0 and not self._strange:
                    self._strange = any(map(self._is_strange, (below for one in node[:-1] for below in one.iter())))
                del node[:-1]
            node.text = None
            node = node[-1]

    def _is_strange(self, element: Any) -> bool:
        """It is not on the way to a record."""
        names = _names(element)
        return names != (self._path[: len(names)] if not self._anywhere else names[:1])

    def _refused(self, error: etree.XMLSyntaxError) -> XmlRefused:
        problem = malformed(error, b"" if self._root is None and self.line == 1 and not self._rest else b"-")
        return XmlRefused([problem if problem.at else replace(problem, at=f"{self.line}:1")])


class _Utf8:
    """Pieces of a document in UTF-8, whatever they come in."""

    def __init__(self) -> None:
        self._head: bytes | None = b""
        self._decoder: codecs.IncrementalDecoder | None = None

    def take(self, data: bytes, *, is_end: bool = False) -> bytes:
        """Raises XmlRefused."""
        if self._head is None:
            return self._decoded(data, is_end)
        self._head += data
        if len(self._head) < 2 * _HEAD and not is_end:
            return b""
        data, self._head = self._head, None
        coding = coding_of(data)
        if coding == "utf-8-sig":
            data = data[3:]
        elif coding != "utf-8":
            self._decoder = codecs.getincrementaldecoder(coding)()
        data = self._decoded(data, is_end)
        check_coding(data[:_HEAD], coding)
        return data

    def _decoded(self, data: bytes, is_end: bool) -> bytes:
        if self._decoder is None:
            return data
        try:
            return self._decoder.decode(data, is_end).encode()
        except UnicodeError:
            raise XmlRefused.one("", "encoding", "the bytes are not UTF-16") from None


def _whole_tags(data: bytes) -> int:
    """How far it goes without a tag that is begun and not ended, so that every end of a record is seen in one piece."""
    last = data.rfind(b"<")
    if last >= 0 and data.find(b">", last) < 0 and len(data) - last <= _LONGEST_TAG:
        return last
    return len(data) - data.endswith(b"/")


def _names(element: Any) -> list[str]:
    """Local names from the root down to it."""
    return [local_name(one.tag) for one in (element, *element.iterancestors())][::-1]


def _around(record: Any) -> tuple[bytes, bytes]:
    """The tags of everything that it stands in, without what else is in there."""
    inmost: Any = None
    for one in reversed(list(record.iterancestors())):
        if inmost is None:
            inmost = etree.Element(one.tag, dict(one.attrib), nsmap=one.nsmap)
        else:
            inmost = etree.SubElement(inmost, one.tag, dict(one.attrib), nsmap=one.nsmap)
    if inmost is None:
        return b"", b""
    inmost.text = _MARK
    opened, _, closed = etree.tostring(inmost.getroottree(), encoding="utf-8").rpartition(_MARK.encode())
    return opened, closed
