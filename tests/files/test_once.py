"""The same file or record again is one arrival, in the order in which it was written; and the store may fail meanwhile."""

from __future__ import annotations

import asyncio
import json
import os
from types import SimpleNamespace
from typing import Any

import pytest
from flow.parts import until

import connectors.files.folder as folder_module
from connectors.files.folder import DropFolder
from connectors.files.local import LocalPlace
from connectors.files.receiving import Receiving
from connectors.files.sftp_place import SftpPlace
from files.parts import NewDrop, here, lines, record, running
from hub.errors import Problem, StoreUnavailable, UnknownSchema
from hub.intake.accept import Intake
from hub.store.sql import SqlStore


async def test_the_same_file_again_is_no_arrival(new_drop: NewDrop) -> None:
    """Under the same name or another, though states have changed since: every record is known; done numbers the names."""
    drop = new_drop()
    text = lines(record("1"), record("1", "B"), record("1"))
    async with running(drop):
        for name in ("a.jsonl", "a.jsonl", "b.jsonl", "a.jsonl"):
            drop.put(name, text)
            await drop.read(name)
    assert drop.states("1") == ["A", "B", "A"]
    assert drop.names("done") == ["a.1.jsonl", "a.2.jsonl", "a.jsonl", "b.jsonl"]


@here
async def test_a_record_with_an_id_of_its_own_comes_once_whatever_file_it_is_in(new_drop: NewDrop) -> None:
    """The id in the message counts, not its place; another message under the same id is refused."""
    drop = new_drop()
    async with running(drop):
        drop.put("a.jsonl", lines(record("1", id="x"), record("1", "B", id="y"), record("1", id="x")))
        await drop.read("a.jsonl")
        drop.put("b.jsonl", lines(record("1", "B", id="y"), record("2", id="x")))
        await drop.read("b.jsonl")
    assert drop.states("1") == ["A", "B"]
    assert drop.codes("b.jsonl.errors.json") == [(2, 2, [("/id", "id_conflict")])]


@here
async def test_a_file_that_grew_or_was_mended_gives_only_what_is_new(new_drop: NewDrop) -> None:
    """A file that was cut fails; whole, its first records are known."""
    drop = new_drop(format="json", records="each")
    whole = json.dumps([record("1"), record("1", "B"), record("2")])
    async with running(drop):
        drop.put("a.json", whole[:-8])
        await drop.read("a.json")
        assert drop.states("1") == ["A", "B"]
        drop.put("a.json", whole)
        await drop.read("a.json")
    assert drop.arrivals() == [record("1"), record("1", "B"), record("2")]
    assert (drop.names("done"), drop.names("failed")) == (["a.json"], ["a.json", "a.json.errors.json"])


async def test_older_files_come_first_and_names_decide_among_equals(new_drop: NewDrop) -> None:
    """The order of a dossier is that of time, name and line."""
    drop = new_drop()
    for name, seconds, state in (("c", 100, "A"), ("a", 200, "B"), ("b", 200, "A")):
        os.utime(drop.put(f"{name}.jsonl", lines(record("1", state, name=name))), (seconds, seconds))
    async with running(drop):
        await drop.read("a.jsonl", "b.jsonl", "c.jsonl")
    assert [one["name"] for one in drop.arrivals()] == ["c", "a", "b"]


async def test_a_file_that_is_being_written_is_waited_for(new_drop: NewDrop, monkeypatch: Any) -> None:
    """Nothing of it is read while it grows, nor of what is younger; nor of what has a name that says so."""
    drop = new_drop(settle=5)
    clock = Stopwatch(monkeypatch)
    for name in (".a.jsonl", "a.jsonl.tmp", "a.JSONL.PART"):
        (drop.folder / name).write_text(lines(record("9")))
    path = drop.folder / "b.jsonl"
    async with running(drop):
        for number in range(6):
            with path.open("a") as growing:
                growing.write(lines(record(str(number))))
            os.utime(path, (100, 100))
            await clock.looks(2)
            clock.now += 4.9
            if number == 4:
                drop.put("younger.jsonl", lines(record("younger")))
            await clock.looks(2)
            assert drop.arrivals() == []
        clock.now += 4.9
        await drop.read("b.jsonl")
        clock.now += 4.9
        await drop.read("younger.jsonl")
    assert [one["code"] for one in drop.arrivals()] == [*(str(number) for number in range(6)), "younger"]
    assert len(drop.left()) == 3


