"""One HTTP session per endpoint whose failures say whether the request may have reached the partner.

Everything rests on one observation: aiohttp tells when it starts writing the request. A failure before that moment
(refused, DNS, TLS, no connection in time) is NotConnected. A failure after it (timeout, reset, half an answer, an
answer too large to read) is InDoubt for a call with effect and Transient for one without.

aiohttp by itself repeats GET, HEAD, OPTIONS, TRACE, PUT and DELETE once when a kept-alive connection turns out to be
dead, and follows redirects (307 and 308 with the body again). Calls with effect must never be sent twice behind our
back, so such a call is refused unless it is a POST or PATCH (which aiohttp never repeats), and no redirect is followed.
"""

from __future__ import annotations

import asyncio
import email.utils
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import aiohttp
from pydantic import BaseModel, ConfigDict, Field

from hub.errors import BadConfig, DeliveryError, InDoubt, NotConnected, Problem, Transient
from hub.message import Clock
from hub.observe import trace

_NEVER_REPEATED = ("POST", "PATCH")


class HttpSettings(BaseModel):
    """How an endpoint is reached. A connector's config inherits these fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    connect_timeout: float = Field(10.0, gt=0, description="Seconds to find the host, connect and agree on TLS.")
    read_timeout: float = Field(60.0, gt=0, description="Seconds, after connecting, until the whole answer must be there.")
    connections: int = Field(16, ge=1, le=1000, description="Calls to the partner at the same time; more calls wait.")
    keepalive: float = Field(
        4.0,
        ge=0,
        description="Seconds an idle connection is kept. Keep it below the partner's own limit (Apache httpd: 5, "
        "Tomcat: 20): a call written to a connection that the partner is just closing is in doubt.",
    )
    max_answer_bytes: int = Field(16 * 1024 * 1024, ge=1024, description="An answer above this size is not read.")
    ca_file: Path | None = Field(
        None, description="PEM file of the authorities to trust instead of the system's; checking has no off switch."
    )
    client_certificate: Path | None = Field(None, description="PEM file of our certificate, if the partner asks.")
    client_key: Path | None = Field(None, description="PEM file of that certificate's key, if it is not in the same file.")


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer: HTTP status, headers (names in lower case) and body as bytes, decompressed."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def unclear(effect: bool, code: str, reason: str) -> DeliveryError:
    """What to raise when a call went out and no usable answer came: in doubt if it may have had effect."""
    return InDoubt(code, reason) if effect else Transient(code, reason)


class HttpEndpoint:
    """Calls to one partner: ``await open()`` once, ``call`` from any number of tasks, ``await close()``."""

    def __init__(self, settings: HttpSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._slots = asyncio.Semaphore(settings.connections)
        self._session: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        """Prepare the session; needs no partner. Raises BadConfig when a certificate file cannot be used."""
        settings = self._settings
        watch = aiohttp.TraceConfig()
        watch.on_request_headers_sent.append(_mark_begun)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=settings.connections, keepalive_timeout=settings.keepalive, ssl=_tls(settings)
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": "dossier-hub"},
            trace_configs=[watch],
        )

    async def close(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def call(
        self,
        method: str,
        url: str,
        *,
        effect: bool,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        traceparent: str | None = None,
        timeout: float | None = None,
        any_status: bool = False,
    ) -> Answer:
        """One HTTP request, written at most once. ``effect`` says whether it may change something at the partner.

        Returns the answer of any status but 429 and 503. Raises NotConnected (nothing was written), Transient (429,
        503, with ``retry_after`` from Retry-After; a lost answer of a call without effect) or InDoubt (a lost answer
        of a call with effect). ``traceparent`` (W3C) is passed on as it is, if well formed. ``timeout``: in place of
        read_timeout. ``any_status``: 429 and 503 are returned too, if their body can be read.
        """
        if self._session is None:
            raise RuntimeError("HttpEndpoint.open() comes before call()")
        if effect and method not in _NEVER_REPEATED:
            raise ValueError(f"{method} with effect could be repeated by the HTTP library; use {_NEVER_REPEATED}")
        all_headers = dict(headers or {})
        if caller := trace.parse(traceparent):
            all_headers["traceparent"] = caller.traceparent
        writing = _Writing()
        busy: Transient | None = None
        connect = self._settings.connect_timeout
        limits = aiohttp.ClientTimeout(total=connect + (timeout or self._settings.read_timeout), connect=connect)
        async with self._slots:
            try:
                async with self._session.request(
                    method, url, data=body, headers=all_headers, allow_redirects=False, trace_request_ctx=writing,
                    timeout=limits,
                ) as response:  # fmt: skip
                    if response.status in (429, 503):
                        wait = retry_after(response.headers.get("Retry-After"), self._clock())
                        busy = Transient(f"http_{response.status}", "the partner asked to come back later", wait)
                        if not any_status:
                            raise busy
                    content = await self._read(response, effect)
                    return Answer(response.status, {k.lower(): v for k, v in response.headers.items()}, content)
            except (aiohttp.ClientError, OSError) as failure:
                raise busy or _told(failure, writing.begun, effect) from None
            except DeliveryError as failure:
                raise busy or failure from None

    async def _read(self, response: aiohttp.ClientResponse, effect: bool) -> bytes:
        parts: list[bytes] = []
        size = 0
        async for part in response.content.iter_any():
            size += len(part)
            if size > self._settings.max_answer_bytes:
                response.close()
                limit = self._settings.max_answer_bytes
                raise unclear(effect, "answer_too_large", f"the answer is larger than {limit} bytes")
            parts.append(part)
        return b"".join(parts)


def retry_after(text: str | None, now: int) -> float | None:
    """Seconds to wait from a Retry-After header: a number of seconds or an HTTP date. ``now`` in microseconds.

    None when the header is absent or not readable; 0.0 when the date has passed (RFC 9110 section 10.2.3).
    """
    if text is None:
        return None
    text = text.strip()
    if re.fullmatch(r"[0-9]{1,9}", text):
        return float(text)
    try:
        date = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return None
    if date.tzinfo is None:
        date = date.replace(tzinfo=UTC)
    return max(0.0, date.timestamp() - now / 1_000_000)


class _Writing:
    """Whether the request has begun to be written."""

    __slots__ = ("begun",)

    def __init__(self) -> None:
        self.begun = False


async def _mark_begun(
    _session: aiohttp.ClientSession, context: SimpleNamespace, _params: aiohttp.TraceRequestHeadersSentParams
) -> None:
    context.trace_request_ctx.begun = True


def _told(failure: Exception, begun: bool, effect: bool) -> DeliveryError:
    """The error tree's word for a transport failure; its text names the kind of failure, never what was sent."""
    kind = type(failure).__name__
    if not begun:
        return NotConnected(_connect_code(failure), f"no connection to the partner ({kind})")
    if isinstance(failure, TimeoutError):
        return unclear(effect, "read_timeout", f"the request was sent, no answer came in time ({kind})")
    if isinstance(failure, (aiohttp.ClientPayloadError, aiohttp.ClientResponseError)):
        return unclear(effect, "half_answer", f"the request was sent, the answer broke off or is not HTTP ({kind})")
    return unclear(effect, "reset", f"the connection broke after the request began to be sent ({kind})")


