"""The simulated platform's memory: which messages it carried on to a provider, as a security server keeps them; no bodies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from hub.testing.journal import Journal


@dataclass(frozen=True, slots=True)
class Carried:
    """One message on its way: ``door`` is rest, soap, adapter or gateway; ``client`` and ``id`` are X-Road's."""

    at: str
    door: str
    service: str
    client: str = ""
    id: str = ""


class MessageLog:
    """Every message in order, on disk before the provider sees it. One process at a time may hold a state file; raises
    BadConfig if it is held or damaged."""

    def __init__(self, state_file: Path | None = None) -> None:
        self._carried: list[Carried] = []
        self._journal: Journal | None = None
        if state_file is not None:
            self._journal = Journal(state_file, lambda line: self._carried.append(Carried(**line)), "an empty log")

    def close(self) -> None:
        """Lets the state file go; the log can still be read."""
        if self._journal is not None:
            self._journal.close()
            self._journal = None

    def add(self, carried: Carried) -> None:
        """Keeps one message: in the file, then in memory. OSError: nothing happened."""
        if self._journal is not None:
            self._journal.append(carried)
        self._carried.append(carried)

    def as_list(self) -> list[Mapping[str, Any]]:
        """All messages as JSON values, oldest first."""
        return [{"seq": seq, **asdict(carried)} for seq, carried in enumerate(self._carried, 1)]
