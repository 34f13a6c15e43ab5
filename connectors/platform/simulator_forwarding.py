"""Carries a call on to the provider behind the simulated platform, and its answer back, both as they are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import aiohttp
from aiohttp import web
from multidict import CIMultiDict
from yarl import URL

from hub.testing.fault_play import Answer

# What the X-Road message protocol for REST (4.3) does not pass through [read], and the length, which is each connection's own.
NOT_PASSED = frozenset(
    (
        "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer", "transfer-encoding",
        "upgrade", "host", "user-agent", "server", "content-length", "expect",
    )
)  # fmt: skip

Headers = list[tuple[str, str]]


class Unreached(Exception):
    """No connection to the provider: it never saw the call."""


class Lost(Exception):
    """The provider got the call, and no whole answer came back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forwarded(Answer):
    """A provider's answer with exactly these headers."""

    exactly: Headers

    def response(self) -> web.Response:
        return web.Response(body=self.body, status=self.status, headers=CIMultiDict(self.exactly))


def headers_of(request: web.Request) -> Headers:
    """The caller's headers in order, as written."""
    return [(name.decode("latin-1"), value.decode("utf-8", "replace")) for name, value in request.raw_headers]


def passed(headers: Iterable[tuple[str, str]], beside: Iterable[str] = ()) -> Headers:
    """Those that are passed through; ``beside``: further names, in lower case, that are not."""
    dropped = NOT_PASSED | set(beside)
    return [(name, value) for name, value in headers if name.lower() not in dropped]


class Providers:
    """The connections to providers. ``seconds`` bounds one call as a whole."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._http: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Close all connections."""
        if self._http is not None:
            await self._http.close()
            self._http = None

    async def forward(self, method: str, url: str, headers: Headers, body: bytes) -> Forwarded:
        """The provider's answer, whatever its status; redirects are not followed. Raises Unreached and Lost."""
        if self._http is None:
            self._http = aiohttp.ClientSession(auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar())
            self._http._retry_connection = False  # else aiohttp itself sends a GET, PUT or DELETE that was reset once more
        try:
            async with self._http.request(
                method,
                URL(url, encoded=True),
                headers=CIMultiDict(headers),
                data=body or None,
                allow_redirects=False,
                skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"),
                timeout=aiohttp.ClientTimeout(total=self._seconds),
            ) as answer:
                text = await answer.read()
                told = [(name.decode("latin-1"), value.decode("utf-8", "replace")) for name, value in answer.raw_headers]
                return Forwarded(text, "forwarded", effect=True, status=answer.status, exactly=passed(told))
        except aiohttp.ClientConnectorError as error:
            raise Unreached from error
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Lost from error


def joined(base: str, path: str, query: str) -> str:
    """The provider's address with the rest of the caller's path and its query."""
    url = base.rstrip("/") + path
    return f"{url}?{query}" if query else url


def without(query: str, names: Iterable[str]) -> tuple[str, Mapping[str, str]]:
    """A query without these parameters, else as written; and their values, decoded."""
    kept, found = [], {}
    for part in query.split("&") if query else []:
        name, _, value = part.partition("=")
        if name in names:
            found[name] = URL(f"http://x/?{part}", encoded=True).query.get(name, value)
        else:
            kept.append(part)
    return "&".join(kept), found
