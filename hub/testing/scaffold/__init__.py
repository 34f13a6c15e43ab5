"""Writes a connector of one's own: a package made of the templates beside this module, which works as it is.

A template's name ends in ``.template``; ``PACKAGE`` and ``NAME`` in its path, and ``$name``, ``$package``, ``$class_name`` and
``$title`` in its text, become those of the new connector. ``common`` is for every kind; what a kind has of the same name wins.
"""

from __future__ import annotations

import keyword
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from string import Template

from hub.connector import installed_connectors
from hub.errors import BadConfig, Problem

HERE = Path(__file__).parent
KINDS = ("rest", "soap", "poll", "listener")
_SUFFIX = ".template"
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_LONGEST = 24


@dataclass(frozen=True, slots=True)
class Names:
    """What a new connector is called: ``land-registry``, ``land_registry``, ``LandRegistry``, ``land registry``."""

    name: str
    package: str
    class_name: str
    title: str

    @classmethod
    def of(cls, name: str) -> Names:
        """Raises BadConfig for a name that cannot be one, or that an installed connector has."""
        if not _NAME.fullmatch(name) or len(name) > _LONGEST or keyword.iskeyword(name):
            text, hint = "a connector is not named so", "lower-case letters, digits and single hyphens: land-registry"
            raise BadConfig([Problem("NAME", "bad_name", text, hint)])
        if name in installed_connectors():
            text = f"a connector named {name} is installed already"
            raise BadConfig([Problem("NAME", "name_taken", text, "choose another name, or uninstall that one")])
        words = name.split("-")
        package = "_".join(words)
        if package in ("hub", "connectors", "tests"):
            raise BadConfig([Problem("NAME", "name_taken", "the hub itself has a package of that name", "choose another")])
        return cls(name, package, "".join(word.capitalize() for word in words), " ".join(words))


def write(names: Names, kind: str, folder: Path) -> list[str]:
    """Write the package into the folder; the names of its files."""
    found = {path.relative_to(HERE / layer): path for layer in ("common", kind) for path in _templates(HERE / layer)}
    written = []
    for relative, path in sorted(found.items()):
        where = str(relative).removesuffix(_SUFFIX).replace("PACKAGE", names.package).replace("NAME", names.name)
        target = folder / where
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(Template(path.read_text(encoding="utf-8")).substitute(asdict(names)), encoding="utf-8")
        if target.parent.name == "secrets":
            target.parent.chmod(0o700)
            target.chmod(0o600)
        written.append(where)
    return written


def _templates(layer: Path) -> list[Path]:
    return [path for path in layer.rglob(f"*{_SUFFIX}") if path.is_file()]
