"""Plays every fault of a caller at a listener's door, on the hub's real server and store; gives the facts."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from hub.connector import Listener
from hub.intake.body import BodyLimits
from hub.intake.keys import PREFIX
from hub.message import Arrival
from hub.testing.bench import Subject, bench
from hub.testing.caller_faults import CALLER_FAULTS, Call, CallerFault, as_bytes
from hub.testing.hub_side import HubSide, Moment, hub_side
from hub.testing.raw_http import read_message
from hub.testing.specimen import Push

_LARGEST = 128 * 1024
_SECONDS, _FEW_SECONDS = 60.0, 0.4
"""What the hub waits for a body; few where the caller is slow on purpose."""
_DRIP_SECONDS = 0.05
ANSWERS_WITHIN = 60.0
"""Seconds after which a caller goes away without an answer."""
_AT_ONCE = 4
_FLOOD = b"10000\r\n" + b" " * 65536 + b"\r\n"


@dataclass(frozen=True, slots=True)
class Heard:
    """An answer, and whether it says that the message was taken."""

    status: int
    body: bytes
    taken: bool


@dataclass(slots=True)
class CallerCase:
    """One fault with one push: the answers (None: none came), and what was so."""

    fault: CallerFault
    push: Push
    number: int
    heard: list[Heard | None] = field(default_factory=list)
    stored: int = 0
    """So many messages were new in the store, after the call that went wrong."""
    total: int = 0
    """… and in the end, when it was said again."""
    wanted: int = 0
    """So many the push is, when nothing goes wrong."""
    held: int = 0
    """Requests for which the hub still holds a place when all is over."""
    seconds: float = 0.0
    receipts: frozenset[str] = frozenset()
    secrets: set[str] = field(default_factory=set, repr=False)
    """Keys and sessions that were shown at the door."""

    @property
    def where(self) -> str:
        """``called_in_half, push 1``."""
        return f"{self.fault.name}, push {self.number}"

    @property
    def words(self) -> list[str]:
        """What was answered, for the report."""
        return [
            f"{one.status} {'taken' if one.taken else 'not taken'}" if one is not None else "no answer" for one in self.heard
        ]


async def caller_runs(subject: Subject) -> list[CallerCase]:
    """Every fault with every push of the specimen, or with one of them in turn; none where the connector does not listen."""
    if not issubclass(subject.kind, Listener):
        return []
    slots = asyncio.Semaphore(_AT_ONCE)

    async def one(fault: CallerFault, push: Push, number: int, wanted: int) -> CallerCase:
        async with slots:
            case = CallerCase(fault, push, number, wanted=wanted)
            limits = BodyLimits(_LARGEST, _FEW_SECONDS if fault.kind == "slow" else _SECONDS)
            async with _door(subject, limits) as (hub, port):
                await _played(case, hub, port)
            return case

    cases: list[CallerCase] = []
    first, *others = CALLER_FAULTS
    pushes = subject.specimen.pushes
    for number, push in enumerate(pushes):
        well = await one(first, push, number + 1, 0)
        well.wanted = well.stored
        cases.append(well)
        if _went_well(well):
            mine = [fault for at, fault in enumerate(others) if subject.everywhere or at % len(pushes) == number]
            mine = [fault for fault in mine if fault.kind != "part" or as_bytes(push.body("")).lstrip().startswith(b"[")]
            cases += await asyncio.gather(*(one(fault, push, number + 1, well.stored) for fault in mine))
    return cases


def _went_well(case: CallerCase) -> bool:
    return bool(case.stored) and all(one is not None and one.taken for one in case.heard)


@contextlib.asynccontextmanager
async def _door(subject: Subject, limits: BodyLimits) -> AsyncIterator[tuple[HubSide, int]]:
    async with bench(subject) as it, AsyncExitStack() as stack:
        apart = stack.enter_context(tempfile.TemporaryDirectory(dir=subject.folder, ignore_cleanup_errors=True))
        hub = await stack.enter_async_context(hub_side(Path(apart)))
        yield hub, await stack.enter_async_context(hub.serve(it.connector, limits))


async def _played(case: CallerCase, hub: HubSide, port: int) -> None:
    push, fault, store = case.push, case.fault, hub.store
    began = time.monotonic()
    key = await hub.key(push.sender)
    shown = {"partner": key, "nobody": "", "unknown": f"{PREFIX}{'A' * 43}"}.get(fault.who)
    call = await _call(case, port, await hub.key(push.sender, "no-such-schema") if shown is None else shown)
    if fault.name == "called_while_gone":  # a key that nobody has just asked by: what is remembered of it ends
        store.away = "gone"
    elif fault.name == "called_while_full":
        store.away = "full"
    elif fault.name == "called_while_filling":

        async def around(when: Moment, _: Arrival) -> None:
            if when == "before" and len(store.taken) >= case.wanted - 1:
                store.away = "full"

        store.around = around
    if fault.name.startswith("called_and_gone"):
        await _gone(case, hub, port, call)
    elif fault.name == "called_at_once":
        case.heard += await asyncio.gather(*(_said(port, fault.made(call), push) for _ in range(2)))
    else:
        case.heard.append(await _said(port, fault.made(call), push))
    case.stored = len(store.taken)
    if fault.kind in ("away", "again"):
        store.away, store.around = "", None
        case.heard.append(await _said(port, await _call(case, port, key), push))
    case.total = len(store.taken)
    case.receipts = frozenset(store.receipts)
    case.seconds = time.monotonic() - began
    await _until(lambda: not hub.gate.requests)
    case.held = hub.gate.requests


async def _gone(case: CallerCase, hub: HubSide, port: int, call: Call) -> None:
    """The caller resets the connection while its message is being stored, or has just been."""
    moment: Moment = "before" if case.fault.name.endswith("before") else "after"
    there, on = asyncio.Event(), asyncio.Event()

    async def around(when: Moment, _: Arrival) -> None:
        if when == moment and not there.is_set():
            there.set()
            await on.wait()

    hub.store.around = around
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(call.head() + call.body)
    await writer.drain()
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(there.wait(), ANSWERS_WITHIN)
    _reset(writer)
    await asyncio.sleep(0.02)  # so that the hub sees it
    on.set()
    hub.store.around = None
    await _until(lambda: not hub.gate.requests)


async def _call(case: CallerCase, port: int, key: str) -> Call:
    """The push as a call, signed in where the partner does that first."""
    push, shown = case.push, key
    if push.sign_in is not None:
        asked = Call(push.sign_in.path, as_bytes(push.sign_in.body(key)), {"Content-Type": "application/json"})
        answer = await _said(port, asked, push)
        with contextlib.suppress(orjson.JSONDecodeError, AttributeError):
            shown = str(orjson.loads(answer.body if answer is not None else b"").get(push.sign_in.session) or "")
    headers = push.headers(shown)
    case.secrets |= {key, shown, *headers.get("Authorization", "").split()[1:]}
    return Call(push.path, as_bytes(push.body(shown)), {"Content-Type": push.content_type, **headers})


async def _said(port: int, call: Call, push: Push) -> Heard | None:
    """The answer to the call; None: none came."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**20)
    writing = asyncio.ensure_future(_write(writer, call))
    try:
        async with asyncio.timeout(ANSWERS_WITHIN):
            answer = await read_message(reader, answers=call.method)
    except (OSError, EOFError, TimeoutError, ValueError):
        answer = None
    finally:
        writing.cancel()
        await asyncio.wait({writing})
        writer.close()
    if answer is None:
        return None
    status = int(answer.first.split(" ")[1])
    return Heard(status, answer.body, push.taken(status, answer.body))


async def _write(writer: asyncio.StreamWriter, call: Call) -> None:
    with contextlib.suppress(OSError):
        writer.write(call.head())
        if call.manner == "whole":
            writer.write(call.body)
        elif call.manner == "drip":
            for number in range(len(call.body)):
                writer.write(call.body[number : number + 1])
                await writer.drain()
                await asyncio.sleep(_DRIP_SECONDS)
        elif call.manner == "flood":
            for _ in range(4 * _LARGEST // 65536 + 1):
                writer.write(_FLOOD)
                await writer.drain()
        else:
            writer.write(call.body[: len(call.body) // 2])
            await writer.drain()
            await asyncio.sleep(0.02)
            if call.manner == "reset":
                _reset(writer)
            else:
                writer.write_eof()
        await writer.drain()


def _reset(writer: asyncio.StreamWriter) -> None:
    raw: Any = writer.get_extra_info("socket")
    if raw is not None:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def _until(so: Callable[[], bool], seconds: float = 2.0) -> None:
    end = asyncio.get_running_loop().time() + seconds
    while not so() and asyncio.get_running_loop().time() < end:
        await asyncio.sleep(0.01)
