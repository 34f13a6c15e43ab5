"""Ends a call that holds the event loop: who waits without ``await`` would hold up the hub, and the suite that examines it."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any

_BEAT_SECONDS = 0.5
_FIRST_LIMIT, _NEXT_LIMIT = 2.5, 0.25
"""Half the seconds that a call may hold the loop: long enough for a slow machine, and short once one was caught."""


class HeldUp(BaseException):
    """Raised in the middle of what holds the loop; no ``except Exception`` keeps it."""


@contextlib.contextmanager
def loop_goes_on(in_a_call: Callable[[], bool]) -> Iterator[None]:
    """While it lasts, a call that holds the loop ends with HeldUp. Only the main thread can be interrupted: elsewhere nothing
    is watched. A timer that others set (SIGALRM) stands still meanwhile."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop, missed, limit = asyncio.get_running_loop(), 0, _FIRST_LIMIT
    next_beat: asyncio.TimerHandle | None = None

    def beat() -> None:
        nonlocal missed, next_beat
        missed = 0
        signal.setitimer(signal.ITIMER_REAL, limit)
        next_beat = loop.call_later(_BEAT_SECONDS, beat)

    def late(*_: Any) -> None:  # the second time in a row: a process that was only kept waiting has had a turn by then
        nonlocal missed, limit
        missed += 1
        signal.setitimer(signal.ITIMER_REAL, limit)
        if missed > 1 and in_a_call():
            missed, limit = 0, _NEXT_LIMIT
            raise HeldUp

    other, (left, every) = signal.getsignal(signal.SIGALRM), signal.getitimer(signal.ITIMER_REAL)
    signal.signal(signal.SIGALRM, late)
    beat()
    try:
        yield
    finally:
        if next_beat is not None:
            next_beat.cancel()
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, other)
        signal.setitimer(signal.ITIMER_REAL, left, every)
