"""The hub of the demo seen from outside: its process over several lives, its probes, and what its store has counted."""

from __future__ import annotations

import asyncio
import json
import re
import signal
from contextlib import closing
from pathlib import Path
from typing import Any

import aiohttp

from connectors.demo.held import store_of
from connectors.demo.processes import DemoFailed, Place, Running, command
from connectors.demo.records_office import SENDER as RECORDS_OFFICE

_SAMPLE = re.compile(r"^hub_(backlog|stored_arrivals|breaker_open)\{([^}]*)\} ([0-9.e+]+)$", re.MULTILINE)
_LABEL = re.compile(r'(\w+)="([^"]*)"')
POLL_SECONDS = 0.2
GAUGE_SECONDS = 0.5
FRESH_SECONDS = 1.0
"""The hub counts its backlog anew at most once a second."""
PUBLISHED_SECONDS = 30.0
"""How long the last events may take to be published."""

_MISSTATED = "route = 'ministry-to-local' and coalesce(code, '') = 'file_refused' and number = 0"
_COUNTS = {
    "retried": "select coalesce(sum(number - 1), 0) from deliveries where number > 1",
    "in_doubt": "select count(*) from deliveries where doubted",
    "dead": "select count(*) from (select delivery_id from attempts where outcome in ('dead', 'refused')"
    " union select id from deliveries where state = 'dead' union select target from audit"
    " where (act like 'replay%' or act = 'discard') and target in (select id from deliveries))",
    "superseded": f"select count(*) from deliveries where state = 'superseded' and not ({_MISSTATED})",
    "misstated": f"select count(*) from deliveries where {_MISSTATED}",
    "kept": "select count(*) from (select id from arrivals where state = 'kept'"
    " union select target from audit where act in ('replay', 'discard') and target in (select id from arrivals))",
    "filed": f"select count(*) from arrivals where sender = '{RECORDS_OFFICE}'",
    "delivered": "select count(*) from deliveries where state = 'delivered'",
    **{
        f"{outcome}{suffix}": "select count(distinct dossier_id) from lookups"
        f" where outcome = '{outcome}' and endpoint = '{registry}'"
        for registry, suffix in (("population", ""), ("business", "_enterprise"))
        for outcome in ("not_found", "mismatch")
    },
    "doubtful_states": "select count(*) from deliveries where doubted and route = 'states-to-ministry'",
    "doubtful_creates": "select count(*) from deliveries where doubted and route = 'dossiers-to-ministry'",
    "unreachable": "select count(*) from lookups where outcome = 'unreachable'",
}
"""What is counted, once and for all: ``retried``, attempts after the first of a delivery; ``in_doubt``, deliveries that were
ever in doubt; ``dead``, deliveries that ever were dead letters, healed ones included; ``superseded``, deliveries that a newer
state replaced, but for ``misstated``, whose file was refused before any attempt; ``kept``, arrivals that were ever kept,
those taken in or given up since included; ``filed``, arrivals of the records office; ``not_found`` and ``mismatch``, dossiers
whose owner the registry did not know, or not by this name, and the same of enterprises in theirs; ``doubtful_states`` and
``doubtful_creates``, of which it was not known whether the ministry has them; ``unreachable``, questions that it did not
answer. The counters of /metrics begin again with each life of the hub, so the totals over a SIGKILL are an operator's query
on the store, read only."""


_CODES_AT = (
    "select own.code, other.code from aliases own join aliases other on other.dossier_id = own.dossier_id"
    " where own.system = 'national' and other.system = ?"
)
_KNOWN_THERE = (
    "select count(*) from deliveries one join deliveries other on other.dossier_id = one.dossier_id and other.route = one.route"
    " where one.id = ? and other.state in ('delivered', 'discarded')"
)


