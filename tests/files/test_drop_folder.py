"""A folder whose files become arrivals: each form of file, each record once, what is wrong beside, nothing stops the rest."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import structlog
from flow.parts import until
from lxml import etree

from files.parts import NewDrop, here, lines, record, running
from hub.intake.accept import Intake
from hub.observe import metrics

CSV = {"format": "csv", "columns": {"code": "c", "state": "s"}}
XML = {"format": "xml", "schema": "slip@1", "records": "each", "record": "slip"}
SLIP = b'<x><slip xmlns="urn:example:slip"><code>1</code><state>A</state></slip>'
LAYOUT = {"code": "Số hồ sơ", "state": "Trạng thái", "name": "Tên", "/address/ward": "Phường"}
HEADER = "Số hồ sơ;Trạng thái;Tên;Phường;Ghi chú\r\n"


async def test_each_line_is_an_arrival_and_the_file_is_done(new_drop: NewDrop) -> None:
    """JSON Lines, a byte order mark, blank lines and a last line without its end: in the order of the file, with its place."""
    drop = new_drop()
    text = "\ufeff" + lines(record("1"), record("1", "B")) + "\r\n" + lines(record("2", name="Trần Thị Bưởi")).rstrip("\n")
    async with running(drop):
        drop.put("a.jsonl", text)
        await drop.read("a.jsonl")
    assert drop.arrivals() == [record("1"), record("1", "B"), record("2", name="Trần Thị Bưởi")]
    assert [one for (one,) in drop.look("select position from arrivals order by rowid")] == [f"a.jsonl:{n}" for n in (1, 2, 3)]
    assert (drop.left(), drop.names("done"), drop.names("failed")) == ([], ["a.jsonl"], [])


def _broke() -> float:
    """How often the metrics say that the hub broke at the folder."""
    shown = re.search(r'^hub_broke_total\{endpoint="drop"\} (\S+)$', metrics.render().decode(), re.M)
    return float(shown[1]) if shown else 0.0


@here
async def test_a_record_at_which_the_hub_breaks_stops_no_other(new_drop: NewDrop, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault of the hub's own: tried again, then told beside, without a word of it; what follows comes."""
    honest = Intake.accept

    async def accept(intake: Intake, arrival: Any, *words: Any, **more: Any) -> Any:
        if json.loads(arrival.body)["code"] == "2":
            raise RuntimeError("canary")
        return await honest(intake, arrival, *words, **more)

    monkeypatch.setattr(Intake, "accept", accept)
    monkeypatch.setattr("hub.intake.contained.PAUSE_SECONDS", 0.01)
    drop, before = new_drop(), _broke()
    with structlog.testing.capture_logs() as said:
        async with running(drop):
            drop.put("a.jsonl", lines(record("1"), record("2"), record("3")))
            drop.put("b.jsonl", lines(record("4")))
            await drop.read("a.jsonl", "b.jsonl")
    assert drop.arrivals() == [record("1"), record("3"), record("4")]
    assert drop.codes("a.jsonl.errors.json") == [(2, 2, [("", "broke")])]
    assert "canary" not in str(drop.errors("a.jsonl.errors.json"))
    assert [one["event"] for one in said].count("arrival_broke") == 3
    assert "jsonl" not in str(said), "names of files are not logged"
    assert _broke() == before + 3


