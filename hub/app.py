"""The running hub: the only place that wires store, intake, dispatchers, connectors and doors together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, cast

from aiohttp import web

from hub.api.files import FileDoor
from hub.api.server import Listen, Server, build_app
from hub.assembly import Assembly, assemble
from hub.changes import needs_restart
from hub.config import EndpointConfig, Home, LookupConfig
from hub.connector import Connector, ConnectorContext, Listener, Receiver, Responder, Sender
from hub.console.door import Console
from hub.delivery.breaker import Breaker, BreakerPolicy
from hub.delivery.dispatcher import Dispatcher
from hub.delivery.outcomes import Outcomes
from hub.delivery.policy import EndpointPolicy, Prepared, RoutePolicy
from hub.delivery.retry import RetryPolicy
from hub.delivery.verify import Known, Verification
from hub.errors import BadConfig, Problem
from hub.event import Publisher
from hub.events.publishing import Publishing
from hub.files.configured import KeptFiles
from hub.intake.accept import Intake
from hub.intake.allowance import Allowances
from hub.intake.body import BodyLimits
from hub.intake.contained import contained
from hub.intake.doorway import Doorway
from hub.intake.gate import Gate, Room
from hub.intake.inlet import DoorInlet
from hub.intake.replies import Replies
from hub.intake.soap import SoapDoor
from hub.lookup.registry import Registry, RegistryPolicy
from hub.message import Clock, SchemaRef, system_clock
from hub.observe import metrics
from hub.observe.logging import get_logger
from hub.reloading import Read, Reloading
from hub.store.retention import keep_to
from hub.store.sql import SqlStore
from hub.translation import Outbox

log = get_logger("hub")


@dataclass(slots=True)
class _Running:
    connector: Connector[Any]
    dispatcher: Dispatcher
    task: asyncio.Task[None] | None = None


class Hub:
    """``start``, then ``stop``; ``reload`` takes changed mappings, tables and routes without a restart."""

    def __init__(self, parts: Assembly, clock: Clock = system_clock) -> None:
        self._parts = parts
        self._clock = clock
        self.store = SqlStore(parts.home.store_url, clock)
        self._reloading = Reloading(parts.home, self.store, clock)
        self._outbox = Outbox()
        self.intake = Intake(
            self.store, parts.catalog, parts.router, parts.sources, parts.home.config.owners, self._wake, self._outbox,
            max_depth=parts.home.config.server.max_depth,
        )  # fmt: skip
        self._replies = Replies(self.store, self.intake.accept)
        self._allowances = Allowances(self.store, clock, parts.home.config.clients)
        files = parts.home.config.files
        self._files = None if files is None else KeptFiles(files, parts.home.folder, clock)
        self._running: dict[str, _Running] = {}
        self._registries: dict[str, Known] = {}
        self._outcomes = Outcomes()
        self._receivers: dict[str, asyncio.Task[None]] = {}
        self._beside: list[asyncio.Task[None]] = []
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
        await self._write_events_down()
        self._know_labels()
        self._reloading.state = self._reloading.described(self._parts)
        await self._reloading.record("start", [])
        if self._files is not None:
            await self._files.open()
        content = None if self._files is None else self._files.content
        for name, endpoint in self._parts.endpoints.items():
            context = ConnectorContext(name, self._clock, content, partial(self.store.cursor, name))
            connector = endpoint.connector(endpoint.settings, context)
            endpoint_config = self._parts.home.config.endpoints[name]
            dispatcher = self._dispatcher(name, connector, endpoint_config)
            if endpoint_config.lookup is not None:
                self._registries[name] = self._registry(dispatcher, connector, endpoint_config, endpoint_config.lookup)
            self._running[name] = _Running(connector, dispatcher)
            await connector.open()
        for name, one in self._running.items():  # only now: a route of one may ask a registry that stands further down
            one.task = asyncio.create_task(one.dispatcher.run(), name=f"dispatch:{name}")
            if isinstance(one.connector, Receiver):
                self._receivers[name] = self._receive(name, one.connector)
        self._delivering = True
        days = self._parts.home.config.retention.bodies_days
        if days is not None:
            self._beside.append(asyncio.create_task(keep_to(self.store, days, self._clock), name="retention"))
        self._publish_events()
        self._replies.wake()
        self._beside.append(asyncio.create_task(self._replies.run(), name="replies"))
        config = self._parts.home.config.server
        console = Console(self.store, self._clock, self._breakers, config.trusted_proxies)
        app = build_app(
            accept=self.intake.accept, store=self.store, clock=self._clock, running=self._is_delivering,
            receiving=lambda: not any(_died(task) for task in self._receivers.values()),
            limits=BodyLimits(config.max_body_bytes, config.body_seconds), allowances=self._allowances,
            gate=Gate(Room(config.max_in_work, config.max_held_bytes, 3 * config.max_in_work)),
            listeners=console.routes(),
            prefix=config.prefix, trusted_proxies=config.trusted_proxies,
            catalog=lambda: (self._parts.catalog, self._parts.sources),
            registries=[known.registry for known in self._registries.values()], endpoints=list(self._running),
            soap=self._soap_doors, doors=self._connectors_doors, files=None if self._files is None else self._file_door,
        )  # fmt: skip
        folder = self._parts.home.folder
        cert = folder / config.tls.certificate if config.tls else None
        key = folder / config.tls.key if config.tls else None
        listen = Listen(
            config.host, config.port, cert, key, connections=config.max_connections,
            connections_per_address=config.max_connections_per_address, idle_seconds=config.idle_seconds,
        )  # fmt: skip
        self._server = Server(app, listen)
        await self._server.start()
        log.info("started", port=self._server.port, endpoints=sorted(self._running))

    async def stop(self) -> None:
        """Close the door, let attempts under way end within ``drain_seconds``, then close everything."""
        self._outcomes.close()  # who waits for one at the door must not hold it open
        if self._server is not None:
            await self._server.stop()
        self._delivering = False
        running = [*self._receivers.values(), *self._beside]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await self._reloading.end()
        for one in self._running.values():
            one.dispatcher.stop()
        await asyncio.gather(*(one.task for one in self._running.values() if one.task), return_exceptions=True)
        seconds = self._parts.home.config.drain_seconds
        left = await asyncio.gather(*(one.dispatcher.drain(seconds) for one in self._running.values()))
        for name, one in self._running.items():
            try:
                await one.connector.close()
            except Exception as error:  # the others and the store are closed all the same
                log.warning("close_failed", endpoint=name, exc_info=error)
        if self._files is not None:
            await self._files.close()
        await self.store.close()
        log.info("stopped", count=sum(left))

    async def _write_events_down(self) -> None:
        """From before anything happens: the hub's own events, or none, as the configuration says."""
        stream = self._parts.home.config.events
        dropped = await self.store.follow(stream.to if stream else None, self._clock())
        if dropped:
            log.warning("events_dropped", count=dropped)

    def _publish_events(self) -> None:
        stream = self._parts.home.config.events
        if stream is None:
            return
        publisher = cast(Publisher, self._running[stream.to].connector)
        endpoint = self._parts.home.config.endpoints[stream.to]
        bodies = "bodies" in stream.include
        publishing = Publishing(
            stream.to, publisher, self.store, _retry(endpoint), endpoint.deadline_seconds, with_bodies=bodies
        )
        self._beside.append(asyncio.create_task(publishing.run(), name="events"))

    def reload(self) -> list[Problem]:
        """Take the home's mappings, tables, sources and routes as they are on disk now, and put it on record.

        Returns the problems when they do not fit together; then everything stays as it was. Endpoints and all other
        settings need a restart: those that changed are logged by name.
        """
        problems = self._exchange(self._reloading.read())
        self._reloading.tell("reload", problems)
        return problems

    def reload_beside(self) -> None:
        """``reload`` for a hub under load: what is on disk is read and checked beside the work that goes on."""
        self._reloading.begin(self._exchange)

    def _exchange(self, read: Read) -> list[Problem]:
        """From now on what was read is in effect: all of it or, with problems, nothing. What is under way ends as it began."""
        problems = list(read.problems)
        if read.parts is not None:
            problems += needs_restart(
                read.parts.router.routes, self._running, self._registries, () if self._files is None else self._files.ways
            )
        if problems or read.parts is None:
            log.error("reload_refused", count=len(problems), exc_info=BadConfig(problems))
            return problems
        parts = read.parts
        self.intake.configure(parts.catalog, parts.router, parts.sources, parts.home.config.owners)
        self._allowances.configure(parts.home.config.clients)
        self._parts = parts
        self._reloading.state = read.state
        self._know_labels()
        self._replies.try_again()
        self._wake()
        log.info("reloaded")
        if waiting := self._reloading.waiting_for_restart(parts.home.config):
            log.warning("restart_needed", at=waiting)
        return []

    def _soap_doors(self, doorway: Doorway) -> list[SoapDoor]:
        server = self._parts.home.config.server
        return [
            SoapDoor(name, lambda: self._parts.soap, self.intake, doorway, server.max_depth, server.trusted_proxies)
            for name in self._parts.soap
        ]

    def _file_door(self, doorway: Doorway) -> FileDoor:
        assert self._files is not None
        return FileDoor(self._files.content, self._files.links, doorway, self._files.config.upload_seconds)

    def _connectors_doors(self, doorway: Doorway) -> list[web.RouteDef]:
        inlet = DoorInlet(doorway, self.intake, self.store, self._outcomes, self._wake)
        connectors = [one.connector for one in self._running.values()]
        return [route for one in connectors if isinstance(one, Listener) for route in one.routes(inlet)]

    def _receive(self, name: str, receiver: Receiver) -> asyncio.Task[None]:
        """Receive for as long as it wants to; one that dies takes readiness with it."""

        def ended(task: asyncio.Task[None]) -> None:
            if self._delivering and _died(task):
                log.error("receiver_died", endpoint=name, exc_info=None if task.cancelled() else task.exception())

        task = asyncio.create_task(receiver.receive(contained(self.intake.accept, name)), name=f"receive:{name}")
        task.add_done_callback(ended)
        return task

    def _dispatcher(self, name: str, connector: Connector[Any], config: EndpointConfig) -> Dispatcher:
        policy = EndpointPolicy(
            concurrency=config.concurrency,
            rate=config.rate,
            deadline_seconds=config.deadline_seconds,
            retry=_retry(config),
            breaker=_breaker(config),
        )
        return Dispatcher(
            name, connector, policy, self._route, self._translate, self.store, self._clock, on_reply=self._replies.wake,
            verification=Verification(self._registries.get, lambda: self._parts.catalog, self._clock), outcomes=self._outcomes,
            files=self._files,
        )  # fmt: skip

    def _registry(
        self, dispatcher: Dispatcher, connector: Connector[Any], config: EndpointConfig, lookup: LookupConfig
    ) -> Known:
        """A connector that also delivers has a breaker of its own for questions: answers say nothing about deliveries."""
        breaker = Breaker(_breaker(config)) if isinstance(connector, Sender) else dispatcher.breaker
        policy = RegistryPolicy(
            lookup.take, lookup.give, lookup.per_officer_per_minute, config.deadline_seconds, config.concurrency, config.rate,
            lookup.per_client_per_minute,
        )  # fmt: skip
        catalog = lambda: self._parts.catalog  # noqa: E731
        registry = Registry(dispatcher.endpoint, connector, policy, breaker, catalog, self.store, self._clock)
        return Known(registry, _retry(config), cast(Responder, connector).queries)

    def _route(self, name: str) -> RoutePolicy | None:
        route = self._parts.router.named(name)
        if route is None:
            return None
        return RoutePolicy(route.as_, route.in_doubt, route.on_exists, route.verify, route.via, route.files)

    def _translate(self, canonical: SchemaRef, body: bytes, route: RoutePolicy) -> Prepared:
        chain = self._parts.catalog.chain(canonical, route.partner_schema, route.via)
        made = self._outbox.take(chain, body)
        warnings = tuple(problem.as_dict() for problem in made.warnings)
        return Prepared(chain.digest, chain.target.ref, made.request, warnings)

    def _breakers(self) -> dict[str, Breaker]:
        return {name: one.dispatcher.breaker for name, one in self._running.items()}

    def _wake(self) -> None:
        for one in self._running.values():
            one.dispatcher.wake()

    def _is_delivering(self) -> bool:
        return self._delivering and not any(one.task is None or one.task.done() for one in self._running.values())

    def _know_labels(self) -> None:
        refs = [source.schema for source in self._parts.sources]
        metrics.know(senders=self._parts.endpoints, schemas=refs)


def _died(receiver: asyncio.Task[None]) -> bool:
    """Whether it ended otherwise than by having received all there is."""
    return receiver.done() and (receiver.cancelled() or receiver.exception() is not None)


def _retry(config: EndpointConfig) -> RetryPolicy:
    return RetryPolicy(config.retry.first_seconds, config.retry.longest_seconds, config.retry.attempts)


def _breaker(config: EndpointConfig) -> BreakerPolicy:
    return BreakerPolicy(config.breaker.failures, config.breaker.open_seconds, config.breaker.longest_seconds)


async def run(folder: Path, until: asyncio.Event, on_started: Callable[[Hub], None] = lambda hub: None) -> None:
    """Run the hub of a home until the event is set. Raises BadConfig, StoreUnavailable."""
    hub = Hub(assemble(folder))
    try:
        await hub.start()
        on_started(hub)
        await until.wait()
    finally:
        await hub.stop()
