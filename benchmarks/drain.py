"""After an outage: how fast a backlog goes out once the endpoint is resumed, with nothing coming in."""

from __future__ import annotations

from benchmarks.figures import Print, median
from benchmarks.homes import ENDPOINT
from benchmarks.processes import until
from benchmarks.stage import Stage


def measure(stage: Stage, rounds: int, messages: int, say: Print) -> None:
    """drain_rate: messages a second between the first and the last that reach the destination."""
    rates = [_drained(stage, messages) for _ in range(rounds)]
    median(say, "drain_rate", rates, 0)


def _drained(stage: Stage, messages: int) -> float:
    hub = stage.hub
    stage.shell(hub.home, "endpoint", "pause", ENDPOINT, "--why", "bench")
    stage.send(hub, messages)
    stage.destination.ask("POST", "/forget")
    backlog = hub.unsettled()
    if backlog < messages * 0.9:
        raise RuntimeError(f"the endpoint was paused, {messages - backlog} of {messages} went out all the same")
    stage.shell(hub.home, "endpoint", "resume", ENDPOINT)
    until("the backlog delivered", lambda: hub.unsettled() == 0, 0.05)
    seen = stage.destination.ask("GET", "/seen")
    return float(seen["count"] / (seen["last"] - seen["first"]))
