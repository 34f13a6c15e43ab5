"""Files, one after the other, through the door of a hub: what ``hub import`` does, and what came of it."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from rich.text import Text

from hub.cli.import_files import BadFile, Given, OpenRecords
from hub.cli.import_journal import Journal
from hub.cli.import_pace import Pace
from hub.cli.import_rows import Rows, Stopped
from hub.cli.import_shown import Shown
from hub.cli.posting import Door, NotNow, get, post_rows
from hub.cli.schema import catalog_of, find_schema
from hub.cli.shell import Shell, plural, printable
from hub.errors import NotConnected, Problem, Unauthenticated
from hub.record_files import RecordReader
from hub.translation import Schema

WORDS = ("accepted", "known", "superseded", "kept", "refused")
GRACE_SECONDS = 10.0
"""What is under way when the import is interrupted has so long; what has no answer then is sent, and known, the next time."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How the files go in: see the options of the command."""

    url: str
    key: str
    rate: float | None
    waiting: int
    folder: Path
    again: bool
    patience: float


class Total:
    """What came of all files; ``broken``: those that could not be read to their end; ``left_out``: what is no file."""

    def __init__(self) -> None:
        self.began = time.monotonic()
        self.files: list[dict[str, Any]] = []
        self.counts: Counter[str] = Counter()
        self.causes: Counter[str] = Counter()
        self.sent = 0
        self.broken = 0
        self.left_out: list[str] = []
        self.stopped: Stopped | None = None

    def add(self, name: str, counts: Mapping[str, int], causes: Mapping[str, int], **more: Any) -> None:
        """One file, as far as it came."""
        self.counts.update(counts)
        self.causes.update(causes)
        self.files.append({"file": name, "counts": {word: count for word, count in counts.items() if count}, **more})

    def document(self) -> dict[str, Any]:
        seconds = time.monotonic() - self.began
        return {
            "counts": {word: count for word, count in self.counts.items() if count}, "causes": dict(self.causes.most_common()),
            "files": self.files, "left_out": self.left_out, "rows_sent": self.sent, "seconds": round(seconds, 3),
            "rate": round(self.sent / max(0.001, seconds), 1), "stopped": self.stopped.why if self.stopped else None,
        }  # fmt: skip

    def lines(self, dry_run: bool) -> Iterator[str | Text]:
        rows = sum(self.counts[word] for word in WORDS)
        named = ", ".join(f"{word} {self.counts[word]:,}" for word in WORDS if self.counts[word] or word == "accepted")
        seconds = max(0.001, time.monotonic() - self.began)
        yield f"{rows:,} rows{' tried, nothing stored' if dry_run else ''}: {named} ({self.sent / seconds:,.0f}/s)"
        for cause, count in self.causes.most_common(20):
            yield f"  {count:,} × {printable(cause)}"
        for one in self.files:
            if one.get("error"):
                yield Text(f"  {printable(one['file'])}: {printable(one['error'])}", "bold red")
            if one.get("report"):
                yield f"  each of them, row by row: {one['report']}"
        if self.counts["observed"]:
            text = f"  {plural(self.counts['observed'], 'row is', 'rows are')} of dossiers that belong to another sender"
            yield Text(f"{text}: recorded, and not sent on. Is it the right key?", "yellow")


