"""A proxy on loopback that stands between a connector and its partner and breaks one call of a conversation as it is told.

It speaks HTTP on bare streams, since it must do what no HTTP server does: reset, stop in the middle, tell a wrong length.
What passed is on record, with whether the partner's memory changed by it: the facts that a connector is judged by.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass

from hub.testing.raw_http import Raw, carry, read_message
from hub.testing.wire_faults import Fault

_DRIP_SECONDS = 0.05
_SEEN_SECONDS = 0.03
"""Until a connector on the same loop has seen that an idle connection ended."""
_ENDLESS_BYTES = 32 * 1024 * 1024
ELSEWHERE = "/elsewhere-than-asked"
"""Where a redirect leads: nobody may follow."""
_AT_THE_LISTENER = ("refused", "reset_on_accept")


@dataclass(slots=True)
class Passed:
    """One call as the proxy saw it."""

    method: str
    target: str
    struck: str = ""
    reached: bool = False
    effect: bool = False
    drained: bool = False
    """An answer without an end was read for as long as it was told."""


class FaultProxy:
    """``open``, then calls of ``url`` go to the partner; ``plant`` a fault for the n-th call from now, ``withdraw`` it.

    ``effects`` counts what changed in the partner's memory so far. ``said`` is what broken answers quote.
    """

    def __init__(self, partner: str, effects: Callable[[], int], said: str = "") -> None:
        self._partner, self._effects, self._said = partner, effects, said
        self.calls: list[Passed] = []
        self.struck = asyncio.Event()
        self._fault: Fault | None = None
        self._countdown = 0
        self._server: asyncio.Server | None = None
        self._port = 0
        self._kept: socket.socket | None = None
        """Holds the port while nothing listens there, so that no other process gets it meanwhile."""
        self._let_go = asyncio.Event()
        self._open: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._under_way = 0
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @property
    def port(self) -> int:
        return self._port

    async def open(self) -> None:
        """Listen; after ``shut``, at the same port again."""
        if self._kept is None:
            self._kept = socket.socket()
            self._kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._kept.bind(("127.0.0.1", 0))
            self._port = int(self._kept.getsockname()[1])
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port, reuse_address=True)

    async def shut(self) -> None:
        """Nothing listens at the address any more; open connections stay."""
        if self._server is not None:
            self._server.close()
            self._server = None

    async def close(self) -> None:
        """End everything."""
        await self.shut()
        self._let_go.set()
        for writer in list(self._open):
            writer.transport.abort()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._kept is not None:
            self._kept.close()

    async def plant(self, fault: Fault, position: int) -> None:
        """The ``position``-th call from now (from 1) goes wrong; ``unauthorized`` every one from there on."""
        self._fault, self._countdown = fault, position
        self.struck.clear()
        self._let_go.clear()
        if position == 1 and fault.name == "refused":
            await self._end_listening()

    async def withdraw(self) -> None:
        """From now on all goes well."""
        self._fault = None
        self._let_go.set()
        if self._server is None:
            await self.open()

    async def idle(self) -> None:
        """Return when the partner has carried out whatever it was given."""
        await self._idle.wait()

    async def _end_listening(self) -> None:
        self.struck.set()
        await self.shut()
        for writer in list(self._open):
            writer.close()
        await asyncio.sleep(_SEEN_SECONDS)

    # ── one connection
    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._open.add(writer)
        try:
            if self._fault is not None and self._fault.name == "reset_on_accept" and self._countdown == 1:
                self._strike(Passed("", "", self._fault.name), record=False)
                _reset(writer)
                return
            with contextlib.suppress(OSError, EOFError, asyncio.IncompleteReadError, ValueError):
                while (request := await read_message(reader)) is not None:
                    if not await self._answer(request, reader, writer):
                        return
        except asyncio.CancelledError:
            return  # by close(), which waits for it
        finally:
            self._open.discard(writer)
            self._tasks.discard(task)
            writer.close()

    def _strike(self, passed: Passed, *, record: bool = True) -> None:
        assert self._fault is not None
        passed.struck = self._fault.name
        if record:
            self.calls.append(passed)
        else:
            self.struck.set()
        self._countdown = 1 if self._fault.name == "unauthorized" else 0

    async def _answer(self, request: Raw, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Play one call; whether the connection goes on."""
        passed, fault = Passed(request.method, request.target), self._fault
        if fault is not None and self._countdown == 1 and fault.name not in ("business_error", "clock_skew"):
            self._strike(passed)
            answer = await self._carried(request, passed) if fault.reaches else None
            self.struck.set()
            await self._break(fault, answer, reader, writer, passed)
            return False
        self.calls.append(passed)
        if self._countdown > 0:
            self._countdown -= 1
        answer = await self._carried(request, passed)
        last = self._countdown == 1 and self._fault is not None and self._fault.name in _AT_THE_LISTENER
        head = answer.head(len(answer.body), *(["Connection: close"] if last else []))
        if last and self._fault is not None and self._fault.name == "refused":
            self.struck.set()
            await self.shut()
        writer.write(head + answer.body)
        await writer.drain()
        return not last

    async def _carried(self, request: Raw, passed: Passed) -> Raw:
        before = self._effects()
        passed.reached = True
        self._under_way += 1
        self._idle.clear()
        try:
            return await carry(self._partner, request)
        finally:
            passed.effect = self._effects() > before
            self._under_way -= 1
            if not self._under_way:
                self._idle.set()

    # ── the ways to break
    async def _break(
        self, fault: Fault, answer: Raw | None, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, passed: Passed
    ) -> None:
        if fault.status:
            writer.write(self._page(fault))
            await writer.drain()
            return
        if fault.name.startswith("reset"):
            _reset(writer)
            return
        if answer is not None:
            await self._broken(fault.name, answer, writer, passed)
        if fault.slow or fault.kind == "cancel":
            gone = asyncio.ensure_future(reader.read(1))
            released = asyncio.ensure_future(self._let_go.wait())
            try:
                await asyncio.wait({gone, released}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                gone.cancel()
                released.cancel()

    async def _broken(self, name: str, answer: Raw, writer: asyncio.StreamWriter, passed: Passed) -> None:
        body, close = answer.body, "Connection: close"
        half = body[: len(body) // 2]
        pieces = {
            "silent_before_body": answer.head(len(body), close),
            "silent_in_body": answer.head(len(body), close) + half,
            "silent_after_body": answer.head(len(body) + 1, close) + body,
            "half_answer": answer.head(len(body) + 1, close) + half,
            "length_too_long": answer.head(len(body) + 10, close) + body,
            "length_too_short": answer.head(len(body) // 2, close) + body,
            "wrong_type": _typed(answer, "image/png").head(len(body), close) + body,
            "empty_answer": answer.head(0, close),
            "http_1_0": _older(answer).head(None) + body,
            "http_1_0_half": _older(answer).head(None) + half,
            "not_http": b"\x15\x03\x03\x00\x02\x02\x28 this is no HTTP\r\n\r\n",
        }
        if name in pieces:
            writer.write(pieces[name])
            await writer.drain()
        elif name == "slow_drip":
            writer.write(answer.head(len(body), close))
            for number in range(len(body)):
                if self._let_go.is_set() or writer.is_closing():
                    return
                writer.write(body[number : number + 1])
                await writer.drain()
                await asyncio.sleep(_DRIP_SECONDS)
        elif name == "huge_answer":
            writer.write(answer.head(None, close))
            for _ in range(_ENDLESS_BYTES // 65536):
                if writer.is_closing():
                    return
                writer.write(b" " * 65536)
                await writer.drain()
            passed.drained = True

    def _page(self, fault: Fault) -> bytes:
        """An answer of something that stands in front of the partner; it quotes what a person typed."""
        page = f"<!DOCTYPE html><html><head><title>{fault.status}</title></head><body>{self._said}</body></html>".encode()
        lines = [f"HTTP/1.1 {fault.status} Broken", "Content-Type: text/html; charset=utf-8", f"Content-Length: {len(page)}"]
        lines += [f"Location: {self.url}{ELSEWHERE}"] if 300 <= fault.status < 400 else []
        lines += [f"Retry-After: {fault.retry_after}"] if fault.retry_after else []
        return ("\r\n".join([*lines, "Connection: close"]) + "\r\n\r\n").encode() + page


def _older(answer: Raw) -> Raw:
    """As HTTP/1.0 has it: the end of the connection is the end of the body."""
    return Raw(answer.first.replace("HTTP/1.1", "HTTP/1.0", 1), answer.headers, answer.body)


def _typed(answer: Raw, media: str) -> Raw:
    others = tuple((name, value) for name, value in answer.headers if name.lower() != "content-type")
    return Raw(answer.first, (*others, ("Content-Type", media)), answer.body)


def _reset(writer: asyncio.StreamWriter) -> None:
    """A TCP reset, not an orderly end."""
    raw = writer.get_extra_info("socket")
    if raw is not None:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
