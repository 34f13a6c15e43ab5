"""The load generator, as a process: a lean HTTP/1.1 client on kept-alive connections that takes only 202 for an answer.

Closed loop: each connection sends its next request when it has the answer to the last. Open loop: requests have constant
times at which they are due, whatever the answers do, and a latency counts from the time the request was due, so that a
server that stalls does not hide it. For each order (a line of JSON) it says ``{}`` when all is prepared, waits for a line
that says go, and gives one result (a line of JSON).
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import sys
import time
from collections import deque
from typing import Any, cast
from urllib.parse import urlsplit

import orjson
import uvloop

from benchmarks.records import SCHEMA, bodies

_MONOTONIC, _NONBLOCK, _ABSOLUTE = 1, 0o4000, 1


class _Connection(asyncio.Protocol):
    """One connection with at most one request under way."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._buffer = b""
        self.due = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop has a class of its own

    def close(self) -> None:
        self._transport.close()

    def send(self, request: bytes, due: float) -> None:
        self.due = due
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self._buffer[:end].lower()
        length = int(head[head.index(b"content-length:") + 15 :].split(b"\r\n", 1)[0])
        if len(self._buffer) < end + 4 + length:
            return
        if head[9:12] != b"202":
            self._load.fail(f"refused: {self._buffer[:500]!r}")
        self._buffer = b""
        self._load.answered(self)

    def connection_lost(self, error: Exception | None) -> None:
        self._load.fail(f"a connection was lost: {error}")


class Load:
    """The requests of one run and the connections they go over."""

    def __init__(self, requests: list[bytes], rate: float | None) -> None:
        self._left = deque(requests)
        self._open_answers = len(requests)
        self._rate = rate
        self._connections: list[_Connection] = []
        self._free: list[_Connection] = []
        self._due: deque[float] = deque()
        self._done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.latencies: list[float] = []

    async def connect(self, host: str, port: int, connections: int) -> None:
        loop = asyncio.get_running_loop()
        for _ in range(connections):
            _, connection = await loop.create_connection(lambda: _Connection(self), host, port)
            self._connections.append(connection)
        self._free = list(self._connections)

    def close(self) -> None:
        for connection in self._connections:
            connection.close()

    async def run(self) -> tuple[float, float]:
        """Send all, wait for all answers; when the first was due and the last was answered."""
        first = time.monotonic()
        if self._rate is None:
            for connection in self._connections[: len(self._left)]:
                connection.send(self._left.popleft(), first)
        else:
            first += 0.05
            self._tick(first, 1 / self._rate, len(self._left))
        await self._done
        return first, time.monotonic()

    def _tick(self, first: float, every: float, count: int) -> None:
        """Make each request due at its own time; the timer is the kernel's, the event loop's own has whole milliseconds."""
        libc = ctypes.CDLL(None, use_errno=True)
        timer = libc.timerfd_create(_MONOTONIC, _NONBLOCK)
        spans = (int(every), int(every % 1 * 1e9), int(first), int(first % 1 * 1e9))
        if libc.timerfd_settime(timer, _ABSOLUTE, (ctypes.c_long * 4)(*spans), None):
            raise OSError(ctypes.get_errno(), "no timer")
        loop = asyncio.get_running_loop()
        ticks = 0

        def tick() -> None:
            nonlocal ticks
            for _ in range(min(int.from_bytes(os.read(timer, 8), "little"), count - ticks)):
                self._due.append(first + ticks * every)
                ticks += 1
            if ticks == count:
                loop.remove_reader(timer)
                os.close(timer)
            self._send_due()

        loop.add_reader(timer, tick)

    def _send_due(self) -> None:
        while self._due and self._free:
            self._free.pop().send(self._left.popleft(), self._due.popleft())

    def answered(self, connection: _Connection) -> None:
        now = time.monotonic()
        self.latencies.append(now - connection.due)
        self._open_answers -= 1
        if self._rate is not None:
            self._free.append(connection)
            self._send_due()
        elif self._left:
            connection.send(self._left.popleft(), now)
        if not self._open_answers and not self._done.done():
            self._done.set_result(None)

    def fail(self, why: str) -> None:
        if not self._done.done():
            self._done.set_exception(RuntimeError(why))


def _requests(order: dict[str, Any], host: str) -> list[bytes]:
    head = (
        f"POST /v1/messages HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {order['key']}\r\nHub-Schema: {SCHEMA}\r\n"
        "Content-Type: application/json\r\nIdempotency-Key: {}\r\nContent-Length: {}\r\n\r\n"
    )
    made = enumerate(bodies(order["first"], order["count"]), order["first"])
    return [head.format(f"bench-{serial}", len(body)).encode() + body for serial, body in made]


async def _carry_out(order: dict[str, Any]) -> None:
    address = urlsplit(order["url"])
    assert address.hostname and address.port
    load = Load(_requests(order, address.netloc), order["rate"])
    await load.connect(address.hostname, address.port, order["connections"])
    print("{}", flush=True)
    sys.stdin.readline()
    began, ended = await load.run()
    load.close()
    latencies = sorted(load.latencies)
    quantiles = {f"p{q}": latencies[min(len(latencies) - 1, len(latencies) * q // 100)] for q in (50, 99)}
    print(orjson.dumps({"began": began, "ended": ended, **quantiles}).decode(), flush=True)


if __name__ == "__main__":
    while line := sys.stdin.readline():
        uvloop.run(_carry_out(orjson.loads(line)))
