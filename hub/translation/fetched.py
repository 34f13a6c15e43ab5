"""Writes a code table that was fetched from a partner: a new dated version, older ones stay as they were."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

import yaml

from hub.durable import write_whole
from hub.errors import BadConfig, Problem
from hub.message import SchemaRef


def write_fetched_table(
    home: Path, table: str, columns: Sequence[str], rows: Mapping[str, Mapping[str, str]], source: str, at: datetime
) -> Path:
    """Writes ``mappings/tables/<id>/<major>.<yyyymmdd>.<n>.yaml`` and gives its path once it is on disk.

    ``table`` is ``id@major``, ``rows`` is key → column → value, ``source`` the endpoint, ``at`` a time with zone.
    Raises BadConfig when a row lacks a column: nothing is made up for it.
    """
    ref = SchemaRef.parse(table)
    if "." in ref.version:
        raise BadConfig([Problem(table, "bad_reference", "a fetched table is named id@major", f"write {ref.id}@1")])
    if at.tzinfo is None:
        raise ValueError("the time of fetching needs a zone")
    problems = [
        Problem(f"{table}.{column}", "missing", f"row {number} of the fetched table has no {column}", f"ask {source}")
        for number, values in enumerate(rows.values(), 1)
        for column in columns
        if not isinstance(values.get(column), str)
    ]
    if problems:
        raise BadConfig(problems)
    folder = home / "mappings" / "tables" / ref.id
    folder.mkdir(parents=True, exist_ok=True)
    day = f"{ref.version}.{at:%Y%m%d}"
    numbers = [path.name.split(".")[2] for path in folder.glob(f"{day}.*.yaml")]
    version = f"{day}.{max((int(number) for number in numbers if number.isdecimal()), default=-1) + 1}"
    lines = [
        f"table: {ref.id}",
        f"version: {version}",
        f"summary: Fetched from {source}; a later fetch adds a version of its own.",
        "key: [code]",
        f"columns: [{', '.join(columns)}]",
        f"fetched: {{ from: {quoted(source)}, at: {quoted(at.isoformat(timespec='seconds'))} }}",
        "rows:" if rows else "rows: []",
    ]
    cells = [(code, *(values[column] for column in columns)) for code, values in sorted(rows.items())]
    lines += [f"  - [{', '.join(map(quoted, row))}]" for row in cells]
    target = folder / f"{version}.yaml"
    write_whole(target, ("\n".join(lines) + "\n").encode())
    return target


def quoted(text: str) -> str:
    """The text as a YAML scalar in quotes, on one line."""
    dumped: str = yaml.safe_dump(text, default_style='"', allow_unicode=True, width=10**9)
    return dumped.strip()
