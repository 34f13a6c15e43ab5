"""How the door behaves as HTTP: HEAD, OPTIONS, wrong paths, ids of requests, a prefix, proxies, the trace that goes on."""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from api_hub import Api, started
from flow.parts import CONFIG, MovableClock, make_home, told, until
from multidict import CIMultiDict

from hub.api.server import Listen, Server, build_app
from hub.app import Hub
from hub.assembly import assemble
from hub.config import ServerConfig
from hub.observe.logging import bound, configure
from hub.wire.forwarded import CLIENT_ADDRESS, asked

CALLER = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[Api]:
    async with started(tmp_path) as api:
        yield api


@contextlib.asynccontextmanager
async def served(*routes: web.RouteDef) -> AsyncIterator[str]:
    """A partner's server; its URL."""
    app = web.Application()
    app.add_routes(routes)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


# ── methods and paths

READABLE = ("/health/live", "/health/ready", "/openapi.json", "/docs", "/v1/arrivals", "/v1/dossiers", "/v1/arrivals/none",
            "/v1/dossiers/none", "/v1/arrivals?limit=0", "/nowhere")  # fmt: skip


async def test_head_answers_as_get_without_the_body(api: Api) -> None:
    """Same status and headers, the length of the body it does not send; errors too."""
    for path in READABLE:
        full, head = await api.get(path), await api.call("HEAD", path)
        assert (head.status, head.body) == (full.status, b""), path
        same = ("Content-Type", "Content-Length", "Cache-Control", "Content-Security-Policy")
        assert [head.headers.get(name) for name in same] == [full.headers.get(name) for name in same], path
    assert (await api.call("HEAD", "/metrics")).status == 200
    wrong = await api.call("HEAD", "/v1/messages")
    assert (wrong.status, wrong.headers["Allow"], wrong.body) == (405, "OPTIONS, POST", b"")


async def test_options_says_what_a_path_takes(api: Api) -> None:
    """204 with Allow, without a key; 404 for a path that is none."""
    for path in ("/health/live", "/metrics", "/openapi.json", "/docs", "/v1/arrivals", "/v1/dossiers/a/b"):
        answer = await api.call("OPTIONS", path, sender=None)
        assert (answer.status, answer.headers["Allow"], answer.body) == (204, "GET, HEAD, OPTIONS", b""), path
    assert (await api.call("OPTIONS", "/v1/messages", sender=None)).headers["Allow"] == "OPTIONS, POST"
    assert (await api.call("OPTIONS", "/nowhere", sender=None)).status == 404


async def test_wrong_methods_and_paths_are_problems(api: Api) -> None:
    """405 names what is allowed, 404 does not repeat the path; both tell the correlation id in body and header."""
    for method in ("DELETE", "PUT", "PATCH", "POST", "TRACE"):
        answer = await api.call(method, "/v1/arrivals")
        assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD, OPTIONS")
        assert answer.json["type"] == "urn:dossier-hub:problem:method-not-allowed"
    answer = await api.get("/no/such/path")
    assert (answer.status, answer.json["type"]) == (404, "urn:dossier-hub:problem:not-found")
    assert answer.json["correlation_id"] == answer.headers["Hub-Correlation-Id"]
    assert "such" not in answer.body.decode()


# ── traces


async def test_the_callers_trace_is_the_correlation_id(api: Api) -> None:
    """Header, problem, receipt and the arrival's record tell it; without a caller's trace each request has a new one."""
    (story,) = told()
    sent = await api.send(story.records[0], headers={"traceparent": CALLER})
    assert sent.headers["Hub-Correlation-Id"] == sent.json["correlation_id"] == TRACE
    assert (await api.get(sent.headers["Location"])).json["correlation_id"] == TRACE
    refused = await api.get("/v1/arrivals/x", headers={"traceparent": CALLER})
    assert refused.json["correlation_id"] == TRACE
    one, other = await api.get("/health/live"), await api.get("/health/live")
    assert one.headers["Hub-Correlation-Id"] != other.headers["Hub-Correlation-Id"]
    assert bound("correlation_id") is None


INVALID = (
    "", "x", CALLER.upper(), CALLER[:-1], CALLER + "-00", "ff" + CALLER[2:], f"00-{'0' * 32}-00f067aa0ba902b7-01",
    f"00-{TRACE}-{'0' * 16}-01", CALLER.replace("-", "_"),
)  # fmt: skip


async def test_an_invalid_traceparent_begins_a_new_trace(api: Api) -> None:
    """As if there were none, whatever tracestate says; two of them are as none too (W3C Trace Context 3.3.1)."""
    for header in INVALID:
        answer = await api.get("/health/live", headers={"traceparent": header, "tracestate": "vendor=1"})
        assert answer.status == 200
        assert re.fullmatch("[0-9a-f]{32}", answer.headers["Hub-Correlation-Id"]), header
        assert answer.headers["Hub-Correlation-Id"] != TRACE, header
    twice = CIMultiDict([("traceparent", CALLER), ("traceparent", CALLER)])
    assert (await api.get("/health/live", sender=None, headers=twice)).headers["Hub-Correlation-Id"] != TRACE


