"""Who really asked, and under which address: what trusted proxies say of a request, and nobody else.

A proxy tells by ``Forwarded`` (RFC 7239) or by ``X-Forwarded-For``, ``-Proto`` and ``-Host``. Only what a trusted proxy itself
added is believed: hops are read from the right, and the first address that is no trusted proxy is the client. A proxy passes
on the header that it does not write as the client sent it; so when both kinds are there, neither is believed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from aiohttp import web

Network = IPv4Network | IPv6Network
_PAIR = re.compile(r"\s*([A-Za-z-]+)=(\"(?:[^\"\\]|\\.)*\"|[^\s\";,]*)\s*(;|,|$)")
_HOST = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252})|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")
_MOST_HOPS = 20


@dataclass(frozen=True, slots=True)
class Asked:
    """``client`` is an address (empty when there is none to tell); ``scheme`` and ``host`` are what the client asked for."""

    client: str
    scheme: str
    host: str

    @property
    def origin(self) -> str:
        """``https://hub.example``, or empty when the host asked for is none."""
        return f"{self.scheme}://{self.host}" if _HOST.fullmatch(self.host) else ""


CLIENT_ADDRESS = web.RequestKey("hub.client_address", str)
"""The address of the client that asked, as far as it is known: personal data, never to be logged."""


@dataclass(frozen=True, slots=True)
class _Hop:
    client: str
    scheme: str = ""
    host: str = ""


def asked(request: web.BaseRequest, trusted: Sequence[Network]) -> Asked:
    """What is known of the one who asked: by the connection itself, and by what trusted proxies say."""
    peer = request.remote or ""
    found = Asked(peer, request.scheme, request.host)
    if not trusted or not _is_trusted(_address(peer), trusted):
        return found
    for hop in reversed(_hops(request)[-_MOST_HOPS:]):
        address = _address(hop.client)
        scheme = hop.scheme if hop.scheme in ("http", "https") else found.scheme
        host = hop.host if _HOST.fullmatch(hop.host) else found.host
        found = Asked(found.client if address is None else str(address), scheme, host)
        if not _is_trusted(address, trusted):
            break
    return found


def _hops(request: web.BaseRequest) -> list[_Hop]:
    """What each proxy said of who asked it, the outermost first."""
    forwarded = ",".join(request.headers.getall("Forwarded", []))
    lists = [_listed(request, f"X-Forwarded-{name}") for name in ("For", "Proto", "Host")]
    if forwarded and any(lists):
        return []
    if forwarded:
        return _rfc7239(forwarded)
    clients, schemes, hosts = lists
    hops = [_Hop(one) for one in clients]
    for index in range(1, len(hops) + 1):  # a proxy that tells scheme and host once tells them of the last hop it knows
        scheme = schemes[-index] if index <= len(schemes) else ""
        host = hosts[-index] if index <= len(hosts) else ""
        hops[-index] = _Hop(hops[-index].client, scheme.lower(), host)
    return hops


def _listed(request: web.BaseRequest, name: str) -> list[str]:
    text = ",".join(request.headers.getall(name, []))
    return [one.strip() for one in text.split(",")] if text.strip() else []


def _rfc7239(text: str) -> list[_Hop]:
    """The elements of a Forwarded header; none at all when it is malformed."""
    hops: list[_Hop] = []
    pairs: dict[str, str] = {}
    at = 0
    while at < len(text):
        found = _PAIR.match(text, at)
        if found is None:
            return []
        name, value, end = found[1].lower(), found[2], found[3]
        pairs[name] = re.sub(r"\\(.)", r"\1", value[1:-1]) if value.startswith('"') else value
        if end != ";":
            hops.append(_Hop(pairs.get("for", ""), pairs.get("proto", "").lower(), pairs.get("host", "")))
            pairs = {}
        at = found.end()
    return hops


def _address(text: str) -> IPv4Address | IPv6Address | None:
    """The IP address in ``192.0.2.1``, ``192.0.2.1:80``, ``2001:db8::1`` or ``[2001:db8::1]:80``; None for anything else."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return mapped or found


def _is_trusted(address: IPv4Address | IPv6Address | None, trusted: Sequence[Network]) -> bool:
    return address is not None and any(address in network for network in trusted)
