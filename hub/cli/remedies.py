"""What to do when the store cannot be used: one sentence for each reason."""

from __future__ import annotations

import re

_PASSWORD = re.compile(r"(?<=[^/:]):[^/@]*(?=@)")
STORE_REMEDIES = {
    "disk_full": "its disk is full; free some space there, nothing acknowledged is lost",
    "io_error": "its disk answers with errors; look at the disk before anything else",
    "locked": "somebody else holds it for long (a backup, a copy, a forgotten transaction); try again when that ended",
    "corrupt": "it is no readable database; keep the file, and bring back a backup",
    "read_only": "it may only be read; see who owns the file and how its disk is mounted",
    "in_use": "another hub runs on it; one hub a store: stop that one first",
    "newer": "a newer version of the hub wrote it; use that version",
    "gone": "it is not there or may not be opened; see `store.url` in config.yaml, the folder and its rights, the server",
}


def remedy(reason: str, store_url: str) -> str:
    """Which store it is, as a file or an address without its password, and what to do about it."""
    store = _PASSWORD.sub("", store_url.removeprefix("sqlite:///"))
    return f"{store}: {STORE_REMEDIES.get(reason, 'see that it is there and answers, then try again')}"
