"""Takes a file from the address that a message names, within the limits of ``files.fetch``, and keeps it.

Each address is checked before it is called, redirects like the first one. Nothing of ours goes along: no cookie, no account, no
proxy of the environment. What a host may mend by itself (it does not answer, is busy, breaks off) is Unanswered, everything
else is refused for good, in words that name no address.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import aiohttp
from aiohttp.abc import AbstractResolver
from aiohttp.helpers import is_ip_address
from yarl import URL

from hub.claim_check import NOTHING, PIECE, Stated, Stored
from hub.config import FetchConfig
from hub.errors import Problem, shown
from hub.files.addresses import CheckedResolver, ForbiddenAddress, SystemNames, host_fits, may_be_asked
from hub.files.content import ContentStore
from hub.files.refusals import FileRefused, size_misfit, too_large, too_large_as_stated

_REDIRECTS = (301, 302, 303, 307, 308)
_LATER = (408, 425, 429)
_NAME = re.compile(r"[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63})*\.?")
"""What may be the name of a host; anything else would be waited for without end, as for one that does not resolve today."""


class Unanswered(Exception):
    """The host gave no file now, and may later. ``is_host``: it is so of the whole host, not of this file alone."""

    def __init__(self, code: str, reason: str, host: str, *, is_host: bool) -> None:
        self.code, self.reason, self.host, self.is_host = code, reason, host, is_host
        super().__init__(f"{code}: {reason}")


class Fetching:
    """``open``, then ``fetch`` as often as wanted, then ``close``. ``resolver`` is how names become addresses (for tests)."""

    def __init__(self, settings: FetchConfig, content: ContentStore, resolver: AbstractResolver | None = None) -> None:
        self._settings = settings
        self._content = content
        self._resolver = resolver
        self._names: CheckedResolver | None = None
        self._session: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        """Acquire the session."""
        self._names = CheckedResolver(self._resolver or SystemNames(), self._settings.private)
        silence = self._settings.silence_seconds
        seconds = aiohttp.ClientTimeout(total=self._settings.seconds, sock_connect=silence, sock_read=silence)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(resolver=self._names, use_dns_cache=False, limit=16, limit_per_host=4),
            cookie_jar=aiohttp.DummyCookieJar(), timeout=seconds, auto_decompress=False, trust_env=False,
            headers={"Accept-Encoding": "identity", "Accept": "*/*", "User-Agent": "dossier-hub"},
        )  # fmt: skip

    async def close(self) -> None:
        """Release the session."""
        if self._session is not None:
            await self._session.close()
        if self._names is not None:
            await self._names.close()

    async def fetch(self, link: str, stated: Stated = NOTHING) -> Stored:
        """The file at the address, kept if it is what is stated of it. Raises Unanswered, Refused (``FileRefused`` and the
        like), StoreUnavailable."""
        assert self._session is not None
        url = self._checked(link)
        if stated.size is not None and stated.size > self._content.max_bytes:
            raise too_large_as_stated(stated.size, self._content.max_bytes)
        try:
            for _ in range(self._settings.redirects + 1):
                async with self._session.get(url, allow_redirects=False) as answer:
                    if answer.status not in _REDIRECTS:
                        return await self._taken(answer, url, stated)
                    target = answer.headers.get("Location", "")
                    try:
                        url = self._checked(str(url.join(URL(target))), was=url)
                    except ValueError:
                        raise _refused("file_not_an_address", "its host redirects to what is no address") from None
        except aiohttp.ClientConnectorDNSError as error:
            if isinstance(error.os_error, ForbiddenAddress):
                raise _forbidden() from None
            raise _unanswered("file_host_unknown", f"the name {_named(url)} does not resolve", url) from None
        except aiohttp.ClientSSLError:
            raise _unanswered("file_host_tls", f"{_named(url)} shows no certificate that can be trusted", url) from None
        except aiohttp.ClientPayloadError:
            raise _unanswered("file_cut", f"{_named(url)} broke off before the file was whole", url, is_host=False) from None
        except TimeoutError:
            raise _unanswered("file_host_timeout", f"{_named(url)} does not answer in time", url) from None
        except (aiohttp.ClientError, ConnectionError) as error:
            reason = f"{_named(url)} does not answer ({type(error).__name__})"
            raise _unanswered("file_host_unreachable", reason, url) from None
        raise _refused("file_redirects", "its host redirects too often", "name the address that has the file")

    def _checked(self, link: str, was: URL | None = None) -> URL:
        """The address as it may be called. Raises FileRefused."""
        try:
            url = URL(link)
            host, port = url.raw_host, url.port  # as it is called: a name with letters beyond ASCII in its form xn--…
        except ValueError:
            host = port = None
        schemes = ("https", "http") if self._settings.http and (was is None or was.scheme == "http") else ("https",)
        if not host or not port or "@" in url.raw_authority or url.scheme not in schemes:
            text = f"its url is no address that begins with {' or '.join(f'{one}://' for one in schemes)}"
            raise _refused(
                "file_not_an_address", text, "send an address, or the claim of a file that was sent to POST /v1/files"
            )
        if not is_ip_address(host) and (len(host) > 253 or _NAME.fullmatch(host) is None):
            raise _refused("file_not_an_address", "its url names a host that nobody can have")
        if not host_fits(host, self._settings.hosts):
            hint = "let the operator add the host to files.fetch.hosts, or send the file to POST /v1/files"
            raise _refused("file_host_not_allowed", "its url names a host that is not among files.fetch.hosts", hint)
        if is_ip_address(host) and not may_be_asked(host, self._settings.private):
            raise _forbidden()
        return url

    async def _taken(self, answer: aiohttp.ClientResponse, url: URL, stated: Stated) -> Stored:
        status, size = answer.status, answer.content_length
        if status >= 500 or status in _LATER:
            raise _unanswered("file_host_busy", f"{_named(url)} answers {status}", url, is_host=False)
        if status in (404, 410):
            raise _refused(
                "file_not_found", f"its host does not have it ({status})", "send the dossier with the right url again"
            )
        if status != 200:
            text, hint = f"its host does not give it ({status})", "have the hub allowed to read there, then replay"
            raise _refused("file_not_given", text, hint)
        if answer.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise _refused("file_coding", "its host gives it packed, though not asked to", "have it given as it is")
        if size is None and "chunked" not in answer.headers.get("Transfer-Encoding", "").lower():
            hint = "have it given with a Content-Length, or send the file to POST /v1/files"
            raise _refused("file_without_end", "its host does not say where it ends, so that half of it would pass", hint)
        if size is not None and size > self._content.max_bytes:
            raise too_large(self._content.max_bytes)
        if size is not None and stated.size not in (None, size):
            raise FileRefused([size_misfit(stated.size, size)])
        return await self._content.put(
            _pieces(answer), media_type=stated.media_type, sha256=stated.sha256, size=stated.size,
            served_as=answer.headers.get("Content-Type"),
        )  # fmt: skip


async def _pieces(answer: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    async for piece in answer.content.iter_chunked(PIECE):
        yield piece


def _unanswered(code: str, reason: str, url: URL, *, is_host: bool = True) -> Unanswered:
    return Unanswered(code, reason, url.raw_host or "", is_host=is_host)


def _named(url: URL) -> str:
    """Its host, as an error may show it."""
    return shown(url.raw_host)


def _forbidden() -> FileRefused:
    hint = "send the file to POST /v1/files, or let the operator allow the network in files.fetch.private"
    return _refused("file_address_private", "its url leads to a private or local address, which is not asked", hint)


def _refused(
    code: str, text: str, hint: str = "send the dossier with the right url again, or the file to POST /v1/files"
) -> FileRefused:
    return FileRefused([Problem("", code, text, hint)])
