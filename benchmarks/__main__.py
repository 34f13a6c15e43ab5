"""``make bench``: every figure on a line ``bench: NAME=VALUE``; nothing here passes or fails (see docs/performance.md).

Words choose what is measured: rest, intake, drain, portal, mapping, soap, catalog, mutation; all of them when none is given.
"""

from __future__ import annotations

import argparse
import os
import signal
import statistics
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks import catalog_load, drain, intake, mapping, mutation, portal, rest, soap
from benchmarks.figures import line
from benchmarks.processes import ROOT
from benchmarks.records import bodies
from benchmarks.stage import Stage

FIGURES = ("rest", "intake", "drain", "portal", "mapping", "soap", "catalog", "mutation")


@dataclass(frozen=True)
class Size:
    """How much is measured: rounds, messages and dossiers of one, seconds of an open loop, passes over the records, the share
    of a large catalog that is loaded, one of how many mutants."""

    rounds: int = 5
    messages: int = 2_000
    dossiers: int = 300
    seconds: float = 5.0
    passes: int = 12
    catalog: float = 1.0
    mutants: int = 1


QUICK = Size(rounds=1, messages=20, dossiers=2, seconds=0.05, passes=1, catalog=0.02, mutants=500)


def main() -> None:
    """Read the options, measure, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("figures", nargs="*", metavar="FIGURE", help=f"what to measure: {', '.join(FIGURES)}")
    parser.add_argument("--quick", action="store_true", help="tiny: shows that everything runs, measures nothing")
    parser.add_argument("--rounds", type=int, help="rounds of each figure (5)")
    parser.add_argument("--folder", type=Path, default=ROOT / "var", help="where the stores are, on a real disk (var/)")
    options = parser.parse_args()
    chosen = options.figures or list(FIGURES)
    if unknown := set(chosen) - set(FIGURES):
        parser.error(f"there is no figure {', '.join(sorted(unknown))}; one of: {', '.join(FIGURES)}")
    size = QUICK if options.quick else Size()
    rounds = options.rounds or size.rounds
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # the processes of the run end with it
    with Stage(options.folder) as stage:
        line("sync_us", f"{_sync_us(stage.folder):.0f}")
        line("body_bytes", f"{statistics.median(map(len, bodies(1, 400))):.0f}")
        if "mapping" in chosen:
            mapping.measure(rounds, size.passes, line)
        if "catalog" in chosen:
            catalog_load.measure(rounds, size.catalog, line)
        if "mutation" in chosen:
            mutation.measure(size.mutants, line)
        if "rest" in chosen:
            rest.measure(stage, rounds, size.messages, line)
        if "intake" in chosen:
            intake.measure(stage, rounds, size.messages, size.seconds, line)
        if "drain" in chosen:
            drain.measure(stage, rounds, size.messages, line)
        if {"rest", "intake", "drain"} & set(chosen):
            line("rss_mb", f"{stage.hub.process.peak_mb():.0f}")
        if "portal" in chosen:
            portal.measure(stage, rounds, size.dossiers, line)
        if "soap" in chosen:
            soap.measure(stage, rounds, size.messages, line)


def _sync_us(folder: Path) -> float:
    """What the disk asks for: appending 3 KB to a file and syncing it (fdatasync), the median of 200."""
    took = []
    file = os.open(folder / "sync", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for _ in range(200):
        began = time.perf_counter()
        os.write(file, bytes(3_000))
        os.fdatasync(file)
        took.append(time.perf_counter() - began)
    os.close(file)
    return statistics.median(took) * 1e6


if __name__ == "__main__":
    main()