class Stopwatch:
    """The folder's own time, moved by the test, and how often the folder was looked into."""

    def __init__(self, monkeypatch: Any) -> None:
        self.now, self.looked = 0.0, 0
        look = DropFolder.look

        def counted(folder: DropFolder) -> Any:
            found = look(folder)
            self.looked += 1
            return found

        monkeypatch.setattr(DropFolder, "look", counted)
        monkeypatch.setattr(folder_module, "time", SimpleNamespace(monotonic=lambda: self.now))

    async def looks(self, count: int) -> None:
        wanted = self.looked + count
        while self.looked < wanted:
            await asyncio.sleep(0.005)


@here
async def test_a_store_that_takes_nothing_is_waited_for(new_drop: NewDrop, monkeypatch: Any) -> None:
    """Nothing is moved and nothing lost or doubled, whichever record it was."""
    drop = new_drop()
    accept, asked = SqlStore.accept, 0

    async def full_at_times(store: SqlStore, plan: Any) -> Any:
        nonlocal asked
        asked += 1
        if asked % 3:
            raise StoreUnavailable("disk_full")
        assert drop.left() == ["a.jsonl"] and drop.names() == drop.names("failed") == []
        return await accept(store, plan)

    monkeypatch.setattr(SqlStore, "accept", full_at_times)
    async with running(drop):
        drop.put("a.jsonl", lines(*(record("1", "AB"[number % 2], name=str(number)) for number in range(5))))
        await drop.read("a.jsonl")
    assert [one["name"] for one in drop.arrivals()] == list("01234")
    assert drop.names("failed") == []


@here
async def test_a_schema_that_is_not_known_is_waited_for(new_drop: NewDrop, monkeypatch: Any) -> None:
    """It is not the record's fault: once the hub knows it, the file is read."""
    drop, asked, accept = new_drop(), 0, Intake.accept

    async def later(intake: Intake, *given: Any, **named: Any) -> Any:
        nonlocal asked
        asked += 1
        if asked < 4:
            raise UnknownSchema([Problem("", "unknown_schema", "not yet")])
        return await accept(intake, *given, **named)

    monkeypatch.setattr(Intake, "accept", later)
    async with running(drop):
        drop.put("a.jsonl", lines(record("1")))
        await drop.read("a.jsonl")
    assert asked == 4
    assert (drop.states("1"), drop.names("failed")) == (["A"], [])


async def test_a_hub_that_is_stopped_half_way_begins_again(new_drop: NewDrop) -> None:
    """What was taken is known, what was not is taken: no file is moved before."""
    drop = new_drop()
    told = [record(str(number % 7), "AB"[number % 2], name=str(number)) for number in range(300)]
    drop.put("a.jsonl", lines(*told))
    for count in (1, 40, 150):
        async with running(drop):
            await until(lambda count=count: len(drop.arrivals()) >= count)
        assert drop.left() == ["a.jsonl"]
    async with running(drop):
        await drop.read("a.jsonl")
    assert drop.arrivals() == told


