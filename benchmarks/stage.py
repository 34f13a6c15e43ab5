"""What is measured, set up: the destination, the floor and the hub as processes, their files on a real disk."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks import homes
from benchmarks.processes import HUB, Loader, Process, shell, until

CONNECTIONS = 64


class Round(NamedTuple):
    """One round: messages a second from the first send to the last delivery, CPU microseconds a message, and what the load
    generator says (seconds)."""

    rate: float
    cpu_us: float
    load: dict[str, Any]


@dataclass
class Taker:
    """The hub, or the floor (which has no home): takes messages and passes them on."""

    name: str
    process: Process
    home: Path = Path()
    key: str = "none"

    def unsettled(self) -> int:
        """How many deliveries it knows of that are not delivered. Raises RuntimeError when one is dead."""
        if self.key == "none":
            return 0
        with closing(sqlite3.connect(f"file:{self.home}/var/hub.db?mode=ro", uri=True, timeout=10)) as reader:
            left = dict(reader.execute("select state, count(*) from deliveries where state <> 'delivered' group by state"))
        if "dead" in left:
            raise RuntimeError(f"{left['dead']} deliveries are dead letters")
        return sum(left.values())


class Stage:
    """Starts each process when it is first needed; ends all of them, and takes its folder away, at the end."""

    def __init__(self, under: Path) -> None:
        self._stack = ExitStack()
        under.mkdir(parents=True, exist_ok=True)
        self.folder = Path(tempfile.mkdtemp(prefix="bench-", dir=under))
        self._stack.callback(shutil.rmtree, self.folder, ignore_errors=True)
        self._next = 1

    def __enter__(self) -> Stage:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @cached_property
    def destination(self) -> Process:
        """Where both send to."""
        return self._stack.enter_context(Process(("-m", "benchmarks.destination")))

    @cached_property
    def floor(self) -> Taker:
        """The floor's process."""
        words = ("-m", "benchmarks.floor", str(self.folder / "floor.log"), self.destination.url, str(homes.CONCURRENCY))
        return Taker("floor", self._stack.enter_context(Process(words)))

    @cached_property
    def hub(self) -> Taker:
        """A hub whose only partner is the destination."""
        return self._stack.enter_context(self.running_hub(homes.one_call_home(self.folder / "home", self.destination.url)))

    @cached_property
    def _loader(self) -> Loader:
        return self._stack.enter_context(Loader())

    @cached_property
    def paths(self) -> Path:
        """What a hub needs on PYTHONPATH beside the checkout."""
        return homes.connector_paths(self.folder / "paths")

    @contextmanager
    def running_hub(self, home: Path) -> Iterator[Taker]:
        """A hub of this home, and a key for its sender."""
        with self.running_hubs(home) as (hub,):
            yield hub

    @contextmanager
    def running_hubs(self, *given: Path) -> Iterator[list[Taker]]:
        """A hub of each home, all started at the same time, and a key for the sender of each."""
        keys = [self.shell(home, "key", "new", "one-stop", "--schema", "opencps-dossier").strip() for home in given]
        with ExitStack() as stack:
            started = [stack.push(Process((*HUB, "--home", str(home), "run"), (self.paths,))) for home in given]
            yield [Taker("hub", one.__enter__(), home, key) for one, home, key in zip(started, given, keys, strict=True)]

    def shell(self, home: Path, *words: str) -> str:
        """One ``hub`` command on a home."""
        return shell("--home", str(home), *words)

    def send(self, taker: Taker, messages: int, rate: float | None = None, began: Any = lambda: None) -> dict[str, Any]:
        """Send new dossiers: 64 connections in a closed loop, or an open loop at ``rate`` messages a second."""
        first, self._next = self._next, self._next + messages
        order = {"url": taker.process.url, "key": taker.key, "first": first, "count": messages, "rate": rate}
        return self._loader.run({**order, "connections": CONNECTIONS if rate is None else 4 * CONNECTIONS}, began)

    def round(self, taker: Taker, messages: int, rate: float | None = None, to: Process | None = None) -> Round:
        """Send, and wait until every message is at the destination (or where else it goes to) and settled."""
        destination = to or self.destination
        destination.ask("POST", "/forget")
        cpu = 0.0

        def began() -> None:
            nonlocal cpu
            cpu = taker.process.cpu()

        said = self.send(taker, messages, rate, began)
        until("all delivered", lambda: destination.ask("GET", "/seen")["count"] >= messages, 0.05)
        until("all settled", lambda: taker.unsettled() == 0, 0.05)
        spent = taker.process.cpu() - cpu
        seen = destination.ask("GET", "/seen")
        if seen["count"] != messages:
            raise RuntimeError(f"{taker.name}: {messages} messages became {seen['count']} calls")
        return Round(messages / (seen["last"] - said["began"]), spent / messages * 1e6, said)
