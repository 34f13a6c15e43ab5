"""A hub in a process of its own that a test ends with SIGKILL, and a key to send to it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from ports import free_port
from seams.processes import REPOSITORY

from hub.intake.keys import new_key
from hub.message import new_id, system_clock
from hub.store.sql import SqlStore
from ministry_portal.home import home_at, post, until

_RUN = "import sys; sys.path[:0] = {paths!r}; {first}; from hub.cli.main import main; main()"
FORGETFUL = "import ministry_portal.forgetful"
"""Python that a sabotaged hub runs first: its attempts remember no code."""


class Killable:
    """A home whose hub runs in a process of its own."""

    def __init__(self, folder: Path, url: str, first: str = "pass") -> None:
        self.port = free_port()
        self.home = home_at(folder, url, self.port)
        self._first = first
        self._key = ""
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it, and wait until it listens."""
        if not self._key:
            await self._make_key()
        paths = [str(REPOSITORY), str(REPOSITORY / "tests")]
        code = _RUN.format(paths=paths, first=self._first)
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", code, "--home", str(self.home), "run",
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL, cwd=self.home,
        )  # fmt: skip
        assert self._process.stdout is not None
        line = await asyncio.wait_for(self._process.stdout.readline(), 30)
        assert line.startswith(b"listening on"), line

    async def kill(self) -> None:
        """SIGKILL, and gone when this returns."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            await process.communicate()

    async def send(self, schema: str, body: Any) -> None:
        """Hand it a message at its door; durable on return."""
        headers = {"Authorization": f"Bearer {self._key}", "Hub-Schema": schema, "Idempotency-Key": new_id()}
        status, said = await post(self, "/v1/messages", body, **headers, **{"Content-Type": "application/json"})
        assert status == 202, said

    async def _make_key(self) -> None:
        (self.home / "var").mkdir(exist_ok=True)
        store = SqlStore(f"sqlite:///{self.home / 'var' / 'hub.db'}", system_clock)
        await store.open(exclusive=True)
        key, self._key = new_key("one-stop", ("*",), system_clock(), "sender")
        await store.add_key(key)
        await store.close()


@asynccontextmanager
async def killable(folder: Path, url: str, first: str = "pass") -> AsyncIterator[Killable]:
    it = Killable(folder, url, first)
    await it.start()
    try:
        yield it
    finally:
        await it.kill()


__all__ = ["FORGETFUL", "Killable", "killable", "until"]
