"""What may stand in the folder or happen to it: nothing ends the receiver, and the log says it once, without names."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path
from typing import Any

import pytest
from flow.parts import until

from connectors.files.config import FilesConfig
from connectors.files.connector import Files
from connectors.files.folder import DropFolder, Seen
from connectors.files.local import LocalPlace
from connectors.files.place import Call
from connectors.files.reading import OpenFile
from connectors.files.receiving import Receiving
from connectors.files.record import Record
from connectors.files.refused import RefusedRecords
from files.parts import Drop, NewDrop, here, lines, record, running
from hub.assembly import examine
from hub.connector import ConnectorContext
from hub.errors import NotConnected, Problem
from hub.message import system_clock
from hub.observe import logging as hub_log
from hub.observe import metrics

CANARY = "nguyen-van-canary"


async def test_what_is_no_file_is_left_alone_and_said_once(new_drop: NewDrop, tmp_path: Path) -> None:
    """Folders, links, pipes: others are read; no name is in the log."""
    drop = new_drop()
    target = tmp_path / "elsewhere.jsonl"
    target.write_text(lines(record("9")))
    (drop.folder / f"{CANARY}.folder").mkdir()
    (drop.folder / f"{CANARY}.link").symlink_to(target)
    os.mkfifo(drop.folder / f"{CANARY}.pipe")
    log = tmp_path / "log"
    hub_log.configure(log, process=False)
    try:
        async with running(drop):
            for number in range(3):
                drop.put(f"{CANARY}{number}.jsonl", lines(record(str(number)), record("")))
                await drop.read(f"{CANARY}{number}.jsonl")
    finally:
        hub_log.configure(None, process=False)
    said = log.read_text(encoding="utf-8")
    assert said.count('"not_a_file"') == 3
    assert CANARY not in said and "‹masked›" not in said
    assert [one["code"] for one in drop.arrivals()] == ["0", "1", "2"]


@here
async def test_only_names_of_the_pattern_are_read(new_drop: NewDrop) -> None:
    """Others are not looked at."""
    drop = new_drop(pattern="out-*.jsonl")
    async with running(drop):
        drop.put("x.jsonl", lines(record("1")))
        drop.put("out-1.jsonl", lines(record("2")))
        await drop.read("out-1.jsonl")
    assert (drop.left(), [one["code"] for one in drop.arrivals()]) == (["x.jsonl"], ["2"])


async def test_a_folder_that_comes_later_or_goes(new_drop: NewDrop, tmp_path: Path) -> None:
    """The hub starts without it, reads when it is there, and goes on when it was away."""
    drop = new_drop()
    drop.folder.rmdir()
    async with running(drop):
        drop.folder.mkdir()
        drop.put("a.jsonl", lines(record("1")))
        await drop.read("a.jsonl")
        drop.folder.rename(tmp_path / "away")
        (tmp_path / "away").rename(drop.folder)
        drop.put("b.jsonl", lines(record("2")))
        await drop.read("b.jsonl")
    assert [one["code"] for one in drop.arrivals()] == ["1", "2"]


async def test_done_that_cannot_be_made_stops_reading_not_the_hub(new_drop: NewDrop, monkeypatch: Any) -> None:
    """A file stands where the folder should be: nothing is read till it is gone."""
    drop, said = new_drop(), []
    monkeypatch.setattr(Receiving, "_say_once", lambda files, event, *more, **named: said.append(event))
    (drop.folder / "done").write_text("")
    async with running(drop):
        drop.put("a.jsonl", lines(record("1")))
        await until(lambda: said.count("folder_unusable") > 1)
        assert drop.arrivals() == []
        (drop.folder / "done").unlink()
        await drop.read("a.jsonl")
    assert drop.states("1") == ["A"]


@pytest.mark.parametrize("name", ["x" * 240 + ".jsonl", "tờ khai.jsonl", os.fsdecode(b"\xff\xfe.jsonl"), "a\nb.jsonl", "-rf"])
async def test_any_name_can_be_read_and_fail(new_drop: NewDrop, name: str) -> None:
    """Long ones, not in UTF-8, with line ends: the record is taken, the errors find a place."""
    drop = new_drop()
    async with running(drop):
        draft = drop.folder / ".draft"
        draft.write_text(lines(record("1"), record("")))
        draft.rename(drop.folder / name)
        await drop.read(name)
    assert drop.states("1") == ["A"]
    assert len(drop.names("failed")) == 2
    ((position,),) = drop.look("select position from arrivals")
    assert position.endswith(":1")


async def test_a_file_that_changes_while_it_is_read_is_read_again(new_drop: NewDrop, monkeypatch: Any) -> None:
    """It grows behind our back: what was read is not doubled, what came is not lost, and it is moved only then."""
    drop = new_drop()
    first = [record(str(number), name="x" * 100) for number in range(5000)]
    batch, grown = OpenFile.batch, False

    def growing(opened: OpenFile) -> Any:
        nonlocal grown
        if not grown and drop.arrivals():
            grown = True
            with (drop.folder / "a.jsonl").open("a") as file:
                file.write(lines(record("last")))
        return batch(opened)

    monkeypatch.setattr(OpenFile, "batch", growing)
    del first[300:]
    async with running(drop):
        drop.put("a.jsonl", lines(*first))
        await drop.read("a.jsonl")
    assert grown and drop.arrivals() == [*first, record("last")]
    assert drop.names("done") == ["a.jsonl"]


async def test_a_hub_that_stops_while_a_file_is_opened_leaves_it_closed(new_drop: NewDrop, monkeypatch: Any) -> None:
    """Nobody asked for it any more when it was open."""
    drop, opening, streams = new_drop(), threading.Event(), list[Any]()
    begin = DropFolder.open

    def slow(folder: DropFolder, one: Any) -> Any:
        opening.set()
        stopping.wait(20)
        streams.append(begin(folder, one))
        return streams[-1]

    give_up, stopping = Call.give_up, threading.Event()

    def given_up(call: Call) -> None:
        stopping.set()
        if not opening.is_set():
            give_up(call)

    monkeypatch.setattr(DropFolder, "open", slow)
    monkeypatch.setattr(Call, "give_up", given_up)
    async with running(drop):
        drop.put("a.jsonl", lines(record("1")))
        await until(opening.is_set)
    assert [one.closed for one in streams] == [True]


@pytest.mark.parametrize("how", ["gone", "replaced"])
async def test_a_file_that_goes_while_it_is_read(new_drop: NewDrop, monkeypatch: Any, how: str) -> None:
    """Deleted: the next is read. Replaced: the new one is read, and only that is moved."""
    drop = new_drop()
    look, done = DropFolder.is_same, False

    def acting(folder: DropFolder, one: Any, opened: Any) -> bool:
        nonlocal done
        if not done:
            done = True
            (drop.folder / "a.jsonl").unlink()
            if how == "replaced":
                drop.put("a.jsonl", lines(record("newer")))  # a server tells whole seconds: its size must differ
        return look(folder, one, opened)

    monkeypatch.setattr(DropFolder, "is_same", acting)
    async with running(drop):
        drop.put("a.jsonl", lines(record("old")))
        await until(lambda: done)
        drop.put("b.jsonl", lines(record("next")))
        await drop.read("a.jsonl", "b.jsonl")
    assert [one["code"] for one in drop.arrivals()] == (["newer", "next"] if how == "replaced" else ["next"])


async def test_a_move_that_fails_is_tried_again_without_reading(new_drop: NewDrop, monkeypatch: Any) -> None:
    """Everything was taken: only the move is left to do."""
    drop = new_drop()
    move, failures, opened = DropFolder.move, 3, 0
    begin = OpenFile.open

    def failing(folder: DropFolder, *given: Any) -> None:
        nonlocal failures
        failures -= 1
        if failures >= 0:
            raise PermissionError
        move(folder, *given)

    def counting(self: OpenFile) -> None:
        nonlocal opened
        opened += 1
        begin(self)

    monkeypatch.setattr(DropFolder, "move", failing)
    monkeypatch.setattr(OpenFile, "open", counting)
    async with running(drop):
        drop.put("a.jsonl", lines(record("1"), record("")))
        await drop.read("a.jsonl")
    assert (opened, drop.states("1"), len(drop.names("failed"))) == (1, ["A"], 2)


@here
async def test_metrics_tell_what_waits_and_what_became_of_files(new_drop: NewDrop) -> None:
    """Files by outcome; how many wait; whether the folder can be used."""
    drop = new_drop()

    def shown() -> list[float]:
        found = dict(line.rsplit(" ", 1) for line in metrics.render().decode().splitlines() if line.startswith("hub_"))
        names = [*(f'hub_files_total{{endpoint="drop",outcome="{one}"}}' for one in ("done", "partly", "failed")),
                 'hub_files_waiting{endpoint="drop"}', 'hub_folder_unusable{endpoint="drop"}']  # fmt: skip
        return [float(found.get(name, 0)) for name in names]

    before = shown()
    (drop.folder / "done").write_text("")
    async with running(drop):
        drop.put("a.jsonl", lines(record("1")))
        await until(lambda: shown()[4] == 1)
        (drop.folder / "done").unlink()
        drop.put("b.jsonl", lines(record("2"), record("")))
        drop.put("c.jsonl", lines(record("3", "")))
        await drop.read("a.jsonl", "b.jsonl", "c.jsonl")
        await until(lambda: shown()[3:] == [0, 0])
    assert [now - then for now, then in zip(shown(), before, strict=True)][:3] == [1, 2, 0]


def _files(folder: Path) -> Files:
    config = FilesConfig.model_validate({"read": {"folder": folder, "sender": "land", "schema": "record@1", "format": "jsonl"}})
    return Files(config, ConnectorContext("drop", system_clock))


async def test_check_says_whether_the_folder_can_be_used(tmp_path: Path) -> None:
    """Not there; a file in the way; good."""
    with pytest.raises(NotConnected, match="no_folder"):
        await _files(tmp_path / "no").check()
    (tmp_path / "done").write_text("")
    with pytest.raises(NotConnected, match="folder_rights"):
        await _files(tmp_path).check()
    (tmp_path / "done").unlink()
    await _files(tmp_path).check()
    assert sorted(one.name for one in tmp_path.iterdir()) == ["done", "failed"]


CSV = {"format": "csv", "columns": {"code": "c", "state": "s"}}


@pytest.mark.parametrize(
    ("settings", "found"),
    [
        ({}, []),
        (CSV, []),
        ({**CSV, "columns": {**CSV["columns"], "/address/ward": "w"}}, []),
        ({"schema": "other@1"}, [("schema", "unknown_schema")]),
        ({"schema": "item@1"}, [("schema", "not_a_source")]),
        ({"records": "file"}, [("records", "bad_value")]),
        ({"format": "xml", "schema": "slip@1", "records": "each"}, [("record", "missing")]),
        ({"format": "xml", "schema": "slip@1", "records": "each", "record": "/slips/slip"}, []),
        ({"format": "xml", "schema": "slip@1", "records": "each", "record": "s:slip"}, [("record", "string_pattern_mismatch")]),
        ({"format": "xml", "schema": "slip@1", "record": "slip"}, [("record", "bad_value")]),
        ({"record": "slip"}, [("record", "bad_value")]),
        ({"delimiter": ";"}, [("delimiter", "bad_value")]),
        ({"format": "csv"}, [("columns", "missing")]),
        ({"format": "csv", "columns": {"code": "c"}}, [("columns", "missing")]),
        ({**CSV, "columns": {**CSV["columns"], "nam": "n"}}, [("columns.nam", "unknown_path")]),
        ({**CSV, "columns": {**CSV["columns"], "/address/w": "n"}}, [("columns./address/w", "unknown_path")]),
        ({**CSV, "columns": {**CSV["columns"], "fee": "n"}}, [("columns.fee", "not_a_text")]),
        ({**CSV, "header": False}, [("columns.code", "bad_value"), ("columns.state", "bad_value")]),
        ({**CSV, "columns": {**CSV["columns"], "/code/x": "n"}}, [("", "value_error")]),
        ({"done": "in/x/.."}, [("done", "same_folder")]),
        ({"failed": "./in"}, [("failed", "same_folder")]),
        ({**CSV, "columns": {**CSV["columns"], "name": True}}, [("columns.name", "value_error")]),
        ({**CSV, "delimiter": "\\t"}, [("delimiter", "value_error")]),
        ({**CSV, "delimiter": "||"}, [("delimiter", "value_error")]),
        ({"mode": "000"}, [("mode", "string_pattern_mismatch")]),
        ({**CSV, "encoding": "idna"}, [("encoding", "value_error")]),
        ({**CSV, "encoding": "tcvn"}, [("encoding", "value_error")]),
        ({**CSV, "encoding": "base64"}, [("encoding", "value_error")]),
    ],
)  # fmt: skip
def test_hub_check_finds_settings_that_do_not_go_together(
    tmp_path: Path, settings: dict[str, Any], found: list[tuple[str, str]]
) -> None:
    """Schema, form and columns."""
    drop = Drop(tmp_path, **settings)
    _, errors, _ = examine(drop.home)
    places = [one.at.removeprefix("endpoints.drop.settings.read").lstrip(".") for one in errors]
    assert [(at, one.code) for at, one in zip(places, errors, strict=True)] == found


async def test_two_endpoints_may_have_one_folder_for_what_failed(tmp_path: Path) -> None:
    """Drafts of files of one name are apart."""
    one = Seen("a.jsonl", (1, 1, 1))
    place, config = LocalPlace(), _files(tmp_path).config.read
    assert config is not None
    (tmp_path / "failed").mkdir()
    both = [RefusedRecords(config, place, one, endpoint) for endpoint in ("drop", "other")]
    for number, gathered in enumerate(both, 1):
        gathered.add(Record(number, number, "k", b"", f"{number}", None), [Problem("", "x", "y")] * 2, ("", ""))
    for gathered in both:
        gathered.place()
    found = {path.name: path.read_text() for path in (tmp_path / "failed").iterdir()}
    assert {name: text for name, text in found.items() if "rejected" in name} == {
        "a.jsonl.rejected.jsonl": "1\n", "a.1.jsonl.rejected.jsonl": "2\n",
    }  # fmt: skip
    errors = json.loads(found["a.jsonl.errors.json"])
    assert [len(entry["problems"]) for entry in errors] == [1], "the same problem stands there twice"
