"""The lines of an encoded text, one row's worth of them remembered; of what is too large for a row nothing is kept."""

from __future__ import annotations

import codecs
import io
import re
from collections import deque
from collections.abc import Callable
from typing import BinaryIO

from connectors.files.record import CHUNK, LARGEST, Malformed
from hub.errors import Problem

_END = re.compile(r"\r\n|\n|\r")
_BOM = "\ufeff"
_SEPARATOR = re.compile(r'"?sep=."?[\r\n]*')
"""What Excel reads as a word about the delimiter, not as a row."""


class RowTooLarge(Exception):
    """The row has more than ``LARGEST`` characters already."""


class _Text:
    """Decodes as far as it goes: what stands before the first fault is given, then ``readline`` raises UnicodeError."""

    def __init__(self, stream: BinaryIO, encoding: str) -> None:
        self._stream = stream
        self._codec = codecs.getincrementaldecoder(encoding)("strict")
        self._whole_ends = io.IncrementalNewlineDecoder(None, translate=False)  # it never parts CR from LF
        self._text, self._at = "", 0
        self._first, self._ended = True, False
        self._fault: UnicodeError | None = None

    def readline(self, largest: int) -> str:
        """A line with its end, or of a longer one the next part; "" at the end of the text."""
        parts: list[str] = []
        size = 0
        while True:
            found = _END.search(self._text, self._at)
            end = found.end() if found else len(self._text)
            parts.append(self._text[self._at : end])
            size += end - self._at
            self._at = end
            if found or size > largest or not self._more():
                return "".join(parts)

    def _more(self) -> bool:
        if self._fault is not None:
            raise self._fault
        if self._ended:
            return False
        data = self._stream.read(CHUNK)
        self._ended = not data
        self._text, self._at = self._whole_ends.decode(self._decoded(data), final=self._ended), 0
        if self._first and self._text:
            self._text, self._first = self._text.removeprefix(_BOM), False
        return True

    def _decoded(self, data: bytes) -> str:
        before = self._codec.getstate()
        try:
            return self._codec.decode(data, final=not data)
        except UnicodeError as fault:
            self._fault = fault
        self._codec.setstate(before)
        text = ""
        try:
            for place in range(len(data)):
                text += self._codec.decode(data[place : place + 1])
        except UnicodeError:
            pass
        return text


class _Quotes:
    """Whether a text ends within quotation marks, without keeping it."""

    def __init__(self, delimiter: str) -> None:
        self._signs = re.compile(f'["\r\n{re.escape(delimiter)}]')
        self._base, self._begun, self._closed = 0, 0, -1
        self.open = self.misplaced = False
        """misplaced: something stood behind the mark that ended a cell."""

    def feed(self, text: str) -> None:
        for found in self._signs.finditer(text):
            place = self._base + found.start()
            if self.open:
                if found[0] == '"':
                    self.open, self._closed = False, place + 1
            elif found[0] == '"' and place in (self._begun, self._closed):
                self.open = True
            else:
                self.misplaced |= self._closed > self._begun and place != self._closed
                if found[0] != '"':
                    self._begun = place + 1
        self._base += len(text)


class Lines:
    """Gives lines to the reader of rows, and remembers those of the present row: a row that cannot be read spoils one line."""

    def __init__(self, stream: BinaryIO, encoding: str, delimiter: str) -> None:
        self._text = _Text(stream, encoding)
        self._encoding, self._delimiter = encoding, delimiter
        self._again: deque[str] = deque()
        self._taken: list[str] = []
        self._size = 0
        self.line = 1
        """Of the next row."""

    def __iter__(self) -> Lines:
        return self

    def __next__(self) -> str:
        """Raises RowTooLarge, Malformed."""
        if not (text := self._next()):
            raise StopIteration
        self._taken.append(text)
        self._size += len(text)
        if self._size > LARGEST:
            raise RowTooLarge
        return text

    def pass_separator(self) -> str:
        """What the first line says of the delimiter, if it does; the row begins behind it then."""
        text = self._next()
        if _SEPARATOR.fullmatch(text):
            self.line += 1
            return text
        if text:
            self._again.append(text)
        return ""

    def row(self, *, only_first: bool = False) -> str:
        """What was read of this row, which ends here; the lines of it behind the first are read again, if asked for."""
        if only_first and len(self._taken) > 1:
            self._again.extendleft(reversed(self._taken[1:]))
            del self._taken[1:]
        text = "".join(self._taken)
        self.line += len(self._taken)
        self._taken.clear()
        self._size = 0
        return text

    def pass_over(self, add: Callable[[bytes], None]) -> None:
        """To the end of the row that is too large; ``add`` is given all of it, piece by piece. Raises Malformed when a
        quotation mark of it has no end, for then nobody can tell which of the lines are rows."""
        begun, quotes, count, text = self.line, _Quotes(self._delimiter), 0, ""
        for text in self._taken:
            quotes.feed(text)
            add(text.encode())
        count, self._size = len(self._taken), 0
        self._taken.clear()
        while quotes.open or not text.endswith(("\n", "\r")):
            was_whole = text.endswith(("\n", "\r"))
            self.line = begun + count - (not was_whole)
            if not (text := self._next()):
                break
            count += was_whole
            quotes.feed(text)
            add(text.encode())
        if count > 1 and (quotes.open or quotes.misplaced):
            text = f"a quotation mark in the row that begins here has no end within {LARGEST} characters"
            raise Malformed(begun, Problem("", "bad_row", text, 'write " in a cell as "" and the cell as "…"'))
        self.line = begun + count

    def _next(self) -> str:
        if self._again:
            return self._again.popleft()
        try:
            return self._text.readline(LARGEST)
        except UnicodeError:
            line = self.line + len(self._taken)
            hint = "say encoding as the file has it"
            raise Malformed(line, Problem("", "encoding", f"line {line} of the file is not {self._encoding}", hint)) from None
