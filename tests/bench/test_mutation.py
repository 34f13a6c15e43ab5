"""The mutation run: its mutators are those of the paper, what it calls caught is noticed by a test, and it can miss."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from benchmarks import catalog_load
from benchmarks.mutants import Mutant
from benchmarks.mutation import caught, every, shipped
from benchmarks.processes import ROOT
from hub.translation import Catalog
from hub.translation.lint import lint_catalog
from hub.translation.mapping import Mapping

PAPER = (ROOT / "docs" / "mutation.md").read_text(encoding="utf-8")
Mutants = list[tuple[Mapping, Mutant]]


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return shipped()


@pytest.fixture(scope="module")
def made(catalog: Catalog) -> Mutants:
    return list(every(catalog))


def test_the_paper_lists_each_mutator_and_no_other(made: Mutants) -> None:
    listed = re.findall(r"^\| `([^`:]+)` \|", PAPER, re.M)
    assert sorted(listed) == sorted({mutant.mutator for _, mutant in made})


def test_one_mutant_of_each_mutator_is_caught_and_survives_where_the_mapping_has_no_test(
    catalog: Catalog, made: Mutants
) -> None:
    """The tests notice it, not the machinery: without them nothing does."""
    for mapping, mutant in {mutant.mutator: (mapping, mutant) for mapping, mutant in made}.values():
        assert mutant.where.startswith(f"mappings/{mapping.ref.id}/{mapping.ref.version}.yaml:")
        wrong = mutant.of(mapping)
        assert (wrong.conditions, wrong.tables, wrong.rules) != (mapping.conditions, mapping.tables, mapping.rules), mutant
        assert caught(catalog, mapping, mutant), mutant
        assert not caught(catalog, replace(mapping, tests=()), mutant), mutant


def test_what_the_paper_calls_equivalent_is_still_there_and_survives(catalog: Catalog, made: Mutants) -> None:
    """In every version of the mapping that has the rule: a mutant that some example does notice has no place in the list."""
    listed = re.findall(r"^\| ([a-z0-9-]+) \| `([^`]+)` \|", PAPER, re.M)
    assert listed
    for name, mistake in listed:
        found = [(m, one) for m, one in made if m.ref.id == name and f"{one.mutator}: {one.place}" == mistake]
        assert found, mistake
        assert [str(one) for m, one in found if caught(catalog, m, one)] == []


def test_the_large_catalog_is_sound(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Its mappings are whole ones, whose tests hold: what is loaded is what a hub would load."""
    folder = tmp_path_factory.mktemp("large")
    catalog_load.large_home(folder, 6, 9)
    loaded = Catalog.load((folder,))
    assert (len(loaded.schemas()), len(loaded.mappings())) == (6, 9)
    assert lint_catalog(loaded) == []
