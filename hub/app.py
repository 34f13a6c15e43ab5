"""The running hub: the only place that wires store, intake, dispatchers, connectors and doors together."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from hub.api.server import Listen, Server, build_app
from hub.assembly import Assembly, assemble
from hub.config import EndpointConfig, Home
from hub.connector import Connector, ConnectorContext, Listener, Receiver
from hub.delivery.breaker import BreakerPolicy
from hub.delivery.dispatcher import Dispatcher
from hub.delivery.policy import EndpointPolicy, Prepared, RoutePolicy
from hub.delivery.retry import RetryPolicy
from hub.errors import BadConfig, Problem, Refused, StoreUnavailable, TranslationFailed
from hub.intake.accept import Intake
from hub.intake.rest import BodyLimits
from hub.message import Clock, SchemaRef
from hub.observe import metrics
from hub.observe.logging import get_logger
from hub.store.sql import SqlStore

log = get_logger("hub")


def system_clock() -> int:
    """Microseconds since the epoch, by this machine."""
    return time.time_ns() // 1000


@dataclass(slots=True)
class _Running:
    connector: Connector[Any]
    dispatcher: Dispatcher
    task: asyncio.Task[None]


class Hub:
    """``start``, then ``stop``; ``reload`` takes changed mappings, tables and routes without a restart."""

    def __init__(self, parts: Assembly, clock: Clock = system_clock) -> None:
        self._parts = parts
        self._clock = clock
        self.store = SqlStore(parts.home.store_url, clock)
        self.intake = Intake(
            self.store, parts.catalog, parts.router, parts.sources, parts.home.config.owners, self._wake,
            max_depth=parts.home.config.server.max_depth,
        )  # fmt: skip
        self._running: dict[str, _Running] = {}
        self._receivers: list[asyncio.Task[None]] = []
        self._server: Server | None = None
        self._delivering = False

    @property
    def home(self) -> Home:
        """The home it runs on."""
        return self._parts.home

    @property
    def port(self) -> int:
        """The port the door listens on, once started."""
        assert self._server is not None
        return self._server.port

    async def start(self) -> None:
        """Open the store (migrating it), the connectors, the dispatchers and, last, the door. Raises StoreUnavailable."""
        await self.store.open(exclusive=True)
        self._know_labels()
        for name, endpoint in self._parts.endpoints.items():
            connector = endpoint.connector(endpoint.settings, ConnectorContext(name, self._clock))
            await connector.open()
            dispatcher = self._dispatcher(name, connector, self._parts.home.config.endpoints[name])
            task = asyncio.create_task(dispatcher.run(), name=f"dispatch:{name}")
            self._running[name] = _Running(connector, dispatcher, task)
            if isinstance(connector, Receiver):
                self._receivers.append(asyncio.create_task(connector.receive(self.intake.accept), name=f"receive:{name}"))
        self._delivering = True
        await self._take_replies()
        config = self._parts.home.config.server
        listeners = [
            route
            for one in self._running.values()
            if isinstance(one.connector, Listener)
            for route in one.connector.routes(self.intake.accept)
        ]
        app = build_app(
            accept=self.intake.accept, store=self.store, clock=self._clock, running=self._is_delivering,
            limits=BodyLimits(config.max_body_bytes, config.body_seconds), listeners=listeners,
        )  # fmt: skip
        folder = self._parts.home.folder
        cert = folder / config.tls.certificate if config.tls else None
        key = folder / config.tls.key if config.tls else None
        self._server = Server(app, Listen(config.host, config.port, cert, key))
        await self._server.start()
        log.info("started", port=self._server.port, endpoints=sorted(self._running))

    async def stop(self) -> None:
        """Close the door, let attempts under way end within ``drain_seconds``, then close everything."""
        if self._server is not None:
            await self._server.stop()
        self._delivering = False
        for task in self._receivers:
            task.cancel()
        await asyncio.gather(*self._receivers, return_exceptions=True)
        for one in self._running.values():
            one.dispatcher.stop()
        await asyncio.gather(*(one.task for one in self._running.values()), return_exceptions=True)
        seconds = self._parts.home.config.drain_seconds
        left = await asyncio.gather(*(one.dispatcher.drain(seconds) for one in self._running.values()))
        for one in self._running.values():
            await one.connector.close()
        await self.store.close()
        log.info("stopped", count=sum(left))

    def reload(self) -> list[Problem]:
        """Take the home's mappings, tables, sources and routes as they are on disk now.

        Returns the problems when they do not fit together; then everything stays as it was. Endpoints and their settings
        need a restart.
        """
        try:
            parts = assemble(self._parts.home.folder)
            unknown = [route.to for route in parts.router.routes if route.to not in self._running]
            if unknown:
                text = f"endpoint {unknown[0]} is new"
                raise BadConfig([Problem("endpoints", "needs_restart", text, "restart the hub to open a new endpoint")])
            self.intake.configure(parts.catalog, parts.router, parts.sources, parts.home.config.owners)
        except BadConfig as error:
            log.error("reload_refused", count=len(error.problems), exc_info=error)
            return list(error.problems)
        self._parts = parts
        self._know_labels()
        self._wake()
        log.info("reloaded")
        return []

    def _dispatcher(self, name: str, connector: Connector[Any], config: EndpointConfig) -> Dispatcher:
        retry, breaker = config.retry, config.breaker
        policy = EndpointPolicy(
            concurrency=config.concurrency,
            rate=config.rate,
            deadline_seconds=config.deadline_seconds,
            retry=RetryPolicy(retry.first_seconds, retry.longest_seconds, retry.attempts),
            breaker=BreakerPolicy(breaker.failures, breaker.open_seconds, breaker.longest_seconds),
        )
        return Dispatcher(
            name, connector, policy, self._route, self._translate, self.store, self._clock, on_reply=self._take_replies
        )

    def _route(self, name: str) -> RoutePolicy | None:
        route = self._parts.router.named(name)
        return None if route is None else RoutePolicy(route.as_, route.in_doubt, route.on_exists)

    def _translate(self, canonical: SchemaRef, body: bytes, partner_schema: str) -> Prepared:
        catalog = self._parts.catalog
        chain = catalog.chain(str(canonical), partner_schema)
        translation = chain.translate(orjson.loads(body))
        if translation is None:
            text = f"the mapping to {partner_schema} has nothing to send for this message"
            hint = "give the route the mapping's condition, so that such messages are not routed"
            raise TranslationFailed([Problem("", "nothing_to_send", text, hint)])
        warnings = tuple(problem.as_dict() for problem in translation.warnings)
        return Prepared(chain.digest, catalog.schema(partner_schema).ref, orjson.dumps(translation.body), warnings)

    async def _take_replies(self) -> None:
        """Partners' answers re-enter as arrivals; one that is refused stays stored and is logged."""
        for arrival in await self.store.pending_replies():
            try:
                await self.intake.accept(arrival)
            except Refused as error:
                log.error("reply_refused", endpoint=arrival.origin, code=error.kind)
                continue  # it stays stored, and is tried again at the next start or reload
            except StoreUnavailable:
                return
            await self.store.forget_reply(arrival.id)

    def _wake(self) -> None:
        for one in self._running.values():
            one.dispatcher.wake()

    def _is_delivering(self) -> bool:
        return self._delivering and not any(one.task.done() for one in self._running.values())

    def _know_labels(self) -> None:
        refs = [source.schema for source in self._parts.sources]
        metrics.know(senders=self._parts.endpoints, schemas=refs)


async def run(folder: Path, until: asyncio.Event, on_started: Callable[[Hub], None] = lambda hub: None) -> None:
    """Run the hub of a home until the event is set. Raises BadConfig, StoreUnavailable."""
    hub = Hub(assemble(folder))
    try:
        await hub.start()
        on_started(hub)
        await until.wait()
    finally:
        await hub.stop()
