"""What must hold of a connector that brings messages in by itself: nothing lost, nothing twice, in order, whatever goes wrong.

What came in is judged by what a real store has in the end (``hub_side``), never by what the connector was asked for.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from hub.connector import Accepted, Receiver
from hub.errors import Broke, Problem, Refused, SchemaInvalid, UnknownSchema
from hub.message import Arrival
from hub.testing.bench import SMALL, Subject, quick
from hub.testing.conformance_contract import DoesNotApply
from hub.testing.hub_side import Moment
from hub.testing.receiving_rounds import ENDS_WITHIN, QUIET, CleanRound, a_round, clean_round
from hub.testing.wire_faults import FAULTS, Fault

_AT_ONCE = 10
_ON_THE_WAY = ("address", "connection", "silence", "answer", "account", "busy")
"""Kinds of faults that a polling connector meets; names and certificates that are wrong are wrong from the start."""
_LASTING = ("refused", "unauthorized")
"""Faults that stay until they are taken back."""


async def receives_what_is_there(subject: Subject) -> list[str]:
    """What the partner has for the hub comes in, each once, under a schema that is known; a cursor comes under the endpoint's
    own name, else it is kept for nobody."""
    if not issubclass(subject.kind, Receiver):
        raise DoesNotApply("it receives nothing")
    many = subject.specimen.arrivals
    async with a_round(subject) as one:
        refused: list[str] = []
        nobodys: list[str] = []

        async def accept(arrival: Arrival, **more: Any) -> Accepted:
            if more.get("cursor") is not None and arrival.origin != subject.name:
                nobodys[:] = ["a cursor is given with an arrival whose origin is not the endpoint: nobody gets it back"]
            try:
                return await one.hub.accept(arrival, **more)
            except SchemaInvalid as error:
                refused.extend(f"{arrival.schema}: {problem.at} {problem.code}" for problem in error.problems)
                raise

        one.begin(accept)
        if not many:
            await one.until(lambda: bool(one.bodies), QUIET)
            if one.bodies:
                return ["something comes in, and the specimen does not say how much (arrivals)"]
            raise DoesNotApply("nothing comes in: the specimen says of no arrivals")
        await one.until(lambda: len(one.bodies) >= many)
        await one.another_round()
        if len(one.bodies) == many:
            return ["something is there twice"] if len(set(one.bodies)) < many else nobodys
        return refused or [one.ended() or f"{len(one.bodies)} came in, the specimen says {many}"]


async def receiving_loses_nothing(subject: Subject) -> list[str]:
    """What the hub could not take comes again: the store is away at the start, and at each message in turn; the schema of the
    last one is unknown for a while."""
    clean = await clean_round(subject)

    async def at(number: int) -> str | None:
        async with a_round(subject) as one:
            tries = 0

            async def around(when: Moment, _: Arrival) -> None:
                nonlocal tries
                if when == "before":
                    tries += 1
                    one.hub.store.away = "full" if tries == number else ""

            one.hub.store.around = around
            one.begin()
            await one.until(lambda: set(one.bodies) >= set(clean.bodies))
            await one.another_round()
            return one.wrong(clean.bodies)

    async def start() -> str | None:
        async with a_round(subject) as one:
            one.hub.store.away = "gone"
            one.begin()
            await one.until(lambda: False, QUIET)  # some tries that fail
            one.hub.store.away = ""
            await one.until(lambda: set(one.bodies) >= set(clean.bodies))
            return one.ended() or one.wrong(clean.bodies)

    async def unknown() -> str | None:
        last = clean.bodies[-1]
        async with a_round(subject) as one:
            offered = 0

            async def accept(arrival: Arrival, **more: Any) -> Accepted:
                nonlocal offered
                offered += arrival.body == last
                if offered == 1:
                    raise UnknownSchema([Problem("/on-the-bench", "unknown", "unknown on the bench")])
                return await one.hub.accept(arrival, **more)

            one.begin(accept)
            await one.until(lambda: set(one.bodies) >= set(clean.bodies))
            return one.ended() or one.wrong(clean.bodies)

    lost = await _each(clean, "the store was away at", at)
    for what, play in (
        ("the store was away at the start", start),
        ("the schema of the last message was unknown for a while", unknown),
    ):
        if why := await play():
            lost.append(f"{what}: {why}")
    return lost


async def receiving_goes_on_behind_what_is_refused(subject: Subject) -> list[str]:
    """What the hub refuses holds nobody up: all else comes in, it is not offered for ever, and that it is not there is said. So
    it is with one at which the hub itself breaks; that one may be offered until the hub is mended."""
    clean = await clean_round(subject)

    async def at(number: int, refusal: type[Refused] = SchemaInvalid) -> str | None:
        bad = clean.bodies[number - 1]
        others = [body for body in clean.bodies if body != bad]
        async with a_round(subject) as one:
            offered, warned = 0, subject.warned()

            async def accept(arrival: Arrival, **more: Any) -> Accepted:
                nonlocal offered
                if arrival.body == bad:
                    offered += 1
                    raise refusal([Problem("/on-the-bench", "missing", "refused on the bench")])
                return await one.hub.accept(arrival, **more)

            one.begin(accept)
            await one.until(lambda: bool(offered) and set(one.bodies) >= set(others))
            why = one.ended() or one.wrong(others)
            for _ in range(2):
                await one.another_round()
            before = offered
            for _ in range(3):
                await one.another_round()
            if why is None and offered > before + 1 and refusal is not Broke:
                return "it is offered again and again"
            if why is None and subject.warned() == warned:
                return "nothing is said of it in the log (warning or error)"
            return why

    held_up = await _each(clean, "the hub refused", at, at_once=1)
    if not held_up and (why := await at(1, Broke)) is not None:
        return [f"the hub broke on message 1 of {len(clean.bodies)}: {why}"]
    return held_up


async def receiving_outlives_a_crash(subject: Subject) -> list[str]:
    """Whoever dies while a message is taken, before it is stored or just after, has it once when it is started again."""
    clean = await clean_round(subject)
    before = await _each(clean, "it died before this was stored:", lambda at: _crashed(subject, clean.bodies, at, "before"))
    after = await _each(clean, "it died when this was just stored:", lambda at: _crashed(subject, clean.bodies, at, "after"))
    return before + after


async def _each(
    clean: CleanRound, what: str, play: Callable[[int], Awaitable[str | None]], at_once: int = _AT_ONCE
) -> list[str]:
    """What goes wrong when something is played at each message of a round in turn."""
    slots = asyncio.Semaphore(at_once)
    many = len(clean.bodies)

    async def one(number: int) -> str | None:
        async with slots:
            why = await play(number)
        return f"{what} message {number} of {many}: {why}" if why else None

    return [why for why in await asyncio.gather(*(one(number) for number in range(1, many + 1))) if why is not None]


async def _crashed(subject: Subject, clean: list[bytes], number: int, moment: Moment) -> str | None:
    async with a_round(subject) as one:
        tries, there, never = 0, asyncio.Event(), asyncio.Event()

        async def around(when: Moment, _: Arrival) -> None:
            nonlocal tries
            tries += when == moment
            if when == moment and tries == number:
                there.set()
                await never.wait()

        one.hub.store.around = around
        one.begin()
        if not await one.until(there.is_set):
            return one.ended() or "it was never offered"
        with tempfile.TemporaryDirectory(dir=subject.folder) as kept:
            on_disk = Path(kept) / "as-it-was"  # what a process that dies now leaves; what it does when it ends is not done
            shutil.copytree(one.it.folder, on_disk, ignore=shutil.ignore_patterns("partner"))
            one.hub.store.around = None
            await one.end()
            await one.it.leave()
            _put_back(on_disk, one.it.folder)
            await one.it.reach()
        one.begin()
        await one.until(lambda: set(one.bodies) >= set(clean))
        await one.another_round()
        return one.wrong(clean)


def _put_back(kept: Path, folder: Path) -> None:
    for path in folder.iterdir():
        if path.name != "partner":
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    shutil.copytree(kept, folder, dirs_exist_ok=True)


async def receiving_outlives_faults(subject: Subject) -> list[str]:
    """Whatever goes wrong at any call of a round, ``receive`` goes on, and what is there comes in, once and in its order."""
    if issubclass(subject.kind, Receiver) and subject.specimen.simulator is None:
        raise DoesNotApply("no HTTP")
    clean = await clean_round(subject)
    slots = asyncio.Semaphore(_AT_ONCE)

    async def one(fault: Fault, position: int) -> str | None:
        async with slots:
            why = await _faulty(subject, clean, fault, position)
        return f"{fault.name} at call {position} of {clean.calls}: {why}" if why else None

    faults = [fault for fault in FAULTS if fault.kind in _ON_THE_WAY and fault.name not in ("dns", "tls")]
    places = [
        (fault, at)
        for number, fault in enumerate(faults)
        for at in range(1, clean.calls + 1)
        if subject.everywhere or at == 1 + number % clean.calls
    ]
    return [why for why in await asyncio.gather(*(one(fault, at) for fault, at in places)) if why is not None]


async def _faulty(subject: Subject, clean: CleanRound, fault: Fault, position: int) -> str | None:
    limits: dict[str, Any] = {**(quick(clean.seconds) if fault.slow else {}), **SMALL}
    async with a_round(subject, said=" ".join(subject.specimen.personal), **limits) as one:
        proxy = one.it.proxy
        assert proxy is not None
        await proxy.plant(fault, position)
        one.begin()
        struck = await one.until(proxy.struck.is_set)
        if fault.name in _LASTING:
            await one.until(lambda: False, QUIET)  # some tries that fail
            await proxy.withdraw()
        if not struck:
            return one.ended() or "that call was never made"
        await one.until(lambda: set(one.bodies) >= set(clean.bodies))
        await one.another_round()
        return one.ended() or one.wrong(clean.bodies)


async def receiving_ends_when_cancelled(subject: Subject) -> list[str]:
    """``receive`` runs until it is cancelled, and then ends at once."""
    if not issubclass(subject.kind, Receiver):
        raise DoesNotApply("it receives nothing")
    async with a_round(subject) as one:
        one.begin()
        await one.until(lambda: bool(one.bodies), 0.3)
        assert one.task is not None
        if (how := one.ended()) is not None:
            if how.endswith("a return"):
                raise DoesNotApply("with the specimen's settings it receives nothing")
            return [how]
        one.task.cancel()
        await asyncio.wait({one.task}, timeout=ENDS_WITHIN + 1)
        if not one.task.done():
            return ["it goes on"]
        return [how] if (how := one.held_up()) is not None else []


RECEIVING = (
    receives_what_is_there, receiving_loses_nothing, receiving_goes_on_behind_what_is_refused, receiving_outlives_a_crash,
    receiving_outlives_faults, receiving_ends_when_cancelled,
)  # fmt: skip
