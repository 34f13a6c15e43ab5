"""A small hub home of its own, what a hub would have done in it, and hubs and simulators as processes."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from warm_hub import Words

from hub.assembly import assemble
from hub.intake.accept import Intake
from hub.message import Arrival, SchemaRef, new_id, system_clock
from hub.store.sql import SqlStore
from hub.store.values import Settlement, Start
from hub.translation import lock_schemas

T = TypeVar("T")
CANARY = "Nguyễn Thị Canary"
"""The name of a person in every record that is sent: no output may show it."""
HUB = Words("hub")

_CONFIG = """\
store: {{ url: "sqlite:///var/hub.db" }}
server: {{ port: 0 }}
log: {{ file: var/hub.log }}
sources:
  - {{ schema: record@1, becomes: [item@1] }}
endpoints:
  portal:
    connector: national-portal
    settings: {{ adapter_url: "{url}/XrdAdapter/RestService/forward", username: simulated, madonvi: 000.00.00.H22,
                password: "${{file:portal-password}}", connect_timeout: 2, reached: {{ by: ndxp }} }}
    retry: {{ first_seconds: 0.1 }}
routes:
  items-to-portal: {{ take: item@1, to: portal, as: portal-item@1 }}
"""
_MAPPING = """\
mapping: record-to-item
version: 1.0.0
status: stable
from: record@1.0.0
to: item@1.0.0
summary: A record becomes an item.
tables:
  state:
    A: open
set:
  code: { get: code }
  state: { get: state, table: state }
  name: { get: name }
tests:
  - { name: an open record, given: { code: c, state: A, name: n }, expect: { code: c, state: open, name: n } }
"""
_TO_PORTAL = """\
mapping: item-to-portal
version: 1.0.0
status: stable
from: item@1.0.0
to: portal-item@1.0.0
summary: An item as the portal wants it.
set:
  MaHoSo: { get: code }
  TrangThai: { get: state }
  Ten: { get: name }
tests:
  - { name: an item, given: { code: c, state: open, name: n }, expect: { MaHoSo: c, TrangThai: open, Ten: n } }
