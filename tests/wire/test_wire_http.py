"""HttpEndpoint over real sockets: what each transport failure becomes, and that nothing is ever sent twice."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from hub.errors import BadConfig, DeliveryError, InDoubt, NotConnected, Transient
from hub.wire import Answer, HttpEndpoint, HttpSettings
from hub.wire.http import retry_after

NOW = 1_795_244_400_000_000  # 2026-11-21T07:00:00Z in microseconds
Talk = Callable[["Partner", asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Partner:
    """A partner that speaks raw bytes; ``requests`` holds the head of each request it read."""

    def __init__(self, talk: Talk) -> None:
        self.talk = talk
        self.requests: list[str] = []
        self.connections = 0

    async def read(self, reader: asyncio.StreamReader) -> str:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        size = next((int(line[15:]) for line in head.lower().split("\r\n") if line.startswith("content-length:")), 0)
        await reader.readexactly(size)
        self.requests.append(head)
        return head

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            await self.talk(self, reader, writer)
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            pass  # the hub hung up, or the test is over
        finally:
            writer.close()


@asynccontextmanager
async def partner(talk: Talk, tls: ssl.SSLContext | None = None) -> AsyncIterator[tuple[Partner, str]]:
    it = Partner(talk)
    server = await asyncio.start_server(it.connected, "127.0.0.1", 0, ssl=tls)
    port = server.sockets[0].getsockname()[1]
    try:
        yield it, f"{'https' if tls else 'http'}://localhost:{port}"
    finally:
        server.close()


@asynccontextmanager
async def endpoint(**settings: object) -> AsyncIterator[HttpEndpoint]:
    fast: dict[str, object] = {"connect_timeout": 1.0, "read_timeout": 1.0, **settings}
    it = HttpEndpoint(HttpSettings.model_validate(fast), lambda: NOW)
    await it.open()
    try:
        yield it
    finally:
        await it.close()


async def post(it: HttpEndpoint, url: str, effect: bool = True) -> Answer:
    return await it.call("POST", url + "/path", effect=effect, body=b'{"canary":"0912345678"}')


def answering(text: str) -> Talk:
    async def talk(self: Partner, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await self.read(reader)
            writer.write(text.replace("\n", "\r\n").encode())
            await writer.drain()

    return talk


OK = answering("HTTP/1.1 200 OK\nContent-Length: 2\nX-Ref: A1\n\n{}")


async def silent(self: Partner, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await self.read(reader)
    await reader.read()


async def reset(self: Partner, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await self.read(reader)
    writer.transport.abort()


async def half(self: Partner, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await self.read(reader)
    writer.write(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"error_code":')
    await writer.drain()


async def garbage(self: Partner, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await self.read(reader)
    writer.write(b"\x15\x03\x01 this is not HTTP\r\n\r\n")
    await writer.drain()


async def drip(self: Partner, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await self.read(reader)
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while True:
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.05)


async def test_an_answer_comes_whole_with_lower_case_headers() -> None:
    """Status, headers and body are handed over as they came."""
    async with partner(OK) as (_, url), endpoint() as it:
        answer = await post(it, url)
    assert (answer.status, answer.headers["x-ref"], answer.body) == (200, "A1", b"{}")


@pytest.mark.parametrize(
    ("talk", "code"),
    [
        (silent, "read_timeout"),
        (drip, "read_timeout"),
        (reset, "reset"),
        (half, "half_answer"),
        (garbage, "half_answer"),
    ],
    ids=["silent", "drip", "reset", "half", "garbage"],
)
async def test_a_lost_answer_is_in_doubt_only_for_a_call_with_effect(talk: Talk, code: str) -> None:
    """Once the request was sent, a lost answer is InDoubt with effect and Transient without; neither is sent again,
    and no error text quotes what was sent."""
    patience = 0.5 if code == "read_timeout" else 5.0
    async with partner(talk) as (it_, url), endpoint(connect_timeout=patience, read_timeout=patience) as it:
        with pytest.raises(InDoubt) as doubt:
            await post(it, url)
        with pytest.raises(Transient) as lost:
            await post(it, url, effect=False)
    assert (doubt.value.code, lost.value.code) == (code, code)
    assert len(it_.requests) == 2
    assert "0912345678" not in str(doubt.value) + str(lost.value)


async def test_nothing_listening_is_not_connected() -> None:
    """A refused connection never reached the partner, with or without effect."""
    async with partner(OK) as (_, url):
        pass
    async with endpoint() as it:
        for effect in (True, False):
            with pytest.raises(NotConnected) as refused:
                await post(it, url, effect)
            assert refused.value.code == "refused"


async def test_an_unknown_host_is_not_connected() -> None:
    """A name that cannot be resolved is told as such (RFC 6761: .invalid never resolves)."""
    async with endpoint() as it:
        with pytest.raises(NotConnected) as unknown:
            await post(it, "http://portal.invalid")
    assert unknown.value.code in ("dns", "connect_timeout")


async def test_no_tls_at_the_other_end_is_not_connected() -> None:
    """A failed TLS handshake sends nothing of the request."""

    async def plain(self: Partner, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()

    async with partner(plain) as (it_, url), endpoint() as it:
        with pytest.raises(NotConnected) as failed:
            await post(it, url.replace("http:", "https:"))
    assert failed.value.code == "tls"
    assert it_.requests == []


async def test_a_tls_handshake_that_hangs_is_not_connected() -> None:
    """The connect timeout covers TLS: a partner that accepts and says nothing has seen nothing of the request."""

    async def mute(self: Partner, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with partner(mute) as (_, url), endpoint(connect_timeout=0.2) as it:
        with pytest.raises(NotConnected) as failed:
            await post(it, url.replace("http:", "https:"))
    assert failed.value.code == "connect_timeout"


async def test_a_post_on_a_dead_kept_connection_is_never_sent_again() -> None:
    """The partner closes a kept connection just when a second request is written on it: that is in doubt, and the
    partner has read each request once."""

    async def once(self: Partner, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self.read(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        await self.read(reader)

    async with partner(once) as (it_, url), endpoint() as it:
        await post(it, url)
        with pytest.raises(InDoubt) as doubt:
            await post(it, url)
    assert doubt.value.code == "reset"
    assert (len(it_.requests), it_.connections) == (2, 1)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_methods_that_the_library_repeats_are_refused_for_calls_with_effect(method: str) -> None:
    """aiohttp repeats idempotent methods by itself, so they cannot carry an effect here."""
    async with endpoint() as it:
        with pytest.raises(ValueError, match=method):
            await it.call(method, "http://localhost:1/", effect=True)


async def test_a_redirect_is_handed_back_not_followed() -> None:
    """307 would send the body a second time, to an address nobody configured."""
    moved = answering("HTTP/1.1 307 Moved\nLocation: /else\nContent-Length: 0\n\n")
    async with partner(moved) as (it_, url), endpoint() as it:
        answer = await post(it, url)
    assert answer.status == 307
    assert len(it_.requests) == 1


async def test_an_answer_above_the_limit_is_not_read() -> None:
    """The body is cut off at max_answer_bytes; what a call with effect did is then unknown."""
    big = answering("HTTP/1.1 200 OK\nContent-Length: 5000\n\n" + "x" * 5000)
    async with partner(big) as (_, url), endpoint(max_answer_bytes=1024) as it:
        with pytest.raises(InDoubt) as doubt:
            await post(it, url)
        with pytest.raises(Transient):
            await post(it, url, effect=False)
    assert doubt.value.code == "answer_too_large"


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("Retry-After: 120\n", 120.0),
        ("Retry-After: Sat, 21 Nov 2026 07:01:30 GMT\n", 90.0),
        ("Retry-After: soon\n", None),
        ("", None),
    ],
    ids=["seconds", "date", "unreadable", "absent"],
)
async def test_not_now_is_transient_with_the_time_the_partner_gave(status: int, header: str, seconds: float | None) -> None:
    """429 and 503 say that nothing was done, also for calls with effect; Retry-After is seconds or an HTTP date."""
    async with partner(answering(f"HTTP/1.1 {status} No\n{header}Content-Length: 0\n\n")) as (_, url), endpoint() as it:
        with pytest.raises(Transient) as later:
            await post(it, url)
    assert (later.value.code, later.value.retry_after) == (f"http_{status}", seconds)


def test_a_retry_date_in_the_past_means_now() -> None:
    """Never a negative wait; a number too long to be meant is unreadable."""
    assert retry_after("Sat, 21 Nov 2026 06:00:00 GMT", NOW) == 0.0
    assert retry_after("9" * 400, NOW) is None


async def test_a_well_formed_traceparent_is_passed_on_and_another_is_not() -> None:
    """W3C trace context: forwarded as it came, ignored when malformed."""
    good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    async with partner(OK) as (it_, url), endpoint() as it:
        await it.call("POST", url, effect=False, traceparent=good)
        await it.call("POST", url, effect=False, traceparent="00-nonsense\r\nX-Evil: 1")
    assert f"traceparent: {good}" in it_.requests[0]
    assert "traceparent" not in it_.requests[1] and "X-Evil" not in it_.requests[1]


async def test_no_more_connections_than_allowed_and_waiting_costs_no_time_of_the_call() -> None:
    """Calls above the limit wait for a free slot; that wait is not counted as the partner's slowness."""
    at_once, most = 0, 0

    async def slow(self: Partner, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal at_once, most
        while True:
            await self.read(reader)
            at_once += 1
            most = max(most, at_once)
            await asyncio.sleep(0.6)
            at_once -= 1
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

    async with partner(slow) as (_, url), endpoint(connections=2, connect_timeout=0.5, read_timeout=1.5) as it:
        answers = await asyncio.gather(*(post(it, url) for _ in range(10)))
    assert [a.status for a in answers] == [200] * 10
    assert most == 2


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate of localhost with its key, in one PEM file."""
    folder = tmp_path_factory.mktemp("tls")
    key, cert, both = folder / "key.pem", folder / "cert.pem", folder / "both.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
         "-days", "3650", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
         "-keyout", str(key), "-out", str(cert)],
        check=True, capture_output=True,
    )  # fmt: skip
    both.write_bytes(cert.read_bytes() + key.read_bytes())
    return both


async def test_a_private_authority_is_trusted_only_if_configured(certificate: Path) -> None:
    """Without ca_file an unknown certificate is refused before anything is sent; with it the call works."""
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate)
    async with partner(OK, tls) as (it_, url):
        async with endpoint() as it:
            with pytest.raises(NotConnected) as failed:
                await post(it, url)
        assert (failed.value.code, it_.requests) == ("tls", [])
        async with endpoint(ca_file=certificate) as it:
            assert (await post(it, url)).status == 200


async def test_a_client_certificate_is_presented(certificate: Path) -> None:
    """A partner that asks for a certificate gets ours; without one the call fails and had no effect."""
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=certificate)
    tls.load_cert_chain(certificate)
    tls.verify_mode = ssl.CERT_REQUIRED
    async with partner(OK, tls) as (it_, url):
        async with endpoint(ca_file=certificate, client_certificate=certificate) as it:
            assert (await post(it, url)).status == 200
        async with endpoint(ca_file=certificate) as it:
            with pytest.raises(DeliveryError):
                await post(it, url)
    assert len(it_.requests) == 1


@pytest.mark.parametrize("field", ["ca_file", "client_certificate"])
async def test_an_unusable_certificate_file_is_told_at_open(field: str, tmp_path: Path) -> None:
    """The error names the field and the file."""
    broken = tmp_path / "broken.pem"
    broken.write_text("nothing")
    it = HttpEndpoint(HttpSettings.model_validate({field: broken}), lambda: NOW)
    with pytest.raises(BadConfig) as bad:
        await it.open()
    assert bad.value.problems[0].at == field and "broken.pem" in str(bad.value)


async def test_a_call_may_have_a_timeout_of_its_own() -> None:
    """In place of read_timeout, in the same session."""
    async with partner(silent) as (_, url), endpoint(connect_timeout=1.0, read_timeout=600.0) as it:
        with pytest.raises(InDoubt) as doubt:
            await it.call("POST", url, effect=True, timeout=0.1)
    assert doubt.value.code == "read_timeout"


BUSY = answering("HTTP/1.1 503 Busy\nContent-Length: 2\nRetry-After: 7\n\n{}")
BUSY_AND_GONE = answering("HTTP/1.1 429 Busy\nContent-Length: 9\nConnection: close\nRetry-After: 7\n\n{}")


async def test_who_wants_the_body_of_a_503_gets_it() -> None:
    """For whoever can tell more of it than the status does; where it cannot be read the status decides, as ever."""
    async with partner(BUSY) as (_, url), endpoint() as it:
        answer = await it.call("POST", url, effect=True, any_status=True)
        assert (answer.status, answer.body, answer.headers["retry-after"]) == (503, b"{}", "7")
        with pytest.raises(Transient):
            await post(it, url)
    async with partner(BUSY_AND_GONE) as (_, url), endpoint() as it:
        with pytest.raises(Transient) as busy:
            await it.call("POST", url, effect=True, any_status=True)
    assert (busy.value.code, busy.value.retry_after) == ("http_429", 7.0)
