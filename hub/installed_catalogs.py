"""The catalogs that installed packages bring: schemas and mappings that lie beside the connector they are for."""

from __future__ import annotations

from functools import cache
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path

from hub.errors import BadConfig, Problem

GROUP = "hub.catalogs"


@cache
def installed_catalogs() -> tuple[Path, ...]:
    """Folders with schemas/ and mappings/: entry points ``hub.catalogs``, a name of their own → the Python package in whose
    folder the two lie. Nothing of it is imported. Raises BadConfig for one that is not there."""
    folders: list[Path] = []
    for entry in sorted(entry_points(group=GROUP), key=lambda one: one.name):
        try:
            found = find_spec(entry.value)
        except ImportError:
            found = None
        if found is None or not found.submodule_search_locations:
            text = f"the catalog {entry.name} (entry point group {GROUP}) names no package: {entry.value}"
            raise BadConfig([Problem("catalog", "no_catalog_package", text, "install that package again, or take it away")])
        folders.append(Path(found.submodule_search_locations[0]))
    return tuple(folders)
