"""One connector on the bench: its partner on loopback, the proxy that breaks between them, messages and attempts for it."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import itertools
import json
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hub.connector import Connector, ConnectorContext
from hub.message import Message, SchemaRef, new_id, system_clock
from hub.testing.fault_proxy import FaultProxy
from hub.testing.simulator import RunningSimulator, serve
from hub.testing.specimen import Sample, Specimen
from hub.testing.untrusted import untrusted_server

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
_PATIENCE = 10
_LEAST, _MOST = 0.3, 2.0
SMALL = {"max_answer_bytes": 262_144}
_NOWHERE = "http://127.0.0.1:9"
_NUMBERS = itertools.count()
KeptCursor = Callable[[], Awaitable[str | None]] | None
"""As in ``ConnectorContext``."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What is examined: a connector's name, its class, and its specimen; ``folder`` holds all that is written. ``everywhere``:
    each fault is played at every call; ``warned`` counts the warnings and errors in the log so far."""

    name: str
    kind: type[Connector[Any]]
    specimen: Specimen
    folder: Path
    everywhere: bool = True
    warned: Callable[[], int] = lambda: 0


class BenchAttempt:
    """An attempt as the engine hands it over (``hub.connector.Attempt``); what is remembered lives as long as the delivery."""

    def __init__(
        self, number: int, known_ids: Mapping[str, str], remembered: dict[str, Any], may_update: bool, sent_before: bool
    ) -> None:
        self.number, self.known_ids, self.remembered = number, known_ids, remembered
        self.may_update, self.sent_before = may_update or sent_before, sent_before

    async def remember(self, key: str, value: Any, *, issued: Mapping[str, str] | None = None) -> None:
        """Durable before it returns, as JSON."""
        self.remembered[key] = json.loads(json.dumps(value))
        self.known_ids = {**self.known_ids, **(issued or {})}
        await asyncio.sleep(0)

    def next(self, *, may_update: bool) -> BenchAttempt:
        """The following try of the same delivery."""
        return BenchAttempt(self.number + 1, self.known_ids, self.remembered, may_update or self.may_update, self.sent_before)


class Bench:
    """``connector`` is open; ``partner`` and ``proxy`` are None where the specimen has no simulator."""

    def __init__(
        self, subject: Subject, partner: RunningSimulator | None, proxy: FaultProxy | None, folder: Path, cursor: KeptCursor
    ) -> None:
        self.subject, self.partner, self.proxy, self.folder, self._cursor = subject, partner, proxy, folder, cursor
        self.connector: Any = None
        self.skew = 0
        self._ids: dict[str, dict[str, str]] = {}
        self._sent: set[tuple[str, str]] = set()
        self._seq = itertools.count(1)

    def clock(self) -> int:
        """Our time, off by ``skew`` microseconds."""
        return system_clock() + self.skew

    def effects(self) -> int:
        """How often the partner's memory was changed by a call so far."""
        if self.partner is None:
            return 0
        return sum(1 for call in self.partner.simulator.calls.as_list() if self.subject.specimen.effect(call))

    def state(self) -> Any:
        """The partner's whole memory."""
        return None if self.partner is None else json.loads(json.dumps(self.partner.simulator.state(), default=str))

    async def reach(self, url: str | None = None, **limits: Any) -> Any:
        """A connector of its own, open, that reaches the partner at this address; the one before is closed."""
        await self.leave()
        where = url if url is not None else self.proxy.url if self.proxy is not None else _NOWHERE
        self.connector = make(self.subject, where, self.folder, self.clock, self._cursor, **limits)
        await self.connector.open()
        return self.connector

    async def leave(self) -> None:
        """Close the connector."""
        if self.connector is not None:
            connector, self.connector = self.connector, None
            await connector.close()

    def message(self, sample: Sample) -> Message:
        """The sample as a message of its own."""
        dossier = json.dumps(sorted(sample.codes.items()))
        return Message(
            id=new_id(), arrival_id=new_id(), dossier_id=dossier, seq=next(self._seq), schema=SchemaRef.parse(sample.schema),
            body=copy.deepcopy(sample.body), correlation_id=new_id(), full_state=sample.full_state, traceparent=TRACE,
            codes=self._ids.get(dossier, {}) | dict(sample.codes),
        )  # fmt: skip

    def attempt(self, message: Message) -> BenchAttempt:
        """The first try of its delivery."""
        before = (message.dossier_id, message.schema.id) in self._sent
        return BenchAttempt(1, message.codes, {}, may_update=False, sent_before=before)

    def delivered(self, message: Message, ids: Mapping[str, str]) -> None:
        """The engine has it on record."""
        self._sent.add((message.dossier_id, message.schema.id))
        self._ids.setdefault(message.dossier_id, {}).update(ids)


def quick(seconds: float) -> dict[str, float]:
    """Limits of time with which a silent partner is waited for on the bench, when one that answers takes so many seconds:
    short, and on a slow machine long enough that what does answer is heard."""
    patience = min(max(_LEAST, _PATIENCE * seconds), _MOST)
    return {"connect_timeout": max(1.0, patience), "read_timeout": patience}


def question(subject: Subject, body: Any) -> Message:
    """A question as the engine asks it."""
    schema = SchemaRef.parse(subject.kind.queries)  # type: ignore[attr-defined]  # only of a Responder
    return Message(new_id(), new_id(), "", 0, schema, copy.deepcopy(body), new_id(), traceparent=TRACE)


def settings_at(subject: Subject, url: str, folder: Path, **limits: Any) -> dict[str, Any]:
    """The specimen's settings, with those limits that the connector knows."""
    known = {name: value for name, value in limits.items() if name in subject.kind.Config.model_fields}
    return {**subject.specimen.settings(url, folder), **known}


def make(
    subject: Subject, url: str, folder: Path, clock: Any = system_clock, cursor: KeptCursor = None, **limits: Any
) -> Connector[Any]:
    """A connector, not yet open."""
    config = subject.kind.Config.model_validate(settings_at(subject, url, folder, **limits), context={"home": folder})
    return subject.kind(config, ConnectorContext(name=subject.name, clock=clock, cursor=cursor))


@contextlib.asynccontextmanager
async def bench(subject: Subject, *, said: str = "", cursor: KeptCursor = None, **limits: Any) -> AsyncIterator[Bench]:
    """A fresh partner, a fresh proxy and an open connector; all of it ends with the block. ``cursor``: how far it had read,
    as a store has it, where there is one."""
    folder = Path(tempfile.mkdtemp(prefix=f"bench-{next(_NUMBERS)}-", dir=subject.folder))
    partner, proxy = None, None
    async with AsyncExitStack() as stack:
        if subject.specimen.simulator is not None:
            (folder / "partner").mkdir()
            partner = await serve(subject.specimen.simulator(folder / "partner"))
            stack.push_async_callback(partner.close)
        it = Bench(subject, partner, None, folder, cursor)
        if partner is not None:
            proxy = it.proxy = FaultProxy(partner.url, it.effects, said)
            await proxy.open()
            stack.push_async_callback(proxy.close)
        stack.push_async_callback(it.leave)
        await it.reach(**limits)
        yield it


@contextlib.asynccontextmanager
async def bad_address(name: str, subject: Subject, port: int) -> AsyncIterator[str]:
    """An address at which nobody answers: ``refused``, ``dns`` or ``tls``."""
    if name == "tls":
        async with untrusted_server(subject.folder) as heard:
            yield f"https://localhost:{heard[0].decode()}"
    else:
        yield f"http://partner.invalid:{port}" if name == "dns" else _NOWHERE
