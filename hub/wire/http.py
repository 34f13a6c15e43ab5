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
from collections.abc import AsyncIterable, Callable, Mapping
from datetime import UTC
from pathlib import Path
from types import SimpleNamespace
from typing import ClassVar

import aiohttp
from pydantic import BaseModel, ConfigDict, Field, field_validator

from hub.errors import DeliveryError, NotConnected, Transient
from hub.message import Clock
from hub.observe import trace
from hub.wire.answer import Answer, unclear
from hub.wire.reached import Reached, on_its_way
from hub.wire.sent import Outgoing
from hub.wire.tls import Certificates
from hub.wire.x_road import XRoad, check_rest_answer

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
    reached: Reached | None = Field(
        None, description="How the partner is reached; a direct way needs a reason (Decree 194/2025/NĐ-CP)."
    )

    makes_x_road_headers: ClassVar[bool] = False
    """Whether the connector puts X-Road's header blocks into its SOAP envelopes."""

    @field_validator("reached")
    @classmethod
    def _can_go_this_way(cls, reached: Reached | None) -> Reached | None:
        if isinstance(reached, XRoad) and reached.protocol == "soap" and not cls.makes_x_road_headers:
            raise ValueError("this connector writes no X-Road header blocks: protocol: rest, or the connector soap")
        return reached


class HttpEndpoint:
    """Calls to one partner: ``await open()`` once, ``call`` from any number of tasks, ``await close()``."""

    def __init__(self, settings: HttpSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._limits = self._within(settings.read_timeout)
        self._slots = asyncio.Semaphore(settings.connections)
        self._session: aiohttp.ClientSession | None = None
        self._certificates: Certificates | None = None

    def _within(self, read_timeout: float) -> aiohttp.ClientTimeout:
        connect = self._settings.connect_timeout
        return aiohttp.ClientTimeout(total=connect + read_timeout, connect=connect)

    async def open(self) -> None:
        """Prepare the session; needs no partner. Raises BadConfig when a certificate file cannot be used."""
        settings = self._settings
        self._certificates = Certificates(settings)
        watch = aiohttp.TraceConfig()
        watch.on_request_headers_sent.append(_mark_begun)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=settings.connections, keepalive_timeout=settings.keepalive),
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
        body: bytes | Callable[[], AsyncIterable[bytes]] | None = None,
        headers: Mapping[str, str] | None = None,
        traceparent: str | None = None,
        timeout: float | None = None,
        any_status: bool = False,
        as_it_stands: bool = False,
    ) -> Answer:
        """One HTTP request, written at most once. ``effect`` says whether it may change something at the partner.

        ``url`` is the partner's own; ``reached`` decides where the call goes, unless ``as_it_stands``. ``body`` may be a
        function that begins a stream (flat memory; say Content-Length in ``headers`` if the partner wants it): its own
        DeliveryError, or Transient for another of its failures, is raised when it breaks off, since half a request is none.

        Returns the answer of any status but 429 and 503. Raises NotConnected (nothing was written), Transient (429,
        503, with ``retry_after`` from Retry-After; a lost answer of a call without effect) or InDoubt (a lost answer
        of a call with effect), and for an error of X-Road what ``x_road.fault`` tells. ``traceparent`` (W3C) is passed on as
        it is, if well formed. ``timeout``: in place of read_timeout. ``any_status``: 429 and 503 are returned too, if their
        body can be read.
        """
        if self._session is None or self._certificates is None:
            raise RuntimeError("HttpEndpoint.open() comes before call()")
        if effect and method not in _NEVER_REPEATED:
            raise ValueError(f"{method} with effect could be repeated by the HTTP library; use {_NEVER_REPEATED}")
        reached = None if as_it_stands else self._settings.reached
        url, all_headers = on_its_way(reached, url, headers or {})
        x_road = reached if isinstance(reached, XRoad) and reached.protocol == "rest" else None
        if caller := trace.parse(traceparent):
            all_headers["traceparent"] = caller.traceparent
        sent = Outgoing(body, hashed=x_road is not None)
        busy: Transient | None = None
        by_x_road = False
        limits = self._within(timeout) if timeout else self._limits
        async with self._slots:
            try:
                async with self._session.request(
                    method, url, data=sent.data(), headers=all_headers, allow_redirects=False, trace_request_ctx=sent,
                    timeout=limits, ssl=self._certificates.context(),
                ) as response:  # fmt: skip
                    if response.status in (429, 503):
                        wait = retry_after(response.headers.get("Retry-After"), self._clock())
                        busy = Transient(f"http_{response.status}", "the partner asked to come back later", wait)
                        by_x_road = "X-Road-Error" in response.headers  # which may say otherwise: its body must be read
                        if not any_status and not by_x_road:
                            raise busy
                    content = await self._read(response, effect)
                    answer = Answer(response.status, {k.lower(): v for k, v in response.headers.items()}, content)
            except (aiohttp.ClientError, OSError) as failure:
                raise sent.broken or (None if by_x_road else busy) or _told(failure, sent.begun, effect) from None
            except DeliveryError as failure:
                raise failure if by_x_road else busy or failure from None
        if x_road is not None:
            check_rest_answer(x_road, sent.sent, answer, effect)
        if busy is not None and not any_status:
            raise busy
        return answer

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


async def _mark_begun(
    _session: aiohttp.ClientSession, context: SimpleNamespace, params: aiohttp.TraceRequestHeadersSentParams
) -> None:
    context.trace_request_ctx.begin(params.method, params.url.raw_path_qs, params.headers)


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