async def test_a_newer_version_is_read_as_far_as_it_is_known(api: Api) -> None:
    """Fields after the flags of a later version are passed over."""
    answer = await api.get("/health/live", headers={"traceparent": "cc" + CALLER[2:] + "-what-the-future-holds"})
    assert answer.headers["Hub-Correlation-Id"] == TRACE


async def test_the_trace_reaches_the_partner(tmp_path: Path) -> None:
    """The portal's own connector sends the caller's trace on, with a parent of ours, unknown flags zero, no tracestate."""
    heard: list[tuple[str | None, Mapping[str, str]]] = []

    async def answer(request: web.Request) -> web.Response:
        heard.append(((await request.json()).get("service"), request.headers.copy()))
        return web.json_response({"error_code": "0", "message": "", "session": "s", "result": []})

    async with served(web.post("/{path:.*}", answer)) as url:
        clock = MovableClock()
        hub = Hub(assemble(make_home(tmp_path / "home", CONFIG.replace("http://127.0.0.1:9/x", f"{url}/x"))), clock)
        await hub.start()
        api = Api(hub, None, clock)
        await api.add_sender("one-stop")
        story = next(one for one in told(5) if one.code)
        for record in story.records:
            await api.send(record, headers={"traceparent": CALLER[:-2] + "fd", "tracestate": "vendor=secret"})
        await until(lambda: any(service for service, _ in heard))
        await hub.stop()
    headers = next(headers for service, headers in heard if service)
    version, trace, span, flags = headers["traceparent"].split("-")
    assert (version, trace, flags) == ("00", TRACE, "01")
    assert re.fullmatch("[0-9a-f]{16}", span) and span != "00f067aa0ba902b7"
    assert "tracestate" not in headers


# ── under a prefix, behind proxies


async def test_every_path_is_under_the_prefix(tmp_path: Path) -> None:
    """Messages, reads, health, metrics, description; Location and Link too; the paths without it are gone."""
    async with started(tmp_path, 'port: 0, prefix: "/tinh/hub"') as api:
        (story,) = told()
        sent = await api.call(
            "POST", "/tinh/hub/v1/messages", json=story.records[0], headers={"Hub-Schema": "opencps-dossier@1"}
        )
        assert sent.headers["Location"] == f"/tinh/hub/v1/arrivals/{sent.json['arrival']}"
        assert (await api.get(sent.headers["Location"])).status == 200
        await api.call("POST", "/tinh/hub/v1/messages", json=story.records[1], headers={"Hub-Schema": "opencps-dossier@1"})
        link = (await api.get("/tinh/hub/v1/arrivals?limit=1")).headers["Link"]
        assert link.startswith("</tinh/hub/v1/arrivals?limit=1&after=")
        for path in ("/health/live", "/health/ready", "/metrics", "/openapi.json", "/docs", f"/v1/dossiers/{story.code}"):
            assert (await api.get("/tinh/hub" + path)).status == 200, path
            assert (await api.get(path)).status == 404, path
        servers = (await api.get("/tinh/hub/openapi.json")).json["servers"]
        assert servers == [{"url": f"http://127.0.0.1:{api.hub.port}/tinh/hub"}]
        text = (await api.get("/tinh/hub/metrics")).body.decode()
        assert 'route="/v1/messages"' in text and "tinh" not in text


@pytest.mark.parametrize("wrong", ["hub", "/", "/hub/", "/a b", "/hub?x", "//hub", "/{x}"])
def test_a_prefix_is_a_plain_path(wrong: str) -> None:
    """Refused with the configuration, not found out later."""
    with pytest.raises(ValueError, match="prefix"):
        ServerConfig(prefix=wrong)


SPOOFED = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "evil.example"}


async def test_only_trusted_proxies_are_believed(tmp_path: Path) -> None:
    """The document's address is what the client asked the proxy for; the same headers from elsewhere change nothing."""
    for networks, server in (("[127.0.0.0/8]", "https://evil.example"), ("[10.0.0.0/8]", None), ("[]", None)):
        async with started(tmp_path / networks.strip("[]").replace("/", "-"), f"port: 0, trusted_proxies: {networks}") as api:
            told_by = (await api.get("/openapi.json", headers=SPOOFED)).json["servers"]
            assert told_by == [{"url": server or f"http://127.0.0.1:{api.hub.port}"}]


TRUSTED = ServerConfig(trusted_proxies=["10.0.0.0/8", "2001:db8::/32"]).trusted_proxies  # type: ignore[list-item]


class _Peer:
    """A connection from this address."""

    def __init__(self, address: str) -> None:
        self.address = address

    def get_extra_info(self, name: str, default: object = None) -> object:
        return (self.address, 1234) if name == "peername" else default


