"""Copies of the portal's catalogues, so that a unit's question costs the portal nothing, and is answered while it is down.

A copy is a file: a line that says of what and when, then the envelope as it is answered. It is made when somebody asks first,
and made anew when it is ``refresh_hours`` old. What the portal refuses, or answers with nothing in it, is told and not kept;
a copy that is there stays, except that of a procedure which the portal does not know any more.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import orjson

from connectors.national_portal.exchange import Reply, is_number, is_shared
from hub.durable import write_whole
from hub.errors import DeliveryError
from hub.message import Clock
from hub.observe.logging import get_logger

log = get_logger("portal-door")
Ask = Callable[[str, Mapping[str, Any]], Awaitable[Reply]]
"""``await ask(service, keys)``: one question to the portal. Raises a DeliveryError."""

DETAIL = "LayThuTuc"
_PLAIN_CODE = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,79}")
_SUFFIX = ".copy"
_PAUSE = 60 * 1_000_000
"""Before a copy that could not be fetched anew is tried again, in microseconds."""
_GIVE_UP_AFTER = 3
"""Failures one after another: then the portal is down, and the others are not tried now."""


def is_catalogue(service: str) -> bool:
    """Whether a service is answered from copies."""
    return service == DETAIL or is_shared(service)


@dataclass(frozen=True, slots=True)
class Question:
    """What a copy is of. ``code`` is that of the procedure whose details are asked for."""

    service: str
    code: str = ""

    @property
    def keys(self) -> dict[str, str]:
        """What the portal is asked with."""
        return {"maTTHC": self.code} if self.service == DETAIL else {}

    @property
    def file(self) -> str | None:
        """Its file's name; None for a code that is none, of which no copy is made."""
        if self.service != DETAIL:
            return f"{self.service}{_SUFFIX}"
        return f"{self.service} {self.code}{_SUFFIX}" if _PLAIN_CODE.fullmatch(self.code) else None


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy, or an answer that was not kept: then ``at`` is None."""

    body: bytes
    at: int | None = None

    @property
    def last_modified(self) -> str | None:
        """When the portal said so, as HTTP writes it."""
        return format_datetime(datetime.fromtimestamp(self.at // 1_000_000, UTC), usegmt=True) if self.at is not None else None


class Catalogues:
    """``find`` gives what a unit asks for; ``refresh`` runs for as long as the hub does. ``not_found``: what the portal says
    where it does not know a procedure."""

    def __init__(self, folder: Path, refresh_hours: float, ask: Ask, clock: Clock, not_found: Sequence[str]) -> None:
        self._folder = folder
        self._age = int(refresh_hours * 3600 * 1_000_000)
        self._ask = ask
        self._clock = clock
        self._not_found = not_found
        self._fetching: dict[Question, asyncio.Task[Copy]] = {}

    async def find(self, question: Question) -> Copy:
        """The copy, else the portal's own answer. Raises a DeliveryError."""
        if question.file is not None:
            kept = await asyncio.to_thread(_read, self._folder / question.file)
            if kept is not None:
                return kept[1]
        return await asyncio.shield(self._fetched(question))

    async def refresh(self) -> None:
        """Ask anew what became old, again and again, until cancelled."""
        while True:
            try:
                seconds = await self._refreshed()
            except Exception as error:  # it must not end while the hub runs
                log.error("catalogues were not refreshed", exc_info=error)
                seconds = _PAUSE / 1_000_000
            await asyncio.sleep(seconds)

    async def close(self) -> None:
        """Let go of questions under way."""
        under_way = list(self._fetching.values())
        for fetching in under_way:
            fetching.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)

    async def _refreshed(self) -> float:
        """Fetch every copy that is old, the oldest first; the seconds until it is worth looking again."""
        now = self._clock()
        due = now + self._age
        in_a_row = 0
        for at, question in sorted(await asyncio.to_thread(_all, self._folder), key=lambda one: one[0]):
            if at + self._age > now:
                due = min(due, at + self._age)
                break
            try:
                copy = await asyncio.shield(self._fetched(question))
                in_a_row = 0
                if copy.at is None:  # there is nothing newer to be had
                    log.warning("a catalogue was not refreshed", code="refused")
                    due = min(due, now + _PAUSE)
            except DeliveryError as error:
                log.warning("a catalogue was not refreshed", code=error.code)
                in_a_row += 1
                due = min(due, now + _PAUSE)
                if in_a_row == _GIVE_UP_AFTER:
                    break
        return max(due - self._clock(), 0) / 1_000_000 + 0.01

    def _fetched(self, question: Question) -> asyncio.Task[Copy]:
        """All who ask meanwhile share one question to the portal."""
        fetching = self._fetching.get(question)
        if fetching is None:
            fetching = asyncio.create_task(self._fetch(question))
            self._fetching[question] = fetching
            fetching.add_done_callback(lambda done: self._forget(question, done))
        return fetching

    async def _fetch(self, question: Question) -> Copy:
        reply = await self._ask(question.service, question.keys)
        told = {"error_code": int(reply.code) if is_number(reply.code) else reply.code, "message": reply.message}
        body = orjson.dumps({**told, "result": list(reply.result)})
        if question.file is None:
            return Copy(body)
        path, at = self._folder / question.file, self._clock()
        head = orjson.dumps({"service": question.service, "code": question.code, "at": at})
        try:
            if reply.done and reply.result:
                await asyncio.to_thread(_write, path, head + b"\n" + body)
                return Copy(body, at)
            if question.service == DETAIL and (reply.done or reply.says(*self._not_found)):
                await asyncio.to_thread(path.unlink, missing_ok=True)  # there is no such procedure any more
        except OSError as error:
            log.error("a catalogue was not kept", exc_info=error)
        return Copy(body)

    def _forget(self, question: Question, done: asyncio.Task[Copy]) -> None:
        self._fetching.pop(question, None)
        if not done.cancelled():
            done.exception()  # whoever waits is told; perhaps nobody does any more


def _read(path: Path) -> tuple[Question, Copy] | None:
    """The copy in a file; None when it is not there, or is damaged."""
    try:
        head, _, body = path.read_bytes().partition(b"\n")
        said: Mapping[str, Any] = orjson.loads(head)
        question = Question(said["service"], said["code"])
        whole = question.file == path.name and isinstance(said["at"], int) and body.endswith(b"}")
        return (question, Copy(body, said["at"])) if whole else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _all(folder: Path) -> list[tuple[int, Question]]:
    """What there are copies of, and since when."""
    found = [_read(path) for path in folder.glob(f"*{_SUFFIX}")] if folder.is_dir() else []
    return [(copy.at or 0, question) for question, copy in filter(None, found)]


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, content)
