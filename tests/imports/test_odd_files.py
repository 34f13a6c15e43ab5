"""`hub import` of files as they come: strange bytes, strange names, links, folders within folders, files that change or go."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Callable

import pytest
from cli.test_xml_messages import with_xml

from imports.parts import PYTHON, ImportHome, report_of, row, told, until

pytestmark = pytest.mark.xdist_group("imports-odd")
Running = tuple[ImportHome, str]


def _line(number: int, **more: str) -> bytes:
    return json.dumps(row(number, **more), ensure_ascii=False).encode()


def _arrived(home: ImportHome) -> int:
    return int(home.look("select count(*) from arrivals")[0][0])


def test_a_row_that_no_request_can_hold_stops_no_other(running: Running) -> None:
    """NUL is refused in every message, so also in a request for rows: such a row, or a file of UTF-16, is told by itself."""
    home, key = running
    file = home.folder / "nul.jsonl"
    file.write_bytes(b"\n".join([_line(1), b'{"code": "x\x00y"}', _line(2)]))
    said = home.imported(key, str(file), "--schema", "record@1", code=1)
    assert said["counts"] == {"accepted": 2, "refused": 1}
    assert said["causes"] == {"refused: nul": 1}
    (home.folder / "wide.jsonl").write_bytes(b"\n".join(_line(number) for number in (3, 4)).decode().encode("utf-16"))
    said = home.imported(key, str(home.folder / "wide.jsonl"), "--schema", "record@1", code=1)
    assert said["counts"] == {"refused": 2}


def test_a_row_larger_than_the_door_takes(running: Running) -> None:
    """Refused by itself, with its place, at once; deep and endless nesting too."""
    home, key = running
    file = home.folder / "large.jsonl"
    large = [_line(10, name='"' * 4_000_000), _line(11, name="x" * 6_000_000), b"[" * 200_000, b'{"a":' * 100_000]
    file.write_bytes(b"\n".join([_line(12), *large, _line(13)]))
    said = home.imported(key, str(file), "--schema", "record@1", "--patience", "3", code=1)
    assert said["counts"] == {"accepted": 2, "refused": 4}
    assert [(one["record"], one["problems"][0]["code"]) for one in report_of(said)] == [
        (2, "too_large"), (3, "too_large"), (4, "too_deep"), (5, "too_deep"),
    ]  # fmt: skip


def test_a_name_that_is_no_text(running: Running) -> None:
    """A name in an old encoding: shown with what it has, and found again."""
    home, key = running
    file = os.fsencode(home.folder) + b"/h\xe5s\xf4.jsonl"
    with open(file, "wb") as open_file:
        open_file.write(b"\n".join([_line(20), b"{}"]))
    said = home.imported(key, os.fsdecode(file), "--schema", "record@1", code=1)
    assert said["counts"] == {"accepted": 1, "refused": 1}
    assert [one["file"] for one in report_of(said)] == ["h\\xe5s\\xf4.jsonl"]
    assert home.imported(key, os.fsdecode(file), "--schema", "record@1", code=1)["rows_sent"] == 0


def test_a_name_steers_no_terminal(running: Running) -> None:
    home, key = running
    file = home.rows("a\x1b[31m[b].jsonl", [row(60), {}])
    often = (
        *PYTHON,
        "-c",
        "from hub.cli import import_shown; import_shown.LINE_SECONDS = 0; from hub.cli.main import main; main()",
    )
    out, err = home.begin_import(key, str(file), "--schema", "record@1", command=often).communicate(timeout=60)
    assert "[31m[b].jsonl: " in err
    assert "\x1b" not in out + err


def test_elements_of_xml(new_home: Callable[..., ImportHome]) -> None:
    """Each is a document of its own; what breaks the schema is refused, and a file that is cut goes on once it is whole."""
    home = new_home()
    with_xml(home)
    read = "{ folder: inbox, sender: one-stop, schema: xml-record@1, format: xml, records: each, record: HoSo }"
    endpoint = f"endpoints:\n  slips: {{ connector: files, settings: {{ read: {read} }} }}"
    home.write("config.yaml", (home.folder / "config.yaml").read_text().replace("endpoints:", endpoint, 1))
    key, file = home.key(), home.folder / "old.xml"
    slip = '<x:HoSo><Ma>H-%d</Ma><t:Ten>Đỗ &amp; ]]&gt; "%d"</t:Ten></x:HoSo>\n'
    slips = [slip % (number, number) for number in range(30)]
    slips[7] = "<x:HoSo><Khac/></x:HoSo>\n"
    whole = f'<?xml version="1.0" encoding="UTF-16"?><x:All xmlns:x="urn:x" xmlns:t="urn:t">\n{"".join(slips)}</x:All>'.encode(
        "utf-16"
    )
    with home.hub():
        file.write_bytes(whole[: len(whole) * 2 // 3])
        cut = home.imported(key, str(file), "--endpoint", "slips", code=1)
        assert cut["files"][0]["error"]
        assert cut["counts"] == {"accepted": 18, "refused": 1}
        file.write_bytes(whole)
        on = home.imported(key, str(file), "--endpoint", "slips", code=1)
        assert on["counts"] == {"accepted": 29, "refused": 1}
        assert [(one["record"], one["line"]) for one in report_of(on)] == [(8, 9)]
        assert home.imported(key, str(file), "--endpoint", "slips", "--again", code=1)["counts"] == {"known": 29, "refused": 1}


def test_a_file_is_taken_in_once_and_what_is_left_out_is_said(running: Running) -> None:
    """A link to a file of the same folder counts no row twice; folders within, and links to nowhere, are named."""
    home, key = running
    folder = home.folder / "years"
    (folder / "2019").mkdir(parents=True)
    (folder / "2019" / "deep.jsonl").write_bytes(_line(30))
    (folder / "2020.jsonl").write_bytes(_line(31))
    (folder / "latest.jsonl").symlink_to("2020.jsonl")
    (folder / "gone.jsonl").symlink_to("nowhere.jsonl")
    (folder / ".hidden").write_bytes(b"no row")
    process = home.begin_import(key, str(folder), "--schema", "record@1")
    out, err = process.communicate(timeout=60)
    said = json.loads(out)
    assert said["counts"] == {"accepted": 1}
    assert said["left_out"] == ["2019", "gone.jsonl"]
    assert "2019, gone.jsonl" in err
    assert process.returncode == 0


@pytest.mark.parametrize("name", ["none.jsonl", "none.jsonl.gz"])
def test_an_empty_file_is_no_fault(running: Running, name: str) -> None:
    home, key = running
    (home.folder / name).write_bytes(b"")
    said = home.imported(key, str(home.folder / name), "--schema", "record@1")
    assert (said["counts"], said["files"][0]["ended"]) == ({}, True)


def test_a_file_that_cannot_be_opened_stops_no_other(running: Running) -> None:
    """The others of its folder go in, and the summary says which did not."""
    home, key = running
    folder = home.folder / "some"
    folder.mkdir()
    for number in (40, 41):
        (folder / f"{number}.jsonl").write_bytes(_line(number))
    vanish = f"""
