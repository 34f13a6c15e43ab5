"""The destination of a run, as a process: answers every POST with 200 and its number, and remembers when they came.

``GET /seen`` tells count, first and last (seconds of the monotonic clock); ``POST /forget`` begins a new count.
"""

from __future__ import annotations

import asyncio
import time
from typing import cast

import orjson
import uvloop

_LENGTH = b"content-length:"


class _Seen:
    def __init__(self) -> None:
        self.count, self.first, self.last = 0, 0.0, 0.0


class _Caller(asyncio.Protocol):
    """One kept-alive connection; requests come one after the other, headers and body perhaps in pieces."""

    def __init__(self, seen: _Seen) -> None:
        self._seen = seen
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop has a class of its own

    def data_received(self, data: bytes) -> None:
        self._buffer = self._buffer + data if self._buffer else data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end].lower()
            at = head.find(_LENGTH)
            length = int(head[at + len(_LENGTH) :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            if len(self._buffer) < end + 4 + length:
                return
            self._buffer = self._buffer[end + 4 + length :]
            self._transport.write(self._answer(head))

    def _answer(self, head: bytes) -> bytes:
        seen = self._seen
        if head.startswith(b"post /forget"):
            seen.__init__()  # type: ignore[misc]
        elif head.startswith(b"post"):
            seen.last = time.monotonic()
            seen.first = seen.first or seen.last
            seen.count += 1
            body = b'{"number":%d}' % seen.count
            return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
        body = orjson.dumps(vars(seen))
        return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


async def _serve() -> None:
    seen = _Seen()
    server = await asyncio.get_running_loop().create_server(lambda: _Caller(seen), "127.0.0.1", 0)
    print(f"listening on http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve())
