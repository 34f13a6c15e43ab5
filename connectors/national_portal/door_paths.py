"""Which paths the door stands at, and whether they keep apart from each other and from the hub's own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from hub.errors import Problem

Place = Literal["auth", "share", "integration"]
_OF_THE_HUB = ("v1", "console", "health", "metrics", "docs", "openapi.json")
"""How the paths of the hub itself begin."""


@dataclass(frozen=True, slots=True)
class ArrayPaths:
    """The paths of the variant with bare arrays, below ``path``."""

    path: str

    @property
    def dossiers(self) -> str:
        return f"{self.path}/DongBoHoSoMC"

    @property
    def steps(self) -> str:
        return f"{self.path}/CapNhatTienDoHoSoMC"

    @property
    def procedures(self) -> str:
        return f"{self.path}/LayDanhSachTTHC"

    @property
    def procedure(self) -> str:
        return f"{self.path}/LayThuTuc"

    @property
    def all(self) -> tuple[str, ...]:
        return self.dossiers, self.steps, self.procedures, self.procedure


def forward_paths(paths: Iterable[str], places: Mapping[Place, str]) -> dict[str, frozenset[Place]]:
    """Each path of the portal's own protocol, and what is called there: catalogues and dossiers may share one."""
    found: dict[str, frozenset[Place]] = {}
    for path in paths:
        for place, below in places.items():
            whole = f"{path}/{below.partition('?')[0].strip('/')}"
            found[whole] = found.get(whole, frozenset()) | {place}
    return found


def every(paths: Iterable[str], array_path: str | None, places: Mapping[Place, str]) -> list[str]:
    """All of them."""
    return [*forward_paths(paths, places), *(ArrayPaths(array_path).all if array_path is not None else ())]


def begins_like_the_hub(path: str) -> bool:
    """Whether it would stand among the hub's own paths."""
    return path.split("/")[1:2] != [] and path.split("/")[1] in _OF_THE_HUB


def overlaps(paths: Iterable[str], array_path: str | None, places: Mapping[Place, str]) -> Iterator[Problem]:
    """Paths that are two things at once. Each problem's ``at`` is a setting."""
    own = "give each a path of its own"
    paths = list(paths)
    if len(set(paths)) < len(paths):
        yield Problem("door.paths", "path_taken", "a path stands there twice", own)
    forward = forward_paths(paths, places)
    for path, here in forward.items():
        if "auth" in here and len(here) > 1:
            text = f"{path} would be for signing in and for calls"
            yield Problem("door.paths", "path_taken", text, "auth_endpoint must differ from the other two")
    if array_path is not None and set(ArrayPaths(array_path).all) & forward.keys():
        yield Problem("door.array_path", "path_taken", "a path below it is one of the other variant", own)
    for at, path in [("door.paths", one) for one in paths] + [("door.array_path", array_path or "")]:
        if begins_like_the_hub(path):
            yield Problem(at, "path_taken", f"{path} begins like a path of the hub itself", own)