async def test_refused_records_are_told_once_though_the_move_came_too_late(new_drop: NewDrop, monkeypatch: Any) -> None:
    """The hub ended when errors and records lay there and the file was not moved: read again, they are the same files."""
    drop = new_drop()
    move, tried = DropFolder.move, 0

    def never(*given: Any) -> None:
        nonlocal tried
        tried += 1
        raise PermissionError

    monkeypatch.setattr(DropFolder, "move", never)
    drop.put("a.jsonl", lines(record("1"), record("")))
    async with running(drop):
        await until(lambda: tried)
    monkeypatch.setattr(DropFolder, "move", move)
    async with running(drop):
        await drop.read("a.jsonl")
        drop.put("a.jsonl", lines(record("2"), record("", "B")))
        await drop.read("a.jsonl")
    assert (len(drop.arrivals()), drop.names("done")) == (2, ["a.1.jsonl", "a.jsonl"])
    again = ["a.1.jsonl.errors.json", "a.1.jsonl.rejected.jsonl"]
    assert drop.names("failed") == [*again, "a.jsonl.errors.json", "a.jsonl.rejected.jsonl"]


async def test_a_name_that_is_there_ten_thousand_times_costs_no_look_at_each(new_drop: NewDrop, monkeypatch: Any) -> None:
    """An export that has one name: the next number is found by halves."""
    drop, looked = new_drop(), 0
    (drop.folder / "done").mkdir()
    for name in ("a.jsonl", *(f"a.{number}.jsonl" for number in range(1, 300))):
        (drop.folder / "done" / name).touch()
    entry = Receiving._move

    def counting(files: Receiving, one: Any) -> None:
        look = type(files._place).entry

        def counted(*given: Any) -> Any:
            nonlocal looked
            looked += 1
            return look(*given)

        with monkeypatch.context() as patch:
            patch.setattr(type(files._place), "entry", counted)
            entry(files, one)

    monkeypatch.setattr(Receiving, "_move", counting)
    async with running(drop):
        drop.put("a.jsonl", lines(record("1")))
        await drop.read("a.jsonl")
    assert (drop.folder / "done" / "a.300.jsonl").read_text() == lines(record("1"))
    assert 0 < looked < 40


async def test_nothing_is_read_before_an_older_file_that_cannot_be_read(new_drop: NewDrop, monkeypatch: Any) -> None:
    """Or a dossier's newer state would come before its older one."""
    drop, failures, begin = new_drop(), 5, DropFolder.open

    def failing(folder: DropFolder, one: Any) -> Any:
        nonlocal failures
        if one.name == "a.jsonl" and failures:
            failures -= 1
            raise PermissionError
        return begin(folder, one)

    monkeypatch.setattr(DropFolder, "open", failing)
    for seconds, (name, state) in enumerate((("a", "A"), ("b", "B")), 100):
        os.utime(drop.put(f"{name}.jsonl", lines(record("1", state))), (seconds, seconds))
    async with running(drop):
        await drop.read("a.jsonl", "b.jsonl")
    assert (failures, drop.states("1")) == (0, ["A", "B"])


@pytest.mark.parametrize("when", ["before", "behind"])
async def test_what_is_written_when_the_file_is_moved_is_read_too(new_drop: NewDrop, monkeypatch: Any, when: str) -> None:
    """Behind the last record that was read, before the file has its new name, or just then."""
    drop, written = new_drop(), False
    move = Receiving._move

    def write_on() -> None:
        nonlocal written
        if not written:
            written = True
            with (drop.folder / "a.jsonl").open("a") as file:
                file.write(lines(record("late")))

    def moving(files: Receiving, one: Any) -> None:
        if when == "before":
            write_on()
        else:
            for place in (LocalPlace, SftpPlace):
                monkeypatch.setattr(place, "rename", renaming(place.rename))
        move(files, one)

    def renaming(honest: Any) -> Any:
        def renamed(place: Any, old: Any, new: Any) -> None:
            if old.name == "a.jsonl":
                write_on()
            honest(place, old, new)

        return renamed

    monkeypatch.setattr(Receiving, "_move", moving)
    drop.put("a.jsonl", lines(record("early")))
    async with running(drop):
        await until(lambda: drop.names("done") and not drop.left() and len(drop.arrivals()) > 1)
    assert [one["code"] for one in drop.arrivals()] == ["early", "late"]
    assert (drop.folder / "done" / "a.jsonl").read_text() == lines(record("early"), record("late"))
