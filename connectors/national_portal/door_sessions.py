"""Sessions of the door: given at sign-in, over after their time, when their key is revoked, or with the hub's process."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from hub.connector import Caller
from hub.message import Clock

MOST_OF_ONE = 256
"""Of one sender; a system that signs in for each call ends its own oldest, and nobody else's."""


@dataclass(frozen=True, slots=True)
class _Session:
    caller: Caller
    until: int


class DoorSessions:
    """Who is behind a session. In memory only: after a restart, clients sign in again."""

    def __init__(self, seconds: float, clock: Clock) -> None:
        self._microseconds = int(seconds * 1_000_000)
        self._clock = clock
        self._by_sender: dict[str, dict[str, _Session]] = {}

    def begin(self, caller: Caller) -> str:
        """A new session of this caller."""
        now = self._clock()
        mine = self._by_sender.setdefault(caller.name, {})
        for token in [token for token, one in mine.items() if one.until <= now]:
            del mine[token]
        while len(mine) >= MOST_OF_ONE:
            del mine[next(iter(mine))]
        token = secrets.token_hex(16)
        mine[token] = _Session(caller, now + self._microseconds)
        return token

    def caller(self, token: object) -> Caller | None:
        """Who it is; None when there is no such session, or it is over."""
        if not isinstance(token, str):
            return None
        for mine in self._by_sender.values():
            if (found := mine.get(token)) is not None and self._clock() < found.until:
                return found.caller
        return None

    def end(self, token: object) -> None:
        """This one is over."""
        if isinstance(token, str):
            for mine in self._by_sender.values():
                mine.pop(token, None)
