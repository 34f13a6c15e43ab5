"""`hub import` once more: after a kill, by another key, without its report, on a full disk, beside slow partners."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from imports.parts import PYTHON, ImportHome, kill, report_of, row, told, until

pytestmark = pytest.mark.xdist_group("imports-second")
Running = tuple[ImportHome, str]
_WRONG = {"code": ""}


def _command(change: str) -> tuple[str, ...]:
    return (*PYTHON, "-c", f"{change}\nfrom hub.cli.main import main; main()")


def _reports(home: ImportHome) -> list[Path]:
    return list((home.folder / "var" / "imports").glob("*.report.jsonl"))


def test_all_again_and_killed_before_it_came_far(new_home: Callable[..., ImportHome]) -> None:
    """What --again began anew is not taken for what was there before: no report with nothing in it."""
    home = new_home()
    key, file = home.key(), str(home.rows("old.jsonl", [*(row(number) for number in range(20)), _WRONG, row(30)]))
    with home.hub():
        home.imported(key, file, "--schema", "record@1", code=1)
        never = "import asyncio\nfrom hub.cli import import_rows\nasync def never(self):\n    await asyncio.sleep(600)\n"
        process = home.begin_import(
            key, file, "--schema", "record@1", "--again", command=_command(f"{never}import_rows.Rows._send_all = never")
        )
        until("it began", lambda: not _reports(home)[0].stat().st_size)
        kill(process)
        on = home.imported(key, file, "--schema", "record@1", code=1)
        assert on["counts"] == {"known": 21, "refused": 1}
        assert [one["record"] for one in report_of(on)] == [21]


def test_the_report_was_taken_away(running: Running) -> None:
    """The import goes on, with a new one; what stood in the old one is counted, and not made up."""
    home, key = running
    file = home.rows("taken.jsonl", [row(100), _WRONG])
    home.imported(key, str(file), "--schema", "record@1", code=1)
    for one in _reports(home):
        one.unlink()
    with file.open("a") as more:
        more.write(json.dumps(_WRONG) + "\n")
    on = home.imported(key, str(file), "--schema", "record@1", code=1)
    assert on["counts"] == {"accepted": 1, "refused": 2}
    assert [one["record"] for one in report_of(on)] == [3]


def test_all_again_goes_on_without_the_word(running: Running) -> None:
    """The same command with --again would begin once more; what is to be typed is said."""
    home, key = running
    file = str(home.rows("on.jsonl", [row(800 + number) for number in range(200)]))
    process = home.begin_import(key, file, "--schema", "record@1", "--again", "--rate", "20")
    until(
        "it began", lambda: [one for one in (home.folder / "var" / "imports").glob("*.json") if b"on.jsonl" in one.read_bytes()]
    )
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "without --again: it goes on" in err
    sent = json.loads(out)["rows_sent"]
    assert home.imported(key, file, "--schema", "record@1")["rows_sent"] == 200 - sent


def test_another_key_is_another_import(running: Running) -> None:
    """Rows that came in by the wrong key were not taken in for the right one; a new key of the same sender goes on."""
    home, key = running
    file = str(home.rows("whose.jsonl", [row(200), row(201)]))
    assert home.imported(home.key("somebody"), file, "--schema", "record@1")["counts"] == {"accepted": 2}
    right = home.imported(key, file, "--schema", "record@1")
    assert (right["counts"], right["rows_sent"]) == ({"accepted": 2, "observed": 2}, 2)
    assert home.imported(home.key(), file, "--schema", "record@1")["rows_sent"] == 0


def test_a_full_disk_ends_it_with_a_word(new_home: Callable[..., ImportHome]) -> None:
    """Nothing is lost of the report: with room again it goes on, and every refused row is in it."""
    home = new_home()
    key = home.key()
    file = str(home.rows("old.jsonl", [_WRONG] * 1000))
    with home.hub():
        limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, resource.RLIM_INFINITY))"
        full = home.imported_by(_command(limit), key, file, "--schema", "record@1", code=1)
        assert full["error"]["problems"][0]["code"] == "state_not_written"
        on = home.imported(key, file, "--schema", "record@1", code=1)
    assert on["counts"] == {"refused": 1000}
    assert [one["record"] for one in report_of(on)] == list(range(1, 1001))


def test_a_state_folder_that_is_none(running: Running) -> None:
    home, key = running
    file = str(home.rows("few.jsonl", [row(300)]))
    said = home.imported(key, file, "--schema", "record@1", "--state", file, code=1)
    assert said["error"]["problems"][0]["code"] == "state_not_written"


def test_it_says_what_it_waits_for_while_it_waits(new_home: Callable[..., ImportHome]) -> None:
    """Also when nothing at all goes on; and what has its receipt is in the journal."""
    home = new_home()
    key = home.key()
    home.portal.rmdir()
    file = str(home.rows("old.jsonl", [row(number) for number in range(60)]))
    with home.hub():
        often = _command("from hub.cli import import_shown; import_shown.LINE_SECONDS = 0.5")
        process = home.begin_import(key, file, "--schema", "record@1", "--waiting", "4", command=often)
        assert process.stderr is not None
        line = ""
        deadline = time.monotonic() + 30
        while "deliveries wait at portal" not in line:
            assert time.monotonic() < deadline, line
            line = process.stderr.readline()
        (journal,) = (home.folder / "var" / "imports").glob("*.json")
        assert json.loads(journal.read_bytes())["number"] == 4
        home.portal.mkdir()
        assert told(process)["counts"] == {"accepted": 60}


def test_a_limited_sender_leaves_no_more_open(new_home: Callable[..., ImportHome]) -> None:
    """Where the hub does not say how much waits, because this sender asked too often, nothing is taken for granted."""
    home = new_home()
    home.configure(more="clients: { one-stop: { rate: 3, burst: 20 } }\n")
    key = home.key()
    home.portal.rmdir()
    open_now = "select count(*) from deliveries where state <> 'delivered'"
    with home.hub():
        file = str(home.rows("old.jsonl", [row(number) for number in range(60)]))
        quick = _command("from hub.cli import import_pace; import_pace.ASK_LONGEST = 0.1")
        process = home.begin_import(key, file, "--schema", "record@1", "--waiting", "5", command=quick)
        until("they wait", lambda: home.look(open_now)[0][0] >= 5)
        most, deadline = 0, time.monotonic() + 6
        while most <= 5 and time.monotonic() < deadline:
            most = max(most, home.look(open_now)[0][0])
        kill(process)
    assert most <= 5
