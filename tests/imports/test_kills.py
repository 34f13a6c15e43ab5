"""The import and the hub are killed on the way: gone on with, each row is there once, in order, at the hub and at the partner.

And that this could go red: a journal that runs ahead of the receipts loses rows, rows without their place come twice.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from imports.parts import PYTHON, ImportHome, end, histories, judge, kill, told, until

pytestmark = pytest.mark.xdist_group("imports-kills")
SOAK = os.environ.get("SOAK") == "1"
DOSSIERS, STATES = (1000, 3) if SOAK else (100, 3)
_ARRIVED = "select count(*) from arrivals"
_EARLY = """
import asyncio
from hub.cli import import_rows
from hub.cli.import_journal import Outcome
async def take_in(self, rows, before):  # settled before the hub was asked
    for one in rows:
        self._journal.settle(one, Outcome("accepted"))
    self._journal.save()
    await asyncio.sleep(0.5)
    await asked(self, rows, before)
asked, import_rows.Rows._take_in = import_rows.Rows._take_in, take_in
"""
_PLACELESS = """
import os
from dataclasses import replace
from hub.cli import import_rows
placed = import_rows.request
import_rows.request = lambda rows: placed([replace(one, key=f"{one.key}:{os.urandom(4).hex()}") for one in rows])
"""


def _command(sabotage: str) -> tuple[str, ...]:
    return (*PYTHON, "-c", f"{sabotage}\nfrom hub.cli.main import main; main()")


def _kill_at(home: ImportHome, process: subprocess.Popen[str], arrived: int) -> None:
    until(f"{arrived} arrived", lambda: process.poll() is not None or home.look(_ARRIVED)[0][0] >= arrived)
    kill(process)


def _file(home: ImportHome) -> tuple[list[dict[str, str]], str]:
    rows = histories(DOSSIERS, STATES)
    return rows, str(home.rows("old.jsonl", rows))


def test_killed_again_and_again(new_home: Callable[..., ImportHome]) -> None:
    """The import at several points, the hub under it, and both at once."""
    home = new_home()
    key, (rows, file) = home.key(), _file(home)
    words = (file, "--schema", "record@1", "--waiting", "50")
    hub = home.start_hub()
    try:
        for tenths in (1, 2, 5):
            _kill_at(home, home.begin_import(key, *words), tenths * len(rows) // 10)
        under = home.begin_import(key, *words)
        until("it goes on", lambda: home.look(_ARRIVED)[0][0] >= 0.6 * len(rows))
        kill(hub)
        hub = home.start_hub()
        _kill_at(home, under, int(0.8 * len(rows)))
        kill(hub)
        hub = home.start_hub()
        said = told(home.begin_import(key, *words))
        assert said["counts"].keys() <= {"accepted", "known"}
        assert sum(said["counts"].values()) == len(rows)
        until("nothing is wrong", lambda: not judge(home, rows))
    finally:
        end(hub)
    assert judge(home, rows) == []


@pytest.mark.parametrize(("sabotage", "count"), [(_EARLY, "lost"), (_PLACELESS, "doubled")], ids=["early", "placeless"])
def test_the_judge_sees(new_home: Callable[..., ImportHome], sabotage: str, count: str) -> None:
    """With the journal written before the receipt rows are lost; without their place rows are there twice."""
    home = new_home(only_from="portal-desk")
    key, (rows, file) = home.key(), _file(home)
    words = (file, "--schema", "record@1")
    with home.hub():
        process = home.begin_import(key, *words, command=_command(sabotage))
        if sabotage is _EARLY:
            journal = Path(home.folder, "var", "imports")
            until("the journal says so", lambda: process.poll() is not None or list(journal.glob("*.json")))
        else:
            until("some arrived", lambda: process.poll() is not None or home.look(_ARRIVED)[0][0] >= 0.6 * len(rows))
        kill(process)
        again = () if sabotage is _EARLY else ("--again",)
        told(home.begin_import(key, *words, *again, command=_command(sabotage) if again else ()))
    wrong = judge(home, rows, delivered=False)
    ((arrived,),) = home.look(_ARRIVED)
    assert wrong
    assert arrived < len(rows) if count == "lost" else arrived > len(rows)
