"""What must hold of a connector that answers questions, fetches tables, receives or listens."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

from hub.connector import Accepted, Confirmer, Listener, Receiver, TableSource, is_responder
from hub.errors import DeliveryError, NotFound, StoreUnavailable
from hub.message import Arrival
from hub.testing.bench import QUICK, SMALL, Bench, Subject, bench, question
from hub.testing.conformance_contract import DoesNotApply
from hub.testing.watched_calls import watched
from hub.testing.wire_faults import FAULTS, Fault

_ARRIVES_WITHIN = 3.0
_ENDS_WITHIN = 1.0
_QUIET = 0.2
_AT_ONCE = 10
_ON_THE_WAY = ("address", "connection", "silence", "answer", "account", "busy")
"""Kinds of faults that a polling connector meets; names and certificates that are wrong are wrong from the start."""


async def answers_its_questions(subject: Subject) -> list[str]:
    """What the registry knows is answered; what it does not know is None, and False where it is asked whether it is so."""
    if not is_responder(subject.kind):
        raise DoesNotApply("it answers no questions")
    specimen, found = subject.specimen, []
    if not specimen.queries or not specimen.unknown_queries:
        found.append("the specimen needs queries and unknown_queries")
    async with bench(subject) as it:
        for bodies, known in ((specimen.queries, True), (specimen.unknown_queries, False)):
            for number, body in enumerate(bodies):
                name = f"{'question' if known else 'unknown question'} {number + 1}"
                told = await watched(it.connector.request(question(subject, body)))
                if told.end != "well" or (told.value is not None) is not known:
                    found.append(f"{name}: {told.word if told.end != 'well' else 'answered wrongly'}")
                if isinstance(it.connector, Confirmer):
                    told = await watched(it.connector.confirm(question(subject, body)))
                    if told.end != "well" or told.value is not known:
                        found.append(f"{name}, confirmed: {told.word if told.end != 'well' else 'answered wrongly'}")
        if it.effects():
            found.append(f"the partner was changed {it.effects()} times by questions")
    return found


async def fetches_its_tables(subject: Subject) -> list[str]:
    """Each table it names is fetched, with the columns it names and no others; another is NotFound."""
    if not issubclass(subject.kind, TableSource) or not subject.kind.tables:
        raise DoesNotApply("it fetches no tables")
    found: list[str] = []
    async with bench(subject) as it:
        for table, columns in subject.kind.tables.items():
            told = await watched(it.connector.fetch_table(table))
            if told.end != "well":
                found.append(f"{table}: {told.word}")
            elif not all(set(row) <= set(columns) for row in told.value.values()):
                found.append(f"{table}: a row has other columns than {', '.join(columns)}")
        told = await watched(it.connector.fetch_table("no-such-table@1"))
        if not isinstance(told.error, NotFound):
            found.append(f"no-such-table@1: {told.word}")
    return found


class _Taking:
    """The hub's side of ``receive``: takes what comes, but for the first time, when its store is away."""

    def __init__(self) -> None:
        self.offered: list[tuple[str | None, bytes]] = []
        self.taken: list[tuple[str | None, bytes]] = []
        self.some = asyncio.Event()

    async def accept(self, arrival: Arrival, **more: Any) -> Accepted:
        self.offered.append((arrival.key or arrival.else_key, arrival.body))
        if len(self.offered) == 1:
            raise StoreUnavailable("disk_full")
        self.taken.append(self.offered[-1])
        self.some.set()
        return Accepted({"arrival": arrival.id, "state": "accepted"})


async def receiving_loses_nothing(subject: Subject) -> list[str]:
    """What the hub could not take comes again, under the same id."""
    async with _receiving(subject) as (it, taking, task):
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(taking.some.wait(), _ARRIVES_WITHIN)
        if not taking.offered:
            raise DoesNotApply("nothing came in: the specimen's partner has nothing for it")
        if task.done() and not task.cancelled() and not taking.taken:
            error = task.exception()
            if isinstance(error, StoreUnavailable):  # the hub starts it again, from where it was
                return await _again(it, taking)
            return [f"receive ended with {type(error).__name__ if error else 'a return'}"]
        if taking.offered[0] not in taking.taken:
            return ["what the store could not take did not come again as it was"]
    return []


async def _again(it: Bench, taking: _Taking) -> list[str]:
    task = asyncio.ensure_future(it.connector.receive(taking.accept))
    try:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(taking.some.wait(), _ARRIVES_WITHIN)
    finally:
        task.cancel()
        await asyncio.wait({task}, timeout=_ENDS_WITHIN)
    return [] if taking.offered[0] in taking.taken else ["what the store could not take did not come again as it was"]


