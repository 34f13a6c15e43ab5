"""The mapping step alone: sixty rules as compiled, against the same work written by hand (by_hand.py, frozen)."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from benchmarks.by_hand import by_hand
from benchmarks.figures import Print, median
from benchmarks.mapping_records import records
from benchmarks.processes import ROOT
from hub.translation import Catalog, Chain
from hub.translation.mapping import Each, When, all_rules

RECORDS = 500


def chain() -> Chain:
    """The mapping of sixty rules, from this folder's own hub home."""
    return Catalog.load((ROOT / "benchmarks" / "home",)).chain("bench-record@1", "bench-dossier@1")


def rules(of: Chain) -> int:
    """How many values the mapping sets; ``when`` and ``each`` are not counted themselves."""
    return sum(not isinstance(rule.source, When | Each) for rule in all_rules(of.steps[0].mapping.rules))


def measure(rounds: int, passes: int, say: Print) -> None:
    """mapping_us and by_hand_us (a record, CPU), mapping_ratio; translate_us with the target schema's validation."""
    made = records(RECORDS)
    way = chain()
    run = way.steps[0].run
    for record in made:
        if run(record, [], []) != by_hand(record):
            raise RuntimeError("the mapping and its twin by hand do not agree")
    works: tuple[Callable[[dict[str, Any]], Any], ...] = (lambda record: run(record, [], []), by_hand, way.translate)
    took: list[list[float]] = []
    for _ in range(rounds):
        seconds = [0.0, 0.0, 0.0]
        for _ in range(passes):  # in turn within a round, so that a busy machine is busy for all three
            for number, work in enumerate(works):
                seconds[number] += _seconds(work, made)
        took.append([one / passes / len(made) * 1e6 for one in seconds])
    say("mapping_rules", str(rules(way)))
    median(say, "mapping_us", [mapping for mapping, _, _ in took], 2)
    median(say, "mapping_ratio", [mapping / hand for mapping, hand, _ in took], 2)
    median(say, "by_hand_us", [hand for _, hand, _ in took], 2)
    median(say, "translate_us", [whole for _, _, whole in took], 2)


def _seconds(work: Callable[[dict[str, Any]], Any], made: list[dict[str, Any]]) -> float:
    """CPU time of this process for all records, once."""
    began = time.process_time()
    for record in made:
        work(record)
    return time.process_time() - began
