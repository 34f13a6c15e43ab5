"""The one-stop shops of the demo: each dossier's records are sent in their order, again until there is an answer. Dossiers go
side by side; a record leaves only after the one before it was answered. One shop speaks REST; the older one (``soap_shop``)
sends its envelopes in the same order, at the same pace and as stubbornly.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp

from connectors.demo import soap_shop
from connectors.demo.agenda import Agenda
from connectors.demo.evidence import SENDERS_FAULT
from connectors.demo.lines import Line, Lines
from connectors.demo.script import OTHER_KEY, SCHEMA, Item

WORKERS = 16
FIRST_WAIT, LONGEST_WAIT = 0.05, 0.5
ANSWER_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Keys:
    """API keys: the sender's own, one that may send something else only, that of the older shop, and that of the unit."""

    own: str
    other: str
    older: str
    unit: str

    def of(self, item: Item) -> str:
        """The key of the shop that sends it."""
        return self.older if item.way == "soap" else self.own


class OneStop:
    """``await run()`` sends all that goes by REST and SOAP."""

    def __init__(self, agenda: Agenda, lines: Lines, url: str, keys: Keys, per_second: float) -> None:
        self._agenda, self._lines = agenda, lines
        self._url, self.keys = url, keys
        self._gap = 1 / per_second
        self._next_at = 0.0

    async def run(self) -> None:
        """Send everything. Ends only when every request has its final answer."""
        self._next_at = asyncio.get_running_loop().time()
        timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS)
        connector = aiohttp.TCPConnector(limit=WORKERS)
        async with aiohttp.ClientSession(timeout=timeout, connector=connector) as session, asyncio.TaskGroup() as workers:
            for _ in range(WORKERS):
                workers.create_task(self._work(session))

    async def _work(self, session: aiohttp.ClientSession) -> None:
        while (turn := await self._agenda.next()) is not None:
            await self._in_turn()
            await self._send(session, self._lines.begin(self._agenda.item(turn)))
            await self._agenda.answered(turn)

    async def _in_turn(self) -> None:
        """Spread the day over the demo: requests leave at most so many a second."""
        now = asyncio.get_running_loop().time()
        self._next_at = max(self._next_at + self._gap, now - 0.5)
        if self._next_at > now:
            await asyncio.sleep(self._next_at - now)

    async def _send(self, session: aiohttp.ClientSession, line: Line) -> None:
        """Send until there is a final answer; the same key each time, so that a repeat has no effect."""
        wait = FIRST_WAIT
        while True:
            status, told, repeated = await self._try(session, line.item)
            kind = "duplicate" if repeated else str(told.get("state") or told.get("type", "").rpartition(":")[2])
            final = 200 <= status < 500 or (status, kind) == (500, SENDERS_FAULT)
            self._lines.answered(line, status, kind, told)
            if final:
                line.arrival = told.get("arrival")
                line.messages = [one["id"] for one in told.get("messages", [])]
                line.errors = told.get("errors", [])
                return
            await asyncio.sleep(wait)
            wait = min(2 * wait, LONGEST_WAIT)

    async def _try(self, session: aiohttp.ClientSession, item: Item) -> tuple[int, dict[str, Any], bool]:
        """Status (0 without an answer), the answer's JSON, and whether it is the first receipt given again."""
        try:
            if item.way == "soap":
                return await soap_shop.post(session, self._url, item, self.keys.of(item))
            async with session.post(f"{self._url}/v1/messages", data=item.body, headers=self._headers(item)) as response:
                repeated = response.headers.get("Idempotency-Replayed") == "true"
                return response.status, json.loads(await response.read()), repeated
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return 0, {"type": type(error).__name__}, False

    def _headers(self, item: Item) -> Mapping[str, str]:
        headers = {"Authorization": f"Bearer {self.keys.own}", "Hub-Schema": SCHEMA, "Content-Type": "application/json"}
        if item.key:
            headers["Idempotency-Key"] = item.key
        return headers | {name: value.replace(OTHER_KEY, self.keys.other) for name, value in item.headers.items()}
