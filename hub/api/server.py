"""The hub's one HTTP server: paths put together, errors as problems, a log line per request, TLS, an orderly end."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Middleware

from hub.api.crowd import READ_AHEAD, Crowd
from hub.api.description import Description
from hub.api.files import FileDoor
from hub.api.lookups import LookupDoor
from hub.api.probes import Probes
from hub.api.problems import CORRELATION, from_error, not_allowed, problem
from hub.api.reads import Reads
from hub.api.rows import RowDoor
from hub.connector import Accept
from hub.errors import BadConfig, HubError, NotAllowed, NotFound, Problem, Refused, StoreUnavailable, UnknownSchema
from hub.intake.allowance import Allowances
from hub.intake.body import BodyLimits, wait_with_continue
from hub.intake.doorway import AFTERWARDS, RENDER, TRACE, Doorway
from hub.intake.gate import Gate
from hub.intake.keys import Keys
from hub.intake.planning import Source
from hub.intake.rest import MessageDoor
from hub.intake.soap import SoapDoor
from hub.lookup.officers import Officers
from hub.lookup.registry import Registry
from hub.message import Clock, SchemaRef
from hub.observe import metrics
from hub.observe.logging import context, get_logger
from hub.observe.trace import begin
from hub.store.port import Reader
from hub.translation import Catalog
from hub.wire.forwarded import CLIENT_ADDRESS, Network, asked

_QUIET = frozenset({"/v1/messages", "/v1/rows", "/v1/waiting", "/console/live", "/health/live", "/health/ready", "/metrics"})
"""A message that was taken has a line of its own, and the others are asked all day: only what failed is logged of these."""
HANDSHAKE_SECONDS = 10.0
"""The longest that a peer may take to agree on TLS; ``idle_seconds`` when that is shorter."""
_log = get_logger(__name__)
_Next = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Listen:
    """Where to listen. ``cert`` and ``key`` (PEM files) switch TLS on; ``port`` 0 takes a free one; no grace cuts at once."""

    host: str = "127.0.0.1"
    port: int = 8080
    cert: Path | None = None
    key: Path | None = None
    grace_seconds: float = 10.0
    connections: int = 768
    connections_per_address: int = 512
    idle_seconds: float = 75.0


def build_app(
    *,
    accept: Accept,
    store: Reader,
    clock: Clock,
    running: Callable[[], bool],
    receiving: Callable[[], bool] = lambda: True,
    limits: BodyLimits | None = None,
    allowances: Allowances | None = None,
    gate: Gate | None = None,
    listeners: Iterable[web.RouteDef] = (),
    prefix: str = "",
    trusted_proxies: Sequence[Network] = (),
    catalog: Callable[[], tuple[Catalog, Sequence[Source]]] | None = None,
    registries: Sequence[Registry] = (),
    endpoints: Sequence[str] = (),
    soap: Callable[[Doorway], Sequence[SoapDoor]] = lambda doorway: (),
    doors: Callable[[Doorway], Iterable[web.RouteDef]] = lambda doorway: (),
    files: Callable[[Doorway], FileDoor] | None = None,
) -> web.Application:
    """All paths of the hub.

    ``running`` says whether the dispatchers deliver, ``receiving`` whether no receiver died; ``listeners`` are further paths;
    every path begins with ``prefix``; ``catalog`` gives, at any time, the schemas and sources that the API's description shows;
    ``registries`` are those of the ``endpoints`` that may be asked; ``soap`` makes the doors for SOAP, ``doors`` gives those
    that connectors mount, ``files`` makes the door for files where they are kept.
    """
    limits = limits or BodyLimits()
    keys = Keys(store, clock)
    allowances = allowances or Allowances(store, clock)
    doorway = Doorway(keys, clock, allowances, gate or Gate(), limits, prefix)
    soap_doors = soap(doorway)
    quiet = _QUIET | {one.path for one in soap_doors}
    app = web.Application(middlewares=[_answering(prefix, trusted_proxies, quiet)], client_max_size=limits.bytes)
    routes = [
        *MessageDoor(accept, doorway, _is_xml(catalog)).routes(),
        *RowDoor(accept, doorway).routes(),
        *Reads(store, keys, allowances, limits.seconds, prefix).routes(),
        *LookupDoor(registries, endpoints, keys, allowances, Officers(clock), limits.seconds).routes(),
        *Probes(store, clock, running, receiving).routes(),
        *Description(prefix, trusted_proxies, catalog, registries, with_files=files is not None).routes(),
        *(files(doorway).routes() if files is not None else ()),
        *(route for one in soap_doors for route in one.routes()),
        *listeners,
        *_awaited(doors(doorway)),
    ]
    expected = {"expect_handler": _continue}
    app.add_routes([web.RouteDef(one.method, prefix + one.path, one.handler, {**expected, **one.kwargs}) for one in routes])
    return app


def _awaited(routes: Iterable[web.RouteDef]) -> Iterable[web.RouteDef]:
    """Of doors that read bodies by themselves: 100 Continue comes when a body is wanted."""
    for one in routes:
        yield web.RouteDef(one.method, one.path, one.handler, {"expect_handler": wait_with_continue, **one.kwargs})


def _is_xml(catalog: Callable[[], tuple[Catalog, Sequence[Source]]] | None) -> Callable[[SchemaRef], bool]:
    """Whether a schema's messages are XML, as the catalog says now."""

    def is_xml(ref: SchemaRef) -> bool:
        try:
            return catalog is not None and catalog()[0].schema(ref).xml is not None
        except UnknownSchema:
            return False

    return is_xml


