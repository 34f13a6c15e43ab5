"""The readers alone, on every odd piece: what they cut out is what a whole reading would have found, with stable keys."""

from __future__ import annotations

import csv
import io
import json
import re
import tracemalloc
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.files import csv_lines, json_files
from connectors.files.config import ReadConfig
from connectors.files.csv_files import CsvRows
from connectors.files.record import Malformed, Record
from connectors.files.xml_files import XmlElements

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(st.sampled_from('"\\[]{},:\nạ ') | st.characters(codec="utf-8")),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=3), below, max_size=3),
    max_leaves=8,
)
CELLS = st.text(st.sampled_from('";,\n\rạ x'), max_size=6)


class Crumbs(io.BytesIO):
    """Gives so many bytes at a time, whatever is asked for."""

    def __init__(self, data: bytes, size: int) -> None:
        super().__init__(data)
        self._size_of_read = size

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(self._size_of_read)


@settings(max_examples=150, deadline=None)
@given(st.lists(VALUES, max_size=5), st.integers(1, 9), st.sampled_from([None, 1]), st.booleans())
def test_an_array_is_cut_at_its_elements_wherever_reading_stops(
    values: list[Any], size: int, indent: int | None, ascii_only: bool
) -> None:
    """Every element whole, its line right, whatever the pieces in which the bytes come."""
    data = json.dumps(values, indent=indent, ensure_ascii=ascii_only).encode()
    found = list(json_files.elements(Crumbs(data, size)))
    assert [json.loads(one.body) for one in found] == values
    assert [one.number for one in found] == list(range(1, len(values) + 1))
    assert [one.key for one in found] == [one.key for one in json_files.elements(io.BytesIO(data))]
    lines = data.split(b"\n")
    for one in found:
        assert one.body.split(b"\n")[0].rstrip(b" ") in lines[one.line - 1]


@settings(max_examples=150, deadline=None)
@given(st.lists(VALUES, min_size=1, max_size=4), st.data())
def test_an_array_that_was_cut_gives_keys_of_the_whole(values: list[Any], data: Any) -> None:
    """What came before the cut has the key it has in the whole file; the cut is told."""
    whole = json.dumps(values).encode()
    part = whole[: data.draw(st.integers(0, len(whole) - 1))]
    found: list[Record] = []
    with pytest.raises(Malformed):
        for one in json_files.elements(io.BytesIO(part)):
            found.append(one)
    assert found == list(json_files.elements(io.BytesIO(whole)))[: len(found)]


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=60) | st.text(st.sampled_from('[]{},"\\ \n1<>/ab=&!?-:')).map(str.encode))
def test_no_bytes_break_a_reader(data: bytes) -> None:
    """Records, or word that the file is no such file; nothing else."""
    rows = ReadConfig.model_validate(
        {"folder": ".", "sender": "s", "schema": "r@1", "format": "csv", "header": False, "columns": {"a": 1, "b": 2}}
    )
    readers = [json_files.elements, json_files.lines, json_files.whole, lambda stream: CsvRows(stream, rows).records()]
    for read in (
        *readers,
        lambda stream: XmlElements(stream, "a").records(),
        lambda stream: XmlElements(stream, "/b/a").records(),
    ):
        try:
            found = list(read(io.BytesIO(data)))
        except Malformed as error:
            assert error.problems
        else:
            assert len({one.key for one in found}) == len(found)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(CELLS, CELLS, CELLS), max_size=6), st.sampled_from(["\n", "\r\n"]), st.sampled_from([",", ";"]))
def test_rows_are_what_was_written(rows: list[tuple[str, str, str]], end: str, delimiter: str) -> None:
    """Any text in a cell comes out again; empty cells are absent, and a row of them is no record."""
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator=end, quoting=csv.QUOTE_ALL).writerows([("a", "b", "c"), *rows])
    rows = [row for row in rows if any(cell.strip() for cell in row)]
    config = ReadConfig.model_validate(
        {"folder": ".", "sender": "s", "schema": "r@1", "format": "csv", "delimiter": delimiter,
         "columns": {"x": "a", "/y/z": "b", "w": 3}}
    )  # fmt: skip
    found = list(CsvRows(io.BytesIO(text.getvalue().encode()), config).records())
    wanted = [{**({"x": a} if a else {}), **({"y": {"z": b}} if b else {}), **({"w": c} if c else {})} for a, b, c in rows]
    assert [json.loads(one.body) for one in found] == wanted
    raw = io.StringIO()
    csv.writer(raw, delimiter=delimiter, lineterminator=end, quoting=csv.QUOTE_ALL).writerows(rows)
    assert "".join(str(one.raw) for one in found) == raw.getvalue()


