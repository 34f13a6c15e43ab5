"""References in config.yaml (``${env:…}``, ``${file:…}``) that have no value here, and which of them a rehearsal needs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from hub.config import Home, load_home
from hub.errors import Problem

_REPLACED = ("store", "server", "log", "clients", "retention")
"""Sections of config.yaml of which a rehearsal takes little or nothing."""


class References:
    """Those without a value, by the place where they stand."""

    def __init__(self) -> None:
        self._problems: list[Problem] = []

    def load(self, folder: Path) -> Home:
        """The home, whatever has no value. Raises BadConfig."""
        return load_home(folder, unresolved=self._problems)

    def needed(self) -> list[Problem]:
        """Those that stand neither in what a rehearsal replaces as a whole nor in the settings of an endpoint."""
        placed = [(one.at.split("."), one) for one in self._problems]
        settings = ("endpoints", "settings")
        return [one for at, one in placed if at[0] not in _REPLACED and (at[0], *at[2:3]) != settings]

    def written(self, settings: Mapping[str, Any], under: str) -> dict[str, Any]:
        """The settings that stand under this place, with None for each value that is not there."""
        blank = {one.at for one in self._problems}
        return {name: _without(one, f"{under}.{name}", blank) for name, one in settings.items()}

    def blank_in(self, under: str) -> set[str]:
        """The places under this one where a value is not there."""
        return {one.at for one in self._problems if one.at.startswith(f"{under}.")}

    def needed_in(self, settings: Mapping[str, Any], under: str) -> list[Problem]:
        """Those that are still None in settings that came of ``written``."""
        left = {at for at, value in _leaves(settings, under) if value is None}
        return [one for one in self._problems if one.at in left]


def _without(value: Any, at: str, blank: set[str]) -> Any:
    if isinstance(value, dict):
        return {name: _without(one, f"{at}.{name}", blank) for name, one in value.items()}
    if isinstance(value, list):
        return [_without(one, f"{at}.{index}", blank) for index, one in enumerate(value)]
    return None if at in blank else value


def _leaves(value: Any, at: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for name, one in value.items():
            yield from _leaves(one, f"{at}.{name}")
    elif isinstance(value, list | tuple):
        for index, one in enumerate(value):
            yield from _leaves(one, f"{at}.{index}")
    else:
        yield at, value
