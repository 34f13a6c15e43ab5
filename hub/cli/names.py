"""The names that stand in a home's config.yaml and catalog, found cheaply: for completion, which never fails, and files."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from hub.config import Home


def _completer(find: Callable[[Home], Iterable[str]]) -> Callable[[typer.Context, str], list[str]]:
    def complete(context: typer.Context, incomplete: str) -> list[str]:
        try:
            from hub.config import load_home

            home = load_home(Path(context.find_root().params.get("home") or "."), partners=False)
            return sorted(name for name in find(home) if name.startswith(incomplete))
        except Exception:  # a broken home completes nothing; `hub check` says why
            return []

    return complete


_NAMED = re.compile(r"[a-z0-9][a-z0-9-]*@\d+\.\d+\.\d+", re.ASCII)
SCHEMAS = ("schemas/*/*.json", "schemas/*/*.wsdl", "schemas/*/*.xsd")
CATALOG = (*SCHEMAS, "mappings/*/*.yaml", "mappings/tables/*/*.yaml")


def files(home: Home, patterns: Sequence[str]) -> dict[str, Path]:
    """``id@version`` of files of the catalog, by their names alone; of two with one name the first layer's."""
    found = [path for layer in reversed(home.layers) for pattern in patterns for path in sorted(layer.glob(pattern))]
    named = {f"{path.parent.name}@{path.stem}": path for path in found}
    return {name: path for name, path in named.items() if _NAMED.fullmatch(name)}


endpoint_names = _completer(lambda home: home.config.endpoints)
route_names = _completer(lambda home: home.config.routes)
source_ids = _completer(lambda home: [one.schema_ for one in home.config.sources])
schema_ids = _completer(lambda home: files(home, SCHEMAS))
catalog_ids = _completer(lambda home: files(home, CATALOG))


def connector_names(incomplete: str) -> list[str]:
    """The installed connectors."""
    from hub.connector import installed_connectors

    return [name for name in installed_connectors() if name.startswith(incomplete)]


def simulator_names(incomplete: str) -> list[str]:
    """The installed simulators."""
    from importlib.metadata import entry_points

    return sorted(entry.name for entry in entry_points(group="hub.simulators") if entry.name.startswith(incomplete))
