"""How long a sender waits: open loops at half the hub's capacity, the hub's 99th percentile against the floor's.

Capacity has two meanings, and both are measured: the receipts that a burst is given (deliveries fall behind and follow),
and what goes in and out for good.
"""

from __future__ import annotations

import statistics

from benchmarks.figures import Print, median
from benchmarks.stage import Round, Stage

_TRIALS = 3


def measure(stage: Stage, rounds: int, messages: int, seconds: float, say: Print) -> None:
    """intake_*: at half of the receipts a second of a closed loop; steady_*: at half of its deliveries a second."""
    stage.round(stage.hub, messages)
    trials = [stage.round(stage.hub, messages) for _ in range(_TRIALS)]
    receipts = [messages / (one.load["ended"] - one.load["began"]) for one in trials]
    _at_half(stage, ("intake", "floor"), statistics.median(receipts), rounds, seconds, say)
    _at_half(stage, ("steady", "steady_floor"), statistics.median(one.rate for one in trials), rounds, seconds, say)


def _at_half(stage: Stage, names: tuple[str, str], capacity: float, rounds: int, seconds: float, say: Print) -> None:
    rate = capacity / 2
    count = max(1, round(rate * seconds))
    pairs: list[tuple[Round, Round]] = []
    for number in range(rounds + 1):
        pair = stage.round(stage.floor, count, rate), stage.round(stage.hub, count, rate)
        if number:  # the first is the warm-up
            pairs.append(pair)
    name, floors = names
    say(f"{name}_capacity", f"{capacity:.0f}")
    median(say, f"{name}_p99_ratio", [hub.load["p99"] / floor.load["p99"] for floor, hub in pairs], 2)
    for quantile in ("p50", "p99"):
        median(say, f"{name}_{quantile}_ms", [hub.load[quantile] * 1e3 for _, hub in pairs], 2)
        median(say, f"{floors}_{quantile}_ms", [floor.load[quantile] * 1e3 for floor, _ in pairs], 2)
