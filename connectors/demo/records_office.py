"""The records office of the demo: a system that knows no network. It leaves what is new in a file, every little while, and
looks what became of the file: in ``done`` it was read, and ``failed`` has what was wrong with which line.

It waits for no answer before it leaves the next record of a dossier, and does not know whether the hub is there.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from connectors.demo.agenda import Agenda, Turn
from connectors.demo.lines import Line, Lines
from connectors.demo.planted_files import SEEN
from connectors.demo.show import Show

SENDER = "records-office"
EVERY_SECONDS = 0.6
LOOK_SECONDS = 0.2


class RecordsOffice:
    """``await run()`` leaves all that is to come in files in ``folder``; ends when each of them was read."""

    def __init__(self, agenda: Agenda, lines: Lines, folder: Path, show: Show) -> None:
        self._agenda, self._lines, self._folder, self._show = agenda, lines, folder, show
        self._left: dict[str, list[tuple[Turn, Line]]] = {}
        self.files = 0
        self.corrected = asyncio.Event()
        """The mistaken record has been left once more, as it should be, and was read."""

    async def run(self) -> None:
        """Until all is over."""
        clock = asyncio.get_running_loop()
        next_at = clock.time()
        while not self._agenda.over:
            if clock.time() >= next_at:
                next_at += EVERY_SECONDS
                await self._leave()
            await self._look()
            await asyncio.sleep(LOOK_SECONDS)

    async def _leave(self) -> None:
        """Of what is new one file; what stands in the file that is left twice has one of its own each time."""
        come = await self._agenda.come("folder", ahead=True)
        items = [self._agenda.item(turn) for turn in come]
        for twice, again in ((True, False), (False, False), (True, True)):
            chosen = [
                turn
                for turn, one in zip(come, items, strict=True)
                if (one.twice, one.twice and one.planted == "duplicate") == (twice, again)
            ]
            if chosen:
                self._write(chosen)

    def _write(self, turns: Sequence[Turn]) -> None:
        """Under a name that nobody reads, then renamed."""
        self.files += 1
        name = f"records-{self.files:04}.jsonl"
        lines = [self._lines.begin(self._agenda.item(turn)) for turn in turns]
        draft = self._folder / f"{name}.part"
        draft.write_bytes(b"".join(line.item.body + b"\n" for line in lines))
        self._left[name] = list(zip(turns, lines, strict=True))
        draft.rename(self._folder / name)

    async def _look(self) -> None:
        """Which files were read, and what is said of their lines."""
        for name in [one for one in self._left if (self._folder / "done" / one).exists()]:
            told = self._told(name)
            for number, (turn, line) in enumerate(self._left.pop(name), 1):
                await self._answered(name, number, line, told.get(number))
                await self._agenda.answered(turn, ahead=True)

    def _told(self, name: str) -> dict[int, dict[str, Any]]:
        """What stands beside the file, by the number of the line."""
        try:
            text = (self._folder / "failed" / f"{name}.errors.json").read_text(encoding="utf-8")
        except FileNotFoundError:
            return {}
        return {one["record"]: one for one in json.loads(text)}

    async def _answered(self, name: str, number: int, line: Line, wrong: dict[str, Any] | None) -> None:
        """A line of which nothing is said was accepted; the status is that of a request with this outcome."""
        if wrong is None:
            self._lines.answered(line, 202, "accepted", {"file": name, "record": number})
        else:
            line.arrival = wrong.get("kept")
            line.errors = [{"pointer": one["at"], "code": one["code"]} for one in wrong["problems"]]
            self._lines.answered(line, 202 if line.arrival else 422, "kept" if line.arrival else "refused", wrong)
        if line.item.planted == "mistaken":
            place = ", ".join(one["pointer"] for one in line.errors)
            self._show.event(
                f"the records office reads beside {name}: line {number} is kept for {place}, the others went on; it corrects it"
            )
            await self._agenda.happened(SEEN)
        elif line.item.waits_for == SEEN:
            self.corrected.set()
