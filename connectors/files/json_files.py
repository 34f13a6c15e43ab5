"""Records of JSON Lines, of the elements of a JSON array, and files that are one record: cut out as they stand."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO

from connectors.files.record import BOM, CHUNK, LARGEST, Malformed, Prefix, Record, too_large
from hub.errors import Problem

_INSIDE = re.compile(rb'(?:[^"\\]++|\\.)*+', re.DOTALL)
_SIGN = re.compile(rb'["{}\[\],]')
_QUOTE, _BACKSLASH, _COMMA = b'"\\,'
_OPEN, _SHUT = b"{[", b"}]"


def whole(stream: BinaryIO) -> Iterator[Record]:
    """The file as its one record. Raises Malformed when it is too large for one."""
    data = stream.read(LARGEST + 1)
    if len(data) > LARGEST:
        text = f"the file is larger than {LARGEST} bytes"
        raise Malformed(1, Problem("", "too_large", text, "if it holds many records, say records: each"))
    yield Record(1, 1, Prefix().key(data, 1), data.removeprefix(BOM), data)


def lines(stream: BinaryIO) -> Iterator[Record]:
    """Each line that is not blank."""
    prefix, number, line = Prefix(), 0, 0
    while text := stream.readline(LARGEST + 2):
        line += 1
        if line == 1 and text.startswith(BOM):
            prefix.add(BOM)
            text = text.removeprefix(BOM)
        body = text.rstrip(b"\r\n")
        if len(body) > LARGEST:
            number += 1
            while not text.endswith(b"\n") and (more := stream.readline(CHUNK)):
                prefix.add(text)
                text = more
            yield Record(number, line, prefix.key(text, number), b"", b"", too_large())
        elif body.strip():
            number += 1
            yield Record(number, line, prefix.key(body, number), body, body)
            prefix.add(text[len(body) :])
        else:
            prefix.add(text)


def elements(stream: BinaryIO) -> Iterator[Record]:
    """Each element of the array that the file is. Raises Malformed when it is no array, or has no end."""
    return _Elements(stream).records()


class _Elements:
    """``data[start:]`` is what was read of the present element, ``at`` how far it was looked through."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._prefix = Prefix()
        self._data, self._start, self._at = b"", 0, 0
        self._depth, self._number, self._line = 0, 0, 1
        self._in_string = self._ended = self._large = False

    def records(self) -> Iterator[Record]:
        first = True
        while chunk := self._stream.read(CHUNK):
            if first and chunk.startswith(BOM):
                chunk = chunk.removeprefix(BOM)
            first = False
            if self._large or self._at - self._start > LARGEST:
                self._large = True
                self._pass(self._at)
            self._data = self._data[self._start :] + chunk
            self._at, self._start = self._at - self._start, 0
            while (sign := self._next_sign()) is not None:
                yield from self._take(sign)
            if self._depth == 0:
                self._nothing_but_blanks(self._at)
        if not self._ended:
            text = "the file ends before its array does" if self._depth else "the file is empty"
            raise Malformed(self._line, Problem("", "not_json", text, "it was cut: send it again, whole"))

    def _next_sign(self) -> int | None:
        """The place of the next sign outside of texts; None when more must be read."""
        data = self._data
        while self._at < len(data):
            if self._in_string:
                found = _INSIDE.match(data, self._at)
                self._at = found.end() if found else self._at
                if self._at >= len(data) or data[self._at] == _BACKSLASH:
                    return None  # in the middle of a text, or of an escape
                self._in_string = False
                self._at += 1
                continue
            sign = _SIGN.search(data, self._at)
            if sign is None:
                self._at = len(data)
                return None
            self._at = sign.end()
            if data[sign.start()] != _QUOTE or self._depth == 0:
                return sign.start()
            self._in_string = True
        return None

    def _take(self, place: int) -> Iterator[Record]:
        sign = self._data[place]
        if self._depth == 0:
            self._nothing_but_blanks(place)
            if self._ended or sign != _OPEN[1]:
                raise self._no_array()
            self._depth = 1
            self._pass(self._at)
        elif sign in _OPEN:
            self._depth += 1
        elif sign in _SHUT and self._depth > 1:
            self._depth -= 1
        elif self._depth == 1 and (sign == _COMMA or sign in _SHUT):
            if sign == _COMMA or self._number or self._large or self._data[self._start : place].strip():
                yield self._record(place)
            if sign != _COMMA:
                self._depth, self._ended = 0, True
            self._pass(self._at)

    def _record(self, end: int) -> Record:
        raw = self._data[self._start : end]
        body = raw.strip(b" \t\r\n")
        self._number += 1
        line = self._line + raw[: len(raw) - len(raw.lstrip(b" \t\r\n"))].count(b"\n")
        key = self._prefix.key(raw, self._number)
        self._line += raw.count(b"\n")
        self._start = end
        if self._large or len(body) > LARGEST:
            self._large = False
            return Record(self._number, line, key, b"", b"", too_large())
        return Record(self._number, line, key, body, body)

    def _pass(self, end: int) -> None:
        """What stands before ``end`` is no longer needed."""
        data = self._data[self._start : end]
        self._prefix.add(data)
        self._line += data.count(b"\n")
        self._start = end

    def _nothing_but_blanks(self, end: int) -> None:
        if self._data[self._start : end].strip():
            raise self._no_array()

    def _no_array(self) -> Malformed:
        text = "something stands behind the array" if self._ended else "the file is no JSON array"
        hint = "a file of one message needs records: file, one message a line format: jsonl"
        return Malformed(self._line, Problem("", "not_an_array", text, hint))
