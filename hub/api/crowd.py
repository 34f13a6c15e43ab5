"""How many connections are open, in all and from one address; further ones are turned away before they cost anything."""

from __future__ import annotations

import asyncio
import socket
from collections import Counter

READ_AHEAD = 64 * 1024
"""Bytes of a body that the system, and the server, take from a connection before the hub asks for them."""
_PROBLEM = b'{"type":"urn:dossier-hub:problem:too-many-connections","title":"Too many connections are open","status":503}'
_FULL = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/problem+json\r\nRetry-After: 1\r\nConnection: close\r\n"
    b"Content-Length: %d\r\n\r\n%b" % (len(_PROBLEM), _PROBLEM)
)


class Crowd:
    """``enter`` when a connection is made, ``leave`` when it is lost. ``seconds`` is how long a peer may read nothing of what
    was sent to it before the system cuts the connection."""

    def __init__(self, most: int, most_per_address: int, seconds: float) -> None:
        self._most, self._most_per_address, self._seconds = most, most_per_address, seconds
        self._addresses: dict[object, str] = {}
        self._by_address: Counter[str] = Counter()

    def enter(self, connection: object, transport: asyncio.BaseTransport) -> bool:
        """Whether there is room for it; if not, it was told so and only has to be closed."""
        peer = transport.get_extra_info("peername")
        address = str(peer[0]) if peer else ""
        if len(self._addresses) >= self._most or self._by_address[address] >= self._most_per_address:
            if isinstance(transport, asyncio.WriteTransport):
                transport.write(_FULL)
            return False
        self._addresses[connection] = address
        self._by_address[address] += 1
        wire = transport.get_extra_info("socket")
        if wire is not None:
            wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, READ_AHEAD)
            if hasattr(socket, "TCP_USER_TIMEOUT"):
                wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(self._seconds * 1000))
        return True

    def leave(self, connection: object) -> None:
        """It is gone; nothing if it never had room."""
        address = self._addresses.pop(connection, None)
        if address is not None:
            self._by_address[address] -= 1
            if not self._by_address[address]:
                del self._by_address[address]
