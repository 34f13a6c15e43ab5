"""Reads one HTTP/1.1 request or answer as bytes, and carries a request to the partner: what a proxy that breaks needs."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from urllib.parse import urlsplit

_LARGEST_HEAD = 64 * 1024


@dataclass(frozen=True, slots=True)
class Raw:
    """A message as it stood: the first line, the headers without those of the connection and of length, the whole body."""

    first: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    @property
    def method(self) -> str:
        """The method of a request."""
        return self.first.partition(" ")[0]

    @property
    def target(self) -> str:
        """The path and query of a request."""
        return self.first.split(" ")[1] if self.first.count(" ") >= 2 else ""

    def head(self, length: int | None, *more: str) -> bytes:
        """First line and headers, with this Content-Length (None: none) and further header lines."""
        lines = [self.first, *(f"{name}: {value}" for name, value in self.headers), *more]
        if length is not None:
            lines.append(f"Content-Length: {length}")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


_OWN = ("connection", "content-length", "transfer-encoding", "keep-alive")


async def read_message(reader: asyncio.StreamReader, *, answers: str = "") -> Raw | None:
    """The next request, or the answer to a request of the method ``answers``; None when the connection ended before one
    began. Raises OSError or EOFError when it broke off."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as broken:
        if not broken.partial:
            return None
        raise EOFError("half a head") from None
    first, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    pairs = [(name.strip(), value.strip()) for name, _, value in (line.partition(":") for line in lines)]
    found = {name.lower(): value for name, value in pairs}
    if answers == "HEAD" or (answers and first.split(" ")[1:2] in (["204"], ["304"])):
        body = b""
    else:
        body = await _body(reader, found, to_the_end=bool(answers))
    return Raw(first, tuple((name, value) for name, value in pairs if name.lower() not in _OWN), body)


async def _body(reader: asyncio.StreamReader, headers: dict[str, str], *, to_the_end: bool) -> bytes:
    if headers.get("transfer-encoding", "").lower() == "chunked":
        pieces: list[bytes] = []
        while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
            pieces.append(await reader.readexactly(size))
            await reader.readexactly(2)
        while (await reader.readuntil(b"\r\n")) != b"\r\n":
            pass
        return b"".join(pieces)
    if "content-length" in headers:
        return await reader.readexactly(int(headers["content-length"]))
    return await reader.read() if to_the_end else b""


async def carry(partner: str, request: Raw) -> Raw:
    """The partner's answer to the request, over a connection of its own. Raises OSError or EOFError."""
    parts = urlsplit(partner)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port, limit=_LARGEST_HEAD)
    try:
        writer.write(request.head(len(request.body), "Connection: close") + request.body)
        await writer.drain()
        answer = await read_message(reader, answers=request.method)
    finally:
        writer.close()
    if answer is None:
        raise EOFError("no answer")
    return answer
