"""Which addresses files may come from: never one inside our own walls that nobody named, whatever a name resolves to.

A message names an address; without this check anybody who may send one could make the hub read from systems that only it can
reach. The address that is checked is the one that is connected to: names are resolved here, once, and nobody resolves again.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from fnmatch import fnmatchcase
from functools import partial
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from aiohttp.abc import AbstractResolver, ResolveResult

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
_NAT64 = ip_network("64:ff9b::/96")
"""IPv4 addresses as a translating network writes them (RFC 6052)."""
_NOT_PUBLIC = tuple(map(ip_network, ("192.0.0.0/24", "192.88.99.0/24", "fec0::/10", "3fff::/20")))
"""What Python holds for public and is not: protocol assignments, relays of 6to4, site-local addresses, documentation."""


class ForbiddenAddress(OSError):
    """A name resolves to an address that files may not come from."""


def host_fits(host: str, patterns: Sequence[str]) -> bool:
    """Whether a host is one of those named: exactly, or below ``*.example.vn``, or ``*``."""
    return any(fnmatchcase(host.rstrip(".").lower(), one.lower()) for one in patterns)


def may_be_asked(address: str, private: Sequence[Network]) -> bool:
    """Whether it is a public address, or one of a private network that is allowed by name."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    return all(_open(one, private) for one in (found, *_inside(found)))


class SystemNames(AbstractResolver):
    """Resolves as the system does, in threads of its own: a name server that does not answer holds up nobody else's work."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(8, thread_name_prefix="files-names")

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET) -> list[ResolveResult]:
        """Raises OSError."""
        ask = partial(socket.getaddrinfo, host, port, family, socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
        found = await asyncio.get_running_loop().run_in_executor(self._threads, ask)
        return [
            ResolveResult(
                hostname=host, host=str(address[0]), port=int(address[1]), family=kind, proto=protocol,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for kind, _, protocol, _, address in found
        ]  # fmt: skip

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


class CheckedResolver(AbstractResolver):
    """Resolves by another resolver and gives only addresses that may be asked. Raises ForbiddenAddress when none may."""

    def __init__(self, resolver: AbstractResolver, private: Sequence[Network]) -> None:
        self._resolver = resolver
        self._private = private

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET) -> list[ResolveResult]:
        found = await self._resolver.resolve(host, port, family)
        allowed = [one for one in found if may_be_asked(one["host"], self._private)]
        if found and not allowed:
            raise ForbiddenAddress("the name leads to an address that files may not come from")
        return allowed

    async def close(self) -> None:
        await self._resolver.close()


def _open(address: Address, private: Sequence[Network]) -> bool:
    if any(address.version == network.version and address in network for network in private):
        return True
    if any(address.version == network.version and address in network for network in _NOT_PUBLIC):
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def _inside(address: Address) -> Sequence[Address]:
    """The IPv4 addresses that an IPv6 address stands for."""
    if isinstance(address, IPv4Address):
        return ()
    nat64 = IPv4Address(int(address) & 0xFFFFFFFF) if address in _NAT64 else None
    inside = (address.sixtofour, address.teredo[1] if address.teredo else None, nat64)
    return [one for one in inside if one is not None]
