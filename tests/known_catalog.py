"""Many hubs of the tests have the same schemas and mappings: a process reads, compiles and lints each such set once.

What was found is known by every byte and name of the files (the lock too), so a home that differs in anything is read anew.
The catalog's own tests call it themselves, and a command that starts as its users start it is never answered from here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import hub.assembly
from hub.assembly import fetched_tables
from hub.config import PACKAGED
from hub.connector import installed_connectors, load_connector
from hub.errors import Problem
from hub.translation import Catalog
from hub.translation.lint import lint_catalog

_READ: dict[str, tuple[Catalog, list[Problem]]] = {}
_FOUND: dict[str, list[Problem]] = {}
_KEYS = "_known_as"


def _files(layer: Path) -> Iterator[Path]:
    for name in ("schemas", "mappings"):
        yield from sorted(path for path in (layer / name).rglob("*") if not path.is_dir())


def _key(layers: Sequence[Path], tables: Mapping[str, Sequence[str]]) -> str:
    """Of everything that reading these layers may look at. OSError when a file cannot be read."""
    told = hashlib.sha256(repr(sorted((name, tuple(columns)) for name, columns in tables.items())).encode())
    for index, layer in enumerate(layers):
        told.update(repr((index, layer.name if index else "")).encode())
        for path in _files(layer):
            content = path.read_bytes()
            told.update(repr((path.relative_to(layer).as_posix(), len(content))).encode())
            told.update(content)
    return told.hexdigest()


def read(
    layers: Sequence[Path], fetched_tables: Mapping[str, Sequence[str]] | None = None, keys: Mapping[str, str] | None = None
) -> tuple[Catalog, list[Problem]]:
    """As ``Catalog.read``: a catalog of its own, whose parts may be those of an earlier one."""
    try:
        key = _key(layers, fetched_tables or {}) + (repr(None) if keys is None else repr(sorted(keys.items())))
    except OSError:
        return Catalog.read(layers, fetched_tables, keys)
    if key not in _READ:
        _READ[key] = Catalog.read(layers, fetched_tables, keys)
    known, problems = _READ[key]
    made = replace(
        known,
        _schemas=dict(known._schemas),
        _tables=dict(known._tables),
        _mappings=dict(known._mappings),
        _steps=dict(known._steps),
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
        _FOUND[key] = lint_catalog(catalog)
    return list(_FOUND[key])


def prepare(home: Path) -> None:
    """Know what this home has, if it has only what came with the hub beside its own."""
    tables = fetched_tables(load_connector(name) for name in installed_connectors())
    catalog, _ = read((home, PACKAGED), tables, {})  # a home without keys: what `_fitted` asks for
    lint(catalog)


def install() -> None:
    """From now on, for every home that this process, or one forked from it, puts together."""
    setattr(hub.assembly, "Catalog", SimpleNamespace(read=read))  # noqa: B010
    setattr(hub.assembly, "lint_catalog", lint)  # noqa: B010
