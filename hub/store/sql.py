"""The one implementation of the store's port: SQLAlchemy Core on SQLite or PostgreSQL.

Writes go to the writer's groups, and with them, on SQLite, the dispatchers' short reads; other reads run in threads of
their own on read-only transactions. What a message waits for at the door never queues behind what somebody looks at.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import hmac
import os
import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any, Literal, TypeVar

import orjson
from sqlalchemy import Connection, event, insert, select, update

from hub.errors import NotAllowed, StoreUnavailable
from hub.event import Event
from hub.listener import Standing
from hub.message import Arrival, Clock, SchemaRef
from hub.store import (
    accepting,
    cells,
    delivering,
    effects,
    events,
    listing,
    lookups,
    operating,
    overview,
    reading,
    restoring,
    retention,
    telling,
)
from hub.store.checkpoints import Checkpoints
from hub.store.engine import hold_running_lock, in_use, open_engine, parse_url, unavailable
from hub.store.fitting import refuse_unfit_key
from hub.store.glance import Overview, Unpublished
from hub.store.migrate import migrate
from hub.store.port import Store
from hub.store.running import running
from hub.store.tables import arrivals, meta
from hub.store.values import (
    ArrivalState,
    Became,
    Due,
    EndpointState,
    Fate,
    JsonObject,
    Key,
    Lookup,
    LookupOutcome,
    Pinned,
    Place,
    Plan,
    Reply,
    RouteMatch,
    Settlement,
    Start,
    Stored,
    Window,
)
from hub.store.writer import Writer

T = TypeVar("T")
_SALT = select(meta.c.value).where(meta.c.name == "salt")


class SqlStore(Store):
    """``SqlStore(url, clock)``; see the port for every method."""

    def __init__(self, url: str, clock: Clock) -> None:
        self._url = parse_url(url)
        self._clock = clock
        self._write_engine = open_engine(self._url, writer=True)
        self._read_engine = open_engine(self._url, writer=False)
        self._checkpoints = Checkpoints(self._read_engine) if self._url.get_backend_name() == "sqlite" else None
        wrote = self._checkpoints.wrote if self._checkpoints else lambda: None
        self._writer = Writer(self._write_engine, lambda connection: events.begin(connection, clock), wrote)
        self._readers = ThreadPoolExecutor(4, thread_name_prefix="store-reader")
        self._doorkeepers = ThreadPoolExecutor(2, thread_name_prefix="store-door")
        self._salt = b""
        self._lock_file: IO[bytes] | None = None
        self._open = False

    # ── life cycle
    async def open(self, *, exclusive: bool) -> None:
        await asyncio.get_running_loop().run_in_executor(self._readers, self._open_now, exclusive)
        self._writer.start()
        self._open = True
        if exclusive:
            await self._writer.run(lambda connection: delivering.recover(connection, self._clock()))

    def _open_now(self, exclusive: bool) -> None:
        with _as_unavailable():
            if self._url.get_backend_name() == "sqlite":
                path = Path(str(self._url.database))
                path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))  # it will hold personal data; its -wal takes this mode
            if exclusive:
                self._take_lock()
            migrate(self._write_engine, first=_make_salt)
            with self._read_engine.connect() as connection:
                self._salt = bytes.fromhex(connection.execute(_SALT).scalar_one())

    def _take_lock(self) -> None:
        """Hold what only one running hub may hold, until ``close`` or the end of the process.

        On PostgreSQL the writer's own session holds it: a hub that lost its session writes again only when it has the lock
        again.
        """
        if self._url.get_backend_name() == "postgresql":
            event.listen(self._write_engine, "connect", hold_running_lock)
            return
        self._lock_file = Path(f"{self._url.database}.lock").open("ab")  # noqa: SIM115
        try:
            fcntl.flock(self._lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise in_use() from error

    async def close(self) -> None:
        if self._open:
            self._open = False
            await self._writer.close()
            if self._checkpoints:
                await self._checkpoints.close()
        self._readers.shutdown(wait=True)
        self._doorkeepers.shutdown(wait=True)
        self._write_engine.dispose()
        self._read_engine.dispose()
        if self._lock_file is not None:
            self._lock_file.close()

    async def _read(self, look: Callable[[Connection], T], *, at_door: bool = False) -> T:
        def run() -> T:
            with _as_unavailable(), self._read_engine.connect() as connection:
                return look(connection)

        if not self._open:
            raise StoreUnavailable("closed")
        return await asyncio.get_running_loop().run_in_executor(self._doorkeepers if at_door else self._readers, run)

    async def _glance(self, look: Callable[[Connection], T]) -> T:
        """A short read that comes often: on SQLite the writer's connection, which need not read again what it just wrote."""
        sqlite = self._url.get_backend_name() == "sqlite"
        return await (self._writer.run(look) if sqlite else self._read(look))

    # ── intake
    def digest(self, body: bytes) -> str:
        return hmac.digest(self._salt, body, "sha256").hex()

    async def first_receipt(self, sender: str, key: str) -> tuple[str, JsonObject] | None:
        refuse_unfit_key(key)
        query = select(arrivals.c.digest, arrivals.c.receipt).where(arrivals.c.sender == sender, arrivals.c.sender_key == key)
        row = await self._read(lambda connection: connection.execute(query).first(), at_door=True)
        return None if row is None else (row.digest, orjson.loads(row.receipt))

    async def accept(self, plan: Plan) -> tuple[JsonObject, bool]:
        digests = tuple(self.digest(part.identity) for part in plan.parts)
        return await self._writer.run(lambda connection: accepting.accept(connection, plan, digests))

    async def release(self, plan: Plan, *, actor: str, why: str) -> JsonObject:
        digests = tuple(self.digest(part.identity) for part in plan.parts)

        def operation(connection: Connection) -> JsonObject:
            receipt = accepting.release(connection, plan, digests)
            delivering.record(connection, self._clock(), actor, "replay", plan.arrival.id, why)
            return receipt

        return await self._writer.run(operation)

    async def kept_arrivals(self, arrival_id: str) -> Sequence[Arrival]:
        return await self._read(lambda connection: reading.kept_arrivals(connection, arrival_id))

    async def pending_replies(self, besides: Collection[str] = ()) -> Sequence[Reply]:
        return await self._read(lambda connection: reading.pending_replies(connection, besides))

    async def forget_reply(self, reply_id: str) -> None:
        await self._writer.run(lambda connection: delivering.forget_reply(connection, reply_id))

    # ── delivery
    async def due(self, endpoint: str, now: int, limit: int, after: Place | None = None) -> Sequence[Due]:
        return await self._glance(lambda connection: delivering.due(connection, endpoint, now, limit, after))

    async def next_due(self, endpoint: str) -> int | None:
        return await self._glance(lambda connection: delivering.next_due(connection, endpoint))

    async def start(self, starts: Sequence[Start], now: int) -> frozenset[str]:
        return await self._writer.run(lambda connection: delivering.start(connection, starts, now))

    async def recover(self, endpoint: str, under_way: frozenset[str], now: int) -> int:
        return await self._writer.run(lambda connection: delivering.recover(connection, now, endpoint, under_way))

    async def remember(
        self, delivery_id: str, attempt_id: str, key: str, value: Any, issued: Mapping[str, str] | None = None
    ) -> str | None:
        codes, now = issued or {}, self._clock()
        return await self._writer.run(
            lambda connection: delivering.remember(connection, delivery_id, attempt_id, key, value, codes, now)
        )

    async def settle(self, settlement: Settlement, now: int) -> bool:
        return await self._writer.run(lambda connection: delivering.settle(connection, settlement, now))

    async def told(self, arrival_id: str, endpoint: str, *, sender: str, untried: bool = False, now: int) -> int:
        return await self._writer.run(lambda connection: telling.told(connection, arrival_id, endpoint, sender, untried, now))

    # ── look-ups
    async def asked(self, lookup: Lookup) -> None:
        await self._writer.run(lambda connection: lookups.asked(connection, lookup))

    async def answered(self, lookup_id: str, outcome: LookupOutcome, code: str, duration: int, reason: str = "") -> None:
        await self._writer.run(lambda connection: lookups.answered(connection, lookup_id, outcome, code, duration, reason))

    async def lookups(
        self, *, officer: str | None = None, endpoint: str | None = None, since: int | None = None, limit: int = 100,
        dossier: str | None = None, outcome: str | None = None,
    ) -> Sequence[JsonObject]:  # fmt: skip
        return await self._read(
            lambda connection: lookups.listed(connection, officer, endpoint, since, limit, dossier, outcome)
        )

    # ── operators
    async def replay(self, delivery_id: str, *, actor: str, why: str, adopt: bool, now: int, as_it_ran: bool = False) -> None:
        await self._writer.run(
            lambda connection: operating.replay(connection, delivery_id, actor, why, adopt, now, as_it_ran=as_it_ran)
        )

    async def discard(self, item_id: str, *, actor: str, why: str, now: int) -> None:
        await self._writer.run(lambda connection: operating.discard(connection, item_id, actor, why, now))

    async def pause(self, endpoint: str, *, actor: str, why: str, now: int) -> None:
        await self._writer.run(lambda connection: operating.pause(connection, endpoint, actor, why, now))

    async def resume(self, endpoint: str, *, actor: str, now: int, decided: bool = False) -> None:
        def operation(connection: Connection) -> None:
            (restoring.decided if decided else restoring.refuse_unknown)(connection, endpoint)
            operating.resume(connection, endpoint, actor, now)

        await self._writer.run(operation)

    # ── after a restore
    async def restored(self) -> JsonObject | None:
        return await self._read(restoring.restored)

    async def lanes_restored(self, endpoint: str, after: str | None, limit: int) -> Sequence[Sequence[JsonObject]]:
        return await self._read(lambda connection: restoring.lanes_of(connection, endpoint, after, limit))

    async def decide(self, endpoint: str, fates: Mapping[str, Fate], now: int) -> int:
        return await self._writer.run(lambda connection: restoring.decide(connection, endpoint, fates, now))

    # ── bodies
    async def erasable(self, before: int, after: str | None, limit: int) -> Sequence[str]:
        return await self._read(lambda connection: retention.erasable(connection, before, after, limit))

    async def erase(self, arrivals: Sequence[str], before: int, now: int) -> int:
        return await self._writer.run(lambda connection: retention.erase(connection, arrivals, before, now))

    async def erase_dossier(self, code: str, *, actor: str, why: str, now: int) -> int:
        return await self._writer.run(lambda connection: retention.erase_dossier(connection, code, actor, why, now))

    async def note(self, act: str, target: str, *, actor: str, why: str, now: int) -> None:
        await self._writer.run(lambda connection: delivering.record(connection, now, actor, act, target, why))

    async def take_effect(self, act: str, effect: JsonObject, *, actor: str, why: str, now: int) -> None:
        await self._writer.run(lambda connection: effects.take(connection, act, effect, actor, why, now))

    async def ask_reload(self, target: str, *, actor: str, now: int) -> str:
        return await self._writer.run(lambda connection: effects.ask(connection, target, actor, now))

    async def backfill(self, matches: Sequence[tuple[str, RouteMatch]], now: int) -> int:
        return await self._writer.run(lambda connection: operating.backfill(connection, matches, now))

    async def messages_without(
        self, route: str, stream: str, after: str | None, limit: int, observations: bool = False
    ) -> Sequence[JsonObject]:
        return await self._read(
            lambda connection: operating.messages_without(connection, route, stream, after, limit, observations)
        )

    async def add_key(self, key: Key) -> None:
        await self._writer.run(lambda connection: operating.add_key(connection, key))

    async def revoke_key(self, key_id: str, now: int) -> None:
        await self._writer.run(lambda connection: operating.revoke_key(connection, key_id, now))

    # ── the event stream
    async def follow(self, to: str | None, now: int) -> int:
        return await self._writer.run(lambda connection: events.follow(connection, to, now))

    async def copy_events(self, most: int) -> bool:
        return await self._writer.run(lambda connection: events.copy(connection, most))

    async def events(self, most: int, *, with_bodies: bool) -> Sequence[tuple[int, Event]]:
        return await self._read(lambda connection: events.page(connection, most, with_bodies=with_bodies))

    async def published(self, ids: Sequence[int]) -> None:
        await self._writer.run(lambda connection: events.published(connection, ids))

    async def tell_again(self, *, actor: str, why: str, now: int) -> None:
        def operation(connection: Connection) -> None:
            if not events.begin_again(connection, now):
                raise NotAllowed("no event stream is written: say `events` in config.yaml and start the hub")
            delivering.record(connection, now, actor, "events again", "events", why)

        await self._writer.run(operation)

    async def unpublished(self) -> Unpublished | None:
        return await self._read(events.unpublished)

    async def rebuild_ledger(self) -> int:
        return await self._writer.run(cells.rebuild)

    # ── faces
    async def ping(self) -> None:
        def operation(connection: Connection) -> None:
            values = {"value": str(self._clock())}
            if connection.execute(update(meta).where(meta.c.name == "pinged").values(values)).rowcount == 0:
                connection.execute(insert(meta), {"name": "pinged", **values})

        await self._writer.run(operation)

    async def arrival(self, arrival_id: str) -> JsonObject | None:
        return await self._read(lambda connection: reading.arrival(connection, arrival_id))

    async def became(self, arrival_id: str, endpoint: str) -> Became | None:
        return await self._read(lambda connection: telling.became(connection, arrival_id, endpoint))

    async def standing(self, sender: str, code: str, endpoint: str) -> Standing | None:
        return await self._read(lambda connection: telling.standing(connection, sender, code, endpoint))

    async def sent_since(self, sender: str, since: int) -> tuple[int, int]:
        return await self._read(lambda connection: reading.sent_since(connection, sender, since), at_door=True)

    async def stored(
        self, what: Literal["arrivals", "messages"], schemas: Sequence[str], *, since: int | None, after: str | None, limit: int
    ) -> Sequence[Stored]:
        return await self._read(lambda connection: reading.stored(connection, what, schemas, since, after, limit))

    async def dossier(self, code: str) -> JsonObject | None:
        return await self._read(lambda connection: reading.dossier(connection, code))

    async def arrivals_of(self, window: Window, *, state: ArrivalState | None, schema: SchemaRef | None) -> JsonObject:
        return await self._read(lambda connection: listing.arrivals(connection, window, state, schema))

    async def dossiers_of(
        self, window: Window, *, kept: bool | None, waiting: bool | None, dead: bool | None, behind: bool | None
    ) -> JsonObject:
        flags = {"kept": kept, "waiting": waiting, "dead": dead, "behind": behind}
        return await self._read(lambda connection: listing.dossiers(connection, window, **flags))

    async def dead(
        self, *, endpoint: str | None = None, kind: Literal["delivery", "arrival"] | None = None, limit: int = 100
    ) -> Sequence[JsonObject]:
        return await self._read(lambda connection: reading.dead(connection, endpoint, kind, limit))

    async def dead_one(self, item_id: str) -> JsonObject | None:
        return await self._read(lambda connection: reading.dead_one(connection, item_id))

    async def audit(self, *, since: int | None = None, limit: int = 100) -> Sequence[JsonObject]:
        return await self._read(lambda connection: reading.audit(connection, since, limit))

    async def running(self) -> bool:
        return await self._read(running)

    async def traffic(self) -> JsonObject:
        return await self._read(lambda connection: reading.traffic(connection, self._clock()))

    async def overview(self, configured: Sequence[str] = ()) -> Overview:
        return await self._read(lambda connection: overview.overview(connection, self._clock(), configured))

    async def pinned(self, delivery_id: str) -> Pinned | None:
        return await self._read(lambda connection: operating.pinned(connection, delivery_id))

    async def in_effect(self) -> JsonObject | None:
        return await self._read(effects.in_effect)

    async def reload_questions(self, since: int) -> Sequence[tuple[str, str]]:
        return await self._read(lambda connection: effects.questions(connection, since))

    async def reload_answer(self, question: str) -> JsonObject | None:
        return await self._read(lambda connection: effects.answer(connection, question))

    async def keys(self) -> Sequence[Key]:
        return await self._read(reading.all_keys, at_door=True)

    async def cursor(self, endpoint: str) -> str | None:
        return await self._read(lambda connection: reading.cursor(connection, endpoint))

    async def waiting(self) -> Mapping[str, int]:
        return await self._read(overview.waiting)

    async def endpoint_states(self) -> Mapping[str, EndpointState]:
        return await self._read(reading.endpoint_states)


def _make_salt(connection: Connection) -> None:
    if connection.execute(_SALT).scalar() is None:
        connection.execute(insert(meta), {"name": "salt", "value": secrets.token_hex(32)})


@contextlib.contextmanager
def _as_unavailable() -> Any:
    try:
        yield
    except Exception as error:
        gone = unavailable(error)
        if gone is None:
            raise
        raise gone from error