async def _continue(request: web.Request) -> None:
    """100 Continue for who waits for it; any other expectation is refused further on, as a problem."""
    if request.headers["Expect"].lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0


def _answering(prefix: str, trusted: Sequence[Network], quiet: frozenset[str]) -> Middleware:
    """The one middleware of a hub whose paths begin with ``prefix``."""

    @web.middleware
    async def answer(request: web.Request, handler: _Next) -> web.StreamResponse:
        request[CLIENT_ADDRESS] = asked(request, trusted).client if trusted else request.remote or ""
        return await _answer(request, handler, prefix, quiet)

    return answer


async def _answer(request: web.Request, handler: _Next, prefix: str, quiet: frozenset[str]) -> web.StreamResponse:
    """Outermost: errors become problems, and each request one log line: pattern, never path, query, address or body."""
    started = time.perf_counter()
    trace = begin(*request.headers.getall("traceparent", ()))
    request[TRACE] = trace
    resource = request.match_info.route.resource
    route = resource.canonical.removeprefix(prefix) if resource is not None else "(none)"
    with context(correlation_id=trace.trace_id):
        response = await _answered(request, handler)
        response.headers[CORRELATION] = trace.trace_id
        seconds = time.perf_counter() - started
        metrics.request(request.method, route, response.status, seconds)
        if response.status >= 400 and not request.content.is_eof():
            response.force_close()  # what is left of the body is not worth reading
        if response.status >= 400 or route not in quiet:
            code = {"dossier": request.match_info["code"]} if route.startswith("/v1/dossiers/") else {}
            _log.info("request", method=request.method, path=route, status=response.status, seconds=round(seconds, 6), **code)
        if acts := request.get(AFTERWARDS):
            await _then(request, response, acts)
    return response


async def _then(request: web.Request, response: web.StreamResponse, acts: Sequence[Callable[[], Awaitable[None]]]) -> None:
    """Write the answer, and do what rests on the caller having it; nothing of that when the caller is gone."""
    try:
        await response.prepare(request)
        await response.write_eof()
    except ConnectionError:
        return
    for act in acts:
        await act()


async def _answered(request: web.Request, go_on: _Next) -> web.StreamResponse:
    try:
        if request.headers.get("Expect", "100-continue").lower() != "100-continue":
            raise web.HTTPExpectationFailed
        return await go_on(request)
    except Refused as error:
        if not error.is_counted:
            metrics.refused(error.kind)
        return _shown(request, error)
    except StoreUnavailable as error:
        metrics.store_error(error.reason)
        _log.error("store unavailable", reason=error.reason)
        return _shown(request, error)
    except web.HTTPMethodNotAllowed as error:
        allow = ", ".join(sorted({*error.allowed_methods, "OPTIONS"}))
        return web.Response(status=204, headers={"Allow": allow}) if request.method == "OPTIONS" else not_allowed(allow)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        return from_error(error)
    except HubError as error:
        response = _shown(request, error)
        if not isinstance(error, NotFound | NotAllowed):
            _log.error("request failed", exc_info=error)
        return response
    except Exception as error:
        _log.error("request failed", exc_info=error)
        return _shown(request, error)


def _shown(request: web.Request, error: Exception) -> web.Response:
    """As a problem document, or as the door of this request tells errors."""
    render = request.get(RENDER)
    return from_error(error) if render is None else render(error)