def test_one_row_that_cannot_be_read_spoils_no_other() -> None:
    """A quotation mark that never ends costs its line; the lines behind it are read by themselves."""
    config = ReadConfig.model_validate(
        {"folder": ".", "sender": "s", "schema": "r@1", "format": "csv", "columns": {"a": "a", "b": "b"}}
    )
    text = 'a,b\n1,x\n2,"open\n3,y\n4,"two\nlines"\n5,z\n'
    found = list(CsvRows(io.BytesIO(text.encode()), config).records())
    assert [(one.line, one.problem.code if one.problem else json.loads(one.body)["a"]) for one in found] == [
        (2, "1"), (3, "bad_row"), (4, "3"), (5, "4"), (7, "5"),
    ]  # fmt: skip


class Endless(io.RawIOBase):
    """So many bytes of one pattern, made as they are read."""

    def __init__(self, before: bytes, pattern: bytes, times: int, behind: bytes) -> None:
        self._parts = iter([before, *([pattern] * times), behind])
        self._left = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._left = self._left or next(self._parts, b"")
        count = min(len(buffer), len(self._left))
        buffer[:count], self._left = self._left[:count], self._left[count:]
        return count


@pytest.mark.parametrize("form", ["one element", "one text", "one line", "many", "one row"])
def test_memory_does_not_grow_with_the_file(form: str) -> None:
    """Tens of MB, in one record (too large, and passed over) or in many."""
    block = b"x" * 1_000_000
    config = {"folder": ".", "sender": "s", "schema": "r@1", "format": "csv", "header": False, "columns": {"a": 1}}

    def table(stream: Any) -> Any:
        return CsvRows(stream, ReadConfig.model_validate(config)).records()

    made: dict[str, tuple[Any, Endless, int]] = {
        "one element": (json_files.elements, Endless(b"[{", b'"k":[1,2],' + block, 12, b'"k":1},7]'), 2),
        "one text": (json_files.elements, Endless(b'["', block, 40, b'",7]'), 2),
        "one line": (json_files.lines, Endless(b'"', block, 40, b'"\n7\n'), 2),
        "many": (json_files.elements, Endless(b"[1", b"," + block[:999_999].replace(b"x", b" ") + b"1", 100, b"]"), 101),
        "one row": (table, Endless(b"x", block, 40, b"\n7\n"), 2),
    }
    read, stream, count = made[form]
    tracemalloc.start()
    try:
        with io.BufferedReader(stream) as opened:
            found = sum(1 for _ in read(opened))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (found, peak < 40_000_000) == (count, True), peak


LIMIT = 5 * 1024 * 1024


def rows(data: bytes, **settings: Any) -> list[tuple[int, Any]]:
    """(line, the message or the code of what is wrong) of each record; what is wrong with the file as a whole comes last."""
    config = ReadConfig.model_validate(
        {"folder": ".", "sender": "s", "schema": "r@1", "format": "csv", "delimiter": ";",
         "columns": {"code": "c", "name": "n"}, **settings}
    )  # fmt: skip
    found: list[tuple[int, Any]] = []
    try:
        for one in CsvRows(io.BytesIO(data), config).records():
            found.append((one.line, one.problem.code if one.problem else json.loads(one.body)))
            assert not one.raw if one.problem and one.problem.code == "too_large" else one.raw
    except Malformed as error:
        found.extend((error.line, one.message) for one in error.problems)
    return found