class HubProcess:
    """The hub, a process of its own, started as often as it has to be."""

    def __init__(self, place: Place, session: aiohttp.ClientSession) -> None:
        self._place, self._session = place, session
        self._process: Running | None = None
        self.url = ""
        self.seen: dict[str, int] = {}

    @property
    def log(self) -> Path:
        return self._place.home / "var" / "hub.log"

    async def start(self) -> None:
        """``hub run``, then wait until it says that it is ready."""
        self._process = await Running.start("hub", (*self._place.hub, "run"), self._place)
        self.url = self._process.url
        while not await self._ready():
            if not self._process.alive:
                raise DemoFailed("the hub ended as soon as it was started; see hub.err")
            await asyncio.sleep(POLL_SECONDS)

    async def kill(self) -> None:
        """SIGKILL, in the middle of whatever it does."""
        assert self._process is not None
        await self._process.kill()

    async def reload(self) -> None:
        """SIGHUP: take changed tables and mappings; returns when the log says that they are taken."""
        assert self._process is not None
        before = self._told("reloaded")
        self._process.signal(signal.SIGHUP)
        while self._told("reloaded") == before:
            if self._told("reload_refused"):
                raise DemoFailed(f"the hub refused the changed table; see {self.log}")
            await asyncio.sleep(POLL_SECONDS)

    def _told(self, event: str) -> int:
        return sum(json.loads(line).get("event") == event for line in self.log.read_text("utf-8").splitlines() if event in line)

    async def end(self) -> int:
        """SIGTERM: drain and stop; returns the exit code."""
        return 0 if self._process is None else await self._process.end()

    async def _ready(self) -> bool:
        try:
            async with self._session.get(f"{self.url}/health/ready") as response:
                return response.status == 200
        except (aiohttp.ClientError, TimeoutError, OSError):
            return False

    async def watch(self) -> None:
        """Keep ``seen``, the newest gauges, until cancelled."""
        while True:
            self.seen = await self.gauges() or self.seen
            await asyncio.sleep(GAUGE_SECONDS)

    async def settled(self) -> None:
        """Return when nothing is open, dead or kept, by gauges that were surely counted after the call."""
        clock = asyncio.get_running_loop()
        since = clock.time()
        while clock.time() - since <= FRESH_SECONDS + GAUGE_SECONDS:
            await asyncio.sleep(GAUGE_SECONDS)
            gauges = await self.gauges()
            if not gauges or gauges["open"] or gauges["dead"] or gauges["kept"]:
                since = clock.time()

    async def published(self) -> None:
        """Return when no event waits any more (``hub events waiting``). Raises DemoFailed when that lasts too long."""
        clock = asyncio.get_running_loop()
        end = clock.time() + PUBLISHED_SECONDS
        while (left := json.loads(await command(self._place, "events", "waiting", "--json"))["events"]) and (
            left["waiting"] or left["copying"]
        ):
            if clock.time() > end:
                raise DemoFailed(f"{left['waiting']} events are not published within {PUBLISHED_SECONDS:g} s; see {self.log}")
            await asyncio.sleep(POLL_SECONDS)

    async def gauges(self) -> dict[str, int]:
        """Open deliveries by state and stored arrivals by state (``kept`` …), breaker included; {} while it is down."""
        try:
            async with self._session.get(f"{self.url}/metrics") as response:
                text = await response.text()
        except (aiohttp.ClientError, TimeoutError, OSError):
            return {}
        found = {"open": 0, "dead": 0, "kept": 0, "breaker": 0}
        for name, labels, value in _SAMPLE.findall(text):
            state = dict(_LABEL.findall(labels)).get("state", "breaker")
            key = state if name != "backlog" or state == "dead" else "open"
            found[key] = found.get(key, 0) + int(float(value))
        return found

    async def dead_letters(self) -> list[dict[str, Any]]:
        """``hub dead list``."""
        told = await command(self._place, "dead", "list", "--limit", "1000", "--json")
        return list(json.loads(told)["dead"])

    async def steps(self, code: str) -> list[str]:
        """The messages of a dossier that tell its steps, in their order."""
        timeline = json.loads(await command(self._place, "trace", code, "--json"))["timeline"]
        told = [one for one in timeline if one["event"] == "message" and one["schema"].startswith("dossier-progress@")]
        return [one["message"] for one in sorted(told, key=lambda one: int(one["seq"]))]

    async def arrival(self, arrival_id: str, key: str) -> dict[str, Any]:
        """What became of an arrival, as its sender, whose key this is, may ask."""
        headers = {"Authorization": f"Bearer {key}"}
        async with self._session.get(f"{self.url}/v1/arrivals/{arrival_id}", headers=headers) as response:
            return dict(await response.json())

    async def command(self, *words: str) -> str:
        """Any other ``hub`` command."""
        return await command(self._place, *words)

    def counts(self) -> dict[str, int]:
        """The totals since the demo began (see ``_COUNTS``)."""
        with closing(store_of(self._place.home)) as store:
            return {name: int(store.execute(query).fetchone()[0]) for name, query in _COUNTS.items()}

    def known_there(self, delivery: str) -> int:
        """How many deliveries of its route and dossier are with the partner: delivered, or given up as already there."""
        with closing(store_of(self._place.home)) as store:
            return int(store.execute(_KNOWN_THERE, (delivery,)).fetchone()[0])

    def codes_at(self, system: str) -> dict[str, str]:
        """National code → the dossier's code in that system, as the hub calls it."""
        with closing(store_of(self._place.home)) as store:
            return dict(store.execute(_CODES_AT, (system,)).fetchall())
