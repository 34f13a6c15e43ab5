"""A sample read as the endpoint would read it: the same form of files, from a folder of its own, at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from connectors.files.folder import ERRORS, may_be_read

_POLL = 0.05


@dataclass(frozen=True, slots=True)
class SampleFolder:
    """Implements ``hub.testing.samples.SampleFolder``."""

    settings: Mapping[str, Any]
    inbox: Path
    failed: Path
    pattern: str

    def takes(self, name: str) -> bool:
        """Whether a file of this name would be read."""
        return may_be_read(name, self.pattern)

    def failures(self) -> Iterator[tuple[str, int | None, list[dict[str, Any]]]]:
        """File, number of the record (None: the file as a whole) and problems of all that did not arrive."""
        for path in sorted(self.failed.glob(f"*{ERRORS}")):
            for one in (one for one in orjson.loads(path.read_bytes()) if not one.get("kept")):
                yield path.name.removesuffix(ERRORS), one["record"], one["problems"]


def sample_folder(settings: Mapping[str, Any], folder: Path) -> SampleFolder | None:
    """Folders for a sample below ``folder``, and the settings that lead there; None if the endpoint reads nothing."""
    read = settings.get("read")
    if not isinstance(read, Mapping):
        return None
    inbox, done, failed = (folder / name for name in ("in", "done", "failed"))
    here = {"folder": str(inbox), "done": str(done), "failed": str(failed), "settle": 0, "poll": _POLL}
    own = {name: value for name, value in settings.items() if name != "sftp"} | {"read": {**read, **here}}
    return SampleFolder(own, inbox, failed, str(read.get("pattern") or "*"))
