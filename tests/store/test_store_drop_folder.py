"""A drop folder in front of either database: what was read once is known, whoever reads it and in whatever file."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from files.parts import Drop, lines, record, running
from flow.parts import until


@pytest.fixture
def drop(empty: Any, tmp_path: Path) -> Drop:
    """A drop folder whose hub keeps all in the test's database."""
    made = Drop(tmp_path)
    config = yaml.safe_load((made.home / "config.yaml").read_text(encoding="utf-8"))
    made.write("config.yaml", yaml.safe_dump({**config, "store": {"url": empty.url}}))
    return made


def _arrivals(empty: Any) -> Callable[[], list[tuple[str, str]]]:
    """(code and state, place) of the arrivals, each dossier's in their order."""

    def look() -> list[tuple[str, str]]:
        rows = empty.sql(
            "select b.content, a.position from arrivals a join bodies b on b.id = a.id join dossiers d on d.id = a.dossier_id "
            "order by d.created_at, d.id, a.ordinal"
        )
        said = [(json.loads(bytes(content)), position) for content, position in rows]
        return [(f"{one['code']}{one['state']}", position) for one, position in said]

    return look


async def test_the_same_file_twice_and_a_hub_that_begins_again(drop: Drop, empty: Any) -> None:
    """The same records under another name, before and after a restart, with one more at the end: only that is new."""
    arrivals = _arrivals(empty)
    told = [record("1"), record("1", "B"), record("1"), record("2", name="Bưởi")]
    async with running(drop):
        drop.put("a.jsonl", lines(*told))
        await drop.read("a.jsonl")
        first = arrivals()
        drop.put("a.jsonl", lines(*told))
        await drop.read("a.jsonl")
        drop.put("b.jsonl", lines(*told))
        await drop.read("b.jsonl")
    assert first == [("1A", "a.jsonl:1"), ("1B", "a.jsonl:2"), ("1A", "a.jsonl:3"), ("2A", "a.jsonl:4")]
    assert arrivals() == first
    drop.put("c.jsonl", lines(*told, record("1", "B")))
    async with running(drop):
        await drop.read("c.jsonl")
    await until(lambda: drop.left() == [])
    assert arrivals() == [*first[:3], ("1B", "c.jsonl:5"), first[3]]
    assert drop.names("done") == ["a.1.jsonl", "a.jsonl", "b.jsonl", "c.jsonl"]


async def test_an_id_of_the_record_counts_in_whatever_file(drop: Drop, empty: Any) -> None:
    """Another message under it is refused, the same one is known, and the next record arrives."""
    async with running(drop):
        drop.put("a.jsonl", lines(record("1", id="x")))
        await drop.read("a.jsonl")
        drop.put("b.jsonl", lines(record("1", id="x"), record("1", "B", id="x"), record("1", "B", id="y")))
        await drop.read("b.jsonl")
    assert _arrivals(empty)() == [("1A", "a.jsonl:1"), ("1B", "b.jsonl:3")]
    assert drop.codes("b.jsonl.errors.json") == [(2, 2, [("/id", "id_conflict")])]