class Import:
    """``await run(files)``, once."""

    def __init__(self, shell: Shell, settings: Settings) -> None:
        self._shell, self._settings = shell, settings
        self._total = Total()
        self._rows: Rows | None = None
        self._given_up = asyncio.Event()
        self._sender = ""

    async def run(self, files: Sequence[tuple[Given, RecordReader]]) -> Total:
        """All files, one after the other. Raises NotFound for a schema that is not in the home, NoAddress, BadFile for one
        that another import reads or whose journal is damaged, StateNotWritten."""
        catalog, _ = catalog_of(self._shell)
        loop = asyncio.get_running_loop()
        timeout = aiohttp.ClientTimeout(total=120, connect=10)
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._interrupted)
        async with aiohttp.TCPConnector() as connector, aiohttp.ClientSession(timeout=timeout, connector=connector) as session:
            cutting_off = asyncio.create_task(self._cut_off(connector))
            pace = Pace(lambda: self._waiting(session), self._settings.waiting, self._settings.rate)
            try:
                self._sender = await self._greet(session)
            except NotConnected:
                if self._total.stopped is not None:  # interrupted before anything was sent
                    return self._total
                raise
            with Shown(self._shell, sum(given.size for given, _ in files)) as shown:
                for given, reader in files:
                    if self._total.stopped is not None:
                        break
                    await self._file(session, pace, given, reader, find_schema(catalog, reader.schema), shown)
            cutting_off.cancel()
        return self._total

    async def _cut_off(self, connector: aiohttp.BaseConnector) -> None:
        await self._given_up.wait()
        await connector.close()

    def _interrupted(self) -> None:
        """The first time what is under way may end; the second time, or when that takes too long, it is cut off."""
        if self._total.stopped is not None:
            self._given_up.set()
            return
        self._total.stopped = Stopped("interrupted", interrupted=True)
        asyncio.get_running_loop().call_later(GRACE_SECONDS, self._given_up.set)
        if self._rows is not None:
            self._rows.stop(self._total.stopped)

    async def _greet(self, session: aiohttp.ClientSession) -> str:
        """Is there a hub, and whom does it know by the key? Raises Refused, NotConnected, NoAddress."""
        try:
            status, told = await get(session, f"{self._settings.url}/v1/waiting", self._settings.key)
        except NotNow as error:
            raise NotConnected("no_hub", f"the hub at {self._settings.url} takes nothing now: {error}") from None
        if status in (401, 403):
            hint = "give a sender's key in HUB_KEY; `hub key new` makes one"
            raise Unauthenticated([Problem("", "key", str(told.get("title", "the key is not good")), hint)])
        if status != 200 or "sender" not in told:
            raise NotConnected("no_hub", f"what answers at {self._settings.url} is no hub (status {status})")
        return str(told["sender"])

    async def _waiting(self, session: aiohttp.ClientSession) -> Mapping[str, int]:
        """What waits at the endpoints, as soon as the hub says it; nothing once the import ends."""
        until, pause = time.monotonic() + self._settings.patience, 0.1
        while self._rows is not None and self._rows.stopped is None:
            try:
                _, told = await get(session, f"{self._settings.url}/v1/waiting", self._settings.key)
                return dict(told.get("endpoints", {}))
            except NotNow as error:
                pause = await self._rows.pause(error, until, pause)
        return {}

    async def _file(
        self, session: aiohttp.ClientSession, pace: Pace, given: Given, reader: RecordReader, schema: Schema, shown: Shown
    ) -> None:
        settings, total, size = self._settings, self._total, given.size
        journal = Journal(settings.folder, given, reader.schema, settings.url, self._sender, anew=settings.again)
        before, state = Counter(journal.state.counts), journal.state
        said: str | None = None
        try:
            try:
                opened = OpenRecords(given, reader)
                try:
                    if not (state.ended and state.signature == opened.signature):
                        state.ended = False
                        await self._read(session, pace, given, opened, journal, schema, shown)
                finally:
                    await asyncio.to_thread(opened.close)
            except BadFile as error:
                total.broken += 1
                said = "; ".join(f"{one.at}: {one.message}" if one.at else one.message for one in error.problems)
                for one in error.problems:
                    self._shell.note(f"    → {printable(one.hint)}")
            total.sent += sum((state.counts - before)[word] for word in WORDS)
            total.add(
                given.name, state.counts, state.causes, rows=state.number, ended=state.ended, error=said,
                report=_report(journal), bytes=size,
            )  # fmt: skip
        finally:
            journal.close()

    async def _read(
        self, session: aiohttp.ClientSession, pace: Pace, given: Given, opened: OpenRecords, journal: Journal, schema: Schema,
        shown: Shown,
    ) -> None:  # fmt: skip
        """Raises BadFile, StateNotWritten."""
        settings, total = self._settings, self._total
        done, bytes_before = sum(total.counts[word] for word in WORDS), sum(one["bytes"] for one in total.files)
        door = Door(settings.url, settings.key, opened.schema, None, settings.patience)

        def tell() -> None:
            counts = total.counts + journal.state.counts
            shown.tell(given.name, done + journal.behind, counts, bytes_before + opened.bytes, pace.waits_for)

        async def send(body: bytes) -> tuple[int, dict[str, Any]]:
            return await post_rows(session, door, body)

        self._rows = rows = Rows(opened, journal, send, pace, schema, settings.patience, tell)
        try:
            await rows.run()
        finally:
            total.stopped = total.stopped or rows.stopped
            self._rows = None


def _report(journal: Journal) -> str | None:
    return os.fspath(journal.report) if journal.state.report_bytes else None
