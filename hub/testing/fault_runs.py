"""Plays every fault at every call of every sample and question, then what the engine would do next; gives the facts."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any, Literal

from hub.connector import Finder, Found, Receipt
from hub.message import Message
from hub.testing.bench import SMALL, Bench, BenchAttempt, Subject, bad_address, bench, question, quick
from hub.testing.fault_proxy import ELSEWHERE
from hub.testing.faults import FaultRule
from hub.testing.watched_calls import Told, unlike, watched
from hub.testing.wire_faults import FAULTS, Fault

_AT_ONCE = 10
_STEPS = 6
_NEXT_SECOND = 1.05
_DAY = 86_400_000_000
Ending = Literal["delivered", "refused", "never"]


@dataclass(frozen=True, slots=True)
class Clean:
    """How one sample or question goes when nothing goes wrong: its calls (True: with effect), and what came back."""

    what: str
    number: int
    asks: bool
    calls: tuple[bool, ...] = ()
    told: Told | None = None
    again: Told | None = None
    """The same question once more: what differs in two answers, such as their time, is not looked at."""

    @property
    def effects(self) -> int:
        return sum(self.calls)


@dataclass(slots=True)
class Case:
    """One fault at one call: what the connector said, and what was so."""

    fault: Fault
    clean: Clean
    position: int
    told: Told
    struck: bool = False
    effect: bool = False
    """The call that was struck changed something at the partner."""
    effects: int = 0
    """Changes there when the attempt had ended."""
    after: int = 0
    """Calls of the same attempt behind the struck one."""
    method: str = ""
    """HTTP method of the struck call."""
    drained: bool = False
    """An answer without an end was read to the last byte that was told."""
    followed: bool = False
    """A redirect was followed."""
    ending: Ending = "never"
    total: int = 0
    """Changes there in the end."""
    guessed: bool = False
    """The engine had to send again without an answer to whether it was there."""
    steps: list[str] = field(default_factory=list)

    @property
    def where(self) -> str:
        """``reset_after at call 3 of 3 of npsp-dossier@1.0.0``."""
        return f"{self.fault.name} at call {self.position} of {len(self.clean.calls)} of {self.clean.what}"


async def clean_runs(subject: Subject) -> list[Clean]:
    """Every sample, one after the other, and every question, with nothing in the way."""
    found: list[Clean] = []
    specimen = subject.specimen
    async with bench(subject) as it:
        for number, sample in enumerate(specimen.samples):
            told, calls = await _counted(it, _send(it, it.message(sample)))
            found.append(Clean(f"{sample.schema} (sample {number + 1})", number, False, calls, told))
    for number, body in enumerate(specimen.queries):
        async with bench(subject) as it:
            told, calls = await _counted(it, it.connector.request(question(subject, body)))
            await asyncio.sleep(_NEXT_SECOND)  # a time in the answer is another then
            again = await watched(it.connector.request(question(subject, body)))
            found.append(Clean(f"question {number + 1}", number, True, calls, told, again))
    return found


async def _counted(it: Bench, call: Awaitable[Any]) -> tuple[Told, tuple[bool, ...]]:
    before = len(it.proxy.calls) if it.proxy else 0
    told = await watched(call)
    return told, tuple(one.effect for one in it.proxy.calls[before:]) if it.proxy else ()


async def _send(it: Bench, message: Message) -> Receipt:
    """A send of which the bench keeps that it went well."""
    receipt: Receipt = await it.connector.send(message, it.attempt(message))
    it.delivered(message, receipt.ids)
    return receipt


async def fault_runs(subject: Subject, clean: Sequence[Clean], said: str) -> list[Case]:
    """Every fault at every call of what goes well without it; or each at two of them, others from fault to fault."""
    slots = asyncio.Semaphore(_AT_ONCE)

    async def one(fault: Fault, run: Clean, position: int) -> Case:
        async with slots:
            return await _case(subject, fault, run, position, said)

    well = [run for run in clean if run.told is not None and run.told.end == "well"]
    wanted = []
    for number, fault in enumerate(FAULTS):
        at = [
            (run, position)
            for run in well
            for position in range(1, len(run.calls) + 1)
            if position == 1 or fault.name not in ("dns", "tls", "clock_skew")
        ]
        chosen = at if subject.everywhere else [one for place, one in enumerate(at) if place in (number % len(at), len(at) - 1)]
        wanted += [one(fault, run, position) for run, position in chosen]
    return list(await asyncio.gather(*wanted))


async def _case(subject: Subject, fault: Fault, run: Clean, position: int, said: str) -> Case:
    taken = run.told.seconds if run.told is not None else 0.0
    limits: dict[str, Any] = {**(quick(taken) if fault.slow else {}), **(SMALL if fault.name == "huge_answer" else {})}
    async with bench(subject, said=said, **limits) as it, AsyncExitStack() as stack:
        assert it.proxy is not None and it.partner is not None
        case = Case(fault, run, position, Told("well"))
        for sample in () if run.asks else subject.specimen.samples[: run.number]:
            if (await watched(_send(it, it.message(sample)))).end != "well":
                return case  # not struck: what comes before it did not go as without a fault
        before = it.effects()
        if fault.name in ("dns", "tls"):
            where = await stack.enter_async_context(bad_address(fault.name, subject, it.proxy.port))
            case.told = await watched(it.reach(where, **limits))
            if case.told.end != "well":  # it cannot even be opened, which a check of its own says
                return case
        await _set(it, fault, position, said)
        seen = len(it.proxy.calls)
        message, attempt = _what(it, subject, run)
        case.told = await watched(
            _call(it, run, message, attempt), cancel_at=it.proxy.struck if fault.kind == "cancel" else None
        )
        await _facts(it, case, seen, before)
        await _unset(it, fault, limits)
        if not run.asks:
            await _play_on(it, case, message, attempt)
        case.total = it.effects() - before
        return case


def _what(it: Bench, subject: Subject, run: Clean) -> tuple[Message, BenchAttempt]:
    specimen = subject.specimen
    message = question(subject, specimen.queries[run.number]) if run.asks else it.message(specimen.samples[run.number])
    return message, it.attempt(message)


def _call(it: Bench, run: Clean, message: Message, attempt: BenchAttempt) -> Awaitable[Any]:
    call: Callable[..., Awaitable[Any]] = it.connector.request if run.asks else it.connector.send
    return call(message) if run.asks else call(message, attempt)


async def _set(it: Bench, fault: Fault, position: int, said: str) -> None:
    assert it.proxy is not None and it.partner is not None
    if fault.name == "clock_skew":
        it.skew = _DAY
    elif fault.name == "business_error":
        rule = FaultRule(fault="refuse", after=position - 1, message=said or None)
        it.partner.simulator.faults.rules.plant(rule)
    elif fault.name not in ("dns", "tls"):
        await it.proxy.plant(fault, position)


async def _unset(it: Bench, fault: Fault, limits: dict[str, Any]) -> None:
    assert it.proxy is not None and it.partner is not None
    it.skew = 0
    it.partner.simulator.faults.rules.withdraw()
    await it.proxy.withdraw()
    if limits or fault.name in ("dns", "tls"):
        await it.reach()  # what comes next has the time that it takes


async def _facts(it: Bench, case: Case, seen: int, before: int) -> None:
    assert it.proxy is not None and it.partner is not None
    await it.proxy.idle()  # what was under way at the partner takes place
    passed = it.proxy.calls[seen:]
    case.struck = it.proxy.struck.is_set() or case.fault.name in ("dns", "tls", "clock_skew")
    if case.fault.name == "business_error":
        case.struck = any(rule["struck"] for rule in it.partner.simulator.faults.rules.as_list())
    case.effect = any(one.effect for one in passed if one.struck)
    case.effects = it.effects() - before
    case.after = max(0, len(passed) - (case.position if case.fault.kind != "address" else case.position - 1))
    case.method = next((one.method for one in passed if one.struck), "")
    case.drained = any(one.drained for one in passed)
    case.followed = any(ELSEWHERE in one.target for one in passed)


async def _play_on(it: Bench, case: Case, message: Message, attempt: BenchAttempt) -> None:
    """What the engine does until the message is at its end: wait, ask, send again (``hub/delivery/calls.py``)."""
    told = case.told
    for _ in range(_STEPS):
        case.steps.append(told.word)
        if told.end == "well":
            it.delivered(message, told.value.ids if isinstance(told.value, Receipt) else {})
            case.ending = "delivered"
            return
        if told.end == "rejected":
            case.ending = "refused"
            return
        doubt = told.end not in ("transient", "not_connected")
        if doubt:
            asked = await _ask(it, case, message, attempt)
            if asked == "delivered":
                case.ending = "delivered"
                return
            if asked == "later":
                continue
            doubt = asked != "not_called"
        attempt = attempt.next(may_update=doubt)
        told = await watched(it.connector.send(message, attempt))


async def _ask(it: Bench, case: Case, message: Message, attempt: BenchAttempt) -> str:
    """``find`` about the attempt in doubt: delivered, again, not_called or later."""
    if not isinstance(it.connector, Finder):
        case.guessed = True
        return "again"
    found = unlike(await watched(it.connector.find(message, attempt)), Found, type(None))
    case.steps.append(f"asked: {found.word if found.end != 'well' else _holds(found.value)}")
    if found.end != "well":
        return "later"
    if found.value is not None and found.value.holds:
        return "delivered"
    if found.value is not None and not found.value.called:
        return "not_called"
    case.guessed = case.guessed or (found.value is not None and found.value.holds is None)
    return "again"


def _holds(found: Any) -> str:
    if found is None:
        return "not there"
    return {True: "there", False: "not there", None: "cannot tell"}[found.holds]