@here
async def test_a_hub_that_breaks_at_every_record_is_waited_for(new_drop: NewDrop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is wrong with them: the file stays, and comes whole once the hub is mended."""
    honest = Intake.accept

    async def accept(*_: Any, **more: Any) -> Any:
        raise RuntimeError("canary")

    monkeypatch.setattr(Intake, "accept", accept)
    monkeypatch.setattr("hub.intake.contained.PAUSE_SECONDS", 0.01)
    drop = new_drop()
    records = [record(str(number)) for number in range(8)]
    with structlog.testing.capture_logs() as said:
        async with running(drop):
            drop.put("a.jsonl", lines(*records))
            await until(lambda: [one for one in said if one["event"] == "waiting"])
    assert (drop.left(), drop.names("failed")) == (["a.jsonl"], [])
    monkeypatch.setattr(Intake, "accept", honest)
    async with running(drop):
        await drop.read("a.jsonl")
    assert (drop.arrivals(), drop.names("failed")) == (records, [])


@here
async def test_each_element_of_an_array_is_an_arrival(new_drop: NewDrop) -> None:
    """Strings with brackets, quotes and escapes at the edges of what is read at once do not mislead it."""
    drop = new_drop(format="json", records="each")
    records = [record(str(n), name='"]},\\' * (n * 400)) for n in range(1, 60)]
    async with running(drop):
        drop.put("a.json", json.dumps(records, indent=1))
        drop.put("b.json", " [ ] ")
        await drop.read("a.json", "b.json")
    assert drop.arrivals() == records
    assert (drop.names("done"), drop.names("failed")) == (["a.json", "b.json"], [])


@here
async def test_a_file_is_one_message(new_drop: NewDrop) -> None:
    """JSON as a whole."""
    drop = new_drop(format="json")
    async with running(drop):
        drop.put("a.json", json.dumps(record("1"), indent=2))
        drop.put("b.json", json.dumps([record("2")]))
        await drop.read("a.json", "b.json")
    assert drop.arrivals() == [record("1")]
    assert (drop.names("done"), drop.names("failed")) == (["a.json"], ["b.json", "b.json.errors.json"])
    assert drop.codes("b.json.errors.json") == [(None, 1, [("", "mistyped")])]


@here
async def test_a_file_of_one_message_may_be_kept(new_drop: NewDrop) -> None:
    """It was taken, so it is done; why it is kept is told beside."""
    drop = new_drop(format="json")
    async with running(drop):
        drop.put("a.json", json.dumps(record("1", "C")))
        await drop.read("a.json")
    ((held,),) = drop.look("select id from arrivals where state = 'kept'")
    assert (drop.names("done"), drop.names("failed")) == (["a.json"], ["a.json.errors.json"])
    assert (drop.kept("a.json.errors.json"), drop.codes("a.json.errors.json")) == (
        {1: held},
        [(1, 1, [("state", "not_in_table")])],
    )


@here
async def test_an_xml_file_is_one_message(new_drop: NewDrop) -> None:
    """Of a schema in XML, kept as it came; one that does not fit fails whole."""
    drop = new_drop(format="xml", schema="slip@1")
    good = '<slip xmlns="urn:example:slip"><code>1</code><state>A</state></slip>'
    async with running(drop):
        drop.put("a.xml", good)
        drop.put("b.xml", good.replace("code", "kode"))
        await drop.read("a.xml", "b.xml")
    assert [one.decode() if isinstance(one, bytes) else one for one in drop.arrivals()] == [good]
    assert (drop.names("done"), drop.names("failed")) == (["a.xml"], ["b.xml", "b.xml.errors.json"])


@here
@pytest.mark.parametrize(("encoding", "name"), [("utf-8", "slip"), ("utf-16", "/x/y/slip")])
async def test_each_element_of_an_xml_file_is_an_arrival(new_drop: NewDrop, encoding: str, name: str) -> None:
    """By its name, or by its path: a document of its own with the namespaces it stood in. What else is there is passed over."""
    drop = new_drop(format="xml", schema="slip@1", records="each", record=name)
    text = (
        f'<?xml version="1.0" encoding="{encoding}"?>\n<x xmlns:s="urn:example:slip"><made>today</made><y>\n'
        "<s:slip><s:code>1</s:code><s:state>A</s:state></s:slip>"
        '<slip xmlns="urn:example:slip"><code>ạ</code><!-- > --><state>B</state></slip>\n</y></x>'
    )
    async with running(drop):
        drop.put("a.xml", text.encode(encoding))
        await drop.read("a.xml")
    assert (drop.names("done"), drop.names("failed")) == (["a.xml"], [])
    found = [etree.fromstring(one) for one in drop.arrivals()]
    assert [[(one.tag, one.text) for one in slip] for slip in found] == [
        [("{urn:example:slip}code", code), ("{urn:example:slip}state", state)] for code, state in (("1", "A"), ("ạ", "B"))
    ]


@here
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "windows-1258"])
async def test_each_row_is_an_arrival(new_drop: NewDrop, encoding: str) -> None:
    """By the described columns: delimiter and line end in a cell, an empty cell is an absent field, one further down."""
    drop = new_drop(format="csv", delimiter=";", columns=LAYOUT, encoding=encoding)
    text = HEADER + '1;A;"Lê; ""Ba""\r\nNam";Phường 2;x\r\n2;B;;;\r\n'
    async with running(drop):
        drop.put("a.csv", _decomposed(text).encode(encoding) if encoding == "windows-1258" else text.encode(encoding))
        await drop.read("a.csv")
    assert (drop.names("done"), drop.names("failed")) == (["a.csv"], [])
    assert drop.arrivals() == [record("1", name='Lê; "Ba"\r\nNam', address={"ward": "Phường 2"}), record("2", "B")]


def _decomposed(text: str) -> str:
    """As windows-1258 writes Vietnamese: a tone mark is a character of its own."""
    import unicodedata

    tones = "\u0300\u0301\u0303\u0309\u0323"
    made = []
    for letter in text:
        parts = unicodedata.normalize("NFD", letter)
        tone = "".join(one for one in parts if one in tones)
        made.append(unicodedata.normalize("NFC", "".join(one for one in parts if one not in tones)) + tone)
    return "".join(made)


@here
async def test_rows_without_a_header_are_told_by_number(new_drop: NewDrop) -> None:
    """Columns count from 1."""
    drop = new_drop(format="csv", header=False, columns={"state": 3, "code": 1})
    async with running(drop):
        drop.put("a.csv", "1,x,A\n2,y,B\n")
        await drop.read("a.csv")
    assert drop.arrivals() == [{"state": "A", "code": "1"}, {"state": "B", "code": "2"}]


async def test_a_mistaken_record_is_kept_and_never_stops_the_others(new_drop: NewDrop) -> None:
    """One that names its dossier is kept by the hub, in the dossier's order, until it is replayed or discarded. What cannot be
    is refused: it lies in a file of the same form; mended, that file is read. Why of both beside it, without a value."""
    drop = new_drop()
    kept, refused = record("2", "", name="Nguyễn Văn Canary"), record("", name="Trần Thị Canary")
    async with running(drop):
        drop.put("a.jsonl", lines(record("1"), kept) + "{nothing\n" + lines(refused, record("2", "B"), record("3")))
        await drop.read("a.jsonl")
        assert drop.names("failed") == ["a.jsonl.errors.json", "a.jsonl.rejected.jsonl"]
        assert drop.codes("a.jsonl.errors.json") == [
            (2, 2, [("/state", "too_short")]), (3, 3, [("", "not_json")]), (4, 4, [("/code", "too_short")]),
            (5, 5, [("", "behind_kept")]),
        ]  # fmt: skip
        held = drop.look("select position, id from arrivals where state = 'kept' order by rowid")
        assert drop.kept("a.jsonl.errors.json") == {int(position.partition(":")[2]): one for position, one in held}
        assert [position for position, _ in held] == ["a.jsonl:2", "a.jsonl:5"]
        assert "Canary" not in json.dumps(drop.errors("a.jsonl.errors.json"), ensure_ascii=False)
        rejected = (drop.folder / "failed" / "a.jsonl.rejected.jsonl").read_text(encoding="utf-8")
        assert rejected == "{nothing\n" + lines(refused)
        drop.put("a.jsonl.rejected.jsonl", lines({**refused, "code": "4"}))
        await drop.read("a.jsonl.rejected.jsonl")
    assert drop.arrivals() == [record("1"), kept, record("2", "B"), record("3"), {**refused, "code": "4"}]
    assert drop.names("done") == ["a.jsonl", "a.jsonl.rejected.jsonl"]


@here
@pytest.mark.parametrize(
    ("settings", "text", "rejected"),
    [
        ({"format": "json", "records": "each"}, '[{"code":"1","state":"A"},\n {"state":"B"} , {"code": "", "state": 1}]',
         '[\n{"state":"B"},\n{"code": "", "state": 1}\n]\n'),
        (XML, SLIP.decode() + '<y a="1">\n<s:slip xmlns:s="urn:example:slip"/><slip/></y></x>',
         '<x>\n<s:slip xmlns:s="urn:example:slip"/>\n<slip/>\n</x>\n'),
        (CSV, 'c,s\n1,A\n,B\n3,"A"x\n,\n4,A,z\n', 'c,s\n,B\n3,"A"x\n4,A,z\n'),
    ],
    ids=["json", "xml", "csv"],
)  # fmt: skip
async def test_refused_records_keep_the_form_of_their_file(
    new_drop: NewDrop, settings: dict[str, Any], text: str, rejected: str
) -> None:
    """An array again, elements in what they stood in, or rows under their header."""
    drop = new_drop(**settings)
    async with running(drop):
        drop.put("a.x", text)
        await drop.read("a.x")
    assert len(drop.arrivals()) == 1
    (name,) = (one for one in drop.names("failed") if ".rejected." in one)
    assert (drop.folder / "failed" / name).read_text(encoding="utf-8") == rejected


@here
@pytest.mark.parametrize(
    ("settings", "content", "code", "before"),
    [
        ({"format": "json", "records": "each"}, b'[{"code":"1","state":"A"},{"code":"2"', "not_json", 1),
        ({"format": "json", "records": "each"}, b'{"code":"1","state":"A"}', "not_an_array", 0),
        ({"format": "json", "records": "each"}, b'[{"code":"1","state":"A"}] more', "not_an_array", 1),
        ({"format": "json", "records": "each"}, b"", "not_json", 0),
        (CSV, b"c,t\n1,A\n", "missing_column", 0),
        (CSV, b"c,s\n1,A\n" + b"2,A\n" + b"\xff,A\n3,A\n", "encoding", 2),
        (CSV, b"", "no_header", 0),
        (XML, SLIP + SLIP.replace(b">1<", b">2<") + b"<slip>", "malformed", 2),
        (XML, SLIP + SLIP.replace(b">1<", b">2<") + b"</y></x>", "malformed", 2),
        (XML, SLIP + b"</x>more", "malformed", 1),
        (XML, b"<x><y>1</y></x>", "no_records", 0),
        (XML, b'<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>', "dtd", 0),
        (XML, b"", "malformed", 0),
        ({"format": "json"}, b"x" * (5 * 1024 * 1024 + 1), "too_large", 0),
        ({"format": "json"}, b"{", "not_json", 0),
    ],
    ids=["cut", "object", "more", "nothing", "columns", "encoding", "no header",
         "xml cut", "xml wrong", "xml more", "xml of others", "xml with a DTD", "xml empty", "too large", "broken"],
)  # fmt: skip
async def test_a_file_that_is_no_such_file_fails_whole(
    new_drop: NewDrop, settings: dict[str, Any], content: bytes, code: str, before: int
) -> None:
    """It lies in failed as it came, why beside it; the next file is read."""
    drop = new_drop(**settings)
    async with running(drop):
        drop.put("a.x", content)
        await drop.read("a.x")
    assert drop.names("failed") == ["a.x", "a.x.errors.json"]
    assert (drop.folder / "failed" / "a.x").read_bytes() == content
    ((_, _, ((_, found),)),) = drop.codes("a.x.errors.json")
    assert found == code
    assert len(drop.arrivals()) == before


async def test_one_record_that_is_too_large_does_not_stop_the_others(new_drop: NewDrop) -> None:
    """More than 5 MiB is never held; the records before and behind it arrive."""
    large = record("2", name="x" * (6 * 1024 * 1024))
    slip = '<slip xmlns="urn:example:slip"><code>{}</code><state>{}</state></slip>'
    for number, (settings, text) in enumerate([
        ({}, lines(record("1"), large, record("3"))),
        ({"format": "json", "records": "each"}, json.dumps([record("1"), large, record("3")])),
        (XML, f"<x>{slip.format(1, 'A')}{slip.format(2, 'x' * (6 * 1024 * 1024))}{slip.format(3, 'A')}</x>"),
    ]):  # fmt: skip
        drop = new_drop(below=str(number), **settings)
        async with running(drop):
            drop.put("a.x", text)
            await drop.read("a.x")
        assert [position for (position,) in drop.look("select position from arrivals order by rowid")] == ["a.x:1", "a.x:3"]
        assert drop.names("done") == ["a.x"]
        assert [(one, why) for one, _, ((_, why),) in drop.codes("a.x.errors.json")] == [(2, "too_large")]


@pytest.mark.parametrize(("mode", "rights"), [(None, 0o600), ("640", 0o640)])
async def test_errors_have_the_rights_that_the_settings_say(new_drop: NewDrop, mode: str | None, rights: int) -> None:
    """By themselves the hub's account alone can read them; of a file that failed whole, too."""
    drop = new_drop(format="csv", columns=CSV["columns"], **({"mode": mode} if mode else {}))
    async with running(drop):
        drop.put("a.csv", "c,s\n,A\n")
        drop.put("b.csv", "c\n")
        await drop.read("a.csv", "b.csv")
    made = [one for one in drop.names("failed") if one != "b.csv"]
    assert made == ["a.csv.errors.json", "a.csv.rejected.csv", "b.csv.errors.json"]
    assert {(drop.folder / "failed" / one).stat().st_mode & 0o777 for one in made} == {rights}


@here
async def test_a_file_of_errors_is_never_read(new_drop: NewDrop) -> None:
    """Whoever brings back what failed may bring it too."""
    drop = new_drop(format="json", records="each")
    async with running(drop):
        drop.put("a.json.errors.json", "[]")
        drop.put("b.json", json.dumps([record("1")]))
        await drop.read("b.json")
    assert (drop.left(), drop.names("done")) == (["a.json.errors.json"], ["b.json"])
