"""The gate before the work: how many requests and bytes of bodies the hub holds at once, shared fairly between clients.

A client may enter while it holds no more than what stays free for others. So one client alone gets half of the room, k
greedy ones leave 1/(k+1) of it, and who holds nothing is let in at once, be it beyond the bytes (never beyond twice as many).
What cannot enter waits, in the order of its client; places that fall free go round the waiting clients. When too many wait,
the longest row gives way; and it takes no more at all while its first has waited long, so that a refusal comes at once and
not after a wait.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass

from hub.errors import Busy

STRANGER = "?"
"""Begins the name of all whose key can only be told from what they send, by their address; no key has such a name."""


@dataclass(frozen=True, slots=True)
class Room:
    """What may be held at once: ``requests`` in work, ``bytes`` of their bodies, ``waiting`` ones, each at most ``seconds``.

    ``row_seconds``: when the first of the longest row has waited so long, that row takes no more.
    """

    requests: int = 128
    bytes: int = 32 * 1024 * 1024
    waiting: int = 384
    seconds: float = 10.0
    row_seconds: float = 2.0


class Gate:
    """``place = await gate.enter(client, size)``, then ``place.leave()`` whatever happened. For one event loop."""

    def __init__(self, room: Room | None = None) -> None:
        self._room = room or Room()
        self._held: dict[str, tuple[int, int]] = {}
        """Requests and bytes by client; clients that hold nothing are not in it."""
        self._queues: dict[str, deque[_Waiter]] = {}
        """Who waits, by client; never empty; the client whose turn is next comes first."""
        self.requests = self.bytes = self.waiting = 0

    async def enter(self, client: str, size: int) -> Place:
        """A place for one request whose body takes at most ``size`` bytes. Raises Busy."""
        if client in self._queues or not self._fits(client, size):
            await self._wait(client, size)
        else:
            self.hold(client, 1, size)
        return Place(self, client, size)

    def hold(self, client: str, requests: int, size: int) -> None:
        """Hold more for the client, or less; what falls free goes to those who wait."""
        held_requests, held_bytes = self._held.get(client, (0, 0))
        self._held[client] = (held_requests + requests, held_bytes + size)
        if self._held[client] == (0, 0):
            del self._held[client]
        self.requests += requests
        self.bytes += size
        if self._queues and (requests < 0 or size < 0):
            self._admit()

    def _fits(self, client: str, size: int) -> bool:
        requests, held = self._held.get(client, (0, 0))
        left = self._room.bytes - self.bytes - size
        alone = client not in self._held and left >= -self._room.bytes
        return requests < self._room.requests - self.requests and (held <= left or alone)

    def _admit(self) -> None:
        while client := next((one for one, queue in self._queues.items() if self._fits(one, queue[0].size)), None):
            queue = self._queues.pop(client)
            waiter = queue.popleft()
            if queue:
                self._queues[client] = queue  # behind the others
            self.waiting -= 1
            waiter.granted.set_result(None)
            self.hold(client, 1, waiter.size)

    async def _wait(self, client: str, size: int) -> None:
        loop = asyncio.get_running_loop()
        longest = max(self._queues, key=lambda one: len(self._queues[one]), default=None)
        if longest is not None:
            row, mine = self._queues[longest], self._queues.get(client, ())
            full, slow = self.waiting >= self._room.waiting, loop.time() - row[0].since > self._room.row_seconds
            if len(mine) == len(row) and (full or slow):
                raise Busy.now()
            if full:
                self._refuse(longest, row[-1])
        waiter = _Waiter(size, loop.time(), loop.create_future())
        self._queues.setdefault(client, deque()).append(waiter)
        self.waiting += 1
        too_long = loop.call_later(self._room.seconds, self._refuse, client, waiter)
        try:
            await asyncio.shield(waiter.granted)
        except asyncio.CancelledError:
            if not waiter.granted.done():
                self._forget(client, waiter)
            elif waiter.granted.exception() is None:
                self.hold(client, -1, -size)
            raise
        finally:
            too_long.cancel()

    def _refuse(self, client: str, waiter: _Waiter) -> None:
        if not waiter.granted.done():
            self._forget(client, waiter)
            waiter.granted.set_exception(Busy.now())

    def _forget(self, client: str, waiter: _Waiter) -> None:
        self._queues[client].remove(waiter)
        self.waiting -= 1
        if not self._queues[client]:
            del self._queues[client]
        self._admit()


class Place:
    """What one request holds of the room."""

    __slots__ = ("_client", "_gate", "_requests", "_size")

    def __init__(self, gate: Gate, client: str, size: int) -> None:
        self._gate, self._client, self._requests, self._size = gate, client, 1, size

    def shrink(self, size: int) -> None:
        """The body is here, and only this large."""
        if size < self._size:
            self._size, less = size, self._size - size
            self._gate.hold(self._client, 0, -less)

    def worked(self, size: int) -> None:
        """The work is done; what is still held is of this size, such as an answer until it is written."""
        self._gate.hold(self._client, -self._requests, size - self._size)
        self._requests, self._size = 0, size

    def rest(self) -> None:
        """The work is done; what came with the request is still held."""
        self.worked(self._size)

    def leave(self) -> None:
        """The request is answered."""
        self._gate.hold(self._client, -self._requests, -self._size)


@dataclass(eq=False, slots=True)
class _Waiter:
    size: int
    since: float
    granted: asyncio.Future[None]