async def receiving_outlives_faults(subject: Subject) -> list[str]:
    """Whatever goes wrong at a call to the partner, ``receive`` goes on, and what is there comes in, once and in its order."""
    if not issubclass(subject.kind, Receiver) or subject.specimen.simulator is None:
        raise DoesNotApply("it receives nothing" if not issubclass(subject.kind, Receiver) else "no HTTP")
    clean, calls = await _received(subject, None, 1)
    if not clean or not calls:
        raise DoesNotApply("nothing came in: the specimen's partner has nothing for it")
    slots = asyncio.Semaphore(_AT_ONCE)

    async def one(fault: Fault, position: int) -> str | None:
        async with slots:
            came, _ = await _received(subject, fault, position)
        where = f"{fault.name} at call {position}"
        if isinstance(came, str):
            return f"{where}: {came}"
        return None if list(dict.fromkeys(came)) == list(dict.fromkeys(clean)) else f"{where}: not all came in, in their order"

    told = await asyncio.gather(
        *(
            one(fault, at)
            for fault in FAULTS
            if fault.kind in _ON_THE_WAY and fault.name not in ("dns", "tls")
            for at in (1, 2)[:calls]
        )
    )
    return [one for one in told if one is not None]


async def _received(subject: Subject, fault: Fault | None, position: int) -> tuple[list[bytes] | str, int]:
    """The bodies that came in until nothing new came for a while, or a sentence when ``receive`` ended; number of calls."""
    limits = {**(QUICK if fault is not None and fault.slow else {}), **SMALL}
    async with bench(subject, said=" ".join(subject.specimen.personal), **limits) as it:
        assert it.proxy is not None
        if fault is not None:
            await it.proxy.plant(fault, position)
        came: list[bytes] = []

        async def accept(arrival: Arrival, **more: Any) -> Accepted:
            came.append(arrival.body)
            return Accepted({"arrival": arrival.id, "state": "accepted"})

        task = asyncio.ensure_future(it.connector.receive(accept))
        try:
            if fault is not None:
                await asyncio.wait({task, asyncio.ensure_future(it.proxy.struck.wait())}, timeout=_ARRIVES_WITHIN,
                                   return_when=asyncio.FIRST_COMPLETED)  # fmt: skip
                await asyncio.sleep(0.1)
                if fault.name in ("refused", "unauthorized"):
                    await it.proxy.withdraw()
            await _until_quiet(came, task)
            if task.done() and not task.cancelled():
                error = task.exception()
                return f"receive ended with {type(error).__name__ if error else 'a return'}", len(it.proxy.calls)
            return came, len(it.proxy.calls)
        finally:
            task.cancel()
            await asyncio.wait({task}, timeout=_ENDS_WITHIN)


async def _until_quiet(came: list[bytes], task: asyncio.Task[None]) -> None:
    """Wait for the first to come, and then until nothing new comes."""
    loop, seen = asyncio.get_running_loop(), -1
    until = loop.time() + _ARRIVES_WITHIN
    while not task.done() and loop.time() < until:
        if came and len(set(came)) == seen:
            return
        seen = len(set(came))
        await asyncio.sleep(_QUIET)


async def receiving_ends_when_cancelled(subject: Subject) -> list[str]:
    """``receive`` runs until it is cancelled, and then ends at once."""
    async with _receiving(subject) as (_, taking, task):
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(taking.some.wait(), 0.3)
        if task.done() and not task.cancelled():
            error = task.exception()
            if error is None:
                raise DoesNotApply("with the specimen's settings it receives nothing")
            if not isinstance(error, DeliveryError | StoreUnavailable):
                return [f"receive ended with {type(error).__name__}"]
        task.cancel()
        await asyncio.wait({task}, timeout=_ENDS_WITHIN)
        return [] if task.done() else ["it goes on"]


@contextlib.asynccontextmanager
async def _receiving(subject: Subject) -> AsyncIterator[tuple[Bench, _Taking, asyncio.Task[None]]]:
    if not issubclass(subject.kind, Receiver):
        raise DoesNotApply("it receives nothing")
    async with bench(subject) as it:
        taking = _Taking()
        task = asyncio.ensure_future(it.connector.receive(taking.accept))
        try:
            yield it, taking, task
        finally:
            task.cancel()
            await asyncio.wait({task}, timeout=_ENDS_WITHIN)


class _NoInlet:
    """The hub's door, at which nobody calls."""

    def visit(self, request: Any) -> Any:
        raise AssertionError("nobody calls")


async def listens_where_it_says(subject: Subject) -> list[str]:
    """``routes`` mounts just the paths that ``paths`` tells, each beginning with /."""
    if not issubclass(subject.kind, Listener):
        raise DoesNotApply("it does not listen")
    async with bench(subject) as it:
        mounted = {route.path for route in it.connector.routes(_NoInlet())}
        told = set(subject.kind.paths(it.connector.config))
    if not mounted and not told:
        raise DoesNotApply("with the specimen's settings it has no door")
    found = [f"{path} does not begin with /" for path in mounted if not path.startswith("/")]
    if mounted != told:
        found.append(f"mounted {sorted(mounted)}, told {sorted(told)}")
    return found


ROLES = (
    answers_its_questions, fetches_its_tables, receiving_loses_nothing, receiving_outlives_faults,
    receiving_ends_when_cancelled, listens_where_it_says,
)  # fmt: skip
