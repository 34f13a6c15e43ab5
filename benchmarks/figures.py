"""How a figure is printed: the median of its rounds; for a ratio, the least and the most beside it."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence

Print = Callable[[str, str], None]


def line(name: str, value: str) -> None:
    """``bench: NAME=VALUE``, at once."""
    print(f"bench: {name}={value}", flush=True)


def median(say: Print, name: str, rounds: Sequence[float], digits: int) -> None:
    """Say the median of the rounds; of a ratio also NAME_min and NAME_max."""
    say(name, f"{statistics.median(rounds):.{digits}f}")
    if name.endswith("_ratio"):
        say(f"{name}_min", f"{min(rounds):.{digits}f}")
        say(f"{name}_max", f"{max(rounds):.{digits}f}")