class _Connection(web.RequestHandler):
    """One connection, if there is room for it. What is not even HTTP is answered without repeating it, unlike aiohttp's own
    answer."""

    def __init__(self, manager: _Connections, **more: Any) -> None:
        super().__init__(manager, **more)
        self.crowd = manager.crowd

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        if not self.crowd.enter(self, transport):
            metrics.refused("too-many-connections")
            self.force_close()

    def connection_lost(self, exc: BaseException | None) -> None:
        self.crowd.leave(self)
        super().connection_lost(exc)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Called by aiohttp for malformed HTTP and for exceptions that passed every middleware."""
        trace = begin()
        with context(correlation_id=trace.trace_id):
            _log.warning("request failed on the wire", status=status, exc_info=exc)
            if request.writer.output_size > 0:
                raise ConnectionError("an answer is already under way")
            if status < 500:
                metrics.refused("malformed-http")
                response = problem(status, "malformed-http", "This is not HTTP that the hub understands")
            else:
                response = problem(500, "internal", "The hub failed", detail="the operator finds the cause in the log")
        response.headers[CORRELATION] = trace.trace_id
        response.force_close()
        return response


class _Connections(web.Server):
    """Makes a ``_Connection`` for each connection."""

    crowd: Crowd

    def __call__(self) -> web.RequestHandler:
        return _Connection(self, loop=asyncio.get_running_loop(), **self._kwargs)


class _Runner(web.AppRunner):
    crowd: Crowd

    async def _make_server(self) -> web.Server:
        server = await super()._make_server()
        server.__class__ = _Connections  # aiohttp offers no way to name the class of its connections
        assert isinstance(server, _Connections)
        server.crowd = self.crowd
        return server


class _Site(web.TCPSite):
    """Listens; a peer that does not agree on TLS within ``seconds`` is cut (by default a minute would pass)."""

    def __init__(self, runner: _Runner, listen: Listen, tls: ssl.SSLContext | None) -> None:
        super().__init__(runner, listen.host, listen.port, ssl_context=tls)
        self._seconds = min(listen.idle_seconds, HANDSHAKE_SECONDS) if tls else None

    async def start(self) -> None:
        """As aiohttp's own, which takes no such limit."""
        await web.BaseSite.start(self)
        assert self._runner.server is not None
        self._server = await asyncio.get_running_loop().create_server(
            self._runner.server, self._host, self._port, ssl=self._ssl_context, backlog=self._backlog,
            ssl_handshake_timeout=self._seconds,
        )  # fmt: skip


class Server:
    """The running server: ``start`` listens, ``stop`` takes no more and lets what is under way end within the grace."""

    def __init__(self, app: web.Application, listen: Listen) -> None:
        self._listen = listen
        self._tls = tls_context(listen)
        self._runner = _Runner(
            app, access_log=None, shutdown_timeout=max(listen.grace_seconds, 0.001), lingering_time=2.0, auto_decompress=False,
            keepalive_timeout=listen.idle_seconds, read_bufsize=READ_AHEAD // 2,
        )  # fmt: skip
        self._runner.crowd = Crowd(listen.connections, listen.connections_per_address, listen.idle_seconds)

    async def start(self) -> None:
        """Raises BadConfig when the address cannot be taken."""
        await self._runner.setup()
        site = _Site(self._runner, self._listen, self._tls)
        try:
            await site.start()
        except OSError as error:
            await self._runner.cleanup()
            where = f"{self._listen.host}:{self._listen.port}"
            wrong = f"cannot listen on {where} (errno {error.errno})"
            hint = "stop what listens there, or choose another port or address"
            raise BadConfig([Problem("listen", "address", wrong, hint)]) from None
        _log.info("listening", host=self._listen.host, port=self.port, tls=self._tls is not None)

    @property
    def port(self) -> int:
        """The port that is listened on."""
        return int(self._runner.addresses[0][1])

    async def stop(self) -> None:
        """No new requests; those under way have ``grace_seconds``."""
        await self._runner.cleanup()


def tls_context(listen: Listen) -> ssl.SSLContext | None:
    """TLS 1.2 or newer from the certificate and key files; None when neither is set. Raises BadConfig."""
    if listen.cert is None and listen.key is None:
        return None
    if listen.cert is None or listen.key is None:
        missing = "listen.cert" if listen.cert is None else "listen.key"
        raise BadConfig([Problem(missing, "missing", "TLS needs a certificate and its key", "set both, or neither")])
    made = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        made.load_cert_chain(listen.cert, listen.key)
    except (OSError, ssl.SSLError) as error:
        kind = "cannot be read" if not isinstance(error, ssl.SSLError) else "are not a PEM certificate and its key"
        hint = "check that both files exist, are readable by the hub and belong together"
        raise BadConfig([Problem("listen.cert", "tls", f"the TLS files {kind}", hint, str(listen.cert))]) from None
    return made
