"""A process of clients that offer messages at a rate, whatever the answers do; kept-alive connections, no retries.

A request is due at its time. One that finds no free connection waits for the next; its latency counts from the time it was
due, and what still waits at the end was offered and not sent. Rate 0 is a closed loop: each connection sends its next request
when it has the answer to the last. One JSON order for each client in a list on stdin, ``ready``, begins with the next line on
stdin, then one list of results.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
import sys
import time
from collections import Counter, deque
from typing import Any

import uvloop

TICK = 0.005


class Connection(asyncio.Protocol):
    """One request at a time."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._answer = b""
        self.due = self.sent = 0.0

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        if self._client.path:
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            asyncio.get_running_loop().call_soon(transport.pause_reading)  # it begins to read after this
        self._client.free(self)

    def data_received(self, data: bytes) -> None:
        self._answer += data
        end = self._answer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self._answer[:end].lower()
        length = int(head[head.index(b"content-length:") + 15 :].split(b"\r\n", 1)[0])
        if len(self._answer) < end + 4 + length:
            return
        self._answer = b""
        self._client.answered(self, int(head[9:12]))
        if b"connection: close" in head:
            self.transport.close()
        else:
            self._client.free(self)

    def connection_lost(self, error: Exception | None) -> None:
        self._client.lost(self)


class Client:
    """Offers ``rate`` requests a second for ``seconds`` over ``connections`` from ``address``; each is the ``record``, a new
    one with its number for ``@@``, maybe ``packed``, maybe with bytes ``held_back`` that it promises and never sends; or,
    with a ``path``, a request for that, of which it never reads the answer. At the
    end it waits ``patience`` seconds for the last answers."""

    def __init__(self, order: dict[str, Any]) -> None:
        self._order = order
        self.path: str = order["path"]
        self._head = (
            "POST /v1/messages HTTP/1.1\r\nHost: hub\r\nContent-Type: application/json\r\n"
            f"Authorization: Bearer {order['key']}\r\nHub-Schema: opencps-dossier@1\r\n"
        )
        self._body: str | bytes = order["record"] if "@@" in order["record"] else order["record"].encode()
        if order["packed"]:
            self._head += "Content-Encoding: gzip\r\n"
            self._body = gzip.compress(order["record"].encode())
        self._number: int = order["first"]
        self._idle: set[Connection] = set()
        self._under_way: set[Connection] = set()
        self._due: deque[float] = deque()
        self._over = False
        self._opening: set[asyncio.Task[None]] = set()
        self._offered = 0
        self._outcomes: Counter[str] = Counter()
        self._seconds: dict[str, list[float]] = {"taken": [], "refused": []}

    async def connect(self, pause: float = 0.0) -> None:
        await asyncio.sleep(pause)
        try:
            await asyncio.get_running_loop().create_connection(
                lambda: Connection(self), "127.0.0.1", self._order["port"], local_addr=(self._order["address"], 0)
            )
        except OSError:
            self._outcomes["not connected"] += 1
            self._open_one_more()

    async def open(self) -> None:
        await asyncio.gather(*(self.connect() for _ in range(self._order["connections"])))

    async def run(self) -> dict[str, Any]:
        begun, rate = time.monotonic(), self._order["rate"]
        end = begun + self._order["seconds"]
        self._idle, idle = set(), self._idle
        if not rate:
            for connection in idle:
                self._send(connection, begun)
        self._idle |= idle if rate else set()
        while (now := time.monotonic()) < end:
            while rate and begun + self._offered / rate <= now:
                self._due.append(begun + self._offered / rate)
                self._offered += 1
            while self._due and self._idle:
                self._send(self._idle.pop(), self._due.popleft())
            await asyncio.sleep(TICK)
        self._over = True
        ended = time.monotonic()
        while self._under_way and time.monotonic() < end + self._order["patience"]:
            await asyncio.sleep(TICK)
        self._outcomes["unanswered"] = len(self._under_way)
        return {
            "ended": ended, "offered": self._offered, "unsent": len(self._due), "outcomes": self._outcomes,
            "seconds": self._seconds,
        }  # fmt: skip

    def _send(self, connection: Connection, due: float) -> None:
        self._number += 1
        if not self._order["rate"]:
            self._offered += 1
        connection.due, connection.sent = due, time.monotonic()
        self._under_way.add(connection)
        connection.transport.write(self._request(self._number))

    def _request(self, number: int) -> bytes:
        """The order's message for this number, or its question."""
        if self.path:
            return f"GET {self.path} HTTP/1.1\r\nHost: hub\r\nAuthorization: Bearer {self._order['key']}\r\n\r\n".encode()
        body = self._body if isinstance(self._body, bytes) else self._body.replace("@@", f"{number:08d}").encode()
        promised = len(body) + self._order["held_back"]
        return f"{self._head}Content-Length: {promised}\r\n\r\n".encode() + body

    def free(self, connection: Connection) -> None:
        if self._over or not (self._due or (self._offered and not self._order["rate"])):
            self._idle.add(connection)
        else:
            self._send(connection, self._due.popleft() if self._due else time.monotonic())

    def answered(self, connection: Connection, status: int) -> None:
        self._under_way.discard(connection)
        self._outcomes[str(status)] += 1
        now, taken = time.monotonic(), status == 202
        self._seconds["taken" if taken else "refused"].append(now - (connection.due if taken else connection.sent))

    def lost(self, connection: Connection) -> None:
        if connection in self._under_way:
            self._under_way.discard(connection)
            self._outcomes["lost"] += 1
        self._idle.discard(connection)
        if not self._over:
            self._open_one_more()

    def _open_one_more(self) -> None:
        task = asyncio.get_running_loop().create_task(self.connect(pause=0.05))
        self._opening.add(task)
        task.add_done_callback(self._opening.discard)


async def main() -> None:
    clients = [Client(order) for order in json.loads(sys.stdin.readline())]
    await asyncio.gather(*(client.open() for client in clients))
    print("ready", flush=True)
    sys.stdin.readline()
    print(json.dumps(await asyncio.gather(*(client.run() for client in clients))), flush=True)


if __name__ == "__main__":
    uvloop.run(main())
