"""A hub, the portal's simulator and a sender on this machine, and the handles by which a test holds or kills them."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import yaml
from flow.parts import make_home
from ports import free_port

from connectors.demo.home import enlarged
from connectors.demo.population import simulator_yaml
from seams.http_door import request
from seams.processes import DEADLINE, Child, Launcher, until
from seams.sender import Acknowledged, Sender
from seams.verdict import due, held

CONFIG = """
store: {{ url: sqlite:///var/hub.db }}
server: {{ host: 127.0.0.1, port: {port} }}
sources:
  - {{ schema: opencps-dossier@1, becomes: [dossier@1, dossier-progress@1] }}
endpoints:
  portal:
    connector: national-portal
    settings:
      adapter_url: {portal}/XrdAdapter/RestService/forward
      username: simulated
      password: simulated
      madonvi: 000.00.00.H22
      read_timeout: 30
    concurrency: 8
    retry: {{ first_seconds: 0.05, longest_seconds: 0.2, attempts: 10 }}
    breaker: {{ failures: 5, open_seconds: 0.1, longest_seconds: 0.2 }}
routes:
  dossiers-to-portal:
    {{ take: dossier@1, when: {{ present: code }}, to: portal, as: npsp-dossier@1, in_doubt: resend }}
  progress-to-portal:
    {{ take: dossier-progress@1, when: {{ present: code }}, to: portal, as: npsp-progress@1, in_doubt: hold }}
"""


class World:
    """``search_result`` is what TraCuuHoSo tells: ``full`` objects, or ``minimal`` ones that only show that a code is known."""

    def __init__(self, folder: Path, launcher: Launcher, search_result: str = "full") -> None:
        self._launcher = launcher
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._settings = folder / "simulator.yaml"
        self._settings.write_text(f"later_fields: optional\nsearch_result: {search_result}\n", encoding="utf-8")
        self.simulator = self._start_simulator()
        self.portal = self.simulator.listening()
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.home = make_home(folder / "home", CONFIG.format(port=self.port, portal=self.portal))
        self.database = self.home / "var" / "hub.db"
        self.hub: Child | None = None
        self.registry: Child | None = None
        self._sender: Sender | None = None

    def _start_simulator(self) -> Child:
        words = ["--port", "0", "--state", str(self.folder / "portal.jsonl"), "--config", str(self._settings)]
        return Child.start(self._launcher, "simulator", words, self._settings.parent, "simulator", {})

    def also_soap_and_registry(self, people: Sequence[Mapping[str, str]]) -> None:
        """The door of the demo's older one-stop system, and a population registry with these people, as the demo has them."""
        settings, path = self.folder / "registry.yaml", self.home / "config.yaml"
        settings.write_text(simulator_yaml(tuple(map(dict, people))), encoding="utf-8")
        words = ["--port", "0", "--config", str(settings)]
        self.registry = Child.start(self._launcher, "registry", words, self.folder, "registry", {})
        text = yaml.safe_dump(enlarged(yaml.safe_load(path.read_text(encoding="utf-8"))), allow_unicode=True)
        text = text.replace("${env:POPULATION_URL}", f"{self.registry.listening()}/dancu")
        text = re.sub(r"\$\{env:POPULATION_\w+\}", "simulated", text)
        path.write_text(text, encoding="utf-8")

    # ── the hub's process
    def also(self, source: str, route: str) -> None:
        """Add a source and a route, each one line of YAML, to the hub's configuration."""
        path = self.home / "config.yaml"
        text = path.read_text(encoding="utf-8").replace("sources:\n", f"sources:\n  - {source}\n")
        path.write_text(f"{text}  {route}\n", encoding="utf-8")

    def begin_hub(self, launcher: Launcher | None = None, **more: Any) -> Child:
        """Start the hub, by another launcher if one is given, without waiting for it."""
        self.hub = Child.start(
            launcher or self._launcher, "hub", ["--home", str(self.home), "run"], self.home, "hub", {}, **more
        )
        return self.hub

    def start_hub(self, **more: Any) -> Child:
        """Start the hub and wait until it takes messages."""
        hub = self.begin_hub(**more)
        hub.listening()
        return hub

    def kill_hub(self) -> None:
        """SIGKILL. The hub has no moment left."""
        assert self.hub is not None
        assert self.hub.ended() is None, f"the hub had ended by itself: {self.hub.err.read_text(encoding='utf-8')[-1500:]}"
        self.hub.kill()

    def begin_shell(self, *words: str) -> Child:
        """Start one ``hub`` command with ``--json``."""
        name = f"shell-{random.SystemRandom().randrange(1 << 32):x}"
        return Child.start(self._launcher, "hub", ["--home", str(self.home), *words, "--json"], self.home, name, {})

    def said(self, command: Child) -> tuple[int, Any]:
        """Its exit code and its document, once it ends; its complaint when it gave none."""
        code = command.ended(DEADLINE)
        assert code is not None, "the command did not end"
        text = command.out.read_text(encoding="utf-8")
        return code, json.loads(text) if text.strip() else command.err.read_text(encoding="utf-8")

    def shell(self, *words: str) -> tuple[int, Any]:
        """Run one ``hub`` command to its end."""
        return self.said(self.begin_shell(*words))

    def end(self) -> None:
        """Kill what is left of this world."""
        for child in (self.hub, self.simulator, self.registry):
            if child is not None:
                child.kill()

    def forget(self) -> None:
        """Take the hub's database away, and with it what it knew of keys."""
        shutil.rmtree(self.database.parent, ignore_errors=True)
        self._sender = None

    # ── the sender
    @property
    def sender(self) -> Sender:
        """The one-stop shop, with a key of its own."""
        if self._sender is None:
            code, said = self.shell("key", "new", "one-stop", "--schema", "*")
            assert code == 0, said
            self._sender = Sender(lambda: self.url, said["key"])
        return self._sender

    @contextmanager
    def write_lock(self) -> Iterator[None]:
        """Hold SQLite's write lock from here: nobody else commits until the end of the block."""
        holder = sqlite3.connect(self.database, timeout=5, isolation_level=None)
        try:
            holder.execute("begin immediate")
            yield
        finally:
            holder.close()

    def request_is_read(self) -> bool:
        """Whether the hub took every byte of the requests that are open to it (from the kernel's table of sockets)."""
        local = f"0100007F:{self.port:04X}"
        rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        mine = [row for row in rows if row[3] == "01" and local in (row[1], row[2])]
        return any(row[1] == local for row in mine) and all(row[4] == "00000000:00000000" for row in mine)

    def metric(self, line: str) -> float:
        """A value of /metrics by the beginning of its line; 0 when it is not there yet."""
        text = request("GET", f"{self.url}/metrics").body
        return sum(float(one.rpartition(" ")[2]) for one in text.splitlines() if one.startswith(line))

    # ── the portal's simulator
    def control(self, method: str, path: str, body: Any = None) -> Any:
        answer = request(method, f"{self.portal}/_control/{path}", body, seconds=DEADLINE)
        assert answer.status in (200, 201), answer.body
        return answer.body

    def plant(self, service: str, fault: str, **more: Any) -> None:
        self.control("POST", "faults", {"service": service, "fault": fault, **more})

    def held(self, calls: int = 1) -> list[dict[str, Any]]:
        """Wait until that many calls are held."""
        found: list[dict[str, Any]] = self.control("GET", f"held?count={calls}&wait={DEADLINE:g}")["held"]
        assert len(found) == calls, found
        return found

    def release(self, how: str) -> None:
        assert self.control("POST", "release", {"how": how})["released"]

    def calls(self, service: str, code: str) -> list[dict[str, Any]]:
        """The calls of a service about one dossier, as the portal counted them."""
        found = self.control("GET", f"calls?service={service}")["calls"]
        return [one for one in found if code in one["codes"]]

    def state(self) -> dict[str, Any]:
        found: dict[str, Any] = self.control("GET", "state")
        return found

    def portal_holds(self, code: str) -> list[tuple[str, str]]:
        """The effects the portal took of one dossier, in order."""
        return held(self.state()["dossiers"].get(code))

    # ── waiting
    def at_rest(self, code: str) -> list[dict[str, Any]]:
        """Wait until nothing of the dossier can move by itself; its dead letters, then what waits behind them."""

        def still() -> tuple[list[dict[str, Any]]] | None:
            shown = self.sender.read(f"/v1/dossiers/{code}")
            waiting = [one for one in shown["waiting"] if one["state"] != "dead"]
            dead = [one for one in shown["timeline"] if one["event"] == "dead"]
            moves = any(one["state"] in ("claimed", "in_doubt") for one in waiting)
            return ([*dead, *waiting],) if not moves and (dead or not waiting) else None

        (waiting,) = until(f"dossier {code} at rest", still)
        return waiting

    def nothing_moves(self) -> bool:
        """Whether only dead letters and what waits behind them are left: no delivery is under way, in doubt, or due."""
        return (
            self.look("select 1 from deliveries where state in ('claimed', 'in_doubt') or (state = 'pending' and head)") == []
        )

    def look(self, query: str) -> list[tuple[Any, ...]]:
        """Read the hub's database beside it."""
        with closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=5)) as reader:
            found: list[tuple[Any, ...]] = reader.execute(query).fetchall()
            return found

    def delivered(self, code: str) -> None:
        """Wait until the dossier is at rest, then find at the portal exactly what was acknowledged, in order."""
        assert self.at_rest(code) == []
        assert self.portal_holds(code) == due(self.sender.record, code)

    def dead(self) -> list[dict[str, Any]]:
        code, said = self.shell("dead", "list", "--limit", "10000")
        assert code == 0, said
        found: list[dict[str, Any]] = said["dead"]
        return found

    def decide(self, doubted: Sequence[dict[str, Any]], record: Sequence[Acknowledged]) -> None:
        """What an operator does with steps in doubt: look at the portal, then discard what it holds and replay the rest."""
        marks = {one.deliveries["dossier-progress"]: one for one in record}
        state = self.state()["dossiers"]
        again: list[str] = []
        for letter in doubted:
            line = marks[letter["delivery"]]
            if ("step", line.mark) in held(state.get(line.code)):
                code, said = self.shell("dead", "discard", letter["delivery"], "--why", "the portal shows the step")
                assert code == 0, said
            else:
                again.append(letter["delivery"])
        if again:
            code, said = self.shell("dead", "replay", *again, "--latest", "--why", "the portal does not show the step")
            assert code == 0, said


def rounds(normal: int, soak: int) -> range:
    """How often: few in the normal run, many with SOAK=1."""
    return range(soak if os.environ.get("SOAK") == "1" else normal)