def _connect_code(failure: Exception) -> str:
    if isinstance(failure, TimeoutError):
        return "connect_timeout"
    if isinstance(failure, aiohttp.ClientConnectorDNSError):
        return "dns"
    if isinstance(failure, (aiohttp.ClientSSLError, ssl.SSLError)):
        return "tls"
    if isinstance(failure, aiohttp.ClientConnectorError) and isinstance(failure.os_error, ConnectionRefusedError):
        return "refused"
    return "no_connection"


def unusable_files(settings: HttpSettings) -> tuple[Problem, ...]:
    """What is wrong with the certificate files, as ``HttpEndpoint.open`` would say it."""
    try:
        _tls(settings)
    except BadConfig as error:
        return error.problems
    return ()


@cache
def _trusting_the_system() -> ssl.SSLContext:
    """The machine's own authorities, read once: it takes as long as many calls."""
    return ssl.create_default_context()


def _tls(settings: HttpSettings) -> ssl.SSLContext:
    if settings.ca_file is None and settings.client_certificate is None:
        return _trusting_the_system()
    try:
        context = ssl.create_default_context(cafile=settings.ca_file)
    except (OSError, ssl.SSLError) as failure:
        raise _unusable("ca_file", settings.ca_file, failure) from None
    if settings.client_certificate is not None:
        try:
            context.load_cert_chain(settings.client_certificate, settings.client_key, password="")
        except (OSError, ssl.SSLError) as failure:
            raise _unusable("client_certificate", settings.client_certificate, failure) from None
    return context


def _unusable(field: str, path: Path | None, failure: Exception) -> BadConfig:
    why = f"{path} cannot be used ({type(failure).__name__})"
    return BadConfig([Problem(field, "file_unusable", why, "a PEM file that the hub's user may read")])
