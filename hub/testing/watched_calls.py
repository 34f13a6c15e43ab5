"""One call to a connector with everything watched that it must not do: sleep by itself, go on for ever, raise what it likes."""

from __future__ import annotations

import asyncio
import contextlib
import sysconfig
import time
import traceback
from collections.abc import Awaitable, Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from hub.errors import DeliveryError, InDoubt, NotConnected, Rejected, Transient
from hub.testing.held_up import HeldUp, loop_goes_on

End = Literal["well", "transient", "not_connected", "in_doubt", "rejected", "cancelled", "untyped", "deadline"]
DEADLINE = 8.0
"""Seconds after which the suite ends a call, as the engine does after ``deadline_seconds``."""

_CARE_OF_CONNECTIONS = "aiohttp.helpers"
"""Whose timers look after idle connections, and are no wait of the call in which they begin."""
_EMPTY_SLEEPS = 1_000
"""So many turns given away in one call are a wait."""
_LIBRARIES = tuple({sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")})


@dataclass(slots=True)
class _Seen:
    """What one call did to let time pass."""

    slept: list[float] = field(default_factory=list)
    ran_out: list[float] = field(default_factory=list)
    empty: int = 0


_seen: ContextVar[_Seen | None] = ContextVar("_seen", default=None)
_runs_on: ContextVar[bool] = ContextVar("_runs_on", default=False)


@dataclass(slots=True)
class Told:
    """How a call to the connector ended: ``value`` is what it returned, ``error`` what it raised."""

    end: End
    value: Any = None
    error: BaseException | None = None
    slept: list[float] = field(default_factory=list)
    ran_out: list[float] = field(default_factory=list)
    """Seconds of each timer of the call that ran out: a limit of time, or a wait."""
    seconds: float = 0.0

    @property
    def word(self) -> str:
        """The ending as it stands in a report: the connector's own code behind it, or where an untyped error comes from."""
        if isinstance(self.error, DeliveryError):
            return f"{self.end} {self.error.code}"
        if isinstance(self.error, _WrongType):
            return str(self.error)
        if isinstance(self.error, HeldUp):
            return f"it held the whole hub up{_place(self.error)}: it waits without await"
        return self.end if self.error is None or self.end != "untyped" else _untyped(self.error)

    @property
    def said(self) -> str:
        """The ending as a sentence."""
        return self.word if isinstance(self.error, HeldUp | _WrongType) else f"it ended with {self.word}"


def _untyped(error: BaseException) -> str:
    return f"untyped {type(error).__name__}{_place(error)}"


def _place(error: BaseException) -> str:
    """The last line of no library that it went through: `` at connector.py:41``."""
    lines = traceback.extract_tb(error.__traceback__)
    own = [
        one
        for one in lines
        if not one.filename.startswith((*_LIBRARIES, "<")) and Path(one.filename).parent != Path(__file__).parent
    ]
    return f" at {Path(own[-1].filename).name}:{own[-1].lineno}" if own else ""


def unlike(told: Told, *kinds: type) -> Told:
    """The same, or the untyped ending that it is when the call returned something else than these."""
    if told.end != "well" or isinstance(told.value, kinds):
        return told
    names = " or ".join("None" if kind is type(None) else kind.__name__ for kind in kinds)
    return Told("untyped", error=_WrongType(f"it returned {type(told.value).__name__}, not {names}"))


class _WrongType(TypeError):
    """A connector returned what nobody can use."""


_WORDS: tuple[tuple[type[DeliveryError], End], ...] = (
    (InDoubt, "in_doubt"), (NotConnected, "not_connected"), (Rejected, "rejected"), (Transient, "transient"),
)  # fmt: skip


def _ending(error: BaseException) -> End:
    return next((word for kind, word in _WORDS if isinstance(error, kind)), "untyped")


async def watched(call: Awaitable[Any], *, cancel_at: asyncio.Event | None = None) -> Told:
    """The call to its end; with ``cancel_at`` it is cancelled when the event is set, as a stopping hub does."""
    seen = _Seen()
    began = time.monotonic()

    async def run() -> Any:
        _seen.set(seen)
        return await call

    task = asyncio.ensure_future(run())
    if cancel_at is not None:
        waits = asyncio.ensure_future(cancel_at.wait())
        await asyncio.wait({task, waits}, timeout=DEADLINE, return_when=asyncio.FIRST_COMPLETED)
        waits.cancel()
        await asyncio.sleep(0.02)  # so that the call waits for its answer
        task.cancel()
    done, _ = await asyncio.wait({task}, timeout=DEADLINE)
    late = not done
    if late:
        task.cancel()
        await asyncio.wait({task}, timeout=1.0)
    slept = seen.slept + ([0.0] if seen.empty > _EMPTY_SLEEPS else [])
    told = Told("deadline", slept=slept, ran_out=seen.ran_out[:], seconds=time.monotonic() - began)
    if not task.done():
        return told
    if task.cancelled():
        told.end = "deadline" if late else "cancelled"
        return told
    told.error = task.exception()
    if told.error is not None:
        told.end = _ending(told.error)
    elif not late:
        told.end, told.value = "well", task.result()
    return told


async def running_on(call: Awaitable[Any]) -> Any:
    """A call that goes on until it is cancelled and may sleep as it likes; the loop it must not hold: then it is ended."""
    _runs_on.set(True)
    return await call


@contextlib.contextmanager
def sleeps_are_seen() -> Iterator[None]:
    """While it lasts, what a watched call sleeps is noted in place of being slept, and which of its timers run out; one that
    holds the loop is ended, as is one that runs on."""
    real, real_blocking, loop = asyncio.sleep, time.sleep, asyncio.get_running_loop()
    real_timer = loop.call_at

    async def noted(delay: float, result: Any = None) -> Any:
        seen = _seen.get()
        if seen is None:
            return await real(delay, result)
        if delay > 0:
            seen.slept.append(delay)
        else:
            seen.empty += 1
        return await real(0, result)

    def noted_blocking(seconds: Any) -> None:
        seen = _seen.get()
        if seen is None:
            real_blocking(seconds)
        else:
            seen.slept.append(seconds)

    def noted_timer(when: float, callback: Callable[..., Any], *args: Any, **more: Any) -> asyncio.TimerHandle:
        seen, begun = _seen.get(), loop.time()
        if seen is None or getattr(callback, "__module__", "") == _CARE_OF_CONNECTIONS:
            return real_timer(when, callback, *args, **more)

        def run_out(*given: Any) -> None:
            seen.ran_out.append(when - begun)
            callback(*given)

        return real_timer(when, run_out, *args, **more)

    asyncio.sleep = noted
    time.sleep = noted_blocking
    loop.call_at = noted_timer  # type: ignore[method-assign, assignment]
    try:
        with loop_goes_on(lambda: _runs_on.get() or _seen.get() is not None):
            yield
    finally:
        asyncio.sleep, time.sleep = real, real_blocking
        loop.call_at = real_timer  # type: ignore[method-assign]
