"""Records of one XML file: each element of the described name becomes a document of its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from connectors.files.record import CHUNK, LARGEST, Malformed, Prefix, Record, too_large
from hub.wire.xml import XmlRefused
from hub.wire.xml_records import Cut, RecordCutter


class XmlElements:
    """``records()`` reads the file; ``around`` is what its records stand in, once there was one."""

    def __init__(self, stream: BinaryIO, name: str) -> None:
        """``name``: that of the elements, or with / in front their path from the root."""
        self._stream = stream
        path = name.removeprefix("/").split("/")
        self._cutter = RecordCutter(path, anywhere=not name.startswith("/"), largest=LARGEST)
        self._prefix = Prefix()
        self._number = 0

    @property
    def around(self) -> tuple[bytes, bytes]:
        return self._cutter.around

    def records(self) -> Iterator[Record]:
        """Raises Malformed when the file is no XML, not to its end, or has no such element."""
        try:
            while data := self._stream.read(CHUNK):
                yield from self._made(self._cutter.feed(data))
            yield from self._made(self._cutter.close())
        except XmlRefused as error:
            raise Malformed(self._cutter.line, error.problems[0]) from None

    def _made(self, cuts: Iterator[Cut]) -> Iterator[Record]:
        for cut in cuts:
            if not cut.line:
                self._prefix.add(cut.data)
                continue
            self._number += 1
            key = self._prefix.key(cut.data, self._number)
            if cut.body is None:
                yield Record(self._number, cut.line, key, b"", b"", too_large())
            else:
                yield Record(self._number, cut.line, key, cut.body, cut.body.partition(b"?>\n")[2])
