"""The files of a message are there, whole, before it is sent for the first time: fetched once, and named as the partner wants.

| the file                                        | the delivery                                                        |
|-------------------------------------------------|---------------------------------------------------------------------|
| is kept by the hub, or can be fetched           | goes, with the hub's own link or the claim in the place of the url  |
| its host does not answer, is busy or breaks off | waits as in an outage: never counted, never dead                    |
| is not there, of a wrong type, not as stated    | a dead letter that names each file; a replay looks again            |

As with look-ups, what is found out is no part of the message: its canonical body stays as it was accepted, and once the bytes
to be sent are pinned nothing is fetched any more. What was had for a message is remembered in memory, for all its deliveries;
the file is on disk, and is had anew when it does not lie there any more as it did.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass, replace
from typing import Any

import orjson

from hub.claim_check import Stored
from hub.delivery.breaker import SECOND
from hub.delivery.policy import EndpointPolicy, RoutePolicy
from hub.delivery.verifying import Admission
from hub.dossier.papers import Paper, papers, with_links
from hub.errors import Problem, Refused, StoreUnavailable
from hub.files.configured import KeptFiles, host_of
from hub.files.fetching import Unanswered
from hub.message import NATIONAL, Clock
from hub.observe import metrics
from hub.observe.logging import context, get_logger
from hub.store.port import Store
from hub.store.values import Due, Settlement

REFUSED, WAITS = "file_refused", "file_waits"
"""The codes of the two; which of the reasons it is stands with the problems, and in words."""
REMEMBERED = 20_000
BROKEN_SECONDS = 60.0
STORE_RETRY_SECONDS = 0.5

log = get_logger("delivery")


@dataclass(slots=True)
class _Host:
    """A host that did not answer: how often in a row, and until when it is left alone."""

    failures: int = 0
    until: int = 0


class Enclosing:
    """``admit`` for each that is due; ``changed`` is called when the files of one are there, or it is settled."""

    def __init__(
        self,
        endpoint: str,
        policy: EndpointPolicy,
        files: KeptFiles | None,
        store: Store,
        clock: Clock,
        changed: Callable[[], None],
        say_dead: Callable[[Due, str], None],
    ) -> None:
        self._endpoint = endpoint
        self._retry = policy.retry
        self._files = files
        self._store = store
        self._clock = clock
        self._changed = changed
        self._say_dead = say_dead
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._tries: OrderedDict[str, int] = OrderedDict()
        """How often the files of a delivery could not be had, in a row."""
        self._hosts: OrderedDict[str, _Host] = OrderedDict()
        self.most = max(2, policy.concurrency)
        """So many deliveries have their files fetched at once."""

    @property
    def under_way(self) -> Set[str]:
        """Deliveries whose files are being fetched."""
        return self._tasks.keys()

    def admit(self, due: Due, route: RoutePolicy) -> Admission:
        """``goes``: its files are there, its body names them. ``settled``: they are being fetched. ``stuck``: they will be."""
        how = route.files
        if how is None or due.request is not None:
            return "goes"
        assert self._files is not None  # `hub check` and a reload see to it
        body = orjson.loads(due.body)
        wanted = papers(body, how.of)
        there = {one.pointer: self._there(due, one) for one in wanted}
        if not all(there.values()):
            if len(self._tasks) >= self.most:
                return "stuck"
            self._begin(due, wanted)
            return "settled"
        if wanted:
            with_links(body, {at: self._files.named(one, how) for at, one in there.items() if one is not None})
            due.body = orjson.dumps(body)
        return "goes"

    async def stop(self) -> None:
        """Leave all that is being fetched: it is fetched again by the next hub."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _there(self, due: Due, paper: Paper) -> Stored | None:
        assert self._files is not None
        return self._files.had(due.message_id, paper.link, paper.stated)

    def _begin(self, due: Due, wanted: Sequence[Paper]) -> None:
        task = asyncio.create_task(self._watched(due, wanted), name=f"files:{due.delivery_id}")
        self._tasks[due.delivery_id] = task

        def ended(done: asyncio.Task[None]) -> None:
            self._tasks.pop(due.delivery_id, None)
            self._changed()
            if not done.cancelled() and done.exception() is not None:
                log.error("enclosing_broke", endpoint=self._endpoint, delivery_id=due.delivery_id, exc_info=done.exception())

        task.add_done_callback(ended)

    async def _watched(self, due: Due, wanted: Sequence[Paper]) -> None:
        with context(correlation_id=due.correlation_id, dossier=due.aliases.get(NATIONAL)):
            try:
                await self._obtain(due, wanted)
            except StoreUnavailable as error:
                metrics.store_error(error.reason)
                log.warning("store_unavailable", endpoint=self._endpoint, reason=error.reason)
                await asyncio.sleep(STORE_RETRY_SECONDS)

    async def _obtain(self, due: Due, wanted: Sequence[Paper]) -> None:
        """Have each file, or settle why not. What is wrong for good with one is found out though another one must wait."""
        problems: list[Problem] = []
        waits: Settlement | None = None
        for paper in wanted:
            try:
                if self._there(due, paper) is None:
                    await self._one(due, paper)
            except Unanswered as error:
                waits = waits or self._waits(due, f"{paper.pointer}/url: {error.reason}", error.host)
            except Refused as error:
                problems += [replace(one, at=f"{paper.pointer}/{one.at or 'url'}") for one in error.problems]
            except StoreUnavailable:
                raise
            except Exception as error:
                log.error("enclosing_broke", endpoint=self._endpoint, delivery_id=due.delivery_id, exc_info=error)
                waits = waits or self._again(due, "file_broke", type(error).__name__, self._clock() + _micros(BROKEN_SECONDS))
        if problems:
            reason = "; ".join(f"{one.at}: {one.message}" for one in problems)
            dead = Settlement(due.delivery_id, None, "dead", REFUSED, reason, problems=tuple(one.as_dict() for one in problems))
            if await self._store.settle(dead, self._clock()):
                self._say_dead(due, REFUSED)
        elif waits is not None:
            await self._store.settle(waits, self._clock())
            log.warning("files_wait", endpoint=self._endpoint, route=due.route, delivery_id=due.delivery_id, code=waits.code)
        else:
            self._tries.pop(due.delivery_id, None)

    async def _one(self, due: Due, paper: Paper) -> None:
        """Have one file. A host that did not answer is left alone for a while. Raises Refused, Unanswered, StoreUnavailable."""
        assert self._files is not None
        name = host_of(paper.link) or ""
        host = self._hosts.get(name)
        if host is not None and self._clock() < host.until:
            raise Unanswered("file_host_rests", "its host did not answer, and is asked again later", name, is_host=False)
        try:
            await self._files.obtain(due.message_id, paper.link, paper.stated)
        except Unanswered as error:
            if error.is_host:
                host = self._hosts.get(error.host) or _Host()
                host.failures += 1
                host.until = self._clock() + _micros(self._retry.wait(host.failures))
                _remember(self._hosts, error.host, host)
            raise
        self._hosts.pop(name, None)

    def _waits(self, due: Due, reason: str, host: str) -> Settlement:
        tries = self._tries.get(due.delivery_id, 0) + 1
        _remember(self._tries, due.delivery_id, tries)
        rests = self._hosts.get(host, _Host()).until
        return self._again(due, WAITS, reason, max(rests, self._clock() + _micros(self._retry.wait(tries))))

    def _again(self, due: Due, code: str, reason: str, at: int) -> Settlement:
        return Settlement(due.delivery_id, None, "again", code, reason, next_at=at)


def _remember(known: OrderedDict[Any, Any], key: Any, value: Any) -> None:
    known[key] = value
    while len(known) > REMEMBERED:
        known.popitem(last=False)


def _micros(seconds: float) -> int:
    return int(seconds * SECOND)