@pytest.mark.parametrize(
    ("peer", "headers", "client"),
    [
        ("10.0.0.1", {"X-Forwarded-For": "203.0.113.9"}, "203.0.113.9"),
        ("10.0.0.1", {"X-Forwarded-For": "1.1.1.1, 203.0.113.9"}, "203.0.113.9"),
        ("10.0.0.1", {"X-Forwarded-For": "203.0.113.9, 10.9.9.9"}, "203.0.113.9"),
        ("10.0.0.1", {"X-Forwarded-For": "1.1.1.1, 203.0.113.9, 10.9.9.9, 10.8.8.8"}, "203.0.113.9"),
        ("10.0.0.1", {"X-Forwarded-For": "203.0.113.9:4711"}, "203.0.113.9"),
        ("10.0.0.1", {"X-Forwarded-For": "203.0.113.9, unknown"}, "10.0.0.1"),
        ("10.0.0.1", {"X-Forwarded-For": ""}, "10.0.0.1"),
        ("10.0.0.1", {}, "10.0.0.1"),
        ("203.0.113.1", {"X-Forwarded-For": "198.51.100.7"}, "203.0.113.1"),
        ("::ffff:10.0.0.1", {"X-Forwarded-For": "203.0.113.9"}, "203.0.113.9"),
        ("2001:db8::1", {"Forwarded": 'for="[2001:db9::2]:4711";proto=https'}, "2001:db9::2"),
        ("10.0.0.1", {"Forwarded": "for=1.1.1.1, for=203.0.113.9;by=10.0.0.1, For=10.2.2.2"}, "203.0.113.9"),
        ("10.0.0.1", {"Forwarded": "for=_hidden, for=203.0.113.9"}, "203.0.113.9"),
        ("10.0.0.1", {"Forwarded": "for=203.0.113.9, for=_hidden"}, "10.0.0.1"),
        ("10.0.0.1", {"Forwarded": 'for="203.0.113.9'}, "10.0.0.1"),
        ("10.0.0.1", {"Forwarded": "for=1.1.1.1", "X-Forwarded-For": "203.0.113.9"}, "10.0.0.1"),
    ],
)  # fmt: skip
def test_the_client_is_the_first_from_the_right_that_no_proxy_is(peer: str, headers: dict[str, str], client: str) -> None:
    """What a client writes itself stands left of what the proxies add, and is never believed."""
    request = make_mocked_request("GET", "/", headers={"Host": "hub", **headers}, transport=_Peer(peer))
    assert asked(request, TRUSTED).client == client


@pytest.mark.parametrize(
    ("headers", "origin"),
    [
        ({"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "a.vn:8443"}, "https://a.vn:8443"),
        ({"X-Forwarded-For": "203.0.113.9, 10.1.1.1", "X-Forwarded-Proto": "https, http"}, "https://hub"),
        ({"X-Forwarded-For": "1.1.1.1, 203.0.113.9", "X-Forwarded-Proto": "gopher, https"}, "https://hub"),
        ({"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "javascript", "X-Forwarded-Host": "a b<x>"}, "http://hub"),
        ({"Forwarded": 'for=203.0.113.9;proto=https;host="a.vn"'}, "https://a.vn"),
    ],
)  # fmt: skip
def test_scheme_and_host_as_the_client_asked(headers: dict[str, str], origin: str) -> None:
    """Of the hop that spoke with the client; what is no scheme or host is passed over."""
    request = make_mocked_request("GET", "/", headers={"Host": "hub", **headers}, transport=_Peer("10.0.0.1"))
    assert asked(request, TRUSTED).origin == origin


async def test_connectors_are_told_the_clients_address() -> None:
    """``request[CLIENT_ADDRESS]`` at any path of the server, those of connectors too; it is in no log line."""
    heard: list[str] = []

    async def listen(request: web.Request) -> web.Response:
        heard.append(request[CLIENT_ADDRESS])
        return web.Response()

    unused: Any = None
    networks = ServerConfig(trusted_proxies=["127.0.0.1"]).trusted_proxies  # type: ignore[list-item]
    app = build_app(
        accept=unused, store=unused, clock=lambda: 0, running=lambda: True,
        listeners=[web.get("/partner/call-back", listen)], trusted_proxies=networks,
    )  # fmt: skip
    server = Server(app, Listen(port=0))
    await server.start()
    written = io.BytesIO()
    configure(written, "debug", process=False)
    try:
        async with aiohttp.ClientSession(f"http://127.0.0.1:{server.port}") as session:
            for headers in ({}, SPOOFED):
                async with session.get("/partner/call-back", headers=headers) as answer:
                    assert answer.status == 200
    finally:
        configure(None, "info", process=False)
        await server.stop()
    assert heard == ["127.0.0.1", "203.0.113.9"]
    assert b"call-back" in written.getvalue() and b"203.0.113" not in written.getvalue()
