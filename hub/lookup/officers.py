"""How many questions one officer, and all officers of a client, may ask of one endpoint in a minute. In memory: it begins
anew when the hub starts."""

from __future__ import annotations

import math
import unicodedata
from collections import OrderedDict, deque
from dataclasses import dataclass, field

from hub.errors import OfficerTooMany, Problem, TooMany
from hub.message import Clock

_SECOND = 1_000_000
_MINUTE = 60 * _SECOND
MOST = 2_000
"""Officers of one client and endpoint remembered at once; the one who asked longest ago is forgotten first."""


@dataclass(slots=True)
class _Asked:
    """When a client asked an endpoint lately, in whole and by officer."""

    whole: deque[int] = field(default_factory=deque)
    officers: OrderedDict[str, deque[int]] = field(default_factory=OrderedDict)


@dataclass(frozen=True, slots=True)
class Turn:
    """One question that was counted."""

    at: int
    counts: tuple[deque[int], ...]

    def give_back(self) -> None:
        """It was not put to the registry after all."""
        for times in self.counts:
            if self.at in times:
                times.remove(self.at)


class Officers:
    """``take`` for each question; ``client`` is the key's name, since an officer is who its client says."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._asked: dict[tuple[str, str], _Asked] = {}

    def take(self, endpoint: str, client: str, officer: str, per_officer: int, per_client: int) -> Turn:
        """Count one question, within a minute. Raises TooMany: the officer, or the client in whole, asked as often already."""
        now = self._clock()
        asked = self._asked.setdefault((endpoint, client), _Asked())
        mine = asked.officers.setdefault(plain(officer), deque())
        asked.officers.move_to_end(plain(officer))
        while len(asked.officers) > MOST:
            asked.officers.popitem(last=False)
        if wait := _wait(mine, now, per_officer):
            wrong = f"more than {per_officer} questions of this officer in a minute"
            problem = Problem("/officer", "officer", wrong, f"ask again after {wait} s")
            raise OfficerTooMany([problem], wait, _policy("officer", per_officer, wait))
        if wait := _wait(asked.whole, now, per_client):
            wrong = f"more than {per_client} questions of this client's officers in a minute"
            problem = Problem("", "officers", wrong, f"ask again after {wait} s")
            raise TooMany([problem], wait, _policy("officers", per_client, wait))
        for times in (mine, asked.whole):
            times.append(now)
        return Turn(now, (mine, asked.whole))


def plain(officer: str) -> str:
    """An officer's id without what does not make it another: case, width, blanks, characters that nobody sees."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", officer).casefold())
    return " ".join("".join(one for one in folded if unicodedata.category(one) not in ("Cf", "Cc", "Mn")).split())


def _wait(times: deque[int], now: int, most: int) -> int:
    """Seconds until another one may be asked, 0 for now."""
    while times and not now - _MINUTE < times[0] <= now:  # also what the clock, set back, would put ahead
        times.popleft()
    return 0 if len(times) < most else max(1, math.ceil((times[0] + _MINUTE - now) / _SECOND))


def _policy(name: str, most: int, wait: int) -> dict[str, str]:
    return {"RateLimit-Policy": f'"{name}";q={most};w=60', "RateLimit": f'"{name}";r=0;t={wait}'}
