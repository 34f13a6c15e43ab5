"""Do the tests inside the shipped mappings notice a mistake? Every mutant that they let pass is a missing example.

``python -m benchmarks mutation`` prints the survivors by name (on stderr) and the share that was caught.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

from benchmarks.figures import Print
from benchmarks.mutants import Mutant, mutants
from benchmarks.processes import ROOT
from hub.errors import BadConfig
from hub.translation import Catalog
from hub.translation.mapping import Mapping
from hub.translation.mapping_tests import run_test, run_tests

FETCHED = {"npsp-procedures@1": ("name", "field_code", "field_name")}
"""What a running hub fetches from the portal; the tests inside the mappings bring rows of their own."""


def shipped() -> Catalog:
    """The schemas, tables and mappings that come with the hub."""
    return Catalog.load((ROOT,), FETCHED)


def caught(catalog: Catalog, mapping: Mapping, mutant: Mutant) -> bool:
    """Does one of the mapping's own tests fail, or does the hub refuse the file?"""
    try:
        wrong = mutant.of(mapping)
    except BadConfig:
        return True
    return any(True for test in wrong.tests for _ in run_test(catalog, wrong, test))


def every(catalog: Catalog, only: str = "") -> Iterator[tuple[Mapping, Mutant]]:
    """The mutants of all mappings, or of those of one id."""
    for mapping in catalog.mappings():
        if only in ("", mapping.ref.id):
            for mutant in mutants(mapping, catalog.steps(mapping.ref)[0].source):
                yield mapping, mutant


def measure(one_of: int, say: Print) -> None:
    """mutation_caught_pct of every mutant, or of one of so many; mutation_mutants is their number."""
    catalog = shipped()
    tried = list(every(catalog))[::one_of]
    for mapping in {mapping.ref: mapping for mapping, _ in tried}.values():
        if wrong := run_tests(catalog, mapping):
            raise RuntimeError(f"without any mistake the tests must hold: {wrong[0]}")
    survivors = [mutant for mapping, mutant in tried if not caught(catalog, mapping, mutant)]
    for survivor in survivors:
        print(f"survived: {survivor}", file=sys.stderr, flush=True)
    say("mutation_mutants", str(len(tried)))
    say("mutation_caught_pct", f"{100 * (1 - len(survivors) / len(tried)):.1f}")
