"""A hub in process for the flow tests: the repository's own schemas and mappings, a scripted partner, a movable clock."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import shutil
import sqlite3
import time
from collections.abc import AsyncIterator, Callable
from datetime import date
from pathlib import Path
from typing import Any

import known_catalog
import known_database

from connectors.opencps.stories import Story, stories
from hub.app import Hub
from hub.assembly import Assembly, Endpoint, assemble
from hub.connector import Attempt, Connector, ConnectorConfig, Found, Receipt
from hub.message import Arrival, Message, SchemaRef, new_id

known_catalog.install()
known_database.install()
REPOSITORY = Path(__file__).parents[2]
PROCEDURES = REPOSITORY / "tests" / "flow" / "npsp-procedures.yaml"
DEADLINE = 20.0


class MovableClock:
    """The machine's time, moved forward by the test."""

    def __init__(self) -> None:
        self.moved = 0
        self._stood_still: int | None = None

    def __call__(self) -> int:
        return (time.time_ns() // 1000 if self._stood_still is None else self._stood_still) + self.moved

    def stand_still(self) -> None:
        """From now on only the test moves it."""
        self._stood_still = time.time_ns() // 1000

    def advance(self, seconds: float) -> None:
        self.moved += int(seconds * 1_000_000)


MADE: dict[str, Any] = {}
"""The scripted partners of the hub started last, by endpoint."""


class NoConfig(ConnectorConfig):
    """Nothing to configure."""


Script = Callable[[Message, Attempt], Any]


class Scripted(Connector[NoConfig]):
    """A partner that does what the test's script says and remembers every call."""

    Config = NoConfig

    def __init__(self, config: NoConfig, context: Any) -> None:
        super().__init__(config, context)
        self.script: Script = lambda message, attempt: Receipt()
        self.calls: list[Message] = []
        self.attempts: list[Attempt] = []
        MADE[context.name] = self

    async def open(self) -> None: ...

    async def check(self) -> None: ...

    async def close(self) -> None: ...

    async def send(self, message: Message, attempt: Attempt) -> Receipt:
        self.calls.append(message)
        self.attempts.append(attempt)
        outcome = self.script(message, attempt)
        if asyncio.iscoroutine(outcome):
            outcome = await outcome
        if isinstance(outcome, Exception):
            raise outcome
        assert isinstance(outcome, Receipt)
        return outcome

    def sent(self, code: str) -> list[tuple[str, int]]:
        """(schema id, seq) of what was sent of a dossier, in order of the calls."""
        return [(one.schema.id, one.seq) for one in self.calls if code in one.codes.values()]


class Asked(Scripted):
    """A scripted partner that can also be asked what it holds."""

    def __init__(self, config: NoConfig, context: Any) -> None:
        super().__init__(config, context)
        self.answer: Found | Exception | None = None
        self.questions: list[Message] = []

    async def find(self, message: Message, attempt: Attempt) -> Found | None:
        self.questions.append(message)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


CONFIG = """
store: { url: sqlite:///var/hub.db }
server: { port: 0 }
sources:
  - { schema: opencps-dossier@1, becomes: [dossier@1, dossier-progress@1] }
endpoints:
  portal:
    connector: national-portal
    settings: { adapter_url: "http://127.0.0.1:9/x", username: u, password: p, madonvi: 000.00.00.H22 }
    concurrency: 4
    retry: { first_seconds: 0.02, longest_seconds: 0.1, attempts: 3 }
    breaker: { failures: 3, open_seconds: 0.1, longest_seconds: 0.2 }
routes:
  dossiers-to-portal: { take: dossier@1, when: { present: code }, to: portal, as: npsp-dossier@1 }
  progress-to-portal: { take: dossier-progress@1, when: { present: code }, to: portal, as: npsp-progress@1, in_doubt: hold }
"""


def make_home(folder: Path, config: str = CONFIG) -> Path:
    """A hub home with the repository's schemas and mappings and a procedures table as ``hub catalog refresh`` writes it."""
    folder.mkdir(parents=True, exist_ok=True)
    for part in ("schemas", "mappings"):
        unlocked = shutil.ignore_patterns("mappings.lock")  # tests change what is there
        shutil.copytree(REPOSITORY / part, folder / part, dirs_exist_ok=True, ignore=unlocked)
    table = folder / "mappings" / "tables" / "npsp-procedures" / "1.20261101.0.yaml"
    table.parent.mkdir(parents=True, exist_ok=True)
    table.write_text(PROCEDURES.read_text(encoding="utf-8"), encoding="utf-8")
    (folder / "config.yaml").write_text(config, encoding="utf-8")
    return folder


def with_partner(parts: Assembly, kind: type[Scripted]) -> Assembly:
    """The same parts with every endpoint scripted."""
    endpoints = {name: Endpoint(name, kind, NoConfig()) for name in parts.endpoints}
    return dataclasses.replace(parts, endpoints=endpoints)


@contextlib.asynccontextmanager
async def running(home: Path, clock: MovableClock, kind: type[Scripted] = Scripted) -> AsyncIterator[tuple[Hub, Any]]:
    """A started hub on the home and its scripted partner ``portal``."""
    hub = Hub(with_partner(assemble(home), kind), clock)
    await hub.start()
    try:
        yield hub, MADE["portal"]
    finally:
        await hub.stop()


async def send(
    hub: Hub, record: dict[str, Any], clock: MovableClock, *, sender: str = "one-stop", key: str | None = None
) -> Any:
    """Hand one record to intake as a door would; the receipt."""
    arrival = Arrival(
        id=new_id(), sender=sender, schema=SchemaRef.parse("opencps-dossier@1"), body=json.dumps(record).encode(),
        received_at=clock(), correlation_id=new_id().replace("-", ""), key=key,
    )  # fmt: skip
    accepted = await hub.intake.accept(arrival)
    return accepted.receipt


def told(count: int = 1, seed: int = 7) -> list[Story]:
    """Life stories of dossiers, at least three records each."""
    longer = [story for story in stories(seed, count * 4, day=date(2026, 11, 20)) if len(story.records) >= 3]
    return longer[:count]


async def until(condition: Callable[[], Any], seconds: float | None = None) -> Any:
    """Wait until the condition (maybe async) gives something true; fails after the deadline."""
    end = time.monotonic() + (DEADLINE if seconds is None else seconds)
    while True:
        found = condition()
        if asyncio.iscoroutine(found):
            found = await found
        if found:
            return found
        assert time.monotonic() < end, "the condition did not come true in time"
        await asyncio.sleep(0.01)


def states(hub: Hub) -> dict[str, int]:
    """Every delivery of the store by state, counted beside the hub."""
    with contextlib.closing(sqlite3.connect(hub.home.store_url.removeprefix("sqlite:///"))) as connection:
        return dict(connection.execute("select state, count(*) from deliveries group by state"))


async def settled(hub: Hub) -> dict[str, int]:
    """Wait until nothing can move any more; deliveries by state."""

    async def quiet() -> tuple[dict[str, int]] | None:
        claimed = await hub.store.next_due("portal")  # looked at twice: nothing is due, too, while all of it is under way
        before = states(hub)
        due = await hub.store.next_due("portal")
        still = claimed is None and due is None and before == states(hub) and not {"claimed", "in_doubt"} & before.keys()
        return (before,) if still else None

    (found,) = await until(quiet)
    return dict(found)