import os
from hub.cli import import_run
async def greet(self, session):  # the file goes while the hub is asked
    os.unlink({str(folder / "40.jsonl")!r})
    return await greeted(self, session)
greeted, import_run.Import._greet = import_run.Import._greet, greet
"""
    command = (*PYTHON, "-c", f"{vanish}\nfrom hub.cli.main import main; main()")
    said = told(home.begin_import(key, str(folder), "--schema", "record@1", command=command), 1)
    assert said["counts"] == {"accepted": 1}
    assert "cannot be read" in said["files"][0]["error"]


def test_a_file_that_is_removed_on_the_way_is_read_to_its_end(running: Running) -> None:
    home, key = running
    before = _arrived(home)
    file = home.rows("removed.jsonl", [row(number) for number in range(1000, 1300)])
    process = home.begin_import(key, str(file), "--schema", "record@1", "--waiting", "5000", "--rate", "300")
    until("it began", lambda: _arrived(home) > before)
    file.unlink()
    assert told(process)["counts"] == {"accepted": 300}


def test_nothing_is_sent_of_what_a_file_was_changed_to_meanwhile(running: Running) -> None:
    """Rows that were read while somebody wrote into the file may be half old, half new."""
    home, key = running
    before = _arrived(home)
    file = home.rows("changed.jsonl", [row(number, name="old") for number in range(2000, 8000)])
    process = home.begin_import(key, str(file), "--schema", "record@1", "--waiting", "5000", "--rate", "400")
    until("it began", lambda: _arrived(home) > before)
    content = file.read_bytes()
    with file.open("r+b") as open_file:
        open_file.write(content.replace(b'"old"', b'"new"'))
    said = told(process, 1)
    assert "written to while it was read" in said["files"][0]["error"]
    found = [json.loads(body) for (body,) in home.look("select b.content from arrivals a join bodies b on b.id = a.id")]
    assert {one["name"] for one in found if one["name"] in ("old", "new")} == {"old"}


def test_packed_whatever_its_name_is(running: Running) -> None:
    home, key = running
    (home.folder / "packed.jsonl").write_bytes(gzip.compress(_line(50)) + gzip.compress(b"\n" + _line(51)))
    assert home.imported(key, str(home.folder / "packed.jsonl"), "--schema", "record@1")["counts"] == {"accepted": 2}
