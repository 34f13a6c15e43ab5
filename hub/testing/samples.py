"""How a connector that reads files shows, in a rehearsal, how it would read a sample by the settings of its endpoint."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from hub.config import HubConfig
from hub.connector import Connector, load_connector
from hub.errors import BadConfig

Settings = Mapping[str, Any]
Told = tuple[str, int | None, list[dict[str, Any]]]


class SampleFolder(Protocol):
    """How a connector reads a sample that lies in a folder by the settings of its endpoint (``Connector.sample``)."""

    settings: Settings
    """The endpoint's, but for where files lie and how long they are waited for."""
    inbox: Path
    """Where a copy of the sample is put; a file that was read to its end goes away from here."""

    def takes(self, name: str) -> bool:
        """Whether a file of this name would be read."""

    def failures(self) -> Iterator[Told]:
        """File, number of the record (None: the file as a whole) and problems of all that did not arrive."""


def sample_of(connector: type[Connector[Any]], settings: Settings, folder: Path) -> SampleFolder | None:
    """How the connector reads samples below the folder, by these settings; None when it reads none."""
    make: Callable[[Settings, Path], SampleFolder | None] | None = getattr(connector, "sample", None)
    return None if make is None else make(settings, folder)


def readers_of(config: HubConfig) -> list[str]:
    """The endpoints that can read a sample. What is wrong with any of them is said when the stage is set."""
    found: list[str] = []
    for name, one in config.endpoints.items():
        with suppress(BadConfig):
            if sample_of(load_connector(one.connector), one.settings, Path()) is not None:
                found.append(name)
    return found
