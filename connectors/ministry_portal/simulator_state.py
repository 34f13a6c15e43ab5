"""The simulated ministry portal's memory: codes issued, files, dossiers, steps, states and the feed, on disk at once.

The file is JSON lines, one line per accepted call, appended in one write: a SIGKILL loses nothing that was answered, and a
line cut off by one was never answered and is dropped at the next start. Of an uploaded file only size and hash are kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from hub.testing.journal import Journal

Kind = Literal["issued", "uploaded", "created", "progress", "status", "fed", "file"]


@dataclass(frozen=True, slots=True)
class Effect:
    """One thing that an accepted call does. ``code``: the dossier's, or the id of a file; ``object``: what came or was made."""

    kind: Kind
    code: str
    object: dict[str, Any]


@dataclass(slots=True)
class Record:
    """What the portal holds of one dossier: ``id`` is its idHoSo, ``object`` as it was created."""

    id: str | int
    object: dict[str, Any]
    progress: list[dict[str, Any]] = field(default_factory=list)
    status: list[dict[str, Any]] = field(default_factory=list)

    @property
    def state(self) -> int | None:
        """The newest TrangThai it was told; None before the first."""
        return self.status[-1]["TrangThai"] if self.status else None


class MinistryMemory:
    """Everything in order of effect. One process at a time may hold a state file; raises BadConfig if held or damaged."""

    def __init__(self, state_file: Path | None = None) -> None:
        self.issued: dict[str, dict[str, Any]] = {}
        """Every code that was issued → what it was asked for (``for``), its ``agency``, ``day`` and ``serial``."""
        self.dossiers: dict[str, Record] = {}
        self.uploads: dict[str, dict[str, Any]] = {}
        """IdTepTin → ``size``, ``sha256`` (hex), ``hash`` as it was told, ``media_type``."""
        self.feed: list[dict[str, Any]] = []
        self.files: dict[str, dict[str, Any]] = {}
        """Result files by id: ``size``, ``seed``, ``media_type``, ``sha256``."""
        self._serials: dict[tuple[str, str], int] = {}
        self._journal: Journal | None = None
        if state_file is not None:
            self._journal = Journal(state_file, self._replay, "an empty portal")

    def close(self) -> None:
        """Lets the state file go; the memory can still be read."""
        if self._journal is not None:
            self._journal.close()
            self._journal = None

    def last_serial(self, agency: str, day: str) -> int | None:
        """The newest serial of an agency's day (yyyyMMdd); None before the first."""
        return self._serials.get((agency, day))

    def commit(self, effects: Sequence[Effect]) -> None:
        """Takes effects over, all or none: to the file, then to the memory. OSError: nothing happened."""
        if not effects:
            return
        if self._journal is not None:
            self._journal.append(effects)
        self._apply(effects)

    def _replay(self, line: Sequence[Mapping[str, Any]]) -> None:
        try:
            self._apply([Effect(**effect) for effect in line])
        except KeyError as error:
            raise TypeError(f"no such dossier: {error}") from error

    def _apply(self, effects: Sequence[Effect]) -> None:
        for effect in effects:
            match effect.kind:
                case "issued":
                    self.issued[effect.code] = effect.object
                    self._serials[effect.object["agency"], effect.object["day"]] = effect.object["serial"]
                case "uploaded":
                    self.uploads[effect.code] = effect.object
                case "created":
                    self.dossiers[effect.code] = Record(effect.object["id"], effect.object["object"])
                case "progress":
                    self.dossiers[effect.code].progress.append(effect.object)
                case "status":
                    self.dossiers[effect.code].status.append(effect.object)
                case "fed":
                    self.feed.append(effect.object)
                case "file":
                    self.files[effect.code] = effect.object
                case _:
                    raise TypeError(f"unknown kind {effect.kind!r}")

    def as_dict(self) -> Mapping[str, Any]:
        """All: issued, uploads, files by id; dossiers by code with id, object, progress, status; feed in order."""
        dossiers = {
            code: {"id": one.id, "object": one.object, "progress": one.progress, "status": one.status}
            for code, one in self.dossiers.items()
        }
        return {
            "issued": self.issued, "dossiers": dossiers, "uploads": self.uploads, "feed": self.feed, "files": self.files
        }  # fmt: skip
