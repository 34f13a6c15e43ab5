"""What a simulator of a partner is, how it is found by name, and how it is put on a loopback port."""

from __future__ import annotations

import abc
import argparse
import asyncio
import ipaddress
import signal
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

import yaml
from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from hub.connector import registered
from hub.errors import BadConfig, Problem
from hub.testing.control import control_routes
from hub.testing.fault_play import CallLog, FaultPlayer
from hub.testing.faults import FaultRule

GROUP = "hub.simulators"
_LARGEST_BODY = 256 * 1024 * 1024


class SimulatorConfig(BaseModel):
    """What every simulator can be told; each adds its own, described, fields. Frozen, no unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    faults: tuple[FaultRule, ...] = Field(default=(), description="Fault rules in force from the start, in order.")


ConfigT = TypeVar("ConfigT", bound=SimulatorConfig)

Table = Callable[[str], Mapping[str, Mapping[str, str]] | None]
"""The rows of a code table ``id@major`` that was fetched from the partner: key → column → value; None while it never was."""


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """How a simulator stands in for the partner of a configured endpoint: ``simulator``, its own settings, and ``endpoint``,
    which gives the endpoint's settings once it is known at which URL the simulator listens."""

    simulator: Mapping[str, Any]
    endpoint: Callable[[str], Mapping[str, Any]]


class Simulator(abc.ABC, Generic[ConfigT]):
    """Stands in for one partner over HTTP. Its memory is kept in ``state_file`` (none: forgotten at the end) and
    survives a SIGKILL; fault rules and the log of calls belong to the process."""

    name: ClassVar[str]
    Config: ClassVar[type[SimulatorConfig]]

    def __init__(self, config: ConfigT, state_file: Path | None = None) -> None:
        self.config = config
        self.state_file = state_file
        self.faults = FaultPlayer(config.faults)
        self.calls = CallLog()

    @classmethod
    def rehearse(cls, settings: Mapping[str, Any], table: Table) -> Rehearsal | None:
        """How it stands in for the endpoint with these settings, as they are written in config.yaml, in ``hub rehearse``; None
        when it cannot. A setting that refers to a secret which is not there is None.

        Whatever leads elsewhere or is secret is replaced; everything else is taken over, so that it is put to the test.
        """
        return None

    @abc.abstractmethod
    def routes(self) -> Iterable[web.RouteDef]:
        """The partner's own paths, and control paths that only this simulator has."""

    @abc.abstractmethod
    def state(self) -> Mapping[str, Any]:
        """The partner's whole memory as JSON values, for ``GET /_control/state``."""

    def close(self) -> None:
        """Releases what the constructor acquired. Called once, after the last call."""

    def app(self) -> web.Application:
        """The web application: the partner's paths and ``/_control/…``. Call it once."""
        app = web.Application(client_max_size=_LARGEST_BODY)
        app.add_routes([*self.routes(), *control_routes(self.faults, self.calls, self.state)])

        async def stop_waiting(_: web.Application) -> None:
            self.faults.close()

        async def release(_: web.Application) -> None:
            self.close()

        app.on_shutdown.append(stop_waiting)
        app.on_cleanup.append(release)
        return app


@dataclass(frozen=True, slots=True)
class RunningSimulator:
    """A simulator that listens."""

    simulator: Simulator[Any]
    host: str
    port: int
    runner: web.AppRunner

    @property
    def url(self) -> str:
        return f"http://[{self.host}]:{self.port}" if ":" in self.host else f"http://{self.host}:{self.port}"

    async def close(self) -> None:
        """Stops listening; calls that wait end without an effect."""
        await self.runner.cleanup()


def load_simulator(name: str) -> type[Simulator[Any]]:
    """The simulator class registered under ``name`` (entry points ``hub.simulators``). Raises BadConfig."""
    found = registered(GROUP)
    if name not in found:
        known = ", ".join(sorted(found)) or "none installed"
        words = f"no simulator is named {name!r}"
        raise BadConfig([Problem("simulator", "unknown_simulator", words, f"one of: {known}")])
    loaded = found[name].load()
    if not (isinstance(loaded, type) and issubclass(loaded, Simulator)):
        words = f"entry point {name!r} is not a hub.testing.Simulator"
        raise BadConfig([Problem("simulator", "not_a_simulator", words)])
    return loaded


async def serve(simulator: Simulator[Any], host: str = "127.0.0.1", port: int = 0) -> RunningSimulator:
    """Listens on a loopback address (port 0: any free one). Raises BadConfig for another address or one that is taken."""
    if not (host == "localhost" or _is_loopback(host)):
        raise BadConfig([Problem("host", "not_loopback", "a simulator listens on loopback only", "127.0.0.1 or ::1")])
    runner = web.AppRunner(simulator.app(), access_log=None, shutdown_timeout=2.0)
    await runner.setup()
    site = web.TCPSite(runner, host, port)
    try:
        await site.start()
    except OSError as error:
        await runner.cleanup()
        text = f"cannot listen there (errno {error.errno})"
        raise BadConfig([Problem("port", "address", text, "choose another port, or 0 for a free one")]) from None
    return RunningSimulator(simulator, host, int(runner.addresses[0][1]), runner)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def run_process(kind: type[Simulator[Any]], arguments: Sequence[str] | None = None) -> int:
    """The command line of a simulator as a process; prints ``listening on URL`` and ends on SIGTERM or SIGINT.

    Exit codes: 0 ended on a signal, 2 configuration that it will not run with (said on stderr).
    """
    parser = argparse.ArgumentParser(description=f"Simulator: {kind.name}")
    parser.add_argument("--host", default="127.0.0.1", help="loopback address to listen on")
    parser.add_argument("--port", type=int, default=0, help="port; 0 chooses a free one")
    parser.add_argument("--state", type=Path, default=None, help="file that keeps the partner's memory over restarts")
    parser.add_argument("--config", type=Path, default=None, help="YAML or JSON file with its configuration")
    given = parser.parse_args(arguments)
    try:
        text = given.config.read_text(encoding="utf-8") if given.config else ""
        config = kind.Config.model_validate(yaml.safe_load(text) or {})
        asyncio.run(until_signal(kind(config, given.state), given.host, given.port, _announce))
    except (ValidationError, BadConfig, OSError, yaml.YAMLError) as error:
        print(f"{kind.name}: {error}", file=sys.stderr)
        return 2
    return 0


def _announce(url: str) -> None:
    print(f"listening on {url}", flush=True)


async def until_signal(simulator: Simulator[Any], host: str, port: int, announce: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT; ``announce`` gets the URL as soon as it answers. Raises BadConfig."""
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    running = await serve(simulator, host, port)
    announce(running.url)
    await ended.wait()
    await running.close()
