"""A simulated partner of the demo as a process of its own: it starts, fails and comes back, and has control paths."""

from __future__ import annotations

import sys
from typing import Any, ClassVar
from urllib.parse import urlsplit

import aiohttp

from connectors.demo.processes import DemoFailed, Place, Running


class Simulated:
    """The simulator of ``module``, with ``<name>.yaml`` and its memory, ``<name>.jsonl``, beside the home."""

    name: ClassVar[str]
    module: ClassVar[str]

    def __init__(self, place: Place, session: aiohttp.ClientSession) -> None:
        self._place, self._session = place, session
        self._process: Running | None = None
        self._port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def configure(self, text: str) -> None:
        """Before the first start: what it is told, in YAML."""
        (self._place.home.parent / f"{self.name}.yaml").write_text(text, encoding="utf-8")

    async def start(self) -> None:
        """Start it, or start it again: on the same port, with the memory it had, without its sessions."""
        folder = self._place.home.parent
        files = ("--state", str(folder / f"{self.name}.jsonl"), "--config", str(folder / f"{self.name}.yaml"))
        words = (sys.executable, "-m", self.module, "--port", str(self._port), *files)
        self._process = await Running.start(self.name, words, self._place)
        self._port = urlsplit(self._process.url).port or 0

    async def kill(self) -> None:
        """The outage begins: nothing listens any more, what was under way is cut off."""
        assert self._process is not None
        await self._process.kill()

    async def end(self) -> None:
        if self._process is not None:
            await self._process.end()

    async def control(self, method: str, path: str, body: Any = None) -> Any:
        """Call a control path. Raises DemoFailed."""
        async with self._session.request(method, f"{self.url}/_control/{path}", json=body) as response:
            if response.status >= 300:
                raise DemoFailed(f"the {self.name} answered {response.status} to {path}: {(await response.text())[:300]}")
            return await response.json()