@pytest.mark.parametrize(
    ("large", "count"),
    [
        ("L" * (LIMIT + 9) + "TAIL;x\n", 1),
        ("L" * (LIMIT + 70_000) + "TAIL;x\n", 1),
        (";" + "ạ" * (LIMIT // 2) + "\n", 1),
        ('b;"' + "9;nine\n" * (LIMIT // 7 + 9) + '"\n', LIMIT // 7 + 10),
        ('b;"' + '9;""nine""\r\n' * (LIMIT // 12 + 9) + '";x\n', LIMIT // 12 + 10),
        ("L" * LIMIT + '5"\n', 1),
    ],
    ids=["a line", "much of a line", "bytes", "a cell of many lines", "quoted marks", "a mark within"],
)
def test_nothing_of_a_row_that_is_too_large_is_taken_for_a_row(large: str, count: int) -> None:
    """The rows before and behind it are; the keys of those behind it are of the whole file."""
    head, tail = b"c;n\na;1\n", b"z;2\n"
    found = rows(head + large.encode() + tail)
    assert found == [(2, {"code": "a", "name": "1"}), (3, "too_large"), (3 + count, {"code": "z", "name": "2"})]


def test_a_mark_that_opens_more_than_a_row_may_hold_ends_the_reading() -> None:
    """Nobody can tell which lines behind it are rows; what stood before it has come."""
    for end in ("", 'z;"two"\n'):
        found = rows(("c;n\na;1\n" + 'b;"' + "9;nine\n" * (LIMIT // 7 + 9) + end).encode())
        assert found[0] == (2, {"code": "a", "name": "1"}) and len(found) == 2
        assert found[1][0] == 3 and "quotation mark" in found[1][1]


@pytest.mark.parametrize("before", [1, 5000])
def test_rows_before_the_first_fault_of_the_encoding_are_given(before: int) -> None:
    """All of them, wherever reading stops; the line is told, and the encoding as the settings call it."""
    data = "c;n\n" + "".join(f"{number};ạ\n" for number in range(before))
    found = rows(data.encode() + b"x;\xff\ny;1\n")
    assert len(found) == before + 1
    assert found[-1] == (before + 2, f"line {before + 2} of the file is not utf-8")
    assert "windows-1252" in rows("c;n\n\u0081".encode("latin-1"), encoding="windows-1252")[-1][1]
    assert [line for line, _ in rows(data.encode("utf-16") + b"x", encoding="utf-16")][-1] == before + 2


def test_what_excel_writes() -> None:
    """Rows of delimiters are no records; delimiters behind the header; the line that tells the delimiter; a byte order mark."""
    one = {"code": "1", "name": "x"}
    assert rows(b"c;n;o\n1;x;\n;;\n ; ;\n\n;;;;\n1;x\n1;x;y;;\n") == [(2, one), (7, "bad_row"), (8, one)]
    assert rows(b"c;n;\n1;x\n1;x;\n1\n1;x;y\n") == [(2, one), (3, one), (4, "bad_row"), (5, one)]
    assert rows(b"sep=;\r\nc;n\r\n1;x\r\n") == [(3, one)]
    for encoding in ("utf-16-le", "utf-16", "utf-8", "utf-8-sig", "utf-32-be"):
        assert rows("\ufeffc;n\n1;x\n".encode(encoding), encoding=encoding) == [(2, one)]


def test_every_column_that_is_missing_is_told() -> None:
    """And whether it is missing, or there twice."""
    told = rows(b"a;n;n\n", columns={"code": "c", "name": "n", "id": 4})
    assert told == [
        (1, "the header has no column 'c'"), (1, "the header has the column 'n' 2 times"),
        (1, "the header has 3 columns, and no column 4"),
    ]  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(CELLS, CELLS), max_size=8), st.sampled_from(["\n", "\r\n"]), st.integers(4, 12), st.integers(1, 9))
def test_rows_that_are_too_large_leave_the_others_as_they_are(
    written: list[tuple[str, str]], end: str, largest: int, size: int
) -> None:
    """Of well-formed rows each is given, or told to be too large: nothing in between, and every line right."""
    text = io.StringIO()
    lengths = []
    for row in written:
        before = text.tell()
        csv.writer(text, delimiter=";", lineterminator=end, quoting=csv.QUOTE_ALL).writerow(row)
        lengths.append(text.tell() - before)
    wanted: list[tuple[int, Any]] = []
    line = 1
    for row, length in zip(written, lengths, strict=True):
        made = {name: cell for name, cell in zip(("code", "name"), row, strict=True) if cell}
        if length > largest:
            wanted.append((line, "too_large"))
        elif any(cell.strip() for cell in row):
            wanted.append((line, made))
        whole = "".join(f'"{cell.replace(chr(34), chr(34) * 2)}"' for cell in row)
        line += 1 + len(re.findall("\r\n|\r|\n", whole))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_lines, "LARGEST", largest)
        patch.setattr(csv_lines, "CHUNK", size)
        assert rows(text.getvalue().encode(), header=False, columns={"code": 1, "name": 2}) == wanted