"""


class Home:
    """A hub home in a folder of its own. A record without a row for its state is kept; the portal takes no item."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.configure()
        self.write("portal-password", "simulated")
        for name, role, fields in (
            ("record", "source", ("code", "state", "name")),
            ("item", "canonical", ("code", "state", "name")),
            ("portal-item", "partner", ("MaHoSo", "TrangThai", "Ten")),
        ):
            self._schema(name, role, fields)
        self.write("mappings/record-to-item/1.0.0.yaml", _MAPPING)
        self.write("mappings/item-to-portal/1.0.0.yaml", _TO_PORTAL)
        lock_schemas(folder)

    def configure(self, url: str = "http://127.0.0.1:9", more: str = "") -> None:
        self.write("config.yaml", _CONFIG.format(url=url) + more)

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def mend_table(self) -> None:
        """Add the row that records in state B lack."""
        self.write("mappings/record-to-item/1.0.0.yaml", _MAPPING.replace("A: open\n", "A: open\n    B: done\n"))

    def records(self, name: str, *records: dict[str, str]) -> Path:
        return self.write(name, "".join(json.dumps(one) + "\n" for one in records))

    def _schema(self, name: str, role: str, fields: tuple[str, ...]) -> None:
        document = {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "$id": f"urn:dossier-hub:{name}:1.0.0",
            "x-hub": {"role": role, "full_state": True, "subject": [{"system": "national", "pointer": f"/{fields[0]}"}]},
            "type": "object",
            "properties": {one: {"type": "string", "minLength": 1} for one in fields},
            "required": list(fields),
            "additionalProperties": False,
        }
        self.write(f"schemas/{name}/1.0.0.json", json.dumps(document))

    # ── what a hub would have done before the operator comes
    def in_store(self, work: Callable[[SqlStore], Awaitable[T]]) -> T:
        async def run() -> T:
            store = SqlStore(f"sqlite:///{self.folder / 'var' / 'hub.db'}", system_clock)
            await store.open(exclusive=False)
            try:
                return await work(store)
            finally:
                await store.close()

        return asyncio.run(run())

    def take(self, *records: dict[str, str], origin: str | None = None) -> list[dict[str, Any]]:
        """Take records in as the hub does, told by the partner behind an endpoint if one is named; their receipts."""
        parts = assemble(self.folder)

        async def work(store: SqlStore) -> list[dict[str, Any]]:
            intake = Intake(store, parts.catalog, parts.router, parts.sources, {}, lambda: None)
            receipts = []
            for one in records:
                body = json.dumps(one).encode()
                sender, now = origin or "one-stop", system_clock()
                arrival = Arrival(new_id(), sender, SchemaRef("record", "1"), body, now, "0" * 32, origin=origin)
                receipts.append(dict((await intake.accept(arrival)).receipt))
            return receipts

        return self.in_store(work)

    def settle(self, outcome: Any, code: str = "", reason: str = "") -> list[str]:
        """Attempt every delivery that is due, sent as the mappings of now have it, each with this end; their ids."""
        catalog = assemble(self.folder).catalog

        async def work(store: SqlStore) -> list[str]:
            now = system_clock()
            due = await store.due("portal", now, 100)
            for one in due:
                attempt, chain = new_id(), catalog.chain(one.schema, "portal-item@1")
                made = chain.translate(json.loads(one.body))
                assert made is not None
                await store.start([Start(one.delivery_id, attempt, chain.digest, json.dumps(made.body).encode())], now)
                ended = Settlement(one.delivery_id, attempt, outcome, code, reason, next_at=now + 3_600_000_000)
                assert await store.settle(ended, now)
            return [one.delivery_id for one in due]

        return self.in_store(work)

    def settle_doubt(self, outcome: Any, code: str, reason: str) -> str:
        """End the one delivery that is in doubt; its id."""

        async def work(store: SqlStore) -> str:
            now = system_clock()
            (one,) = await store.due("portal", now, 10)
            assert one.state == "in_doubt"
            assert await store.settle(Settlement(one.delivery_id, one.attempt_id, outcome, code, reason), now)
            return one.delivery_id

        return self.in_store(work)


def record(code: str = "000.00.10.H22-261121-0001", state: str = "A", name: str = CANARY) -> dict[str, str]:
    return {"code": code, "state": state, "name": name}


class Ran:
    """What one command said, and how it ended."""

    def __init__(self, code: int, stdout: str, stderr: str) -> None:
        self.code, self.stdout, self.stderr = code, stdout, stderr

    @property
    def json(self) -> Any:
        """Standard output as the one JSON document that it must be."""
        return json.loads(self.stdout)


Run = Callable[..., Ran]


@contextmanager
def process(home: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """``hub`` as a process that listens; (process, URL). Ended by SIGTERM, which must give exit code 0."""
    started = subprocess.Popen(
        [*HUB, *arguments], env={**os.environ, "HUB_HOME": str(home)}, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True,
    )  # fmt: skip
    assert started.stdout is not None and started.stderr is not None
    try:
        line = started.stdout.readline()
        assert line.startswith("listening on http://"), line + started.stderr.read()
        yield started, line.removeprefix("listening on ").strip()
        if started.poll() is None:
            started.send_signal(signal.SIGTERM)
        assert started.wait(20) == 0, started.stderr.read()
    finally:
        if started.poll() is None:
            started.kill()
            started.wait(10)
        started.stdout.close()
        started.stderr.close()


def until(true: Callable[[], T | None], seconds: float = 20) -> T:
    """Wait for another process: the first value that is true."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := true():
            return found
        time.sleep(0.05)
    raise AssertionError("it did not come about")
