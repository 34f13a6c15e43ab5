"""The whole path: 3 KB dossiers over REST, both mappings and the ledger, to a destination of one HTTP call."""

from __future__ import annotations

from benchmarks.figures import Print, median
from benchmarks.stage import Round, Stage


def measure(stage: Stage, rounds: int, messages: int, say: Print) -> None:
    """Floor and hub in turn; rest_rate, rest_cpu_us, rest_cpu_ratio and the floor's own figures."""
    pairs: list[tuple[Round, Round]] = []
    for number in range(rounds + 1):
        pair = stage.round(stage.floor, messages), stage.round(stage.hub, messages)
        if number:  # the first is the warm-up
            pairs.append(pair)
    median(say, "rest_rate", [hub.rate for _, hub in pairs], 0)
    median(say, "rest_cpu_us", [hub.cpu_us for _, hub in pairs], 1)
    median(say, "rest_cpu_ratio", [hub.cpu_us / floor.cpu_us for floor, hub in pairs], 2)
    median(say, "floor_rate", [floor.rate for floor, _ in pairs], 0)
    median(say, "floor_cpu_us", [floor.cpu_us for floor, _ in pairs], 1)
