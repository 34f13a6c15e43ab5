"""Many hubs of the tests have the same schemas and mappings: a process reads and compiles each such set once, and a test run
lints it once.

What was found is known by every byte and name of the files (the lock too), so a home that differs in anything is read anew.
The catalog's own tests call it themselves, and a command that starts as its users start it is never answered from here.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

from warm_hub import FOLDER

import hub.assembly
import hub.testing.rehearsal
from hub.assembly import fetched_tables
from hub.config import PACKAGED
from hub.connector import installed_connectors, load_connector
from hub.errors import Problem
from hub.translation import Catalog, CodeTable
from hub.translation.lint import lint_catalog

_READ: dict[str, tuple[Catalog, list[Problem]]] = {}
_FOUND: dict[str, list[Problem]] = {}
_KEYS = "_known_as"
_FETCHED = re.compile(rb'(?<=, at: ")[0-9T:+-]{25}(?=" }$)', re.MULTILINE)
"""In a table that `hub catalog refresh` wrote, and nothing that its rows could say."""


def _files(layer: Path) -> Iterator[Path]:
    """OSError where a link leads to a folder: what lies there is read and is not found by looking."""
    for name in ("schemas", "mappings"):
        for path in sorted((layer / name).rglob("*")):
            if not path.is_dir():
                yield path
            elif path.is_symlink():
                raise OSError("a folder behind a link")


def _key(layers: Sequence[Path], tables: Mapping[str, Sequence[str]]) -> tuple[str, dict[str, str]]:
    """Of everything that reading these layers may look at, but the second at which a table was fetched; the hash of each such
    table, by its name. OSError when a file cannot be read, or may be overlooked."""
    fetched: dict[str, str] = {}
    told = hashlib.sha256(repr(sorted((name, tuple(columns)) for name, columns in tables.items())).encode())
    for index, layer in enumerate(layers):
        told.update(repr((index, layer.name if index else "")).encode())
        for path in _files(layer):
            content = path.read_bytes()
            if when := _FETCHED.search(content):
                fetched.setdefault(f"{path.parent.name}@{path.stem}", hashlib.sha256(content).hexdigest())
                content = content[: when.start()] + content[when.end() :]
            told.update(repr((path.relative_to(layer).as_posix(), len(content))).encode())
            told.update(content)
    return told.hexdigest(), fetched


def read(
    layers: Sequence[Path], fetched_tables: Mapping[str, Sequence[str]] | None = None, keys: Mapping[str, str] | None = None
) -> tuple[Catalog, list[Problem]]:
    """As ``Catalog.read``: a catalog of its own, whose parts may be those of an earlier one."""
    try:
        key, fetched = _key(layers, fetched_tables or {})
    except OSError:
        return Catalog.read(layers, fetched_tables, keys)
    key += repr(None) if keys is None else repr(sorted(keys.items()))
    if key not in _READ:
        _READ[key] = Catalog.read(layers, fetched_tables, keys)
    known, problems = _READ[key]

    def own(table: CodeTable) -> CodeTable:
        return replace(table, sha256=fetched.get(str(table.ref), table.sha256)) if table.fetched else table

    made = replace(
        known,
        _schemas=dict(known._schemas),
        _tables={ref: own(table) for ref, table in known._tables.items()},
        _mappings=dict(known._mappings),
        _steps={
            ref: tuple(replace(step, tables=tuple(map(own, step.tables))) for step in steps)
            for ref, steps in known._steps.items()
        },
        _chains={},
        _found={},
    )
    setattr(made, _KEYS, key)
    return made, list(problems)


def lint(catalog: Catalog) -> list[Problem]:
    """As ``lint_catalog``."""
    key = getattr(catalog, _KEYS, None)
    if key is None:
        return lint_catalog(catalog)
    if key not in _FOUND:
        _FOUND[key] = _found_in_this_run(key, catalog)
    return list(_FOUND[key])


def _found_in_this_run(key: str, catalog: Catalog) -> list[Problem]:
    """What the first of the run's processes to lint this catalog found."""
    if FOLDER not in os.environ:
        return lint_catalog(catalog)
    file = Path(os.environ[FOLDER], f"lint-{hashlib.sha256(key.encode()).hexdigest()}")
    if file.is_file():
        known: list[Problem] = pickle.loads(file.read_bytes())
        return known
    found = lint_catalog(catalog)
    whole = file.with_suffix(f".{os.getpid()}")
    whole.write_bytes(pickle.dumps(found))
    whole.replace(file)
    return found


def prepare(home: Path) -> None:
    """Know what this home has, if it has only what came with the hub beside its own."""
    tables = fetched_tables(load_connector(name) for name in installed_connectors())
    catalog, _ = read((home, PACKAGED), tables, {})  # a home without keys: what `_fitted` asks for
    lint(catalog)


def install() -> None:
    """From now on, for every home that this process, or one forked from it, puts together."""
    for where in (hub.assembly, hub.testing.rehearsal):
        setattr(where, "Catalog", SimpleNamespace(read=read))  # noqa: B010
    setattr(hub.assembly, "lint_catalog", lint)  # noqa: B010
