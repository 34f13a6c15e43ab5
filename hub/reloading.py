"""Reads a changed home beside the running hub, one reload after the other, and puts each on record with who asked for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any

from hub.assembly import Assembly, examine
from hub.config import Home, HubConfig
from hub.errors import Problem, StoreUnavailable
from hub.in_effect import changed, describe, settings_of, this_process
from hub.message import Clock
from hub.observe.logging import get_logger
from hub.store.effects import named
from hub.store.port import Store

SIGNAL = "signal"

log = get_logger("hub")


@dataclass(frozen=True, slots=True)
class Read:
    """A home as it is on disk: its parts and how they are told (``hub.in_effect``), or what is wrong with it."""

    parts: Assembly | None
    problems: Sequence[Problem]
    state: dict[str, Any] = field(default_factory=dict)


class Reloading:
    """``read`` at once or ``begin`` beside the loop; ``tell`` writes the record. ``state`` is what is in effect."""

    def __init__(self, started_with: Home, store: Store, clock: Clock) -> None:
        self._home = started_with
        self._store = store
        self._clock = clock
        self._turn = asyncio.Lock()
        self._under_way: set[asyncio.Task[None]] = set()
        self._since = clock()
        self._answered: set[str] = set()
        self._one_waits = False
        self.state: dict[str, Any] = {}

    def read(self) -> Read:
        """The home as it is now. Whatever is wrong with it is a problem, never an exception."""
        try:
            parts, problems, _ = examine(self._home.folder)
            return Read(parts, problems, {} if parts is None else self.described(parts))
        except Exception as error:  # a file that nobody foresaw must not touch the hub that runs
            log.error("reload_broke", exc_info=error)
            text = f"the home cannot be read ({type(error).__name__})"
            return Read(None, [Problem("", "unreadable", text, "the log says where; `hub check` may say more")])

    def described(self, parts: Assembly) -> dict[str, Any]:
        """These parts in this hub, whose other settings are those it was started with."""
        return describe(parts, self._home.config, self._store.digest)

    def waiting_for_restart(self, config: HubConfig) -> list[str]:
        """Settings that differ from those the hub was started with, and are read at the start only."""
        return changed(settings_of(self._home.config), settings_of(config))

    def begin(self, exchange: Callable[[Read], list[Problem]]) -> None:
        """Read in a thread, then exchange in the loop; a reload asked for meanwhile comes after it, one for all who ask."""

        async def reload() -> None:
            async with self._turn:
                self._one_waits = False
                asked = await self._questions()  # before anything is read: what they asked about is on disk
                read = await asyncio.to_thread(self.read)
                problems = exchange(read)
                await self.record("reload", problems, read.parts, asked)

        if not self._one_waits:
            self._one_waits = True
            self._soon(reload())

    def tell(self, act: str, problems: Sequence[Problem]) -> None:
        """``record``, soon."""
        self._soon(self.record(act, problems))

    async def record(
        self, act: str, problems: Sequence[Problem], parts: Assembly | None = None, asked: Sequence[tuple[str, str]] = ()
    ) -> None:
        """On the record: the hub started or reloaded, or why it did not; a line for each who ``asked`` (id of his question,
        who). A store that is away does not stop it."""
        state, nobody = self.state, ("", "hub" if act == "start" else SIGNAL)
        for question, who in asked or [nobody]:
            await self._line(act, state, problems, parts, who, named(question) if question else "")

    async def _line(
        self, act: str, state: dict[str, Any], problems: Sequence[Problem], parts: Assembly | None, who: str, to: str
    ) -> None:
        try:
            if problems:
                one = problems[0]
                more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
                place = f"{one.source}: " if one.source else f"{one.at}: " if one.at else ""
                why = f"refused: {place}{one.message} [{one.code}]{more}; what ran before runs on{to}"
                await self._store.note(act, state["digest"], actor=who, why=why, now=self._clock())
                return
            waiting = [] if parts is None else self.waiting_for_restart(parts.home.config)
            why = f"ok; a restart is needed for {', '.join(waiting)}" if waiting else "ok"
            effect = {"state": state, "process": this_process()}
            await self._store.take_effect(act, effect, actor=who, why=why + to, now=self._clock())
        except StoreUnavailable as error:
            log.error("reload_not_recorded", reason=error.reason)

    async def end(self) -> None:
        """What is under way is read and recorded."""
        await asyncio.gather(*self._under_way, return_exceptions=True)

    def _soon(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _questions(self) -> list[tuple[str, str]]:
        """Id and shell's user of each who asked since the start and has no answer; nobody, where only a signal came."""
        try:
            found = [one for one in await self._store.reload_questions(self._since) if one[0] not in self._answered]
        except StoreUnavailable as error:
            log.error("reload_not_recorded", reason=error.reason)
            return []
        self._answered |= {question for question, _ in found}
        return found
