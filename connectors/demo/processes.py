"""Processes of the demo: the hub, the portal's simulator and single ``hub`` commands, each ended by its own id.

The demo uses the hub only as anybody can from outside: commands, HTTP and signals.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

HUB = (sys.executable, "-c", "import sys; from hub.cli.main import main; sys.exit(main())")
"""The ``hub`` command of this very installation, wherever its script may be."""
START_SECONDS = 30.0
COMMAND_SECONDS = 60.0


class DemoFailed(Exception):
    """The demo cannot go on; the text says where it stood and what to look at."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the demo's processes run: the hub home and the environment they get."""

    home: Path
    environment: Mapping[str, str]

    @property
    def hub(self) -> tuple[str, ...]:
        """The beginning of every ``hub`` command of the demo."""
        return (*HUB, "--home", str(self.home))


class Running:
    """A process that announces ``listening on URL`` and then serves until it is ended."""

    def __init__(self, name: str, process: Process, url: str) -> None:
        self.name, self.url, self._process = name, url, process

    @classmethod
    async def start(cls, name: str, command: tuple[str, ...], place: Place) -> Self:
        """Start it and wait for its announcement. Its stderr is appended to ``<name>.err`` beside the home.

        Raises DemoFailed when it ends or stays silent for ``START_SECONDS``.
        """
        errors = place.home.parent / f"{name}.err"
        with errors.open("ab") as err:
            process = await asyncio.create_subprocess_exec(
                *command, stdin=DEVNULL, stdout=PIPE, stderr=err, env=dict(place.environment), cwd=place.home
            )
        assert process.stdout is not None
        try:
            line = await asyncio.wait_for(process.stdout.readline(), START_SECONDS)
        except BaseException as error:
            await _end(process)
            if isinstance(error, TimeoutError):
                raise DemoFailed(f"{name} did not start within {START_SECONDS:g} s; see {errors}") from None
            raise
        words = line.decode().split()
        if words[:2] != ["listening", "on"]:
            await _end(process)
            raise DemoFailed(f"{name} did not start; see {errors}")
        return cls(name, process, words[-1])

    @property
    def alive(self) -> bool:
        return self._process.returncode is None

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal, by its id."""
        self._process.send_signal(number)

    async def kill(self) -> None:
        """SIGKILL: it has no moment left to do anything."""
        if self.alive:
            self._process.kill()
        await self._process.wait()

    async def end(self, seconds: float = 15.0) -> int:
        """SIGTERM, and SIGKILL when that is not heeded in time; returns its exit code."""
        return await _end(self._process, seconds)


async def _end(process: Process, seconds: float = 5.0) -> int:
    if process.returncode is None:
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), seconds)
        except TimeoutError:
            process.kill()
    return await process.wait()


async def command(place: Place, *words: str) -> str:
    """Run one ``hub`` command to its end and return what it said. Raises DemoFailed for an exit code other than 0."""
    process = await asyncio.create_subprocess_exec(
        *place.hub, *words, stdin=DEVNULL, stdout=PIPE, stderr=PIPE, env=dict(place.environment), cwd=place.home
    )
    try:
        said, complained = await asyncio.wait_for(process.communicate(), COMMAND_SECONDS)
    except BaseException as error:
        await _end(process)
        if isinstance(error, TimeoutError):
            raise DemoFailed(f"`hub {' '.join(words)}` took longer than {COMMAND_SECONDS:g} s") from None
        raise
    if process.returncode != 0:
        text = f"{said.decode(errors='replace')}{complained.decode(errors='replace')}".strip()
        raise DemoFailed(f"`hub {' '.join(words)}` ended with {process.returncode}: {text[-800:]}")
    return said.decode()


def environment(**more: str) -> dict[str, str]:
    """This process's environment without what could point a command at another home, and with what is given."""
    return {**{name: value for name, value in os.environ.items() if not name.startswith("HUB_")}, **more}
