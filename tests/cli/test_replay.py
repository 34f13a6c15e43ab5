"""Replaying dead letters as they ran or by the mappings of now, after a look, at a pace; and what a discarded one answers."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import os
import pty
import signal
import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from cli.parts import HUB, Home, Run, record
from cli.test_operating import ids, sql
from hub.app import Hub
from hub.assembly import assemble
from hub.cli.repair import Pace, Repair
from hub.cli.replay_difference import Foresight
from hub.intake.accept import Intake
from hub.message import Arrival, SchemaRef, new_id, system_clock
from hub.store.sql import SqlStore
from hub.store.values import Due, Settlement

NAME = "Trần Văn Bình"


def other_mapping(home: Home) -> None:
    """From now on the portal is sent names in capitals."""
    path = home.folder / "mappings" / "item-to-portal" / "1.0.0.yaml"
    text = path.read_text(encoding="utf-8").replace("Ten: { get: name }", "Ten: { get: name, apply: [upper] }")
    path.write_text(text.replace("TrangThai: open, Ten: n", "TrangThai: open, Ten: N"), encoding="utf-8")


def due(home: Home) -> list[Due]:
    async def look(store: SqlStore) -> list[Due]:
        return list(await store.due("portal", system_clock(), 100))

    return home.in_store(look)


@pytest.fixture
def letter(home: Home) -> str:
    """A delivery that the portal refused, whose mapping is another one since."""
    home.take(record(name=NAME))
    (delivery,) = home.settle("dead", "refused", "field missing")
    other_mapping(home)
    return delivery


def test_it_must_be_said_which_when_the_mappings_changed(home: Home, hub: Run, letter: str) -> None:
    """Without a terminal and without an option nothing is done, and both options are named."""
    said = hub("dead", "replay", letter, code=2).stderr
    assert "--as-it-ran" in said and "--latest" in said and "1 delivery changed" in said
    assert due(home) == [] and hub("audit").stdout.strip() == "nothing on record"


def test_as_it_ran_sends_the_same_bytes(home: Home, hub: Run, letter: str) -> None:
    """The bytes and the chain of the first attempt wait to be sent again, and the record says so."""
    before = sql(home, "select chain from attempts")
    assert "waits to be sent as it ran" in hub("dead", "replay", letter, "--as-it-ran").stdout
    (one,) = due(home)
    assert one.request is not None and json.loads(one.request)["Ten"] == NAME and [(one.chain,)] == before
    assert sql(home, "select act from audit") == [("replay --as-it-ran",)]
    assert "replay --as-it-ran by " in hub("trace", record()["code"]).stdout


def test_latest_translates_anew(home: Home, hub: Run, letter: str) -> None:
    """Nothing is pinned any more, and as it ran is over: said with the reason, and the letter stays."""
    hub("dead", "replay", letter, "--latest")
    (one,) = due(home)
    assert one.request is None and one.chain is None

    async def die(store: SqlStore) -> None:
        assert await store.settle(Settlement(letter, None, "dead", "translation", "x"), system_clock())

    home.in_store(die)
    said = hub("dead", "replay", letter, "--as-it-ran", code=1).stdout
    assert "its bytes are not kept any more" in said and "--latest" in said
    home.take(record("another"))
    (fresh,) = due(home)
    home.in_store(lambda store: store.settle(Settlement(fresh.delivery_id, None, "dead", "translation", "x"), system_clock()))
    assert "it was never sent" in hub("dead", "replay", fresh.delivery_id, "--as-it-ran", code=1).stdout
    assert len(hub("dead", "list", "--json").json["dead"]) == 2


def test_a_dry_run_shows_the_difference_field_by_field(home: Home, hub: Run, letter: str) -> None:
    """Masked unless values are asked for; nothing changes."""
    told = hub("dead", "replay", letter, "--latest", "--dry-run", "--json").json
    assert told["results"][0]["differences"] == [
        {"at": "Ten", "kind": "changed", "sent": "‹text of 13›", "now": "‹text of 13›"}
    ]  # fmt: skip
    masked = hub("dead", "replay", letter, "--dry-run").stdout
    assert NAME not in masked and "dry run, nothing changed" in masked
    shown = hub("dead", "replay", letter, "--dry-run", "--show-values").stdout
    assert f"Ten: {NAME} → {NAME.upper()}" in shown
    assert due(home) == [] and sql(home, "select * from audit") == []


def test_a_dry_run_says_what_kept_arrivals_would_become(home: Home, hub: Run) -> None:
    """Still kept, with the problems that remain; accepted, with those behind it, once the table is mended."""
    first, _ = (one["arrival"] for one in home.take(record(state="B"), record(state="B", name=NAME)))
    told = hub("dead", "replay", first, "--dry-run", "--json").json
    assert told["results"][0]["would"] == "keep" and told["results"][0]["problems"][0]["code"] == "not_in_table"
    assert "1 of them would stay" in hub("dead", "replay", first, "--dry-run").stdout
    home.mend_table()
    assert "would be accepted, and 1 kept behind it would follow" in hub("dead", "replay", first, "--dry-run").stdout
    assert len(ids(hub)) == 2
    hub("dead", "replay", first, "--as-it-ran", code=1)


def test_options_that_contradict_each_other(home: Home, hub: Run) -> None:
    for wrong in ("--as-it-ran --latest", "--as-it-ran --dry-run", "--show-values", "--all --kept --as-it-ran"):
        hub("dead", "replay", *(() if "--all" in wrong else (new_id(),)), *wrong.split(), code=2)


def test_many_are_replayed_at_a_pace_and_can_be_stopped(home: Home, hub: Run) -> None:
    """The count comes first; Ctrl-C ends after the current one, exit code 130; the same command goes on with the rest."""
    home.take(*(record(f"code-{number}") for number in range(4)))
    home.settle("dead", "refused")
    pressed = threading.Event()

    def press() -> None:
        end = time.monotonic() + 20
        while not sql(home, "select 1 from audit") and time.monotonic() < end:
            time.sleep(0.01)
        pressed.set()
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=press).start()
    began = time.monotonic()
    ran = hub("dead", "replay", "--all", "--endpoint", "portal", "--latest", "--rate", "0.05", "--json", code=130)
    assert pressed.is_set() and time.monotonic() - began < 20
    assert ran.json["stopped"] and len(ran.json["results"]) == 1
    assert "4 dead letters to replay, 0.05 a second at most" in ran.stderr
    began = time.monotonic()
    again = hub("dead", "replay", "--all", "--endpoint", "portal", "--rate", "20")
    assert "3 dead letters replayed, 0 not" in again.stdout and "3 dead letters to replay" in again.stderr
    assert time.monotonic() - began >= 0.1


def test_on_a_terminal_it_asks(home: Home, letter: str) -> None:
    """First which way, then whether all of them; no leaves everything as it was."""
    ours, theirs = pty.openpty()
    try:
        command = [*HUB, "--home", str(home.folder), "dead", "replay", "--all", "--endpoint", "portal"]
        os.write(ours, b"y\nn\n")
        ran = subprocess.run(command, stdin=theirs, stdout=subprocess.PIPE, stderr=theirs, timeout=60, check=False)
        said = os.read(ours, 10_000).decode()
    finally:
        os.close(ours)
        os.close(theirs)
    assert ran.returncode == 1 and due(home) == []
    assert said.index("as it ran?") < said.index("1 dead letter to replay") < said.index("Replay them?")


def test_a_repeat_of_a_discarded_arrival_is_answered_discarded(home: Home, hub: Run) -> None:
    """Its sender is not told any more that it is kept and waits."""
    parts = assemble(home.folder)
    body = json.dumps(record(state="B")).encode()

    def send() -> Any:
        async def work(store: SqlStore) -> Any:
            intake = Intake(store, parts.catalog, parts.router, parts.sources, {}, lambda: None)
            arrival = Arrival(new_id(), "one-stop", SchemaRef("record", "1"), body, system_clock(), "0" * 32, key="k-1")
            return (await intake.accept(arrival)).receipt

        return home.in_store(work)

    kept = send()
    assert kept["state"] == "kept" and kept["reasons"]
    hub("dead", "discard", kept["arrival"], "--why", "entered twice")
    again = send()
    assert (again["arrival"], again["state"]) == (kept["arrival"], "discarded") and "reasons" not in again


def test_files_that_the_hub_has_not_taken_decide_nothing(home: Home, hub: Run) -> None:
    """While a hub runs, neither a dry run nor the replay of a kept arrival goes by a file that it has not taken."""
    kept = home.take(record(state="B"))[0]["arrival"]
    home.take(record("another", name=NAME))
    (delivery,) = home.settle("dead", "refused", "field missing")
    with beside(home) as reload:
        home.mend_table()
        for words in (("--all", "--kept"), (kept,), (delivery, "--latest", "--dry-run"), (kept, "--dry-run")):
            said = hub("dead", "replay", *words, code=1).stderr
            assert "the running hub has not taken these files yet" in said and "hub reload" in said
        assert sql(home, "select act from audit") == [("start",)]
        reload()
        hub("dead", "replay", delivery, "--latest", "--dry-run")
        hub("dead", "replay", "--all", "--kept")


@contextlib.contextmanager
def beside(home: Home) -> Iterator[Callable[[], None]]:
    """A hub in another thread of this process; what is given has it reload."""
    loop, running = asyncio.new_event_loop(), Hub(assemble(home.folder))
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    def do(work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, loop).result(20)

    async def reload() -> None:
        assert running.reload() == []
        await running._reloading.end()

    do(running.start())
    try:
        yield lambda: do(reload())
    finally:
        do(running.stop())
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def test_those_kept_behind_one_another_go_at_the_pace_too(home: Home, hub: Run) -> None:
    """Each is a turn, and Ctrl-C is heard between two of them."""
    receipts = home.take(*(record(state="B", name=name) for name in ("a", "b", "c", "d")))
    home.mend_table()

    class Counted(Pace):
        turns = 0

        async def turn(self) -> bool:
            self.turns += 1
            if self.turns == 3:
                self.stop()
            return await super().turn()

    async def work(store: SqlStore) -> tuple[list[Any], bool]:
        pace = Counted(1000)
        repair = Repair(home.folder, store, "mended")
        return await repair.replay([one["arrival"] for one in receipts], given=False, pace=pace), pace.stopped

    results, stopped = home.in_store(work)
    assert [one["outcome"] for one in results] == ["accepted", "accepted"] and stopped
    assert len(ids(hub)) == 2


def test_who_presses_after_the_last_one_stopped_nothing(home: Home) -> None:
    """All was done: the exit code is not that of a stop."""
    (receipt,) = home.take(record(state="B"))

    async def work(store: SqlStore) -> bool:
        pace = Pace(1000)
        await Repair(home.folder, store, "").replay([receipt["arrival"]], given=True, pace=pace)
        pace.stop()
        return pace.stopped

    assert home.in_store(work) is False


def test_kept_ones_are_reached_behind_dead_deliveries(home: Home, hub: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit of one command is of what it was asked for."""
    home.take(record("one"), record("two"))
    home.settle("dead", "refused")
    home.take(record(state="B"))
    home.mend_table()
    monkeypatch.setattr("hub.cli.replay.AT_ONCE", 2)
    told = hub("dead", "replay", "--all", "--kept", "--json").json
    assert [one["outcome"] for one in told["results"]] == ["accepted"] and not told["more"]


def test_one_that_nobody_can_foresee_does_not_stop_the_others(home: Home, hub: Run) -> None:
    """No way leads from the version it is of: it would fail, with the reason, and whether it differs need not be known."""
    home.take(record("one"), record("two"))
    first, second = home.settle("dead", "refused")
    parts = assemble(home.folder)

    async def work(store: SqlStore) -> None:
        foresight = Foresight(parts, store, show_values=False)
        pinned = await store.pinned(first)
        assert pinned is not None
        gone = dataclasses.replace(pinned, schema=SchemaRef("item", "9.0.0"))
        assert foresight.differs(gone) and not foresight.differs(pinned)

    home.in_store(work)
    with contextlib.closing(sqlite3.connect(home.folder / "var" / "hub.db")) as there, there:
        there.execute("update messages set schema = 'item@9.0.0' where id = (select message_id from deliveries where id = ?)",
                      (first,))  # fmt: skip
    told = hub("dead", "replay", "--all", "--endpoint", "portal", "--dry-run", "--json").json
    assert {one["id"]: one["would"] for one in told["results"]} == {first: "fail", second: "send"}
    assert next(one for one in told["results"] if one["id"] == first)["problems"]
