"""Ends a call that holds the event loop: who waits without ``await`` would hold up the hub, and the suite that examines it."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import CodeType, FrameType

_BEAT_SECONDS, _TICK_SECONDS = 0.1, 0.25
"""More beats than ticks: two ticks without a beat between them are a loop that did not turn."""
_FIRST_LIMIT, _NEXT_LIMIT = 20, 2
"""Ticks that a call may hold the loop: long enough for a slow machine, and short where one was caught before. Ticks in which
the process had no turn count as one."""
_SUITE = Path(__file__).parent


class HeldUp(BaseException):
    """Raised in the middle of what holds the loop; no ``except Exception`` keeps it."""


@contextlib.contextmanager
def loop_goes_on(in_a_call: Callable[[], bool]) -> Iterator[None]:
    """While it lasts, a call that holds the loop ends with HeldUp. Only the main thread can be interrupted: elsewhere nothing
    is watched. A timer that others set (SIGALRM) stands still meanwhile."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop, missed, caught = asyncio.get_running_loop(), 0, set[CodeType | None]()
    next_beat: asyncio.TimerHandle | None = None

    def beat() -> None:
        nonlocal missed, next_beat
        missed = 0
        next_beat = loop.call_later(_BEAT_SECONDS, beat)

    def late(_: int, frame: FrameType | None) -> None:
        nonlocal missed
        missed = missed + 1 if in_a_call() else 0
        place = _place(frame)
        if missed >= (_NEXT_LIMIT if place in caught else _FIRST_LIMIT):
            missed = 0
            caught.add(place)
            raise HeldUp

    other, (left, every) = signal.getsignal(signal.SIGALRM), signal.getitimer(signal.ITIMER_REAL)
    signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, _TICK_SECONDS, _TICK_SECONDS)
    beat()
    try:
        yield
    finally:
        if next_beat is not None:
            next_beat.cancel()
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, other)
        signal.setitimer(signal.ITIMER_REAL, left, every)


def _place(frame: FrameType | None) -> CodeType | None:
    """What was running, or who called it, if it is the suite's own (its ``time.sleep`` stands in for the real one)."""
    while frame is not None and Path(frame.f_code.co_filename).parent == _SUITE:
        frame = frame.f_back
    return None if frame is None else frame.f_code
