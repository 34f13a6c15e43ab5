"""The national portal's flow against its simulator: look-up, dossier and progress, three calls for each dossier."""

from __future__ import annotations

import time

from benchmarks import homes
from benchmarks.figures import Print, median
from benchmarks.processes import HUB, Process, until
from benchmarks.stage import Stage

CALLS = ("TraCuuHoSo", "DongBoHoSoMC", "CapNhatTienDoHoSoMC")


def measure(stage: Stage, rounds: int, dossiers: int, say: Print) -> None:
    """portal_rate: dossiers a second from the first send until both messages of every dossier are settled."""
    settings = ("--set", "later_fields=optional")
    with Process((*HUB, "simulate", "national-portal", "--port", "0", *settings)) as simulator:
        home = homes.portal_home(stage.folder / "portal", f"{simulator.url}/XrdAdapter/RestService/forward")
        stage.shell(home, "catalog", "refresh")
        with stage.running_hub(home) as hub:
            rates = []
            for number in range(rounds + 1):
                began = stage.send(hub, dossiers)["began"]
                until("all settled", lambda: hub.unsettled() == 0, 0.02)
                if number:
                    rates.append(dossiers / (time.monotonic() - began))
        for service in CALLS:
            seen = len(simulator.ask("GET", f"/_control/calls?service={service}")["calls"])
            if seen != dossiers * (rounds + 1):
                raise RuntimeError(f"{dossiers * (rounds + 1)} dossiers became {seen} calls of {service}")
    median(say, "portal_rate", rates, 0)
