"""The one-stop shops of the demo: each dossier's records are sent in their order, again until there is an answer, and what
was sent and told is written down. Dossiers go side by side; a record leaves only after the one before it was answered. One
shop speaks REST; the older one (``soap_shop``) sends its envelopes in the same order, at the same pace and as stubbornly.
"""

from __future__ import annotations

import asyncio
import heapq
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO

import aiohttp

from connectors.demo import soap_shop
from connectors.demo.evidence import SENDERS_FAULT, Sent
from connectors.demo.script import OTHER_KEY, SCHEMA, Item, Script

WORKERS = 16
FIRST_WAIT, LONGEST_WAIT = 0.05, 0.5
ANSWER_SECONDS = 10.0


@dataclass(slots=True)
class Line:
    """One request and all that came of it, as the senders' record keeps it."""

    n: int
    item: Item
    answers: list[tuple[int, str]] = field(default_factory=list)
    arrival: str | None = None
    messages: list[str] = field(default_factory=list)
    errors: list[dict[str, str]] = field(default_factory=list)

    @property
    def status(self) -> int:
        return self.answers[-1][0] if self.answers else 0

    def sent(self) -> Sent:
        """The line as the checker takes it."""
        one = self.item
        return Sent(self.n, one.code, one.reference_uid, one.record, one.key or "", one.planted, self.answers, one.part)

    def refused_as_planned(self) -> bool:
        """Whether a wrong request got the answer it must get, and was told which field is wrong."""
        places = [one.get("pointer", one.get("header", "")) for one in self.errors]
        return self.status == self.item.status and (self.item.names is None or self.item.names in places)


@dataclass(frozen=True, slots=True)
class Keys:
    """API keys: the sender's own, one that may send something else only, and that of the older shop."""

    own: str
    other: str
    older: str

    def of(self, item: Item) -> str:
        """The key of the shop that sends it."""
        return self.own if item.part == "both" else self.older


class OneStop:
    """``await run()`` sends the whole script; what it waits for is opened by ``happened``."""

    def __init__(self, script: Script, url: str, keys: Keys, record: Path, per_second: float) -> None:
        self._lives = [list(life) for life in script.lives]
        self._total = script.total
        self._url, self.keys, self._record = url, keys, record
        self._gap = 1 / per_second
        self._ready: list[tuple[datetime, int, int]] = []
        self._waiting: dict[str, list[tuple[datetime, int, int]]] = {}
        self._happened: set[str] = set()
        self._changed = asyncio.Condition()
        self._next_at = 0.0
        self._begun = self._under_way = 0
        self._allowed = self._total
        self.lines: list[Line] = []
        self.answered = self.tries_without_answer = 0

    @property
    def share(self) -> float:
        """How much of the script is answered, 0 to 1."""
        return self.answered / self._total

    async def may_send(self, share: float) -> None:
        """Send no more than this share of the script for now, so that what happens at the portal and to the hub happens
        in the middle of it, however slow the machine is."""
        async with self._changed:
            self._allowed = round(share * self._total)
            self._changed.notify_all()

    async def happened(self, what: str) -> None:
        """What some requests waited for is so now."""
        async with self._changed:
            self._happened.add(what)
            for entry in self._waiting.pop(what, []):
                heapq.heappush(self._ready, entry)
            self._changed.notify_all()

    async def reached(self, share: float) -> None:
        """Return when that share of the script is answered."""
        async with self._changed:
            await self._changed.wait_for(lambda: self.share >= share)

    async def all_but(self, what: str) -> None:
        """Return when everything is answered but what waits for ``what``."""
        async with self._changed:
            await self._changed.wait_for(
                lambda: not (self._ready or self._under_way or self._waiting.keys() - {what}) and self.answered > 0
            )

    async def run(self) -> None:
        """Send everything. Ends only when every request has its final answer."""
        for number in range(len(self._lives)):
            self._queue(number, 0)
        self._next_at = asyncio.get_running_loop().time()
        timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS)
        connector = aiohttp.TCPConnector(limit=WORKERS)
        with self._record.open("a", encoding="utf-8") as file:
            async with aiohttp.ClientSession(timeout=timeout, connector=connector) as session, asyncio.TaskGroup() as workers:
                for _ in range(WORKERS):
                    workers.create_task(self._work(session, file))

    def _queue(self, life: int, place: int) -> None:
        if place >= len(self._lives[life]):
            return
        item = self._lives[life][place]
        entry = (item.due, life, place)
        if item.waits_for and item.waits_for not in self._happened:
            self._waiting.setdefault(item.waits_for, []).append(entry)
        else:
            heapq.heappush(self._ready, entry)

    async def _work(self, session: aiohttp.ClientSession, file: TextIO) -> None:
        while True:
            async with self._changed:
                await self._changed.wait_for(
                    lambda: self._begun < self._allowed if self._ready else not (self._waiting or self._under_way)
                )
                if not self._ready:
                    self._changed.notify_all()
                    return
                _, life, place = heapq.heappop(self._ready)
                self._under_way += 1
                self._begun += 1
            await self._in_turn()
            line = Line(len(self.lines) + 1, self._lives[life][place])
            self.lines.append(line)
            await self._send(session, line, file)
            async with self._changed:
                self._under_way -= 1
                self.answered += 1
                self._queue(life, place + 1)
                self._changed.notify_all()

    async def _in_turn(self) -> None:
        """Spread the day over the demo: requests leave at most so many a second."""
        now = asyncio.get_running_loop().time()
        self._next_at = max(self._next_at + self._gap, now - 0.5)
        if self._next_at > now:
            await asyncio.sleep(self._next_at - now)

    async def _send(self, session: aiohttp.ClientSession, line: Line, file: TextIO) -> None:
        """Send until there is a final answer; the same key each time, so that a repeat has no effect."""
        item, wait = line.item, FIRST_WAIT
        body = item.body.decode(errors="backslashreplace")
        _write(file, {"n": line.n, "code": item.code, "planted": item.planted, "key": item.key, "body": body})
        while True:
            status, told, repeated = await self._try(session, item)
            kind = "duplicate" if repeated else str(told.get("state") or told.get("type", "").rpartition(":")[2])
            final = 200 <= status < 500 or (status, kind) == (500, SENDERS_FAULT)
            line.answers.append((status, kind))
            _write(file, {"n": line.n, "try": len(line.answers), "status": status, "answer": kind, "told": told})
            if final:
                line.arrival = told.get("arrival")
                line.messages = [one["id"] for one in told.get("messages", [])]
                line.errors = told.get("errors", [])
                return
            self.tries_without_answer += 1
            await asyncio.sleep(wait)
            wait = min(2 * wait, LONGEST_WAIT)

    async def _try(self, session: aiohttp.ClientSession, item: Item) -> tuple[int, dict[str, Any], bool]:
        """Status (0 without an answer), the answer's JSON, and whether it is the first receipt given again."""
        try:
            if item.part != "both":
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


def _write(file: TextIO, entry: Mapping[str, Any]) -> None:
    file.write(json.dumps(entry, ensure_ascii=False) + "\n")
    file.flush()


def by_message(lines: Sequence[Line]) -> dict[str, Line]:
    """Which request each of the hub's messages came from, as far as receipts told."""
    return {message: line for line in lines for message in line.messages}
